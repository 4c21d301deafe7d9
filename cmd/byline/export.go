package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/exporter"
)

// exportCommand writes all data of the site to a file or to standard output.
func (p *program) exportCommand() *cobra.Command {
	replace := false
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write the accounts, articles and comments of the site as NDJSON",
		Long: "Write the accounts, articles, comments, favorites and follows of the site to a file, one\n" +
			"JSON object on a line, as they are at one moment; - means standard output. The service\n" +
			"can run meanwhile. The file contains e-mail addresses and password hashes, so that only\n" +
			"its owner may read it. An export whose last line has not the type end is incomplete.\n" +
			"It is no backup: it has no revisions, sessions, keys and reports.",
		Example: "  byline export site.ndjson\n  byline export - | gzip > site.ndjson.gz",
		Args:    oneArgument,
	}
	cmd.Flags().BoolVar(&replace, "yes", false, "replace the file if it exists")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.with(func(ctx context.Context, settings *config, log *slog.Logger) error {
			return p.withDatabase(ctx, settings, log, mustExist, func(url string) error {
				if err := requireSchema(ctx, url, log); err != nil {
					return err
				}
				return p.export(ctx, url, args[0], replace)
			})
		})(cmd, args)
	}
	return cmd
}

// export writes the export and then says how many rows it has.
func (p *program) export(ctx context.Context, url, path string, replace bool) error {
	began := time.Now()
	database, err := db.Open(ctx, db.Config{URL: url, MaxConns: 1, AcquireTimeout: 10 * time.Second, QueryTimeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer database.Close()
	var counts []exporter.Count
	write := func(w io.Writer) (err error) {
		counts, err = exporter.Run(ctx, database.Pool(), output{w})
		return err
	}
	if path == "-" {
		if file, isFile := p.stdout.(*os.File); isFile && isatty.IsTerminal(file.Fd()) {
			return fail(exitUsage, errors.New("the export contains password hashes and is not written to a terminal: name a file, or redirect standard output"))
		}
		err = write(p.stdout)
	} else {
		err = storeFile(path, replace, func(f *os.File) error { return write(f) })
	}
	if err != nil {
		return err
	}
	parts := make([]string, len(counts))
	for i, c := range counts {
		parts[i] = fmt.Sprintf("%d %s", c.Rows, c.Name)
	}
	_, _ = fmt.Fprintf(p.stderr, "exported %s in %s\n", strings.Join(parts, ", "), time.Since(began).Round(time.Millisecond)) // standard output may be the export
	return nil
}

// storeFile writes a file that only its owner may read, under another name until
// it is complete. Without replace, it refuses a file that exists.
func storeFile(path string, replace bool, write func(*os.File) error) (err error) {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fail(exitRefused, fmt.Errorf("%s exists and is not a file: name another one", path))
	case !replace:
		return fail(exitRefused, fmt.Errorf("%s exists: name another file, or repeat the command with --yes to replace it", path))
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.incomplete") // with the mode 0600
	if err != nil {
		return fail(exitFailure, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fail(exitFailure, fmt.Errorf("store the file: %w", err))
	}
	if err := giveName(f.Name(), path, replace); err != nil {
		return err
	}
	return fail(exitFailure, syncFolder(filepath.Dir(path)))
}

// giveName gives a complete file its name.
func giveName(temp, path string, replace bool) error {
	if !replace {
		// Unlike a rename, a link fails if somebody has made the file meanwhile.
		err := os.Link(temp, path)
		switch {
		case err == nil:
			return fail(exitFailure, os.Remove(temp))
		case errors.Is(err, fs.ErrExist):
			return fail(exitRefused, fmt.Errorf("%s exists now: name another file, or repeat the command with --yes to replace it", path))
		}
		// It is a file system without links.
	}
	return fail(exitFailure, os.Rename(temp, path))
}

// syncFolder ensures that a new name in a folder survives a crash of the machine.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // which cannot
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// output is where a command writes its result. databaseError would take an error
// of it, such as that of a full disk, for one of the connection.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	return n, fail(exitFailure, err)
}
