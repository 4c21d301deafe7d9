package sqlsource

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/source"
)

// openError returns why a database cannot be read with a mapping.
func openError(t *testing.T, system, url, changes string) error {
	t.Helper()
	m, err := Parse(system, []byte(changes))
	require.NoError(t, err)
	_, err = Open(t.Context(), url, system, m)
	require.Error(t, err)
	return err
}

// TestRenamedTables reads tables and columns with other names, and says at once
// all that is missing.
func TestRenamedTables(t *testing.T) {
	t.Parallel()
	for server, script := range map[string]string{
		"postgres": `ALTER TABLE "User" RENAME TO app_members; ALTER TABLE app_members RENAME COLUMN username TO handle;
			ALTER TABLE "Article" RENAME TO articles; ALTER TABLE articles RENAME COLUMN "createdAt" TO created_at;
			ALTER TABLE "_ArticleToTag" RENAME TO article_to_tag; ALTER TABLE "Comment" RENAME COLUMN body TO message`,
		"mysql": "RENAME TABLE `User` TO app_members, `Article` TO articles, _ArticleToTag TO article_to_tag; ALTER TABLE app_members RENAME COLUMN username TO handle;" +
			"ALTER TABLE articles RENAME COLUMN createdAt TO created_at; ALTER TABLE `Comment` RENAME COLUMN body TO message",
	} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			url := database(t, "prisma", server)
			execute(t, url, script)
			err := openError(t, "prisma", url, "")
			require.ErrorContains(t, err, "users: there is no table User\n")
			require.ErrorContains(t, err, "comments.body: the table Comment has no column body or content; it has id, createdAt, updatedAt, message, articleId, authorId\n")
			require.ErrorContains(t, err, "the tables are Comment, Tag, _UserFavorites, _UserFollows, app_members, article_to_tag, articles\n")

			err = openError(t, "prisma", url, "users: {table: app_members, createdAt: made, role: kind}\ncomments: {body: message, updatedAt: body}")
			require.ErrorContains(t, err, "users.username: the table app_members has no column username; it has id, email, handle, password, image, bio, demo")
			require.ErrorContains(t, err, "users.createdAt: the table app_members has no column made", "what the user has written must exist")
			require.ErrorContains(t, err, "users.role: the table app_members has no column kind")
			require.ErrorContains(t, err, "comments.updatedAt: the table Comment has no column body")
			err = openError(t, "prisma", url, "users: {table: app_members, username: handle, key: ''}\narticles: {table: ''}\ncomments: {body: message, updatedAt: id}")
			require.ErrorContains(t, err, "users.key: this column cannot be left out")
			require.ErrorContains(t, err, "articles.table: this table cannot be left out")
			require.ErrorContains(t, err, "comments.updatedAt: the column id of the table Comment has the type int")

			s := open(t, "prisma", url, "users: {table: app_members, username: handle}\ncomments: {body: message}")
			require.Equal(t, "ada", all(t, s.Users(t.Context(), source.Range{}))[0].Username)
			require.Equal(t, "Nice.", all(t, s.Comments(t.Context(), source.Range{}))[0].Body)
			require.False(t, open(t, "prisma", url, "users: {table: app_members, username: handle, key: handle}\ncomments: {body: message}").HasIDs())
			a := all(t, s.Articles(t.Context(), source.Range{}))[0]
			require.Equal(t, at("2024-02-29 12:00:00.123"), a.CreatedAt, "a similar name is found")
			require.Equal(t, []string{"zebra", "ant"}, a.Tags)
		})
	}
}

// TestWholePreset keeps what is optional optional in a file that a user has begun
// with what the command prints.
func TestWholePreset(t *testing.T) {
	t.Parallel()
	for _, system := range Presets {
		text, err := Preset(system)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "mapping.yaml")
		require.NoError(t, os.WriteFile(file, text, 0o600))
		m, err := Load(system, file)
		require.NoError(t, err)
		s, err := Open(t.Context(), database(t, system, "postgres"), system, m)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
}

// TestWithoutTables reads what there is if a user says that tables are not there.
func TestWithoutTables(t *testing.T) {
	t.Parallel()
	url := database(t, "prisma", "postgres")
	execute(t, url, `DROP TABLE "Comment", "Tag", "_ArticleToTag", "_UserFavorites", "_UserFollows"; ALTER TABLE "User" DROP COLUMN password`)
	require.ErrorContains(t, openError(t, "prisma", url, ""), "follows: there is no table _UserFollows or Follow")
	s := open(t, "prisma", url, `
users: {password: ""}
comments: {table: ""}
articleTags: {table: ""}
favorites: {table: ""}
follows: {table: ""}`)
	require.Empty(t, all(t, s.Users(t.Context(), source.Range{}))[0].PasswordHash)
	require.Len(t, all(t, s.Articles(t.Context(), source.Range{})), 3)
	for _, kind := range []source.Kind{source.Comments, source.Favorites, source.Follows} {
		require.Empty(t, all(t, s.Keys(t.Context(), kind)))
	}
	require.Empty(t, all(t, s.Comments(t.Context(), source.Range{})))
	counts, err := s.Counts(t.Context())
	require.NoError(t, err)
	require.Equal(t, source.Counts{source.Users: 2, source.Articles: 3, source.Comments: 0, source.Favorites: 0, source.Follows: 0}, counts)
}

// TestTagsByName reads join tables that have the names of tags.
func TestTagsByName(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			url := database(t, "sequelize", server)
			quote := quoteOf(server)
			tags := func() []string {
				return all(t, open(t, "sequelize", url, "").Articles(t.Context(), source.Range{}))[0].Tags
			}
			execute(t, url, "ALTER TABLE "+quote("Tags")+" ADD COLUMN id INTEGER NOT NULL DEFAULT 5")
			require.Equal(t, []string{"zebra", "ant"}, tags(), "the keys are numbers, and the join table has texts")
			execute(t, url, "DROP TABLE "+quote("Tags"))
			require.Equal(t, []string{"zebra", "ant"}, tags(), "there is no table of tags")
			execute(t, url, "ALTER TABLE "+quote("TagLists")+" DROP COLUMN id")
			require.Equal(t, []string{"ant", "zebra"}, tags(), "there is no order but that of names")
		})
	}
}

// TestTagListColumn reads the tags of a column.
func TestTagListColumn(t *testing.T) {
	t.Parallel()
	url := database(t, "prisma", "postgres")
	execute(t, url, `ALTER TABLE "Article" ADD COLUMN tags text[] NOT NULL DEFAULT '{b,"a c"}', ADD COLUMN list jsonb DEFAULT '["x"]', ADD COLUMN texts text DEFAULT ' y, z ,'`)
	for column, want := range map[string][]string{"tags": {"b", "a c"}, "list": {"x"}, "texts": {"y", "z"}} {
		s := open(t, "prisma", url, "articles: {tagList: "+column+"}")
		require.Equal(t, want, all(t, s.Articles(t.Context(), source.Range{}))[0].Tags)
	}
}

// TestOtherPreset says when it was the other system, also if names are missing.
func TestOtherPreset(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		for i, system := range Presets {
			t.Run(system+" on "+server, func(t *testing.T) {
				t.Parallel()
				url := database(t, system, server)
				require.ErrorContains(t, openError(t, Presets[1-i], url, ""), "says: use byline import "+system)
				comments := quoteOf(server)(map[string]string{"prisma": "Comment", "sequelize": "Comments"}[system])
				execute(t, url, "ALTER TABLE "+comments+" RENAME COLUMN body TO message")
				err := openError(t, Presets[1-i], url, "")
				require.ErrorContains(t, err, "the mapping "+system+" fits better, of which this is missing: use byline import "+system+" with changes\n  comments.body: the table "+strings.Trim(comments, "`\""))
				require.NotContains(t, openError(t, system, url, "").Error(), "fits better")
			})
		}
		t.Run("nothing on "+server, func(t *testing.T) {
			t.Parallel()
			url := load(t, server, "SELECT 1")
			require.ErrorIs(t, openError(t, "prisma", url, ""), errNoTables)
			execute(t, url, "CREATE TABLE things (id INTEGER PRIMARY KEY)")
			require.ErrorContains(t, openError(t, "prisma", url, ""), "the tables are things\nchange the mapping")
		})
	}
}

// TestParse names what a mapping has that none should.
func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"users:\n  tabel: x\n":         "line 2",
		"users:\n  table: {a: b}\n":    "line 2: expected a name or a list of names",
		"users:\n  role:\n":            `line 2: users.role has no value; write "" if there is no such table or column`,
		"users:\n  role: x\n---\na: b": "second document",
		"users: [":                     "line 1",
	} {
		_, err := Parse("prisma", []byte(text))
		require.ErrorContains(t, err, want, text)
	}
	_, err := Parse("other", nil)
	require.ErrorContains(t, err, `there is no mapping "other"; there are prisma and sequelize`)
	_, err = Load("prisma", filepath.Join(t.TempDir(), "missing.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	large := filepath.Join(t.TempDir(), "large.yaml")
	require.NoError(t, os.WriteFile(large, make([]byte, maxMapping+1), 0o600))
	_, err = Load("prisma", large)
	require.ErrorContains(t, err, "is larger than")
}

func FuzzParse(f *testing.F) {
	for _, name := range Presets {
		text, err := Preset(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte("users: {table: '', key: [a, b]}\n---\n"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		if m, err := Parse("prisma", text); err == nil {
			schema{"User": {{"id", "integer"}}, "_ArticleToTag": {{"A", "integer"}, {"B", "uuid"}}}.resolve(m)
		}
	})
}

// TestSalt reads hashes whose salt is in a column of its own, and leaves others
// as they are.
func TestSalt(t *testing.T) {
	t.Parallel()
	url := database(t, "prisma", "postgres")
	execute(t, url, `ALTER TABLE "User" ADD COLUMN salt text`)
	execute(t, url, `UPDATE "User" SET salt = 'abcd', password = CASE id WHEN 2 THEN '0aff' ELSE password END`)
	users := all(t, open(t, "prisma", url, "").Users(t.Context(), source.Range{}))
	require.Equal(t, "$pbkdf2-sha512$i=10000,l=2$abcd$0aff", users[0].PasswordHash)
	require.Empty(t, users[1].PasswordHash)
}

// TestUnknownMember names a member that there is not, without types of Go.
func TestUnknownMember(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"users: {tabel: Members}": "line 1: tabel is no member here; byline import mapping prisma prints all",
		"userz: {}":               "line 1: userz is no member here; byline import mapping prisma prints all",
	} {
		_, err := Parse("prisma", []byte(text))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "type")
	}
}
