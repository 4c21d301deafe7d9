package main

import (
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/peer"
	"github.com/byline-api/byline/bench/internal/report"
)

// TestWithByline builds the service of this repository for the tests that need
// it, and its PostgreSQL.
func TestWithByline(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the service, and starts its PostgreSQL")
	}
	program := filepath.Join(t.TempDir(), "byline")
	build := exec.CommandContext(t.Context(), "go", "build", "-pgo=off", "-o", program, "./cmd/byline")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("Gain", func(t *testing.T) { testGain(t, program) })
	t.Run("Replica", func(t *testing.T) { testReplica(t, program) })
}

// long returns n characters that cannot be compressed to few.
func long(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('a' + r.IntN(26))
	}
	return string(text)
}

// testGain compares a backend that allows more than Byline with a
// Byline that has its data.
func testGain(t *testing.T, program string) {
	t.Parallel()
	const script = `</title><script src="//evil.test">alert(1)</script>`
	p := peer.Start(t)
	p.Hold("ann", "secret", 25, "go", "web", "x")
	p.Hold("Ann", "secret", 3, "go") // the same name for Byline
	p.Hold("bob "+script, "secret", 0)
	p.HoldArticle("bob "+script, "Hostile "+script, "Text "+script, 3, script)
	p.HoldArticle("ann", "With NUL", "a\x00b", 0, "go")
	p.HoldArticle("ann", "Größe, “quoted” & 日本 %20 ?#", "Text", 40, "go", "größe")
	p.HoldArticle("ann", long(8000), "Text", 0, "go")             // its slug fits into no index
	for _, body := range []string{"good", `bad \u0000`, "good"} { // one is refused, and not the others
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/articles/held-by-ann-0-0/comments", strings.NewReader(`{"comment":{"body":"`+body+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Token of-ann")
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%+v, %v", res, err)
		}
		_ = res.Body.Close()
	}
	dir := t.TempDir()
	page, figures := filepath.Join(dir, "gain.html"), filepath.Join(dir, "gain.json")
	o, err := parseGain([]string{"--url", p.URL, "--byline", program, "--connections", "2", "--time", "150ms", "--warm", "0", "--rounds", "1", "--rates", "20,40",
		"--email", "ann@example.com", "--password", "secret", "--writes", "--yes", "--pid", strconv.Itoa(os.Getpid()), "--html", page, "--json", figures})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	b := &bench{options: o, log: io.Discard}
	if err := b.compareWith(t.Context(), &out, b.startReplica); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	contains(t, out.String(), "Data of both: 27 articles by 2 authors", "45 comments", "1 comments: invalid byte sequence", "Not stored by Byline, and left out: 3 articles: their author was not stored", "1 accounts: duplicate key value violates unique constraint \"users_username_key\"",
		"1 articles: invalid byte sequence", "1 articles: a slug, tag or username is too long", "Resident memory", "its PostgreSQL", page)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "<script") || !strings.Contains(string(text), "</html>") {
		t.Error("the page has a script, or is not complete")
	}
	if _, err := os.Stat(figures); err != nil {
		t.Error(err)
	}
}

// testReplica checks that Byline gives the same answers to the same requests.
func testReplica(t *testing.T, program string) {
	t.Parallel()
	p := peer.Start(t)
	p.Hold("ann", "secret", 60, "go", "web", "x")
	p.Hold("bob", "secret", 60, "go")
	p.HoldArticle("bob", "Commented", "Text", 9, "web", "a b")
	ctx := t.Context()
	site, err := conduit.ParseURL(ctx, p.URL, conduit.Reach{})
	if err != nil {
		t.Fatal(err)
	}
	// The reader follows an author, and has favorites.
	reader, err := conduit.ReaderOf(ctx, site, conduit.User{Token: "of-ann"})
	if err != nil {
		t.Fatal(err)
	}
	p.Prefer("ann", "bob", 5)
	s, err := conduit.TakeSnapshot(ctx, site, reader.Token, conduit.Bounds{Articles: 1000, Comments: 1000})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{options: &options{byline: program}, log: io.Discard}
	r, err := b.startReplica(ctx, s, "benchmark-test")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.target.stop(); err != nil {
			t.Error(err)
		}
	}()
	if len(r.stored.Slugs) != 121 || r.stored.Comments != 9 || r.stored.Favorites != 5 || len(r.stored.Refused) != 0 || r.reader.FeedCount != 61 {
		t.Errorf("stored %+v, and the feed has %d", r.stored, r.reader.FeedCount)
	}
	var worlds [2]*conduit.World
	for side, one := range []struct {
		site   conduit.Site
		reader conduit.User
	}{{site, reader}, {r.target.site, r.reader}} {
		if worlds[side], err = conduit.NewWorldOf(one.site, s.Catalogue(), one.reader, "m"); err != nil {
			t.Fatal(err)
		}
	}
	reads, signedIn, _ := conduit.SideBySide()
	for _, scenario := range append(reads, signedIn...) {
		c, err := conduit.Compare(ctx, worlds, scenario, 20)
		if err != nil || len(c.Sides[report.Byline].Contract) > 0 {
			t.Errorf("%s: %+v, %v", scenario.Name, c, err)
		}
		// Byline sorts tags by their use, and this backend by name.
		if c.Same != 20 && scenario.Name != conduit.Tags {
			t.Errorf("%s: only %d are the same: %v", scenario.Name, c.Same, c.Differences)
		}
	}
}
