package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db"
)

func (p *program) migrateCommand() *cobra.Command {
	migrate := &cobra.Command{Use: "migrate", Short: "Manage the database schema (serve applies pending migrations itself)"}
	add := func(use, short string, create existence, do func(context.Context, *db.Migrator) ([]string, error)) *cobra.Command {
		cmd := &cobra.Command{Use: use, Short: short, Args: noArguments,
			RunE: p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
				return p.withDatabase(ctx, cfg, log, create, func(url string) error {
					m, err := newMigrator(url, log)
					if err != nil {
						return err
					}
					defer m.Close()
					lines, err := do(ctx, m)
					if err != nil {
						return err
					}
					if len(lines) == 0 {
						lines = []string{"nothing to do"}
					}
					_, err = fmt.Fprintln(p.stdout, strings.Join(lines, "\n"))
					return err
				})
			})}
		migrate.AddCommand(cmd)
		return cmd
	}
	add("up", "Apply the pending migrations", mayCreate, func(ctx context.Context, m *db.Migrator) ([]string, error) { return m.Up(ctx) })
	sure := false
	down := add("down", "Roll back the newest migration and delete its data", mustExist, func(ctx context.Context, m *db.Migrator) ([]string, error) {
		if !sure {
			return nil, fail(exitRefused, errors.New("this deletes the data of the newest migration; repeat the command with --yes, and keep a backup"))
		}
		if schema, _, err := m.Versions(ctx); err != nil || schema == 0 {
			return nil, cmp.Or(err, errNoTables)
		}
		line, err := m.Down(ctx)
		return []string{line}, err
	})
	down.Flags().BoolVar(&sure, "yes", false, "delete the data of the newest migration")
	add("status", "List the migrations and their state", mustExist, func(ctx context.Context, m *db.Migrator) ([]string, error) { return m.Status(ctx) })
	return migrate
}

// newMigrator returns a Migrator that logs what it waits for.
func newMigrator(url string, log *slog.Logger) (*db.Migrator, error) {
	m, err := db.NewMigrator(url)
	if err != nil {
		return nil, err
	}
	m.Waiting = func() { log.Warn("waiting for another process that is migrating the database") }
	m.Blocked = func(b db.Block) {
		log.Warn("the migration waits for the transaction of another session", "statement", b.Statement, "blockedBy", b.By)
	}
	return m, nil
}

func migrateUp(ctx context.Context, url string, log *slog.Logger) error {
	m, err := newMigrator(url, log)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := onceReachable(ctx, log, func() error {
		applied, err := m.Up(ctx)
		for _, line := range applied {
			log.Info("migrated", "migration", line)
		}
		return err
	}); err != nil {
		return err
	}
	schema, build, err := m.Versions(ctx)
	if err == nil {
		warnOfNewerSchema(schema, build, log)
	}
	return err
}

// warnOfNewerSchema logs that a newer release has migrated the database. This
// release still works on it, as it does while replicas are upgraded one by one.
func warnOfNewerSchema(schema, build int64, log *slog.Logger) {
	if schema > build {
		log.Warn("the schema is newer than this release; upgrade it when all replicas are to be of the same release", "schema", schema, "release", build)
	}
}

// requireSchema returns an error unless this release can work on the database
// as it is.
func requireSchema(ctx context.Context, url string, log *slog.Logger) error {
	m, err := db.NewMigrator(url)
	if err != nil {
		return err
	}
	defer m.Close()
	return onceReachable(ctx, log, func() error {
		schema, build, err := m.Versions(ctx)
		switch {
		case err != nil:
			return err
		case schema == 0:
			return errNoTables
		case schema < build:
			return fail(exitRefused, fmt.Errorf("the schema of the database is of an older release (%d, not %d): "+
				"use the command of that release, or apply the pending migrations with byline migrate up", schema, build))
		}
		warnOfNewerSchema(schema, build, log)
		return nil
	})
}

var errNoTables = fail(exitNoDatabase, errors.New("the database has no tables of Byline: "+
	"if it is the right one, start byline serve or run byline migrate up first, else set DATABASE_URL or BYLINE_DATA_DIR"))
