package changes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

const (
	// roundTimeout is how long a round may take before the callers that wait
	// for it get an error.
	roundTimeout = 2 * time.Second
	// PositionLife is how long a Position is valid. Changes are deleted after a
	// minute, so that a reader with an older position could miss some.
	PositionLife = 30 * time.Second
	// pollInterval is how long a change that was not made by the service, but
	// with psql for example, may go unnoticed.
	pollInterval = 250 * time.Millisecond
	// deleteInterval is the shortest time for which changes are stored.
	deleteInterval = time.Minute
)

// A Batch holds what has changed since the previous batch.
type Batch struct {
	// Keys name what has changed. A key may be in the list twice. The key
	// Everything never is: All replaces it.
	Keys []Key
	// All reports whether anything may have changed. If so, Keys is empty.
	All bool
	// Began is a time before the changes were read. Every change that had
	// committed by then is in this batch or in an earlier one.
	Began time.Time
}

// A Subscriber receives what has changed, one batch after the other. The first
// batch has All set.
type Subscriber interface {
	// Learn applies a batch before it returns. ctx limits its time. After an
	// error, the subscriber receives batches with All set until it returns no
	// error.
	Learn(ctx context.Context, b Batch) error
}

// A Feed delivers to its subscribers what transactions have changed. Its
// methods may be called concurrently.
type Feed struct {
	conn query.DBTX
	log  *slog.Logger

	mu   sync.Mutex
	next *round // the round that has not begun yet; nil if no caller waits

	turn        sync.Mutex // held by the round that runs; guards the rest
	subscribers []Subscriber
	position    Position
	synced      time.Time // when the changes up to position began to be read
	warned      bool      // whether unknown keys have been logged
	marked      string    // the snapshot that the mark is of

	mark atomic.Pointer[db.Mark]
}

// A round reads the changes once, for all callers that wait for it.
type round struct {
	done chan struct{}
	err  error // set before done is closed
}

// A Position says up to where changes have been read: the changes of all
// transactions that the snapshot sees have been. Life names the time since
// PostgreSQL was started or has crashed. Reading cannot continue from the zero
// Position.
type Position struct {
	Life, Snapshot string
}

// NewFeed returns a Feed of the database that conn leads to. It does not poll
// before Run is called.
func NewFeed(conn query.DBTX, log *slog.Logger) *Feed {
	f := &Feed{conn: conn, log: log}
	f.mark.Store(&db.Mark{})
	return f
}

// Subscribe adds a subscriber. The next round delivers to all subscribers that
// anything may have changed.
func (f *Feed) Subscribe(s Subscriber) {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.subscribers = append(f.subscribers, s)
	f.position = Position{}
}

// Sync returns when every change that had committed before the call has been
// delivered to all subscribers. Calls during a running round share the next
// round, so that one query runs at a time, whatever the number of callers.
//
// If the changes cannot be read, or a subscriber fails, Sync returns the error
// after it has delivered to all subscribers that anything may have changed.
// After an error of ctx this may not have happened yet: the round continues
// without the caller.
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

// lead waits for the previous round and then runs r for all callers that joined
// it in the meantime. A later caller needs another round: changes may have
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

// deliver reads what has changed since the position and passes it to the
// subscribers.
func (f *Feed) deliver(ctx context.Context) error {
	began := time.Now()
	if began.Sub(f.synced) > PositionLife {
		f.position = Position{}
	}
	b, now, err := f.read(ctx)
	b.Began = began
	if err == nil {
		err = f.tell(ctx, b)
	}
	if err != nil {
		// The next round starts from the zero position. Readers that do not
		// wait for it must not see what a subscriber cached before, either.
		f.position = Position{}
		_ = f.tell(ctx, Batch{All: true, Began: began}) // err is returned already
		return err
	}
	f.position, f.synced = now, began
	return nil
}

// tell passes b to all subscribers, even if some of them fail.
func (f *Feed) tell(ctx context.Context, b Batch) error {
	var errs []error
	for _, s := range f.subscribers {
		if err := s.Learn(ctx, b); err != nil {
			errs = append(errs, fmt.Errorf("changes: telling %T: %w", s, err))
		}
	}
	return errors.Join(errs...)
}

// read returns what has changed since the position, and the next position.
func (f *Feed) read(ctx context.Context) (Batch, Position, error) {
	texts, all, now, lsn, err := readSince(ctx, f.conn, f.position)
	if err != nil {
		return Batch{}, Position{}, err
	}
	f.setMark(now, lsn)
	if all {
		return Batch{All: true}, now, nil
	}
	b, unknown := batch(texts)
	if unknown != "" {
		f.warn(unknown)
	}
	return b, now, nil
}

// Read returns what has changed since a position, as a Feed would deliver it,
// and the next position. A position must not be older than PositionLife.
func Read(ctx context.Context, conn query.DBTX, since Position) (Batch, Position, error) {
	texts, all, now, _, err := readSince(ctx, conn, since)
	if err != nil || all {
		return Batch{All: all}, now, err
	}
	b, _ := batch(texts)
	return b, now, nil
}

// readSince returns the texts of the keys that have changed since a position,
// and the next position, which covers everything that had committed before the
// call. all is set at the zero position and after a restart of PostgreSQL, since
// a crash empties the table.
func readSince(ctx context.Context, conn query.DBTX, since Position) (texts []string, all bool, now Position, lsn int64, err error) {
	q := query.New()
	if since == (Position{}) {
		row, err := q.ChangeSnapshot(ctx, conn)
		if err != nil {
			return nil, false, Position{}, 0, fmt.Errorf("changes: reading the first position: %w", err)
		}
		return nil, true, Position{row.Life, row.Snapshot}, row.Lsn, nil
	}
	row, err := q.ChangeList(ctx, conn, since.Snapshot)
	if err != nil {
		return nil, false, Position{}, 0, fmt.Errorf("changes: reading what has changed: %w", err)
	}
	now = Position{row.Life, row.Snapshot}
	if now.Life != since.Life {
		return readSince(ctx, conn, Position{})
	}
	return row.Keys, false, now, row.Lsn, nil
}

// Mark returns what a standby must have replayed to show everything that has
// been delivered to the subscribers.
func (f *Feed) Mark() db.Mark { return *f.mark.Load() }

// setMark notes how far the write-ahead log was when the snapshot had been
// taken. While the snapshot stays the same, nothing has committed, and the mark
// need not move with the rest of the log.
func (f *Feed) setMark(p Position, lsn int64) {
	if text := p.Life + p.Snapshot; text != f.marked {
		f.marked = text
		f.mark.Store(&db.Mark{Life: p.Life, LSN: lsn})
	}
}

// batch returns a batch with the keys that have these texts, and the first text
// that this build does not know, or "".
func batch(texts []string) (b Batch, unknown string) {
	keys := make([]Key, 0, len(texts))
	for _, text := range texts {
		k, err := Parse(text)
		if err != nil {
			return Batch{All: true}, text
		}
		if k == Everything {
			return Batch{All: true}, ""
		}
		keys = append(keys, k)
	}
	return Batch{Keys: keys}, ""
}

// warn logs, once, that the database has keys which this build does not know.
// It logs only the kind, since the rest may be text of a user.
func (f *Feed) warn(text string) {
	if !f.warned {
		f.warned = true
		f.log.Warn("a newer version seems to use this database: its changes of an unknown kind count as changes of everything",
			"kind", text[:min(len(text), 1)])
	}
}

// Run calls Sync every 250 ms, so that subscribers receive the changes that
// other programs make to the database. It deletes the changes of another
// cluster at the start and old changes every minute. It returns when ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	f.deleteForeign(ctx)
	poll, remove := time.NewTicker(pollInterval), time.NewTicker(deleteInterval)
	defer poll.Stop()
	defer remove.Stop()
	var seen Position
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
			_ = f.Sync(ctx) // after an error, subscribers have received All and the next round reads again
		case <-remove.C:
			f.deleteForeign(ctx)
			if err := f.deleteBefore(ctx, seen); err != nil {
				f.log.Warn("old changes were not deleted; retrying in a minute", "error", err)
			}
			seen = f.at()
		}
	}
}

// deleteForeign deletes the changes that a restored dump has brought from a
// cluster whose transaction ids were greater. Rounds skip them, but when this
// cluster gives those ids to its own transactions, they would be changes of
// something that has not changed. A dump can be restored while the service runs,
// and replicas may delete at the same time.
func (f *Feed) deleteForeign(ctx context.Context) {
	n, err := query.New().ChangeDeleteForeign(ctx, f.conn)
	switch {
	case err != nil:
		f.log.Warn("the changes of another database cluster were not deleted; retrying in a minute", "error", err)
	case n > 0:
		f.log.Info("deleted the changes of another database cluster, which a restored dump contained", "count", n)
	}
}

// at returns the position up to which changes have been read.
func (f *Feed) at() Position {
	f.turn.Lock()
	defer f.turn.Unlock()
	return f.position
}

// deleteBefore deletes the changes of transactions that ended before p.
func (f *Feed) deleteBefore(ctx context.Context, p Position) error {
	if p == (Position{}) {
		return nil
	}
	_, err := query.New().ChangeExpire(ctx, f.conn, p.Snapshot)
	return err
}

// Write adds keys to the changes of the transaction of conn. It is for changes
// that no trigger writes.
func Write(ctx context.Context, conn query.DBTX, keys ...Key) error {
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = k.String()
	}
	return query.New().ChangeCreate(ctx, conn, texts)
}
