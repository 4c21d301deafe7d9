package sqlsource

import (
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer/mysqltest"
	"github.com/byline-api/byline/db/importer/source"
)

func TestMain(m *testing.M) { dbtest.Main(m, mysqltest.Stop) }

// database returns the address of a database with the rows of a fixture.
func database(t *testing.T, system, server string) string {
	t.Helper()
	script, err := os.ReadFile("testdata/" + system + "-" + server + ".sql")
	require.NoError(t, err)
	if server == "mysql" {
		return mysqltest.Database(t, string(script))
	}
	url := dbtest.URL(t)
	d := dbtest.OpenURL(t, url)
	_, err = d.Exec(t.Context(), `CREATE SCHEMA old`)
	require.NoError(t, err)
	conn, err := d.Pool().Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(t.Context(), "SET search_path = old; SET TIME ZONE UTC;"+string(script)+"; RESET search_path; RESET TIME ZONE").ReadAll()
	require.NoError(t, err)
	sign := "?"
	if strings.Contains(url, "?") {
		sign = "&"
	}
	return url + sign + "schema=old&connection_limit=5"
}

func open(t *testing.T, system, url, changes string) *Source {
	t.Helper()
	m, err := Parse(system, []byte(changes))
	require.NoError(t, err)
	s, err := Open(t.Context(), url, system, m)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func all[R any](t *testing.T, rows iter.Seq2[R, error]) (list []R) {
	t.Helper()
	for row, err := range rows {
		require.NoError(t, err)
		list = append(list, row)
	}
	return list
}

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.000", text)
	if err != nil {
		panic(err)
	}
	return t
}

// TestSource reads the same rows from both systems on both servers.
func TestSource(t *testing.T) {
	t.Parallel()
	for _, system := range Presets {
		for _, server := range []string{"postgres", "mysql"} {
			t.Run(system+" on "+server, func(t *testing.T) {
				t.Parallel()
				s := open(t, system, database(t, system, server), "")
				s.limits = limits{rows: 1, articles: 2, pairs: 1, keys: 1, bytes: 1}
				ctx := t.Context()

				users := all(t, s.Users(ctx, source.Range{}))
				require.Len(t, users, 2)
				require.Equal(t, "2", users[0].Key)
				require.Equal(t, "ada", users[0].Username)
				require.Equal(t, "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", users[0].PasswordHash)
				require.Equal(t, new(""), users[0].Bio)
				require.Nil(t, users[0].Image)
				require.Equal(t, "日本 🙂", users[1].Username)
				require.Equal(t, "jürgen@example.com", users[1].Email)
				require.Nil(t, users[1].Bio)

				articles := all(t, s.Articles(ctx, source.Range{}))
				require.Len(t, articles, 3)
				require.Equal(t, source.Article{
					Row: source.Row{Key: "2", Position: "2"}, AuthorKey: "10", Slug: "two-1", Title: "Two", Body: "a\r\nb", Tags: []string{"zebra", "ant"},
					CreatedAt: at("2024-02-29 12:00:00.123"), UpdatedAt: at("2024-03-01 00:00:00.000"),
				}, normal(articles[0]))
				require.Equal(t, []string{"ant"}, articles[1].Tags)
				require.True(t, articles[1].CreatedAt.IsZero(), articles[1].CreatedAt)
				require.Equal(t, "99", articles[2].AuthorKey)
				require.Empty(t, articles[2].Tags)

				comments := all(t, s.Comments(ctx, source.Range{}))
				require.Equal(t, []string{"7", "12"}, []string{comments[0].Key, comments[1].Key}, "in the order of numbers")
				require.Equal(t, "Nice.", comments[0].Body)

				favorites := all(t, s.Favorites(ctx, source.Range{}))
				require.Equal(t, []string{"2/2", "10/2", "2/10"}, []string{favorites[0].Key, favorites[1].Key, favorites[2].Key})
				follows := all(t, s.Follows(ctx, source.Range{}))
				require.Len(t, follows, 1)
				require.Equal(t, "2", follows[0].FollowerKey)
				require.Equal(t, "10", follows[0].FolloweeKey)

				require.Equal(t, []string{"2", "10", "11"}, all(t, s.Keys(ctx, source.Articles)))
				require.Equal(t, []string{"2/10"}, all(t, s.Keys(ctx, source.Follows)))
				counts, err := s.Counts(ctx)
				require.NoError(t, err)
				require.Equal(t, source.Counts{source.Users: 2, source.Articles: 3, source.Comments: 2, source.Favorites: 3, source.Follows: 1}, counts)

				require.Len(t, all(t, s.Articles(ctx, source.Range{After: "2"})), 2)
				require.Len(t, all(t, s.Favorites(ctx, source.Range{After: favorites[0].Position})), 2)
				since := all(t, s.Comments(ctx, source.Range{Since: at("2024-03-29 13:00:00.000")}))
				require.Len(t, since, 1)
				require.Equal(t, "12", since[0].Key)

				_, err = s.db.ExecContext(ctx, "DELETE FROM "+s.dialect.quote(s.layout.users.table))
				require.Error(t, err, "the old database cannot be changed")
				require.Contains(t, strings.ToLower(err.Error()), "read")
			})
		}
	}
}

// normal makes times comparable.
func normal(a source.Article) source.Article {
	a.CreatedAt, a.UpdatedAt = a.CreatedAt.UTC(), a.UpdatedAt.UTC()
	return a
}

// TestMappingOfRenamedTables reads tables and columns with other names, and keys
// that are no numbers.
func TestMappingOfRenamedTables(t *testing.T) {
	t.Parallel()
	url := database(t, "prisma", "postgres")
	d := dbtest.OpenURL(t, strings.Split(url, "schema=old")[0])
	for _, sql := range []string{
		`ALTER TABLE old."User" RENAME TO app_members`, `ALTER TABLE old.app_members RENAME COLUMN username TO handle`,
		`ALTER TABLE old."Article" RENAME TO articles`, `ALTER TABLE old.articles RENAME COLUMN "createdAt" TO created_at`,
		`ALTER TABLE old."Comment" ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE uuid USING lpad(id::text, 32, '0')::uuid`,
	} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	m, err := Parse("prisma", nil)
	require.NoError(t, err)
	_, err = Open(t.Context(), url, "prisma", m)
	require.ErrorContains(t, err, "users.table: there is no table User\n")
	require.ErrorContains(t, err, "the tables are Comment, Tag, _ArticleToTag, _UserFavorites, _UserFollows, app_members, articles\n")

	m, err = Parse("prisma", []byte("users: {table: app_members}"))
	require.NoError(t, err)
	_, err = Open(t.Context(), url, "prisma", m)
	require.ErrorContains(t, err, "users.username: the table app_members has no column username; it has id, email, handle, password, image, bio, demo")

	s := open(t, "prisma", url, "users: {table: app_members, username: handle}")
	s.limits.rows = 1
	require.Equal(t, "ada", all(t, s.Users(t.Context(), source.Range{}))[0].Username)
	require.Equal(t, at("2024-02-29 12:00:00.123"), all(t, s.Articles(t.Context(), source.Range{}))[0].CreatedAt.UTC(), "a similar name is found")
	require.Equal(t, "00000000-0000-0000-0000-000000000012", all(t, s.Comments(t.Context(), source.Range{}))[1].Key)
}

// TestTagListColumn reads the tags of a column.
func TestTagListColumn(t *testing.T) {
	t.Parallel()
	url := database(t, "prisma", "postgres")
	d := dbtest.OpenURL(t, strings.Split(url, "schema=old")[0])
	_, err := d.Exec(t.Context(), `ALTER TABLE old."Article" ADD COLUMN tags text[] NOT NULL DEFAULT '{b,"a c"}'`)
	require.NoError(t, err)
	s := open(t, "prisma", url, "articles: {tagList: tags}")
	require.Equal(t, []string{"b", "a c"}, all(t, s.Articles(t.Context(), source.Range{}))[0].Tags)
}

// TestParse names what a mapping has that none should.
func TestParse(t *testing.T) {
	t.Parallel()
	_, err := Parse("prisma", []byte("users:\n  tabel: x\n"))
	require.ErrorContains(t, err, "line 2")
	_, err = Parse("prisma", []byte("users:\n  table: {a: b}\n"))
	require.ErrorContains(t, err, "line 2: expected a name or a list of names")
	_, err = Parse("other", nil)
	require.ErrorContains(t, err, `there is no mapping "other"`)
}

// TestParseURL never repeats the password of an address.
func TestParseURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://u:secret@db.example.com/conduit?schema=public&pgbouncer=true": "PostgreSQL, database conduit at db.example.com",
		"postgresql://u:secret@db.example.com:5433/conduit?sslmode=require":       "PostgreSQL, database conduit at db.example.com",
		"mysql://u:secret@db.example.com/conduit?connection_limit=5":              "MySQL, database conduit at db.example.com:3306",
		"mysql2://u:s%40cret@db.example.com:3307/conduit?sslaccept=strict":        "MySQL, database conduit at db.example.com:3307",
		"u:secret@tcp(db.example.com:3306)/conduit":                               "MySQL, database conduit at db.example.com:3306",
		"mysql://root@localhost/conduit?socket=/run/mysqld/mysqld.sock":           "MySQL, database conduit at /run/mysqld/mysqld.sock",
	} {
		c, err := parseURL(url)
		require.NoError(t, err, url)
		require.Equal(t, want, c.place)
	}
	for _, url := range []string{"", "secret", "mongodb://u:secret@h/d", "postgres://u:secret@h:port/d", "mysql://u:secret@", "u:secret@x(", "postgres://u:sec ret@%zz/d"} {
		_, err := parseURL(url)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "secret")
	}
}

// TestLostConnection reads on after the old database was restarted.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	url := database(t, "prisma", "postgres")
	s := open(t, "prisma", url, "")
	s.limits.rows = 1
	d := dbtest.OpenURL(t, strings.Split(url, "schema=old")[0])
	var names []string
	for u, err := range s.Users(t.Context(), source.Range{}) {
		require.NoError(t, err)
		names = append(names, u.Username)
		_, err = d.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'byline import' AND datname = current_database()`)
		require.NoError(t, err)
	}
	require.Equal(t, "[ada 日本 🙂]", fmt.Sprint(names))
}

func FuzzParse(f *testing.F) {
	for _, name := range Presets {
		text, err := Preset(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := Parse("prisma", text); err == nil {
			_, _ = schema{"User": {{"id", "integer"}}}.resolve(m)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	f.Add("postgres://u:p@h/d?schema=x")
	f.Add("mysql://u:p@h/d?ssl=true")
	f.Add("u:p@tcp(h)/d")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = parseURL(text) })
}
