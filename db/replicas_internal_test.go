package db

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMarkCovers(t *testing.T) {
	t.Parallel()
	m := Mark{"a", 10}
	require.True(t, m.covers(Mark{"a", 10}))
	require.True(t, m.covers(Mark{"a", 9}))
	require.False(t, m.covers(Mark{"a", 11}))
	require.False(t, m.covers(Mark{"b", 9}), "of another primary")
	require.False(t, Mark{}.covers(m))
	require.False(t, Mark{}.covers(Mark{}), "nothing is known yet")
}

func TestMarkIsOf(t *testing.T) {
	t.Parallel()
	started := time.Date(2026, 11, 29, 1, 2, 3, 45_000, time.UTC)
	require.True(t, Mark{Life: "1795914123.00004571564a7e"}.isOf(started))
	require.False(t, Mark{Life: "1795914123.00004671564a7e"}.isOf(started))
	require.False(t, Mark{}.isOf(started))
}

// TestUnseen measures how late a replica is that is always a few steps behind,
// and one after a failover.
func TestUnseen(t *testing.T) {
	t.Parallel()
	var u unseen
	now := time.Now()
	step := func(i int) time.Time { return now.Add(time.Duration(i) * time.Second) }
	for i := range 10 {
		late := u.age(step(i), Mark{"a", int64(i)}, Mark{"a", int64(max(i-3, 0))})
		require.Equal(t, time.Duration(min(max(i-1, 0), 2))*time.Second, late, i)
	}
	require.Zero(t, u.age(step(10), Mark{"a", 10}, Mark{"a", 10}))
	require.Empty(t, u)
	require.Zero(t, u.age(step(11), Mark{"a", 11}, Mark{"a", 10}))
	require.Zero(t, u.age(step(20), Mark{"b", 1}, Mark{"a", 10}), "what the former primary did does not count")
	require.Equal(t, 5*time.Second, u.age(step(25), Mark{"b", 2}, Mark{"a", 10}))
	for i := range 2 * maxUnseen {
		u.age(step(30+i), Mark{"b", int64(i)}, Mark{"a", 10})
	}
	require.Len(t, u, maxUnseen)
}
