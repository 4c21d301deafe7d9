package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byline-api/byline/gen/query"
)

// calm is how long a read waits before it begins another group.
const calm = 100 * time.Millisecond

// Together implements a read of one row, by a key, which many requests make at
// the same time. It reads the rows of several requests by one statement. Most
// of the cost of such a read is that of a statement: to begin it and to end it
// takes more than to find a row. Writes of one row that return it are the same:
// the key is what they write. Here, all of them are called reads.
//
// Under low load, a read is sent at once and alone. The reads that arrive while
// it runs wait, and are the next group. The larger the groups, the less each
// read costs, so that another group begins meanwhile only if it is full, or if
// a read has waited for long: then the database is slow, or one connection is,
// and another one may help. A statement begins after its reads have arrived, so
// that each sees everything that had committed by then. A read whose group
// fails is run alone, and returns its own error; a write only if the group has
// surely written nothing.
type Together[K, R any] struct {
	db   *DB
	sql  string // what tracers are told of a read that waits
	one  func(ctx context.Context, conn query.DBTX, key K) (R, error)
	many func(ctx context.Context, conn query.DBTX, keys []K, found func(i int, row *R)) error
	most int // groups that may run at once
	// again reports whether a read can be run again after an error of its group.
	again func(error) bool
	// replicas are for the reads that come from them, in the order of DB.
	replicas []*Together[K, R]

	mu      sync.Mutex
	running int
	waiting []*member[K, R]
	members sync.Pool // of *member, to be used again
}

// member is a read that waits for a group.
type member[K, R any] struct {
	key K
	// claimed is set once: by the group that reads the row, or by the read
	// itself when it stops waiting for a group.
	claimed atomic.Bool
	// done receives a value when row and err are set.
	done  chan struct{}
	row   *R // nil if there is none
	err   error
	timer *time.Timer
}

// NewTogether returns a Together whose reads are named name in traces. The
// function one reads the row of a key, or returns pgx.ErrNoRows. The function
// many calls found for each key that has a row. Their queries must not be
// shared, since they would wait twice.
func NewTogether[K, R any](d *DB, name string, one func(context.Context, query.DBTX, K) (R, error),
	many func(ctx context.Context, conn query.DBTX, keys []K, found func(i int, row *R)) error) *Together[K, R] {
	t := newTogether(d, name, one, many)
	for _, r := range d.replicas.all {
		t.replicas = append(t.replicas, newTogether(r.db, name, one, many))
	}
	return t
}

func newTogether[K, R any](d *DB, name string, one func(context.Context, query.DBTX, K) (R, error),
	many func(ctx context.Context, conn query.DBTX, keys []K, found func(i int, row *R)) error) *Together[K, R] {
	return &Together[K, R]{
		db: d, sql: "-- name: " + name + " :one", one: one, many: many, most: max(1, d.cfg.MaxConns/2),
		again: func(error) bool { return true },
	}
}

// NewTogetherWriting is NewTogether for writes. Either all of many is written
// or, after an error, nothing.
func NewTogetherWriting[K, R any](d *DB, name string, one func(context.Context, query.DBTX, K) (R, error),
	many func(ctx context.Context, conn query.DBTX, keys []K, found func(i int, row *R)) error) *Together[K, R] {
	t := newTogether(d, name, one, many)
	t.again = isRolledBack
	return t
}

// MaxTogether is the longest text, in bytes, that should be written together
// with others. A longer one costs so much itself that a statement of its own
// makes no difference, and would make the others wait.
const MaxTogether = 32 << 10

// rolledBack are the classes of errors that a statement meets before its
// transaction commits (PostgreSQL, appendix A). Those of class 57, operator
// intervention, may come after the commit, while a standby has not confirmed it.
var rolledBack = []string{"0A", "22", "23", "40", "42", "53", "54", "55", "P0"}

// isRolledBack reports whether an error says that the server has rolled the
// statement back. An error that ends the session does not: PostgreSQL may have
// failed in the commit, and PgBouncer sends one for a server that it has lost.
func isRolledBack(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && cmp.Or(refused.SeverityUnlocalized, refused.Severity) == "ERROR" &&
		slices.Contains(rolledBack, refused.Code[:min(2, len(refused.Code))])
}

// Get returns the row of a key, or pgx.ErrNoRows.
func (t *Together[K, R]) Get(ctx context.Context, key K) (R, error) {
	if len(t.replicas) > 0 {
		if from, started := t.db.source(ctx); from != nil {
			row, err := t.replicas[from.index].get(ctx, key)
			if other := from.still(started); other != nil {
				err = other
			}
			if err == nil || errors.Is(err, pgx.ErrNoRows) || ctx.Err() != nil {
				return row, err
			}
			t.db.leave(ctx, from, err)
		}
	}
	return t.get(ctx, key)
}

func (t *Together[K, R]) get(ctx context.Context, key K) (row R, err error) {
	t.mu.Lock()
	if t.running == 0 {
		t.running++
		t.mu.Unlock()
		defer t.lead()
		return t.one(ctx, t.db, key)
	}
	this, _ := t.members.Get().(*member[K, R])
	if this == nil {
		this = &member[K, R]{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	}
	this.key = key
	t.waiting = append(t.waiting, this)
	full := len(t.waiting) >= maxGroup
	t.mu.Unlock()
	if full {
		t.another()
	}
	if tracer := t.db.cfg.Tracer; tracer != nil {
		ctx = tracer.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{SQL: t.sql})
		defer func() { tracer.TraceQueryEnd(ctx, nil, result(err)) }()
	}
	if err := t.wait(ctx, this); err != nil {
		return row, err
	}
	found, failed := this.row, this.err
	*this = member[K, R]{done: this.done, timer: this.timer}
	t.members.Put(this)
	switch {
	case failed != nil && t.again(failed):
		return t.one(ctx, t.db, key)
	case failed != nil:
		return row, failed
	case found == nil:
		return row, pgx.ErrNoRows
	}
	return *found, nil
}

// result returns what a tracer is told of a read. That there is no row is no
// error, as for a statement.
func result(err error) pgx.TraceQueryEndData {
	switch {
	case err == nil:
		return pgx.TraceQueryEndData{CommandTag: pgconn.NewCommandTag("SELECT 1")}
	case errors.Is(err, pgx.ErrNoRows):
		return pgx.TraceQueryEndData{CommandTag: pgconn.NewCommandTag("SELECT 0")}
	}
	return pgx.TraceQueryEndData{Err: err}
}

// wait returns when the row of a read has been read, or with the reason why the
// read waits no longer. It does not watch for a client that disconnects: groups
// take milliseconds, and to be told of it costs each read more.
func (t *Together[K, R]) wait(ctx context.Context, this *member[K, R]) error {
	patience := t.db.cfg.AcquireTimeout
	end, bounded := ctx.Deadline()
	if bounded {
		patience = min(patience, time.Until(end))
	}
	first := min(calm, patience)
	if this.within(first) {
		return nil
	}
	t.another()
	if this.within(patience - first) {
		return nil
	}
	if this.claimed.CompareAndSwap(false, true) {
		return ErrBusy
	}
	if !bounded {
		end = time.Now().Add(t.db.statementLimit())
	}
	if this.within(time.Until(end)) {
		return nil
	}
	return context.DeadlineExceeded
}

// within reports whether the row has been read within a time.
func (m *member[K, R]) within(limit time.Duration) bool {
	m.timer.Reset(limit)
	defer m.timer.Stop()
	select {
	case <-m.done:
		return true
	case <-m.timer.C:
		return false
	}
}

// another begins another group, if there may be one.
func (t *Together[K, R]) another() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running < t.most {
		t.running++
		go t.work()
	}
}

// lead passes the turn of a read that was alone on to the reads that wait.
func (t *Together[K, R]) lead() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 {
		go t.work()
		return
	}
	t.running--
}

// work runs groups until no read waits.
func (t *Together[K, R]) work() {
	for group := t.take(); group != nil; group = t.take() {
		t.run(group)
	}
}

// take returns the next reads to run. Without any, it ends the turn.
func (t *Together[K, R]) take() (group []*member[K, R]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for ; n < len(t.waiting) && len(group) < maxGroup; n++ {
		if m := t.waiting[n]; m.claimed.CompareAndSwap(false, true) {
			group = append(group, m)
		}
	}
	t.waiting = append(t.waiting[:0], t.waiting[n:]...)
	clear(t.waiting[len(t.waiting):cap(t.waiting)])
	if len(group) == 0 {
		t.running--
		return nil
	}
	return group
}

// run reads the rows of a group. It does so under no context of a request: the
// others need their rows when one of them is gone.
func (t *Together[K, R]) run(group []*member[K, R]) {
	ctx, cancel := context.WithTimeout(context.Background(), t.db.statementLimit())
	defer cancel()
	keys := make([]K, len(group))
	for i, m := range group {
		keys[i] = m.key
	}
	err := t.read(ctx, keys, group)
	for _, m := range group {
		m.err = err
		m.done <- struct{}{}
	}
}

// read calls many, and returns a panic as an error: it would end the process
// here, and not only the request that has caused it.
func (t *Together[K, R]) read(ctx context.Context, keys []K, group []*member[K, R]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("db: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return t.many(ctx, t.db, keys, func(i int, row *R) { group[i].row = row })
}
