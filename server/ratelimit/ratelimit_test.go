package ratelimit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

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
			l := New("read", q)
			for i := range q.Requests {
				remaining, reset, ok := l.Take("a", start)
				require.True(t, ok, i)
				require.Equal(t, q.Requests-1-i, remaining)
				require.Positive(t, reset)
				require.LessOrEqual(t, reset, seconds(q.Window))
			}
			remaining, wait, ok := l.Take("a", start)
			require.False(t, ok)
			require.Zero(t, remaining)
			require.Positive(t, wait)
			_, _, ok = l.Take("b", start)
			require.True(t, ok, "another client has a quota of its own")

			// A refusal uses up nothing, and a client that waits as told
			// succeeds.
			for range 10 {
				_, again, ok := l.Take("a", start)
				require.False(t, ok)
				require.Equal(t, wait, again)
			}
			_, _, ok = l.Take("a", start.Add(time.Duration(wait)*time.Second))
			require.True(t, ok)

			later := start.Add(10 * q.Window)
			for i := range q.Requests {
				_, _, ok := l.Take("a", later)
				require.True(t, ok, "request %d after the quota is whole again", i)
			}
			_, _, ok = l.Take("a", later)
			require.False(t, ok, "an idle client gets no more than its quota")
		})
	}
}

func TestLimiterRefills(t *testing.T) {
	t.Parallel()
	l := New("read", Quota{Requests: 60, Window: time.Minute})
	now := start
	for range 60 {
		l.Take("a", now)
	}
	for range 100 {
		now = now.Add(time.Second)
		_, _, ok := l.Take("a", now)
		require.True(t, ok)
		_, wait, ok := l.Take("a", now)
		require.False(t, ok)
		require.Equal(t, 1, wait)
	}
	// After a clock is set back, no client is refused for long.
	_, wait, ok := l.Take("a", now.Add(-time.Second))
	require.False(t, ok)
	require.LessOrEqual(t, wait, 2)
}

func TestLimiterWide(t *testing.T) {
	t.Parallel()
	for class, q := range WideQuotas() {
		l := New(class, q)
		for range 10_000 {
			if _, _, ok := l.Take("a", start); !ok {
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
		l := New("read", q)
		require.NotPanics(t, func() { l.Take("a", start) }, q)
	}
}

func TestLimiterSweeps(t *testing.T) {
	t.Parallel()
	l := New("read", Quota{Requests: 10, Window: time.Minute})
	size := func() (n int) {
		for i := range l.shards {
			n += len(l.shards[i].whole)
		}
		return n
	}
	for i := range 20_000 {
		l.Take(fmt.Sprint("a", i), start.Add(time.Duration(i)*time.Millisecond))
	}
	require.LessOrEqual(t, size(), 20_000)
	for minute := 2; minute < 10; minute++ {
		for i := range 1000 {
			l.Take(fmt.Sprint(minute, ".", i), start.Add(time.Duration(minute)*time.Minute))
		}
	}
	require.LessOrEqual(t, size(), 3000, "clients of past windows are still stored")
}

func TestLimiterRace(t *testing.T) {
	t.Parallel()
	l := New("read", Quota{Requests: 500, Window: time.Hour})
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				if _, _, ok := l.Take("a", start); ok {
					passed.Add(1)
				}
				l.Take(fmt.Sprint(i), start)
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
