// Package ratelimit counts the requests of each client against a quota, and
// writes the RateLimit fields that tell clients how much of it is left.
package ratelimit

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
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

// Address returns the key under which an anonymous client is counted. An IPv6
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

// User returns the key under which a signed-in client is counted.
func User(id int64) string { return "u" + strconv.FormatInt(id, 10) }

// Limiter implements the generic cell rate algorithm: it stores one time for
// each client, at which the client's quota will be whole again.
type Limiter struct {
	name   string   // quoted, as the header fields need it
	policy []string // the value of RateLimit-Policy
	quota  Quota
	step   time.Duration // after which one more request is allowed
	shards [16]shard
}

type shard struct {
	mu    sync.Mutex
	whole map[string]time.Time
	swept time.Time
}

// New returns a Limiter for the requests of a class.
func New(class string, q Quota) *Limiter {
	l := &Limiter{name: strconv.Quote(class), quota: q, step: max(q.Window/time.Duration(max(q.Requests, 1)), 1)}
	l.policy = []string{fmt.Sprintf("%s;q=%d;w=%d", l.name, q.Requests, int(q.Window.Seconds()))}
	for i := range l.shards {
		l.shards[i].whole = map[string]time.Time{}
	}
	return l
}

// Take counts one request of a client and reports whether it is within the
// quota. It returns the number of requests left, and the seconds to wait: until
// the next request is allowed if this one is not, and otherwise until the quota
// is whole.
func (l *Limiter) Take(client string, now time.Time) (remaining, reset int, ok bool) {
	s := &l.shards[xxhash.Sum64String(client)%uint64(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now, l.quota.Window)
	whole := s.whole[client]
	if whole.Before(now) {
		whole = now
	}
	after := whole.Add(l.step)
	if wait := after.Sub(now) - l.quota.Window; wait > 0 {
		return 0, seconds(wait), false
	}
	s.whole[client] = after
	return int((l.quota.Window - after.Sub(now)) / l.step), seconds(after.Sub(now)), true
}

// SetHeader sets the results of Take as the RateLimit fields of
// draft-ietf-httpapi-ratelimit-headers.
func (l *Limiter) SetHeader(h http.Header, remaining, reset int) {
	h["Ratelimit-Policy"] = l.policy // shared: Set would allocate
	h.Set("RateLimit", l.name+";r="+strconv.Itoa(remaining)+";t="+strconv.Itoa(reset))
}

// sweep deletes the clients whose quota is whole, once in each window, so that
// memory is bounded by the clients of one window.
func (s *shard) sweep(now time.Time, window time.Duration) {
	if now.Sub(s.swept) < window {
		return
	}
	s.swept = now
	for client, whole := range s.whole {
		if whole.Before(now) {
			delete(s.whole, client)
		}
	}
}

// seconds rounds up, so that a client that waits that long succeeds.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
