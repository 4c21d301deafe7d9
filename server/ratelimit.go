package server

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/server/ratelimit"
)

// classAuth is the class of requests that hash a password or send a mail.
const classAuth = "auth"

// newLimiters returns a limiter for each class that has a quota.
func newLimiters(quotas ratelimit.Quotas) map[string]*ratelimit.Limiter {
	limiters := make(map[string]*ratelimit.Limiter, len(quotas))
	for class, quota := range quotas {
		limiters[class] = ratelimit.New(class, quota)
	}
	return limiters
}

// limitRate refuses requests beyond the quota of their class. Each signed-in
// user has a quota, and the anonymous clients of one address share one. All
// clients of an address share a wider one. ShareQuotas makes the quotas those
// of all replicas.
func (s *Server) limitRate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		if err := x.count(x.op.RateLimit); err != nil {
			return err
		}
		return next(c)
	}
}

// ShareQuotas shares the quotas with the other replicas until ctx ends. It
// returns at once if they are not shared.
func (s *Server) ShareQuotas(ctx context.Context) error {
	if s.fleet == nil {
		return nil
	}
	return s.fleet.Run(ctx)
}

// CountAuth implements request.Load. A request that hashes a password costs
// more than others of its class.
func (x *exchange) CountAuth() error {
	if x.countedAuth {
		return nil
	}
	return x.count(classAuth)
}

// Client implements request.Load.
func (x *exchange) Client() string {
	if id := x.info.Viewer.ID; id != 0 {
		return "u" + strconv.FormatInt(id, 10)
	}
	return ratelimit.Address(x.RealIP())
}

// count counts the request against the quota of a class. The response has the
// RateLimit fields of the last class that was counted.
func (x *exchange) count(class string) error {
	x.countedAuth = x.countedAuth || class == classAuth
	limiter := x.server.limiters[class]
	if limiter == nil {
		return nil
	}
	remaining, reset, ok := limiter.Take(ratelimit.Client{User: x.info.Viewer.ID, Address: x.address()}, time.Now())
	limiter.SetHeader(x.Response().Header(), remaining, reset)
	if !ok {
		return tooMany(reset)
	}
	return nil
}

// lookUp calls ask, which looks a credential up in the database. It refuses to
// if the client's address has sent so many credentials that are not valid any
// more that they have used up the quota of the request's class. It does not
// refuse a credential that was valid before, so that the other clients of an
// address cannot keep a user out.
func (x *exchange) lookUp(credential string, ask func() error) error {
	limiter := x.server.limiters[x.op.RateLimit]
	if limiter == nil {
		return ask()
	}
	address, now := x.address(), time.Now()
	if reset, ok := limiter.LookUp(address, now); !ok && !x.server.deps.Authenticator.Accepted(credential) {
		limiter.SetHeader(x.Response().Header(), 0, reset)
		return tooMany(reset)
	}
	err := ask()
	if errors.Is(err, auth.ErrTokenRevoked) {
		limiter.LookedUp(address, now)
	}
	return err
}

func tooMany(reset int) *problem.Error {
	p := problem.New(problem.RateLimited, "request", "too many requests")
	p.RetryAfter = reset
	return p
}

// address returns the client's network address, or the zero Addr.
func (x *exchange) address() netip.Addr {
	a, _ := netip.ParseAddr(x.RealIP())
	return a
}
