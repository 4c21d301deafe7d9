package markup_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	xhtml "golang.org/x/net/html"

	"github.com/byline-api/byline/api/markup"
)

func TestHTML(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{
		"Plain":         {"Hello, *world*.", "<p>Hello, <em>world</em>.</p>\n"},
		"Empty":         {"", ""},
		"Headings":      {"# One\n\nTwo\n---", "<h1>One</h1>\n<h2>Two</h2>\n"},
		"List":          {"3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		"Quote":         {"> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>\n"},
		"Code":          {"```go\na < b\n```", "<pre><code>a &lt; b\n</code></pre>\n"},
		"Strikethrough": {"~~gone~~", "<p><del>gone</del></p>\n"},
		"Table": {"| a | b |\n|---|--:|\n| 1 | 2 |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n" +
			"<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		"Task": {"- [x] done", "<ul>\n<li>[x] done</li>\n</ul>\n"},
		"Link": {`[a](https://example.com/?a=1&b=2 "t")`,
			`<p><a href="https://example.com/?a=1&amp;b=2" title="t" rel="nofollow noopener ugc">a</a></p>` + "\n"},
		"Reference": {"[a]\n\n[a]: http://example.com", `<p><a href="http://example.com" rel="nofollow noopener ugc">a</a></p>` + "\n"},
		"Autolink":  {"<https://example.com>", `<p><a href="https://example.com" rel="nofollow noopener ugc">https://example.com</a></p>` + "\n"},
		"Address":   {"see https://example.com.", `<p>see <a href="https://example.com" rel="nofollow noopener ugc">https://example.com</a>.</p>` + "\n"},
		"WWW":       {"www.example.com", `<p><a href="http://www.example.com" rel="nofollow noopener ugc">www.example.com</a></p>` + "\n"},
		"Mail":      {"a@example.com", `<p><a href="mailto:a@example.com" rel="nofollow noopener ugc">a@example.com</a></p>` + "\n"},
		"Image":     {"![alt](https://example.com/a.png)", `<p><img src="https://example.com/a.png" alt="alt"></p>` + "\n"},

		"RawHTML":       {"a <b>bold</b> <!-- x -->\n\n<div>\nb\n</div>", "<p>a &lt;b&gt;bold&lt;/b&gt; &lt;!-- x --&gt;</p>\n<p>&lt;div&gt;\nb\n&lt;/div&gt;</p>\n"},
		"JavaScript":    {"[*a*](javascript:alert%281%29) ![i](data:image/png;base64,x)", "<p><em>a</em> i</p>\n"},
		"OtherSchemes":  {"<ftp://example.com> <xmpp:a@b.c> [b](tel:1)", "<p>ftp://example.com xmpp:a@b.c b</p>\n"},
		"Relative":      {"[a](/b) [c](#d) [e](//evil.example) ![f](g.png)", "<p>a c e f</p>\n"},
		"NestedRefused": {"[![a](b)](c)", "<p>a</p>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, markup.HTML(c.src))
		})
	}
}

// maxBody is the maximum length of a body in openapi.yaml.
const maxBody = 256 << 10

// bombs are texts for which a parser without limits takes minutes or produces
// gigabytes.
var bombs = map[string]string{
	"Quotes":         strings.Repeat(">", maxBody),
	"SpacedQuotes":   strings.Repeat("> ", 10_000) + "a",
	"QuotesEachLine": strings.Repeat(strings.Repeat(">", 500)+"\n", maxBody/501),
	"Lists":          strings.Repeat("- ", maxBody/2),
	"OrderedLists":   strings.Repeat("1. ", 10_000) + "a",
	"MixedNesting":   strings.Repeat("> - ", 10_000) + "a",
	"IndentedLists":  indented(700),
	"Items":          strings.Repeat("- a\n", maxBody/4),
	"LooseItems":     strings.Repeat("- a\n\n", maxBody/5),
	"Stars":          strings.Repeat("*", maxBody),
	"Underscores":    strings.Repeat("_", maxBody),
	"StarsApart":     strings.Repeat("*a ", maxBody/3),
	"StarsAround":    strings.Repeat("**a *b ", maxBody/14) + strings.Repeat("b* a** ", maxBody/14),
	"Closers":        strings.Repeat("a* ", maxBody/3),
	"Words":          strings.Repeat("a_", maxBody/2),
	"OpenersThree":   strings.Repeat("*a_ ~b ", maxBody/7),
	"Marks":          strings.Repeat("*_[", maxBody/3),
	"Brackets":       strings.Repeat("[", maxBody),
	"BracketPairs":   strings.Repeat("[", maxBody/2) + strings.Repeat("]", maxBody/2),
	"Images":         strings.Repeat("![", maxBody/2),
	"EmptyLinks":     strings.Repeat("[](", maxBody/3),
	"Links":          strings.Repeat("[a](b)", maxBody/6),
	"LinksInLinks":   strings.Repeat("[a](<b", maxBody/6),
	"LinkTitles":     strings.Repeat(`[a](b "`, maxBody/7),
	"Tildes":         strings.Repeat("~~a", maxBody/3),
	"Backticks":      backticks(),
	"Fences":         strings.Repeat("```\n", maxBody/4),
	"Angles":         strings.Repeat("<", maxBody),
	"AngleNames":     strings.Repeat("<a", maxBody/2),
	"Comments":       strings.Repeat("<!--", maxBody/4),
	"Declarations":   strings.Repeat("<?", maxBody/2),
	"Addresses":      strings.Repeat("http://a(", maxBody/9),
	"WWW":            strings.Repeat("(www.a", maxBody/6),
	"Autolinks":      strings.Repeat("http://a.b ", maxBody/11),
	"LinkParagraphs": strings.Repeat("[a](http://a.b)\n\n", maxBody/17),
	"Mails":          strings.Repeat("a.", maxBody/2) + "@b",
	"MailMarks":      strings.Repeat("(a", maxBody/2) + "@b.c",
	"Entities":       strings.Repeat("&#x;", maxBody/4),
	"Backslashes":    strings.Repeat(`\`, maxBody),
	"Definitions":    strings.Repeat("[a]: b\n", maxBody/7),
	"OpenDefinition": strings.Repeat("[a\n", maxBody/3),
	"Expansion":      "[a]: http://" + strings.Repeat("x", maxBody/2) + "\n\n" + strings.Repeat("[a] ", maxBody/8),
	"ManyExpansions": "[a]: http://" + strings.Repeat("x", 1000) + "\n" + strings.Repeat("\n[a][a][a][a]\n", 18_000),
	"WideTable":      strings.Repeat("|a", maxBody/8) + "\n" + strings.Repeat("|-", maxBody/8) + "\n" + strings.Repeat("|\n", maxBody/4),
	"LongTable":      "|a|b|\n|-|-|\n" + strings.Repeat("|1|2|\n", maxBody/6),
	"PipeTable":      "|a|\n|-|\n" + strings.Repeat("|`\\|`|\n", maxBody/7),
	"Delimiters":     strings.Repeat("-|-\n", maxBody/4),
	"Setext":         strings.Repeat("a\n-\n", maxBody/4),
	"Rules":          strings.Repeat("* * *\n", maxBody/6),
	"Tabs":           strings.Repeat("\t", maxBody),
	"TabbedQuotes":   strings.Repeat(">\t", maxBody/2),
	"NULs":           strings.Repeat("\x00", maxBody),
	"BadUTF8":        strings.Repeat("\xff*", maxBody/2),
	"OneWord":        strings.Repeat("a", maxBody),
	"Lines":          strings.Repeat("\n", maxBody),
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", 2*i) + "- a\n")
	}
	return b.String()[:min(b.Len(), maxBody)]
}

func backticks() string {
	var b strings.Builder
	for n := 1; b.Len() < maxBody; n++ {
		b.WriteString(strings.Repeat("`", n) + "a")
	}
	return b.String()[:maxBody]
}

// TestBombs checks that the output for any text is at most a small multiple of
// its length, with elements nested no deeper than a browser shows. The time
// limit of the test run checks the duration: without limits some of them take
// minutes.
func TestBombs(t *testing.T) {
	t.Parallel()
	for name, src := range bombs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.LessOrEqual(t, len(src), maxBody+64)
			out := markup.HTML(src)
			require.LessOrEqual(t, len(out), 10*len(src)+1000)
			require.LessOrEqual(t, depth(t, out), 300)
		})
	}
}

// TestManyLinks checks that a text with very many links shows the last ones as
// text. Each link takes time, however short it is.
func TestManyLinks(t *testing.T) {
	t.Parallel()
	const most = 5000
	for name, link := range map[string]string{
		"Bare": "http://a.b ", "Mail": "a@b.cc ", "Lines": "www.a.bc\n", "Inline": "[a](http://a.b)\n\n", "Angles": "<http://a.b>\n\n", "Images": "![](http://a.b)\n\n",
	} {
		links := func(n int) int {
			out := markup.HTML(strings.Repeat(link, n))
			return strings.Count(out, "<a ") + strings.Count(out, "<img ")
		}
		require.Equal(t, most, links(most), name)
		require.Equal(t, most, links(most+100), name)
	}
}

// depth returns how deep elements are nested. Each one must be closed in the
// right order.
func depth(t *testing.T, fragment string) (deepest int) {
	t.Helper()
	var open []string
	tokens := xhtml.NewTokenizer(strings.NewReader(fragment))
	for {
		switch tokens.Next() {
		case xhtml.ErrorToken:
			require.Empty(t, open)
			return deepest
		case xhtml.StartTagToken:
			name, _ := tokens.TagName()
			if !slices.Contains([]string{"br", "hr", "img"}, string(name)) {
				open = append(open, string(name))
			}
			deepest = max(deepest, len(open))
		case xhtml.EndTagToken:
			name, _ := tokens.TagName()
			require.NotEmpty(t, open)
			require.Equal(t, open[len(open)-1], string(name))
			open = open[:len(open)-1]
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	texts := map[string]string{
		"Comment": "I *like* this, see https://example.com/a and `code`.\n\n> quoted\n",
		"Article": strings.Repeat("## A title\n\nSome words with *emphasis*, a [link](https://example.com) and `code`.\n\n- one\n- two\n\n", 60),
	}
	for name, src := range bombs {
		texts["Bomb"+name] = src
	}
	for name, src := range texts {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				markup.HTML(src)
			}
		})
	}
}
