package db

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatementName(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"-- name: ArticleGetBySlug :one\nSELECT 1": "ArticleGetBySlug",
		"-- name: X":                     "X",
		"begin":                          "BEGIN",
		"begin isolation level":          "BEGIN",
		"\n  select 'a'":                 "SELECT",
		"select(1)":                      "SELECT",
		"-- ping":                        "SQL",
		"":                               "SQL",
		"aVeryLongWordThatIsNoStatement": "SQL",
	} {
		require.Equal(t, want, statementName(sql), sql)
	}
}

// TestTracingOff checks that pgx gets no tracer when tracing is off.
func TestTracingOff(t *testing.T) {
	t.Parallel()
	require.Nil(t, TraceStatements(nil, nil))
	d, err := Open(t.Context(), Config{URL: "postgres://nobody@127.0.0.1:1/none", MaxConns: 1, Tracer: TraceStatements(nil, nil)})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.Nil(t, d.pool.Config().ConnConfig.Tracer)
}
