// Package cache stores responses as the bytes that clients receive, and knows
// exactly when they are stale.
//
// Every response has the keys of what it depends on (an article, the list of a
// tag, …). The cache subscribes to the change feed (db/changes), which delivers
// the keys of what has changed. A response is fresh while the feed has
// delivered none of its keys since the request began to read its data. A write
// calls changes.Feed.Sync after its commit and before its response, so that no
// later reader sees older data. With several replicas, each read calls it too.
package cache

import (
	"bytes"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/byline-api/byline/api/lru"
	"github.com/byline-api/byline/db/changes"
)

const (
	shardCount = 16
	// bytesPerLatecomer is how many bytes of the cache there are for each place
	// in latecomers. So those are about half as many as the responses.
	bytesPerLatecomer = 8 << 10
)

// Cache stores responses in bounded memory.
type Cache struct {
	shards [shardCount]*lru.Cache[string, *Response]
	most   int // the maximum weight of a response

	changes.Freshness

	// latecomers holds hashes of keys whose responses found the cache full. A
	// full cache takes a response only if its key is among them: it has been
	// requested before, not long ago. So responses that are requested once, by a
	// crawler for example, do not evict those that are requested often. With
	// keys by Zipf's law a fifth fewer requests miss.
	latecomers []atomic.Uint32

	hits, misses, evictions atomic.Int64
}

// New returns a cache of up to size bytes. Subscribe it to the feed before use.
func New(size int) *Cache {
	c := &Cache{most: size / shardCount, latecomers: make([]atomic.Uint32, max(1, size/bytesPerLatecomer))}
	for i := range c.shards {
		c.shards[i] = lru.New[string, *Response](c.most)
	}
	return c
}

// Get returns the response cached under key, or nil if there is no fresh one.
func (c *Cache) Get(key string) *Response {
	a, found := c.shard(key).Get(key)
	if !found || !c.Good(a) {
		c.misses.Add(1)
		return nil
	}
	c.hits.Add(1)
	return a
}

// Good reports whether nothing that the response depends on has changed since
// the request began to read its data.
func (c *Cache) Good(a *Response) bool { return c.Fresh(a.basis) }

// Put caches a response that depends on keys, and whose data was read after
// since. It stores a copy of the body, and reports whether it has done so.
// Otherwise the response is as it was, except that Good knows it.
func (c *Cache) Put(key string, a *Response, since changes.Moment, keys []changes.Key) (stored bool) {
	a.basis = changes.NewBasis(since, keys...)
	weight, shard := a.weight(key), c.shard(key)
	if weight > c.most || !shard.Fits(key, weight) && !c.late(key) {
		return false
	}
	a.Body = bytes.Clone(a.Body)
	c.evictions.Add(int64(shard.Put(key, a, weight)))
	return true
}

// Grow notes that a response has got a content coding of some bytes.
func (c *Cache) Grow(key string, a *Response, by int) {
	c.evictions.Add(int64(c.shard(key).Grow(key, a, by)))
}

// late reports whether key is among latecomers, and adds it.
func (c *Cache) late(key string) bool {
	hash := xxhash.Sum64String(key)
	return c.latecomers[hash%uint64(len(c.latecomers))].Swap(uint32(hash>>32)) == uint32(hash>>32)
}

// Stats are the counts since the start, and the current size of the cache.
type Stats struct {
	Hits, Misses, Evictions int64
	Responses, Bytes        int
}

// Stats returns the cache's statistics.
func (c *Cache) Stats() Stats {
	s := Stats{Hits: c.hits.Load(), Misses: c.misses.Load(), Evictions: c.evictions.Load()}
	for i := range c.shards {
		responses, bytes := c.shards[i].Size()
		s.Responses += responses
		s.Bytes += bytes
	}
	return s
}

// shard returns the part of the cache that a key belongs to. Each has a lock of
// its own.
func (c *Cache) shard(key string) *lru.Cache[string, *Response] {
	return c.shards[xxhash.Sum64String(key)%shardCount]
}
