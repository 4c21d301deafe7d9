package db

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrator applies the embedded migrations. It holds an advisory lock, so that
// replicas that start at the same time do not conflict. It sets lock_timeout,
// so that a migration that waits for a table does not block all requests behind
// it.
type Migrator struct {
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
	cc.RuntimeParams["lock_timeout"] = "5000"
	cc.RuntimeParams["statement_timeout"] = "0" // the role may have a limit for requests
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return nil, err
	}
	sqlDB := stdlib.OpenDB(*cc)
	provider, err := goose.NewProvider(goose.DialectPostgres, sqlDB, files, goose.WithSessionLocker(locker))
	if err != nil {
		_ = sqlDB.Close()
		return nil, fmt.Errorf("db: reading migrations: %w", err)
	}
	return &Migrator{db: sqlDB, provider: provider}, nil
}

// Close closes the connection.
func (m *Migrator) Close() error { return m.db.Close() }

// Up applies the pending migrations and returns a line for each.
func (m *Migrator) Up(ctx context.Context) ([]string, error) {
	results, err := m.provider.Up(ctx)
	var lines []string
	for _, r := range results {
		lines = append(lines, r.String())
	}
	return lines, err
}

// Down reverts the newest migration.
func (m *Migrator) Down(ctx context.Context) (string, error) {
	result, err := m.provider.Down(ctx)
	if err != nil {
		return "", err
	}
	return result.String(), nil
}

// Status returns a line for each migration: its state, and when it was applied.
func (m *Migrator) Status(ctx context.Context) ([]string, error) {
	all, err := m.provider.Status(ctx)
	if err != nil {
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
