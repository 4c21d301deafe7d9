// Package cache keeps answers as the bytes that clients get, and knows exactly
// when they are out of date.
//
// Every answer names what it depends on (an article, a tag's list, …). The
// database keeps a list of what transactions have changed (db/migrations,
// cache_changes), written by triggers. Sync reads what is new on it and marks
// those keys; an answer is good while none of its keys was marked after it
// began to be made. Whoever calls Sync after a write has committed, and before
// it is acknowledged, makes sure that no reader afterwards sees what was
// before; with several replicas each read calls it too. Calls that come while
// one is running share the next one, so that the cost stays that of one query
// at a time however many readers there are.
package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/byline-api/byline/db/changes"
)

// Changes reads what has changed since a position ("" at first) and returns
// the next position; all stands for everything. See db.DB.Changes.
type Changes func(ctx context.Context, since string) (keys []string, now string, all bool, err error)

// Listener is told of every round of changes, before whoever waits for it goes
// on; began is when it was asked for. Its error fails the round.
type Listener func(ctx context.Context, began time.Time, keys []string, all bool) error

// Everything is the key that stands for all others.
const Everything = "*"

const (
	slotCount  = 1 << 14
	shardCount = 16
	// syncTimeout is how long a Sync may take before its callers do without
	// the cache.
	syncTimeout = 2 * time.Second
	// forgetful is how long a position is good for: changes are deleted after
	// a minute, so that an older one may have missed some.
	forgetful = 30 * time.Second
)

// Cache keeps answers in bounded memory.
type Cache struct {
	read   Changes
	listen Listener
	shards [shardCount]shard

	// Keys share slots by hash; a slot holds the epoch of its last change. A
	// collision costs an answer its place, never its correctness.
	slots [slotCount]atomic.Uint64
	epoch atomic.Uint64
	// floor is the epoch below which no answer is good any more.
	floor atomic.Uint64

	mu       sync.Mutex
	next     *round
	turn     sync.Mutex // held by the round that runs
	position string     // guarded by turn
	synced   time.Time  // when position was read; guarded by turn

	hits, misses, evictions atomic.Int64
}

// round is one call of Changes and those who wait for it.
type round struct {
	done chan struct{}
	err  error
}

// New returns a cache of up to size bytes. listen may be nil.
func New(size int, read Changes, listen Listener) *Cache {
	c := &Cache{read: read, listen: listen}
	for i := range c.shards {
		c.shards[i].init(size / shardCount)
	}
	return c
}

// Epoch is to be read before the data of an answer is, and given to Put.
func (c *Cache) Epoch() uint64 { return c.epoch.Load() }

// Get returns the answer kept under key if it is good.
func (c *Cache) Get(key string) *Answer {
	a := c.shard(key).get(key)
	if a == nil || !c.Good(a) {
		c.misses.Add(1)
		return nil
	}
	c.hits.Add(1)
	return a
}

// Good tells whether nothing that the answer depends on has changed since it
// began to be made.
func (c *Cache) Good(a *Answer) bool {
	if a.epoch < c.floor.Load() {
		return false
	}
	for _, slot := range a.slots {
		if c.slots[slot].Load() > a.epoch {
			return false
		}
	}
	return true
}

// Put keeps an answer whose making began at epoch and which depends on keys.
func (c *Cache) Put(key string, a *Answer, epoch uint64, keys []changes.Key) {
	a.epoch = epoch
	a.slots = make([]uint16, len(keys))
	for i, k := range keys {
		a.slots[i] = slotOf(k.String())
	}
	c.evictions.Add(int64(c.shard(key).put(key, a)))
}

// Sync returns when every change that had committed before the call has been
// taken into account. After an error nothing that was kept is good; when it is
// that of ctx, the round goes on without the caller.
func (c *Cache) Sync(ctx context.Context) error {
	c.mu.Lock()
	r := c.next
	leads := r == nil
	if leads {
		r = &round{done: make(chan struct{})}
		c.next = r
	}
	c.mu.Unlock()
	if leads {
		go c.lead(r)
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lead waits for the round before and then runs r for all who joined it in the
// meantime. Who comes later needs another round: its changes may have
// committed after the query of this one began.
func (c *Cache) lead(r *round) {
	c.turn.Lock()
	defer c.turn.Unlock()
	defer close(r.done)
	c.mu.Lock()
	c.next = nil
	c.mu.Unlock()
	// Not the caller's context: the others wait for this round too.
	ctx, cancel := context.WithTimeout(context.Background(), syncTimeout)
	defer cancel()
	began := time.Now()
	if began.Sub(c.synced) > forgetful {
		c.position = ""
	}
	keys, now, all, err := c.read(ctx, c.position)
	if err == nil && c.listen != nil {
		err = c.listen(ctx, began, keys, all)
	}
	if err != nil {
		c.position, r.err = "", err
		c.forget()
		return
	}
	c.position, c.synced = now, began
	if all {
		c.forget()
		return
	}
	if len(keys) == 0 {
		return
	}
	epoch := c.epoch.Add(1)
	for _, k := range keys {
		if k == Everything {
			c.floor.Store(epoch)
			return
		}
		c.slots[slotOf(k)].Store(epoch)
	}
}

func (c *Cache) forget() { c.floor.Store(c.epoch.Add(1)) }

// Position is where Changes has been read up to.
func (c *Cache) Position() string {
	c.turn.Lock()
	defer c.turn.Unlock()
	return c.position
}

// Stats are numbers since the start, and what is kept now.
type Stats struct {
	Hits, Misses, Evictions int64
	Answers, Bytes          int
}

// Stats returns the cache's statistics.
func (c *Cache) Stats() Stats {
	s := Stats{Hits: c.hits.Load(), Misses: c.misses.Load(), Evictions: c.evictions.Load()}
	for i := range c.shards {
		answers, bytes := c.shards[i].size()
		s.Answers += answers
		s.Bytes += bytes
	}
	return s
}

func (c *Cache) shard(key string) *shard {
	return &c.shards[xxhash.Sum64String(key)%shardCount]
}

func slotOf(key string) uint16 { return uint16(xxhash.Sum64String(key) % slotCount) }
