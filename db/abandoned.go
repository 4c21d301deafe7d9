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
	few, most int // how many may be given up before writes are refused, and before none is tried

	mu     sync.Mutex
	open   int // the server has not ended their statements yet
	recent int // those of open that were given up since the last write
	trying bool
}

func newAbandoned(conns int) *abandoned { return &abandoned{few: max(1, conns/2), most: 2 * conns} }

// errAbandoned refuses a write.
var errAbandoned = fmt.Errorf("%w: the server does not end the writes that were sent to it", ErrBusy)

// seldom marks a query that begins with WITH and writes only in rare cases, so
// that it is not refused. It stands where shared does.
const seldom = "/* seldom writes */"

// writes reports whether a statement may write.
func writes(sql string) bool {
	if isRead(sql) || strings.Contains(sql[:min(len(sql), sharedWithin)], seldom) {
		return false
	}
	for _, word := range []string{"INSERT ", "UPDATE ", "DELETE "} {
		if strings.Contains(sql, word) {
			return true
		}
	}
	return !strings.Contains(sql[:min(len(sql), sharedWithin)], "WITH ")
}

// write runs fn, which writes, or refuses it.
func (a *abandoned) write(fn func() error) error {
	end, err := a.begin()
	if err != nil {
		return err
	}
	err = fn()
	end(err)
	return err
}

// begin permits a write, or refuses it. The caller calls end with its error.
func (a *abandoned) begin() (end func(error), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tries := a.recent >= a.few
	if tries && (a.trying || a.open >= a.most) {
		return nil, errAbandoned
	}
	a.trying = a.trying || tries
	return func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if err == nil {
			a.recent = 0
		}
		if tries {
			a.trying = false
		}
	}, nil
}

func (a *abandoned) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open += n
	a.recent = max(0, a.recent+n)
}

// errNoCancel is the internal error of a request to cancel a statement.
var errNoCancel = errors.New("db: statements are not cancelled")

// connect prepares a new connection of a pool.
func (a *abandoned) connect(_ context.Context, cc *pgx.ConnConfig) error {
	var conn *patientConn // nil until it is connected
	var connected atomic.Bool
	dial, after := cc.DialFunc, cc.AfterConnect
	cc.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if connected.Load() { // pgx dials again only to cancel
			conn.abandon()
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
	all       *abandoned
	abandoned atomic.Bool
}

func (c *patientConn) abandon() {
	if c.abandoned.CompareAndSwap(false, true) {
		c.all.add(1)
	}
}

// SetDeadline ignores how long pgx would wait for the server to end the session.
// A server that is gone is noticed by the keepalives of TCP.
func (c *patientConn) SetDeadline(t time.Time) error {
	if c.abandoned.Load() {
		t = time.Time{}
	}
	return c.Conn.SetDeadline(t)
}

func (c *patientConn) Close() error {
	if c.abandoned.CompareAndSwap(true, false) {
		c.all.add(-1)
	}
	return c.Conn.Close()
}
