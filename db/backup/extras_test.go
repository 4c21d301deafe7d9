package backup_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/dbtest"
)

// TestExtras lists what operators and other programs have added to a database.
func TestExtras(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	pool := dbtest.OpenURL(t, url).Pool()
	require.Empty(t, extras(t, pool), "of a new database")
	_, err := pool.Exec(t.Context(), `
		CREATE TABLE notes (id bigserial PRIMARY KEY, note text);
		ALTER TABLE users ADD crm_id int;
		CREATE INDEX users_crm_id_idx ON users (crm_id);
		CREATE VIEW authors AS SELECT id, username FROM users;
		CREATE SCHEMA reporting;
		CREATE FUNCTION reporting.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE TYPE mood AS ENUM ('good');
		DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET work_mem = ''8MB''', current_database()); END $$`)
	require.NoError(t, err)
	require.Equal(t, []string{
		"function reporting.one()", "index users_crm_id_idx", "schema reporting",
		"table notes", "type mood", "view authors",
	}, extras(t, pool))
	// The target is in the same cluster here, and has these too.
	all, err := backup.Objects(t.Context(), pool)
	require.NoError(t, err)
	name := ask[string](t, pool, "SELECT current_database()::text")[0]
	require.Subset(t, all, []string{"database " + name, "setting work_mem=8MB of the role " + ask[string](t, pool, "SELECT current_user::text")[0] + " in the database " + name})
}

// TestExtrasOfOlderSchema compares a database with the migrations that it has.
func TestExtrasOfOlderSchema(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, err := db.NewMigrator(url)
	require.NoError(t, err)
	defer m.Close()
	for range 3 {
		_, err := m.Down(t.Context())
		require.NoError(t, err)
	}
	require.Empty(t, extras(t, dbtest.OpenURL(t, url).Pool()))
}

// extras returns those of a database, without the databases of other tests.
func extras(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	list, err := backup.Extras(t.Context(), pool, empty(t))
	require.NoError(t, err)
	return slices.DeleteFunc(list, func(name string) bool { return strings.HasPrefix(name, "database ") })
}
