package importer

import (
	"context"
	"fmt"
)

// joinThreads makes comments answers to those that they answer in the old
// system, if these were stored after them. Keys that are no numbers have any
// order, so about half of the answers come first. A dry run only corrects the
// report, and does not find threads that become too deep.
func (w *writing) joinThreads(ctx context.Context) error {
	comment := func(key string) string { // OFFSET makes each a look-up, without statistics
		return `(SELECT c.id, c.article_id, c.parent_id FROM imported_rows r JOIN ` + w.allComments() + ` c ON c.id = r.row_id
			WHERE r.import_id = k.import_id AND r.kind = 'comments' AND r.key = ` + key + ` OFFSET 0)`
	}
	tag, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE late ON COMMIT DROP AS
		SELECT k.key, x.id, y.id AS parent_id, y.id AS root_id, x.article_id = y.article_id AS here
		FROM import_cases k CROSS JOIN LATERAL `+comment(`k.key`)+` x CROSS JOIN LATERAL `+comment(`k.other`)+` y
		WHERE k.import_id = $1 AND k.kind = 'comments' AND k.code = 'parent-missing' AND x.parent_id IS NULL`, w.importID)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	if err := w.analyze(ctx, `ANALYZE late`); err != nil {
		return err
	}
	if err := w.wrongParents(ctx, `NOT here`); err != nil {
		return err
	}
	if w.DryRun {
		_, err := w.tx.Exec(ctx, `DELETE FROM import_cases k USING late l WHERE k.import_id = $1 AND k.kind = 'comments' AND k.code = 'parent-missing' AND k.key = l.key`, w.importID)
		return err
	}
	if err := w.prepareThreads(ctx); err != nil {
		return err
	}
	for moved := int64(1); moved > 0; {
		if moved, err = w.joinReady(ctx); err != nil {
			return err
		}
	}
	if err := w.noteDeep(ctx); err != nil {
		return err
	}
	return w.wrongParents(ctx, `true`) // those left answer their own answers
}

// wrongParents notes of comments in the table late that they cannot answer what
// they answer in the old system, and takes them out.
func (w *writing) wrongParents(ctx context.Context, which string) error {
	_, err := w.tx.Exec(ctx, `WITH wrong AS (DELETE FROM late WHERE `+which+` RETURNING key)
		UPDATE import_cases k SET code = 'parent-wrong' FROM wrong w
		WHERE k.import_id = $1 AND k.kind = 'comments' AND k.code = 'parent-missing' AND k.key = w.key`, w.importID)
	return err
}

// prepareThreads makes the tables of joinReady: root_id is the first comment of
// the thread of parent_id.
func (w *writing) prepareThreads(ctx context.Context) error {
	statements := []string{
		`UPDATE late l SET root_id = (WITH RECURSIVE up AS (
				SELECT c.id, c.parent_id FROM comments c WHERE c.id = l.parent_id
				UNION ALL SELECT c.id, c.parent_id FROM up JOIN comments c ON c.id = up.parent_id
			) SELECT id FROM up WHERE parent_id IS NULL)`,
		`CREATE UNIQUE INDEX ON late (id)`,
		`CREATE INDEX ON late (root_id)`,
		`CREATE TEMPORARY TABLE ready (key text COLLATE "C", id bigint, parent_id bigint, root_id bigint) ON COMMIT DROP`,
		`CREATE TEMPORARY TABLE deep (id bigint PRIMARY KEY) ON COMMIT DROP`,
	}
	if w.bulk() && len(w.run.state.Dropped) > 0 { // noteDeep drops it
		statements = append(statements, `CREATE INDEX comments_late_idx ON comments (parent_id) WHERE parent_id IS NOT NULL`)
	}
	for _, s := range statements {
		if _, err := w.tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("prepare the threads: %w", err)
		}
	}
	return nil
}

// joinReady joins the comments of the table late that answer one whose own place
// is right already, and returns how many there were. All below them move with
// them. What becomes deeper than a thread can be answers the comment above, as
// in place.
func (w *writing) joinReady(ctx context.Context) (int64, error) {
	if _, err := w.tx.Exec(ctx, `TRUNCATE ready`); err != nil {
		return 0, err
	}
	tag, err := w.tx.Exec(ctx, `WITH r AS (DELETE FROM late l WHERE NOT EXISTS (SELECT FROM late p WHERE p.id = l.root_id) RETURNING key, id, parent_id, root_id)
		INSERT INTO ready SELECT * FROM r`)
	if err != nil || tag.RowsAffected() == 0 {
		return 0, err
	}
	if err := w.analyze(ctx, `ANALYZE ready`); err != nil {
		return 0, err
	}
	if _, err := w.tx.Exec(ctx, `UPDATE late l SET root_id = r.root_id FROM ready r WHERE l.root_id = r.id`); err != nil {
		return 0, err
	}
	if _, err := w.tx.Exec(ctx, `DELETE FROM import_cases k USING ready r WHERE k.import_id = $1 AND k.kind = 'comments' AND k.code = 'parent-missing' AND k.key = r.key`, w.importID); err != nil {
		return 0, err
	}
	// last is the comment above that is the deepest one with answers.
	_, err = w.tx.Exec(ctx, `WITH RECURSIVE below AS (
			SELECT r.id, r.parent_id, y.depth + 1 AS depth, CASE y.depth WHEN $1 THEN y.parent_id WHEN $1 - 1 THEN y.id END AS last
			FROM ready r JOIN comments y ON y.id = r.parent_id
			UNION ALL
			SELECT c.id, c.parent_id, b.depth + 1, CASE b.depth WHEN $1 - 1 THEN b.id ELSE b.last END
			FROM below b JOIN comments c ON c.parent_id = b.id
		), moved AS (
			UPDATE comments c SET parent_id = CASE WHEN b.depth > $1 THEN b.last ELSE b.parent_id END, depth = LEAST(b.depth, $1)
			FROM below b WHERE c.id = b.id RETURNING c.id, b.depth
		) INSERT INTO deep SELECT id FROM moved WHERE depth > $1 ON CONFLICT DO NOTHING`, maxDepth)
	return tag.RowsAffected(), err
}

// noteDeep notes the comments that joinReady has put elsewhere.
func (w *writing) noteDeep(ctx context.Context) error {
	if _, err := w.tx.Exec(ctx, `INSERT INTO import_cases (import_id, kind, key, code, field, action, stored, other)
		SELECT r.import_id, r.kind, r.key, 'thread-deep', 'parent', 'repair', '', ''
		FROM deep d JOIN imported_rows r ON r.row_id = d.id WHERE r.import_id = $1 AND r.kind = 'comments'
		ON CONFLICT DO NOTHING`, w.importID); err != nil {
		return err
	}
	_, err := w.tx.Exec(ctx, `DROP INDEX IF EXISTS comments_late_idx`)
	return err
}

// allComments returns the comments that are stored, and in a dry run those that
// would be.
func (w *writing) allComments() string {
	if w.DryRun {
		return `(SELECT id, article_id, parent_id, depth FROM comments UNION ALL SELECT id, article_id, parent_id, depth FROM planned_comments)`
	}
	return `comments`
}
