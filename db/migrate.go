package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrator applies the embedded migrations. It holds an advisory lock, so that
// replicas that start at the same time do not conflict. A statement that waits
// for a table does not block all requests behind it; see lockingConn.
type Migrator struct {
	// Waiting, if set, is called when another process has held the advisory
	// lock for a second. That process is migrating, or hangs.
	Waiting func()
	// Blocked, if set, is called when a migration has waited for a lock for two
	// seconds, and every ten seconds after that.
	Blocked func(Block)

	db       *sql.DB
	provider *goose.Provider
}

// NewMigrator connects to the database at url. Close it after use.
func NewMigrator(url string) (*Migrator, error) {
	pc, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	cc := pc.ConnConfig
	cc.RuntimeParams["application_name"] = "byline migrate"
	cc.RuntimeParams["statement_timeout"] = "0" // the role may have a limit for requests
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	session, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return nil, err
	}
	m := &Migrator{db: sql.OpenDB(newLockingConnector(*cc))}
	m.provider, err = goose.NewProvider(goose.DialectPostgres, m.db, files, goose.WithSessionLocker(&locker{SessionLocker: session, m: m}))
	if err != nil {
		_ = m.db.Close()
		return nil, fmt.Errorf("db: reading migrations: %w", err)
	}
	return m, nil
}

// Close closes the connection.
func (m *Migrator) Close() error { return m.db.Close() }

// Up applies the pending migrations and returns a line for each.
func (m *Migrator) Up(ctx context.Context) ([]string, error) {
	return linesOf(m.provider.Up(ctx))
}

// UpTo applies the pending migrations up to a version and returns a line for
// each.
func (m *Migrator) UpTo(ctx context.Context, version int64) ([]string, error) {
	return linesOf(m.provider.UpTo(ctx, version))
}

// linesOf returns a line for each migration that was applied.
func linesOf(results []*goose.MigrationResult, err error) (lines []string, _ error) {
	for _, r := range results {
		lines = append(lines, r.String())
	}
	return lines, cause(err)
}

// cause returns an error that says all by itself without what goose puts before it.
func cause(err error) error {
	if errors.Is(err, ErrSharedSession) {
		return ErrSharedSession
	}
	return err
}

// Versions returns the version of the schema, or 0 if the database has none,
// and that of the newest migration in this build. The schema is newer if a newer
// release has migrated it.
func (m *Migrator) Versions(ctx context.Context) (schema, build int64, err error) {
	if build, err = LatestVersion(); err != nil {
		return 0, 0, err
	}
	var exists bool // the provider would create the table
	if err := m.db.QueryRowContext(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&exists); err != nil || !exists {
		return 0, build, err
	}
	return m.provider.GetVersions(ctx)
}

// Down reverts the newest migration.
func (m *Migrator) Down(ctx context.Context) (string, error) {
	result, err := m.provider.Down(ctx)
	if err != nil {
		return "", cause(err)
	}
	return result.String(), nil
}

// Status returns a line for each migration: its state, and when it was applied.
// It changes nothing, not even in an empty database.
func (m *Migrator) Status(ctx context.Context) ([]string, error) {
	schema, _, err := m.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var all []*goose.MigrationStatus
	if schema == 0 {
		for _, source := range m.provider.ListSources() {
			all = append(all, &goose.MigrationStatus{Source: source, State: goose.StatePending})
		}
	} else if all, err = m.provider.Status(ctx); err != nil {
		return nil, err
	}
	var lines []string
	for _, s := range all {
		at := "-"
		if !s.AppliedAt.IsZero() {
			at = s.AppliedAt.UTC().Format(time.RFC3339)
		}
		lines = append(lines, fmt.Sprintf("%-8s %-20s %s", s.State, at, s.Source.Path))
	}
	return lines, nil
}

// LatestVersion returns the version of the newest migration in this build.
func LatestVersion() (int64, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("db: no migrations: %w", err)
	}
	return goose.NumericComponent(names[len(names)-1])
}

// SchemaVersion returns the version of the newest migration that the database
// has, or 0 if it has none.
func (d *DB) SchemaVersion(ctx context.Context) (version int64, err error) {
	err = d.QueryRow(ctx, `SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	return version, err
}
