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

func TestStrictIsDefault(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("anna")
	res, body := send(t, "PUT", s.URL+"/user", `{"user":{"password":""}}`, "Authorization", "Token "+u.Token)
	requireProblem(t, 422, "validation_failed", res, body)
}
