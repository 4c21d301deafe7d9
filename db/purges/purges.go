// Package purges stores up to where the caches at the edge of the service have
// been told what has changed, and makes replicas take turns to tell them.
// Package server/purge tells them.
package purges

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/query"
)

// Store is what replicas share about one edge.
type Store struct {
	conn query.DBTX
	edge string
}

// NewStore returns the Store of the edge that has a URL. The URL may contain a
// secret, so that the database has only a hash of it.
func NewStore(conn query.DBTX, url string) *Store {
	hash := sha256.Sum256([]byte(url))
	return &Store{conn: conn, edge: base64.RawURLEncoding.EncodeToString(hash[:])}
}

// A Turn is the right to tell the edge what has changed. It ends after two
// seconds, or with Done. If another replica then begins its turn before Done is
// called, the edge is told twice, which does no harm.
type Turn struct {
	Batch changes.Batch

	store        *Store
	before, next changes.Position
	at           time.Time
}

// Begin begins a turn if something may have changed and no other replica has
// one; else turn is nil. age is how old the changes are that the edge has been
// told of last.
func (s *Store) Begin(ctx context.Context) (turn *Turn, age time.Duration, err error) {
	began := time.Now()
	row, err := query.New().PurgeClaim(ctx, s.conn, s.edge)
	if err != nil {
		return nil, 0, fmt.Errorf("purges: claiming the purges of an edge: %w", err)
	}
	age = time.Duration(row.Age * float64(time.Second))
	if !row.Claimed {
		return nil, age, nil
	}
	t := &Turn{store: s, before: changes.Position{Life: row.Life, Snapshot: row.Snapshot}, at: row.At}
	since := t.before
	if age > changes.PositionLife || age < 0 { // the clock was set back, and nobody knows how old it is
		since = changes.Position{}
	}
	if t.Batch, t.next, err = changes.Read(ctx, s.conn, since); err != nil {
		return nil, age, err
	}
	if since != (changes.Position{}) && age+time.Since(began) > changes.PositionLife {
		// The process was frozen in between. Some changes may have been deleted.
		return nil, age, errors.New("purges: reading what has changed took too long")
	}
	return t, age, nil
}

// Release ends the turn without having told the edge, so that the next one can
// begin at once.
func (t *Turn) Release(ctx context.Context) error {
	p := query.PurgeReleaseParams{Edge: t.store.edge, Life: t.before.Life, Snapshot: t.before.Snapshot}
	if err := query.New().PurgeRelease(ctx, t.store.conn, p); err != nil {
		return fmt.Errorf("purges: releasing the purges of an edge: %w", err)
	}
	return nil
}

// Done notes that the edge has been told, and ends the turn.
func (t *Turn) Done(ctx context.Context) error {
	_, err := query.New().PurgeMove(ctx, t.store.conn, query.PurgeMoveParams{
		Edge: t.store.edge, Life: t.next.Life, Snapshot: t.next.Snapshot, At: t.at,
		LifeBefore: t.before.Life, SnapshotBefore: t.before.Snapshot,
	})
	if err != nil {
		return fmt.Errorf("purges: moving the position of an edge: %w", err)
	}
	return nil
}
