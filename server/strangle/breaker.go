package strangle

import (
	"sync/atomic"
	"time"
)

const (
	// maxFailures is the number of failures in a row after which no more reads
	// go to the new system for a pause.
	maxFailures = 5
	breakPause  = 5 * time.Second
)

// breaker is a circuit breaker: it spares reads the wait for a system that does
// not answer. It has no lock, because every request uses it.
type breaker struct {
	failures atomic.Int64
	until    atomic.Int64 // when the pause ends, in nanoseconds; 0 without one
}

// allows reports whether a request may be tried. After a pause it allows one,
// and the others when that has succeeded.
func (b *breaker) allows(now time.Time) bool {
	until := b.until.Load()
	switch {
	case until == 0:
		return true
	case now.UnixNano() < until:
		return false
	}
	return b.until.CompareAndSwap(until, now.Add(breakPause).UnixNano())
}

// open reports whether there is a pause.
func (b *breaker) open() bool { return b.until.Load() != 0 }

func (b *breaker) succeeded() {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
		b.until.Store(0)
	}
}

func (b *breaker) failed(now time.Time) {
	if b.failures.Add(1) >= maxFailures {
		b.until.Store(now.Add(breakPause).UnixNano())
	}
}
