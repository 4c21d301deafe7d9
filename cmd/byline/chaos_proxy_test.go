//go:build unix

package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy is a TCP proxy that simulates the network between the service and
// PostgreSQL.
type proxy struct {
	t    testing.TB
	addr string

	mu          sync.Mutex
	target      string
	listener    net.Listener // nil while nothing listens
	conns       map[net.Conn]bool
	partitioned chan struct{} // closed to block the current connections
	silent      bool          // blocks new connections

	delay  atomic.Int64 // minimum in ms; the maximum is five times as much
	dialed atomic.Int64
}

// newProxy starts a proxy for a database. It returns the proxy and the URL of
// the database through it.
func newProxy(t testing.TB, databaseURL string) (*proxy, string) {
	t.Helper()
	l := &proxy{t: t, addr: freePort(t), conns: map[net.Conn]bool{}, partitioned: make(chan struct{})}
	l.up(databaseURL)
	t.Cleanup(l.down)
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	u.Host = l.addr
	return l, u.String()
}

// up starts to forward connections to a database.
func (l *proxy) up(databaseURL string) {
	u, err := url.Parse(databaseURL)
	require.NoError(l.t, err)
	listener, err := net.Listen("tcp", l.addr)
	require.NoError(l.t, err)
	l.mu.Lock()
	l.target, l.listener = u.Host, listener
	l.mu.Unlock()
	go l.serve(listener)
}

// down closes every connection and refuses new ones.
func (l *proxy) down() {
	l.mu.Lock()
	if l.listener != nil {
		_ = l.listener.Close()
		l.listener = nil
	}
	l.mu.Unlock()
	l.cut()
}

// cut closes every connection and returns their number.
func (l *proxy) cut() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.conns)
	for c := range l.conns {
		_ = c.Close()
	}
	clear(l.conns)
	return n
}

// partition drops all data of current and new connections without closing them,
// as a network partition does.
func (l *proxy) partition() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = true
	close(l.partitioned)
	l.partitioned = make(chan struct{})
}

// heal forwards new connections again. The old ones stay blocked, as behind a
// firewall that has lost their state. This is harder for the service than if
// they recovered.
func (l *proxy) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = false
}

func (l *proxy) serve(listener net.Listener) {
	for {
		from, err := listener.Accept()
		if err != nil {
			return
		}
		l.dialed.Add(1)
		l.mu.Lock()
		target, silent, partitioned := l.target, l.silent, l.partitioned
		l.conns[from] = true
		l.mu.Unlock()
		if silent {
			continue
		}
		to, err := net.Dial("tcp", target)
		if err != nil {
			_ = from.Close()
			continue
		}
		l.mu.Lock()
		l.conns[to] = true
		l.mu.Unlock()
		go l.pipe(from, to, partitioned)
		go l.pipe(to, from, partitioned)
	}
}

func (l *proxy) pipe(to, from net.Conn, partitioned chan struct{}) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-partitioned:
			return // leave both connections open
		default:
		}
		if ms := l.delay.Load(); n > 0 && ms > 0 {
			time.Sleep(time.Duration(ms+rand.Int64N(4*ms)) * time.Millisecond)
		}
		if n > 0 {
			if _, werr := to.Write(buffer[:n]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			_, _ = to.Close(), from.Close()
			l.mu.Lock()
			delete(l.conns, to)
			delete(l.conns, from)
			l.mu.Unlock()
			return
		}
	}
}

// balancer is a reverse proxy that sends requests to the backends whose /readyz
// returns 200. It only retries requests whose connection was refused.
type balancer struct {
	*httptest.Server
	backends []string
	healthy  []atomic.Bool
	next     atomic.Int64
	skipped  atomic.Int64 // number of failed checks
}

func newBalancer(t testing.TB, backends ...string) *balancer {
	b := &balancer{backends: backends, healthy: make([]atomic.Bool, len(backends))}
	ctx, stop := context.WithCancel(context.Background())
	var checks sync.WaitGroup
	for i, addr := range backends {
		b.check(i, addr)
		checks.Go(func() {
			for ctx.Err() == nil {
				b.check(i, addr)
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "backend" },
		Transport: b.transport(transport),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	})
	t.Cleanup(func() {
		b.Close()
		stop()
		checks.Wait()
		transport.CloseIdleConnections()
	})
	return b
}

func (b *balancer) check(i int, addr string) {
	res, err := quickClient.Get("http://" + addr + "/readyz")
	ok := err == nil && res.StatusCode == http.StatusOK
	if err == nil {
		_ = res.Body.Close()
	}
	b.healthy[i].Store(ok)
	if !ok {
		b.skipped.Add(1)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (b *balancer) transport(inner http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (res *http.Response, err error) {
		first := int(b.next.Add(1))
		err = http.ErrServerClosed // returned if no backend is healthy
		if r.Body != nil {
			r.Body = io.NopCloser(r.Body) // a refused attempt would close the body
		}
		for k := range b.backends {
			i := (first + k) % len(b.backends)
			if !b.healthy[i].Load() {
				continue
			}
			r.URL.Host = b.backends[i]
			if res, err = inner.RoundTrip(r); err == nil || !refused(err) {
				return res, err
			}
		}
		return nil, err
	})
}
