package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/purge"
	"github.com/byline-api/byline/server/servertest"
)

// freeAddress returns an address of this machine that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// startVarnish starts Varnish with deploy/varnish/byline.vcl at an address, in
// front of a service.
func startVarnish(t *testing.T, addr, origin string) {
	t.Helper()
	program := servertest.Program(t, "varnishd", "varnish, and varnish-modules")
	vcl, err := os.ReadFile("../deploy/varnish/byline.vcl")
	require.NoError(t, err)
	u, err := url.Parse(origin)
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "byline.vcl")
	text := string(vcl)
	for old, now := range map[string]string{`.host = "127.0.0.1"`: `.host = "` + u.Hostname() + `"`, `.port = "8080"`: `.port = "` + u.Port() + `"`} {
		require.Contains(t, text, old)
		text = strings.Replace(text, old, now, 1)
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	args := []string{"-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-a", addr, "-f", file, "-s", "malloc,32m", "-p", "thread_pool_min=10"}
	cmd := exec.Command(program, args...)
	var out servertest.Log
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // the parent stops its child
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		select {
		case <-ended:
			t.Fatalf("varnishd has ended: %s", &out)
		default:
		}
		return err == nil
	}, time.Minute, 20*time.Millisecond, "%s", &out)
}

// edged returns a service whose responses caches at the edge may use for an
// hour, and that purges the one at a URL.
func edged(t *testing.T, database string, purges purge.Config) *servertest.Service {
	t.Helper()
	return servertest.New(t, servertest.WithDatabase(database), servertest.Following(), servertest.WithServer(func(c *server.Config) {
		c.SharedMaxAge, c.Purges = time.Hour, purges
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}))
}

// runPurges purges as in production, until the returned function is called.
func runPurges(t *testing.T, s *servertest.Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Edge.Purge(ctx) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// varnished is a service behind Varnish.
type varnished struct {
	*servertest.Service
	edge     string // the URL of Varnish
	requests *atomic.Int64
}

func newVarnished(t *testing.T) varnished {
	servertest.Program(t, "varnishd", "varnish, and varnish-modules")
	addr := freeAddress(t)
	v := varnished{edged(t, dbtest.URL(t), purge.Config{URLs: []string{"http://" + addr + "/purge"}, Format: purge.SurrogateKey}), "http://" + addr, &atomic.Int64{}}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.requests.Add(1)
		v.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(origin.Close)
	startVarnish(t, addr, origin.URL)
	runPurges(t, v.Service)
	return v
}

// get returns a response of the edge.
func (v varnished) get(t *testing.T, path string, header ...string) (*http.Response, string) {
	t.Helper()
	res, body := send(t, http.MethodGet, v.edge+path, "", header...)
	return res, string(body)
}

// cached waits until the edge has the response to a path, and returns it.
func (v varnished) cached(t *testing.T, path string) (body string) {
	t.Helper()
	require.Eventually(t, func() bool {
		res, text := v.get(t, path)
		body = text
		return res.Header.Get("X-Cache") == "HIT"
	}, polling, tick, path)
	return body
}

// follows waits until the edge has the response of the service, or has dropped
// it.
func (v varnished) follows(t *testing.T, path string) {
	t.Helper()
	var edge, origin string
	require.Eventually(t, func() bool {
		_, edge = v.get(t, path)
		_, body := send(t, http.MethodGet, v.Root+path, "")
		origin = string(body)
		return withoutID(edge) == withoutID(origin)
	}, polling, tick, "%s\n%s\n%s", path, edge, origin)
}

// withoutID removes the id of a request from a problem.
func withoutID(body string) string {
	var p map[string]any
	if json.Unmarshal([]byte(body), &p) != nil {
		return body
	}
	delete(p, "requestId")
	text, _ := json.Marshal(p)
	return string(text)
}

// TestVarnishPrefix sends a prefix that Byline believes from a proxy. Other
// clients must not get links with it.
func TestVarnishPrefix(t *testing.T) {
	t.Parallel()
	v := newVarnished(t)
	anna := v.Register("anna")
	v.Publish(anna, "A", "tea")
	v.Publish(anna, "B", "tea")
	const path = "/api/articles?limit=1"
	res, _ := v.get(t, path, "X-Forwarded-Prefix", "/other")
	require.Contains(t, res.Header.Get("Link"), "cursor=")
	v.cached(t, path)
	res, _ = v.get(t, path)
	require.Equal(t, "HIT", res.Header.Get("X-Cache"))
	require.Contains(t, res.Header.Get("Link"), "</api/articles?")
}

// TestVarnish runs the sample configuration of Varnish, and changes what it has
// stored in each way that an author has.
func TestVarnish(t *testing.T) {
	t.Parallel()
	v := newVarnished(t)
	anna := v.Register("anna")
	slug := v.Publish(anna, "A title", "tea").Slug
	token := []string{"Authorization", "Token " + anna.Token}
	article := "/api/articles/" + slug

	t.Run("Hit", func(t *testing.T) {
		v.cached(t, article)
		before := v.requests.Load()
		res, _ := v.get(t, article)
		require.Equal(t, before, v.requests.Load(), "the service has received a request")
		require.Equal(t, "public, max-age=0, must-revalidate", res.Header.Get("Cache-Control"))
		require.NotEmpty(t, res.Header.Get("Age"))
		for _, name := range []string{"Surrogate-Key", "Xkey", "X-Request-Id", "RateLimit", "RateLimit-Policy"} {
			require.Empty(t, res.Header.Values(name), name)
		}
		res, _ = v.get(t, article, "If-None-Match", res.Header.Get("ETag"))
		require.Equal(t, http.StatusNotModified, res.StatusCode)
		require.Equal(t, before, v.requests.Load())
		res, _ = v.get(t, article, "Cookie", "a=b")
		require.Equal(t, "HIT", res.Header.Get("X-Cache"))
	})
	t.Run("Token", func(t *testing.T) {
		for range 2 {
			res, _ := v.get(t, article, token...)
			require.Equal(t, "MISS", res.Header.Get("X-Cache"))
			require.Equal(t, "private, max-age=0, must-revalidate", res.Header.Get("Cache-Control"))
			require.NotEmpty(t, res.Header.Get("X-Request-Id"))
		}
	})
	for _, change := range []struct {
		name, method, path, body string
		paths                    []string
	}{
		{"Edit", "PUT", "/articles/" + slug, `{"article":{"body":"Another body"}}`, []string{article}},
		{"Comment", "POST", "/articles/" + slug + "/comments", `{"comment":{"body":"Hm."}}`, []string{article + "/comments"}},
		{"Publish", "POST", "/articles", `{"article":{"title":"Second","description":"d","body":"b","tagList":["tea","coffee"]}}`,
			[]string{"/api/articles?tag=tea", "/api/articles", "/api/articles?author=anna"}},
		{"Tag", "PUT", "/articles/" + slug, `{"article":{"tagList":["coffee"]}}`, []string{"/api/articles?tag=tea", "/api/articles?tag=coffee", "/api/tags"}},
		{"Rename", "PUT", "/user", `{"user":{"username":"anne"}}`, []string{"/api/profiles/anna", article, "/api/articles"}},
		{"Delete", "DELETE", "/articles/" + slug, "", []string{article, "/api/articles", "/api/tags"}},
	} {
		t.Run(change.name, func(t *testing.T) {
			for _, path := range change.paths {
				v.cached(t, path)
			}
			res, body := v.For(t).Do(change.method, change.path, change.body, token...)
			require.Less(t, res.StatusCode, 300, body)
			for _, path := range change.paths {
				v.follows(t, path)
			}
		})
	}
	t.Run("NoKeys", func(t *testing.T) {
		for range 3 {
			res, _ := v.get(t, "/livez")
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Equal(t, "MISS", res.Header.Get("X-Cache"))
			res, _ = v.get(t, "/api/articles/none")
			require.Equal(t, http.StatusNotFound, res.StatusCode)
			require.Equal(t, "MISS", res.Header.Get("X-Cache"))
		}
	})
	t.Run("Forbidden", func(t *testing.T) {
		res, _ := v.get(t, "/purge", "Surrogate-Key", "x")
		require.Equal(t, http.StatusBadRequest, res.StatusCode, "only POST purges")
		res, _ = send(t, http.MethodPost, v.edge+"/purge", "")
		require.Equal(t, http.StatusBadRequest, res.StatusCode, "no keys")
	})
}

// stuck is an URL that passes purges on to Varnish, until those of one replica
// get no response.
type stuck struct {
	next    http.Handler
	replica atomic.Pointer[string]
	hung    atomic.Int64
	end     chan struct{}
}

func (s *stuck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := s.replica.Load(); name != nil && r.Header.Get("Replica") == *name {
		_, _ = io.Copy(io.Discard, r.Body)
		s.hung.Add(1)
		<-s.end
		panic(http.ErrAbortHandler)
	}
	s.next.ServeHTTP(w, r)
}

// TestVarnishReplicas lets two replicas write and purge, of which one dies in the
// middle of its purges. What Varnish has in the end is what the service returns.
func TestVarnishReplicas(t *testing.T) {
	t.Parallel()
	servertest.Program(t, "varnishd", "varnish, and varnish-modules")
	addr, database := freeAddress(t), dbtest.URL(t)
	target, err := url.Parse("http://" + addr)
	require.NoError(t, err)
	middle := &stuck{next: httputil.NewSingleHostReverseProxy(target), end: make(chan struct{})}
	between := httptest.NewServer(middle)
	t.Cleanup(between.Close)
	t.Cleanup(func() { close(middle.end) })
	var replicas []*servertest.Service
	for _, name := range []string{"a", "b"} {
		replicas = append(replicas, edged(t, database, purge.Config{URLs: []string{between.URL + "/purge"}, Format: purge.SurrogateKey, Header: purge.Header{Name: "Replica", Value: name}}))
	}
	startVarnish(t, addr, replicas[1].Root)
	stop := runPurges(t, replicas[0])
	runPurges(t, replicas[1])
	v := varnished{Service: replicas[1], edge: "http://" + addr}

	anna := v.Register("anna")
	paths := []string{"/api/articles", "/api/tags", "/api/profiles/anna"}
	var slugs []string
	for i := range 8 {
		slug := v.Publish(anna, fmt.Sprintf("Article %d", i), fmt.Sprintf("tag%d", i%3)).Slug
		slugs = append(slugs, slug)
		paths = append(paths, "/api/articles/"+slug, "/api/articles?tag="+fmt.Sprintf("tag%d", i%3))
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if res, err := http.Get(v.edge + paths[i%len(paths)]); err == nil {
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
			}
		})
	}
	edit := func(n int) {
		res, body := replicas[n%2].Do(http.MethodPut, "/articles/"+slugs[n%len(slugs)], fmt.Sprintf(`{"article":{"body":"Body %d"}}`, n),
			"Authorization", "Token "+anna.Token)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
	}
	for n := range 40 {
		if n == 20 {
			name := "a"
			middle.replica.Store(&name)
		}
		edit(n)
	}
	// Replica a gets a turn, which it does not survive.
	for n := 40; middle.hung.Load() == 0; n++ {
		require.Less(t, n, 2000, "replica a gets no turn")
		edit(n)
		time.Sleep(5 * time.Millisecond)
	}
	for n := range 10 {
		edit(2*n + 1)
	}
	same := func() {
		for _, path := range paths {
			v.follows(t, path)
			v.cached(t, path)
		}
	}
	same() // the turn of replica a has ended
	stop()
	for n := range 10 {
		edit(2*n + 1)
	}
	close(done)
	readers.Wait()
	same()
}
