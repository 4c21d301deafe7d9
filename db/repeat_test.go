package db_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

// endConnections ends all other connections to the database, as a restart of
// the server does.
func endConnections(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	require.NoError(t, err)
}

// fill makes the pool open all of its connections, and use them all.
func fill(t *testing.T, d *db.DB, sql string) {
	t.Helper()
	var open []pgx.Rows
	for range d.Pool().Config().MaxConns {
		rows, err := d.Query(t.Context(), sql)
		require.NoError(t, err)
		open = append(open, rows)
	}
	for _, rows := range open {
		rows.Close()
	}
}

// TestReadsRepeat checks that a read succeeds although the server has ended the
// connections of the pool, and that a write is not sent twice.
func TestReadsRepeat(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	d := dbtest.OpenURL(t, url)
	_, err := d.Exec(t.Context(), `CREATE TABLE n (n int)`)
	require.NoError(t, err)
	end := func() {
		fill(t, d, "SELECT 1")
		endConnections(t, url)
	}
	one := func(ctx context.Context, c query.DBTX, sql string) error {
		var n int
		return c.QueryRow(ctx, sql).Scan(&n)
	}
	for name, read := range map[string]func() error{
		"Alone": func() error { return one(t.Context(), d, "SELECT 1") },
		"Named": func() error { return one(t.Context(), d, "-- name: Some :one\nSELECT 1") },
		"Shared": func() error {
			return one(t.Context(), d, "-- name: Some :one\nWITH /* shared */ x AS (SELECT 1) SELECT * FROM x")
		},
		"Many": func() error {
			rows, err := d.Query(t.Context(), "SELECT generate_series(1, 3)")
			if err != nil {
				return err
			}
			n, err := pgx.CollectRows(rows, pgx.RowTo[int])
			require.Len(t, n, 3)
			return err
		},
		"None": func() error {
			err := one(t.Context(), d, "SELECT 1 WHERE false")
			require.True(t, db.IsNotFound(err), err)
			return nil
		},
	} {
		end()
		require.NoError(t, read(), name)
	}
	end()
	err = one(t.Context(), d, "INSERT INTO n VALUES (1) RETURNING n")
	require.Error(t, err)
	require.True(t, db.IsUnavailable(err), err)
}

// TestReadsRepeatInGroups is TestReadsRepeat for reads that share a round trip.
func TestReadsRepeatInGroups(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	d := dbtest.OpenURL(t, url, oneGroup)
	rows := held(t, d)
	var results []chan error
	for n := range 5 {
		results = append(results, start(t, d, series(t, d, n)))
	}
	other, err := d.Query(t.Context(), "SELECT 1") // the second connection, which the group takes
	require.NoError(t, err)
	other.Close()
	endConnections(t, url)
	rows.Close()
	for n, result := range results {
		require.NoError(t, <-result, "the read of %d rows", n)
	}
}

// TestSchemaChanges changes the type of a column that prepared statements
// return, as a migration of a newer release may.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	d := dbtest.OpenURL(t, url, func(c *db.Config) { c.MaxConns = 3 })
	_, err := d.Exec(t.Context(), `CREATE TABLE n (n varchar(20))`)
	require.NoError(t, err)
	_, err = d.Exec(t.Context(), `INSERT INTO n VALUES ('1')`)
	require.NoError(t, err)
	const read, write = "SELECT n FROM n", "UPDATE n SET n = n RETURNING n"
	many := func() error {
		rows, err := d.Query(t.Context(), read)
		if err != nil {
			return err
		}
		_, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}
	row := func(c query.DBTX, sql string) error {
		var text string
		return c.QueryRow(t.Context(), sql).Scan(&text)
	}
	for i, statement := range []func() error{
		many,
		func() error { return row(d, read) },
		func() error { return row(d, write) },
		func() error { _, err := d.Exec(t.Context(), write); return err },
		func() error { return d.InTx(t.Context(), func(tx query.DBTX) error { return row(tx, write) }) },
		func() error {
			rows, err := d.Reads().Query(t.Context(), read)
			if err == nil {
				rows.Close()
			}
			return err
		},
	} {
		for _, sql := range []string{read, write} {
			fill(t, d, sql)
		}
		admin, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		_, err = admin.Exec(t.Context(), `ALTER TABLE n ALTER n TYPE `+[]string{"text", "varchar(20)"}[i%2])
		require.NoError(t, err)
		require.NoError(t, admin.Close(t.Context()))
		require.NoError(t, statement(), i)
	}
}
