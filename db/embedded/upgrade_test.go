//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written creates a cluster with a table.
func written(t *testing.T, cfg Config, what string) {
	t.Helper()
	s := start(t, cfg)
	_, err := query(s.URL(), "create table kept as select '"+what+"' as what")
	require.NoError(t, err)
	stop(t, s)
}

// TestUpgradeKilled starts after an upgrade that was killed between its renames.
// It finds a complete cluster each time.
func TestUpgradeKilled(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	written(t, cfg, "old")
	other, _ := config(t)
	other.DataDir = filepath.Join(filepath.Dir(cfg.DataDir), "other")
	written(t, other, "new")
	at := func(name string) string { return filepath.Join(cfg.DataDir, name) }
	// The new cluster has the passwords of the old one; here it is the other
	// way round.
	for _, name := range []string{passwordFile, superuserPasswordFile} {
		require.NoError(t, os.Rename(filepath.Join(other.DataDir, name), at(name)))
	}

	// After the second rename: the old cluster has been put away.
	require.NoError(t, os.Rename(at(clusterName), at("postgres-0")))
	require.NoError(t, os.Rename(filepath.Join(other.DataDir, clusterName), at(movedName)))
	cfg.Existing = true
	s := start(t, cfg)
	requireQuery(t, "new", s.URL(), "select what from kept")
	stop(t, s)
	require.NoDirExists(t, at(movedName))
	require.DirExists(t, at("postgres-0"))

	// After the first rename: the cluster in its place may be written, so that
	// the moved one is put away. Before it, there is only a part of one.
	require.NoError(t, os.Rename(at("postgres-0"), at(movedName)))
	require.NoError(t, os.Mkdir(at(upgradePrefix+"1"), 0o700))
	s = start(t, cfg)
	requireQuery(t, "new", s.URL(), "select what from kept")
	stop(t, s)
	require.NoDirExists(t, at(movedName))
	require.NoDirExists(t, at(upgradePrefix+"1"))
	unused, err := filepath.Glob(at(unusedPrefix + "*"))
	require.NoError(t, err)
	require.Len(t, unused, 1)
	require.FileExists(t, filepath.Join(unused[0], "PG_VERSION"))
}

// TestUpgradeRefused checks that a cluster is not moved to the same version or
// an older one, and that nothing remains of a move that fails.
func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	never := func(context.Context, string, string) error {
		t.Error("the data was moved")
		return nil
	}
	cfg.source = &source{version: "1.0.0"} // no download
	_, err := Upgrade(t.Context(), cfg, "", never)
	require.ErrorIs(t, err, ErrNoCluster)
	require.NoDirExists(t, cfg.DataDir)

	written(t, cfg, "old")
	_, err = Upgrade(t.Context(), cfg, "", never)
	require.ErrorIs(t, err, ErrNewest)
	require.ErrorContains(t, err, "no newer one was found")

	version := filepath.Join(cfg.DataDir, clusterName, "PG_VERSION")
	text, err := os.ReadFile(version)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(version, []byte("99\n"), 0o600))
	_, err = Upgrade(t.Context(), cfg, "", never)
	require.ErrorIs(t, err, ErrNewest)
	require.ErrorContains(t, err, "is older")
	require.NoError(t, os.WriteFile(version, text, 0o600))
	s := start(t, cfg)
	_, err = Upgrade(t.Context(), cfg, "", never)
	require.Error(t, err)
	requireQuery(t, "old", s.URL(), "select what from kept")
	cfg.BinDir, cfg.source = "", publish(t, nil, http.NotFound)
	cfg.source.version = "100.0.0"
	_, err = Upgrade(t.Context(), cfg, "", never)
	require.ErrorIs(t, err, ErrInUse, "before the download")
	stop(t, s)
	_, err = Upgrade(t.Context(), cfg, "", never)
	require.ErrorContains(t, err, "404")
}

// TestRemoveInUse deletes a folder while programs that end soon write into it.
func TestRemoveInUse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "upgrade-1")
	require.NoError(t, os.Mkdir(dir, 0o700))
	var writers sync.WaitGroup
	var ended atomic.Bool
	for program := range 8 {
		writers.Go(func() {
			for n := 0; !ended.Load(); n++ {
				if os.WriteFile(filepath.Join(dir, fmt.Sprint(program, "-", n)), nil, 0o600) != nil {
					return // it is deleted
				}
			}
		})
	}
	require.Eventually(t, func() bool { return exists(filepath.Join(dir, "7-9")) }, 10*time.Second, time.Millisecond)
	time.AfterFunc(300*time.Millisecond, func() { ended.Store(true) })
	require.NoError(t, removeInUse(dir))
	writers.Wait()
	require.NoDirExists(t, dir)
}

// TestMoveFails lets the copy of the data fail.
func TestMoveFails(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	written(t, cfg, "old")
	s := start(t, cfg)
	defer stop(t, s)
	temp, err := os.MkdirTemp(s.dataDir, upgradePrefix)
	require.NoError(t, err)
	broken := errors.New("broken")
	err = moveInto(t.Context(), s.cfg, s, s.bins, temp, func(_ context.Context, from, to string) error {
		requireQuery(t, "old", from, "select what from kept")
		requireQuery(t, "0", to, "select count(*)::text from pg_class where relname = 'kept'")
		return broken
	})
	require.ErrorIs(t, err, broken)
	assert.ErrorContains(t, err, "the cluster stays as it was")
	requireQuery(t, "old", s.URL(), "select what from kept")
}
