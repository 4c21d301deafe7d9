package db

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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
	known atomic.Pointer[Mark]
	state atomic.Int32 // ReplicaState
	lag   atomic.Int64 // time.Duration
	// reason is why it is not used.
	reason atomic.Pointer[error]
	log    atomic.Pointer[slog.Logger]
	// The state at the last probe, since when, and what the log says.
	current, told ReplicaState
	since         time.Time

	reads, failed atomic.Int64

	mu      sync.Mutex
	next    *question // the one that has not been asked yet; nil if no read waits
	asking  bool
	started time.Time // when the server was started
}

// A question is asked once for all reads that wait for its answer.
type question struct {
	done chan struct{}
	err  error // set before done is closed
}

func newReplica(ctx context.Context, cfg Config) (*replica, error) {
	d, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	cc := d.pool.Config().ConnConfig
	_, name := pgconn.NetworkAddress(cc.Host, cc.Port)
	r := &replica{name: name, db: d, told: unknown}
	r.known.Store(&Mark{})
	cfg.MaxConns, cfg.MinConns, cfg.Tracer = 1, 0, nil
	if r.asked, err = Open(ctx, cfg); err != nil {
		d.Close()
		return nil, err
	}
	return r, nil
}

func (r *replica) close() {
	r.asked.Close()
	r.db.Close()
}

func (r *replica) reached() Mark { return *r.known.Load() }

func (r *replica) usable() bool { return ReplicaState(r.state.Load()) == ReplicaUsed }

// set changes the state. err is the reason unless the replica is used.
func (r *replica) set(to ReplicaState, err error) {
	r.state.Store(int32(to))
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
	case reason != nil:
		log.Warn("no reads are sent to a replica", "replica", r.name, "state", state.String(), "error", *reason)
	}
}

// reach returns when the replica shows everything up to a mark, or an error
// after at most patience.
func (r *replica) reach(ctx context.Context, want Mark, patience time.Duration) error {
	if r.reached().covers(want) {
		return nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		q := r.ask()
		select {
		case <-q.done:
		case <-timer.C:
			return errLate
		case <-ctx.Done():
			return ctx.Err()
		}
		if q.err != nil {
			return q.err
		}
		if r.reached().covers(want) {
			return nil
		}
	}
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
	if !row.Started.Equal(r.started) {
		// Connections that lead to another server must not be used.
		r.db.pool.Reset()
	}
	earlier := row.Started.Before(r.started)
	r.started = row.Started
	if row.Lsn == 0 || earlier { // a primary, or not always the same server
		return errForeign
	}
	r.known.Store(&Mark{Life: row.Life, LSN: row.Lsn})
	return nil
}

// probe asks the replica regularly, measures how late it is, and decides whether
// it is used.
func (r *replica) probe(ctx context.Context, mark func() Mark) {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	var unseen unseen
	for {
		now, want := time.Now(), mark()
		err := r.reach(ctx, want, replicaPatience)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			r.set(ReplicaUsed, nil)
		} else {
			r.set(stateOf(err), err)
		}
		r.lag.Store(int64(unseen.age(now, want, r.reached())))
		r.tell(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
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
