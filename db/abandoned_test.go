package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

// TestTrials tries in each way whether writes succeed again. Whatever becomes of
// the trial, another one may follow, and all may if it has written. Begin is for
// River, whose transactions mostly find nothing to write.
func TestTrials(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	for _, sql := range []string{`CREATE TABLE n (n int)`, `INSERT INTO n VALUES (0)`} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	const write, nothing, fails = `UPDATE n SET n = n + 1 RETURNING n`, `DELETE FROM n WHERE n < 0 RETURNING n`, `UPDATE n SET n = 1 / 0 RETURNING n`
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	exec := func(ctx context.Context, sql string) error { _, err := d.Exec(ctx, sql); return err }
	rows := func(ctx context.Context, sql string) error {
		rows, err := d.Query(ctx, sql)
		if err == nil {
			rows.Close()
			err = rows.Err()
		}
		return err
	}
	row := func(ctx context.Context, sql string) error {
		var n int
		return d.QueryRow(ctx, sql).Scan(&n)
	}
	inTx := func(ctx context.Context, sql string) error {
		return d.InTx(ctx, func(tx query.DBTX) error { _, err := tx.Exec(ctx, sql); return err })
	}
	begin := func(ctx context.Context, sql string) error {
		tx, err := d.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
		return tx.Commit(ctx)
	}
	for how, run := range map[string]func(context.Context, string) error{"Exec": exec, "Query": rows, "QueryRow": row, "InTx": inTx, "Begin": begin} {
		for what, trial := range map[string]func() error{
			"writes":        func() error { return run(t.Context(), write) },
			"has no effect": func() error { return run(t.Context(), nothing) },
			"fails":         func() error { return run(t.Context(), fails) },
			"is cancelled":  func() error { return run(gone, write) },
			"ends with a SELECT": func() error { // so do only statements that write to unlogged tables
				return run(t.Context(), `WITH x AS (UPDATE n SET n = n + 1 RETURNING n) SELECT n FROM x`)
			},
			"only reads": func() error { return run(t.Context(), `WITH x AS (SELECT 1) SELECT * FROM x`) },
		} {
			d.Abandon(2)
			require.True(t, d.Suspect(), how)
			err := trial()
			require.NotErrorIs(t, err, db.ErrBusy, "%s %s", how, what)
			require.Equal(t, what != "writes" || how == "Begin", d.Suspect(), "%s %s: %v", how, what, err)
			require.NoError(t, exec(t.Context(), write), "%s %s: no trial may follow", how, what)
			require.False(t, d.Suspect())
		}
	}
}

// TestGivenUp gives up a read and a write which the server does not end. Only the
// write counts, until it has ended, though the connection of the read has written
// before.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	d := dbtest.OpenURL(t, url+"&statement_timeout=0&lock_timeout=0", func(c *db.Config) { c.MaxConns = 1 })
	for _, sql := range []string{`CREATE TABLE n (n int)`, `INSERT INTO n VALUES (0)`} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	other, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer other.Close(context.Background())
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_lock(1)`)
	require.NoError(t, err)
	for i, sql := range []string{`SELECT pg_advisory_lock(1)`, `INSERT INTO n SELECT 1 FROM pg_advisory_lock(1)`} {
		require.NoError(t, d.Ping(t.Context())) // opens a connection
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := d.Exec(ctx, sql)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		if i == 0 {
			require.Never(t, func() bool { return d.Abandoned() > 0 }, 300*time.Millisecond, time.Millisecond)
		}
	}
	most := 0
	counted := func(n int) func() bool {
		return func() bool {
			most = max(most, d.Abandoned())
			return d.Abandoned() == n
		}
	}
	require.Eventually(t, counted(1), 20*time.Second, time.Millisecond)
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_unlock(1)`)
	require.NoError(t, err)
	require.Eventually(t, counted(0), 20*time.Second, time.Millisecond, "the server has ended it")
	require.Equal(t, 1, most)
}
