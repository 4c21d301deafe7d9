// Package seed fills a database with a believable data set: accounts, articles in Markdown, tags, comments, follows and
// favourites, with the skew of real ones. It is for newcomers, who should see something at once, and for benchmarks.
//
// Rows are made as they are sent (COPY), by pure functions of their index: see random.go for how, plan.go for who, when
// and how many, text.go for words.
package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/db/changes"
)

// Summary says what Run added.
type Summary struct {
	Users, Articles, Comments, Favorites, Follows, Tags int

	// Username and Email are of the first account, which follows the most active authors: demo, if that was free.
	Username, Email string

	Elapsed time.Duration
}

const demo = "demo"

// triggers are switched off during the COPY; what they derive is written with the rows instead, and the caches are
// told once that everything has changed. With the triggers on, each COPY updates most users again, and a transaction cannot reclaim its own dead rows: a million
// favourites of 100,000 articles left users ten times and articles twice as large.
var triggers = []struct{ table, trigger string }{
	{"articles", "articles_insert_derive"},
	{"favorites", "favorites_insert_count"},
	{"comments", "comments_insert_note"},
}

// tables are all that a seed writes. Locked so, they can be read but not written by others, who cannot take an id that
// the COPY is about to use, nor miss a count while its trigger is off.
const tables = "users, articles, article_slugs, article_tags, comments, favorites, follows, counters"

// Run adds the data set in one transaction: all of it is there afterwards, or nothing. It may run on a database with
// rows; then names and slugs of the new ones end in their id. It needs a role that owns the tables.
func Run(ctx context.Context, db *pgxpool.Pool, cfg Config) (Summary, error) {
	start := time.Now()
	if err := cfg.Validate(); err != nil {
		return Summary{}, err
	}
	conn, err := db.Acquire(ctx)
	if err != nil {
		return Summary{}, fmt.Errorf("seed: connect: %w", err)
	}
	defer conn.Release()

	report := &progress{w: cfg.Progress, began: start, last: start}
	p := newPlan(cfg)
	report.step("plan", "")

	var l *loader
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		l = &loader{plan: p, tx: tx, report: report}
		return l.load(ctx)
	})
	if err != nil {
		return Summary{}, fmt.Errorf("seed: %w", err)
	}
	report.step("commit", "")
	summary := Summary{
		Users: cfg.Users, Articles: cfg.Articles, Comments: cfg.Comments, Favorites: cfg.Favorites, Follows: cfg.Follows,
		Username: l.name(0), Email: l.email(0),
	}
	for _, n := range p.uses {
		if n > 0 {
			summary.Tags++
		}
	}
	if cfg.Users == 0 {
		summary.Username, summary.Email = "", ""
	}
	if err := vacuum(ctx, conn); err != nil {
		return summary, fmt.Errorf("seed: the rows are committed, but VACUUM ANALYZE failed: %w", err)
	}
	report.step("analyze", "")
	summary.Elapsed = time.Since(start)
	return summary, nil
}

// load does all that belongs into the transaction.
func (l *loader) load(ctx context.Context) error {
	if err := l.exec(ctx,
		// A pool's limits are meant for requests; a large COPY outlasts them.
		`SET LOCAL statement_timeout = 0`,
		`SET LOCAL idle_in_transaction_session_timeout = 0`,
		`SET LOCAL lock_timeout = '10s'`,
		`LOCK TABLE `+tables+` IN SHARE ROW EXCLUSIVE MODE`,
	); err != nil {
		return err
	}
	for _, t := range triggers {
		if err := l.exec(ctx, `ALTER TABLE `+t.table+` DISABLE TRIGGER `+t.trigger); err != nil {
			return err
		}
	}
	var err error
	for _, base := range []struct {
		table string
		to    *int
	}{{"users", &l.users}, {"articles", &l.articles}, {"comments", &l.comments}} {
		if *base.to, err = l.lastID(ctx, base.table); err != nil {
			return err
		}
	}
	err = l.tx.QueryRow(ctx,
		`SELECT NOT EXISTS (SELECT FROM users WHERE lower(username) = $1 OR lower(email) = $2)`, demo, demo+"@example.com",
	).Scan(&l.demo)
	if err != nil {
		return fmt.Errorf("look for demo: %w", err)
	}

	var lifted []rebuild
	if bulk, err := l.isBulk(ctx); err != nil {
		return err
	} else if bulk {
		if lifted, err = l.lift(ctx); err != nil {
			return err
		}
	}
	for _, table := range []func(context.Context) error{
		l.copyUsers, l.copyArticles, l.copySlugs, l.copyTags, l.copyComments, l.copyFavorites, l.copyFollows, l.count,
	} {
		if err := table(ctx); err != nil {
			return err
		}
	}
	if err := l.restore(ctx, lifted); err != nil {
		return err
	}

	for _, t := range triggers {
		if err := l.exec(ctx, `ALTER TABLE `+t.table+` ENABLE TRIGGER `+t.trigger); err != nil {
			return err
		}
	}
	if err := changes.Write(ctx, l.tx, changes.Everything); err != nil {
		return fmt.Errorf("note the change of everything: %w", err)
	}
	// Last, since a rollback does not take it back. Others get their ids after the commit, when the lock is gone.
	for _, base := range []struct {
		table      string
		last, more int
	}{{"users", l.users, l.cfg.Users}, {"articles", l.articles, l.cfg.Articles}, {"comments", l.comments, l.cfg.Comments}} {
		if base.more == 0 {
			continue
		}
		if _, err := l.tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence($1, 'id'), $2)`, base.table, base.last+base.more); err != nil {
			return fmt.Errorf("advance the ids of %s: %w", base.table, err)
		}
	}
	return nil
}

func (l *loader) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := l.tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// lastID returns the highest id that a table has or had. The sequence counts too: its rows may be deleted, but names
// made from their ids should not come back, and it must not fall.
func (l *loader) lastID(ctx context.Context, table string) (id int, err error) {
	var sequence string
	if err = l.tx.QueryRow(ctx, `SELECT pg_get_serial_sequence($1, 'id')`, table).Scan(&sequence); err == nil {
		err = l.tx.QueryRow(ctx, `SELECT greatest((SELECT max(id) FROM `+table+`), (SELECT last_value FROM `+sequence+` WHERE is_called), 0)`).Scan(&id)
	}
	if err != nil {
		return 0, fmt.Errorf("last id of %s: %w", table, err)
	}
	return id, nil
}

// vacuum analyzes the tables for the planner and marks their pages as visible to all, without which no index-only scan
// is one until autovacuum comes by.
func vacuum(ctx context.Context, conn *pgxpool.Conn) error {
	if _, err := conn.Exec(ctx, `SET statement_timeout = 0`); err != nil {
		return err
	}
	// Not parallel: that takes shared memory, of which containers have little.
	_, err := conn.Exec(ctx, `VACUUM (ANALYZE, PARALLEL 0) `+tables)
	// The connection goes back to the pool; if it broke, this fails as well, and the pool drops it.
	_, resetErr := conn.Exec(context.WithoutCancel(ctx), `RESET statement_timeout`)
	return errors.Join(err, resetErr)
}
