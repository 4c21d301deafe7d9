//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// postgresProgram returns the path of a client program of PostgreSQL. It skips
// the test if the program is not installed.
func postgresProgram(t testing.TB, name string) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("this test needs " + name)
	}
	return path
}

// TestChaosRestore moves a database to another cluster with pg_dump, as
// docs/backup.md says. The transaction ids of the dump lie in the future of that cluster.
func TestChaosRestore(t *testing.T) {
	t.Parallel()
	dump, restore := postgresProgram(t, "pg_dump"), postgresProgram(t, "pg_restore")
	source := newService(t, "")
	copyCluster(t, source.dir)
	source.start()
	source.waitReady()
	st := source.prepare()
	query[int](t, source.databaseURL(), `DO $$ BEGIN
		CREATE TEMP TABLE ids (id int);
		FOR i IN 1..5000 LOOP BEGIN INSERT INTO ids VALUES (i); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP;
	END $$`)
	var none struct{}
	source.post("/api/articles", st.token, `{"article":{"title":"Story","description":"d","body":"b","tagList":["t"]}}`, &none)
	file := filepath.Join(t.TempDir(), "byline.dump")
	run := func(program string, args ...string) {
		out, err := exec.Command(program, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run(dump, "--format=custom", "--file="+file, source.databaseURL())
	source.end()

	target := postgres(t, newDataFolder(t))
	run(restore, "--no-owner", "--exit-on-error", "--dbname="+target.URL(), file)
	foreign := "SELECT count(*)::int FROM changes WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())"
	require.NotZero(t, query[int](t, target.URL(), foreign)[0], "the dump has no changes from the future, so that the test shows nothing")

	replicas := []*service{newService(t, target.URL()), newService(t, target.URL())}
	for _, s := range replicas {
		s.start()
	}
	for _, s := range replicas {
		s.waitReady()
	}
	await(t, "the deletion of the changes of the other cluster", func() bool { return query[int](t, target.URL(), foreign)[0] == 0 })
	cached := 0
	for _, s := range replicas {
		before := s.cacheHits()
		for range 50 {
			res, err := quickClient.Get("http://" + s.addr + "/api/articles/" + st.slug)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, http.StatusOK, res.StatusCode)
		}
		hits := s.cacheHits() - before
		require.GreaterOrEqual(t, hits, 25, "responses must be cached after a restore")
		cached += hits
	}

	// Tokens stay valid.
	l := newWorkload(t, "http://"+replicas[0].addr, st).run(2, 2)
	l.more(100)
	l.finish()
	_, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	lost := l.lost(target.URL())
	require.Zero(t, lost)
	l.report("Dump restored into another cluster", lost, 0, fmt.Sprintf("%d of 100 anonymous reads cached", cached))
}

// cacheHits returns how many responses came from the cache.
func (s *service) cacheHits() (n int) {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.adminPage("/metrics"), "\ncache_hits_total ")
	_, err := fmt.Sscan(rest, &n)
	require.NoError(s.t, err)
	return n
}
