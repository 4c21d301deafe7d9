package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/peer"
)

// benchURL runs the benchmark on a peer, shortly and with little data, and
// returns what it prints on both outputs.
func benchURL(t *testing.T, p *peer.Peer, args ...string) (string, error) {
	t.Helper()
	args = append([]string{
		"--url", p.URL, "--connections", "2", "--time", "200ms", "--warm", "0", "--ceiling-time", "0", "--check-every", "1", "--rates", "none",
		"--fill-users", "4", "--fill-articles", "100", "--fill-comments", "20", "--fill-favorites", "20", "--fill-follows", "8", "--fill-tags", "5",
	}, args...)
	var out strings.Builder
	err := run(t.Context(), args, &out, &out)
	return out.String(), err
}

func contains(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
}

func TestExternalEmpty(t *testing.T) {
	p := peer.Start(t)
	p.StrictPasswords = true
	out, err := benchURL(t, p)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "0 articles", "registered 4 accounts", "created 100 articles, 20 comments and 20 favorites", "| mix ")
	if n := p.Registered.Load(); n != 4 {
		t.Errorf("%d accounts, want 4", n)
	}
}

func TestExternalWithData(t *testing.T) {
	p := peer.Start(t)
	p.Hold("ann", "any", 150, "go", `quote"d`, `back\slash`, "c++")
	p.Hold("bob", "any", 150, "rust")
	for range 2 { // the second run finds the accounts of the first
		out, err := benchURL(t, p, "--only", "^(list, first|feed|profile)")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		contains(t, out, "300 articles by 2 authors", "300 articles;")
	}
	if p.Registered.Load() != 4 || p.Published.Load() != 0 {
		t.Errorf("%d accounts and %d articles were created, want 4 and none", p.Registered.Load(), p.Published.Load())
	}
	if out, err := benchURL(t, p, "--only", "^(mix$|create article)"); err != nil { // with tags that JSON escapes
		t.Errorf("%v\n%s", err, out)
	}
}

func TestExternalTopsUp(t *testing.T) {
	p := peer.Start(t)
	p.Hold("ann", "any", 60, "go")
	out, err := benchURL(t, p, "--only", "^list, first")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "60 articles by 1 author", "created 40 articles, 8 comments and 8 favorites")
	if n := p.Published.Load(); n != 40 {
		t.Errorf("%d articles were created, want 40", n)
	}
}

func TestExternalLogins(t *testing.T) {
	p := peer.Start(t)
	var lines strings.Builder
	for _, name := range []string{"ann", "bob", "eve"} {
		p.Hold(name, "pass:word of "+name, 50, "a", "b", "c")
		lines.WriteString(name + "@example.com:pass:word of " + name + "\n")
	}
	p.Hold("joe", "other", 0)
	file := filepath.Join(t.TempDir(), "logins")
	if err := os.WriteFile(file, []byte("# accounts\n\n"+lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := benchURL(t, p, "--only", "^(login|mix$)", "--login", "joe@example.com:other", "--logins", file)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "signed in 4 accounts of --login")
	if p.Registered.Load() != 0 {
		t.Error("accounts were registered although enough were given")
	}
	if out, err = benchURL(t, p, "--only", "^login", "--login", "joe@example.com:other"); err != nil || p.Registered.Load() != 3 {
		t.Errorf("%v, %d accounts were registered, want the missing 3\n%s", err, p.Registered.Load(), out)
	}
	if _, err = benchURL(t, p, "--login", "joe@example.com:wrong"); err == nil || !strings.Contains(err.Error(), "joe@example.com") {
		t.Errorf("the error does not name the account: %v", err)
	}
}

func TestExternalTaken(t *testing.T) {
	p := peer.Start(t)
	p.Hold("bylinebench2", "unknown", 0)
	_, err := benchURL(t, p)
	if err == nil || !strings.Contains(err.Error(), "bylinebench2") || !strings.Contains(err.Error(), "has already been taken") {
		t.Errorf("got %v", err)
	}
}

func TestExternalPageCounts(t *testing.T) {
	for _, n := range []int{100, 230} {
		p := peer.Start(t)
		p.PageCounts = true
		if n > 100 {
			p.MaxLimit = 50
		}
		p.Hold("ann", "any", n, "a", "b", "c")
		out, err := benchURL(t, p, "--only", "^(list|feed|mix$)")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		contains(t, out, fmt.Sprintf("%d articles by 1 author", n), fmt.Sprintf("%d articles;", n), "articlesCount is the length of the page")
	}
}

func TestExternalPath(t *testing.T) {
	p := peer.Start(t)
	p.URL += "/v2"
	if _, err := benchURL(t, p); err == nil || !strings.Contains(err.Error(), "the path of --url") {
		t.Errorf("got %v", err)
	}
}

const hint = "BYLINE_RATE_LIMIT=off"

func TestExternalRateLimited(t *testing.T) {
	for name, from := range map[string]string{"Accounts": "/api/users", "Scenarios": "/api/profiles/ann"} {
		t.Run(name, func(t *testing.T) {
			p := peer.Start(t)
			p.Hold("ann", "any", 100, "a", "b", "c")
			p.Before = func(w http.ResponseWriter, r *http.Request) bool {
				limited := r.URL.Path == from
				if limited {
					w.WriteHeader(http.StatusTooManyRequests)
				}
				return limited
			}
			out, err := benchURL(t, p, "--only", "profile")
			if err == nil {
				t.Fatalf("no error\n%s", out)
			}
			contains(t, out+err.Error(), hint, "429")
		})
	}
}

func TestOpenLoopEnd(t *testing.T) {
	var seen atomic.Int64
	for name, c := range map[string]struct {
		before func(w http.ResponseWriter, r *http.Request) bool
		want   string
		rows   int
	}{
		"KeptUp": {nil, "all rates of the open loop were kept up", 2},
		// Wrong responses say nothing about the rate.
		"Wrong": {func(w http.ResponseWriter, _ *http.Request) bool {
			wrong := seen.Add(1)%2 == 0
			if wrong {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return wrong
		}, "all rates of the open loop were kept up", 2},
		"Refused": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}, "the open loop ended at 40 req/s: errors: ", 1},
		"Slow": {func(http.ResponseWriter, *http.Request) bool {
			time.Sleep(100 * time.Millisecond)
			return false
		}, "the open loop ended at 40 req/s: too many requests in flight: ", 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := peer.Start(t)
			p.Hold("ann", "any", 100, "a", "b", "c")
			var ready atomic.Bool
			p.Before = func(w http.ResponseWriter, r *http.Request) bool {
				// The last request before the open loop asks for the offset of
				// the last page.
				if r.FormValue("offset") == "60" && r.FormValue("limit") == "20" {
					ready.Store(true)
					return false
				}
				return ready.Load() && c.before != nil && c.before(w, r)
			}
			out, _ := benchURL(t, p, "--only", "open loop", "--rates", "40,50", "--time", "600ms")
			contains(t, out, c.want)
			if rows := strings.Count(out, "\nopen loop "); rows != c.rows {
				t.Errorf("%d rates were tried, want %d\n%s", rows, c.rows, out)
			}
		})
	}
}
