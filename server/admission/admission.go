// Package admission bounds the work that a server does at once, and the queue
// in front of it, so that an overload is refused instead of making every
// request slow.
package admission

import (
	"context"
	"errors"
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
)

// ErrOverloaded is the error of all requests that get no place.
var ErrOverloaded = problem.Unavailable(problem.Overloaded, 1, nil)

// Controller bounds how many requests are worked on at once, how many wait for
// that, and for how long. It refuses a request beyond that at once, while its
// client can still make use of the response.
type Controller struct {
	places *semaphore.Weighted // first come, first served
	size   int                 // the number of places
	queue  atomic.Int64        // the number of requests that work or wait
	most   int64               // the maximum of queue
	mean   atomic.Int64        // how long, in nanoseconds, work has taken lately
}

// New returns a Controller with the given number of places; 0 adapts to the
// number of cores.
func New(places int) *Controller {
	if places == 0 {
		places = placesPerCore * runtime.GOMAXPROCS(0)
	}
	return &Controller{
		places: semaphore.NewWeighted(int64(places)),
		size:   places,
		most:   int64(places * (1 + queuedPerPlace)),
	}
}

// Full reports whether Do would refuse a request now.
func (c *Controller) Full() bool {
	n := c.queue.Load()
	wait := time.Duration(c.mean.Load()) * time.Duration(n-int64(c.size)) / time.Duration(c.size)
	return n >= c.most || wait > maxExpectedWait
}

// Place is the place of a request. The zero Place is one that is not taken.
type Place struct {
	controller *Controller // nil unless the place is taken
	outside    time.Duration
}

// Do waits for a place, and calls work in it. It returns the error of work, or
// ErrOverloaded if it did not call it. Until it returns, work may use p.
func (c *Controller) Do(ctx context.Context, p *Place, work func() error) error {
	if c.Full() {
		return ErrOverloaded
	}
	if c.queue.Add(1) > c.most {
		c.queue.Add(-1)
		return ErrOverloaded
	}
	if !c.places.TryAcquire(1) {
		ctx, cancel := context.WithTimeout(ctx, waitTimeout)
		defer cancel()
		if c.places.Acquire(ctx, 1) != nil {
			c.queue.Add(-1)
			return ErrOverloaded
		}
	}
	p.controller, p.outside = c, 0
	began := time.Now()
	defer func() {
		p.giveBack()
		// Of two concurrent updates one is lost, which hardly changes the mean.
		mean := c.mean.Load()
		c.mean.Store(mean + (int64(time.Since(began)-p.outside)-mean)/16)
	}()
	return work()
}

// Outside gives the place back, calls wait, and takes a place again. It is for
// work that waits for something else than the database, so that such requests
// leave the places to others. The duration of wait is not part of the mean. If
// there is no place before ctx ends, Outside returns ErrOverloaded, and the
// request goes on without one until it ends.
func (p *Place) Outside(ctx context.Context, wait func() error) error {
	c := p.controller
	if c == nil {
		return wait()
	}
	began := time.Now()
	defer func() { p.outside += time.Since(began) }()
	p.giveBack()
	err := wait()
	// The request has cost work already, so that neither a full queue nor a
	// longer wait refuses it.
	c.queue.Add(1)
	if c.places.Acquire(ctx, 1) != nil {
		c.queue.Add(-1)
		return errors.Join(err, ErrOverloaded)
	}
	p.controller = c
	return err
}

// giveBack gives the place back if it is taken.
func (p *Place) giveBack() {
	if c := p.controller; c != nil {
		p.controller = nil
		c.places.Release(1)
		c.queue.Add(-1)
	}
}
