package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// These servers are faulty on purpose. A check that finds nothing here would
// find nothing anywhere.

// badSite returns a site whose accounts and articles are invented instead of
// created.
func badSite(t *testing.T, h http.Handler) *site {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	s := newSite(strings.TrimPrefix(server.URL, "http://"), 1)
	s.limit, s.patience = 2*time.Second, 0.01
	token := "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiIxIn0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	s.victim = account{"victim", "victim@example.com", "correct horse", token}
	s.rival = account{"rival", "rival@example.com", "correct horse", token}
	s.slug, s.comment = "victim-article", "1"
	s.start = func(...string) (*target, error) {
		return &target{addr: s.addr, stop: func() error { return nil }}, nil
	}
	return s
}

// TestVerdict serves one fault at a time.
func TestVerdict(t *testing.T) {
	t.Parallel()
	good := func(w http.ResponseWriter, status int) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("X-Request-Id", "id")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"type":"a","title":"a","status":%d,"detail":"a","code":"a","requestId":"id","errors":{"a":["b"]}}`, status)
	}
	leak := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"a":%q}`, text)
		}
	}
	header := func(name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(name, value) }
	}
	for label, test := range map[string]struct {
		answer http.HandlerFunc
		want   string // "" if nothing is wrong
	}{
		"Good":            {func(w http.ResponseWriter, _ *http.Request) { good(w, 422) }, ""},
		"GoodJSON":        {leak("harmless: created_at in 5 s, see /docs/errors"), ""},
		"Deliberate":      {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "1"); good(w, 503) }, ""},
		"Unasked503":      {func(w http.ResponseWriter, _ *http.Request) { good(w, 503) }, "status 503"},
		"Internal":        {func(w http.ResponseWriter, _ *http.Request) { good(w, 500) }, "status 500"},
		"BadGateway":      {func(w http.ResponseWriter, _ *http.Request) { good(w, 502) }, "status 502"},
		"Pretended501":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(501) }, "status 501"},
		"SQLState":        {leak("ERROR: x (SQLSTATE 23505)"), "PostgreSQL"},
		"SQL":             {leak("SELECT id FROM users WHERE 1"), "an SQL statement"},
		"Constraint":      {leak("users_email_key"), "constraint"},
		"ForeignKey":      {leak("comments_article_id_fkey"), "constraint"},
		"Stack":           {leak("goroutine 7 [running]:"), "stack"},
		"Source":          {leak("at server.go:33"), "stack"},
		"Path":            {leak("open /home/byline/key"), "a path"},
		"Library":         {leak("json: cannot unmarshal string into Go struct field X"), "library"},
		"Dial":            {leak("dial tcp 10.0.0.1:5432"), "another service"},
		"Hash":            {leak("$argon2id$v=19$"), "secret"},
		"Passwd":          {leak("root:x:0:0:root"), "a file"},
		"LeakInHeader":    {header("X-Debug", "pgx: failed"), "PostgreSQL"},
		"Injected":        {header(canary, "1"), "injected"},
		"ControlInHeader": {header("X-A", "a\x01b"), "malformed MIME header"},
		"Credentials":     {header("Access-Control-Allow-Credentials", "true"), "credentials"},
		"Product":         {header("Server", "nginx/1.2"), "reveals software"},
		"TextError":       {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 404) }, "Content-Type"},
		"EmptyError":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "Content-Type"},
		"OtherShape": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(404)
			_, _ = io.WriteString(w, `{"error":"x"}`)
		}, "another form than declared"},
		"WrongStatusInside": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-Id", "id")
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(404)
			_, _ = io.WriteString(w, `{"type":"a","title":"a","status":400,"detail":"a","code":"a","requestId":"id","errors":{"a":["b"]}}`)
		}, "status 400 in the body"},
		"BrokenJSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"a":`)
		}, "not JSON"},
		"Dropped": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "no response"},
		"HalfSent": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		}, "that can be parsed"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			s := badSite(t, test.answer)
			r := s.perform(send("g", "n", message{method: "GET", target: "/"}.raw(s.addr), answered))
			if test.want == "" {
				require.Empty(t, r.complaints)
				return
			}
			require.Contains(t, strings.Join(r.complaints, "\n"), test.want)
		})
	}

	// A text that the client has sent is not a secret of the service.
	t.Run("Echo", func(t *testing.T) {
		t.Parallel()
		s := badSite(t, leak("SQLSTATE"))
		r := s.perform(send("g", "n", message{method: "POST", target: "/", body: `"SQLSTATE"`}.raw(s.addr), answered))
		require.Empty(t, r.complaints)
	})
	t.Run("Hang", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		s := badSite(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		t.Cleanup(func() { close(release) })
		s.limit = 50 * time.Millisecond
		r := s.perform(send("g", "n", message{method: "GET", target: "/"}.raw(s.addr), answered))
		require.Contains(t, strings.Join(r.complaints, "\n"), "took")
	})
	t.Run("Late", func(t *testing.T) {
		t.Parallel()
		s := badSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { time.Sleep(250 * time.Millisecond); good(w, 404) }))
		s.limit = 200 * time.Millisecond
		r := s.perform(send("g", "n", message{method: "GET", target: "/"}.raw(s.addr), answered))
		require.Contains(t, strings.Join(r.complaints, "\n"), "took")
	})
}

// lax responds to everything as if it were right, and returns everything that
// was sent.
var lax = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusCreated
		w.Header().Set("Location", "//elsewhere.example")
	}
	if r.Method == http.MethodPost && len(body) < 1000 && (bytes.Contains(body, []byte("member")) || bytes.Contains(body, []byte("edits"))) {
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"user":{"token":"a.b.c"},"article":{"slug":"s","role":"attacker"},"comment":{"id":1},"articles":[{"slug":"x"}],"tags":[],"invitation":{"id":1},"reports":[{"id":1,"slug":"s"}],"nextCursor":"AAAAAAAAAAAAAAAAAAAA"}`)
})

// broken panics and shows it to everybody.
var broken = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "panic: runtime error\ngoroutine 1 [running]:\n/home/byline/main.go:1", http.StatusInternalServerError)
})

// TestEveryGroupFinds checks that each group of attacks detects a server that
// accepts everything, and a server that is broken.
func TestEveryGroupFinds(t *testing.T) {
	t.Parallel()
	for _, server := range []struct {
		name    string
		handler http.Handler
		want    string // among the complaints
	}{{"Lax", lax, ""}, {"Broken", broken, "500"}} {
		for i, group := range append(slices.Clone(groups), slowAttacks) {
			t.Run(fmt.Sprintf("%s/%d", server.name, i), func(t *testing.T) {
				t.Parallel()
				s := badSite(t, server.handler)
				s.used, s.goat, s.goatSlug, s.goatComment = false, s.rival, "goat-article", "2"
				attacks := group(s)
				require.NotEmpty(t, attacks)
				for _, a := range attacks {
					r := s.perform(a)
					if complaints := strings.Join(r.complaints, "\n"); complaints != "" && strings.Contains(complaints, server.want) {
						t.Logf("%s: %s: %s", a.group, a.name, short(complaints, 200))
						return
					}
				}
				t.Fatalf("%s: none of %d attacks detected it", attacks[0].group, len(attacks))
			})
		}
	}
}

// TestSmuggled plays a server that treats the rest of an ambiguous request as
// another request.
func TestSmuggled(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n"+canary+": 1\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
		}
	}()
	s := newSite(l.Addr().String(), 1)
	r := s.perform(smuggling(s)[0])
	require.Contains(t, strings.Join(r.complaints, "\n"), "treated as a request")
	require.Contains(t, strings.Join(r.complaints, "\n"), "injected")
}

// TestSlowIsCut distinguishes a server that keeps slow connections from one
// that closes them.
func TestSlowIsCut(t *testing.T) {
	t.Parallel()
	s := badSite(t, lax)
	require.False(t, hold(s.addr, "GET / HT", "", 300*time.Millisecond).closed)
	strict := httptest.NewUnstartedServer(lax)
	strict.Config.ReadHeaderTimeout = 50 * time.Millisecond
	strict.Start()
	t.Cleanup(strict.Close)
	require.True(t, hold(strict.Listener.Addr().String(), "GET / HT", "", 20*time.Second).closed)
}

func TestAftermath(t *testing.T) {
	t.Parallel()
	value := "1"
	s := badSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"a":%s,"token":%d}`, value, time.Now().UnixNano())
	}))
	cmd := exec.Command("sleep", "600")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	born, err := birth(cmd.Process.Pid)
	require.NoError(t, err)
	target := &target{addr: s.addr, pid: cmd.Process.Pid, born: born}
	s.before, err = s.snapshot()
	require.NoError(t, err)
	o := options{maxRSS: 256}
	require.Empty(t, aftermath(s, target, o).complaints)

	value = "2"
	require.Contains(t, strings.Join(aftermath(s, target, o).complaints, "\n"), "were changed")
	value = "1"
	require.Contains(t, strings.Join(aftermath(s, target, options{maxRSS: -1}).complaints, "\n"), "memory")
	target.born = "0"
	require.Contains(t, strings.Join(aftermath(s, target, o).complaints, "\n"), "another process now")
	target.born = born
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Contains(t, strings.Join(aftermath(s, target, o).complaints, "\n"), "no longer exists")
}

// TestAttach checks that other machines are refused before a byte is sent.
func TestAttach(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://192.0.2.1:80", "http://example.com:80", "http://localhost:80", "http://127.0.0.1", "https://127.0.0.1:1", "http://[2001:db8::1]:80", "127.0.0.1:80", "http://127.0.0.1.example.com:80"} {
		_, err := attach(options{url: url})
		require.ErrorContains(t, err, "", url)
	}
	s := badSite(t, lax)
	target, err := attach(options{url: "http://" + s.addr})
	require.NoError(t, err)
	require.Equal(t, s.addr, target.addr)
}

// TestReport checks the last line and the counts of a report.
func TestReport(t *testing.T) {
	t.Parallel()
	s := badSite(t, broken)
	r := newReport(s, &target{}, options{})
	a := send("g", "n", message{method: "GET", target: "/"}.raw(s.addr), status(200))
	r.add(a, s.perform(a))
	r.add(attack{group: "h", name: "fine"}, result{})
	var out strings.Builder
	r.print(&out, options{atLeast: 300, failures: 5}, time.Second)
	require.Equal(t, 2, r.failed(), "the attack, and the low number of requests")
	require.Contains(t, out.String(), "FAILED g: n\n")
	require.Contains(t, out.String(), "only 1 distinct requests, want 300")
	require.True(t, strings.HasSuffix(out.String(), "\n2 passed, 2 failed\n"), out.String())
	_, err := parse([]string{"--only", "("})
	require.Error(t, err)
	_, err = parse([]string{"surplus"})
	require.Error(t, err)
}
