package purge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/purges"
	"github.com/byline-api/byline/gen/query"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	polling = 20 * time.Second
	tick    = 5 * time.Millisecond
	secret  = "s3cret"
)

var quiet = slog.New(slog.DiscardHandler)

// fake is an edge that notes what it receives.
type fake struct {
	*httptest.Server
	status atomic.Int64

	mu       sync.Mutex
	received [][]string // the keys of each request
	headers  []http.Header
}

func newFake(t *testing.T) *fake {
	f := &fake{}
	f.status.Store(http.StatusOK)
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	keys := strings.Fields(r.Header.Get("Surrogate-Key"))
	if r.Header.Get("Content-Type") == "application/json" {
		var body struct{ Tags []string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		keys = body.Tags
	}
	if status := int(f.status.Load()); status != http.StatusOK {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received, f.headers = append(f.received, keys), append(f.headers, r.Header)
}

func (f *fake) requests() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.received)
}

// count returns how often a key has been purged.
func (f *fake) count(k changes.Key) (n int) {
	for _, keys := range f.requests() {
		for _, key := range keys {
			if key == name(k) {
				n++
			}
		}
	}
	return n
}

func (f *fake) config() Config {
	return Config{URLs: []string{f.URL}, Format: SurrogateKey, Header: Header{"Fastly-Key", secret}}
}

func nothing(context.Context) error { return nil }

func start(t *testing.T, p *Purger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.Run(ctx) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

func write(t *testing.T, d *db.DB, keys ...changes.Key) {
	require.NoError(t, changes.Write(t.Context(), d, keys...))
}

// TestName pins the names of keys: an edge has responses with the names that an
// earlier version gave.
func TestName(t *testing.T) {
	t.Parallel()
	for k, want := range map[changes.Key]string{
		changes.Everything: "DS4vHDf13lA", changes.Article(1): "cdej9YCh8vQ", changes.Article(2): "K8_eDC4VL5Y", changes.ArticlesTagged("tea"): "Qc50w0QGTk0",
	} {
		require.Equal(t, want, name(k), k.String())
	}
	require.Equal(t, "DS4vHDf13lA cdej9YCh8vQ", SurrogateKey.Value([]changes.Key{changes.Article(1)}))
	require.Equal(t, "DS4vHDf13lA,cdej9YCh8vQ", CacheTag.Value([]changes.Key{changes.Article(1)}))
	require.Empty(t, SurrogateKey.Value([]changes.Key{changes.Article(1), changes.FollowsOf(1)}), "it would not be purged")
	many := make([]changes.Key, maxValue/(keyLength+1)-1)
	require.NotEmpty(t, SurrogateKey.Value(many))
	require.LessOrEqual(t, len(SurrogateKey.Value(many)), maxValue)
	require.Empty(t, SurrogateKey.Value(append(many, changes.Tags)), "it would be too long")
	require.Equal(t, []string{name(changes.Article(1))}, names(changes.Batch{Keys: []changes.Key{changes.Session(1), changes.Article(1), changes.FavoritesOf(1)}}))
}

// TestPieces checks how many keys a request names, and that more than ten
// requests can name are purged as everything.
func TestPieces(t *testing.T) {
	t.Parallel()
	for format, most := range map[Format]int{SurrogateKey: 256, CacheTag: 100} {
		f := newFake(t)
		cfg := f.config()
		cfg.Format = format
		e := newEdge(cfg, f.URL)
		var b changes.Batch
		for id := range int64(2*most + 1) {
			b.Keys = append(b.Keys, changes.Article(id), changes.Article(id))
		}
		count, err := e.send(t.Context(), b)
		require.NoError(t, err)
		require.Equal(t, 2*most+1, count, "each once")
		requests := f.requests()
		require.Len(t, requests, 3)
		require.Len(t, requests[0], most)
		require.Equal(t, []string{name(changes.Article(int64(2 * most)))}, requests[2])
		require.Equal(t, secret, f.headers[0].Get("Fastly-Key"))
		for id := range int64(10*most + 1) {
			b.Keys = append(b.Keys, changes.Comments(id))
		}
		_, err = e.send(t.Context(), b)
		require.NoError(t, err)
		require.Equal(t, [][]string{{name(changes.Everything)}}, f.requests()[3:])
	}
}

// TestPostFails checks that errors do not contain the URL or the header, and that
// a redirect is not followed.
func TestPostFails(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	post := func(url string) error {
		return newEdge(Config{Format: SurrogateKey, Header: Header{"Authorization", "Bearer " + secret}}, url).post(t.Context(), []string{"k"})
	}
	require.NoError(t, post(f.URL+"/?"+secret))
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusForbidden, http.StatusInternalServerError} {
		f.status.Store(int64(status))
		err := post(f.URL + "/?" + secret)
		require.EqualError(t, err, fmt.Sprintf("the response has status %d", status))
	}
	require.Len(t, f.requests(), 1)
	f.Close()
	err := post(f.URL + "/?" + secret)
	require.Error(t, err)
	require.NotContains(t, err.Error(), secret)
}

// TestPurger checks what an edge is told: everything at first, then what has
// changed, each time once more after five seconds.
func TestPurger(t *testing.T) {
	t.Parallel()
	d, f := dbtest.Open(t), newFake(t)
	var synced atomic.Int64
	p := New(f.config(), d, func(context.Context) error { synced.Add(1); return nil }, quiet)
	start(t, p)
	require.Eventually(t, func() bool { return f.count(changes.Everything) == 1 }, polling, tick)
	require.EqualValues(t, 1, synced.Load())
	write(t, d, changes.Article(1), changes.Tags)
	require.NoError(t, p.Learn(t.Context(), changes.Batch{Keys: []changes.Key{changes.Tags}}))
	require.Eventually(t, func() bool { return f.count(changes.Article(1)) == 1 && f.count(changes.Tags) == 1 }, polling, tick)
	first := time.Now()
	require.Eventually(t, func() bool { return f.count(changes.Article(1)) == 2 && f.count(changes.Everything) == 2 }, polling, tick)
	require.Greater(t, time.Since(first), repeatAfter/2)
	s := p.Stats()
	require.EqualValues(t, 6, s.Keys)
	require.Zero(t, s.Failed)

	// An edge that has not been told for half a minute is told everything.
	_, err := d.Exec(t.Context(), "UPDATE purge_positions SET read_at = read_at - interval '31 seconds'")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return f.count(changes.Everything) == 3 }, polling, tick)
	// So is one whose position a crash has deleted, or that is of another life.
	_, err = d.Exec(t.Context(), "DELETE FROM purge_positions")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return f.count(changes.Everything) >= 4 }, polling, tick)
	before := f.count(changes.Everything)
	_, err = d.Exec(t.Context(), "UPDATE purge_positions SET life = 'another'")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return f.count(changes.Everything) > before }, polling, tick)
}

// TestPurgerFails checks that nothing is lost while an edge fails, and what is
// logged.
func TestPurgerFails(t *testing.T) {
	t.Parallel()
	d, f := dbtest.Open(t), newFake(t)
	var log bytes.Buffer
	p := New(f.config(), d, nothing, slog.New(slog.NewTextHandler(&log, nil)))
	stop := start(t, p)
	require.Eventually(t, func() bool { return f.count(changes.Everything) == 1 }, polling, tick)
	f.status.Store(http.StatusServiceUnavailable)
	write(t, d, changes.Article(1))
	require.Eventually(t, func() bool { return p.Stats().Failed >= 3 }, polling, tick)
	require.Zero(t, f.count(changes.Article(1)))
	write(t, d, changes.Article(2))
	f.status.Store(http.StatusOK)
	require.Eventually(t, func() bool { return f.count(changes.Article(1)) > 0 && f.count(changes.Article(2)) > 0 }, polling, tick)
	stop()
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), log.String())
	require.Contains(t, log.String(), "status 503")
	require.NotContains(t, log.String(), secret)
}

// TestPurgerStops checks that a replica which is stopped purges what there is.
func TestPurgerStops(t *testing.T) {
	t.Parallel()
	d, f := dbtest.Open(t), newFake(t)
	p := New(f.config(), d, nothing, quiet)
	stop := start(t, p)
	require.Eventually(t, func() bool { return f.count(changes.Everything) == 1 }, polling, tick)
	write(t, d, changes.Article(1))
	stop()
	require.GreaterOrEqual(t, f.count(changes.Article(1)), 1)
	require.Equal(t, 2, f.count(changes.Everything), "the second purge is early")
}

// TestReplicas checks that one of two replicas purges at a time, and that the
// other continues from where one has died.
func TestReplicas(t *testing.T) {
	t.Parallel()
	d, f := dbtest.Open(t), newFake(t)
	a, b := purges.NewStore(d, f.URL), purges.NewStore(d, f.URL)
	first, _, err := a.Begin(t.Context())
	require.NoError(t, err)
	require.True(t, first.Batch.All)
	_, err = d.Exec(t.Context(), "UPDATE purge_positions SET claimed_until = now() + interval '30 seconds'") // on a slow machine, two seconds may be over
	require.NoError(t, err)
	none, _, err := b.Begin(t.Context())
	require.NoError(t, err)
	require.Nil(t, none, "it is the turn of the other")
	other, _, err := purges.NewStore(d, "http://other").Begin(t.Context())
	require.NoError(t, err)
	require.NotNil(t, other, "another edge")
	require.NoError(t, first.Done(t.Context()))

	write(t, d, changes.Article(1))
	var dies, next *purges.Turn
	require.Eventually(t, func() bool {
		dies, _, err = a.Begin(t.Context())
		return err == nil && dies != nil
	}, polling, tick)
	require.Equal(t, []changes.Key{changes.Article(1)}, dies.Batch.Keys)
	write(t, d, changes.Article(2))
	require.Eventually(t, func() bool {
		next, _, err = b.Begin(t.Context())
		return err == nil && next != nil
	}, polling, tick, "the turn of a replica that has died does not end")
	require.Equal(t, []changes.Key{changes.Article(1), changes.Article(2)}, next.Batch.Keys)
	require.NoError(t, next.Done(t.Context()))
	write(t, d, changes.Article(3))
	require.NoError(t, dies.Done(t.Context()), "one that was only slow")
	after, _, err := a.Begin(t.Context())
	require.NoError(t, err)
	require.Equal(t, []changes.Key{changes.Article(3)}, after.Batch.Keys)
	require.NoError(t, after.Release(t.Context()))
	again, _, err := b.Begin(t.Context())
	require.NoError(t, err)
	require.Equal(t, after.Batch, again.Batch)
}

// taken returns the Store of an edge after a replica has taken a turn.
func taken(t *testing.T, conn query.DBTX) *purges.Store {
	t.Helper()
	s := purges.NewStore(conn, "http://edge")
	turn, _, err := s.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, turn.Done(t.Context()))
	return s
}

// TestUnknownChanges purges everything when nobody knows what has changed since
// the last turn.
func TestUnknownChanges(t *testing.T) {
	t.Parallel()
	for what, sql := range map[string]string{
		"the clock of the database was set back by an hour":                   "UPDATE purge_positions SET read_at = now() + interval '1 hour', claimed_until = now() + interval '1 hour'",
		"the database was restarted after a crash that has left the position": "TRUNCATE changes, change_lives",
	} {
		d := dbtest.Open(t)
		s := taken(t, d)
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
		turn, _, err := s.Begin(t.Context())
		require.NoError(t, err)
		require.NotNil(t, turn, what)
		require.True(t, turn.Batch.All, what)
	}
}

// TestIdle checks that without changes a replica sends one statement for each
// round, which writes nothing until the position is renewed.
func TestIdle(t *testing.T) {
	t.Parallel()
	var statements dbtest.Counter
	d := dbtest.Open(t, func(c *db.Config) { c.Tracer = &statements })
	s := taken(t, d)
	row := func() (text string) {
		require.NoError(t, d.QueryRow(t.Context(), "SELECT ctid::text || xmin::text || xmax::text FROM purge_positions").Scan(&text))
		return text
	}
	before := row()
	statements.Reset()
	for range 20 {
		turn, _, err := s.Begin(t.Context())
		require.NoError(t, err)
		require.Nil(t, turn)
	}
	sent, _ := statements.Reset()
	require.EqualValues(t, 20, sent)
	require.Equal(t, before, row())
	_, err := d.Exec(t.Context(), "UPDATE purge_positions SET read_at = read_at - interval '11 seconds'")
	require.NoError(t, err)
	turn, age, err := s.Begin(t.Context())
	require.NoError(t, err)
	require.Equal(t, changes.Batch{Keys: []changes.Key{}}, turn.Batch)
	require.Greater(t, age, 10*time.Second)
	require.NoError(t, turn.Done(t.Context()))
	turn, age, err = s.Begin(t.Context())
	require.NoError(t, err)
	require.Nil(t, turn)
	require.Less(t, age, 10*time.Second)
}

// down is a database that does not respond.
type down struct{ calls int }

func (d *down) Begin(context.Context) (*purges.Turn, time.Duration, error) {
	d.calls++
	return nil, 0, errors.New("no database")
}

// TestNoDatabase checks that a replica tries again, with pauses of up to ten
// seconds, and logs that once a minute.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := &down{}
		r := newRunner(&edge{host: "h"}, d, nothing, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		go r.run(ctx)
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		require.InDelta(t, 65, d.calls, 5)
		lines, err := io.ReadAll(&log)
		require.NoError(t, err)
		require.InDelta(t, 10, bytes.Count(lines, []byte("no database")), 1)
		require.Equal(t, 10*time.Minute+time.Second, time.Since(*r.told.Load()))
		cancel()
		synctest.Wait()
	})
}
