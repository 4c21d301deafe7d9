package db_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

// TestStates tries to write what the checks of articles, comments and users
// refuse, each rule of them once.
func TestStates(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	for _, sql := range []string{
		`INSERT INTO users (username, email, password_hash) VALUES ('jake', 'jake@example.com', '')`,
		`INSERT INTO articles (slug, author_id, title, description, body) SELECT 'a', id, 't', 'd', 'b' FROM users`,
		`INSERT INTO comments (article_id, author_id, body) SELECT id, author_id, 'first' FROM articles`,
	} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	for constraint, statements := range map[string][]string{
		"articles_valid_check": {
			`UPDATE articles SET favorites_count = -1`,
			`UPDATE articles SET status = 'unknown', hidden = true`,
			`UPDATE articles SET status = 'draft', hidden = true`,
			`UPDATE articles SET status = 'scheduled', hidden = true, published_at = NULL`,
			`UPDATE articles SET published_at = NULL`,
			`UPDATE articles SET status = 'scheduled'`,
			`UPDATE articles SET unpublish_at = published_at`,
			`INSERT INTO articles (slug, author_id, title, description, body, status) SELECT 'b', id, 't', 'd', 'b', 'scheduled' FROM users`,
		},
		"comments_valid_check": {
			`UPDATE comments SET depth = 0`,
			`UPDATE comments SET depth = 9, parent_id = id`,
			`UPDATE comments SET depth = 2`,
			`UPDATE comments SET parent_id = id`,
			`UPDATE comments SET waiting = true`,
			`UPDATE comments SET author_id = NULL`,
			`UPDATE comments SET author_id = NULL, body = '', hidden = true`,
			`INSERT INTO comments (article_id, author_id, body, depth) SELECT id, author_id, 'second', 2 FROM articles`,
		},
		"users_valid_check": {
			`UPDATE users SET role = 'owner'`,
			`UPDATE users SET articles_count = -1`,
			`UPDATE users SET favorites_count = -1`,
			`INSERT INTO users (username, email, password_hash, role) VALUES ('anna', 'anna@example.com', '', '')`,
		},
	} {
		for _, sql := range statements {
			_, err := d.Exec(t.Context(), sql)
			refused := (*pgconn.PgError)(nil)
			require.True(t, errors.As(err, &refused), "%s: %v", sql, err)
			require.Equal(t, constraint, refused.ConstraintName, sql)
		}
	}
	for _, sql := range []string{
		`UPDATE articles SET unpublish_at = published_at + interval '1 day'`,
		`UPDATE articles SET status = 'scheduled', hidden = true`,
		`UPDATE articles SET status = 'review', published_at = NULL, unpublish_at = NULL`,
		`UPDATE comments SET hidden = true, waiting = true`,
		`UPDATE users SET role = 'editor'`,
	} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
}
