package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// registering sets who may register.
func registering(r signin.Registration) servertest.Option {
	return servertest.WithRules(func(rules *signin.Rules) { rules.Registration = r })
}

// TestRegistration checks who may register, and that a refusal does not depend
// on the accounts that exist.
func TestRegistration(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	open := servertest.New(t, servertest.WithDatabase(url))
	open.Register("jake")
	for registration, fields := range map[signin.Registration]problem.Fields{
		signin.InvitedRegistration: oneField("invitation", "is required"),
		signin.ClosedRegistration:  oneField("registration", "is closed"),
	} {
		s := servertest.New(t, servertest.WithDatabase(url), registering(registration))
		s.Statements.Reset()
		for _, name := range []string{"jake", "anna", "\u2800"} {
			res, body := s.Do("POST", "/users", fmt.Sprintf(`{"user":{"username":%q,"email":"jake@example.com","password":"correct horse"}}`, name))
			requireProblem(t, http.StatusForbidden, problem.RegistrationClosed, fields, res.StatusCode, body)
		}
		n, statements := s.Statements.Reset()
		require.Zero(t, n, "a refusal sends no statement: %v", statements)
		require.Equal(t, http.StatusOK, login(t, s, "jake@example.com", servertest.Password).StatusCode(), "accounts keep working")
	}
	require.Equal(t, 1, count(t, open, `SELECT count(*) FROM users`))
}

// TestDefaultRole checks the role of new accounts.
func TestDefaultRole(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithRules(func(r *signin.Rules) { r.NewReaders = true }))
	rita := s.Register("rita")
	res := responseOf(rita.CreateArticleWithResponse(t.Context(), nil, newArticle("No")))
	require.Equal(t, http.StatusForbidden, res.StatusCode(), string(res.Body))
	require.Contains(t, string(res.Body), "role_insufficient")
	s.SetRole("rita", auth.Author)
	require.Equal(t, http.StatusCreated, responseOf(rita.CreateArticleWithResponse(t.Context(), nil, newArticle("Yes"))).StatusCode())
}

// TestAuthorsSubmit checks that authors cannot publish where only editors do.
func TestAuthorsSubmit(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	before := servertest.New(t, servertest.WithDatabase(url))
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithPublishing(publish.Rules{EditorsOnly: true}))
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	post := func(by servertest.User, members string) (int, string) {
		res, body := s.Do("POST", "/articles", `{"article":{"title":"A title","description":"d","body":"b"`+members+`}}`, signed(by)...)
		return res.StatusCode, body
	}
	for members, want := range map[string]int{
		``:                      403,
		`,"status":"published"`: 403,
		`,"status":"scheduled","publishedAt":"2100-01-01T00:00:00.000Z"`: 403,
		`,"status":"draft"`:  201,
		`,"status":"review"`: 201,
	} {
		status, body := post(jake, members)
		require.Equal(t, want, status, "%s: %s", members, body)
		if want == 403 {
			requireProblem(t, 403, problem.RoleInsufficient, oneField("role", "requires the role editor or higher"), status, body)
		}
		status, body = post(ed, members)
		require.Equal(t, 201, status, "%s: %s", members, body)
	}

	// What is published changes for everybody at once.
	draft := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{Article: client.NewArticle{
		Title: "A draft", Description: "d", Body: "b", Status: ptrTo(client.StatusDraft),
	}})).JSON201.Article.Slug
	public := before.Publish(servertest.User{User: jake.User, ClientWithResponses: before.As(jake.Token)}, "Public").Slug
	require.Equal(t, http.StatusOK, editBody(t, jake.ClientWithResponses, draft, "x").StatusCode())
	require.Equal(t, http.StatusForbidden, editBody(t, jake.ClientWithResponses, public, "x").StatusCode())
	require.Equal(t, http.StatusOK, editBody(t, ed.ClientWithResponses, public, "x").StatusCode())
	require.Equal(t, http.StatusForbidden, editBody(t, s.As(newKey(t, ed, client.Write).Key), s.Publish(ed, "By ed").Slug, "x").StatusCode())
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), public, nil)).StatusCode())
	requireCounters(t, s)
}
