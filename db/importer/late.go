package importer

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/byline-api/byline/db/importer/source"
)

// arrived is a condition for a case c: the row that another one lacked is here
// now. The other row may be newer than the step that would have read it, or it
// may have been left out until somebody corrected it in the old system. OFFSET
// makes it a look-up, also without statistics.
var arrived = `EXISTS (SELECT FROM imported_rows r
	WHERE r.import_id = c.import_id AND r.key = c.other
	  AND r.kind = CASE c.code WHEN 'author-missing' THEN 'users' WHEN 'article-missing' THEN 'articles' WHEN 'parent-missing' THEN 'comments' END
	  AND (r.row_id >= ` + strconv.Itoa(firstFake) + ` OR CASE r.kind WHEN 'users' THEN EXISTS (SELECT FROM users x WHERE x.id = r.row_id)
		WHEN 'articles' THEN EXISTS (SELECT FROM articles x WHERE x.id = r.row_id)
		ELSE EXISTS (SELECT FROM comments x WHERE x.id = r.row_id) END)
	OFFSET 0)`

// sinceOf returns the time from which changes of a kind are read. Rows that were
// left out because they lacked another one have not changed when that one
// arrives, so all rows are read then.
func (im *run) sinceOf(ctx context.Context, kind source.Kind) (time.Time, error) {
	since := im.since(kind)
	if since.IsZero() {
		return since, nil
	}
	var again bool
	err := im.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM import_cases c WHERE c.import_id = $1 AND c.kind = $2 AND c.action = $3
		AND c.code IN ('author-missing', 'article-missing', 'parent-missing') AND `+arrived+`)`, im.importID, string(kind), string(Skip)).Scan(&again)
	if err != nil || again {
		return time.Time{}, err
	}
	return since, nil
}

// giveBack gives articles or comments of the account for rows without an author to
// their author, if an earlier run has not found the author and this one has. The
// old system does not say that such a row has changed. A row that somebody has
// given to another account here stays there.
func (im *run) giveBack(ctx context.Context, kind source.Kind) error {
	if im.state.Run == 1 {
		return nil
	}
	err := im.commit(ctx, kind, func(w *writing) error {
		tag, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE returned ON COMMIT DROP AS
			SELECT c.key, o.row_id, u.row_id AS author_id
			FROM import_cases c
			CROSS JOIN LATERAL (SELECT row_id FROM imported_rows r WHERE r.import_id = c.import_id AND r.kind = c.kind AND r.key = c.key OFFSET 0) o
			CROSS JOIN LATERAL (SELECT row_id FROM imported_rows r WHERE r.import_id = c.import_id AND r.kind = 'users' AND r.key = c.other OFFSET 0) u
			WHERE c.import_id = $1 AND c.kind = $2 AND c.code = 'author-missing' AND `+arrived, w.importID, string(kind))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if err := w.analyze(ctx, `ANALYZE returned`); err != nil {
			return err
		}
		if _, err := w.tx.Exec(ctx, `DELETE FROM import_cases c USING returned a WHERE c.import_id = $1 AND c.kind = $2 AND c.key = a.key AND c.code = 'author-missing'`, w.importID, string(kind)); err != nil {
			return err
		}
		return w.giveToAuthors(ctx)
	})
	if err != nil {
		return fmt.Errorf("give %s to their authors: %w", kind, err)
	}
	return nil
}

// giveToAuthors changes the authors of the rows in the temporary table returned.
func (w *writing) giveToAuthors(ctx context.Context) error {
	known, err := w.known(ctx, orphanKind, []string{orphanKey})
	if err != nil {
		return err
	}
	orphans := known[orphanKey].id
	if _, err := w.tx.Exec(ctx, `DELETE FROM returned a WHERE NOT EXISTS (SELECT FROM `+string(w.kind)+` t WHERE t.id = a.row_id AND t.author_id = $1)`, orphans); err != nil {
		return err
	}
	if err := w.tx.QueryRow(ctx, `SELECT count(*) FROM returned`).Scan(&w.counts.Changed); err != nil || w.DryRun {
		return err
	}
	return w.give(ctx, w.kind, `SELECT row_id AS id, author_id FROM returned`)
}
