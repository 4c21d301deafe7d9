package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestExportsOfSlowReaders checks that clients that do not read their exports
// keep nobody else from one, and that each account has one at a time.
func TestExportsOfSlowReaders(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	quick := s.Register("quick")
	a := s.Publish(quick, "Long")
	begin := func(u servertest.User) (res *http.Response, leave func()) {
		ctx, leave := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/user/export", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Token "+u.Token)
		res, err = (&http.Transport{}).RoundTrip(req)
		require.NoError(t, err)
		t.Cleanup(func() { leave(); res.Body.Close() })
		return res, leave
	}
	var slow []servertest.User
	var leaves []func()
	for range 6 {
		u := s.Register("")
		change(t, s, `INSERT INTO comments (article_id, author_id, body)
			SELECT (SELECT id FROM articles WHERE slug = $1), (SELECT id FROM users WHERE username = $2), repeat('x', 16000) FROM generate_series(1, 1500)`, a.Slug, u.Username)
		res, leave := begin(u)
		require.Equal(t, 200, res.StatusCode)
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, `"account"`)
		slow, leaves = append(slow, u), append(leaves, leave)
	}

	res, body := s.Do("GET", "/user/export", "", signed(quick)...)
	require.Equal(t, 200, res.StatusCode, body)
	require.Contains(t, body, `"type":"end"`)
	for _, u := range slow {
		res, body := s.Do("GET", "/user/export", "", signed(u)...)
		requireProblem(t, 429, problem.RateLimited, oneField("request", "another one of this account is still running"), res.StatusCode, body)
		require.Equal(t, "5", res.Header.Get("Retry-After"))
	}
	for _, leave := range leaves {
		leave()
	}
	require.Eventually(t, func() bool {
		res, body := s.Do("GET", "/user/export", "", signed(slow[0])...)
		return res.StatusCode == 200 && strings.Contains(body, `"type":"end"`)
	}, time.Minute, 20*time.Millisecond, "its first export has ended")
}

// TestExportedRevisions checks that an export has the older texts and the
// working copies of the user's own articles, page after page, and none of
// others.
func TestExportedRevisions(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	want := 0
	for i := range 3 {
		slug := s.Publish(jake, fmt.Sprint("Article ", i)).Slug
		for j := range 50 {
			rewrite(t, ed, slug, client.UpdateArticle{Body: ptrTo(fmt.Sprintf("text %d of %d %s", j, i, strings.Repeat("x", 8000*i)))})
			want++
		}
		saveCopy(t, jake, slug, client.UpdateArticle{Title: ptrTo(fmt.Sprint("Unpublished ", i))})
		want++
	}
	slug := s.Publish(jake, "With members", "go").Slug
	res, body := s.Do("PUT", "/articles/"+slug+"/working-copy", `{"article":{"tagList":["go","golang"],"metaTitle":"Head"}}`, signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	want++
	rename(t, ed, "go", "Go")
	slug = s.Publish(ed, "Of the editor").Slug
	saveCopy(t, ed, slug, client.UpdateArticle{Title: ptrTo("Secret of the editor")})
	_, body = s.Do("GET", "/user/export", "", signed(jake)...)
	require.Regexp(t, `"type" : "revision", "article" : "with-members", .*"tagList" : \["Go","golang"\],.*"metaTitle" : "Head"`, body)
	require.Equal(t, want, strings.Count(body, `"type" : "revision"`))
	for i := range 3 {
		for j := range 49 { // the last one is the text of the article
			require.Equal(t, 1, strings.Count(body, fmt.Sprintf("text %d of %d ", j, i)))
		}
		require.Equal(t, 1, strings.Count(body, fmt.Sprint(`"title" : "Unpublished `, i)))
	}
	require.NotContains(t, body, "Of the editor")
	_, body = s.Do("GET", "/user/export", "", signed(ed)...)
	require.Contains(t, body, "Secret of the editor")
	require.NotContains(t, body, "text 1 of 1")
}
