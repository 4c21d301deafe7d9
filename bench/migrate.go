package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/report"
)

const (
	minArticles = 1000
	// bytesPerArticle is what an article needs on disk during a run, with its
	// share of comments, favorites and users, old versions of rows, and WAL.
	bytesPerArticle = 15_000
	// longest bounds a phase whose end is not known.
	longest = 6 * time.Hour
	// before and after are the times of the load before a migration begins and
	// after it has ended.
	before, after = time.Second, 2 * time.Second
	// maxWrong is how many wrong counters are listed.
	maxWrong = 20
)

// migration is one run of bench migrate.
type migration struct {
	*bench
	work, data, tree string
	url              string // of the database
	old              *target
	report           *report.Migration
}

// migrate migrates a database while the service of the base serves, runs both
// services on it, and takes the migrations back.
func (b *bench) migrate(ctx context.Context, stdout io.Writer) (err error) {
	work, err := workDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var disk syscall.Statfs_t
	if err := syscall.Statfs(work, &disk); err != nil {
		return err
	}
	if have, need := disk.Bavail*uint64(disk.Bsize), uint64(b.articles)*bytesPerArticle; have < need {
		return fmt.Errorf("%s has %d MB left, and %d articles need %d MB", work, have>>20, b.articles, need>>20)
	}
	m := &migration{bench: b, work: work, data: filepath.Join(work, "data"),
		report: &report.Migration{Machine: machine.Describe(ctx, b.repo), Base: b.base, Articles: b.articles, Every: b.every, Limit: b.limit}}
	var program string
	if m.tree, program, err = b.buildBase(ctx, work); err != nil {
		return err
	}
	b.say("filling %d articles", b.articles)
	out, _, err := seed(ctx, work, m.data, program, sizesOf(b.articles))
	if err != nil {
		return err
	}
	b.say("%s", out)
	if m.old, err = start(ctx, program, work, m.data); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.old.stop()) }()
	if m.url, err = m.old.cluster.URL(); err != nil {
		return err
	}
	if err := m.run(ctx); err != nil {
		// What was measured until then says why, or is worth the time it took.
		return errors.Join(err, m.report.Print(stdout))
	}
	if err := m.report.Print(stdout); err != nil {
		return err
	}
	if b.json != "" {
		if err := report.WriteJSON(b.json, m.report); err != nil {
			return err
		}
	}
	if m.report.Failed() {
		return errWrongAnswers
	}
	return nil
}

// countText counts the text of accounts if the seed of the base has not done
// so. The check of the counters at the end would find it.
const countText = `
	UPDATE users u SET stored_bytes = s.bytes
	FROM (SELECT author_id, sum(bytes) AS bytes FROM (
			SELECT author_id, octet_length(title || description || body || array_to_string(tags, '')) AS bytes FROM articles
			UNION ALL SELECT author_id, octet_length(body) FROM comments) t
		GROUP BY author_id) s
	WHERE u.id = s.author_id AND NOT EXISTS (SELECT FROM users c WHERE c.stored_bytes > 0)`

// run is the run on the filled database.
func (m *migration) run(ctx context.Context) error {
	b := m.bench
	if _, err := m.query(ctx, countText); err != nil {
		return err
	}
	catalogue, err := conduit.Read(ctx, m.old.site)
	if err != nil {
		return err
	}
	d := &dataset{catalogue: catalogue}
	users := d.users(b.users)
	half := len(users) / 2
	w, err := b.enter(ctx, m.old, catalogue, users[:half], conduit.Team{})
	if err != nil {
		return err
	}
	old := newTraffic("old", w, b)
	if m.report.Filled, err = size(m.data); err != nil {
		return err
	}
	if err := m.phase(ctx, "before", old.with(b.rate), func(ctx context.Context) error { return pause(ctx, b.options.measure) }); err != nil {
		return err
	}
	if err := m.watched(ctx, "migrate up", old, false, [][]string{{"migrate", "up"}}); err != nil {
		return err
	}
	if m.report.Migrated, err = size(m.data); err != nil {
		return err
	}
	if err := m.both(ctx, old, catalogue, users[half:]); err != nil {
		return err
	}
	files, err := m.newMigrations()
	if err != nil {
		return err
	}
	var down [][]string
	for range files {
		down = append(down, []string{"migrate", "down", "--yes"})
	}
	return m.watched(ctx, "migrate down", old, true, down)
}

// both runs the services of both builds on the database, and compares what they
// say, and the counters with what they count.
func (m *migration) both(ctx context.Context, old *traffic, catalogue *conduit.Catalogue, users []conduit.User) (err error) {
	folder := filepath.Join(m.work, "new")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	// The limits for clients of an external database are narrow.
	t, err := start(ctx, m.byline, folder, m.data, "DATABASE_URL="+m.url, "BYLINE_RATE_LIMIT=off")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	w, err := m.enter(ctx, t, catalogue, users, conduit.Team{})
	if err != nil {
		return err
	}
	loads := append(old.with(m.rate/2), newTraffic("new", w, m.bench).with(m.rate/2)...)
	if err := m.phase(ctx, "both", loads, func(ctx context.Context) error { return pause(ctx, m.options.measure) }); err != nil {
		return err
	}
	m.say("comparing the lists of both services")
	if err := conduit.Agree(ctx, m.old.site, t.site, append(old.world.Users, users...), catalogue.Authors, catalogue.Tags); err != nil {
		m.report.Wrong = append(m.report.Wrong, err.Error())
	}
	m.say("comparing the counters with what they count")
	wrong, err := m.counters(ctx)
	m.report.Wrong = append(m.report.Wrong, wrong...)
	return err
}

// counters returns the counters that are wrong.
func (m *migration) counters(ctx context.Context) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(m.repo, "db/dbtest/counters.sql"))
	if err != nil {
		return nil, err
	}
	wrong, err := m.query(ctx, string(text))
	if more := len(wrong) - maxWrong; more > 0 {
		wrong = append(wrong[:maxWrong], fmt.Sprintf("and %d more", more))
	}
	return wrong, err
}

// query returns the only column of a statement.
func (m *migration) query(ctx context.Context, sql string) ([]string, error) {
	conn, err := pgx.Connect(ctx, m.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func pause(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(span):
		return nil
	}
}

// size returns the bytes of the files in a folder. Files may disappear
// meanwhile.
func size(folder string) (n int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	return n, err
}
