package conduit

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/peer"
)

func siteOf(t *testing.T, p *peer.Peer) Site {
	t.Helper()
	site, err := ParseURL(t.Context(), p.URL, Reach{})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

var wide = Bounds{Articles: 1000, Comments: 1000}

func TestReach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reach Reach
		host  string
		ip    string
		want  string // part of the error, or ""
	}{
		{Reach{}, "localhost", "127.0.0.1", ""}, {Reach{}, "localhost", "::1", ""}, {Reach{}, "x", "10.0.0.1", "only loopback"},
		{Reach{Private: true}, "x", "192.168.1.2", ""}, {Reach{Private: true}, "x", "fd00::1", ""}, {Reach{Private: true}, "x", "127.0.0.1", ""},
		{Reach{Private: true}, "x.test", "192.0.2.1", "--allow-host x.test"}, {Reach{Private: true}, "x", "169.254.169.254", "--allow-host"},
		{Reach{Private: true, Host: "x.test"}, "x.test", "192.0.2.1", ""}, {Reach{Private: true, Host: "y.test"}, "x.test", "192.0.2.1", "--allow-host"},
		{Reach{Private: true}, "x", "0.0.0.0", "--allow-host"}, {Reach{Private: true}, "x", "::ffff:8.8.8.8", "--allow-host"},
	} {
		err := c.reach.permits(c.host, net.ParseIP(c.ip))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v, %s at %s: %v", c.reach, c.host, c.ip, err)
		}
	}
	for _, bad := range []string{"https://127.0.0.1/api", "http://192.0.2.1/api", "http://user@127.0.0.1/api", "ftp://127.0.0.1", "127.0.0.1:3000", "http://127.0.0.1/api?x=1"} {
		if _, err := ParseURL(t.Context(), bad, Reach{Private: true}); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	p := peer.Start(t)
	p.Hold("ann", "any", 30, "go", "web")
	p.Hold("bob", "any", 120, "go")
	s, err := TakeSnapshot(t.Context(), siteOf(t, p), "", wide)
	if err != nil || len(s.Articles) != 150 || s.Total != 150 || s.Cut != "" || s.Lost != 0 {
		t.Fatalf("%d articles of %d, %q, %d lost, %v", len(s.Articles), s.Total, s.Cut, s.Lost, err)
	}
	if a := s.Articles[0]; a.Author.Name != "bob" || a.Body == "" || len(a.Tags) != 1 || a.Updated.Before(a.Created) {
		t.Errorf("got %+v", a)
	}
	if c := s.Catalogue(); len(c.Slugs) != 150 || c.Slugs[0] != s.Articles[0].Slug || c.Tags[0] != "go" || len(c.Tags) != 2 || len(c.Authors) != 2 {
		t.Errorf("%d slugs, %v, %v", len(c.Slugs), c.Tags, c.Authors)
	}
	s, err = TakeSnapshot(t.Context(), siteOf(t, p), "", Bounds{Articles: 40, Comments: 0})
	if err != nil || len(s.Articles) != 40 || s.Total != 150 || !strings.Contains(s.Cut, "40 articles") {
		t.Errorf("%d articles, %q, %v", len(s.Articles), s.Cut, err)
	}
}

// TestSnapshotComments checks that a snapshot has only complete articles.
func TestSnapshotComments(t *testing.T) {
	t.Parallel()
	p := peer.Start(t)
	p.Hold("ann", "any", 60, "go")
	site := siteOf(t, p)
	ann := []User{{Email: "ann@example.com", Password: "any"}}
	if err := SignIn(t.Context(), site, ann); err != nil {
		t.Fatal(err)
	}
	s, err := TakeSnapshot(t.Context(), site, ann[0].Token, wide)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(site)
	defer c.close()
	for _, a := range s.Articles {
		for range 3 {
			if err := c.call("POST", "/articles/"+a.Slug+"/comments", ann[0].Token, `{"comment":{"body":"Well said"}}`, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, limit := range []int{0, 10, 179, 180, 1000} {
		s, err := TakeSnapshot(t.Context(), site, "", Bounds{Articles: 1000, Comments: limit})
		if err != nil {
			t.Fatal(err)
		}
		if s.Comments != 3*len(s.Articles) || (s.Cut == "") != (limit >= 180) || len(s.Articles) != min(limit/3, 60) {
			t.Errorf("up to %d comments: %d articles with %d comments, %q", limit, len(s.Articles), s.Comments, s.Cut)
		}
	}
}

// TestSnapshotOfBroken reads backends that do not keep the contract.
func TestSnapshotOfBroken(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	list := func(w http.ResponseWriter, article string) {
		_, _ = w.Write([]byte(`{"articles":[` + article + `],"articlesCount":1}`))
	}
	for name, c := range map[string]struct {
		before func(w http.ResponseWriter, r *http.Request) bool
		want   string // part of the error, or "" for no articles
	}{
		"Text": {func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte("<html>")); return true }, "invalid character"},
		"Date": {func(w http.ResponseWriter, _ *http.Request) bool {
			list(w, `{"slug":"a","createdAt":"yesterday"}`)
			return true
		}, "parsing time"},
		"WrongPath": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusNotFound); return true }, "usually /api"},
		"NoAuthors": {func(w http.ResponseWriter, _ *http.Request) bool {
			list(w, `{"slug":"s`+strconv.FormatInt(n.Add(1), 10)+`"}`) // a list without an end
			return true
		}, ""},
		"OtherArticle": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/articles" {
				list(w, `{"slug":"a","author":{"username":"ann"}}`)
			} else {
				_, _ = w.Write([]byte(`{"article":{"slug":"b","body":"x"}}`))
			}
			return true
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := peer.Start(t)
			p.Before = c.before
			s, err := TakeSnapshot(t.Context(), siteOf(t, p), "", wide)
			if c.want == "" {
				if err != nil || len(s.Articles) != 0 {
					t.Errorf("%+v, %v", s, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSnapshotEnds(t *testing.T) {
	t.Parallel()
	p := peer.Start(t)
	p.Hold("ann", "any", 10)
	ctx, cancel := context.WithCancel(t.Context())
	p.Before = func(http.ResponseWriter, *http.Request) bool { cancel(); return false }
	if _, err := TakeSnapshot(ctx, siteOf(t, p), "", wide); err == nil {
		t.Error("a snapshot was taken although the context had ended")
	}
}

func worldsOf(t *testing.T, a, b *peer.Peer) (out [2]*World) {
	t.Helper()
	s, err := TakeSnapshot(t.Context(), siteOf(t, a), "", wide)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []*peer.Peer{a, b} {
		if out[i], err = NewWorldOf(siteOf(t, p), s.Catalogue(), User{}, "m"); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestCompare(t *testing.T) {
	t.Parallel()
	same := func() *peer.Peer {
		p := peer.Start(t)
		p.Hold("ann", "any", 50, "go", "web", "x")
		return p
	}
	a, b := same(), same()
	reads, _, _ := SideBySide()
	for _, s := range reads {
		c, err := Compare(t.Context(), worldsOf(t, a, b), s, 10)
		if err != nil || c.Same != 10 || c.Sides[0].Statuses[200] != 10 || c.Sides[0].Items != c.Sides[1].Items || (c.Sides[0].Items == 0) != (s.Name == Comments) || c.Sides[0].Bytes == 0 {
			t.Errorf("%s: %+v, %v", s.Name, c, err)
		}
	}
	b = same()
	worlds := worldsOf(t, a, b)
	b.Before = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/api/tags":
			w.WriteHeader(http.StatusTeapot)
		case r.FormValue("tag") != "":
			_, _ = w.Write([]byte(`{"articles":[{"slug":"z","body":""}]}`))
		case r.URL.Path != "/api/articles" && strings.HasPrefix(r.URL.Path, "/api/articles/") && !strings.HasSuffix(r.URL.Path, "/comments"):
			_, _ = w.Write([]byte(`{"article":{"slug":"x","title":"Other"}}`))
		default:
			return false
		}
		return true
	}
	for name, want := range map[string]string{Tags: "status 200 from your backend, status 418 from Byline", ListTag: "20 items from your backend, 1 from Byline", Article: "another text"} {
		for _, s := range reads {
			if s.Name != name {
				continue
			}
			c, err := Compare(t.Context(), worlds, s, 5)
			if err != nil || c.Same != 0 || c.Differences[want] != 5 || c.Sides[1].Fails() != (name == Tags) {
				t.Errorf("%s: %+v, %v", name, c, err)
			}
		}
	}
	for _, s := range reads { // what is known is listed again
		if c, err := Compare(t.Context(), worlds, s, 5); s.Name == Article && (err != nil || len(c.Sides[1].Contract) == 0) {
			t.Errorf("%+v, %v", c, err)
		}
	}
	// What was found is tolerated later, and other mistakes are not.
	v := worlds[1].visitor(0, getArticle)
	v.Next(nil)
	if err := v.Check(load.Response{Status: 200, Body: []byte(`{"article":{"slug":"x","title":"Other"}}`)}, true); err != nil {
		t.Errorf("a known difference is an error: %v", err)
	}
	if err := v.Check(load.Response{Status: 200, Body: []byte(`no JSON`)}, true); err == nil {
		t.Error("a new mistake is no error")
	}
}

func TestReaderOf(t *testing.T) {
	t.Parallel()
	p := peer.Start(t)
	p.Hold("ann", "secret", 1)
	site := siteOf(t, p)
	for _, u := range []User{{Email: "ann@example.com", Password: "secret"}, {Token: "of-ann"}} {
		got, err := ReaderOf(t.Context(), site, u)
		if err != nil || got.Name != "ann" || got.Token != "of-ann" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, u := range []User{{Email: "ann@example.com", Password: "wrong"}, {Token: "of-nobody"}, {Token: "a\r\nX-Evil: 1"}, {Token: "a b"}} {
		if _, err := ReaderOf(t.Context(), site, u); err == nil {
			t.Errorf("%q was accepted", u.Token)
		}
	}
}

// TestSideBySide checks that reads need no account, and that nothing but the
// writes writes: the auditor does.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	p := peer.Start(t)
	p.Hold("ann", "any", 50, "go", "web", "x")
	w := worldsOf(t, p, p)[0]
	w.Users = []User{{Name: "ann", Token: "of-ann"}, {Name: "ann", Token: "of-ann"}}
	reads, signedIn, writes := SideBySide()
	for i, group := range [][]Scenario{reads, signedIn, writes} {
		if len(group) < 2 {
			t.Errorf("group %d has %d kinds", i, len(group))
		}
		for _, s := range group {
			v := w.visitor(0, s.next)
			for range 200 {
				text := string(v.Next(nil))
				if strings.HasPrefix(text, "GET ") != (i < 2) || strings.Contains(text, "of-ann") != (i > 0) || s.Audited {
					t.Fatalf("%s sends\n%s", s.Name, text)
				}
			}
		}
	}
}

func FuzzItemsOf(f *testing.F) {
	for _, s := range []string{`{"articles":[{"slug":"a"}]}`, `{"comments":[]}`, `{"tags":["a"]}`, `{"article":{"slug":"a"}}`, `{"profile":{"username":"a"}}`, `{`, `null`, `{"articles":{}}`} {
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var got [2]shown
		for i, body := range [][]byte{a, b} {
			got[i].status = 200
			got[i].list, got[i].items = itemsOf(body)
			if difference := got[i].differs(got[i]); difference != "" {
				t.Errorf("%q differs from itself: %s", body, difference)
			}
		}
		if (got[0].differs(got[1]) == "") != (got[1].differs(got[0]) == "") {
			t.Errorf("%q and %q differ in one direction", a, b)
		}
	})
}

func TestItemsOf(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{`{"articles":[{"slug":"a"},{"slug":"b"}]}`: 2, `{"comments":[]}`: 0, `{"tags":["a"]}`: 1, `{"article":{"slug":"a"}}`: 1, `{"profile":{"username":"a"}}`: 1, `[]`: 0} {
		if _, items := itemsOf([]byte(body)); len(items) != want {
			t.Errorf("%s has %d items, want %d", body, len(items), want)
		}
	}
	a, b := shown{200, true, []string{"a", "b"}}, shown{200, true, []string{"b", "a"}}
	if got := a.differs(b); got != "the same items in another order" {
		t.Errorf("got %q", got)
	}
	if got := a.differs(shown{200, true, []string{"b", "b"}}); got != "as many items, but others" {
		t.Errorf("got %q", got)
	}
	if got := a.differs(shown{}); got != "status 200 from your backend, no answer from Byline" {
		t.Errorf("got %q", got)
	}
}
