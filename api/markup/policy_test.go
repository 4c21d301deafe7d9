package markup

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// vectors are texts that try to run a script in the page that shows them.
// .ci/browser/xss.mjs tests them in a browser.
func vectors(t testing.TB) (texts []string) {
	t.Helper()
	file, err := os.ReadFile("testdata/xss.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(file, &texts))
	require.Greater(t, len(texts), 150)
	return texts
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, text := range vectors(t) {
		requireHarmless(t, based.Convert(text).HTML)
		made := HTML(text)
		requireHarmless(t, made)
		inside := strings.Count(made, `<a href="#`)
		require.Equal(t, strings.Count(made, "<a ")-inside, strings.Count(made, `rel="`+rel+`"`), made)
		// Test the sanitiser alone, as if the parser let everything pass.
		requireHarmless(t, policy.Sanitize(text))
	}
}

// TestVectorsAreHarmful checks that harm finds what it is meant to find.
func TestVectorsAreHarmful(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, text := range vectors(t) {
		if harm(text) != "" {
			seen++
		}
	}
	require.Greater(t, seen, 80)
	for _, text := range []string{"<img src=x onerror=alert(1)>", "<script>", "<p id=x>", "<svg>", `<a href="javascript:alert(1)">x</a>`,
		`<a href="//evil.example">`, `<a href="/x">`, `<a href="http:x">`, `<img src="https:/x">`, "<p style='x'>", "<form>", "<!-- x -->"} {
		require.NotEmpty(t, harm(text), text)
	}
}

func FuzzHTML(f *testing.F) {
	for _, text := range vectors(f) {
		f.Add(text)
	}
	for _, address := range []string{"b", "/b", "..//b", "?b", "#b", "//b", "http:/b", "/%5Cb", "%2e%2e/b", `/\b`} {
		f.Add("[^a]: # N\n\n# B[^a]\n\n[a](" + address + ") ![a](<" + address + ">) <a href='" + address + "'>a</a> <img src='" + address + "'>\n\n[a]: " + address)
	}
	f.Add("# T\n\n| a | b |\n|---|:-:|\n| ~~c~~ | `d` |\n\n1. [e](https://example.com \"f\")\n   > ![g](http://example.com/h)\n\n[i]: mailto:j@example.com\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 16<<10 {
			return
		}
		made := HTML(text)
		requireHarmless(t, made)
		requireHarmless(t, policy.Sanitize(text))
		require.Equal(t, made, HTML(text), "the same text gives the same HTML")
		// With a base too, every address is absolute or a fragment.
		requireHarmless(t, based.Convert(text).HTML)
		requireContents(t, plain.Convert(text))
	})
}

func requireHarmless(t *testing.T, fragment string) {
	t.Helper()
	require.Empty(t, harm(fragment), fragment)
}

// attributes are the permitted attributes of each element.
var attributes = map[string][]string{
	"a": {"href", "title", "rel"}, "abbr": {"title"}, "b": nil, "blockquote": nil, "br": nil, "caption": nil, "cite": nil, "code": {"class"},
	"dd": nil, "del": nil, "details": {"open"}, "div": {"align", "class"}, "dl": nil, "dt": nil, "em": nil, "figcaption": nil, "figure": nil,
	"h1": {"align", "id"}, "h2": {"align", "id"}, "h3": {"align", "id"}, "h4": {"align", "id"}, "h5": {"align", "id"}, "h6": {"align", "id"},
	"hr": nil, "i": nil, "img": {"src", "alt", "title", "width", "height", "align"}, "input": {"type", "checked", "disabled"}, "ins": nil,
	"kbd": nil, "li": {"id"}, "mark": nil, "ol": {"start"}, "p": {"align"}, "pre": nil, "q": nil, "s": nil, "samp": nil, "small": nil,
	"strong": nil, "sub": nil, "summary": nil, "sup": {"id"}, "table": nil, "tbody": nil, "td": {"align", "colspan", "rowspan"}, "tfoot": nil,
	"th": {"align", "colspan", "rowspan"}, "thead": nil, "tr": nil, "tt": nil, "u": nil, "ul": nil, "var": nil,
}

// absolute matches the addresses that a browser never resolves relative to the
// page. For http and https this needs // and a host: the URL Standard reads
// "http:x" as a relative address in a page with the same scheme.
var absolute = regexp.MustCompile(`^(https?://[^/\\?#@:\s][^/\\?#\s]*([/?#]\S*)?|mailto:\S*)$`)

// harm returns what a browser would find in a fragment that must not be there.
func harm(fragment string) string {
	nodes, err := html.ParseFragment(strings.NewReader(fragment), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return err.Error()
	}
	for _, root := range nodes {
		if found := harmOf(root); found != "" {
			return found
		}
		for n := range root.Descendants() {
			if found := harmOf(n); found != "" {
				return found
			}
		}
	}
	return ""
}

func harmOf(n *html.Node) string {
	switch n.Type {
	case html.TextNode:
		return ""
	case html.ElementNode:
	default:
		return "a node that is no element: " + n.Data
	}
	permitted, known := attributes[n.Data]
	if !known || n.Namespace != "" {
		return "element " + n.Namespace + " " + n.Data
	}
	for _, a := range n.Attr {
		switch {
		case !slices.Contains(permitted, a.Key) || a.Namespace != "":
			return "attribute " + a.Key + " of " + n.Data
		case a.Key == "rel" && a.Val != rel:
			return "rel " + a.Val
		case a.Key == "id" && !strings.HasPrefix(a.Val, "user-content-"),
			a.Key == "class" && a.Val != "footnotes" && !strings.HasPrefix(a.Val, "language-"), a.Key == "type" && a.Val != "checkbox":
			return a.Key + " " + a.Val
		case a.Key == "href" || a.Key == "src":
			if !absolute.MatchString(a.Val) && !(a.Key == "href" && strings.HasPrefix(a.Val, "#user-content-")) {
				return "address " + a.Val
			}
		}
	}
	return ""
}
