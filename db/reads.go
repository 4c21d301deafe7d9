package db

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/gen/query"
)

// maxGroup is how many reads can share a round trip. It bounds how long the
// last read of a group waits for the others.
const maxGroup = 16

// Which connection does a query use?
//
// Inside a transaction, a query uses the connection of the transaction.
// Outside, a query that is written in db/queries as
//
//	SELECT /* shared */ …   or   WITH /* shared */ …
//
// shares a round trip with the queries of other requests. Every other query
// takes a connection of the pool for itself. Handlers do not choose: they pass
// the DB. A Together joins many reads of one kind in one statement. If there are
// replicas, reads of a request that only reads are sent to one of them
// (WithReader).
//
// A query may be shared if it reads few rows, by index, whatever its parameters
// are, since other requests wait for it. So it returns one row, or its LIMIT is
// the length of a page. TestSharedQueries checks this for every shared query. A
// caller whose parameters make a shared query long passes DB.Alone.

// shared marks a query that shares its round trip. It stands near the beginning
// of the query's text.
const shared = "/* shared */"

// sharedWithin is how many bytes of a query are searched for shared. sqlc puts
// a line with the query's name before it.
const sharedWithin = 100

func isShared(sql string) bool {
	return strings.Contains(sql[:min(len(sql), sharedWithin)], shared)
}

// Alone returns a connection on which no query shares its round trip.
func (d *DB) Alone() query.DBTX { return alone{d} }

// alone is a DB without shared reads.
type alone struct{ *DB }

func (a alone) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	send := func(d *DB) (pgx.Rows, error) { return d.queryAlone(ctx, sql, args) }
	if rows, ok := a.queryReplica(ctx, sql, send); ok {
		return rows, nil
	}
	return send(a.DB)
}

func (a alone) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return pooledRow{a, ctx, sql, args}
}

// sharedReads implements query.DBTX for short reads of one statement. It runs
// the reads of several requests in one round trip, since the round trip is most
// of the cost of such a read, for the service and for PostgreSQL. It runs at
// most as many groups at a time as more connections would help. Reads that
// arrive meanwhile wait and form the next group. Under low load, a read is sent
// at once and alone.
//
// A group is a pgx.Batch. Its results arrive in the order of its reads. When
// its turn comes, each read takes its rows from the connection and then passes
// the connection on to the next read. So a caller must only scan the rows, and
// do no other work between them. Each statement sees everything that had
// committed when it began, as it would outside a group. When a read fails or
// its request times out, the reads behind it in the group are run alone.
type sharedReads struct {
	db   *DB
	most int // groups that may run at once

	mu      sync.Mutex
	groups  int
	waiting []*read
}

var _ query.DBTX = (*sharedReads)(nil)

// read is a statement that waits to be sent.
type read struct {
	sql  string
	args []any
	// end is the deadline of its request, or zero.
	end time.Time
	// claimed is set once: by the group that gives the read its turn, or by the
	// read itself when it stops waiting.
	claimed atomic.Bool
	// turn receives the group that the read belongs to, or nil if the read has
	// to lead a new group.
	turn chan *group
}

// group is a set of reads that have been sent together. The read whose turn it
// is owns it.
type group struct {
	reads   *sharedReads
	conn    *pgxpool.Conn
	cancel  context.CancelFunc
	results pgx.BatchResults
	rest    []*read // the reads whose turn comes later
	begun   bool    // a read has had its turn
	err     error   // the error that the rest gets too
}

// Exec implements query.DBTX. A write is sent alone, so that no read can make
// it fail.
func (r *sharedReads) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return r.db.Exec(ctx, sql, args...)
}

// QueryRow implements query.DBTX. The statement runs when the row is scanned.
func (r *sharedReads) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return pooledRow{r, ctx, sql, args}
}

// Query implements query.DBTX. The other reads of the group wait until the rows
// are closed.
func (r *sharedReads) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.mu.Lock()
	if r.groups < r.most {
		r.groups++
		r.mu.Unlock()
		rows, err := r.db.queryPool(ctx, sql, args)
		if err != nil {
			r.leave()
			return nil, err
		}
		rows.reads = r
		return rows, nil
	}
	this := &read{sql: sql, args: args, turn: make(chan *group, 1)}
	this.end, _ = ctx.Deadline()
	r.waiting = append(r.waiting, this)
	r.mu.Unlock()
	if tracer := r.db.cfg.Tracer; tracer != nil {
		// pgx calls the tracer only for statements that are sent alone.
		ctx = tracer.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{SQL: sql, Args: args})
	}
	g, err := r.wait(ctx, this)
	if err != nil {
		r.traced(ctx, pgconn.CommandTag{}, err)
		return nil, err
	}
	rows := &groupRows{group: g, ctx: ctx}
	innocent, err := rows.begin()
	if err != nil {
		rows.Close()
		if innocent && ctx.Err() == nil {
			return r.db.queryAlone(ctx, sql, args)
		}
		return nil, err
	}
	return rows, nil
}

func (r *sharedReads) traced(ctx context.Context, tag pgconn.CommandTag, err error) {
	if tracer := r.db.cfg.Tracer; tracer != nil {
		tracer.TraceQueryEnd(ctx, nil, pgx.TraceQueryEndData{CommandTag: tag, Err: err})
	}
}

// wait returns the group of a read once its turn has come.
func (r *sharedReads) wait(ctx context.Context, this *read) (*group, error) {
	timer := time.NewTimer(r.db.cfg.AcquireTimeout)
	defer timer.Stop()
	var gone error
	select {
	case g := <-this.turn:
		return r.orLead(g, this), nil
	case <-timer.C:
		gone = ErrBusy
	case <-ctx.Done():
		gone = ctx.Err()
	}
	if this.claimed.CompareAndSwap(false, true) {
		return nil, gone
	}
	return r.orLead(<-this.turn, this), nil
}

// orLead returns g. If g is nil, it forms and sends a group of this read and of
// reads that wait.
func (r *sharedReads) orLead(g *group, this *read) *group {
	if g != nil {
		return g
	}
	r.mu.Lock()
	// Leave the other groups their share.
	n := min((len(r.waiting)+r.most-1)/r.most, maxGroup-1)
	g = &group{reads: r, rest: slices.Clone(r.waiting[:n])}
	r.waiting = slices.Delete(r.waiting, 0, n)
	r.mu.Unlock()
	// A read whose request has given up is not sent.
	g.rest = slices.DeleteFunc(g.rest, func(w *read) bool { return w.claimed.Load() })
	batch, end := &pgx.Batch{}, time.Now().Add(r.db.statementLimit())
	for _, w := range append([]*read{this}, g.rest...) {
		batch.Queue(w.sql, w.args...)
		if !w.end.IsZero() && w.end.Before(end) {
			end = w.end
		}
	}
	// Not under the context of this read: the others continue without it.
	ctx, cancel := context.WithDeadline(context.Background(), end)
	g.cancel = cancel
	if g.conn, g.err = r.db.acquire(ctx); g.err == nil {
		g.results = g.conn.SendBatch(ctx, batch)
	}
	return g
}

// leave makes room for another group, of reads that wait.
func (r *sharedReads) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.waiting) > 0 {
		first := r.waiting[0]
		r.waiting = slices.Delete(r.waiting, 0, 1)
		if first.claimed.CompareAndSwap(false, true) {
			first.turn <- nil
			return
		}
	}
	r.groups--
}

// pass gives the group to the next read that still waits. Without one it ends
// the group.
func (g *group) pass() {
	for len(g.rest) > 0 {
		next := g.rest[0]
		g.rest = g.rest[1:]
		if next.claimed.CompareAndSwap(false, true) {
			next.turn <- g
			return
		}
		if g.err == nil {
			rows, _ := g.results.Query()
			rows.Close()
			g.err = rows.Err()
		}
	}
	if g.conn != nil {
		_ = g.results.Close() // each read has returned its own error
		release(g.conn)
	}
	g.cancel()
	g.reads.leave()
}

// groupRows are the rows of one read of a group. Close passes the group on.
type groupRows struct {
	pgx.Rows
	group *group // nil after it was passed on
	ctx   context.Context
	// ahead reports that begin has called Next already; more is its result.
	ahead, more bool
}

// begin reads the first row, because a read can be run again only before its
// first row. innocent reports that the read may succeed when it is run alone:
// the error may be that of another read, or of the connection.
func (r *groupRows) begin() (innocent bool, err error) {
	g := r.group
	if g.err != nil {
		return g.conn != nil, g.err
	}
	// An error in sending any statement is reported to the first read.
	innocent, g.begun = !g.begun, true
	if r.Rows, err = g.results.Query(); err != nil {
		return innocent, err
	}
	r.ahead, r.more = true, r.Rows.Next()
	err = r.Rows.Err()
	return innocent || isStalePlan(err) || g.conn.Conn().IsClosed(), err
}

func (r *groupRows) Next() bool {
	if !r.ahead {
		r.more = r.Rows.Next()
	}
	r.ahead = false
	if !r.more {
		r.Close()
	}
	return r.more
}

func (r *groupRows) Close() {
	g := r.group
	if g == nil {
		return
	}
	r.group = nil
	var tag pgconn.CommandTag
	if r.Rows != nil {
		r.Rows.Close()
		tag = r.Rows.CommandTag()
		if g.err == nil {
			g.err = r.Rows.Err()
		}
	}
	g.reads.traced(r.ctx, tag, g.err)
	g.pass()
}
