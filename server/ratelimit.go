package server

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/server/ratelimit"
)

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
		limiter := s.limiters[x.op.RateLimit]
		if limiter == nil {
			return next(c)
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
		return next(c)
	}
}
