package changes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/byline-api/byline/gen/query"
)

const (
	// roundTimeout is how long a round may take before the callers that wait
	// for it get an error.
	roundTimeout = 2 * time.Second
	// positionLife is how long a position is good for: changes are deleted
	// after a minute, so that an older position may have missed some.
	positionLife = 30 * time.Second
	// pollInterval is how long a change that was made around the service, as
	// by psql, may go unnoticed.
	pollInterval = 250 * time.Millisecond
	// deleteInterval is how long changes are kept at least.
	deleteInterval = time.Minute
)

// A Batch is what has changed since the batch before.
type Batch struct {
	// Keys name what has changed. A key may be there twice; Everything never
	// is, since All says it.
	Keys []Key
	// All says that anything may have changed. There are no Keys then.
	All bool
	// Began is a time before the changes were read: every change that had
	// committed by then is in this batch, or was in one before it.
	Began time.Time
}

// A Subscriber is told what has changed, in one batch after the other. The
// first one says that anything may have changed.
type Subscriber interface {
	// Learn takes a batch into account before it returns. ctx limits its time.
	// After an error the subscriber is told that anything may have changed,
	// until it returns none.
	Learn(ctx context.Context, b Batch) error
}

// A Feed tells subscribers what transactions have changed. Its methods may be
// called concurrently.
type Feed struct {
	conn query.DBTX
	log  *slog.Logger

	mu   sync.Mutex
	next *round // has not begun yet; nil if no caller waits for one

	turn        sync.Mutex // held by the round that runs; guards the rest
	subscribers []Subscriber
	position    position
	synced      time.Time // when the changes up to position began to be read
	warned      bool      // of keys that this build does not know
}

// A round reads the changes once, for all callers that wait for it.
type round struct {
	done chan struct{}
	err  error // set before done is closed
}

// A position is up to where changes have been read: those of all transactions
// that the snapshot saw, in a PostgreSQL that was started at that time. From
// the zero position nothing can be read on.
type position struct {
	serverStarted, snapshot string
}

// NewFeed returns a Feed of the database that conn leads to. It does not poll
// before Run is called.
func NewFeed(conn query.DBTX, log *slog.Logger) *Feed {
	return &Feed{conn: conn, log: log}
}

// Subscribe adds a subscriber, which the next round tells that anything may
// have changed, like all others.
func (f *Feed) Subscribe(s Subscriber) {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.subscribers = append(f.subscribers, s)
	f.position = position{}
}

// Sync returns when every change that had committed before the call has been
// delivered to all subscribers. Calls that come while a round is running share
// the next one, so that there is one query at a time however many callers
// there are.
//
// When the changes cannot be read, or a subscriber fails, Sync returns the
// error, and all subscribers have been told that anything may have changed. An
// error of ctx says nothing of that: the round goes on without the caller.
func (f *Feed) Sync(ctx context.Context) error {
	f.mu.Lock()
	r := f.next
	leads := r == nil
	if leads {
		r = &round{done: make(chan struct{})}
		f.next = r
	}
	f.mu.Unlock()
	if leads {
		go f.lead(r)
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lead waits for the round before and then runs r for all callers that joined
// it in the meantime. A later caller needs another round: its changes may have
// committed after the query of this one began.
func (f *Feed) lead(r *round) {
	f.turn.Lock()
	defer f.turn.Unlock()
	defer close(r.done)
	f.mu.Lock()
	f.next = nil
	f.mu.Unlock()
	// Not the caller's context: the others wait for this round too.
	ctx, cancel := context.WithTimeout(context.Background(), roundTimeout)
	defer cancel()
	r.err = f.deliver(ctx)
}

// deliver reads what has changed since the position and tells the subscribers.
func (f *Feed) deliver(ctx context.Context) error {
	began := time.Now()
	if began.Sub(f.synced) > positionLife {
		f.position = position{}
	}
	b, now, err := f.read(ctx)
	b.Began = began
	if err == nil {
		err = f.tell(ctx, b)
	}
	if err != nil {
		// The next round begins from nothing. But a reader that does not wait
		// for it must not get what a subscriber kept before, either.
		f.position = position{}
		_ = f.tell(ctx, Batch{All: true, Began: began}) // the round has failed already
		return err
	}
	f.position, f.synced = now, began
	return nil
}

// tell gives b to all subscribers, also when some of them fail.
func (f *Feed) tell(ctx context.Context, b Batch) error {
	var errs []error
	for _, s := range f.subscribers {
		if err := s.Learn(ctx, b); err != nil {
			errs = append(errs, fmt.Errorf("changes: telling %T: %w", s, err))
		}
	}
	return errors.Join(errs...)
}

// read returns what has changed since the position, and the position to go on
// from: everything that had committed before the call is behind it. Anything
// may have changed at first, and when PostgreSQL has been restarted since: a
// crash empties the table.
func (f *Feed) read(ctx context.Context) (Batch, position, error) {
	q := query.New()
	if f.position == (position{}) {
		row, err := q.ChangeSnapshot(ctx, f.conn)
		if err != nil {
			return Batch{}, position{}, fmt.Errorf("changes: reading the first position: %w", err)
		}
		return Batch{All: true}, position{row.ServerStarted, row.Snapshot}, nil
	}
	row, err := q.ChangeList(ctx, f.conn, f.position.snapshot)
	if err != nil {
		return Batch{}, position{}, fmt.Errorf("changes: reading what has changed: %w", err)
	}
	now := position{row.ServerStarted, row.Snapshot}
	if now.serverStarted != f.position.serverStarted {
		return Batch{All: true}, now, nil
	}
	return f.batch(row.Keys), now, nil
}

// batch returns what the texts of keys stand for.
func (f *Feed) batch(texts []string) Batch {
	keys := make([]Key, 0, len(texts))
	for _, text := range texts {
		k, err := Parse(text)
		if err != nil {
			f.warn(text)
			return Batch{All: true}
		}
		if k == Everything {
			return Batch{All: true}
		}
		keys = append(keys, k)
	}
	return Batch{Keys: keys}
}

// warn logs, once, that the database has keys which this build does not know.
// It logs no more than the kind: the rest may be what somebody wrote.
func (f *Feed) warn(text string) {
	if !f.warned {
		f.warned = true
		f.log.Warn("a newer version seems to use this database: its changes of an unknown kind count as changes of everything",
			"kind", text[:min(len(text), 1)])
	}
}

// Run syncs every 250 ms, so that changes which others make to the database
// become known, and deletes old changes every minute. It returns when ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	poll, remove := time.NewTicker(pollInterval), time.NewTicker(deleteInterval)
	defer poll.Stop()
	defer remove.Stop()
	var seen position
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
			_ = f.Sync(ctx) // an error has been told to the subscribers, and the next round begins anew
		case <-remove.C:
			if err := f.deleteBefore(ctx, seen); err != nil {
				f.log.Warn("old changes were not deleted; next try in a minute", "error", err)
			}
			seen = f.at()
		}
	}
}

// at returns up to where changes have been read.
func (f *Feed) at() position {
	f.turn.Lock()
	defer f.turn.Unlock()
	return f.position
}

// deleteBefore deletes the changes of transactions that ended before p.
func (f *Feed) deleteBefore(ctx context.Context, p position) error {
	if p == (position{}) {
		return nil
	}
	_, err := query.New().ChangeExpire(ctx, f.conn, p.snapshot)
	return err
}

// Write adds keys to the changes of the transaction that conn is in, for what
// no trigger does.
func Write(ctx context.Context, conn query.DBTX, keys ...Key) error {
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = k.String()
	}
	return query.New().ChangeCreate(ctx, conn, texts)
}
