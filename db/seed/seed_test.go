package seed

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func testDB(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return dbtest.Open(t).Pool()
}

func small() Config {
	cfg := Small
	cfg.PasswordHash, cfg.Schedule = "hash", schedule
	return cfg
}

func schedule(ctx context.Context, tx pgx.Tx, articleID int64, at time.Time) error {
	return publish.Schedule(ctx, tx, articleID, &at)
}

// large is just large enough that the indexes are dropped and built again.
func large() Config {
	return Config{
		Users: 300, Articles: 500, Comments: 1_000, Drafts: 60, Replies: 60, Favorites: 90_000, Follows: 8_000, Tags: 90, TagsPerArticle: 2, BodyBytes: 100,
		Seed: 3, PasswordHash: "hash", Until: Small.Until, Newsroom: true, Schedule: schedule,
	}
}

func value[T any](t *testing.T, db *pgxpool.Pool, sql string, args ...any) T {
	t.Helper()
	rows, err := db.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return v
}

var contentTables = []string{"users", "articles", "article_slugs", "article_tags", "comments", "favorites", "follows"}

var newsroomOnly = []string{
	"draft_slugs", "series", "article_revisions", "article_bodies", "working_copies", "reported_items", "reports", "blocks", "hidden_items", "tag_names",
}

// digests returns a hash over the rows of each table.
func digests(t *testing.T, db *pgxpool.Pool) map[string]string {
	out := make(map[string]string)
	for _, table := range slices.Concat(contentTables, newsroomOnly, []string{"counters"}) {
		out[table] = value[string](t, db, `SELECT coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text COLLATE "C")), '') FROM `+table+` t`)
	}
	return out
}

func requireSizes(t *testing.T, db *pgxpool.Pool, cfg Config, sets int, n Newsroom) {
	t.Helper()
	private, tags := n.Drafts+n.InReview+n.Scheduled, 0
	if n.Articles > 0 {
		require.Len(t, pieces, n.Articles)
		for _, p := range pieces {
			for _, tag := range p.tags {
				if p.status == published && tag < cfg.Tags && cfg.TagsPerArticle > 0 {
					tags++
				}
			}
		}
	}
	for table, n := range map[string]int{
		"users": cfg.Users, "articles": cfg.Articles + cfg.Drafts + n.Articles, "article_slugs": cfg.Articles + n.Articles - private, "draft_slugs": cfg.Drafts + private,
		"article_tags": cfg.Articles*cfg.TagsPerArticle + tags, "comments": cfg.Comments + cfg.Replies + n.Comments, "favorites": cfg.Favorites + n.Favorites, "follows": cfg.Follows,
		"series": n.Series, "reported_items": n.Reports,
	} {
		require.Equal(t, n*sets, value[int](t, db, `SELECT count(*) FROM `+table), table)
	}
}

// requireCounters compares every counter with the rows that it counts, and the
// repeated columns with the originals.
func requireCounters(t *testing.T, db *pgxpool.Pool) {
	t.Helper()
	for name, wrong := range map[string]string{
		"users.articles_count":     `SELECT count(*) FROM users u WHERE articles_count <> (SELECT count(*) FROM articles WHERE author_id = u.id AND NOT hidden)`,
		"users.last_article_at":    `SELECT count(*) FROM users u WHERE last_article_at IS DISTINCT FROM (SELECT max(published_at) FROM articles WHERE author_id = u.id AND NOT hidden)`,
		"users.favorites_count":    `SELECT count(*) FROM users u WHERE favorites_count <> (SELECT count(*) FROM favorites WHERE user_id = u.id)`,
		"articles.favorites_count": `SELECT count(*) FROM articles a WHERE favorites_count <> (SELECT count(*) FROM favorites WHERE article_id = a.id)`,
		"counters articles":        `SELECT (SELECT count(*) FROM articles WHERE NOT hidden) - (SELECT coalesce(sum(value), 0) FROM counters WHERE kind = 'articles' AND name = '')`,
		"counters tag": `SELECT count(*) FROM (SELECT tag, count(*) AS n FROM article_tags GROUP BY tag) t
			FULL JOIN (SELECT name, sum(value) AS n FROM counters WHERE kind = 'tag' GROUP BY name) c ON c.name = t.tag WHERE c.n IS DISTINCT FROM t.n`,
		"articles.tags": `SELECT count(*) FROM articles a WHERE NOT hidden AND (SELECT array_agg(t ORDER BY t) FROM unnest(tags) t)
			IS DISTINCT FROM (SELECT array_agg(tag ORDER BY tag) FROM article_tags WHERE article_id = a.id)`,
		"article_tags.article_created_at": `SELECT count(*) FROM article_tags t JOIN articles a ON a.id = article_id WHERE article_created_at <> a.published_at`,
		"favorites.article_created_at":    `SELECT count(*) FROM favorites f JOIN articles a ON a.id = article_id WHERE article_created_at <> a.published_at`,
		"article_slugs":                   `SELECT count(*) FROM articles a LEFT JOIN article_slugs s USING (slug) WHERE NOT hidden AND article_id IS DISTINCT FROM a.id`,
	} {
		require.Zero(t, value[int](t, db, wrong), name)
	}
	rows, err := db.Query(t.Context(), dbtest.WrongCounters)
	require.NoError(t, err)
	off, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, off)
}

func schema(t *testing.T, db *pgxpool.Pool) []string {
	return value[[]string](t, db, `SELECT array_agg(d ORDER BY d) FROM (
		SELECT conname::text || ' ' || pg_get_constraintdef(oid) || convalidated::text AS d FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT pg_get_indexdef(indexrelid) || indisvalid::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT tgname::text || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal) s`)
}

func TestRun(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{"Small": small(), "Bulk": large()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := testDB(t)
			before := schema(t, db)
			var progress bytes.Buffer
			cfg.Progress = &progress
			summary, err := Run(t.Context(), db, cfg)
			require.NoError(t, err)

			requireSizes(t, db, cfg, 1, summary.Newsroom)
			requireCounters(t, db)
			require.Equal(t, before, schema(t, db))
			require.Equal(t, cfg.Tags, summary.Tags, "every tag is used")
			require.Equal(t, "demo", summary.Username)
			require.Equal(t, "demo@example.com", summary.Email)
			for _, table := range contentTables {
				require.Contains(t, progress.String(), "\n"+table)
			}
			if cfg.Drafts == 0 {
				require.Equal(t, strings.Count(progress.String(), " rows/s"), len(contentTables))
			}

			for name, wrong := range map[string]string{
				"username":       `SELECT count(*) FROM users WHERE username !~ '^[a-z0-9._-]{1,64}$' OR email <> username || '@example.com'`,
				"slug":           `SELECT count(*) FROM articles WHERE slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$' OR length(slug) > 100`,
				"latest article": `SELECT count(*) FROM (SELECT max(created_at) AS t FROM articles) s WHERE t <> $1`,
				"after the end": `SELECT count(*) FROM (SELECT created_at AS t FROM users UNION ALL SELECT updated_at FROM articles UNION ALL SELECT created_at FROM comments
					UNION ALL SELECT created_at FROM favorites UNION ALL SELECT created_at FROM follows
					UNION ALL SELECT created_at FROM article_revisions UNION ALL SELECT updated_at FROM working_copies UNION ALL SELECT created_at FROM series
					UNION ALL SELECT created_at FROM reports UNION ALL SELECT decided_at FROM reported_items UNION ALL SELECT created_at FROM blocks
					UNION ALL SELECT created_at FROM hidden_items UNION ALL SELECT published_at FROM articles WHERE status = 'published') s WHERE t > $1`,
				"not later": `SELECT count(*) FROM articles WHERE status = 'scheduled' AND published_at <= $1`,
				"revision too early": `SELECT count(*) FROM article_revisions r JOIN users u ON u.id = r.author_id JOIN articles a ON a.id = article_id
					WHERE r.created_at < a.created_at OR r.created_at < u.created_at OR r.created_at > a.updated_at`,
				"reply too early": `SELECT count(*) FROM comments c JOIN comments p ON p.id = c.parent_id WHERE c.created_at < p.created_at OR c.article_id <> p.article_id`,
				"report too early": `SELECT count(*) FROM reports r JOIN reported_items i ON i.id = r.item_id JOIN users u ON u.id IN (i.author_id, r.reporter_id)
					WHERE r.created_at < i.created_at OR i.decided_at < r.created_at OR r.created_at < u.created_at OR r.reporter_id = i.author_id`,
				"article before its author": `SELECT count(*) FROM articles a JOIN users u ON u.id = author_id WHERE a.created_at < u.created_at`,
				"edited before written":     `SELECT count(*) FROM articles WHERE updated_at < created_at OR (version = 1) <> (updated_at = created_at)`,
				"comment too early": `SELECT count(*) FROM comments c JOIN articles a ON a.id = article_id JOIN users u ON u.id = c.author_id
					WHERE c.created_at <= a.created_at OR c.created_at < u.created_at`,
				"favorite too early": `SELECT count(*) FROM favorites f JOIN articles a ON a.id = article_id JOIN users u ON u.id = user_id
					WHERE f.created_at < a.created_at OR f.created_at < u.created_at`,
				"follow too early": `SELECT count(*) FROM follows f JOIN users u ON u.id IN (follower_id, followee_id) WHERE f.created_at < u.created_at`,
			} {
				args := []any{cfg.Until}
				if !strings.Contains(wrong, "$1") {
					args = nil
				}
				require.Zero(t, value[int](t, db, wrong, args...), name)
			}
			require.Greater(t, value[int](t, db, `SELECT count(*) FROM articles WHERE author_id IN (
				SELECT followee_id FROM follows JOIN users ON users.id = follower_id WHERE username = 'demo')`), 20, "the feed of demo")
			require.GreaterOrEqual(t, value[int](t, db, `SELECT favorites_count FROM users WHERE username = 'demo'`), demoFavorites)

			// The server continues where the seed ended: the triggers count
			// again, and the sequences do not repeat an id.
			_, err = db.Exec(t.Context(), `WITH u AS (INSERT INTO users (username, email, password_hash) VALUES ('new', 'new@x', '') RETURNING id),
				a AS (INSERT INTO articles (slug, author_id, title, description, body) SELECT 'new', 1, '', '', '' FROM u RETURNING id)
				INSERT INTO comments (article_id, author_id, body) SELECT 1, 1, '' FROM a`)
			require.NoError(t, err)
			_, err = db.Exec(t.Context(), `INSERT INTO article_slugs SELECT slug, id FROM articles WHERE slug = 'new'`)
			require.NoError(t, err)
			requireCounters(t, db)
		})
	}

	t.Run("SameRows", func(t *testing.T) {
		t.Parallel()
		for _, cfg := range []Config{small(), large()} {
			one, two := testDB(t), testDB(t)
			for _, db := range []*pgxpool.Pool{one, two} {
				_, err := Run(t.Context(), db, cfg)
				require.NoError(t, err)
			}
			require.Equal(t, digests(t, one), digests(t, two))
		}
	})

	t.Run("AnotherSeedOtherRows", func(t *testing.T) {
		t.Parallel()
		one, two := testDB(t), testDB(t)
		cfg := small()
		_, err := Run(t.Context(), one, cfg)
		require.NoError(t, err)
		cfg.Seed++
		_, err = Run(t.Context(), two, cfg)
		require.NoError(t, err)
		other := digests(t, two)
		for table, digest := range digests(t, one) {
			switch table {
			case "draft_slugs", "series", "tag_names", "working_copies": // always the same texts
				require.Equal(t, digest, other[table], table)
			default:
				require.NotEqual(t, digest, other[table], table)
			}
		}
	})

	t.Run("Again", func(t *testing.T) {
		t.Parallel()
		db := testDB(t)
		_, err := Run(t.Context(), db, small())
		require.NoError(t, err)
		// The ids of deleted rows are not used again.
		_, err = db.Exec(t.Context(), `DELETE FROM users WHERE id = 50`)
		require.NoError(t, err)
		summary, err := Run(t.Context(), db, small())
		require.NoError(t, err)
		require.Regexp(t, `^[a-z]+[._-][a-z]+51$`, summary.Username)
		require.Equal(t, 99, value[int](t, db, `SELECT count(*) FROM users`))
		require.Equal(t, 100, value[int](t, db, `SELECT max(id) FROM users`))
		requireCounters(t, db)
		_, err = Run(t.Context(), db, large())
		require.NoError(t, err)
		requireCounters(t, db)
	})

	t.Run("DemoTaken", func(t *testing.T) {
		t.Parallel()
		for _, row := range [][2]string{{"Demo", "a@example.com"}, {"a", "DEMO@example.com"}} {
			db := testDB(t)
			_, err := db.Exec(t.Context(), `INSERT INTO users (username, email, password_hash) VALUES ($1, $2, '')`, row[0], row[1])
			require.NoError(t, err)
			summary, err := Run(t.Context(), db, small())
			require.NoError(t, err)
			require.NotEqual(t, "demo", summary.Username)
			require.Equal(t, demoFollows, value[int](t, db, `SELECT count(*) FROM follows WHERE follower_id = 2`))
		}
	})

	t.Run("Extremes", func(t *testing.T) {
		t.Parallel()
		db := testDB(t)
		for _, c := range []Config{
			{},
			{Tags: 5},
			{Users: 1},
			{Users: 1, Articles: 1, Comments: 3, Favorites: 1},
			{Users: 1, Articles: 1, Drafts: 80, Replies: 30},
			{Users: 2, Articles: 3, Drafts: 24, Favorites: 6, Follows: 2, Tags: 1, TagsPerArticle: 1},
			{Users: 2, Articles: 1, Favorites: 1, Follows: 1},
			{Users: 40, Articles: 30, Favorites: 1_200, Follows: 40 * 39, Tags: 50, TagsPerArticle: 30},
			{Users: 40, Articles: 30, Favorites: 1_199, Follows: 40*39 - 1, Comments: 5_000},
			{Users: 3, Articles: 1_000, Favorites: 2_999, Follows: 5},
			{Users: 19, Articles: 50, Newsroom: true},
			{Users: 20, Articles: 50, Newsroom: true},
			{Users: 20, Articles: 50, Favorites: 1_000, Follows: 380, Comments: 1, Tags: 2, TagsPerArticle: 2, Newsroom: true},
			{Users: 20, Articles: 2_000, Comments: 300, Newsroom: true},
		} {
			_, err := db.Exec(t.Context(), `TRUNCATE users, article_tags, counters, tag_names, series, river_job CASCADE`)
			require.NoError(t, err)
			c.PasswordHash, c.Schedule, c.Until = "hash", schedule, time.Now()
			summary, err := Run(t.Context(), db, c)
			require.NoError(t, err, "%+v", c)
			requireSizes(t, db, c, 1, summary.Newsroom)
			requireCounters(t, db)
		}
	})

	t.Run("BadConfig", func(t *testing.T) {
		t.Parallel()
		cfg := small()
		cfg.Follows = -1
		_, err := Run(t.Context(), nil, cfg)
		require.ErrorContains(t, err, "--follows")
	})

	t.Run("Cancelled", func(t *testing.T) {
		t.Parallel()
		for _, cfg := range []Config{small(), large()} {
			db := testDB(t)
			before := schema(t, db)
			for _, step := range append(contentTables, "plan") {
				ctx, cancel := context.WithCancel(t.Context())
				cfg.Progress = writerFunc(func(line []byte) {
					if bytes.HasPrefix(line, []byte(step+" ")) {
						cancel()
					}
				})
				_, err := Run(ctx, db, cfg)
				require.ErrorIs(t, err, context.Canceled, step)
				requireSizes(t, db, Config{}, 1, Newsroom{})
				require.Equal(t, before, schema(t, db))
				require.Zero(t, value[int](t, db, `SELECT count(*) FROM counters`))
				cancel()
			}
		}
	})
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// TestDrafts checks that there are pages of what --drafts and --replies are for,
// and that the other rows are the same without them.
func TestDrafts(t *testing.T) {
	t.Parallel()
	cfg := large()
	cfg.Newsroom = false
	db, without := testDB(t), testDB(t)
	_, err := Run(t.Context(), db, cfg)
	require.NoError(t, err)
	for what, full := range map[string]string{
		"drafts":    `SELECT count(*) FROM (SELECT FROM articles WHERE status = 'draft' GROUP BY author_id HAVING count(*) = 25) s`,
		"revisions": `SELECT count(*) FROM (SELECT FROM article_revisions GROUP BY article_id HAVING count(DISTINCT body_revision) = 24) s`,
		"threads":   `SELECT count(*) FROM (SELECT FROM comments WHERE parent_id IS NOT NULL GROUP BY parent_id HAVING count(*) = 24) s`,
	} {
		require.Equal(t, 2, value[int](t, db, full), what)
	}
	require.Zero(t, value[int](t, db, `SELECT count(*) FROM article_bodies b JOIN article_bodies c ON c.article_id = b.article_id AND c.number = b.number + 1 AND c.body = b.body`))
	require.Equal(t, value[string](t, db, `SELECT min(username) FROM users WHERE last_article_at = (SELECT max(last_article_at) FROM users)`),
		value[string](t, db, `SELECT username FROM users WHERE id = (SELECT author_id FROM articles WHERE status = 'draft' ORDER BY id LIMIT 1)`))

	cfg.Drafts, cfg.Replies = 0, 0
	_, err = Run(t.Context(), without, cfg)
	require.NoError(t, err)
	for _, sql := range []string{
		`SELECT md5(string_agg(a::text, E'\n' ORDER BY id)) FROM articles a WHERE status = 'published'`,
		`SELECT md5(string_agg(c::text, E'\n' ORDER BY id)) FROM comments c WHERE id <= 1000`,
		`SELECT md5(string_agg((id, username, articles_count, last_article_at)::text, E'\n' ORDER BY id)) FROM users`,
		`SELECT md5(string_agg(f::text, E'\n' ORDER BY f::text COLLATE "C")) FROM favorites f`,
	} {
		require.Equal(t, value[string](t, without, sql), value[string](t, db, sql), sql)
	}
}
