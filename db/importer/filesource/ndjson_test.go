package filesource_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/filesource"
	"github.com/byline-api/byline/db/importer/source"
)

const site = `{"type":"site","version":1,"exportedAt":"2024-03-01T00:00:00Z"}
{"type":"account","id":1,"username":"jake","email":"jake@example.com","passwordHash":"$2b$10$x","bio":"","image":null,"role":"editor","createdAt":"2024-02-29T12:00:00.123+00:00","updatedAt":"2024-02-29T12:00:00.123+00:00"}
{"type":"account","id":2,"username":"日本語 👩‍🚀","email":"J@example.com","bio":null,"image":"https://example.com/i.png","suspendedAt":"2024-02-29T12:00:00Z","suspensionReason":"spam","createdAt":null}
{"type":"article","id":7,"authorId":1,"slug":"a","earlierSlugs":["b"],"status":"published","hidden":null,"title":"A\u0000","description":"","body":"x\ny","tagList":["z","a b"],"coverImage":{"url":"https://example.com/c.png","alt":"C"},"canonicalUrl":null,"language":"de","createdAt":"2024-02-29T12:00:00Z","updatedAt":"2024-02-29T12:00:00Z","publishedAt":"2024-03-01T12:00:00Z"}
{"type":"article","id":8,"authorId":2,"slug":"h","status":"published","hidden":{"reason":"no","at":"2024-02-29T12:00:00Z"},"title":"H","description":"d","body":"","tagList":[]}
{"type":"article","id":9,"authorId":2,"slug":"s","status":"scheduled","title":"S","description":"d","body":"","tagList":null}
{"type":"comment","id":20,"articleId":7,"authorId":2,"parentId":null,"body":"first","waiting":false,"hidden":null}
{"type":"comment","id":21,"articleId":7,"authorId":null,"parentId":20,"body":"","waiting":false,"hidden":null}
{"type":"comment","id":22,"articleId":7,"authorId":1,"parentId":21,"body":"rude","hidden":{"reason":"rude"}}
{"type":"comment","id":23,"articleId":7,"authorId":1,"parentId":null,"body":"new","waiting":true,"hidden":null}
{"type":"favorite","userId":1,"articleId":7,"createdAt":"2024-02-29T12:00:00Z"}
{"type":"follow","followerId":1,"followeeId":2,"createdAt":"2024-02-29T12:00:00Z"}
{"type":"somethingNew","x":1}
{"type":"end","records":13}
`

func open(t testing.TB, text string, options filesource.NDJSONOptions) *filesource.NDJSONSource {
	t.Helper()
	s, err := filesource.NDJSON(file(t, "site.ndjson", text), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestNDJSONSite(t *testing.T) {
	t.Parallel()
	s := open(t, site, filesource.NDJSONOptions{HiddenComments: true})
	require.Contains(t, s.Describe(), "the export of a site in the file /")
	require.True(t, s.HasIDs())
	users, articles, comments, favorites, follows := everything(t, s)
	day := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	empty, image := "", "https://example.com/i.png"
	for i := range users {
		users[i].Position = ""
	}
	require.Equal(t, []source.User{
		{Row: source.Row{Key: "1"}, Username: "jake", Email: "jake@example.com", PasswordHash: "$2b$10$x", Bio: &empty, Role: "editor", CreatedAt: day.Add(123e6), UpdatedAt: day.Add(123e6)},
		{Row: source.Row{Key: "2"}, Username: "日本語 👩‍🚀", Email: "J@example.com", Image: &image, SuspendedAt: day, SuspensionReason: "spam"},
	}, users)
	for i := range articles {
		articles[i].Position = ""
	}
	require.Equal(t, source.Article{Row: source.Row{Key: "7"}, AuthorKey: "1", Slug: "a", Title: "A\x00", Body: "x\ny", Tags: []string{"z", "a b"}, CreatedAt: day, UpdatedAt: day,
		PublishedAt: day.AddDate(0, 0, 1), Language: "de", Cover: "https://example.com/c.png", CoverAlt: "C", EarlierSlugs: []string{"b"}}, articles[0])
	require.True(t, articles[1].Draft, "a hidden article is not shown")
	require.True(t, articles[2].Draft, "a scheduled article is not shown")
	require.Equal(t, []string{"20", "", "20"}, []string{comments[1].ParentKey, comments[1].AuthorKey, comments[0].Key})
	require.Len(t, comments, 4)
	require.Equal(t, "1/7", favorites[0].Key)
	require.Equal(t, "1/2", follows[0].Key)
}

// TestNDJSONHidden checks that comments which nobody could see stay unseen.
func TestNDJSONHidden(t *testing.T) {
	t.Parallel()
	var notes []filesource.Note
	s := open(t, site, filesource.NDJSONOptions{Note: func(n filesource.Note) { notes = append(notes, n) }})
	for range 2 { // the notes come once
		comments := collect(t, s.Comments(t.Context(), source.Range{}))
		require.Len(t, comments, 2)
		require.Equal(t, "21", comments[1].Key)
	}
	require.Len(t, notes, 2)
	require.Equal(t, "22", notes[0].Key)
	require.Len(t, collect(t, s.Keys(t.Context(), source.Comments)), 2)
}

// TestNDJSONAnswered keeps the places of hidden comments that others answer.
func TestNDJSONAnswered(t *testing.T) {
	t.Parallel()
	text := strings.Replace(site, `{"type":"favorite"`, `{"type":"comment","id":24,"articleId":7,"authorId":1,"parentId":22,"body":"hidden too","hidden":{}}
{"type":"comment","id":25,"articleId":7,"authorId":2,"parentId":24,"body":"seen"}
{"type":"comment","id":26,"articleId":7,"authorId":2,"parentId":23,"body":"hidden","hidden":{}}
{"type":"favorite"`, 1)
	s := open(t, strings.Replace(text, `"records":13`, `"records":16`, 1), filesource.NDJSONOptions{})
	_, _, comments, _, _ := everything(t, s)
	var got []string
	for _, c := range comments {
		got = append(got, fmt.Sprint(c.Key, " ", c.ParentKey, " ", c.AuthorKey, " ", c.Body, " ", c.Deleted))
	}
	require.Equal(t, []string{"20  2 first false", "21 20   true", "22 21   true", "24 22   true", "25 24 2 seen false"}, got)
}

// TestNDJSONLost counts what an import does not take.
func TestNDJSONLost(t *testing.T) {
	t.Parallel()
	var notes []filesource.Note
	s := open(t, `{"type":"site","version":1}
{"type":"article","id":1,"slug":"a","status":"scheduled","series":{"slug":"s"},"translationGroup":5,"unpublishAt":"2034-01-01T00:00:00Z","metadata":{"k":1},"commentsOpen":false}
{"type":"article","id":2,"slug":"b","status":"published","series":{"slug":"s"},"translationGroup":null,"unpublishAt":null,"metadata":{},"commentsOpen":true}
{"type":"end","records":3}`, filesource.NDJSONOptions{Note: func(n filesource.Note) { notes = append(notes, n) }})
	for range 2 {
		articles := collect(t, s.Articles(t.Context(), source.Range{}))
		require.Equal(t, []any{`{"k":1}`, true, "", false}, []any{string(articles[0].Metadata), articles[0].CommentsClosed, string(articles[1].Metadata), articles[1].CommentsClosed})
	}
	require.Equal(t, []filesource.Note{
		{Kind: source.Articles, Text: "2 in a series, which is left out"}, {Kind: source.Articles, Text: "1 to be published at a time: they become drafts"},
		{Kind: source.Articles, Text: "1 to be withdrawn at a time, which is left out"}, {Kind: source.Articles, Text: "1 translations of one another, which is left out"},
	}, notes)
}

func TestNDJSONAccount(t *testing.T) {
	t.Parallel()
	s := open(t, `{"type" : "account", "username" : "jake", "email" : "jake@example.com", "bio" : null, "image" : "i", "role" : "author", "createdAt" : "2024-02-29T12:00:00.000Z"}
{"type" : "session", "id" : 5}
{"type" : "article", "slug" : "mine", "slugs" : ["mine", "old"], "status" : "draft", "publishedAt" : null, "title" : "T", "description" : "", "body" : "B", "tagList" : ["t"], "coverImage" : null, "canonicalUrl" : "https://example.com/", "language" : null}
{"type" : "comment", "id" : 3, "article" : "mine", "parentId" : null, "body" : "c", "waiting" : false, "hidden" : null}
{"type" : "comment", "id" : 4, "article" : null, "parentId" : 3, "body" : "d", "waiting" : false, "hidden" : null}
{"type" : "favorite", "article" : "theirs", "createdAt" : "2024-02-29T12:00:00.000Z"}
{"type" : "following", "username" : "anna", "createdAt" : "2024-02-29T12:00:00.000Z"}
{"type" : "follower", "username" : "bob"}
{"type":"end","records":8}`, filesource.NDJSONOptions{})
	users, articles, comments, favorites, follows := everything(t, s)
	require.Equal(t, []string{"jake", "jake@example.com", "author"}, []string{users[0].Key, users[0].Email, users[0].Role})
	require.Equal(t, []string{"mine", "jake", "https://example.com/"}, []string{articles[0].Key, articles[0].AuthorKey, articles[0].Canonical})
	require.Equal(t, []string{"old"}, articles[0].EarlierSlugs)
	require.True(t, articles[0].Draft)
	require.Equal(t, []string{"mine", "jake", "3"}, []string{comments[0].ArticleKey, comments[0].AuthorKey, comments[0].Key})
	require.Empty(t, comments[1].ArticleKey, "the importer reports it")
	require.Equal(t, "jake/theirs", favorites[0].Key)
	require.Equal(t, []string{"jake/anna", "bob/jake"}, []string{follows[0].Key, follows[1].Key})
	require.Contains(t, s.Describe(), "the export of an account")
	require.False(t, s.HasIDs(), "the keys are names")
}

// TestNDJSONForms reads the same export with other line breaks, with empty lines
// and as Windows programs store it.
func TestNDJSONForms(t *testing.T) {
	t.Parallel()
	_, want, _, _, _ := everything(t, open(t, site, filesource.NDJSONOptions{}))
	for name, text := range map[string]string{
		"CRLF": strings.ReplaceAll(site, "\n", "\r\n"), "BOM": "\xef\xbb\xbf" + site, "NoLastBreak": strings.TrimSpace(site),
		"EmptyLines": "\n\n" + strings.ReplaceAll(site, "\n", "\n \n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, text, filesource.NDJSONOptions{})
			_, got, _, _, _ := everything(t, s)
			for i := range got {
				got[i].Position = want[i].Position
			}
			require.Equal(t, want, got)
		})
	}
}

func TestNDJSONRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"Empty":         {"", "the file has no line end after line 0 (byte 0): it is incomplete; export it again"},
		"NoEnd":         {site[:strings.Index(site, `{"type":"end"`)], "the file has no line end after line 13 (byte "},
		"Truncated":     {site[:400], "line 3: it is no JSON at byte "},
		"Cut":           {strings.Replace(site, `{"type":"follow"`, "\n{\"type\":\"end\",\"records\":11}\n\n{\"type\":\"follow\"", 1), "line 15 follows the line end"},
		"WrongCount":    {strings.Replace(site, `"records":13`, `"records":12`, 1), "line 14: the line end does not count the 13 records before it"},
		"NoCount":       {strings.Replace(site, `,"records":13`, ``, 1), "line 14: the line end does not count"},
		"Twice":         {site + site, "line 15 follows the line end"},
		"OtherFile":     {`{"db": []}` + "\n", "line 1: the file is no export of Byline"},
		"Markdown":      {"# Title\n", "line 1: it is no JSON"},
		"LaterVersion":  {strings.Replace(site, `"version":1`, `"version":2`, 1), "line 1: the export has version 2"},
		"List":          {"[]\n", "line 1: it is no JSON object"},
		"Deep":          {strings.Repeat("[", 20_000), "line 1: it is no JSON"},
		"LongLine":      {site + strings.Repeat("x", 32_000), "line 15 is longer than 30000 bytes"},
		"TypeNoText":    {`{"type":5}`, "line 1: the member type cannot be a JSON number"},
		"LongLineOfOne": {strings.Repeat(" ", 60_000), "line 1 is longer than 30000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := filesource.NDJSON(file(t, "x.ndjson", c.text), filesource.NDJSONOptions{MaxLine: 30_000})
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "jake")
		})
	}
	_, err := filesource.NDJSON(t.TempDir(), filesource.NDJSONOptions{})
	require.ErrorContains(t, err, "is not a file")
	_, err = filesource.NDJSON(filepath.Join(t.TempDir(), "missing"), filesource.NDJSONOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestNDJSONWrongRow has a line that is JSON but no row. The rows before it are
// returned.
func TestNDJSONWrongRow(t *testing.T) {
	t.Parallel()
	s := open(t, strings.Replace(site, `"slug":"h"`, `"slug":[]`, 1), filesource.NDJSONOptions{})
	var got []string
	for a, err := range s.Articles(t.Context(), source.Range{}) {
		if err != nil {
			require.EqualError(t, err, "line 5: the member slug cannot be a JSON array")
			got = append(got, "error")
			continue
		}
		got = append(got, a.Slug)
	}
	require.Equal(t, []string{"a", "error"}, got)
	s = open(t, strings.Replace(site, `{"type":"account","id":2,`, `{"type":"account",`, 1), filesource.NDJSONOptions{})
	for u, err := range s.Users(t.Context(), source.Range{}) {
		if u.Key == "" {
			require.EqualError(t, err, "line 3: the account has no id")
		}
	}
}

// TestNDJSONOtherFile goes on with another file than that of the position. It
// begins with the first row, rather than leave some out.
func TestNDJSONOtherFile(t *testing.T) {
	t.Parallel()
	before := collect(t, open(t, site, filesource.NDJSONOptions{}).Articles(t.Context(), source.Range{}))
	s := open(t, strings.Replace(site, `"username":"jake"`, `"username":"j"`, 1), filesource.NDJSONOptions{})
	for _, after := range []string{before[1].Position, "nonsense", "-5--1-0", "0-99999999999999-0", "5-2-1"} {
		require.Len(t, collect(t, s.Articles(t.Context(), source.Range{After: after})), 3, after)
	}
}

// TestWriter writes rows and reads them again.
func TestWriter(t *testing.T) {
	t.Parallel()
	day := time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)
	bio := "<b>\u2028"
	user := source.User{Row: source.Row{Key: "jake/x"}, Username: "j", Email: "e", PasswordHash: "h", Bio: &bio, Role: "admin", CreatedAt: day, UpdatedAt: day,
		SuspendedAt: day, SuspensionReason: "r", EmailVerifiedAt: day}
	article := source.Article{Row: source.Row{Key: "s"}, AuthorKey: "jake/x", Slug: "s", Title: "t", Description: "d", Body: "b", Tags: []string{"z", "a"}, Draft: true,
		CreatedAt: day, UpdatedAt: day, PublishedAt: day, Language: "de", Cover: "c", Canonical: "k", CoverAlt: "a", MetaTitle: "m", MetaDescription: "n",
		Metadata: json.RawMessage(`{"a":{}}`), EarlierSlugs: []string{"x"}, CommentsClosed: true}
	comment := source.Comment{Row: source.Row{Key: "9"}, ArticleKey: "s", AuthorKey: "jake/x", ParentKey: "8", Body: "b", CreatedAt: day, UpdatedAt: day}
	favorite := source.Favorite{Row: source.Row{Key: "jake/x/s"}, UserKey: "jake/x", ArticleKey: "s"}
	follow := source.Follow{Row: source.Row{Key: "a/b"}, FollowerKey: "a", FolloweeKey: "b", CreatedAt: day}
	var text strings.Builder
	w := filesource.NewWriter(&text)
	w.Article(article)
	w.User(user)
	w.Follow(follow)
	w.Comment(comment)
	w.Favorite(favorite)
	w.User(source.User{Row: source.Row{Key: "old"}, CreatedAt: time.Date(12024, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, w.End())
	users, articles, comments, favorites, follows := everything(t, open(t, text.String(), filesource.NDJSONOptions{}))
	users[0].Position, articles[0].Position, comments[0].Position, favorites[0].Position, follows[0].Position = "", "", "", "", ""
	require.Equal(t, user, users[0])
	require.Equal(t, article, articles[0])
	require.Equal(t, comment, comments[0])
	require.Equal(t, favorite, favorites[0])
	require.Equal(t, follow, follows[0])
	require.Zero(t, users[1].CreatedAt)
}

func FuzzNDJSON(f *testing.F) {
	f.Add([]byte("{\"type\":\"site\",\"version\":1}\n{\"type\":\"article\",\"id\":7,\"hidden\":{}}\n{\"type\":\"end\",\"records\":2}"))
	f.Add([]byte("{\"type\":\"account\",\"username\":\"a\"}\r\n{\"type\":\"follower\",\"username\":null}\n{\"type\":\"end\",\"records\":2}"))
	f.Add([]byte("\xef\xbb\xbf{\"type\":\"site\",\"version\":1}\n\n{\"type\":\"comment\",\"id\":\"\"}{}\n"))
	path := filepath.Join(f.TempDir(), "f") // each process has its own
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		s, err := filesource.NDJSON(path, filesource.NDJSONOptions{MaxLine: 10_000})
		if err != nil {
			return
		}
		defer s.Close()
		counts, err := s.Counts(t.Context())
		require.NoError(t, err)
		for _, kind := range source.Kinds {
			rows := int64(0)
			for _, err = range s.Keys(t.Context(), kind) {
				if err != nil {
					break
				}
				rows++
			}
			if err == nil {
				require.Equal(t, counts[kind], rows, kind)
			}
		}
	})
}
