package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// remote is a listener whose connections seem to come from one address that is
// not a loopback address.
type remote struct{ net.Listener }

func (l remote) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return remoteConn{c}, err
}

type remoteConn struct{ net.Conn }

func (remoteConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1000}
}

// TestConnectionsPerAddress holds all connections of an address with bodies
// that do not end. The probes must answer, and everything else is refused at
// once.
func TestConnectionsPerAddress(t *testing.T) {
	t.Parallel()
	const most, spares = 3, 8
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.MaxConnectionsPerAddress = most }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Edge.Serve(ctx, remote{l}) }()
	t.Cleanup(func() { stop(); <-ended })
	addr := l.Addr().String()

	open := func(n int, text string) (close func()) {
		var all []net.Conn
		for range n {
			c, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			_, err = io.WriteString(c, text)
			require.NoError(t, err)
			all = append(all, c)
		}
		return func() {
			for _, c := range all {
				c.Close()
			}
		}
	}
	const half = "POST /api/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	closeHalf := open(most, half)
	for range 3 {
		for _, path := range []string{"/livez", "/readyz"} {
			require.Contains(t, talk(t, addr, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200 OK\r\n", path)
		}
		for _, request := range []string{half, "GET /api/tags HTTP/1.1\r\nHost: x\r\n\r\n", "GET /docs HTTP/1.1\r\nHost: x\r\n\r\n"} {
			answer := talk(t, addr, request)
			require.Contains(t, answer, "HTTP/1.1 429 Too Many Requests\r\n")
			require.Contains(t, answer, `"errors":{"connection":["too many connections"]}`)
			require.Contains(t, answer, "\r\nRetry-After: 1\r\n")
		}
	}
	closeIdle := open(spares, "")
	require.Empty(t, talk(t, addr, ""), "a connection beyond the spare ones is closed")

	closeHalf()
	closeIdle()
	require.Eventually(t, func() bool {
		res, err := http.Get("http://" + addr + "/api/tags")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, polling, 20*time.Millisecond)
}
