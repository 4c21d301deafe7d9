// Package bulk drops the indexes of empty tables while they are filled.
package bulk

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Rebuild is the statement that creates a dropped index or foreign key again.
type Rebuild struct {
	Name      string `json:"name"`
	Statement string `json:"statement"`
}

// Large are the tables that have a row for each thing that users do.
var Large = []string{"users", "articles", "article_slugs", "article_tags", "comments", "favorites", "follows"}

// Drop drops the foreign keys and the indexes (except unique ones) of tables
// in an empty database, and returns the statements that create them again.
// Loading 100,000 articles with their other rows took 59 s with all checks and
// indexes, and 20 s when they were created at the end. It is only for empty
// tables, because its locks block readers as well. The definitions come from the
// catalog, so that indexes of later migrations are included.
func Drop(ctx context.Context, tx pgx.Tx, tables []string) ([]Rebuild, error) {
	const definitions = `
		SELECT conname::text,
		       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
		       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
		       2 AS step
		FROM pg_constraint
		WHERE contype = 'f' AND conrelid = ANY ($1::text[]::regclass[])
		UNION ALL
		SELECT indexrelid::regclass::text, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid), 1
		FROM pg_index
		WHERE NOT indisunique AND indisvalid AND indrelid = ANY ($1::text[]::regclass[])
		ORDER BY step, conname`

	rows, err := tx.Query(ctx, definitions, tables)
	if err != nil {
		return nil, fmt.Errorf("find the indexes: %w", err)
	}
	var drops []string
	var dropped []Rebuild
	var drop string
	var r Rebuild
	var step int
	_, err = pgx.ForEachRow(rows, []any{&r.Name, &drop, &r.Statement, &step}, func() error {
		drops, dropped = append(drops, drop), append(dropped, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the indexes: %w", err)
	}
	return dropped, execute(ctx, tx, drops...)
}

// Recreate creates what Drop has dropped of the tables. The indexes come first,
// because the checks of the foreign keys may use them.
func Recreate(ctx context.Context, tx pgx.Tx, tables []string, dropped []Rebuild) error {
	if len(dropped) == 0 {
		return nil
	}
	// Without statistics the checks would be planned for empty tables.
	if err := execute(ctx, tx, `ANALYZE `+strings.Join(tables, ", ")); err != nil {
		return err
	}
	for _, r := range dropped {
		if err := execute(ctx, tx, r.Statement); err != nil {
			return err
		}
	}
	return nil
}

func execute(ctx context.Context, tx pgx.Tx, statements ...string) error {
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
