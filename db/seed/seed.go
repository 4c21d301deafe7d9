// Package seed fills a database with a realistic data set: accounts, articles
// in Markdown, tags, comments, follows and favorites, with the skew of real
// data, and what a newsroom works with. It is for newcomers, who should see
// something at once, and for benchmarks.
//
// Rows are generated while they are sent (COPY), by pure functions of their
// index: random.go explains how, plan.go computes authors, times and numbers,
// and text.go writes the texts. A newsroom has texts of its own, and few rows,
// which newsroom.go inserts as the service does.
package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/db/bulk"
	"github.com/byline-api/byline/db/changes"
)

// Summary describes the rows that Run added.
type Summary struct {
	Users, Articles, Comments, Favorites, Follows, Tags int

	// Username and Email belong to the first account, which follows the most
	// active authors. Its name is demo, unless that was taken.
	Username, Email string

	// Newsroom is what else was added; its articles, comments and favorites are
	// counted above too.
	Newsroom Newsroom

	Elapsed time.Duration
}

const (
	demo   = "demo"
	editor = "editor"
)

// triggers are disabled during the COPY. The values that they derive are
// written with the rows instead, and the caches are told once that everything
// has changed. With the triggers enabled, each COPY updates most users again,
// and a transaction cannot reclaim its own dead rows: a million favorites of
// 100,000 articles made users ten times and articles twice as large.
var triggers = []struct{ table, trigger string }{
	{"articles", "articles_0_insert_tags"},
	{"articles", "articles_insert_derive"},
	{"favorites", "favorites_insert_count"},
	{"comments", "comments_insert_note"},
}

// tables are all tables that a seed writes. While they are locked, others can
// read but not write them, so that nobody takes an id that the COPY is about to
// use, and no write misses a disabled trigger.
const tables = "users, articles, article_slugs, article_tags, comments, favorites, follows, counters, tag_names"

// newsroomTables are those that only a newsroom and drafts write. Their ids are
// those that everybody gets.
const newsroomTables = ", series, article_revisions, article_bodies, working_copies, draft_slugs, reported_items, reports, blocks, hidden_items"

// Run adds the data set in one transaction, so that either all of it is added
// or nothing. If the database already has rows, the names and slugs of the new
// rows end in their id. The role must own the tables.
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
		Users: cfg.Users, Articles: cfg.Articles + cfg.Drafts, Comments: cfg.Comments + cfg.Replies, Favorites: cfg.Favorites, Follows: cfg.Follows,
		Username: l.name(0), Email: l.email(0),
	}
	summary.Newsroom = l.newsroom
	summary.Articles += l.newsroom.Articles
	summary.Comments += l.newsroom.Comments
	summary.Favorites += l.newsroom.Favorites
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

// load executes everything that belongs to the transaction.
func (l *loader) load(ctx context.Context) error {
	if err := l.exec(ctx,
		// The limits of a pool are meant for requests; a large COPY takes
		// longer.
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
	if l.demo, err = l.isFree(ctx, demo); err != nil {
		return err
	}
	if l.cfg.hasNewsroom() {
		if l.editor, err = l.isFree(ctx, editor); err != nil {
			return err
		}
	}

	var dropped []bulk.Rebuild
	if isBulk, err := l.isBulk(ctx); err != nil {
		return err
	} else if isBulk {
		if dropped, err = bulk.Drop(ctx, l.tx, bulk.Large); err != nil {
			return err
		}
	}
	for _, table := range []func(context.Context) error{
		l.nameTags, l.copyUsers, l.copyArticles, l.copySlugs, l.copyTags, l.copyComments, l.copyFavorites, l.copyFollows, l.copyDrafts, l.copyThreads, l.count,
	} {
		if err := table(ctx); err != nil {
			return err
		}
	}
	if err := bulk.Recreate(ctx, l.tx, bulk.Large, dropped); err != nil {
		return err
	}
	if len(dropped) > 0 {
		l.report.step("indexes", fmt.Sprintf("%d indexes and foreign keys", len(dropped)))
	}
	if err := l.copyTexts(ctx); err != nil {
		return err
	}

	for _, t := range triggers {
		if err := l.exec(ctx, `ALTER TABLE `+t.table+` ENABLE TRIGGER `+t.trigger); err != nil {
			return err
		}
	}
	if l.cfg.hasNewsroom() {
		n := newsroom{loader: l}
		if err := n.write(ctx); err != nil {
			return fmt.Errorf("newsroom: %w", err)
		}
		l.newsroom = n.Newsroom
		l.report.step("newsroom", fmt.Sprintf("%d articles", n.Articles))
	}
	if err := changes.Write(ctx, l.tx, changes.Everything); err != nil {
		return fmt.Errorf("note the change of everything: %w", err)
	}
	// This comes last because a rollback does not undo it. Others get new ids
	// only after the commit, which releases the lock.
	for _, base := range []struct {
		table      string
		last, more int
	}{{"users", l.users, l.cfg.Users}, {"articles", l.articles, l.cfg.Articles + l.cfg.Drafts + l.newsroom.Articles}, {"comments", l.comments, l.cfg.Comments + l.cfg.Replies + l.newsroom.Comments}} {
		if base.more == 0 {
			continue
		}
		if _, err := l.tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence($1, 'id'), $2)`, base.table, base.last+base.more); err != nil {
			return fmt.Errorf("advance the ids of %s: %w", base.table, err)
		}
	}
	return nil
}

// isFree reports whether no account has a username, or its address.
func (l *loader) isFree(ctx context.Context, name string) (free bool, err error) {
	err = l.tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM users WHERE lower(username) = $1 OR lower(email) = $2)`, name, name+"@example.com").Scan(&free)
	if err != nil {
		return false, fmt.Errorf("check whether %s is taken: %w", name, err)
	}
	return free, nil
}

func (l *loader) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := l.tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// lastID returns the highest id that a table has or had. The sequence counts as
// well: rows with its ids may have been deleted, but names made from these ids
// must not be used again, and the sequence must not decrease.
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

// vacuum analyzes the tables for the planner and marks their pages as visible
// to all transactions, which index-only scans need. Otherwise that would happen
// only when autovacuum runs.
func vacuum(ctx context.Context, conn *pgxpool.Conn) error {
	if _, err := conn.Exec(ctx, `SET statement_timeout = 0`); err != nil {
		return err
	}
	// A parallel VACUUM needs shared memory, which is scarce in containers.
	_, err := conn.Exec(ctx, `VACUUM (ANALYZE, PARALLEL 0) `+tables+newsroomTables)
	// The connection is returned to the pool. If it is broken, this statement
	// fails as well, and the pool closes it.
	_, resetErr := conn.Exec(context.WithoutCancel(ctx), `RESET statement_timeout`)
	return errors.Join(err, resetErr)
}
