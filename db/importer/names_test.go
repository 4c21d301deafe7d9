package importer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// namesOf returns the names, addresses and slugs here by their keys in the old
// system.
func namesOf(t *testing.T, d *db.DB) (users, articles string) {
	t.Helper()
	return text(t, d, `SELECT string_agg(concat_ws(' ', r.key, username, email), ', ' ORDER BY r.key::int) FROM users u JOIN imported_rows r ON r.kind = 'users' AND r.row_id = u.id`),
		text(t, d, `SELECT string_agg(concat_ws(' ', r.key, a.slug, (SELECT string_agg(s.slug, ' ' ORDER BY s.slug) FROM article_slugs s WHERE s.article_id = a.id AND s.slug <> a.slug)), ', ' ORDER BY r.key::int)
			FROM articles a JOIN imported_rows r ON r.kind = 'articles' AND r.row_id = a.id`)
}

// TestCreatedAgain deletes rows of the old system, and creates others with the same
// names.
func TestCreatedAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.users, m.articles = m.users[:2], m.articles[:2]
	m.comments, m.favorites, m.follows = nil, nil, nil
	run(t, d, m)
	again, post := m.users[1], m.articles[1]
	again.Key, post.Key, post.AuthorKey = "7", "7", "7"
	m.users, m.articles = append(m.users[:1:1], again), append(m.articles[:1:1], post)
	require.Empty(t, run(t, d, m, dry).Cases)
	require.Empty(t, run(t, d, m).Cases)
	users, articles := namesOf(t, d)
	require.Equal(t, "1 u1 u1@example.com, 7 u2 u2@example.com", users)
	require.Equal(t, "1 a-1, 7 a-2", articles)
}

// TestExchanged gives the names of rows to others: in a ring, to one that is new,
// and in the order in which the name is not free yet.
func TestExchanged(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	run(t, d, m)
	u, a := m.users, m.articles
	u[0].Username, u[1].Username, u[2].Username = u[1].Username, u[2].Username, u[0].Username
	u[0].Email, u[1].Email = u[1].Email, u[0].Email
	u[3].Username, u[4].Username, u[4].Email = "u5", "fresh", "fresh@example.com"
	a[0].Slug, a[1].Slug, a[2].Slug = a[1].Slug, a[2].Slug, a[0].Slug
	a[3].Slug, a[4].Slug = "a-5", "fresh"
	m.users, m.articles = append(m.users, user(6)), append(m.articles, article(6, 6))
	m.users[5].Username, m.articles[5].Slug = "u4", "a-4"
	require.Empty(t, run(t, d, m, dry).Cases)
	require.Empty(t, run(t, d, m).Cases)
	users, articles := namesOf(t, d)
	require.Equal(t, "1 u2 u2@example.com, 2 u3 u1@example.com, 3 u1 u3@example.com, 4 u5 u4@example.com, 5 fresh fresh@example.com, 6 u4 u6@example.com", users)
	require.Equal(t, "1 a-2, 2 a-3, 3 a-1, 4 a-5, 5 fresh, 6 a-4", articles)
	require.True(t, verify(t, d, m).OK())

	// A slug that an article has had in a run before leads to it, until another
	// one gets it.
	a[4].Slug = "fresher"
	run(t, d, m)
	_, articles = namesOf(t, d)
	require.Contains(t, articles, "5 fresher fresh,")
	a[3].Slug = "fresh"
	require.Empty(t, run(t, d, m).Cases)
	_, articles = namesOf(t, d)
	require.Contains(t, articles, "4 fresh a-5, 5 fresher,")
}

// TestFreeAgain gives rows their own names when those are free, but not to rows
// that have been renamed here since.
func TestFreeAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	for i := 1; i < 4; i++ {
		m.users[i].Username, m.users[i].Email, m.articles[i].Slug = "U1", "U1@example.com", "a-1"
	}
	r := run(t, d, m)
	require.Equal(t, map[importer.Code]int64{importer.UsernameTaken: 3, importer.EmailTaken: 3, importer.SlugTaken: 3}, r.Cases)
	for _, sql := range []string{
		`UPDATE users SET username = 'mine', email = 'mine@example.com' WHERE username = 'U1-2'`,
		`UPDATE articles SET slug = 'mine' WHERE slug = 'a-1-2'`,
		`INSERT INTO article_slugs SELECT 'mine', id FROM articles WHERE slug = 'mine'`,
	} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	require.Zero(t, run(t, d, m).Counts[source.Users].Changed, "they are still taken")
	m.users[0].Username, m.users[0].Email, m.articles[0].Slug = "u0", "u0@example.com", "a-0"
	planned := run(t, d, m, dry)
	r = run(t, d, m)
	require.Equal(t, importer.Counts{Read: 5, Changed: 2, Unchanged: 3}, r.Counts[source.Users])
	require.Equal(t, importer.Counts{Read: 5, Changed: 2, Unchanged: 3}, r.Counts[source.Articles])
	require.Equal(t, int64(1), planned.Counts[source.Users].Changed, "a dry run has not renamed the first one")
	users, articles := namesOf(t, d)
	require.Equal(t, "1 u0 u0@example.com, 2 mine mine@example.com, 3 U1 U1@example.com, 4 U1-4 default-4@imported.invalid, 5 u5 u5@example.com", users)
	require.Equal(t, "1 a-0, 2 mine a-1-2, 3 a-1 a-1-3, 4 a-1-4, 5 a-5", articles)
	require.Equal(t, map[importer.Code]int64{importer.UsernameTaken: 2, importer.EmailTaken: 2, importer.SlugTaken: 2}, r.Cases)

	// Nothing changes but that who has them goes.
	m.users, m.articles = append(m.users[:2:2], m.users[3:]...), append(m.articles[:2:2], m.articles[3:]...)
	m.comments, m.favorites, m.follows = nil, nil, nil
	planned = run(t, d, m, dry)
	r = run(t, d, m)
	require.Equal(t, planned.Counts, r.Counts)
	require.Equal(t, planned.Cases, r.Cases)
	users, articles = namesOf(t, d)
	require.Contains(t, users, "4 U1 U1@example.com")
	require.Contains(t, articles, "4 a-1 a-1-4")
}
