//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/filesource"
)

// TestExport exports a site to a file and to standard output.
func TestExport(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "exported")
	env := map[string]string{"DATABASE_URL": databaseURL}
	_, err := command(t, env, "seed", "--users=3", "--articles=5", "--comments=7", "--favorites=4", "--follows=2", "--tags=2", "--tags-per-article=1")
	require.NoError(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "site.ndjson")

	t.Run("File", func(t *testing.T) {
		out, err := command(t, env, "export", path)
		require.NoError(t, err)
		require.Regexp(t, `^byline: using the database exported on .*\nexported 3 accounts, 5 articles, 7 comments, 4 favorites, 2 follows in \S+\n$`, out)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
		s, err := filesource.NDJSON(path, filesource.NDJSONOptions{})
		require.NoError(t, err)
		defer s.Close()
		counts, err := s.Counts(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 5, counts["articles"])
		require.EqualValues(t, 7, counts["comments"])
	})

	t.Run("Exists", func(t *testing.T) {
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
		_, err := command(t, env, "export", path)
		require.Equal(t, exitRefused, codeOf(err), "%v", err)
		require.ErrorContains(t, err, "--yes")
		require.Equal(t, "old", readFile(t, path))
		_, err = command(t, env, "export", path, "--yes")
		require.NoError(t, err)
		require.Contains(t, readFile(t, path), `{"type":"end","records":22}`)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), "also if others could read the file that was replaced")
		_, err = command(t, env, "export", dir, "--yes")
		require.Equal(t, exitRefused, codeOf(err), "%v", err)
	})

	t.Run("StandardOutput", func(t *testing.T) {
		var out, messages bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"export", "-"}, func(name string) string { return env[name] }, &out, &messages))
		require.Equal(t, readFile(t, path)[100:], out.String()[100:], "all but the time of the export")
		require.Contains(t, messages.String(), "exported 3 accounts")
	})

	t.Run("NoFolder", func(t *testing.T) {
		_, err := command(t, env, "export", filepath.Join(dir, "missing", "x"))
		require.ErrorIs(t, err, os.ErrNotExist)
	})

	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no incomplete file is left")
}

// TestStoreFile checks that a file which could not be written completely does not
// exist.
func TestStoreFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	require.ErrorIs(t, storeFile(path, false, func(f *os.File) error {
		_, _ = f.Write([]byte("half"))
		return context.Canceled
	}), context.Canceled)
	err := storeFile(path, false, func(*os.File) error { return os.WriteFile(path, []byte("theirs"), 0o600) })
	require.Equal(t, exitRefused, codeOf(err))
	require.Equal(t, "theirs", readFile(t, path))
	require.NoError(t, storeFile(path, true, func(*os.File) error { return errors.Join(nil) }))
	require.Empty(t, readFile(t, path))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
