//go:build unix

package embedded

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the test needs root")
	}
}

func TestUnreachableDataDir(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	cfg, log := config(t)
	closed := filepath.Join(folder(t), "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	cfg.DataDir = filepath.Join(closed, "a", "b")

	t.Run("Strict", func(t *testing.T) {
		_, err := Start(t.Context(), cfg)
		require.ErrorContains(t, err, "may not enter the folder "+closed)
		assert.NoDirExists(t, filepath.Join(closed, "a"))
	})
	t.Run("Fallback", func(t *testing.T) {
		cfg := cfg
		cfg.Strict = false
		cfg.fallbackRoot = filepath.Join(folder(t), "var", "byline")
		s := start(t, cfg)
		assert.Equal(t, cfg.fallbackRoot, filepath.Dir(s.DataDir()))
		assert.Contains(t, log.String(), "level=WARN msg=\"embedded: using another data folder\" folder="+s.DataDir())
		_, err := query(s.URL(), "create table kept as select 'all' as what")
		require.NoError(t, err)
		stop(t, s)
		s = start(t, cfg)
		requireQuery(t, "all", s.URL(), "select what from kept")
	})
}

// TestClusterOwner: a cluster keeps its owner under root.
func TestClusterOwner(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	cfg, _ := config(t)
	s := start(t, cfg)
	stop(t, s)
	require.NoError(t, filepath.WalkDir(s.cluster, func(path string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		return os.Lchown(path, 4711, 4711)
	}))
	s = start(t, cfg)
	assert.Equal(t, "4711", ps(t, "uid", s.PID()))
	stop(t, s)

	require.NoError(t, os.Chown(s.cluster, 0, 0))
	_, err := Start(t.Context(), cfg)
	require.ErrorContains(t, err, "chown -R postgres "+s.cluster)
}

func TestBlocker(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "a", "b")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o750))
	me := account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid()), drop: true}
	group := account{uid: 4711, gid: me.gid, drop: true}
	other := account{uid: 4711, gid: 4711, drop: true}
	assert.Empty(t, me.blocker(dir))
	assert.Empty(t, group.blocker(dir))
	assert.Equal(t, filepath.Dir(dir), other.blocker(dir+"/c/d"))
	other.drop = false
	assert.Empty(t, other.blocker(dir))
}

func TestResolve(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "link")))
	got, err := resolve(filepath.Join(dir, "link", "new", "er"))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "new", "er"), got)
}

func TestCacheDir(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	who, err := accountFor("/nonexistent")
	require.NoError(t, err)
	closed, data := filepath.Join(folder(t), "closed"), folder(t)
	require.NoError(t, os.Mkdir(closed, 0o700))

	_, err = cacheDir(Config{CacheDir: closed, Strict: true}, who, data)
	require.ErrorContains(t, err, "may not enter the folder "+closed)
	got, err := cacheDir(Config{CacheDir: closed, Logger: slog.New(slog.DiscardHandler)}, who, data)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(data, "cache"), got)
	got, err = cacheDir(Config{CacheDir: filepath.Join(data, "mine")}, who, data)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(data, "mine"), got)
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	out := &records{out: t.Output()}
	l := &serverLog{logger: out.logger()}
	l.read(strings.NewReader("[7] LOG:  fine\n\n[8] FATAL:  bad\n\tmore of it\n" +
		`[9] FATAL:  lock file "postmaster.pid" already exists` + "\npostgres: cannot run\n" + strings.Repeat("x", 200_000)))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 6)
	assert.Contains(t, lines[0], "level=DEBUG msg=fine component=postgres severity=LOG backend=7")
	assert.Contains(t, lines[1], "level=WARN msg=bad component=postgres severity=FATAL backend=8")
	assert.Contains(t, lines[2], `level=DEBUG msg="more of it"`)
	assert.Contains(t, lines[3], "level=DEBUG")
	assert.Contains(t, lines[4], `msg="postgres: cannot run"`)
	assert.Equal(t, `lock file "postmaster.pid" already exists`, l.refused())
}
