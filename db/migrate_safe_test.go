package db_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMigrationsAreSafe rejects migrations that would lock a table with data in
// it for long. An index on an existing table must be created concurrently,
// which needs a file without a transaction.
func TestMigrationsAreSafe(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Empty(t, unsafeIndexes(string(text)), file)
		if filepath.Base(file) > lastUnchecked {
			require.Empty(t, unsafeSteps(string(text)), "%s: docs/development.md, \"Write a migration\"", file)
		}
	}
	require.Equal(t, []string{"i"}, unsafeIndexes("CREATE INDEX i ON old (x);"), "the check must reject an unsafe index")
	require.Empty(t, unsafeIndexes("CREATE TABLE new (x int);\nCREATE UNIQUE INDEX i ON new (x);"))
	require.Empty(t, unsafeIndexes("CREATE TABLE IF NOT EXISTS new (x int);\nCREATE UNIQUE INDEX IF NOT EXISTS i ON new (x);"))
	require.Empty(t, unsafeIndexes("-- +goose NO TRANSACTION\nCREATE INDEX CONCURRENTLY i ON old (x);"))
}

var createIndex = regexp.MustCompile(`(?i)CREATE\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s+ON\s+(\w+)`)

func unsafeIndexes(migration string) (names []string) {
	for _, m := range createIndex.FindAllStringSubmatch(migration, -1) {
		concurrent, name, table := m[1] != "", m[2], m[3]
		isNew := regexp.MustCompile(`CREATE (UNLOGGED )?TABLE (IF NOT EXISTS )?` + table + ` `).MatchString(migration)
		if !concurrent && !isNew || concurrent && !strings.Contains(migration, "+goose NO TRANSACTION") {
			names = append(names, name)
		}
	}
	return names
}

// lastUnchecked is the last migration that was released before unsafeSteps.
const lastUnchecked = "00014_storage.sql"

var (
	alterTable   = regexp.MustCompile(`(?is)ALTER TABLE (?:IF EXISTS )?(\w+)\s([^;]*);`)
	newTable     = regexp.MustCompile(`(?i)CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)`)
	checksRows   = regexp.MustCompile(`(?i)ADD (?:CONSTRAINT \w+ )?(?:CHECK|FOREIGN KEY)|ADD COLUMN [^,]*(?:REFERENCES|CHECK)`)
	rewritesRows = regexp.MustCompile(`(?i)SET NOT NULL|ALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE|ADD (?:CONSTRAINT \w+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)|` +
		`ADD COLUMN [^,]*(?:DEFAULT (?:now|clock_timestamp|random|gen_random_uuid|nextval)\(|GENERATED|SERIAL|UNIQUE|PRIMARY)`)
)

// unsafeSteps returns the statements of a migration that read or write all rows
// of an existing table while they lock it. It does not look at the way back.
func unsafeSteps(migration string) (statements []string) {
	migration, _, _ = strings.Cut(migration, "-- +goose Down")
	made := map[string]bool{}
	for _, m := range newTable.FindAllStringSubmatch(migration, -1) {
		made[m[1]] = true
	}
	for _, m := range alterTable.FindAllStringSubmatch(migration, -1) {
		table, actions := m[1], strings.Join(strings.Fields(m[2]), " ")
		unvalidated := strings.Contains(actions, "NOT VALID")
		if !made[table] && (rewritesRows.MatchString(actions) && !strings.Contains(actions, "USING INDEX") || checksRows.MatchString(actions) && !unvalidated) {
			statements = append(statements, m[0])
		}
	}
	return statements
}

func TestUnsafeSteps(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{
		"ALTER TABLE old ADD CONSTRAINT c CHECK (x > 0);",
		"ALTER TABLE old ADD COLUMN y int,\n    ADD CONSTRAINT c FOREIGN KEY (y) REFERENCES other (id);",
		"ALTER TABLE old ADD COLUMN y bigint REFERENCES other (id);",
		"ALTER TABLE old ADD COLUMN y timestamptz NOT NULL DEFAULT clock_timestamp();",
		"ALTER TABLE old ADD CONSTRAINT c UNIQUE (x);",
		"ALTER TABLE old ALTER COLUMN x SET NOT NULL;",
		"ALTER TABLE old ALTER x TYPE bigint;",
	} {
		require.Equal(t, []string{statement}, unsafeSteps("-- comment\n"+statement+"\nDROP TABLE other;"))
		require.Empty(t, unsafeSteps("CREATE TABLE IF NOT EXISTS old (x int);\n"+statement))
	}
	for _, statement := range []string{
		"ALTER TABLE old DROP CONSTRAINT IF EXISTS c, ADD CONSTRAINT c CHECK (x > 0) NOT VALID;",
		"ALTER TABLE old VALIDATE CONSTRAINT c;",
		"ALTER TABLE old ADD COLUMN y int NOT NULL DEFAULT 1, ADD COLUMN z text;",
		"ALTER TABLE old ALTER COLUMN x SET DEFAULT now();",
		"ALTER TABLE old ADD CONSTRAINT c UNIQUE USING INDEX i;",
		"ALTER TABLE old DROP COLUMN x;",
	} {
		require.Empty(t, unsafeSteps(statement))
	}
}
