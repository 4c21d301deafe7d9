// Package budget bounds the bytes that responses hold until their clients have
// read them, over all connections.
//
// A response of up to Small bytes takes nothing from the budget. A longer one
// takes what it holds while it is made and sent. When the budget is used up,
// another long response waits briefly and is then refused with a 503, so that
// clients that do not read cannot use up the memory of the service.
package budget

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/byline-api/byline/api/problem"
)

const (
	// Small is the longest response, in bytes, that takes nothing from the
	// budget.
	Small = 64 << 10
	// Text is the maximum length, in bytes of JSON, of the texts in a list or a
	// batch. A list ends early, and its cursor leads to the rest.
	Text = 4 << 20
	// Unreserved is how many bytes of texts an operation may read before it
	// reserves memory for them.
	Unreserved = 256 << 10
	// copies is how many times a text is in memory while its response is made:
	// the row, the encoder's buffer and the response.
	copies = 3
	// waitTimeout is how long a response waits for others to be read.
	waitTimeout = 500 * time.Millisecond
)

// errUsed is the error of responses that the budget has no room for.
var errUsed = problem.Unavailable(problem.Overloaded, 1, nil).
	WithDetail("Too many long responses are being sent; try again shortly.")

// Budget is a number of bytes that shares are taken from. It is safe for
// concurrent use.
type Budget struct {
	size    int64
	free    *semaphore.Weighted
	waiting atomic.Int64 // the bytes of responses that are made and wait
}

// New returns a Budget of size bytes.
func New(size int64) *Budget {
	return &Budget{size: size, free: semaphore.NewWeighted(size)}
}

// Share returns an empty share of the budget.
func (b *Budget) Share() Share { return Share{budget: b} }

// Share is what one request has taken from a budget. The zero Share has no
// budget and takes nothing. It is not safe for concurrent use.
type Share struct {
	budget *Budget
	held   int64
}

// Reserve takes what making a response with n more bytes of text needs. It does
// not wait, because its caller holds a place and a connection that others need.
// The error is a 503.
func (s *Share) Reserve(n int) error {
	if s.budget == nil {
		return nil
	}
	n64 := min(int64(n)*copies, s.budget.size-s.held)
	if !s.budget.free.TryAcquire(n64) {
		return errUsed
	}
	s.held += n64
	return nil
}

// resize makes the share as large as a response of n bytes. It waits until the
// context is done, unless much waits already. The error is a 503.
func (s *Share) resize(ctx context.Context, n int) error {
	b := s.budget
	if b == nil {
		return nil
	}
	more := min(int64(n), b.size) - s.held
	if more <= 0 {
		b.free.Release(-more)
		s.held += more
		return nil
	}
	if !b.free.TryAcquire(more) {
		// What waits is in memory too.
		defer b.waiting.Add(-more)
		if b.waiting.Add(more) > b.size/4 || b.free.Acquire(ctx, more) != nil {
			return errUsed
		}
	}
	s.held += more
	return nil
}

// Release gives back what the share has taken.
func (s *Share) Release() {
	if s.held > 0 {
		s.budget.free.Release(s.held)
		s.held = 0
	}
}

// Shared is the share of a response that several requests may send at the same
// time, because it is cached. It counts once. It is safe for concurrent use.
type Shared struct {
	mu    sync.Mutex
	users int
	share Share
}

// Take makes one more request a user of the response, which has n bytes. The
// first user takes them from the budget, with what its own share holds. The
// error is a 503; otherwise the user has to call Release. Take needs no context
// of a request: it waits briefly.
func (s *Shared) Take(own *Share, n int) error {
	// Those that wait for the lock wait for the same bytes.
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		if err := own.resize(ctx, n); err != nil {
			return err
		}
		s.share, own.held = *own, 0
	}
	own.Release()
	s.users++
	return nil
}

// Release ends the use of the response by one request.
func (s *Shared) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.share.Release()
	}
}
