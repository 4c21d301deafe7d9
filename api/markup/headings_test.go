package markup

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestContents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{ // level id text
		"None":      {"a", ""},
		"Levels":    {"# One\n\nTwo\n---\n\n###### Six", "1 one One|2 two Two|6 six Six"},
		"Repeated":  {"# A\n\n## A\n\n# A 1", "1 a A|2 a-1 A|1 a-1-1 A 1"},
		"Markup":    {"# *A* [b](https://example.com) `c` ![d](e) ~~f~~ https://a.b", "1 a-b-c-d-f-httpsab A b c d f https://a.b"},
		"Escaped":   {`# a\*b &lt;c&#62; &amp;amp; ` + "`&amp;` <kbd>D</kbd> <e>", "1 ab-c-amp-amp-d-e a*b <c> &amp; &amp; D <e>"},
		"Lines":     {"a\nb `c\nd`\n===", "1 a-b-c-d a b c d"},
		"NoWords":   {"# ?\n\n#\n\n# a", "1 a a"},
		"Nested":    {"> # a\n\n- ## b", "1 a a|2 b b"},
		"Tags":      {"<h1>a</h1>\n\n# b", "1 b b"},
		"Footnotes": {"[^1]: # note\n\n[^2]: # unused\n\n# a[^1]", "1 a a|1 note note"},
		"Dropped":   {strings.Repeat("<div>", 300) + "\n\n# a", ""},
		"Closed":    {strings.Repeat("<div>", 300) + "\n\n" + strings.Repeat("</div>", 300) + "\n\n# b", "1 b b"},
		"Long":      {"# " + strings.Repeat("ö", 300), "1 " + strings.Repeat("ö", 100) + " " + strings.Repeat("ö", 200)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := plain.Convert(c.src)
			got := []string{}
			for _, h := range made.Contents {
				got = append(got, strconv.Itoa(h.Level)+" "+strings.TrimPrefix(h.ID, idPrefix)+" "+h.Text)
			}
			require.Equal(t, c.want, strings.Join(got, "|"), made.HTML)
			requireContents(t, made)
		})
	}
	many := plain.Convert(strings.Repeat("# a\n", 1500))
	require.Len(t, many.Contents, 1000)
	require.Equal(t, 1500, strings.Count(many.HTML, "<h1"))
	requireContents(t, many)
}

// identified matches the start tag of a heading with an id.
var identified = regexp.MustCompile(`<h([1-6])[^>]* id="([^"]*)"`)

// requireContents checks that the contents are the headings of the HTML that
// have an id.
func requireContents(t *testing.T, made *Text) {
	t.Helper()
	want, got := []Heading{}, []Heading{}
	for _, m := range identified.FindAllStringSubmatch(made.HTML, -1) {
		want = append(want, Heading{Level: int(m[1][0] - '0'), ID: m[2]})
	}
	for _, h := range made.Contents {
		require.LessOrEqual(t, utf8.RuneCountInString(h.Text), maxTitle)
		require.NotEmpty(t, h.Text)
		got = append(got, Heading{Level: h.Level, ID: h.ID})
	}
	require.Equal(t, want, got, made.HTML)
}
