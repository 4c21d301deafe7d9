package filesource_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/filesource"
	"github.com/byline-api/byline/db/importer/source"
)

func ghost(t testing.TB, path string, options filesource.GhostOptions) (*filesource.GhostSource, *[]string) {
	t.Helper()
	notes := &[]string{}
	options.Note = func(n filesource.Note) { *notes = append(*notes, n.Key+": "+n.Text) }
	s, err := filesource.Ghost(path, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, notes
}

func hour(year, month, day int) time.Time { return date(year, month, day).Add(10 * time.Hour) }

func TestGhost(t *testing.T) {
	t.Parallel()
	s, notes := ghost(t, "testdata/ghost5.json", filesource.GhostOptions{SiteURL: "https://old.example.com/blog/"})
	require.Equal(t, "the export of Ghost 5.79.4 in the file testdata/ghost5.json; pages left out: 1", s.Describe())
	require.True(t, s.HasIDs())
	users, articles, _, _, _ := everything(t, s)
	empty, image := "", "https://old.example.com/blog/content/images/anna.png"
	require.Equal(t, []source.User{
		{Row: source.Row{Key: "u1", Position: "u1"}, Username: "Anna Ä", Email: "anna@example.com", PasswordHash: "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
			Bio: &empty, Image: &image, Role: "admin", CreatedAt: hour(2023, 1, 1), UpdatedAt: hour(2023, 1, 2)},
		{Row: source.Row{Key: "u2", Position: "u2"}, Username: "Bob", Email: "bob@example.com", CreatedAt: hour(2023, 1, 1),
			SuspendedAt: hour(2023, 1, 1), SuspensionReason: "suspended in Ghost"},
		{Row: source.Row{Key: "u3", Position: "u3"}, Username: "Carl", Email: "carl@example.com", CreatedAt: hour(2023, 1, 1)},
	}, users)
	require.Len(t, articles, 5)
	first, second := articles[0], articles[1]
	require.Equal(t, `Hello **you**, see [us](https://old.example.com/blog/about/).

![A](https://old.example.com/blog/content/images/a.png)

Cap

[https://video.example.com/1](https://video.example.com/1)

| a |
|---|
| 1 |

`+"```js\nlet a = 1;\n```", first.Body)
	first.Body = ""
	require.Equal(t, source.Article{Row: source.Row{Key: "65a0000000000000000000a1", Position: "65a0000000000000000000a1"}, AuthorKey: "u1", Slug: "first", Title: "First",
		Description: "Excerpt", Tags: []string{"Zebras & co", "apples"}, CreatedAt: hour(2024, 1, 1), UpdatedAt: hour(2024, 1, 3), PublishedAt: hour(2024, 1, 2),
		Cover: "https://old.example.com/blog/content/images/f.png", Canonical: "https://example.com/first"}, first)
	require.Equal(t, "## Title & &lt;co&gt;\n\n***Bold***  \n[`here`](https://old.example.com/blog/x/)\n\n1. one\n\n```go\na < b\n```\n\n"+
		"![An image](https://old.example.com/blog/content/i.png)\n\n*Caption*\n\n- a\n- b\n\n[Bookmark](https://example.com/b)\n\n* * *\n\n> Quoted", second.Body)
	require.Equal(t, []any{"日本語 👩‍🚀", "u2", "ja", true}, []any{second.Title, second.AuthorKey, second.Language, second.Draft})
	for _, a := range articles[1:] {
		require.True(t, a.Draft, a.Slug)
	}
	require.Equal(t, "Plain", articles[4].Body)
	require.Equal(t, []string{
		"u3: the account is locked there until it has a new password: its password is left out",
		`65a0000000000000000000a1: left out of the text: an element <script>`,
		`65a0000000000000000000b2: left out of the text: a card of the type "signup"`,
		"65a0000000000000000000c3: only members could read the post there: it becomes a draft",
		"65a0000000000000000000d4: the post was only sent by mail there: it becomes a draft",
		"65a0000000000000000000e5: left out of the text: all formatting, since the text cannot be read (its Lexical document is no JSON of the usual form: invalid character 'b' looking for beginning of object key string)",
	}, *notes)
}

// TestGhostOld reads an export without the member db, with numbers as ids and
// texts of the editor before version 5.
func TestGhostOld(t *testing.T) {
	t.Parallel()
	s, notes := ghost(t, "testdata/ghost1.json", filesource.GhostOptions{Pages: true})
	users, articles, _, _, _ := everything(t, s)
	require.Equal(t, []string{"1", "ghost", "/me.png"}, []string{users[0].Key, users[0].Username, *users[0].Image})
	require.Equal(t, "**bold [link](https://example.com/?a=1&b=2)**  \nend\n\n- item\n\n## Heading\n\n- a\n\n![I](/i.png)", articles[0].Body)
	require.Equal(t, []string{"seven"}, articles[0].Tags)
	nine := date(2017, 2, 28).Add(9 * time.Hour)
	require.Equal(t, []any{"1", "/old.png", nine, nine, nine}, []any{articles[0].AuthorKey, articles[0].Cover, articles[0].CreatedAt, articles[0].UpdatedAt, articles[0].PublishedAt})
	require.Equal(t, "Page", articles[1].Body)
	require.Equal(t, []string{`1: left out of the text: a card of the type "poll"`}, *notes)
}

// TestGhostSite leaves the address of the site out.
func TestGhostSite(t *testing.T) {
	t.Parallel()
	s, notes := ghost(t, "testdata/ghost5.json", filesource.GhostOptions{})
	articles := collect(t, s.Articles(t.Context(), source.Range{}))
	require.Equal(t, "/content/images/f.png", articles[0].Cover)
	require.Contains(t, articles[0].Body, "(/about/)")
	require.Contains(t, strings.Join(*notes, "\n"), "65a0000000000000000000a1: addresses in the post begin with a slash")
}

func post(member, text string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
	return `{"data":{"posts":[{"id":1,"title":"T","plaintext":"plain","` + member + `":"` + quoted + `"}]}}`
}

// TestGhostTexts has texts that no editor writes.
func TestGhostTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ member, text, body, note string }{
		"DeepHTML":       {"html", strings.Repeat("<div>", 300) + "x", "plain", "nested too deep"},
		"VeryDeepHTML":   {"html", strings.Repeat("<b>", 100_000) + "x", "plain", "cannot be read"},
		"DeepLexical":    {"lexical", `{"root":` + strings.Repeat(`{"type":"quote","children":[`, 300) + strings.Repeat(`]}`, 300) + "}", "plain", "nested too deep"},
		"Markup":         {"html", `<a href="javascript:alert(1)">x</a><img src=x onerror=alert(1)><form><p>Pay</p></form>`, "[x](javascript:alert%281%29)![](x)", "an element <form>"},
		"Video":          {"html", `<video><source src="/v.mp4"></video><object></object>`, "[/v.mp4](/v.mp4)", "an element <object> without an address"},
		"BrokenHTML":     {"html", `<p>a<table><td>b</p>`, "a\n\n|  |\n|---|\n| b |", ""},
		"NotClosed":      {"mobiledoc", `{"markups":[["b"]],"sections":[[1,"p",[[0,[0],0,"x"]]],[1,"script",[[0,[],9,"<y>"]]]]}`, "**x**\n\n&lt;y&gt;", ""},
		"NoSuchCard":     {"mobiledoc", `{"sections":[[10,5]]}`, "plain", "Mobiledoc"},
		"NoSuchMarkup":   {"mobiledoc", `{"sections":[[1,"p",[[0,[-1],0,"x"]]]]}`, "plain", "Mobiledoc"},
		"OtherMobiledoc": {"mobiledoc", `{"sections":{}}`, "plain", "Mobiledoc"},
		"OtherLexical":   {"lexical", `{"root":{"children":[{"type":5}]}}`, "plain", `the member "Root.children.type" cannot be a JSON number`},
		"EmptyLexical":   {"lexical", `{"root":{"children":[]}}`, "plain", ""},
		"LongCard":       {"lexical", `{"root":{"children":[{"type":"` + strings.Repeat("x", 500) + `"}]}}`, "plain", `a card of the type "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"`},
		"Heading":        {"lexical", `{"root":{"children":[{"type":"heading","tag":"script","children":[{"type":"text","text":"alert"}]}]}}`, "alert", ""},
		"Empty":          {"html", "", "plain", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, notes := ghost(t, file(t, "g.json", post(c.member, c.text)), filesource.GhostOptions{})
			articles := collect(t, s.Articles(t.Context(), source.Range{}))
			require.Equal(t, c.body, articles[0].Body)
			if c.note == "" {
				require.Empty(t, *notes)
			} else {
				require.Contains(t, strings.Join(*notes, "\n"), c.note)
			}
		})
	}
}

func TestGhostRefused(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/ghost5.json")
	require.NoError(t, err)
	whole := string(data)
	for name, c := range map[string]struct{ text, want string }{
		"Empty":      {"", "the file ends at byte 0, before the end of its JSON"},
		"Truncated":  {whole[:2000], "the file ends at byte "},
		"NoEnd":      {strings.TrimRight(whole, "}\n "), "the file ends at byte "},
		"More":       {whole + "{}", "there is more behind the JSON, at byte "},
		"NoJSON":     {"# Title", "the file is no JSON at byte 0"},
		"BrokenPost": {strings.Replace(whole, `"uuid": "1",`, `"uuid": 1 1,`, 1), "the file is no JSON at byte "},
		"OtherJSON":  {`{"articles": []}`, "the file is no export of Ghost: it has no list db[0].data.posts"},
		"List":       {`[]`, "there must be a JSON object before byte 0"},
		"PostsTwice": {`{"db":[{"data":{"posts":[]}},{"data":{"posts":[]}}]}`, "several exports"},
		"TwoIDs":     {`{"data":{"posts":[{"id":1},{"id":1}]}}`, `two posts have the id "1"`},
		"NoID":       {`{"data":{"posts":[{"title":"T"}]}}`, "the post before byte 31 has no id"},
		"TwoUsers":   {`{"data":{"posts":[],"users":[{"id":"u"},{"id":"u"}]}}`, `the id "u" is there twice`},
		"Text":       {`{"data":{"posts":[{"id":1,"title":[]}]}}`, `the post before byte 37: the member "title" cannot be a JSON array`},
		"Tags":       {`{"data":{"posts":[],"tags":{}}}`, "there must be a JSON list before byte"},
		"Deep":       {`{"data":{"posts":` + strings.Repeat("[", 20_000), "exceeded max depth"},
		"DeepOther":  {`{"x":` + strings.Repeat(`{"x":`, 20_000), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := filesource.Ghost(file(t, "g.json", c.text), filesource.GhostOptions{})
			require.ErrorContains(t, err, c.want)
		})
	}
	s, err := filesource.Ghost(file(t, "bom.json", "\xef\xbb\xbf"+whole), filesource.GhostOptions{})
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, collect(t, s.Articles(t.Context(), source.Range{})), 5)
}

func FuzzGhost(f *testing.F) {
	f.Add(`{"db":[{"meta":{"version":"5.1"},"data":{"posts":[{"id":"b","html":"<p>x<iframe src=y>","created_at":"2024-01-01","status":"sent"}],
		"tags":[{"id":"t","name":"#x"}],"posts_tags":[{"post_id":"b","tag_id":"t"}],"users":[{"id":"u","name":"U"}]}}]}`)
	f.Add(post("lexical", `{"root":{"children":[{"type":"list","children":[{"type":"text","format":31,"text":"x"}]}]}}`))
	f.Add(post("mobiledoc", `{"markups":[["a",["href","x"]]],"sections":[[1,"p",[[0,[0],1,"x"]]],[3,"ol",[[[0,[],0,"x"]]]]]}`))
	path := filepath.Join(f.TempDir(), "g.json") // each process has its own
	f.Fuzz(func(t *testing.T, text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		s, err := filesource.Ghost(path, filesource.GhostOptions{SiteURL: "https://example.com", Pages: true})
		if err != nil {
			return
		}
		defer s.Close()
		counts, err := s.Counts(t.Context())
		require.NoError(t, err)
		require.Len(t, collect(t, s.Articles(t.Context(), source.Range{})), int(counts[source.Articles]))
	})
}
