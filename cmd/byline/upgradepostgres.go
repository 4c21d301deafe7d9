package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/embedded"
)

// upgradePostgresCommand moves the embedded database to a newer PostgreSQL.
func (p *program) upgradePostgresCommand() *cobra.Command {
	oldBin, leave := "", false
	cmd := &cobra.Command{
		Use:   "upgrade-postgres",
		Short: "Move the embedded database to the newest PostgreSQL",
		Long: "Move the embedded database to the newest major version of PostgreSQL that is installed or\n" +
			"that this release downloads. Stop the service first. The programs of the old version must\n" +
			"still be there, and there must be as much free space as the database takes. The data is\n" +
			"copied into a new cluster, compared with checksums, and the clusters are then exchanged.\n" +
			"The old one stays in the data folder until you delete it. If the command is killed, the\n" +
			"service finds the old database, or the new one if all data was copied. Repeat the\n" +
			"command: it says if there is nothing left to do.\n\n" +
			"Only what is Byline's is moved. If the cluster has more, such as other databases, tables,\n" +
			"indexes, roles or settings, the command lists it, and changes nothing without --yes.",
		Args: noArguments,
	}
	cmd.Flags().BoolVar(&leave, "yes", false, "leave what is not Byline's in the old cluster")
	cmd.Flags().StringVar(&oldBin, "old-programs", "", "bin folder of the old PostgreSQL, if it is not where packages install it")
	cmd.RunE = p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
		if !cfg.embedded() {
			return fail(exitRefused, errors.New("DATABASE_URL names an external PostgreSQL, which byline does not upgrade: use its own programs, or byline backup and byline restore"))
		}
		return p.upgradePostgres(ctx, cfg, log, oldBin, leave)
	})
	return cmd
}

func (p *program) upgradePostgres(ctx context.Context, cfg *config, log *slog.Logger, oldBin string, leave bool) error {
	began := time.Now()
	var moved backup.Manifest
	var extras []string
	up, err := embedded.Upgrade(ctx, embeddedConfig(cfg, log), oldBin, func(ctx context.Context, from, to string) (err error) {
		moved, extras, err = p.move(ctx, from, to, log, leave)
		return err
	})
	switch {
	case errors.Is(err, embedded.ErrNoCluster):
		return fail(exitNoDatabase, err)
	case errors.Is(err, embedded.ErrNewest), errors.Is(err, embedded.ErrInUse):
		return fail(exitRefused, err)
	case err != nil:
		return err
	}
	if len(extras) > 0 {
		_, _ = fmt.Fprintf(p.stdout, "Only the old cluster has:\n%s", lines(extras))
	}
	_, err = fmt.Fprintf(p.stdout, "moved %s from PostgreSQL %s to %s in %s; all checksums are right\n"+
		"Start the service, check it, and then delete the old cluster: %s\n",
		contents(moved), up.From, up.To, time.Since(began).Round(time.Millisecond), up.Kept)
	return err
}

// move writes a backup of one database and restores it into another at the same
// time. It returns what a backup does not contain too; unless leave is set, that
// is an error.
func (p *program) move(ctx context.Context, from, to string, log *slog.Logger, leave bool) (m backup.Manifest, extras []string, err error) {
	source, err := openForCopy(ctx, from)
	if err != nil {
		return m, nil, err
	}
	defer source.Close()
	target, end, err := openTarget(ctx, to, log)
	if err != nil {
		return m, nil, err
	}
	defer end()
	if extras, err = backup.Extras(ctx, source.Pool(), target); err != nil {
		return m, nil, databaseError(err)
	}
	if len(extras) > 0 && !leave {
		return m, nil, fail(exitRefused, fmt.Errorf("the cluster has what is not Byline's, and what this command does not move:\n%s"+
			"To leave it in the old cluster, from which you can copy it later, repeat the command with --yes", lines(extras)))
	}
	m, err = p.stream(ctx, source.Pool(), target)
	return m, extras, err
}

// lines returns the names of a list, one on a line.
func lines(names []string) string {
	const most = 50
	text := ""
	for _, name := range names[:min(len(names), most)] {
		text += "  " + name + "\n"
	}
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf("  and %d more\n", more)
	}
	return text
}

// stream gives what a backup writes to a restore.
func (p *program) stream(ctx context.Context, source *pgxpool.Pool, target backup.Target) (backup.Manifest, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		_, err := backup.Write(ctx, source, w, version, func(string, int64, int64) {})
		_ = w.CloseWithError(err)
		written <- err
	}()
	m, err := backup.Restore(ctx, target, r, p.progress("restoring"))
	_ = r.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // the writer may still write
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		err = writeErr // the reader only found the stream incomplete
	}
	return m, databaseError(backupError(err))
}
