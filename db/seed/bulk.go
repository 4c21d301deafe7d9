package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// bulkRows is the number of rows from which dropping the indexes is worthwhile.
// Smaller data sets take a second or two anyway, and readers are not blocked.
const bulkRows = 100_000

// rebuild is the statement that creates a dropped index or foreign key again.
type rebuild struct{ name, statement string }

// dropIndexes drops the foreign keys and the indexes (except unique ones) of
// the tables in an empty database, and returns the statements that create them
// again. Loading 100,000 articles with their other rows took 59 s with all
// checks and indexes, and 20 s when they were created at the end. It is only
// for empty tables, because its locks block readers as well. The definitions
// come from the catalog, so that indexes of later migrations are included.
func (l *loader) dropIndexes(ctx context.Context) ([]rebuild, error) {
	const tables = `SELECT unnest(ARRAY['users', 'articles', 'article_slugs', 'article_tags', 'comments', 'favorites', 'follows']::regclass[])`
	const definitions = `
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

	rows, err := l.tx.Query(ctx, definitions)
	if err != nil {
		return nil, fmt.Errorf("find the indexes: %w", err)
	}
	var drops []string
	var dropped []rebuild
	var drop string
	var r rebuild
	var step int
	_, err = pgx.ForEachRow(rows, []any{&r.name, &drop, &r.statement, &step}, func() error {
		drops, dropped = append(drops, drop), append(dropped, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the indexes: %w", err)
	}
	return dropped, l.exec(ctx, drops...)
}

// recreateIndexes creates what dropIndexes dropped. The indexes come first,
// because the checks of the foreign keys may use them.
func (l *loader) recreateIndexes(ctx context.Context, dropped []rebuild) error {
	if len(dropped) == 0 {
		return nil
	}
	// Without statistics the checks would be planned for empty tables.
	if err := l.exec(ctx, `ANALYZE `+tables); err != nil {
		return err
	}
	l.report.step("statistics", "")
	for _, r := range dropped {
		if err := l.exec(ctx, r.statement); err != nil {
			return err
		}
	}
	l.report.step("indexes", fmt.Sprintf("%d indexes and foreign keys", len(dropped)))
	return nil
}

// isBulk reports whether the data set is large and the database is empty.
func (l *loader) isBulk(ctx context.Context) (empty bool, err error) {
	c := l.cfg
	if c.Users+c.Articles*(2+c.TagsPerArticle)+c.Comments+c.Favorites+c.Follows < bulkRows {
		return false, nil
	}
	err = l.tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM users)`).Scan(&empty) // all other rows refer to a user
	if err != nil {
		return false, fmt.Errorf("check whether the database is empty: %w", err)
	}
	return empty, nil
}
