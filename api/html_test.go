package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestFormatHTML checks that a response has bodyHtml, and an article its table
// of contents, if the request asks for it, and that nothing else in the
// response changes.
func TestFormatHTML(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	const (
		text = "*Hello* <script>alert(1)</script>\n\n## A *b* & c\n\n# A b c"
		made = "<p><em>Hello</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n" + `<h2 id="user-content-a-b--c">A <em>b</em> &amp; c</h2>` +
			"\n" + `<h1 id="user-content-a-b-c">A b c</h1>` + "\n"
	)
	contents := []any{
		map[string]any{"level": 2.0, "id": "user-content-a-b--c", "text": "A b & c"},
		map[string]any{"level": 1.0, "id": "user-content-a-b-c", "text": "A b c"},
	}
	created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: client.NewArticle{
		Title: "Marked up", Description: "d", Body: text,
	}}))
	require.Equal(t, http.StatusCreated, created.StatusCode())
	commentOn(t, jake, "marked-up", text)

	// Each request twice, since the second response comes from the cache.
	for range 2 {
		for _, header := range [][]string{nil, signed(jake)} {
			for path, pick := range map[string]func(body string) map[string]any{
				"/articles/marked-up":          func(body string) map[string]any { return member(t, body, "article") },
				"/articles/marked-up/comments": func(body string) map[string]any { return first(t, body, "comments") },
				"POST /batch/articles":         func(body string) map[string]any { return first(t, body, "articles") },
			} {
				method, body := "GET", ""
				if rest, post := strings.CutPrefix(path, "POST "); post {
					method, path, body = "POST", rest, `{"slugs":["marked-up"]}`
				}
				plainRes, plain := s.Do(method, path, body, header...)
				htmlRes, html := s.Do(method, path+"?format=html", body, header...)
				_, explicit := s.Do(method, path+"?format=markdown", body, header...)
				require.Equal(t, http.StatusOK, htmlRes.StatusCode, html)
				require.Equal(t, plain, explicit)
				if method == "GET" {
					require.NotEqual(t, plainRes.Header.Get("ETag"), htmlRes.Header.Get("ETag"))
				}
				want, got := pick(plain), pick(html)
				require.Equal(t, text, got["body"], "what is stored stays as it was sent")
				require.Equal(t, made, got["bodyHtml"])
				require.NotContains(t, want, "bodyHtml")
				delete(got, "bodyHtml")
				if _, isArticle := got["slug"]; isArticle {
					require.Equal(t, contents, got["tableOfContents"])
					require.NotContains(t, want, "tableOfContents")
					delete(got, "tableOfContents")
				}
				require.Equal(t, want, got)
			}
		}
	}

	t.Run("Edited", func(t *testing.T) {
		edited := responseOf(jake.UpdateArticleWithResponse(t.Context(), "marked-up", nil, client.UpdateArticleJSONRequestBody{
			Article: client.UpdateArticle{Body: ptrTo("**new**")},
		}))
		require.Equal(t, http.StatusOK, edited.StatusCode())
		format := client.FormatHTML
		res, err := s.Anonymous.GetArticleWithResponse(t.Context(), "marked-up", &client.GetArticleParams{Format: &format})
		require.NoError(t, err)
		require.Equal(t, "<p><strong>new</strong></p>\n", *res.JSON200.Article.BodyHtml)
		require.Empty(t, *res.JSON200.Article.TableOfContents, "it is there, also without headings")
	})
	t.Run("Refused", func(t *testing.T) {
		for _, path := range []string{"/articles/marked-up", "/articles/marked-up/comments"} {
			for _, value := range []string{"HTML", "pdf", ""} {
				res, _ := s.Do("GET", path+"?format="+value, "")
				require.Equal(t, 422, res.StatusCode, value)
			}
		}
		res, body := s.Do("GET", "/articles/marked-up/comments?format=html&limit=101", "")
		requireRefusal(t, 422, allWrong("must be at most 100 with format=html", "limit"), res, body)
		res, _ = s.Do("GET", "/articles/none/comments?format=html&limit=101", "")
		require.Equal(t, 404, res.StatusCode, "what is missing comes before what is wrong")
		slugs, err := json.Marshal(map[string]any{"slugs": strings.Fields("a" + numbered(20))})
		require.NoError(t, err)
		res, body = s.Do("POST", "/batch/articles?format=html", string(slugs))
		requireRefusal(t, 422, allWrong("must have at most 20 items with format=html", "slugs"), res, body)
		res, _ = s.Do("POST", "/batch/articles", string(slugs))
		require.Equal(t, 200, res.StatusCode)
	})
	t.Run("Pages", func(t *testing.T) {
		for i := range 101 {
			commentOn(t, jake, "marked-up", fmt.Sprint("no. ", i))
		}
		_, body := s.Do("GET", "/articles/marked-up/comments?format=html", "")
		var page client.CommentsResponse
		require.NoError(t, json.Unmarshal([]byte(body), &page))
		require.Len(t, page.Comments, 100)
		next, err := page.NextCursor.Get()
		require.NoError(t, err)
		_, body = s.Do("GET", "/articles/marked-up/comments?format=html&cursor="+next, "")
		require.NoError(t, json.Unmarshal([]byte(body), &page))
		require.Len(t, page.Comments, 2)
		require.Equal(t, "<p>no. 100</p>\n", *page.Comments[1].BodyHtml)
	})
}

// TestFormatHTMLAddresses checks that an article and a comment link to no page
// of the site that shows them: browsers resolve "http:x" relative to it.
func TestFormatHTMLAddresses(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	const text, made = "[a](http:/x) ![b](https:x) [c](https:///x) [d](//x) [e](https://example.com/x)",
		`<p>a b c d <a href="https://example.com/x" rel="nofollow noopener ugc">e</a></p>` + "\n"
	created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: client.NewArticle{
		Title: "Linked", Description: "d", Body: text,
	}}))
	require.Equal(t, http.StatusCreated, created.StatusCode())
	commentOn(t, jake, "linked", text)
	_, body := s.Do("GET", "/articles/linked?format=html", "")
	require.Equal(t, made, member(t, body, "article")["bodyHtml"])
	_, body = s.Do("GET", "/articles/linked/comments?format=html", "")
	require.Equal(t, made, first(t, body, "comments")["bodyHtml"])
}

// TestFormatHTMLBase checks that with a base the relative addresses of articles
// and comments are resolved against it, also in responses from the cache, and
// that another base gives another entity tag.
func TestFormatHTMLBase(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), based(t, "https://example.com/articles/"))
	jake := s.Register("jake")
	const (
		text = "# Top\n\n[a](next?q#f) [b](../b) ![c](/c.png) <a href=d>d</a> <img src=e alt=e> [f](#top) [g](//g.example/) [h](http:/h)"
		made = `<h1 id="user-content-top">Top</h1>` + "\n<p>" +
			`<a href="https://example.com/articles/next?q#f" rel="nofollow noopener ugc">a</a> ` +
			`<a href="https://example.com/b" rel="nofollow noopener ugc">b</a> ` +
			`<img src="https://example.com/c.png" alt="c"> ` +
			`<a href="https://example.com/articles/d" rel="nofollow noopener ugc">d</a> ` +
			`<img src="https://example.com/articles/e" alt="e"> <a href="#user-content-top">f</a> g h</p>` + "\n"
	)
	created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: client.NewArticle{
		Title: "Relative", Description: "d", Body: text,
	}}))
	require.Equal(t, http.StatusCreated, created.StatusCode())
	commentOn(t, jake, "relative", text)
	var tag string
	for range 2 {
		res, body := s.Do("GET", "/articles/relative?format=html", "")
		require.Equal(t, made, member(t, body, "article")["bodyHtml"])
		tag = res.Header.Get("ETag")
		_, body = s.Do("GET", "/articles/relative/comments?format=html", "")
		require.Equal(t, made, first(t, body, "comments")["bodyHtml"])
		_, body = s.Do("POST", "/batch/articles?format=html", `{"slugs":["relative"]}`)
		require.Equal(t, made, first(t, body, "articles")["bodyHtml"])
	}
	other := servertest.New(t, servertest.WithDatabase(url), based(t, "https://example.org/"))
	res, body := other.Do("GET", "/articles/relative?format=html", "", "If-None-Match", tag)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, "https://example.org/next")
	require.NotContains(t, body, "https://example.com/")
}

func based(t *testing.T, url string) servertest.Option {
	t.Helper()
	base, err := markup.ParseBase(url)
	require.NoError(t, err)
	return servertest.WithContentBase(base)
}

func numbered(n int) (names string) {
	for i := range n {
		names += fmt.Sprint(" none-", i)
	}
	return names
}

func member(t *testing.T, body, name string) map[string]any {
	t.Helper()
	var all map[string]map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &all), body)
	return all[name]
}

func first(t *testing.T, body, name string) map[string]any {
	t.Helper()
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &all), body)
	var list []map[string]any
	require.NoError(t, json.Unmarshal(all[name], &list), body)
	require.NotEmpty(t, list, body)
	return list[0]
}

// TestHTMLIsShared checks that a client that asks for many long texts at once
// does not keep others from getting theirs.
func TestHTMLIsShared(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	s.Publish(anna, "Short")
	var paths []string
	for i := range 12 {
		a := s.Publish(jake, fmt.Sprint("Long ", i))
		_, err := s.DB.Exec(t.Context(), `UPDATE articles SET body = repeat($2, 4000) WHERE slug = $1`, a.Slug, fmt.Sprintf("> %c\n\n", 'a'+i))
		require.NoError(t, err)
		paths = append(paths, "/articles/"+a.Slug+"?format=html")
	}
	var crowd sync.WaitGroup
	for _, path := range paths {
		crowd.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+path, nil)
			if err != nil {
				panic(err)
			}
			req.Header.Set("Authorization", "Token "+jake.Token)
			if res, err := http.DefaultClient.Do(req); err == nil {
				res.Body.Close()
			}
		})
	}
	for i := range 3 {
		_, err := s.DB.Exec(t.Context(), `UPDATE articles SET body = $1 WHERE slug = 'short'`, fmt.Sprint("no. ", i))
		require.NoError(t, err)
		res, body := s.Do("GET", "/articles/short?format=html", "", signed(anna)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Equal(t, fmt.Sprintf("<p>no. %d</p>\n", i), member(t, body, "article")["bodyHtml"])
	}
	crowd.Wait()
}
