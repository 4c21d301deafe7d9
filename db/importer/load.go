package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byline-api/byline/db/importer/source"
)

// A chunk has that many rows or bytes of text at most. It and the next one are
// in memory.
const (
	chunkRows  = 5000
	pairRows   = 20_000 // of favorites and follows, which are small
	chunkBytes = 8 << 20
)

// kindOf says how rows of a type are read and stored.
type kindOf[R any] struct {
	kind source.Kind
	read func(context.Context, source.Range) iter.Seq2[R, error]
	row  func(R) source.Row
	size func(R) int // bytes of text
	// changed returns when a row has changed; nil if rows of the kind have no
	// such time.
	changed func(R) time.Time
	rows    int // of a chunk; 0 means chunkRows
	// store stores a chunk. It is called again, with the same rows, if somebody
	// else has stored a row with the same name in the meantime.
	store func(ctx context.Context, w *writing, rows []R) error
}

type chunk[R any] struct {
	rows []R
	err  error
}

// load reads all rows of a kind and stores them.
func load[R any](ctx context.Context, im *run, k kindOf[R]) error {
	state := im.state.of(k.kind)
	if state.Done {
		return nil
	}
	since, err := im.sinceOf(ctx, k.kind)
	if err != nil {
		return fmt.Errorf("look for rows of %s that were left out: %w", k.kind, err)
	}
	readCtx, stop := context.WithCancel(ctx)
	chunks := readAhead(readCtx, k, k.read(readCtx, source.Range{After: state.After, Since: since}))
	defer func() {
		stop()
		for range chunks { // the source is not called any more when this returns
		}
	}()
	for c := range chunks {
		if len(c.rows) > 0 {
			now := im.Now()
			after := k.row(c.rows[len(c.rows)-1]).Position
			if err := im.commit(ctx, k.kind, func(w *writing) error {
				w.counts.Read = int64(len(c.rows))
				w.state.After = after
				if k.changed != nil {
					for _, row := range c.rows {
						w.state.sawChange(k.changed(row), im.state.Began, now)
					}
				}
				return k.store(ctx, w, c.rows)
			}); err != nil {
				return fmt.Errorf("store %s after %q: %w", k.kind, state.After, err)
			}
			im.progress.rows(k.kind, int64(len(c.rows)))
		}
		if c.err != nil {
			return fmt.Errorf("read %s after %q: %w", k.kind, state.After, c.err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	im.progress.done(k.kind)
	return im.commit(ctx, k.kind, func(w *writing) error {
		w.state.Done = true
		return nil
	})
}

// readAhead reads the next chunk while the caller stores one.
func readAhead[R any](ctx context.Context, k kindOf[R], rows iter.Seq2[R, error]) <-chan chunk[R] {
	out := make(chan chunk[R])
	go func() {
		defer close(out)
		var c chunk[R]
		bytes := 0
		send := func() bool {
			select {
			case out <- c:
				c, bytes = chunk[R]{}, 0
				return true
			case <-ctx.Done():
				return false
			}
		}
		for row, err := range rows {
			if err != nil {
				c.err = err
				break
			}
			c.rows, bytes = append(c.rows, row), bytes+k.size(row)
			if (len(c.rows) == cmp.Or(k.rows, chunkRows) || bytes >= chunkBytes) && !send() {
				return
			}
		}
		send()
	}()
	return out
}

// writing is the transaction that stores a chunk.
type writing struct {
	*run
	tx       pgx.Tx
	kind     source.Kind
	state    stateOfKind // after the commit
	counts   Counts
	judged   []string // the keys of the rows whose cases these are
	cases    []Case
	disabled []trigger
}

type trigger struct{ table, name string }

// These triggers would do for each row what is done once at the end of the first
// run.
var bulkTriggers = []trigger{
	{"articles", "articles_0_insert_tags"},
	{"articles", "articles_insert_derive"},
	{"article_slugs", "article_slugs_insert_rename"}, // the slugs of drafts are looked up before
	{"comments", "comments_insert_note"},
	{"favorites", "favorites_insert_count"},
}

// These triggers refuse what users did in the old system to somebody who has
// blocked them here.
var blockTriggers = []trigger{
	{"comments", "comments_insert_note_one"},
	{"comments", "comments_block"},
	{"follows", "follows_block"},
}

// write is called before the first row of a table is written. Others cannot
// write to the table until the end of the transaction if it has triggers that
// must not be called.
func (w *writing) write(ctx context.Context, table string) error {
	wanted := blockTriggers
	if w.bulk() {
		wanted = append(wanted[:len(wanted):len(wanted)], bulkTriggers...)
	}
	for _, t := range wanted {
		if t.table != table {
			continue
		}
		if _, err := w.tx.Exec(ctx, `ALTER TABLE `+t.table+` DISABLE TRIGGER `+t.name); err != nil {
			return err
		}
		w.disabled = append(w.disabled, t)
	}
	return nil
}

// commit runs fn in a transaction, which also stores the state and the cases. It
// tries again if another writer was in the way.
func (im *run) commit(ctx context.Context, kind source.Kind, fn func(w *writing) error) error {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		err := im.commitOnce(ctx, kind, fn)
		if err == nil || attempt == attempts || !isConflict(err) {
			return err
		}
	}
}

func (im *run) commitOnce(ctx context.Context, kind source.Kind, fn func(w *writing) error) error {
	before := im.state.of(kind)
	w := &writing{run: im, kind: kind, state: *before}
	err := pgx.BeginFunc(ctx, im.conn, func(tx pgx.Tx) error {
		w.tx = tx
		if err := fn(w); err != nil {
			return err
		}
		for _, t := range w.disabled {
			if _, err := tx.Exec(ctx, `ALTER TABLE `+t.table+` ENABLE TRIGGER `+t.name); err != nil {
				return err
			}
		}
		if err := w.storeCases(ctx); err != nil {
			return err
		}
		w.state.Counts.add(w.counts)
		if im.DryRun {
			return nil
		}
		im.state.Kinds[kind] = &w.state
		return im.saveState(ctx, tx)
	})
	if err != nil {
		im.state.Kinds[kind] = before
		clear(im.tags) // a tag may have been rolled back
		im.orphans = 0
		return err
	}
	im.state.Kinds[kind] = &w.state
	return nil
}

// isConflict reports whether another writer was in the way: a row with the same
// name, or a lock.
func isConflict(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "23505", "40001", "40P01", "55P03":
		return true
	}
	return false
}

// storeCases replaces what was found about the rows of the chunk.
func (w *writing) storeCases(ctx context.Context) error {
	if !w.bulk() && len(w.judged) > 0 {
		if _, err := w.tx.Exec(ctx, `DELETE FROM import_cases WHERE import_id = $1 AND kind = $2 AND key = ANY ($3)`, w.importID, string(w.kind), w.judged); err != nil {
			return err
		}
	}
	if len(w.cases) == 0 {
		return nil
	}
	columns := make([][]string, 7)
	for _, c := range w.cases {
		for i, v := range []string{string(c.Kind), c.Key, string(c.Code), c.Field, string(c.Action), c.Stored, c.Other} {
			columns[i] = append(columns[i], v)
		}
	}
	_, err := w.tx.Exec(ctx, `INSERT INTO import_cases (import_id, kind, key, code, field, action, stored, other)
		SELECT $1, c.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) AS c
		ON CONFLICT ON CONSTRAINT import_cases_pkey DO NOTHING`,
		w.importID, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6])
	return err
}

// judge returns a judge of a row.
func (w *writing) judge(key string) *judge {
	w.judged = append(w.judged, key)
	return w.judgeAgain(key)
}

// judgeAgain returns a judge of a row whose cases stay as they are.
func (w *writing) judgeAgain(key string) *judge {
	return &judge{settings: w.Settings, now: w.Now(), started: w.run.state.started, name: w.Name, kind: w.kind, key: key}
}

// decided takes over what a judge has found, and reports whether the row is
// stored.
func (w *writing) decided(j *judge) bool {
	w.cases = append(w.cases, j.cases...)
	if j.skip {
		w.counts.LeftOut++
	}
	return !j.skip
}

// imported is a row of imported_rows.
type imported struct {
	id       int64
	checksum int64
	password *int64 // the checksum of a user's password hash
}

// known returns what is known of the rows with these keys.
func (w *writing) known(ctx context.Context, kind source.Kind, keys []string) (map[string]imported, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := w.tx.Query(ctx, `SELECT key, row_id, checksum FROM imported_rows WHERE import_id = $1 AND kind = $2 AND key = ANY ($3)`, w.importID, string(kind), keys)
	if err != nil {
		return nil, err
	}
	known := make(map[string]imported, len(keys))
	var key string
	var i imported
	_, err = pgx.ForEachRow(rows, []any{&key, &i.id, &i.checksum}, func() error {
		known[key] = i
		return nil
	})
	return known, err
}

// before returns what is known of the rows of a chunk from earlier runs. The
// first run reads each row once: a look-up took a third of its time. If it was
// interrupted, a file may be another one since, which is read from its beginning.
func (w *writing) before(ctx context.Context, keys []string) (map[string]imported, error) {
	if w.run.state.Run == 1 && !w.run.resumed {
		return nil, nil
	}
	return w.known(ctx, w.kind, keys)
}

// remember stores where new rows are, and when articles were published.
func (w *writing) remember(ctx context.Context, rows []imported, keys []string, published ...*time.Time) error {
	_, err := w.tx.CopyFrom(ctx, pgx.Identifier{"imported_rows"}, []string{"import_id", "kind", "key", "row_id", "checksum", "password", "published_at"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			var at *time.Time
			if published != nil {
				at = published[i]
			}
			return []any{w.importID, string(w.kind), keys[i], rows[i].id, rows[i].checksum, rows[i].password, at}, nil
		}))
	return err
}

// renew stores the new checksums of rows that are known.
func (w *writing) renew(ctx context.Context, changed map[string]int64) error {
	keys, sums := make([]string, 0, len(changed)), make([]int64, 0, len(changed))
	for key, sum := range changed {
		keys, sums = append(keys, key), append(sums, sum)
	}
	_, err := w.tx.Exec(ctx, `UPDATE imported_rows r SET checksum = c.checksum FROM unnest($3::text[], $4::bigint[]) AS c (key, checksum)
		WHERE r.import_id = $1 AND r.kind = $2 AND r.key = c.key`, w.importID, string(w.kind), keys, sums)
	return err
}

// ids returns new ids of a table.
func (w *writing) ids(ctx context.Context, table string, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	if w.DryRun {
		ids := make([]int64, n)
		for i := range ids {
			ids[i], w.nextFake = w.nextFake, w.nextFake+1
		}
		return ids, nil
	}
	rows, err := w.tx.Query(ctx, `SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2::int)`, table, n)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// digest computes the checksum of a row's content in the old system.
type digest struct{ *xxhash.Digest }

func newDigest() digest { return digest{xxhash.New()} }

func (d digest) text(texts ...string) digest {
	for _, t := range texts {
		_, _ = d.WriteString(t)
		_, _ = d.WriteString("\x00\x01") // so that no two rows have the same bytes
	}
	return d
}

func (d digest) optional(texts ...*string) digest {
	for _, t := range texts {
		if t == nil {
			_, _ = d.WriteString("\x00\x02")
		} else {
			d.text(*t)
		}
	}
	return d
}

func (d digest) sum() int64 { return int64(d.Sum64()) }
