package strangle_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/strangle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is one of the two systems. It records the requests that reach it.
type backend struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

type received struct {
	method, uri, body, host string
	header                  http.Header
}

// newBackend starts a system that answers with a handler, or with its name.
func newBackend(t *testing.T, name string, handler http.HandlerFunc) *backend {
	t.Helper()
	b := &backend{}
	if handler == nil {
		handler = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"from":%q}`, name)
		}
	}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := []byte{}
		if r.Header.Get("X-Test-Unread") == "" {
			var err error
			if body, err = io.ReadAll(r.Body); err == nil {
				r.Body = io.NopCloser(strings.NewReader(string(body)))
			}
		}
		b.mu.Lock()
		b.requests = append(b.requests, received{r.Method, r.RequestURI, string(body), r.Host, r.Header.Clone()})
		b.mu.Unlock()
		w.Header().Set("X-From", name)
		handler(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) all() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.requests...)
}

// world is a proxy between two systems.
type world struct {
	t            *testing.T
	proxy        *strangle.Proxy
	old, new     *backend
	front, admin *httptest.Server
	log          *logs
}

// logs are the lines of the log.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// document is loaded once.
var document = sync.OnceValues(contract.Load)

// start starts a proxy. edit changes its configuration, and the handlers are
// those of the systems.
func start(t *testing.T, edit func(*strangle.Config), old, new http.HandlerFunc) *world {
	t.Helper()
	w := &world{t: t, old: newBackend(t, "old", old), new: newBackend(t, "new", new)}
	cfg := strangle.DefaultConfig()
	cfg.Old, cfg.New = w.old.URL, w.new.URL
	if edit != nil {
		edit(&cfg)
	}
	w.run(cfg, nil)
	return w
}

// run starts the proxy itself.
func (w *world) run(cfg strangle.Config, file *strangle.File) {
	w.t.Helper()
	doc, err := document()
	require.NoError(w.t, err)
	w.log = &logs{}
	proxy, err := strangle.New(cfg, file, doc, slog.New(slog.NewJSONHandler(w.log, nil)))
	require.NoError(w.t, err)
	w.proxy = proxy
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		proxy.Run(ctx)
		close(done)
	}()
	front, admin := httptest.NewServer(proxy), httptest.NewServer(proxy.Admin())
	w.front, w.admin = front, admin
	w.t.Cleanup(func() {
		front.Close()
		admin.Close()
		cancel()
		<-done
	})
}

// modes returns an edit that sets modes, given as name, mode, name, mode.
func modes(pairs ...string) func(*strangle.Config) {
	return func(c *strangle.Config) { c.Modes = pairsOf(pairs) }
}

func pairsOf(pairs []string) strangle.Modes {
	m := strangle.Modes{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// set changes the modes while the proxy runs.
func (w *world) set(pairs ...string) {
	w.t.Helper()
	require.NoError(w.t, w.proxy.SetModes(pairsOf(pairs)))
}

// answer is a response with its body.
type answer struct {
	*http.Response
	body string
}

// send sends a request to the proxy. header are pairs of names and values.
func (w *world) send(method, path, body string, header ...string) answer {
	w.t.Helper()
	return request(w.t, w.front, method, path, body, header...)
}

func request(t *testing.T, s *httptest.Server, method, path, body string, header ...string) answer {
	t.Helper()
	a, err := try(t.Context(), s, method, path, body, header...)
	require.NoError(t, err)
	return a
}

func try(ctx context.Context, s *httptest.Server, method, path, body string, header ...string) (answer, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, reader)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	client := &http.Client{Transport: s.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res, string(text)}, err
}

// from returns the system that answered.
func (a answer) from() string { return a.Header.Get("X-From") }

// token returns a token of an account, as Node backends sign them.
func token(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return "Token " + part([]byte(`{"alg":"HS256"}`)) + "." + part([]byte(claims)) + ".c2lnbmF0dXJl"
}

// metric returns the value of a series, or "" if there is none.
func (w *world) metric(series string) string {
	w.t.Helper()
	for line := range strings.Lines(request(w.t, w.admin, "GET", "/metrics", "").body) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// eventually waits for a condition. It fails only if that never comes.
func (w *world) eventually(condition func() bool) {
	w.t.Helper()
	require.Eventually(w.t, condition, 30*time.Second, 2*time.Millisecond)
}

// differences returns what the admin port says about differences.
func (w *world) differences() (d struct {
	Differences []struct {
		Operation, Path, Kind string
		Count                 int
		Samples               []struct {
			Old, New struct {
				Kind, Value, Hash string
				Length            int
			}
		}
	}
	NotRecorded int
	Comparisons map[string]map[string]int
}) {
	w.t.Helper()
	require.NoError(w.t, json.Unmarshal([]byte(request(w.t, w.admin, "GET", "/differences", "").body), &d))
	return d
}

// config returns a configuration for the two systems.
func (w *world) config() strangle.Config {
	cfg := strangle.DefaultConfig()
	cfg.Old, cfg.New = w.old.URL, w.new.URL
	return cfg
}
