// Package cache keeps answers as the bytes that clients get, and knows exactly
// when they are out of date.
//
// Every answer names what it depends on (an article, a tag's list, …) by the
// keys of the change feed (db/changes), which the cache subscribes to. An
// answer is good while the feed has told none of its keys since it began to be
// made. A caller of changes.Feed.Sync, after a write has committed and before
// it is acknowledged, makes sure that no reader afterwards sees what was
// before; with several replicas each read calls it too.
package cache

import (
	"context"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/byline-api/byline/db/changes"
)

const (
	slotCount  = 1 << 14
	shardCount = 16
)

// Cache keeps answers in bounded memory.
type Cache struct {
	shards [shardCount]shard

	// Keys share slots by hash; a slot holds the epoch of its last change. A
	// collision costs an answer its place, never its correctness.
	slots [slotCount]atomic.Uint64
	epoch atomic.Uint64
	// floor is the epoch below which no answer is good any more.
	floor atomic.Uint64

	hits, misses, evictions atomic.Int64
}

// New returns a cache of up to size bytes. It has to be subscribed to the feed
// before it is used.
func New(size int) *Cache {
	c := &Cache{}
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

// Good reports whether nothing that the answer depends on has changed since it
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
		a.slots[i] = slotOf(k)
	}
	c.evictions.Add(int64(c.shard(key).put(key, a)))
}

// Learn implements changes.Subscriber: what depends on something that has
// changed is not good any more.
func (c *Cache) Learn(_ context.Context, b changes.Batch) error {
	if b.All {
		c.floor.Store(c.epoch.Add(1))
		return nil
	}
	if len(b.Keys) == 0 {
		return nil
	}
	epoch := c.epoch.Add(1)
	for _, k := range b.Keys {
		c.slots[slotOf(k)].Store(epoch)
	}
	return nil
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

func slotOf(k changes.Key) uint16 { return uint16(k.Hash() % slotCount) }
