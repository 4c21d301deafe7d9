package server

import (
	"context"
	"runtime"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/semaphore"

	"github.com/byline-api/byline/api/problem"
)

// admission bounds how many requests are worked on at once, and how many wait
// for that and how long. Beyond it a request would only make all others wait
// longer, so it is refused while the client can still make use of the answer.
type admission struct {
	places *semaphore.Weighted // first come, first served
	queue  chan struct{}       // those that work or wait
	// streams are the answers that take as long as their clients do. They have
	// places of their own, or slow clients would take all.
	streams *semaphore.Weighted
}

const (
	// placesPerCore keep the pool's connections busy, with some more on their
	// way: a third of a request's time is spent outside the database.
	placesPerCore = 16
	// waitersPerPlace bounds the queue: bursts of that size are worked off.
	waitersPerPlace = 4
	// admitTimeout is the longest that a request waits for a place. The work
	// itself takes milliseconds, so that a longer wait means overload.
	admitTimeout = time.Second
	// maxStreams keep few connections busy: each reads a page, then sends it.
	maxStreams = 4
	// streamTimeout is how long a stream may take.
	streamTimeout = 15 * time.Minute
)

func newAdmission(places int) admission {
	if places == 0 {
		places = placesPerCore * runtime.GOMAXPROCS(0)
	}
	return admission{
		places:  semaphore.NewWeighted(int64(places)),
		queue:   make(chan struct{}, places*(1+waitersPerPlace)),
		streams: semaphore.NewWeighted(maxStreams),
	}
}

// admit lets a request to its handler when there is a place for it. It stands
// behind validation, which reads the body: who sends slowly takes no place.
// What the cache answers never comes here.
func (s *Server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	a := &s.admission
	return func(c echo.Context) error {
		if of(c).op == nil {
			return next(c) // probes must tell how the service is, above all when it is busy
		}
		if of(c).op.Stream {
			if !a.streams.TryAcquire(1) {
				return problem.Unavailable(problem.Overloaded, 5, nil)
			}
			defer a.streams.Release(1)
			return next(c)
		}
		select {
		case a.queue <- struct{}{}:
		default:
			return problem.Unavailable(problem.Overloaded, 1, nil)
		}
		defer func() { <-a.queue }()
		if !a.places.TryAcquire(1) {
			ctx, cancel := context.WithTimeout(c.Request().Context(), admitTimeout)
			defer cancel()
			if err := a.places.Acquire(ctx, 1); err != nil {
				return problem.Unavailable(problem.Overloaded, 1, err)
			}
		}
		defer a.places.Release(1)
		return next(c)
	}
}
