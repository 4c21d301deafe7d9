package lru

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCache(t *testing.T) {
	t.Parallel()
	c := New[string, int](10)
	require.Zero(t, c.Put("a", 1, 4))
	require.Zero(t, c.Put("b", 2, 4))
	value, found := c.Get("a")
	require.True(t, found)
	require.Equal(t, 1, value)
	require.Equal(t, 1, c.Put("c", 3, 4), "b is the least recently used")
	_, found = c.Get("b")
	require.False(t, found)
	require.Zero(t, c.Put("d", 4, 11), "it is too heavy")
	_, found = c.Get("d")
	require.False(t, found)
	require.Zero(t, c.Put("a", 5, 6), "a value replaces that of its key")
	value, _ = c.Get("a")
	require.Equal(t, 5, value)
	values, bytes := c.Size()
	require.Equal(t, 2, values)
	require.Equal(t, 10, bytes)
}
