package cache

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/changes"
)

// learn tells c that keys have changed.
func learn(t *testing.T, c *Cache, keys ...changes.Key) {
	t.Helper()
	require.NoError(t, c.Learn(t.Context(), changes.Batch{Keys: keys}))
}

// kept returns a cache that has received the first batch of the feed, with a
// response in it.
func kept(t *testing.T, size int, keys ...changes.Key) *Cache {
	t.Helper()
	c := New(size)
	require.NoError(t, c.Learn(t.Context(), changes.Batch{All: true}))
	c.Put("/a", &Response{Body: []byte("a")}, c.Now(), keys)
	require.NotNil(t, c.Get("/a"))
	return c
}

func TestLearn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		batch changes.Batch
		good  bool
	}{
		"Nothing": {changes.Batch{}, true},
		"Other":   {changes.Batch{Keys: []changes.Key{changes.Article(3), changes.Articles, changes.Profile(1), changes.Article(2)}}, true},
		"One":     {changes.Batch{Keys: []changes.Key{changes.Article(1)}}, false},
		"Another": {changes.Batch{Keys: []changes.Key{changes.ArticlesTagged("x"), changes.Profile(2)}}, false},
		"All":     {changes.Batch{All: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := kept(t, 1<<20, changes.Article(1), changes.Profile(2))
			require.NoError(t, c.Learn(t.Context(), test.batch))
			require.Equal(t, test.good, c.Get("/a") != nil)
		})
	}
}

// TestLearnDuringFill checks that a response whose data was read before a
// change is stale when it is cached after the change.
func TestLearnDuringFill(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]changes.Batch{"Key": {Keys: []changes.Key{changes.Article(1)}}, "All": {All: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := kept(t, 1<<20)
			since := c.Now()
			require.NoError(t, c.Learn(t.Context(), batch))
			late := &Response{}
			c.Put("/late", late, since, []changes.Key{changes.Article(1)})
			require.Nil(t, c.Get("/late"))
			require.False(t, c.Good(late))
			c.Put("/fresh", &Response{}, c.Now(), []changes.Key{changes.Article(1)})
			require.NotNil(t, c.Get("/fresh"))
		})
	}
}

// TestConcurrently checks that Get never returns a response of another key or
// an older one, and returns no stale one after Learn, under concurrent use.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	c := kept(t, 1<<20)
	var wg sync.WaitGroup
	for reader := range 4 {
		wg.Go(func() {
			path, key := fmt.Sprint("/", reader), []changes.Key{changes.Article(int64(reader))}
			for i := range 500 {
				c.Put(path, &Response{Body: []byte(fmt.Sprint(i))}, c.Now(), key)
				if a := c.Get(path); a != nil && string(a.Body) != fmt.Sprint(i) {
					t.Errorf("%s is %s instead of %d", path, a.Body, i)
				}
			}
		})
	}
	for i := range 500 {
		learn(t, c, changes.Article(int64(i%4)), changes.Articles)
	}
	wg.Wait()
	c.Put("/a", &Response{}, c.Now(), []changes.Key{changes.Article(1)})
	learn(t, c, changes.Article(1))
	require.Nil(t, c.Get("/a"))
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	c := kept(t, size)
	for i := range 5000 {
		for range 2 { // the first time it may only be noted
			c.Put(fmt.Sprint("/", i), &Response{Body: make([]byte, 500)}, c.Now(), nil)
		}
	}
	stats := c.Stats()
	require.LessOrEqual(t, stats.Bytes, size)
	require.Greater(t, stats.Bytes, size/2)
	require.Positive(t, stats.Evictions)
	require.NotNil(t, c.Get("/4999"), "the newest must still be cached")
	require.Nil(t, c.Get("/a"), "the oldest must have been evicted")
	for range 2 {
		require.False(t, c.Put("/huge", &Response{Body: make([]byte, size)}, c.Now(), nil))
	}
	require.Nil(t, c.Get("/huge"))
	c.Put("/4999", &Response{Body: []byte("again")}, c.Now(), nil)
	require.Equal(t, "again", string(c.Get("/4999").Body))
}

// TestFullCacheIsSelective checks that responses to single requests do not evict
// others from a full cache, and that one which is requested again does.
func TestFullCacheIsSelective(t *testing.T) {
	t.Parallel()
	c := kept(t, 256<<10)
	put := func(key string) (stored bool) {
		a := &Response{Body: make([]byte, 500)}
		stored = c.Put(key, a, c.Now(), nil)
		require.True(t, c.Good(a))
		return stored
	}
	for i := range 5000 {
		put(fmt.Sprint("/", i))
	}
	require.Zero(t, c.Stats().Evictions)
	require.NotNil(t, c.Get("/a"))
	require.False(t, put("/late"))
	require.Nil(t, c.Get("/late"))
	require.True(t, put("/late"))
	require.NotNil(t, c.Get("/late"))
	require.EqualValues(t, 1, c.Stats().Evictions)
	require.True(t, put("/late"), "one that is cached can be replaced")
}

func TestCodedOnce(t *testing.T) {
	t.Parallel()
	a, made := &Response{Body: []byte("body")}, 0
	for i := range 3 {
		coded, isNew := a.Coded(1, func([]byte) []byte { made++; return []byte("coded") })
		require.Equal(t, "coded", string(coded))
		require.Equal(t, i == 0, isNew)
	}
	require.Equal(t, 1, made)
}

// TestGrow checks that content codings count, and make room for themselves.
func TestGrow(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	c := kept(t, size)
	var all []*Response
	for i := range 100 {
		all = append(all, &Response{Body: make([]byte, 1000)})
		require.True(t, c.Put(fmt.Sprint("/", i), all[i], c.Now(), nil))
	}
	before := c.Stats()
	require.Zero(t, before.Evictions)
	c.Grow("/0", all[1], 500) // not its own
	require.Equal(t, before, c.Stats())
	c.Grow("/0", all[0], 500)
	require.Equal(t, before.Bytes+500, c.Stats().Bytes)
	for i, a := range all {
		c.Grow(fmt.Sprint("/", i), a, 3000)
	}
	stats := c.Stats()
	require.LessOrEqual(t, stats.Bytes, size)
	require.Positive(t, stats.Evictions)
	require.Positive(t, stats.Responses)
}
