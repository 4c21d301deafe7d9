package db

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byline-api/byline/gen/query"
)

// askInterval is the shortest time between two questions to a replica.
const askInterval = 300 * time.Microsecond

// replica is a standby. What it has reached is asked when a read needs to know,
// once for all reads that wait.
type replica struct {
	name  string
	index int // among the replicas of its DB
	db    *DB
	// asked has one connection for questions, so that they do not wait for reads.
	asked *DB
	known atomic.Pointer[progress]
	state atomic.Int32 // ReplicaState
	lag   atomic.Int64 // time.Duration
	// reason is why it is not used.
	reason atomic.Pointer[error]
	log    atomic.Pointer[slog.Logger]
	// The state at the last probe, since when, and what the log says.
	current, told ReplicaState
	since         time.Time

	reads, failed atomic.Int64

	mu     sync.Mutex
	next   *question // the one that has not been asked yet; nil if no read waits
	asking bool
}

// progress is what a server has said about itself. A server that is started
// again, or another one at the same address, may show less than was shown
// before, so that what it has reached is valid only for the server that said so.
type progress struct {
	Mark
	started time.Time // when the server was started
}

// A question is asked once for all reads that wait for its answer.
type question struct {
	done chan struct{}
	err  error // set before done is closed
}

func newReplica(ctx context.Context, cfg Config) (*replica, error) {
	r := &replica{told: unknown}
	r.known.Store(&progress{})
	cfg.standby, cfg.server = true, func() time.Time { return r.known.Load().started }
	var err error
	if r.db, err = Open(ctx, cfg); err != nil {
		return nil, err
	}
	cc := r.db.pool.Config().ConnConfig
	_, r.name = pgconn.NetworkAddress(cc.Host, cc.Port)
	cfg.MaxConns, cfg.MinConns, cfg.Tracer, cfg.any, cfg.server = 1, 0, nil, true, nil
	if r.asked, err = Open(ctx, cfg); err != nil {
		r.db.Close()
		return nil, err
	}
	return r, nil
}

// server is the key in the custom data of a connection for the time when its
// server was started.
const server = "server"

// noteServer notes the server that a new connection leads to. Behind a pooler
// such as PgBouncer a connection can lead to another server at each statement.
func noteServer(ctx context.Context, conn *pgx.Conn) error {
	var started time.Time
	var process int64
	if err := conn.QueryRow(ctx, `SELECT pg_postmaster_start_time(), pg_backend_pid()`).Scan(&started, &process); err != nil {
		return err
	}
	if !isDirect(conn.PgConn(), process) {
		return errPooler
	}
	conn.PgConn().CustomData()[server] = started
	return nil
}

// ofServer reports whether a connection leads to the server that was started at
// a time.
func ofServer(conn *pgx.Conn, started time.Time) (bool, error) {
	if at, _ := conn.PgConn().CustomData()[server].(time.Time); !at.Equal(started) {
		return false, errOther
	}
	return true, nil
}

func (r *replica) close() {
	r.asked.Close()
	r.db.Close()
}

func (r *replica) reached() Mark { return r.known.Load().Mark }

func (r *replica) usable() bool { return ReplicaState(r.state.Load()) == ReplicaUsed }

// judge sets the state that follows from the error of a read or of a question,
// which is nil if the replica shows everything up to a mark.
func (r *replica) judge(err error, want Mark) {
	if errors.Is(err, errPrimary) && !want.isOf(r.known.Load().started) {
		err = errForeign
	}
	r.state.Store(int32(stateOf(err)))
	if err != nil {
		r.reason.Store(&err)
	}
}

// lasting is how long a replica has to be in a state before the log says so: a
// busy one can be late for a moment many times a minute.
const lasting = time.Second

// tell logs the state once it lasts.
func (r *replica) tell(now time.Time) {
	state := ReplicaState(r.state.Load())
	if state != r.current {
		r.current, r.since = state, now
	}
	if state == r.told || now.Sub(r.since) < lasting && r.told != unknown {
		return
	}
	r.told = state
	switch log, reason := r.log.Load(), r.reason.Load(); {
	case state == ReplicaUsed:
		log.Info("reads are sent to a replica", "replica", r.name)
	case state == ReplicaPrimary:
		log.Info("a replica is the primary at this time", "replica", r.name)
	case reason != nil:
		log.Warn("no reads are sent to a replica", "replica", r.name, "state", state.String(), "error", *reason)
	}
}

// reach returns when the replica shows everything up to a mark, or an error
// after at most patience. Reads must come from the server that was started at
// the time that it returns.
func (r *replica) reach(ctx context.Context, want Mark, patience time.Duration) (started time.Time, err error) {
	if known := r.known.Load(); known.covers(want) {
		return known.started, nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		q := r.ask()
		select {
		case <-q.done:
		case <-timer.C:
			return started, errLate
		case <-ctx.Done():
			return started, ctx.Err()
		}
		if q.err != nil {
			return started, q.err
		}
		if known := r.known.Load(); known.covers(want) {
			return known.started, nil
		}
	}
}

// still returns an error if the server that was started at a time may have been
// replaced since.
func (r *replica) still(started time.Time) error {
	if !r.known.Load().started.Equal(started) {
		return errOther
	}
	return nil
}

// ask returns a question that is asked after the call.
func (r *replica) ask() *question {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &question{done: make(chan struct{})}
		if !r.asking {
			r.asking = true
			go r.answer()
		}
	}
	return r.next
}

// answer asks the questions until no read waits.
func (r *replica) answer() {
	for {
		began := time.Now()
		r.mu.Lock()
		q := r.next
		r.next = nil
		r.asking = q != nil
		r.mu.Unlock()
		if q == nil {
			return
		}
		q.err = r.read()
		close(q.done)
		time.Sleep(askInterval - time.Since(began))
	}
}

// read asks the server how far it is.
func (r *replica) read() error {
	// Not under the context of a request: others wait for the answer too.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	row, err := query.New().ReplicaProgress(ctx, r.asked)
	if err != nil {
		return err
	}
	earlier := row.Started.Before(r.known.Load().started)
	now := progress{started: row.Started}
	if row.Lsn != 0 {
		now.Mark = Mark{Life: row.Life, LSN: row.Lsn}
	}
	r.known.Store(&now)
	switch {
	case earlier: // the URL does not always lead to the same server
		return errForeign
	case row.Lsn == 0:
		return errPrimary
	}
	return nil
}

// probe asks the replica regularly, measures how late it is, and decides whether
// it is used.
func (r *replica) probe(ctx context.Context, mark func() Mark) {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	var unseen unseen
	for {
		// Without a mark, nobody knows yet what a replica has to show.
		if now, want := time.Now(), mark(); want != (Mark{}) {
			err := r.check(ctx, want)
			if ctx.Err() != nil {
				return
			}
			r.judge(err, want)
			r.lag.Store(int64(unseen.age(now, want, r.reached())))
			r.tell(time.Now())
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// check returns why the replica cannot be used, or nil. It asks the replica even
// if what is known is enough: the server may be gone.
func (r *replica) check(ctx context.Context, want Mark) error {
	q := r.ask()
	select {
	case <-q.done: // after a second at most
	case <-ctx.Done():
		return ctx.Err()
	}
	if q.err != nil {
		return q.err
	}
	_, err := r.reach(ctx, want, replicaPatience)
	return err
}

// unseen are marks that a replica has not reached, the oldest first.
type unseen []struct {
	at   time.Time
	mark Mark
}

// maxUnseen bounds the memory of a replica that is lost: an hour is enough to
// know that it is late.
const maxUnseen = int(time.Hour / probeInterval)

// age returns how long ago the primary did what the replica does not show yet.
func (u *unseen) age(now time.Time, want, reached Mark) time.Duration {
	for len(*u) > 0 && ((*u)[0].mark.Life != want.Life || reached.covers((*u)[0].mark)) {
		*u = (*u)[1:]
	}
	if reached.covers(want) {
		return 0
	}
	if len(*u) < maxUnseen {
		*u = append(*u, struct {
			at   time.Time
			mark Mark
		}{now, want})
	}
	return now.Sub((*u)[0].at)
}
