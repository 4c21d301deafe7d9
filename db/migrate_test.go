package db_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
)

func migrator(t *testing.T, url string) *db.Migrator {
	t.Helper()
	m, err := db.NewMigrator(url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	url := dbtest.EmptyURL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	want, err := db.LatestVersion()
	require.NoError(t, err)

	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	applied, err := m.Up(t.Context())
	require.NoError(t, err)
	require.Len(t, applied, len(files))
	again, err := m.Up(t.Context())
	require.NoError(t, err)
	require.Empty(t, again)
	have, err := d.SchemaVersion(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, have)

	for range files {
		_, err = m.Down(t.Context())
		require.NoError(t, err)
	}
	var left int
	require.NoError(t, d.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose_%')
		     + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)`).Scan(&left))
	require.Zero(t, left, "down leaves things behind")
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	status, err := m.Status(t.Context())
	require.NoError(t, err)
	require.Len(t, status, len(files))
}

func TestMigrateConcurrently(t *testing.T) {
	t.Parallel()
	url := dbtest.EmptyURL(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		m := migrator(t, url)
		wg.Go(func() { _, errs[i] = m.Up(t.Context()) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// TestMigrationsAreSafe refuses migrations that would lock a table with data
// in it: an index on an existing table must be made concurrently, which needs
// a file without a transaction.
func TestMigrationsAreSafe(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Empty(t, unsafeIndexes(string(text)), file)
	}
	require.Equal(t, []string{"i"}, unsafeIndexes("CREATE INDEX i ON old (x);"), "the check must see what it is for")
	require.Empty(t, unsafeIndexes("CREATE TABLE new (x int);\nCREATE UNIQUE INDEX i ON new (x);"))
	require.Empty(t, unsafeIndexes("-- +goose NO TRANSACTION\nCREATE INDEX CONCURRENTLY i ON old (x);"))
}

var createIndex = regexp.MustCompile(`(?i)CREATE\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s+ON\s+(\w+)`)

func unsafeIndexes(migration string) (names []string) {
	for _, m := range createIndex.FindAllStringSubmatch(migration, -1) {
		concurrent, name, table := m[1] != "", m[2], m[3]
		isNew := regexp.MustCompile(`CREATE (UNLOGGED )?TABLE ` + table + ` `).MatchString(migration)
		if !concurrent && !isNew || concurrent && !strings.Contains(migration, "+goose NO TRANSACTION") {
			names = append(names, name)
		}
	}
	return names
}
