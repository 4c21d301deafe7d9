package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/seed"
)

// seedPassword is the password of every seeded account.
const seedPassword = "byline-demo"

func (p *program) seedCommand() *cobra.Command {
	cfg, sure := seed.Small, false
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Fill the database with sample data",
		Long: "Add users, articles in Markdown, comments, favorites and follows, and what a newsroom\n" +
			"works with: editors, drafts, scheduled articles, revisions, series, threads and reports.\n" +
			"The command can run while the service is running. Sign in as demo@example.com, or as\n" +
			"editor@example.com, an editor; every account has the password " + seedPassword + ".",
		Args: noArguments,
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Users, "users", cfg.Users, "number of accounts")
	f.IntVar(&cfg.Articles, "articles", cfg.Articles, "number of articles")
	f.IntVar(&cfg.Comments, "comments", cfg.Comments, "number of comments")
	f.IntVar(&cfg.Favorites, "favorites", cfg.Favorites, "number of favorites")
	f.IntVar(&cfg.Follows, "follows", cfg.Follows, "number of follows")
	f.IntVar(&cfg.Tags, "tags", cfg.Tags, "number of different tags")
	f.IntVar(&cfg.Drafts, "drafts", cfg.Drafts, "number of drafts of the authors who wrote last, beside those of the newsroom; one in 25 has older revisions")
	f.IntVar(&cfg.Replies, "replies", cfg.Replies, "number of comments in threads of 25 below the newest articles, beside those of --comments")
	f.IntVar(&cfg.TagsPerArticle, "tags-per-article", cfg.TagsPerArticle, "number of tags of each article")
	f.IntVar(&cfg.BodyBytes, "body-bytes", cfg.BodyBytes, "size of the body of each article in bytes; 0 for varying sizes")
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "seed of the random generator; the same seed gives the same data")
	f.BoolVar(&cfg.Newsroom, "newsroom", cfg.Newsroom, "add a newsroom, if there are 20 users and 50 articles or more")
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
		cfg.Schedule = func(ctx context.Context, tx pgx.Tx, articleID int64, at time.Time) error {
			return publish.Schedule(ctx, tx, articleID, &at)
		}
		if err := cfg.Validate(); err != nil {
			return fail(exitUsage, err)
		}
		return p.withDatabase(ctx, settings, log, mayCreate, func(url string) error {
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
				return fail(exitRefused, errors.New("the database is not empty; repeat the command with --yes to add sample accounts with a public password to it"))
			}
			summary, err := seed.Run(ctx, database.Pool(), cfg)
			if err != nil {
				return err
			}
			return printSeeded(p.stdout, summary)
		})
	})
	return cmd
}

// printSeeded says what was added, and how to sign in.
func printSeeded(w io.Writer, s seed.Summary) error {
	_, err := fmt.Fprintf(w, "added %d users, %d articles, %d comments, %d favorites and %d follows in %s\n",
		s.Users, s.Articles, s.Comments, s.Favorites, s.Follows, s.Elapsed.Round(time.Millisecond))
	if err != nil {
		return err
	}
	if n := s.Newsroom; n.Email != "" {
		_, err := fmt.Fprintf(w, "of the articles, %d are drafts, %d in review and %d scheduled; added %d series and reports of %d things\nsign in as %s, an editor, or as %s, with the password %s\n",
			n.Drafts, n.InReview, n.Scheduled, n.Series, n.Reports, n.Email, s.Email, seedPassword)
		return err
	}
	_, err = fmt.Fprintf(w, "sign in as %s with the password %s\n", s.Email, seedPassword)
	return err
}
