package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func TestRouting(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	slug := s.Publish(s.Register("anna"), "A title").Slug
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api", 404, ""},
		{"GET", "/api/", 404, ""},
		{"GET", "/api/nothing", 404, ""},
		{"POST", "/api/nothing", 404, ""},
		{"GET", "/api/tags/", 404, ""},
		{"GET", "/api//tags", 404, ""},
		{"GET", "/API/tags", 404, ""},
		{"GET", "/api/../api/tags", 404, ""},
		{"GET", "/api/articles/a/b/c", 404, ""},
		{"GET", "/api/articles/a%2Fcomments/b/c", 404, ""},
		{"POST", "/api/tags", 405, "OPTIONS, GET, HEAD"},
		{"PATCH", "/api/user", 405, "OPTIONS, GET, HEAD, PUT, DELETE"},
		{"GET", "/api/users", 405, "OPTIONS, POST"},
		{"HEAD", "/api/users", 405, "OPTIONS, POST"},
		{"BREW", "/api/articles", 405, "OPTIONS, GET, HEAD, POST"},
		{"PATCH", "/api/articles/" + slug, 405, "OPTIONS, GET, HEAD, PUT, DELETE"},
		{"POST", "/api/articles/feed", 405, "OPTIONS, GET, HEAD"},
		{"DELETE", "/api/articles/feed", 405, "OPTIONS, GET, HEAD"},
		{"DELETE", "/api/sessions/refresh", 405, "OPTIONS, POST"},
		{"GET", "/api/articles/" + slug + "/favorite", 405, "OPTIONS, POST, DELETE"},
		{"POST", "/livez", 405, "OPTIONS, GET, HEAD"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			res, body := send(t, tt.method, s.Root+tt.path, "")
			require.Equal(t, tt.status, res.StatusCode)
			require.Equal(t, tt.allow, res.Header.Get("Allow"))
			if tt.method == "HEAD" {
				require.Empty(t, body)
				return
			}
			requireProblem(t, tt.status, map[int]string{404: "route_not_found", 405: "method_not_allowed"}[tt.status], res, body)
		})
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("anna")
	slug := s.Publish(u, "A title").Slug
	auth := []string{"Authorization", "Token " + u.Token}
	for _, path := range []string{"/api/articles/" + slug, "/api/articles", "/api/tags", "/api/user", "/api/articles/none", "/api/nothing", "/livez", "/readyz"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			get, body := send(t, "GET", s.Root+path, "", auth...)
			head, none := send(t, "HEAD", s.Root+path, "", auth...)
			require.Equal(t, get.StatusCode, head.StatusCode)
			require.NotEmpty(t, body)
			require.Empty(t, none)
			for _, r := range []*http.Response{get, head} {
				r.Header.Del("Date")
				r.Header.Del("X-Request-Id")
				r.Header.Del("Content-Length") // below, and of GET also when it is not announced
			}
			require.Equal(t, get.Header, head.Header)
			if head.StatusCode == http.StatusOK && strings.HasPrefix(path, "/api/") {
				require.EqualValues(t, len(body), head.ContentLength)
			}
		})
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	some := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CORSOrigins = []string{"https://front.example"} }))

	t.Run("Preflight", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			res, body := send(t, "OPTIONS", s.URL+"/articles/some", "", "Origin", "https://front.example",
				"Access-Control-Request-Method", method, "Access-Control-Request-Headers", "content-type,authorization,idempotency-key,if-match,if-none-match")
			require.Equal(t, http.StatusNoContent, res.StatusCode)
			require.Empty(t, body)
			require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
			require.Contains(t, list(res.Header, "Access-Control-Allow-Methods"), strings.ToLower(method))
			require.Subset(t, list(res.Header, "Access-Control-Allow-Headers"),
				[]string{"content-type", "authorization", "idempotency-key", "if-match", "if-none-match"})
			require.NotEmpty(t, res.Header.Get("Access-Control-Max-Age"))
			require.Empty(t, res.Header.Get("Access-Control-Allow-Credentials"))
		}
	})
	t.Run("Responses", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/tags", "/user", "/nothing", "/articles?limit=0", "/articles/none"} {
			res, _ := send(t, "GET", s.URL+path, "", "Origin", "https://front.example")
			require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"), path)
			require.Subset(t, list(res.Header, "Access-Control-Expose-Headers"),
				[]string{"etag", "link", "location", "retry-after", "x-request-id", "ratelimit", "www-authenticate"}, path)
		}
	})
	t.Run("Origins", func(t *testing.T) {
		t.Parallel()
		for origin, want := range map[string]string{
			"https://front.example": "https://front.example", "https://other.example": "", "https://front.example.evil.example": "", "null": "",
		} {
			res, _ := send(t, "GET", some.URL+"/tags", "", "Origin", origin)
			require.Equal(t, want, res.Header.Get("Access-Control-Allow-Origin"), origin)
			require.Contains(t, list(res.Header, "Vary"), "origin")
		}
	})
}

// list returns the members of a list field in lower case.
func list(h http.Header, name string) []string {
	members := strings.Split(strings.ToLower(strings.Join(h.Values(name), ",")), ",")
	for i := range members {
		members[i] = strings.TrimSpace(members[i])
	}
	return members
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	broken := servertest.New(t)
	breakTables(t, broken)
	tag, _ := send(t, "GET", s.URL+"/tags", "")
	tests := []struct {
		method, url string
		status      int
		header      []string
	}{
		{"GET", s.URL + "/tags", 200, nil},
		{"GET", s.URL + "/tags", 304, []string{"If-None-Match", tag.Header.Get("ETag")}},
		{"GET", s.URL + "/user", 401, nil},
		{"GET", s.Root + "/nothing", 404, nil},
		{"PUT", s.URL + "/tags", 405, nil},
		{"OPTIONS", s.URL + "/tags", 204, []string{"Origin", "https://front.example"}},
		{"GET", broken.URL + "/tags", 500, nil},
		{"GET", s.Root + "/livez", 200, nil},
	}
	for _, tt := range tests {
		res, body := send(t, tt.method, tt.url, "", tt.header...)
		require.Equal(t, tt.status, res.StatusCode, "%s %s %s", tt.method, tt.url, body)
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "DENY", res.Header.Get("X-Frame-Options"))
		require.Equal(t, "no-referrer", res.Header.Get("Referrer-Policy"))
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
		require.NotEmpty(t, res.Header.Get("X-Request-Id"))
		require.Empty(t, res.Header.Get("Server"))
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	tests := []struct {
		name, given string
		accepted    bool
	}{
		{"UUID", "8e03978e-40d5-43e8-bc93-6894a57f9324", true},
		{"Word", "trace_1.2-3", true},
		{"Longest", strings.Repeat("x", 64), true},
		{"Absent", "", false},
		{"Short", "abc", false},
		{"TooLong", strings.Repeat("x", 65), false},
		{"Huge", strings.Repeat("x", 10_000), false},
		{"Space", "two words here", false},
		{"Quote", `"},{"level":"x`, false},
		{"Markup", "<script>alert(1)", false},
		{"NotASCII", "identität", false},
		{"Tab", "some\tthing", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, body := send(t, "GET", s.URL+"/nothing", "", "X-Request-Id", tt.given)
			p := requireProblem(t, 404, "route_not_found", res, body)
			if tt.accepted {
				require.Equal(t, tt.given, p.RequestId)
			} else {
				require.Regexp(t, `^[A-Z2-7]{26}$`, p.RequestId)
			}
			require.Contains(t, s.Log.String(), `"requestId":"`+p.RequestId+`"`)
		})
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	// Without the hasher for passwords, registration dereferences nil.
	s := servertest.New(t, servertest.WithDeps(func(d *server.Deps) { d.API = api.New(api.Deps{DB: d.DB, Passwords: (*auth.Passwords)(nil)}) }))
	res, body := send(t, "POST", s.URL+"/users", `{"user":{"username":"a","email":"a@example.com","password":"correct horse"}}`,
		"Origin", "https://front.example")
	p := requireProblem(t, 500, "internal", res, body)
	for _, leak := range []string{"panic", "goroutine", ".go", "nil pointer", "runtime", "/work", "byline/"} {
		require.NotContains(t, string(body), leak)
	}
	require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
	line := lineOf(t, s, p.RequestId)
	require.Equal(t, "ERROR", line["level"])
	require.Contains(t, line["cause"], "nil pointer dereference")
	require.Contains(t, line["cause"], "api/auth/password.go")

	res, _ = send(t, "GET", s.URL+"/tags", "")
	require.Equal(t, http.StatusOK, res.StatusCode, "the service continues after a panic")
}

func TestInternalErrorsAreSilent(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("anna")
	breakTables(t, s)
	for _, path := range []string{"/tags", "/user", "/articles", "/articles/feed", "/articles/some", "/profiles/anna"} {
		res, body := send(t, "GET", s.URL+path, "", "Authorization", "Token "+u.Token)
		p := requireProblem(t, 500, "internal", res, body)
		for _, leak := range []string{"relation", "SELECT", "users", "42P01", "SQLSTATE", "pgx", ".go"} {
			require.NotContains(t, string(body), leak, path)
		}
		require.Contains(t, lineOf(t, s, p.RequestId)["cause"], "42P01", "the log has the cause, which the client must not see")
	}
}

// TestConnectionEnds checks that the server closes a connection when the next
// request on it could be a part of this one, and when it does not read the rest
// of a body.
func TestConnectionEnds(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	login := "POST /api/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	next := "GET /api/tags HTTP/1.1\r\nHost: x\r\n\r\n"
	for label, test := range map[string]struct {
		sent     string
		statuses []int
	}{
		"LengthAndChunks":    {login + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + next, []int{422}},
		"Chunks":             {login + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + next, []int{422}},
		"ChunksInHTTP10":     {strings.Replace(login, "1.1", "1.0", 1) + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + next, []int{422}},
		"TooLongAndNotSent":  {login + "Content-Length: 1000000\r\n\r\n{", []int{413}},
		"MuchTooLongAndSent": {login + "Content-Length: 1000000\r\n\r\n" + strings.Repeat(" ", 1000000) + next, []int{413}},
		"Otherwise":          {login + "Content-Length: 2\r\n\r\n{}" + strings.Replace(next, "Host: x", "Host: x\r\nConnection: close", 1), []int{422, 200}},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.Root, "http://"))
			require.NoError(t, err)
			defer conn.Close()
			// Far longer than it takes, and shorter than the read timeout.
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			go func() { _, _ = io.WriteString(conn, test.sent) }()
			in := bufio.NewReader(conn)
			var statuses []int
			for {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection stays open")
					break
				}
				_, err = io.Copy(io.Discard, res.Body)
				require.NoError(t, err)
				statuses = append(statuses, res.StatusCode)
			}
			require.Equal(t, test.statuses, statuses)
		})
	}

	// The server waits for a short rest of a body, but sends the response
	// first.
	t.Run("LittleTooLongAndNotSent", func(t *testing.T) {
		t.Parallel()
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.Root, "http://"))
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		_, err = io.WriteString(conn, login+"Content-Length: 20000\r\n\r\n{")
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
		require.NoError(t, res.Body.Close())
	})
}
