package importer

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db/importer/source"
)

// deleteGone deletes what this import has stored and the old system does not
// have any more.
func (im *run) deleteGone(ctx context.Context) error {
	for _, step := range []struct {
		kind   source.Kind
		delete func(context.Context, *writing) error
	}{
		{source.Follows, func(ctx context.Context, w *writing) error { return w.deletePairs(ctx, followPairs) }},
		{source.Favorites, func(ctx context.Context, w *writing) error { return w.deletePairs(ctx, favoritePairs) }},
		{source.Comments, func(ctx context.Context, w *writing) error { return w.deleteRows(ctx) }},
		{source.Articles, func(ctx context.Context, w *writing) error { return w.deleteRows(ctx) }},
		{source.Users, func(ctx context.Context, w *writing) error { return w.deleteRows(ctx) }},
	} {
		im.progress.step("looking for deleted " + string(step.kind))
		err := im.commit(ctx, step.kind, func(w *writing) error {
			if err := w.copyKeys(ctx, im.Source.Keys(ctx, step.kind)); err != nil {
				return err
			}
			// What was found about rows that are not there any more.
			if _, err := w.tx.Exec(ctx, `DELETE FROM import_cases c WHERE c.import_id = $1 AND c.kind = $2 AND NOT EXISTS (SELECT FROM seen s WHERE s.key = c.key)`, w.importID, string(step.kind)); err != nil {
				return err
			}
			return step.delete(ctx, w)
		})
		if err != nil {
			return fmt.Errorf("delete %s: %w", step.kind, err)
		}
	}
	return nil
}

// copyKeys copies the keys of all rows of the old system to the temporary table
// seen.
func (w *writing) copyKeys(ctx context.Context, keys iter.Seq2[string, error]) error {
	if _, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE seen (key text COLLATE "C") ON COMMIT DROP`); err != nil {
		return err
	}
	next, stop := iter.Pull2(keys)
	defer stop()
	_, err := w.tx.CopyFrom(ctx, pgx.Identifier{"seen"}, []string{"key"}, pgx.CopyFromFunc(func() ([]any, error) {
		key, err, more := next()
		if !more || err != nil {
			return nil, err
		}
		return []any{key}, nil
	}))
	if err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	_, err = w.tx.Exec(ctx, `ANALYZE seen`)
	return err
}

// deleteRows deletes users, articles or comments.
func (w *writing) deleteRows(ctx context.Context) error {
	table := string(w.kind)
	var all, gone int64
	_, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE gone ON COMMIT DROP AS
		SELECT r.key, r.row_id FROM imported_rows r
		WHERE r.import_id = $1 AND r.kind = $2 AND r.key <> $3 AND NOT EXISTS (SELECT FROM seen s WHERE s.key = r.key)`, w.importID, table, orphanKey)
	if err != nil {
		return err
	}
	err = w.tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM imported_rows WHERE import_id = $1 AND kind = $2), (SELECT count(*) FROM gone)`, w.importID, table).Scan(&all, &gone)
	if err != nil || gone == 0 {
		return err
	}
	if err := w.allowed(all, gone); err != nil {
		return err
	}
	w.counts.Deleted = gone
	if !w.DryRun {
		if _, err := w.tx.Exec(ctx, `DELETE FROM `+table+` t USING gone g WHERE t.id = g.row_id`); err != nil {
			return err
		}
	}
	_, err = w.tx.Exec(ctx, `DELETE FROM imported_rows r USING gone g WHERE r.import_id = $1 AND r.kind = $2 AND r.key = g.key`, w.importID, table)
	return err
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

// deletePairs deletes favorites or follows.
func (w *writing) deletePairs(ctx context.Context, k pairKind) error {
	if _, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE gone (user_id bigint, other_id bigint) ON COMMIT DROP`); err != nil {
		return err
	}
	if _, err := w.tx.Exec(ctx, `INSERT INTO gone (user_id, other_id) `+k.gone, w.latestPair(), w.importID); err != nil {
		return err
	}
	var all, gone int64
	if err := w.tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM `+k.table+`), (SELECT count(*) FROM gone)`).Scan(&all, &gone); err != nil || gone == 0 {
		return err
	}
	if err := w.allowed(all, gone); err != nil {
		return err
	}
	w.counts.Deleted = gone
	if w.DryRun {
		return nil
	}
	_, err := w.tx.Exec(ctx, k.remove)
	return err
}
