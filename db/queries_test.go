package db_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

var (
	queryName = regexp.MustCompile(`(?m)^-- name: (\w+) :(\w+)\n`)
	writes    = regexp.MustCompile(`\b(INSERT|UPDATE|DELETE|FOR (NO KEY )?UPDATE|FOR (KEY )?SHARE)\b`)
	comment   = regexp.MustCompile(`(?m)^--.*\n`)
)

// TestSharedQueries checks that each query marked as shared is a read of few
// rows, and has the mark where the service looks for it.
func TestSharedQueries(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("queries/*.sql")
	require.NoError(t, err)
	count := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		heads := queryName.FindAllSubmatchIndex(text, -1)
		for i, at := range heads {
			end := len(text)
			if i+1 < len(heads) {
				end = heads[i+1][0]
			}
			name, kind := string(text[at[2]:at[3]]), string(text[at[4]:at[5]])
			body := comment.ReplaceAllString(string(text[at[1]:end]), "")
			if !strings.Contains(body, "/* shared */") {
				continue
			}
			count++
			generated := "-- name: " + name + " :" + kind + "\n" + body
			require.True(t, db.IsShared(generated), "%s: %s has /* shared */ too late: write it after the first word", file, name)
			require.NotRegexp(t, writes, body, "%s: %s is shared, but it writes or locks: see db/reads.go", file, name)
			bounded := kind == "one" || strings.Contains(body, "LIMIT @page_limit")
			require.True(t, bounded, "%s: %s is shared, but it is neither :one nor bounded by LIMIT @page_limit: see db/reads.go", file, name)
		}
	}
	require.Greater(t, count, 3, "the test must find shared queries")
}

// TestLongTransactions checks that InLongTx allows plans for many rows, and
// only until its transaction ends.
func TestLongTransactions(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, func(c *db.Config) { c.MaxConns = 1 })
	settings := func(conn query.DBTX) (all string) {
		err := conn.QueryRow(t.Context(), `SELECT concat_ws(' ', current_setting('enable_hashjoin'), current_setting('enable_mergejoin'),
			current_setting('plan_cache_mode'), current_setting('statement_timeout'))`).Scan(&all)
		require.NoError(t, err)
		return all
	}
	before := settings(d)
	require.True(t, strings.HasPrefix(before, "off off force_generic_plan "), before)
	require.NoError(t, d.InLongTx(t.Context(), 7*time.Minute, func(tx query.DBTX) error {
		require.Equal(t, "on on force_custom_plan 7min", settings(tx))
		return nil
	}))
	require.Equal(t, before, settings(d))
}
