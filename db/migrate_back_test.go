package db_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

// TestWaysBackAreRepeatable interrupts the way back of each migration after
// each of its statements, and begins again.
func TestWaysBackAreRepeatable(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	for _, file := range files {
		name := filepath.Base(file)
		if name <= lastUnchecked {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t)
			m, d := migrator(t, url), dbtest.OpenURL(t, url)
			for newest := ""; ; {
				require.NoError(t, d.QueryRow(t.Context(), `SELECT max(version_id)::text FROM goose_db_version WHERE is_applied`).Scan(&newest))
				if strings.HasPrefix(strings.TrimLeft(name, "0"), newest+"_") {
					break
				}
				_, err := m.Down(t.Context())
				require.NoError(t, err)
			}
			for _, statement := range []string{
				`INSERT INTO users (username, email, password_hash) SELECT 'u' || i, 'u' || i, '' FROM generate_series(1, 3) i`,
				`INSERT INTO articles (slug, author_id, title, description, body, tags) SELECT 'a' || i, 1, 't', 'd', 'b', '{x,X}' FROM generate_series(1, 9) i`,
				`UPDATE articles SET body = 'another'`,
				`INSERT INTO comments (article_id, author_id, body) VALUES (1, 1, 'c')`,
			} {
				_, err := d.Exec(t.Context(), statement)
				require.NoError(t, err, statement)
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			back := wayBack(string(text))
			if !strings.Contains(string(text), "+goose NO TRANSACTION") {
				back = nil // nothing remains of an interrupted one
			}
			for done := range len(back) {
				conn, err := pgx.Connect(t.Context(), url)
				require.NoError(t, err)
				for i, statement := range back[:done] {
					_, err := conn.Exec(t.Context(), statement, pgx.QueryExecModeSimpleProtocol)
					require.NoError(t, err, "after %d statements: %d: %s", done-1, i, statement)
				}
				require.NoError(t, conn.Close(t.Context())) // rolls an open transaction back
			}
			_, err = m.Down(t.Context())
			require.NoError(t, err, fmt.Sprintf("after %d statements", len(back)-1))
			_, err = m.Up(t.Context())
			require.NoError(t, err)
		})
	}
}

// wayBack returns the statements of a migration that take it back.
func wayBack(migration string) (statements []string) {
	_, back, _ := strings.Cut(migration, "-- +goose Down")
	statement, inside := "", false
	for line := range strings.Lines(back) {
		switch {
		case strings.HasPrefix(line, "-- +goose StatementBegin"):
			inside = true
		case strings.HasPrefix(line, "-- +goose StatementEnd"):
			inside = false
			statements, statement = append(statements, statement), ""
		case !strings.HasPrefix(line, "--"):
			statement += line
			if !inside && strings.HasSuffix(line, ";\n") {
				statements, statement = append(statements, statement), ""
			}
		}
	}
	return statements
}
