package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

// heldKey is a key whose read ends when a test says so.
const heldKey = -2

// squares is a Together that squares even numbers, and has no row for odd ones.
type squares struct {
	*db.Together[int, int]
	groups  atomic.Int64
	release chan struct{} // ends the read of heldKey
	failing error         // of every group
	singles atomic.Int64
	panics  bool // in every group
}

func newSquares(d *db.DB) *squares {
	s := &squares{release: make(chan struct{})}
	s.Together = db.NewTogether(d, "Square", s.one, s.many)
	return s
}

func (s *squares) one(ctx context.Context, conn query.DBTX, key int) (n int, err error) {
	s.singles.Add(1)
	if key == heldKey {
		<-s.release
	}
	err = conn.QueryRow(ctx, "SELECT $1::int * $1::int WHERE $1::int % 2 = 0", key).Scan(&n)
	return n, err
}

func (s *squares) many(ctx context.Context, conn query.DBTX, keys []int, found func(int, *int)) error {
	s.groups.Add(1)
	if slices.Contains(keys, heldKey) {
		<-s.release
	}
	if s.panics {
		panic("of another read")
	}
	if s.failing != nil {
		return s.failing
	}
	rows, err := conn.Query(ctx, "SELECT p::int, n * n FROM unnest($1::int[]) WITH ORDINALITY AS k (n, p) WHERE n % 2 = 0 ORDER BY p DESC", keys)
	if err != nil {
		return err
	}
	var position, square int
	_, err = pgx.ForEachRow(rows, []any{&position, &square}, func() error {
		found(position-1, new(square))
		return nil
	})
	return err
}

// check reads a key, and returns an error unless the result is right.
func (s *squares) check(ctx context.Context, key int) error {
	n, err := s.Get(ctx, key)
	switch {
	case err == nil && key%2 == 0 && n == key*key, errors.Is(err, pgx.ErrNoRows) && key%2 != 0:
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("asked for %d, got %d", key, n)
}

// begin reads keys in the background. It returns once all but the first wait.
func (s *squares) begin(t *testing.T, keys ...int) (results []chan error) {
	t.Helper()
	for i, key := range keys {
		result := make(chan error, 1)
		results = append(results, result)
		go func() { result <- s.check(t.Context(), key) }()
		require.Eventually(t, func() bool { return s.Running() == 1 && s.Waiting() == i }, 10*time.Second, time.Millisecond)
	}
	return results
}

// TestTogether checks that reads that wait are read by one statement, and that
// each gets its own row, or none.
func TestTogether(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, oneGroup)
	s := newSquares(d)
	results := s.begin(t, heldKey, 1, 2, 3, 2, 40, 5)
	before := d.Pool().Stat().AcquireCount()
	close(s.release)
	for _, result := range results {
		require.NoError(t, <-result)
	}
	require.EqualValues(t, 1, s.groups.Load())
	require.EqualValues(t, 2, d.Pool().Stat().AcquireCount()-before, "connections taken for 7 reads")
	require.Eventually(t, func() bool { return s.Running() == 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, s.check(t.Context(), 6))
	require.EqualValues(t, 1, s.groups.Load(), "a read that has not to wait is alone")
}

// TestTogetherMany runs many reads at once, some of which have no time.
func TestTogetherMany(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	s := newSquares(d)
	var wg sync.WaitGroup
	for worker := range 40 {
		wg.Go(func() {
			for i := range 100 {
				ctx, cancel := t.Context(), func() {}
				hurried := (worker+i)%7 == 0
				if hurried {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(i)*10*time.Microsecond)
				}
				if err := s.check(ctx, worker*100+i); err != nil && !(hurried && db.IsUnavailable(err)) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.Zero(t, s.Waiting())
	require.Eventually(t, func() bool { return s.Running() == 0 && d.Pool().Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond)
	require.Positive(t, s.groups.Load())
}

// TestTogetherFails checks that the reads of a group that fails are run alone.
func TestTogetherFails(t *testing.T) {
	t.Parallel()
	s := newSquares(dbtest.Open(t, oneGroup))
	s.failing = errors.New("of another read")
	results := s.begin(t, heldKey, 4, 5, 6)
	close(s.release)
	for _, result := range results {
		require.NoError(t, <-result)
	}
	require.EqualValues(t, 1, s.groups.Load())
}

// TestTogetherPanics checks that a panic ends neither the process nor the others.
func TestTogetherPanics(t *testing.T) {
	t.Parallel()
	s := newSquares(dbtest.Open(t, oneGroup))
	s.panics = true
	results := s.begin(t, heldKey, 4, 5)
	close(s.release)
	for _, result := range results {
		require.NoError(t, <-result)
	}
	require.EqualValues(t, 1, s.groups.Load())
}

// TestTogetherWriting checks that a group of writes that fails is repeated only
// if nothing has surely been written.
func TestTogetherWriting(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, oneGroup)
	for name, c := range map[string]struct {
		err    error
		panics bool
		again  bool
	}{
		"a violation":                {err: &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "23505"}, again: true},
		"in another language":        {err: &pgconn.PgError{Severity: "FEHLER", SeverityUnlocalized: "ERROR", Code: "55P03"}, again: true},
		"of a trigger":               {err: &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "P0001"}, again: true},
		"PgBouncer lost the server":  {err: &pgconn.PgError{Severity: "FATAL", Code: "08P01", Message: "server conn crashed?"}},
		"the log cannot be flushed":  {err: &pgconn.PgError{Severity: "PANIC", SeverityUnlocalized: "PANIC", Code: "53100"}},
		"the server shuts down":      {err: &pgconn.PgError{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01"}},
		"cancelled":                  {err: &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "57014"}},
		"the connection broke":       {err: io.ErrUnexpectedEOF},
		"without a code":             {err: &pgconn.PgError{Severity: "ERROR"}},
		"a panic after the commit":   {panics: true},
		"an error of another origin": {err: errors.New("of another write")},
	} {
		s := &squares{release: make(chan struct{}), failing: c.err, panics: c.panics}
		s.Together = db.NewTogetherWriting(d, "Square", s.one, s.many)
		results := s.begin(t, heldKey, 4, 6)
		close(s.release)
		require.NoError(t, <-results[0], name)
		for _, result := range results[1:] {
			if err := <-result; c.again {
				require.NoError(t, err, name)
			} else {
				require.Error(t, err, name)
			}
		}
		want := int64(1)
		if c.again {
			want = 3
		}
		require.Equal(t, want, s.singles.Load(), name)
	}
}

// TestTogetherStuck checks that a read that takes long does not stop the others.
func TestTogetherStuck(t *testing.T) {
	t.Parallel()
	s := newSquares(dbtest.Open(t, func(c *db.Config) { c.MaxConns = 4 }))
	stuck := s.begin(t, heldKey)
	require.NoError(t, s.check(t.Context(), 2))
	require.EqualValues(t, 1, s.groups.Load())
	close(s.release)
	require.NoError(t, <-stuck[0])
}

// TestTogetherBusy checks that a read waits for a group no longer than it may
// wait for a connection, and for its row no longer than its request may take.
func TestTogetherBusy(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, oneGroup, func(c *db.Config) { c.AcquireTimeout = 100 * time.Millisecond })
	require.Eventually(t, func() bool { return d.Ping(t.Context()) == nil }, 10*time.Second, time.Millisecond) // to connect can take longer
	s := newSquares(d)
	first := s.begin(t, heldKey)
	require.ErrorIs(t, s.check(t.Context(), 2), db.ErrBusy)
	close(s.release)
	require.NoError(t, <-first[0])

	s = newSquares(dbtest.Open(t, oneGroup, func(c *db.Config) { c.AcquireTimeout = time.Hour }))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	first = s.begin(t, heldKey)
	require.True(t, db.IsUnavailable(s.check(ctx, 2)))
	close(s.release)
	require.NoError(t, <-first[0])
}
