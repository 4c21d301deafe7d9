package importer_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// fixture is a case that old systems have: how the rows of small are changed to
// have it, the report about it, and what is stored then.
type fixture struct {
	name   string
	code   importer.Code
	action importer.Action
	change func(m *memory)
	// want has the lines of the report: kind, key, field, stored and other.
	want []string
	// stored is the result of a query.
	query, stored string
}

const (
	oneUser    = `SELECT COALESCE((SELECT concat_ws('|', username, email, (password_hash = '')::text, role, bio) FROM users WHERE username NOT IN ('u1', 'u3', 'u4', 'u5')), 'none')`
	oneArticle = `SELECT COALESCE((SELECT concat_ws('|', slug, u.username, title, body, array_to_string(tags, ','), details) FROM articles a JOIN users u ON u.id = a.author_id WHERE a.slug NOT IN ('a-1', 'a-3', 'a-4', 'a-5')), 'none')`
	oneComment = `SELECT COALESCE((SELECT concat_ws('|', u.username, a.slug, c.body, c.parent_id) FROM comments c JOIN articles a ON a.id = c.article_id JOIN users u ON u.id = c.author_id WHERE c.id NOT IN (101, 103, 104, 105)), 'none')`
	fiveOfAll  = `SELECT (SELECT count(*) FROM favorites) || '|' || (SELECT count(*) FROM follows)`
	plain      = "a-2|u2|A 2|The body.|zebra,t2,ant"
)

func setUser(f func(*source.User)) func(*memory)       { return func(m *memory) { f(&m.users[1]) } }
func setArticle(f func(*source.Article)) func(*memory) { return func(m *memory) { f(&m.articles[1]) } }
func setComment(f func(*source.Comment)) func(*memory) { return func(m *memory) { f(&m.comments[1]) } }

var fixtures = []fixture{
	{"two addresses that differ in case", importer.EmailTaken, importer.Placeholder, setUser(func(u *source.User) { u.Email = "U1@Example.com" }),
		[]string{"users 2 email default-2@imported.invalid u1"}, oneUser, "u2|default-2@imported.invalid|false|author"},
	{"two addresses, the second left out", importer.EmailTaken, importer.Skip, func(m *memory) {
		m.users[1].Email = "U1@Example.com"
		m.articles, m.comments, m.favorites, m.follows = nil, nil, nil, nil
	}, []string{"users 2 email  u1"}, oneUser, "none"},
	{"an address that is none", importer.EmailInvalid, importer.Placeholder, setUser(func(u *source.User) { u.Email = "nobody" }),
		[]string{"users 2 email default-2@imported.invalid "}, oneUser, "u2|default-2@imported.invalid|false|author"},
	{"no address", importer.EmailInvalid, importer.Skip, func(m *memory) { *m = memory{users: m.users}; m.users[1].Email = "" },
		[]string{"users 2 email  "}, oneUser, "none"},
	{"two names that differ in case", importer.UsernameTaken, importer.Rename, setUser(func(u *source.User) { u.Username = "U1" }),
		[]string{"users 2 username U1-2 u1"}, oneUser, "U1-2|u2@example.com|false|author"},
	{"two names that look the same", importer.UsernameTaken, importer.Rename, setUser(func(u *source.User) { u.Username = "ｕ１" }),
		[]string{"users 2 username ｕ１-2 u1"}, oneUser, "ｕ１-2|u2@example.com|false|author"},
	{"a name that is taken, left out", importer.UsernameTaken, importer.Skip, func(m *memory) { *m = memory{users: m.users}; m.users[1].Username = "u1" },
		[]string{"users 2 username  u1"}, oneUser, "none"},
	{"a name with a slash", importer.UsernameInvalid, importer.Rename, setUser(func(u *source.User) { u.Username = "a/b\tc" }),
		[]string{"users 2 username a b c "}, oneUser, "a b c|u2@example.com|false|author"},
	{"a name of nothing", importer.UsernameInvalid, importer.Rename, setUser(func(u *source.User) { u.Username = "\u200b \u2800" }),
		[]string{"users 2 username user-2 "}, oneUser, "user-2|u2@example.com|false|author"},
	{"a name that is too long", importer.UsernameInvalid, importer.Rename, setUser(func(u *source.User) { u.Username = strings.Repeat("n", 65) }),
		[]string{"users 2 username " + strings.Repeat("n", 56) + " "}, oneUser, strings.Repeat("n", 56) + "|u2@example.com|false|author"},
	{"a forbidden name, left out", importer.UsernameInvalid, importer.Skip, func(m *memory) { *m = memory{users: m.users}; m.users[1].Username = "" },
		[]string{"users 2 username  "}, oneUser, "none"},
	{"no password", importer.PasswordUnknown, importer.Keep, setUser(func(u *source.User) { u.PasswordHash = "" }),
		[]string{"users 2 password  "}, oneUser, "u2|u2@example.com|true|author"},
	{"a hash of another kind", importer.PasswordUnknown, importer.Keep, setUser(func(u *source.User) { u.PasswordHash = "5f4dcc3b5aa765d61d8327deb882cf99" }),
		[]string{"users 2 password  "}, oneUser, "u2|u2@example.com|true|author"},
	{"a hash of bcrypt that takes hours", importer.PasswordUnknown, importer.Keep, setUser(func(u *source.User) { u.PasswordHash = "$2b$31$" + bcryptHash[7:] }),
		[]string{"users 2 password  "}, oneUser, "u2|u2@example.com|true|author"},
	{"a hash of argon2id that takes all memory", importer.PasswordUnknown, importer.Keep, setUser(func(u *source.User) {
		u.PasswordHash = "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$c29tZWtleXNvbWVrZXlzbw"
	}), []string{"users 2 password  "}, oneUser, "u2|u2@example.com|true|author"},
	{"a hash of PBKDF2 that is cut off", importer.PasswordUnknown, importer.Keep, setUser(func(u *source.User) {
		u.PasswordHash = "$pbkdf2-sha512$i=10000,l=512$0f1e2d$abcdef"
	}), []string{"users 2 password  "}, oneUser, "u2|u2@example.com|true|author"},
	{"another role", importer.RoleUnknown, importer.Repair, setUser(func(u *source.User) { u.Role = "Contributor" }),
		[]string{"users 2 role author "}, oneUser, "u2|u2@example.com|false|author"},
	{"a bio with NUL", importer.TextInvalid, importer.Repair, setUser(func(u *source.User) { u.Bio = new("a\x00b\xff") }),
		[]string{"users 2 bio  "}, oneUser, "u2|u2@example.com|false|author|ab\uFFFD"},

	{"an article of nobody", importer.AuthorMissing, importer.Account, setArticle(func(a *source.Article) { a.AuthorKey = "" }),
		[]string{"articles 2 author  "}, oneArticle, "a-2|former-member|A 2|The body.|zebra,t2,ant"},
	{"an article of nobody, left out", importer.AuthorMissing, importer.Skip, func(m *memory) {
		m.articles[1].AuthorKey = "77"
		m.comments, m.favorites = nil, nil
	}, []string{"articles 2 author  77"}, oneArticle, "none"},
	{"a comment of nobody", importer.AuthorMissing, importer.Account, setComment(func(c *source.Comment) { c.AuthorKey = "77" }),
		[]string{"comments 102 author  77"}, oneComment, "former-member|a-2|Nice."},
	{"a slug that is taken", importer.SlugTaken, importer.Rename, setArticle(func(a *source.Article) { a.Slug = "a-1" }),
		[]string{"articles 2 slug a-1-2 "}, oneArticle, "a-1-2|u2|A 2|The body.|zebra,t2,ant"},
	{"a slug that is taken, left out", importer.SlugTaken, importer.Skip, func(m *memory) { m.articles[1].Slug = "a-1"; m.comments, m.favorites = nil, nil },
		[]string{"articles 2 slug  "}, oneArticle, "none"},
	{"a slug with a slash", importer.SlugInvalid, importer.Rename, setArticle(func(a *source.Article) { a.Slug = "2024/New Year" }),
		[]string{"articles 2 slug 2024-new-year "}, oneArticle, "2024-new-year|u2|A 2|The body.|zebra,t2,ant"},
	{"a slug that is a path of the API", importer.SlugInvalid, importer.Rename, setArticle(func(a *source.Article) { a.Slug = "feed" }),
		[]string{"articles 2 slug feed-article "}, oneArticle, "feed-article|u2|A 2|The body.|zebra,t2,ant"},
	{"no slug", importer.SlugInvalid, importer.Rename, setArticle(func(a *source.Article) { a.Slug, a.Title = "", "The New" }),
		[]string{"articles 2 slug the-new "}, oneArticle, "the-new|u2|The New|The body.|zebra,t2,ant"},
	{"no slug, left out", importer.SlugInvalid, importer.Skip, func(m *memory) { m.articles[1].Slug = ".."; m.comments, m.favorites = nil, nil },
		[]string{"articles 2 slug  "}, oneArticle, "none"},
	{"no title", importer.TitleEmpty, importer.Repair, setArticle(func(a *source.Article) { a.Title = " " }),
		[]string{"articles 2 title a-2 "}, oneArticle, "a-2|u2|a-2|The body.|zebra,t2,ant"},
	{"no title, left out", importer.TitleEmpty, importer.Skip, func(m *memory) { m.articles[1].Title = ""; m.comments, m.favorites = nil, nil },
		[]string{"articles 2 title  "}, oneArticle, "none"},
	{"a tag of nothing", importer.TagInvalid, importer.Skip, setArticle(func(a *source.Article) { a.Tags = []string{"zebra", "", "a\x00b"} }),
		[]string{"articles 2 tagList  "}, oneArticle, "a-2|u2|A 2|The body.|zebra"},
	{"two tags that differ in case", importer.TagSame, importer.Repair, setArticle(func(a *source.Article) { a.Tags = []string{"New", "new", "Zebra"} }),
		[]string{"articles 2 tagList New new"}, oneArticle, "a-2|u2|A 2|The body.|New,zebra"},
	{"a language that is none", importer.MemberInvalid, importer.Skip, setArticle(func(a *source.Article) { a.Language, a.Cover = "not a language", "javascript:alert(1)" }),
		[]string{"articles 2 cover  ", "articles 2 language  "}, oneArticle, plain},
	{"a body with NUL", importer.TextInvalid, importer.Repair, setArticle(func(a *source.Article) { a.Body = "\x00日本語🙂" }),
		[]string{"articles 2 body  "}, oneArticle, "a-2|u2|A 2|日本語🙂|zebra,t2,ant"},
	{"a body with NUL, left out", importer.TextInvalid, importer.Skip, func(m *memory) { m.articles[1].Body = "\x00"; m.comments, m.favorites = nil, nil },
		[]string{"articles 2 body  "}, oneArticle, "none"},
	{"a title that is too long", importer.TextLong, importer.Keep, setArticle(func(a *source.Article) { a.Title = strings.Repeat("é", 257) }),
		[]string{"articles 2 title  "}, oneArticle, "a-2|u2|" + strings.Repeat("é", 257) + "|The body.|zebra,t2,ant"},
	{"a title that is too long, cut", importer.TextLong, importer.Repair, setArticle(func(a *source.Article) { a.Title = strings.Repeat("é", 257) }),
		[]string{"articles 2 title  "}, oneArticle, "a-2|u2|" + strings.Repeat("é", 256) + "|The body.|zebra,t2,ant"},
	{"a comment that is too long, left out", importer.TextLong, importer.Skip, setComment(func(c *source.Comment) { c.Body = strings.Repeat("c", 16385) }),
		[]string{"comments 102 body  "}, oneComment, "none"},
	{"a date in the future", importer.DateFuture, importer.Repair, setArticle(func(a *source.Article) { a.CreatedAt, a.UpdatedAt = day.AddDate(900, 0, 0), day.AddDate(900, 0, 0) }),
		[]string{"articles 2 createdAt 2026-01-02T03:04:05.000Z ", "articles 2 updatedAt 2026-01-02T03:04:05.000Z "},
		`SELECT published_at = '2026-01-02T03:04:05Z' FROM articles WHERE slug = 'a-2'`, "true"},
	{"a date in the future, kept", importer.DateFuture, importer.Keep, setArticle(func(a *source.Article) { a.CreatedAt = day.AddDate(900, 0, 0); a.UpdatedAt = a.CreatedAt }),
		[]string{"articles 2 createdAt 2026-01-02T03:04:05.000Z ", "articles 2 updatedAt 2026-01-02T03:04:05.000Z "},
		`SELECT extract(year FROM published_at)::int::text FROM articles WHERE slug = 'a-2'`, "2924"},
	{"no dates", importer.DateMissing, importer.Repair, setComment(func(c *source.Comment) { c.CreatedAt = time.Time{} }),
		[]string{"comments 102 createdAt 2024-02-29T12:00:00.123Z "}, `SELECT (created_at = updated_at)::text FROM comments WHERE id = 102`, "true"},
	{"a change before the creation", importer.DateOrder, importer.Repair, setUser(func(u *source.User) { u.UpdatedAt = day.Add(-time.Hour) }),
		[]string{"users 2 updatedAt 2024-02-29T12:00:00.123Z "}, `SELECT (created_at = updated_at)::text FROM users WHERE username = 'u2'`, "true"},

	{"a comment on nothing", importer.ArticleMissing, importer.Skip, setComment(func(c *source.Comment) { c.ArticleKey = "77" }),
		[]string{"comments 102 article  77"}, oneComment, "none"},
	{"a favorite of nothing", importer.ArticleMissing, importer.Skip, func(m *memory) { m.favorites[1].ArticleKey = "77" },
		[]string{"favorites 2/77 article  "}, fiveOfAll, "4|5"},
	{"an answer to nothing", importer.ParentMissing, importer.Repair, setComment(func(c *source.Comment) { c.ParentKey = "77" }),
		[]string{"comments 102 parent  77"}, oneComment, "u3|a-2|Nice."},
	{"an answer to a comment elsewhere", importer.ParentWrong, importer.Repair, setComment(func(c *source.Comment) { c.ParentKey = "101" }),
		[]string{"comments 102 parent  101"}, oneComment, "u3|a-2|Nice."},
	{"an answer to itself", importer.ParentWrong, importer.Repair, setComment(func(c *source.Comment) { c.ParentKey = "102" }),
		[]string{"comments 102 parent  102"}, oneComment, "u3|a-2|Nice."},
	{"an answer to a comment elsewhere, left out", importer.ParentWrong, importer.Skip, setComment(func(c *source.Comment) { c.ParentKey = "101" }),
		[]string{"comments 102 parent  101"}, oneComment, "none"},
	{"an answer that is too deep", importer.ThreadDeep, importer.Repair, func(m *memory) {
		for i := 201; i <= 210; i++ {
			c := comment(i, 2, 3)
			if c.ParentKey = strconv.Itoa(i - 1); i == 201 {
				c.ParentKey = "102"
			}
			m.comments = append(m.comments, c)
		}
	}, []string{"comments 208 parent  ", "comments 209 parent  ", "comments 210 parent  "},
		`SELECT string_agg(parent_id || ':' || depth, ',' ORDER BY id) FROM comments WHERE id > 205`, "205:7,206:8,206:8,206:8,206:8"},
	{"an answer to nothing, left out", importer.ParentMissing, importer.Skip, setComment(func(c *source.Comment) { c.ParentKey = "77" }),
		[]string{"comments 102 parent  77"}, oneComment, "none"},
	{"an id that is no number", importer.IDTaken, importer.Rename, setComment(func(c *source.Comment) { c.Key = "5f0e" }),
		[]string{"comments 5f0e id NEW "}, oneComment, "u3|a-2|Nice."},
	{"a favorite of nobody", importer.UserMissing, importer.Skip, func(m *memory) { m.favorites[1].UserKey = "77" },
		[]string{"favorites 77/3 user  "}, fiveOfAll, "4|5"},
	{"a follow of nobody", importer.UserMissing, importer.Skip, func(m *memory) { m.follows[1].FolloweeKey = "77" },
		[]string{"follows 2/77 followee  "}, fiveOfAll, "5|4"},
	{"the same favorite twice", importer.Duplicate, importer.Skip, func(m *memory) { m.favorites = append(m.favorites, m.favorites[0]) },
		[]string{"favorites 1/2 article  "}, fiveOfAll, "5|5"},
	{"a user who follows themselves", importer.Self, importer.Skip, func(m *memory) { m.follows[1].FolloweeKey = "2" },
		[]string{"follows 2/2 followee  "}, fiveOfAll, "5|4"},
}

// TestCases imports every fixture, and checks the report and what is stored. A
// dry run makes the same report before.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			m := small()
			f.change(m)
			choose := func(c *importer.Config) {
				c.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
				c.Settings.Actions = map[importer.Code]importer.Action{f.code: f.action}
			}
			planned := run(t, d, m, choose, dry)
			done := run(t, d, m, choose)
			require.Equal(t, planned.Cases, done.Cases)
			require.Equal(t, planned.Counts, done.Counts)
			require.Equal(t, f.want, reported(t, d, f))
			require.Equal(t, f.stored, text(t, d, `SELECT (`+f.query+`)::text`))
			proof := verify(t, d, m)
			require.True(t, proof.OK(), "what a rule has done is no difference: %+v", proof)
			again := run(t, d, m, choose)
			for _, kind := range source.Kinds {
				require.Zero(t, again.Counts[kind].Added+again.Counts[kind].Changed+again.Counts[kind].Deleted, kind)
			}
		})
	}
}

// reported returns the lines of the report, which has no other cases.
func reported(t *testing.T, d *db.DB, f fixture) []string {
	t.Helper()
	rows, err := d.Query(t.Context(), `SELECT code, action, concat_ws(' ', kind, key, field, CASE WHEN code = 'id-taken' THEN 'NEW' ELSE stored END, other) FROM import_cases ORDER BY kind, key, field`)
	require.NoError(t, err)
	var lines []string
	var code, action, line string
	_, err = pgx.ForEachRow(rows, []any{&code, &action, &line}, func() error {
		require.Equal(t, string(f.code)+" "+string(f.action), code+" "+action, line)
		lines = append(lines, line)
		return nil
	})
	require.NoError(t, err)
	return lines
}

// TestRules checks that each action of each rule has a fixture.
func TestRules(t *testing.T) {
	t.Parallel()
	has := map[string]bool{}
	for _, f := range fixtures {
		has[fmt.Sprint(f.code, " ", f.action)] = true
	}
	for _, r := range importer.Rules {
		for _, a := range r.Actions {
			require.True(t, has[fmt.Sprint(r.Code, " ", a)], "no fixture for %s: %s", r.Code, a)
		}
		require.NotEmpty(t, r.Means)
		require.NotEmpty(t, r.Remedy)
	}
}

// TestParseSettings names what is not understood.
func TestParseSettings(t *testing.T) {
	t.Parallel()
	s, err := importer.ParseSettings(map[string]string{"email-taken": "skip", "orphans": "ghost"})
	require.NoError(t, err)
	require.Equal(t, importer.Settings{Actions: map[importer.Code]importer.Action{importer.EmailTaken: importer.Skip}, Orphans: "ghost"}, s)
	_, err = importer.ParseSettings(map[string]string{"email": "skip"})
	require.ErrorContains(t, err, `there is no rule "email"; the rules are email-taken, `)
	_, err = importer.ParseSettings(map[string]string{"email-taken": "keep"})
	require.ErrorContains(t, err, `email-taken cannot be "keep", but placeholder, skip`)
}
