package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/pgbench"
	"github.com/byline-api/byline/bench/internal/scaling"
)

const usageScaling = `bench scaling measures what requests, rows and questions cost, and computes from
it what large installations need. It writes the tables of docs/scaling.md.

  bench scaling
`

// parseScaling parses the arguments of bench scaling.
func parseScaling(args []string) (*options, error) {
	o := &options{}
	bin := binFolder()
	f := flag.NewFlagSet("bench scaling", flag.ContinueOnError)
	f.StringVar(&o.byline, "byline", filepath.Join(bin, "byline"), "the built `program`")
	f.StringVar(&o.repo, "repo", filepath.Dir(bin), "the repository `folder`")
	f.StringVar(&o.cache, "cache", cacheFolder(), "`folder` of prepared data sets")
	scale := f.Int("scale", 10, "`size` of the data set; 1 = 10,000 articles")
	f.IntVar(&o.connections, "connections", 32, "`number` of HTTP connections")
	f.DurationVar(&o.measure, "time", 4*time.Second, "`time` of each measurement")
	f.IntVar(&o.rounds, "rounds", 3, "measurements of each statement on partitions, in turn")
	f.BoolVar(&o.computeOnly, "compute", false, "measure nothing; compute the tables from the constants of the repository")
	f.SetOutput(io.Discard) // as in parseOptions
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return &options{help: helpOf(usageScaling, f)}, err
		}
		return nil, fmt.Errorf("%w; bench scaling --help lists the flags", err)
	}
	o.scales, o.users = []int{*scale}, 2*(o.connections+2)
	if f.NArg() > 0 || *scale < 1 || o.connections < 1 || o.measure < time.Second || o.rounds < 1 {
		return nil, errors.New("no arguments are expected, --time must be a second or more, and each number 1 or more")
	}
	return o, o.absolute()
}

// scaling measures the constants, unless they are to be those of the repository,
// and writes them and the page.
func (b *bench) scaling(ctx context.Context, stdout io.Writer) error {
	c, err := scaling.Measured()
	if err == nil && !b.computeOnly {
		if c, err = b.constants(ctx); err == nil {
			err = c.Write(filepath.Join(b.repo, "bench/internal/scaling/constants.json"))
		}
	}
	if err != nil {
		return err
	}
	scaling.Print(stdout, c)
	return scaling.UpdatePage(filepath.Join(b.repo, "docs/scaling.md"), c)
}

// constants measures.
func (b *bench) constants(ctx context.Context) (c scaling.Constants, err error) {
	d, err := b.prepare(ctx, b.byline, b.repo, b.scales[0])
	if err != nil {
		return c, err
	}
	info := machine.Describe(ctx, b.repo)
	c = scaling.Constants{Machine: fmt.Sprintf("%d cores (%s)", info.Cores, info.CPU), Commit: info.Commit, Date: info.Time.Format(time.DateOnly),
		Articles: len(d.catalogue.Slugs), Kept: map[string]scaling.Cost{}, Read: map[string]scaling.Cost{}, Writes: map[string]scaling.Cost{}}
	for _, kept := range []bool{true, false} {
		costs, env := c.Kept, []string(nil)
		if !kept {
			costs, env = c.Read, []string{"BYLINE_CACHE_BYTES=0"}
		}
		if err := b.withCopy(ctx, d, env, func(t *target, db *pgx.Conn) error {
			_, c.PostgreSQL = t.versions(ctx, b.byline)
			w, err := b.enter(ctx, t, d.catalogue, d.users(b.users), conduit.Team{})
			if err != nil {
				return err
			}
			if err := b.costs(ctx, t, db, w, readCosts, costs); err != nil || kept {
				return err
			}
			return errors.Join(b.costs(ctx, t, db, w, writeCosts, c.Writes), storage(ctx, db, &c))
		}); err != nil {
			return c, err
		}
	}
	err = b.withCopy(ctx, d, nil, func(t *target, db *pgx.Conn) error {
		return errors.Join(b.question(ctx, t, db, &c), b.layouts(ctx, t, db, &c))
	})
	return c, err
}

// withCopy runs the program on a copy of the data set, with a connection to its
// database.
func (b *bench) withCopy(ctx context.Context, d *dataset, env []string, use func(*target, *pgx.Conn) error) (err error) {
	t, err := startCopy(ctx, b.byline, d, env...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	url, err := t.cluster.URL()
	if err != nil {
		return err
	}
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	return use(t, db)
}

var (
	readCosts = map[string]string{
		"article": conduit.Article, "list": conduit.List, "comments": conduit.Comments, "feed": conduit.Feed,
	}
	writeCosts = map[string]string{"favorite": conduit.Favorite.Name, "comment": conduit.AddComment, "article": conduit.Create}
)

// costs measures scenarios, and how much log they write.
func (b *bench) costs(ctx context.Context, t *target, db *pgx.Conn, w *conduit.World, names map[string]string, into map[string]scaling.Cost) error {
	for _, s := range append(slices.Clone(conduit.Scenarios), conduit.Favorite) {
		for kind, name := range names {
			if s.Name != name {
				continue
			}
			writes := writeCosts[kind] == name
			if b.warm = time.Second; writes {
				b.warm = 0 // the log of a warm-up would count
			}
			before, err := logPosition(ctx, db)
			if err != nil {
				return err
			}
			row, err := b.measure(ctx, t, w, s, 0)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if row.Errors > 0 || row.Skipped != "" {
				return fmt.Errorf("%s: %d errors %v%s", name, row.Errors, row.Failures, row.Skipped)
			}
			after, err := logPosition(ctx, db)
			if err != nil {
				return err
			}
			cost := scaling.Cost{Service: micros(row.ServerCPU), Database: micros(row.PGCPU)}
			if writes {
				cost.WAL = float64(after-before) / float64(row.Requests)
			}
			into[kind] = cost
			b.say("%-18s service %4.0f µs, PostgreSQL %4.0f µs, %5.0f bytes of log", name, cost.Service, cost.Database, cost.WAL)
		}
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()/100) / 10 }

// logPosition returns how many bytes have been written to the log, with pages
// that a checkpoint copies whole.
func logPosition(ctx context.Context, db *pgx.Conn) (n int64, err error) {
	err = db.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&n)
	return n, err
}

// kinds are tables by what they belong to. The first table of a kind has the
// rows that are counted.
var kinds = []struct {
	name   string
	tables []string
}{
	{"articles", []string{"articles", "article_slugs", "article_tags", "article_revisions", "article_bodies", "working_copies", "draft_slugs", "tag_names"}},
	{"comments", []string{"comments"}},
	{"favorites", []string{"favorites"}},
	{"follows", []string{"follows"}},
	{"users", []string{"users"}},
}

// storage measures how many bytes rows take. It runs last on a copy, so that
// what the benchmark has written is among them.
func storage(ctx context.Context, db *pgx.Conn, c *scaling.Constants) error {
	articles := int64(0)
	for _, kind := range kinds {
		s := scaling.Storage{Kind: kind.name}
		if err := db.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{kind.tables[0]}.Sanitize()).Scan(&s.Rows); err != nil {
			return err
		}
		err := db.QueryRow(ctx, `SELECT sum(pg_table_size(t::regclass))::bigint, sum(pg_indexes_size(t::regclass))::bigint FROM unnest($1::text[]) t`, kind.tables).Scan(&s.Data, &s.Indexes)
		if err != nil {
			return err
		}
		if articles == 0 {
			articles = s.Rows
		}
		s.PerItem = float64(s.Rows) / float64(articles)
		c.Storage = append(c.Storage, s)
	}
	return nil
}

// question measures the question what has changed: with an empty answer, and
// with a hundred changes in it.
func (b *bench) question(ctx context.Context, t *target, db *pgx.Conn, c *scaling.Constants) error {
	q, err := pgbench.Load(filepath.Join(b.repo, "gen/query"), "ChangeList")
	if err != nil {
		return err
	}
	const changes = 100
	var cpu [2]float64
	for i, n := range []int{0, changes} {
		var since string
		if err := db.QueryRow(ctx, "SELECT pg_current_snapshot()::text").Scan(&since); err != nil {
			return err
		}
		for range n {
			if _, err := db.Exec(ctx, "INSERT INTO changes (keys) VALUES (array['a1', 'u1'])"); err != nil {
				return err
			}
		}
		script, err := q.Script("", map[string]string{"Since": pgbench.Quote(since)})
		if err != nil {
			return err
		}
		if cpu[i], err = b.statement(ctx, t, script); err != nil {
			return err
		}
	}
	c.Question, c.Change = cpu[0], (cpu[1]-cpu[0])/changes
	b.say("question            %.0f µs, and %.2f µs for each change", c.Question, c.Change)
	return nil
}

// statement returns the CPU time of PostgreSQL for a script, in µs.
func (b *bench) statement(ctx context.Context, t *target, script string) (float64, error) {
	const clients = 4
	before, err := machine.FamilyCPU(t.pgPID)
	if err != nil {
		return 0, err
	}
	count, err := t.cluster.Count(ctx, []string{script}, clients, b.options.measure)
	if err != nil {
		return 0, err
	}
	after, err := machine.FamilyCPU(t.pgPID)
	return micros(after-before) / float64(count), err
}
