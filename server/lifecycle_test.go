package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// running is a server on a listener of its own.
type running struct {
	addr   string
	stop   context.CancelFunc
	result chan error
}

func serve(t testing.TB, s *servertest.Service) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{addr: l.Addr().String(), stop: cancel, result: make(chan error, 1)}
	go func() { r.result <- s.Edge.Serve(ctx, l) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) url() string { return "http://" + r.addr }

func TestDrain(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithServer(func(c *server.Config) { c.DrainTimeout = time.Minute }))
	u := s.Register("anna")
	auth := []string{"Authorization", "Token " + u.Token}
	r := serve(t, s)
	b := block(t, url)
	var inFlight []<-chan int
	for range 3 {
		inFlight = append(inFlight, inBackground(t.Context(), r.url()+"/api/user", auth...))
	}
	b.await(3)
	r.stop()

	// The same server also serves requests on the harness's listener.
	require.Eventually(t, func() bool {
		res, body := send(t, "GET", s.Root+"/readyz", "")
		return res.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(body), `"draining":"shutting down"`)
	}, polling, tick)
	res, _ := send(t, "GET", s.Root+"/livez", "")
	require.Equal(t, http.StatusOK, res.StatusCode, "a draining server must not be killed")
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", r.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, polling, tick, "no new connections")
	select {
	case err := <-r.result:
		t.Fatal("Serve returned while requests were in flight:", err)
	default:
	}

	b.release()
	for _, status := range inFlight {
		require.Equal(t, http.StatusOK, <-status)
	}
	require.NoError(t, <-r.result)
}

func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithServer(func(c *server.Config) { c.DrainTimeout = 50 * time.Millisecond }))
	u := s.Register("anna")
	r := serve(t, s)
	b := block(t, url)
	stuck := inBackground(t.Context(), r.url()+"/api/user", "Authorization", "Token "+u.Token)
	b.await(1)
	r.stop()
	require.NoError(t, <-r.result)
	require.Zero(t, <-stuck, "cut off")
	require.Contains(t, s.Log.String(), "drain timeout")
}

func TestServeFails(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Error(t, s.Edge.Serve(t.Context(), l))
}

func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.ReadHeaderTimeout, c.ReadTimeout = 100*time.Millisecond, 300*time.Millisecond
	}))
	r := serve(t, s)
	const head = "POST /api/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	tests := []struct{ name, sent, response string }{
		{"Silence", "", ""},
		{"HalfARequestLine", "GET /api/ta", ""},
		{"HeadersThatDoNotEnd", head + "X-A: 1\r\n", ""},
		{"BodyThatDoesNotEnd", head + "Content-Length: 100\r\n\r\n{\"user\":", "408 Request Timeout"},
		{"ChunksThatDoNotEnd", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"use\r\n", "408 Request Timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := talk(t, r.addr, tt.sent)
			if tt.response == "" {
				require.NotContains(t, response, " 200 ")
				return
			}
			require.True(t, strings.HasPrefix(response, "HTTP/1.1 "+tt.response), response)
			require.Contains(t, response, "application/problem+json")
			require.Contains(t, response, "Connection: close")
			require.Contains(t, response, `"errors":{"body":["did not arrive in time"]}`)
			require.Contains(t, response, `"status":408,"title":"Request Timeout"`)
		})
	}
	res, body := send(t, "GET", r.url()+"/api/tags", "")
	require.Equal(t, http.StatusOK, res.StatusCode, string(body))
}

func TestHeaderLimits(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	r := serve(t, s)
	get := "GET /api/tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	require.Contains(t, talk(t, r.addr, get+"X-A: "+strings.Repeat("x", 16<<10)+"\r\n\r\n"), " 200 ")
	require.Contains(t, talk(t, r.addr, get+"X-A: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"), " 431 ")
	require.Contains(t, talk(t, r.addr, get+strings.Repeat("X-A: xxxxxxxxxxxxxxx\r\n", 4<<10)+"\r\n"), " 431 ")
	require.Contains(t, talk(t, r.addr, "GET /api/tags?x="+strings.Repeat("x", 64<<10)+" HTTP/1.1\r\nHost: x\r\n\r\n"), " 431 ")
	for _, smuggled := range []string{
		get + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		get + "X-A: a\x00b\r\n\r\n",
		get + "Bad Name: a\r\n\r\n",
	} {
		require.Contains(t, talk(t, r.addr, smuggled), " 400 ")
	}
}

// talk sends text on a connection and returns all that comes back until the
// server closes it.
func talk(t testing.TB, addr, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(polling)))
	_, _ = io.WriteString(conn, text) // a server that refuses early stops reading
	got, err := io.ReadAll(bufio.NewReader(conn))
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatalf("the server keeps the connection open; it sent %q", got)
	}
	return string(got)
}
