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
