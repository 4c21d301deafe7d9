package sqlsource

import (
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer/mysqltest"
	"github.com/byline-api/byline/db/importer/source"
)

func TestMain(m *testing.M) { dbtest.Main(m, mysqltest.Stop) }

// servers are the database systems, each with a fixture of each preset.
var servers = []string{"postgres", "mysql"}

// database returns the address of a database with the rows of a fixture.
func database(t *testing.T, system, server string) string {
	t.Helper()
	script, err := os.ReadFile("testdata/" + system + "-" + server + ".sql")
	require.NoError(t, err)
	return load(t, server, string(script))
}

// load returns the address of a database that a script has filled. That of
// PostgreSQL has the tables in a schema whose name needs quotes.
func load(t *testing.T, server, script string) string {
	t.Helper()
	if server == "mysql" {
		return mysqltest.Database(t, script)
	}
	url := dbtest.EmptyURL(t)
	sign := "?"
	if strings.Contains(url, "?") {
		sign = "&"
	}
	url += sign + "schema=Old&connection_limit=5"
	execute(t, url, `CREATE SCHEMA "Old"`)
	execute(t, url, script)
	return url
}

// execute executes the statements of a script in a database of load.
func execute(t *testing.T, url, script string) {
	t.Helper()
	if strings.HasPrefix(url, "mysql") {
		mysqltest.Execute(t, url, script)
		return
	}
	plain, _, _ := strings.Cut(url, "schema=Old")
	conn, err := pgconn.Connect(t.Context(), plain)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), `SET search_path = "Old"; SET TIME ZONE UTC; `+script).ReadAll()
	require.NoError(t, err)
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
		for _, server := range servers {
			t.Run(system+" on "+server, func(t *testing.T) {
				t.Parallel()
				s := open(t, system, database(t, system, server), "")
				s.limits = limits{rows: 1, articles: 2, pairs: 1, keys: 1, bytes: 1}
				ctx := t.Context()

				users := all(t, s.Users(ctx, source.Range{}))
				require.Len(t, users, 2)
				require.True(t, s.HasIDs())
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
				}, articles[0])
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
				require.Equal(t, favorites[1:], all(t, s.Favorites(ctx, source.Range{After: favorites[0].Position})))
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
