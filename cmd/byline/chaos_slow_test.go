//go:build unix

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestChaosServiceKilled kills the service 20 times during writes. Its
// PostgreSQL is killed too every second time; otherwise its watcher stops it.
func TestChaosServiceKilled(t *testing.T) {
	slow(t)
	const kills = 20
	s := startService(t, "")
	l := newKeyedWorkload(t, s, s.prepare())
	l.pause = time.Millisecond
	l.run(1, 6)
	var worst time.Duration
	for i := range kills {
		l.more(100)
		process, postmaster := s.cmd.Process.Pid, s.postmaster()
		require.NotZero(t, postmaster)
		s.signal(syscall.SIGKILL)
		if i%2 == 1 {
			require.NoError(t, syscall.Kill(postmaster, syscall.SIGKILL))
		}
		at := time.Now()
		require.Equal(t, -1, s.wait())
		s.start()
		s.waitReady()
		l.more(1)
		worst = max(worst, l.outage(at))
		require.NotEqual(t, process, s.cmd.Process.Pid)
		require.NotEqual(t, postmaster, s.postmaster())
	}
	l.more(50)
	l.finish()
	ok, _, refused, broken, other := l.get()
	require.GreaterOrEqual(t, ok, kills*100)
	require.GreaterOrEqual(t, refused+broken, kills, "every kill must make requests fail")
	require.Zero(t, other, "%v", l.strange)
	lost := l.lost(s.databaseURL())
	require.Zero(t, lost)
	l.report("Service killed 20 times (kill -9), PostgreSQL with it", lost, worst,
		fmt.Sprintf("%d attempts repeated, %d of them had been committed already", l.repeats.Load(), l.replayed.Load()))
}

// startBehindProxy starts a service that connects to its PostgreSQL through a
// proxy.
func startBehindProxy(t *testing.T, settings ...string) (*service, *proxy, string) {
	t.Helper()
	pg := postgres(t, newDataFolder(t))
	proxy, through := newProxy(t, pg.URL())
	return startService(t, through, append(settings, "BYLINE_POOL_MAX=8")...), proxy, pg.URL()
}

// TestChaosLatency delays the packets to and from PostgreSQL, and then also
// cuts the connections.
func TestChaosLatency(t *testing.T) {
	slow(t)
	s, proxy, databaseURL := startBehindProxy(t)
	st := s.prepare()
	measure := func(name string, cuts bool) {
		l := newKeyedWorkload(t, s, st).run(4, 4)
		defer deleteWrites(t, databaseURL)
		began, cut := time.Now(), 0
		for time.Since(began) < 12*time.Second {
			time.Sleep(3 * time.Second) // the round trips of a new connection take one second
			if cuts {
				cut += proxy.cut()
			}
		}
		took := time.Since(began)
		l.finish()
		ok, unavailable, refused, broken, other := l.get()
		require.Zero(t, refused+broken+other, "%v", l.strange)
		require.GreaterOrEqual(t, ok, 50)
		if cuts {
			require.NotZero(t, cut)
			require.NotZero(t, unavailable)
		}
		lost := l.lost(databaseURL)
		require.Zero(t, lost)
		l.report(name, lost, 0, fmt.Sprintf("%.0f successes/s, P50 %d ms, P99 %d ms, %d connections closed", float64(ok)/took.Seconds(),
			percentile(l.latencies, .5).Milliseconds(), percentile(l.latencies, .99).Milliseconds(), cut/2))
	}
	measure("No delay (baseline)", false)
	proxy.delay.Store(20)
	measure("Packets to and from PostgreSQL delayed by 20 to 100 ms", false)
	measure("The same delay, and all connections closed every 3 s", true)
}

// deleteWrites deletes the rows that a workload has written.
func deleteWrites(t *testing.T, databaseURL string) {
	t.Helper()
	for _, sql := range []string{"DELETE FROM comments", "DELETE FROM articles WHERE title <> 'Story'", "DELETE FROM idempotency_keys"} {
		query[int](t, databaseURL, sql)
	}
}

// TestChaosPartition partitions the network for a while. The connections of
// that time never recover.
func TestChaosPartition(t *testing.T) {
	slow(t)
	s, proxy, databaseURL := startBehindProxy(t)
	l := newKeyedWorkload(t, s, s.prepare()).run(4, 4)
	l.more(50)
	before := s.goroutines()
	proxy.partition()
	_, had, _, _, _ := l.get()
	time.Sleep(15 * time.Second)
	l.sawUnavailable(had + 5)
	require.False(t, s.ready())
	require.Less(t, s.goroutines(), before+150)
	proxy.heal()
	at := time.Now()
	l.more(50)
	back := l.recovery(at)
	await(t, "readiness", s.ready)
	l.finish()
	l.requireOnlyUnavailable()
	require.Less(t, percentile(l.refusalTimes(), 1), 13*time.Second, "BYLINE_REQUEST_TIMEOUT is 10 s")
	requireBounded(t, s, before, databaseURL, 16) // PostgreSQL has not noticed yet that 8 connections are dead
	lost := l.lost(databaseURL)
	require.Zero(t, lost)
	l.report("Network to PostgreSQL partitioned for 15 s, old connections dead", lost, back,
		fmt.Sprintf("503 after %.1f s at most", percentile(l.refusalTimes(), 1).Seconds()))
}

// TestChaosDiskFull fills the disk that stores the comments.
func TestChaosDiskFull(t *testing.T) {
	slow(t)
	disk := accessibleFolder(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "byline-chaos", disk).CombinedOutput(); err != nil {
		t.Skipf("mounting a disk requires root: %v %s", err, out)
	}
	t.Cleanup(func() { require.NoError(t, exec.Command("umount", disk).Run()) })
	data := newDataFolder(t)
	pg := postgres(t, data)
	s := startService(t, pg.URL(), "BYLINE_POOL_MAX=8")
	st := s.prepare()
	space := filepath.Join(disk, "space")
	require.NoError(t, os.Mkdir(space, 0o700))
	owner, err := os.Stat(filepath.Join(data, "postgres"))
	require.NoError(t, err)
	require.NoError(t, os.Chown(space, int(owner.Sys().(*syscall.Stat_t).Uid), -1))
	admin, err := url.Parse(pg.URL())
	require.NoError(t, err)
	password, err := os.ReadFile(filepath.Join(data, "superuser-password"))
	require.NoError(t, err)
	admin.User = url.UserPassword("postgres", strings.TrimSpace(string(password)))
	query[int](t, admin.String(), "CREATE TABLESPACE small LOCATION '"+space+"'")
	query[int](t, admin.String(), "ALTER TABLE comments SET TABLESPACE small")

	l := newKeyedWorkload(t, s, st).run(2, 4)
	l.more(50)
	filler, err := os.Create(filepath.Join(disk, "filler"))
	require.NoError(t, err)
	_, err = io.Copy(filler, zeros{})
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, filler.Close())
	l.sawUnavailable(20)
	require.True(t, s.ready(), "the service must stay ready for reads")
	require.Contains(t, s.log.tail(1<<20), "SQLSTATE 53100")
	read := newWorkload(t, l.base, st).run(2, 0)
	read.more(20)
	read.finish()
	_, unavailable, refused, broken, other := read.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", read.strange)

	require.NoError(t, os.Remove(filler.Name()))
	at := time.Now()
	l.more(50)
	back := l.recovery(at)
	l.finish()
	l.requireOnlyUnavailable()
	lost := l.lost(pg.URL())
	require.Zero(t, lost)
	l.report("Disk full under a table (SQLSTATE 53100)", lost, back, "reads continued")
	s.end()
}

// zeros is an endless reader of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestChaosOverload sends five times as many requests as the service can
// handle.
func TestChaosOverload(t *testing.T) {
	slow(t)
	var s *service
	cores := onSeparateCores(t, func() { s = startService(t, "") })
	if cores == 0 {
		t.Log("clients and service share their cores, so that rejected requests lower the goodput")
	}
	st := s.prepare()
	query[int](t, s.databaseURL(), `INSERT INTO comments (article_id, author_id, body)
		SELECT a.id, a.author_id, repeat('word ', 40) || n FROM articles a, generate_series(1, 1000) n`)
	t.Run("Large", func(t *testing.T) { overload(t, s, st, 300, cores > 0, 80) })
	// The cheaper a request is, the larger is the share of CPU time that the
	// network spends on rejected requests. The service cannot reduce that
	// share, so that the required goodput is lower.
	t.Run("Page", func(t *testing.T) { overload(t, s, st, 20, cores > 0, 60) })
}

// overload measures the peak rate of 16 clients that read pages of comments,
// and then the goodput when five times that rate is offered. The goodput must
// be at least atLeast percent of the peak.
func overload(t *testing.T, s *service, st fixture, comments int, separateCores bool, atLeast float64) {
	path := fmt.Sprintf("/api/articles/%s/comments?limit=%d", st.slug, comments)
	client := &http.Client{Timeout: hangTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 2000}}
	defer client.CloseIdleConnections()
	call := func(l *workload) outcome {
		req, err := http.NewRequest(http.MethodGet, "http://"+s.addr+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Token "+st.token)
		began := time.Now()
		res, err := client.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		return l.count(res, nil, err, time.Since(began))
	}

	const span = 4 * time.Second
	closed := func() (*workload, float64) {
		l := newWorkload(t, "", st)
		ctx, cancel := context.WithTimeout(context.Background(), span)
		defer cancel()
		for range 16 {
			l.wg.Go(func() {
				for ctx.Err() == nil {
					call(l)
				}
			})
		}
		began := time.Now()
		l.wg.Wait()
		return l, float64(l.succeeded()) / time.Since(began).Seconds()
	}
	closed() // warm up
	// Other programs disturb single measurements, so the median of several
	// pairs counts. The best pair would be luck.
	type pair struct {
		normal, overloaded *workload
		share              float64
		note               [2]string
	}
	var pairs []pair
	for range 7 {
		cpu := s.cpu()
		normal, peak := closed()
		normalCPU, memory := s.cpu()-cpu, s.peakMemory()
		normalNote := fmt.Sprintf("%.0f successes/s, P99 %d ms, peak memory %d MB", peak, percentile(normal.latencies, .99).Milliseconds(), memory)

		l := newWorkload(t, "", st)
		cpu = s.cpu()
		began, sent := time.Now(), 0
		for time.Since(began) < span {
			for due := int(5 * peak * time.Since(began).Seconds()); sent < due; sent++ {
				l.wg.Go(func() { call(l) })
			}
			time.Sleep(5 * time.Millisecond)
		}
		offered := float64(sent) / time.Since(began).Seconds()
		l.wg.Wait()
		ok, unavailable, refused, broken, other := l.get()
		goodput := float64(ok) / time.Since(began).Seconds()
		p99 := percentile(l.latencies, .99)
		note := fmt.Sprintf("%.0f successes/s = %.0f %% of the peak, P99 %d ms; rejected after %d ms (P99); peak memory %d MB",
			goodput, 100*goodput/peak, p99.Milliseconds(), percentile(l.refusals, .99).Milliseconds(), s.peakMemory())
		t.Logf("%s, %.1f s of CPU; %.0f/s offered: %s, %.1f s of CPU", normalNote, normalCPU, offered, note, s.cpu()-cpu)
		pairs = append(pairs, pair{normal, l, 100 * goodput / peak, [2]string{normalNote, note}})
		require.Zero(t, refused+broken+other, "%v", l.strange)
		require.NotZero(t, unavailable)
		require.Greater(t, offered, 4*peak)
		require.Less(t, p99, 5*time.Second)
		require.Less(t, s.peakMemory(), 512)
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.share, b.share) })
	median := pairs[len(pairs)/2]
	median.normal.report(fmt.Sprintf("16 clients that read %d comments each (baseline)", comments), -1, 0, median.note[0])
	median.overloaded.report("Five times the peak rate", -1, 0, fmt.Sprintf("%s; median of %d, from %.0f to %.0f %%; clients on cores of their own: %t",
		median.note[1], len(pairs), pairs[0].share, pairs[len(pairs)-1].share, separateCores))
	require.GreaterOrEqual(t, median.share, atLeast, "goodput, in percent of the peak")
}

// cpu returns the CPU time of the service in seconds, or 0 on systems without
// /proc.
func (s *service) cpu() float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	fields := strings.Fields(string(text))
	if len(fields) < 15 {
		return 0
	}
	user, _ := strconv.Atoi(fields[13])
	system, _ := strconv.Atoi(fields[14])
	return float64(user+system) / 100
}
