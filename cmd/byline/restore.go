package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/embedded"
)

// restoreCommand makes a database from a backup.
func (p *program) restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Restore a backup into an empty database",
		Long: "Load a backup that byline backup has written into an empty database; - means standard\n" +
			"input. The database is the configured one: that of DATABASE_URL, or the embedded one in\n" +
			"BYLINE_DATA_DIR, which is created if there is none. The service must not run on it. All\n" +
			"rows are compared with the checksums of the backup. If the command fails or is killed\n" +
			"before all rows are stored, the tables are empty, and it can be repeated. Then it applies\n" +
			"newer migrations and updates the statistics; if that fails, it says how to do it later.",
		Example: "  byline restore site.byline\n  BYLINE_DATA_DIR=/srv/restored byline restore site.byline",
		Args:    oneArgument,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
			return p.restore(ctx, cfg, log, args[0])
		})(cmd, args)
	}
	return cmd
}

// restore reads a file twice, so that one that is damaged changes nothing.
func (p *program) restore(ctx context.Context, cfg *config, log *slog.Logger, path string) (err error) {
	began := time.Now()
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && path != "-" {
		return fail(exitUsage, fmt.Errorf("%s is not a file that can be read twice: give the backup to standard input, as in byline restore - < %[1]s", path))
	}
	file, err := openBackup(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if path != "-" {
		if _, err := backup.Verify(ctx, file, p.progress("verifying")); err != nil {
			return backupError(err)
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	target, err := startDatabase(ctx, cfg, log, mayCreate)
	if errors.Is(err, embedded.ErrInUse) {
		return fail(exitRefused, fmt.Errorf("a backup is not restored into a database that a service uses: %w", err))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.stop(writeTimeout)) }()
	_, _ = fmt.Fprintln(p.stderr, "byline: using", target.place)
	m, err := p.load(ctx, target.url, file, log)
	if err != nil {
		return err
	}
	at := m.Time.Format(time.RFC3339)
	_, err = fmt.Fprintf(p.stdout, "restored %s of the backup of %s in %s; all checksums are right\n"+
		"What was revoked or deleted after %[2]s is there again: sessions, API keys, signing keys, accounts.\n"+
		"Revoke or delete it once more after the start of the service: docs/backup.md says how in After a restore.\n",
		contents(m), at, time.Since(began).Round(time.Millisecond))
	return err
}

// load restores a stream into the database at url.
func (p *program) load(ctx context.Context, url string, r io.Reader, log *slog.Logger) (backup.Manifest, error) {
	target, end, err := openTarget(ctx, url, log)
	if err != nil {
		return backup.Manifest{}, err
	}
	defer end()
	m, err := backup.Restore(ctx, target, r, p.progress("restoring"))
	return m, databaseError(backupError(err))
}

// openTarget opens a database for a restore. The caller must call end.
func openTarget(ctx context.Context, url string, log *slog.Logger) (_ backup.Target, end func(), err error) {
	newest, err := db.LatestVersion()
	if err != nil {
		return backup.Target{}, nil, err
	}
	migrator, err := newMigrator(url, log)
	if err != nil {
		return backup.Target{}, nil, err
	}
	database, err := openForCopy(ctx, url)
	if err != nil {
		return backup.Target{}, nil, errors.Join(err, migrator.Close())
	}
	end = func() { database.Close(); _ = migrator.Close() }
	if err := onceReachable(ctx, log, func() error { return database.Ping(ctx) }); err != nil {
		end()
		return backup.Target{}, nil, err
	}
	return backup.Target{Pool: database.Pool(), Newest: newest, MigrateTo: func(ctx context.Context, version int64) error {
		_, err := migrator.UpTo(ctx, version)
		return err
	}}, end, nil
}
