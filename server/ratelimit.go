package server

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
)

// Quota is how many requests one client may make of a class in a window. A
// client that has been quiet may make all of them at once.
type Quota struct {
	Requests int
	Window   time.Duration
}

// Quotas holds a Quota for each class of x-rate-limit.
type Quotas map[string]Quota

// StrictQuotas suit a service that strangers reach. Sign-in and registration
// have a narrow one of their own: each costs a password hash.
func StrictQuotas() Quotas {
	return Quotas{
		"read":  {Requests: 3000, Window: time.Minute},
		"write": {Requests: 300, Window: time.Minute},
		"auth":  {Requests: 20, Window: time.Minute},
	}
}

// WideQuotas are for development: no test suite or benchmark from one address
// meets them.
func WideQuotas() Quotas {
	wide := Quota{Requests: 1_000_000_000, Window: time.Minute}
	return Quotas{"read": wide, "write": wide, "auth": wide}
}

// limitRate refuses requests beyond the quota of their class, with the
// RateLimit fields of draft-ietf-httpapi-ratelimit-headers. Signed-in users
// have a quota each, all others share one by address. Each replica counts for
// itself.
func (s *Server) limitRate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		limiter := s.limiters[x.op.RateLimit]
		if limiter == nil {
			return next(c)
		}
		client := address(x.RealIP())
		if id := x.info.Viewer.ID; id != 0 {
			client = "u" + strconv.FormatInt(id, 10)
		}
		remaining, reset, ok := limiter.take(client, time.Now())
		h := x.Response().Header()
		h["Ratelimit-Policy"] = limiter.policy
		h.Set("RateLimit", limiter.name+";r="+strconv.Itoa(remaining)+";t="+strconv.Itoa(reset))
		if !ok {
			p := problem.New(problem.RateLimited, "request", "too many requests")
			p.RetryAfter = reset
			return p
		}
		return next(c)
	}
}

// address is what an anonymous client is known by. One client of IPv6 has a
// whole /64 (RFC 6177), so that a quota for each address would be none.
func address(ip string) string {
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

// limiter is the generic cell rate algorithm: for each client it keeps one
// instant, at which its quota will be whole again.
type limiter struct {
	name   string // quoted, as the fields want it
	policy []string
	quota  Quota
	step   time.Duration // after which one more request is allowed
	shards [16]limiterShard
}

type limiterShard struct {
	mu    sync.Mutex
	whole map[string]time.Time
	swept time.Time
}

func newLimiter(class string, q Quota) *limiter {
	l := &limiter{name: strconv.Quote(class), quota: q, step: max(q.Window/time.Duration(max(q.Requests, 1)), 1)}
	l.policy = []string{fmt.Sprintf("%s;q=%d;w=%d", l.name, q.Requests, int(q.Window.Seconds()))}
	for i := range l.shards {
		l.shards[i].whole = map[string]time.Time{}
	}
	return l
}

// take asks for one request. It returns how many are left and the seconds
// after which there are more: until the next one when it refuses, until the
// quota is whole otherwise.
func (l *limiter) take(client string, now time.Time) (remaining, reset int, ok bool) {
	shard := &l.shards[xxhash.Sum64String(client)%uint64(len(l.shards))]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	shard.sweep(now, l.quota.Window)
	whole := shard.whole[client]
	if whole.Before(now) {
		whole = now
	}
	after := whole.Add(l.step)
	if wait := after.Sub(now) - l.quota.Window; wait > 0 {
		return 0, seconds(wait), false
	}
	shard.whole[client] = after
	return int((l.quota.Window - after.Sub(now)) / l.step), seconds(after.Sub(now)), true
}

// sweep forgets clients whose quota is whole, once a window, so that memory
// is bounded by the clients of a window.
func (s *limiterShard) sweep(now time.Time, window time.Duration) {
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

// seconds rounds up: a client that waits as long as it was told succeeds.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
