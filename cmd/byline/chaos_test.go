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

// The faults of this file are quick and injected by every `go test`; those of
// chaos_slow_test.go by `make chaos`.

// TestChaosRollingRestart restarts two services one after the other behind a
// balancer. Nobody may notice.
func TestChaosRollingRestart(t *testing.T) {
	t.Parallel()
	databaseURL := calmDatabase(t, "rolling")
	replicas := []*service{
		startService(t, databaseURL, "BYLINE_DRAIN_DELAY=500ms"),
		startService(t, databaseURL, "BYLINE_DRAIN_DELAY=500ms"),
	}
	b := newBalancer(t, replicas[0].addr, replicas[1].addr)
	// Without keys: repeating would be an error, and nothing is there to repeat.
	l := newCrowd(t, b.URL, replicas[0].prepare()).run(2, 2)
	l.more(50)
	for _, s := range replicas {
		pid := s.cmd.Process.Pid
		s.signal(syscall.SIGTERM)
		require.Zero(t, s.wait())
		l.more(20)
		s.start()
		s.waitReady()
		require.NotEqual(t, pid, s.cmd.Process.Pid)
		await(t, "the balancer to see it", func() bool { return b.healthy[slices.Index(b.backends, s.addr)].Load() })
		l.more(20)
	}
	l.finish()
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	require.GreaterOrEqual(t, ok, 130)
	require.NotZero(t, b.skipped.Load())
	lost := l.lost(databaseURL)
	require.Zero(t, lost)
	l.report("Rolling restart of two replicas behind a balancer", lost, 0, "SIGTERM to each in turn")
}

// TestChaosPostgres harms the embedded PostgreSQL of one service in every way
// that a signal can.
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
			l := newKeyed(t, s, st).run(2, 2)
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
			l.report(fault.name, lost, back, "the embedded one, started again by the service")
		})
		forget(t, s.databaseURL())
	}

	t.Run("Frozen", func(t *testing.T) {
		l := newKeyed(t, s, st).run(6, 6)
		l.more(50)
		before, postmaster := s.goroutines(), s.postmaster()
		thaw := freeze(t, postmaster)
		_, had, _, _, _ := l.get()
		time.Sleep(3 * time.Second)
		l.sawUnavailable(had + 10)
		require.False(t, s.ready())
		// Nobody waits for longer than for a connection and two statements.
		require.Less(t, percentile(l.refusalTimes(), 1), hang/4, "configured are %s and %s", acquire, query)
		thaw()
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
		l.report("PostgreSQL frozen for 3 s (SIGSTOP)", lost, back,
			fmt.Sprintf("503 after %.1f s at most", percentile(l.refusalTimes(), 1).Seconds()))
	})
}

// newKeyed returns a crowd that repeats its writes until they are acknowledged.
func newKeyed(t testing.TB, s *service, st story) *crowd {
	l := newCrowd(t, "http://"+s.addr, st)
	l.keys = true
	return l
}

// freeze stops PostgreSQL with all its processes, the parent first so that
// there are no new ones.
func freeze(t testing.TB, postmaster int) (thaw func()) {
	t.Helper()
	require.NoError(t, syscall.Kill(postmaster, syscall.SIGSTOP))
	pids := family(t, postmaster)
	require.Greater(t, len(pids), 3)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // a backend may have ended just now
	}
	thaw = sync.OnceFunc(func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	})
	t.Cleanup(thaw)
	return thaw
}

// requireBounded waits for the service to come back to what it was.
func requireBounded(t *testing.T, s *service, goroutines int, databaseURL string, connections int) {
	t.Helper()
	n := 0
	await(t, "goroutines to end", func() bool { n = s.goroutines(); return n <= goroutines+30 })
	await(t, "connections to end", func() bool { return len(backends(t, databaseURL)) <= connections })
}

// TestChaosPostgresStopped takes an external PostgreSQL away and brings it back.
func TestChaosPostgresStopped(t *testing.T) {
	t.Parallel()
	dir := readyFolder(t)
	pg := postgres(t, dir)
	line, through := newLine(t, pg.URL())
	s := startService(t, through, "BYLINE_POOL_MAX=8")
	l := newKeyed(t, s, s.prepare()).run(2, 2)
	l.more(50)
	before := s.goroutines()
	stopPostgres(t, pg)
	line.down() // or connections would be accepted for a server that is not there
	l.sawUnavailable(20)
	await(t, "readiness to go off", func() bool { return !s.ready() })
	require.Less(t, s.goroutines(), before+100)

	pg = postgres(t, dir)
	line.up(pg.URL())
	at := time.Now()
	await(t, "readiness", s.ready)
	l.more(50)
	back := l.recovery(at)
	l.finish()
	l.requireOnlyUnavailable()
	requireBounded(t, s, before, pg.URL(), 8)
	lost := l.lost(pg.URL())
	require.Zero(t, lost)
	l.report("PostgreSQL stopped, started later", lost, back, "an external one")
	s.end()
}

// TestChaosDisconnects: clients that go away must not take the pool with them.
func TestChaosDisconnects(t *testing.T) {
	t.Parallel()
	databaseURL := calmDatabase(t, "disconnects")
	s := startService(t, databaseURL, "BYLINE_POOL_MAX=4", "BYLINE_POOL_MIN=4", "BYLINE_MAX_IN_FLIGHT=1000")
	st := s.prepare()
	l := newCrowd(t, "http://"+s.addr, st)
	await(t, "a full pool", func() bool { return len(backends(t, databaseURL)) == 4 })
	before, goroutines := backends(t, databaseURL), s.goroutines()

	// While a table is locked every query of it is under way for sure.
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
	require.Equal(t, []int64{2}, waiting, "reads leave half of the pool to others")
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
	l.report("300 clients disconnect in a query", l.lost(databaseURL), l.recovery(at), "all 4 connections of the pool kept")
}

const slowBodies, slowReaders = 200, 20

// TestChaosSlowClients: who sends or reads slowly is cut off and does not keep
// others from being served.
func TestChaosSlowClients(t *testing.T) {
	t.Parallel()
	s := startService(t, calmDatabase(t, "slow_clients"), "BYLINE_MAX_IN_FLIGHT=100")
	st := s.prepare()
	l := newCrowd(t, "http://"+s.addr, st)
	var headers []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "GET /api/articles HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		require.NoError(t, err)
		headers = append(headers, c)
	}
	bodies := drip(t, s.addr, st, slowBodies)
	readers := lazyReaders(t, s, st)
	await(t, "all of them to be in flight", func() bool { return s.inFlight() >= slowBodies+slowReaders })

	l.run(2, 1)
	began, cut := time.Now(), 0
	for len(headers) > 0 && time.Since(began) < hang {
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
	require.Equal(t, 200, cut, "slow headers are waited for")
	l.more(50)
	l.finish()
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	require.GreaterOrEqual(t, ok, 100)
	bodies[0].finish(t)
	l.report("200 slow bodies, 20 slow readers, 200 slow headers", -1, 0,
		fmt.Sprintf("%d readers; P99 of the others %d ms", len(readers), percentile(l.latencies, .99).Milliseconds()))
}

// lazyReaders ask for more than the buffers between take, and read none of it.
func lazyReaders(t testing.TB, s *service, st story) (all []net.Conn) {
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
