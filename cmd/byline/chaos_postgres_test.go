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

// template holds the data folder that is copied for each test. Creating one
// takes longer than most tests; copying one is fast.
var template struct {
	once sync.Once
	dir  string
	err  error
}

// copyCluster creates the data folder dir with an empty database.
func copyCluster(t testing.TB, dir string) {
	t.Helper()
	template.once.Do(func() {
		if template.dir, template.err = os.MkdirTemp("", "byline-cluster-"); template.err != nil {
			return
		}
		if template.err = os.Chmod(template.dir, 0o755); template.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*hangTimeout)
		defer cancel()
		var s *embedded.Server
		if s, template.err = embedded.Start(ctx, postgresConfig(filepath.Join(template.dir, "data"), true)); template.err == nil {
			template.err = s.Stop(ctx)
		}
	})
	require.NoError(t, template.err)
	out, err := exec.Command("cp", "-a", filepath.Join(template.dir, "data"), dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// postgresConfig returns the configuration of a PostgreSQL server that logs
// nothing.
func postgresConfig(dir string, ephemeral bool) embedded.Config {
	return embedded.Config{DataDir: dir, Strict: true, Ephemeral: ephemeral, Logger: slog.New(slog.DiscardHandler)}
}

// newDataFolder returns a new data folder with an empty database.
func newDataFolder(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(accessibleFolder(t), "data")
	copyCluster(t, dir)
	return dir
}

// postgres starts a PostgreSQL server with durable commits.
func postgres(t testing.TB, dir string) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), postgresConfig(dir, false))
	require.NoError(t, err)
	t.Cleanup(func() { stopPostgres(t, s) })
	return s
}

func stopPostgres(t testing.TB, s *embedded.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), hangTimeout)
	defer cancel()
	require.NoError(t, s.Stop(ctx))
}

// shared is the PostgreSQL server that all tests share that inject no faults
// into PostgreSQL.
var shared struct {
	once   sync.Once
	dir    string
	server *embedded.Server
	err    error
}

// sharedDatabase creates an empty database on the shared server.
func sharedDatabase(t testing.TB, name string) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "byline-shared-"); shared.err != nil {
			return
		}
		if shared.err = os.Chmod(shared.dir, 0o755); shared.err != nil {
			return
		}
		dir := filepath.Join(shared.dir, "data")
		copyCluster(t, dir)
		shared.server, shared.err = embedded.Start(context.Background(), postgresConfig(dir, true))
	})
	require.NoError(t, shared.err)
	query[int](t, shared.server.URL(), "CREATE DATABASE "+name)
	u, err := url.Parse(shared.server.URL())
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// stopShared stops the shared server and deletes the shared folders.
func stopShared() {
	if shared.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), hangTimeout)
		defer cancel()
		_ = shared.server.Stop(ctx)
	}
	for _, dir := range []string{shared.dir, template.dir} {
		if dir != "" {
			_ = os.RemoveAll(dir)
		}
	}
}

// query runs a statement and returns the first column of all rows.
func query[T any](t testing.TB, databaseURL, sql string) []T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hangTimeout)
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

// backends returns the process ids of the PostgreSQL backends of the service.
func backends(t testing.TB, databaseURL string) []int32 {
	t.Helper()
	return query[int32](t, databaseURL, `SELECT pid FROM pg_stat_activity
		WHERE application_name = 'byline' AND datname = current_database() ORDER BY pid`)
}

// withChildren returns the process ids of a process and its children.
func withChildren(t testing.TB, parent int) (pids []int) {
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

// requireNoProcess waits until no process has the folder in its arguments.
func requireNoProcess(t testing.TB, dir string) {
	t.Helper()
	await(t, "the end of all processes on "+dir, func() bool {
		out, err := exec.Command("ps", "-ww", "-eo", "args=").Output()
		return err == nil && !bytes.Contains(out, []byte(dir))
	})
}
