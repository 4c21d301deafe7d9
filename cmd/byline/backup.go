package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/backup"
)

// backupCommand writes the whole database to a file or to standard output.
func (p *program) backupCommand() *cobra.Command {
	replace, verify := false, false
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a backup of the database",
		Long: "Write the whole database to a file, as it is at one moment; - means standard output. The\n" +
			"service can run meanwhile. The file is read again and compared with its checksums before\n" +
			"it gets its name. It contains the signing keys and password hashes, so that only its owner\n" +
			"may read it. byline restore makes a database from it, with any version of PostgreSQL.",
		Example: "  byline backup site.byline\n  byline backup --verify site.byline\n  byline backup - | ssh backup@example.com 'umask 077; cat > site.byline.new'",
		Args:    oneArgument,
	}
	cmd.Flags().BoolVar(&replace, "yes", false, "replace the file if it exists")
	cmd.Flags().BoolVar(&verify, "verify", false, "write nothing, and compare an existing backup with its checksums")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if verify {
			return p.verifyBackup(cmd.Context(), args[0])
		}
		return p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
			return p.withDatabase(ctx, cfg, log, mustExist, func(url string) error {
				if err := requireSameSchema(ctx, url, log); err != nil {
					return err
				}
				return p.backup(ctx, url, args[0], replace)
			})
		})(cmd, args)
	}
	return cmd
}

// requireSameSchema returns an error unless the schema is that of this release,
// which knows all its tables then.
func requireSameSchema(ctx context.Context, url string, log *slog.Logger) error {
	if err := requireSchema(ctx, url, log); err != nil {
		return err
	}
	m, err := db.NewMigrator(url)
	if err != nil {
		return err
	}
	defer m.Close()
	schema, build, err := m.Versions(ctx)
	if err == nil && schema > build {
		err = fail(exitRefused, fmt.Errorf("the schema of the database is of a newer release (%d, not %d): use the command of that release", schema, build))
	}
	return err
}

// openForCopy opens a database for statements whose time nothing limits.
func openForCopy(ctx context.Context, url string) (*db.DB, error) {
	return db.Open(ctx, db.Config{URL: url, MaxConns: 1, AcquireTimeout: 10 * time.Second, QueryTimeout: 24 * time.Hour})
}

// backup writes a backup and then says what it contains.
func (p *program) backup(ctx context.Context, url, path string, replace bool) error {
	began := time.Now()
	database, err := openForCopy(ctx, url)
	if err != nil {
		return err
	}
	defer database.Close()
	var m backup.Manifest
	write := func(w io.Writer) (err error) {
		m, err = backup.Write(ctx, database.Pool(), output{w}, version, p.progress("writing"))
		return backupError(err)
	}
	verified := ""
	if path == "-" {
		if file, isFile := p.stdout.(*os.File); isFile && isatty.IsTerminal(file.Fd()) {
			return fail(exitUsage, errors.New("the backup is not text and contains secrets, and is not written to a terminal: name a file, or redirect standard output"))
		}
		err = write(p.stdout)
	} else {
		verified = ", verified"
		err = storeFile(path, replace, func(f *os.File) error {
			if err := write(f); err != nil {
				return err
			}
			return p.readAgain(ctx, f, m)
		})
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.stderr, "backed up %s in %s%s\n", contents(m), time.Since(began).Round(time.Millisecond), verified) // standard output may be the backup
	return nil
}

// readAgain reads a backup that has just been written, from the disk where that
// is possible.
func (p *program) readAgain(ctx context.Context, f *os.File, written backup.Manifest) error {
	_, err := f.Seek(0, io.SeekStart)
	if err = errors.Join(err, f.Sync()); err != nil {
		return fail(exitFailure, fmt.Errorf("store the file: %w", err))
	}
	forgetPages(f)
	read, err := backup.Verify(ctx, f, p.progress("verifying"))
	if err == nil && contents(read) != contents(written) {
		err = fmt.Errorf("it has %s instead of %s", contents(read), contents(written))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("the file is not what was written, so that it was deleted; look whether the disk is damaged: %w", err)
	}
	return nil
}

func (p *program) verifyBackup(ctx context.Context, path string) error {
	f, err := openBackup(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := backup.Verify(ctx, f, p.progress("verifying"))
	if err != nil {
		return backupError(err)
	}
	_, err = fmt.Fprintf(p.stdout, "verified %s, written on %s by byline %s from PostgreSQL %s with the schema %d\n",
		contents(m), m.Time.Format(time.RFC3339), m.Byline, m.Postgres, m.Schema)
	return err
}

// openBackup opens a file for reading; - means standard input.
func openBackup(path string) (*os.File, error) {
	if path == "-" {
		return os.Stdin, nil
	}
	f, err := os.Open(path)
	return f, fail(exitUsage, err)
}

// contents says how much a backup contains.
func contents(m backup.Manifest) string {
	return fmt.Sprintf("%d rows of %d tables (%.1f MB before compression)", m.Rows(), len(m.Tables), float64(m.Bytes())/(1<<20))
}

// backupError gives a refusal its exit code.
func backupError(err error) error {
	if errors.Is(err, backup.ErrRefused) {
		return fail(exitRefused, err)
	}
	return err
}

// progress returns a function that shows on a terminal how far a backup is.
func (p *program) progress(what string) backup.Progress {
	if !p.onTerminal() {
		return func(string, int64, int64) {}
	}
	var last time.Time
	return func(table string, rows, bytes int64) {
		if time.Since(last) < 200*time.Millisecond {
			return
		}
		last = time.Now()
		_, _ = fmt.Fprintf(p.stderr, "\r%-78.78s\r", fmt.Sprintf("%s %s: %d rows, %d MB", what, table, rows, bytes>>20))
	}
}
