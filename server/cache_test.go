package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// writes has, for each read that may be cached, a write that the next read must
// show.
var writes = map[string]func(*stage) (method string, c call){
	"GetCurrentUser": func(s *stage) (string, call) { return "PUT", valid["UpdateCurrentUser"](s) },
	"GetProfileByUsername": func(s *stage) (string, call) {
		return "PUT", call{path: "/user", token: s.author.Token, body: `{"user":{"image":"https://example.com/a.png"}}`}
	},
	"GetArticlesFeed":    func(s *stage) (string, call) { return "POST", valid["FollowUserByUsername"](s) },
	"GetArticles":        func(s *stage) (string, call) { return "POST", valid["CreateArticleFavorite"](s) },
	"GetArticle":         func(s *stage) (string, call) { return "POST", valid["CreateArticleFavorite"](s) },
	"GetArticleComments": func(s *stage) (string, call) { return "POST", valid["CreateArticleComment"](s) },
	"GetCurrentUserBlocks": func(s *stage) (string, call) {
		return "POST", call{path: "/profiles/" + s.reader.Username + "/block", token: s.author.Token}
	},
	"GetCurrentUserArticles": func(s *stage) (string, call) { return "POST", valid["CreateArticle"](s) },
	"GetEditorialArticles":   func(s *stage) (string, call) { return "POST", valid["CreateArticle"](s) },
	"ListSeries": func(s *stage) (string, call) {
		return "PUT", call{path: series(s), token: s.as(auth.Editor), body: `{"series":{"title":"Better words"}}`}
	},
	"GetSeries": func(s *stage) (string, call) { return "PUT", valid["UpdateSeries"](s) },
	"GetTag": func(s *stage) (string, call) {
		return "POST", call{path: "/articles", token: s.author.Token, body: strings.Replace(newArticle, `"a"`, fmt.Sprintf("%q", "OF "+s.author.Username), 1)}
	},
	"GetArticleRevisions": func(s *stage) (string, call) { return "PUT", valid["UpdateArticle"](s) },
	"GetArticleRevision": func(s *stage) (string, call) {
		return "PUT", call{path: "/user", token: s.author.Token, body: `{"user":{"image":"https://example.com/a.png"}}`}
	},
	"GetWorkingCopy": func(s *stage) (string, call) {
		return "PUT", call{path: article(s, "/working-copy"), token: s.author.Token, body: `{"article":{"body":"The best words"}}`}
	},
	"GetTags": func(s *stage) (string, call) {
		return "POST", call{path: "/articles", token: s.author.Token, body: strings.Replace(newArticle, `"a"`, fmt.Sprintf("%q", "of "+s.slug), 1)}
	},
}

func TestCaching(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	forEachCache(t, func(t *testing.T, s *servertest.Service) {
		// In sequence: a write for one operation changes the lists of others.
		for _, op := range doc.Operations() {
			t.Run(op.ID, func(t *testing.T) {
				if op.Cache.Scope == "none" {
					requireNoStore(t, s.For(t), op)
					return
				}
				t.Run("SignedIn", func(t *testing.T) { requireCached(t, s.For(t), op, true) })
				if op.Security != contract.Required {
					t.Run("Anonymous", func(t *testing.T) { requireCached(t, s.For(t), op, false) })
				}
			})
		}
	})
}

// forEachCache runs a test with a service that caches responses, and with one
// that does not. Clients must see no difference.
func forEachCache(t *testing.T, test func(*testing.T, *servertest.Service)) {
	for name, size := range map[string]int{"Kept": 1 << 20, "NotKept": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CacheBytes = size })))
		})
	}
}

func requireNoStore(t *testing.T, s *servertest.Service, op *contract.Operation) {
	res, _ := valid[op.ID](newStage(s)).do(s, op.Method)
	require.Less(t, res.StatusCode, 300)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
}

func requireCached(t *testing.T, s *servertest.Service, op *contract.Operation, signedIn bool) {
	st := newStage(s)
	c := valid[op.ID](st).with("Accept-Encoding", "identity") // long lists would be compressed
	scope := "private"
	if signedIn {
		if c.token == "" {
			c.token = st.reader.Token
		}
	} else if op.Cache.Scope == "shared" {
		scope = "public"
	}
	fresh, body := c.do(s, op.Method)
	require.Equal(t, http.StatusOK, fresh.StatusCode, body)
	tag := fresh.Header.Get("ETag")
	require.Regexp(t, `^"[!#-~]+"$`, tag, "strong")
	requirePolicy := func(res *http.Response) {
		policy := fmt.Sprintf("%s, max-age=%d, must-revalidate", scope, op.Cache.MaxAge)
		if op.Secret {
			policy = "no-store"
		}
		require.Equal(t, policy, res.Header.Get("Cache-Control"))
		if op.Security != contract.None {
			require.Contains(t, list(res.Header, "Vary"), "authorization")
		}
	}
	requirePolicy(fresh)

	again, same := c.do(s, op.Method)
	require.Equal(t, tag, again.Header.Get("ETag"))
	require.Equal(t, body, same)

	inner := strings.TrimSuffix(strings.Trim(tag, `"`), "-gzip") // Go's client asks for gzip by itself
	for _, field := range []string{
		tag, "*", "W/" + tag, `"x", ` + tag, tag + `,"x"`, `"a,b" ,` + tag, "\"\", , " + tag, `"` + inner + `-gzip"`, `W/"` + inner + `-zstd"`,
	} {
		res, none := c.with("If-None-Match", field).do(s, op.Method)
		require.Equal(t, http.StatusNotModified, res.StatusCode, field)
		require.Empty(t, none)
		require.Equal(t, tag, res.Header.Get("ETag"))
		require.NotContains(t, res.Header, "Content-Type")
		require.NotContains(t, res.Header, "Content-Length")
		require.NotContains(t, res.Header, "Content-Encoding")
		requirePolicy(res)
	}
	for _, field := range []string{`"x"`, `"` + inner[1:] + `"`, `"` + inner + `x"`, `"` + tag + `, x"`, ""} {
		res, got := c.with("If-None-Match", field).do(s, op.Method)
		require.Equal(t, http.StatusOK, res.StatusCode, field)
		require.Equal(t, body, got)
	}
	require.Positive(t, op.MaxCondition)
	res, _ := c.with("If-None-Match", strings.Repeat("x", op.MaxCondition)).do(s, op.Method)
	require.Equal(t, http.StatusOK, res.StatusCode)
	res, _ = c.with("If-None-Match", strings.Repeat("x", op.MaxCondition+1)).do(s, op.Method)
	require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, "a request that validation refuses gets no cached response")

	write := writes[op.ID]
	require.NotNil(t, write, "add a write that %s must show to writes", op.ID)
	method, change := write(st)
	done, text := change.do(s, method)
	require.Less(t, done.StatusCode, 300, text)
	res, changed := c.with("If-None-Match", tag).do(s, op.Method)
	require.Equal(t, http.StatusOK, res.StatusCode, "a stale 304")
	require.NotEqual(t, body, changed)
	require.NotEqual(t, tag, res.Header.Get("ETag"))
}

func TestViewersHaveTagsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	st := newStage(s)
	st.reader.CreateArticleFavoriteWithResponse(t.Context(), st.slug)
	tags := map[string]string{}
	for _, token := range []string{"", st.author.Token, st.reader.Token} {
		res, _ := call{path: article(st, ""), token: token}.do(s, "GET")
		tags[res.Header.Get("ETag")] = token
	}
	require.Len(t, tags, 2, "the reader sees favorited: true, the others do not")

	// A request with a bad token gets the anonymous response, but shared caches
	// must not store it, because the request had a token.
	res, _ := call{path: article(st, ""), token: "nonsense"}.do(s, "GET")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, res.Header.Get("Cache-Control"), "private")
	require.Equal(t, `Token error="invalid_token"`, res.Header.Get("WWW-Authenticate"))
}

// TestReadAfterWrite revalidates directly after each write, as a front end
// does.
func TestReadAfterWrite(t *testing.T) {
	t.Parallel()
	forEachCache(t, func(t *testing.T, s *servertest.Service) {
		st := newStage(s)
		reads := []call{
			{path: article(st, "")}, {path: article(st, ""), token: st.reader.Token}, {path: "/articles"},
			{path: "/articles?author=" + st.author.Username}, {path: "/profiles/" + st.author.Username}, {path: "/user", token: st.author.Token},
		}
		tags := make([]string, len(reads))
		for i := range 8 {
			body := fmt.Sprintf(`{"article":{"description":"version %d"}}`, i)
			res, text := call{path: article(st, ""), token: st.author.Token, body: body}.do(s, "PUT")
			require.Equal(t, http.StatusOK, res.StatusCode, text)
			res, text = call{path: "/user", token: st.author.Token, body: fmt.Sprintf(`{"user":{"bio":"version %d"}}`, i)}.do(s, "PUT")
			require.Equal(t, http.StatusOK, res.StatusCode, text)
			for j, read := range reads {
				res, text := read.with("If-None-Match", tags[j]).do(s, "GET")
				require.Equal(t, http.StatusOK, res.StatusCode, "%s after write %d", read.path, i)
				require.Contains(t, text, fmt.Sprintf("version %d", i))
				tags[j] = res.Header.Get("ETag")
			}
		}
	})
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	st := newStage(s)
	read, _ := call{path: article(st, "")}.do(s, "GET")
	tag := read.Header.Get("ETag")
	put := call{path: article(st, ""), token: st.author.Token, body: `{"article":{"body":"Mine"}}`}

	_, _ = valid["CreateArticleFavorite"](st).do(s, "POST")
	first, body := put.with("If-Match", tag).do(s, "PUT")
	require.Equal(t, http.StatusOK, first.StatusCode, "a favorite does not change the version: %s", body)
	second, body := put.with("If-Match", tag).do(s, "PUT")
	require.Equal(t, http.StatusPreconditionFailed, second.StatusCode, body)

	current := strings.Trim(first.Header.Get("ETag"), `"`)
	for _, format := range []string{`"%s-zstd"`, `"x", "%s"`, "*"} {
		field := strings.Replace(format, "%s", current, 1)
		res, body := put.with("If-Match", field).do(s, "PUT")
		require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", field, body)
		current = strings.Trim(res.Header.Get("ETag"), `"`)
	}
	res, body := put.with("If-Match", `"`+current+`"`).do(s, "DELETE")
	require.Equal(t, http.StatusNoContent, res.StatusCode, body)
}

// TestEditsTakeIfMatch checks that every operation with which authors and
// editors change the entity tag of an article, or of its working copy, takes
// If-Match, and changes nothing if it is stale.
func TestEditsTakeIfMatch(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	edits := 0
	for _, op := range doc.Operations() {
		if op.Safe || op.Role > auth.Author || len(op.Targets) == 0 || op.Targets[0].Kind != "article" || op.Owner != "article" && !op.Targets[0].Private {
			continue
		}
		st := newStage(s.For(t))
		require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
		c := valid[op.ID](st)
		if prepare, ok := undone[op.ID]; ok {
			prepare(st)
		}
		tags := func() (all string) {
			for _, suffix := range []string{"", "/working-copy"} {
				res, _ := call{path: article(st, suffix), token: st.author.Token}.do(st.s, http.MethodGet)
				all += res.Header.Get("ETag") + " "
			}
			return all
		}
		before := tags()
		stale, body := c.with("If-Match", `"0.old"`).do(st.s, op.Method)
		kept := tags()
		res, text := c.do(st.s, op.Method)
		require.Less(t, res.StatusCode, 300, "%s: %s", op.ID, text)
		if kept == tags() {
			continue // it changes no text
		}
		edits++
		require.Equal(t, http.StatusPreconditionFailed, stale.StatusCode, "%s: declare IfMatch and 412, and compare it: %s", op.ID, body)
		require.Equal(t, before, kept, "%s: a stale If-Match changes nothing", op.ID)
	}
	require.Greater(t, edits, 7)
}

// TestCacheKey checks that requests with the same parameters share a response,
// however they are written, and that it has no trace of the first request.
func TestCacheKey(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.SharedDatabase = false }))
	u := s.Register("anna")
	slug := s.Publish(u, "One", "a b").Slug
	s.Publish(u, "Two", "a b")
	for _, same := range [][]string{
		{"/articles/" + slug + "?b=1", "/articles/" + slug, "/articles/" + slug + "?b=2", "/articles/%6Fne?"},
		{"/articles?x=evil&limit=1&tag=a%20b", "/articles?tag=a+b&limit=1", "/articles?limit=1&tag=a+%62&y=", "/articles?&limit=1&&tag=%61%20b"},
		{"/tags?x=1", "/tags?", "/tags?y=2"},
		{"/articles/" + slug + "/comments?b=1&format=html", "/articles/" + slug + "/comments?format=html"},
	} {
		var first *http.Response
		for i, path := range same {
			s.Statements.Reset()
			res, body := send(t, "GET", s.URL+path, "")
			require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", path, body)
			n, statements := s.Statements.Reset()
			if i == 0 {
				require.Positive(t, n, path)
				first = res
				continue
			}
			require.Zero(t, n, "%s: %v", path, statements)
			require.Equal(t, first.Header.Get("Link"), res.Header.Get("Link"), path)
		}
		require.NotContains(t, first.Header.Get("Link"), "evil")
	}
	res, _ := send(t, "GET", s.URL+"/articles?x=evil&limit=1", "", "Authorization", "Token "+u.Token)
	require.Contains(t, res.Header.Get("Link"), "limit=1")
	require.NotContains(t, res.Header.Get("Link"), "evil", "the links of all responses are alike")
}
