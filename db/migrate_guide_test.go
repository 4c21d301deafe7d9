package db_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
)

var (
	guideMigration = regexp.MustCompile("(?s)<!-- migration: (\\w+) -->\n```sql\n(.*?)\n```\n")
	gooseStatement = regexp.MustCompile(`(?ms)-- \+goose StatementBegin\n.*?\n-- \+goose StatementEnd|^[A-Z][^;]*;`)
)

// guideSteps returns the statements of a migration in docs/development.md, up
// and down.
func guideSteps(t *testing.T, name string) (up, down []string) {
	text, err := os.ReadFile("../docs/development.md")
	require.NoError(t, err)
	for _, m := range guideMigration.FindAllStringSubmatch(string(text), -1) {
		if m[1] != name {
			continue
		}
		before, after, found := strings.Cut(m[2], "-- +goose Down")
		require.True(t, found)
		return gooseStatement.FindAllString(before, -1), gooseStatement.FindAllString(after, -1)
	}
	require.Fail(t, "docs/development.md has no migration "+name)
	return nil, nil
}

// TestGuideMigrations runs the example of a change in two releases, each step
// twice, since it may be repeated. Both releases write meanwhile, and each sees
// what the other has written.
func TestGuideMigrations(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	run := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			_, err := d.Exec(t.Context(), s)
			require.NoError(t, err, s)
		}
	}
	expand, restore := guideSteps(t, "expand")
	contract, back := guideSteps(t, "contract")
	require.Len(t, expand, 4)
	run(`CREATE TABLE profiles (id bigint PRIMARY KEY, image text)`, `INSERT INTO profiles SELECT n, 'old' FROM generate_series(1, 1200) n`)
	run(append(expand, expand...)...)
	run(`INSERT INTO profiles (id, image) VALUES (2001, 'by old')`, `INSERT INTO profiles (id, avatar) VALUES (2002, 'by new')`,
		`UPDATE profiles SET image = 'by old' WHERE id = 1`, `UPDATE profiles SET avatar = 'by new' WHERE id = 2`)
	want := map[int64]string{1: "by old", 2: "by new", 3: "old", 1200: "old", 2001: "by old", 2002: "by new"}
	requireTexts(t, d, want, `SELECT id, image FROM profiles`)
	requireTexts(t, d, want, `SELECT id, avatar FROM profiles`)
	run(append(contract, contract...)...)
	run(`UPDATE profiles SET avatar = 'newest' WHERE id = 3`)
	run(append(back, back...)...)
	run(`UPDATE profiles SET image = 'by old again' WHERE id = 1200`)
	run(append(restore, restore...)...)
	want[3], want[1200] = "newest", "by old again"
	requireTexts(t, d, want, `SELECT id, image FROM profiles`)
}

func requireTexts(t *testing.T, d *db.DB, want map[int64]string, query string) {
	t.Helper()
	rows, err := d.Query(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id int64
		var text string
		require.NoError(t, rows.Scan(&id, &text))
		if expected, found := want[id]; found {
			require.Equal(t, expected, text, id)
			n++
		}
	}
	require.NoError(t, rows.Err())
	require.Len(t, want, n)
}
