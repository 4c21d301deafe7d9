//go:build unix

package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTeamSettings checks that the settings for teams reach the operations.
func TestTeamSettings(t *testing.T) {
	t.Parallel()
	database := sharedDatabase(t, "team")
	open := startService(t, database)
	f := open.prepare()
	team := startService(t, database, "BYLINE_REGISTRATION=invite", "BYLINE_AUTHORS_PUBLISH=off", "BYLINE_REVISIONS=2", "BYLINE_COMMENTS=off")
	readers := startService(t, database, "BYLINE_DEFAULT_ROLE=reader")
	answers := func(s *service, status int, contains, method, path, token, body string) {
		t.Helper()
		got, text := s.send(method, path, token, body)
		require.Equal(t, status, got, "%s", text)
		require.Contains(t, text, contains)
	}
	const account, text = `{"user":{"username":%[1]q,"email":"%[1]s@example.com","password":"correct horse"}}`, `{"article":{"title":%q,"description":"d","body":"b","status":%q}}`
	answers(team, http.StatusForbidden, "registration_closed", "POST", "/api/users", "", fmt.Sprintf(account, "bob"))
	answers(team, http.StatusForbidden, "role_insufficient", "POST", "/api/articles", f.token, fmt.Sprintf(text, "Public", "published"))
	answers(team, http.StatusForbidden, "comments_closed", "POST", "/api/articles/"+f.slug+"/comments", f.token, `{"comment":{"body":"c"}}`)
	answers(team, http.StatusCreated, "draft", "POST", "/api/articles", f.token, fmt.Sprintf(text, "Draft", "draft"))
	answers(team, http.StatusForbidden, "role_insufficient", "POST", "/api/articles/draft/publish", f.token, "")
	for i := range 4 {
		answers(team, http.StatusOK, "draft", "PUT", "/api/articles/draft", f.token, fmt.Sprintf(`{"article":{"body":"%d"}}`, i))
	}
	_, list := team.send("GET", "/api/articles/draft/revisions", f.token, "")
	require.Regexp(t, `"number":5.*"number":4`, list)
	require.NotContains(t, list, `"number":3`)

	var reader struct{ User struct{ Token string } }
	readers.post("/api/users", "", fmt.Sprintf(account, "rita"), &reader)
	answers(readers, http.StatusForbidden, "role_insufficient", "POST", "/api/articles", reader.User.Token, fmt.Sprintf(text, "Draft", "draft"))
	answers(open, http.StatusOK, "published", "POST", "/api/articles/draft/publish", f.token, "")
}
