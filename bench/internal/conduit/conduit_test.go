package conduit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/byline-api/byline/bench/internal/load"
)

func TestZipf(t *testing.T) {
	const n = 1000
	counts := make([]int, n)
	for _, i := range zipf(n, 100_000) {
		counts[i]++
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	// The harmonic number of 1000 is 7.49: the most popular element is drawn in
	// 1/7.49 of the cases, twice as often as the second.
	if counts[0] < 12_500 || counts[0] > 14_200 || counts[1] < 6_000 || counts[1] > 7_400 || counts[n-1] > counts[0]/100 {
		t.Errorf("the most popular come %v times, the least %d", counts[:3], counts[n-1])
	}
	if !slices.Equal(zipf(50, 20), zipf(50, 20)) {
		t.Error("the draws must be the same every time")
	}
}

func TestParseURL(t *testing.T) {
	site, err := ParseURL(t.Context(), "http://127.0.0.1:3000/api/", Reach{})
	if err != nil || site != (Site{Addr: "127.0.0.1:3000", Host: "127.0.0.1:3000", Base: "/api"}) {
		t.Errorf("%+v, %v", site, err)
	}
	if site, err = ParseURL(t.Context(), "http://[::1]", Reach{}); err != nil || site.Addr != "[::1]:80" || site.Base != "" {
		t.Errorf("%+v, %v", site, err)
	}
	for _, bad := range []string{"", "127.0.0.1:3000", "https://127.0.0.1/api", "http://user@127.0.0.1/", "http://127.0.0.1/?a", "http://192.0.2.1/api", "http://0.0.0.0:80/"} {
		if _, err := ParseURL(t.Context(), bad, Reach{}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestRequest(t *testing.T) {
	site := &Site{Addr: "127.0.0.1:1", Host: "h", Base: "/api"}
	got := string(request(nil, site, "GET", "/tags", "", ""))
	if want := "GET /api/tags HTTP/1.1\r\nHost: h\r\n\r\n"; got != want {
		t.Errorf("got %q", got)
	}
	got = string(request([]byte(nil), site, "POST", []byte("/articles"), "t", `{"a":1}`))
	if want := "POST /api/articles HTTP/1.1\r\nHost: h\r\nAuthorization: Token t\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"; got != want {
		t.Errorf("got %q", got)
	}
}

// world returns a small World that needs no server.
func world(t *testing.T) *World {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"articles":[],"articlesCount":200,"nextCursor":"last"}`)
	}))
	t.Cleanup(server.Close)
	c := &Catalogue{Authors: []string{"ann", "bob"}, Tags: []string{"go", "c++", "rust"}}
	for i := range 200 {
		c.Slugs = append(c.Slugs, fmt.Sprintf("slug-%d", i))
	}
	users := []User{{Name: "u0", Token: "t0", FeedCount: 30}, {Name: "u1", Token: "t1"}, {Name: "auditor", Token: "t2", FeedCount: 30}}
	addr := server.Listener.Addr().String()
	w, err := NewWorld(Site{Addr: addr, Host: addr, Base: "/api"}, c, users, Team{}, 0, "mark")
	if err != nil {
		t.Fatal(err)
	}
	w.explored = true
	w.found = findings{
		writers: []*User{&users[0]}, editor: &users[1],
		revised:  []revised{{by: &users[0], list: "/articles/d/revisions?limit=20", diff: "/articles/d/revisions/25/diff", newest: 25}},
		threads:  []thread{{"/articles/slug-0/comments?limit=20&parentId=7", "7"}},
		searches: []search{{"/tags?limit=20&prefix=go", "go"}},
	}
	return w
}

// TestWrites checks that the visitor knows which articles it has.
func TestWrites(t *testing.T) {
	d := world(t).Driver(Writes)(0)
	have := map[string]bool{}
	for range 2000 {
		method, rest, _ := strings.Cut(string(d.Next(nil)), " ")
		path, _, _ := strings.Cut(rest, " ")
		slug, own := strings.CutPrefix(path, "/api/articles/benchmark-mark-")
		switch {
		case method == "POST" && path == "/api/articles":
			_, number, _ := strings.Cut(rest, `"title":"Benchmark mark `)
			number, _, _ = strings.Cut(number, `"`)
			have[number] = true
		case own && !have[slug]:
			t.Fatalf("%s %s, but there is no such article", method, path)
		case method == "DELETE" && own:
			delete(have, slug)
		}
		status := 200
		if method == "DELETE" {
			status = 204
		}
		if err := d.Check(load.Response{Status: status}, false); err != nil {
			t.Fatal(err)
		}
	}
	if len(have) < 20 {
		t.Errorf("only %d articles are left", len(have))
	}
}

// TestScenarios checks that every request is well-formed HTTP with JSON, and
// that it allocates nothing once its buffers have grown.
func TestScenarios(t *testing.T) {
	w := world(t)
	if w.cursor != "last" || w.offset != 180 || len(w.readers) != 1 {
		t.Fatalf("cursor %q, offset %d, %d readers of feeds", w.cursor, w.offset, len(w.readers))
	}
	for _, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			d := w.Driver(s)(0)
			var buf []byte
			for range 200 {
				buf = d.Next(buf[:0])
				head, body, ok := strings.Cut(string(buf), "\r\n\r\n")
				if !ok || !strings.Contains(head, " /api/") || !strings.Contains(head, "\r\nHost: 127.0.0.1:") {
					t.Fatalf("not a request: %q", buf)
				}
				if body != "" && (!json.Valid([]byte(body)) || !strings.Contains(head, fmt.Sprintf("\r\nContent-Length: %d", len(body)))) {
					t.Fatalf("not a JSON body of the length announced: %q", buf)
				}
			}
			if n := testing.AllocsPerRun(200, func() { buf = d.Next(buf[:0]) }); n > 0 && s.Name != "login" {
				t.Errorf("%g allocations a request", n)
			}
		})
	}
}

const goodArticle = `{"article":{"slug":%q,"title":"T","body":"B","tagList":["go"],"favorited":%t,"favoritesCount":%d,"author":{"username":"ann","following":false}}}`

func TestCheckArticle(t *testing.T) {
	w := world(t)
	v := w.visitor(0, getArticle)
	v.Next(nil)
	slug := w.slugs[v.want.article]
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"Good":        {200, fmt.Sprintf(goodArticle, slug, false, 3), ""},
		"Other":       {200, fmt.Sprintf(goodArticle, "other", false, 3), "another article"},
		"Favorite":    {200, fmt.Sprintf(goodArticle, slug, true, 3), "anonymous reader"},
		"Empty":       {200, `{}`, "another article"},
		"NotJSON":     {200, `<html>`, "not JSON"},
		"Error":       {503, `{"errors":{"server":["is unavailable"]},"requestId":"x1"}`, `status 503: {"server":["is unavailable"]}`},
		"NotModified": {304, "", "status 304"},
		"Created":     {201, fmt.Sprintf(goodArticle, slug, false, 3), "status 201"},
	} {
		t.Run(name, func(t *testing.T) {
			err := v.Check(load.Response{Status: c.status, Body: []byte(c.body)}, true)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestCheckLike(t *testing.T) {
	w := world(t)
	v := w.visitor(0, toggleLike)
	answer := func(marked bool) error {
		return v.Check(load.Response{Status: 200, Body: fmt.Appendf(nil, goodArticle, w.slugs[v.want.article], marked, 1)}, true)
	}
	if first := string(v.Next(nil)); !strings.HasPrefix(first, "POST ") {
		t.Fatalf("got %q", first)
	}
	l := v.want.like
	if err := answer(true); err != nil || !l.known || !l.marked {
		t.Fatalf("%v, %+v", err, l)
	}
	for v.want.like != l || !l.marked {
		before := l.marked
		if v.Next(nil); v.want.like == l && before {
			break
		}
		if err := answer(!v.want.like.marked); err != nil {
			t.Fatal(err)
		}
	}
	if err := answer(true); err == nil {
		t.Error("a favorite that is still there after its removal must be an error")
	}
	// A reader's own favorite must show in the article.
	l.known, l.marked = true, true
	v.want = expectation{check: checkArticle, article: l.article, user: v.user, status: 200}
	if err := answer(false); err == nil || !strings.Contains(err.Error(), "own write") {
		t.Errorf("got %v", err)
	}
}

func listOf(n, count int, change func(i int, item map[string]any)) []byte {
	items := []map[string]any{}
	for i := range n {
		item := map[string]any{
			"slug": fmt.Sprint("s", i), "title": "T", "tagList": []string{"go"}, "createdAt": fmt.Sprintf("2026-01-01T00:00:%02d.000Z", 59-i),
			"favorited": false, "favoritesCount": 0, "author": map[string]any{"username": "ann", "following": true},
		}
		if change != nil {
			change(i, item)
		}
		items = append(items, item)
	}
	b, _ := json.Marshal(map[string]any{"articles": items, "articlesCount": count, "nextCursor": "c"})
	return b
}

func TestCheckLists(t *testing.T) {
	w := world(t)
	v := w.visitor(0, getFeed)
	set := func(at int, key string, value any) func(int, map[string]any) {
		return func(i int, item map[string]any) {
			if i == at {
				item[key] = value
			}
		}
	}
	for name, c := range map[string]struct {
		check func(*visitor, []byte) error
		body  []byte
		want  string
	}{
		"Good":      {checkList, listOf(20, 200, nil), ""},
		"Short":     {checkList, listOf(19, 200, nil), "a list of 19"},
		"Count":     {checkList, listOf(20, 199, nil), "articlesCount is less"},
		"NoCount":   {checkList, []byte(`{"articles":[]}`), "without articlesCount"},
		"Body":      {checkList, listOf(20, 200, set(3, "body", "B")), "with bodies"},
		"Order":     {checkList, listOf(20, 200, set(3, "createdAt", "2027-01-01T00:00:00.000Z")), "not ordered"},
		"NotLast":   {checkLast, listOf(20, 200, nil), "has a next page"},
		"Tagged":    {checkTagged, listOf(7, 7, nil), ""},
		"OtherTag":  {checkTagged, listOf(7, 7, set(6, "tagList", []string{"rust"})), "without the tag"},
		"TagLength": {checkTagged, listOf(7, 8, nil), "does not fit"},
		"Feed":      {checkFeed, listOf(20, 30, nil), ""},
		"Stranger":  {checkFeed, listOf(20, 30, set(0, "author", map[string]any{"username": "x"})), "not followed"},
		"Shorter":   {checkFeed, listOf(20, 29, nil), "shorter"},
	} {
		t.Run(name, func(t *testing.T) {
			v.want = expectation{user: &w.Users[0], status: 200, check: c.check}
			err := v.Check(load.Response{Status: 200, Body: c.body}, true)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err := v.Check(load.Response{Status: 200, Body: c.body}, false); err != nil {
				t.Errorf("a body is checked although deep is false: %v", err)
			}
		})
	}
}
