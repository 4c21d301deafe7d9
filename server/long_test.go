package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/certificate"
	"github.com/byline-api/byline/server/servertest"
)

// pipes is a listener whose connections have no buffers, so that a client that
// does not read stops the server at once.
type pipes struct{ opened, closed chan net.Conn }

func newPipes() pipes { return pipes{make(chan net.Conn), make(chan net.Conn)} }

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.opened:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// serveOn serves s on a listener until the test ends.
func serveOn(t *testing.T, s *servertest.Service, l net.Listener) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Edge.Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-ended })
}

// ask opens a connection to a listener and sends a request for a path.
func (p pipes) ask(t *testing.T, path string) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { _ = client.Close() })
	p.opened <- server
	_, err := io.WriteString(client, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	return client
}

// long publishes an article whose body has 600 KB.
func long(t *testing.T, s *servertest.Service, u servertest.User, title string) (path string) {
	t.Helper()
	slug := s.Publish(u, title).Slug
	_, err := s.DB.Exec(t.Context(), `UPDATE articles SET body = repeat('é', 300000) WHERE slug = $1`, slug)
	require.NoError(t, err)
	return "/api/articles/" + slug
}

// TestLongResponses checks that a client that does not read holds a part of the
// memory for long responses until it disconnects.
func TestLongResponses(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.ResponseMemory, c.SendTimeout = 1<<20, time.Hour }))
	l := newPipes()
	serveOn(t, s, l)
	u := s.Register("anna")
	one, two := long(t, s, u, "One"), long(t, s, u, "Two")
	auth := []string{"Authorization", "Token " + u.Token}
	json := append(auth, "Content-Type", "application/json")
	lines := s.Publish(u, "Lines").Slug
	for _, line := range []string{"a", "b"} {
		res, body := send(t, "PUT", s.URL+"/articles/"+lines, `{"article":{"body":"`+strings.Repeat(line+`\n`, 8000)+`"}}`, json...)
		require.Equal(t, 200, res.StatusCode, string(body))
	}
	diff := s.URL + "/articles/" + lines + "/revisions/3/diff"

	deaf := l.ask(t, one)
	_, err := bufio.NewReader(deaf).ReadString('\n') // the response has begun
	require.NoError(t, err)
	for _, header := range [][]string{nil, auth} {
		res, body := send(t, "GET", s.Root+two, "", header...)
		requireProblem(t, 503, "overloaded", res, body)
		require.Equal(t, "1", res.Header.Get("Retry-After"))
		res, _ = send(t, "GET", s.Root+two+"?format=html", "", header...)
		require.Equal(t, 503, res.StatusCode)
	}
	for _, path := range []string{"/tags", "/articles", "/profiles/anna", "/user"} {
		res, body := send(t, "GET", s.URL+path, "", auth...)
		require.Equal(t, 200, res.StatusCode, "short responses are sent: %s", body)
	}
	res, body := send(t, "GET", diff, "", auth...)
	requireProblem(t, 503, "overloaded", res, body) // short, but much work
	res, body = send(t, "PUT", s.Root+two, `{"article":{"title":"Two"}}`, json...)
	require.Equal(t, 200, res.StatusCode, "what was changed is not refused: %s", body)

	require.NoError(t, deaf.Close())
	require.Eventually(t, func() bool {
		res, body = send(t, "GET", s.Root+two, "", auth...)
		return res.StatusCode == 200
	}, polling, tick, "the memory is free: %s", body)
	require.Contains(t, string(body), strings.Repeat("é", 300000))
	res, body = send(t, "GET", diff, "", auth...)
	require.Equal(t, 200, res.StatusCode, string(body))
}

// TestSendTimeout checks that a connection ends when its client stops reading,
// but not while it reads slowly.
func TestSendTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 700 * time.Millisecond
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.SendTimeout = timeout }))
	l := newPipes()
	serveOn(t, s, l)
	path := long(t, s, s.Register("anna"), "Long")

	stopped, slow := l.ask(t, path), l.ask(t, path)
	began := time.Now()
	in := bufio.NewReaderSize(slow, 64<<10)
	res, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	total := 0
	for step := make([]byte, 64<<10); err == nil; time.Sleep(timeout / 7) {
		var n int
		n, err = io.ReadFull(res.Body, step)
		total += n
	}
	require.EqualValues(t, res.ContentLength, total, "%v", err)
	require.Greater(t, time.Since(began), timeout)
	text, err := io.ReadAll(stopped)
	require.True(t, err == nil || strings.Contains(err.Error(), "closed"), "%v", err)
	require.Less(t, len(text), 200<<10)
	require.Eventually(t, func() bool { return strings.Contains(s.Log.String(), `"status":499`) }, polling, tick)
}

// TestSendTimeoutHTTP2 checks the same for a stream whose client leaves no room
// for its response, and that the other streams of the connection continue.
func TestSendTimeoutHTTP2(t *testing.T) {
	t.Parallel()
	files := servertest.NewPEMFiles(t)
	files.Write(t, 1, time.Now().Add(time.Hour))
	pair, err := certificate.Load(files.Cert, files.Key, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.Certificate, c.SendTimeout, c.ResponseMemory = pair, 500*time.Millisecond, 1<<20
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	serveOn(t, s, l)
	u := s.Register("anna")
	path := long(t, s, u, "Long")

	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(polling)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	framer := http2.NewFramer(conn, conn)
	require.NoError(t, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	ask := func(stream uint32, path string) {
		var block strings.Builder
		encoder := hpack.NewEncoder(&block)
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "x"}, {":path", path}} {
			require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
		}
		require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: stream, BlockFragment: []byte(block.String()), EndStream: true, EndHeaders: true,
		}))
	}
	ask(1, path)
	for reset := false; !reset; {
		frame, err := framer.ReadFrame()
		require.NoError(t, err)
		_, reset = frame.(*http2.RSTStreamFrame)
	}
	require.Eventually(t, func() bool {
		res, _ := send(t, "GET", s.Root+path, "")
		return res.StatusCode == http.StatusOK
	}, polling, tick, "the memory is free")
	ask(3, "/api/tags")
	require.NoError(t, framer.WriteWindowUpdate(3, 1<<16))
	for ended := false; !ended; {
		frame, err := framer.ReadFrame()
		require.NoError(t, err)
		data, ok := frame.(*http2.DataFrame)
		ended = ok && data.StreamEnded()
	}
}
