package importer

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db/importer/source"
)

// The old system may give a name, an address or a slug to another row between two
// runs: two rows change theirs, or a row was renamed here because its own was
// taken, and is not taken any more.

// giveUp takes names and addresses that other accounts of the chunk want from those
// that get others now. It stores values in their place that nobody can have, since
// each account is changed in a statement of its own.
func (w *writing) giveUp(ctx context.Context, have owners, accounts []account, judges []*judge) error {
	if w.Settings.action(UsernameTaken) == Skip || w.Settings.action(EmailTaken) == Skip {
		return nil // the account may be left as it is
	}
	gets := map[int64]account{}
	for i, a := range accounts {
		if a.id != 0 && !judges[i].skip {
			gets[a.id] = a
		}
	}
	var ids []int64
	for key, who := range have {
		a, changes := gets[who.id]
		if changes && key[1] != map[string]string{"n": a.lowerName, "f": a.foldedName, "e": a.address}[key[0]] {
			delete(have, key)
			ids = append(ids, who.id)
		}
	}
	if len(ids) == 0 || w.DryRun {
		return nil
	}
	_, err := w.tx.Exec(ctx, `UPDATE users SET username = E'\x01' || id, folded_username = E'\x01' || id, email = E'\x01' || id WHERE id = ANY ($1)`, ids)
	return err
}

// giveUpSlugs takes slugs that articles of the chunk want from those that get
// others now, and from imported ones that have had them before: in the old system
// they lead to the other article.
func (w *writing) giveUpSlugs(ctx context.Context, have map[string]int64, articles []article, judges []*judge) error {
	gets := map[int64]string{}
	for i, a := range articles {
		if a.id != 0 && !judges[i].skip && w.Settings.action(SlugTaken) != Skip {
			gets[a.id] = a.Slug
		}
	}
	free, old := map[string]int64{}, map[string]int64{}
	for slug, id := range have {
		if wants, changes := gets[id]; changes && wants != slug {
			free[slug] = id
		} else if !changes && id != 0 {
			old[slug] = id
		}
	}
	if err := w.slugsBefore(ctx, old, free); err != nil || len(free) == 0 {
		return err
	}
	slugs, ids := columnsOf(free)
	for _, slug := range slugs {
		delete(have, slug)
	}
	if w.DryRun {
		return nil
	}
	for _, table := range []string{"article_slugs", "draft_slugs"} {
		if _, err := w.tx.Exec(ctx, `DELETE FROM `+table+` s USING unnest($1::text[], $2::bigint[]) AS f (slug, id) WHERE s.slug = f.slug AND s.article_id = f.id`, slugs, ids); err != nil {
			return err
		}
	}
	return nil
}

// slugsBefore adds the slugs to found that imported articles do not have any more.
func (w *writing) slugsBefore(ctx context.Context, owned, found map[string]int64) error {
	if len(owned) == 0 {
		return nil
	}
	slugs, ids := columnsOf(owned)
	rows, err := w.tx.Query(ctx, `WITH old AS MATERIALIZED (
			SELECT o.slug, o.id FROM unnest($1::text[], $2::bigint[]) AS o (slug, id) JOIN articles a ON a.id = o.id AND a.slug <> o.slug
		)
		SELECT old.slug, old.id FROM old
		JOIN (SELECT DISTINCT row_id FROM imported_rows WHERE import_id = $3 AND kind = 'articles' AND row_id = ANY (SELECT id FROM old)) r ON r.row_id = old.id`,
		slugs, ids, w.importID)
	if err != nil {
		return err
	}
	return collect(rows, found)
}

// renamedBefore returns the ids of rows with these keys that have another value than
// their own since a run before, and still the one that it has stored. Rows that are
// judged in this run are not among them.
func (w *writing) renamedBefore(ctx context.Context, code Code, table, column string, keys []string) (map[string]int64, error) {
	renamed := map[string]int64{}
	if w.run.state.Run == 1 {
		return renamed, nil
	}
	rows, err := w.tx.Query(ctx, `SELECT c.key, t.id FROM import_cases c
		JOIN imported_rows r ON r.import_id = c.import_id AND r.kind = c.kind AND r.key = c.key
		JOIN `+table+` t ON t.id = r.row_id AND t.`+column+` = c.stored
		WHERE c.import_id = $1 AND c.kind = $2 AND c.code = $3 AND c.key = ANY ($4) AND NOT c.key = ANY (COALESCE($5::text[], '{}'))`,
		w.importID, string(w.kind), string(code), keys, w.judged)
	if err != nil {
		return nil, err
	}
	return renamed, collect(rows, renamed)
}

// restored notes that a row has its own value again.
func (w *writing) restored(ctx context.Context, key string, code Code) error {
	_, err := w.tx.Exec(ctx, `DELETE FROM import_cases WHERE import_id = $1 AND kind = $2 AND key = $3 AND code = $4`, w.importID, string(w.kind), key, string(code))
	return err
}

// restoreNames gives accounts their own names and addresses as soon as they are
// free.
func (w *writing) restoreNames(ctx context.Context, rows []source.User) error {
	keys := keysOf(rows, func(u source.User) string { return u.Key })
	names, err := w.renamedBefore(ctx, UsernameTaken, "users", "username", keys)
	if err != nil {
		return err
	}
	emails, err := w.renamedBefore(ctx, EmailTaken, "users", "email", keys)
	if err != nil || len(names)+len(emails) == 0 {
		return err
	}
	var accounts []account
	for _, u := range rows {
		if names[u.Key]+emails[u.Key] != 0 {
			a := judgeUser(w.judgeAgain(u.Key), u)
			a.id = max(names[u.Key], emails[u.Key])
			accounts = append(accounts, a)
		}
	}
	if err := w.fold(ctx, accounts); err != nil {
		return err
	}
	have, err := w.owners(ctx, accounts)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		_, name := have.of("n", a.lowerName, a.id)
		_, folded := have.of("f", a.foldedName, a.id)
		_, address := have.of("e", a.address, a.id)
		ownName, ownEmail := names[a.key] != 0 && !name && !folded, emails[a.key] != 0 && !address
		if err := w.restoreAccount(ctx, a, ownName, ownEmail, have); err != nil {
			return err
		}
	}
	return nil
}

// restoreAccount gives an account its own name or address or both.
func (w *writing) restoreAccount(ctx context.Context, a account, name, email bool, have owners) error {
	who := owner{a.id, a.username}
	if name {
		have[[2]string{"n", a.lowerName}], have[[2]string{"f", a.foldedName}] = who, who
		if err := w.restored(ctx, a.key, UsernameTaken); err != nil {
			return err
		}
	}
	if email {
		have[[2]string{"e", a.address}] = who
		if err := w.restored(ctx, a.key, EmailTaken); err != nil {
			return err
		}
	}
	if !name && !email {
		return nil
	}
	w.counts.Changed++
	w.counts.Unchanged--
	if w.DryRun {
		return nil
	}
	_, err := w.tx.Exec(ctx, `UPDATE users SET username = CASE WHEN $2 THEN $3 ELSE username END, folded_username = CASE WHEN $2 THEN $4 ELSE folded_username END,
		email = CASE WHEN $5 THEN $6 ELSE email END, named_at = clock_timestamp() WHERE id = $1`, a.id, name, a.username, a.foldedName, email, a.email)
	return err
}

// restoreSlugs gives articles their own slugs as soon as they are free. The slug
// before leads to the article still.
func (w *writing) restoreSlugs(ctx context.Context, rows []source.Article) error {
	renamed, err := w.renamedBefore(ctx, SlugTaken, "articles", "slug", keysOf(rows, func(a source.Article) string { return a.Key }))
	if err != nil || len(renamed) == 0 {
		return err
	}
	var articles []article
	var judges []*judge
	for _, row := range rows {
		if id := renamed[row.Key]; id != 0 {
			j := w.judgeAgain(row.Key)
			row.Slug = j.slug(row.Slug, row.Title)
			articles, judges = append(articles, article{Article: row, imported: imported{id: id}}), append(judges, j)
		}
	}
	have, err := w.slugOwners(ctx, keysOf(articles, func(a article) string { return a.Slug }))
	if err != nil {
		return err
	}
	if err := w.giveUpSlugs(ctx, have, articles, judges); err != nil {
		return err
	}
	for _, a := range articles {
		if owner, taken := have[a.Slug]; taken && owner != a.id {
			continue
		}
		have[a.Slug] = a.id
		if err := w.restored(ctx, a.Key, SlugTaken); err != nil {
			return err
		}
		w.counts.Changed++
		w.counts.Unchanged--
		if w.DryRun {
			continue
		}
		if _, err := w.tx.Exec(ctx, `WITH a AS (
				UPDATE articles SET slug = $2, version = version + 1, counted_version = version + 1 WHERE id = $1 RETURNING id, author_id, hidden, slug
			), public AS (
				INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM a WHERE NOT hidden ON CONFLICT DO NOTHING
			), private AS (
				INSERT INTO draft_slugs (slug, author_id, article_id) SELECT slug, author_id, id FROM a WHERE hidden ON CONFLICT DO NOTHING
			) SELECT FROM a`, a.id, a.Slug); err != nil {
			return err
		}
	}
	return nil
}

// collect adds rows of a text and an id to a map.
func collect(rows pgx.Rows, to map[string]int64) error {
	var key string
	var id int64
	_, err := pgx.ForEachRow(rows, []any{&key, &id}, func() error {
		to[key] = id
		return nil
	})
	return err
}

// columnsOf returns the keys and the values of a map in the same order.
func columnsOf(m map[string]int64) (keys []string, values []int64) {
	for k, v := range m {
		keys, values = append(keys, k), append(values, v)
	}
	return keys, values
}
