package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/embedded"
	"github.com/byline-api/byline/db/seed"
)

// withDatabase runs a command on the configured database. If that is the
// embedded PostgreSQL, it uses the one of a running service, or starts one for
// the command.
func withDatabase(ctx context.Context, cfg *config, log *slog.Logger, command func(url string) error) (err error) {
	url, stop, err := startDatabase(ctx, cfg, log)
	if errors.Is(err, embedded.ErrInUse) {
		if url, err = runningURL(ctx, cfg, log); err != nil {
			return err
		}
		return command(url)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return command(url)
}

// runningURL returns the URL of the embedded PostgreSQL of a service that is
// running or starting.
func runningURL(ctx context.Context, cfg *config, log *slog.Logger) (url string, err error) {
	for deadline := time.Now().Add(reachTimeout); ; {
		url, err = embedded.RunningURL(embeddedConfig(cfg, log))
		if err == nil || time.Now().After(deadline) {
			return url, err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (p *program) migrateCommand() *cobra.Command {
	migrate := &cobra.Command{Use: "migrate", Short: "Manage the database schema (serve applies pending migrations itself)"}
	add := func(use, short string, do func(context.Context, *db.Migrator) ([]string, error)) *cobra.Command {
		cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
			RunE: p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
				return withDatabase(ctx, cfg, log, func(url string) error {
					m, err := newMigrator(url, log)
					if err != nil {
						return err
					}
					defer m.Close()
					lines, err := do(ctx, m)
					if err != nil {
						return withRemedy(err)
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
	add("up", "Apply the pending migrations", func(ctx context.Context, m *db.Migrator) ([]string, error) { return m.Up(ctx) })
	sure := false
	down := add("down", "Roll back the newest migration and delete its data", func(ctx context.Context, m *db.Migrator) ([]string, error) {
		if !sure {
			return nil, errors.New("this deletes the data of the newest migration; repeat the command with --yes, and keep a backup")
		}
		line, err := m.Down(ctx)
		return []string{line}, err
	})
	down.Flags().BoolVar(&sure, "yes", false, "delete the data of the newest migration")
	add("status", "List the migrations and their state", func(ctx context.Context, m *db.Migrator) ([]string, error) { return m.Status(ctx) })
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

// withRemedy adds to an error of the database what the operator has to change.
func withRemedy(err error) error {
	if remedy := db.Remedy(err); remedy != "" {
		return fmt.Errorf("%w\n%s", err, remedy)
	}
	return err
}

// inspectDatabase logs what the configuration of the database makes worse.
func inspectDatabase(ctx context.Context, database *db.DB, log *slog.Logger) error {
	folds, err := database.FoldsCase(ctx)
	if err != nil {
		return fmt.Errorf("inspecting the database: %w", err)
	}
	if !folds {
		log.Warn("the locale of the database knows only the letters of ASCII: usernames and addresses that differ in the case of other letters, " +
			"such as Zoë and ZOË, can both be registered. Create the database with LC_CTYPE C.UTF-8 or a locale of a language")
	}
	lost, err := database.LostSettings(ctx)
	if err != nil {
		return fmt.Errorf("inspecting the settings of connections: %w", err)
	}
	if len(lost) > 0 {
		log.Warn("connections do not have the settings that the service asks for, so that queries can be slow or have no time limit: "+
			"set them for the role, as docs/deploying.md says for PgBouncer", "settings", strings.Join(lost, " "))
	}
	return nil
}

// seedPassword is the password of every seeded account.
const seedPassword = "byline-demo"

func (p *program) seedCommand() *cobra.Command {
	cfg, sure := seed.Small, false
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Fill the database with sample data",
		Long: "Add users, articles in Markdown, comments, favourites and follows. The command can run\n" +
			"while the service is running. Sign in as demo@example.com; every account has the\n" +
			"password " + seedPassword + ".",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Users, "users", cfg.Users, "number of accounts")
	f.IntVar(&cfg.Articles, "articles", cfg.Articles, "number of articles")
	f.IntVar(&cfg.Comments, "comments", cfg.Comments, "number of comments")
	f.IntVar(&cfg.Favorites, "favorites", cfg.Favorites, "number of favourites")
	f.IntVar(&cfg.Follows, "follows", cfg.Follows, "number of follows")
	f.IntVar(&cfg.Tags, "tags", cfg.Tags, "number of different tags")
	f.IntVar(&cfg.TagsPerArticle, "tags-per-article", cfg.TagsPerArticle, "number of tags of each article")
	f.IntVar(&cfg.BodyBytes, "body-bytes", cfg.BodyBytes, "size of the body of each article in bytes; 0 for varying sizes")
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "seed of the random generator; the same seed gives the same data")
	f.BoolVar(&sure, "yes", false, "add the data to a database that has articles or users")
	cmd.RunE = p.with(func(ctx context.Context, settings *config, log *slog.Logger) error {
		passwords, err := auth.NewPasswords(auth.Params, 1)
		if err != nil {
			return err
		}
		if cfg.PasswordHash, err = passwords.Hash(ctx, seedPassword); err != nil {
			return err
		}
		cfg.Until, cfg.Progress = time.Now(), p.stderr
		if err := cfg.Validate(); err != nil {
			return err
		}
		return withDatabase(ctx, settings, log, func(url string) error {
			if err := migrateUp(ctx, url, log); err != nil {
				return err
			}
			// COPY of a large data set takes longer than a statement of a
			// request may.
			database, err := db.Open(ctx, db.Config{URL: url, MaxConns: 2, AcquireTimeout: 10 * time.Second, QueryTimeout: 6 * time.Hour})
			if err != nil {
				return err
			}
			defer database.Close()
			var used bool
			if err := database.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM articles)`).Scan(&used); err != nil {
				return err
			}
			if used && !sure {
				return errors.New("the database is not empty; repeat the command with --yes to add sample accounts with a public password to it")
			}
			summary, err := seed.Run(ctx, database.Pool(), cfg)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "added %d users, %d articles, %d comments, %d favourites and %d follows in %s\nsign in as %s with the password %s\n",
				summary.Users, summary.Articles, summary.Comments, summary.Favorites, summary.Follows,
				summary.Elapsed.Round(time.Millisecond), summary.Email, seedPassword)
			return err
		})
	})
	return cmd
}
