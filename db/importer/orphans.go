package importer

import (
	"context"
	"fmt"

	"github.com/byline-api/byline/db/importer/source"
)

// orphanKind is the kind of the account for rows without an author in
// imported_rows. It is one of its own, because a user may have any key.
const orphanKind source.Kind = "orphans"

// orphanKey is the key of that account.
const orphanKey = "byline:orphans"

// orphanAccount returns the account for rows without an author, and creates it
// if it is not there or was deleted here.
func (w *writing) orphanAccount(ctx context.Context) (int64, error) {
	if w.orphans != 0 {
		return w.orphans, nil
	}
	found, err := w.present(ctx, orphanKind, "users", []string{orphanKey})
	if err != nil {
		return 0, err
	}
	if id, ok := found[orphanKey]; ok {
		w.orphans = id
		return id, nil
	}
	if _, err := w.tx.Exec(ctx, `DELETE FROM imported_rows WHERE import_id = $1 AND kind = $2`, w.importID, string(orphanKind)); err != nil {
		return 0, err
	}
	name := w.Settings.Orphans
	if name == "" {
		name = DefaultOrphans
	}
	now := w.Now()
	a := []account{{key: orphanKey, username: name, email: placeholder(w.Name, "orphans"), role: "author", created: now, updated: now}}
	user := &writing{run: w.run, tx: w.tx, kind: orphanKind}
	if a, err = user.distinct(ctx, a, []*judge{user.judge(orphanKey)}); err != nil {
		return 0, err
	}
	if len(a) == 0 {
		return 0, fmt.Errorf("the name %q of the account for rows without an author is taken; set orphans to another one", name)
	}
	if err := user.addUsers(ctx, a); err != nil {
		return 0, err
	}
	known, err := w.known(ctx, orphanKind, []string{orphanKey})
	if err != nil {
		return 0, err
	}
	w.orphans = known[orphanKey].id
	return w.orphans, nil
}

// adopt gives what the authors in gone_users have left to the account for rows
// without an author, whatever the rule says: the old system has it still, since
// what it has deleted is deleted here already. With its author, it would be
// deleted here, and the answers of others with it. What the authors have written
// here is not imported, and is deleted with them.
func (w *writing) adopt(ctx context.Context) error {
	for _, kind := range []source.Kind{source.Articles, source.Comments} {
		tag, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE orphaned_`+string(kind)+` ON COMMIT DROP AS
			SELECT r.key, r.row_id AS id, g.key AS author
			FROM gone_users g JOIN `+string(kind)+` t ON t.author_id = g.row_id JOIN imported_rows r ON r.import_id = $1 AND r.kind = $2 AND r.row_id = t.id`,
			w.importID, string(kind))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			continue
		}
		to, err := w.orphanAccount(ctx)
		if err != nil {
			return err
		}
		if _, err := w.tx.Exec(ctx, `INSERT INTO import_cases (import_id, kind, key, code, field, action, stored, other)
			SELECT $1, $2, key, $3, 'author', $4, '', author FROM orphaned_`+string(kind)+` ON CONFLICT DO NOTHING`,
			w.importID, string(kind), string(AuthorMissing), string(Account)); err != nil {
			return err
		}
		if w.DryRun {
			continue
		}
		if err := w.give(ctx, kind, `SELECT id, $1::bigint AS author_id FROM orphaned_`+string(kind), to); err != nil {
			return err
		}
	}
	return nil
}

// give gives articles or comments to other authors. rows is a query for id and
// author_id. A trigger moves what is counted of articles, but of comments it does
// not.
func (w *writing) give(ctx context.Context, kind source.Kind, rows string, args ...any) error {
	statement := `WITH given AS (
			UPDATE comments c SET author_id = m.author_id FROM (` + rows + `) m JOIN comments o ON o.id = m.id WHERE c.id = o.id
			RETURNING o.author_id AS from_id, c.author_id AS to_id, octet_length(c.body) AS bytes
		), sums AS (
			SELECT id, sum(bytes) AS bytes FROM (SELECT from_id AS id, -bytes AS bytes FROM given UNION ALL SELECT to_id, bytes FROM given) m GROUP BY id
		) UPDATE users u SET stored_bytes = u.stored_bytes + s.bytes FROM sums s WHERE u.id = s.id AND s.bytes <> 0`
	if kind == source.Articles {
		statement = `WITH given AS (
			UPDATE articles a SET author_id = m.author_id, version = a.version + 1 FROM (` + rows + `) m WHERE a.id = m.id RETURNING a.id, a.author_id
		), slugs AS (
			DELETE FROM draft_slugs s USING given g WHERE s.article_id = g.id RETURNING s.slug, g.author_id, g.id
		) INSERT INTO draft_slugs (slug, author_id, article_id) SELECT slug, author_id, id FROM slugs ON CONFLICT DO NOTHING`
	}
	_, err := w.tx.Exec(ctx, statement, args...)
	return err
}
