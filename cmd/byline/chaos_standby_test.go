//go:build unix

package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestChaosStandby restarts PostgreSQL as a standby under a running service,
// and promotes it later.
func TestChaosStandby(t *testing.T) {
	t.Parallel()
	for name, attrs := range map[string]string{"Default": "", "Any": "&target_session_attrs=any"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDataFolder(t)
			pg := postgres(t, dir)
			proxy, through := newProxy(t, pg.URL())
			s := startService(t, through+attrs, "BYLINE_POOL_MAX=8")
			l := newKeyedWorkload(t, s, s.prepare()).run(2, 2)
			l.more(50)

			stopPostgres(t, pg)
			proxy.down()
			cluster := filepath.Join(dir, "postgres")
			require.NoError(t, os.WriteFile(filepath.Join(cluster, "standby.signal"), nil, 0o644))
			giveTo(t, filepath.Join(cluster, "PG_VERSION"), filepath.Join(cluster, "standby.signal"))
			pg = postgres(t, dir)
			require.Equal(t, []bool{true}, query[bool](t, pg.URL(), "SELECT pg_is_in_recovery()"))
			proxy.up(pg.URL())
			_, before, _, _, _ := l.get()
			l.sawUnavailable(before + 200)
			require.False(t, s.ready())

			require.Equal(t, []bool{true}, query[bool](t, superuserURL(t, dir, pg.URL()), "SELECT pg_promote()"))
			at := time.Now()
			await(t, "readiness", s.ready)
			l.more(50)
			back := l.recovery(at)
			l.finish()
			l.requireOnlyUnavailable()
			lost := l.lost(pg.URL())
			require.Zero(t, lost)
			if attrs == "" {
				l.report("PostgreSQL restarted as a standby, and promoted later", lost, back, "external PostgreSQL")
			}
			s.end()
		})
	}
}

// TestServeOnStandby starts the service on a standby: it waits for a server
// that accepts writes, and says so.
func TestServeOnStandby(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "readonly")
	query[int](t, databaseURL, "ALTER DATABASE readonly SET default_transaction_read_only = on")
	s := newService(t, databaseURL)
	s.start()
	await(t, "a line about the wait", func() bool { return strings.Contains(s.log.tail(5000), "read only connection") })
	query[int](t, databaseURL+"&default_transaction_read_only=off", "ALTER DATABASE readonly RESET default_transaction_read_only")
	s.waitReady()
}

// superuserURL returns the URL of the embedded PostgreSQL for its superuser.
func superuserURL(t testing.TB, dir, databaseURL string) string {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(dir, "superuser-password"))
	require.NoError(t, err)
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	u.User = url.UserPassword("postgres", strings.TrimSpace(string(password)))
	return u.String()
}

// giveTo makes the owner of one file the owner of another.
func giveTo(t testing.TB, owned, file string) {
	t.Helper()
	info, err := os.Stat(owned)
	require.NoError(t, err)
	owner := info.Sys().(*syscall.Stat_t)
	require.NoError(t, os.Chown(file, int(owner.Uid), int(owner.Gid)))
}
