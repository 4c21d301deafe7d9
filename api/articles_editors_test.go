package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// editBody changes the body of an article.
func editBody(t *testing.T, by *client.ClientWithResponses, slug, body string) *client.UpdateArticleResponse {
	t.Helper()
	return responseOf(by.UpdateArticleWithResponse(t.Context(), slug, nil,
		client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Body: &body}}))
}

// auditActions returns the actions of the audit log with their actors, the
// oldest first.
func auditActions(t *testing.T, s *servertest.Service) (actions []string) {
	t.Helper()
	rows, err := s.DB.Query(t.Context(), `SELECT u.username || ' ' || l.action FROM audit_log l JOIN users u ON u.id = l.actor_id ORDER BY l.id`)
	require.NoError(t, err)
	for rows.Next() {
		var action string
		require.NoError(t, rows.Scan(&action))
		actions = append(actions, action)
	}
	require.NoError(t, rows.Err())
	return actions
}

// TestEditors checks that editors see, change and delete the articles of
// everybody, and that the audit log has what they did to those of others.
func TestEditors(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := s.Publish(jake, "Shown", "a").Slug
	draft := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{Article: client.NewArticle{
		Title: "A draft", Description: "d", Body: "b", Status: ptrTo(client.StatusDraft),
	}}))
	require.Equal(t, http.StatusCreated, draft.StatusCode(), string(draft.Body))

	for _, slug := range []string{slug, "a-draft"} {
		got := responseOf(ed.GetArticleWithResponse(t.Context(), slug, nil))
		require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
		tag := got.HTTPResponse.Header.Get("ETag")
		res := responseOf(ed.UpdateArticleWithResponse(t.Context(), slug, &client.UpdateArticleParams{IfMatch: &tag},
			client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: ptrTo("Edited " + slug), TagList: &[]string{"b"}}}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, "edited-"+slug, res.JSON200.Article.Slug)
		require.Equal(t, "jake", res.JSON200.Article.Author.Username, "an edit does not change the author")
		require.Equal(t, got.JSON200.Article.Status, res.JSON200.Article.Status)
		stale := responseOf(ed.DeleteArticleWithResponse(t.Context(), slug, &client.DeleteArticleParams{IfMatch: &tag}))
		require.Equal(t, http.StatusPreconditionFailed, stale.StatusCode(), string(stale.Body))
	}
	requireCounters(t, s)
	unchanged := responseOf(ed.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{}))
	require.Equal(t, http.StatusOK, unchanged.StatusCode(), string(unchanged.Body))
	for _, slug := range []string{slug, "a-draft"} {
		require.Equal(t, http.StatusNoContent, responseOf(ed.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
		require.Equal(t, http.StatusNotFound, responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	}
	requireCounters(t, s)
	require.Equal(t, []string{"ed article.updated", "ed article.updated", "ed article.deleted", "ed article.deleted"}, auditActions(t, s))

	own := s.Publish(ed, "By an editor").Slug
	require.Equal(t, http.StatusOK, editBody(t, ed.ClientWithResponses, own, "x").StatusCode())
	require.Equal(t, http.StatusNoContent, responseOf(ed.DeleteArticleWithResponse(t.Context(), own, nil)).StatusCode())
	require.Equal(t, 4, auditCount(t, s), "what editors do to their own articles is not in the log")
}

// TestEditorsKeys checks that the key of an editor needs the scope admin to
// change the articles of others.
func TestEditorsKeys(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := s.Publish(jake, "Shown").Slug
	for scope, want := range map[client.Scope]int{client.Read: 403, client.Write: 403, client.Admin: 200} {
		res := editBody(t, s.As(newKey(t, ed, scope).Key), slug, "by a key")
		require.Equal(t, want, res.StatusCode(), "%s: %s", scope, res.Body)
	}
	key := s.As(newKey(t, ed, client.Write).Key)
	require.Equal(t, 200, editBody(t, key, s.Publish(ed, "Own").Slug, "x").StatusCode())
	require.Equal(t, 403, responseOf(key.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, []string{"ed article.updated"}, auditActions(t, s))
}

// TestActsOfRevokedEditors checks that an editor whose session was ended on
// another replica cannot change the articles of others any more.
func TestActsOfRevokedEditors(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	here, there := servertest.New(t, servertest.WithDatabase(url)), servertest.New(t, servertest.WithDatabase(url))
	jake, ed := here.Register("jake"), withRole(here, "ed", auth.Editor)
	slug := here.Publish(jake, "Shown").Slug
	requireStatus(t, http.StatusOK, ed.ClientWithResponses)
	require.Equal(t, 204, responseOf(there.As(ed.Token).DeleteSessionsWithResponse(t.Context())).StatusCode())
	require.Equal(t, 401, editBody(t, ed.ClientWithResponses, slug, "too late").StatusCode())
	require.Equal(t, 401, responseOf(ed.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Zero(t, auditCount(t, here))
	require.NotEqual(t, "too late", responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).JSON200.Article.Body)
}

// TestEditorsTogether has editors and the author change and delete the same
// articles at the same time, while an admin suspends and reinstates an editor.
func TestEditorsTogether(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake, root := s.Register("jake"), withRole(s, "root", auth.Admin)
	people := []servertest.User{jake, withRole(s, "ed", auth.Editor), withRole(s, "mo", auth.Editor), withRole(s, "guest", auth.Editor)}
	for round := range 6 {
		first, second := s.Publish(jake, fmt.Sprint("First ", round), "a", "b").Slug, s.Publish(root, fmt.Sprint("Second ", round), "b").Slug
		for i, status := range together(16, func(i int) int {
			by := people[i%len(people)]
			switch {
			case i == 14:
				return suspend(t, root, "guest", "r").StatusCode()
			case i == 15:
				return responseOf(root.ReinstateUserWithResponse(t.Context(), "guest")).StatusCode()
			case i > 11:
				return responseOf(by.DeleteArticleWithResponse(t.Context(), []string{first, second}[i%2], nil)).StatusCode()
			}
			return editBody(t, by.ClientWithResponses, []string{first, second}[i/2%2], fmt.Sprint("body ", i)).StatusCode()
		}) {
			require.Less(t, status, 500, i)
		}
		requireCounters(t, s)
	}
}
