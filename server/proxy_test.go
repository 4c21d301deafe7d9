package server_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy is a TCP proxy to the database that a test can cut.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns []net.Conn
	dials int

	// received is how many bytes the database has sent.
	received atomic.Int64
}

// counter adds the bytes that are written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}

// newProxy returns a proxy to the database at databaseURL and the URL to reach
// it by.
func newProxy(t testing.TB, databaseURL string) (p *proxy, through string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p = &proxy{listener: listener, target: u.Host}
	t.Cleanup(p.cut)
	go p.serve()
	u.Host = listener.Addr().String()
	return p, u.String()
}

func (p *proxy) serve() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.target)
		if err != nil {
			from.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, from, to)
		p.dials++
		p.mu.Unlock()
		go func() {
			_, _ = io.Copy(from, io.TeeReader(to, counter{&p.received}))
			from.Close()
		}()
		go func() {
			_, _ = io.Copy(to, from)
			to.Close()
		}()
	}
}

// cut closes every connection and accepts no new ones.
func (p *proxy) cut() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

// dialled returns how many connections were ever opened.
func (p *proxy) dialled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}
