package server_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/purge"
	"github.com/byline-api/byline/server/ratelimit"
	"github.com/byline-api/byline/server/servertest"
)

const asked = "public, max-age=0, must-revalidate"

// TestEdgeHeaders checks which responses caches at the edge may use without
// asking, and that these name what they depend on.
func TestEdgeHeaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format    purge.Format
		separator string
	}{{purge.SurrogateKey, " "}, {purge.CacheTag, ","}} {
		t.Run(string(tt.format), func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.SharedMaxAge, c.Purges.Format = time.Minute, tt.format }))
			anna := s.Register("anna")
			slug := s.Publish(anna, "A title", "tea").Slug
			get := func(method, path string, header ...string) *http.Response {
				res, _ := send(t, method, s.URL+path, "", header...)
				return res
			}
			requireEdge := func(res *http.Response) []string {
				require.Equal(t, "public, max-age=0, s-maxage=60, must-revalidate", res.Header.Get("Cache-Control"))
				return strings.Split(res.Header.Get(tt.format.Field()), tt.separator)
			}
			requireAsked := func(res *http.Response) {
				require.NotContains(t, res.Header.Get("Cache-Control"), "s-maxage")
				require.Empty(t, res.Header.Values(tt.format.Field()))
			}
			first := get("GET", "/articles/"+slug)
			keys := requireEdge(first)
			require.Greater(t, len(keys), 2)
			require.Equal(t, keys, requireEdge(get("GET", "/articles/"+slug)), "from the cache")
			require.Equal(t, keys, requireEdge(get("HEAD", "/articles/"+slug)))
			res := get("GET", "/articles/"+slug, "If-None-Match", first.Header.Get("ETag"))
			require.Equal(t, http.StatusNotModified, res.StatusCode)
			require.Equal(t, keys, requireEdge(res))
			everything := tt.format.Value([]changes.Key{changes.Everything})[:11]
			for _, path := range []string{"/articles?tag=tea", "/tags", "/profiles/anna", "/articles/" + slug + "/comments"} {
				all := requireEdge(get("GET", path))
				require.Equal(t, everything, all[0], path)
				require.NotContains(t, strings.Join(all, " "), "tea")
			}
			requireAsked(get("GET", "/articles/none"))
			requireAsked(get("GET", "/articles/"+slug, "Authorization", "Token "+anna.Token))
			requireAsked(get("GET", "/articles?limit=none"))
		})
	}
	t.Run("Off", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t)
		for range 2 {
			res, _ := send(t, http.MethodGet, s.URL+"/tags", "")
			require.Equal(t, asked, res.Header.Get("Cache-Control"))
			require.Empty(t, res.Header.Values("Surrogate-Key"))
		}
	})
	t.Run("Long", func(t *testing.T) {
		t.Parallel()
		var keys []changes.Key
		for id := range int64(400) {
			keys = append(keys, changes.Article(id))
		}
		require.Empty(t, purge.SurrogateKey.Value(keys))
		require.LessOrEqual(t, len(purge.SurrogateKey.Value(keys[:249])), 3000)
		require.NotEmpty(t, purge.SurrogateKey.Value(keys[:249]))
	})
}

// TestEdgeLate checks that a response is not stored at the edge if something that
// it depends on has changed while it was made.
func TestEdgeLate(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.SharedMaxAge = time.Minute; c.Purges.Format = purge.SurrogateKey }))
	anna := s.Register("anna")
	slug := s.Publish(anna, "A title").Slug
	// The writer of the response learns of a change just before the headers are sent.
	r := httptest.NewRequest(http.MethodGet, "/api/articles/"+slug, nil)
	w := &lateWriter{ResponseRecorder: httptest.NewRecorder(), before: func() {
		_, err := s.DB.Exec(t.Context(), "UPDATE articles SET title = 'Another' WHERE slug = $1", slug)
		require.NoError(t, err)
		s.Sync()
	}}
	s.Handler.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	res, _ := send(t, http.MethodGet, s.URL+"/articles/"+slug, "")
	require.Contains(t, res.Header.Get("Cache-Control"), "s-maxage=60")
	require.Equal(t, asked, w.Result().Header.Get("Cache-Control"))
	require.Empty(t, w.Result().Header.Values("Surrogate-Key"))
}

// lateWriter calls before when the fields of a response begin to be set.
type lateWriter struct {
	*httptest.ResponseRecorder
	once   sync.Once
	before func()
}

func (w *lateWriter) Header() http.Header {
	h := w.ResponseRecorder.Header()
	if h.Get("Content-Type") == "application/json" {
		w.once.Do(w.before)
	}
	return h
}

// TestEdgeAllocations checks that the header of a cached response is made once.
func TestEdgeAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	count := func(age time.Duration) float64 {
		s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
			c.CacheBytes, c.SharedDatabase, c.Quotas = 8<<20, false, ratelimit.WideQuotas()
			c.SharedMaxAge, c.Purges.Format = age, purge.SurrogateKey
		}))
		s.Publish(s.Register("anna"), "A title", "tea")
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/articles?limit=20", nil)
		w := &discard{header: http.Header{}}
		send := func() {
			w.reset()
			s.Handler.ServeHTTP(w, r)
		}
		send()
		return testing.AllocsPerRun(200, send)
	}
	require.Equal(t, count(0), count(time.Minute))
}

// TestPurgeOfWrite checks that a write makes the service name what has changed at
// once, with the keys that responses have.
func TestPurgeOfWrite(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var purged []string
	edge := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		purged = append(purged, strings.Fields(r.Header.Get("Surrogate-Key"))...)
	}))
	t.Cleanup(edge.Close)
	s := edged(t, dbtest.URL(t), purge.Config{URLs: []string{edge.URL}, Format: purge.SurrogateKey})
	anna := s.Register("anna")
	slug := s.Publish(anna, "A title").Slug
	runPurges(t, s)
	has := func(key string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Contains(purged, key)
		}
	}
	res, _ := send(t, http.MethodGet, s.URL+"/articles/"+slug, "")
	keys := strings.Fields(res.Header.Get("Surrogate-Key"))
	require.Eventually(t, has(keys[0]), polling, tick, "everything, at the first start")
	_, body := s.Do("DELETE", "/articles/"+slug, "", "Authorization", "Token "+anna.Token)
	require.Empty(t, body)
	require.Eventually(t, func() bool { return slices.ContainsFunc(keys[1:], func(key string) bool { return has(key)() }) }, polling, tick)
	metrics := metricsOf(s)
	require.Contains(t, metrics, "\nedge_purges_total{outcome=\"failed\"} 0\n")
	require.NotContains(t, metrics, "\nedge_purges_total{outcome=\"completed\"} 0\n")
	require.Contains(t, metrics, "\nedge_purge_age_seconds ")
}
