package backup_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3/lock"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/dbtest"
)

func TestMigrationIsRunning(t *testing.T) {
	t.Parallel()
	pool := dbtest.Open(t).Pool()
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, lock.DefaultLockID)
	require.NoError(t, err)
	_, err = backup.Write(t.Context(), pool, io.Discard, "v", silent)
	require.ErrorIs(t, err, backup.ErrRefused)
	require.ErrorContains(t, err, "migration")
	_, err = conn.Exec(t.Context(), `SELECT pg_advisory_unlock($1)`, lock.DefaultLockID)
	require.NoError(t, err)
	conn.Release()
	written(t, pool)
}

// migrationsExcluded looks before the transaction whether a migration could run.
type migrationsExcluded struct {
	t      *testing.T
	pool   *pgxpool.Pool
	beside bool
}

func (m *migrationsExcluded) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.HasPrefix(data.SQL, "begin") {
		m.beside = ask[bool](m.t, m.pool, `SELECT pg_try_advisory_xact_lock($1)`, lock.DefaultLockID)[0]
	}
	return ctx
}

func (*migrationsExcluded) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestSnapshotExcludesMigrations fails if a migration can end between the
// snapshot and the locks on the tables.
func TestSnapshotExcludesMigrations(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	tracer := &migrationsExcluded{t: t, pool: dbtest.OpenURL(t, url).Pool(), beside: true}
	cfg, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	cfg.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	defer pool.Close()
	written(t, pool)
	require.False(t, tracer.beside)
	require.True(t, ask[bool](t, tracer.pool, `SELECT pg_try_advisory_xact_lock($1)`, lock.DefaultLockID)[0], "after the backup")
}
