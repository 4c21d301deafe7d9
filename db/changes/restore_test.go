package changes

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

// TestRestored checks that a feed gets rid of changes that a dump has brought
// from a cluster whose transaction ids were greater.
func TestRestored(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	_, err := d.Exec(t.Context(), `INSERT INTO changes (keys, xid) VALUES ('{*}', '99999999999'), ('{l}', '99999999998')`)
	require.NoError(t, err)
	// Two replicas start, while a transaction has written but not committed, and a
	// later one has committed.
	require.NoError(t, d.InTx(t.Context(), func(open query.DBTX) error {
		require.NoError(t, Write(t.Context(), open, Article(2)))
		require.NoError(t, Write(t.Context(), d, Article(1)))
		for range 2 {
			f := NewFeed(d, slog.New(slog.DiscardHandler))
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _ = f.Run(ctx) }()
			require.Eventually(t, func() bool {
				var left int
				require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM changes WHERE xid >= '99999999998'`).Scan(&left))
				return left == 0
			}, 20*time.Second, 10*time.Millisecond)
			stop()
			<-ended
		}
		return nil
	}))
	f, l := follow(t, d)
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{""}, l.told())
	var keys []string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT array_agg(key ORDER BY key) FROM changes, unnest(keys) AS key`).Scan(&keys))
	require.Equal(t, []string{"a1", "a2"}, keys, "changes of this cluster are kept")
}

// TestRestoredWhileRunning restores a dump while a feed runs. The changes of the
// other cluster are not reported again and again until they are deleted: caches
// would be useless for that time.
func TestRestoredWhileRunning(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	f, l := follow(t, d)
	_, err := d.Exec(t.Context(), `INSERT INTO changes (keys, xid) VALUES ('{*}', '99999999999'), ('{l}', '99999999998')`)
	require.NoError(t, err)
	require.NoError(t, Write(t.Context(), d, Article(1)))
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{"a1"}, l.told())
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{""}, l.told())
}
