package changes

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

// follow returns a feed of d that is up to date, and a subscriber of the feed.
func follow(t *testing.T, d *db.DB) (*Feed, *listener) {
	t.Helper()
	f, l := NewFeed(d, slog.New(slog.DiscardHandler)), &listener{}
	f.Subscribe(l)
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{"all"}, l.told())
	return f, l
}

// TestWritten runs statements that make triggers write keys of each kind, and
// reads the keys through a feed.
func TestWritten(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	f, l := follow(t, d)
	seen := map[Kind]bool{KindEverything: true} // no trigger writes this kind
	for _, step := range []struct {
		statement string
		keys      []Key
	}{
		{`INSERT INTO users (username, email, password_hash) VALUES ('a', 'a', ''), ('b', 'b', '')`, nil},
		{`INSERT INTO articles (slug, author_id, title, description, body, tags) VALUES ('a', 1, 't', 'd', 'b', '{x,y}')`,
			[]Key{Articles, ArticlesBy(1), Tags, ArticlesTagged("x"), ArticlesTagged("y")}},
		{`UPDATE articles SET title = 'u'`, []Key{Article(1)}},
		{`UPDATE articles SET tags = '{x,"*"}'`, []Key{Article(1), Tags, ArticlesTagged("x"), ArticlesTagged("y"), ArticlesTagged("*")}},
		{`INSERT INTO series (slug, title) VALUES ('s', 's')`, []Key{AllSeries, Series(1)}},
		{`UPDATE articles SET series_id = 1, series_position = 1`, []Key{Article(1), Series(1)}},
		{`UPDATE articles SET translation_group = 9`, []Key{Article(1), Series(1), Translations(9)}},
		{`UPDATE articles SET series_id = NULL, translation_group = NULL`, []Key{Article(1), Series(1), Translations(9)}},
		{`INSERT INTO articles (slug, author_id, title, description, body, hidden, status, published_at, translation_group) VALUES ('d', 2, 't', 'd', 'b', true, 'draft', NULL, 9)`, []Key{Translations(9)}},
		{`DELETE FROM articles WHERE slug = 'd'`, []Key{Article(2), Translations(9)}},
		{`INSERT INTO favorites (article_id, user_id, article_created_at) SELECT a.id, 2, a.published_at FROM articles a`, []Key{Article(1), FavoritesOf(2)}},
		{`INSERT INTO favorites (article_id, user_id, article_created_at) SELECT a.id, 2, a.published_at FROM articles a ON CONFLICT DO NOTHING`, nil},
		{`DELETE FROM favorites`, []Key{Article(1), FavoritesOf(2)}},
		{`INSERT INTO follows (follower_id, followee_id) VALUES (1, 2), (2, 1)`, []Key{FollowsOf(1), FollowsOf(2)}},
		{`DELETE FROM follows WHERE follower_id = 1`, []Key{FollowsOf(1)}},
		{`INSERT INTO comments (article_id, author_id, body) VALUES (1, 2, 'c')`, []Key{Comments(1)}},
		{`INSERT INTO hidden_items (comment_id, reason) VALUES (1, 'r')`, []Key{Comments(1)}},
		{`INSERT INTO hidden_items (article_id, reason) VALUES (1, 'r')`,
			[]Key{Article(1), Articles, ArticlesBy(1), Tags, ArticlesTagged("x"), ArticlesTagged("*")}},
		{`DELETE FROM comments`, []Key{Comments(1)}},
		{`UPDATE users SET bio = 'b' WHERE id = 1`, []Key{Profile(1)}},
		{`UPDATE users SET suspended_at = now() WHERE id = 2`, []Key{Account(2)}},
		{`INSERT INTO sessions (user_id, expires_at) VALUES (1, now())`, nil},
		{`DELETE FROM sessions`, []Key{Session(1)}},
		{`INSERT INTO api_keys (user_id, name, prefix, hash, scope) VALUES (1, 'n', 'p', '', 'read')`, nil},
		{`DELETE FROM api_keys`, []Key{APIKey(1)}},
		{`INSERT INTO signing_keys (id, secret) VALUES ('1', '')`, []Key{SigningKeys}},
		{`DELETE FROM users WHERE id = 1`,
			[]Key{Profile(1), Article(1), FollowsOf(2)}}, // the article was hidden, so that it was in no list
	} {
		_, err := d.Exec(t.Context(), step.statement)
		require.NoError(t, err, step.statement)
		require.NoError(t, f.Sync(t.Context()))
		require.Len(t, l.batches, 1)
		require.False(t, l.batches[0].All, step.statement)
		told := map[Key]bool{}
		for _, k := range l.batches[0].Keys {
			told[k], seen[k.Kind()] = true, true
		}
		want := map[Key]bool{}
		for _, k := range step.keys {
			want[k] = true
		}
		require.Equal(t, want, told, step.statement)
		l.told()
	}
	for kind, name := range constants(t) {
		require.True(t, seen[kind], "add a statement that makes a trigger write %s", name)
	}

	require.NoError(t, Write(t.Context(), d, Article(7), ArticlesTagged(`"{,`)))
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{`a7,t"{,`}, l.told())
	require.NoError(t, Write(t.Context(), d, Everything))
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{"all"}, l.told())
}

// TestCrash checks that a feed notices that a crash has emptied its table, after
// which the postmaster has the same start time if it was one of a session.
func TestCrash(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	f, l := follow(t, d)
	other, k := follow(t, d)
	for range 2 {
		require.NoError(t, Write(t.Context(), d, Article(1)))
		_, err := d.Exec(t.Context(), `TRUNCATE changes, change_lives`)
		require.NoError(t, err)
		require.NoError(t, f.Sync(t.Context()))
		require.NoError(t, other.Sync(t.Context()))
		require.Equal(t, []string{"all"}, l.told())
		require.Equal(t, []string{"all"}, k.told())
		require.NoError(t, Write(t.Context(), d, Article(2)))
		require.NoError(t, f.Sync(t.Context()))
		require.NoError(t, other.Sync(t.Context()))
		require.Equal(t, []string{"a2"}, l.told(), "it goes on")
		require.Equal(t, []string{"a2"}, k.told())
	}
}

// TestLivesWaitForNoStandby begins a life. What is written then must be committed
// although no standby confirms it: all reads wait for it, and each deletion of the
// former life waits for the one before.
func TestLivesWaitForNoStandby(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	follow(t, d)
	_, err := d.Exec(t.Context(), `TRUNCATE change_lives`)
	require.NoError(t, err)
	for _, lives := range []int{2, 1} {
		var n int
		var commit string
		require.NoError(t, d.InTx(t.Context(), func(tx query.DBTX) error {
			_, _, err := Read(t.Context(), tx, Position{})
			require.NoError(t, err)
			return tx.QueryRow(t.Context(), `SELECT count(*), current_setting('synchronous_commit') FROM primary_lives`).Scan(&n, &commit)
		}))
		require.Equal(t, lives, n)
		require.Equal(t, "local", commit)
	}
}

// TestMarkNotFlushed checks that a standby has to show commits that the primary has
// not flushed yet, which others see if synchronous_commit is off.
func TestMarkNotFlushed(t *testing.T) {
	t.Parallel()
	d := dbtest.OpenURL(t, dbtest.URL(t)+"&synchronous_commit=off")
	f, _ := follow(t, d)
	for range 20 {
		require.NoError(t, Write(t.Context(), d, Article(1)))
		var lsn int64
		require.NoError(t, d.QueryRow(t.Context(), `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint`).Scan(&lsn))
		require.NoError(t, f.Sync(t.Context()))
		require.GreaterOrEqual(t, f.Mark().LSN, lsn)
	}
}

// TestCommitOrder checks that a feed delivers each change once, after its
// commit, whatever the order in which transactions began. It also checks that
// changes are not deleted before they are delivered. It is not parallel, so that
// the early transaction is the oldest that runs.
func TestCommitOrder(t *testing.T) {
	d := dbtest.Open(t)
	f, l := follow(t, d)
	require.NoError(t, d.InTx(t.Context(), func(early query.DBTX) error {
		require.NoError(t, Write(t.Context(), early, Article(1)))
		require.NoError(t, Write(t.Context(), d, Article(2)))
		require.NoError(t, f.Sync(t.Context()))
		require.Equal(t, []string{"a2"}, l.told())
		require.NoError(t, f.deleteBefore(t.Context(), f.at()))
		require.NoError(t, f.Sync(t.Context()))
		require.Equal(t, []string{""}, l.told())
		return nil
	}))
	require.NoError(t, f.deleteBefore(t.Context(), f.at()))
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{"a1"}, l.told())
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{""}, l.told())
}

// TestDelete checks that changes are deleted once every transaction that a
// position did not see has ended. The transactions of other tests count too,
// since the server has one list of transactions for all databases.
func TestDelete(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	f, l := follow(t, d)
	require.NoError(t, Write(t.Context(), d, Article(1)))
	require.NoError(t, f.deleteBefore(t.Context(), Position{}), "nothing is deleted before the zero position")
	left := func() (n int) {
		require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM changes`).Scan(&n))
		return n
	}
	require.Equal(t, 1, left())
	require.Eventually(t, func() bool {
		require.NoError(t, f.Sync(t.Context()))
		require.NoError(t, f.deleteBefore(t.Context(), f.at()))
		return left() == 0
	}, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, "a1", l.told()[0])
}
