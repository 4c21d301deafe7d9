package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/peer"
)

// smallWorld returns a world whose site is a backend in memory, with an account
// that writes and is signed in.
func smallWorld(t *testing.T) (*world, *visitor) {
	t.Helper()
	p := peer.Start(t)
	p.Hold(userName(0), passwordOf(userName(0)), 1, "tag1")
	p.Hold(userName(1), passwordOf(userName(1)), 0)
	site := strings.TrimSuffix(strings.TrimPrefix(p.URL, "http://"), "/api")
	w := newWorld(&options{users: 2, articles: 100, writers: 1, readers: 1}, site)
	w.begin("test")
	v := w.writers[0]
	if err := v.signIn(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	return w, v
}

// write makes some writes, and returns the slug of an article.
func write(t *testing.T, w *world, v *visitor) string {
	t.Helper()
	if err := w.publish(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if err := w.register(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	slug := v.lastArticle()
	var got struct{ Comment comment }
	if err := v.call(t.Context(), w.site, http.MethodPost, "/articles/"+slug+"/comments", object{"comment": object{"body": "text"}}, &got); err != nil {
		t.Fatal(err)
	}
	if err := v.call(t.Context(), w.site, http.MethodPost, "/profiles/"+userName(1)+"/follow", nil, nil); err != nil {
		t.Fatal(err)
	}
	w.ledger.acknowledge(func() { w.ledger.comment(slug, got.Comment.ID, "text") })
	w.ledger.acknowledge(func() { w.ledger.follows[pair{v.name, userName(1)}] = true })
	w.ledger.acknowledge(func() { w.ledger.favorites[pair{v.name, slug}] = false })
	return slug
}

func TestMissing(t *testing.T) {
	t.Parallel()
	// Each change makes the ledger say something that is not so.
	lies := map[string]func(l *ledger, slug, name string){
		"article": func(l *ledger, _, _ string) { l.articles["gone"] = article{Title: "T"} },
		"body": func(l *ledger, slug, _ string) {
			a := l.articles[slug]
			a.Body = "other"
			l.articles[slug] = a
		},
		"tags": func(l *ledger, slug, _ string) {
			a := l.articles[slug]
			a.TagList = append(slices.Clone(a.TagList), "more")
			l.articles[slug] = a
		},
		"comment":         func(l *ledger, slug, _ string) { l.comment(slug, 999, "lost") },
		"deleted comment": func(l *ledger, slug, _ string) { l.comment(slug, 1, "") },
		"favorite":        func(l *ledger, slug, name string) { l.favorites[pair{name, slug}] = true },
		"follow":          func(l *ledger, _, name string) { l.follows[pair{name, userName(1)}] = false },
		"bio":             func(l *ledger, _, name string) { l.bios[name] = "lost" },
		"account":         func(l *ledger, _, _ string) { l.accounts = append(l.accounts, "nobody") },
	}
	t.Run("Nothing", func(t *testing.T) {
		t.Parallel()
		w, v := smallWorld(t)
		write(t, w, v)
		checked, lost := w.ledger.missing(t.Context(), w.site, map[string]*visitor{v.name: v})
		if checked != 5 || len(lost) > 0 || w.ledger.count() != 5 {
			t.Errorf("%d checked, %v", checked, lost)
		}
	})
	for what, lie := range lies {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w, v := smallWorld(t)
			lie(w.ledger, write(t, w, v), v.name)
			if _, lost := w.ledger.missing(t.Context(), w.site, map[string]*visitor{v.name: v}); len(lost) != 1 {
				t.Errorf("%d writes are missing instead of 1: %v", len(lost), lost)
			}
		})
	}
}

// Requests that fail, in whichever way, count as failed.
func TestFailuresCount(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"ServerError": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"SignedOut":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"BrokenOff":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"NotJSON":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"OtherJSON":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(handler)
			t.Cleanup(s.Close)
			w := newWorld(&options{users: 2, articles: 100, writers: 1, readers: 1}, s.Listener.Addr().String())
			w.begin("test")
			for _, isWrite := range []bool{false, true} {
				for range 10 {
					w.one(t.Context(), w.phase, time.Now(), isWrite)
				}
			}
			if n := w.failed(); n != 20 {
				t.Errorf("%d of 20 requests failed", n)
			}
			if w.ledger.count() > 0 {
				t.Error("a write that failed was acknowledged")
			}
		})
	}
}

// The load ends with its context, and waits for its answers.
func TestLoadEnds(t *testing.T) {
	t.Parallel()
	w, _ := smallWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.run(ctx, 1000, 0.5)
	if w.byByline() != 0 {
		t.Error("responses without a request id counted for Byline")
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	r := &report{}
	r.explain([]group{{Operation: "GetTags", Path: "$.tags[*]", Kind: "order"}, {Operation: "GetArticle", Path: "$", Kind: "status"}, {Operation: "GetTags", Path: "$.tags[*]", Kind: "missing"}},
		[]group{{Operation: "GetArticles", Path: "$.articlesCount", Kind: "value"}},
		compared{"GetTags": {"noise": 1}, "GetArticle": {"different": 1}})
	for i, want := range []string{"", "the rule unordered: $.tags", "", "newer than the last import"} {
		if got := r.Differences[i].Explanation; want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%+v is explained by %q", r.Differences[i], got)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	good := func() *report {
		return &report{Acknowledged: 1, Checked: 1, Compared: map[string]int64{"equal": 1}, Differences: []found{{Explanation: "a rule"}}}
	}
	if err := good().verdict(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*report){
		"failed":      func(r *report) { r.Failures = map[string]int{"status 500": 1} },
		"unexplained": func(r *report) { r.Differences[0].Explanation = "" },
		"lost":        func(r *report) { r.Lost = []string{"an article"} },
		"signed out":  func(r *report) { r.SignedOut = []string{"user1"} },
		"no writes":   func(r *report) { r.Acknowledged = 0 },
		"not checked": func(r *report) { r.Checked = 0 },
		"no equal":    func(r *report) { r.Compared = nil },
		"fallbacks":   func(r *report) { r.Fallbacks = map[string]int{"GetTags timeout": 1} },
		"not canary":  func(r *report) { r.Phases = []phaseReport{{Name: phaseHalf}} },
		"no way back": func(r *report) { r.Phases = []phaseReport{{Name: phaseBack, ByByline: 6}} },
	} {
		r := good()
		if spoil(r); r.verdict() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"--rate", "20", "--step", "2s"}, io.Discard)
	if err != nil || o.rate != 20 || o.step != 2*time.Second {
		t.Fatalf("%+v, %v", o, err)
	}
	for _, args := range []string{"extra", "--rate 0", "--writes 1", "--step 1ms", "--writers 0", "--readers 400", "--articles 3", "--unknown"} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

// The first token must be accepted and answered with another one.
func TestExchange(t *testing.T) {
	t.Parallel()
	for name, tokens := range map[string]map[string]string{
		"Same":    {"Token old": "old"},
		"Refused": {"Token old": "new"},
		"OK":      {"Token old": "new", "Token new": "new"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, found := tokens[r.Header.Get("Authorization")]
			if !found {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(w, `{"user":{"username":"user1","token":"`+token+`"}}`)
		}))
		t.Cleanup(s.Close)
		v := newVisitor("user1", 1)
		v.first = "old"
		if err := v.exchange(t.Context(), s.Listener.Addr().String()); (err == nil) != (name == "OK") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// configure returns when the proxy has applied the file, and not before.
func TestConfigure(t *testing.T) {
	t.Parallel()
	p := &proxy{file: filepath.Join(t.TempDir(), "strangle.yaml")}
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprintf(w, "# TYPE strangle_changes_total counter\nstrangle_changes_total{by=\"file\"} %d\n", asked/4)
	}))
	t.Cleanup(s.Close)
	p.admin = s.Listener.Addr().String()
	if err := p.configure(t.Context(), settings{Modes: map[string]string{"default": "old"}}); err != nil || asked != 4 {
		t.Errorf("after %d questions: %v", asked, err)
	}
	s.Config.Handler = http.NotFoundHandler()
	if err := p.configure(t.Context(), settings{}); err == nil {
		t.Error("an error of the proxy was ignored")
	}
}

// An action of each kind is picked by its weight, and only of its own half.
func TestPick(t *testing.T) {
	t.Parallel()
	for _, isWrite := range []bool{false, true} {
		for range 1000 {
			if pick(isWrite).write != isWrite {
				t.Fatal("a write was picked among the reads, or a read among the writes")
			}
		}
	}
}

// The picture has the phases with load, and no point without a request.
func TestDraw(t *testing.T) {
	t.Parallel()
	w, v := smallWorld(t)
	w.watched = time.Now().Add(-2 * time.Second)
	for _, write := range []bool{false, true} {
		w.record(w.phase, action{name: "a", write: write}, 20*time.Millisecond, nil)
	}
	v.byByline.Add(1)
	w.tick()
	w.tick()
	if one, none := w.ticks[0], w.ticks[1]; one.ByByline != 50 || one.Reads.P50 < 19 || one.Writes.Max < 19 || none.ByByline != 0 || none.Reads.P50 != 0 {
		t.Errorf("the ticks are %+v", w.ticks)
	}
	r := &report{Ticks: w.ticks, Phases: []phaseReport{{Name: "warm-up", Began: -9, Seconds: 8}, {Name: phaseBefore, Began: -0.1, Seconds: 1}, {Name: "reads of 10% of the users", Began: 0.9, Seconds: 1}, {Name: "checks", Began: 60}}}
	var out strings.Builder
	if err := r.draw(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for want, n := range map[string]int{">old system<": 1, ">10%<": 1, "warm-up": 0, "checks": 0, "NaN": 0, "Inf": 0, "<circle": 1, "<path": 3} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%d times %s instead of %d in %s", got, want, n, text)
		}
	}
}

// What the old system answered instead of Byline is found in the metrics, unless
// it should be so.
func TestFallbacks(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `# TYPE strangle_fallbacks_total counter
strangle_fallbacks_total{operation="GetTags",reason="timeout"} 12
strangle_fallbacks_total{operation="GetTags",reason="unreachable"} 0
strangle_fallbacks_total{operation="GetArticle",reason="after_write"} 3
`)
	}))
	t.Cleanup(s.Close)
	p := &proxy{admin: s.Listener.Addr().String()}
	if got, err := p.fallbacks(t.Context()); err != nil || len(got) != 1 || got["GetTags timeout"] != 12 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCompared(t *testing.T) {
	t.Parallel()
	before := compared{"GetTags": {"equal": 2}, "GetArticle": {"equal": 5}}
	after := compared{"GetTags": {"equal": 5, "noise": 1}, "GetArticle": {"equal": 5}, "GetFeed": {"equal": 1}}
	more := after.since(before)
	if total := more.total(); len(more) != 2 || more["GetTags"]["equal"] != 3 || total["equal"] != 4 || total["noise"] != 1 {
		t.Errorf("%v, in total %v", more, total)
	}
}
