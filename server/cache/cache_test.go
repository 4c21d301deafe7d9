package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// script is a list of changes that a test hands out.
type script struct {
	mu      sync.Mutex
	pending []string
	all     bool
	err     error
	calls   atomic.Int64
}

func (s *script) changes(context.Context, string) ([]string, string, bool, error) {
	s.calls.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, all := s.pending, s.all
	s.pending, s.all = nil, false
	return keys, "now", all, s.err
}

func (s *script) change(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, keys...)
}

// kept returns a cache that has seen the beginning, with an answer in it.
func kept(t *testing.T, size int, keys ...string) (*Cache, *script) {
	t.Helper()
	s := &script{all: true}
	c := New(size, s.changes, nil)
	require.NoError(t, c.Sync(t.Context()))
	c.Put("/a", &Answer{Body: []byte("a")}, c.Epoch(), keys)
	require.NotNil(t, c.Get("/a"))
	return c, s
}

func TestSync(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changed []string
		good    bool
	}{
		"Nothing":    {nil, true},
		"Other":      {[]string{"a3", "l"}, true},
		"One":        {[]string{"a1"}, false},
		"Another":    {[]string{"x", "u2"}, false},
		"Everything": {[]string{Everything}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := kept(t, 1<<20, "a1", "u2")
			s.change(test.changed...)
			require.NotNil(t, c.Get("/a"), "nobody has asked yet")
			require.NoError(t, c.Sync(t.Context()))
			require.Equal(t, test.good, c.Get("/a") != nil)
		})
	}
}

// TestSyncDuringFill holds that an answer which was begun before a change is
// not kept as if it knew of it.
func TestSyncDuringFill(t *testing.T) {
	t.Parallel()
	c, s := kept(t, 1<<20)
	epoch := c.Epoch()
	s.change("a1")
	require.NoError(t, c.Sync(t.Context()))
	c.Put("/late", &Answer{}, epoch, []string{"a1"})
	require.Nil(t, c.Get("/late"))
	c.Put("/fresh", &Answer{}, c.Epoch(), []string{"a1"})
	require.NotNil(t, c.Get("/fresh"))
}

func TestSyncError(t *testing.T) {
	t.Parallel()
	c, s := kept(t, 1<<20, "a1")
	boom := errors.New("boom")
	s.err = boom
	require.ErrorIs(t, c.Sync(t.Context()), boom)
	require.Nil(t, c.Get("/a"), "what cannot be known to be good is not")
	require.Empty(t, c.Position(), "the next call starts anew")
}

// TestSyncIsShared holds that callers share rounds, and that none shares one
// that began before it called.
func TestSyncIsShared(t *testing.T) {
	t.Parallel()
	s := &script{}
	began, release := make(chan struct{}, 100), make(chan struct{})
	c := New(1<<20, func(ctx context.Context, since string) ([]string, string, bool, error) {
		began <- struct{}{}
		<-release
		return s.changes(ctx, since)
	}, nil)
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Sync(context.Background()) })
	<-began
	c.Put("/a", &Answer{}, c.Epoch(), []string{"a1"})
	for range 20 {
		wg.Go(func() {
			_ = c.Sync(context.Background())
			if c.Get("/a") != nil {
				t.Error("a change that had committed before the call was missed")
			}
		})
	}
	s.change("a1")
	close(release)
	wg.Wait()
	require.LessOrEqual(t, s.calls.Load(), int64(21))
	require.GreaterOrEqual(t, s.calls.Load(), int64(2))
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	c, _ := kept(t, size)
	for i := range 5000 {
		c.Put(fmt.Sprint("/", i), &Answer{Body: make([]byte, 500)}, c.Epoch(), nil)
	}
	stats := c.Stats()
	require.LessOrEqual(t, stats.Bytes, size)
	require.Greater(t, stats.Bytes, size/2)
	require.Positive(t, stats.Evictions)
	require.NotNil(t, c.Get("/4999"), "the newest stays")
	require.Nil(t, c.Get("/a"), "the oldest goes")
	c.Put("/huge", &Answer{Body: make([]byte, size)}, c.Epoch(), nil)
	require.Nil(t, c.Get("/huge"))
	c.Put("/4999", &Answer{Body: []byte("again")}, c.Epoch(), nil)
	require.Equal(t, "again", string(c.Get("/4999").Body))
}

func TestCodedOnce(t *testing.T) {
	t.Parallel()
	a, made := &Answer{Body: []byte("body")}, 0
	for range 3 {
		require.Equal(t, "coded", string(a.Coded(1, func([]byte) []byte { made++; return []byte("coded") })))
	}
	require.Equal(t, 1, made)
}
