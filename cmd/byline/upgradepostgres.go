package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/embedded"
)

// upgradePostgresCommand moves the embedded database to a newer PostgreSQL.
func (p *program) upgradePostgresCommand() *cobra.Command {
	oldBin := ""
	cmd := &cobra.Command{
		Use:   "upgrade-postgres",
		Short: "Move the embedded database to the newest PostgreSQL",
		Long: "Move the embedded database to the newest major version of PostgreSQL that is installed or\n" +
			"that this release downloads. Stop the service first. The programs of the old version must\n" +
			"still be there, and there must be as much free space as the database takes. The data is\n" +
			"copied into a new cluster, compared with checksums, and the clusters are then exchanged.\n" +
			"The old one stays in the data folder until you delete it. If the command is killed, the\n" +
			"database is as before, and the command can be repeated.",
		Args: noArguments,
	}
	cmd.Flags().StringVar(&oldBin, "old-programs", "", "bin folder of the old PostgreSQL, if it is not where packages install it")
	cmd.RunE = p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
		if !cfg.embedded() {
			return fail(exitRefused, errors.New("DATABASE_URL names an external PostgreSQL, which byline does not upgrade: use its own programs, or byline backup and byline restore"))
		}
		return p.upgradePostgres(ctx, cfg, log, oldBin)
	})
	return cmd
}

func (p *program) upgradePostgres(ctx context.Context, cfg *config, log *slog.Logger, oldBin string) error {
	began := time.Now()
	var moved backup.Manifest
	up, err := embedded.Upgrade(ctx, embeddedConfig(cfg, log), oldBin, func(ctx context.Context, from, to string) (err error) {
		moved, err = p.move(ctx, from, to, log)
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
	_, err = fmt.Fprintf(p.stdout, "moved %s from PostgreSQL %s to %s in %s; all checksums are right\n"+
		"Start the service, check it, and then delete the old cluster: %s\n",
		contents(moved), up.From, up.To, time.Since(began).Round(time.Millisecond), up.Kept)
	return err
}

// move writes a backup of one database and restores it into another at the same
// time.
func (p *program) move(ctx context.Context, from, to string, log *slog.Logger) (backup.Manifest, error) {
	source, err := openForCopy(ctx, from)
	if err != nil {
		return backup.Manifest{}, err
	}
	defer source.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		_, err := backup.Write(ctx, source.Pool(), w, version, func(string, int64, int64) {})
		_ = w.CloseWithError(err)
		written <- err
	}()
	m, err := p.load(ctx, to, stream, log)
	_ = stream.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // the writer may still write
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		err = writeErr // the reader only found the stream incomplete
	}
	return m, err
}
