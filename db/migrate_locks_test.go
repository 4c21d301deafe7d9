package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

// TestMigrationsLetRequestsPass migrates while a transaction of another
// session, such as a backup, keeps a table from being locked. Requests on the
// table must not wait behind the migration until it gives up, and what the
// migration has done in its transaction must be done again.
func TestMigrationsLetRequestsPass(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from    string // the first migration that is applied
		held    string // what the other session does
		request string // what would wait behind the migration
	}{
		"Statement": {"00015_publishing.sql", `SELECT FROM articles`, `SELECT FROM articles`},
		// As autovacuum does.
		"Vacuum": {"00015_publishing.sql", `LOCK TABLE articles IN SHARE UPDATE EXCLUSIVE MODE`, `UPDATE articles SET body = ''`},
		"Block":  {"00012_bounds.sql", `LOCK TABLE sessions IN ROW EXCLUSIVE MODE`, `DELETE FROM sessions`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t)
			m, d := migrator(t, url), dbtest.OpenURL(t, url)
			const triggers = `SELECT array_agg(tgname::text ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal`
			var want, have []string
			require.NoError(t, d.QueryRow(t.Context(), triggers).Scan(&want))
			downBefore(t, m, tt.from)
			other, err := d.Pool().Begin(t.Context())
			require.NoError(t, err)
			defer other.Rollback(context.WithoutCancel(t.Context()))
			_, err = other.Exec(t.Context(), tt.held)
			require.NoError(t, err)
			migrated := make(chan error, 1)
			go func() {
				_, err := m.Up(context.WithoutCancel(t.Context()))
				migrated <- err
			}()
			request, err := pgx.Connect(t.Context(), url)
			require.NoError(t, err)
			defer request.Close(context.WithoutCancel(t.Context()))
			_, err = request.Exec(t.Context(), `SET lock_timeout = '2s'`)
			require.NoError(t, err)
			for range 3 {
				require.Eventually(t, func() bool {
					var waits bool
					err := request.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
						AND application_name = 'byline migrate' AND wait_event_type = 'Lock')`).Scan(&waits)
					return err == nil && waits
				}, 4*time.Second, time.Millisecond, "the migration must wait, again and again")
				_, err = request.Exec(t.Context(), tt.request)
				require.NoError(t, err)
			}
			require.NoError(t, other.Rollback(t.Context()))
			require.NoError(t, <-migrated)
			require.NoError(t, d.QueryRow(t.Context(), triggers).Scan(&have))
			require.Equal(t, want, have)
		})
	}
}
