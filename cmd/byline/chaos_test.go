//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// The tests of this file are fast and run with every `go test`. The tests of
// chaos_slow_test.go run with `make chaos`.

// TestChaosRollingRestart restarts two replicas behind a load balancer one
// after the other. No request may fail.
func TestChaosRollingRestart(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "rolling")
	replicas := []*service{
		startService(t, databaseURL, "BYLINE_DRAIN_DELAY=500ms"),
		startService(t, databaseURL, "BYLINE_DRAIN_DELAY=500ms"),
	}
	b := newBalancer(t, replicas[0].addr, replicas[1].addr)
	// The clients send no idempotency keys, because no request may need a
	// retry.
	l := newWorkload(t, b.URL, replicas[0].prepare()).run(2, 2)
	l.more(50)
	for _, s := range replicas {
		pid := s.cmd.Process.Pid
		s.signal(syscall.SIGTERM)
		require.Zero(t, s.wait())
		l.more(20)
		s.start()
		s.waitReady()
		require.NotEqual(t, pid, s.cmd.Process.Pid)
		await(t, "the load balancer to notice that the replica is ready", func() bool { return b.healthy[slices.Index(b.backends, s.addr)].Load() })
		l.more(20)
	}
	l.finish()
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	require.GreaterOrEqual(t, ok, 130)
	require.NotZero(t, b.skipped.Load())
	lost := l.lost(databaseURL)
	require.Zero(t, lost)
	l.report("Rolling restart of two replicas behind a load balancer", lost, 0, "SIGTERM to each in turn")
}

// TestChaosPostgres kills, restarts and suspends the embedded PostgreSQL of a
// service with signals.
func TestChaosPostgres(t *testing.T) {
	t.Parallel()
	const query, acquire = time.Second, 500 * time.Millisecond
	s := startService(t, "", "BYLINE_QUERY_TIMEOUT="+query.String(), "BYLINE_POOL_ACQUIRE_TIMEOUT="+acquire.String(), "BYLINE_POOL_MAX=8")
	st := s.prepare()

	for _, fault := range []struct {
		name string
		sig  syscall.Signal
	}{{"PostgreSQL killed (kill -9)", syscall.SIGKILL}, {"PostgreSQL restarted", syscall.SIGINT}} {
		t.Run(fault.name, func(t *testing.T) {
			l := newKeyedWorkload(t, s, st).run(2, 2)
			l.more(50)
			before, postmaster := s.goroutines(), s.postmaster()
			at := time.Now()
			require.NoError(t, syscall.Kill(postmaster, fault.sig))
			await(t, "another PostgreSQL", func() bool { now := s.postmaster(); return now != 0 && now != postmaster })
			l.more(50)
			back := l.outage(at)
			l.finish()
			l.requireOnlyUnavailable()
			requireBounded(t, s, before, s.databaseURL(), 8)
			lost := l.lost(s.databaseURL())
			require.Zero(t, lost)
			l.report(fault.name, lost, back, "embedded PostgreSQL, restarted by the service")
		})
		deleteWrites(t, s.databaseURL())
	}

	t.Run("Frozen", func(t *testing.T) {
		l := newKeyedWorkload(t, s, st).run(6, 6)
		l.more(50)
		before, postmaster := s.goroutines(), s.postmaster()
		resume := suspend(t, postmaster)
		_, had, _, _, _ := l.get()
		time.Sleep(3 * time.Second)
		l.sawUnavailable(had + 10)
		require.False(t, s.ready())
		// A request waits at most for a connection and two statements.
		require.Less(t, percentile(l.refusalTimes(), 1), hangTimeout/4, "the timeouts are %s and %s", acquire, query)
		resume()
		at := time.Now()
		l.more(50)
		back := l.recovery(at)
		await(t, "readiness", s.ready)
		l.finish()
		require.Equal(t, postmaster, s.postmaster())
		l.requireOnlyUnavailable()
		requireBounded(t, s, before, s.databaseURL(), 8)
		lost := l.lost(s.databaseURL())
		require.Zero(t, lost)
		l.report("PostgreSQL suspended for 3 s (SIGSTOP)", lost, back,
			fmt.Sprintf("503 after %.1f s at most", percentile(l.refusalTimes(), 1).Seconds()))
	})
}

// newKeyedWorkload returns a workload that retries its writes until they are
// acknowledged.
func newKeyedWorkload(t testing.TB, s *service, st fixture) *workload {
	l := newWorkload(t, "http://"+s.addr, st)
	l.keys = true
	return l
}

// suspend suspends all processes of PostgreSQL. It suspends the parent first,
// so that it cannot start new ones.
func suspend(t testing.TB, postmaster int) (resume func()) {
	t.Helper()
	require.NoError(t, syscall.Kill(postmaster, syscall.SIGSTOP))
	pids := withChildren(t, postmaster)
	require.Greater(t, len(pids), 3)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // a backend may have ended just now
	}
	resume = sync.OnceFunc(func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	})
	t.Cleanup(resume)
	return resume
}

// requireBounded waits until the numbers of goroutines and connections of the
// service are back to normal.
func requireBounded(t *testing.T, s *service, goroutines int, databaseURL string, connections int) {
	t.Helper()
	n := 0
	await(t, "goroutines to end", func() bool { n = s.goroutines(); return n <= goroutines+30 })
	await(t, "connections to end", func() bool { return len(backends(t, databaseURL)) <= connections })
}

// TestChaosPostgresStopped stops an external PostgreSQL and starts it again.
func TestChaosPostgresStopped(t *testing.T) {
	t.Parallel()
	dir := newDataFolder(t)
	pg := postgres(t, dir)
	proxy, through := newProxy(t, pg.URL())
	s := startService(t, through, "BYLINE_POOL_MAX=8")
	l := newKeyedWorkload(t, s, s.prepare()).run(2, 2)
	l.more(50)
	before := s.goroutines()
	stopPostgres(t, pg)
	proxy.down() // otherwise the proxy would accept connections without a server
	l.sawUnavailable(20)
	await(t, "readiness to go off", func() bool { return !s.ready() })
	require.Less(t, s.goroutines(), before+100)

	pg = postgres(t, dir)
	proxy.up(pg.URL())
	at := time.Now()
	await(t, "readiness", s.ready)
	l.more(50)
	back := l.recovery(at)
	l.finish()
	l.requireOnlyUnavailable()
	requireBounded(t, s, before, pg.URL(), 8)
	lost := l.lost(pg.URL())
	require.Zero(t, lost)
	l.report("PostgreSQL stopped and started again", lost, back, "external PostgreSQL")
	s.end()
}

// TestChaosDisconnects checks that disconnecting clients do not empty the pool.
func TestChaosDisconnects(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "disconnects")
	s := startService(t, databaseURL, "BYLINE_POOL_MAX=4", "BYLINE_POOL_MIN=4", "BYLINE_MAX_IN_FLIGHT=1000")
	st := s.prepare()
	l := newWorkload(t, "http://"+s.addr, st)
	await(t, "a full pool", func() bool { return len(backends(t, databaseURL)) == 4 })
	before, goroutines := backends(t, databaseURL), s.goroutines()

	// While the table is locked, every query on it is certain to be in flight.
	ctx := context.Background()
	locker, err := pgx.Connect(ctx, databaseURL)
	require.NoError(t, err)
	defer locker.Close(ctx)
	tx, err := locker.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "LOCK TABLE articles")
	require.NoError(t, err)
	var conns []net.Conn
	for range 300 {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		_, err = fmt.Fprintf(c, "GET /api/articles/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Token %s\r\n\r\n", st.slug, st.token)
		require.NoError(t, err)
		conns = append(conns, c)
	}
	await(t, "300 requests in flight", func() bool { return s.inFlight() == 300 })
	waiting := query[int64](t, databaseURL, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
	require.Equal(t, []int64{2}, waiting, "reads must leave half of the pool to other requests")
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
	time.Sleep(100 * time.Millisecond)
	require.NoError(t, tx.Rollback(ctx))

	at := time.Now()
	l.run(2, 1)
	l.more(50)
	l.finish()
	require.Equal(t, before, backends(t, databaseURL), "connections were lost")
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	require.GreaterOrEqual(t, ok, 50)
	await(t, "goroutines to end", func() bool { return s.goroutines() <= goroutines+30 })
	l.report("300 clients disconnect during a query", l.lost(databaseURL), l.recovery(at), "all 4 connections of the pool kept")
}

const slowBodies, slowReaders = 200, 20

// TestChaosSlowClients checks that the service disconnects slow clients, and
// that they do not block other requests.
func TestChaosSlowClients(t *testing.T) {
	t.Parallel()
	s := startService(t, sharedDatabase(t, "slow_clients"), "BYLINE_MAX_IN_FLIGHT=100")
	st := s.prepare()
	l := newWorkload(t, "http://"+s.addr, st)
	var headers []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "GET /api/articles HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		require.NoError(t, err)
		headers = append(headers, c)
	}
	bodies := startSlowRequests(t, s.addr, st, slowBodies)
	readers := startSlowReaders(t, s, st)
	await(t, "all slow requests to be in flight", func() bool { return s.inFlight() >= slowBodies+slowReaders })

	l.run(2, 1)
	began, cut := time.Now(), 0
	for len(headers) > 0 && time.Since(began) < hangTimeout {
		headers = slices.DeleteFunc(headers, func(c net.Conn) bool {
			_, err := io.WriteString(c, "x")
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if err == nil {
				_, err = c.Read(make([]byte, 512))
			}
			ended := !errors.Is(err, os.ErrDeadlineExceeded)
			if ended {
				cut++
			}
			return ended
		})
		for _, d := range bodies {
			d.step()
		}
		time.Sleep(200 * time.Millisecond)
	}
	require.Equal(t, 200, cut, "every connection with slow headers must be closed")
	l.more(50)
	l.finish()
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	require.GreaterOrEqual(t, ok, 100)
	bodies[0].finish(t)
	l.report("200 slow bodies, 20 slow readers, 200 slow headers", -1, 0,
		fmt.Sprintf("%d readers; P99 of other requests %d ms", len(readers), percentile(l.latencies, .99).Milliseconds()))
}

// startSlowReaders opens connections that request more than the network buffers
// hold, and do not read the responses.
func startSlowReaders(t testing.TB, s *service, st fixture) (all []net.Conn) {
	t.Helper()
	var article struct{ Article struct{ Slug string } }
	s.post("/api/articles", st.token, `{"article":{"title":"Long","description":"d","body":"`+strings.Repeat("long ", 50_000)+`"}}`, &article)
	for range slowReaders {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4096))
		_, err = io.WriteString(c, strings.Repeat("GET /api/articles/"+article.Article.Slug+" HTTP/1.1\r\nHost: x\r\n\r\n", 40))
		require.NoError(t, err)
		all = append(all, c)
	}
	return all
}
