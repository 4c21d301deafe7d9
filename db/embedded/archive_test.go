//go:build unix

package embedded

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
)

// jar builds an archive as published, from tar entries.
func jar(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var packed, out bytes.Buffer
	compressed, err := xz.NewWriter(&packed)
	require.NoError(t, err)
	tw := tar.NewWriter(compressed)
	for _, entry := range entries {
		content := []byte(entry.Name)
		if entry.Typeflag == tar.TypeReg {
			entry.Size = int64(len(content))
		}
		require.NoError(t, tw.WriteHeader(&entry))
		if entry.Typeflag == tar.TypeReg {
			_, err := tw.Write(content)
			require.NoError(t, err)
		}
	}
	require.NoError(t, tw.Close())
	require.NoError(t, compressed.Close())
	zw := zip.NewWriter(&out)
	w, err := zw.Create("postgres-test.txz")
	require.NoError(t, err)
	_, err = w.Write(packed.Bytes())
	require.NoError(t, err)
	require.NoError(t, zw.Close())
	return out.Bytes()
}

func file(name string, mode int64) tar.Header {
	return tar.Header{Name: name, Mode: mode, Typeflag: tar.TypeReg}
}

func link(name, target string) tar.Header {
	return tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink}
}

// publish serves content as if it were Maven, with a digest of its own if
// given.
func publish(t *testing.T, content []byte, handler http.HandlerFunc) *source {
	t.Helper()
	if handler == nil {
		handler = func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(content) }
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	sum := sha256.Sum256(content)
	return &source{
		base:     server.URL,
		version:  "18.4.0",
		archives: map[string]archive{runtime.GOOS + "/" + runtime.GOARCH: {"test", hex.EncodeToString(sum[:])}},
		log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func present(binDir string) error {
	_, err := os.Stat(filepath.Join(binDir, "postgres"))
	return err
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestInstall(t *testing.T) {
	t.Parallel()
	content := jar(t, file("bin/postgres", 0o700), file("lib/a.so.1", 0o600), link("lib/a.so", "a.so.1"))
	var asked atomic.Int64
	src := publish(t, content, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		assert.Equal(t, "/io/zonky/test/postgres/embedded-postgres-binaries-test/18.4.0/embedded-postgres-binaries-test-18.4.0.jar", r.URL.Path)
		_, _ = w.Write(content)
	})
	cache := folder(t)

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := src.install(t.Context(), cache, present)
			assert.NoError(t, err)
			assert.NoError(t, present(dir))
		})
	}
	wg.Wait()
	dir, err := src.install(t.Context(), cache, present)
	require.NoError(t, err)
	for name, want := range map[string]fs.FileMode{".": 0o755, "bin": 0o755, "bin/postgres": 0o755, "lib/a.so.1": 0o644} {
		info, err := os.Stat(filepath.Join(dir, "..", name))
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().Perm(), name)
	}
	text, err := os.ReadFile(filepath.Join(dir, "../lib/a.so"))
	require.NoError(t, err)
	assert.Equal(t, "lib/a.so.1", string(text))
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "the jar and the unpacked folder")

	t.Run("Repaired", func(t *testing.T) {
		before := asked.Load()
		require.NoError(t, os.Remove(filepath.Join(dir, "postgres")))
		_, err := src.install(t.Context(), cache, present)
		require.NoError(t, err)
		assert.NoError(t, present(dir))
		assert.Equal(t, before, asked.Load(), "the jar was there")
	})
	t.Run("DamagedJar", func(t *testing.T) {
		before := asked.Load()
		require.NoError(t, os.RemoveAll(filepath.Dir(dir)))
		require.NoError(t, os.Truncate(filepath.Join(cache, "embedded-postgres-binaries-test-18.4.0.jar"), 10))
		_, err := src.install(t.Context(), cache, present)
		require.NoError(t, err)
		assert.Equal(t, before+1, asked.Load())
	})
}

func TestInstallRefused(t *testing.T) {
	t.Parallel()
	good := jar(t, file("bin/postgres", 0o755))
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"Digest": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(append([]byte("x"), good...))
		}, "the digest is wrong"},
		"Truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(good)))
			_, _ = w.Write(good[:len(good)/2])
		}, "unexpected EOF"},
		"TooLarge": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(maxArchive+1))
			_, _ = w.Write(good)
		}, "more than the maximum"},
		"Missing": {http.NotFound, "404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := folder(t)
			_, err := publish(t, good, test.handler).install(t.Context(), cache, present)
			require.ErrorContains(t, err, test.want)
			requireEmpty(t, cache)
		})
	}
	t.Run("Cancelled", func(t *testing.T) {
		t.Parallel()
		cache := folder(t)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		src := publish(t, good, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(good[:10])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		_, err := src.install(ctx, cache, present)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		requireEmpty(t, cache)
	})
}

func TestUnpackRefused(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]tar.Header{
		"Parent":       {file("../evil", 0o644)},
		"ParentInside": {file("bin/../../evil", 0o644)},
		"Absolute":     {file("/evil", 0o644)},
		"LinkParent":   {link("lib/a", "../../evil")},
		"LinkAbsolute": {link("lib/a", "/etc/passwd")},
		"LinkChain":    {link("p/q/d", "../.."), link("p/q/e", "d/../evil")},
		"LinkUp":       {link("lib/a", "b/../../../evil")},
		"HardLink":     {{Name: "a", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}},
		"Device":       {{Name: "a", Typeflag: tar.TypeChar}},
		"Twice":        {file("a", 0o644), file("a", 0o644)},
		"ThroughLink":  {link("a", "b"), file("a", 0o644)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := folder(t)
			src := publish(t, jar(t, append(entries, file("bin/postgres", 0o755))...), nil)
			_, err := src.install(t.Context(), cache, present)
			require.ErrorContains(t, err, "unpack")
			entries, err := os.ReadDir(cache)
			require.NoError(t, err)
			require.Len(t, entries, 1, "only the jar")
			assert.NoFileExists(t, filepath.Join(filepath.Dir(cache), "evil"))
		})
	}
	t.Run("NoArchive", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		require.NoError(t, zip.NewWriter(&out).Close())
		_, err := publish(t, out.Bytes(), nil).install(t.Context(), folder(t), present)
		require.ErrorContains(t, err, "no .txz inside")
	})
}

// TestNothingInstalled checks that the error says what to do when PostgreSQL is
// not installed and cannot be downloaded.
func TestNothingInstalled(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	cfg.CacheDir = folder(t)
	cfg.bins = func() []string { return nil }
	cfg.source = publish(t, nil, http.NotFound)
	_, err := Start(t.Context(), cfg)
	require.ErrorContains(t, err, "404 Not Found")
	require.ErrorContains(t, err, "install PostgreSQL, set BYLINE_PG_BIN to its bin folder, or set DATABASE_URL")
	assert.NoDirExists(t, filepath.Join(cfg.DataDir, clusterName))
}

// TestBinariesTooOld is not parallel: a file cannot be executed while a test
// that forks at the same time has it open for writing.
func TestBinariesTooOld(t *testing.T) {
	dir := folder(t)
	for name, version := range map[string]string{"initdb": "13.2", "postgres": "13.2"} {
		script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	cfg, _ := config(t)
	cfg.BinDir = dir
	_, err := Start(t.Context(), cfg)
	require.ErrorContains(t, err, "PostgreSQL 13.2 in "+dir+" is too old: 14 or newer")
}

// TestDownload runs the archive published for this machine, and checks the
// digests of the others.
func TestDownload(t *testing.T) {
	if os.Getenv("BYLINE_TEST_DOWNLOAD") != "1" {
		t.Skip("set BYLINE_TEST_DOWNLOAD=1 to download 100 MB")
	}
	cfg, _ := config(t)
	cfg.CacheDir = filepath.Join(folder(t), "cache")
	cfg.bins = func() []string { return nil }
	s := start(t, cfg)
	assert.Equal(t, "18.4", s.Version())
	requireQuery(t, "ünï", s.URL(), "select lower('ÜNÏ')")
	requireQuery(t, "true", s.URL(), "select (count(*) > 0)::text from pg_stat_statements")

	for platform, a := range mavenCentral.archives {
		src := mavenCentral
		src.log = cfg.Logger
		url := fmt.Sprintf("%s/io/zonky/test/postgres/embedded-postgres-binaries-%s/%s/embedded-postgres-binaries-%[2]s-%[3]s.jar",
			src.base, a.platform, src.version)
		path, dir := filepath.Join(cfg.CacheDir, "other.jar"), folder(t)
		require.NoError(t, src.fetch(t.Context(), url, path, a.sha256), platform)
		require.NoError(t, unpack(t.Context(), path, dir), platform)
		require.NoError(t, present(filepath.Join(dir, "bin")), platform)
	}
}
