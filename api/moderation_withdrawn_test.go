package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestWithdrawnIsInNoOtherRecord checks that an article that has become a
// draft again, and got another title, is in no list of moderators and in no
// export of others, although they have commented on it, reported it and made it
// a favorite. What they wrote stays in their exports.
func TestWithdrawnIsInNoOtherRecord(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithPublishing(publish.Rules{Comments: publish.ApprovedComments}))
	mia, edith := withRole(s, "mia", auth.Moderator), withRole(s, "edith", auth.Editor)
	for _, hidden := range []bool{false, true} {
		t.Run(fmt.Sprint("Hidden=", hidden), func(t *testing.T) { // one after another: they list the same
			s := s.For(t)
			jake, anna := s.Register(""), s.Register("")
			title, secret := fmt.Sprint("Secret plans ", hidden), fmt.Sprint("secret-plans-", hidden)
			slug := s.Publish(jake, fmt.Sprint("Public title ", hidden)).Slug
			first, second := commentOn(t, anna, slug, "first"), commentOn(t, anna, slug, "second")
			report(t, anna, client.ReportedArticle, slug, "a reason")
			report(t, mia, client.ReportedComment, fmt.Sprint(first.Id), "r")
			responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), slug))
			show := func(u servertest.User, path string) string {
				t.Helper()
				res, body := s.Do(http.MethodGet, path, "", signed(u)...)
				require.Equal(t, http.StatusOK, res.StatusCode, body)
				return body
			}
			const export = "/user/export"
			moderated := []string{"/moderation/hidden", "/moderation/waiting", "/moderation/reports"}
			require.Equal(t, 4, strings.Count(show(anna, export), `"`+slug+`"`), "two comments, a report and a favorite")
			res, body := s.Do(http.MethodPut, fmt.Sprintf("/articles/%s/comments/%d/hidden", slug, second.Id), `{"reason":"r"}`, signed(mia)...)
			require.Equal(t, http.StatusNoContent, res.StatusCode, body)
			if hidden {
				hide(t, mia, slug, "r")
			}
			for _, path := range moderated {
				require.Contains(t, show(mia, path), slug, path)
			}

			withdrawn := responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil))
			require.Equal(t, http.StatusOK, withdrawn.StatusCode(), string(withdrawn.Body))
			rewrite(t, jake, slug, client.UpdateArticle{Title: &title})
			for _, path := range moderated {
				for _, private := range []string{title, secret, slug} {
					require.NotContains(t, show(mia, path), private, path)
				}
				require.Contains(t, show(edith, path), secret, "%s of an editor", path)
			}
			for _, private := range []string{title, secret} {
				require.NotContains(t, show(mia, export), private)
				require.NotContains(t, show(anna, export), private)
			}
			kept := show(anna, export)
			for _, own := range []string{"first", "second", "a reason"} {
				require.Contains(t, kept, own)
			}
			require.Contains(t, show(jake, export), secret)

			publishArticle(t, jake, slug, client.PublishRequest{})
			for _, path := range moderated {
				require.Contains(t, show(mia, path), secret, path)
			}
		})
	}
}
