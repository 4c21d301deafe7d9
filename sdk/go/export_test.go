package byline_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

const (
	account  = `{"type":"account","username":"a"}` + "\n"
	follower = `{"type":"follower","username":"b"}` + "\n"
	end      = `{"type":"end","records":2}` + "\n"
)

// exports returns a handler that sends lines as the beginning of an export and
// then calls then.
func exports(lines string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("ETag", `"v1"`)
		_, _ = io.WriteString(w, lines)
		_ = http.NewResponseController(w).Flush()
		then(w, r)
	}
}

func stops(http.ResponseWriter, *http.Request) {}

// collect returns the types of the records of an export and the error that
// ended it early.
func collect(ctx context.Context, c *byline.Client) (types []string, err error) {
	for record, err := range c.Account.Export(ctx) {
		if err != nil {
			return types, err
		}
		types = append(types, string(record.Type))
	}
	return types, nil
}

func TestExport(t *testing.T) {
	ctx := t.Context()
	all := []string{"account", "follower"}
	t.Run("Streams", func(t *testing.T) {
		read := make(chan struct{})
		c, _ := fake(t, []http.HandlerFunc{exports(account, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-read:
				_, _ = io.WriteString(w, follower+end)
			case <-r.Context().Done():
			}
		})})
		var types []string
		for record, err := range c.Account.Export(ctx) {
			noError(t, err)
			if types = append(types, string(record.Type)); len(types) == 1 {
				close(read)
			}
		}
		equal(t, all, types)
	})
	t.Run("StoppedEarly", func(t *testing.T) {
		gone := make(chan struct{})
		c, _ := fake(t, []http.HandlerFunc{exports(account, func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			close(gone)
		})})
		for _, err := range c.Account.Export(ctx) {
			noError(t, err)
			break
		}
		<-gone
	})
	t.Run("RetriedBeforeItBegins", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy), breaks, exports(account+follower+end, stops)})
		for range 2 {
			types, err := collect(ctx, c)
			noError(t, err)
			equal(t, all, types)
		}
		last := rec.requests[len(rec.requests)-1]
		equal(t, "", last.Header.Get("If-None-Match")) // a stream must not be cached
	})
	for name, broken := range map[string]http.HandlerFunc{
		"Visibly":       exports(account+follower, breaks),
		"Silently":      exports(account+follower, stops),
		"InALine":       exports(account+follower+end[:10], stops),
		"RecordMissing": exports(account+end, stops),
	} {
		t.Run("BreaksOff/"+name, func(t *testing.T) {
			c, rec := fake(t, []http.HandlerFunc{broken})
			types, err := collect(ctx, c)
			isError(t, err, io.ErrUnexpectedEOF)
			equal(t, all[:len(types)], types)
			equal(t, 1, len(rec.requests)) // a retry would yield records twice
		})
	}
	t.Run("Refused", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(401, `{"code":"token_missing","errors":{"token":["is missing"]}}`)})
		types, err := collect(ctx, c)
		equal(t, []string{"is missing"}, requireError(t, err, 401, "token_missing").Fields["token"])
		equal(t, 0, len(types))
		equal(t, 1, len(rec.requests))
	})
	t.Run("NotOurs", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(200, "<h1>Sign in to this Wi-Fi</h1>", "Content-Type", "text/html")})
		_, err := collect(ctx, c)
		equal(t, 200, as[*byline.NotBylineError](t, err).Status)
	})
	t.Run("Stalls", func(t *testing.T) {
		stall := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		for name, stalls := range map[string]http.HandlerFunc{"before": stall, "inside": exports(account, stall)} {
			c, _ := fake(t, []http.HandlerFunc{stalls}, byline.WithRetry(byline.Retry{}),
				byline.WithHTTPClient(&http.Client{Timeout: 100 * time.Millisecond}))
			_, err := collect(ctx, c)
			t.Log(name)
			isError(t, err, context.DeadlineExceeded)
		}
	})
	t.Run("SlowReader", func(t *testing.T) {
		const limit = 500 * time.Millisecond
		c, _ := fake(t, []http.HandlerFunc{exports(account, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, follower+end)
		})}, byline.WithHTTPClient(&http.Client{Timeout: limit}))
		n := 0
		for _, err := range c.Account.Export(ctx) {
			noError(t, err)
			time.Sleep(limit)
			n++
		}
		equal(t, 2, n) // the timeout must not apply to the whole export
	})
	t.Run("Cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		c, _ := fake(t, []http.HandlerFunc{exports(account, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })})
		var last error
		for _, err := range c.Account.Export(ctx) {
			last = err
			cancel()
		}
		isError(t, last, context.Canceled)
	})
}
