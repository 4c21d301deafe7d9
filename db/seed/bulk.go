package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// bulkRows is the size from which it pays to build indexes after the COPY: a smaller set takes a second or two anyway,
// and readers need not wait for it.
const bulkRows = 100_000

// rebuild is what lift took away: the statements that bring it back.
type rebuild struct{ name, statement string }

// lift drops the foreign keys and the indexes (other than unique ones) of the tables in an empty database, and returns
// how to make them again. Checked and indexed row by row, 100,000 articles and what belongs to them took 59 s;
// with the keys checked and the indexes built at the end, 20 s. It is for empty tables only, since its lock keeps readers out as well.
// What there is comes from the catalog, so that later migrations are covered.
func (l *loader) lift(ctx context.Context) ([]rebuild, error) {
	const tables = `SELECT unnest(ARRAY['users', 'articles', 'article_slugs', 'article_tags', 'comments', 'favorites', 'follows']::regclass[])`
	const lifted = `
		SELECT conname::text,
		       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
		       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
		       2 AS step
		FROM pg_constraint
		WHERE contype = 'f' AND conrelid IN (` + tables + `)
		UNION ALL
		SELECT indexrelid::regclass::text, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid), 1
		FROM pg_index
		WHERE NOT indisunique AND indisvalid AND indrelid IN (` + tables + `)
		ORDER BY step, conname`

	rows, err := l.tx.Query(ctx, lifted)
	if err != nil {
		return nil, fmt.Errorf("find the indexes: %w", err)
	}
	var drops []string
	var back []rebuild
	var drop string
	var r rebuild
	var step int
	_, err = pgx.ForEachRow(rows, []any{&r.name, &drop, &r.statement, &step}, func() error {
		drops, back = append(drops, drop), append(back, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the indexes: %w", err)
	}
	return back, l.exec(ctx, drops...)
}

// restore makes again what lift dropped: the indexes first, which the checks of the keys may use.
func (l *loader) restore(ctx context.Context, back []rebuild) error {
	if len(back) == 0 {
		return nil
	}
	// Without statistics the checks are planned for empty tables.
	if err := l.exec(ctx, `ANALYZE `+tables); err != nil {
		return err
	}
	l.report.step("statistics", "")
	for _, r := range back {
		if err := l.exec(ctx, r.statement); err != nil {
			return err
		}
	}
	l.report.step("indexes", fmt.Sprintf("%d indexes and foreign keys", len(back)))
	return nil
}

// isBulk says whether the set is large and there is nobody to disturb.
func (l *loader) isBulk(ctx context.Context) (empty bool, err error) {
	c := l.cfg
	if c.Users+c.Articles*(2+c.TagsPerArticle)+c.Comments+c.Favorites+c.Follows < bulkRows {
		return false, nil
	}
	err = l.tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM users)`).Scan(&empty) // all other rows need a user
	if err != nil {
		return false, fmt.Errorf("look for rows: %w", err)
	}
	return empty, nil
}
