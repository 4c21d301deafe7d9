package db_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

// TestPublishingIsTakenBack reverts the migration after the new version has
// made articles that the previous one does not know, and applies it again.
func TestPublishingIsTakenBack(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	wrong := func() (wrong []string) {
		t.Helper()
		rows, err := d.Query(t.Context(), dbtest.WrongCounters)
		require.NoError(t, err)
		wrong, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return wrong
	}
	for _, statement := range []string{
		`INSERT INTO users (username, email, password_hash) SELECT 'u' || i, 'u' || i, '' FROM generate_series(1, 3) i`,
		`UPDATE users SET role = 'editor' WHERE username = 'u3'`,
		`INSERT INTO articles (slug, author_id, title, description, body, tags, created_at, published_at)
			SELECT 'a' || i, 1 + i % 3, 't', 'd', 'b', '{x,y}', '2026-01-01', '2026-01-01'::timestamptz + i * interval '1 day' FROM generate_series(0, 9) i`,
		`INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM articles`,
		`UPDATE articles SET details = '{"metaTitle":"m"}', unpublish_at = '2027-01-01' WHERE id % 4 = 0`,
		`INSERT INTO favorites (article_id, user_id, article_created_at) SELECT a.id, u.id, a.published_at FROM articles a, users u`,
		`INSERT INTO hidden_items (article_id, reason) SELECT id, 'r' FROM articles WHERE id % 5 = 0`,
		`INSERT INTO articles (slug, author_id, title, description, body, tags, status, hidden, published_at) VALUES
			('draft', 1, 't', 'd', 'b', '{x}', 'draft', true, NULL), ('later', 2, 't', 'd', 'b', '{x}', 'scheduled', true, '2030-01-01')`,
		`INSERT INTO draft_slugs (slug, author_id, article_id) SELECT slug, author_id, id FROM articles WHERE status <> 'published' OR id = 2`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	require.Empty(t, wrong())
	downBefore(t, m, "00015_publishing.sql")
	var names []string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT array_agg(s.slug ORDER BY s.slug) FROM articles a JOIN hidden_items h ON h.article_id = a.id
		JOIN article_slugs s ON s.article_id = a.id AND s.slug = a.slug WHERE a.hidden AND h.reason = 'not published'`).Scan(&names))
	require.Equal(t, []string{"draft-11", "later-12"}, names)
	var kept bool
	require.NoError(t, d.QueryRow(t.Context(), `SELECT slug = 'a1' FROM articles WHERE id = 2`).Scan(&kept))
	require.True(t, kept, "what was a draft once keeps its slug")
	// A moderator of the previous version restores an article.
	_, err := d.Exec(t.Context(), `DELETE FROM hidden_items WHERE article_id = 5`)
	require.NoError(t, err)
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	require.Empty(t, wrong())
	var roles int
	require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM users WHERE role = 'moderator'`).Scan(&roles))
	require.Equal(t, 1, roles)
}
