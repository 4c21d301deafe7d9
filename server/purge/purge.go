// Package purge tells caches at the edge, such as a CDN or Varnish, which
// responses to drop, because something that they depend on has changed.
//
// Each replica runs a Purger. It wakes up when the feed of changes delivers
// something, and each second. Of several replicas, one takes its turn to read
// what has changed since the edge was told last, tells the edge, and notes up to
// where (db/purges). So nothing is lost if a replica dies, or if the edge does
// not respond: it is told again, from the same position.
//
// An edge may receive a response that was made before a change, and store it
// after the purge. So every purge is repeated five seconds later.
package purge

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/purges"
	"github.com/byline-api/byline/gen/query"
)

const (
	// pollInterval is how long what another replica could not finish stays
	// unnoticed.
	pollInterval = time.Second
	// roundInterval is the shortest time between two rounds. What changes
	// meanwhile is purged together, since CDNs limit the number of purges.
	roundInterval = 250 * time.Millisecond
	// repeatAfter is when a purge is repeated: longer than a response takes from
	// the service to the edge.
	repeatAfter = 5 * time.Second
	// maxPause bounds the time between two attempts.
	maxPause = 10 * time.Second
	// storeTimeout bounds one use of the database.
	storeTimeout = 3 * time.Second
	// stopTimeout bounds the requests of the last round when the service stops.
	stopTimeout = 3 * time.Second
	// logInterval is the shortest time between two log lines about failures.
	logInterval = time.Minute
)

// Config configures a Purger.
type Config struct {
	URLs   []string // each receives all purges
	Format Format
	Header Header
}

// Header is a field that each purge has, such as Authorization. The zero Header
// is none.
type Header struct{ Name, Value string }

// A store makes replicas take turns; see purges.Store.
type store interface {
	Begin(ctx context.Context) (turn *purges.Turn, age time.Duration, err error)
}

// A Purger tells each edge what has changed. It is a changes.Subscriber.
type Purger struct {
	runners []*runner
}

// New returns a Purger. Before it tells an edge what has changed, it calls sync,
// so that the next response of this service is up to date.
func New(cfg Config, conn query.DBTX, sync func(context.Context) error, log *slog.Logger) *Purger {
	p := &Purger{}
	for _, url := range cfg.URLs {
		p.runners = append(p.runners, newRunner(newEdge(cfg, url), purges.NewStore(conn, url), sync, log))
	}
	return p
}

// Learn implements changes.Subscriber. It wakes the Purger.
func (p *Purger) Learn(_ context.Context, b changes.Batch) error {
	if !b.All && len(b.Keys) == 0 {
		return nil
	}
	for _, r := range p.runners {
		select {
		case r.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return nil
}

// Run purges until ctx ends. Then it purges once more, what there is.
func (p *Purger) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	for _, r := range p.runners {
		wait.Go(func() { r.run(ctx) })
	}
	wait.Wait()
	return nil
}

// Stats are for metrics.
type Stats struct {
	Completed, Failed int64 // batches by outcome
	Keys              int64 // that were purged
	// Age is how long ago the changes were read that each edge has been told of.
	Age time.Duration
}

// Stats returns the statistics of all edges.
func (p *Purger) Stats() (s Stats) {
	for _, r := range p.runners {
		s.Completed += r.completed.Load()
		s.Failed += r.failed.Load()
		s.Keys += r.keys.Load()
		s.Age = max(s.Age, time.Since(*r.told.Load()))
	}
	return s
}

// A runner tells one edge what has changed.
type runner struct {
	edge  *edge
	store store
	sync  func(context.Context) error
	log   *slog.Logger
	wake  chan struct{}

	repeats  []repeat // the first is due first
	failures int      // since the last success
	logged   time.Time

	completed, failed, keys atomic.Int64
	told                    atomic.Pointer[time.Time] // when the changes were read that the edge has been told of
}

// A repeat is a purge that is due once more.
type repeat struct {
	due   time.Time
	batch changes.Batch
}

func newRunner(e *edge, s store, sync func(context.Context) error, log *slog.Logger) *runner {
	r := &runner{edge: e, store: s, sync: sync, log: log, wake: make(chan struct{}, 1)}
	now := time.Now()
	r.told.Store(&now)
	return r
}

func (r *runner) run(ctx context.Context) {
	for ctx.Err() == nil {
		r.attempt(ctx)
		sleep(ctx, nil, r.pause())
		sleep(ctx, r.wake, r.idle())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	for i := range r.repeats {
		r.repeats[i].due = time.Time{}
	}
	r.attempt(ctx)
}

// sleep returns when ctx ends, something wakes it, or after some time.
func sleep(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// pause returns how long nothing is done after a round. It grows with the number
// of failures.
func (r *runner) pause() time.Duration {
	if r.failures == 0 {
		return roundInterval
	}
	return min(roundInterval<<min(r.failures, 10), maxPause)
}

// idle returns how long the next round may wait for a change.
func (r *runner) idle() time.Duration {
	if r.failures > 0 {
		return 0
	}
	if len(r.repeats) > 0 {
		return min(pollInterval, time.Until(r.repeats[0].due))
	}
	return pollInterval
}

// attempt runs a round, and counts and logs its failure.
func (r *runner) attempt(ctx context.Context) {
	err := r.round(ctx)
	if err == nil {
		r.failures = 0
		return
	}
	if r.failures++; ctx.Err() == nil && time.Since(r.logged) > logInterval {
		r.logged = time.Now()
		r.log.Warn("the cache at the edge could not be told what has changed; retrying", "edge", r.edge.host, "error", err)
	}
}

// round tells the edge what has changed, if it is the turn of this replica, and
// repeats what is due.
func (r *runner) round(ctx context.Context) error {
	// First, since it needs no database.
	if err := r.repeat(ctx); err != nil {
		return err
	}
	var turn *purges.Turn
	var age time.Duration
	err := whole(ctx, func(ctx context.Context) (err error) {
		turn, age, err = r.store.Begin(ctx)
		return err
	})
	if err != nil {
		return err
	}
	told := time.Now().Add(-age)
	r.told.Store(&told)
	if turn == nil {
		return nil
	}
	if turn.Batch.All || len(turn.Batch.Keys) > 0 {
		_ = r.sync(ctx) // after an error, the cache of the service is empty
		if err := r.send(ctx, turn.Batch); err != nil {
			_ = whole(ctx, turn.Release) // otherwise the turn ends after two seconds
			return err
		}
		r.repeats = append(r.repeats, repeat{time.Now().Add(repeatAfter), turn.Batch})
	}
	return whole(ctx, turn.Done)
}

// whole calls f, which uses the database, also after the end of ctx: a turn that
// has begun and not ended would keep the last round from purging.
func whole(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return f(ctx)
}

// repeat repeats the purges that are due.
func (r *runner) repeat(ctx context.Context) error {
	var due changes.Batch
	n := 0
	for ; n < len(r.repeats) && !time.Now().Before(r.repeats[n].due); n++ {
		due.All = due.All || r.repeats[n].batch.All
		due.Keys = append(due.Keys, r.repeats[n].batch.Keys...)
	}
	if n == 0 {
		return nil
	}
	if err := r.send(ctx, due); err != nil {
		return err
	}
	r.repeats = r.repeats[n:]
	return nil
}

// send tells the edge what has changed, and counts it.
func (r *runner) send(ctx context.Context, b changes.Batch) error {
	count, err := r.edge.send(ctx, b)
	r.keys.Add(int64(count))
	if err != nil {
		r.failed.Add(1)
		return err
	}
	r.completed.Add(1)
	return nil
}
