package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Mark is a place in the history of a primary. A standby that has reached it
// shows everything that had committed on the primary at some moment.
type Mark struct {
	// Life names the primary, and when it was started.
	Life string
	// LSN is the position in its write-ahead log, in bytes.
	LSN int64
}

// covers reports whether a server that has reached m has reached want too.
// Positions of different lives cannot be compared: after a failover, a standby
// may have replayed what the new primary has never had.
// Nothing covers the zero mark, at which nothing is known yet.
func (m Mark) covers(want Mark) bool {
	return want.Life != "" && m.Life == want.Life && m.LSN >= want.LSN
}

// isOf reports whether the mark is of a primary that was started at a time.
// ChangeList writes that time at the beginning of a life.
func (m Mark) isOf(started time.Time) bool {
	return strings.HasPrefix(m.Life, fmt.Sprintf("%d.%06d", started.Unix(), started.Nanosecond()/1000))
}

// A Reader chooses the server of the reads of one request. All come from the
// same server, so that each sees what the previous one has seen. If it cannot be
// used any more, the rest comes from the primary, which has everything.
type Reader struct {
	mu      sync.Mutex
	from    *replica
	started time.Time // when the server of from was started
	primary bool
	read    bool // something has been read from a replica
}

type readerKey struct{}

// HasReplicas reports whether reads may come from replicas.
func (d *DB) HasReplicas() bool { return len(d.replicas.all) > 0 }

// WithReader returns a context whose reads may come from a replica. They see
// everything that has been delivered by the feed of changes when they begin
// (Replicas.Mark). Without replicas it returns ctx.
func (d *DB) WithReader(ctx context.Context) context.Context {
	if !d.HasReplicas() {
		return ctx
	}
	return context.WithValue(ctx, readerKey{}, &Reader{})
}

// source returns the replica from which a read has to come, or nil for the
// primary. The read counts only if still(started) returns nil after it.
func (d *DB) source(ctx context.Context) (from *replica, started time.Time) {
	r, _ := ctx.Value(readerKey{}).(*Reader)
	if r == nil {
		return nil, started
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.primary {
		return nil, started
	}
	if r.from, r.started = d.replicas.choose(ctx, r.from); r.from == nil {
		r.primary = true
	}
	r.read = r.read || r.from != nil
	return r.from, r.started
}

// LeaveReplica makes a request read from the primary, and reports whether it has
// read from a replica, so that it can be repeated once.
func (d *DB) LeaveReplica(ctx context.Context) bool {
	r, _ := ctx.Value(readerKey{}).(*Reader)
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	read := r.read
	r.from, r.primary, r.read = nil, true, false
	return read
}

// leave makes a request read from the primary after a read from a replica has
// failed. The replica is avoided unless the failure concerns one statement only,
// such as a conflict with what the replica replays.
func (d *DB) leave(ctx context.Context, from *replica, err error) {
	if r, _ := ctx.Value(readerKey{}).(*Reader); r != nil {
		r.mu.Lock()
		r.from, r.primary = nil, true
		r.mu.Unlock()
	}
	if ctx.Err() != nil {
		return // the client has gone, or has waited for too long
	}
	from.failed.Add(1)
	if isServerLost(err) {
		from.judge(err, Mark{})
	}
}

// replicaPatience is how long a read waits for a replica before it is sent to
// the primary. Streaming over a local network takes one or two milliseconds.
const replicaPatience = 20 * time.Millisecond

// probeInterval is how often each replica is asked how far it is, besides what
// requests ask. A replica that is avoided is used again after that time.
const probeInterval = 250 * time.Millisecond

// Replicas are the standbys that reads may come from.
type Replicas struct {
	all  []*replica
	next atomic.Uint32 // whose turn it is
	// mark returns what reads have to see; nil before Run.
	mark atomic.Pointer[func() Mark]
	// primary counts reads that no replica could answer.
	primary atomic.Int64
}

func openReplicas(ctx context.Context, cfg Config) (all []*replica, err error) {
	for _, url := range cfg.ReadURLs {
		own := cfg
		own.URL, own.ReadURLs = url, nil
		// A replica that does not respond must leave a request the time to ask the
		// primary.
		own.QueryTimeout, own.AcquireTimeout = cfg.QueryTimeout/2, cfg.AcquireTimeout/2
		r, err := newReplica(ctx, own)
		if err != nil {
			for _, r := range all {
				r.close()
			}
			return nil, err
		}
		r.index = len(all)
		all = append(all, r)
	}
	return all, nil
}

// choose returns a replica that shows what the feed of changes has delivered, or
// nil. current is the one that the request has read from, or nil.
func (s *Replicas) choose(ctx context.Context, current *replica) (from *replica, started time.Time) {
	mark := s.mark.Load()
	if mark == nil {
		return nil, started
	}
	want := (*mark)()
	if current == nil {
		current = s.pick(want)
	}
	if current != nil {
		started, err := current.reach(ctx, want, replicaPatience)
		if err == nil {
			current.reads.Add(1)
			return current, started
		}
		if ctx.Err() == nil {
			current.judge(err, want)
		}
	}
	s.primary.Add(1)
	return nil, started
}

// pick returns the next replica in turn, one that need not be waited for if
// there is one.
func (s *Replicas) pick(want Mark) (found *replica) {
	first := int(s.next.Add(1))
	for i := range s.all {
		r := s.all[(first+i)%len(s.all)]
		if !r.usable() {
			continue
		}
		if r.reached().covers(want) {
			return r
		}
		if found == nil {
			found = r
		}
	}
	return found
}

// RunReplicas asks the replicas how far they are until ctx ends. Before the first
// answers, all reads go to the primary. mark returns what reads have to see; log
// is told when a replica is lost, late, or used again.
func (d *DB) RunReplicas(ctx context.Context, mark func() Mark, log *slog.Logger) error {
	s := &d.replicas
	if len(s.all) == 0 {
		return nil
	}
	s.mark.Store(&mark)
	var probes sync.WaitGroup
	for _, r := range s.all {
		r.log.Store(log)
		probes.Go(func() { r.probe(ctx, mark) })
	}
	probes.Wait()
	return nil
}

// ReplicaState says whether a replica is used.
type ReplicaState int32

// The states of a replica.
const (
	ReplicaLost    ReplicaState = iota // it does not respond, or has not been asked yet
	ReplicaLate                        // it shows too little
	ReplicaForeign                     // it follows another primary, or is another one
	ReplicaPrimary                     // it is the primary, so that its reads are the primary's
	ReplicaUsed
)

// unknown is no state: the log has not named one yet.
const unknown ReplicaState = -1

// String returns the name of the state in logs and metrics.
func (s ReplicaState) String() string {
	return [...]string{"lost", "late", "foreign", "primary", "used"}[s]
}

// ReplicaStatus describes a replica.
type ReplicaStatus struct {
	// Name is its address, HOST:PORT.
	Name  string
	State ReplicaState
	// Lag is how long ago the primary did what the replica does not show yet, as
	// far as the last answer tells.
	Lag time.Duration
	// Reads are the queries that it was chosen for, and Failed those of them that
	// were sent to the primary after an error.
	Reads, Failed int64
}

// ReplicaStatus returns the state of each replica, and the number of requests
// that could have been answered by a replica and were sent to the primary,
// because none showed enough in time.
func (d *DB) ReplicaStatus() (all []ReplicaStatus, toPrimary int64) {
	for _, r := range d.replicas.all {
		all = append(all, ReplicaStatus{
			Name: r.name, State: ReplicaState(r.state.Load()), Lag: time.Duration(r.lag.Load()),
			Reads: r.reads.Load(), Failed: r.failed.Load(),
		})
	}
	return all, d.replicas.primary.Load()
}

var (
	errLate    = errors.New("db: the replica has not replayed in time what has to be shown")
	errForeign = errors.New("db: the server is no standby of the primary: its URL must lead to one server, which follows the primary")
	errPrimary = errors.New("db: the server is no standby")
	errPooler  = errors.New("db: the URL must lead to PostgreSQL itself and not to a pooler, behind which the server can change")
	errOther   = errors.New("db: the server was started again, or is another one")
)

// isServerLost reports whether a read has failed because of its server, and not
// because of the statement or of the load.
func isServerLost(err error) bool {
	var pe *pgconn.PgError
	refused := errors.As(err, &pe) && pe.Code == "57014" // query_canceled: the statement timeout
	return (IsUnavailable(err) || errors.Is(err, errOther) || errors.Is(err, errPooler)) && !isConflict(err) && !errors.Is(err, ErrBusy) && !refused
}

func stateOf(err error) ReplicaState {
	switch {
	case err == nil:
		return ReplicaUsed
	case errors.Is(err, errLate):
		return ReplicaLate
	case errors.Is(err, errForeign), errors.Is(err, errPooler):
		return ReplicaForeign
	case errors.Is(err, errPrimary):
		return ReplicaPrimary
	}
	return ReplicaLost
}

// queryReplica sends a read to a replica. If the context asks for none, or the
// replica fails, ok is false, and the primary has to answer. A SELECT that writes
// fails on a replica, too.
func (d *DB) queryReplica(ctx context.Context, sql string, send func(*DB) (pgx.Rows, error)) (rows pgx.Rows, ok bool) {
	if len(d.replicas.all) == 0 || !isRead(sql) {
		return nil, false
	}
	from, started := d.source(ctx)
	if from == nil {
		return nil, false
	}
	rows, err := send(from.db)
	if err == nil {
		if err = from.still(started); err != nil {
			rows.Close()
		}
	}
	if err != nil {
		d.leave(ctx, from, fmt.Errorf("read from the replica %s: %w", from.name, err))
		return nil, false
	}
	return rows, true
}
