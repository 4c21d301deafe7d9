package db_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

// TestMigrateComments takes the migration of comments back and applies it again
// with comments of each kind, and runs statements of the previous version
// beside it, as replicas of that version do during an upgrade.
func TestMigrateComments(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	run := func(sql string) int64 {
		t.Helper()
		tag, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
		return tag.RowsAffected()
	}
	// What the previous version shows to everybody.
	listed := func() []string {
		t.Helper()
		rows, err := d.Query(t.Context(), `SELECT c.body FROM comments c JOIN users u ON u.id = c.author_id WHERE c.article_id = 1 AND NOT c.hidden ORDER BY c.id`)
		require.NoError(t, err)
		bodies, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return bodies
	}
	run(`INSERT INTO users (username, email, password_hash) VALUES ('jake', 'jake@example.com', ''), ('anna', 'anna@example.com', '')`)
	run(`INSERT INTO articles (slug, author_id, title, description, body) VALUES ('a', 1, 't', 'd', 'b')`)
	for range 2 {
		// The previous version has no name for replies, and none for what waits.
		run(`INSERT INTO comments (article_id, author_id, body) VALUES (1, 1, 'first'), (1, 1, 'second')`)
		run(`INSERT INTO comments (article_id, author_id, body, parent_id, depth) SELECT 1, 2, 'answer to ' || body, id, 2 FROM comments WHERE author_id = 1`)
		run(`INSERT INTO comments (article_id, author_id, body, hidden, waiting) VALUES (1, 2, 'waits', true, true)`)
		require.Equal(t, []string{"first", "second", "answer to first", "answer to second"}, listed())
		require.Zero(t, run(`DELETE FROM comments WHERE body = 'first' AND author_id = 1 RETURNING id`), "its place stays")
		require.EqualValues(t, 1, run(`DELETE FROM comments WHERE body = 'answer to second' AND author_id = 2`))
		require.EqualValues(t, 1, run(`DELETE FROM comments WHERE body = 'second' AND author_id = 1`))
		require.Equal(t, []string{"answer to first"}, listed())

		downBefore(t, m, "00020_comments.sql")
		require.Equal(t, []string{"answer to first"}, listed())
		require.EqualValues(t, 1, run(`DELETE FROM hidden_items WHERE reason = 'waits for approval'`), "a moderator can restore it")
		require.Equal(t, []string{"answer to first", "waits"}, listed())
		var bytes int
		require.NoError(t, d.QueryRow(t.Context(), `SELECT stored_bytes FROM users WHERE id = 2`).Scan(&bytes))
		require.Equal(t, len("answer to first")+len("waits"), bytes)
		_, err := m.Up(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, run(`DELETE FROM comments`))
	}
	run(`DELETE FROM articles`)
}
