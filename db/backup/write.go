package backup

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3/lock"
)

// Write writes a backup of the database, as it is at one moment, and returns
// what it has written. version is that of this build.
//
// A migration may run before or after the backup but not meanwhile: the locks on
// the tables keep it from that. The snapshot is taken under the lock of the
// migrations, so that none ends between the snapshot and the locks.
func Write(ctx context.Context, pool *pgxpool.Pool, w io.Writer, version string, told Progress) (m Manifest, err error) {
	m = Manifest{Format: format, Byline: version}
	w, end := writing(ctx, w)
	err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) (err error) {
		defer func() {
			if err != nil {
				_ = c.Conn().Close(ctx) // with the lock of the migrations
			}
		}()
		if err := excludeMigrations(ctx, c); err != nil {
			return err
		}
		options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
		return pgx.BeginTxFunc(ctx, c, options, func(tx pgx.Tx) error {
			if err := prepare(ctx, tx); err != nil {
				return err
			}
			if err := describe(ctx, tx, &m); err != nil {
				return err
			}
			return write(ctx, tx, w, &m, told)
		})
	})
	if endErr := end(); err == nil {
		err = endErr
	}
	err = stopped(ctx, err)
	if err != nil {
		return Manifest{}, fmt.Errorf("backup: %w", err)
	}
	return m, nil
}

// excludeMigrations takes the lock of the migrations for this connection.
func excludeMigrations(ctx context.Context, c *pgxpool.Conn) error {
	var quiet bool
	if err := c.QueryRow(ctx, `SELECT pg_try_advisory_lock_shared($1)`, lock.DefaultLockID).Scan(&quiet); err != nil {
		return fmt.Errorf("look for a migration: %w", err)
	}
	if !quiet {
		return refusef("a migration of the database is running: repeat the command when it has ended")
	}
	return nil
}

// describe reads what the header of a backup has, and exchanges the lock of the
// migrations for locks on the tables.
func describe(ctx context.Context, tx pgx.Tx, m *Manifest) (err error) {
	if m.Tables, err = keptTables(ctx, tx); err != nil {
		return err
	}
	if len(m.Tables) == 0 {
		return refusef("the database has no tables of Byline")
	}
	names := make([]string, len(m.Tables))
	for i, t := range m.Tables {
		names[i] = pgx.Identifier{t.Name}.Sanitize()
	}
	if _, err := tx.Exec(ctx, `LOCK TABLE `+strings.Join(names, ", ")+` IN ACCESS SHARE MODE`); err != nil {
		return fmt.Errorf("lock the tables against migrations: %w", err)
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_unlock_shared($1)`, lock.DefaultLockID); err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `SELECT max(version_id), current_setting('server_version'), now() FROM goose_db_version WHERE is_applied`).
		Scan(&m.Schema, &m.Postgres, &m.Time)
	if err != nil {
		return err
	}
	m.Time = m.Time.UTC()
	_, err = sequences(ctx, tx) // they are read at the end; that they cannot be is said now
	return err
}

// write writes the archive, and completes the manifest.
func write(ctx context.Context, tx pgx.Tx, w io.Writer, m *Manifest, told Progress) error {
	a, err := newArchiveWriter(w, m.Time)
	if err != nil {
		return err
	}
	if err := a.json(headerName, *m); err != nil {
		a.abandon()
		return err
	}
	for i := range m.Tables {
		t := &m.Tables[i]
		rows := &tableWriter{archive: a, table: t.Name, told: told, sums: newSummer()}
		if _, err = tx.Conn().PgConn().CopyTo(ctx, rows, copyOut(*t)); err == nil {
			err = rows.flush()
		}
		if err != nil {
			a.abandon()
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		t.Sums = rows.sums.sums()
	}
	// A sequence is not part of the snapshot. Read at the end, its value is
	// behind all ids in the tables.
	if m.Sequences, err = sequences(ctx, tx); err == nil {
		err = a.json(manifestName, *m)
	}
	if err != nil {
		a.abandon()
		return err
	}
	return a.close()
}
