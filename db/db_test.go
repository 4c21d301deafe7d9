package db_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestConstraints(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	rows, err := d.Query(t.Context(), `
		SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND indrelid::regclass::text NOT LIKE 'pg_%'`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, c := range db.Constraints {
		require.Contains(t, names, string(c))
	}
}

// TestCounters changes rows in every way that the schema allows, and compares
// the counters with the rows after each change.
func TestCounters(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	for _, statement := range []string{
		`INSERT INTO users (username, email, password_hash) SELECT 'u' || i, 'u' || i || '@example.com', '' FROM generate_series(1, 5) i`,
		`INSERT INTO articles (slug, author_id, title, description, body, tags)
		 SELECT 'a' || i, 1 + i % 5, 't', 'd', 'b', CASE WHEN i % 2 = 0 THEN '{x,y}'::text[] ELSE '{x}' END FROM generate_series(1, 20) i`,
		`INSERT INTO favorites (article_id, user_id, article_created_at) SELECT a.id, u.id, a.created_at FROM articles a, users u WHERE (a.id + u.id) % 3 = 0`,
		`INSERT INTO comments (article_id, author_id, body) SELECT a.id, u.id, repeat('é', u.id::int) FROM articles a, users u WHERE (a.id + u.id) % 4 = 0`,
		`DELETE FROM favorites WHERE user_id = 2 AND article_id % 2 = 0`,
		`UPDATE comments SET body = body || '€' WHERE author_id % 2 = 0`,
		`DELETE FROM comments WHERE id % 3 = 0`,
		`UPDATE articles SET title = 'títle', description = '', body = repeat('b', id::int) WHERE author_id < 3`,
		`DELETE FROM articles WHERE id % 7 = 0`,
		`DELETE FROM users WHERE id = 3`,
		`UPDATE articles SET tags = '{z,x}' WHERE id % 4 = 0`,
		`UPDATE articles SET tags = '{}' WHERE id % 5 = 0`,
		`INSERT INTO hidden_items (article_id, reason) SELECT id, 'r' FROM articles WHERE id % 3 = 0`,
		`UPDATE articles SET tags = '{v,x}' WHERE id % 6 = 0`,
		`DELETE FROM articles WHERE id = 6`,
		`DELETE FROM hidden_items WHERE article_id % 4 = 0`,
		`DELETE FROM users WHERE id = 5`,
		`UPDATE articles SET tags = ARRAY[tags[2], tags[1]] WHERE cardinality(tags) = 2`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
		var wrong []string
		rows, err := d.Query(t.Context(), `
			SELECT 'articles' WHERE (SELECT count(*) FROM articles WHERE NOT hidden) <> COALESCE((SELECT sum(value) FROM counters WHERE kind = 'articles'), 0)
			UNION ALL SELECT 'tag ' || k.name FROM (SELECT name, sum(value) AS n FROM counters WHERE kind = 'tag' GROUP BY name) k
				WHERE k.n <> (SELECT count(*) FROM articles a WHERE k.name = ANY (a.tags) AND NOT a.hidden)
			UNION ALL SELECT 'tag of no article' WHERE EXISTS (SELECT tag, article_created_at, article_id FROM article_tags
				EXCEPT SELECT unnest(tags), created_at, id FROM articles WHERE NOT hidden)
			UNION ALL SELECT 'tags of ' || a.slug FROM articles a
				WHERE NOT a.hidden AND EXISTS (SELECT unnest(a.tags), a.created_at, a.id EXCEPT SELECT tag, article_created_at, article_id FROM article_tags)
			UNION ALL SELECT 'articles of ' || u.username FROM users u WHERE u.articles_count <> (SELECT count(*) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
			UNION ALL SELECT 'last article of ' || u.username FROM users u WHERE u.last_article_at IS DISTINCT FROM (SELECT max(a.created_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
			UNION ALL SELECT 'text of ' || u.username FROM users u WHERE u.stored_bytes <>
				COALESCE((SELECT sum(octet_length(a.title || a.description || a.body || array_to_string(a.tags, ''))) FROM articles a WHERE a.author_id = u.id), 0)
				+ COALESCE((SELECT sum(octet_length(c.body)) FROM comments c WHERE c.author_id = u.id), 0)
			UNION ALL SELECT 'favorites of ' || u.username FROM users u WHERE u.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.user_id = u.id)
			UNION ALL SELECT 'favorites of ' || a.slug FROM articles a WHERE a.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.article_id = a.id)
			UNION ALL SELECT 'waiting favorites of ' || a.slug FROM articles a WHERE EXISTS (SELECT FROM favorites f WHERE f.article_id = a.id AND a.hidden)
				OR EXISTS (SELECT FROM hidden_favorites f WHERE f.article_id = a.id AND NOT a.hidden)`)
		require.NoError(t, err)
		wrong, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Empty(t, wrong, "after %s", statement)
	}
}

// TestAuditLogOnlyGrows checks that not even plain SQL can change or delete a
// row of the audit log.
func TestAuditLogOnlyGrows(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	_, err := d.Exec(t.Context(), `INSERT INTO audit_log (action, subject_kind, subject_id) VALUES ('user.suspended', 'user', 1)`)
	require.NoError(t, err)
	for _, statement := range []string{
		`UPDATE audit_log SET reason = 'x'`, `DELETE FROM audit_log`, `DELETE FROM audit_log WHERE false`, `TRUNCATE audit_log`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.ErrorContains(t, err, "audit_log only grows", statement)
	}
	var n int
	require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE reason IS NULL`).Scan(&n))
	require.Equal(t, 1, n)
}

// TestAuditLogForgetsReasons checks that the reason of an entry disappears with
// the account that it is about, and cannot be erased before.
func TestAuditLogForgetsReasons(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	for _, statement := range []string{
		`INSERT INTO users (username, email, password_hash) VALUES ('a', 'a', ''), ('b', 'b', '')`,
		`INSERT INTO articles (slug, author_id, title, description, body) VALUES ('a', 1, 't', 'd', 'b'), ('b', 2, 't', 'd', 'b')`,
		`INSERT INTO comments (article_id, author_id, body) VALUES (2, 1, 'c')`,
		`INSERT INTO audit_log (action, subject_kind, subject_id, reason) VALUES
			('x', 'user', 1, 'r'), ('x', 'article', 1, 'r'), ('x', 'comment', 1, 'r'), ('x', 'user', 2, 'r'), ('x', 'article', 2, 'r')`,
		`DELETE FROM comments`, `DELETE FROM articles WHERE id = 1`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	_, err := d.Exec(t.Context(), `UPDATE audit_log SET reason = NULL`)
	require.ErrorContains(t, err, "audit_log only grows")
	_, err = d.Exec(t.Context(), `DELETE FROM users WHERE id = 1`)
	require.NoError(t, err)
	var left []int64
	require.NoError(t, d.QueryRow(t.Context(), `SELECT array_agg(id ORDER BY id) FROM audit_log WHERE reason = 'r'`).Scan(&left))
	require.Equal(t, []int64{4, 5}, left)
	_, err = d.Exec(t.Context(), `UPDATE audit_log SET reason = NULL, action = 'y' WHERE id = 1`)
	require.ErrorContains(t, err, "audit_log only grows", "nothing but the reason")
}

// TestLastAdmin checks that no statement, and no two concurrent ones, can
// demote, suspend or delete the last admin.
func TestLastAdmin(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	exec := func(statement string) error {
		_, err := d.Exec(t.Context(), statement)
		return err
	}
	require.NoError(t, exec(`INSERT INTO users (username, email, password_hash, role) SELECT 'a' || i, 'a' || i, '', 'admin' FROM generate_series(1, 2) i`))
	require.Equal(t, db.UsersLastAdmin, db.Violated(exec(`UPDATE users SET role = 'author'`)), "both in one statement")
	var wg sync.WaitGroup
	var refused atomic.Int64
	for _, name := range []string{"a1", "a2"} {
		wg.Go(func() {
			if db.Violated(exec(`UPDATE users SET suspended_at = now() WHERE username = '`+name+`'`)) == db.UsersLastAdmin {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, refused.Load(), "only one of two admins can be suspended")
	for _, statement := range []string{`UPDATE users SET role = 'reader' WHERE suspended_at IS NULL`, `DELETE FROM users`} {
		require.Equal(t, db.UsersLastAdmin, db.Violated(exec(statement)), statement)
	}
	require.NoError(t, exec(`UPDATE users SET username = 'root' WHERE suspended_at IS NULL`))
}

func TestViolated(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	q := query.New()
	create := func() error {
		_, err := q.UserCreate(t.Context(), d, query.UserCreateParams{Username: "Jake", Email: "jake@example.com", PasswordHash: "x", Role: "author", Place: []byte("x")})
		return err
	}
	require.NoError(t, create())
	require.Contains(t, []db.Constraint{db.UsersUsernameKey, db.UsersEmailKey}, db.Violated(create()))
	require.Empty(t, db.Violated(errors.New("other")))
	require.Empty(t, db.Violated(nil))
	_, err := q.UserGetByID(t.Context(), d, 1_000_000)
	require.True(t, db.IsNotFound(err))
	require.False(t, db.IsUnavailable(err))
}

func TestAcquireTimeout(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, func(c *db.Config) { c.MaxConns, c.AcquireTimeout = 1, time.Second })
	held, err := d.Query(t.Context(), "SELECT 1")
	require.NoError(t, err)
	defer held.Close() // or closing the pool waits for it, if the test fails
	_, err = d.Exec(t.Context(), "SELECT 1")
	require.ErrorIs(t, err, db.ErrBusy)
	require.True(t, db.IsUnavailable(err))
	held.Close()
	_, err = d.Exec(t.Context(), "SELECT 1")
	require.NoError(t, err)
}

// TestStatementsAreNotCancelled checks that a statement which takes too long is
// given up without being cancelled, since a COMMIT could be what is cancelled.
func TestStatementsAreNotCancelled(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, func(c *db.Config) { c.QueryTimeout = 100 * time.Millisecond })
	_, err := d.Exec(t.Context(), "CREATE SEQUENCE ends")
	require.NoError(t, err)
	err = d.InTx(t.Context(), func(tx query.DBTX) error {
		if _, err := tx.Exec(t.Context(), "SET LOCAL statement_timeout = 0"); err != nil {
			return err
		}
		// What nextval does is not rolled back.
		_, err := tx.Exec(t.Context(), "DO $$BEGIN PERFORM pg_sleep(1.5); PERFORM nextval('ends'); END$$")
		return err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool {
		var ended bool
		require.NoError(t, d.QueryRow(t.Context(), "SELECT is_called FROM ends").Scan(&ended))
		return ended
	}, time.Minute, 100*time.Millisecond)
}

func TestQueryTimeout(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, func(c *db.Config) { c.QueryTimeout = 100 * time.Millisecond })
	_, err := d.Exec(t.Context(), "SELECT pg_sleep(10)")
	require.True(t, db.IsUnavailable(err), "%v", err)
	require.EqualValues(t, 1, d.Pool().Stat().TotalConns(), "the connection must stay open")
}

// TestDeadline checks that nothing outlasts the deadline of its caller. The
// other limits are so long that the test would time out.
func TestDeadline(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, func(c *db.Config) { c.MaxConns, c.AcquireTimeout, c.QueryTimeout = 1, time.Hour, time.Hour })
	for name, ask := range map[string]func(context.Context) error{
		"Exec": func(ctx context.Context) error {
			_, err := d.Exec(ctx, "SELECT pg_sleep(3600)")
			return err
		},
		"QueryRow": func(ctx context.Context) error {
			var nothing any
			return d.QueryRow(ctx, "SELECT pg_sleep(3600)").Scan(&nothing)
		},
		"InTx": func(ctx context.Context) error {
			return d.InTx(ctx, func(tx query.DBTX) error {
				_, err := tx.Exec(ctx, "SELECT pg_sleep(3600)")
				return err
			})
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := ask(ctx)
		cancel()
		require.True(t, db.IsUnavailable(err), "%s: %v", name, err)
		require.NoError(t, d.Ping(t.Context()), "%s: the connection must have been released", name)
	}
}

// TestDisconnects checks that no connection is closed when clients disconnect.
func TestDisconnects(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	require.NoError(t, d.Ping(t.Context()))
	var wg sync.WaitGroup
	var done atomic.Int64
	for range 40 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(5*time.Millisecond, cancel)
			if _, err := d.Exec(ctx, "SELECT pg_sleep(0.02)"); err == nil {
				done.Add(1)
			}
		})
	}
	wg.Wait()
	require.Positive(t, done.Load(), "at least one statement must have finished")
	require.Zero(t, d.Pool().Stat().MaxLifetimeDestroyCount()+d.Pool().Stat().MaxIdleDestroyCount())
	require.LessOrEqual(t, d.Pool().Stat().NewConnsCount(), int64(4), "no connection must have been replaced")
}

func TestInTx(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	q := query.New()
	t.Run("rolls back on an error", func(t *testing.T) {
		boom := errors.New("boom")
		err := d.InTx(t.Context(), func(tx query.DBTX) error {
			if _, err := q.UserCreate(t.Context(), tx, query.UserCreateParams{Username: "x", FoldedUsername: "x", Email: "x@example.com", Role: "author", Place: []byte("x")}); err != nil {
				return err
			}
			return boom
		})
		require.ErrorIs(t, err, boom)
		_, err = q.UserGetByID(t.Context(), d, 1)
		require.True(t, db.IsNotFound(err))
	})
	t.Run("runs again after a deadlock", func(t *testing.T) {
		for _, name := range []string{"a", "b"} {
			_, err := q.UserCreate(t.Context(), d, query.UserCreateParams{Username: name, FoldedUsername: name, Email: name + "@example.com", Role: "author", Place: []byte("x")})
			require.NoError(t, err)
		}
		var both sync.WaitGroup
		both.Add(2)
		var runs atomic.Int64
		change := func(first, second string) error {
			once := sync.OnceFunc(func() { both.Done(); both.Wait() })
			return d.InTx(t.Context(), func(tx query.DBTX) error {
				runs.Add(1)
				for _, name := range []string{first, second} {
					if _, err := tx.Exec(t.Context(), `UPDATE users SET bio = $1 WHERE username = $2`, first, name); err != nil {
						return err
					}
					once()
				}
				return nil
			})
		}
		errs := make(chan error, 2)
		go func() { errs <- change("a", "b") }()
		go func() { errs <- change("b", "a") }()
		require.NoError(t, <-errs)
		require.NoError(t, <-errs)
		require.Greater(t, runs.Load(), int64(2), "the test must cause a deadlock")
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	d := dbtest.OpenURL(t, "postgres://nobody:secret@127.0.0.1:1/none")
	err := d.Ping(t.Context())
	require.True(t, db.IsUnavailable(err), "%v", err)
	require.NotContains(t, err.Error(), "secret")
}

func TestOpenRefusesBadURL(t *testing.T) {
	t.Parallel()
	_, err := db.Open(t.Context(), db.Config{URL: "postgres://u:secret@host:notaport/db"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}
