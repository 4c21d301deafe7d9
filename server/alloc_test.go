package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// discard is a ResponseWriter that costs nothing itself.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

func (d *discard) reset() {
	clear(d.header)
	d.status = 0
}

// BenchmarkEdge measures what the service itself costs, without the network:
// allocations are exact, times are not.
func BenchmarkEdge(b *testing.B) {
	s := servertest.New(b, servertest.WithServer(func(c *server.Config) { c.CacheBytes, c.Quotas = 8<<20, server.WideQuotas() }))
	author := s.Register("author")
	for range 25 {
		s.Publish(author, "An article", "tag")
	}
	for _, bench := range []struct{ name, path, token string }{
		{"KeptArticle", "/api/articles/an-article", ""},
		{"KeptList", "/api/articles?limit=20", ""},
		{"Article", "/api/articles/an-article", author.Token},
		{"List", "/api/articles?limit=20", author.Token},
		{"Feed", "/api/articles/feed", author.Token},
		{"Livez", "/livez", ""},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, bench.path, nil)
			r.Header.Set("User-Agent", "bench")
			if bench.token != "" {
				r.Header.Set("Authorization", "Token "+bench.token)
			}
			w := &discard{header: http.Header{}}
			s.Handler.ServeHTTP(w, r)
			require.Equal(b, http.StatusOK, w.status)
			b.ReportAllocs()
			for b.Loop() {
				w.reset()
				s.Handler.ServeHTTP(w, r)
			}
		})
	}
}
