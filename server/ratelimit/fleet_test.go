package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/quotas"
)

// memory is a store in memory, with a clock that the test moves. It does what
// the statements of db/queries/quotas.sql do.
type memory struct {
	now   moment
	whole map[string]moment
	hot   map[string]bool
	down  bool
	more  bool // whether it has more that is not needed any more
	left  bool // whether the replica has told that it has ended
	// rounds and uses count what was asked of it.
	rounds, uses int
}

func newMemory() *memory { return &memory{whole: map[string]moment{}, hot: map[string]bool{}} }

func (m *memory) Share(_ context.Context, uses []quotas.Use, hot bool) (levels []quotas.Level, err error) {
	if m.down {
		return nil, errors.New("down")
	}
	m.rounds, m.uses = m.rounds+1, m.uses+len(uses)
	if hot {
		for key := range m.hot {
			levels = append(levels, quotas.Level{Key: key, For: max(0, m.whole[key]-m.now)})
		}
	}
	for _, u := range uses {
		m.whole[u.Key] = max(m.whole[u.Key], m.now) + u.Cost
		if m.whole[u.Key]-m.now > u.HotAfter {
			m.hot[u.Key] = true
		}
		levels = append(levels, quotas.Level{Key: u.Key, For: m.whole[u.Key] - m.now, Added: true})
	}
	return levels, nil
}

func (m *memory) Expire(context.Context) (bool, error) {
	if m.down {
		return false, errors.New("down")
	}
	return m.more, nil
}

func (m *memory) Beat(context.Context) (int, error) {
	if m.down {
		return 0, errors.New("down")
	}
	return 3, nil
}

func (m *memory) Leave(ctx context.Context) error {
	m.left = ctx.Err() == nil
	return ctx.Err()
}

// replica is one of several in a simulation. It does what Fleet.Run does, but
// the clock is the test's, and the steps of a round have times of their own.
type replica struct {
	*Fleet
	limiter *Limiter
	rng     *rand.Rand
	tick    moment // when the next round begins that no client causes
	free    moment // when the next round may begin that a client causes
	woken   bool   // whether a client has asked for a round

	steps  []func(at moment) // of the round that runs
	next   moment            // when the next of them is due
	began  time.Time
	uses   []quotas.Use
	levels []quotas.Level
	err    error
}

func newReplica(m *memory, q Quota, members int, rng *rand.Rand) *replica {
	r := &replica{limiter: New("read", q), rng: rng, tick: moment(rng.Int64N(int64(roundInterval)))}
	r.Fleet = NewFleet(m, slog.New(slog.NewTextHandler(io.Discard, nil)), map[string]*Limiter{"read": r.limiter})
	r.members = members
	r.Fleet.divide(epoch)
	return r
}

// run does what is due at a moment. The way to the database and the way back
// take up to 3 ms each.
func (r *replica) run(m *memory, at moment) {
	select {
	case <-r.wake:
		r.woken = true
	default:
	}
	if r.members > 1 && len(r.steps) == 0 && (at >= r.tick || r.woken && at >= r.free && !r.alone) {
		hot := at >= r.tick
		if hot {
			r.tick += roundInterval
		} else {
			r.woken = false
		}
		r.began = epoch.Add(at)
		r.uses = r.collect(r.began)
		r.next = at
		r.steps = []func(moment){
			func(at moment) { m.now = at; r.levels, r.err = m.Share(context.Background(), r.uses, hot) },
			func(at moment) {
				r.apply(r.levels, r.err, r.began, epoch.Add(at))
				r.free = at + hurryInterval
			},
		}
		r.next = at + r.latency()
	}
	for len(r.steps) > 0 && at >= r.next {
		r.steps[0](at)
		r.steps, r.next = r.steps[1:], at+r.latency()
	}
}

func (r *replica) latency() moment { return moment(r.rng.Int64N(int64(3 * time.Millisecond))) }

// way is how a load balancer spreads the requests of a client over 3 replicas.
var ways = map[string]func(rng *rand.Rand, at moment, i int) int{
	"in turn":         func(_ *rand.Rand, _ moment, i int) int { return i % 3 },
	"at random":       func(rng *rand.Rand, _ moment, _ int) int { return rng.IntN(3) },
	"to one":          func(*rand.Rand, moment, int) int { return 1 },
	"unevenly":        func(rng *rand.Rand, _ moment, _ int) int { return []int{0, 0, 0, 0, 0, 0, 0, 1, 1, 2}[rng.IntN(10)] },
	"moved each 0.3s": func(_ *rand.Rand, at moment, _ int) int { return int(at/(300*time.Millisecond)) % 3 },
	"moved each 5s":   func(_ *rand.Rand, at moment, _ int) int { return int(at/(5*time.Second)) % 3 },
	"moved each 20s":  func(_ *rand.Rand, at moment, _ int) int { return int(at/(20*time.Second)) % 3 },
}

// TestFleetQuota sends the requests of a client to three replicas and compares
// what they allow with what one replica allows, each second. It
// may differ by a tenth, unless the client uses up its quota within a round.
func TestFleetQuota(t *testing.T) {
	t.Parallel()
	for _, requests := range []int{20, 300, 3000} {
		for _, rate := range []int{2, 20, 100, 400, 1000} {
			if rate*60 < requests {
				continue // the client never reaches the quota
			}
			over := 0.1
			if rate*int(hurryInterval/time.Millisecond) >= requests*1000 {
				over = 0.25
			}
			for name, way := range ways {
				t.Run(fmt.Sprintf("%d/%d per second/%s", requests, rate, name), func(t *testing.T) {
					t.Parallel()
					s := newSimulation(Quota{Requests: requests, Window: time.Minute}, uint64(rate))
					seconds := 75
					if rate > 20 {
						seconds = 20 // after which nothing new happens
					}
					for second := range seconds {
						s.send(rate, way, moment(second)*time.Second, time.Second)
						off := float64(s.got-s.want) / float64(max(s.want, requests))
						require.InDelta(t, (over-0.1)/2, off, (over+0.1)/2, "%d instead of %d after %d s", s.got, s.want, second+1)
					}
					t.Logf("%d sent, %d allowed, %d by one replica; between %+.1f and %+.1f %% at any moment",
						s.sent, s.got, s.want, 100*s.least, 100*s.most)
				})
			}
		}
	}
}

// simulation is a client of three replicas, and of one that has no others.
type simulation struct {
	quota       Quota
	rng         *rand.Rand
	memory      *memory
	replicas    []*replica
	alone       *Limiter
	client      Client
	begin       moment
	sent        int
	got, want   int     // the requests that were allowed, and those that one replica allows
	least, most float64 // the greatest differences, in parts of the quota or of what one replica allows
}

func newSimulation(q Quota, seed uint64) *simulation {
	s := &simulation{
		quota: q, rng: rand.New(rand.NewPCG(uint64(q.Requests), seed)), memory: newMemory(), alone: New("read", q),
		client: Client{Address: netip.MustParseAddr("192.0.2.1")}, begin: time.Since(epoch) + time.Second,
	}
	for range 3 {
		s.replicas = append(s.replicas, newReplica(s.memory, q, 3, s.rng))
	}
	return s
}

// take sends a request at a moment to a replica.
func (s *simulation) take(to int, at moment) bool {
	s.sent++
	_, _, ok := s.replicas[to].limiter.Take(s.client, epoch.Add(s.begin+at))
	if ok {
		s.got++
	}
	return ok
}

// send sends requests at a rate for a time.
func (s *simulation) send(rate int, way func(*rand.Rand, moment, int) int, from, span moment) {
	for i, at := 0, from; at < from+span; at += time.Millisecond {
		for ; moment(i)*time.Second/moment(rate) <= at-from; i++ {
			s.take(way(s.rng, at, s.sent), at)
			if _, _, ok := s.alone.Take(s.client, epoch.Add(s.begin+at)); ok {
				s.want++
			}
		}
		off := float64(s.got-s.want) / float64(max(s.want, s.quota.Requests))
		s.least, s.most = min(s.least, off), max(s.most, off)
		s.pass(at)
	}
}

// pass does what replicas do at a moment besides requests.
func (s *simulation) pass(at moment) {
	for _, r := range s.replicas {
		r.run(s.memory, s.begin+at)
	}
}

// TestFleetBurst sends more requests than the quota to all replicas at the same
// instant: each allows its part of the quota, and none more later.
func TestFleetBurst(t *testing.T) {
	t.Parallel()
	for _, requests := range []int{1, 20, 300, 3000} {
		s := newSimulation(Quota{Requests: requests, Window: time.Minute}, 1)
		for i := range 9 * requests {
			s.take(i%3, 0)
		}
		require.GreaterOrEqual(t, s.got, requests)
		require.LessOrEqual(t, s.got, requests+2)
		burst := s.got
		for at := moment(0); at < time.Second; at += time.Millisecond {
			s.pass(at)
		}
		for i := range 9 * requests {
			s.take(i%3, time.Second)
		}
		require.LessOrEqual(t, s.got, max(burst, requests+requests/60+2))
	}
}

// TestFleetAlone checks that a replica without others behaves as if there was
// nothing to share, and asks nothing.
func TestFleetAlone(t *testing.T) {
	t.Parallel()
	m, q := newMemory(), Quota{Requests: 300, Window: time.Minute}
	one, plain := newReplica(m, q, 1, rand.New(rand.NewPCG(1, 1))), New("read", q)
	client := Client{User: 7, Address: netip.MustParseAddr("192.0.2.1")}
	for i := range 2000 {
		now := epoch.Add(moment(i) * 20 * time.Millisecond)
		remaining, reset, ok := one.limiter.Take(client, now)
		left, wait, allowed := plain.Take(client, now)
		require.Equal(t, []any{left, wait, allowed}, []any{remaining, reset, ok})
		one.Round(t.Context(), i%5 == 0)
	}
	require.Zero(t, m.rounds)
}

// TestFleetOutage takes the database away. Each replica then allows the whole
// quota, as one that has no others. Afterwards they share what is left, and no
// client pays for what has been restored meanwhile.
func TestFleetOutage(t *testing.T) {
	t.Parallel()
	inTurn := ways["in turn"]
	s := newSimulation(Quota{Requests: 300, Window: time.Minute}, 1)
	s.send(20, inTurn, 0, 60*time.Second)
	before := s.got
	s.memory.down = true
	s.send(20, inTurn, 60*time.Second, 120*time.Second)
	require.InDelta(t, 120*3*300/60, s.got-before, 120*3*300/60/10, "each replica allows the quota")
	for _, r := range s.replicas {
		require.EqualValues(t, 1, r.Stats.Replicas.Load())
		require.NotZero(t, r.Stats.Failed.Load())
	}
	s.memory.down = false
	// Each replica has allowed up to a quota in the last window.
	for at := 180 * time.Second; at < 240*time.Second; at += time.Millisecond {
		s.pass(at)
	}
	s.want, s.got = 0, 0
	s.send(20, inTurn, 360*time.Second, 120*time.Second)
	require.InDelta(t, s.want, s.got, float64(s.want)/10)
}

// TestFleetShortOutage checks that what clients have used is told once only.
func TestFleetShortOutage(t *testing.T) {
	t.Parallel()
	s := newSimulation(Quota{Requests: 300, Window: time.Minute}, 1)
	s.send(100, ways["in turn"], 0, 2*time.Second)
	s.memory.down = true
	s.send(1, ways["in turn"], 2*time.Second, 3*time.Second)
	for _, r := range s.replicas {
		require.True(t, r.alone)
	}
	s.memory.down = false
	s.send(100, ways["in turn"], 5*time.Second, 60*time.Second)
	require.InDelta(t, s.want, s.got, float64(s.want)/10)
}

// TestFleetJoins lets two replicas join one that has counted alone. What it has
// counted is theirs too.
func TestFleetJoins(t *testing.T) {
	t.Parallel()
	s := newSimulation(Quota{Requests: 300, Window: time.Minute}, 1)
	first := s.replicas[0]
	first.members = 1
	first.Fleet.divide(epoch.Add(s.begin))
	for range 300 {
		require.True(t, s.take(0, 0))
	}
	first.members = 3
	first.Fleet.divide(epoch.Add(s.begin))
	for at := moment(0); at < time.Second; at += time.Millisecond {
		s.pass(at)
	}
	for i := range 600 {
		s.take(1+i%2, time.Second)
	}
	require.LessOrEqual(t, s.got, 300*11/10)
}

// TestFleetRestarts stops all replicas but one, and lets new ones join it. What
// the first one has told before is told once only.
func TestFleetRestarts(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		for _, requests := range []int{20, 300, 3000} {
			t.Run(fmt.Sprintf("%d replicas/%d", n, requests), func(t *testing.T) {
				t.Parallel()
				s := newSimulation(Quota{Requests: requests, Window: time.Minute}, 1)
				inTurn := func(_ *rand.Rand, _ moment, i int) int { return i % len(s.replicas) }
				s.replicas = s.replicas[:n]
				s.setMembers(n, 0)
				s.send(requests/2, inTurn, 0, time.Second)
				for at := time.Second; at < 3*time.Second; at += time.Millisecond {
					s.pass(at)
				}
				s.replicas = s.replicas[:1]
				s.setMembers(1, 3*time.Second)
				s.send(requests/20, inTurn, 3*time.Second, 2*time.Second)
				for range n - 1 {
					r := newReplica(s.memory, s.quota, n, s.rng)
					r.tick = s.begin + 5*time.Second
					s.replicas = append(s.replicas, r)
				}
				s.setMembers(n, 5*time.Second)
				s.send(requests/10, inTurn, 5*time.Second, 20*time.Second)
				require.InDelta(t, s.want, s.got, float64(s.want)/10)
			})
		}
	}
}

// setMembers tells the replicas at a moment how many they are.
func (s *simulation) setMembers(n int, at moment) {
	for _, r := range s.replicas {
		r.members = n
		r.Fleet.divide(epoch.Add(s.begin + at))
	}
}

// TestFleetExpires checks that a replica deletes what is no longer needed little
// by little.
func TestFleetExpires(t *testing.T) {
	t.Parallel()
	m := newMemory()
	r := newReplica(m, Quota{Requests: 300, Window: time.Minute}, 3, rand.New(rand.NewPCG(1, 1)))
	require.Equal(t, expireInterval, r.expire(t.Context()))
	m.more = true
	require.Equal(t, expireAgain, r.expire(t.Context()))
	m.down = true
	require.Equal(t, expireInterval, r.expire(t.Context()))
}

// TestFleetTraffic counts how often clients cost a version of a row: one that is
// far from its limit about once a second for each replica, and one that sends
// too much no more often than rounds are due.
func TestFleetTraffic(t *testing.T) {
	t.Parallel()
	for rate, most := range map[int]int{20: 4, 100: 20} {
		s := newSimulation(Quota{Requests: 3000, Window: time.Minute}, 1)
		s.send(rate, ways["at random"], 0, 90*time.Second)
		before := s.memory.uses
		s.send(rate, ways["at random"], 90*time.Second, 30*time.Second)
		keys := len(s.memory.whole)
		require.Less(t, s.memory.uses-before, 30*keys*most, "%d requests per second", rate)
	}
}

// TestFleetOnce lets a client send a request in the middle of a round that has
// told of it. The statement must not have its key twice, and the next round has
// the request.
func TestFleetOnce(t *testing.T) {
	t.Parallel()
	r := newReplica(newMemory(), Quota{Requests: 3000, Window: time.Minute}, 3, rand.New(rand.NewPCG(1, 1)))
	take := func() {
		_, _, ok := r.limiter.Take(Client{User: 7}, epoch)
		require.True(t, ok)
	}
	for range 500 {
		take()
	}
	l := r.ledgers["read/user"]
	uses := l.collect(nil, 10, false)
	require.Len(t, uses, 1)
	take()
	require.Equal(t, uses, l.collect(uses, 10, true))
	l.settle(true)
	require.Len(t, l.collect(nil, 10, true), 1)
	l.settle(false)
	require.Len(t, l.collect(nil, 10, true), 1)
	l.settle(true)
	require.Empty(t, l.collect(nil, 10, true))
}

// TestFleetFields checks that the RateLimit fields promise no more than there
// is: a client that sends as many requests as are left is refused none.
func TestFleetFields(t *testing.T) {
	t.Parallel()
	s := newSimulation(Quota{Requests: 300, Window: time.Minute}, 1)
	s.send(50, ways["unevenly"], 0, 3*time.Second)
	for at := 3 * time.Second; at < 4*time.Second; at += time.Millisecond {
		s.pass(at)
	}
	remaining, _, ok := s.replicas[2].limiter.Take(s.client, epoch.Add(s.begin+4*time.Second))
	require.True(t, ok)
	require.Less(t, remaining, 180)
	require.Greater(t, remaining, 120)
	refused := 0
	for i := range remaining {
		at := 4*time.Second + moment(i)*10*time.Millisecond
		for ; !s.take(2, at) && refused < 20; refused++ {
			at += time.Millisecond
		}
		for ms := range moment(10) {
			s.pass(at + ms*time.Millisecond)
		}
	}
	require.Zero(t, refused)
}

// TestFleetAllocates checks that a request costs no allocation, as it costs none
// if a replica counts alone.
func TestFleetAllocates(t *testing.T) {
	m, now := newMemory(), epoch.Add(time.Second)
	r := newReplica(m, Quota{Requests: 100_000, Window: time.Minute}, 3, rand.New(rand.NewPCG(1, 1)))
	client := Client{User: 7, Address: netip.MustParseAddr("2001:db8::1")}
	r.limiter.Take(client, now)
	require.Zero(t, testing.AllocsPerRun(1000, func() { r.limiter.Take(client, now) }))
}

// TestKeys checks that every key is read as it was written.
func TestKeys(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"192.0.2.1", "2001:db8::", "::"} {
		n := network(netip.MustParseAddr(address).As16())
		parsed, ok := parseNetwork(formatNetwork(n))
		require.True(t, ok)
		require.Equal(t, n, parsed)
	}
	id, ok := parseUser(formatUser(1 << 60))
	require.True(t, ok)
	require.EqualValues(t, 1<<60, id)
	f := newReplica(newMemory(), Quota{Requests: 20, Window: time.Minute}, 3, rand.New(rand.NewPCG(1, 1)))
	for _, key := range []string{"", "read", "read/user/x", "read/anonymous/x", "other/user/1", "/"} {
		require.NotPanics(t, func() { f.learn(quotas.Level{Key: key, For: time.Second}, epoch) }, key)
	}
}
