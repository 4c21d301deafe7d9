package ratelimit

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/db/quotas"
)

const (
	// roundInterval is how often a replica learns what clients have used at the
	// others.
	roundInterval = 100 * time.Millisecond
	// tellInterval is how long what a client has used may be unknown to the
	// others, unless it is much of what is left. Each time costs a version of a
	// row, which PostgreSQL keeps for as long as a backup runs.
	tellInterval = time.Second
	// hurryInterval is the shortest time between two rounds that clients cause.
	hurryInterval = 20 * time.Millisecond
	// roundTimeout is how long a round may take, and aloneAfter for how long
	// rounds may fail before the replica counts alone.
	roundTimeout = 3 * time.Second
	aloneAfter   = time.Second
	// beatInterval is how long a new replica may be unknown to the others. One
	// that has ended without notice is forgotten after 7 seconds.
	beatInterval = 2 * time.Second
	// expireInterval is how often quotas that are whole are deleted, and
	// expireAgain how soon the rest of them if they are many.
	expireInterval = time.Minute
	expireAgain    = time.Second
	// roundUses bounds the uses of one round. The rest follows in the next one.
	roundUses = 2000
)

// A store is what replicas share; see quotas.Store.
type store interface {
	Share(ctx context.Context, uses []quotas.Use, hot bool) ([]quotas.Level, error)
	Beat(ctx context.Context) (replicas int, err error)
	Expire(ctx context.Context) (more bool, err error)
	Leave(ctx context.Context) error
}

// A Fleet makes the limiters of several replicas share their quotas. No request
// waits for it: each replica decides from what it knows, and tells the others
// in rounds what clients have used. A round is one statement for all clients.
//
// Without the database, each replica counts alone, as one does that has no
// others.
type Fleet struct {
	store   store
	log     *slog.Logger
	ledgers map[string]ledger
	wake    chan struct{}

	told    time.Time // when a round has last told of all clients
	members int       // the replicas that there are
	failing time.Time // since when rounds fail; the zero Time if the last one did not
	alone   bool      // whether they have failed for so long that the replica decides alone

	// Stats are for metrics.
	Stats FleetStats
}

// FleetStats counts what a Fleet does.
type FleetStats struct {
	// Replicas is the number of replicas that share quotas: 1 if the replica
	// counts alone.
	Replicas atomic.Int64
	// Rounds and Failed count the rounds by their outcome, Nanoseconds is their
	// time, and Uses the number of clients that they were about.
	Rounds, Failed, Nanoseconds, Uses atomic.Int64
}

// NewFleet returns a Fleet of the limiters, which count alone before Run.
func NewFleet(s store, log *slog.Logger, limiters map[string]*Limiter) *Fleet {
	f := &Fleet{store: s, log: log, ledgers: map[string]ledger{}, wake: make(chan struct{}, 1), members: 1}
	f.Stats.Replicas.Store(1)
	for _, l := range limiters {
		for name, ledger := range l.ledgers(f.wake) {
			f.ledgers[name] = ledger
		}
	}
	return f
}

// Run shares quotas until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	beat, tick, expire := time.NewTicker(beatInterval), time.NewTicker(roundInterval), time.NewTicker(expireInterval)
	defer beat.Stop()
	defer tick.Stop()
	defer expire.Stop()
	for f.Beat(ctx); ; {
		select {
		case <-ctx.Done():
			f.leave(context.WithoutCancel(ctx))
			return nil
		case <-beat.C:
			f.Beat(ctx)
		case <-tick.C:
			f.Round(ctx, true)
		case <-f.wake:
			f.Round(ctx, false)
			select {
			case <-ctx.Done():
			case <-time.After(hurryInterval):
			}
		case <-expire.C:
			expire.Reset(f.expire(ctx))
		}
	}
}

// Beat, a part of Run, says that the replica is alive, and learns how many
// others are.
func (f *Fleet) Beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	n, err := f.store.Beat(ctx)
	if err != nil || n == f.members {
		return // a round says that the database does not respond
	}
	f.log.Info("the number of replicas that share rate limits has changed", "replicas", n)
	f.members = n
	f.divide(time.Now())
}

func (f *Fleet) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	if err := f.store.Leave(ctx); err != nil {
		f.log.Warn("the other replicas keep counting this one for 7 seconds", "error", err)
	}
}

// expire deletes quotas that are whole, and returns the time until the next ones
// should be deleted.
func (f *Fleet) expire(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	more, err := f.store.Expire(ctx)
	if err != nil {
		f.log.Warn("rate limits that are no longer needed were not deleted; retrying in a minute", "error", err)
	}
	if more {
		return expireAgain
	}
	return expireInterval
}

// divide divides the quotas by the number of replicas, or lets this one decide
// alone.
func (f *Fleet) divide(now time.Time) {
	alone := f.members == 1 || f.alone
	f.told = time.Time{} // the next round tells what they did not know before
	f.Stats.Replicas.Store(int64(f.members))
	if alone {
		f.Stats.Replicas.Store(1)
	}
	for _, l := range f.ledgers {
		l.divide(f.members, alone, now.Sub(epoch))
	}
}

// Round, a part of Run, tells the others what clients have used, and learns what
// they have used in all. all is set to learn also of clients that the replica
// has not seen.
func (f *Fleet) Round(ctx context.Context, all bool) {
	if f.members == 1 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	began := time.Now()
	uses := f.collect(began)
	if len(uses) == 0 && !all {
		return
	}
	levels, err := f.store.Share(ctx, uses, all)
	f.apply(levels, err, began, time.Now())
	f.Stats.Nanoseconds.Add(int64(time.Since(began)))
	f.Stats.Uses.Add(int64(len(uses)))
}

// collect begins a round. It tells of urgent clients first, and once in a while
// of all.
func (f *Fleet) collect(now time.Time) (uses []quotas.Use) {
	if f.alone {
		return nil // the next round tells it
	}
	for _, l := range f.ledgers {
		uses = l.collect(uses, roundUses, false)
	}
	if now.Sub(f.told) < tellInterval {
		return uses
	}
	for _, l := range f.ledgers {
		uses = l.collect(uses, roundUses, true)
	}
	if len(uses) < roundUses {
		f.told = now
	}
	return uses
}

// apply ends a round, with its result.
func (f *Fleet) apply(levels []quotas.Level, err error, began, ended time.Time) {
	for _, l := range f.ledgers {
		l.settle(err == nil)
	}
	if err != nil {
		f.told = time.Time{} // the next round tells it again
		f.fail(err, began, ended)
		return
	}
	f.Stats.Rounds.Add(1)
	f.failing = time.Time{}
	if f.alone {
		f.alone = false
		f.log.Info("sharing rate limits with the other replicas again", "replicas", f.members)
		f.divide(ended)
		return
	}
	// Those of the round itself are newer.
	for _, added := range []bool{false, true} {
		for _, level := range levels {
			if level.Added == added {
				f.learn(level, began)
			}
		}
	}
}

func (f *Fleet) learn(level quotas.Level, at time.Time) {
	end := strings.LastIndexByte(level.Key, '/')
	if l := f.ledgers[level.Key[:max(end, 0)]]; l != nil {
		l.learn(level.Key[end+1:], level.For, at.Sub(epoch))
	}
}

// fail counts a round that failed. If they fail for a second, the replica
// decides alone.
func (f *Fleet) fail(err error, began, ended time.Time) {
	f.Stats.Failed.Add(1)
	if f.failing.IsZero() {
		f.failing = began
	}
	if !f.alone && ended.Sub(f.failing) >= aloneAfter {
		f.alone = true
		f.log.Warn("counting rate limits without the other replicas until the database responds", "error", err)
		f.divide(ended)
	}
}
