//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/embedded"
)

// clusters is the data folder that the tests begin with: making one takes
// longer than most tests, copying it does not.
var clusters struct {
	once sync.Once
	dir  string
	err  error
}

// copyCluster makes a data folder with an empty database.
func copyCluster(t testing.TB, dir string) {
	t.Helper()
	clusters.once.Do(func() {
		if clusters.dir, clusters.err = os.MkdirTemp("", "byline-cluster-"); clusters.err != nil {
			return
		}
		if clusters.err = os.Chmod(clusters.dir, 0o755); clusters.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*hang)
		defer cancel()
		var s *embedded.Server
		if s, clusters.err = embedded.Start(ctx, quiet(filepath.Join(clusters.dir, "data"), true)); clusters.err == nil {
			clusters.err = s.Stop(ctx)
		}
	})
	require.NoError(t, clusters.err)
	out, err := exec.Command("cp", "-a", filepath.Join(clusters.dir, "data"), dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// quiet is the configuration of a PostgreSQL of the tests.
func quiet(dir string, ephemeral bool) embedded.Config {
	return embedded.Config{DataDir: dir, Strict: true, Ephemeral: ephemeral, Logger: slog.New(slog.DiscardHandler)}
}

// readyFolder is a data folder with an empty database.
func readyFolder(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(openFolder(t), "data")
	copyCluster(t, dir)
	return dir
}

// postgres starts a PostgreSQL that keeps what it has committed.
func postgres(t testing.TB, dir string) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), quiet(dir, false))
	require.NoError(t, err)
	t.Cleanup(func() { stopPostgres(t, s) })
	return s
}

func stopPostgres(t testing.TB, s *embedded.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	require.NoError(t, s.Stop(ctx))
}

// calm is the PostgreSQL of the tests that do no harm to it.
var calm struct {
	once   sync.Once
	dir    string
	server *embedded.Server
	err    error
}

// calmDatabase makes an empty database there.
func calmDatabase(t testing.TB, name string) string {
	t.Helper()
	calm.once.Do(func() {
		if calm.dir, calm.err = os.MkdirTemp("", "byline-calm-"); calm.err != nil {
			return
		}
		if calm.err = os.Chmod(calm.dir, 0o755); calm.err != nil {
			return
		}
		dir := filepath.Join(calm.dir, "data")
		copyCluster(t, dir)
		calm.server, calm.err = embedded.Start(context.Background(), quiet(dir, true))
	})
	require.NoError(t, calm.err)
	query[int](t, calm.server.URL(), "CREATE DATABASE "+name)
	u, err := url.Parse(calm.server.URL())
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// stopShared ends what the tests shared.
func stopShared() {
	if calm.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), hang)
		defer cancel()
		_ = calm.server.Stop(ctx)
	}
	for _, dir := range []string{calm.dir, clusters.dir} {
		if dir != "" {
			_ = os.RemoveAll(dir)
		}
	}
}

// query returns the first column of all rows.
func query[T any](t testing.TB, databaseURL, sql string) []T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	conn, err := pgx.Connect(ctx, databaseURL)
	require.NoError(t, err)
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	require.NoError(t, err)
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return values
}

// backends lists the PostgreSQL processes that serve the service.
func backends(t testing.TB, databaseURL string) []int32 {
	t.Helper()
	return query[int32](t, databaseURL, `SELECT pid FROM pg_stat_activity
		WHERE application_name = 'byline' AND datname = current_database() ORDER BY pid`)
}

// family returns a process and its children.
func family(t testing.TB, parent int) (pids []int) {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "pid=,ppid=").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		var pid, ppid int
		if _, err := fmt.Sscan(line, &pid, &ppid); err == nil && (pid == parent || ppid == parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// requireNone waits until no process mentions a folder.
func requireNone(t testing.TB, dir string) {
	t.Helper()
	await(t, "the end of all processes on "+dir, func() bool {
		out, err := exec.Command("ps", "-ww", "-eo", "args=").Output()
		return err == nil && !bytes.Contains(out, []byte(dir))
	})
}
