package importer_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// TestDeletedAuthor deletes a user whose articles and comments the old system
// keeps: with ON DELETE SET NULL it does not change their times, and without
// foreign keys it does not even change the author.
func TestDeletedAuthor(t *testing.T) {
	t.Parallel()
	for _, left := range []string{"", "5"} {
		t.Run(left, func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			m := small()
			m.articles = append(m.articles, article(6, 5))
			m.articles[5].Draft = true
			run(t, d, m)
			_, err := d.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body) SELECT a.id, u.id, 'here' FROM articles a, users u WHERE a.slug = 'a-2' AND u.username = 'u5'`)
			require.NoError(t, err)
			m.users = m.users[:4]
			m.articles[4].AuthorKey, m.articles[5].AuthorKey, m.comments[3].AuthorKey = left, left, left
			m.favorites, m.follows = append(m.favorites[:4:4], source.Favorite{UserKey: "1", ArticleKey: "5"}), m.follows[:3]
			skip := func(c *importer.Config) {
				c.Settings.Actions = map[importer.Code]importer.Action{importer.AuthorMissing: importer.Skip}
			}
			if left == "" {
				skip = func(*importer.Config) {}
			}
			planned := run(t, d, m, dry, skip)
			r := run(t, d, m, skip)
			require.Equal(t, planned.Cases, r.Cases)
			require.Equal(t, map[importer.Code]int64{importer.AuthorMissing: 3}, r.Cases)
			require.Equal(t, int64(1), r.Counts[source.Users].Deleted)
			require.Equal(t, "a-1 u1, a-2 u2, a-3 u3, a-4 u4, a-5 former-member, a-6 former-member", text(t, d,
				`SELECT string_agg(slug || ' ' || username, ', ' ORDER BY slug) FROM articles a JOIN users u ON u.id = a.author_id`))
			require.Equal(t, "101 u2, 102 u3, 103 u4, 104 former-member, 105 u1", text(t, d,
				`SELECT string_agg(c.id || ' ' || username, ', ' ORDER BY c.id) FROM comments c JOIN users u ON u.id = c.author_id`))
			require.Equal(t, "former-member", text(t, d, `SELECT username FROM draft_slugs s JOIN users u ON u.id = s.author_id`))
			proof := verify(t, d, m)
			require.True(t, proof.OK(), proof)
			require.Zero(t, run(t, d, m, skip).Counts[source.Articles].Changed)
		})
	}
}

// TestDeletedOrphans deletes the account for rows without an author here: the
// next row of nobody gets a new one.
func TestDeletedOrphans(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.articles[1].AuthorKey = "77"
	run(t, d, m)
	_, err := d.Exec(t.Context(), `DELETE FROM users WHERE username = 'former-member'`)
	require.NoError(t, err)
	m.articles = append(m.articles, article(6, 77))
	run(t, d, m, dry)
	run(t, d, m)
	require.Equal(t, "former-member", text(t, d, `SELECT username FROM articles a JOIN users u ON u.id = a.author_id WHERE slug = 'a-6'`))
	require.Equal(t, int64(1), number(t, d, `SELECT count(*) FROM articles a JOIN imported_rows r ON r.row_id = a.author_id AND r.key = 'byline:orphans'`))
}

// TestManyDeleted refuses to delete most rows, which another database would
// mean.
func TestManyDeleted(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := &memory{}
	for i := 1; i <= 30; i++ {
		m.users = append(m.users, user(i))
	}
	run(t, d, m)
	m.users = m.users[:2]
	_, err := importer.Run(t.Context(), d.Pool(), importer.Config{Source: m})
	var many *importer.ErrManyDeleted
	require.ErrorAs(t, err, &many)
	require.Equal(t, int64(28), many.Gone)
	require.Equal(t, int64(30), number(t, d, `SELECT count(*) FROM users`))
	r := run(t, d, m, func(c *importer.Config) { c.DeleteMany = true })
	require.Equal(t, int64(28), r.Counts[source.Users].Deleted)
}

// TestOtherDatabase reads another database in a later run, and stores nothing of
// it.
func TestOtherDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	for i := 6; i <= 30; i++ {
		m.users = append(m.users, user(i))
		m.follows = append(m.follows, source.Follow{FollowerKey: strconv.Itoa(i), FolloweeKey: "1"})
	}
	run(t, d, m)
	hash := `SELECT md5(string_agg(t::text, ' ')) FROM (SELECT u::text FROM users u UNION ALL SELECT a::text FROM articles a UNION ALL SELECT f::text FROM follows f
		UNION ALL SELECT i::text FROM imports i ORDER BY 1) t`
	before := text(t, d, hash)
	other := small()
	for i := range other.users {
		other.users[i].Username, other.users[i].Email = "other"+other.users[i].Key, "other"+other.users[i].Key+"@example.com"
		other.articles[i].Title = "Other"
	}
	other.users, other.favorites = append(other.users, user(31)), nil
	for _, option := range []func(*importer.Config){func(*importer.Config) {}, dry} {
		cfg := importer.Config{Source: other}
		option(&cfg)
		_, err := importer.Run(t.Context(), d.Pool(), cfg)
		require.ErrorAs(t, err, new(*importer.ErrManyDeleted))
		require.Equal(t, before, text(t, d, hash))
	}

	m.origin = " elsewhere"
	_, err := importer.Run(t.Context(), d.Pool(), importer.Config{Source: m})
	require.ErrorContains(t, err, `the import "default" has read a test until now, not a test elsewhere`)
	require.Equal(t, before, text(t, d, hash))
	require.False(t, run(t, d, m, func(c *importer.Config) { c.OtherSource = true }).Resumed)
	run(t, d, m)
}

// TestPairsAreReadOnce reads favorites and follows once in each run, which finds
// what is new and what was deleted.
func TestPairsAreReadOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	run(t, d, m)
	m.read = map[source.Kind]int{}
	m.favorites = append(m.favorites[1:], source.Favorite{UserKey: "1", ArticleKey: "5"}, source.Favorite{UserKey: "1", ArticleKey: "5"}, source.Favorite{UserKey: "1", ArticleKey: "77"})
	planned := run(t, d, m, dry)
	require.Equal(t, 1, m.read[source.Favorites])
	r := run(t, d, m)
	require.Equal(t, 2, m.read[source.Favorites])
	require.Equal(t, importer.Counts{Read: 7, Added: 1, Unchanged: 4, LeftOut: 2, Deleted: 1}, r.Counts[source.Favorites])
	require.Equal(t, planned.Counts, r.Counts)
	require.Equal(t, map[importer.Code]int64{importer.Duplicate: 1, importer.ArticleMissing: 1}, r.Cases)

	interrupt(t, d, m, source.Follows) // behind the favorites
	m.favorites = m.favorites[1:5]
	r = run(t, d, m)
	require.False(t, r.Resumed, "nothing was stored")
	require.Equal(t, importer.Counts{Read: 4, Unchanged: 4, Deleted: 1}, r.Counts[source.Favorites])
	require.Empty(t, r.Cases)
}
