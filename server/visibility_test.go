package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// state is a reason why an article is not public.
type state struct {
	// conceal is called for a public article by its path.
	conceal func(s *stage, path string)
	// moderated reports whether moderators see the article.
	moderated bool
}

// states are all reasons why an article is not public.
var states = map[string]state{
	"HiddenDraft": {conceal: func(s *stage, path string) {
		s.must(http.MethodPut, call{path: path + "/hidden", token: s.as(auth.Moderator), body: `{"reason":"r"}`})
		s.must(http.MethodPost, call{path: path + "/unpublish", token: s.author.Token})
	}},
	"Hidden": {moderated: true, conceal: func(s *stage, path string) {
		s.must(http.MethodPut, call{path: path + "/hidden", token: s.as(auth.Moderator), body: `{"reason":"r"}`})
	}},
	"Draft": {conceal: func(s *stage, path string) {
		s.must(http.MethodPost, call{path: path + "/unpublish", token: s.author.Token})
	}},
	"Review": {conceal: func(s *stage, path string) {
		s.must(http.MethodPost, call{path: path + "/unpublish", token: s.author.Token})
		s.must(http.MethodPost, call{path: path + "/submit", token: s.author.Token})
	}},
	"Scheduled": {conceal: func(s *stage, path string) {
		s.must(http.MethodPost, call{path: path + "/unpublish", token: s.author.Token})
		at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		s.must(http.MethodPost, call{path: path + "/publish", token: s.author.Token, body: `{"publishAt":"` + at + `"}`})
	}},
}

// must makes a call that has to succeed.
func (s *stage) must(method string, c call) string {
	res, body := c.do(s.s, method)
	if res.StatusCode >= 300 {
		panic(method + " " + c.path + ": " + body + s.s.Log.String())
	}
	return body
}

var (
	requestID = regexp.MustCompile(`"requestId":"[^"]*"`)
	moment    = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
)

// others returns tokens of those who must not see an article of the author that
// is not public.
func (s *stage) others(state state) map[string]string {
	tokens := map[string]string{
		"an anonymous caller": "", "a stranger": s.s.Register("").Token, "a reader": s.as(auth.Reader),
		"a key of an editor": s.keyOf(s.as(auth.Editor), "write"), "a key of a moderator": s.keyOf(s.as(auth.Moderator), "read"),
	}
	if !state.moderated {
		tokens["a moderator"] = s.as(auth.Moderator)
	}
	return tokens
}

// discuss adds a comment that waits to an article, one that a moderator has
// hidden, and one that the reader has reported.
func (s *stage) discuss(slug string) {
	other, moderator := s.comment, s.as(auth.Moderator)
	for _, done := range []func(path string){
		func(string) { s.wait() },
		func(path string) {
			s.must(http.MethodPut, call{path: path + "/hidden", token: moderator, body: `{"reason":"r"}`})
		},
		func(string) {
			s.must(http.MethodPost, call{path: "/reports", token: s.reader.Token, body: fmt.Sprintf(`{"kind":"comment","id":%q,"reason":"r"}`, s.comment)})
		},
	} {
		path := "/articles/" + slug + "/comments"
		created := s.must(http.MethodPost, call{path: path, token: s.author.Token, body: fmt.Sprintf(`{"comment":{"body":%q}}`, slug)})
		s.comment = commentID.FindStringSubmatch(created)[1]
		done(path + "/" + s.comment)
	}
	s.comment = other
}

// probes has, for each query parameter of the operations that
// TestNotPublicIsSeenNowhere calls, the value that leads to the article. It is
// nil if no value leads to more than the others do.
var probes = map[string]func(s *stage, marker string) string{
	"author":    func(s *stage, _ string) string { return s.author.Username },
	"favorited": func(s *stage, _ string) string { return s.reader.Username },
	"tag":       func(_ *stage, marker string) string { return marker },
	"prefix":    func(_ *stage, marker string) string { return marker[:10] },
	"counts":    func(*stage, string) string { return "true" },
	"format":    func(*stage, string) string { return "html" },
	"sort":      func(*stage, string) string { return "-createdAt" },
	"parentId":  func(*stage, string) string { return "0" },
	"limit":     nil, "offset": nil, "cursor": nil, "against": nil, "status": nil, "kind": nil,
}

// TestNotPublicIsSeenNowhere makes an article not public, for each reason, and
// calls every safe operation of the document as those who must not see it. Each
// has been called before, so that what it showed is cached, as far as it can
// be. Then each shows what it showed before the article existed, counts
// included. What moderators list has no text of it.
func TestNotPublicIsSeenNowhere(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	parameters := queryParameters(t)
	s := servertest.New(t)
	type form struct {
		*contract.Operation
		query []string // the parameters of the query
		own   bool     // the request names the article itself
	}
	var forms []form
	for _, op := range doc.Operations() {
		if !op.Safe || op.Role > auth.Moderator {
			continue
		}
		queries, all := [][]string{nil}, []string(nil)
		for _, name := range parameters[op.ID] {
			value, known := probes[name]
			require.True(t, known, "add the query parameter %s of %s to probes", name, op.ID)
			if value != nil {
				queries, all = append(queries, []string{name}), append(all, name)
			}
		}
		for _, query := range append(queries, all) {
			forms = append(forms, form{op, query, false}, form{op, query, true})
		}
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			shown := 0
			for _, op := range forms {
				st := newStage(s.For(t))
				require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
				c := valid[op.ID](st)
				marker := "nobody-may-read-this-" + st.author.Username + "-"
				if own := strings.NewReplacer(st.slug, marker+"x"); op.own {
					if c.path == own.Replace(c.path) && c.body == own.Replace(c.body) {
						continue
					}
					c.path, c.body = own.Replace(c.path), own.Replace(c.body)
				}
				for i, name := range op.query {
					c.path += string("?&"[min(i, 1)]) + name + "=" + url.QueryEscape(probes[name](st, marker))
				}
				series(st)
				callers := st.others(state)
				st.must(http.MethodPost, call{path: "/profiles/" + st.author.Username + "/follow", token: callers["a stranger"]})
				ask := func(who string, header ...string) (*http.Response, string) {
					res, body := c.as(callers[who]).with(header...).do(st.s, op.Method)
					return res, moment.ReplaceAllString(requestID.ReplaceAllString(body, ""), "")
				}
				before, tags := map[string]string{}, map[string]string{}
				for who := range callers {
					_, before[who] = ask(who)
				}
				slug := st.s.Publish(st.author, marker+"x", "stage", marker).Slug
				st.must(http.MethodPut, call{path: "/articles/" + slug, token: st.author.Token,
					body: fmt.Sprintf(`{"article":{"series":{"slug":%q},"translationOf":%q}}`, st.series, st.slug)})
				for _, token := range []string{callers["a stranger"], st.reader.Token} {
					st.must(http.MethodPost, call{path: "/articles/" + slug + "/favorite", token: token})
				}
				st.must(http.MethodPost, call{path: "/reports", token: st.reader.Token, body: fmt.Sprintf(`{"kind":"article","id":%q,"reason":"r"}`, slug)})
				st.discuss(slug)
				for who := range callers {
					res, body := ask(who)
					if body != before[who] {
						shown++
						tags[who] = res.Header.Get("ETag")
					}
				}
				state.conceal(st, "/articles/"+slug)
				for who := range callers {
					_, body := ask(who)
					if !op.own {
						require.NotContains(t, body, marker, "%s shows %s what is not public: see api/visibility and db/queries/%s.sql", op.ID, who, op.Tag)
					}
					if op.Role <= auth.Author { // a report stays for moderators, without the text
						require.Equal(t, before[who], body, "%s tells %s that something is not public: see api/visibility and db/queries/%s.sql", op.ID, who, op.Tag)
					}
					if tags[who] != "" {
						res, _ := ask(who, "If-None-Match", tags[who])
						require.NotEqual(t, http.StatusNotModified, res.StatusCode, "%s tells %s that what is not public is as before", op.ID, who)
					}
				}
			}
			require.Greater(t, shown, 50, "responses that show the article before")
		})
	}
}

// TestWaitingIsSeenNowhere lets a comment wait for approval, and calls every
// safe operation of the document as those who must not see it, before, while
// and after it waits.
func TestWaitingIsSeenNowhere(t *testing.T) {
	t.Parallel()
	const marker = "nobody-may-read-this"
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	shown := 0
	for _, op := range doc.Operations() {
		if !op.Safe || op.Role > auth.Author {
			continue
		}
		st := newStage(s.For(t))
		require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
		c := valid[op.ID](st)
		stranger, writer := st.s.Register(""), st.s.Register("")
		created := st.must(http.MethodPost, call{path: "/articles/" + st.slug + "/comments", token: writer.Token, body: `{"comment":{"body":"` + marker + `"}}`})
		st.comment = commentID.FindStringSubmatch(created)[1]
		callers := map[string]call{
			"a stranger": c.as(stranger.Token), "an anonymous caller": c.as(""), "the author of the article": c.as(st.author.Token), "an editor": c.as(st.as(auth.Editor)),
		}
		seen, tags := map[string]bool{}, map[string]string{}
		for who, ask := range callers {
			res, body := ask.do(st.s, op.Method)
			seen[who], tags[who] = strings.Contains(body, marker), res.Header.Get("ETag")
			if seen[who] {
				shown++
			}
		}
		st.wait()
		for who, ask := range callers {
			_, body := ask.do(st.s, op.Method)
			require.Equal(t, seen[who] && who == "an editor", strings.Contains(body, marker),
				"%s shows %s a comment that waits: see comment_visible and db/queries/%s.sql", op.ID, who, op.Tag)
			if seen[who] {
				res, _ := ask.with("If-None-Match", tags[who]).do(st.s, op.Method)
				require.NotEqual(t, http.StatusNotModified, res.StatusCode, "%s tells %s that a comment does not wait", op.ID, who)
			}
		}
		st.must(http.MethodPut, call{path: "/articles/" + st.slug + "/comments/" + st.comment + "/approval", token: st.as(auth.Moderator)})
		for who, ask := range callers {
			_, body := ask.do(st.s, op.Method)
			require.Equal(t, seen[who], strings.Contains(body, marker), "%s as %s, after the approval", op.ID, who)
		}
	}
	require.GreaterOrEqual(t, shown, 4, "callers that see the comment before")
}

// TestNotPublicIsNotFound calls every operation on an article that is not
// public, as those who must not see it. The response is the same as for an
// article that does not exist.
func TestNotPublicIsNotFound(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			compared := 0
			for _, op := range doc.Operations() {
				if len(op.Targets) == 0 || op.Targets[0].Kind != "article" {
					continue
				}
				st := newStage(s.For(t))
				require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
				c := valid[op.ID](st)
				slug, _, _ := strings.Cut(strings.TrimPrefix(c.path, "/articles/"), "/")
				if slug == st.slug { // valid may have made an article that is in a state of its own
					state.conceal(st, "/articles/"+slug)
				}
				for who, token := range st.others(state) {
					ask := c.as(token)
					unknown := ask.at(strings.Replace(ask.path, slug, "no-such-article", 1))
					unknown.do(st.s, op.Method) // the first call may store that a credential was used
					st.s.Statements.Reset()
					want, missing := unknown.do(st.s, op.Method)
					_, wanted := st.s.Statements.Reset()
					res, body := ask.do(st.s, op.Method)
					_, sent := st.s.Statements.Reset()
					require.Equal(t, want.StatusCode, res.StatusCode, "%s as %s: %s", op.ID, who, body)
					require.Equal(t, requestID.ReplaceAllString(missing, ""), requestID.ReplaceAllString(body, ""), "%s as %s", op.ID, who)
					require.GreaterOrEqual(t, res.StatusCode, 400, "%s as %s: %s", op.ID, who, body)
					require.Equal(t, wanted, sent, "%s as %s: the time of the response tells that there is an article", op.ID, who)
					compared++
				}
				// Those who may change it still find it.
				for who, token := range map[string]string{"its author": st.author.Token, "an editor": st.as(auth.Editor)} {
					if op.Safe && op.Role <= auth.Author {
						res, body := c.as(token).do(st.s, op.Method)
						require.Equal(t, http.StatusOK, res.StatusCode, "%s as %s: %s", op.ID, who, body)
					}
				}
			}
			require.Greater(t, compared, 20)
		})
	}
}

// TestDraftSlug checks that the slug of an article that was never public is
// told to nobody, not even by the slug that the same title gets.
func TestDraftSlug(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	st := newStage(s)
	body := `{"article":{"title":"Secret plan","description":"d","body":"b"%s}}`
	first := st.must(http.MethodPost, call{path: "/articles", token: st.author.Token, body: strings.Replace(body, "%s", `,"status":"draft"`, 1)})
	require.Contains(t, first, `"slug":"secret-plan"`)
	editor := st.as(auth.Editor)
	for _, token := range []string{st.author.Token, editor} {
		require.Contains(t, st.must(http.MethodGet, call{path: "/articles/secret-plan", token: token}), `"status":"draft"`)
	}
	stranger := st.s.Register("")
	for _, token := range []string{"", stranger.Token, st.as(auth.Moderator)} {
		res, body := call{path: "/articles/secret-plan", token: token}.do(st.s, http.MethodGet)
		require.Equal(t, http.StatusNotFound, res.StatusCode, body)
	}
	// Another author gets the same slug for a draft and for an article.
	second := st.must(http.MethodPost, call{path: "/articles", token: stranger.Token, body: strings.Replace(body, "%s", `,"status":"draft"`, 1)})
	require.Contains(t, second, `"slug":"secret-plan"`)
	third := st.must(http.MethodPost, call{path: "/articles", token: st.reader.Token, body: strings.Replace(body, "%s", "", 1)})
	require.Contains(t, third, `"slug":"secret-plan"`)
	// The drafts have other slugs then, by which their authors find them.
	for _, author := range []servertest.User{st.author, stranger} {
		list := st.must(http.MethodGet, call{path: "/user/articles?status=draft", token: author.Token})
		slug := regexp.MustCompile(`"slug":"(secret-plan-[^"]+)"`).FindStringSubmatch(list)
		require.NotNil(t, slug, list)
		require.Contains(t, st.must(http.MethodGet, call{path: "/articles/" + slug[1], token: author.Token}), `"status":"draft"`)
		require.Contains(t, st.must(http.MethodPost, call{path: "/articles/" + slug[1] + "/publish", token: author.Token}), `"status":"published"`)
		require.Contains(t, st.must(http.MethodGet, call{path: "/articles/" + slug[1]}), `"status":"published"`)
	}
}
