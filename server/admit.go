package server

import (
	"context"
	"runtime"
	"sync/atomic"
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
	room   int                 // how many of those work
	worked atomic.Int64        // how long, in nanoseconds, work has lately taken
	// refused counts those whose line in the log is still to be written.
	refused atomic.Int64
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
	// queueTimeout is the longest wait that a request joins the queue for, as
	// work has lately taken. Where it is dear, so many waiters would only be late.
	queueTimeout = 200 * time.Millisecond
	// refusedInterval is how often refusals are logged.
	refusedInterval = time.Second
	// maxStreams keep few connections busy: each reads a page, then sends it.
	maxStreams = 4
	// streamTimeout is how long a stream may take.
	streamTimeout = 15 * time.Minute
)

// overloaded is the answer to all that are refused for want of a place.
var overloaded = problem.Unavailable(problem.Overloaded, 1, nil)

func newAdmission(places int) *admission {
	if places == 0 {
		places = placesPerCore * runtime.GOMAXPROCS(0)
	}
	return &admission{
		places:  semaphore.NewWeighted(int64(places)),
		queue:   make(chan struct{}, places*(1+waitersPerPlace)),
		room:    places,
		streams: semaphore.NewWeighted(maxStreams),
	}
}

// full tells whether a request that came now would be refused.
func (a *admission) full() bool {
	n := len(a.queue)
	wait := time.Duration(a.worked.Load()) * time.Duration(n-a.room) / time.Duration(a.room)
	return n == cap(a.queue) || wait > queueTimeout
}

// do works when there is a place.
func (a *admission) do(ctx context.Context, work func() error) error {
	if a.full() {
		return overloaded
	}
	select {
	case a.queue <- struct{}{}:
	default:
		return overloaded
	}
	defer func() { <-a.queue }()
	if !a.places.TryAcquire(1) {
		ctx, cancel := context.WithTimeout(ctx, admitTimeout)
		defer cancel()
		if a.places.Acquire(ctx, 1) != nil {
			return overloaded
		}
	}
	defer a.places.Release(1)
	began := time.Now()
	defer func() {
		// Of two at the same time one is forgotten, which for a mean is no matter.
		mean := a.worked.Load()
		a.worked.Store(mean + (int64(time.Since(began))-mean)/16)
	}()
	return work()
}

// shed refuses at once, before it has cost anything, what admit would refuse
// after all. What the cache may have the answer to goes on.
func (s *Server) shed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if x := of(c); x.op != nil && s.admission.full() && !s.cacheable(x) {
			return overloaded
		}
		return next(c)
	}
}

// admit lets a request to its handler when there is a place for it. It stands
// behind validation, which reads the body: who sends slowly takes no place.
// What the cache answers never comes here.
func (s *Server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c) // probes must tell how the service is, above all when it is busy
		}
		if x.op.Stream {
			if !s.admission.streams.TryAcquire(1) {
				return problem.Unavailable(problem.Overloaded, 5, nil)
			}
			defer s.admission.streams.Release(1)
			return next(c)
		}
		return s.admission.do(x.Request().Context(), func() error { return next(c) })
	}
}

// countRefused stands for the line of a request that was refused: under
// overload lines would cost as much as refusals. One a second says how many
// there were.
func (s *Server) countRefused() {
	if s.admission.refused.Add(1) == 1 {
		time.AfterFunc(refusedInterval, s.logRefused)
	}
}

func (s *Server) logRefused() {
	if n := s.admission.refused.Swap(0); n > 0 {
		s.log.Warn("requests refused", "requests", n, "code", problem.Overloaded, "status", overloaded.Status())
	}
}
