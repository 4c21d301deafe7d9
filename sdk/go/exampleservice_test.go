package byline_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
)

// The examples send their requests to a service at 127.0.0.1:8080, as a reader
// would. Here they get to the service that sdk/scenario has started or, without
// one, to a handler with fixed responses. The generated examples use
// byline.example.com, where each request has to be the one that the document
// shows, and gets the response that it shows.

func init() { http.DefaultTransport = exampleTransport{http.DefaultTransport} }

type exampleTransport struct{ next http.RoundTripper }

func (e exampleTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "byline.example.com" {
		return documented(req)
	}
	if req.URL.Host != "127.0.0.1:8080" {
		return e.next.RoundTrip(req)
	}
	if service, err := url.Parse(os.Getenv("BYLINE_URL")); err == nil && service.Host != "" {
		sent := req.Clone(req.Context())
		sent.URL.Scheme, sent.URL.Host, sent.Host = service.Scheme, service.Host, service.Host
		return e.next.RoundTrip(sent)
	}
	w := httptest.NewRecorder()
	key := req.Method + " " + req.URL.Path
	if answer, ok := exampleResponses[key]; ok {
		answer(w, req)
	} else {
		responds(404, `{"code":"not_found","detail":"There is no such article.","errors":{"article":["not found"]}}`)(w, req)
	}
	return w.Result(), nil
}

// exchange is a request and its response in the document.
type exchange struct {
	body     string
	status   int
	response string
}

func documented(req *http.Request) (*http.Response, error) {
	key := req.Method + " " + strings.TrimPrefix(req.URL.RequestURI(), "/api")
	x, ok := exchanges[key]
	if !ok {
		return nil, fmt.Errorf("the document has no example of %s", key)
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	var want, got any
	_, _ = json.Unmarshal([]byte(x.body), &want), json.Unmarshal(body, &got)
	if !reflect.DeepEqual(want, got) {
		return nil, fmt.Errorf("%s: want the body %s, got %s", key, x.body, body)
	}
	w := httptest.NewRecorder()
	if strings.HasSuffix(key, "/export") {
		x.response += "\n" + `{"type":"end","records":1}` + "\n"
	}
	kind := "application/json"
	if !json.Valid([]byte(x.response)) && !strings.HasSuffix(key, "/export") {
		kind = "text/plain; charset=utf-8"
	}
	responds(x.status, x.response, "Content-Type", kind)(w, req)
	return w.Result(), nil
}

const (
	exampleUser    = `{"user":{"username":"gwen","email":"gwen@example.com","token":"jwt.token.here","bio":null,"image":null}}`
	exampleArticle = `{"slug":"hello-gwen","title":"Hello, Gwen","description":"A first article","body":"It *works*.","tagList":["hello"],` +
		`"createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:05.678Z","favorited":false,"favoritesCount":0,` +
		`"author":{"username":"gwen","bio":null,"image":null,"following":false}}`
)

var exampleResponses = map[string]http.HandlerFunc{
	"POST /api/users": responds(201, exampleUser),
	"POST /api/sessions": responds(201, `{"session":{"id":1},"tokens":{"accessToken":"a","accessTokenExpiresAt":"2100-01-02T03:04:05.678Z",`+
		`"refreshToken":"r","refreshTokenExpiresAt":"2100-01-02T03:04:05.678Z"}}`),
	"GET /api/user":      responds(200, exampleUser),
	"POST /api/articles": responds(201, `{"article":`+exampleArticle+`}`),
	"GET /api/articles":  responds(200, `{"articles":[`+exampleArticle+`],"articlesCount":1,"nextCursor":null}`),
	"GET /api/articles/hello-gwen": responds(200, `{"article":`+exampleArticle+`}`, "ETag", `"v1"`,
		"RateLimit", `"read";r=2999;t=1`, "RateLimit-Policy", `"read";q=3000;w=60`),
	"PUT /api/articles/hello-gwen": responds(200, `{"article":{"slug":"hello-gwen","body":"It *works*. Really."}}`),
	"GET /api/user/export": responds(200, `{"type":"account"}`+"\n"+`{"type":"article","slug":"hello-gwen"}`+"\n"+`{"type":"end","records":2}`+"\n",
		"Content-Type", "application/x-ndjson"),
}
