package jobs_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
)

// described lists everything of River in a schema, in the words of PostgreSQL.
const described = `
	SELECT format('column %s.%s %s %s default %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
	              CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid))
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE c.relname LIKE 'river%' AND c.relkind = 'r' AND c.relname <> 'river_migration'
	UNION ALL SELECT format('table %s %s', relname, relpersistence) FROM pg_class WHERE relname LIKE 'river%' AND relkind = 'r' AND relname <> 'river_migration'
	UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
	WHERE conrelid::regclass::text LIKE 'river%' AND conrelid::regclass::text <> 'river_migration' AND contype <> 'n'
	UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'river%' AND tablename <> 'river_migration'
	UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'river%' AND NOT tgisinternal
	UNION ALL SELECT format('function %s %s', oid::regprocedure, regexp_replace(prosrc, '\s+', ' ', 'g')) FROM pg_proc WHERE proname LIKE 'river%'
	UNION ALL SELECT format('value %s %s', t.typname, e.enumlabel) FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
	ORDER BY 1`

// TestRiverSchema checks that our migrations make the tables that River's
// newest migration makes.
func TestRiverSchema(t *testing.T) {
	t.Parallel()
	theirs := dbtest.OpenURL(t, dbtest.EmptyURL(t))
	migrator, err := rivermigrate.New(riverpgxv5.New(theirs.Pool()), nil)
	require.NoError(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	describe := func(d *db.DB) []string {
		rows, err := d.Query(t.Context(), described)
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Greater(t, len(lines), 50)
		return lines
	}
	require.Equal(t, describe(theirs), describe(dbtest.Open(t)), "River has a new migration: write it as a migration of ours in db/migrations. "+
		"Its text is in the module github.com/riverqueue/river/riverdriver/riverpgxv5, in the folder migration/main")
}
