package server

import (
	"runtime"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
)

// admission bounds how many requests are worked on at once. Beyond it a
// request would only wait for the same cores and connections and make all
// others wait longer, so it is refused at once, while the client can still
// make use of the answer.
type admission struct {
	limit    int64
	inFlight atomic.Int64
}

// defaultInFlight leaves room for every connection of the pool and for work
// that needs none, and bounds the wait of the admitted: 64 requests a core
// are a few milliseconds of work.
func defaultInFlight() int64 { return 64 * int64(runtime.GOMAXPROCS(0)) }

// admit refuses API requests while too many others are in flight.
func (s *Server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if of(c).op == nil {
			return next(c) // probes must tell how the service is, above all when it is busy
		}
		if s.admission.inFlight.Add(1) > s.admission.limit {
			s.admission.inFlight.Add(-1)
			return problem.Unavailable(problem.Overloaded, 1, nil)
		}
		defer s.admission.inFlight.Add(-1)
		return next(c)
	}
}
