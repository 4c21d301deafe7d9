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
	before := c.queue.Load()
	for range n {
		all.Go(func() {
			_ = c.Do(ctx, new(Place), func() error { <-ctx.Done(); return nil })
		})
	}
	require.Eventually(t, func() bool { return c.queue.Load() == before+int64(n) }, 30*time.Second, time.Millisecond)
	t.Cleanup(func() {
		end()
		all.Wait()
		require.Equal(t, before, c.queue.Load())
	})
}

func TestController(t *testing.T) {
	t.Parallel()
	nothing := func() error { return nil }

	t.Run("ReleasesPlaces", func(t *testing.T) {
		t.Parallel()
		c, failure := New(1), errors.New("failure")
		for range 100 {
			require.ErrorIs(t, c.Do(t.Context(), new(Place), func() error { return failure }), failure)
			require.PanicsWithValue(t, "p", func() { _ = c.Do(t.Context(), new(Place), func() error { panic("p") }) })
		}
		occupy(t, c, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			require.ErrorIs(t, c.Do(ctx, new(Place), nothing), ErrOverloaded, "the client has disconnected")
		}
		require.EqualValues(t, 1, c.queue.Load())
	})

	t.Run("Burst", func(t *testing.T) {
		t.Parallel()
		c := New(2)
		c.mean.Store(int64(time.Millisecond))
		occupy(t, c, 2*(1+queuedPerPlace))
		require.True(t, c.Full())
		require.ErrorIs(t, c.Do(t.Context(), new(Place), nothing), ErrOverloaded)
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
			require.NoError(t, c.Do(t.Context(), new(Place), nothing))
		}
		require.Less(t, time.Duration(c.mean.Load()), time.Minute, "old durations lose their weight")
	})

	t.Run("Outside", func(t *testing.T) {
		t.Parallel()
		c, failure := New(1), errors.New("failure")
		c.mean.Store(0)
		p := new(Place)
		require.NoError(t, c.Do(t.Context(), p, func() error {
			require.NoError(t, p.Outside(t.Context(), func() error {
				require.Zero(t, c.queue.Load())
				require.NoError(t, c.Do(t.Context(), new(Place), nothing), "the place is free")
				time.Sleep(200 * time.Millisecond)
				return nil
			}))
			require.EqualValues(t, 1, c.queue.Load())
			require.False(t, c.places.TryAcquire(1), "the place is taken again")
			require.ErrorIs(t, p.Outside(t.Context(), func() error { return failure }), failure)
			return nil
		}))
		require.Less(t, time.Duration(c.mean.Load()), 5*time.Millisecond, "waiting outside does not count")

		err := c.Do(t.Context(), p, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			return p.Outside(ctx, func() error {
				occupy(t, c, 1+queuedPerPlace)
				return nil
			})
		})
		require.ErrorIs(t, err, ErrOverloaded, "nobody gave a place back in time")
		require.PanicsWithValue(t, "p", func() {
			_ = p.Outside(t.Context(), func() error { panic("p") })
		}, "it has no place any more")
		require.EqualValues(t, 1+queuedPerPlace, c.queue.Load())
	})
}
