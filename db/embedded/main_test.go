//go:build unix

package embedded

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// helperDir is the name of an environment variable. If it is set, the test
// binary runs a server on that folder, for tests that kill the process.
const helperDir = "BYLINE_TEST_EMBEDDED_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		s, err := Start(context.Background(), Config{
			DataDir: dir, Ephemeral: true, Strict: true, Settings: durable,
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_ = json.NewEncoder(os.Stdout).Encode(helper{URL: s.URL(), PID: s.PID()})
		<-s.Done()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// durable makes commits survive a crash of PostgreSQL, but not of the machine.
var durable = map[string]string{"synchronous_commit": "on"}

// helper is another process, which runs a server.
type helper struct {
	URL string
	PID int // of the postmaster
	cmd *exec.Cmd
}

// runHelper starts a helper. If wait is false, it returns while the server is
// still starting.
func runHelper(t *testing.T, dir string, wait bool) *helper {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	cmd.Stderr = os.Stderr
	if testing.Verbose() {
		cmd.Stderr = t.Output()
	}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	h := &helper{cmd: cmd}
	t.Cleanup(h.kill)
	if wait {
		line, err := bufio.NewReader(out).ReadBytes('\n')
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(line, h))
	}
	return h
}

func (h *helper) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

// folder returns a temporary folder that every user can enter. Other users
// cannot enter the folders of t.TempDir, and when the test runs as root,
// PostgreSQL runs as another user.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, path := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(path, 0o755))
	}
	return dir
}

// config returns a configuration with a new data folder, and the records that
// are logged with it.
func config(t *testing.T) (Config, *records) {
	t.Helper()
	log := &records{out: t.Output()}
	return Config{
		DataDir:      filepath.Join(folder(t), "data"),
		Ephemeral:    true,
		Strict:       true,
		Settings:     durable,
		Logger:       log.logger(),
		fallbackRoot: "/nonexistent",
	}, log
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Start(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, s.Stop(ctx))
}

// query returns the first column of the first row as text.
func query(url, sql string, args ...any) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if !strings.HasPrefix(sql, "select") && !strings.HasPrefix(sql, "show") {
		_, err := conn.Exec(ctx, sql, args...)
		return "", err
	}
	var text string
	err = conn.QueryRow(ctx, sql, args...).Scan(&text)
	return text, err
}

func requireQuery(t *testing.T, want, url, sql string) {
	t.Helper()
	got, err := query(url, sql)
	require.NoError(t, err)
	require.Equal(t, want, got, sql)
}

// alive reports whether a process exists and is not a zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return false
	}
	state, _ := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return len(bytes.TrimSpace(state)) > 0 && state[0] != 'Z'
}

func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool { return !alive(pid) }, 15*time.Second, 50*time.Millisecond)
}

// processes lists the command lines that mention a folder.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	out, err := exec.Command("ps", "-ww", "-eo", "pid=,args=").Output()
	require.NoError(t, err)
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, dir) {
			found = append(found, line)
		}
	}
	return found
}

// requireNone waits until no process mentions the folder in its command line.
// The watcher ends shortly after PostgreSQL.
func requireNone(t *testing.T, dir string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(processes(t, dir)) == 0 }, 10*time.Second, 50*time.Millisecond)
}

func owner(t *testing.T, info fs.FileInfo) int {
	t.Helper()
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// records collects the output of a logger for assertions, and also writes it to
// out.
type records struct {
	mu  sync.Mutex
	buf bytes.Buffer
	out io.Writer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.out.Write(p)
	return r.buf.Write(p)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

func (r *records) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
