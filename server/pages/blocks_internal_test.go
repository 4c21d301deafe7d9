package pages

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	html := func(text string) string {
		var g guide
		require.NoError(t, render(&g, []byte("# Title\n\n"+text)))
		return string(g.HTML)
	}
	fence := func(language, code string) string { return "```" + language + "\n" + code + "\n```\n\n" }

	t.Run("Tabs", func(t *testing.T) {
		got := html(fence("sh", "curl /") + fence("ts", "const a = 'b'") + fence("python", "# why\na = 'b'") + fence("go", "var a = \"b\"") + "Text.\n\n" +
			fence("sh", "curl /") + fence("go", "x()"))
		require.Equal(t, 2, strings.Count(got, `<fieldset class="tabs">`))
		require.Equal(t, 2, strings.Count(got, " checked>"), "one of each group is shown")
		require.Contains(t, got, `<input type="radio" name="tabs-1" id="tabs-1-sh" value="sh" checked><label for="tabs-1-sh">curl</label><div class="code">`)
		require.Contains(t, got, `<input type="radio" name="tabs-2" id="tabs-2-go" value="go"><label for="tabs-2-go">Go</label><div class="code">`)
		require.Contains(t, got, `<span class="keyword">const</span>`)
		require.Contains(t, got, `<span class="comment"># why`)
		require.Contains(t, got, `<span class="string">&#34;b&#34;</span>`)
	})
	t.Run("NoTabs", func(t *testing.T) {
		for name, text := range map[string]string{
			"a command and its response": fence("sh", "curl /") + fence("json", "{}"),
			"two commands":               fence("sh", "curl /") + fence("sh", "curl /"),
			"with text between":          fence("sh", "curl /") + "Or:\n\n" + fence("go", "x()"),
		} {
			require.NotContains(t, html(text), "tabs", name)
		}
	})
	t.Run("Code", func(t *testing.T) {
		require.Contains(t, html(fence("unknown", `a <b> & "c"`)), `<code class="language-unknown">a &lt;b&gt; &amp; &#34;c&#34;`)
		require.Contains(t, html(fence("json", `{"a":"<b>"}`)), `<span class="string">&#34;&lt;b&gt;&#34;</span>`)
		for language := range languages {
			require.NotNil(t, languages[language](), language)
		}
	})
	t.Run("Tables", func(t *testing.T) {
		got := html("| a | b |\n|---|---|\n| 1 | 2 |\n")
		require.Regexp(t, `<div class="wide" tabindex="0" role="group" aria-label="Table">\s*<table>`, got)
	})
}
