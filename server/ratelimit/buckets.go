package ratelimit

import (
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// buckets implements the generic cell rate algorithm: it stores one time for
// each key, at which the quota of the key will be whole again.
type buckets[K comparable] struct {
	window time.Duration
	step   time.Duration // after which one more request is allowed
	seed   maphash.Seed
	shards [16]shard[K]
}

type shard[K comparable] struct {
	mu    sync.Mutex
	whole map[K]time.Time
	swept time.Time
}

// newBuckets returns buckets for a quota that is so many times as wide as q.
func newBuckets[K comparable](q Quota, times int) *buckets[K] {
	step := q.Window / time.Duration(max(q.Requests, 1)) / time.Duration(times)
	b := &buckets[K]{window: q.Window, step: max(step, 1), seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].whole = map[K]time.Time{}
	}
	return b
}

func (b *buckets[K]) shard(key K) *shard[K] {
	return &b.shards[maphash.Comparable(b.seed, key)%uint64(len(b.shards))]
}

// take counts one request and reports whether it is within the quota. It
// returns the number of requests left, and the seconds to wait, as Limiter.Take
// does.
func (b *buckets[K]) take(key K, now time.Time) (remaining, reset int, ok bool) {
	s := b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now, b.window)
	after := b.after(s, key, now)
	if wait := after.Sub(now) - b.window; wait > 0 {
		return 0, seconds(wait), false
	}
	s.whole[key] = after
	return int((b.window - after.Sub(now)) / b.step), seconds(after.Sub(now)), true
}

// after returns when the quota will be whole after one more request. The caller
// holds the lock.
func (b *buckets[K]) after(s *shard[K], key K, now time.Time) time.Time {
	whole := s.whole[key]
	if whole.Before(now) {
		whole = now
	}
	return whole.Add(b.step)
}

// wait returns the seconds until a request is within the quota: 0 if it is now.
func (b *buckets[K]) wait(key K, now time.Time) int {
	s := b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, seconds(b.after(s, key, now).Sub(now)-b.window))
}

// giveBack undoes a take that was within the quota.
func (b *buckets[K]) giveBack(key K) {
	s := b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if whole, found := s.whole[key]; found {
		s.whole[key] = whole.Add(-b.step)
	}
}

// sweep deletes the keys whose quota is whole, once in each window, so that
// memory is bounded by the clients of one window.
func (s *shard[K]) sweep(now time.Time, window time.Duration) {
	if now.Sub(s.swept) < window {
		return
	}
	s.swept = now
	for key, whole := range s.whole {
		if whole.Before(now) {
			delete(s.whole, key)
		}
	}
}

// seconds rounds up, so that a client that waits that long succeeds.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
