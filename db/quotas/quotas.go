// Package quotas stores what clients have used of the quotas that replicas
// share, and which replicas there are. Package ratelimit decides from it.
package quotas

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/byline-api/byline/gen/query"
)

// hotLimit bounds the quotas that a replica reads although it has used nothing
// of them.
const hotLimit = 1000

// expireLimit bounds the quotas that a statement deletes, because no round can
// begin meanwhile.
const expireLimit = 10_000

// Use is what a client has used of a quota.
type Use struct {
	Key  string
	Cost time.Duration // for which the quota takes longer to be whole
	// HotAfter is how long a quota takes to be whole so that it is hot: every
	// replica then learns of it before the client sends it a request.
	HotAfter time.Duration
}

// Level is how long it takes until a quota is whole.
type Level struct {
	Key string
	For time.Duration
	// Added reports whether the replica itself has just used the quota.
	Added bool
}

// Store is what one replica knows of the database. Its methods must not be
// called concurrently.
type Store struct {
	conn query.DBTX
	id   pgtype.UUID
}

// NewStore returns the Store of a new replica.
func NewStore(conn query.DBTX) *Store {
	s := &Store{conn: conn, id: pgtype.UUID{Valid: true}}
	_, _ = rand.Read(s.id.Bytes[:]) // it never returns an error
	return s
}

// Share adds what clients have used, and returns the levels of these quotas. If
// hot is set, it also returns those of hot quotas.
func (s *Store) Share(ctx context.Context, uses []Use, hot bool) ([]Level, error) {
	p := query.RateLimitShareParams{AllHot: hot, HotLimit: hotLimit}
	for _, u := range uses {
		p.Keys, p.Costs, p.HotAfter = append(p.Keys, u.Key), append(p.Costs, u.Cost.Microseconds()), append(p.HotAfter, u.HotAfter.Microseconds())
	}
	rows, err := query.New().RateLimitShare(ctx, s.conn, p)
	if err != nil {
		return nil, err
	}
	levels := make([]Level, len(rows))
	for i, r := range rows {
		levels[i] = Level{Key: r.Key, For: time.Duration(r.Level) * time.Microsecond, Added: r.Added}
	}
	return levels, nil
}

// Beat notes that the replica is alive, and returns the number of replicas that
// are.
func (s *Store) Beat(ctx context.Context) (replicas int, err error) {
	n, err := query.New().RateLimitBeat(ctx, s.conn, s.id)
	return int(n), err
}

// Expire deletes quotas that are whole again, and reports whether there may be
// more of them.
func (s *Store) Expire(ctx context.Context) (more bool, err error) {
	n, err := query.New().RateLimitExpire(ctx, s.conn, expireLimit)
	return n == expireLimit, err
}

// Leave notes that the replica has ended.
func (s *Store) Leave(ctx context.Context) error {
	return query.New().RateLimitLeave(ctx, s.conn, s.id)
}
