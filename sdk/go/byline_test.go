package byline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	byline "github.com/byline-api/byline/sdk/go"
)

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
	var mu sync.Mutex
	n := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handle := handlers[min(n, len(handlers)-1)]
		n++
		mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(web.Close)
	rec := &recorder{}
	quick := byline.Retry{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second}
	options = append([]byline.Option{byline.WithHTTPClient(&http.Client{Transport: rec}), byline.WithRetry(quick)}, options...)
	c, err := byline.New(web.URL, options...)
	require.NoError(t, err)
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

func breaks(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

func breaksInside(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"tags":`)
	panic(http.ErrAbortHandler)
}

const busy = `{"type":"/docs/errors#overloaded","title":"Service Unavailable","status":503,"detail":"Later.","code":"overloaded","requestId":"r1","errors":{"server":["is busy"]}}`

func TestRetry(t *testing.T) {
	ctx := t.Context()
	tags := responds(200, `{"tags":["a"]}`)

	t.Run("Reads", func(t *testing.T) {
		for name, fault := range map[string]http.HandlerFunc{
			"unavailable": responds(503, busy), "limited": responds(429, busy), "gateway": responds(502, ""),
			"no response": breaks, "half a response": breaksInside,
		} {
			t.Run(name, func(t *testing.T) {
				c, rec := fake(t, []http.HandlerFunc{fault, fault, tags})
				res, err := c.GetTagsWithResponse(ctx, nil)
				require.NoError(t, err)
				require.Equal(t, []string{"a"}, res.JSON200.Tags)
				require.Len(t, rec.requests, 3)
			})
		}
	})
	t.Run("KeepsKey", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{breaks, responds(201, `{"user":{"username":"a"}}`)})
		_, err := c.CreateUserWithResponse(ctx, nil, newUser("a"))
		require.NoError(t, err)
		require.Len(t, rec.requests, 2)
		key := rec.requests[0].Header.Get("Idempotency-Key")
		require.NotEmpty(t, key)
		require.Equal(t, key, rec.requests[1].Header.Get("Idempotency-Key"))
	})
	t.Run("CallersKey", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(201, `{"user":{"username":"a"}}`)})
		_, err := c.CreateUserWithResponse(ctx, &byline.CreateUserParams{IdempotencyKey: new("mine")}, newUser("a"))
		require.NoError(t, err)
		require.Equal(t, "mine", rec.requests[0].Header.Get("Idempotency-Key"))
	})
	t.Run("NotUnlessSafe", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy)})
		_, err := c.LoginWithResponse(ctx, login("a", password))
		requireError(t, err, 503, "overloaded")
		_, err = c.DeleteArticleWithResponse(ctx, "slug", nil)
		requireError(t, err, 503, "overloaded")
		require.Len(t, rec.requests, 2)
	})
	t.Run("GivesUp", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy)})
		_, err := c.GetTagsWithResponse(ctx, nil)
		e := requireError(t, err, 503, "overloaded")
		require.Equal(t, "byline: 503 overloaded: Later. server is busy", e.Error())
		require.Len(t, rec.requests, 3)
	})
	t.Run("RetryAfter", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(429, busy, "Retry-After", "1"), tags})
		started := time.Now()
		_, err := c.GetTagsWithResponse(ctx, nil)
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(started), time.Second)
	})
	t.Run("RetryAfterTooLong", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(429, busy, "Retry-After", "3600")})
		_, err := c.GetTagsWithResponse(ctx, nil)
		require.Equal(t, time.Hour, requireError(t, err, 429, "overloaded").RetryAfter)
		require.Len(t, rec.requests, 1)
	})
	t.Run("Cancelled", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(429, busy, "Retry-After", "2")})
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := c.GetTagsWithResponse(ctx, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		requireError(t, err, 429, "overloaded")
	})
}

func TestErrors(t *testing.T) {
	ctx := t.Context()
	t.Run("NotOurs", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(403, "<h1>Forbidden</h1>", "Content-Type", "text/html")})
		_, err := c.GetTagsWithResponse(ctx, nil)
		require.Equal(t, "byline: 403: Forbidden", requireError(t, err, 403, "").Error())
	})
	t.Run("SuccessWithoutJSON", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(200, "<h1>Sign in to this Wi-Fi</h1>", "Content-Type", "text/html")})
		_, err := c.GetTagsWithResponse(ctx, nil)
		requireError(t, err, 200, "")
	})
	t.Run("IteratorEnds", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(401, busy)})
		n := 0
		for _, err := range c.Feed(ctx, nil) {
			requireError(t, err, 401, "overloaded")
			n++
		}
		require.Equal(t, 1, n)
	})
	t.Run("BadAddress", func(t *testing.T) {
		_, err := byline.New("byline.example.com")
		require.Error(t, err)
	})
}

func TestToken(t *testing.T) {
	ctx := t.Context()
	n := 0
	c, rec := fake(t, []http.HandlerFunc{responds(200, `{"tags":[]}`)}, byline.WithTokenFunc(func(context.Context) (string, error) {
		if n++; n == 3 {
			return "", errors.New("signed out")
		}
		return fmt.Sprint("t", n), nil
	}))
	for range 2 {
		_, err := c.GetTagsWithResponse(ctx, nil)
		require.NoError(t, err)
	}
	_, err := c.GetTagsWithResponse(ctx, nil)
	require.EqualError(t, err, "signed out")
	_, err = c.WithToken("other").GetTagsWithResponse(ctx, nil)
	require.NoError(t, err)
	var sent []string
	for _, r := range rec.requests {
		sent = append(sent, r.Header.Get("Authorization"))
	}
	require.Equal(t, []string{"Token t1", "Token t2", "Token other"}, sent)
}

func TestCache(t *testing.T) {
	ctx := t.Context()
	confirming := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("X-Request-Id", "second")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		responds(200, `{"tags":["a"]}`, "ETag", `"v1"`, "X-Request-Id", "first")(w, r)
	}
	t.Run("ReturnsConfirmedResponses", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming})
		for _, id := range []string{"first", "second"} {
			res, err := c.GetTagsWithResponse(ctx, nil)
			require.NoError(t, err)
			require.Equal(t, []string{"a"}, res.JSON200.Tags)
			require.Equal(t, id, res.HTTPResponse.Header.Get("X-Request-Id"))
		}
		require.Equal(t, []int{200, 304}, rec.seen())
	})
	t.Run("SeparatesUsers", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming})
		for _, token := range []string{"a", "b", "a"} {
			_, err := c.WithToken(token).GetTagsWithResponse(ctx, nil)
			require.NoError(t, err)
		}
		require.Equal(t, []int{200, 200, 304}, rec.seen())
	})
	t.Run("IsBounded", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming}, byline.WithCache(2*len(`{"tags":["a"]}`)))
		for _, token := range []string{"a", "b", "a", "c", "a", "b"} { // c evicts b
			_, err := c.WithToken(token).GetTagsWithResponse(ctx, nil)
			require.NoError(t, err)
		}
		require.Equal(t, []int{200, 200, 304, 200, 304, 200}, rec.seen())
	})
	t.Run("Off", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{confirming}, byline.WithCache(0))
		for range 2 {
			_, err := c.GetTagsWithResponse(ctx, nil)
			require.NoError(t, err)
		}
		require.Equal(t, []int{200, 200}, rec.seen())
	})
	t.Run("NoStore", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(200, `{"tags":[]}`, "ETag", `"v1"`, "Cache-Control", "no-store")})
		for range 2 {
			_, err := c.GetTagsWithResponse(ctx, nil)
			require.NoError(t, err)
		}
		require.Empty(t, rec.requests[1].Header.Get("If-None-Match"))
	})
}
