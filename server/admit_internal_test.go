package server

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// occupy begins n pieces of work that last as long as the test, and returns
// when all of them work or wait.
func occupy(t *testing.T, a *admission, n int) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	before := len(a.queue)
	for range n {
		all.Go(func() {
			_ = a.do(ctx, func() error { <-ctx.Done(); return nil })
		})
	}
	require.Eventually(t, func() bool { return len(a.queue) == before+n }, 30*time.Second, time.Millisecond)
	t.Cleanup(func() {
		end()
		all.Wait()
		require.Len(t, a.queue, before)
	})
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	nothing := func() error { return nil }

	t.Run("GivesBack", func(t *testing.T) {
		t.Parallel()
		a, failure := newAdmission(1), errors.New("failure")
		for range 100 {
			require.ErrorIs(t, a.do(t.Context(), func() error { return failure }), failure)
			require.PanicsWithValue(t, "p", func() { _ = a.do(t.Context(), func() error { panic("p") }) })
		}
		occupy(t, a, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			require.ErrorIs(t, a.do(ctx, nothing), overloaded, "the client is gone")
		}
		require.Len(t, a.queue, 1)
	})

	t.Run("Burst", func(t *testing.T) {
		t.Parallel()
		a := newAdmission(2)
		a.worked.Store(int64(time.Millisecond))
		occupy(t, a, 2*(1+waitersPerPlace))
		require.True(t, a.full())
		require.ErrorIs(t, a.do(t.Context(), nothing), overloaded)
	})

	t.Run("DearWork", func(t *testing.T) {
		t.Parallel()
		a := newAdmission(4)
		a.worked.Store(int64(time.Minute))
		require.False(t, a.full(), "there is a place")
		occupy(t, a, 4)
		require.False(t, a.full(), "nobody waits yet")
		occupy(t, a, 1)
		require.True(t, a.full(), "the next would wait for fifteen seconds")
		a.worked.Store(int64(time.Millisecond))
		require.False(t, a.full())
	})

	t.Run("Mean", func(t *testing.T) {
		t.Parallel()
		a := newAdmission(1)
		a.worked.Store(int64(time.Hour))
		for range 1000 {
			require.NoError(t, a.do(t.Context(), nothing))
		}
		require.Less(t, time.Duration(a.worked.Load()), time.Minute, "it forgets")
	})
}
