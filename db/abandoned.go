package db

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// abandoned are the connections that the pool has given up while the server
// still works on their statements. pgx would ask the server to cancel those. But
// a COMMIT that waits for a synchronous standby would end at once, and others
// would see what no standby has: a repeated request would be told that it has
// been carried out, and a failover would lose it. Statements that take too long
// end by statement_timeout, which a COMMIT is not subject to.
//
// So the server may go on for as long as a standby does not respond, and each
// write that is given up would take another of its connections, until reads find
// none either. When many have been given up since the last write that
// succeeded, writes are refused, except for one at a time, which tries.
type abandoned struct {
	few, most int // how many may be given up before one at a time tries, and before that is done seldom

	mu     sync.Mutex
	open   int // writes that the server has not ended yet
	recent int // those of open that were given up since the last write
	past   int // those of open that were given up before the last trial that succeeded
	trying bool
	tried  time.Time // when the last trial began
}

// trialInterval is the time until the next trial if very many writes have been
// given up. Perhaps the server that they were sent to is gone, and another one
// works. It doubles with each trial that is given up, up to maxDoubled times: the
// server would have no connection left after a quarter of an hour.
const (
	trialInterval = 10 * time.Second
	maxDoubled    = 9 // 85 minutes
)

func newAbandoned(conns int) *abandoned { return &abandoned{few: max(1, conns/2), most: 2 * conns} }

// errAbandoned refuses a write.
var errAbandoned = fmt.Errorf("%w: the server does not end the writes that were sent to it", ErrBusy)

// noWait marks a statement that writes, but whose commit waits for no standby:
// to unlogged tables only, or what may be lost. It is not refused, and its
// success says nothing about other writes. It stands where shared does.
const noWait = "/* waits for no standby */"

// leaders is the unlogged table in which River elects a leader, by statements
// that have no mark. It writes to it every few seconds.
const leaders = "river_leader"

// writes reports whether a statement may write, and its commit wait for a
// standby.
func writes(sql string) bool {
	head := sql[:min(len(sql), sharedWithin)]
	if isRead(sql) || strings.Contains(head, noWait) || strings.Contains(sql, leaders) {
		return false
	}
	for _, word := range []string{"INSERT ", "UPDATE ", "DELETE "} {
		if strings.Contains(sql, word) {
			return true
		}
	}
	return !strings.Contains(head, "WITH ")
}

// wrote reports whether a statement has written something. One that ends with a
// SELECT may have written to unlogged tables only.
func wrote(tag pgconn.CommandTag) bool { return !tag.Select() && tag.RowsAffected() > 0 }

// errPanic is the error of a write that has ended in a panic.
var errPanic = errors.New("db: panic")

// write runs fn, which writes on a connection of acquireFor, or refuses it.
func (a *abandoned) write(fn func() (wrote bool, err error)) error {
	end, err := a.begin()
	if err != nil {
		return err
	}
	wrote := false
	err = errPanic
	defer func() { end(wrote, err) }()
	wrote, err = fn()
	return err
}

// begin permits a write, or refuses it. The caller calls end when it has ended,
// and says whether it has written something, or why not.
func (a *abandoned) begin() (end func(wrote bool, err error), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	many := a.open-a.past >= a.most
	tries := a.hangs()
	if tries && (a.trying || many && time.Since(a.tried) < trialInterval<<min(a.open-a.past-a.most, maxDoubled)) {
		return nil, errAbandoned
	}
	if tries {
		a.trying, a.tried = true, time.Now()
	}
	return func(wrote bool, err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		wrote = wrote && err == nil
		if wrote {
			a.recent = 0
		}
		if !tries {
			return
		}
		a.trying = false
		var answer *pgconn.PgError
		switch {
		case wrote:
			a.past = a.open
		case err == nil, errors.As(err, &answer), errors.Is(err, ErrBusy):
			a.tried = time.Time{} // it says nothing: there was no commit
		}
	}, nil
}

// hangs reports whether so many writes have been given up that one at a time
// tries. The caller holds mu.
func (a *abandoned) hangs() bool { return a.recent >= a.few || a.open-a.past >= a.most }

// suspect reports whether connections of the pool may lead to a server that
// hangs, so that a write has to ask first.
func (a *abandoned) suspect() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hangs()
}

func (a *abandoned) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open += n
	a.recent, a.past = max(0, a.recent+n), min(a.past, a.open)
}

// writing is the key in the custom data of a connection which says that a write
// uses it.
const writing = "writing"

// acquireFor is acquire, and notes whether the connection is for a write. One
// that tries whether writes succeed again gets a connection that responds.
func (d *DB) acquireFor(ctx context.Context, writes bool) (*pgxpool.Conn, error) {
	conn, err := d.acquireAlive(ctx, writes && d.abandoned.suspect())
	if err == nil && writes {
		conn.Conn().PgConn().CustomData()[writing] = true
	}
	return conn, err
}

// errNoCancel is the internal error of a request to cancel a statement.
var errNoCancel = errors.New("db: statements are not cancelled")

// connect prepares a new connection of a pool.
func (a *abandoned) connect(_ context.Context, cc *pgx.ConnConfig) error {
	// These are nil until it is connected.
	var conn *patientConn
	var pg *pgconn.PgConn
	var connected atomic.Bool
	dial, after := cc.DialFunc, cc.AfterConnect
	cc.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if connected.Load() { // pgx dials again only to cancel
			conn.abandon(pg.CustomData()[writing] != nil)
			return nil, errNoCancel
		}
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		conn = &patientConn{Conn: c, all: a}
		return conn, nil
	}
	cc.AfterConnect = func(ctx context.Context, c *pgconn.PgConn) error {
		err := after(ctx, c)
		pg = c
		connected.Store(err == nil)
		return err
	}
	return nil
}

// patientConn is a connection that, once it is abandoned, stays open until the
// server closes it. pgx asks the server to end the session, which it does when
// its statement has ended, and would close the connection after 15 s. A pooler
// in front of the server counts the session for as long as it is open.
type patientConn struct {
	net.Conn
	all     *abandoned
	patient atomic.Bool // whether it is abandoned
	counts  atomic.Bool // whether all counts it
}

func (c *patientConn) abandon(writes bool) {
	if c.patient.CompareAndSwap(false, true) && writes {
		c.counts.Store(true)
		c.all.add(1)
	}
}

// SetDeadline ignores how long pgx would wait for the server to end the session.
func (c *patientConn) SetDeadline(t time.Time) error {
	if c.patient.Load() {
		t = time.Time{}
	}
	return c.Conn.SetDeadline(t)
}

func (c *patientConn) Close() error {
	if c.counts.CompareAndSwap(true, false) {
		c.all.add(-1)
	}
	return c.Conn.Close()
}
