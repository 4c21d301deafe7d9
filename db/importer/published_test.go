package importer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// TestPublication follows articles that are published or withdrawn in the old
// system, with their favorites.
func TestPublication(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.articles[1].Draft = true
	for i := 1; i <= 5; i++ {
		m.favorites = append(m.favorites, source.Favorite{UserKey: "5", ArticleKey: m.articles[i-1].Key})
	}
	m.favorites = m.favorites[:9] // the last one is there twice
	m.favorites = append(m.favorites[:5:5], m.favorites[6:]...)
	r := run(t, d, m)
	require.Equal(t, importer.Counts{Read: 8, Added: 8}, r.Counts[source.Favorites])
	require.Equal(t, int64(2), number(t, d, `SELECT count(*) FROM hidden_favorites`))
	require.True(t, verify(t, d, m).OK())
	for _, options := range [][]func(*importer.Config){{dry}, {}} {
		require.Equal(t, importer.Counts{Read: 8, Unchanged: 8}, run(t, d, m, options...).Counts[source.Favorites])
	}
	requireRight(t, d)

	_, err := d.Exec(t.Context(), `INSERT INTO hidden_items (article_id, reason) SELECT id, 'spam' FROM articles WHERE slug = 'a-5'`)
	require.NoError(t, err)
	m.articles[1].Draft, m.articles[1].PublishedAt = false, day.AddDate(0, 1, 0)
	m.articles[1].AuthorKey, m.articles[1].Tags = "3", []string{"other"}
	m.articles[2].Draft, m.articles[2].Body = true, "Another text."
	m.articles[3].CreatedAt = m.articles[3].CreatedAt.Add(-time.Hour)
	m.articles[4].PublishedAt, m.articles[4].Slug = day.AddDate(0, 2, 0), "a-5-new"
	r = run(t, d, m)
	require.Equal(t, importer.Counts{Read: 5, Changed: 4, Unchanged: 1}, r.Counts[source.Articles])
	require.Equal(t, "f,t,f,t", text(t, d, `SELECT string_agg(left(hidden::text, 1), ',' ORDER BY slug) FROM articles WHERE slug <> 'a-1'`))
	require.Equal(t, int64(2), number(t, d, `SELECT favorites_count FROM articles WHERE slug = 'a-2'`))
	require.Equal(t, "a-2,a-4,a-5,a-5-new", text(t, d, `SELECT string_agg(slug, ',' ORDER BY slug) FROM article_slugs WHERE slug NOT IN ('a-1', 'a-3')`))
	requireRight(t, d)
	proof := verify(t, d, m)
	require.True(t, proof.OK(), proof)

	m.favorites = append(m.favorites[:1:1], m.favorites[2:]...) // of the article that is a draft now
	require.Equal(t, int64(1), run(t, d, m).Counts[source.Favorites].Deleted)
	require.True(t, verify(t, d, m).OK())
}

// TestPublicationHere leaves what was published or withdrawn here as it is when
// the article changes in the old system, and says that it differs.
func TestPublicationHere(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.articles[1].Draft = true
	run(t, d, m)
	for _, sql := range []string{
		`UPDATE articles SET status = 'published', published_at = '2024-05-06', hidden = false WHERE slug = 'a-2'`,
		`INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM articles WHERE slug = 'a-2'`,
		`UPDATE articles SET status = 'draft', published_at = NULL, hidden = true WHERE slug = 'a-3'`,
	} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	m.articles[1].Body, m.articles[2].Body = "New.", "New."
	require.Equal(t, int64(2), run(t, d, m).Counts[source.Articles].Changed)
	require.Equal(t, "2:f 3:t", text(t, d, `SELECT string_agg(right(slug, 1) || ':' || left(hidden::text, 1), ' ' ORDER BY slug) FROM articles WHERE body = 'New.'`))
	requireRight(t, d)
	differs := []string{"draft", "publishedAt"}
	require.Equal(t, []importer.Difference{{Kind: source.Articles, Key: "2", Fields: differs}, {Kind: source.Articles, Key: "3", Fields: differs}}, verify(t, d, m).Differences)
}

// TestVerifyRole compares roles if the old system has them.
func TestVerifyRole(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.users[0].Role, m.users[1].Role = "editor", "boss"
	run(t, d, m)
	require.True(t, verify(t, d, m).OK())
	_, err := d.Exec(t.Context(), `UPDATE users SET role = 'admin' WHERE username IN ('u1', 'u2', 'u3')`)
	require.NoError(t, err)
	require.Equal(t, []importer.Difference{{Kind: source.Users, Key: "1", Fields: []string{"role"}}}, verify(t, d, m).Differences)
}
