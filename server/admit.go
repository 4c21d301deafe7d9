package server

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/server/admission"
)

const (
	// streamTimeout is how long a stream may take.
	streamTimeout = 15 * time.Minute
	// refusedInterval is how often refusals are logged.
	refusedInterval = time.Second
)

// shed refuses at once a request that admit would refuse later, after it has
// cost work. A request whose response may be cached goes on.
func (s *Server) shed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if x := of(c); x.op != nil && s.admission.Full() && !s.cacheable(x) {
			return admission.ErrOverloaded
		}
		return next(c)
	}
}

// admit passes a request to its handler when there is a place for it. It comes
// after validation, which reads the body, so that a slow client takes no place.
// Requests with a cached response never reach it.
func (s *Server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c) // probes must report on the service, above all when it is busy
		}
		work := func() error { return next(c) }
		if x.op.Stream {
			return s.streams.do(x, work)
		}
		return s.admission.Do(x.Request().Context(), &x.place, work)
	}
}

// Outside implements request.Load.
func (x *exchange) Outside(ctx context.Context, wait func() error) error {
	return x.place.Outside(ctx, wait)
}

// countRefused replaces the log line of a request that was refused: under
// overload the lines would cost as much as the refusals. One line a second
// says how many there were.
func (s *Server) countRefused() {
	if s.refused.Add(1) == 1 {
		time.AfterFunc(refusedInterval, s.logRefused)
	}
}

func (s *Server) logRefused() {
	if n := s.refused.Swap(0); n > 0 {
		s.log.Warn("requests refused", "requests", n, "code", problem.Overloaded, "status", admission.ErrOverloaded.Status())
	}
}
