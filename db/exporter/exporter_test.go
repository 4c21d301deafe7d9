package exporter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/exporter"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/filesource"
	"github.com/byline-api/byline/db/importer/source"
	"github.com/byline-api/byline/db/seed"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// newsroom returns a database with rows in every state that an export knows.
func newsroom(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := dbtest.Open(t).Pool()
	cfg := seed.Small
	cfg.PasswordHash = "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	cfg.Schedule = func(ctx context.Context, tx pgx.Tx, id int64, at time.Time) error {
		return publish.Schedule(ctx, tx, id, &at)
	}
	_, err := seed.Run(t.Context(), pool, cfg)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `
		UPDATE users SET bio = '', image = NULL WHERE id = (SELECT min(id) FROM users);
		UPDATE users SET bio = E'日本語\n\t"\\ 👩‍🚀', suspended_at = now(), suspended_reason = 'spam', email_verified_at = now() WHERE id = (SELECT max(id) FROM users);
		UPDATE articles SET details = E'{"coverImage": {"url": "https://example.com/a.png", "alt": "A"},\n "canonicalUrl": "https://example.com/a", "language": "de", "metadata": {\n\n"k": [1,\n 2]}}'
			WHERE id = (SELECT min(id) FROM articles WHERE NOT hidden);
		INSERT INTO hidden_items (article_id, reason) SELECT max(f.article_id), 'no' FROM favorites f;
		INSERT INTO hidden_items (comment_id, reason) SELECT min(id), 'rude' FROM comments WHERE NOT hidden;
		DELETE FROM comments WHERE id = (SELECT min(parent_id) FROM comments);
		UPDATE articles SET comments_open = false WHERE id = (SELECT max(id) FROM articles WHERE NOT hidden);
		INSERT INTO comments (id, article_id, author_id, body, parent_id, depth) OVERRIDING SYSTEM VALUE
			SELECT max(id) + 2, min(article_id), min(author_id), 'is answered', NULL, 1 FROM comments;
		INSERT INTO comments (id, article_id, author_id, body, parent_id, depth) OVERRIDING SYSTEM VALUE
			SELECT id - 1, article_id, author_id, 'answers one with a greater id', id, 2 FROM comments ORDER BY id DESC LIMIT 1;
		INSERT INTO article_slugs (slug, article_id) SELECT 'an-earlier-slug', min(id) FROM articles;`)
	require.NoError(t, err)
	return pool
}

func exported(t *testing.T, pool *pgxpool.Pool) (string, []exporter.Count) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.ndjson")
	f, err := os.Create(path)
	require.NoError(t, err)
	counts, err := exporter.Run(t.Context(), pool, f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return path, counts
}

func collect[R any](t *testing.T, rows iter.Seq2[R, error]) (all []R) {
	t.Helper()
	for row, err := range rows {
		require.NoError(t, err)
		all = append(all, row)
	}
	return all
}

func rows[R any](t *testing.T, pool *pgxpool.Pool, sql string, scan func(pgx.CollectableRow) (R, error)) []R {
	t.Helper()
	found, err := pool.Query(t.Context(), sql)
	require.NoError(t, err)
	all, err := pgx.CollectRows(found, scan)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

// TestRoundTrip compares the rows of a database with those that an import reads
// from its export.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	pool := newsroom(t)
	path, counts := exported(t, pool)
	var notes []filesource.Note
	s, err := filesource.NDJSON(path, filesource.NDJSONOptions{HiddenComments: true, Note: func(n filesource.Note) { notes = append(notes, n) }})
	require.NoError(t, err)
	defer s.Close()
	got, err := s.Counts(t.Context())
	require.NoError(t, err)
	for i, kind := range source.Kinds {
		require.Equal(t, counts[i].Rows, got[kind], kind)
	}
	ctx := t.Context()

	users := rows(t, pool, `SELECT id::text, username, email, password_hash, bio, image, role, created_at, updated_at,
			COALESCE(suspended_at, '0001-01-01 00:00Z'), COALESCE(suspended_reason, ''), COALESCE(email_verified_at, '0001-01-01 00:00Z') FROM users ORDER BY users.id`,
		func(r pgx.CollectableRow) (u source.User, err error) {
			return u, r.Scan(&u.Key, &u.Username, &u.Email, &u.PasswordHash, &u.Bio, &u.Image, &u.Role, &u.CreatedAt, &u.UpdatedAt,
				&u.SuspendedAt, &u.SuspensionReason, &u.EmailVerifiedAt)
		})
	requireSame(t, users, collect(t, s.Users(ctx, source.Range{})))
	require.Empty(t, notes)

	articles := rows(t, pool, `SELECT id::text, author_id::text, slug, title, description, body, shown_tags(tags), hidden, created_at, updated_at, COALESCE(published_at, '0001-01-01 00:00Z'),
			COALESCE(details ->> 'language', ''), COALESCE(details -> 'coverImage' ->> 'url', ''), COALESCE(details ->> 'canonicalUrl', ''),
			COALESCE(details -> 'coverImage' ->> 'alt', ''), COALESCE(details ->> 'metaTitle', ''), COALESCE(details ->> 'metaDescription', ''), COALESCE(details ->> 'metadata', 'null'),
			NOT comments_open, ARRAY(SELECT s.slug FROM article_slugs s WHERE s.article_id = articles.id AND s.slug <> articles.slug) FROM articles ORDER BY articles.id`,
		func(r pgx.CollectableRow) (a source.Article, err error) {
			return a, r.Scan(&a.Key, &a.AuthorKey, &a.Slug, &a.Title, &a.Description, &a.Body, &a.Tags, &a.Draft, &a.CreatedAt, &a.UpdatedAt, &a.PublishedAt,
				&a.Language, &a.Cover, &a.Canonical, &a.CoverAlt, &a.MetaTitle, &a.MetaDescription, &a.Metadata, &a.CommentsClosed, &a.EarlierSlugs)
		})
	requireSame(t, articles, collect(t, s.Articles(ctx, source.Range{})))

	comments := rows(t, pool, `SELECT id::text, article_id::text, COALESCE(author_id::text, ''), COALESCE(parent_id::text, ''), body, created_at, updated_at, author_id IS NULL FROM comments ORDER BY depth, comments.id`,
		func(r pgx.CollectableRow) (c source.Comment, err error) {
			return c, r.Scan(&c.Key, &c.ArticleKey, &c.AuthorKey, &c.ParentKey, &c.Body, &c.CreatedAt, &c.UpdatedAt, &c.Deleted)
		})
	requireSame(t, comments, collect(t, s.Comments(ctx, source.Range{})))
	before := map[string]bool{"": true}
	for _, c := range comments {
		require.True(t, before[c.ParentKey], "a line refers only to lines before it")
		before[c.Key] = true
	}

	favorites := rows(t, pool, `SELECT user_id || '/' || article_id, user_id::text, article_id::text, created_at
			FROM (TABLE favorites UNION ALL TABLE hidden_favorites) f ORDER BY f.article_id, f.user_id`,
		func(r pgx.CollectableRow) (f source.Favorite, err error) {
			return f, r.Scan(&f.Key, &f.UserKey, &f.ArticleKey, &f.CreatedAt)
		})
	requireSame(t, favorites, collect(t, s.Favorites(ctx, source.Range{})))

	follows := rows(t, pool, `SELECT follower_id || '/' || followee_id, follower_id::text, followee_id::text, created_at FROM follows f ORDER BY f.follower_id, f.followee_id`,
		func(r pgx.CollectableRow) (f source.Follow, err error) {
			return f, r.Scan(&f.Key, &f.FollowerKey, &f.FolloweeKey, &f.CreatedAt)
		})
	requireSame(t, follows, collect(t, s.Follows(ctx, source.Range{})))
}

func requireSame[R any](t *testing.T, want, got []R) {
	t.Helper()
	require.Len(t, got, len(want))
	wanted, found := utc(t, want), utc(t, got)
	for i := range wanted {
		require.Equal(t, wanted[i], found[i])
	}
}

// utc returns rows as JSON without their positions, so that times are compared as
// moments.
func utc[R any](t *testing.T, all []R) (lines []string) {
	t.Helper()
	for _, row := range all {
		text, err := json.Marshal(row)
		require.NoError(t, err)
		var members map[string]any
		require.NoError(t, json.Unmarshal(text, &members))
		delete(members, "Position")
		for name, v := range members {
			if moment, err := time.Parse(time.RFC3339, textOf(v)); err == nil {
				members[name] = moment.UnixMicro()
			}
		}
		for _, list := range []string{"Tags", "EarlierSlugs"} {
			if value, ok := members[list]; ok && value == nil {
				members[list] = []any{}
			}
		}
		text, err = json.Marshal(members)
		require.NoError(t, err)
		lines = append(lines, string(text))
	}
	return lines
}

func textOf(v any) string { s, _ := v.(string); return s }

// TestRun checks what the lines have beyond what an import reads.
func TestRun(t *testing.T) {
	t.Parallel()
	pool := newsroom(t)
	path, _ := exported(t, pool)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	seen := map[string]int{}
	withDetails, withSlugs, withSeries, statuses := 0, 0, 0, map[string]bool{}
	for _, line := range lines {
		var r struct {
			Type, Status string
			EarlierSlugs []string
			Metadata     map[string]any
			Series       *struct{ Slug string }
			Version      int
			Records      int
		}
		require.NoError(t, json.Unmarshal(line, &r), "%s", line)
		seen[r.Type]++
		withSlugs += len(r.EarlierSlugs)
		if r.Series != nil {
			withSeries++
		}
		if len(r.Metadata) > 0 {
			withDetails++
		}
		if r.Type == "article" {
			statuses[r.Status] = true
		}
		if r.Type == "end" {
			require.Equal(t, len(lines)-1, r.Records)
		}
	}
	require.Contains(t, string(lines[0]), `"type":"site","version":1`)
	require.Contains(t, string(lines[len(lines)-1]), `"type":"end"`)
	require.Equal(t, 1, seen["end"])
	require.Positive(t, withDetails)
	require.Positive(t, withSeries)
	require.Len(t, statuses, 4, "draft, in_review, scheduled, published")
	require.Regexp(t, `\n\{"type":"article","id":\d+,"authorId":\d+,"slug":"`, string(data))
	require.Positive(t, withSlugs)
}

// TestSnapshot writes while an export runs. The export has all rows of one moment
// and no others.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	_, err := d.Pool().Exec(t.Context(), `INSERT INTO users (username, folded_username, email, password_hash) SELECT 'u' || i, 'u' || i, 'u' || i || '@example.com', repeat('x', 1000) FROM generate_series(1, 3000) i`)
	require.NoError(t, err)
	var out bytes.Buffer
	counts, err := exporter.Run(t.Context(), d.Pool(), writerFunc(func(p []byte) (int, error) {
		if out.Len() == 0 {
			_, err := d.Pool().Exec(t.Context(), `INSERT INTO follows (follower_id, followee_id) SELECT min(id), max(id) FROM users`)
			require.NoError(t, err)
			_, err = d.Pool().Exec(t.Context(), `DELETE FROM users WHERE username = 'u3000'`)
			require.NoError(t, err)
		}
		return out.Write(p)
	}))
	require.NoError(t, err)
	require.Equal(t, exporter.Count{Name: "accounts", Rows: 3000}, counts[0])
	require.Equal(t, exporter.Count{Name: "follows", Rows: 0}, counts[4])
	require.Contains(t, out.String(), `"username":"u3000"`)
}

// TestFaults checks that an export that fails has no last line.
func TestFaults(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	full := errors.New("no space left on device")
	_, err := exporter.Run(t.Context(), d.Pool(), writerFunc(func([]byte) (int, error) { return 0, full }))
	require.ErrorIs(t, err, full)
	_, err = d.Pool().Exec(t.Context(), `DROP TABLE follows`)
	require.NoError(t, err)
	var out bytes.Buffer
	_, err = exporter.Run(t.Context(), d.Pool(), &out)
	require.ErrorContains(t, err, "export: follows: ")
	require.NotContains(t, out.String(), `"type":"end"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = exporter.Run(ctx, d.Pool(), &out)
	require.ErrorIs(t, err, context.Canceled)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestImport imports an export into another database. The rules find nothing but
// what cannot be otherwise, and a second run finds nothing new.
func TestImport(t *testing.T) {
	t.Parallel()
	from := newsroom(t)
	path, counts := exported(t, from)
	target := dbtest.Open(t).Pool()
	run := func() *importer.Result {
		s, err := filesource.NDJSON(path, filesource.NDJSONOptions{})
		require.NoError(t, err)
		defer s.Close()
		result, err := importer.Run(t.Context(), target, importer.Config{Source: s})
		require.NoError(t, err)
		return result
	}
	first := run()
	for i, kind := range source.Kinds {
		if kind == source.Users || kind == source.Articles || kind == source.Follows {
			require.Equal(t, counts[i].Rows, first.Counts[kind].Added, kind)
		}
	}
	for code := range first.Cases {
		require.Equal(t, importer.DateFuture, code)
	}
	for _, sql := range []string{
		`SELECT concat_ws('|', slug, details::jsonb, comments_open, (SELECT count(*) FROM article_slugs s WHERE s.article_id = a.id)) FROM articles a WHERE NOT hidden ORDER BY slug`,
		`SELECT concat_ws('|', c.created_at AT TIME ZONE 'UTC', md5(c.body), depth, c.author_id IS NULL) FROM comments c JOIN articles a ON a.id = c.article_id WHERE NOT c.hidden AND NOT a.hidden
			AND NOT EXISTS (SELECT FROM comments p WHERE p.id = c.parent_id AND p.hidden) ORDER BY 1`,
		`SELECT concat_ws('|', username, suspended_at AT TIME ZONE 'UTC', suspended_reason, email_verified_at AT TIME ZONE 'UTC') FROM users ORDER BY username`,
	} {
		require.Equal(t, rows(t, from, sql, pgx.RowTo[string]), rows(t, target, sql, pgx.RowTo[string]))
	}
	for kind, n := range run().Counts {
		require.Zero(t, n.Added+n.Changed+n.Deleted+n.LeftOut, kind)
	}
	again, _ := exported(t, target)
	s, err := filesource.NDJSON(again, filesource.NDJSONOptions{})
	require.NoError(t, err)
	defer s.Close()
	have, err := s.Counts(t.Context())
	require.NoError(t, err)
	require.Equal(t, counts[1].Rows, have[source.Articles])
}
