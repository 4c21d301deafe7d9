package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/ratelimit"
	"github.com/byline-api/byline/server/servertest"
)

// discard is a ResponseWriter that allocates nothing itself.
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

// BenchmarkEdge measures the service without the network. Its allocations are
// exact, its times are not.
func BenchmarkEdge(b *testing.B) {
	s := servertest.New(b, servertest.WithServer(func(c *server.Config) { c.CacheBytes, c.Quotas = 8<<20, ratelimit.WideQuotas() }))
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

// addTeamwork adds 25 drafts, as many revisions of the first one, and a thread.
// It returns an editor and the path of the replies.
func addTeamwork(t *testing.T, s *servertest.Service, author servertest.User) (editor servertest.User, replies string) {
	editor = s.Register("editor")
	s.SetRole("editor", auth.Editor)
	send := func(method, path, body string) string {
		res, answer := s.Do(method, path, body, "Authorization", "Token "+author.Token)
		require.Less(t, res.StatusCode, 300, answer)
		return answer
	}
	slug := s.Publish(author, "Discussed", "tag").Slug
	var parent client.CommentResponse
	require.NoError(t, json.Unmarshal([]byte(send("POST", "/articles/"+slug+"/comments", `{"comment":{"body":"Hm."}}`)), &parent))
	for i := range 25 {
		send("POST", "/articles", `{"article":{"title":"A draft","description":"d","body":"b","status":"draft"}}`)
		send("PUT", "/articles/a-draft", fmt.Sprintf(`{"article":{"body":"b\n%d\n"}}`, i))
		send("POST", "/articles/"+slug+"/comments", fmt.Sprintf(`{"comment":{"body":"Yes.","parentId":%d}}`, parent.Comment.Id))
	}
	return editor, fmt.Sprintf("/api/articles/%s/comments?parentId=%d&limit=20", slug, parent.Comment.Id)
}

// TestAllocations compares the allocations of each of the main reads, without
// the network, with exact figures. One more is a mistake unless it has a
// reason, and one fewer is an improvement to record here. The race detector
// allocates too and empties pools, so that `make guard` runs this without it.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.CacheBytes, c.SharedDatabase, c.Quotas = 8<<20, false, ratelimit.WideQuotas()
	}))
	author, reader := s.Register("author"), s.Register("reader")
	for range 25 {
		s.Publish(author, "An article", "tag")
	}
	_, err := reader.FollowUserByUsernameWithResponse(t.Context(), "author")
	require.NoError(t, err)
	editor, replies := addTeamwork(t, s, author)
	for _, test := range []struct {
		name, path, token string
		want              float64
	}{
		{"article, cached", "/api/articles/an-article", "", 15},
		{"list, cached", "/api/articles?limit=20", "", 17},
		{"list by tag, cached", "/api/articles?tag=tag", "", 17},
		{"comments, cached", "/api/articles/an-article/comments", "", 14},
		{"tags, cached", "/api/tags", "", 13},
		{"profile, cached", "/api/profiles/author", "", 14},
		{"article, signed in", "/api/articles/an-article", reader.Token, 100},
		{"list, signed in", "/api/articles?limit=20", reader.Token, 72},
		{"feed", "/api/articles/feed", reader.Token, 57},
		{"comments, signed in", "/api/articles/an-article/comments", reader.Token, 97},
		{"replies, cached", replies, "", 24},
		{"replies, signed in", replies, reader.Token, 212},
		{"tags by prefix, cached", "/api/tags?prefix=ta&limit=20", "", 20},
		{"drafts", "/api/user/articles?status=draft&limit=20", author.Token, 360},
		{"editors' drafts", "/api/editorial/articles?status=draft&limit=20", editor.Token, 357},
		{"revisions", "/api/articles/a-draft/revisions?limit=20", author.Token, 263},
		{"diff of revisions", "/api/articles/a-draft/revisions/2/diff", author.Token, 258},
	} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, test.path, nil)
		r.Header.Set("User-Agent", "guard")
		if test.token != "" {
			r.Header.Set("Authorization", "Token "+test.token)
		}
		w := &discard{header: http.Header{}}
		ask := func() {
			w.reset()
			s.Handler.ServeHTTP(w, r)
		}
		ask()
		require.Equal(t, http.StatusOK, w.status, test.name)
		// Other work in the process can only add allocations.
		got := testing.AllocsPerRun(200, ask)
		for range 2 {
			got = min(got, testing.AllocsPerRun(200, ask))
		}
		assert.InDelta(t, test.want, got, 0, "%s: allocations a request", test.name)
	}
}
