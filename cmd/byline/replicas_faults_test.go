//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReplicaReplaced lets the address of a standby lead to one that shows less,
// while nothing is written: a restored base, or one that has crashed. Then the
// standby is stopped, which the service has to notice without a write.
func TestReplicaReplaced(t *testing.T) {
	t.Parallel()
	s := newStreaming(t, 1)
	reader := startService(t, s.primary.URL(), s.readURLs(1), "BYLINE_CACHE_BYTES=0")
	f := reader.prepare()
	write := func(text string) {
		status, body := reader.send(http.MethodPut, "/api/articles/"+f.slug, f.token, fmt.Sprintf(`{"article":{"description":%q}}`, text))
		require.Equal(t, http.StatusOK, status, body)
	}
	shows := func(text string) bool {
		status, body := reader.send(http.MethodGet, "/api/articles/"+f.slug, f.token, "")
		require.Equal(t, http.StatusOK, status, body)
		return strings.Contains(body, text)
	}
	fromStandby := func(text string) func() bool {
		return func() bool {
			before := reader.metric("db_replica_reads_total")
			return shows(text) && reader.metric("db_replica_reads_total") > before
		}
	}
	write("version-1")
	await(t, "a read from the standby", fromStandby("version-1"))

	s.proxies[0].down()
	stopPostgres(t, s.standbys[0])
	old := newDataFolder(t)
	out, err := exec.Command("cp", "-a", s.dirs[0]+"/.", old).CombinedOutput()
	require.NoError(t, err, string(out))
	from, err := url.Parse(superuserURL(t, s.dirs[0], s.primary.URL()))
	require.NoError(t, err)
	password, _ := from.User.Password()
	s.standbys[0] = startPostgres(t, s.dirs[0], follow(from, password, nil))
	s.proxies[0].up(s.standbys[0].URL())
	from.Host = "127.0.0.1:1" // nobody is there to follow
	older := startPostgres(t, old, follow(from, password, nil))
	write("version-2")
	await(t, "a read of the new version from the standby", fromStandby("version-2"))

	s.proxies[0].down()
	s.proxies[0].up(older.URL())
	for range 100 {
		require.True(t, shows("version-2"), "a stale read")
		time.Sleep(5 * time.Millisecond)
	}
	await(t, "that the older base is not used", func() bool { return reader.metric("db_replica_used") == 0 })
	require.True(t, shows("version-2"), "a stale read")

	s.proxies[0].down()
	s.proxies[0].up(s.standbys[0].URL())
	await(t, "the standby", fromStandby("version-2"))
	stopPostgres(t, s.standbys[0])
	await(t, "that the standby is lost", func() bool { return reader.metric("db_replica_used") == 0 })
	for range 10 { // it must stay so
		require.Zero(t, reader.metric("db_replica_used"))
		time.Sleep(50 * time.Millisecond)
	}
}

// unconfirmed is a service whose writes wait for a standby that there is not.
// PostgreSQL goes on with them for ever.
type unconfirmed struct {
	*service
	super string // the URL of a superuser
	names atomic.Int32
}

func newUnconfirmed(t *testing.T, pool int, env ...string) (u *unconfirmed, f fixture) {
	t.Helper()
	s := newStreaming(t, 0)
	env = append(env, fmt.Sprint("BYLINE_POOL_MAX=", pool), "BYLINE_QUERY_TIMEOUT=500ms", "BYLINE_REQUEST_TIMEOUT=3s")
	u = &unconfirmed{service: startService(t, s.primary.URL(), env...), super: superuserURL(t, s.dir, s.primary.URL())}
	f = u.prepare()
	u.set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
	return u, f
}

func (u *unconfirmed) set(sql string) {
	query[string](u.t, u.super, sql)
	query[bool](u.t, u.super, "SELECT pg_reload_conf()")
}

// waiting returns how many connections of the server wait for a standby.
func (u *unconfirmed) waiting() int64 {
	return query[int64](u.t, u.super, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")[0]
}

// register makes a write that waits for no other one.
func (u *unconfirmed) register() int {
	name := fmt.Sprint("user", u.names.Add(1))
	status, _ := u.send(http.MethodPost, "/api/users", "", fmt.Sprintf(`{"user":{"username":%q,"email":"%s@example.com","password":"correct horse"}}`, name, name))
	return status
}

// TestStandbyDoesNotConfirm makes writes that no standby confirms, many at once
// and one after the other, while purges and quotas write what waits for none.
// Reads must go on, also after PostgreSQL has begun another life, and so must
// writes when there is a standby again.
func TestStandbyDoesNotConfirm(t *testing.T) {
	t.Parallel()
	const pool = 4
	edge := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(edge.Close)
	u, f := newUnconfirmed(t, pool, "BYLINE_PURGE_URLS="+edge.URL, "BYLINE_SHARED_MAX_AGE=60s")
	await(t, "a write that waits", func() bool { return u.register() == http.StatusServiceUnavailable })
	reads := func() {
		t.Helper()
		for _, token := range []string{f.token, ""} {
			status, body := u.send(http.MethodGet, "/api/articles/"+f.slug, token, "")
			require.Equal(t, http.StatusOK, status, body)
		}
	}
	for _, atOnce := range []int{3 * pool, 3 * pool, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3 * pool, 3 * pool} {
		done := make(chan int)
		for range atOnce {
			go func() { done <- u.register() }()
		}
		for range atOnce {
			require.Equal(t, http.StatusServiceUnavailable, <-done)
		}
		reads()
		if atOnce == 1 {
			time.Sleep(300 * time.Millisecond) // a purge comes in between
		}
	}
	require.Positive(t, u.waiting())
	// Two pools of writes are given up before they are tried only every ten seconds.
	// Up to another pool of them was running then.
	const most = 3*pool + 6
	require.LessOrEqual(t, u.waiting(), int64(most))

	query[string](t, u.super, "UPDATE sessions SET used_at = used_at - interval '1 hour' WHERE set_config('synchronous_commit', 'local', true) <> '' RETURNING id::text")
	query[string](t, u.super, "WITH x AS (DELETE FROM change_lives RETURNING 1) SELECT set_config('synchronous_commit', 'local', true)") // as a crash does
	for range 4 {
		time.Sleep(500 * time.Millisecond)
		reads()
	}
	require.LessOrEqual(t, u.waiting(), int64(most))
	t.Logf("%d connections of the server wait, for a pool of %d", u.waiting(), pool)

	u.set("ALTER SYSTEM RESET synchronous_standby_names")
	await(t, "a write", func() bool { return u.register() == http.StatusCreated })
	await(t, "that nothing waits", func() bool { return u.waiting() == 0 })
}

// TestServerHangs suspends connections of the server, as a machine that hangs
// does. When new ones work, writes must not be refused for ever. Only idle ones
// are suspended, since others may hold locks that all wait for.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	u, f := newUnconfirmed(t, 4)
	u.set("ALTER SYSTEM RESET synchronous_standby_names")
	suspended := map[int64]bool{}
	t.Cleanup(func() {
		for pid := range suspended {
			_ = syscall.Kill(int(pid), syscall.SIGCONT)
		}
	})
	var clients sync.WaitGroup
	for end := time.Now().Add(time.Minute); len(suspended) < 14 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for range 4 {
			clients.Go(func() { u.send(http.MethodGet, "/api/articles/"+f.slug, f.token, "") })
			clients.Go(func() { u.register() })
		}
		for _, pid := range query[int64](t, u.super, "SELECT pid::bigint FROM pg_stat_activity WHERE application_name = 'byline' AND state = 'idle'") {
			if suspended[pid] {
				continue
			}
			suspended[pid] = true
			require.NoError(t, syscall.Kill(int(pid), syscall.SIGSTOP))
			if state := query[string](t, u.super, fmt.Sprintf("SELECT state FROM pg_stat_activity WHERE pid = %d", pid)); len(state) == 0 || state[0] != "idle" {
				require.NoError(t, syscall.Kill(int(pid), syscall.SIGCONT)) // it had got a statement
				delete(suspended, pid)
			}
		}
	}
	clients.Wait()
	require.GreaterOrEqual(t, len(suspended), 8)
	await(t, "a write", func() bool { return u.register() == http.StatusCreated })
	await(t, "writes as usual", func() bool {
		for range 8 {
			if u.register() != http.StatusCreated {
				return false
			}
		}
		return true
	})
}

// TestReplicaPooler names a standby behind PgBouncer, which the service must not
// read from: the server behind a connection can change there.
func TestReplicaPooler(t *testing.T) {
	t.Parallel()
	s := newStreaming(t, 1)
	pooled := pgbouncer(t, s.standbys[0].URL(), "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout,plan_cache_mode,enable_hashjoin,enable_mergejoin")
	reader := startService(t, s.primary.URL(), "BYLINE_READ_URLS="+pooled, "BYLINE_CACHE_BYTES=0")
	f := reader.prepare()
	await(t, "a line of the log", func() bool { return strings.Contains(reader.log.tail(5000), "not to a pooler") })
	status, body := reader.send(http.MethodGet, "/api/articles/"+f.slug, f.token, "")
	require.Equal(t, http.StatusOK, status, body)
	require.Zero(t, reader.metric("db_replica_used"))
	require.Zero(t, reader.metric("db_replica_reads_total"))
}
