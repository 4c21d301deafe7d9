package ratelimit

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// buckets implements the generic cell rate algorithm: it stores a time for each
// key, at which the quota of the key will be whole again. If replicas share the
// quotas, it stores two, because a quota has two parts (see parts).
type buckets[K comparable] struct {
	window   time.Duration
	requests int
	parts    atomic.Pointer[parts]
	wake     chan<- struct{} // asks for a round; nil if nobody shares the quotas
	seed     maphash.Seed
	shards   [16]shard[K]
}

type shard[K comparable] struct {
	mu     sync.Mutex
	states map[K]state
	untold []K // the keys that are listed
	urgent []K // those that the next round tells
	swept  moment
}

// state is what is known of a key. A key without one has its whole quota.
type state struct {
	whole moment // when the shared part will be whole, as far as is known
	own   moment // when this replica's own part will be
	used  int32  // requests of the shared part that no other replica knows of
	sent  int32  // those that the round which runs tells them
	// listed and urgent report whether the key is in these lists of its shard.
	listed, urgent bool
}

// A moment is a time since the start of the process, which no change of the
// clock moves.
type moment = time.Duration

var epoch = time.Now()

// newBuckets returns buckets for a quota that is so many times as wide as q.
func newBuckets[K comparable](q Quota, times int) *buckets[K] {
	const most = 1 << 40 // so that no product overflows
	b := &buckets[K]{window: q.Window, requests: min(max(q.Requests, 1), most) * times, seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].states = map[K]state{}
		b.shards[i].swept = math.MinInt64 / 2
	}
	b.parts.Store(divide(b.window, b.requests, 1, true))
	return b
}

func (b *buckets[K]) shard(key K) *shard[K] {
	return &b.shards[maphash.Comparable(b.seed, key)%uint64(len(b.shards))]
}

// at returns the state of a key at a moment. Both times are in the future, or
// that moment.
func (s *shard[K]) at(key K, t moment) state {
	st, found := s.states[key]
	if !found {
		return state{whole: t, own: t}
	}
	st.whole, st.own = max(st.whole, t), max(st.own, t)
	return st
}

// grant is the result of a take.
type grant struct {
	// remaining is the number of requests left, and reset the seconds to wait,
	// as Limiter.Take returns them.
	remaining, reset int
	own              bool // whether the request was one of the replica's own part
}

// take counts one request and reports whether it is within the quota.
func (b *buckets[K]) take(key K, now time.Time) (grant, bool) {
	t, p, s := now.Sub(epoch), b.parts.Load(), b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(t, b.window)
	before := s.at(key, t)
	after, wait := p.spend(before, t, b.window)
	if wait > 0 {
		return grant{0, seconds(wait), false}, false
	}
	own := after.whole == before.whole
	if b.wake != nil && !own {
		s.count(key, &after, 1)
		b.hurry(s, key, &after, p, t)
	}
	s.states[key] = after
	return grant{p.left(after, t, b.window), seconds(max(after.whole, after.own) - t), own}, true
}

// wait returns the seconds until a request is within the quota: 0 if it is now.
func (b *buckets[K]) wait(key K, now time.Time) int {
	t, s := now.Sub(epoch), b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, wait := b.parts.Load().spend(s.at(key, t), t, b.window)
	return max(0, seconds(wait))
}

// giveBack undoes a take that was within the quota.
func (b *buckets[K]) giveBack(key K, g grant) {
	p, s := b.parts.Load(), b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	st, found := s.states[key]
	switch {
	case !found:
		return
	case g.own:
		st.own -= p.ownStep
	default:
		st.whole -= p.step
		if b.wake != nil {
			s.count(key, &st, -1)
		}
	}
	s.states[key] = st
}

// sweep deletes the keys whose quota is whole, once in each window, so that
// memory is bounded by the clients of one window.
func (s *shard[K]) sweep(t moment, window time.Duration) {
	if t-s.swept < window {
		return
	}
	s.swept = t
	for key, st := range s.states {
		if max(st.whole, st.own) < t {
			delete(s.states, key)
		}
	}
	s.untold = slices.DeleteFunc(s.untold, func(key K) bool { return !s.states[key].listed })
	s.urgent = slices.DeleteFunc(s.urgent, func(key K) bool { return !s.states[key].urgent })
}

// seconds rounds up, so that a client that waits that long succeeds.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
