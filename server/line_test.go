package server_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// line is a TCP proxy to the database that a test can cut.
type line struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns []net.Conn
	dials int
}

// newLine returns a line to the database at databaseURL and the URL to reach
// it by.
func newLine(t testing.TB, databaseURL string) (l *line, through string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l = &line{listener: listener, target: u.Host}
	t.Cleanup(l.cut)
	go l.serve()
	u.Host = listener.Addr().String()
	return l, u.String()
}

func (l *line) serve() {
	for {
		from, err := l.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", l.target)
		if err != nil {
			from.Close()
			continue
		}
		l.mu.Lock()
		l.conns = append(l.conns, from, to)
		l.dials++
		l.mu.Unlock()
		for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				pair[0].Close()
			}()
		}
	}
}

// cut closes every connection and accepts no new ones.
func (l *line) cut() {
	l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
}

// dialled returns how many connections were ever opened.
func (l *line) dialled() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dials
}
