//go:build unix

package embedded

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ps returns one column of the output of ps for a process.
func ps(t *testing.T, column string, pid int) string {
	t.Helper()
	out, err := exec.Command("ps", "-o", column+"=", "-p", strconv.Itoa(pid)).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// occupy keeps a backend busy, like a request that is running when a process is
// killed.
func occupy(url string) {
	go func() { _, _ = query(url, "select pg_sleep(5)::text") }()
}

func TestPostmasterKilled(t *testing.T) {
	t.Parallel()
	cfg, log := config(t)
	s := start(t, cfg)
	_, err := query(s.URL(), "create table kept as select 'all' as what")
	require.NoError(t, err)
	url := s.URL()
	for range 2 {
		pid := s.PID()
		occupy(url)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		require.Eventually(t, func() bool {
			got, err := query(url, "select what from kept")
			return err == nil && got == "all"
		}, 20*time.Second, 50*time.Millisecond)
		require.Eventually(t, func() bool { return s.PID() != 0 }, 5*time.Second, 10*time.Millisecond)
		assert.NotEqual(t, pid, s.PID())
	}
	assert.Equal(t, url, s.URL())
	requireQuery(t, "all", s.LocalURL(), "select what from kept")
	assert.Contains(t, log.String(), `level=WARN msg="embedded: PostgreSQL ended unexpectedly, restarting it"`)

	t.Run("StopWhileDown", func(t *testing.T) {
		require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
		require.Eventually(t, func() bool { return s.PID() == 0 }, 5*time.Second, time.Millisecond)
		stop(t, s)
		requireNone(t, cfg.DataDir)
	})
	t.Run("NoSocketsLeft", func(t *testing.T) {
		s := start(t, cfg) // on another port
		left, err := filepath.Glob(filepath.Join(s.cluster, socketPrefix+"*"))
		require.NoError(t, err)
		assert.Len(t, left, 2, "one socket and its lock file: %v", left)
	})
}

// TestPortTaken starts PostgreSQL while another program uses its port.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	s := start(t, cfg)
	stop(t, s)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	s.port = taken.Addr().(*net.TCPAddr).Port
	time.AfterFunc(time.Second, func() { _ = taken.Close() })
	p, err := s.launch(t.Context(), false)
	require.NoError(t, err)
	defer p.kill()
	requireQuery(t, "1", s.URL(), "select '1'")
}

// TestOrphan kills only byline. PostgreSQL must end by itself.
func TestOrphan(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	h := runHelper(t, cfg.DataDir, true)
	_, err := query(h.URL, "create table kept as select 'all' as what")
	require.NoError(t, err)

	_, err = Start(t.Context(), cfg)
	require.ErrorIs(t, err, ErrInUse)
	assert.ErrorContains(t, err, "pid "+strconv.Itoa(h.cmd.Process.Pid))

	occupy(h.URL)
	h.kill()
	requireGone(t, h.PID)
	requireNone(t, cfg.DataDir)
	s := start(t, cfg)
	requireQuery(t, "all", s.URL(), "select what from kept")
}

// TestOrphanHurry kills byline and starts the next server at once, before
// PostgreSQL has ended.
func TestOrphanHurry(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	h := runHelper(t, cfg.DataDir, true)
	_, err := query(h.URL, "create table kept as select 'all' as what")
	require.NoError(t, err)
	h.kill()
	s := start(t, cfg)
	requireQuery(t, "all", s.URL(), "select what from kept")
}

// TestEverythingKilled kills byline, PostgreSQL and the watcher together.
func TestEverythingKilled(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	h := runHelper(t, cfg.DataDir, true)
	_, err := query(h.URL, "create table kept as select 'all' as what")
	require.NoError(t, err)
	occupy(h.URL)
	require.NoError(t, syscall.Kill(-h.PID, syscall.SIGKILL)) // the watcher is in the same process group
	h.kill()
	assert.FileExists(t, filepath.Join(cfg.DataDir, clusterName, pidFile))
	s := start(t, cfg)
	requireQuery(t, "all", s.URL(), "select what from kept")
}

// TestWatcherKilled kills byline and the watcher. PostgreSQL keeps running, and
// the next start must end it.
func TestWatcherKilled(t *testing.T) {
	t.Parallel()
	cfg, log := config(t)
	h := runHelper(t, cfg.DataDir, true)
	for _, line := range processes(t, cfg.DataDir) {
		if strings.Contains(line, "byline-watch") {
			pid, err := strconv.Atoi(strings.Fields(line)[0])
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	h.kill()
	time.Sleep(200 * time.Millisecond)
	require.True(t, alive(h.PID), "the test killed too much")
	start(t, cfg)
	assert.False(t, alive(h.PID))
	assert.Contains(t, log.String(), "ending an orphaned PostgreSQL")
}

// TestStalePidFile starts a server when another program has the pid in the pid
// file, as after a restart of the machine.
func TestStalePidFile(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	s := start(t, cfg)
	stop(t, s)

	other := s.who.command(t.Context(), "sleep", "60")
	require.NoError(t, other.Start())
	defer func() { _ = other.Wait() }()
	defer func() { _ = other.Process.Kill() }()
	path := filepath.Join(s.cluster, pidFile)
	require.NoError(t, os.WriteFile(path, []byte(strconv.Itoa(other.Process.Pid)+"\n"+s.cluster+"\n1\n1\n\n\n\n"), 0o600))
	require.NoError(t, s.who.chown(path))

	s = start(t, cfg)
	requireQuery(t, "1", s.URL(), "select '1'")
	assert.True(t, alive(other.Process.Pid))
}

// TestInitKilled kills byline while it creates the cluster.
func TestInitKilled(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	h := runHelper(t, cfg.DataDir, false)
	require.Eventually(t, func() bool {
		found, _ := filepath.Glob(filepath.Join(cfg.DataDir, initPrefix+"*", clusterName, "*"))
		return len(found) > 0
	}, 10*time.Second, time.Millisecond)
	h.kill()
	assert.NoDirExists(t, filepath.Join(cfg.DataDir, clusterName))
	s := start(t, cfg)
	requireQuery(t, "byline", s.URL(), "select current_database()")
	requireNone(t, cfg.DataDir+"/"+initPrefix)
}
