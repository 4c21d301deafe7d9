// Package ratelimit counts the requests of each client against a quota, and
// writes the RateLimit fields that tell clients how much of it is left.
package ratelimit

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Quota is the number of requests of a class that one client may make in a
// window. A client that has been idle may make all of them at once.
type Quota struct {
	Requests int
	Window   time.Duration
}

// Quotas holds a Quota for each class of x-rate-limit.
type Quotas map[string]Quota

// StrictQuotas suit a service that is open to the internet. Sign-in and
// registration have a narrow quota of their own: each costs a password hash.
func StrictQuotas() Quotas {
	return Quotas{
		"read":  {Requests: 3000, Window: time.Minute},
		"write": {Requests: 300, Window: time.Minute},
		"auth":  {Requests: 20, Window: time.Minute},
	}
}

// WideQuotas are for development: no test suite or benchmark from one address
// reaches them.
func WideQuotas() Quotas {
	wide := Quota{Requests: 1_000_000_000, Window: time.Minute}
	return Quotas{"read": wide, "write": wide, "auth": wide}
}

// Address returns the name under which an anonymous client is known. An IPv6
// client has a whole /64 (RFC 6177), so a quota for each address would limit
// nothing.
func Address(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "a" + ip
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return "a" + a.String()
}

// Client is the caller that a request counts for.
type Client struct {
	User    int64      // 0 for an anonymous client
	Address netip.Addr // the zero Addr if it is not known
}

// network is the first address of a network, in its form of 16 bytes.
type network [16]byte

// level is a network around the client's address. All requests from it,
// whoever makes them, share a quota that is so many times as wide. Otherwise
// one client could have any number of quotas, by registering many accounts or
// by using many of the networks that a provider has assigned to it.
type level struct {
	bits  int // of an IPv6 address
	times int
}

// levels begin with the address itself: a /64 is a single network (see
// Address). A provider assigns a customer a /56 or a /48.
var levels = [...]level{{64, 10}, {56, 20}, {48, 40}}

// networks returns the networks of an address, one for each level. An IPv4
// address is only in the first.
func networks(a netip.Addr) (all [len(levels)]network, n int) {
	a = a.Unmap()
	if !a.Is6() {
		all[0] = a.WithZone("").As16()
		return all, 1
	}
	bytes := a.As16()
	for i, l := range levels {
		copy(all[i][:], bytes[:l.bits/8])
	}
	return all, len(levels)
}

// Limiter limits the requests of a class.
type Limiter struct {
	name      string   // quoted, as the header fields need it
	policy    []string // the value of RateLimit-Policy
	users     *buckets[int64]
	addresses *buckets[network] // of anonymous clients
	shared    [len(levels)]*buckets[network]
	lookups   *buckets[network] // of credentials that were not valid any more
}

// New returns a Limiter for the requests of a class.
func New(class string, q Quota) *Limiter {
	l := &Limiter{name: strconv.Quote(class), users: newBuckets[int64](q, 1), addresses: newBuckets[network](q, 1), lookups: newBuckets[network](q, 1)}
	l.policy = []string{fmt.Sprintf("%s;q=%d;w=%d", l.name, q.Requests, int(q.Window.Seconds()))}
	for i, level := range levels {
		l.shared[i] = newBuckets[network](q, level.times)
	}
	return l
}

// Take counts one request of a client and reports whether it is within the
// quotas: that of the user, or of the address if the client is anonymous, and
// those that the clients of a network share. It returns the number of requests
// left, and the seconds to wait: until the next request is allowed if this one
// is not, and otherwise until the quota is whole. A refusal uses up nothing.
func (l *Limiter) Take(c Client, now time.Time) (remaining, reset int, ok bool) {
	nets, n := networks(c.Address)
	g, ok := l.takeClient(c, nets[0], now)
	if !ok {
		return g.remaining, g.reset, false
	}
	var taken [len(levels)]grant
	remaining, reset = g.remaining, g.reset
	for i := range n {
		if taken[i], ok = l.shared[i].take(nets[i], now); ok {
			remaining = min(remaining, taken[i].remaining)
			continue
		}
		for j := range i {
			l.shared[j].giveBack(nets[j], taken[j])
		}
		if c.User != 0 {
			l.users.giveBack(c.User, g)
		} else {
			l.addresses.giveBack(nets[0], g)
		}
		return 0, taken[i].reset, false
	}
	return remaining, reset, true
}

func (l *Limiter) takeClient(c Client, address network, now time.Time) (grant, bool) {
	if c.User != 0 {
		return l.users.take(c.User, now)
	}
	return l.addresses.take(address, now)
}

// LookedUp counts a look-up in the database, which a client's credential cost
// that is not valid any more.
func (l *Limiter) LookedUp(address netip.Addr, now time.Time) {
	nets, _ := networks(address)
	l.lookups.take(nets[0], now)
}

// LookUp reports whether the database may be asked for another credential from
// an address, and otherwise the seconds to wait. Valid credentials use up
// nothing.
func (l *Limiter) LookUp(address netip.Addr, now time.Time) (reset int, ok bool) {
	nets, _ := networks(address)
	reset = l.lookups.wait(nets[0], now)
	return reset, reset == 0
}

// SetHeader sets the results of Take as the RateLimit fields of
// draft-ietf-httpapi-ratelimit-headers.
func (l *Limiter) SetHeader(h http.Header, remaining, reset int) {
	h["Ratelimit-Policy"] = l.policy // shared: Set would allocate
	h.Set("RateLimit", l.name+";r="+strconv.Itoa(remaining)+";t="+strconv.Itoa(reset))
}
