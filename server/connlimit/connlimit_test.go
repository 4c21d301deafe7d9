package connlimit_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/connlimit"
)

// queue is a listener whose connections come from given addresses.
type queue struct {
	net.Listener
	addresses []string
	closed    int
}

func (q *queue) Accept() (net.Conn, error) {
	if len(q.addresses) == 0 {
		return nil, errors.New("no more")
	}
	a := q.addresses[0]
	q.addresses = q.addresses[1:]
	return &fake{queue: q, addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(a))}, nil
}

type fake struct {
	net.Conn
	queue *queue
	addr  net.Addr
}

func (f *fake) RemoteAddr() net.Addr { return f.addr }
func (f *fake) Close() error         { f.queue.closed++; return nil }

func TestListener(t *testing.T) {
	t.Parallel()
	q := &queue{}
	l := connlimit.New(q, 2, func(a netip.Addr) bool { return netip.MustParsePrefix("10.0.0.0/8").Contains(a.Unmap()) })
	// accept returns the connections that are accepted, and how many of them
	// are spare ones.
	accept := func(n int, addresses ...string) (all []net.Conn, spare int) {
		for i := range n {
			q.addresses = append(q.addresses, addresses[i%len(addresses)])
		}
		for {
			c, err := l.Accept()
			if err != nil {
				return all, spare
			}
			all = append(all, c)
			if connlimit.IsSpare(c) {
				spare++
			}
		}
	}
	same, spare := accept(20, "192.0.2.1:1000", "[::ffff:192.0.2.1]:1001")
	require.Len(t, same, 10)
	require.Equal(t, 8, spare)
	require.Equal(t, 10, q.closed)
	require.EqualValues(t, 18, l.Refused())
	require.Zero(t, l.Refused())

	other, spare := accept(3, "192.0.2.2:1000")
	require.Len(t, other, 3)
	require.Equal(t, 1, spare)
	near, spare := accept(3, "[2001:db8::1]:1000", "[2001:db8::2]:1000")
	require.Len(t, near, 3)
	require.Equal(t, 1, spare, "a /64 is one client")
	for _, exempt := range []string{"127.0.0.1:1000", "[::1]:1000", "10.1.2.3:1000", "[::ffff:10.1.2.3]:1000"} {
		all, spare := accept(50, exempt)
		require.Len(t, all, 50)
		require.Zero(t, spare)
	}

	for _, c := range same {
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "it counts once")
	}
	again, spare := accept(20, "192.0.2.1:1000")
	require.Len(t, again, 10)
	require.Equal(t, 8, spare)
}
