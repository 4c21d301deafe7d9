package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

const ignoredHeader = "X-Byline-Ignored"

func TestIgnored(t *testing.T) {
	t.Parallel()
	forEachCache(t, func(t *testing.T, s *servertest.Service) {
		u := s.Register("anna")
		slug := s.Publish(u, "A title").Slug
		auth := []string{"Authorization", "Token " + u.Token}
		article := func(members string) string {
			return `{"article":{"title":"T","description":"D","body":"B"` + members + `}}`
		}
		long := strings.Repeat("x", 25)
		var many strings.Builder
		for i := range 2000 {
			fmt.Fprintf(&many, `,"m%d":{"x":1}`, i)
		}
		for name, tt := range map[string]struct {
			method, path, body string
			status             int
			want               string
		}{
			"Nothing":         {"GET", "/articles?limit=5", "", 200, ""},
			"NothingOdd":      {"GET", "/articles?&limit=5&", "", 200, ""},
			"Query":           {"GET", "/articles?foo=1&limit=5", "", 200, "query.foo"},
			"Queries":         {"GET", "/articles?b=1&limit=5&a&b=2", "", 200, "query.b, query.a"},
			"Case":            {"GET", "/articles?Limit=5", "", 200, "query.Limit"},
			"NotFound":        {"GET", "/articles/none?foo=1", "", 404, "query.foo"},
			"WrongParameter":  {"GET", "/articles?limit=0&foo=1", "", 422, "query.foo"},
			"WriteQuery":      {"POST", "/articles?dry_run=1", article(""), 201, "query.dry_run"},
			"Repeatable":      {"DELETE", "/articles/" + slug + "/favorite?all=1", "", 200, "query.all"},
			"Refused":         {"GET", "/user/export?type=article", "", 422, ""},
			"Member":          {"POST", "/articles", article(`,"summary":"mine"`), 201, "body.article.summary"},
			"Members":         {"POST", "/articles?x=1", `{"more":[{"a":1}],` + article(`,"summary":"mine","author":{"username":"x"}`)[1:], 201, "query.x, body.more, body.article.summary, body.article.author"},
			"Update":          {"PUT", "/articles/" + slug, `{"article":{"body":"B","thumbnail":null}}`, 200, "body.article.thumbnail"},
			"Comment":         {"POST", "/articles/" + slug + "/comments", `{"comment":{"body":"B","replyTo":1}}`, 201, "body.comment.replyTo"},
			"Invalid":         {"POST", "/articles", `{"article":{"summary":"mine"}}`, 422, "body.article.summary"},
			"Unwrapped":       {"POST", "/articles", `{"title":"T"}`, 422, "body.title"},
			"NotAnObject":     {"POST", "/articles", `{"article":[{"title":"T"}]}`, 422, ""},
			"Many":            {"POST", "/articles", article(many.String()), 201, "body.article.m0, body.article.m1, body.article.m2, body.article.m3, body.article.m4, body.article.m5, body.article.m6, body.article.m7, body.article.m8, body.article.m9, *"},
			"ManyQueries":     {"GET", "/tags?a&b&c&d&e&f&g&h&i&j&k&l", "", 200, "query.a, query.b, query.c, query.d, query.e, query.f, query.g, query.h, query.i, query.j, *"},
			"LongName":        {"GET", "/tags?" + long, "", 200, "query.*"},
			"NotLongName":     {"GET", "/tags?" + long[1:], "", 200, "query." + long[1:]},
			"OddNames":        {"GET", "/tags?%0d%0aSet-Cookie:x&%22&a,b&%C3%A9&=1&a.b", "", 200, "query.*"},
			"OddMember":       {"POST", "/articles", article(`,"a\r\nX-Other: 1":1,"":2`), 201, "body.article.*"},
			"MalformedQuery":  {"GET", "/tags?foo&%zz", "", 400, "query.foo"},
			"UnknownPath":     {"GET", "/nothing?foo=1", "", 404, ""},
			"Unauthenticated": {"GET", "/articles/feed?foo=1", "", 401, "query.foo"},
		} {
			t.Run(name, func(t *testing.T) {
				header := auth
				if tt.method == "GET" && name != "Refused" {
					header = nil
				}
				for range 2 { // the second one may be cached
					res, body := send(t, tt.method, s.URL+tt.path, tt.body, header...)
					require.Equal(t, tt.status, res.StatusCode, string(body))
					require.Equal(t, tt.want, strings.Join(res.Header.Values(ignoredHeader), ", "))
				}
			})
		}

		t.Run("NotModified", func(t *testing.T) {
			first, _ := send(t, "GET", s.URL+"/tags", "")
			res, _ := send(t, "GET", s.URL+"/tags?foo=1", "", "If-None-Match", first.Header.Get("ETag"))
			require.Equal(t, http.StatusNotModified, res.StatusCode)
			require.Equal(t, "query.foo", res.Header.Get(ignoredHeader))
		})
		t.Run("NoContent", func(t *testing.T) {
			res, _ := send(t, "DELETE", s.URL+"/articles/"+s.Publish(u, "Another").Slug+"?all=1", "", auth...)
			require.Equal(t, http.StatusNoContent, res.StatusCode)
			require.Equal(t, "query.all", res.Header.Get(ignoredHeader))
		})
		// The responses share what is cached, and nothing else.
		t.Run("OtherCallers", func(t *testing.T) {
			path := s.URL + "/articles/" + slug
			for _, query := range []string{"?mine=1", "", "?yours=1", ""} {
				res, _ := send(t, "GET", path+query, "")
				want := ""
				if query != "" {
					want = "query." + query[1:len(query)-2]
				}
				require.Equal(t, want, res.Header.Get(ignoredHeader))
			}
		})
		t.Run("Exposed", func(t *testing.T) {
			res, _ := send(t, "GET", s.URL+"/tags?foo=1", "", "Origin", "https://front.example")
			require.Contains(t, list(res.Header, "Access-Control-Expose-Headers"), strings.ToLower(ignoredHeader))
		})
	})
}

// TestRefusedMembers checks that what would change who sees a text is refused,
// unless the operation declares it in this spelling.
func TestRefusedMembers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("anna")
	slug := s.Publish(u, "A title").Slug
	auth := []string{"Authorization", "Token " + u.Token}
	for name, tt := range map[string]struct{ method, path, body, field string }{
		"Draft":     {"POST", "/articles", `{"article":{"title":"T","description":"D","body":"B","draft":true}}`, "draft"},
		"SnakeCase": {"POST", "/articles", `{"article":{"title":"T","description":"D","body":"B","published_at":"2099-01-01"}}`, "publishedAt"},
		"OtherCase": {"POST", "/articles", `{"article":{"title":"T","description":"D","body":"B","Status":"draft"}}`, "status"},
		"Beside":    {"POST", "/articles", `{"article":{"title":"T","description":"D","body":"B"},"visibility":"private"}`, "visibility"},
		"Query":     {"POST", "/articles?status=draft", `{"article":{"title":"T","description":"D","body":"B"}}`, "status"},
		"Update":    {"PUT", "/articles/" + slug, `{"article":{"title":"Other","published":false}}`, "published"},
		"Comment":   {"POST", "/articles/" + slug + "/comments", `{"comment":{"body":"B","private":true}}`, "private"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, body := send(t, tt.method, s.URL+tt.path, tt.body, auth...)
			p := requireProblem(t, 422, "validation_failed", res, body)
			require.Equal(t, []string{"is not known here, and is not ignored, since it might decide who sees the text"}, p.Errors[tt.field])
		})
	}
	t.Run("NothingWritten", func(t *testing.T) {
		res, body := send(t, "GET", s.URL+"/articles", "")
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, string(body), `"articlesCount":1`)
		require.Contains(t, string(body), "A title")
	})
	// Front ends send an article back with all that they have read.
	t.Run("SentBack", func(t *testing.T) {
		_, article := send(t, "GET", s.URL+"/articles/"+slug, "", auth...)
		res, body := send(t, "PUT", s.URL+"/articles/"+slug, string(article), auth...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		for _, path := range []string{"/articles?status=draft", "/articles/" + slug + "?draft=true"} {
			res, body = send(t, "GET", s.URL+path, "")
			require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		}
	})
}
