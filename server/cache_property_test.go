package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// TestCacheChangesNothing makes random writes through two replicas that keep
// answers, and demands after each that both answer every read exactly as a
// third one does that keeps nothing.
func TestCacheChangesNothing(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	kept := servertest.WithServer(func(c *server.Config) { c.CacheBytes, c.SharedDatabase = 1<<20, true })
	replicas := []*servertest.Service{
		servertest.New(t, servertest.WithDatabase(url), kept),
		servertest.New(t, servertest.WithDatabase(url), kept),
	}
	plain := servertest.New(t, servertest.WithDatabase(url), servertest.WithServer(func(c *server.Config) { c.CacheBytes = 0 }))

	w := newWorld(plain, 4)
	rng := rand.New(rand.NewPCG(1, 2))
	hits := 0
	for step := range 150 {
		w.write(replicas[rng.IntN(2)], rng)
		for range 6 {
			path := w.read(rng)
			want, wantBody := plain.Do(http.MethodGet, path, "")
			for i, r := range replicas {
				for range 2 { // the second one can come from the cache
					r.Statements.Reset()
					got, body := r.Do(http.MethodGet, path, "")
					require.Equal(t, want.StatusCode, got.StatusCode, "step %d, replica %d: GET %s", step, i, path)
					require.Equal(t, want.Header.Get("ETag"), got.Header.Get("ETag"))
					require.Equal(t, want.Header.Get("Link"), got.Header.Get("Link"))
					if got.StatusCode == http.StatusOK {
						require.Equal(t, wantBody, body, "step %d, replica %d: GET %s after %s", step, i, path, w.last)
					}
					if n, _ := r.Statements.Reset(); n == 1 { // the look for changes only
						hits++
					}
				}
			}
		}
	}
	require.Greater(t, hits, 500, "hardly anything came from the cache")
}

// TestCacheReadYourWrites lets users write and read at the same time, each
// through both replicas in turn, and demands that nobody misses a write of
// their own.
func TestCacheReadYourWrites(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	for _, shared := range []bool{true, false} {
		t.Run(fmt.Sprintf("shared=%v", shared), func(t *testing.T) {
			kept := servertest.WithServer(func(c *server.Config) { c.CacheBytes, c.SharedDatabase = 1<<20, shared })
			replicas := []*servertest.Service{servertest.New(t, servertest.WithDatabase(url), kept)}
			if shared {
				replicas = append(replicas, servertest.New(t, servertest.WithDatabase(url), kept))
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
