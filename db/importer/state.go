package importer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db/bulk"
	"github.com/byline-api/byline/db/importer/source"
)

// state is what is kept between runs, in imports.state.
type state struct {
	// Run counts the runs that have begun, and Running says that the last one
	// has not ended.
	Run     int  `json:"run"`
	Running bool `json:"running"`
	// Full says that this run reads all rows again. It is kept so that the run
	// does so to its end, also if it is interrupted and goes on without the flag.
	Full bool `json:"full,omitempty"`
	// Actions are the actions that were chosen in any run, and Orphans is the name
	// of that account. Another run without them must not undo what was decided.
	Actions map[Code]Action `json:"actions,omitempty"`
	Orphans string          `json:"orphans,omitempty"`
	// Origin is that of the source of the last run.
	Origin string `json:"origin"`
	// Began is when the current run began, and Since when the last one did that
	// has ended.
	Began time.Time                    `json:"began"`
	Since time.Time                    `json:"since"`
	Kinds map[source.Kind]*stateOfKind `json:"kinds"`
	// Latest has for each kind a time of the old system's clock: all changes until
	// then were there when the last run that has ended began.
	Latest map[source.Kind]time.Time `json:"latest,omitempty"`
	// Dropped are the indexes that the first run has dropped, because the tables
	// were empty, and creates again at its end.
	Dropped []bulk.Rebuild `json:"dropped,omitempty"`

	started, loaded time.Time // of the row
}

type stateOfKind struct {
	After  string `json:"after"`
	Done   bool   `json:"done"`
	Counts Counts `json:"counts"`
	// Latest is as in state, for the rows that this run has read.
	Latest time.Time `json:"latest,omitzero"`
}

func (s *state) of(kind source.Kind) *stateOfKind {
	if s.Kinds[kind] == nil {
		s.Kinds[kind] = &stateOfKind{}
	}
	return s.Kinds[kind]
}

// overlap is how much earlier than the latest change that was read a row may have
// changed to be read again: a transaction commits later than its times.
const overlap = 10 * time.Minute

// since returns the time from which changes of a kind are read, or zero for all
// rows. It follows the clock of the old system, which need not be that of this
// machine: its times may be of another zone, and a replica may lag behind.
func (im *run) since(kind source.Kind) time.Time {
	latest := im.state.Latest[kind]
	if im.state.Full || im.state.Since.IsZero() || latest.IsZero() {
		return time.Time{}
	}
	return latest.Add(-overlap)
}

// sawChange notes when a row has changed that was read before now. The old
// system's clock then showed that time at least, and at the beginning of the run
// as much less as the run has taken until now. Rows that change after they were
// read have later times than that. A time after the beginning of the run, by the
// clock here, may be anything, and is not used.
func (k *stateOfKind) sawChange(at, began, now time.Time) {
	if at.IsZero() || at.After(began) {
		return
	}
	if at = at.Add(-max(now.Sub(began), 0)); at.After(k.Latest) {
		k.Latest = at
	}
}

// keepLatest takes over the latest changes at the end of a run.
func (s *state) keepLatest() {
	if s.Latest == nil {
		s.Latest = map[source.Kind]time.Time{}
	}
	for kind, k := range s.Kinds {
		if k.Latest.After(s.Latest[kind]) {
			s.Latest[kind] = k.Latest
		}
	}
}

// open prepares the connection, and reads the state of the import or creates it.
func (im *run) open(ctx context.Context) error {
	if err := im.prepare(ctx); err != nil {
		return err
	}
	if err := lock(ctx, im.conn); err != nil {
		return err
	}
	if err := im.readState(ctx); err != nil {
		return err
	}
	origin := im.Source.Origin()
	if im.state.Run > 0 && im.state.Origin != origin && !im.OtherSource {
		return &ErrOtherSource{im.Name, im.state.Origin, origin}
	}
	im.state.Origin = origin
	im.keepSettings()
	if im.DryRun {
		if err := im.beginDry(ctx); err != nil {
			return err
		}
	}
	// What the rows of a dry run would have that nobody else may.
	if _, err := im.conn.Exec(ctx, `CREATE TEMPORARY TABLE claimed (kind text, value text COLLATE "C", PRIMARY KEY (kind, value))`); err != nil {
		return err
	}
	return im.createGone(ctx)
}

// keepSettings adds what was chosen in earlier runs to the settings of this one.
func (im *run) keepSettings() {
	actions := maps.Clone(im.state.Actions)
	if actions == nil {
		actions = map[Code]Action{}
	}
	maps.Copy(actions, im.Settings.Actions)
	orphans := cmp.Or(im.Settings.Orphans, im.state.Orphans)
	im.Settings = Settings{Actions: actions, Orphans: orphans}
	im.state.Actions, im.state.Orphans = actions, orphans
}

// begin stores that a run has begun.
func (im *run) begin(ctx context.Context) error {
	im.state.Began = im.Now()
	if im.DryRun {
		return nil
	}
	return pgx.BeginFunc(ctx, im.conn, func(tx pgx.Tx) error {
		var empty bool
		if err := tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM users)`).Scan(&empty); err != nil { // all other rows refer to a user
			return err
		}
		if empty && im.bulk() {
			var err error
			if im.state.Dropped, err = bulk.Drop(ctx, tx, bulk.Large); err != nil {
				return err
			}
		}
		return im.saveState(ctx, tx)
	})
}

// takeDropped takes over the indexes that another import has dropped and not
// created again: the operator may have given it up. The first run creates them at
// its end, and a later one at once, since it deletes rows and needs the foreign
// keys for that.
func (im *run) takeDropped(ctx context.Context) error {
	if im.DryRun {
		return nil
	}
	return pgx.BeginFunc(ctx, im.conn, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `WITH o AS (SELECT id, state -> 'dropped' AS dropped FROM imports WHERE id <> $1 AND state ? 'dropped' FOR UPDATE)
			UPDATE imports i SET state = i.state - 'dropped' FROM o WHERE i.id = o.id RETURNING o.dropped`, im.importID)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[[]bulk.Rebuild])
		if err != nil || len(all) == 0 {
			return err
		}
		dropped := slices.Concat(all...)
		if im.bulk() {
			im.state.Dropped = append(dropped, im.state.Dropped...)
			return im.saveState(ctx, tx)
		}
		im.progress.step("creating the indexes that another import has dropped")
		if err := bulk.Recreate(ctx, tx, bulk.Large, dropped); err != nil {
			return err
		}
		return recount(ctx, tx)
	})
}

// prepare sets what long statements need.
func (im *run) prepare(ctx context.Context) error {
	for _, setting := range []string{
		`SET statement_timeout = 0`, `SET idle_in_transaction_session_timeout = 0`, `SET lock_timeout = '30s'`, `SET client_min_messages = warning`,
		// The service has other settings for its short statements.
		`SET plan_cache_mode = force_custom_plan`, `SET enable_hashjoin = on`, `SET enable_mergejoin = on`, `SET work_mem = '64MB'`, `SET maintenance_work_mem = '256MB'`,
		`SET jit = off`,
	} {
		if _, err := im.conn.Exec(ctx, setting); err != nil {
			return err
		}
	}
	// A long statement of a run that was killed would go on, and keep the lock. Not
	// every system can tell that a client is gone.
	_, _ = im.conn.Exec(ctx, `SET client_connection_check_interval = '1s'`)
	return nil
}

// lock makes sure that no two imports run, or end, at the same time. The
// connection of one that was killed has the lock until the database notices, which
// takes a moment.
func lock(ctx context.Context, conn *pgx.Conn) error {
	for attempt := 0; ; attempt++ {
		var alone bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended('byline import', 0))`).Scan(&alone); err != nil || alone {
			return err
		}
		if attempt == 80 {
			return ErrRunning
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func (im *run) readState(ctx context.Context) error {
	if !im.DryRun {
		if _, err := im.conn.Exec(ctx, `INSERT INTO imports (name, source, has_ids) VALUES ($1, $2, $3) ON CONFLICT ON CONSTRAINT imports_name_key DO NOTHING`,
			im.Name, im.Source.Describe(), im.Source.HasIDs()); err != nil {
			return err
		}
	}
	var text []byte
	var finished bool
	var loaded *time.Time
	im.state = &state{}
	err := im.conn.QueryRow(ctx, `SELECT id, state, started_at, loaded_at, finished_at IS NOT NULL FROM imports WHERE name = $1`, im.Name).
		Scan(&im.importID, &text, &im.state.started, &loaded, &finished)
	if errors.Is(err, pgx.ErrNoRows) { // a dry run before any other
		im.state.started, im.state.Kinds = im.Now(), map[source.Kind]*stateOfKind{}
		return nil
	}
	if err != nil {
		return err
	}
	if finished {
		return ErrFinished
	}
	if err := json.Unmarshal(text, im.state); err != nil {
		return fmt.Errorf("read the state of the import: %w", err)
	}
	if loaded != nil {
		im.state.loaded = *loaded
	}
	if im.state.Kinds == nil {
		im.state.Kinds = map[source.Kind]*stateOfKind{}
	}
	return nil
}

func (im *run) saveState(ctx context.Context, tx pgx.Tx) error {
	text, err := json.Marshal(im.state)
	if err != nil {
		return err
	}
	// Keys that were names once stay names, whatever another source has.
	tag, err := tx.Exec(ctx, `UPDATE imports SET state = $2, source = $3, has_ids = has_ids AND $4 WHERE id = $1 AND finished_at IS NULL`,
		im.importID, text, im.Source.Describe(), im.Source.HasIDs())
	if err == nil && tag.RowsAffected() == 0 { // by somebody without the lock
		return ErrFinished
	}
	return err
}

// firstFake is the first id that a dry run gives to rows that it does not
// store. Real ids are smaller.
const firstFake = 1 << 50

// beginDry makes temporary tables that hide those of the import, and know what
// it has stored already.
func (im *run) beginDry(ctx context.Context) error {
	for _, statement := range []string{
		`CREATE TEMPORARY TABLE imported_rows (LIKE public.imported_rows INCLUDING ALL)`,
		`CREATE TEMPORARY TABLE import_cases (LIKE public.import_cases INCLUDING ALL)`,
		fmt.Sprintf(`INSERT INTO imported_rows SELECT * FROM public.imported_rows WHERE import_id = %d`, im.importID),
		fmt.Sprintf(`INSERT INTO import_cases SELECT * FROM public.import_cases WHERE import_id = %d`, im.importID),
		`ANALYZE imported_rows`,
	} {
		if _, err := im.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("prepare the dry run: %w", err)
		}
	}
	return nil
}

// State is how far an import is.
type State string

// The states of an import.
const (
	Loading    State = "loading"    // not all rows were stored yet
	Loaded     State = "loaded"     // the last run has ended
	Incomplete State = "incomplete" // the last run was interrupted, or runs now
	Finished   State = "finished"   // the old system is not read again
)

// Status is what List says of an import.
type Status struct {
	Name, Source string
	State        State
	Runs         int
	Last         time.Time // when the last run began
}

// List returns all imports, the oldest first.
func List(ctx context.Context, conn interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}) ([]Status, error) {
	rows, err := conn.Query(ctx, `SELECT name, source, state, loaded_at IS NOT NULL, finished_at IS NOT NULL FROM imports ORDER BY id`)
	if err != nil {
		return nil, err
	}
	var all []Status
	var one Status
	var text []byte
	var loaded, finished bool
	_, err = pgx.ForEachRow(rows, []any{&one.Name, &one.Source, &text, &loaded, &finished}, func() error {
		var s state
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		one.Runs, one.Last = s.Run, s.Began
		switch {
		case finished:
			one.State = Finished
		case !loaded:
			one.State = Loading
		case s.Running:
			one.State = Incomplete
		default:
			one.State = Loaded
		}
		all = append(all, one)
		return nil
	})
	return all, err
}
