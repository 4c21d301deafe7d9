// Package admission bounds the work that a server does at once, and the queue
// in front of it, so that an overload is refused instead of making every
// request slow.
package admission

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/byline-api/byline/api/problem"
)

const (
	// placesPerCore keeps the connections of the pool busy, with some requests
	// more: a third of a request's time is spent outside the database.
	placesPerCore = 16
	// queuedPerPlace bounds the queue: bursts of that size can be worked off.
	queuedPerPlace = 4
	// waitTimeout is the longest time that a request waits for a place. The
	// work itself takes milliseconds, so that a longer wait means overload.
	waitTimeout = time.Second
	// maxExpectedWait is the longest wait with which a request still joins the
	// queue. The expected wait is computed from the time that work has taken
	// lately. If work is slow, a full queue would only delay responses.
	maxExpectedWait = 200 * time.Millisecond
	// maxStreams is small, because few streams keep a connection busy: each
	// reads a page, then sends it.
	maxStreams = 4
)

// ErrOverloaded is the error of all requests that get no place.
var ErrOverloaded = problem.Unavailable(problem.Overloaded, 1, nil)

// Controller bounds how many requests are worked on at once, how many wait for
// that, and for how long. It refuses a request beyond that at once, while its
// client can still make use of the response.
type Controller struct {
	places *semaphore.Weighted // first come, first served
	queue  chan struct{}       // an element for each request that works or waits
	size   int                 // the number of places
	mean   atomic.Int64        // how long, in nanoseconds, work has taken lately
	// streams has the places of responses that last as long as their clients
	// take to read them. In the places of other requests, slow clients would
	// leave none.
	streams *semaphore.Weighted
}

// New returns a Controller with the given number of places; 0 adapts to the
// number of cores.
func New(places int) *Controller {
	if places == 0 {
		places = placesPerCore * runtime.GOMAXPROCS(0)
	}
	return &Controller{
		places:  semaphore.NewWeighted(int64(places)),
		queue:   make(chan struct{}, places*(1+queuedPerPlace)),
		size:    places,
		streams: semaphore.NewWeighted(maxStreams),
	}
}

// Full reports whether Do would refuse a request now.
func (c *Controller) Full() bool {
	n := len(c.queue)
	wait := time.Duration(c.mean.Load()) * time.Duration(n-c.size) / time.Duration(c.size)
	return n == cap(c.queue) || wait > maxExpectedWait
}

// Do waits for a place, and calls work in it. It returns the error of work, or
// ErrOverloaded if it did not call it.
func (c *Controller) Do(ctx context.Context, work func() error) error {
	if c.Full() {
		return ErrOverloaded
	}
	select {
	case c.queue <- struct{}{}:
	default:
		return ErrOverloaded
	}
	defer func() { <-c.queue }()
	if !c.places.TryAcquire(1) {
		ctx, cancel := context.WithTimeout(ctx, waitTimeout)
		defer cancel()
		if c.places.Acquire(ctx, 1) != nil {
			return ErrOverloaded
		}
	}
	defer c.places.Release(1)
	began := time.Now()
	defer func() {
		// Of two concurrent updates one is lost, which hardly changes the mean.
		mean := c.mean.Load()
		c.mean.Store(mean + (int64(time.Since(began))-mean)/16)
	}()
	return work()
}

// Stream calls work, which sends a response that may take minutes, in a place
// for streams. It returns an error at once if there is none.
func (c *Controller) Stream(work func() error) error {
	if !c.streams.TryAcquire(1) {
		return problem.Unavailable(problem.Overloaded, 5, nil)
	}
	defer c.streams.Release(1)
	return work()
}
