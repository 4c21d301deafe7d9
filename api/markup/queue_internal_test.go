package markup

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
)

// load is the load of a request by a client.
type load struct {
	request.Load
	client string
}

func (l load) Client() string { return l.client }

func of(ctx context.Context, client string) context.Context {
	return request.With(ctx, &request.Info{Load: load{client: client}})
}

// waits calls acquire in the background, and returns once it waits. The channel
// receives the result.
func waits(t *testing.T, q *queue, client string) <-chan error {
	t.Helper()
	q.mu.Lock()
	before := len(q.waiting[client])
	q.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- q.acquire(t.Context(), client) }()
	require.Eventually(t, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.waiting[client]) == before+1
	}, waitTimeout, time.Millisecond)
	return done
}

func full(t *testing.T, err error) {
	t.Helper()
	require.NotNil(t, problem.From(err), "%v", err)
	require.Equal(t, 503, problem.From(err).Status())
}

func TestQueueTakesTurns(t *testing.T) {
	t.Parallel()
	q := &queue{free: 1, limit: 100, waiting: map[string][]chan error{}}
	require.NoError(t, q.acquire(t.Context(), "a"))
	var greedy []<-chan error
	for range maxWaiting {
		greedy = append(greedy, waits(t, q, "a"))
	}
	full(t, q.acquire(t.Context(), "a"))
	other, third := waits(t, q, "b"), waits(t, q, "c")
	for _, next := range []<-chan error{greedy[0], other, third, greedy[1], greedy[2], greedy[3]} {
		q.release()
		require.NoError(t, <-next)
	}
	q.release()
	require.Equal(t, 1, q.free)
	require.Zero(t, q.count)
	require.Empty(t, q.waiting)
	require.Empty(t, q.turns)
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	q := &queue{limit: 4, waiting: map[string][]chan error{}}
	var greedy []<-chan error
	for range 4 {
		greedy = append(greedy, waits(t, q, "a"))
	}
	waits(t, q, "b")
	full(t, <-greedy[3])
	waits(t, q, "b")
	full(t, <-greedy[2])
	full(t, q.acquire(t.Context(), "b"))
	require.Equal(t, 4, q.count)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q.limit++
	full(t, q.acquire(ctx, "c"))
	require.Equal(t, 4, q.count, "a client that has gone does not wait")
	require.Equal(t, []string{"a", "b"}, q.turns)
}

// TestRenderOnce checks that a text is rendered once for all that ask for it.
func TestRenderOnce(t *testing.T) {
	t.Parallel()
	r := NewRenderer(nil)
	r.queue = &queue{limit: 100, waiting: map[string][]chan error{}}
	var all sync.WaitGroup
	for i := range 3 * maxWaiting {
		all.Go(func() {
			ctx := of(t.Context(), fmt.Sprint(i%2))
			html, err := r.Render(ctx, "*a*")
			if err != nil || html.HTML != "<p><em>a</em></p>\n" {
				t.Errorf("%v, %v", html, err)
			}
		})
	}
	require.Eventually(t, func() bool {
		r.queue.mu.Lock()
		defer r.queue.mu.Unlock()
		return r.queue.count == 1
	}, waitTimeout, time.Millisecond)
	r.queue.release()
	all.Wait()

	r.queue = &queue{waiting: map[string][]chan error{}}
	html, err := r.Render(t.Context(), "*a*")
	require.NoError(t, err)
	require.Equal(t, "<p><em>a</em></p>\n", html.HTML)
	_, err = r.Render(t.Context(), "*b*")
	full(t, err)
}
