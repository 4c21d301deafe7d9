package backup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/backup"
)

// TestStopped ends commands whose stream waits: for a reader, or for a writer.
func TestStopped(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	file, _ := written(t, pool)
	stop := func(do func(ctx context.Context, r io.Reader, w io.Writer) error, meanwhile func(r io.Reader, w io.Writer)) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, w := io.Pipe()
		ended := make(chan error)
		go func() { ended <- do(ctx, r, w) }()
		meanwhile(r, w)
		cancel()
		err := <-ended
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, backup.ErrRefused)
	}
	stop(func(ctx context.Context, _ io.Reader, w io.Writer) error {
		_, err := backup.Write(ctx, pool, w, "v", silent)
		return err
	}, func(r io.Reader, _ io.Writer) {
		_, err := io.ReadFull(r, make([]byte, 100))
		require.NoError(t, err)
	})
	require.Empty(t, ask[string](t, pool, `SELECT state FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`))
	half := func(_ io.Reader, w io.Writer) {
		_, err := w.Write(file[:len(file)/2])
		require.NoError(t, err)
	}
	stop(func(ctx context.Context, r io.Reader, _ io.Writer) error {
		_, err := backup.Verify(ctx, r, silent)
		return err
	}, half)
	to := empty(t)
	stop(func(ctx context.Context, r io.Reader, _ io.Writer) error {
		_, err := backup.Restore(ctx, to, r, silent)
		return err
	}, half)
	requireEmpty(t, to.Pool)
}

// TestLongRow reads a small file that has a row without an end, which must not
// take memory without a bound.
func TestLongRow(t *testing.T) {
	t.Parallel()
	m := backup.Manifest{Format: 1, Tables: []backup.Table{{Name: "users", Columns: []string{"id"}}}}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	long := member{"tables/users/000001.copy", strings.Repeat("x", 65<<20)}
	file := pack(t, []member{{"header.json", string(text)}, long, {"manifest.json", string(text)}})
	require.Less(t, len(file), 100_000)
	_, err = backup.Verify(t.Context(), bytes.NewReader(file), silent)
	require.ErrorContains(t, err, "longer than 64 MB")
	require.ErrorIs(t, err, backup.ErrRefused)
}
