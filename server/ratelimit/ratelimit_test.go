package ratelimit

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

func take(b *buckets[string], key string, now time.Time) (remaining, reset int, ok bool) {
	g, ok := b.take(key, now)
	return g.remaining, g.reset, ok
}

func TestLimiterQuota(t *testing.T) {
	t.Parallel()
	for _, q := range []Quota{
		{Requests: 1, Window: time.Hour},
		{Requests: 2, Window: time.Second},
		{Requests: 7, Window: time.Minute},
		{Requests: 20, Window: time.Minute},
		{Requests: 300, Window: time.Minute},
		{Requests: 3000, Window: time.Minute},
		{Requests: 1000, Window: time.Hour},
	} {
		t.Run(fmt.Sprint(q), func(t *testing.T) {
			t.Parallel()
			l := newBuckets[string](q, 1)
			for i := range q.Requests {
				remaining, reset, ok := take(l, "a", start)
				require.True(t, ok, i)
				require.Equal(t, q.Requests-1-i, remaining)
				require.Positive(t, reset)
				require.LessOrEqual(t, reset, seconds(q.Window))
			}
			remaining, wait, ok := take(l, "a", start)
			require.False(t, ok)
			require.Zero(t, remaining)
			require.Positive(t, wait)
			_, _, ok = take(l, "b", start)
			require.True(t, ok, "another client has a quota of its own")

			// A refusal uses up nothing, and a client that waits as told
			// succeeds.
			for range 10 {
				_, again, ok := take(l, "a", start)
				require.False(t, ok)
				require.Equal(t, wait, again)
			}
			_, _, ok = take(l, "a", start.Add(time.Duration(wait)*time.Second))
			require.True(t, ok)

			later := start.Add(10 * q.Window)
			for i := range q.Requests {
				_, _, ok := take(l, "a", later)
				require.True(t, ok, "request %d after the quota is whole again", i)
			}
			_, _, ok = take(l, "a", later)
			require.False(t, ok, "an idle client gets no more than its quota")
		})
	}
}

func TestLimiterRefills(t *testing.T) {
	t.Parallel()
	l := newBuckets[string](Quota{Requests: 60, Window: time.Minute}, 1)
	now := start
	for range 60 {
		l.take("a", now)
	}
	for range 100 {
		now = now.Add(time.Second)
		_, _, ok := take(l, "a", now)
		require.True(t, ok)
		_, wait, ok := take(l, "a", now)
		require.False(t, ok)
		require.Equal(t, 1, wait)
	}
	// After a clock is set back, no client is refused for long.
	_, wait, ok := take(l, "a", now.Add(-time.Second))
	require.False(t, ok)
	require.LessOrEqual(t, wait, 2)
}

func TestLimiterWide(t *testing.T) {
	t.Parallel()
	for class, q := range WideQuotas() {
		l := New(class, q)
		for range 10_000 {
			if _, _, ok := l.Take(Client{Address: netip.MustParseAddr("127.0.0.1")}, start); !ok {
				t.Fatal("a benchmark from one address reaches the limit of the class", class)
			}
		}
	}
}

func TestLimiterAbsurdQuotas(t *testing.T) {
	t.Parallel()
	for _, q := range []Quota{
		{Requests: 0, Window: time.Minute},
		{Requests: -1, Window: time.Minute},
		{Requests: 1 << 60, Window: time.Minute},
		{Requests: 1, Window: time.Nanosecond},
	} {
		l := newBuckets[string](q, 1)
		require.NotPanics(t, func() { l.take("a", start) }, q)
	}
}

func TestLimiterSweeps(t *testing.T) {
	t.Parallel()
	l := newBuckets[string](Quota{Requests: 10, Window: time.Minute}, 1)
	size := func() (n int) {
		for i := range l.shards {
			n += len(l.shards[i].states)
		}
		return n
	}
	for i := range 20_000 {
		l.take(fmt.Sprint("a", i), start.Add(time.Duration(i)*time.Millisecond))
	}
	require.LessOrEqual(t, size(), 20_000)
	for minute := 2; minute < 10; minute++ {
		for i := range 1000 {
			l.take(fmt.Sprint(minute, ".", i), start.Add(time.Duration(minute)*time.Minute))
		}
	}
	require.LessOrEqual(t, size(), 3000, "clients of past windows are still stored")
}

func TestLimiterRace(t *testing.T) {
	t.Parallel()
	l := newBuckets[string](Quota{Requests: 500, Window: time.Hour}, 1)
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				if _, _, ok := take(l, "a", start); ok {
					passed.Add(1)
				}
				l.take(fmt.Sprint(i), start)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 500, passed.Load())
}

func TestAddress(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{"2001:db8::1", "2001:db8::ffff:1"},
		{"2001:db8:0:0:1::", "2001:db8::"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"fe80::1%eth0", "fe80::1"},
	}
	for _, pair := range same {
		require.Equal(t, Address(pair[0]), Address(pair[1]))
	}
	differ := [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}, {"", "192.0.2.1"}, {"nonsense", "192.0.2.1"}}
	for _, pair := range differ {
		require.NotEqual(t, Address(pair[0]), Address(pair[1]))
	}
}

// TestNetworks takes requests from the addresses of one network until they are
// refused.
func TestNetworks(t *testing.T) {
	t.Parallel()
	const quota = 4
	for _, test := range []struct {
		name   string
		client func(i int) Client
		want   int
	}{
		{"Anonymous", func(int) Client { return from(0, "192.0.2.1") }, quota},
		{"Unknown", func(int) Client { return Client{} }, quota},
		{"User", func(i int) Client { return from(7, fmt.Sprintf("192.0.2.%d", i)) }, quota},
		{"UsersOfAnAddress", func(i int) Client { return from(i+1, "192.0.2.1") }, 10 * quota},
		{"MappedAddress", func(i int) Client { return from(i+1, []string{"192.0.2.1", "::ffff:192.0.2.1"}[i%2]) }, 10 * quota},
		{"Anonymous/64", func(i int) Client { return from(0, fmt.Sprintf("2001:db8::%x", i)) }, quota},
		{"UsersOfA/64", func(i int) Client { return from(i+1, fmt.Sprintf("2001:db8::%x", i)) }, 10 * quota},
		{"Anonymous/56", func(i int) Client { return from(0, fmt.Sprintf("2001:db8:0:%x::1", i%256)) }, 20 * quota},
		{"UsersOfA/56", func(i int) Client { return from(i+1, fmt.Sprintf("2001:db8:0:%x::1", i%256)) }, 20 * quota},
		{"Anonymous/48", func(i int) Client { return from(0, fmt.Sprintf("2001:db8:0:%x::1", i*256)) }, 40 * quota},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := New("read", Quota{Requests: quota, Window: time.Hour})
			got := 0
			for range 200 {
				remaining, reset, ok := l.Take(test.client(got), start)
				require.Less(t, remaining, quota)
				require.Positive(t, reset)
				if !ok {
					require.Zero(t, remaining)
					continue
				}
				got++
			}
			require.Equal(t, test.want, got)
		})
	}
}

func from(user int, address string) Client {
	return Client{User: int64(user), Address: netip.MustParseAddr(address)}
}

// TestRefusalUsesUpNothing checks that a user whom the quota of the address
// refuses keeps the quota of the user.
func TestRefusalUsesUpNothing(t *testing.T) {
	t.Parallel()
	const quota = 4
	l := New("read", Quota{Requests: quota, Window: time.Hour})
	for i := range 10 * quota {
		_, _, ok := l.Take(from(i+1, "2001:db8::1"), start)
		require.True(t, ok)
	}
	for range 100 {
		_, _, ok := l.Take(from(1000, "2001:db8::1"), start)
		require.False(t, ok)
	}
	for range quota {
		_, _, ok := l.Take(from(1000, "192.0.2.1"), start)
		require.True(t, ok)
	}
	for i := range 10 * quota {
		_, _, ok := l.Take(from(2000+i, "2001:db8:0:1::1"), start)
		require.True(t, ok, "the networks around were not used up either")
	}
}

func TestLookUps(t *testing.T) {
	t.Parallel()
	l := New("read", Quota{Requests: 3, Window: time.Minute})
	here, near := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for range 3 {
		for range 10 {
			_, ok := l.LookUp(here, start)
			require.True(t, ok, "to ask uses up nothing")
		}
		l.LookedUp(here, start)
	}
	reset, ok := l.LookUp(near, start)
	require.False(t, ok)
	require.Equal(t, 20, reset)
	_, ok = l.LookUp(netip.MustParseAddr("192.0.2.1"), start)
	require.True(t, ok)
	_, ok = l.LookUp(here, start.Add(20*time.Second))
	require.True(t, ok)
}
