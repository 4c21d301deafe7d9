package contract

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	d := document(t)
	for name, test := range map[string]struct{ op, target, want string }{
		"Path":         {"GetTags", "/api/tags", "/api/tags"},
		"ForceQuery":   {"GetTags", "/api/tags?", "/api/tags"},
		"URL":          {"GetTags", "http://host/api/tags", "/api/tags"},
		"Unknown":      {"GetTags", "/api/tags?a=1", "/api/tags"},
		"Param":        {"GetArticle", "/api/articles/a-b?format=html", "/api/articles/a-b?format=html"},
		"Others":       {"GetArticle", "/api/articles/a-b?x=1&format=html&&y", "/api/articles/a-b?format=html"},
		"Trailing":     {"GetArticle", "/api/articles/a-b?format=html&", "/api/articles/a-b?format=html"},
		"EscapedPath":  {"GetArticle", "/api/articles/%61-b?format=html", "/api/articles/a-b?format=html"},
		"Slash":        {"GetArticle", "/api/articles/a%2Fcomments", "/api/articles/a%2Fcomments"},
		"EscapedKey":   {"GetArticle", "/api/articles/a-b?f%6Frmat=html", "/api/articles/a-b?format=html"},
		"EscapedValue": {"GetArticle", "/api/articles/a-b?format=htm%6C", "/api/articles/a-b?format=html"},
		"Order":        {"GetArticles", "/api/articles?limit=5&tag=go", "/api/articles?tag=go&limit=5"},
		"Text":         {"GetArticles", "/api/articles?tag=a%20b%26c", "/api/articles?tag=a+b%26c"},
		"Fragment":     {"GetArticles", "/api/articles?tag=a#b", "/api/articles?tag=a%23b"},
		"NoValue":      {"GetArticles", "/api/articles?tag", "/api/articles?tag="},
		"Case":         {"GetArticles", "/api/articles?Tag=a", "/api/articles"},
		"Repeated":     {"GetArticles", "/api/articles?tag=a&tag=b", ""},
		"Malformed":    {"GetArticles", "/api/articles?x=%zz", ""},
		"Refused":      {"GetUsers", "/api/admin/users?limit=5&x=1", ""},
		"EmptyPair":    {"GetUsers", "/api/admin/users?limit=5&", "/api/admin/users?limit=5"},
		"Semicolon":    {"GetArticles", "/api/articles?limit=1;tag=b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := operation(t, d, test.op)
			u, err := url.ParseRequestURI(test.target)
			require.NoError(t, err)
			r := httptest.NewRequest("GET", "/", nil)
			r.URL, r.RequestURI = u, test.target
			slug, err := url.PathUnescape(strings.TrimPrefix(u.EscapedPath(), "/api/articles/"))
			require.NoError(t, err)
			require.Equal(t, test.want, op.Canonical(r, func(string) string { return slug }, &Ignored{}))
			require.Equal(t, test.target == test.want && name != "Slash", op.IsCanonical(r))
		})
	}
}
