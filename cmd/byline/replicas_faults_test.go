//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
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

// TestStandbyDoesNotConfirm makes writes that no standby confirms. PostgreSQL
// goes on with them for ever, so that each takes one of its connections. Reads
// must go on, and so must writes when there is a standby again.
func TestStandbyDoesNotConfirm(t *testing.T) {
	t.Parallel()
	const pool = 4
	s := newStreaming(t, 0)
	service := startService(t, s.primary.URL(), fmt.Sprint("BYLINE_POOL_MAX=", pool), "BYLINE_QUERY_TIMEOUT=500ms", "BYLINE_REQUEST_TIMEOUT=3s")
	f := service.prepare()
	super := superuserURL(t, s.dir, s.primary.URL())
	set := func(sql string) {
		query[string](t, super, sql)
		query[bool](t, super, "SELECT pg_reload_conf()")
	}
	set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
	waiting := func() int64 {
		return query[int64](t, super, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")[0]
	}
	var names atomic.Int32
	register := func() int { // writes that do not wait for one another
		name := fmt.Sprint("user", names.Add(1))
		status, _ := service.send(http.MethodPost, "/api/users", "", fmt.Sprintf(`{"user":{"username":%q,"email":"%s@example.com","password":"correct horse"}}`, name, name))
		return status
	}
	await(t, "a write that waits", func() bool { return register() == http.StatusServiceUnavailable })
	for range 6 {
		done := make(chan int)
		for range 3 * pool {
			go func() { done <- register() }()
		}
		for range 3 * pool {
			require.Equal(t, http.StatusServiceUnavailable, <-done)
		}
		status, body := service.send(http.MethodGet, "/api/articles/"+f.slug, f.token, "")
		require.Equal(t, http.StatusOK, status, body)
	}
	require.Positive(t, waiting())
	// Up to a pool of connections were in use when the writes began to be refused.
	require.LessOrEqual(t, waiting(), int64(3*pool))
	set("ALTER SYSTEM RESET synchronous_standby_names")
	await(t, "a write", func() bool { return register() == http.StatusCreated })
	await(t, "that nothing waits", func() bool { return waiting() == 0 })
}
