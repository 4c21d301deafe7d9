package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestParseHead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want head
	}{
		"Length":    {"HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-LENGTH: 12\r\nTransfer: y\r\n", head{status: 200, length: 12}},
		"Chunked":   {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n", head{status: 201, length: -1, chunked: true}},
		"Close":     {"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n", head{status: 503, length: 0, close: true}},
		"OldClose":  {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", head{status: 200, length: 5, close: true}},
		"OldKeep":   {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", head{status: 200, length: -1}},
		"NoFields":  {"HTTP/1.1 204 No Content\r\n", head{status: 204, length: -1}},
		"Lookalike": {"HTTP/1.1 200 OK\r\nContent-Lengthy: 7\r\nX-Content-Length: 8\r\n", head{status: 200, length: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseHead([]byte(c.text))
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
	for _, bad := range []string{"", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n"} {
		if _, err := parseHead([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

const get = "GET %s HTTP/1.1\r\nHost: test\r\n\r\n"

func TestConn(t *testing.T) {
	long := strings.Repeat("long ", 50_000)
	mux := http.NewServeMux()
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/close", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, "bye")
	})
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, _ *http.Request) {
		for part := range strings.SplitAfterSeq(long, " ") {
			fmt.Fprint(w, part)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	c := &Conn{Addr: server.Listener.Addr().String()}
	defer c.Close()
	for _, want := range []struct {
		path   string
		status int
		body   string
	}{{"/short", 200, "hello"}, {"/chunks", 200, long}, {"/empty", 204, ""}, {"/close", 200, "bye"}, {"/short", 200, "hello"}} {
		res, err := c.Do(fmt.Appendf(nil, get, want.path))
		if err != nil || res.Status != want.status || string(res.Body) != want.body {
			t.Fatalf("%s: status %d, %d bytes, %v", want.path, res.Status, len(res.Body), err)
		}
	}
	if c.Redials != 1 {
		t.Errorf("%d redials, want 1", c.Redials)
	}
}

func TestUntilClose(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, _ = conn.Read(make([]byte, 1000))
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\nall of it"))
			_ = conn.Close()
		}
	}()
	c := &Conn{Addr: l.Addr().String()}
	defer c.Close()
	res, err := c.Do(fmt.Appendf(nil, get, "/"))
	if err != nil || string(res.Body) != "all of it" {
		t.Errorf("got %q, %v", res.Body, err)
	}
}

func TestPacer(t *testing.T) {
	p := newPacer(1000, 100*time.Millisecond)
	if p.slots.Load() != 100 || p.due(50) != 50*time.Millisecond {
		t.Fatalf("%d slots, slot 50 at %s", p.slots.Load(), p.due(50))
	}
	if due, ok := p.take(0); !ok || due != 0 || p.delayed.Load() != 0 {
		t.Error("the first slot is due at once and not delayed")
	}
	if due, _ := p.take(31 * time.Millisecond); due != time.Millisecond || p.delayed.Load() != 1 || p.backlog() != 30 {
		t.Errorf("slot at %s, %d delayed, backlog %d", due, p.delayed.Load(), p.backlog())
	}
	for range 60 {
		p.take(0)
	}
	p.giveUp()
	if p.unsent() != 39 || p.backlog() != 30 {
		t.Errorf("%d unsent, backlog %d", p.unsent(), p.backlog())
	}
	for range 38 {
		p.take(0)
	}
	if _, ok := p.take(0); ok || p.unsent() != 1 {
		t.Errorf("all slots are taken; %d unsent", p.unsent())
	}
}

type driver struct{ request []byte }

func (d driver) Next(to []byte) []byte { return append(to, d.request...) }

func (d driver) Check(res Response, deep bool) error {
	if deep && string(res.Body) != "ok" {
		return errors.New("wrong body")
	}
	return nil
}

func run(t *testing.T, p Plan, handler http.HandlerFunc) *Result {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	p.Addr = server.Listener.Addr().String()
	p.Driver = func(int) Driver { return driver{fmt.Appendf(nil, get, "/")} }
	r, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClosedLoop(t *testing.T) {
	calls := 0
	r := run(t, Plan{Connections: 2, Warm: 20 * time.Millisecond, Measure: 100 * time.Millisecond, DeepEvery: 1, Begin: func() { calls++ }, End: func() { calls++ }},
		func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Millisecond)
			fmt.Fprint(w, "no")
		})
	if r.Requests == 0 || r.Requests > 100 || r.Errors != r.Requests || r.Failures[0].Message != "wrong body" || calls != 2 {
		t.Errorf("%d requests, %d errors, %v, %d calls", r.Requests, r.Errors, r.Failures, calls)
	}
	if r.Latency.Quantile(.5) < 2*time.Millisecond {
		t.Errorf("P50 %s", r.Latency.Quantile(.5))
	}
}

// TestOpenLoop checks that a server with half the speed of the rate causes high
// latencies and not fewer requests.
func TestOpenLoop(t *testing.T) {
	r := run(t, Plan{Connections: 1, Measure: 200 * time.Millisecond, Rate: 200}, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(10 * time.Millisecond)
		fmt.Fprint(w, "ok")
	})
	if r.Requests != 40 || r.Answered > 20 || r.Errors != 0 || r.Unsent != 0 {
		t.Errorf("%d requests, %d answered in time, %d errors, %d unsent", r.Requests, r.Answered, r.Errors, r.Unsent)
	}
	if r.Latency.Max() < 150*time.Millisecond || r.Backlog < 10 || r.Delayed < 20 {
		t.Errorf("max %s, backlog %d, delayed %d", r.Latency.Max(), r.Backlog, r.Delayed)
	}
}

func TestOpenLoopBehind(t *testing.T) {
	p := Plan{Connections: 1, Measure: 300 * time.Millisecond, Rate: 200}
	r := run(t, p, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(30 * time.Millisecond)
		fmt.Fprint(w, "ok")
	})
	if why := r.Behind(p); !strings.HasPrefix(why, "too many requests in flight: all 1 connections") || r.Waiting < 40 {
		t.Errorf("%d waiting, %g in flight, %q", r.Waiting, r.InFlight, why)
	}
}

// TestUntil checks that a run ends when it is told to, and counts the requests
// until then.
func TestUntil(t *testing.T) {
	until := make(chan struct{})
	var seen atomic.Int64
	started := time.Now()
	r := run(t, Plan{Connections: 2, Measure: time.Hour, Rate: 500, Until: until, Observe: func(from, to time.Time, status int) {
		if status != http.StatusOK || from.Before(started) || to.Before(from) {
			t.Errorf("status %d from %s to %s", status, from, to)
		}
		if seen.Add(1) == 20 {
			close(until)
		}
	}}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	if n := uint64(seen.Load()); r.Requests != n || n < 20 || n > 30 || r.Errors != 0 || r.Unsent != 0 || r.Waiting != 0 || r.Elapsed > time.Minute {
		t.Errorf("%d of %d requests, %d errors, %d unsent, %d waiting in %s", n, r.Requests, r.Errors, r.Unsent, r.Waiting, r.Elapsed)
	}
}

func TestBehind(t *testing.T) {
	p := Plan{Connections: 32, Measure: 4 * time.Second, Rate: 1000}
	for want, r := range map[string]Result{
		"":                             {Requests: 4000, Refused: 40, Waiting: 200, InFlight: 32, Errors: 4000},
		"errors: 41 of 4000":           {Requests: 4000, Refused: 41, Waiting: 3000, InFlight: 32},
		"too many requests in flight:": {Requests: 4000, Waiting: 201, InFlight: 29},
		"schedule lag: 201 requests":   {Requests: 4000, Waiting: 201, InFlight: 3},
		"too many":                     {Requests: 4000, Waiting: 0, Unsent: 1, InFlight: 32},
	} {
		if got := r.Behind(p); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := Run(ctx, Plan{Addr: "127.0.0.1:1", Connections: 1, Measure: time.Minute, Rate: 1, Driver: func(int) Driver { return driver{} }})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
