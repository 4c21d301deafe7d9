package strangle

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/contract"
)

// TestLatencies checks the bounds of the percentiles.
func TestLatencies(t *testing.T) {
	t.Parallel()
	last := -1
	for _, us := range []int64{0, 1, 7, 8, 15, 16, 17, 100, 999, 1000, 12345, 1_000_000, 59_000_000} {
		b := bucketOf(time.Duration(us) * time.Microsecond)
		require.GreaterOrEqual(t, b, last)
		last = b
		end := upTo(b).Microseconds()
		require.Greater(t, end, us)
		require.LessOrEqual(t, float64(end), float64(us)*1.125+1)
	}
	require.Equal(t, maxExponent*perPower-1, bucketOf(1000*time.Hour))
	require.Zero(t, bucketOf(-time.Second))
	var l latencies
	require.Zero(t, l.quantile(0.99))
	for i := range 100 {
		l.add(time.Duration(i+1) * time.Millisecond)
	}
	require.InDelta(t, 50, l.quantile(0.5).Milliseconds(), 7)
	require.InDelta(t, 99, l.quantile(0.99).Milliseconds(), 13)
}

// TestWriters checks how long users are remembered, and that too many of them
// make all reads go to old.
func TestWriters(t *testing.T) {
	t.Parallel()
	var w writers
	now, period := time.Unix(1_000_000, 0), 30*time.Second
	require.False(t, w.has(1, now, period))
	w.add(1, now, period)
	require.True(t, w.has(1, now.Add(period), period))
	require.False(t, w.has(1, now.Add(period+1), period))
	require.False(t, w.has(2, now, period))
	w.add(2, now.Add(20*time.Second), period)
	w.add(3, now.Add(31*time.Second), period) // turns
	require.True(t, w.has(2, now.Add(50*time.Second), period), "it is in the older map")
	w.add(4, now.Add(70*time.Second), period)
	require.Len(t, w.aging, 1)
	require.Len(t, w.young, 1)
	for i := range uint64(maxWriters + 10) {
		w.add(1000+i, now.Add(71*time.Second), period)
	}
	require.Len(t, w.young, maxWriters)
	require.True(t, w.has(7, now.Add(72*time.Second), period))
	require.False(t, w.has(7, now.Add(102*time.Second), period))
}

func TestBreakerStates(t *testing.T) {
	t.Parallel()
	var b breaker
	now := time.Unix(1_000_000, 0)
	for range maxFailures - 1 {
		b.failed(now)
	}
	require.True(t, b.allows(now))
	b.succeeded()
	for range maxFailures {
		require.True(t, b.allows(now))
		b.failed(now)
	}
	require.False(t, b.allows(now.Add(breakPause-1)))
	later := now.Add(breakPause)
	require.True(t, b.allows(later), "one may try")
	require.False(t, b.allows(later), "the others wait for it")
	b.failed(later)
	require.False(t, b.allows(later.Add(breakPause-1)))
	require.True(t, b.allows(later.Add(breakPause)))
	b.succeeded()
	require.True(t, b.allows(later))
	require.False(t, b.open())
}

// FuzzAccount checks that no token ends the proxy.
func FuzzAccount(f *testing.F) {
	for _, token := range []string{"", "a.b.c", "a.e30.c", "a.eyJ1c2VyIjp7ImlkIjoxfX0.c", "a.eyJ1c2VyIjoieCIsInN1YiI6IjEifQ.c", "..", "a.eyJpZCI6bnVsbH0.c"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		require.Equal(t, accountOf(token), accountOf(token))
	})
}

// FuzzMatch checks that no path ends the proxy, and that what goes to the new
// system is a path of the operation.
func FuzzMatch(f *testing.F) {
	p := benchProxy(f, nil)
	for _, path := range []string{"/api/articles", "/api/Articles/a/comments/1/", "/api//", "/api/%2e%2e/x", "/api/tags/%00"} {
		f.Add("GET", path)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		m := p.match(&http.Request{Method: method, URL: u})
		if m.op == p.other {
			return
		}
		require.Equal(t, m.op, p.tree.find(m.op.method, m.path[1:]))
		parsed, err := url.ParseRequestURI(m.path)
		require.NoError(t, err)
		setPath(parsed, m.path)
		require.Equal(t, m.path, parsed.EscapedPath())
	})
}

// benchProxy returns a proxy that is not run.
func benchProxy(tb testing.TB, modes Modes) *Proxy {
	tb.Helper()
	doc, err := contract.Load()
	require.NoError(tb, err)
	cfg := DefaultConfig()
	cfg.Old, cfg.New, cfg.Modes = "http://127.0.0.1:1", "http://127.0.0.1:2", modes
	p, err := New(cfg, nil, doc, slog.New(slog.DiscardHandler))
	require.NoError(tb, err)
	return p
}

// BenchmarkDecide measures what the proxy does before it forwards a request:
// the operation, the mode and the user.
func BenchmarkDecide(b *testing.B) {
	for _, mode := range []string{"old", "new", "10%", "shadow"} {
		b.Run(mode, func(b *testing.B) {
			p := benchProxy(b, Modes{"default": mode})
			r := httptest.NewRequest("GET", "/api/articles/some-slug/comments", nil)
			r.Header.Set("Authorization", "Token eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjp7ImlkIjoxMjM0NX0sImlhdCI6MTcwMDAwMDAwMH0.c2ln")
			b.ReportAllocs()
			for b.Loop() {
				x := &exchange{match: p.match(r), in: r, start: time.Now(), table: p.table.Load()}
				p.decide(x)
			}
		})
	}
}

// BenchmarkProxy measures a request through the proxy on loopback, beside the
// same one without it.
func BenchmarkProxy(b *testing.B) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"tags":["a","b","c"]}`)
	}))
	defer backend.Close()
	doc, err := contract.Load()
	require.NoError(b, err)
	for _, mode := range []string{"direct", "old", "new", "50%"} {
		b.Run(mode, func(b *testing.B) {
			target := backend.URL
			if mode != "direct" {
				cfg := DefaultConfig()
				cfg.Old, cfg.New, cfg.Modes = backend.URL, backend.URL, Modes{"default": mode}
				p, err := New(cfg, nil, doc, slog.New(slog.DiscardHandler))
				require.NoError(b, err)
				front := httptest.NewServer(p)
				defer front.Close()
				defer p.old.transport.CloseIdleConnections()
				defer p.new.transport.CloseIdleConnections()
				target = front.URL
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				transport := &http.Transport{MaxIdleConnsPerHost: 1}
				defer transport.CloseIdleConnections()
				for pb.Next() {
					res, err := transport.RoundTrip(newGet(b, target+"/api/tags"))
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
			})
		})
	}
}

func newGet(tb testing.TB, target string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		tb.Error(fmt.Errorf("request: %w", err))
	}
	return r
}
