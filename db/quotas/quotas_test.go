package quotas_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/quotas"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// TestExpire deletes more quotas than one statement may.
func TestExpire(t *testing.T) {
	t.Parallel()
	conn := dbtest.Open(t).Pool()
	s := quotas.NewStore(conn)
	uses := []quotas.Use{{Key: "read/user/0", Cost: time.Hour}}
	for i := range 12_000 {
		uses = append(uses, quotas.Use{Key: fmt.Sprintf("auth/user/%d", i), Cost: time.Microsecond, HotAfter: time.Hour})
	}
	_, err := s.Share(t.Context(), uses, false)
	require.NoError(t, err)
	left := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM rate_limits").Scan(&n))
		return n
	}
	for _, want := range []struct {
		more bool
		left int
	}{{true, 2001}, {false, 1}, {false, 1}} {
		more, err := s.Expire(t.Context())
		require.NoError(t, err)
		require.Equal(t, want.more, more)
		require.Equal(t, want.left, left())
	}
}

// TestShare checks how uses add up, and which quotas a replica reads that it has
// not used.
func TestShare(t *testing.T) {
	t.Parallel()
	conn := dbtest.Open(t).Pool()
	s := quotas.NewStore(conn)
	use := func(key string, cost time.Duration) []quotas.Use {
		return []quotas.Use{{Key: key, Cost: cost, HotAfter: 30 * time.Minute}}
	}
	for _, step := range []struct {
		uses       []quotas.Use
		hot        bool
		added, all map[string]time.Duration // levels
	}{
		{use("a", time.Hour), true, map[string]time.Duration{"a": time.Hour}, nil},
		{use("a", time.Hour), true, map[string]time.Duration{"a": 2 * time.Hour}, map[string]time.Duration{"a": time.Hour}},
		{use("a", -time.Hour), false, map[string]time.Duration{"a": time.Hour}, nil},
		{use("b", 20*time.Minute), true, map[string]time.Duration{"b": 20 * time.Minute}, map[string]time.Duration{"a": time.Hour}},
		{use("b", 20*time.Minute), false, map[string]time.Duration{"b": 40 * time.Minute}, nil},
		{nil, true, nil, map[string]time.Duration{"a": time.Hour, "b": 40 * time.Minute}},
	} {
		levels, err := s.Share(t.Context(), step.uses, step.hot)
		require.NoError(t, err)
		require.Len(t, levels, len(step.added)+len(step.all))
		for _, l := range levels {
			want := step.all
			if l.Added {
				want = step.added
			}
			require.InDelta(t, want[l.Key].Minutes(), l.For.Minutes(), 5, l.Key)
		}
	}
	_, err := conn.Exec(t.Context(), "UPDATE rate_limits SET whole = now() - interval '1 hour'")
	require.NoError(t, err)
	levels, err := s.Share(t.Context(), use("a", 10*time.Minute), true)
	require.NoError(t, err)
	require.Len(t, levels, 1, "one that is whole is not read")
	require.InDelta(t, 10, levels[0].For.Minutes(), 5, "a quota is never more than whole")
}

// TestBeat counts replicas that are alive, that have died, and that have left.
func TestBeat(t *testing.T) {
	t.Parallel()
	conn := dbtest.Open(t).Pool()
	a, b := quotas.NewStore(conn), quotas.NewStore(conn)
	seen := func(ago string) {
		_, err := conn.Exec(t.Context(), "UPDATE rate_limit_replicas SET seen = now() - $1::interval", ago)
		require.NoError(t, err)
	}
	beat := func(s *quotas.Store, want int) {
		t.Helper()
		n, err := s.Beat(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	beat(a, 1)
	seen("-1 hour")
	beat(b, 2)
	seen("-1 hour")
	beat(a, 2)
	seen("8 seconds")
	beat(a, 1)
	seen("2 minutes")
	beat(a, 1)
	var left int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM rate_limit_replicas WHERE seen > now() - interval '1 minute'").Scan(&left))
	require.Equal(t, 1, left, "the beat has not been noted")
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM rate_limit_replicas").Scan(&left))
	require.Equal(t, 1, left, "one that has died is forgotten")
	seen("-1 hour")
	beat(b, 2)
	require.NoError(t, a.Leave(t.Context()))
	beat(b, 1)
}
