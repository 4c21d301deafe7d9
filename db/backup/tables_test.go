package backup_test

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/dbtest"
)

// TestEveryTableIsDecided fails if a migration adds a table, and nobody has
// decided in tables.go whether backups contain it.
func TestEveryTableIsDecided(t *testing.T) {
	t.Parallel()
	kept, left := backup.Decided()
	for name, reason := range left {
		require.NotEmpty(t, reason, name)
	}
	decided := slices.Sorted(slices.Values(append(kept, slices.Collect(maps.Keys(left))...)))
	require.Equal(t, decided, ask[string](t, dbtest.Open(t).Pool(),
		`SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'f') AND relnamespace = current_schema()::regnamespace ORDER BY relname COLLATE "C"`),
		"db/backup/tables.go must say for each table whether a backup contains it")
	for _, name := range ask[string](t, dbtest.Open(t).Pool(), `SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relpersistence = 'u' AND relnamespace = current_schema()::regnamespace`) {
		require.Contains(t, left, name, "a crash empties this table")
	}
}

// TestSequenceHidden makes a backup with a role that may read all tables but not
// all sequences.
func TestSequenceHidden(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	_, want := written(t, pool)
	_, err := pool.Exec(t.Context(), `REVOKE ALL ON SEQUENCE users_id_seq FROM CURRENT_USER`)
	require.NoError(t, err)
	_, err = backup.Write(t.Context(), pool, io.Discard, "v", silent)
	require.ErrorIs(t, err, backup.ErrRefused)
	require.ErrorContains(t, err, "users_id_seq")
	_, err = pool.Exec(t.Context(), `GRANT SELECT ON SEQUENCE users_id_seq TO CURRENT_USER`)
	require.NoError(t, err)
	_, got := written(t, pool)
	sameData(t, want, got)
}

// TestAddedColumn restores a column that is not Byline's.
func TestAddedColumn(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	_, err := pool.Exec(t.Context(), `ALTER TABLE users ADD "CRM id" varchar(20) NOT NULL DEFAULT 'none', ADD sums numeric(9,2)[]; UPDATE users SET sums = '{1.50}' WHERE id = 1`)
	require.NoError(t, err)
	file, m := written(t, pool)
	to := empty(t)
	_, err = backup.Restore(t.Context(), to, bytes.NewReader(file), silent)
	require.NoError(t, err)
	_, again := written(t, to.Pool)
	sameData(t, m, again)
	const values = `SELECT "CRM id" || COALESCE(sums::text, '') FROM users ORDER BY id`
	require.Equal(t, ask[string](t, pool, values), ask[string](t, to.Pool, values))

	// Its type is not that of another cluster.
	_, err = pool.Exec(t.Context(), `CREATE TYPE mood AS ENUM ('good'); ALTER TABLE users ADD mood mood`)
	require.NoError(t, err)
	file, _ = written(t, pool)
	to = empty(t)
	_, err = backup.Restore(t.Context(), to, bytes.NewReader(file), silent)
	require.ErrorIs(t, err, backup.ErrRefused)
	require.ErrorContains(t, err, "column mood")
	requireEmpty(t, to.Pool)
	_, err = to.Pool.Exec(t.Context(), `CREATE TYPE mood AS ENUM ('good'); ALTER TABLE users ADD mood mood`)
	require.NoError(t, err)
	_, err = backup.Restore(t.Context(), to, bytes.NewReader(file), silent)
	require.NoError(t, err)
}
