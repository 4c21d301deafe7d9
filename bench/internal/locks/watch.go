// Package locks watches what a migration locks, and who waits for it. It takes
// samples, so that a lock is seen if it is held as long as the time between two
// of them, and its length is known up to that time.
package locks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Rows is the name of the rows that a transaction has written.
const Rows = "rows"

// Lock is what a step has locked, and how long at most.
type Lock struct {
	// Table is the name of a table that existed before the step, or Rows.
	Table string        `json:"table"`
	Mode  string        `json:"mode"`
	Held  time.Duration `json:"heldNs"`
}

// Blocks returns what requests cannot do while the lock is held: "reads" of the
// table and writes to it, "writes", writes to the same "rows", or "".
func (l Lock) Blocks() string {
	if l.Table == Rows {
		return Rows
	}
	switch l.Mode {
	case "AccessExclusiveLock":
		return "reads"
	case "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock":
		return "writes"
	}
	return ""
}

// Step is a statement of a migration, or a transaction of several.
type Step struct {
	Statement string        `json:"statement"` // the first of the transaction
	Tries     int           `json:"tries"`
	From      time.Time     `json:"from"`
	Took      time.Duration `json:"tookNs"` // of all tries
	// Rows is the number of rows of the largest table that was locked, as the
	// planner estimates it.
	Rows  int64  `json:"rows"`
	Locks []Lock `json:"locks"` // the longest of each table and mode
	// Wait is the longest time that a statement of another session waited for
	// a lock because of the step, and Waits is the greatest number of such
	// statements at one time.
	Wait  time.Duration `json:"waitNs"`
	Waits int           `json:"waits"`

	spans []span
}

type span struct{ from, to time.Time }

// During reports whether any try of the step ran at some time of an interval.
func (s *Step) During(from, to time.Time) bool {
	return slices.ContainsFunc(s.spans, func(p span) bool { return !p.to.Before(from) && !p.from.After(to) })
}

// held is a lock that was seen in the last sample.
type held struct {
	step  *Step
	since time.Time // of the sample before the first one that saw it
}

type lockKey struct{ table, mode, id string }

// Watch takes samples of a database until ctx ends, and returns the steps of
// the session with the application name that holds an advisory lock, in the
// order of their first try.
func Watch(ctx context.Context, url, application string, every time.Duration) ([]*Step, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// What the migration makes itself is of no interest: no request uses it.
	var tables []uint32
	if err := conn.QueryRow(ctx, `SELECT array_agg(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`).Scan(&tables); err != nil {
		return nil, err
	}
	w := watcher{held: map[lockKey]held{}, last: time.Now()}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return w.steps, nil
		case <-tick.C:
		}
		s, err := take(ctx, conn, application, tables)
		if ctx.Err() != nil {
			return w.steps, nil
		}
		if err != nil {
			return nil, fmt.Errorf("locks: %w", err)
		}
		w.add(s)
	}
}

// sample is the state of the migration at one time.
type sample struct {
	now, queryStart, stateChange time.Time
	xactStart                    *time.Time // nil outside a transaction
	query, state                 string
	rows                         int64
	locks                        []lockKey
	waits                        int
	wait                         time.Duration
	found                        bool
}

// take reads all from the catalogue at once. pg_blocking_pids stops the lock
// manager for a moment, and is called for the sessions that wait alone.
func take(ctx context.Context, conn *pgx.Conn, application string, tables []uint32) (s sample, err error) {
	var names, modes, ids []string
	var wait float64
	err = conn.QueryRow(ctx, `
		SELECT clock_timestamp(), a.query_start, a.state_change, a.xact_start, a.query, a.state, l.rows, l.names, l.modes, l.ids, w.n, w.longest
		FROM pg_stat_activity a
		CROSS JOIN LATERAL (
			SELECT COALESCE(max(c.reltuples)::bigint, 0) AS rows, COALESCE(array_agg(COALESCE(c.relname, 'rows')), '{}')::text[] AS names,
				COALESCE(array_agg(k.mode), '{}')::text[] AS modes, COALESCE(array_agg(COALESCE(k.transactionid::text, '')), '{}') AS ids
			FROM pg_locks k
			LEFT JOIN pg_class c ON k.locktype = 'relation' AND c.oid = k.relation AND c.oid = ANY ($2)
			WHERE k.pid = a.pid AND k.granted AND (c.oid IS NOT NULL OR k.locktype = 'transactionid')
		) l
		CROSS JOIN LATERAL (
			SELECT count(*) AS n, COALESCE(max(EXTRACT(epoch FROM clock_timestamp() - o.waitstart)), 0)::float8 AS longest
			FROM pg_locks o
			WHERE NOT o.granted AND o.pid <> a.pid AND a.pid = ANY (CASE WHEN o.granted THEN '{}' ELSE pg_blocking_pids(o.pid) END)
		) w
		WHERE a.datname = current_database() AND a.application_name = $1
		  AND EXISTS (SELECT FROM pg_locks v WHERE v.pid = a.pid AND v.locktype = 'advisory' AND v.granted)
		LIMIT 1`, application, tables).
		Scan(&s.now, &s.queryStart, &s.stateChange, &s.xactStart, &s.query, &s.state, &s.rows, &names, &modes, &ids, &s.waits, &wait)
	if errors.Is(err, pgx.ErrNoRows) {
		return sample{now: time.Now()}, nil
	}
	s.found, s.wait = err == nil, time.Duration(wait*float64(time.Second))
	writes := slices.Contains(modes, "RowExclusiveLock")
	for i, name := range names {
		// A transaction that only changes the schema has an id too.
		if name != Rows || writes {
			s.locks = append(s.locks, lockKey{name, modes[i], ids[i]})
		}
	}
	return s, err
}

type watcher struct {
	steps      []*Step
	now        *Step // the one of the last sample
	queryStart time.Time
	xactStart  *time.Time
	held       map[lockKey]held
	last       time.Time // of the last sample
}

// add counts a sample.
func (w *watcher) add(s sample) {
	if s.found {
		w.enter(s)
		for _, key := range s.locks {
			if _, known := w.held[key]; !known {
				w.held[key] = held{w.now, w.last}
			}
		}
		w.now.Rows = max(w.now.Rows, s.rows)
		w.now.Wait, w.now.Waits = max(w.now.Wait, s.wait), max(w.now.Waits, s.waits)
	}
	for key, h := range w.held {
		h.step.lock(key, s.now.Sub(h.since))
		if !slices.Contains(s.locks, key) {
			delete(w.held, key)
		}
	}
	w.last = s.now
}

// lock records the length of a lock.
func (s *Step) lock(key lockKey, length time.Duration) {
	i := slices.IndexFunc(s.Locks, func(l Lock) bool { return l.Table == key.table && l.Mode == key.mode })
	if i < 0 {
		i = len(s.Locks)
		s.Locks = append(s.Locks, Lock{Table: key.table, Mode: key.mode})
	}
	s.Locks[i].Held = max(s.Locks[i].Held, length)
}

// enter finds the step of a sample: that of the last sample if it is the same
// statement or transaction, an earlier one if it is tried again, or a new one.
func (w *watcher) enter(s sample) {
	to := s.now
	if s.state == "idle" {
		to = s.stateChange
	}
	same := w.now != nil && (w.queryStart.Equal(s.queryStart) || w.xactStart != nil && s.xactStart != nil && w.xactStart.Equal(*s.xactStart))
	w.queryStart, w.xactStart = s.queryStart, s.xactStart
	statement := Statement(s.query)
	if !same {
		w.now = &Step{From: s.queryStart}
		if s.xactStart != nil {
			w.now.From = *s.xactStart
		}
		w.steps = append(w.steps, w.now)
		w.now.spans = []span{{from: w.now.From}}
	}
	if w.now.Statement == "" && !frame(statement) {
		w.now.Statement = statement
	}
	w.now.spans[0].to = to
	w.now.Took = to.Sub(w.now.From)
}

// frame reports whether a statement only serves others.
func frame(statement string) bool {
	word, _, _ := strings.Cut(strings.TrimRight(statement, ";"), " ")
	return slices.Contains([]string{"BEGIN", "COMMIT", "ROLLBACK", "SET", "LOCK", "SELECT", "begin", "commit", "rollback"}, word)
}

// Statement returns a statement in one line, without the comments in front of
// it.
func Statement(query string) string {
	for {
		query = strings.TrimSpace(query)
		if !strings.HasPrefix(query, "--") {
			return strings.Join(strings.Fields(query), " ")
		}
		_, query, _ = strings.Cut(query, "\n")
	}
}

// Merge returns the steps with the tries of a statement as one step, and
// without what no migration says.
func Merge(steps []*Step) (out []*Step) {
	for _, s := range steps {
		if s.Statement == "" || strings.Contains(s.Statement, "goose_db_version") {
			continue
		}
		i := slices.IndexFunc(out, func(o *Step) bool { return o.Statement == s.Statement })
		if i < 0 {
			s.Tries = 1
			out = append(out, s)
			continue
		}
		o := out[i]
		o.Tries++
		o.Took += s.Took
		o.Rows, o.Wait, o.Waits = max(o.Rows, s.Rows), max(o.Wait, s.Wait), max(o.Waits, s.Waits)
		for _, l := range s.Locks {
			o.lock(lockKey{table: l.Table, mode: l.Mode}, l.Held)
		}
		o.spans = append(o.spans, s.spans...)
	}
	return out
}
