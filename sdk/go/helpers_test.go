package byline_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

// The module has no dependencies, so that its tests have these checks.

func equal(t *testing.T, want, got any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("want %#v, got %#v", want, got)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func isError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("want %v, got %v", target, err)
	}
}

// as returns the error of type T in err.
func as[T error](t *testing.T, err error) (found T) {
	t.Helper()
	if !errors.As(err, &found) {
		t.Fatalf("want %T, got %v", found, err)
	}
	return found
}

// requireError checks the status and the code of an error.
func requireError(t *testing.T, err error, status int, code byline.Code) *byline.Error {
	t.Helper()
	e := as[*byline.Error](t, err)
	equal(t, status, e.Status)
	equal(t, code, e.Code)
	return e
}

// recorder records the requests of a client and the statuses of the responses.
type recorder struct {
	mu       sync.Mutex
	requests []*http.Request
	statuses []int
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(context.Background())
	res, err := http.DefaultTransport.RoundTrip(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, sent)
	if err == nil {
		r.statuses = append(r.statuses, res.StatusCode)
	}
	return res, err
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.statuses = nil, nil
}

func (r *recorder) seen() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.statuses
}

// fake starts a service that handles the n-th request with the n-th handler,
// and all further requests with the last one. It returns a client of the
// service.
func fake(t *testing.T, handlers []http.HandlerFunc, options ...byline.Option) (*byline.Client, *recorder) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handle := handlers[min(n, len(handlers)-1)]
		n++
		mu.Unlock()
		handle(w, r)
	}, options...)
}

// serve starts a service with one handler, and returns a client of it.
func serve(t *testing.T, handle http.HandlerFunc, options ...byline.Option) (*byline.Client, *recorder) {
	t.Helper()
	web := httptest.NewServer(handle)
	t.Cleanup(web.Close)
	rec := &recorder{}
	quick := byline.Retry{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second}
	options = append([]byline.Option{byline.WithHTTPClient(&http.Client{Transport: rec}), byline.WithRetry(quick)}, options...)
	c, err := byline.New(web.URL, options...)
	noError(t, err)
	return c, rec
}

func responds(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func breaksInside(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"tags":`)
	panic(http.ErrAbortHandler)
}

const busy = `{"type":"/docs/errors#overloaded","title":"Service Unavailable","status":503,"detail":"Later.","code":"overloaded","requestId":"r1","errors":{"server":["is busy"]}}`

const password = "correct horse battery"

func newUser(name string) byline.NewUser {
	return byline.NewUser{Username: name, Email: name + "@example.com", Password: password}
}

func login(name, password string) byline.LoginUser {
	return byline.LoginUser{Email: name + "@example.com", Password: password}
}

func newArticle(title string, tags ...string) byline.NewArticle {
	return byline.NewArticle{Title: title, Description: "About " + title, Body: "# " + title, TagList: tags}
}
