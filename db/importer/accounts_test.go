package importer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
	"github.com/byline-api/byline/gen/query"
)

const otherHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWz"

func at(now time.Time) func(*importer.Config) {
	return func(c *importer.Config) { c.Now = func() time.Time { return now } }
}

// session creates a session of a user. issued, if it is not zero, is when the
// old system has issued the token that it began with.
func session(t *testing.T, d *db.DB, username, name string, created, issued time.Time) {
	t.Helper()
	sql := `WITH s AS (
			INSERT INTO sessions (user_id, user_agent, created_at, expires_at) SELECT id, $2::text, $3, now() + interval '1 day' FROM users WHERE username = $1 RETURNING id, user_id
		) INSERT INTO old_tokens (hash, user_id, session_id, issued_at) SELECT convert_to($1 || $2::text, 'UTF8'), s.user_id, s.id, $4 FROM s WHERE $4::timestamptz IS NOT NULL`
	var at *time.Time
	if !issued.IsZero() {
		at = &issued
	}
	_, err := d.Exec(t.Context(), sql, username, name, created, at)
	require.NoError(t, err)
}

func sessionsOf(t *testing.T, d *db.DB, username string) string {
	t.Helper()
	return text(t, d, `SELECT COALESCE(string_agg(s.user_agent, ' ' ORDER BY s.user_agent), '') FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.username = $1`, username)
}

// TestOwnCredentialsStay keeps a password and an address that were set here.
func TestOwnCredentialsStay(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	run(t, d, m, at(first))
	session(t, d, "u1", "own", first.Add(-time.Hour), time.Time{})
	_, err := query.New().UserUpdate(t.Context(), d, query.UserUpdateParams{
		ID: number(t, d, `SELECT id FROM users WHERE username = 'u1'`), SessionID: number(t, d, `SELECT id FROM sessions`),
		Email: new("moved@example.com"), PasswordHash: new("set here"),
	})
	require.NoError(t, err)
	m.users[0].PasswordHash, m.users[0].Email, m.users[0].Bio = otherHash, "elsewhere@example.com", new("new")
	run(t, d, m, at(first.AddDate(0, 0, 1)))
	require.Equal(t, "set here|moved@example.com|new|infinity|infinity",
		text(t, d, `SELECT concat_ws('|', password_hash, email, bio, old_tokens_after, named_at) FROM users WHERE username = 'u1'`))
	require.Equal(t, "own", sessionsOf(t, d, "u1"))

	// Who knows the old password changes the address there, to reset the new one.
	session(t, d, "u2", "own", first.Add(-time.Hour), time.Time{})
	_, err = query.New().UserUpdate(t.Context(), d, query.UserUpdateParams{
		ID: number(t, d, `SELECT id FROM users WHERE username = 'u2'`), SessionID: number(t, d, `SELECT max(id) FROM sessions`), PasswordHash: new("set here"),
	})
	require.NoError(t, err)
	m.users[1].Email = "thief@example.com"
	run(t, d, m, at(first.AddDate(0, 0, 2)))
	require.Equal(t, "u2@example.com", text(t, d, `SELECT email FROM users WHERE username = 'u2'`))
}

// TestPasswordChangedThere ends what began before a user has changed the
// password in the old system.
func TestPasswordChangedThere(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	run(t, d, m, at(first))
	_, err := d.Exec(t.Context(), `UPDATE users SET email_verified_at = now()`)
	require.NoError(t, err)
	// u3 has signed in here, which replaces the hash.
	_, err = d.Exec(t.Context(), `UPDATE users SET password_hash = 'hashed again' WHERE username = 'u3'`)
	require.NoError(t, err)
	changed := first.Add(12 * time.Hour)
	for _, username := range []string{"u2", "u3", "u4"} {
		session(t, d, username, "before", changed.Add(-time.Minute), time.Time{})
		session(t, d, username, "after", changed, time.Time{})
		session(t, d, username, "of-older-token", changed.Add(time.Minute), changed.Add(-time.Hour))
		session(t, d, username, "of-newer-token", changed.Add(time.Minute), changed.Truncate(time.Second))
	}
	m.users[1].PasswordHash, m.users[1].Email, m.users[1].UpdatedAt = otherHash, "new@example.com", changed
	m.users[2].Bio, m.users[2].UpdatedAt = new("new"), changed
	m.users[3].PasswordHash = otherHash // and the time of the change is not known
	r := run(t, d, m, at(first.AddDate(0, 0, 1)))
	require.Equal(t, int64(3), r.Counts[source.Users].Changed)

	state := func(username string) string {
		return text(t, d, `SELECT concat_ws('|', password_hash, email, email_verified_at IS NULL, old_tokens_after AT TIME ZONE 'UTC') FROM users WHERE username = $1`, username)
	}
	require.Equal(t, otherHash+"|new@example.com|t|2026-01-01 11:59:50", state("u2"))
	require.Equal(t, "after of-newer-token", sessionsOf(t, d, "u2"))
	require.Equal(t, "hashed again|u3@example.com|f", state("u3"))
	require.Equal(t, "after before of-newer-token of-older-token", sessionsOf(t, d, "u3"))
	require.Equal(t, otherHash+"|u4@example.com|f|2025-12-31 23:59:50", state("u4"), "it was after the last run")

	// Another change of something else does not take back the hash.
	m.users[1].Bio = new("newer")
	_, err = d.Exec(t.Context(), `UPDATE users SET password_hash = 'hashed again' WHERE username = 'u2'`)
	require.NoError(t, err)
	run(t, d, m, at(first.AddDate(0, 0, 2)))
	require.Equal(t, "hashed again|new@example.com|t|2026-01-01 11:59:50", state("u2"))
	require.Equal(t, "after of-newer-token", sessionsOf(t, d, "u2"))
}

// TestKeysOfUsers remembers whether keys are ids, and keeps rows without an
// author apart from a user with any key.
func TestKeysOfUsers(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.users[4].Key, m.users[4].Username = "byline:orphans", "byline:orphans"
	m.articles[4].AuthorKey, m.articles[3].AuthorKey = "byline:orphans", ""
	m.comments, m.favorites, m.follows = nil, nil, nil
	run(t, d, m)
	require.Equal(t, "former-member byline:orphans", text(t, d, `SELECT string_agg(u.username, ' ' ORDER BY a.slug) FROM articles a JOIN users u ON u.id = a.author_id WHERE a.slug IN ('a-4', 'a-5')`))
	require.Equal(t, int64(5), number(t, d, `SELECT count(*) FROM imported_rows WHERE kind = 'users'`), "tokens of the old system never mean the account for rows without an author")
	require.True(t, verify(t, d, m).OK())
	require.Equal(t, "true", text(t, d, `SELECT has_ids::text FROM imports`))
	require.Equal(t, int64(5), run(t, d, m).Counts[source.Users].Unchanged)
	m.names = true
	run(t, d, m)
	require.Equal(t, "false", text(t, d, `SELECT has_ids::text FROM imports`))
	m.names = false
	run(t, d, m)
	require.Equal(t, "false", text(t, d, `SELECT has_ids::text FROM imports`), "keys that were names stay names")
	require.Equal(t, int64(1), number(t, d, `SELECT count(*) FROM imports WHERE read_at > now() - interval '1 minute' AND read_at <= now()`))
}
