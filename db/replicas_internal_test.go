package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestMarkCovers(t *testing.T) {
	t.Parallel()
	m := Mark{"a", 10}
	require.True(t, m.covers(Mark{"a", 10}))
	require.True(t, m.covers(Mark{"a", 9}))
	require.False(t, m.covers(Mark{"a", 11}))
	require.False(t, m.covers(Mark{"b", 9}), "of another primary")
	require.False(t, Mark{}.covers(m))
	require.False(t, Mark{}.covers(Mark{}), "nothing is known yet")
}

func TestMarkIsOf(t *testing.T) {
	t.Parallel()
	started := time.Date(2026, 11, 29, 1, 2, 3, 45_000, time.UTC)
	require.True(t, Mark{Life: "1795914123.00004571564a7e"}.isOf(started))
	require.False(t, Mark{Life: "1795914123.00004671564a7e"}.isOf(started))
	require.False(t, Mark{}.isOf(started))
}

// TestUnseen measures how late a replica is that is always a few steps behind,
// and one after a failover.
func TestUnseen(t *testing.T) {
	t.Parallel()
	var u unseen
	now := time.Now()
	step := func(i int) time.Time { return now.Add(time.Duration(i) * time.Second) }
	for i := range 10 {
		late := u.age(step(i), Mark{"a", int64(i)}, Mark{"a", int64(max(i-3, 0))})
		require.Equal(t, time.Duration(min(max(i-1, 0), 2))*time.Second, late, i)
	}
	require.Zero(t, u.age(step(10), Mark{"a", 10}, Mark{"a", 10}))
	require.Empty(t, u)
	require.Zero(t, u.age(step(11), Mark{"a", 11}, Mark{"a", 10}))
	require.Zero(t, u.age(step(20), Mark{"b", 1}, Mark{"a", 10}), "what the former primary did does not count")
	require.Equal(t, 5*time.Second, u.age(step(25), Mark{"b", 2}, Mark{"a", 10}))
	for i := range 2 * maxUnseen {
		u.age(step(30+i), Mark{"b", int64(i)}, Mark{"a", 10})
	}
	require.Len(t, u, maxUnseen)
}

// silent returns a DB with used replicas that have said how far they are, and do
// not respond any more. *want is what reads have to see.
func silent(want *Mark, reached ...int64) *DB {
	d := &DB{}
	for i, lsn := range reached {
		r := &replica{name: fmt.Sprint(i), index: i, asking: true}
		r.known.Store(&progress{Mark: Mark{"a", lsn}})
		r.judge(nil, *want)
		d.replicas.all = append(d.replicas.all, r)
	}
	mark := func() Mark { return *want }
	d.replicas.mark.Store(&mark)
	return d
}

// TestReader checks from where the reads of requests come: those of one come from
// one replica, and after an error from the primary, until the request ends.
func TestReader(t *testing.T) {
	t.Parallel()
	want := Mark{"a", 10}
	d := silent(&want, 10, 10)
	from := func(ctx context.Context) *replica { r, _ := d.source(ctx); return r }
	first, second := d.WithReader(t.Context()), d.WithReader(t.Context())
	a, b := from(first), from(second)
	require.NotSame(t, a, b, "requests take the replicas in turn")
	for range 5 {
		require.Same(t, a, from(first))
	}
	require.Same(t, b, from(second))
	d.leave(first, a, &pgconn.PgError{Code: "40001"})
	require.Nil(t, from(first))
	require.True(t, a.usable(), "the conflict concerns one statement only")
	require.EqualValues(t, 1, a.failed.Load())
	require.True(t, d.LeaveReplica(first), "it has read from a replica before")
	require.False(t, d.LeaveReplica(first), "it is repeated once")
	require.True(t, d.LeaveReplica(second))
	require.Nil(t, from(second))

	// It has read from the primary, which may have shown it more than a replica
	// shows that catches up.
	third, caught := d.WithReader(t.Context()), want
	want.LSN = 11
	require.Nil(t, from(third))
	want = caught
	require.Nil(t, from(third))
	require.False(t, d.LeaveReplica(third), "nothing has been read from a replica")
	require.Nil(t, from(t.Context()), "the request may not read from replicas")
	require.False(t, d.LeaveReplica(t.Context()))
}

// TestReaderPicks checks that a read waits for no replica while another one shows
// enough, and that one which does not respond is avoided.
func TestReaderPicks(t *testing.T) {
	t.Parallel()
	want := Mark{"a", 10}
	d := silent(&want, 9, 10, 9)
	for range 7 {
		from, _ := d.source(d.WithReader(t.Context()))
		require.Same(t, d.replicas.all[1], from)
	}
	want.LSN = 11
	for range 3 {
		from, _ := d.source(d.WithReader(t.Context()))
		require.Nil(t, from)
	}
	want.LSN = 9
	from, _ := d.source(d.WithReader(t.Context()))
	require.Nil(t, from, "all are late, until they respond")
	for _, r := range d.replicas.all {
		require.Equal(t, ReplicaLate, ReplicaState(r.state.Load()))
	}
}

// TestReaderGone checks that a client which has gone, or whose time is over, is no
// reason to avoid a replica.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	want := Mark{"a", 11}
	d := silent(&want, 10)
	r := d.replicas.all[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	from, _ := d.source(d.WithReader(ctx))
	require.Nil(t, from)
	d.leave(d.WithReader(ctx), r, context.DeadlineExceeded)
	require.True(t, r.usable())
	require.Zero(t, r.failed.Load())
	d.leave(d.WithReader(t.Context()), r, context.DeadlineExceeded)
	require.False(t, r.usable())
}

func TestIsServerLost(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errOther, errPooler, io.EOF, context.DeadlineExceeded, &pgconn.PgError{Code: "57P01"}, &pgconn.ConnectError{}} {
		require.True(t, isServerLost(fmt.Errorf("read: %w", err)), err)
	}
	for _, err := range []error{
		ErrBusy, errors.New("another"), &pgconn.PgError{Code: "40001"}, &pgconn.PgError{Code: "57014"}, &pgconn.PgError{Code: "22012"},
	} {
		require.False(t, isServerLost(fmt.Errorf("read: %w", err)), err)
	}
}

// TestJudge checks the states that follow from the errors of a replica.
func TestJudge(t *testing.T) {
	t.Parallel()
	started := time.Unix(1795914123, 45_000)
	of := Mark{Life: "1795914123.00004571564a7e"}
	for err, state := range map[error]ReplicaState{
		errLate: ReplicaLate, errForeign: ReplicaForeign, errPooler: ReplicaForeign, errPrimary: ReplicaPrimary, errOther: ReplicaLost, io.EOF: ReplicaLost,
	} {
		r := &replica{}
		r.known.Store(&progress{started: started})
		r.judge(err, of)
		require.Equal(t, state, ReplicaState(r.state.Load()), err)
		r.judge(nil, of)
		require.True(t, r.usable())
	}
	r := &replica{}
	r.known.Store(&progress{started: started.Add(time.Second)})
	r.judge(errPrimary, of)
	require.Equal(t, ReplicaForeign, ReplicaState(r.state.Load()), "it is another primary")
}
