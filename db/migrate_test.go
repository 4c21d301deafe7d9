package db_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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
	require.Zero(t, left, "the down migrations must drop everything")
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	status, err := m.Status(t.Context())
	require.NoError(t, err)
	require.Len(t, status, len(files))
}

// TestNoDefaultAccounts checks that a new database has no rows, so that there is
// no account, key or secret that everybody knows.
func TestNoDefaultAccounts(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	rows, err := d.Query(t.Context(), `SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose_%'`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, table := range []string{"users", "sessions", "api_keys", "signing_keys", "service_secrets"} {
		require.Contains(t, tables, table)
	}
	for _, table := range tables {
		var n int
		require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM `+pgx.Identifier{table}.Sanitize()).Scan(&n))
		require.Zero(t, n, table)
	}
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

// TestUnusedTagsAreMigrated checks that the migration deletes the names of tags
// that earlier versions left.
func TestUnusedTagsAreMigrated(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	for {
		version, err := d.SchemaVersion(t.Context())
		require.NoError(t, err)
		if version < 12 {
			break
		}
		_, err = m.Down(t.Context())
		require.NoError(t, err)
	}
	_, err := d.Exec(t.Context(), `INSERT INTO counters
		SELECT 'tag', 'unused ' || i, slot, CASE slot WHEN 1 THEN 3 ELSE -3 END FROM generate_series(1, 1000) i, generate_series(1, 2) slot
		UNION ALL VALUES ('tag', 'used', 1, 3), ('tag', 'used', 2, -2), ('articles', '', 1, 3), ('articles', '', 2, -3)`)
	require.NoError(t, err)
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	var left []string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT array_agg(kind || name || value ORDER BY kind, slot) FROM counters`).Scan(&left))
	require.Equal(t, []string{"articles3", "articles-3", "tagused3", "tagused-2"}, left)
}

// TestUsernamesOfOlderAccounts applies the migration to accounts that are older
// than it, and writes as the previous version does during a rolling upgrade.
func TestUsernamesOfOlderAccounts(t *testing.T) {
	t.Parallel()
	url := dbtest.EmptyURL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	_, err := m.Up(t.Context())
	require.NoError(t, err)
	const insert = `INSERT INTO users (username, email, password_hash) SELECT n, md5(n) || '@example.com', '' FROM unnest($1::text[]) AS n`
	run := func(sql string, args ...any) {
		t.Helper()
		_, err := d.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	for range 2 { // taken back and applied again
		for {
			version, err := d.SchemaVersion(t.Context())
			require.NoError(t, err)
			if version < 13 {
				break
			}
			_, err = m.Down(t.Context())
			require.NoError(t, err)
		}
		run(`DELETE FROM users`)
		run(insert, []string{"Jake", "jake ", "Ｊake", "ja\u200bke", "e\u0301", "é", "Anna  Maria"})
		run(`INSERT INTO users (username, email, password_hash) SELECT 'user ' || i, i || '@example.com', '' FROM generate_series(1, 2500) AS i`)
		_, err = m.Up(t.Context())
		require.NoError(t, err)
		folded := func(name string) (key *string) {
			t.Helper()
			require.NoError(t, d.QueryRow(t.Context(), `SELECT folded_username FROM users WHERE username = $1`, name).Scan(&key))
			return key
		}
		for name, want := range map[string]string{"Jake": "jake", "e\u0301": "é", "Anna  Maria": "anna maria", "user 2500": "user 2500"} {
			require.Equal(t, want, *folded(name))
		}
		for _, name := range []string{"jake ", "Ｊake", "é"} {
			require.Nil(t, folded(name), "the oldest account gets the folded name")
		}
		run(insert, []string{"Later"})
		require.Equal(t, "later", *folded("Later"))
		run(`UPDATE users SET username = 'Ｌatest' WHERE username = 'Later'`)
		require.Equal(t, "latest", *folded("Ｌatest"))
		_, err = d.Exec(t.Context(), insert, []string{"latest"})
		require.Equal(t, db.UsersFoldedUsernameKey, db.Violated(err))
	}
}

// TestOldNameOfChanges runs on the view cache_changes the statements that the
// previous version ran on the table of that name.
func TestOldNameOfChanges(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	count := func(table string) (n int) {
		require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE keys = '{a1,l}' AND xid IS NOT NULL`).Scan(&n))
		return n
	}
	for _, table := range []string{"cache_changes", "changes"} {
		_, err := d.Exec(t.Context(), `INSERT INTO `+table+` (keys) VALUES ('{a1,l}')`)
		require.NoError(t, err)
	}
	require.Equal(t, 2, count("changes"))
	require.Equal(t, 2, count("cache_changes"))
	var keys []string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT COALESCE(array_agg(key), '{}')::text[] FROM cache_changes c, unnest(c.keys) AS key
		WHERE c.xid >= pg_snapshot_xmin('1:1:'::pg_snapshot) AND NOT pg_visible_in_snapshot(c.xid, '1:1:'::pg_snapshot)`).Scan(&keys))
	require.ElementsMatch(t, []string{"a1", "l", "a1", "l"}, keys)
	deleted, err := d.Exec(t.Context(), `DELETE FROM cache_changes WHERE xid < pg_snapshot_xmin('9999999999:9999999999:'::pg_snapshot)`)
	require.NoError(t, err)
	require.EqualValues(t, 2, deleted.RowsAffected())
	require.Zero(t, count("changes"))
}

// TestChangesRenamedAlone checks that the functions which write to changes
// differ from those of earlier migrations only in the name of the table, and
// that the down migration restores the old name.
func TestChangesRenamedAlone(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	var earlier strings.Builder
	for _, file := range []string{"00003_derived.sql", "00004_accounts.sql", "00005_moderation.sql"} {
		text, err := os.ReadFile(filepath.Join("migrations", file))
		require.NoError(t, err)
		earlier.Write(text)
	}
	requireBodies := func(table string) {
		rows, err := d.Query(t.Context(), `SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc LIKE $1`,
			"%INSERT INTO "+table+" %")
		require.NoError(t, err)
		bodies, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Len(t, bodies, 6)
		for _, body := range bodies {
			require.Contains(t, earlier.String(), strings.ReplaceAll(body, "INSERT INTO "+table, "INSERT INTO cache_changes"))
		}
	}
	downBefore(t, m, "00009_listing.sql") // later migrations may add functions
	requireBodies("changes")
	downBefore(t, m, "00008_changes.sql")
	requireBodies("cache_changes")
}

// downBefore rolls back the migration in file and all newer ones.
func downBefore(t *testing.T, m *db.Migrator, file string) {
	t.Helper()
	for done := ""; !strings.Contains(done, file); {
		var err error
		done, err = m.Down(t.Context())
		require.NoError(t, err)
	}
}

// TestRenameUnderConnections renames the table, in both directions, while a
// connection is open that has prepared statements and compiled the functions.
func TestRenameUnderConnections(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url, func(c *db.Config) { c.MaxConns = 1 })
	n := 0
	use := func(table string) {
		t.Helper()
		n++
		_, err := d.Exec(t.Context(), `INSERT INTO signing_keys (id, secret) VALUES ($1, '')`, strconv.Itoa(n))
		require.NoError(t, err)
		var keys []string
		require.NoError(t, d.QueryRow(t.Context(), `SELECT array_agg(key) FROM `+table+` c, unnest(c.keys) AS key`).Scan(&keys))
		require.Equal(t, []string{"K"}, keys)
		_, err = d.Exec(t.Context(), `DELETE FROM `+table)
		require.NoError(t, err)
	}
	use("cache_changes")
	use("changes")
	downBefore(t, m, "00008_changes.sql")
	use("cache_changes")
	_, err := m.Up(t.Context())
	require.NoError(t, err)
	use("cache_changes")
	use("changes")
	require.EqualValues(t, 1, d.Pool().Stat().NewConnsCount())
}

// TestAuditEntriesGetAccounts migrates entries of the audit log that were
// written before they named the account that they are about.
func TestAuditEntriesGetAccounts(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	downBefore(t, m, "00010_recovery.sql")
	for _, statement := range []string{
		`INSERT INTO users (username, email, password_hash) VALUES ('a', 'a', '')`,
		`INSERT INTO articles (slug, author_id, title, description, body) VALUES ('a', 1, 't', 'd', 'b')`,
		`INSERT INTO audit_log (action, subject_kind, subject_id, reason) VALUES
			('x', 'user', 1, 'r'), ('x', 'article', 1, 'r'), ('x', 'user', 7, 'gone'), ('x', 'comment', 7, 'gone')`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	_, err := m.Up(t.Context())
	require.NoError(t, err)
	var kept, gone []int64
	require.NoError(t, d.QueryRow(t.Context(), `SELECT array_agg(id ORDER BY id) FILTER (WHERE reason = 'r' AND about_id = 1),
		array_agg(id ORDER BY id) FILTER (WHERE reason IS NULL) FROM audit_log`).Scan(&kept, &gone))
	require.Equal(t, []int64{1, 2}, kept)
	require.Equal(t, []int64{3, 4}, gone, "nobody has these accounts any more")
}

// TestStoredTextIsMigrated applies the migration to articles and comments that
// are older than it, also to those of transactions that end while it runs.
func TestStoredTextIsMigrated(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	downBefore(t, m, "00014_storage.sql")
	for _, statement := range []string{
		`INSERT INTO users (username, email, password_hash) SELECT 'u' || i, 'u' || i, '' FROM generate_series(1, 250) i`,
		`INSERT INTO articles (slug, author_id, title, description, body, tags)
			SELECT 'a' || i, i, 't', 'é', repeat('b', i), '{x,yz}' FROM generate_series(1, 250) i WHERE i % 5 > 0`,
		`INSERT INTO comments (article_id, author_id, body) SELECT a.id, 1 + a.id % 250, '€' FROM articles a`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	earlier, err := d.Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = earlier.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body) VALUES (1, 7, 'not committed')`)
	require.NoError(t, err)
	migrated := make(chan error, 1)
	go func() {
		_, err := m.Up(context.WithoutCancel(t.Context()))
		migrated <- err
	}()
	require.Eventually(t, func() bool {
		var waits bool
		err := d.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
			AND application_name = 'byline migrate' AND wait_event_type = 'Lock')`).Scan(&waits)
		return err == nil && waits
	}, 4*time.Second, 10*time.Millisecond, "the migration must wait for transactions that count nothing")
	require.NoError(t, earlier.Commit(t.Context()))
	require.NoError(t, <-migrated)

	var wrong []string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT COALESCE(array_agg(username || ' ' || stored_bytes), '{}') FROM users u
		WHERE stored_bytes <> CASE WHEN id % 5 > 0 THEN 6 + id ELSE 0 END
			+ COALESCE((SELECT sum(octet_length(c.body)) FROM comments c WHERE c.author_id = u.id), 0)`).Scan(&wrong))
	require.Empty(t, wrong)
}

// TestMailsGetJobs migrates mails that an earlier release has not sent yet.
func TestMailsGetJobs(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	downBefore(t, m, "00016_jobs.sql")
	_, err := d.Exec(t.Context(), `INSERT INTO mails (kind, recipient, due_at, sent_at) VALUES ('reset_password', 'due', now(), NULL),
		('reset_password', 'later', now() + interval '1 hour', NULL), ('reset_password', 'sent', NULL, now()), ('reset_password', 'given up', NULL, NULL)`)
	require.NoError(t, err)
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	_, err = d.Exec(t.Context(), `UPDATE mails SET due_at = now() - interval '1 second' WHERE recipient = 'given up'`) // by an operator
	require.NoError(t, err)
	_, err = d.Exec(t.Context(), `INSERT INTO mails (kind, recipient) VALUES ('reset_password', 'new')`) // also by an earlier release
	require.NoError(t, err)
	var jobs []string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT array_agg(m.recipient ORDER BY j.id) FROM river_job j
		JOIN mails m ON m.id = (j.args ->> 'mailId')::bigint AND j.scheduled_at = m.due_at WHERE j.state = 'available' AND j.queue = 'background'`).Scan(&jobs))
	require.Equal(t, []string{"due", "later", "given up", "new"}, jobs)
	downBefore(t, m, "00016_jobs.sql")
	var mails int
	require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM mails`).Scan(&mails))
	require.Equal(t, 5, mails)
}
