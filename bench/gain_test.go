package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/peer"
	"github.com/byline-api/byline/bench/internal/replica"
	"github.com/byline-api/byline/bench/internal/report"
)

// replicaOf returns a function that takes another backend for the Byline. It
// must hold the same articles.
func replicaOf(p *peer.Peer) func(context.Context, *conduit.Snapshot, string) (*replicated, error) {
	return func(ctx context.Context, s *conduit.Snapshot, _ string) (*replicated, error) {
		site, err := conduit.ParseURL(ctx, p.URL, conduit.Reach{})
		if err != nil {
			return nil, err
		}
		stored := &replica.Result{Slugs: map[string]bool{}}
		for _, a := range s.Articles {
			stored.Slugs[a.Slug] = true
		}
		return &replicated{target: &target{site: site, stop: func() error { return nil }}, stored: stored, reader: conduit.User{Name: "ann", Token: "of-ann"}}, nil
	}
}

// held starts a backend with 100 articles.
func held(t *testing.T) *peer.Peer {
	t.Helper()
	p := peer.Start(t)
	p.Hold("ann", "secret", 100, "go", "web", "x")
	return p
}

// gainOf compares a backend with another one, shortly, and returns the output
// and the figures.
func gainOf(t *testing.T, a, b *peer.Peer, args ...string) (string, *report.Gain, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gain.json")
	o, err := parseGain(append([]string{
		"--url", a.URL, "--connections", "2", "--time", "100ms", "--warm", "0", "--rates", "none", "--html", "none", "--json", file, "--only", "^(tags|mix)",
	}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = (&bench{options: o, log: io.Discard}).compareWith(t.Context(), &out, replicaOf(b))
	text, failed := os.ReadFile(file)
	if failed != nil {
		return out.String(), nil, err
	}
	var g report.Gain
	if failed := json.Unmarshal(text, &g); failed != nil || g.Format != "byline-gain" || g.Version != 1 {
		t.Fatalf("%v\n%s", failed, text)
	}
	return out.String(), &g, err
}

// slow makes a backend answer one request after another, each 20 ms after the
// one before.
func slow(p *peer.Peer) {
	var mu sync.Mutex
	p.Before = func(http.ResponseWriter, *http.Request) bool {
		mu.Lock()
		time.Sleep(20 * time.Millisecond)
		mu.Unlock()
		return false
	}
}

func TestGainDirection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		slowSide int
		want     string
		says     string
	}{
		"Byline":  {report.Backend, report.BetterByline, "times as many requests"},
		"Backend": {report.Byline, report.BetterBackend, "Your backend is better"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := held(t), held(t)
			// Reading the whole backend slowly would take long.
			slow([]*peer.Peer{a, b}[c.slowSide])
			out, g, err := gainOf(t, a, b, "--only", "^tags$", "--articles", "30", "--time", "500ms")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			contains(t, out, c.says, "only the newest 30 articles were copied (--articles) of the 100")
			if len(g.Kinds) != 1 || g.Kinds[0].Throughput.Better != c.want || len(g.Kinds[0].Closed.Rows[1]) != 3 {
				t.Errorf("got %+v", *g.Kinds[0])
			}
		})
	}
}

// TestGainRates checks that a side which does not keep a rate is asked for no
// higher one.
func TestGainRates(t *testing.T) {
	t.Parallel()
	a, b := held(t), held(t)
	var asked atomic.Int64
	a.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/tags" && asked.Add(1) > compared+1 {
			time.Sleep(300 * time.Millisecond) // above the P99 that is kept
		}
		return false
	}
	out, g, err := gainOf(t, a, b, "--only", "^tags$", "--rates", "10,20,40", "--rounds", "1", "--time", "400ms", "--connections", "20")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	k := g.Kinds[0]
	if len(k.Open) != 3 || len(k.Open[0].Rows[report.Backend]) != 1 || len(k.Open[1].Rows[report.Backend]) != 0 || len(k.Open[2].Rows[report.Byline]) != 1 {
		t.Errorf("got %+v", k.Open)
	}
	if k.Kept[report.Backend] != 0 || k.Latency != nil || k.Throughput.Better != report.BetterUnknown {
		t.Errorf("kept %v, latency %+v, %+v", k.Kept, k.Latency, k.Throughput)
	}
}

func TestGainFailing(t *testing.T) {
	t.Parallel()
	a, b := held(t), held(t)
	var asked atomic.Int64
	a.Before = func(w http.ResponseWriter, r *http.Request) bool {
		fails := r.URL.Path == "/api/tags" && asked.Add(1) > 1 && asked.Load()%2 == 0
		if fails {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"errors":{"body":["\u001b]0;title\u0007"]}}`)
		}
		return fails
	}
	out, g, err := gainOf(t, a, b)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "Not comparable", "status 500 from your backend, status 200 from Byline", "tags, your backend: error: status 500")
	if strings.ContainsAny(out, "\x1b\x07") {
		t.Error("the terminal gets control characters of the backend")
	}
	for _, k := range g.Kinds {
		if want := k.Kind == conduit.Tags; (k.Throughput.Better == report.BetterErrors) != want {
			t.Errorf("%s: %+v", k.Kind, k.Throughput)
		}
	}
}

func TestGainSkips(t *testing.T) {
	t.Parallel()
	a, b := held(t), held(t)
	a.Before = func(w http.ResponseWriter, r *http.Request) bool {
		gone := r.URL.Path == "/api/tags"
		if gone {
			w.WriteHeader(http.StatusNotFound)
		}
		return gone
	}
	out, g, err := gainOf(t, a, b)
	if err != nil || !strings.Contains(g.Kinds[0].Skipped, "your backend answers none") {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "tags: Not measured: your backend answers none of these requests with success.")
}

func TestGainEmpty(t *testing.T) {
	t.Parallel()
	out, _, err := gainOf(t, peer.Start(t), held(t))
	if err == nil || !strings.Contains(err.Error(), "has no articles") || out != "" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestGainUnreadable(t *testing.T) {
	t.Parallel()
	a := held(t)
	a.Before = func(w http.ResponseWriter, r *http.Request) bool {
		limited := strings.HasSuffix(r.URL.Path, "/comments")
		if limited {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, "slow \x1b[2Jdown")
		}
		return limited
	}
	_, _, err := gainOf(t, a, held(t))
	if err == nil || !strings.Contains(err.Error(), "none of the 100 articles can be read") || !strings.Contains(err.Error(), "disable the rate limits") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
	if _, _, err := gainOf(t, held(t), held(t), "--html", filepath.Join(t.TempDir(), "missing", "x.html")); err == nil || !strings.Contains(err.Error(), "--html") {
		t.Errorf("got %v", err)
	}
}

func TestGainSignedIn(t *testing.T) {
	t.Parallel()
	a, b := held(t), held(t)
	out, g, err := gainOf(t, a, b, "--only", "signed in|create", "--email", "ann@example.com", "--password", "secret")
	if err != nil || len(g.Kinds) != 2 || a.Published.Load() != 0 {
		t.Fatalf("%v, %d articles\n%s", err, a.Published.Load(), out)
	}
	contains(t, out, "Writes were not compared")
	out, g, err = gainOf(t, a, b, "--only", "create", "--token", "of-ann", "--writes", "--yes")
	if err != nil || len(g.Kinds) != 2 || a.Published.Load() == 0 || b.Published.Load() == 0 {
		t.Fatalf("%v, %d articles\n%s", err, a.Published.Load(), out)
	}
	for _, k := range g.Kinds {
		if k.ErrorShare(0) > 0 || k.ErrorShare(1) > 0 || !k.Writes {
			t.Errorf("%s: %+v", k.Kind, k.Closed)
		}
	}
	contains(t, out, "Your backend keeps what was created", "benchmark-b")
	if _, _, err = gainOf(t, a, b, "--email", "ann@example.com", "--password", "wrong"); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v", err)
	}
}

func TestGainLimits(t *testing.T) {
	t.Parallel()
	a, b := held(t), held(t)
	out, g, err := gainOf(t, a, b, "--max-requests", "1")
	if err != nil {
		t.Fatal(err)
	}
	contains(t, out, "--max-requests")
	if k := g.Find(conduit.ReadMix); k.Throughput.Better != report.BetterNone {
		t.Errorf("measured after the limit: %+v", k)
	}
	slow(a)
	if _, _, err = gainOf(t, a, b, "--limit", "50ms"); err == nil || !strings.Contains(err.Error(), "longer than --limit") {
		t.Errorf("got %v", err)
	}
}

func TestGainOptions(t *testing.T) {
	t.Parallel()
	url := "--url http://127.0.0.1:3000/api "
	for args, want := range map[string]string{
		"": "--url is required", url + "extra": "unexpected argument", url + "--only nothing": "matches no kind", url + "--only (": "--only",
		url + "--rates 2,1": "must rise", url + "--rates x": "--rates", url + "--writes": "needs an account", url + "--writes --token t": "add --yes",
		url + "--email a": "belong together", url + "--token t --email a --password b": "one account", url + "--articles 0": "--articles",
		url + "--comments -1": "--comments", url + "--connections 0": "--connections", url + "--rounds 0": "--rounds", url + "--time 0s": "--time",
		url + "--time 2m": "--time", url + "--limit 0s": "--limit", url + "--pid 99999999": "--pid", url + "--db-pid 99999999": "--db-pid", url + "--urll": "bench gain --help",
	} {
		if _, err := parseGain(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	o, err := parseGain(strings.Fields(url + "--writes --yes --token t --html none --rates none"))
	if err != nil || o.gain.html != "" || o.gain.autoRates || len(o.rates) != 0 || !o.gain.signedIn() {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestGainCommand checks both names of the command, and which hosts they
// refuse.
func TestGainCommand(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"gain --url http://192.0.2.1/api", "--url http://192.0.2.1/api --html x.html", "--html=x.html --url http://192.0.2.1/api"} {
		err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "--allow-host 192.0.2.1") {
			t.Errorf("%s: %v", args, err)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"gain", "--help"}, &out, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	contains(t, out.String(), "--allow-host", "--writes", "only reads from the backend", "Nothing is sent anywhere else")
	if strings.Contains(out.String(), "(default false)") {
		t.Error("the help shows the default of a switch")
	}
}

func TestAutoGainRates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		slower, faster float64
		want           []float64
	}{
		{300, 5000, []float64{50, 100, 200, 500, 1000, 2000, 5000}}, {5000, 300, nil}, {0, 100, nil}, {3, 4, []float64{1, 2}},
		{100_000, 200_000, []float64{20_000}}, {1, 1e9, []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}},
	} {
		if got := autoGainRates(c.slower, c.faster); !slices.Equal(got, c.want) {
			t.Errorf("from %g to %g: %v, want %v", c.slower, c.faster, got, c.want)
		}
	}
}
