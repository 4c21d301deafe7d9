package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func TestLenient(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Compat = server.Lenient }))
	u := s.Register("anna")
	slug := s.Publish(u, "A title").Slug
	auth := []string{"Authorization", "Token " + u.Token}
	login := func(password string) int {
		res, _ := send(t, "POST", s.URL+"/users/login", fmt.Sprintf(`{"user":{"email":"anna@example.com","password":%q}}`, password))
		return res.StatusCode
	}

	t.Run("Login", func(t *testing.T) {
		res, body := send(t, "POST", s.URL+"/users/login", `{"user":{"email":"anna@example.com","password":"wrong"}}`)
		p := requireProblem(t, 422, "credentials_invalid", res, body)
		require.Equal(t, []string{"invalid"}, p.Errors["credentials"])
	})
	t.Run("Taken", func(t *testing.T) {
		res, body := send(t, "POST", s.URL+"/users", `{"user":{"username":"anna","email":"b@example.com","password":"correct horse"}}`)
		p := requireProblem(t, 422, "already_taken", res, body)
		require.Equal(t, []string{"has already been taken"}, p.Errors["username"])
	})
	t.Run("TokensStay401", func(t *testing.T) {
		res, body := send(t, "GET", s.URL+"/user", "")
		requireProblem(t, 401, "token_missing", res, body)
	})
	t.Run("Comment", func(t *testing.T) {
		res, body := send(t, "POST", s.URL+"/articles/"+slug+"/comments", `{"comment":{"body":"First!"}}`, auth...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		require.Contains(t, string(body), `"First!"`)
		require.EqualValues(t, 200, lineOf(t, s, res.Header.Get("X-Request-Id"))["status"])
		res, body = send(t, "POST", s.URL+"/articles/"+slug+"/comments", `{"comment":{}}`, auth...)
		requireProblem(t, 422, "validation_failed", res, body)
		res, _ = send(t, "POST", s.URL+"/articles", newArticle, auth...)
		require.Equal(t, http.StatusCreated, res.StatusCode, "only comments")
	})
	t.Run("Tags", func(t *testing.T) {
		requireTags(t, s, `["C","a","b","é"]`, `["a","b"]`)
	})
	t.Run("EmptyPassword", func(t *testing.T) {
		const fits = `{"user":{"bio":"a","password":""}}`
		tests := []struct {
			name, body string
			status     int
		}{
			{"Last", `{"user":{"bio":"a","password":""}}`, 200},
			{"First", `{"user":{"password":"","bio":"b"}}`, 200},
			{"Alone", `{"user":{"password":""}}`, 200},
			{"Spaced", " {\n\"other\" : [1, {\"user\":2}],\t\"user\" :\r\n { \"password\"  :  \"\" , \"bio\":\"c\" } } \n", 200},
			{"EscapedName", `{"user":{"pass\u0077ord":"","bio":"d"}}`, 200},
			{"AsLongAsAllowed", fits + strings.Repeat(" ", 65536-len(fits)), 200},
			{"LongerThanAllowed", fits + strings.Repeat(" ", 65537-len(fits)), 413},
			{"Blank", `{"user":{"password":" "}}`, 422},
			{"Null", `{"user":{"password":null}}`, 422},
			{"Short", `{"user":{"password":"short"}}`, 422},
			{"OtherCase", `{"user":{"Password":"","bio":"e"}}`, 200},
			{"OtherMistake", `{"user":{"password":"","email":""}}`, 422},
			{"Twice", `{"user":{"password":"","password":""}}`, 400},
			{"TwiceElsewhere", `{"user":{"password":"","bio":"a","bio":"b"}}`, 400},
			{"TwoUsers", `{"user":{"password":""},"user":{"password":""}}`, 400},
			{"Trailing", `{"user":{"password":""}}x`, 400},
			{"Unfinished", `{"user":{"password":""}`, 400},
			{"BadUTF8", "{\"user\":{\"password\":\"\",\"bio\":\"\xff\"}}", 400},
			{"NoObject", `[]`, 422},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				res, body := send(t, "PUT", s.URL+"/user", tt.body, auth...)
				require.Equal(t, tt.status, res.StatusCode, string(body))
				require.Equal(t, http.StatusOK, login(servertest.Password), "the password has not changed")
			})
		}
		res, body := send(t, "PUT", s.URL+"/user", `{"user":{"password":"another password"}}`, auth...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		require.Equal(t, http.StatusOK, login("another password"))
		res, body = send(t, "PUT", s.URL+"/user", `{"user":{"password":""}}`, append(auth, "Content-Type", "text/plain")...)
		requireProblem(t, 415, "unsupported_media_type", res, body)
	})
}

// requireTags checks the order of the tags in everything that returns articles.
func requireTags(t *testing.T, s *servertest.Service, first, second string) {
	t.Helper()
	author, follower := s.Register("author"), s.Register("follower")
	auth := []string{"Authorization", "Token " + author.Token}
	show := func(want, method, path, body string, header ...string) {
		t.Helper()
		for range 2 { // the second one may be cached
			res, got := send(t, method, s.URL+path, body, header...)
			require.Less(t, res.StatusCode, 300, string(got))
			require.Contains(t, string(got), `"tagList":`+want, "%s %s", method, path)
		}
	}
	_, err := follower.FollowUserByUsernameWithResponse(t.Context(), "author")
	require.NoError(t, err)
	const created = `{"article":{"title":"On tags","description":"D","body":"B","tagList":["b","é","a","C","b"]}}`
	show(first, "POST", "/articles", created, append(auth, "Idempotency-Key", "once")...)
	everywhere := func(want string) {
		t.Helper()
		show(want, "GET", "/articles/on-tags", "")
		show(want, "GET", "/articles/on-tags", "", auth...)
		show(want, "GET", "/articles?author=author", "")
		show(want, "GET", "/articles?tag=a", "", auth...)
		show(want, "GET", "/articles/feed", "", "Authorization", "Token "+follower.Token)
		show(want, "POST", "/batch/articles", `{"slugs":["on-tags"]}`)
		show(want, "POST", "/articles/on-tags/favorite", "", auth...)
		show(want, "DELETE", "/articles/on-tags/favorite", "", auth...)
	}
	everywhere(first)
	show(first, "PUT", "/articles/on-tags", `{"article":{"body":"Other"}}`, auth...)
	show(second, "PUT", "/articles/on-tags", `{"article":{"tagList":["b","a"]}}`, auth...)
	everywhere(second)
	show("[]", "PUT", "/articles/on-tags", `{"article":{"tagList":[]}}`, auth...)
	show("[]", "GET", "/articles?author=author", "")
}

func TestStrictIsDefault(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	requireTags(t, s, `["b","é","a","C"]`, `["b","a"]`)
	u := s.Register("anna")
	res, body := send(t, "PUT", s.URL+"/user", `{"user":{"password":""}}`, "Authorization", "Token "+u.Token)
	requireProblem(t, 422, "validation_failed", res, body)
}
