package importer_test

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// memory is a source of rows in memory.
type memory struct {
	users     []source.User
	articles  []source.Article
	comments  []source.Comment
	favorites []source.Favorite
	follows   []source.Follow
	names     bool // the keys of users are names
	whole     bool // all rows are read in any case, as of a file that is another one
	// fail, if it is set, is called before each row of a kind is returned.
	fail func(kind source.Kind, i int) error
	// asked is which rows of each kind were asked for last.
	asked map[source.Kind]source.Range
	// read counts how often each kind, or its keys, was read.
	read   map[source.Kind]int
	origin string
}

func (m *memory) Describe() string { return "rows of a test" }
func (m *memory) HasIDs() bool     { return !m.names }
func (m *memory) Origin() string   { return "a test" + m.origin }
func (m *memory) Close() error     { return nil }

func (m *memory) Counts(context.Context) (source.Counts, error) {
	return source.Counts{source.Users: int64(len(m.users)), source.Articles: int64(len(m.articles)), source.Comments: int64(len(m.comments)),
		source.Favorites: int64(len(m.favorites)), source.Follows: int64(len(m.follows))}, nil
}

func (m *memory) note(kind source.Kind, r source.Range) {
	if m.asked == nil {
		m.asked, m.read = map[source.Kind]source.Range{}, map[source.Kind]int{}
	}
	m.asked[kind] = r
	m.read[kind]++
}

// after returns the rows behind a position, which is the number of a row.
func after[R any](m *memory, kind source.Kind, rows []R, r source.Range, row func(*R) *source.Row) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		m.note(kind, r)
		first, _ := strconv.Atoi(r.After)
		if m.whole {
			first = 0
		}
		for i := first; i < len(rows); i++ {
			if m.fail != nil {
				if err := m.fail(kind, i); err != nil {
					var none R
					yield(none, err)
					return
				}
			}
			one := rows[i]
			row(&one).Position = strconv.Itoa(i + 1)
			if !yield(one, nil) {
				return
			}
		}
	}
}

func (m *memory) Users(_ context.Context, r source.Range) iter.Seq2[source.User, error] {
	return after(m, source.Users, m.users, r, func(u *source.User) *source.Row { return &u.Row })
}
func (m *memory) Articles(_ context.Context, r source.Range) iter.Seq2[source.Article, error] {
	return after(m, source.Articles, m.articles, r, func(u *source.Article) *source.Row { return &u.Row })
}
func (m *memory) Comments(_ context.Context, r source.Range) iter.Seq2[source.Comment, error] {
	return after(m, source.Comments, m.comments, r, func(u *source.Comment) *source.Row { return &u.Row })
}
func (m *memory) Favorites(_ context.Context, r source.Range) iter.Seq2[source.Favorite, error] {
	return after(m, source.Favorites, m.favorites, r, func(u *source.Favorite) *source.Row { return &u.Row })
}
func (m *memory) Follows(_ context.Context, r source.Range) iter.Seq2[source.Follow, error] {
	return after(m, source.Follows, m.follows, r, func(u *source.Follow) *source.Row { return &u.Row })
}

func (m *memory) Keys(_ context.Context, kind source.Kind) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		m.note(kind, source.Range{})
		var keys []string
		for _, u := range m.users {
			if kind == source.Users {
				keys = append(keys, u.Key)
			}
		}
		for _, a := range m.articles {
			if kind == source.Articles {
				keys = append(keys, a.Key)
			}
		}
		for _, c := range m.comments {
			if kind == source.Comments {
				keys = append(keys, c.Key)
			}
		}
		for _, f := range m.favorites {
			if kind == source.Favorites {
				keys = append(keys, f.UserKey+"/"+f.ArticleKey)
			}
		}
		for _, f := range m.follows {
			if kind == source.Follows {
				keys = append(keys, f.FollowerKey+"/"+f.FolloweeKey)
			}
		}
		for _, k := range keys {
			if !yield(k, nil) {
				return
			}
		}
	}
}

const bcryptHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

var day = time.Date(2024, 2, 29, 12, 0, 0, 123e6, time.UTC)

func user(key int) source.User {
	return source.User{Row: source.Row{Key: strconv.Itoa(key)}, Username: fmt.Sprintf("u%d", key), Email: fmt.Sprintf("u%d@example.com", key),
		PasswordHash: bcryptHash, CreatedAt: day, UpdatedAt: day}
}

func article(key, author int, tags ...string) source.Article {
	return source.Article{Row: source.Row{Key: strconv.Itoa(key)}, AuthorKey: strconv.Itoa(author), Slug: fmt.Sprintf("a-%d", key), Title: fmt.Sprintf("A %d", key),
		Description: "d", Body: "The body.", Tags: tags, CreatedAt: day.Add(time.Duration(key) * time.Minute), UpdatedAt: day.Add(time.Hour)}
}

func comment(key, article, author int) source.Comment {
	return source.Comment{Row: source.Row{Key: strconv.Itoa(key)}, ArticleKey: strconv.Itoa(article), AuthorKey: strconv.Itoa(author), Body: "Nice.", CreatedAt: day, UpdatedAt: day}
}

// small is a source with rows of all kinds and nothing to decide.
func small() *memory {
	m := &memory{}
	for i := 1; i <= 5; i++ {
		m.users = append(m.users, user(i))
		m.articles = append(m.articles, article(i, i, "zebra", fmt.Sprintf("t%d", i), "ant"))
		m.comments = append(m.comments, comment(100+i, i, i%5+1))
		m.favorites = append(m.favorites, source.Favorite{UserKey: strconv.Itoa(i), ArticleKey: strconv.Itoa(i%5 + 1)})
		m.follows = append(m.follows, source.Follow{FollowerKey: strconv.Itoa(i), FolloweeKey: strconv.Itoa(i%5 + 1)})
	}
	return m
}

func run(t *testing.T, d *db.DB, m *memory, options ...func(*importer.Config)) *importer.Result {
	t.Helper()
	cfg := importer.Config{Source: m}
	for _, o := range options {
		o(&cfg)
	}
	result, err := importer.Run(t.Context(), d.Pool(), cfg)
	require.NoError(t, err)
	requireCounted(t, d)
	return result
}

func dry(c *importer.Config) { c.DryRun = true }

// requireCounted checks that all counters are what they count.
func requireCounted(t *testing.T, d *db.DB) {
	t.Helper()
	require.Zero(t, number(t, d, `SELECT count(*) FROM articles a WHERE NOT hidden AND favorites_count <> (SELECT count(*) FROM favorites f WHERE f.article_id = a.id)`))
	require.Zero(t, number(t, d, `SELECT count(*) FROM users u WHERE favorites_count <> (SELECT count(*) FROM favorites f WHERE f.user_id = u.id)
		OR articles_count <> (SELECT count(*) FROM articles a WHERE a.author_id = u.id AND NOT hidden)
		OR last_article_at IS DISTINCT FROM (SELECT max(published_at) FROM articles a WHERE a.author_id = u.id AND NOT hidden)
		OR stored_bytes <> (SELECT COALESCE(sum(article_bytes(title, description, body, tags, details)), 0) FROM articles a WHERE a.author_id = u.id)
			+ (SELECT COALESCE(sum(octet_length(body)), 0) FROM comments c WHERE c.author_id = u.id)`))
	require.Zero(t, number(t, d, `SELECT (SELECT COALESCE(sum(value), 0) FROM counters WHERE kind = 'articles') - (SELECT count(*) FROM articles WHERE NOT hidden)`))
	require.Zero(t, number(t, d, `SELECT count(*) FROM (SELECT tag, count(*) AS n FROM article_tags GROUP BY tag) t
		FULL JOIN (SELECT name, sum(value) AS n FROM counters WHERE kind = 'tag' GROUP BY name HAVING sum(value) <> 0) c ON c.name = t.tag WHERE t.n IS DISTINCT FROM c.n`))
	require.Zero(t, number(t, d, `SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'`), "disabled triggers")
	require.Equal(t, indexes(t), number(t, d, countIndexes), "indexes and foreign keys")
}

const countIndexes = `SELECT (SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace))
	+ (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated)`

// indexes returns how many indexes and foreign keys a new database has.
var indexes = func() func(t *testing.T) int64 {
	var once sync.Once
	var n int64
	return func(t *testing.T) int64 {
		t.Helper()
		once.Do(func() { n = number(t, dbtest.Open(t), countIndexes) })
		return n
	}
}()

func number(t *testing.T, d *db.DB, sql string, args ...any) (n int64) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func text(t *testing.T, d *db.DB, sql string, args ...any) (s string) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), sql, args...).Scan(&s))
	return s
}

// TestRun imports rows without anything to decide, then again, and then what
// has changed.
func TestRun(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	r := run(t, d, m)
	require.Empty(t, r.Cases)
	for _, kind := range source.Kinds {
		require.Equal(t, importer.Counts{Read: 5, Added: 5}, r.Counts[kind], kind)
	}
	require.Equal(t, "zebra,t3,ant", text(t, d, `SELECT array_to_string(tags, ',') FROM articles WHERE slug = 'a-3'`), "tags keep their order")
	require.Equal(t, "101,102,103,104,105", text(t, d, `SELECT string_agg(id::text, ',' ORDER BY id) FROM comments`), "comments keep their ids")
	require.Equal(t, bcryptHash, text(t, d, `SELECT password_hash FROM users WHERE username = 'u1'`))
	require.Equal(t, day, func() (at time.Time) {
		require.NoError(t, d.QueryRow(t.Context(), `SELECT created_at FROM users WHERE username = 'u1'`).Scan(&at))
		return at.UTC()
	}())
	require.Greater(t, number(t, d, `SELECT nextval('comments_id_seq')`), int64(100_000), "room for comments of the old system")

	r = run(t, d, m)
	for _, kind := range source.Kinds {
		require.Equal(t, importer.Counts{Read: 5, Unchanged: 5}, r.Counts[kind], kind)
	}

	m.users[0].Username, m.users[0].Email = "renamed", "renamed@example.com"
	m.articles[1].Slug, m.articles[1].Title, m.articles[1].Tags = "a-2-new", "New", []string{"only"}
	m.comments[2].Body = "Changed."
	m.users = append(m.users, user(6))
	m.articles = append(m.articles[:4:4], article(6, 6, "ant"))
	m.comments = append(m.comments[:3:3], comment(106, 6, 1))
	m.favorites = append(m.favorites[:1:1], source.Favorite{UserKey: "6", ArticleKey: "6"})
	m.follows = append(m.follows[:1:1], source.Follow{FollowerKey: "6", FolloweeKey: "1"})
	r = run(t, d, m)
	require.Equal(t, importer.Counts{Read: 6, Added: 1, Changed: 1, Unchanged: 4}, r.Counts[source.Users])
	require.Equal(t, importer.Counts{Read: 5, Added: 1, Changed: 1, Unchanged: 3, Deleted: 1}, r.Counts[source.Articles])
	require.Equal(t, importer.Counts{Read: 4, Added: 1, Changed: 1, Unchanged: 2, Deleted: 2}, r.Counts[source.Comments])
	require.Equal(t, importer.Counts{Read: 2, Added: 1, Unchanged: 1, Deleted: 4}, r.Counts[source.Favorites])
	require.Equal(t, importer.Counts{Read: 2, Added: 1, Unchanged: 1, Deleted: 4}, r.Counts[source.Follows])
	require.Equal(t, "only", text(t, d, `SELECT array_to_string(tags, ',') FROM articles WHERE slug = 'a-2-new'`))
	require.Equal(t, int64(2), number(t, d, `SELECT count(*) FROM article_slugs s JOIN articles a ON a.id = s.article_id WHERE a.slug = 'a-2-new'`), "the slug before leads to it too")
}

// TestNoTimes imports rows of a system that has no times: they have that of the
// beginning of the import, and another run changes nothing.
func TestNoTimes(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.users[1].CreatedAt, m.users[1].UpdatedAt = time.Time{}, time.Time{}
	m.articles[1].CreatedAt, m.articles[1].UpdatedAt = time.Time{}, time.Time{}
	r := run(t, d, m)
	require.Equal(t, map[importer.Code]int64{importer.DateMissing: 1}, r.Cases)
	require.Equal(t, int64(1), number(t, d, `SELECT count(*) FROM users u JOIN imports i ON i.started_at = u.created_at AND u.created_at = u.updated_at`))
	require.True(t, verify(t, d, m).OK())
	require.Equal(t, int64(5), run(t, d, m).Counts[source.Articles].Unchanged)
}

// TestDryRun makes the same report as the run itself, and changes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.users = append(m.users, m.users[0])
	m.users[5].Key = "6"
	m.articles[2].Slug = "a-2"
	m.articles[3].AuthorKey = "99"
	m.comments[0].ArticleKey = "99"
	m.favorites = append(m.favorites, m.favorites[0])
	planned := run(t, d, m, dry)
	require.Zero(t, number(t, d, `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM articles) + (SELECT count(*) FROM imports) + (SELECT count(*) FROM tag_names)`))
	done := run(t, d, m)
	require.Equal(t, planned.Cases, done.Cases)
	require.Equal(t, planned.Counts, done.Counts)
	m.favorites = append(m.favorites, source.Favorite{UserKey: "1", ArticleKey: "5"})
	again := run(t, d, m, dry)
	for _, kind := range source.Kinds {
		require.Equal(t, kind == source.Favorites, again.Counts[kind].Added == 1, kind)
		require.Equal(t, kind != source.Favorites, again.Counts[kind].Added == 0, kind)
	}
	require.Equal(t, importer.Counts{Read: 7, Added: 1, Unchanged: 5, LeftOut: 1}, again.Counts[source.Favorites])
}

// TestOtherKey changes the key of an article, as an API does whose keys are slugs
// when the title changes. Its comments stay, with the replies.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	reply := comment(110, 2, 4)
	reply.ParentKey = "102"
	m.comments = append(m.comments, reply)
	run(t, d, m)
	m.articles[1].Key, m.articles[1].Slug, m.favorites[0].ArticleKey = "renamed", "renamed", "renamed"
	m.comments[1].ArticleKey, m.comments[5].ArticleKey = "renamed", "renamed"
	r := run(t, d, m)
	require.Empty(t, r.Cases)
	comments := func() string {
		return text(t, d, `SELECT string_agg(concat_ws('|', c.id, a.slug, c.parent_id, c.depth), ' ' ORDER BY c.id) FROM comments c JOIN articles a ON a.id = c.article_id WHERE c.id IN (102, 110)`)
	}
	require.Equal(t, "102|renamed|1 110|renamed|102|2", comments())
	require.True(t, verify(t, d, m).OK())

	// A comment that is read after its article was deleted here is not lost.
	later := m.comments
	m.articles = append(m.articles[:1:1], m.articles[2:]...)
	m.favorites = m.favorites[1:]
	m.comments = append(later[:1:1], later[2:5]...)
	run(t, d, m)
	m.articles = append(m.articles, article(7, 2))
	later[1].ArticleKey, later[5].ArticleKey = "7", "7"
	m.comments = later
	run(t, d, m)
	require.Equal(t, "102|a-7|1 110|a-7|102|2", comments())
	require.True(t, verify(t, d, m).OK())
}

// TestForgottenComments imports comments again that were deleted here with an
// article which the old system has lost, if it has given them to another one.
func TestForgottenComments(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	run(t, d, m)
	m.articles = append(m.articles[:1:1], m.articles[2:]...)
	m.favorites = m.favorites[1:]
	run(t, d, m) // the comment of the article is there still, and refers to nothing
	require.Zero(t, number(t, d, `SELECT count(*) FROM comments WHERE id = 102`))
	m.comments[1].ArticleKey = "3"
	run(t, d, m)
	require.Equal(t, "a-3", text(t, d, `SELECT a.slug FROM comments c JOIN articles a ON a.id = c.article_id WHERE c.id = 102`))
	require.True(t, verify(t, d, m).OK())
}

// TestOwnRowsStay keeps what users do here while the old system is still read.
func TestOwnRowsStay(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	run(t, d, m)
	for _, sql := range []string{
		`INSERT INTO favorites (article_id, user_id, article_created_at) SELECT a.id, u.id, a.published_at FROM articles a, users u WHERE a.slug = 'a-1' AND u.username = 'u1'`,
		`INSERT INTO follows (follower_id, followee_id) SELECT u.id, v.id FROM users u, users v WHERE u.username = 'u5' AND v.username = 'u3'`,
		`INSERT INTO comments (article_id, author_id, body) SELECT a.id, a.author_id, 'here' FROM articles a WHERE a.slug = 'a-1'`,
		`DELETE FROM articles WHERE slug = 'a-4'`,
	} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	r := run(t, d, m)
	require.Equal(t, int64(4), number(t, d, `SELECT count(*) FROM articles`), "a row that was deleted here is not imported again")
	require.Equal(t, int64(5), number(t, d, `SELECT count(*) FROM favorites`))
	require.Equal(t, int64(6), number(t, d, `SELECT count(*) FROM follows`))
	require.Equal(t, int64(1), number(t, d, `SELECT count(*) FROM comments WHERE body = 'here'`))
	require.Zero(t, r.Counts[source.Favorites].Deleted)
	require.Zero(t, r.Counts[source.Articles].Added)
}
