package sqlsource

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/source"
)

// keysSchema are tables as Sequelize names them with a type of keys. A favorite
// has an index that begins with its user.
func keysSchema(server, kind string) string {
	quote := quoteOf(server)
	script := ""
	for table, columns := range map[string]string{
		"Users":       "id TYPE PRIMARY KEY, username VARCHAR(255), email VARCHAR(255), password VARCHAR(255)",
		"Articles":    "id TYPE PRIMARY KEY, authorId TYPE, slug VARCHAR(255), title VARCHAR(255), description TEXT, body TEXT",
		"Comments":    "id TYPE PRIMARY KEY, articleId TYPE, authorId TYPE, body TEXT",
		"Tags":        "id TYPE PRIMARY KEY, name VARCHAR(255)",
		"ArticleTags": "articleId TYPE, tagId TYPE, position INTEGER",
		"Favorites":   "articleId TYPE, userId TYPE, PRIMARY KEY (userId, articleId)",
		"Follows":     "followerId TYPE, followedId TYPE",
	} {
		script += "CREATE TABLE " + quote(table) + " (" + strings.ReplaceAll(columns, "TYPE", kind) + ");"
	}
	return script
}

func quoteOf(server string) func(string) string {
	if server == "mysql" {
		return mysqlDialect{}.quote
	}
	return postgres{}.quote
}

// TestKeys reads tables whose keys have other types than numbers, a row a page,
// and goes on after each row.
func TestKeys(t *testing.T) {
	t.Parallel()
	uuids := []string{"'018f0000-0000-7000-8000-00000000000a'", "'018f0000-0000-7000-8000-0000000000b0'", "'ff000000-0000-4000-8000-000000000001'"}
	odd := []string{"'a b/c'", "'it''s \"日本\"'", "'zz 🙂'"}
	for name, test := range map[string]struct {
		server, kind string
		keys         []string
		want         []string // if they are not the keys without their quotes
	}{
		"uuid on postgres":    {"postgres", "uuid", uuids, nil},
		"char on postgres":    {"postgres", "char(36)", uuids, nil},
		"text on postgres":    {"postgres", "text", odd, []string{"a b/c", `it's "日本"`, "zz 🙂"}},
		"bytea on postgres":   {"postgres", "bytea", []string{`'\x00ff'`, `'\x01'`, `'\xe900'`}, []string{"00ff", "01", "e900"}},
		"numeric on postgres": {"postgres", "numeric", []string{"-5", "9", "12345678901234567890123"}, nil},
		"bigint on postgres":  {"postgres", "bigint", []string{"-5", "9", "9223372036854775807"}, nil},
		"char on mysql":       {"mysql", "CHAR(36) BINARY", uuids, nil},
		"varchar on mysql":    {"mysql", "VARCHAR(191)", odd, []string{"a b/c", `it's "日本"`, "zz 🙂"}},
		"latin1 on mysql":     {"mysql", "VARCHAR(191) CHARACTER SET latin1", []string{"'a'", "'é'", "'z'"}, nil},
		"binary on mysql":     {"mysql", "BINARY(2)", []string{"x'00ff'", "x'0100'", "x'e900'"}, []string{"00ff", "0100", "e900"}},
		"bigint on mysql":     {"mysql", "BIGINT UNSIGNED", []string{"9", "9007199254740993", "18446744073709551615"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := test.want
			if want == nil {
				for _, key := range test.keys {
					want = append(want, strings.Trim(key, "'"))
				}
			}
			url := load(t, test.server, keysSchema(test.server, test.kind)+keysRows(test.server, test.keys))
			s := open(t, "sequelize", url, "")
			s.limits = limits{rows: 1, articles: 1, pairs: 1, keys: 1, bytes: 1 << 20}
			ctx := t.Context()
			require.ElementsMatch(t, want, all(t, s.Keys(ctx, source.Users)))
			users := resumable(t, s.Users, func(u source.User) source.Row { return u.Row })
			articles := resumable(t, s.Articles, func(a source.Article) source.Row { return a.Row })
			for i, a := range articles {
				require.Equal(t, users[i].Key, a.AuthorKey)
				require.Equal(t, []string{"two", "one"}, a.Tags)
			}
			comments := resumable(t, s.Comments, func(c source.Comment) source.Row { return c.Row })
			require.Len(t, comments, 3)
			require.Equal(t, articles[0].Key, comments[0].ArticleKey)
			favorites := resumable(t, s.Favorites, func(f source.Favorite) source.Row { return f.Row })
			require.Len(t, favorites, 9)
			require.True(t, s.layout.favorites.swapped, "sorted as the index is")
			require.Equal(t, favorites[0].UserKey, favorites[1].UserKey)
			follows := resumable(t, s.Follows, func(f source.Follow) source.Row { return f.Row })
			require.Len(t, follows, 9)
			require.Equal(t, follows[0].FollowerKey, follows[1].FollowerKey)
		})
	}
}

// keysRows are three users, articles, comments and tags, of which each refers to
// those with the same key, and all pairs.
func keysRows(server string, keys []string) string {
	quote := quoteOf(server)
	script := fmt.Sprintf("INSERT INTO %s VALUES (%s, 'one'), (%s, 'two');", quote("Tags"), keys[0], keys[1])
	for _, a := range keys {
		script += fmt.Sprintf("INSERT INTO %s VALUES (%s, 'u', 'e', 'p');", quote("Users"), a)
		script += fmt.Sprintf("INSERT INTO %s VALUES (%s, %s, 's', 't', 'd', 'b');", quote("Articles"), a, a)
		script += fmt.Sprintf("INSERT INTO %s VALUES (%s, %s, %s, 'b');", quote("Comments"), a, a, a)
		script += fmt.Sprintf("INSERT INTO %s VALUES (%s, %s, 2), (%s, %s, 1);", quote("ArticleTags"), a, keys[0], a, keys[1])
		for _, b := range keys {
			script += fmt.Sprintf("INSERT INTO %s VALUES (%s, %s); INSERT INTO %s VALUES (%s, %s);", quote("Favorites"), a, b, quote("Follows"), a, b)
		}
	}
	return script
}

// resumable returns all rows, and checks that the rows after each one are those
// that follow it.
func resumable[R any](t *testing.T, read func(context.Context, source.Range) iter.Seq2[R, error], row func(R) source.Row) []R {
	t.Helper()
	rows := all(t, read(t.Context(), source.Range{}))
	seen := map[string]bool{}
	for i, r := range rows {
		require.False(t, seen[row(r).Key], "twice: %q", row(r).Key)
		seen[row(r).Key] = true
		require.Equal(t, rows[i+1:], append([]R{}, all(t, read(t.Context(), source.Range{After: row(r).Position}))...))
	}
	return rows
}

// TestManyRows reads 12,000 rows in several pages, once each and in the order of
// their keys.
func TestManyRows(t *testing.T) {
	t.Parallel()
	const many = 12_000
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			url := load(t, server, keysSchema(server, "BIGINT"))
			numbers := "generate_series(1, 12000) AS s (seq)"
			q := quoteOf(server)
			if server == "mysql" {
				numbers = "seq_1_to_12000"
			}
			for table, values := range map[string]string{
				"Users": "seq, 'u', 'e', 'p'", "Articles": "seq, 1, 's', 't', 'd', REPEAT('x', 1000)", "Comments": "seq, seq, 1, 'b'",
				"ArticleTags": "seq, 1, 1", "Favorites": "seq, 1", "Follows": "seq, 1",
			} {
				execute(t, url, "INSERT INTO "+q(table)+" SELECT "+values+" FROM "+numbers)
			}
			execute(t, url, "INSERT INTO "+q("Tags")+" VALUES (1, 'one')")
			s := open(t, "sequelize", url, "")
			// Pages end before they have so many rows, and not all at the same one.
			s.limits.bytes = 100_000
			n := 0
			for a, err := range s.Articles(t.Context(), source.Range{}) {
				require.NoError(t, err)
				n++
				require.Equal(t, strconv.Itoa(n), a.Key)
				require.Equal(t, []string{"one"}, a.Tags)
			}
			require.Equal(t, many, n)
			require.Len(t, all(t, s.Comments(t.Context(), source.Range{After: "5000"})), many-5000)
			s.limits.pairs = 5000
			require.Len(t, all(t, s.Keys(t.Context(), source.Favorites)), many)
			require.Len(t, all(t, s.Keys(t.Context(), source.Follows)), many)
			require.Len(t, all(t, s.Keys(t.Context(), source.Users)), many)
		})
	}
}

// TestLargeTexts never holds more than the limit of bytes and a row.
func TestLargeTexts(t *testing.T) {
	t.Parallel()
	url := database(t, "prisma", "postgres")
	execute(t, url, `INSERT INTO "Comment" (id, body, "articleId", "authorId") SELECT 100 + n, repeat('x', 100000), 2, 2 FROM generate_series(1, 50) n`)
	s := open(t, "prisma", url, "")
	s.limits.bytes = 1_000_000
	l := s.layout.comments
	most := 0
	comments := table[string]{
		name: l.table, key: l.key, size: 5000, columns: []string{s.key(l.key), s.text(l.body)},
		row: func(v []value) string { return v[0].string() }, keyOf: func(key string) string { return key },
		complete: func(_ context.Context, rows []string) error { most = max(most, len(rows)); return nil },
	}
	require.Len(t, all(t, pages(t.Context(), s, comments, source.Range{})), 52)
	require.Equal(t, 12, most, "the first two have no text to speak of")
}

// TestSince finds rows that have changed, and those of which it is not known.
func TestSince(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			url := database(t, "sequelize", server)
			q := quoteOf(server)
			keys := func() (found []string) {
				for _, a := range all(t, open(t, "sequelize", url, "").Articles(t.Context(), source.Range{Since: at("2024-03-01 12:00:00.000")})) {
					found = append(found, a.Key)
				}
				return found
			}
			require.Equal(t, []string{"10"}, keys())
			nullable := "ALTER TABLE " + q("Articles") + " ALTER COLUMN " + q("updatedAt") + " DROP NOT NULL;"
			if server == "mysql" {
				nullable = "ALTER TABLE Articles MODIFY updatedAt DATETIME(3) NULL;"
			}
			execute(t, url, nullable+"UPDATE "+q("Articles")+" SET "+q("updatedAt")+" = NULL WHERE id = 11")
			require.Equal(t, []string{"10", "11"}, keys())
			execute(t, url, "UPDATE "+q("Articles")+" SET "+q("updatedAt")+" = '2024-03-01 12:00:00' WHERE id = 2")
			require.Equal(t, []string{"2", "10", "11"}, keys())
			execute(t, url, "ALTER TABLE "+q("Articles")+" DROP COLUMN "+q("updatedAt"))
			require.Equal(t, []string{"2", "10", "11"}, keys(), "nothing says which have changed")
			execute(t, url, "DELETE FROM "+q("Articles")+" WHERE id = 10")
			require.Equal(t, []string{"2", "11"}, all(t, open(t, "sequelize", url, "").Keys(t.Context(), source.Articles)))
		})
	}
}

// TestDeleted leaves out rows that the old system has marked as deleted.
func TestDeleted(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			url := database(t, "sequelize", server)
			q := quoteOf(server)
			kind := map[string]string{"postgres": "timestamptz", "mysql": "DATETIME"}[server]
			for table, where := range map[string]string{
				"Users": "id = 10", "Articles": "id = 2", "Comments": "id = 12", "Favorites": q("articleId") + " = 10", "Followers": q("userId") + " = 10",
			} {
				execute(t, url, "ALTER TABLE "+q(table)+" ADD COLUMN deleted_at "+kind+"; UPDATE "+q(table)+" SET deleted_at = '2024-05-01' WHERE "+where)
			}
			s := open(t, "sequelize", url, "")
			for kind, want := range map[source.Kind][]string{
				source.Users: {"2"}, source.Articles: {"10", "11"}, source.Comments: {"7"}, source.Favorites: {"2/2", "10/2"}, source.Follows: nil,
			} {
				require.Equal(t, want, all(t, s.Keys(t.Context(), kind)), kind)
				counts, err := s.Counts(t.Context())
				require.NoError(t, err)
				require.Equal(t, int64(len(want)), counts[kind], kind)
			}
			require.Len(t, all(t, s.Users(t.Context(), source.Range{})), 1)
			require.Len(t, all(t, s.Articles(t.Context(), source.Range{Since: at("2024-03-01 12:00:00.000")})), 1)
			require.Len(t, all(t, s.Articles(t.Context(), source.Range{})), 2)
			require.Len(t, all(t, s.Comments(t.Context(), source.Range{})), 1)
			require.Len(t, all(t, open(t, "sequelize", url, "articles: {deletedAt: ''}").Articles(t.Context(), source.Range{})), 3)
			require.ErrorContains(t, openError(t, "sequelize", url, "articles: {deletedAt: slug}"), "articles.deletedAt: the column slug of the table Articles has the type")
		})
	}
}

// TestZone reads times without a zone as those of the zone that the user names,
// and compares them in it.
func TestZone(t *testing.T) {
	t.Parallel()
	for server, system := range map[string]string{"postgres": "prisma", "mysql": "sequelize"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			url := database(t, system, server)
			table := map[string]string{"postgres": `"Article"`, "mysql": "Articles"}[server]
			updated := quoteOf(server)("updatedAt")
			execute(t, url, "UPDATE "+table+" SET "+updated+" = '2024-07-01 08:00:00' WHERE id = 2; UPDATE "+table+" SET "+updated+" = '2024-01-01 08:00:00' WHERE id = 10")
			m, err := Parse(system, nil)
			require.NoError(t, err)
			for zone, want := range map[string][2]string{
				"": {"08:00", "08:00"}, "UTC": {"08:00", "08:00"}, "-05:00": {"13:00", "13:00"}, "America/New_York": {"12:00", "13:00"}, "+05:45": {"02:15", "02:15"},
			} {
				m.Zone, err = ParseZone(zone)
				require.NoError(t, err)
				s, err := Open(t.Context(), url, system, m)
				require.NoError(t, err)
				require.NotEmpty(t, s.WithoutZone())
				articles := all(t, s.Articles(t.Context(), source.Range{}))
				summer, winter := at("2024-07-01 "+want[0]+":00.000"), at("2024-01-01 "+want[1]+":00.000")
				require.Equal(t, []time.Time{summer, winter}, []time.Time{articles[0].UpdatedAt, articles[1].UpdatedAt}, zone)
				changed := all(t, s.Articles(t.Context(), source.Range{Since: summer}))
				require.Len(t, changed, 1, zone)
				require.Empty(t, all(t, s.Articles(t.Context(), source.Range{Since: summer.Add(time.Hour + time.Second)})), zone)
				require.NoError(t, s.Close())
			}
		})
	}
	for _, zone := range []string{"EST5", "Local", "5", "../etc/passwd"} {
		_, err := ParseZone(zone)
		require.ErrorContains(t, err, "write an offset such as -05:00", zone)
	}
}

// TestMoments reads columns that have a zone as they are.
func TestMoments(t *testing.T) {
	t.Parallel()
	url := database(t, "sequelize", "postgres")
	m, err := Parse("sequelize", nil)
	require.NoError(t, err)
	m.Zone = time.FixedZone("", -5*3600)
	s, err := Open(t.Context(), url, "sequelize", m)
	require.NoError(t, err)
	defer s.Close()
	require.Empty(t, s.WithoutZone())
	require.Equal(t, at("2024-02-29 12:00:00.123"), all(t, s.Articles(t.Context(), source.Range{}))[0].CreatedAt)
}

// TestBytesOfMySQL returns the texts of old tables as UTF-8, and others as they
// are.
func TestBytesOfMySQL(t *testing.T) {
	t.Parallel()
	url := database(t, "sequelize", "mysql")
	execute(t, url, `ALTER TABLE Articles MODIFY title VARCHAR(255) CHARACTER SET latin1, MODIFY description TEXT CHARACTER SET utf8mb3, MODIFY body BLOB,
			MODIFY createdAt DATETIME(3) NOT NULL, MODIFY updatedAt TIMESTAMP NULL;
		SET time_zone = '+02:00';
		UPDATE Articles SET title = 'Größe', description = '日本', body = x'ff00fe', createdAt = '0000-00-00', updatedAt = '2024-06-01 12:00:00' WHERE id = 2;
		UPDATE Comments SET body = CONCAT('a', CHAR(0), 'b'), userId = NULL WHERE id = 7; UPDATE Articles SET createdAt = '2024-00-10' WHERE id = 10`)
	s := open(t, "sequelize", url, "")
	articles := all(t, s.Articles(t.Context(), source.Range{}))
	a := articles[0]
	require.Equal(t, []string{"Größe", "日本", "\xff\x00\xfe"}, []string{a.Title, a.Description, a.Body})
	require.True(t, a.CreatedAt.IsZero())
	require.Equal(t, at("2024-06-01 10:00:00.000"), a.UpdatedAt, "a TIMESTAMP is a moment")
	c := all(t, s.Comments(t.Context(), source.Range{}))[0]
	require.Equal(t, "a\x00b", c.Body)
	require.Empty(t, c.AuthorKey)
}

// TestLostConnection reads on after the connection was lost.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	for server, kill := range map[string]string{
		"postgres": `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'byline import' AND datname = current_database()`,
		"mysql":    `BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; FOR p IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()) DO KILL p.id; END FOR; END`,
	} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			url := database(t, "prisma", server)
			s := open(t, "prisma", url, "")
			s.limits.rows = 1
			var names []string
			for u, err := range s.Users(t.Context(), source.Range{}) {
				require.NoError(t, err)
				names = append(names, u.Username)
				execute(t, url, kill)
			}
			require.Equal(t, []string{"ada", "日本 🙂"}, names)
		})
	}
}

// TestCancel ends the attempts to reach a database, and does not make any after
// other errors.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	err := new(Source).again(ctx, func() error {
		if tries++; tries == 2 {
			cancel()
		}
		return driver.ErrBadConn
	})
	require.Error(t, err)
	require.Equal(t, 2, tries)

	url := database(t, "prisma", "postgres")
	s := open(t, "prisma", url, "")
	execute(t, url, `DROP TABLE "User"`)
	for _, err := range s.Users(t.Context(), source.Range{}) {
		require.ErrorContains(t, err, "does not exist")
		return
	}
	require.Fail(t, "there is no table")
}
