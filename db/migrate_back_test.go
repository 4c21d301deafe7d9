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

// TestNewRowsAreCountedOnce inserts rows as a service does, and as statements of
// others do, before and after 00026 is taken back.
func TestNewRowsAreCountedOnce(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	run := func(sql string) error {
		_, err := d.Exec(t.Context(), sql)
		return err
	}
	requireCounted := func() {
		t.Helper()
		var stored, text, articles int64
		require.NoError(t, d.QueryRow(t.Context(), `SELECT u.stored_bytes, (SELECT sum(article_bytes(title, description, body, tags, details)) FROM articles)
			+ (SELECT sum(octet_length(body)) FROM comments), u.articles_count - (SELECT count(*) FROM articles) FROM users u WHERE u.username = 'jake'`).Scan(&stored, &text, &articles))
		require.Equal(t, text, stored)
		require.Zero(t, articles)
	}
	insert := func(state string) {
		t.Helper()
		for writer, where := range map[string]string{"a service": `set_config('byline.account_storage', '1000000', true) IS NOT NULL`, "others": `true`} {
			require.NoError(t, run(`INSERT INTO articles (slug, author_id, title, description, body, tags) SELECT 'a', id, 't', 'd', '`+writer+`', '{x}' FROM users WHERE username = 'jake' AND `+where), state)
			require.NoError(t, run(`DELETE FROM changes`))
			require.NoError(t, run(`INSERT INTO comments (article_id, author_id, body) SELECT 1, id, '`+writer+`' FROM users WHERE username = 'jake' AND `+where), state)
			requireCounted()
			var noted int
			require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM changes WHERE keys = '{c1}'`).Scan(&noted))
			require.Equal(t, 1, noted, "%s: a comment of %s is noted once", state, writer)
			require.ErrorContains(t, run(`INSERT INTO comments (article_id, author_id, body) SELECT 1, id, 'c' FROM users WHERE username = 'anna' AND `+where), "block",
				"%s: %s cannot comment where they are blocked", state, writer)
		}
	}
	require.NoError(t, run(`INSERT INTO users (username, email, password_hash) VALUES ('jake', 'jake@example.com', ''), ('anna', 'anna@example.com', '')`))
	require.NoError(t, run(`INSERT INTO articles (slug, author_id, title, description, body) SELECT 'first', id, 't', 'd', 'b' FROM users WHERE username = 'jake'`))
	require.NoError(t, run(`INSERT INTO blocks (blocker_id, blocked_id) SELECT j.id, a.id FROM users j, users a WHERE j.username = 'jake' AND a.username = 'anna'`))
	insert("with 00026")
	downBefore(t, m, "00026_cheap_writes.sql")
	insert("without 00026")
	_, err := m.Up(t.Context())
	require.NoError(t, err)
	insert("with 00026 again")
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
