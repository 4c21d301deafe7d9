package admission

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// occupy starts n calls of Do that last as long as the test, and returns when
// all of them work or wait.
func occupy(t *testing.T, c *Controller, n int) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	before := len(c.queue)
	for range n {
		all.Go(func() {
			_ = c.Do(ctx, func() error { <-ctx.Done(); return nil })
		})
	}
	require.Eventually(t, func() bool { return len(c.queue) == before+n }, 30*time.Second, time.Millisecond)
	t.Cleanup(func() {
		end()
		all.Wait()
		require.Len(t, c.queue, before)
	})
}

func TestController(t *testing.T) {
	t.Parallel()
	nothing := func() error { return nil }

	t.Run("ReleasesPlaces", func(t *testing.T) {
		t.Parallel()
		c, failure := New(1), errors.New("failure")
		for range 100 {
			require.ErrorIs(t, c.Do(t.Context(), func() error { return failure }), failure)
			require.PanicsWithValue(t, "p", func() { _ = c.Do(t.Context(), func() error { panic("p") }) })
		}
		occupy(t, c, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			require.ErrorIs(t, c.Do(ctx, nothing), ErrOverloaded, "the client has disconnected")
		}
		require.Len(t, c.queue, 1)
	})

	t.Run("Burst", func(t *testing.T) {
		t.Parallel()
		c := New(2)
		c.mean.Store(int64(time.Millisecond))
		occupy(t, c, 2*(1+queuedPerPlace))
		require.True(t, c.Full())
		require.ErrorIs(t, c.Do(t.Context(), nothing), ErrOverloaded)
	})

	t.Run("SlowWork", func(t *testing.T) {
		t.Parallel()
		c := New(4)
		c.mean.Store(int64(time.Minute))
		require.False(t, c.Full(), "there is a place")
		occupy(t, c, 4)
		require.False(t, c.Full(), "no request waits yet")
		occupy(t, c, 1)
		require.True(t, c.Full(), "the next request would wait for fifteen seconds")
		c.mean.Store(int64(time.Millisecond))
		require.False(t, c.Full())
	})

	t.Run("Mean", func(t *testing.T) {
		t.Parallel()
		c := New(1)
		c.mean.Store(int64(time.Hour))
		for range 1000 {
			require.NoError(t, c.Do(t.Context(), nothing))
		}
		require.Less(t, time.Duration(c.mean.Load()), time.Minute, "old durations lose their weight")
	})
}
