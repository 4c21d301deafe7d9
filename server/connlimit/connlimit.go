// Package connlimit bounds the connections that one client address may have
// open, so that a client with many cannot take those of all others.
package connlimit

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/byline-api/byline/server/ratelimit"
)

// spares is how many connections beyond the maximum an address may have. They
// are accepted, so that the server can respond to probes and say why it refuses
// the others.
const spares = 8

// Listener is a net.Listener that closes the connections of an address beyond
// its maximum.
type Listener struct {
	net.Listener
	most    int
	exempt  func(netip.Addr) bool
	refused atomic.Int64

	mu   sync.Mutex
	open map[string]int // connections by ratelimit.Address
}

// New returns a Listener that accepts connections of l. Addresses for which
// exempt returns true have no maximum, nor have loopback addresses: a proxy on
// the same machine brings the connections of many clients.
func New(l net.Listener, most int, exempt func(netip.Addr) bool) *Listener {
	return &Listener{Listener: l, most: most, exempt: exempt, open: map[string]int{}}
}

// Refused returns how many connections were closed at once or are spare ones,
// and sets that number to zero.
func (l *Listener) Refused() int64 { return l.refused.Swap(0) }

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		remote, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err != nil || remote.Addr().Unmap().IsLoopback() || l.exempt(remote.Addr()) {
			return c, nil
		}
		address := ratelimit.Address(remote.Addr().String())
		n := l.add(address, 1)
		if n > l.most {
			l.refused.Add(1)
		}
		if n > l.most+spares {
			l.add(address, -1)
			_ = c.Close()
			continue
		}
		return &conn{Conn: c, spare: n > l.most, leave: sync.OnceFunc(func() { l.add(address, -1) })}, nil
	}
}

// add changes the number of connections of an address and returns it.
func (l *Listener) add(address string, delta int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.open[address] + delta
	if n == 0 {
		delete(l.open, address)
	} else {
		l.open[address] = n
	}
	return n
}

// conn is a connection that counts until it is closed.
type conn struct {
	net.Conn
	spare bool
	leave func()
}

func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// IsSpare reports whether a connection, or the one below it, is beyond the
// maximum of its address. The server must close it soon.
func IsSpare(c net.Conn) bool {
	if outer, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = outer.NetConn()
	}
	own, ok := c.(*conn)
	return ok && own.spare
}
