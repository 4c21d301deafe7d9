package conduit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// items encodes a list, after change has changed some item of it.
func items(name string, n int, item func(i int) map[string]any, change func(i int, item map[string]any)) []byte {
	all := []map[string]any{}
	for i := range n {
		one := item(i)
		if change != nil {
			change(i, one)
		}
		all = append(all, one)
	}
	b, _ := json.Marshal(map[string]any{name: all, "nextCursor": nil})
	return b
}

func aDraft(i int) map[string]any {
	return map[string]any{
		"slug": fmt.Sprint("d", i), "title": "T", "status": "draft", "createdAt": time.Unix(int64(1000-i), 0), "author": map[string]any{"username": "u0"},
	}
}

func aRevision(i int) map[string]any {
	return map[string]any{"number": 25 - i, "title": "T", "author": map[string]any{"username": "u0"}}
}

func aReply(i int) map[string]any {
	return map[string]any{"id": 8 + i, "parentId": 7, "body": "B", "createdAt": time.Unix(int64(i), 0), "author": map[string]any{"username": "u0"}}
}

func TestCheckTeam(t *testing.T) {
	w := world(t)
	v := w.visitor(0, getDrafts)
	set := func(key string, value any) func(int, map[string]any) {
		return func(i int, item map[string]any) {
			if i == 3 {
				item[key] = value
			}
		}
	}
	const diff = "--- 24/body\n+++ 25/body\n@@ -1 +1 @@\n-a\n+b\n"
	for name, c := range map[string]struct {
		check func(*visitor, []byte) error
		body  []byte
		want  string
	}{
		"Drafts":       {checkDrafts, items("articles", 20, aDraft, nil), ""},
		"FewDrafts":    {checkDrafts, items("articles", 19, aDraft, nil), "19 drafts"},
		"Published":    {checkDrafts, items("articles", 20, aDraft, set("status", "published")), "another status"},
		"DraftBody":    {checkDrafts, items("articles", 20, aDraft, set("body", "B")), "with bodies"},
		"DraftOf":      {checkDrafts, items("articles", 20, aDraft, set("author", map[string]any{"username": "u1"})), "another author"},
		"DraftOrder":   {checkDrafts, items("articles", 20, aDraft, set("createdAt", time.Unix(2000, 0))), "not ordered"},
		"SameDraft":    {checkDrafts, items("articles", 20, aDraft, set("slug", "d1")), "repeated"},
		"Editors":      {checkEditors, items("articles", 20, aDraft, set("author", map[string]any{"username": "u1"})), ""},
		"EditorsTitle": {checkEditors, items("articles", 20, aDraft, set("title", "")), "without slug"},
		"Revisions":    {checkRevisions, items("revisions", 20, aRevision, nil), ""},
		"Gap":          {checkRevisions, items("revisions", 20, aRevision, set("number", 21)), "their order"},
		"FewRevisions": {checkRevisions, items("revisions", 5, aRevision, nil), "5 revisions"},
		"NoTitle":      {checkRevisions, items("revisions", 20, aRevision, set("title", "")), "without title"},
		"Diff":         {checkDiff, []byte(diff), ""},
		"OtherDiff":    {checkDiff, []byte(strings.Replace(diff, "24", "23", 1)), "not the difference"},
		"NoDiff":       {checkDiff, nil, "not the difference"},
		"Replies":      {checkReplies, items("comments", 20, aReply, nil), ""},
		"OtherParent":  {checkReplies, items("comments", 20, aReply, set("parentId", 6)), "another comment"},
		"NoParent":     {checkReplies, items("comments", 20, aReply, set("parentId", nil)), "another comment"},
		"ReplyOrder":   {checkReplies, items("comments", 20, aReply, set("createdAt", time.Unix(100, 0))), "not ordered"},
		"SameReply":    {checkReplies, items("comments", 20, aReply, set("id", 8)), "repeated"},
		"Tags":         {checkSearch, []byte(`{"tags":["go","Gothic"]}`), ""},
		"OtherTag":     {checkSearch, []byte(`{"tags":["go","rust"]}`), "does not begin"},
		"NoTags":       {checkSearch, []byte(`{"tags":[]}`), "0 tags"},
		"SameTag":      {checkSearch, []byte(`{"tags":["go","gopher","go"]}`), "repeated"},
	} {
		t.Run(name, func(t *testing.T) {
			v.want = expectation{user: &w.Users[0]}
			if err := c.check(v, c.body); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestExplore checks what is found on a server with drafts and threads, and
// that a server without them gives no errors.
func TestExplore(t *testing.T) {
	full := map[string][]byte{
		"/api/users/login":           []byte(`{"user":{"username":"u0","token":"t0"}}`),
		"/api/articles/feed":         []byte(`{"articles":[],"articlesCount":0}`),
		"/api/user/articles":         items("articles", 20, aDraft, nil),
		"/api/editorial/articles":    items("articles", 20, aDraft, nil),
		"/api/articles/d0/revisions": items("revisions", 20, aRevision, nil),
		"/api/articles/s/comments": items("comments", 25, aReply, func(i int, item map[string]any) {
			if i == 0 {
				item["parentId"] = nil
			}
		}),
		"/api/tags": []byte(`{"tags":["golang"]}`),
	}
	plain := map[string][]byte{
		"/api/users/login": full["/api/users/login"], "/api/articles/feed": full["/api/articles/feed"],
		"/api/articles/s/comments": []byte(`{"comments":[{"id":1,"body":"B","author":{"username":"u0"}}]}`),
		"/api/tags":                []byte(`{"tags":["golang","rust"]}`),
	}
	for name, answers := range map[string]map[string][]byte{"Full": full, "Plain": plain} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body, found := answers[r.URL.Path]; found {
					_, _ = w.Write(body)
					return
				}
				http.NotFound(w, r)
			}))
			defer server.Close()
			addr := server.Listener.Addr().String()
			w := &World{Site: Site{Addr: addr, Host: addr, Base: "/api"}, paths: []string{"/articles/s"}, tags: []string{"golang", "rust", "Go", "c"}, cursor: "c",
				team: Team{Writers: []User{{Name: "u0"}}, Editor: User{Name: "u0"}}}
			for _, s := range Scenarios {
				if reason, err := w.Missing(t.Context(), s); err != nil || (reason != "") != (s.team && name == "Plain") {
					t.Errorf("%s: %q, %v", s.Name, reason, err)
				}
			}
			if name == "Full" && (w.found.threads[0] != thread{"/articles/s/comments?limit=20&parentId=7", "7"} || w.found.revised[0].diff != "/articles/d0/revisions/25/diff" ||
				len(w.found.searches) != 2 || w.found.searches[0] != search{"/tags?limit=20&prefix=go", "go"}) {
				t.Errorf("%+v", w.found)
			}
		})
	}
}

// TestSignedIn checks the share of the reads of a mix that have a token.
func TestSignedIn(t *testing.T) {
	w := world(t)
	for _, s := range Scenarios {
		if s.Name != Mix && s.Name != MixSigned {
			continue
		}
		all, before := w.Reads()
		d := w.Driver(s)(0)
		for range 20_000 {
			d.Next(nil)
		}
		reads, signedIn := w.Reads()
		// A feed is signed in, and 10 of the 95 reads are feeds.
		want := 10. / 95
		if s.Name == MixSigned {
			want = (10 + 85*.5) / 95
		}
		if got := float64(signedIn-before) / float64(reads-all); got < want-.02 || got > want+.02 {
			t.Errorf("%s: %.2f of the reads are signed in, want %.2f", s.Name, got, want)
		}
	}
}
