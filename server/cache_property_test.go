package server_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// TestCacheChangesNothing makes random writes through two replicas that cache
// responses, and requires after each that both respond to every read exactly as
// a third one does, which caches nothing. The reads are requests to every
// operation of the document whose x-cache is shared, and the lists of articles
// as signed-in users read them. The same ones are repeated
// for some writes, so that a write finds each of them cached: an operation that
// forgets a dependency is caught at the first write that concerns it.
//
// BYLINE_TEST_CACHE=10m makes other writes for that time (make cache-test).
func TestCacheChangesNothing(t *testing.T) {
	t.Parallel()
	steps, seed, end := 200, uint64(2), time.Time{}
	if long := os.Getenv("BYLINE_TEST_CACHE"); long != "" {
		d, err := time.ParseDuration(long)
		require.NoError(t, err)
		steps, seed, end = math.MaxInt, rand.Uint64(), time.Now().Add(d)
		t.Log("seed", seed)
	}
	const (
		renewed = 8 // steps after which other requests are repeated
		each    = 4 // requests to each operation
	)
	url := dbtest.URL(t)
	cached := servertest.WithServer(func(c *server.Config) { c.CacheBytes, c.SharedDatabase = 1<<20, true })
	replicas := []*servertest.Service{
		servertest.New(t, servertest.WithDatabase(url), cached),
		servertest.New(t, servertest.WithDatabase(url), cached),
	}
	plain := servertest.New(t, servertest.WithDatabase(url), servertest.WithServer(func(c *server.Config) { c.CacheBytes = 0 }))

	w := newWorld(plain, 4)
	rng := rand.New(rand.NewPCG(1, seed))
	reads := sharedReads(t)
	var asks []ask
	hits, filled, compared := map[string]int{}, map[string]bool{}, 0
	for step := 0; step < steps && (end.IsZero() || time.Now().Before(end)); step++ {
		if step%renewed == 0 {
			asks = asks[:0]
			for _, r := range reads {
				for range each {
					asks = append(asks, r.ask(t, w, plain, rng))
				}
			}
		}
		w.write(replicas[rng.IntN(2)], rng)
		for _, a := range asks {
			want, wantBody := a.do(plain)
			label := a.read.label()
			if want.StatusCode == http.StatusOK && (!strings.Contains(wantBody, "[") || strings.Contains(wantBody, `:[{`) || strings.Contains(wantBody, `:["`)) {
				filled[label] = true
			}
			for i, r := range replicas {
				r.Statements.Reset()
				got, body := a.do(r)
				if n, _ := r.Statements.Reset(); n == 1 && got.StatusCode == http.StatusOK { // only the check for changes
					hits[label]++
				}
				compared++
				if want.StatusCode == got.StatusCode && want.Header.Get("ETag") == got.Header.Get("ETag") &&
					want.Header.Get("Link") == got.Header.Get("Link") && (got.StatusCode != http.StatusOK || wantBody == body) {
					continue
				}
				t.Fatalf("step %d, replica %d: GET %s (%s) is out of date after %s.\nSee what %s in api/%s*.go says its response depends on, "+
					"and what the triggers of db/migrations note in the feed of changes (db/changes).\nwant %d %s\ngot  %d %s",
					step, i, a.path, label, w.last, a.read.op.ID, a.read.op.Tag, want.StatusCode, wantBody, got.StatusCode, body)
			}
		}
	}
	t.Logf("%d responses compared after %d writes", compared, w.n)
	for _, r := range reads {
		require.Greater(t, hits[r.label()], 20, "hardly any response of %s came from the cache, so that this test proves nothing for it: "+
			"if no key of db/changes names what it depends on, add one, or declare x-cache private", r.label())
		require.True(t, filled[r.label()], "every list of %s was empty: let write in server/world_test.go make what it lists", r.label())
	}
}

// TestCacheReadYourWrites lets users write and read at the same time, each
// through both replicas in turn, and requires that each sees their own
// writes.
func TestCacheReadYourWrites(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	for _, shared := range []bool{true, false} {
		t.Run(fmt.Sprintf("shared=%v", shared), func(t *testing.T) {
			cached := servertest.WithServer(func(c *server.Config) { c.CacheBytes, c.SharedDatabase = 1<<20, shared })
			replicas := []*servertest.Service{servertest.New(t, servertest.WithDatabase(url), cached)}
			if shared {
				replicas = append(replicas, servertest.New(t, servertest.WithDatabase(url), cached))
			}
			var wg sync.WaitGroup
			for n := range 4 {
				name := fmt.Sprintf("writer%d%v", n, shared)
				u := replicas[0].Register(name)
				article := replicas[0].Publish(u, "Article of "+name)
				wg.Go(func() {
					for i := range 15 {
						wrote, read := replicas[i%len(replicas)], replicas[(i+1)%len(replicas)]
						text := fmt.Sprintf("text %d of %s", i, name)
						res, body := wrote.Do(http.MethodPut, "/articles/"+article.Slug, fmt.Sprintf(`{"article":{"description":%q}}`, text), "Authorization", "Token "+u.Token)
						if res.StatusCode != http.StatusOK {
							t.Errorf("PUT: %d %s", res.StatusCode, body)
						}
						for _, path := range []string{"/articles/" + article.Slug, "/articles?limit=20", "/articles?author=" + name} {
							if _, body := read.Do(http.MethodGet, path, ""); !strings.Contains(body, text) {
								t.Errorf("GET %s missed %q", path, text)
							}
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
