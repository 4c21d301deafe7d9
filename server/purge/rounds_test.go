package purge

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/purges"
	"github.com/byline-api/byline/gen/query"
)

// TestRepeat checks that purges which are due once more are sent together, and
// stay due until the edge has received them.
func TestRepeat(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := newRunner(newEdge(f.config(), f.URL), nil, nothing, quiet)
	one := func(k changes.Key) changes.Batch { return changes.Batch{Keys: []changes.Key{k}} }
	past, later := time.Now(), time.Now().Add(time.Hour)
	r.repeats = []repeat{{past, one(changes.Article(1))}, {past, one(changes.Tags)}, {later, one(changes.Article(2))}}
	f.status.Store(http.StatusServiceUnavailable)
	require.Error(t, r.repeat(t.Context()))
	f.status.Store(http.StatusOK)
	for range 2 {
		require.NoError(t, r.repeat(t.Context()))
		require.Equal(t, [][]string{{name(changes.Article(1)), name(changes.Tags)}}, f.requests())
	}
	r.repeats = []repeat{{past, changes.Batch{All: true}}, {past, one(changes.Tags)}}
	require.NoError(t, r.repeat(t.Context()))
	require.Equal(t, []string{name(changes.Everything)}, f.requests()[1], "everything may have changed")
}

// TestRoundIsStopped stops a replica in the middle of its turn. The turn ends, so
// that the last round of the replica, or another one, can purge at once.
func TestRoundIsStopped(t *testing.T) {
	t.Parallel()
	d, f := dbtest.Open(t), newFake(t)
	ctx, stop := context.WithCancel(t.Context())
	r := newRunner(newEdge(f.config(), f.URL), purges.NewStore(d, f.URL), func(context.Context) error { stop(); return nil }, quiet)
	require.ErrorIs(t, r.round(ctx), context.Canceled)
	require.Empty(t, f.requests())
	require.NoError(t, r.round(t.Context()))
	require.Equal(t, 1, f.count(changes.Everything))
}

// TestLearnWakes checks that a change wakes the Purger, and that a round of the
// feed without changes does not.
func TestLearnWakes(t *testing.T) {
	t.Parallel()
	p := New(Config{URLs: []string{"http://edge"}}, nil, nothing, quiet)
	for _, step := range []struct {
		batch changes.Batch
		awake int
	}{{changes.Batch{}, 0}, {changes.Batch{Keys: []changes.Key{changes.Tags}}, 1}, {changes.Batch{All: true}, 1}} {
		require.NoError(t, p.Learn(t.Context(), step.batch))
		require.Len(t, p.runners[0].wake, step.awake)
	}
}

// slow is an edge that takes its time to respond.
type slow time.Duration

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	sleep(r.Context(), nil, time.Duration(s))
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, r.Context().Err()
}

// TestSlowEdge checks how long an edge may take that does not respond, and one
// that responds slowly.
func TestSlowEdge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(Config{Format: SurrogateKey}, "http://edge")
		var b changes.Batch
		for id := range int64(2*e.most() + 1) {
			b.Keys = append(b.Keys, changes.Article(id))
		}
		for delay, limit := range map[slow]time.Duration{slow(time.Hour): postTimeout, slow(postTimeout - time.Second): sendTimeout} {
			e.client.Transport = delay
			began := time.Now()
			_, err := e.send(t.Context(), b)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, limit, time.Since(began))
		}
	})
}

// frozen is a process that is suspended before it reads what has changed.
type frozen struct{ query.DBTX }

func (f frozen) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if strings.Contains(sql, "ChangeList") {
		time.Sleep(1100 * time.Millisecond)
	}
	return f.DBTX.QueryRow(ctx, sql, args...)
}

// TestFrozen checks that a replica does not continue from a position that has
// become too old meanwhile: changes may have been deleted.
func TestFrozen(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	s := taken(t, frozen{d})
	_, err := d.Exec(t.Context(), "UPDATE purge_positions SET read_at = now() - $1::interval", changes.PositionLife-time.Second)
	require.NoError(t, err)
	turn, _, err := s.Begin(t.Context())
	if err == nil {
		require.True(t, turn.Batch.All, "on a slow machine, it was too old at once")
	}
}
