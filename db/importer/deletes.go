package importer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db/importer/source"
)

// What the old system has lost is found before a run stores anything: if it is
// another database than before, nothing has happened yet. It is deleted before
// the new rows are stored, since those may have its names again.

// createGone creates the tables of findGone, which are empty in the first run.
func (im *run) createGone(ctx context.Context) error {
	for _, kind := range []source.Kind{source.Users, source.Articles, source.Comments} {
		if _, err := im.conn.Exec(ctx, `CREATE TEMPORARY TABLE gone_`+string(kind)+` (key text COLLATE "C", row_id bigint PRIMARY KEY)`); err != nil {
			return err
		}
	}
	for _, k := range []pairKind{favoritePairs, followPairs} {
		// seen has all pairs of the old system, so that they are read only once.
		for _, statement := range []string{
			`CREATE TEMPORARY TABLE gone_` + k.table + ` (user_id bigint, other_id bigint)`,
			`CREATE TEMPORARY TABLE seen_` + k.table + ` (key text COLLATE "C", user_length int, created_at timestamptz)`,
		} {
			if _, err := im.conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
	}
	_, err := im.conn.Exec(ctx, `CREATE TEMPORARY TABLE gone_cases (kind text, key text COLLATE "C")`)
	return err
}

// findGone finds what this import has stored and the old system does not have
// any more, and returns an error if that is too much.
func (im *run) findGone(ctx context.Context) error {
	if _, err := im.conn.Exec(ctx, `TRUNCATE gone_users, gone_articles, gone_comments, gone_favorites, gone_follows, seen_favorites, seen_follows, gone_cases`); err != nil {
		return err
	}
	for _, kind := range source.Kinds {
		im.progress.step("looking for deleted " + string(kind))
		w := &writing{run: im, kind: kind}
		err := pgx.BeginFunc(ctx, im.conn, func(tx pgx.Tx) error {
			w.tx = tx
			if err := w.compareWhole(ctx); err != nil {
				return err
			}
			switch kind {
			case source.Favorites:
				return w.findGonePairs(ctx, favoritePairs)
			case source.Follows:
				return w.findGonePairs(ctx, followPairs)
			default:
				return w.findGoneRows(ctx)
			}
		})
		if err != nil {
			return fmt.Errorf("look for deleted %s: %w", kind, err)
		}
	}
	return nil
}

// compareWhole makes the statements of the transaction read whole tables, each once.
// Without statistics of a table, the planner would read one again for each row of
// the other.
func (w *writing) compareWhole(ctx context.Context) error {
	_, err := w.tx.Exec(ctx, `SELECT set_config('enable_nestloop', 'off', true), set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true)`)
	return err
}

// findGoneRows finds deleted users, articles or comments.
func (w *writing) findGoneRows(ctx context.Context) error {
	if err := w.copyKeys(ctx, w.Source.Keys(ctx, w.kind)); err != nil {
		return err
	}
	_, err := w.tx.Exec(ctx, `INSERT INTO gone_`+string(w.kind)+` SELECT r.key, r.row_id FROM imported_rows r
		WHERE r.import_id = $1 AND r.kind = $2 AND NOT EXISTS (SELECT FROM seen s WHERE s.key = r.key)`, w.importID, string(w.kind))
	if err != nil {
		return err
	}
	var all, gone int64
	err = w.tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM imported_rows WHERE import_id = $1 AND kind = $2), (SELECT count(*) FROM gone_`+string(w.kind)+`)`,
		w.importID, string(w.kind)).Scan(&all, &gone)
	if err != nil {
		return err
	}
	return w.checkGone(ctx, all, gone)
}

// findGonePairs finds deleted favorites or follows.
func (w *writing) findGonePairs(ctx context.Context, k pairKind) error {
	if err := w.copySeen(ctx, k); err != nil {
		return err
	}
	// The name by which k.gone knows the keys.
	if _, err := w.tx.Exec(ctx, `CREATE TEMPORARY VIEW seen AS SELECT key FROM seen_`+k.table); err != nil {
		return err
	}
	if _, err := w.tx.Exec(ctx, `INSERT INTO gone_`+k.table+` (user_id, other_id) `+k.gone, w.latestPair(), w.importID); err != nil {
		return err
	}
	var all, gone int64
	if err := w.tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM `+k.table+`), (SELECT count(*) FROM gone_`+k.table+`)`).Scan(&all, &gone); err != nil {
		return err
	}
	if err := w.checkGone(ctx, all, gone); err != nil {
		return err
	}
	_, err := w.tx.Exec(ctx, `DROP VIEW seen`)
	return err
}

// checkGone returns an error if too many rows are gone. Otherwise it finds the
// cases of rows that are not there any more.
func (w *writing) checkGone(ctx context.Context, all, gone int64) error {
	if err := w.allowed(all, gone); err != nil {
		return err
	}
	if _, err := w.tx.Exec(ctx, `INSERT INTO gone_cases SELECT DISTINCT kind, key FROM import_cases c
		WHERE c.import_id = $1 AND c.kind = $2 AND c.key <> $3 AND NOT EXISTS (SELECT FROM seen s WHERE s.key = c.key)`, w.importID, string(w.kind), orphanKey); err != nil {
		return err
	}
	_, err := w.tx.Exec(ctx, `ANALYZE gone_`+string(w.kind)+`, gone_cases`)
	return err
}

// copyKeys copies the keys of all rows of the old system to the temporary table
// seen.
func (w *writing) copyKeys(ctx context.Context, keys iter.Seq2[string, error]) error {
	if _, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE seen (key text COLLATE "C") ON COMMIT DROP`); err != nil {
		return err
	}
	if _, err := copyAll(ctx, w.tx, "seen", []string{"key"}, keys, func(key string) []any { return []any{key} }); err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	_, err := w.tx.Exec(ctx, `ANALYZE seen`)
	return err
}

// copySeen copies all favorites or follows of the old system to a temporary
// table.
func (w *writing) copySeen(ctx context.Context, k pairKind) error {
	table := "seen_" + k.table
	_, err := copyAll(ctx, w.tx, table, []string{"key", "user_length", "created_at"}, k.read(ctx, w.Source, source.Range{}), func(p pair) []any {
		return []any{p.user + "/" + p.other, utf8.RuneCountInString(p.user), storable(p.created)}
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", k.table, err)
	}
	_, err = w.tx.Exec(ctx, `ANALYZE `+table)
	return err
}

// copyAll copies rows to a table while they are read.
func copyAll[R any](ctx context.Context, tx pgx.Tx, table string, columns []string, rows iter.Seq2[R, error], values func(R) []any) (int64, error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	var failed error // of the source; the database says only that the copy has ended
	n, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, err, more := next()
		if !more || err != nil {
			failed = err
			return nil, err
		}
		return values(row), nil
	}))
	return n, cmp.Or(failed, err)
}

// ErrManyDeleted is the error of a run that would delete many rows: the source
// may be another database, or an empty one.
type ErrManyDeleted struct {
	Kind      source.Kind
	All, Gone int64
}

func (e *ErrManyDeleted) Error() string {
	return fmt.Sprintf("the old system has lost %d of %d %s; if that is right, repeat the command with --delete-many", e.Gone, e.All, e.Kind)
}

// allowed returns an error if more than a tenth of the rows would be deleted,
// and more than a person may have deleted by hand.
func (w *writing) allowed(all, gone int64) error {
	const few = 20
	if w.DeleteMany || gone <= few || gone <= all/10 {
		return nil
	}
	return &ErrManyDeleted{w.kind, all, gone}
}

// deleteGone deletes what findGone has found, and its cases. Rows are deleted
// before those that they refer to.
func (im *run) deleteGone(ctx context.Context) error {
	for _, kind := range slices.Backward(source.Kinds) {
		err := im.commit(ctx, kind, func(w *writing) error {
			if _, err := w.tx.Exec(ctx, `DELETE FROM import_cases c USING gone_cases g
				WHERE c.import_id = $1 AND c.kind = $2 AND g.kind = $2 AND g.key = c.key`, w.importID, string(kind)); err != nil {
				return err
			}
			if err := w.tx.QueryRow(ctx, `SELECT count(*) FROM gone_`+string(kind)).Scan(&w.counts.Deleted); err != nil || w.counts.Deleted == 0 {
				return err
			}
			switch kind {
			case source.Favorites:
				return w.deletePairs(ctx, favoritePairs)
			case source.Follows:
				return w.deletePairs(ctx, followPairs)
			default:
				return w.deleteRows(ctx)
			}
		})
		if err != nil {
			return fmt.Errorf("delete %s: %w", kind, err)
		}
	}
	return nil
}

// deleteRows deletes users, articles or comments.
func (w *writing) deleteRows(ctx context.Context) error {
	table := string(w.kind)
	switch w.kind {
	case source.Users:
		if err := w.adopt(ctx); err != nil {
			return err
		}
	case source.Articles:
		if err := w.forgetComments(ctx); err != nil {
			return err
		}
	}
	if !w.DryRun {
		if _, err := w.tx.Exec(ctx, `DELETE FROM `+table+` t USING gone_`+table+` g WHERE t.id = g.row_id`); err != nil {
			return err
		}
	}
	_, err := w.tx.Exec(ctx, `DELETE FROM imported_rows r USING gone_`+table+` g WHERE r.import_id = $1 AND r.kind = $2 AND r.key = g.key`, w.importID, table)
	return err
}

// forgetComments forgets the comments that are deleted with their articles. If the
// old system has them still, under another article, they are imported again: an API
// has slugs as keys, which change. For that all comments must be read.
func (w *writing) forgetComments(ctx context.Context) error {
	tag, err := w.tx.Exec(ctx, `DELETE FROM imported_rows r USING comments c, gone_articles g
		WHERE r.import_id = $1 AND r.kind = 'comments' AND r.row_id = c.id AND c.article_id = g.row_id`, w.importID)
	if err == nil && tag.RowsAffected() > 0 {
		delete(w.run.state.Latest, source.Comments)
	}
	return err
}

// deletePairs deletes favorites or follows.
func (w *writing) deletePairs(ctx context.Context, k pairKind) error {
	if w.DryRun {
		return nil
	}
	_, err := w.tx.Exec(ctx, k.remove)
	return err
}
