package byline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

func TestErrors(t *testing.T) {
	ctx := t.Context()
	t.Run("Code", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(404, `{"code":"not_found","title":"Not Found","type":"/docs/errors#not_found","detail":"There is no such article."}`)})
		article, err := c.Articles.Get(ctx, "x", nil)
		isError(t, err, byline.CodeNotFound)
		equal(t, false, errors.Is(err, byline.CodeForbidden))
		equal(t, true, article == nil)
		e := requireError(t, err, 404, byline.CodeNotFound)
		equal(t, "articles.get /docs/errors#not_found Not Found", e.Operation+" "+e.Type+" "+e.Title)
	})
	t.Run("NotByline", func(t *testing.T) {
		for name, c := range map[string]struct {
			handler http.HandlerFunc
			says    string
		}{
			"a page":                      {responds(404, "<h1>No such page</h1>", "Content-Type", "text/html"), `status 404, text/html, "<h1>No such page</h1>"`},
			"a page with success":         {responds(200, "<h1>Sign in to this Wi-Fi</h1>", "Content-Type", "text/html"), "check the address"},
			"another service":             {responds(200, `{"message":"hello"}`), "check the address"},
			"a 404 of another":            {responds(404, `{"message":"no route"}`), "check the address"},
			"JSON that breaks off":        {responds(200, `{"article":`), "check the address"},
			"another method":              {responds(501, "<h1>No</h1>", "Content-Type", "text/html"), "check the address"},
			"nothing":                     {responds(204, ""), "check the address"},
			"a redirect":                  {responds(301, "", "Location", "https://new.example.com/api/articles/x"), "redirects to https://new.example.com/api/articles/x"},
			"a list instead of an object": {responds(200, `[]`), "check the address"},
		} {
			t.Run(name, func(t *testing.T) {
				client, rec := fake(t, []http.HandlerFunc{c.handler})
				_, err := client.Articles.Get(ctx, "x", nil)
				e := as[*byline.NotBylineError](t, err)
				equal(t, "articles.get", e.Operation)
				if !strings.Contains(e.Error(), c.says) {
					t.Fatal(e.Error())
				}
				equal(t, 1, len(rec.requests))
			})
		}
	})
	t.Run("NotModified", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(304, "")})
		_, err := c.Articles.Get(ctx, "a", nil, byline.Header("If-None-Match", `"v1"`))
		requireError(t, err, 304, "")
	})
	t.Run("Proxy", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(502, "<h1>Bad Gateway</h1>", "Content-Type", "text/html")})
		_, err := c.Tags.List(ctx)
		equal(t, "byline: tags.list: 502: Bad Gateway", requireError(t, err, 502, "").Error())
	})
	t.Run("Connection", func(t *testing.T) {
		c, err := byline.New("http://user:secret@127.0.0.1:1", byline.WithRetry(byline.Retry{Attempts: 2}))
		noError(t, err)
		_, err = c.Tags.List(ctx)
		e := as[*byline.ConnectionError](t, err)
		equal(t, 2, e.Attempts)
		equal(t, false, e.Timeout())
		if text := e.Error(); strings.Contains(text, "secret") || !strings.HasPrefix(text, "byline: tags.list: no response to GET http://user:xxxxx@127.0.0.1:1/api/tags (2 attempts): dial tcp") {
			t.Fatal(text)
		}
	})
	t.Run("Timeout", func(t *testing.T) {
		stalls := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		c, rec := fake(t, []http.HandlerFunc{stalls})
		_, err := c.Tags.List(ctx, byline.Timeout(20*time.Millisecond))
		isError(t, err, context.DeadlineExceeded)
		equal(t, true, as[*byline.ConnectionError](t, err).Timeout())
		equal(t, 3, len(rec.requests))
	})
	t.Run("IteratorEnds", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(401, busy)})
		n := 0
		for _, err := range c.Articles.FeedAll(ctx, nil) {
			requireError(t, err, 401, "overloaded")
			n++
		}
		equal(t, 1, n)
	})
	t.Run("BadAddress", func(t *testing.T) {
		for address, shown := range map[string]string{
			"":                         "",
			"127.0.0.1:8099":           "127.0.0.1:8099",
			"localhost:8099":           "localhost:8099",
			"byline.example.com":       "byline.example.com",
			"http://:8080":             "http://:8080",
			"https://":                 "https://",
			"ftp://example.com":        "ftp://example.com",
			"http://u:secret@x y":      "[hidden]@x y",
			"u:secret@example.com":     "[hidden]@example.com",
			"https://example.com/?a=b": "https://example.com/?a=b",
			"https://example.com/#a":   "https://example.com/#a",
			"https://u:secret":         "https://u:[hidden]",
		} {
			_, err := byline.New(address)
			equal(t, fmt.Sprintf("byline: %q is not the address of a service, such as https://example.com", shown), fmt.Sprint(err))
		}
	})
	t.Run("Message", func(t *testing.T) {
		problem := func(code, detail, errors string) string {
			return fmt.Sprintf(`{"code":%q,"detail":%q,"errors":%s}`, code, detail, errors)
		}
		for _, c := range []struct{ says, body string }{
			{"validation_failed: Invalid. email is empty; password is short, is common", problem("validation_failed", "Invalid.", `{"password":["is short","is common"],"email":["is empty"]}`)},
			{"scope_insufficient: No. token lacks the scope write", problem("scope_insufficient", "No.", `{"token":["lacks the scope write"]}`)},
			{"of_a_newer_service: No. a b", problem("of_a_newer_service", "No.", `{"a":["b"]}`)},
			{"token_missing: This operation requires a token.", problem("token_missing", "This operation requires a token.", `{"token":["is missing"]}`)},
			{"not_found: There is no such article.", problem("not_found", "There is no such article.", `{"article":["not found"]}`)},
		} {
			client, _ := fake(t, []http.HandlerFunc{responds(400, c.body)})
			_, err := client.Tags.List(ctx)
			e := as[*byline.Error](t, err)
			equal(t, "byline: tags.list: 400 "+c.says, e.Error())
			equal(t, true, len(e.Fields) > 0)
		}
	})
	t.Run("WrongPath", func(t *testing.T) {
		web := httptest.NewServer(responds(404, `{"code":"route_not_found","detail":"There is no such path.","errors":{"path":["not found"]}}`, "X-Request-Id", "r1"))
		t.Cleanup(web.Close)
		c, err := byline.New(strings.Replace(web.URL, "http://", "http://user:secret@", 1) + "/docs")
		noError(t, err)
		_, err = c.Tags.List(ctx)
		requested := strings.Replace(web.URL, "http://", "http://user:xxxxx@", 1) + "/docs/api/tags"
		equal(t, "byline: tags.list: 404 route_not_found: There is no such path. The request was GET "+requested+
			"; check the address and the version of the service. (request r1)", fmt.Sprint(err))
	})
	t.Run("BadArgument", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(200, `{}`)})
		for _, slug := range []string{"", ".", ".."} {
			_, err := c.Articles.Get(ctx, slug, nil)
			equal(t, fmt.Sprintf("byline: articles.get: slug must not be %q", slug), fmt.Sprint(err))
		}
		equal(t, 0, len(rec.requests))
	})
}

func TestToken(t *testing.T) {
	ctx := t.Context()
	n := 0
	c, rec := fake(t, []http.HandlerFunc{responds(200, `{"tags":[],"profile":{"username":"a"}}`)}, byline.WithTokenFunc(func(context.Context) (string, error) {
		if n++; n == 3 {
			return "", errors.New("signed out")
		}
		return fmt.Sprint("t", n), nil
	}))
	get := func(c *byline.Client, options ...byline.CallOption) error {
		_, err := c.Profiles.Get(ctx, "a", options...)
		return err
	}
	noError(t, get(c))
	noError(t, get(c))
	equal(t, "signed out", get(c).Error())
	noError(t, get(c.WithToken("other\n")))
	noError(t, get(c, byline.Token("one call")))
	noError(t, get(c, byline.Token("")))
	_, err := c.Tags.List(ctx) // needs none, so it sends none
	noError(t, err)
	var sent []string
	for _, r := range rec.requests {
		sent = append(sent, r.Header.Get("Authorization"))
	}
	equal(t, []string{"Token t1", "Token t2", "Token other", "Token one call", "", ""}, sent)
}

func TestRequest(t *testing.T) {
	ctx := t.Context()
	var path, body string
	c, rec := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		path, body = r.URL.EscapedPath(), string(text)
		responds(200, `{"article":{"slug":"a"},"user":{"username":"a"},"articles":[],"nextCursor":null,"users":[]}`)(w, r)
	}, byline.WithAppName("myapp/1.2"))

	_, err := c.Articles.Update(ctx, "a/b ü", byline.UpdateArticle{Title: byline.Ptr("T"), TagList: []string{}}, byline.IfMatch(`"v1"`), byline.Header("X-Trace", "1"))
	noError(t, err)
	equal(t, "/api/articles/a%2Fb%20%C3%BC", path)
	equal(t, `{"article":{"title":"T","tagList":[]}}`, body)
	last := rec.requests[len(rec.requests)-1]
	equal(t, []string{`"v1"`, "1", "application/json"}, []string{last.Header.Get("If-Match"), last.Header.Get("X-Trace"), last.Header.Get("Content-Type")})
	agent := last.Header.Get("User-Agent")
	if !strings.HasPrefix(agent, "byline-go/"+byline.Version+" (go1.") || !strings.HasSuffix(agent, ") myapp/1.2") {
		t.Fatal(agent)
	}

	_, err = c.Articles.Update(ctx, "a", byline.UpdateArticle{})
	noError(t, err)
	equal(t, `{"article":{}}`, body)
	_, err = c.Account.Update(ctx, byline.UpdateUser{Bio: byline.Value("b"), Image: byline.Null[string]()})
	noError(t, err)
	equal(t, `{"user":{"bio":"b","image":null}}`, body)

	_, err = c.Articles.List(ctx, &byline.ArticlesListParams{Tag: "go & more", Limit: 5})
	noError(t, err)
	equal(t, "limit=5&tag=go+%26+more", rec.requests[len(rec.requests)-1].URL.RawQuery)
	_, err = c.Admin.ListUsers(ctx, &byline.AdminListUsersParams{Suspended: byline.Ptr(false)})
	noError(t, err)
	equal(t, "suspended=false", rec.requests[len(rec.requests)-1].URL.RawQuery)
}

func TestDo(t *testing.T) {
	ctx := t.Context()
	var body string
	c, rec := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		body = string(text)
		responds(200, `{"new":7}`)(w, r)
	}, byline.WithToken("t"))
	var out struct{ New int }
	noError(t, c.Do(ctx, "PUT", "/news?limit=2", map[string]int{"a": 1}, &out))
	equal(t, 7, out.New)
	equal(t, `{"a":1}`, body)
	equal(t, "/api/news?limit=2", rec.requests[0].URL.RequestURI())
	equal(t, "Token t", rec.requests[0].Header.Get("Authorization"))
	noError(t, c.Do(ctx, "DELETE", "/news", nil, nil))
	var number int
	as[*byline.NotBylineError](t, c.Do(ctx, "GET", "/news", nil, &number))
	for _, method := range []string{"get", "HEAD"} {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy), responds(200, "")})
		noError(t, c.Do(ctx, method, "/news", nil, nil))
		equal(t, strings.ToUpper(method), rec.requests[1].Method) // it is repeated
	}
}

func TestInto(t *testing.T) {
	ctx := t.Context()
	header := []string{"ETag", `"v1"`, "X-Request-Id", "r9", "Idempotency-Replayed", "true", "RateLimit", `"read";r=2999;t=1`, "RateLimit-Policy", `"read";q=3000;w=60`}
	c, _ := fake(t, []http.HandlerFunc{responds(503, busy), responds(200, `{"tags":[]}`, header...), responds(404, `{"code":"not_found"}`, header...)})
	var res byline.Response
	_, err := c.Tags.List(ctx, byline.Into(&res))
	noError(t, err)
	res.Header = nil
	equal(t, byline.Response{
		Status: 200, ETag: `"v1"`, RequestID: "r9", Replayed: true, Attempts: 2,
		RateLimit: byline.RateLimit{Class: "read", Limit: 3000, Window: time.Minute, Remaining: 2999, Reset: time.Second},
	}, res)
	_, err = c.Articles.Get(ctx, "a", nil, byline.Into(&res))
	isError(t, err, byline.CodeNotFound)
	equal(t, 404, res.Status)
}

func TestHooks(t *testing.T) {
	ctx := t.Context()
	var said []string
	c, rec := fake(t, []http.HandlerFunc{breaks, responds(503, busy, "X-Request-Id", "r1"), responds(200, `{"article":{"slug":"a"}}`)},
		byline.WithToken("secret"), byline.WithHooks(byline.Hooks{
			OnRequest: func(_ context.Context, a *byline.Attempt) {
				a.Header.Set("Traceparent", fmt.Sprint("00-", a.Number))
				said = append(said, fmt.Sprint("request ", a.Operation, " ", a.Method, " ", a.Path, " ", a.Number, a.Header["Authorization"]))
			},
			OnResponse: func(_ context.Context, a *byline.Attempt) {
				said = append(said, fmt.Sprint("response ", a.Status, " ", a.RequestID, " ", a.Err == nil, a.Duration > 0, strings.HasSuffix(a.URL, "/api/articles/a?format=html")))
			},
			OnRetry: func(_ context.Context, a *byline.Attempt) { said = append(said, fmt.Sprint("retry ", a.Number)) },
		}), byline.WithHooks(byline.Hooks{}))
	_, err := c.Articles.Get(ctx, "a", &byline.ArticlesGetParams{Format: byline.FormatHTML})
	noError(t, err)
	equal(t, []string{
		"request articles.get GET /articles/{slug} 1 []", "response 0  false true true", "retry 1",
		"request articles.get GET /articles/{slug} 2 []", "response 503 r1 false true true", "retry 2",
		"request articles.get GET /articles/{slug} 3 []", "response 200  true true true",
	}, said)
	equal(t, "00-3", rec.requests[2].Header.Get("Traceparent"))
	equal(t, "Token secret", rec.requests[2].Header.Get("Authorization"))
}

func TestSecrets(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	tokens := byline.Tokens{AccessToken: "secret", RefreshToken: "secret"}
	for _, value := range []any{
		byline.User{Username: "gwen", Token: "secret"}, &byline.User{Username: "gwen", Token: "secret"}, tokens,
		byline.SessionCreatedResponse{Tokens: tokens}, byline.StoredSession{Tokens: tokens}, byline.APIKeyCreatedResponse{Key: "secret"},
		byline.LoginUser{Password: "secret"}, byline.NewUser{Password: "secret"}, byline.UpdateUser{Password: byline.Ptr("secret")},
	} {
		log.Reset()
		logger.Info("m", "value", value)
		if text := log.String() + fmt.Sprintf("%v %+v %s %#v", value, value, value, value); strings.Contains(text, "secret") {
			t.Error(text)
		}
	}
	equal(t, true, strings.Contains(fmt.Sprint(byline.User{Username: "gwen"}), "Username:gwen"))
	text, err := json.Marshal(tokens)
	noError(t, err)
	equal(t, true, strings.Contains(string(text), "secret"))
}

func TestCache(t *testing.T) {
	ctx := t.Context()
	const body = `{"profile":{"username":"a"}}`
	confirming := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("X-Request-Id", "second")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		responds(200, body, "ETag", `"v1"`, "X-Request-Id", "first")(w, r)
	}
	get := func(t *testing.T, c *byline.Client, options ...byline.CallOption) {
		t.Helper()
		profile, err := c.Profiles.Get(ctx, "a", options...)
		noError(t, err)
		equal(t, "a", profile.Username)
	}
	t.Run("ReturnsConfirmedResponses", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming})
		for i, id := range []string{"first", "second"} {
			var res byline.Response
			get(t, c, byline.Into(&res))
			equal(t, id, res.RequestID)
			equal(t, i == 1, res.Cached)
			equal(t, 200, res.Status)
		}
		equal(t, []int{200, 304}, rec.seen())
	})
	t.Run("SeparatesUsers", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming})
		for _, token := range []string{"a", "b", "a"} {
			get(t, c.WithToken(token))
		}
		equal(t, []int{200, 200, 304}, rec.seen())
	})
	t.Run("IsBounded", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming}, byline.WithCache(2*len(body)))
		for _, token := range []string{"a", "b", "a", "c", "a", "b"} { // c evicts b
			get(t, c.WithToken(token))
		}
		equal(t, []int{200, 200, 304, 200, 304, 200}, rec.seen())
	})
	t.Run("Off", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming}, byline.WithCache(0))
		get(t, c)
		get(t, c)
		equal(t, []int{200, 200}, rec.seen())
	})
	t.Run("NoStore", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(200, body, "ETag", `"v1"`, "Cache-Control", "no-store")})
		get(t, c)
		get(t, c)
		equal(t, "", rec.requests[1].Header.Get("If-None-Match"))
	})
}
