package ratelimit

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/db/quotas"
)

// A ledger tells a Fleet what the clients of one kind have used, and learns
// what they have used in all.
type ledger interface {
	// divide divides the quotas by the number of replicas. alone is set if this
	// one decides without the others.
	divide(replicas int, alone bool, t moment)
	// collect adds to uses what the others do not know of urgent keys, or of
	// all, up to a number of uses.
	collect(uses []quotas.Use, most int, all bool) []quotas.Use
	// settle ends the round that the last collect has begun.
	settle(ok bool)
	// learn applies the level that a quota had at a moment.
	learn(id string, level time.Duration, t moment)
}

// shared are buckets whose quotas replicas share.
type shared[K comparable] struct {
	*buckets[K]
	name   string // of the kind, before the id of a client in a key
	format func(K) string
	parse  func(string) (K, bool)
	sent   []K // of the round that runs
}

// count changes what the others do not know of a key. The caller holds the lock
// of its shard.
func (s *shard[K]) count(key K, st *state, requests int32) {
	// A replica that decides alone may count for years.
	st.used = int32(min(int64(st.used)+int64(requests), math.MaxInt32))
	if !st.listed {
		st.listed = true
		s.untold = append(s.untold, key)
	}
}

// hurry asks for a round if the others should know of a key at once. The caller
// holds the lock of its shard.
func (b *buckets[K]) hurry(s *shard[K], key K, st *state, p *parts, t moment) {
	if p.alone || hurryShare*int(st.used) < p.share(*st, t, b.window) {
		return
	}
	if !st.urgent {
		st.urgent = true
		s.urgent = append(s.urgent, key)
	}
	if wakeShare*int(st.used) < b.requests {
		return // the next round is early enough
	}
	select {
	case b.wake <- struct{}{}:
	default: // it is asked for
	}
}

func (l *shared[K]) divide(replicas int, alone bool, t moment) {
	old := l.parts.Load()
	l.parts.Store(divide(l.window, l.requests, replicas, alone))
	if !old.alone || alone {
		return
	}
	// What has been restored meanwhile, the others need not know.
	for i := range l.shards {
		l.shards[i].recount(func(st state) int32 {
			return int32(min(steps(st.whole-t, old.step), int(st.used)))
		})
	}
}

// recount sets what the others do not know of each key.
func (s *shard[K]) recount(used func(state) int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.untold, s.urgent = nil, nil
	for key, st := range s.states {
		st.used, st.sent, st.urgent = used(st), 0, false
		if st.listed = st.used != 0; st.listed {
			s.untold = append(s.untold, key)
		}
		s.states[key] = st
	}
}

func (l *shared[K]) collect(uses []quotas.Use, most int, all bool) []quotas.Use {
	step := l.parts.Load().step
	for i := range l.shards {
		uses = l.collectShard(&l.shards[i], uses, step, most, all)
	}
	return uses
}

func (l *shared[K]) collectShard(s *shard[K], uses []quotas.Use, step time.Duration, most int, all bool) []quotas.Use {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := &s.urgent
	if all {
		keys = &s.untold // which has the urgent ones too
	}
	for len(*keys) > 0 && len(uses) < most {
		key := (*keys)[len(*keys)-1]
		*keys = (*keys)[:len(*keys)-1]
		st, found := s.states[key]
		if !found {
			continue // its quota is whole
		}
		if all {
			st.listed = false
		} else {
			st.urgent = false
		}
		if st.used != 0 && st.sent == 0 { // a statement has each key once
			use := quotas.Use{Key: l.name + "/" + l.format(key), Cost: time.Duration(st.used) * step, HotAfter: l.window / hotShare}
			uses, l.sent = append(uses, use), append(l.sent, key)
			st.used, st.sent = 0, st.used
		}
		s.states[key] = st
	}
	return uses
}

func (l *shared[K]) settle(ok bool) {
	for _, key := range l.sent {
		s := l.shard(key)
		s.mu.Lock()
		if st, found := s.states[key]; found {
			again := st.sent
			if ok {
				again = 0
			}
			st.sent = 0
			if again != 0 || st.used != 0 {
				s.count(key, &st, again)
			}
			s.states[key] = st
		}
		s.mu.Unlock()
	}
	l.sent = l.sent[:0]
}

func (l *shared[K]) learn(id string, level time.Duration, t moment) {
	key, ok := l.parse(id)
	if !ok {
		return
	}
	s := l.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.at(key, t)
	// The level does not have what was used since.
	p := l.parts.Load()
	st.whole = t + level + time.Duration(st.used)*p.step
	if st.used > 0 {
		l.hurry(s, key, &st, p, t) // less may be left than was known
	}
	s.states[key] = st
}

func formatUser(id int64) string { return strconv.FormatInt(id, 10) }

func parseUser(text string) (int64, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil
}

func formatNetwork(n network) string { return netip.AddrFrom16(n).Unmap().String() }

func parseNetwork(text string) (network, bool) {
	a, err := netip.ParseAddr(text)
	return a.As16(), err == nil
}

// ledgers returns what a limiter shares. wake asks for a round.
func (l *Limiter) ledgers(wake chan<- struct{}) map[string]ledger {
	class := strings.Trim(l.name, `"`)
	all := map[string]ledger{}
	users := &shared[int64]{buckets: l.users, name: class + "/user", format: formatUser, parse: parseUser}
	users.wake, all[users.name] = wake, users
	for kind, b := range l.networks() {
		n := &shared[network]{buckets: b, name: class + "/" + kind, format: formatNetwork, parse: parseNetwork}
		n.wake, all[n.name] = wake, n
	}
	return all
}

// networks returns the quotas of networks by their kind.
func (l *Limiter) networks() map[string]*buckets[network] {
	all := map[string]*buckets[network]{"anonymous": l.addresses, "lookup": l.lookups}
	for i, level := range levels {
		all["network-"+strconv.Itoa(level.bits)] = l.shared[i]
	}
	return all
}
