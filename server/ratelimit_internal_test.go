package server

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
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
		{1, time.Hour}, {2, time.Second}, {7, time.Minute}, {20, time.Minute}, {300, time.Minute}, {3000, time.Minute}, {1000, time.Hour},
	} {
		t.Run(fmt.Sprint(q), func(t *testing.T) {
			t.Parallel()
			l := newLimiter("read", q)
			for i := range q.Requests {
				remaining, reset, ok := l.take("a", start)
				require.True(t, ok, i)
				require.Equal(t, q.Requests-1-i, remaining)
				require.Positive(t, reset)
				require.LessOrEqual(t, reset, seconds(q.Window))
			}
			remaining, wait, ok := l.take("a", start)
			require.False(t, ok)
			require.Zero(t, remaining)
			require.Positive(t, wait)
			_, _, ok = l.take("b", start)
			require.True(t, ok, "another client has a quota of its own")

			// A refusal costs nothing, and who waits as told is let in.
			for range 10 {
				_, again, ok := l.take("a", start)
				require.False(t, ok)
				require.Equal(t, wait, again)
			}
			_, _, ok = l.take("a", start.Add(time.Duration(wait)*time.Second))
			require.True(t, ok)

			later := start.Add(10 * q.Window)
			for i := range q.Requests {
				_, _, ok := l.take("a", later)
				require.True(t, ok, "request %d after the quota is whole again", i)
			}
			_, _, ok = l.take("a", later)
			require.False(t, ok, "idling saves nothing up")
		})
	}
}

func TestLimiterRefills(t *testing.T) {
	t.Parallel()
	l := newLimiter("read", Quota{60, time.Minute})
	now := start
	for range 60 {
		l.take("a", now)
	}
	for range 100 {
		now = now.Add(time.Second)
		_, _, ok := l.take("a", now)
		require.True(t, ok)
		_, wait, ok := l.take("a", now)
		require.False(t, ok)
		require.Equal(t, 1, wait)
	}
	// A clock that is set back must not lock anybody out for long.
	_, wait, ok := l.take("a", now.Add(-time.Second))
	require.False(t, ok)
	require.LessOrEqual(t, wait, 2)
}

func TestLimiterWide(t *testing.T) {
	t.Parallel()
	for class, q := range WideQuotas() {
		l := newLimiter(class, q)
		for range 10_000 {
			if _, _, ok := l.take("a", start); !ok {
				t.Fatal("a benchmark from one address meets the limit of", class)
			}
		}
	}
}

func TestLimiterAbsurdQuotas(t *testing.T) {
	t.Parallel()
	for _, q := range []Quota{{0, time.Minute}, {-1, time.Minute}, {1 << 60, time.Minute}, {1, time.Nanosecond}} {
		l := newLimiter("read", q)
		require.NotPanics(t, func() { l.take("a", start) }, q)
	}
}

func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	l := newLimiter("read", Quota{10, time.Minute})
	size := func() (n int) {
		for i := range l.shards {
			n += len(l.shards[i].whole)
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
	require.LessOrEqual(t, size(), 3000, "clients of past windows")
}

func TestLimiterRace(t *testing.T) {
	t.Parallel()
	l := newLimiter("read", Quota{500, time.Hour})
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				if _, _, ok := l.take("a", start); ok {
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
		require.Equal(t, address(pair[0]), address(pair[1]))
	}
	differ := [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}, {"", "192.0.2.1"}, {"nonsense", "192.0.2.1"}}
	for _, pair := range differ {
		require.NotEqual(t, address(pair[0]), address(pair[1]))
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	private := []string{"10.0.0.0/8", "fd00::/8"}
	tests := []struct {
		name      string
		trusted   []string
		remote    string
		forwarded []string
		want      string
	}{
		{"Direct", nil, "192.0.2.1:1234", nil, "192.0.2.1"},
		{"NobodyTrusted", nil, "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"LoopbackIsNotTrusted", nil, "127.0.0.1:1234", []string{"198.51.100.7"}, "127.0.0.1"},
		{"PrivateIsNotTrustedByDefault", []string{"203.0.113.1/32"}, "10.0.0.1:1234", []string{"198.51.100.7"}, "10.0.0.1"},
		{"LoopbackBesideTrusted", private, "127.0.0.1:1234", []string{"198.51.100.7"}, "127.0.0.1"},
		{"LinkLocalBesideTrusted", private, "169.254.1.1:1234", []string{"198.51.100.7"}, "169.254.1.1"},
		{"OtherPrivateBesideTrusted", private, "192.168.1.1:1234", []string{"198.51.100.7"}, "192.168.1.1"},
		{"Stranger", private, "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"Proxy", private, "10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"ProxySaysNothing", private, "10.0.0.1:1234", nil, "10.0.0.1"},
		{"SpoofedChain", private, "10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"SpoofedTrustedHop", private, "10.0.0.1:1234", []string{"1.1.1.1, 10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		{"TwoProxies", private, "10.0.0.1:1234", []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"TwoFields", private, "10.0.0.1:1234", []string{"1.1.1.1", "198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"Nonsense", private, "10.0.0.1:1234", []string{"nonsense"}, "10.0.0.1"},
		{"NonsenseBehind", private, "10.0.0.1:1234", []string{"nonsense, 198.51.100.7"}, "198.51.100.7"},
		{"IPv6Direct", private, "[2001:db8::1]:1234", []string{"198.51.100.7"}, "2001:db8::1"},
		{"IPv6Proxy", private, "[fd00::1]:1234", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6Spoofed", private, "[fd00::1]:1234", []string{"::1, 2001:db8::7"}, "2001:db8::7"},
		{"PrefixWithHostBits", []string{"10.1.2.3/8"}, "10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var trusted []netip.Prefix
			for _, p := range tt.trusted {
				trusted = append(trusted, netip.MustParsePrefix(p))
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.remote
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			r.Header.Set("X-Real-Ip", "9.9.9.9")
			r.Header.Set("Forwarded", "for=9.9.9.9")
			require.Equal(t, tt.want, ipExtractor(trusted)(r))
		})
	}
}
