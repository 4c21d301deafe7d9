// Package importer copies the data of another system into the database of this
// service: accounts with their passwords, articles with their slugs and tags,
// comments with their ids, favorites and follows.
//
// Rows are read in chunks, and each chunk is stored in one transaction together
// with the position up to which the source was read. So an import that was ended
// anywhere goes on where it was. imported_rows has the id of each row here by
// its key there, and a checksum of its content there, by which a later run finds
// what has changed.
//
//	importer.go  Run: the order of the steps
//	state.go     what is kept between runs
//	load.go      reads chunks and stores them
//	rules.go     what can happen to rows, and what to do about it
//	judge.go     applies the rules that concern one row alone
//	users.go, articles.go, comments.go, pairs.go
//	             apply the other rules, and store rows of a kind
//	late.go, threads.go
//	             correct rows that were stored before what they refer to
//	names.go     names and slugs that other rows get, or that are free again
//	orphans.go   the account for rows without an author
//	deletes.go   finds and deletes what the old system has deleted
//	finish.go    counters and ids, which are right only at the end
//	verify.go    compares both sides
//
// A dry run does the same, with temporary tables of the same names in the place
// of the tables of the import, and stores no rows.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/importer/source"
)

// DefaultName is the name of an import that the operator gives none.
const DefaultName = "default"

// Config says what to import.
type Config struct {
	// Name identifies the import, so that a second run knows the rows of the
	// first, and the acceptance of old tokens knows whose keys they have.
	Name     string
	Source   source.Source
	Settings Settings
	// DryRun makes the report without storing anything.
	DryRun bool
	// Full reads all rows again, also those that have not changed since the last
	// run according to their times.
	Full bool
	// DeleteMany permits to delete more than a tenth of the rows of a kind.
	DeleteMany bool
	// OtherSource permits that the source is another one than that of the last
	// run by its Origin: the old system has moved.
	OtherSource bool
	// Report gets each case at the end; nil means nobody.
	Report func(Case) error
	// Progress gets lines about the progress; nil means none. OnTerminal says
	// that the last line can be written again.
	Progress   io.Writer
	OnTerminal bool
	Now        func() time.Time // nil means time.Now
}

// Result says what a run has done.
type Result struct {
	DryRun bool `json:"dryRun"`
	// Resumed says that an interrupted run was ended first. Then the counts are
	// the sums of that run and of another one behind it.
	Resumed bool                   `json:"resumed"`
	Run     int                    `json:"run"` // counts the runs of this import
	Counts  map[source.Kind]Counts `json:"counts"`
	Read    int64                  `json:"read"`  // rows that were read after an interruption, or all
	Cases   map[Code]int64         `json:"cases"` // how many rows have each case
	Elapsed time.Duration          `json:"elapsedNanoseconds"`
}

// Counts are numbers of rows of a kind.
type Counts struct {
	Read      int64 `json:"read"`
	Added     int64 `json:"added"`
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	// LeftOut were left out by a rule; Gone were imported and have been deleted
	// here since.
	LeftOut int64 `json:"leftOut"`
	Gone    int64 `json:"gone"`
	Deleted int64 `json:"deleted"`
}

func (c *Counts) add(o Counts) {
	c.Read += o.Read
	c.Added += o.Added
	c.Changed += o.Changed
	c.Unchanged += o.Unchanged
	c.LeftOut += o.LeftOut
	c.Gone += o.Gone
	c.Deleted += o.Deleted
}

// Errors of Run about the state of an import.
var (
	ErrRunning  = errors.New("another import is running on this database")
	ErrFinished = errors.New("the import is finished: its rows may have been changed here since, and another run would take that back")
)

// ErrOtherSource is the error of a run that reads another system than the last
// one of the import.
type ErrOtherSource struct{ Import, Before, Now string }

func (e *ErrOtherSource) Error() string {
	return fmt.Sprintf("the import %q has read %s until now, not %s; if that is the same system, repeat the command with --other-source, and otherwise with another --name", e.Import, e.Before, e.Now)
}

// run is an import while it runs.
type run struct {
	Config
	conn     *pgx.Conn
	importID int
	state    *state
	progress *progress
	tags     map[string]string // stored texts of tags by their clean names
	orphans  int64             // the account for rows without an author, if it was needed
	reserved int64             // comments that are created here get higher ids
	nextFake int64             // the next id of a dry run
	resumed  bool              // the round goes on where an interrupted one ended
}

// Run imports everything that is new. The role must own the tables.
func Run(ctx context.Context, pool *pgxpool.Pool, cfg Config) (*Result, error) {
	began := time.Now()
	if cfg.Name == "" {
		cfg.Name = DefaultName
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("import: connect: %w", err)
	}
	// The connection has settings and temporary tables that nobody else expects.
	defer func() { _ = conn.Hijack().Close(context.WithoutCancel(ctx)) }()
	im := &run{Config: cfg, conn: conn.Conn(), tags: map[string]string{}, nextFake: firstFake}
	result := &Result{DryRun: cfg.DryRun, Counts: map[source.Kind]Counts{}}
	if err := im.rounds(ctx, result); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if result.Cases, err = report(ctx, im.conn, im.importID, cfg.Report); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	result.Elapsed = time.Since(began)
	return result, nil
}

// rounds does a run. If an interrupted one was to be ended first, it does
// another one behind it: what the interrupted one had read may have changed since.
func (im *run) rounds(ctx context.Context, result *Result) error {
	if err := im.open(ctx); err != nil {
		return err
	}
	if err := im.round(ctx, result); err != nil {
		return err
	}
	if result.Resumed = im.resumed; !result.Resumed {
		return nil
	}
	im.progress.step("the interrupted run has ended; now what has changed since it began")
	return im.round(ctx, result)
}

// round does a whole run, or what an interrupted one has left.
func (im *run) round(ctx context.Context, result *Result) error {
	if im.resumed = im.state.Running && !im.DryRun; !im.resumed {
		im.state.Run++
		im.state.Running, im.state.Full, im.state.Kinds = true, im.Full, map[source.Kind]*stateOfKind{}
	}
	counts, err := im.Source.Counts(ctx)
	if err != nil {
		return fmt.Errorf("count the rows of the source: %w", err)
	}
	im.progress = newProgress(im.Progress, im.OnTerminal, counts, im.state)
	if im.state.Run > 1 { // before anything is stored, the state of this run too
		if err := im.findGone(ctx); err != nil {
			return err
		}
	}
	if !im.resumed {
		if err := im.begin(ctx); err != nil {
			return err
		}
	}
	if err := im.takeDropped(ctx); err != nil {
		return err
	}
	if err := im.everything(ctx); err != nil {
		return err
	}
	result.Run = im.state.Run
	result.Read += im.progress.sinceBegan
	for kind, k := range im.state.Kinds {
		sum := result.Counts[kind]
		sum.add(k.Counts)
		result.Counts[kind] = sum
	}
	return nil
}

// everything does the steps of a run, except those that are done already.
func (im *run) everything(ctx context.Context) error {
	if im.state.Run > 1 {
		if err := im.deleteGone(ctx); err != nil {
			return err
		}
	}
	for _, kind := range source.Kinds {
		if !im.since(kind).IsZero() {
			im.progress.partly(kind)
		}
	}
	im.progress.load()
	if err := im.planByIndexes(ctx, true); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{im.users, im.articles, im.comments} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, k := range []pairKind{favoritePairs, followPairs} {
		if err := im.loadPairs(ctx, k); err != nil {
			return err
		}
	}
	if err := im.planByIndexes(ctx, false); err != nil {
		return err
	}
	if im.DryRun {
		return nil
	}
	im.progress.step("counting")
	return im.finish(ctx)
}

// planByIndexes makes the look-ups of a chunk use indexes: the tables grow faster
// than their statistics, by which the planner would read them from end to end.
func (im *run) planByIndexes(ctx context.Context, only bool) error {
	on := "on"
	if only {
		on = "off"
	}
	_, err := im.conn.Exec(ctx, `SELECT set_config('enable_seqscan', $1, false), set_config('enable_hashjoin', $1, false), set_config('enable_mergejoin', $1, false),
		set_config('max_parallel_workers_per_gather', CASE $1 WHEN 'on' THEN current_setting('max_parallel_workers') ELSE '0' END, false)`, on)
	return err
}

// bulk reports whether the rows are stored with triggers disabled, and counted
// at the end: until all were stored once, nobody should use the service.
func (im *run) bulk() bool { return im.state.loaded.IsZero() }

// noteEverything tells all caches that anything may have changed.
func noteEverything(ctx context.Context, tx pgx.Tx) error {
	if err := changes.Write(ctx, tx, changes.Everything); err != nil {
		return fmt.Errorf("note the change of everything: %w", err)
	}
	return nil
}
