package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestUnpublishedIsInNoOtherRecord checks that an article that has become a
// draft again, and got another title, is in no list of moderators and in no
// export of others, although they have commented on it and reported it.
func TestUnpublishedIsInNoOtherRecord(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithPublishing(publish.Rules{Comments: publish.ApprovedComments}))
	jake, anna, mia, edith := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator), withRole(s, "edith", auth.Editor)
	slug := s.Publish(jake, "Public title").Slug
	first, second := commentOn(t, anna, slug, "first"), commentOn(t, anna, slug, "second")
	report(t, anna, client.ReportedArticle, slug, "r")
	report(t, mia, client.ReportedComment, fmt.Sprint(first.Id), "r")
	for _, path := range []string{"/articles/" + slug, fmt.Sprintf("/articles/%s/comments/%d", slug, second.Id)} {
		res, body := s.Do(http.MethodPut, path+"/hidden", `{"reason":"r"}`, signed(mia)...)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
	}
	lists := func(u servertest.User) map[string]string {
		out := map[string]string{}
		for _, path := range []string{"/user/export", "/moderation/hidden", "/moderation/waiting", "/moderation/reports"} {
			if path == "/user/export" || u.Username != "anna" {
				_, out[path] = s.Do(http.MethodGet, path, "", signed(u)...)
			}
		}
		return out
	}
	for path, body := range lists(mia) {
		if path != "/user/export" {
			require.Contains(t, body, slug, path)
		}
	}
	require.Contains(t, lists(anna)["/user/export"], slug)

	res := responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	rewrite(t, jake, slug, client.UpdateArticle{Title: ptrTo("Secret plans")})
	for _, u := range []servertest.User{anna, mia} {
		for path, body := range lists(u) {
			require.NotContains(t, body, "ecret", "%s of %s", path, u.Username)
		}
	}
	for path, body := range lists(edith) {
		if path != "/user/export" {
			require.Contains(t, body, "secret-plans", "%s of an editor", path)
		}
	}
	require.Contains(t, lists(jake)["/user/export"], "secret-plans")
}
