package budget

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
)

// refused checks that an error is a 503 that says when to try again.
func refused(t *testing.T, err error) {
	t.Helper()
	p := problem.From(err)
	require.NotNil(t, p)
	require.Equal(t, 503, p.Status())
	require.Positive(t, p.RetryAfter)
}

func TestReserve(t *testing.T) {
	t.Parallel()
	b := New(100)
	first, second := b.Share(), b.Share()
	require.NoError(t, first.Reserve(20))
	refused(t, second.Reserve(20))
	require.Zero(t, second.held)
	first.Release()
	first.Release()
	require.NoError(t, second.Reserve(1000), "the only response may be longer than the budget")
	refused(t, first.Reserve(1))
	second.Release()
	require.True(t, b.free.TryAcquire(100), "everything was given back")

	var none Share
	require.NoError(t, none.Reserve(1<<40))
	none.Release()
}

func TestTake(t *testing.T) {
	t.Parallel()
	b := New(100)
	own, other := b.Share(), b.Share()
	require.NoError(t, own.Reserve(20))
	var sent, another Shared
	require.NoError(t, sent.Take(&own, 40), "the reservation becomes the share")
	require.NoError(t, sent.Take(&other, 40), "a response counts once")
	refused(t, another.Take(&other, 70))
	refused(t, another.Take(&other, 100))
	require.NoError(t, another.Take(&other, 60))
	another.Release()
	sent.Release()
	refused(t, another.Take(&other, 70))
	sent.Release()
	require.NoError(t, another.Take(&other, 1000))
	another.Release()
	require.True(t, b.free.TryAcquire(100), "everything was given back")
}

// TestTakeWaits checks that a response waits for another that is being sent.
func TestTakeWaits(t *testing.T) {
	t.Parallel()
	b := New(100)
	first, second := b.Share(), b.Share()
	var sent, waiting Shared
	require.NoError(t, sent.Take(&first, 90))
	done := make(chan error)
	go func() { done <- waiting.Take(&second, 20) }()
	require.Eventually(t, func() bool { return b.waiting.Load() == 20 }, waitTimeout, waitTimeout/1000)
	third := b.Share()
	refused(t, new(Shared).Take(&third, 20))
	sent.Release()
	require.NoError(t, <-done)
	require.Zero(t, b.waiting.Load())
}
