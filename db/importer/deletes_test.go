package importer_test

import (
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
