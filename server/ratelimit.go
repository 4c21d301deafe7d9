package server

import (
	"time"

	"github.com/labstack/echo/v4"

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
// user has a quota, and the anonymous clients of one address share one. Each
// replica counts only its own requests.
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

// CountAuth implements request.Load. A request that hashes a password costs
// more than others of its class.
func (x *exchange) CountAuth() error {
	if x.countedAuth {
		return nil
	}
	return x.count(classAuth)
}

// count counts the request against the quota of a class. The response has the
// RateLimit fields of the last class that was counted.
func (x *exchange) count(class string) error {
	x.countedAuth = x.countedAuth || class == classAuth
	limiter := x.server.limiters[class]
	if limiter == nil {
		return nil
	}
	client := ratelimit.Address(x.RealIP())
	if id := x.info.Viewer.ID; id != 0 {
		client = ratelimit.User(id)
	}
	remaining, reset, ok := limiter.Take(client, time.Now())
	limiter.SetHeader(x.Response().Header(), remaining, reset)
	if !ok {
		p := problem.New(problem.RateLimited, "request", "too many requests")
		p.RetryAfter = reset
		return p
	}
	return nil
}
