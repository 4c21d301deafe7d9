package backup

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/db/bulk"
	"github.com/byline-api/byline/db/changes"
)

// Target is the database into which a backup is restored.
type Target struct {
	Pool *pgxpool.Pool
	// Newest is the newest migration that this build has.
	Newest int64
	// MigrateTo applies the migrations up to a version.
	MigrateTo func(ctx context.Context, version int64) error
}

// Restore loads a backup into an empty database, and returns its manifest. All
// rows are stored in one transaction, which ends only if the database then has
// what the manifest lists. So a backup that is damaged, and an end of this
// process or of PostgreSQL at any moment, leave empty tables, into which a backup
// can be restored.
//
// The schema is first that of the backup. When the rows are stored, the
// migrations that are newer than the backup follow.
func Restore(ctx context.Context, target Target, r io.Reader, told Progress) (_ Manifest, err error) {
	r, end := reading(ctx, r)
	a, header, err := newArchiveReader(r)
	if err != nil {
		end(&err)
		return Manifest{}, err
	}
	defer func() { end(&err); a.close() }()
	if header.Schema > target.Newest {
		return Manifest{}, refusef("the backup is of the newer release %s (its schema is %d, and this release has %d): restore it with that release", header.Byline, header.Schema, target.Newest)
	}
	if err := prepareSchema(ctx, target, header); err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := pgx.BeginFunc(ctx, target.Pool, func(tx pgx.Tx) (err error) {
		m, err = load(ctx, tx, a, header, told)
		return err
	}); err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", stopped(ctx, err))
	}
	if err := target.MigrateTo(ctx, target.Newest); err != nil {
		return Manifest{}, fmt.Errorf("the backup is restored, but a newer migration failed; byline migrate up repeats it: %w", err)
	}
	if err := analyze(ctx, target.Pool); err != nil {
		return Manifest{}, fmt.Errorf("the backup is restored, but not the statistics of the planner; run ANALYZE in the database, and do not repeat this command: %w", err)
	}
	return m, nil
}

// prepareSchema gives an empty database the schema of the backup.
func prepareSchema(ctx context.Context, target Target, header Manifest) error {
	var schema int64
	if err := pgx.BeginFunc(ctx, target.Pool, func(tx pgx.Tx) (err error) {
		if schema, err = schemaOf(ctx, tx); err != nil {
			return err
		}
		return requireEmpty(ctx, tx)
	}); err != nil {
		return err
	}
	switch {
	case schema > header.Schema:
		return refusef("the tables of the database have the schema %d, and the backup has the older one %d: restore it into a database without tables", schema, header.Schema)
	case schema < header.Schema:
		return target.MigrateTo(ctx, header.Schema)
	}
	return nil
}

func schemaOf(ctx context.Context, tx pgx.Tx) (schema int64, err error) {
	var exists bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&schema)
	return schema, err
}

// requireEmpty returns an error if a table of Byline has rows. A service that has
// once run on the database has stored its keys there.
func requireEmpty(ctx context.Context, tx pgx.Tx) error {
	tables, err := keptTables(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		var used bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+pgx.Identifier{t.Name}.Sanitize()+`)`).Scan(&used); err != nil {
			return err
		}
		if used {
			return refusef("the database is not empty: its table %s has rows. A backup is restored only into an empty database: create a new one and name it "+
				"in DATABASE_URL, or set BYLINE_DATA_DIR to a new folder. A service that has once run on a database has stored its keys there", t.Name)
		}
	}
	return nil
}

// load stores the rows of a backup, and compares what is then in the database
// with the manifest.
func load(ctx context.Context, tx pgx.Tx, a *archiveReader, header Manifest, told Progress) (Manifest, error) {
	rebuild, err := open(ctx, tx, header)
	if err != nil {
		return Manifest{}, err
	}
	var read []Sums
	for _, t := range header.Tables {
		rows := &tableReader{archive: a, table: t.Name, told: told, sums: newSummer()}
		_, err := tx.Conn().PgConn().CopyFrom(ctx, rows, copyIn(t))
		if failed := rows.failed.Load(); failed != nil {
			err = *failed // the server only repeats it
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("table %s: %w", t.Name, err)
		}
		read = append(read, rows.sums.sums())
	}
	m, err := a.manifest()
	if err != nil {
		return m, err
	}
	if err := compare(header, m, read); err != nil {
		return m, err
	}
	if err := matches(ctx, tx, m, told); err != nil {
		return m, err
	}
	return m, rebuild(m)
}

// open locks the tables, and takes away for the time of the load what would check
// or change each row. It returns the function that puts it back. Only the owner
// of the tables can do this, who need not be a superuser.
func open(ctx context.Context, tx pgx.Tx, header Manifest) (rebuild func(Manifest) error, err error) {
	if err := prepare(ctx, tx); err != nil {
		return nil, err
	}
	all, err := tablesOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(name string) bool {
		return name == "goose_db_version" || left[name] == "" && !slices.Contains(kept, name)
	})
	list := strings.Join(all, ", ")
	if err := execute(ctx, tx, `LOCK TABLE `+list+` IN ACCESS EXCLUSIVE MODE`); err != nil {
		return nil, err
	}
	if err := requireEmpty(ctx, tx); err != nil { // a service may have started meanwhile
		return nil, err
	}
	have, err := keptTables(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := addColumns(ctx, tx, header.Tables, have); err != nil {
		return nil, err
	}
	dropped, err := bulk.Drop(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	if err := triggers(ctx, tx, all, "DISABLE"); err != nil {
		return nil, err
	}
	// Rows can be stored as frozen only after it.
	if err := execute(ctx, tx, `TRUNCATE `+list); err != nil {
		return nil, err
	}
	return func(m Manifest) error { return finish(ctx, tx, m, all, dropped) }, nil
}

// finish makes the indexes and foreign keys again, which checks all rows.
func finish(ctx context.Context, tx pgx.Tx, m Manifest, all []string, dropped []bulk.Rebuild) error {
	if err := bulk.Recreate(ctx, tx, all, dropped); err != nil {
		return err
	}
	if err := triggers(ctx, tx, all, "ENABLE"); err != nil {
		return err
	}
	// The indexes that an import has dropped exist here.
	if slices.Contains(all, "imports") {
		if err := execute(ctx, tx, `UPDATE imports SET state = state - 'dropped' WHERE state ? 'dropped'`); err != nil {
			return err
		}
	}
	if err := changes.Write(ctx, tx, changes.Everything); err != nil {
		return fmt.Errorf("note the change of everything: %w", err)
	}
	// This comes last because a rollback does not undo it.
	for _, s := range m.Sequences {
		if _, err := tx.Exec(ctx, `SELECT setval(quote_ident($1)::regclass, $2)`, s.Name, s.Last); err != nil {
			return fmt.Errorf("set the sequence %s: %w", s.Name, err)
		}
	}
	return nil
}

// triggers switches those of the tables that are not of foreign keys.
func triggers(ctx context.Context, tx pgx.Tx, tables []string, state string) error {
	for _, name := range tables {
		if err := execute(ctx, tx, `ALTER TABLE `+name+` `+state+` TRIGGER USER`); err != nil {
			return err
		}
	}
	return nil
}

// matches reads all rows back from the database, and returns an error unless they
// are those of the manifest.
func matches(ctx context.Context, tx pgx.Tx, m Manifest, told Progress) error {
	for _, t := range m.Tables {
		s := newSummer()
		if _, err := tx.Conn().PgConn().CopyTo(ctx, s, copyOut(t)); err != nil {
			return fmt.Errorf("read the table %s back: %w", t.Name, err)
		}
		if got := s.sums(); got.Rows != t.Rows || got.RowSum != t.RowSum {
			return fmt.Errorf("the table %s has %d rows with the sum %s in the database, and %d with %s in the manifest", t.Name, got.Rows, got.RowSum, t.Rows, t.RowSum)
		}
		told(t.Name+" read back", s.rows, s.bytes)
	}
	return nil
}

// analyze gives the planner its statistics of the new rows.
func analyze(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := prepare(ctx, tx); err != nil {
			return err
		}
		tables, err := keptTables(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if err := execute(ctx, tx, `ANALYZE `+t.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

func execute(ctx context.Context, tx pgx.Tx, statement string) error {
	if _, err := tx.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
