package api_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
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
