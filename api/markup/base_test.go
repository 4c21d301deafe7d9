package markup

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBase checks what relative addresses become with a base, in Markdown and
// in HTML. Browsers resolve each of them as here (URL Standard).
func TestBase(t *testing.T) {
	t.Parallel()
	base, err := ParseBase("https://example.com/articles/")
	require.NoError(t, err)
	html := func(src string) string { return NewConverter(base).Convert(src).HTML }
	for address, want := range map[string]string{ // "" is left out
		"b":                          "https://example.com/articles/b",
		"b/c.png?d=e#f":              "https://example.com/articles/b/c.png?d=e#f",
		"./b":                        "https://example.com/articles/b",
		"../b":                       "https://example.com/b",
		"../../../b":                 "https://example.com/b",
		"..":                         "https://example.com/",
		".":                          "https://example.com/articles/",
		"%2e%2E/b":                   "https://example.com/b",
		"/b/./c":                     "https://example.com/b/c",
		"/":                          "https://example.com/",
		"?b=c":                       "https://example.com/articles/?b=c",
		"?b=c&lt=d":                  "https://example.com/articles/?b=c&amp;lt=d",
		"b?c=../d":                   "https://example.com/articles/b?c=../d",
		"b#c":                        "https://example.com/articles/b#c",
		"ö":                          "https://example.com/articles/%C3%B6",
		"b//c":                       "https://example.com/articles/b//c",
		"www.example.org":            "https://example.com/articles/www.example.org",
		"https://example.org/%2e/b":  "https://example.org/%2e/b",
		"mailto:a@example.com":       "mailto:a@example.com",
		"":                           "",
		"#c":                         "",
		"//example.org/b":            "",
		"///example.org/b":           "",
		"/..//example.org":           "",
		"http:b":                     "",
		"http:/b":                    "",
		"https:///b":                 "",
		"javascript:alert":           "",
		"JaVaScRiPt:alert":           "",
		"data:text/html,b":           "",
		"1a:b":                       "",
		"https://user:a b@[example]": "",
	} {
		link, image := "<p>a</p>\n", "<p>a</p>\n"
		if want != "" {
			link = `<p><a href="` + want + `" rel="` + rel + `">a</a></p>` + "\n"
			image = `<p><img src="` + want + `" alt="a"></p>` + "\n"
		}
		require.Equal(t, link, html("[a](<"+address+">)"), address)
		require.Equal(t, link, html("[a]\n\n[a]: <"+address+">"), address)
		require.Equal(t, image, html("![a](<"+address+">)"), address)
		require.Equal(t, link, html(`<a href="`+address+`">a</a>`), address)
		require.Equal(t, image, strings.Replace(html(`&#8203;<img alt=a src="`+address+`">`), "\u200b", "", 1), address)
	}
	for src, want := range map[string]string{
		`[a](/\example.org) [b](<\\\\example.org>)`:                   "<p>a b</p>\n",
		`<a href="/\example.org">a</a> <a href="\\example.org">b</a>`: "<p>a b</p>\n",
		`[a](/&Tab;/example.org) <a href="/&#10;/example.org">b</a>`:  "<p>a b</p>\n",
		`<a href=" /b c ">a</a> [d](</b c>)`: `<p><a href="https://example.com/b%20c" rel="` + rel + `">a</a> ` +
			`<a href="https://example.com/b%20c" rel="` + rel + `">d</a></p>` + "\n",
		`[a](b?c=&amp;lt;) <a href="b?c=&amp;lt;">d</a>`: `<p><a href="https://example.com/articles/b?c=&amp;lt;" rel="` + rel + `">a</a> ` +
			`<a href="https://example.com/articles/b?c=&amp;lt;" rel="` + rel + `">d</a></p>` + "\n",
		"# One\n\n[a](#one)": `<h1 id="user-content-one">One</h1>` + "\n" + `<p><a href="#user-content-one">a</a></p>` + "\n",
	} {
		require.Equal(t, want, html(src), src)
	}
}

// TestGuide checks the examples of relative addresses in docs/content.md.
func TestGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/content.md")
	require.NoError(t, err)
	base, err := ParseBase("https://example.com/articles/")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(guide), "| In the text | In the HTML |\n|---|---|\n")
	table, _, found := strings.Cut(table, "\n\n")
	require.True(t, found)
	code := regexp.MustCompile("`([^`]+)`")
	for row := range strings.SplitSeq(table, "\n") {
		src, want, _ := strings.Cut(strings.Trim(row, "| "), " | ")
		for _, example := range code.FindAllStringSubmatch(src, -1) {
			made := NewConverter(base).Convert("# First steps\n\na " + example[1]).HTML
			if address := code.FindStringSubmatch(want); address != nil {
				require.Contains(t, made, `="`+address[1]+`"`, row)
			} else {
				require.NotContains(t, made, "<a", row)
			}
		}
	}
}

// TestBaseBounded checks that a base makes a text longer by at most its length
// for each link.
func TestBaseBounded(t *testing.T) {
	t.Parallel()
	base, err := ParseBase("https://example.com/" + strings.Repeat("a", 230) + "/")
	require.NoError(t, err)
	_, err = ParseBase("https://example.com/" + strings.Repeat("a", 256) + "/")
	require.Error(t, err)
	for _, src := range []string{strings.Repeat("[a](b)\n\n", 6000), strings.Repeat("<img src=b>", 6000)} {
		made := NewConverter(base).Convert(src).HTML
		require.LessOrEqual(t, strings.Count(made, base.String()), 5000)
		require.LessOrEqual(t, len(made), 10*len(src)+1000+5000*maxBase)
	}
}

// based resolves relative addresses.
var based = func() *Converter {
	base, err := ParseBase("http://localhost:3000/a/b/")
	if err != nil {
		panic(err)
	}
	return NewConverter(base)
}()
