package strangle_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle"
)

// closedAddr returns the URL of a port on which nobody listens.
func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return "http://" + l.Addr().String()
}

// abort ends a connection without a response.
func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// hang answers when the proxy has given up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// TestFailOpen checks that the old system answers every read that the new one
// does not, and that a write is sent twice in no case.
func TestFailOpen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, reason string
		handler      http.HandlerFunc
		edit         func(*testing.T, *strangle.Config)
		write        int // the status of a write
	}{
		{"Down", "unreachable", nil, func(t *testing.T, c *strangle.Config) { c.New = closedAddr(t) }, 200},
		{"Slow", "timeout", hang, func(_ *testing.T, c *strangle.Config) { c.NewTimeout = 20 * time.Millisecond }, 504},
		{"Reset", "connection_broken", abort, nil, 502},
		{"Error500", "server_error", status(500), nil, 500},
		{"Error503", "server_error", status(503), nil, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, func(cfg *strangle.Config) {
				modes("default", "new")(cfg)
				cfg.StickAfterWrite = 0
				if c.edit != nil {
					c.edit(t, cfg)
				}
			}, nil, c.handler)
			read := w.send("GET", "/api/articles?limit=3", "")
			require.Equal(t, http.StatusOK, read.StatusCode)
			require.Equal(t, "old", read.from())
			batch := w.send("POST", "/api/batch/articles", `{"slugs":["a"]}`)
			require.Equal(t, "old", batch.from())
			require.Equal(t, "1", w.metric(`strangle_fallbacks_total{operation="GetArticles",reason="`+c.reason+`"}`))
			old := w.old.all()
			require.Equal(t, "/api/articles?limit=3", old[0].uri)
			require.Equal(t, `{"slugs":["a"]}`, old[1].body)

			for _, body := range []string{`{"article":{}}`, ""} {
				before := len(w.old.all()) + len(w.new.all())
				write := w.send("POST", "/api/articles", body, "Idempotency-Key", "k")
				require.Equal(t, c.write, write.StatusCode)
				all := append(w.new.all(), w.old.all()...)
				if c.reason == "connection_broken" && body == "" {
					// Byline knows the key, so that the client of Go may try again.
					require.LessOrEqual(t, len(all), before+2)
				} else {
					require.Len(t, all, before+1)
				}
				if c.write == 200 {
					require.Equal(t, "old", write.from())
					require.Equal(t, body, all[len(all)-1].body)
				}
			}
		})
	}
}

// TestWritesFallBack checks the setting for the time after the last import.
func TestWritesFallBack(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) {
		modes("default", "new")(c)
		c.New, c.WritesFallBack = closedAddr(t), false
	}, nil, nil)
	require.Equal(t, http.StatusBadGateway, w.send("POST", "/api/articles", "{}").StatusCode)
	require.Equal(t, "old", w.send("GET", "/api/articles", "").from())
	require.Len(t, w.old.all(), 1)
}

// TestBrokenOff checks that a response which breaks in the middle breaks for
// the client too, instead of looking complete.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	broken := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	for _, mode := range []string{"old", "new", "shadow"} {
		w := start(t, modes("reads", mode), broken, broken)
		_, err := try(t.Context(), w.front, "GET", "/api/tags", "")
		require.Error(t, err)
		side := strings.Replace(mode, "shadow", "old", 1)
		w.eventually(func() bool {
			return w.metric(`strangle_broken_responses_total{operation="GetTags",upstream="`+side+`"}`) == "1"
		})
		if mode == "shadow" {
			require.Empty(t, w.new.all(), "a broken response is not compared")
		}
	}
}

// TestOldDown checks the answer if there is nobody to fall back to.
func TestOldDown(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) { c.Old = closedAddr(t) }, nil, status(500))
	for range 3 {
		a := w.send("GET", "/api/tags", "")
		require.Equal(t, http.StatusBadGateway, a.StatusCode)
		require.JSONEq(t, `{"errors":{"proxy":["the service cannot be reached"]}}`, a.body)
		w.set("reads", "new")
	}
	require.Empty(t, w.metric(`strangle_requests_total{operation="CreateArticle",status="none",upstream="old"}`))
}

// TestBreaker checks that reads do not wait for a system that has failed again
// and again, and that writes still go there.
func TestBreaker(t *testing.T) {
	t.Parallel()
	works := atomic.Bool{}
	w := start(t, func(c *strangle.Config) {
		modes("default", "new")(c)
		c.StickAfterWrite = 0
	}, nil, func(w http.ResponseWriter, r *http.Request) {
		if !works.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	for range 20 {
		require.Equal(t, "old", w.send("GET", "/api/tags", "").from())
	}
	require.Len(t, w.new.all(), 5)
	require.Equal(t, "1", w.metric("strangle_breaker_open"))
	require.Equal(t, "15", w.metric(`strangle_fallbacks_total{operation="GetTags",reason="breaker_open"}`))
	works.Store(true)
	require.Equal(t, "new", w.send("POST", "/api/articles", "{}").from())
	require.Equal(t, "0", w.metric("strangle_breaker_open"), "a success ends the pause")
	require.Equal(t, "new", w.send("GET", "/api/tags", "").from())
}

// TestHold checks that requests wait for the next mode, in number and time
// bounded.
func TestHold(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) {
		modes("default", "old", "writes", "hold")(c)
		c.Hold = strangle.HoldLimits{Requests: 20, Time: time.Hour}
	}, nil, nil)
	var wg sync.WaitGroup
	answers := make(chan answer, 20)
	for i := range 20 {
		wg.Go(func() {
			a, err := try(t.Context(), w.front, "POST", "/api/articles", fmt.Sprintf("body %d", i))
			if err == nil {
				answers <- a
			}
		})
	}
	w.eventually(func() bool { return w.metric("strangle_waiting_requests") == "20" })
	require.Empty(t, append(w.old.all(), w.new.all()...))
	require.Equal(t, "old", w.send("GET", "/api/tags", "").from(), "reads do not wait")

	full := w.send("POST", "/api/articles", "one too many")
	require.Equal(t, http.StatusServiceUnavailable, full.StatusCode)
	require.Equal(t, "5", full.Header.Get("Retry-After"))
	require.Equal(t, "1", w.metric("strangle_refused_writes_total"))

	w.set("default", "old", "writes", "hold", "GetTags", "new")
	w.eventually(func() bool { return w.metric("strangle_waiting_requests") == "20" })
	w.set("default", "old", "writes", "new")
	wg.Wait()
	close(answers)
	got := 0
	for a := range answers {
		got++
		require.Equal(t, "new", a.from())
	}
	require.Equal(t, 20, got)
	bodies := map[string]bool{}
	for _, r := range w.new.all() {
		bodies[r.body] = true
	}
	require.Len(t, bodies, 20)
}

// TestHoldTooLong checks that a read goes to old at last, and a write nowhere.
func TestHoldTooLong(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) {
		modes("default", "hold")(c)
		c.Hold.Time = 10 * time.Millisecond
	}, nil, nil)
	require.Equal(t, "old", w.send("GET", "/api/articles", "").from())
	require.Equal(t, http.StatusServiceUnavailable, w.send("DELETE", "/api/articles/a", "").StatusCode)
	require.Len(t, w.old.all(), 1)
}

// TestDrained checks that an operator can wait until the old system works on no
// write anymore.
func TestDrained(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := start(t, nil, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			<-release
		}
	}, nil)
	done := make(chan answer, 1)
	go func() {
		a, _ := try(t.Context(), w.front, "POST", "/api/articles", "slow")
		done <- a
	}()
	w.eventually(func() bool { return w.metric("strangle_old_writes_in_flight") == "1" })
	early := request(t, w.admin, "PUT", "/mode?wait=10ms", `{"default":"old","writes":"hold"}`)
	require.Contains(t, early.body, `"drained":false`)
	held := make(chan answer, 1)
	go func() {
		a, _ := try(t.Context(), w.front, "POST", "/api/articles", "held")
		held <- a
	}()
	w.eventually(func() bool { return w.metric("strangle_waiting_requests") == "1" })
	close(release)
	late := request(t, w.admin, "PATCH", "/mode?wait=1m", `{}`)
	require.Contains(t, late.body, `"drained":true`)
	require.Equal(t, "old", (<-done).from())
	require.Len(t, w.old.all(), 1)
	w.set("default", "new")
	require.Equal(t, "new", (<-held).from())
}

// TestChangesUnderLoad changes the modes constantly, rolls back, and checks
// that no request fails and no write is carried out twice or not at all.
func TestChangesUnderLoad(t *testing.T) {
	t.Parallel()
	w := start(t, nil, nil, nil)
	const clients, each = 8, 60
	var wg sync.WaitGroup
	stop := make(chan struct{})
	changed := make(chan int, 1)
	go func() {
		n := 0
		defer func() { changed <- n }()
		for {
			for _, m := range []string{"new", "old", "shadow", "50%", "hold"} {
				select {
				case <-stop:
					return
				default:
				}
				if w.proxy.SetModes(strangle.Modes{"default": m}) != nil || w.proxy.Rollback() != nil {
					return
				}
				n++
			}
		}
	}()
	failed := atomic.Int64{}
	for c := range clients {
		wg.Go(func() {
			for i := range each {
				a, err := try(t.Context(), w.front, "GET", "/api/articles/"+strconv.Itoa(i), "")
				b, errToo := try(t.Context(), w.front, "POST", "/api/articles", fmt.Sprintf("%d-%d", c, i))
				if err != nil || errToo != nil || a.StatusCode != 200 || b.StatusCode != 200 {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	require.Greater(t, <-changed, 10)
	require.Zero(t, failed.Load())
	times := map[string]int{}
	for _, r := range append(w.old.all(), w.new.all()...) {
		if r.method == "POST" {
			times[r.body]++
		}
	}
	require.Len(t, times, clients*each)
	for body, n := range times {
		require.Equal(t, 1, n, body)
	}
}

// TestIdleConnections checks that a write is not sent again by Go's client when
// a system closes an idle connection, even if it has a key that says so.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	requests := atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buffer := make([]byte, 4096)
				for n := 1; ; n++ {
					if _, err := c.Read(buffer); err != nil {
						return
					}
					requests.Add(1)
					if n == 2 {
						return // it has carried out the request, and dies
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	w := start(t, func(c *strangle.Config) {
		c.Old = "http://" + l.Addr().String()
		c.New = c.Old
	}, nil, nil)
	want := int64(0)
	for _, key := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		for _, modes := range []string{"old", "new"} {
			w.set("default", modes)
			require.Equal(t, http.StatusOK, w.send("POST", "/api/profiles/a/follow", "").StatusCode)
			require.Equal(t, http.StatusBadGateway, w.send("POST", "/api/profiles/a/follow", "", key, "k").StatusCode)
			want += 2
			require.Equal(t, want, requests.Load(), key)
		}
	}
}

// TestUnreadBodies checks that a connection can be used again after a response
// that came before the end of the body.
func TestUnreadBodies(t *testing.T) {
	t.Parallel()
	w := start(t, modes("default", "new"), status(201), status(413))
	body := strings.Repeat("x", 50_000)
	for _, path := range []string{"/api/articles", "/nothing"} {
		for range 100 {
			a := w.send("POST", path, body, "X-Test-Unread", "1")
			require.Contains(t, []int{201, 413}, a.StatusCode)
		}
	}
	require.Len(t, w.new.all(), 100)
	require.Len(t, w.old.all(), 100)
}
