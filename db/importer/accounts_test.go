package importer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer/source"
)

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
