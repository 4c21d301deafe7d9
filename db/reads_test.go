package db_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
)

// oneGroup configures a pool that runs one group of reads at a time.
func oneGroup(c *db.Config) { c.MaxConns = 2 }

// held runs a read that makes all others wait until its rows are closed.
func held(t *testing.T, d *db.DB) pgx.Rows {
	t.Helper()
	rows, err := d.Reads().Query(t.Context(), "SELECT generate_series(1, 3)")
	require.NoError(t, err)
	return rows
}

// numbers runs a statement that returns numbers.
func numbers(ctx context.Context, d *db.DB, sql string, args ...any) ([]int, error) {
	rows, err := d.Reads().Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// start runs ask in the background and returns once it waits for a group.
func start(t *testing.T, d *db.DB, ask func() error) (result chan error) {
	t.Helper()
	before, result := d.Reads().Waiting(), make(chan error, 1)
	go func() { result <- ask() }()
	require.Eventually(t, func() bool { return d.Reads().Waiting() == before+1 }, 10*time.Second, time.Millisecond)
	return result
}

// series returns a read that fails unless it gets the numbers 1 to n.
func series(t *testing.T, d *db.DB, n int) func() error {
	want := make([]int, n)
	for i := range want {
		want[i] = i + 1
	}
	return func() error {
		got, err := numbers(t.Context(), d, "SELECT generate_series(1, $1::int)", n)
		if err == nil && !slices.Equal(want, got) {
			err = errors.New("wrong rows")
		}
		return err
	}
}

// TestReadsShareRoundTrips checks that waiting reads are sent together, that
// each gets its own rows, and that the tracer is called for each.
func TestReadsShareRoundTrips(t *testing.T) {
	t.Parallel()
	var statements dbtest.Counter
	d := dbtest.Open(t, oneGroup, func(c *db.Config) { c.Tracer = &statements })
	rows := held(t, d)
	var results []chan error
	for n := range 12 {
		results = append(results, start(t, d, series(t, d, n)))
	}
	before := d.Pool().Stat().AcquireCount()
	rows.Close()
	for n, result := range results {
		require.NoError(t, <-result, "the read of %d rows", n)
	}
	require.EqualValues(t, 1, d.Pool().Stat().AcquireCount()-before, "connections taken for 12 reads")
	n, _ := statements.Reset()
	require.EqualValues(t, 13, n)
}

// TestReadsMany runs many reads at once, some of which are cancelled.
func TestReadsMany(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := range 60 {
				ctx, cancel := context.WithCancel(t.Context())
				leaves := (worker+i)%7 == 0
				if leaves {
					time.AfterFunc(time.Duration(i)*10*time.Microsecond, cancel)
				}
				want := worker*1000 + i
				var got int
				err := d.Reads().QueryRow(ctx, "SELECT $1::int", want).Scan(&got)
				if !leaves && err != nil || err == nil && got != want {
					t.Errorf("asked for %d, got %d, %v", want, got, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.Zero(t, d.Reads().Waiting())
	require.NoError(t, series(t, d, 1)(), "a new group must be able to run")
	require.Zero(t, d.Pool().Stat().AcquiredConns())
}

// TestReadsFailAlone checks that a read that fails, in any way, returns its own
// error, and that the other reads of its group succeed.
func TestReadsFailAlone(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]struct{ sql, code string }{
		"at once":         {"SELECT 1 / 0", "22012"},
		"after some rows": {"SELECT 1 / (3 - i) FROM generate_series(1, 5) i", "22012"},
		"not understood":  {"SELECT nothing FROM nowhere", "42P01"},
		"connection lost": {"SELECT 1 FROM pg_terminate_backend(pg_backend_pid())", "57P01"},
	} {
		for _, place := range []int{0, 1, 3} {
			d := dbtest.Open(t, oneGroup)
			rows := held(t, d)
			var results []chan error
			for i := range 4 {
				ask := series(t, d, i)
				if i == place {
					ask = func() error {
						_, err := numbers(t.Context(), d, bad.sql)
						return err
					}
				}
				results = append(results, start(t, d, ask))
			}
			rows.Close()
			for i, result := range results {
				err := <-result
				if i != place {
					require.NoError(t, err, "%s in place %d: the read in place %d", name, place, i)
					continue
				}
				var pe *pgconn.PgError
				require.ErrorAs(t, err, &pe, "%s in place %d", name, place)
				require.Equal(t, bad.code, pe.Code, "%s in place %d", name, place)
			}
			require.Zero(t, d.Pool().Stat().AcquiredConns(), name)
		}
	}
}

// TestReadsLeave checks that a waiting read ends when its request is cancelled,
// before or after its group was sent, and that the other reads succeed.
func TestReadsLeave(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, oneGroup)
	rows := held(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	gone := start(t, d, func() error {
		_, err := numbers(ctx, d, "SELECT 1")
		return err
	})
	stays := start(t, d, series(t, d, 3))
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	rows.Close()
	require.NoError(t, <-stays)

	rows = held(t, d)
	locker, err := d.Pool().Acquire(t.Context())
	require.NoError(t, err)
	defer locker.Release()
	_, err = locker.Exec(t.Context(), "SELECT pg_advisory_lock(1)")
	require.NoError(t, err)
	slow := start(t, d, func() error {
		_, err := numbers(t.Context(), d, "SELECT 1 FROM pg_advisory_lock(1)")
		return err
	})
	ctx, cancel = context.WithCancel(t.Context())
	gone = start(t, d, func() error {
		_, err := numbers(ctx, d, "SELECT generate_series(1, 5)")
		return err
	})
	stays = start(t, d, series(t, d, 3))
	rows.Close()
	require.Eventually(t, func() bool { return d.Reads().Waiting() == 0 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	_, err = locker.Exec(t.Context(), "SELECT pg_advisory_unlock(1)")
	require.NoError(t, err)
	require.NoError(t, <-slow)
	require.NoError(t, <-stays)
}

// TestReadsDeadline checks that no read outlasts the deadline of its request,
// and that the other reads of its group succeed. The other limits are so long
// that the test would time out.
func TestReadsDeadline(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, oneGroup, func(c *db.Config) { c.AcquireTimeout, c.QueryTimeout = time.Hour, time.Hour })
	rows := held(t, d)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	stuck := start(t, d, func() error {
		_, err := numbers(ctx, d, "SELECT 1 FROM pg_sleep(3600)")
		return err
	})
	stays := start(t, d, series(t, d, 3))
	rows.Close()
	require.True(t, db.IsUnavailable(<-stuck))
	require.NoError(t, <-stays)
}

// TestReadsBusy checks that a read does not wait for its turn longer than it
// may wait for a connection.
func TestReadsBusy(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, oneGroup, func(c *db.Config) { c.AcquireTimeout = 3 * time.Second })
	rows := held(t, d)
	defer rows.Close()
	var n int
	require.ErrorIs(t, d.Reads().QueryRow(t.Context(), "SELECT 1").Scan(&n), db.ErrBusy)
}
