package markup_test

import (
	"fmt"
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
		"Headings":      {"# One\n\nTwo\n---", `<h1 id="user-content-one">One</h1>` + "\n" + `<h2 id="user-content-two">Two</h2>` + "\n"},
		"List":          {"3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		"Quote":         {"> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>\n"},
		"Code":          {"```go\na < b\n```", `<pre><code class="language-go">a &lt; b` + "\n</code></pre>\n"},
		"Strikethrough": {"~~gone~~", "<p><del>gone</del></p>\n"},
		"Table": {"| a | b |\n|---|--:|\n| 1 | 2 |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n" +
			"<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		"Task": {"- [x] done\n- [ ] open", "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> done</li>\n" +
			"<li><input disabled=\"\" type=\"checkbox\"> open</li>\n</ul>\n"},
		"Link": {`[a](https://example.com/?a=1&b=2 "t")`,
			`<p><a href="https://example.com/?a=1&amp;b=2" title="t" rel="nofollow noopener ugc">a</a></p>` + "\n"},
		"Reference": {"[a]\n\n[a]: http://example.com", `<p><a href="http://example.com" rel="nofollow noopener ugc">a</a></p>` + "\n"},
		"Autolink":  {"<https://example.com>", `<p><a href="https://example.com" rel="nofollow noopener ugc">https://example.com</a></p>` + "\n"},
		"Address":   {"see https://example.com.", `<p>see <a href="https://example.com" rel="nofollow noopener ugc">https://example.com</a>.</p>` + "\n"},
		"WWW":       {"www.example.com", `<p><a href="http://www.example.com" rel="nofollow noopener ugc">www.example.com</a></p>` + "\n"},
		"Mail":      {"a@example.com", `<p><a href="mailto:a@example.com" rel="nofollow noopener ugc">a@example.com</a></p>` + "\n"},
		"Image":     {"![alt](https://example.com/a.png)", `<p><img src="https://example.com/a.png" alt="alt"></p>` + "\n"},

		"Tags":          {"a <b>bold</b> <!-- x -->H<sub>2</sub>O<br/>c", "<p>a <b>bold</b> H<sub>2</sub>O<br>c</p>\n"},
		"TagBlock":      {"<div align=center>\n<kbd>b</kbd>\n</div>", `<div align="center">` + "\n<kbd>b</kbd>\n</div>"},
		"Details":       {"<details open>\n<summary>S</summary>\n\n*a*\n\n</details>", "<details open=\"\">\n<summary>S</summary>\n<p><em>a</em></p>\n</details>"},
		"OtherTags":     {"a <font>b</font> Map<String, T>\n\n<form>\nc\n</form>", "<p>a &lt;font&gt;b&lt;/font&gt; Map&lt;String, T&gt;</p>\n<p>&lt;form&gt;\nc\n&lt;/form&gt;</p>\n"},
		"TagAttributes": {`<p id=a class=b style=c onclick=d align=RIGHT>x</p>`, `<p align="RIGHT">x</p>`},
		"TagImage":      {`<img src="https://example.com/a" width=10 height=5% alt=a> <img src=b alt="c<d">`, `<p><img src="https://example.com/a" alt="a" width="10" height="5%"> c&lt;d</p>` + "\n"},
		"TagLink":       {`<a href="https://example.com" rel=x target=y>a</a> <a href="/b">c</a>`, `<p><a href="https://example.com" rel="nofollow noopener ugc">a</a> c</p>` + "\n"},
		"LinkInTag":     {`<a href="https://example.com">https://example.org</a>`, `<p><a href="https://example.com" rel="nofollow noopener ugc">https://example.org</a></p>` + "\n"},
		"OpenTags":      {"<b>a\n\n<details>b", "<p><b>a</b></p>\n<details>b</details>"},
		"EndTags":       {"> a</blockquote></p></div>b", "<blockquote>\n<p>a</p></blockquote>b\n\n"},
		"CrossedTags":   {"<b><i>a</b></i>", "<p><b><i>a</i></b></p>\n"},

		"ByteOrderMark": {"\ufeff# One", `<h1 id="user-content-one">One</h1>` + "\n"},
		"HeadingIDs": {"# A *b* `c`!\n\n# A b c\n\n# Ünïcode_1\n\n# ?\n\n# a b c", `<h1 id="user-content-a-b-c">A <em>b</em> <code>c</code>!</h1>` + "\n" +
			`<h1 id="user-content-a-b-c-1">A b c</h1>` + "\n" + `<h1 id="user-content-ünïcode_1">Ünïcode_1</h1>` + "\n<h1>?</h1>\n" +
			`<h1 id="user-content-a-b-c-2">a b c</h1>` + "\n"},
		"ImageOfHeading": {"![a](#user-content-b)", "<p>a</p>\n"},
		"LinkToHeading":  {"# One\n\n[a](#one) [b](#two)", `<h1 id="user-content-one">One</h1>` + "\n" + `<p><a href="#user-content-one">a</a> b</p>` + "\n"},
		"TagToHeading":   {"<p><a href=#One>a</a> <a href='#two'>b</a> <img src='#one' alt=c></p>\n\n# One", `<p><a href="#user-content-one">a</a> b c</p>` + "\n" + `<h1 id="user-content-one">One</h1>` + "\n"},
		"Footnote": {"a[^n] b[^n] c[^m]\n\n[^n]: word", `<p>a<sup id="user-content-31dbc991-fnref:1"><a href="#user-content-31dbc991-fn:1">1</a></sup> ` +
			`b<sup id="user-content-31dbc991-fnref1:1"><a href="#user-content-31dbc991-fn:1">1</a></sup> c[^m]</p>` + "\n" + `<div class="footnotes">` + "\n<hr>\n<ol>\n" +
			`<li id="user-content-31dbc991-fn:1">` + "\n" + "<p>word\u00a0" + `<a href="#user-content-31dbc991-fnref:1">↩︎</a>` + "\u00a0" + `<a href="#user-content-31dbc991-fnref1:1">↩︎</a></p>` +
			"\n</li>\n</ol>\n</div>\n"},

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

// TestBareURLs checks which part of a text becomes a link.
func TestBareURLs(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{ // {} surround the link
		"http://localhost:8080/a":               "{http://localhost:8080/a}",
		"http://127.0.0.1:80":                   "{http://127.0.0.1:80}",
		"https://example.com:8443/?q=a#b":       "{https://example.com:8443/?q=a#b}",
		"HTTPS://Example.com":                   "{HTTPS://Example.com}",
		"\"https://example.com/a\"":             "\"{https://example.com/a}\"",
		"'https://example.com/a'":               "'{https://example.com/a}'",
		"“https://example.com/a”, «http://a.b»": "“{https://example.com/a}”, «{http://a.b}»",
		"„https://example.com/a“ ‘http://b’":    "„{https://example.com/a}“ ‘{http://b}’",
		"「https://example.com/路」。":              "「{https://example.com/路}」。",
		"https://example.com/「路」/a”b":           "{https://example.com/「路」/a”b}",
		"https://example.com/a。)，.":             "{https://example.com/a}。)，.",
		"a:https://example.com":                 "a:{https://example.com}",
		"見https://example.com/a":                "見{https://example.com/a}",
		"https://de.wikipedia.org/wiki/Öl":      "{https://de.wikipedia.org/wiki/Öl}",
		"https://例え.jp/路径 b":                    "{https://例え.jp/路径} b",
		"https://example.com/a\u3000b":          "{https://example.com/a}\u3000b",
		"https://example.com/*a*/b_c_d~e":       "{https://example.com/*a*/b_c_d~e}",
		"https://example.com/a*":                "{https://example.com/a}*",
		"https://example.com/[a]|{b}^`c":        "{https://example.com/[a]|{b}^`c}",
		"(https://example.com/a_(b))":           "({https://example.com/a_(b)})",
		"(https://example.com/a).":              "({https://example.com/a}).",
		"https://example.com/a?!.,:'\"":         "{https://example.com/a}?!.,:'\"",
		"https://example.com/?a&amp;":           "{https://example.com/?a}&",
		"https://example.com/?a&b;":             "{https://example.com/?a}&b;",
		"https://example.com<b":                 "{https://example.com}<b",
		"www.example.com/a,":                    "{www.example.com/a},",
		"(www.example.com) _www.a.b":            "({www.example.com}) _{www.a.b}",
		"https://user@example.com/a":            "{https://user@example.com/a}",
		"http:// http:///a https://_a http":     "http:// http:///a https://_a http",
		"xhttp://a shttps://b awww.a.b www":     "xhttp://a shttps://b awww.a.b www",
		"http://a_b.c www.a_b.c www. www..":     "http://a_b.c www.a_b.c www. www..",
		"http://x_y.example.com":                "{http://x_y.example.com}",
		"ftp://example.com javascript://a":      "ftp://example.com javascript://a",
		"http\\://example.com":                  "http://example.com",
	} {
		out := markup.HTML(src)
		nodes, err := xhtml.Parse(strings.NewReader(out))
		require.NoError(t, err)
		var got strings.Builder
		for n := range nodes.Descendants() {
			inLink := n.Parent.Type == xhtml.ElementNode && n.Parent.Data == "a"
			switch {
			case n.Type == xhtml.TextNode && inLink:
				got.WriteString("{" + n.Data + "}")
			case n.Type == xhtml.TextNode:
				got.WriteString(n.Data)
			}
		}
		require.Equal(t, want, strings.TrimSuffix(got.String(), "\n"), out)
	}
	require.Equal(t, `<p><a href="https://example.com/%C3%96l" rel="nofollow noopener ugc">https://example.com/Öl</a></p>`+"\n", markup.HTML("https://example.com/Öl"))
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
	"Headings":       strings.Repeat("# a\n", maxBody/4),
	"HeadingPairs":   strings.Repeat("# a\n# a-1\n", maxBody/10),
	"LongHeading":    "# " + strings.Repeat("*a* ", maxBody/4),
	"HeadingLinks":   "# a\n" + strings.Repeat("[](#a)\n\n", maxBody/8),
	"Tasks":          strings.Repeat("- [ ] a\n", maxBody/8),
	"Colons":         strings.Repeat(":", maxBody),
	"Schemes":        strings.Repeat("http:", maxBody/5),
	"URLs":           strings.Repeat("http://a ", maxBody/9),
	"BadURLs":        strings.Repeat("http://a_", maxBody/9),
	"URLMarks":       strings.Repeat("http://a*_", maxBody/10),
	"URLEntities":    "http://a" + strings.Repeat("&a;", maxBody/3),
	"URLQuotes":      "http://a" + strings.Repeat("”", maxBody/3),
	"URLBrackets":    "http://a" + strings.Repeat(")", maxBody),
	"Footnotes":      strings.Repeat("[^a]: b\n", maxBody/8),
	"FootnoteNames":  footnotes(),
	"FootnoteNested": strings.Repeat("[^a]: ", maxBody/6),
	"References":     "[^a]: b\n\n" + strings.Repeat("[^a]\n\n", maxBody/6),
	"OpenFootnotes":  strings.Repeat("[^", maxBody/2),
	"Bold":           strings.Repeat("<b>", maxBody/3),
	"BoldEnds":       strings.Repeat("</b>", maxBody/4),
	"BoldLines":      strings.Repeat("<b>\n\n", maxBody/5),
	"Divs":           strings.Repeat("<div>\n\n", maxBody/7),
	"DivLine":        strings.Repeat("<div>", maxBody/5),
	"DivsAndEnds":    strings.Repeat("<div></p>\n\n", maxBody/11),
	"Mixed":          strings.Repeat("<p><b><table><a>", maxBody/16),
	"Crossed":        strings.Repeat("<b>a\n\n<i>b</b>\n\n", maxBody/16),
	"OpenTag":        strings.Repeat("<b\n", maxBody/3),
	"Attributes":     "<p " + strings.Repeat("a ", maxBody/2) + ">",
	"AttributeTags":  strings.Repeat("<img alt='", maxBody/10),
	"CommentLines":   strings.Repeat("<!--\n\n", maxBody/6),
	"RawScript":      "<div>\n<script>" + strings.Repeat("<", maxBody),
	"Text":           "<div>" + strings.Repeat("&", maxBody),
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", 2*i) + "- a\n")
	}
	return b.String()[:min(b.Len(), maxBody)]
}

// footnotes returns a text in which every footnote is used.
func footnotes() string {
	var b strings.Builder
	for n := 0; b.Len() < maxBody-40; n++ {
		fmt.Fprintf(&b, "[^%d]\n\n[^%[1]d]: a\n\n", n)
	}
	return b.String()
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
			if !slices.Contains([]string{"br", "hr", "img", "input"}, string(name)) {
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
