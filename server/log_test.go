package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// linesOf returns the log lines of a request.
func linesOf(t testing.TB, s *servertest.Service, requestID string) (lines []map[string]any) {
	t.Helper()
	for text := range strings.Lines(s.Log.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		if line["requestId"] == requestID {
			lines = append(lines, line)
		}
	}
	return lines
}

func lineOf(t testing.TB, s *servertest.Service, requestID string) map[string]any {
	t.Helper()
	// The line is written after the response, which the client may have
	// already.
	var lines []map[string]any
	require.Eventually(t, func() bool { lines = linesOf(t, s, requestID); return len(lines) > 0 }, polling, tick)
	require.Len(t, lines, 1)
	return lines[0]
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("anna")
	slug := s.Publish(u, "A title").Slug
	auth := []string{"Authorization", "Token " + u.Token}
	cached, _ := send(t, "GET", s.URL+"/tags", "")
	tests := []struct {
		method, path string
		header       []string
		operation    string
		status       int
		code         any
		signedIn     bool
		shown        any // the path in the line
	}{
		{"GET", "/api/articles/" + slug, nil, "GetArticle", 200, nil, false, nil},
		{"GET", "/api/articles/" + slug, auth, "GetArticle", 200, nil, true, nil},
		{"GET", "/api/user", auth, "GetCurrentUser", 200, nil, true, nil},
		{"GET", "/api/tags", []string{"If-None-Match", cached.Header.Get("ETag")}, "GetTags", 304, nil, false, nil},
		{"GET", "/api/user", nil, "GetCurrentUser", 401, "token_missing", false, nil},
		{"GET", "/api/articles/none", nil, "GetArticle", 404, "not_found", false, nil},
		{"GET", "/api/articles?limit=0", nil, "GetArticles", 422, "validation_failed", false, nil},
		{"DELETE", "/api/articles/" + slug, auth, "DeleteArticle", 204, nil, true, nil},
		{"GET", "/api/nothing", nil, "none", 404, "route_not_found", false, "/api/{7}"},
		{"GET", "/api/artciles?token=x", nil, "none", 404, "route_not_found", false, "/api/artciles"},
		{"GET", "/wp-login.php", nil, "none", 404, "route_not_found", false, "/wp-login.php"},
		{"GET", "/api/articles/" + slug + "/coments", nil, "none", 404, "route_not_found", false, "/api/articles/{7}/coments"},
		{"DELETE", "/api/profiles/anna", nil, "none", 405, "method_not_allowed", false, "/api/profiles/{4}"},
		{"GET", "/livez", nil, "none", 200, nil, false, nil},
		{"PUT", "/api/tags", nil, "none", 405, "method_not_allowed", false, "/api/tags"},
	}
	for _, tt := range tests {
		res, body := send(t, tt.method, s.Root+tt.path, "", tt.header...)
		require.Equal(t, tt.status, res.StatusCode, string(body))
		line := lineOf(t, s, res.Header.Get("X-Request-Id"))
		require.Equal(t, "request", line["msg"])
		require.Equal(t, "INFO", line["level"])
		require.Equal(t, tt.operation, line["operationId"])
		require.Equal(t, tt.method, line["method"])
		require.EqualValues(t, tt.status, line["status"])
		require.EqualValues(t, len(body), line["bytes"], tt.path)
		require.IsType(t, 0.0, line["durationMs"])
		require.Equal(t, tt.code, line["code"])
		require.NotContains(t, line, "address")
		require.Equal(t, tt.shown, line["path"])
		if tt.signedIn {
			require.IsType(t, 0.0, line["userId"])
		} else {
			require.NotContains(t, line, "userId")
		}
	}
}

func TestLogLineClient(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.LogClient = true }))
	res, _ := send(t, "GET", s.URL+"/articles/none", "")
	line := lineOf(t, s, res.Header.Get("X-Request-Id"))
	require.Equal(t, "127.0.0.1", line["address"])
	require.Equal(t, "/api/articles/:slug", line["route"])
	res, _ = send(t, "GET", s.Root+"/"+strings.Repeat("x", 300), "")
	line = lineOf(t, s, res.Header.Get("X-Request-Id"))
	require.Equal(t, "/"+strings.Repeat("x", 199), line["path"])
	token := auth.NewLinkToken().Text
	for _, path := range []string{"/previews/" + token, "/api/preview/" + strings.ToUpper(token) + "/", "/" + strings.Repeat("x/", 92) + token} {
		res, _ = send(t, "GET", s.Root+path, "")
		line = lineOf(t, s, res.Header.Get("X-Request-Id"))
		require.NotContains(t, strings.ToLower(line["path"].(string)), token[:12])
	}
}

// TestLogKeepsSecrets sends secrets in every way that the API has, at the level
// debug, and checks that none is in the log.
func TestLogKeepsSecrets(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const password, changed, wrong, email, mangled = "hunter2hunter2", "changed-secret-1", "wrong-secret-2", "very.private@example.com", "mangled-secret-3"
	register := `{"user":{"username":"anna","email":"` + email + `","password":"` + password + `"}}`
	res, body := send(t, "POST", s.URL+"/users", register, "Idempotency-Key", "idem-secret-4")
	require.Equal(t, http.StatusCreated, res.StatusCode, string(body))
	var user client.UserResponse
	require.NoError(t, json.Unmarshal(body, &user))
	token := user.User.Token
	header := []string{"Authorization", "Token " + token}
	broken := token[:len(token)-2] + "xx"
	slug := s.Publish(servertest.User{ClientWithResponses: s.As(token)}, "A title").Slug
	link := auth.NewLinkToken().Text
	res, body = send(t, "POST", s.URL+"/articles/"+slug+"/previews", "", header...)
	require.Equal(t, http.StatusCreated, res.StatusCode, string(body))
	var preview client.PreviewResponse
	require.NoError(t, json.Unmarshal(body, &preview))
	for _, step := range []struct {
		method, path, body string
		header             []string
		status             int
	}{
		{"POST", "/users", register, []string{"Idempotency-Key", "idem-secret-4"}, 201},
		{"POST", "/users", register, nil, 409},
		{"POST", "/users/login", `{"user":{"email":"` + email + `","password":"` + password + `"}}`, nil, 200},
		{"POST", "/users/login", `{"user":{"email":"` + email + `","password":"` + wrong + `"}}`, nil, 401},
		{"POST", "/users/login", `{"user":{"email":"` + email + `","password":` + mangled + `}}`, nil, 400},
		{"POST", "/users/login", `{"user":{"email":"` + email + `","password":"` + mangled + `","password":""}}`, nil, 400},
		{"POST", "/users/login", `{"user":{"email":"` + email + `","password":"` + mangled, nil, 400},
		{"POST", "/users/login", `{"user":{"email":"` + email + `","password":"` + mangled + "\xff\"}}", nil, 400},
		{"POST", "/users/login", `{"user":{"email":"` + email + `","password":["` + mangled + `"]}}`, nil, 422},
		{"GET", "/user", "", header, 200},
		{"PUT", "/user", `{"user":{"password":"` + changed + `"}}`, header, 200},
		{"GET", "/user", "", []string{"Authorization", "Bearer " + token}, 200},
		{"GET", "/user", "", []string{"Authorization", "Token " + broken}, 401},
		{"GET", "/user", "", []string{"Authorization", "Basic " + mangled}, 401},
		{"GET", "/articles?cursor=" + mangled + "&author=" + mangled, "", header, 422},
		{"GET", "/profiles/" + mangled, "", header, 404},
		{"GET", "/" + mangled + "?token=" + token, "", header, 404},
		{"PUT", "/tags?token=" + token, "", header, 405},
		{"GET", "/user/" + token, "", nil, 404},
		{"GET", "/users/password-reset/" + mangled + "?x=" + mangled, "", nil, 404},
		{"GET", "/articles/%0A" + mangled + "%2F" + mangled + "/coments", "", nil, 404},
		{"GET", "/profile/" + email, "", nil, 404},
		{"PUT", "/profiles/" + email, "", nil, 405},
		{"GET", "/previews/" + preview.Token, "", nil, 200},
		{"GET", "/previews/" + preview.Token + "?format=" + preview.Token, "", nil, 422},
		{"GET", "/previews/" + link, "", []string{"Referer", s.URL + preview.Url}, 404},
		{"PUT", "/previews/" + preview.Token, "", nil, 405},
		{"GET", "/preview/" + preview.Token, "", nil, 404},
		{"GET", "/previews/" + preview.Token + "/", "", nil, 404},
		{"DELETE", "/articles/" + slug + "/previews", "", header, 204},
	} {
		res, body := send(t, step.method, s.URL+step.path, step.body, step.header...)
		require.Equal(t, step.status, res.StatusCode, "%s %s %s: %s", step.method, step.path, step.body, body)
	}
	breakTables(t, s)
	res, body = send(t, "POST", s.URL+"/users/login", `{"user":{"email":"`+email+`","password":"`+password+`"}}`)
	lineOf(t, s, requireProblem(t, 500, "internal", res, body).RequestId)

	log := s.Log.String()
	require.GreaterOrEqual(t, strings.Count(log, "\n"), 20)
	for _, secret := range []string{password, changed, wrong, email, mangled, "idem-secret", preview.Token, link, token, broken, strings.Split(token, ".")[2], "argon2", "Token ", "Bearer", "Authorization"} {
		require.NotContains(t, log, secret)
	}
}
