package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// preview creates a preview of an article.
func preview(t *testing.T, by servertest.User, slug string) client.PreviewResponse {
	t.Helper()
	res := responseOf(by.CreatePreviewWithResponse(t.Context(), slug, client.NewPreviewRequest{}))
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return *res.JSON201
}

// previewed reads a preview.
func previewed(t *testing.T, s *servertest.Service, token string) *client.GetPreviewResponse {
	t.Helper()
	return responseOf(s.Anonymous.GetPreviewWithResponse(t.Context(), token, nil))
}

// requireNoPreview requires that a token is answered as an unknown one.
func requireNoPreview(t *testing.T, s *servertest.Service, token, label string) {
	t.Helper()
	requestID := regexp.MustCompile(`"requestId":"[^"]*"`)
	unknown, got := previewed(t, s, strings.Repeat("a", len(token))), previewed(t, s, token)
	require.Equal(t, http.StatusNotFound, got.StatusCode(), "%s: %s", label, got.Body)
	require.Equal(t, requestID.ReplaceAllString(string(unknown.Body), ""), requestID.ReplaceAllString(string(got.Body), ""), label)
	for _, name := range []string{"Cache-Control", "Content-Type", "X-Robots-Tag", "ETag"} {
		require.Equal(t, unknown.HTTPResponse.Header[name], got.HTTPResponse.Header[name], label)
	}
}

func TestCreatePreview(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")

	t.Run("Success", func(t *testing.T) {
		s := s.For(t)
		slug := writeDraft(t, jake, "A draft", "*words*")
		require.Equal(t, http.StatusOK, responseOf(jake.CreateArticleFavoriteWithResponse(t.Context(), slug)).StatusCode())
		p := preview(t, jake, slug)
		require.Regexp(t, `^[a-z2-7]{26}$`, p.Token)
		require.Equal(t, "/api/previews/"+p.Token, p.Url)
		require.InDelta(t, 7*24, time.Until(p.ExpiresAt).Hours(), 0.1)
		require.NotEqual(t, p.Token, preview(t, jake, slug).Token)
		require.Equal(t, 2, count(t, s, `SELECT count(*) FROM previews`))
		require.Zero(t, count(t, s, `SELECT count(*) FROM previews p WHERE strpos(p::text, $1) > 0`, p.Token), "the token is stored nowhere")
		require.Zero(t, auditCount(t, s), "what authors do to their own articles is not in the log")

		got := previewed(t, s, p.Token)
		require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
		a := got.JSON200.Article
		require.Equal(t, slug, a.Slug)
		require.Equal(t, client.StatusDraft, a.Status)
		require.Equal(t, "*words*", a.Body)
		require.Equal(t, "jake", a.Author.Username)
		require.False(t, a.Favorited, "favorites are those of the reader")
		h := got.HTTPResponse.Header
		require.Equal(t, "no-store", h.Get("Cache-Control"))
		require.Equal(t, "noindex", h.Get("X-Robots-Tag"))
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
		require.Empty(t, h.Get("ETag"))
		html := responseOf(s.Anonymous.GetPreviewWithResponse(t.Context(), p.Token, &client.GetPreviewParams{Format: ptrTo(client.FormatHTML)}))
		require.Equal(t, "<p><em>words</em></p>\n", *html.JSON200.Article.BodyHtml)

		// It shows what the article is now.
		require.Equal(t, http.StatusOK, editBody(t, jake.ClientWithResponses, slug, "other words").StatusCode())
		require.Equal(t, "other words", previewed(t, s, p.Token).JSON200.Article.Body)
	})

	t.Run("Lifetime", func(t *testing.T) {
		slug := newDraft(t, jake, "Short")
		res := responseOf(jake.CreatePreviewWithResponse(t.Context(), slug, client.NewPreviewRequest{ExpiresIn: ptrTo[int32](60)}))
		require.InDelta(t, 60, time.Until(res.JSON201.ExpiresAt).Seconds(), 30)
		for _, body := range []string{`{"expiresIn":59}`, `{"expiresIn":2592001}`, `{"expiresIn":null}`} {
			res, text := s.Do("POST", "/articles/"+slug+"/previews", body, signed(jake)...)
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, text)
		}
		got, text := s.Do("POST", "/articles/"+slug+"/previews", "", signed(jake)...)
		require.Equal(t, http.StatusCreated, got.StatusCode, text)
	})

	t.Run("EveryState", func(t *testing.T) {
		s := s.For(t)
		slug := newDraft(t, jake, "Through all states")
		token := preview(t, jake, slug).Token
		at := time.Now().Add(time.Hour)
		for _, step := range []struct {
			do   func() int
			want client.ArticleStatus
		}{
			{func() int { return responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode() }, client.StatusReview},
			{func() int {
				return publishArticle(t, jake, slug, client.PublishRequest{PublishAt: &at}).StatusCode()
			}, client.StatusScheduled},
			{func() int {
				return publishArticle(t, jake, slug, client.PublishRequest{}).StatusCode()
			}, client.StatusPublished},
			{func() int { return responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil)).StatusCode() }, client.StatusDraft},
		} {
			require.Equal(t, http.StatusOK, step.do())
			got := previewed(t, s, token)
			require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
			require.Equal(t, step.want, got.JSON200.Article.Status)
		}
	})

	t.Run("Maximum", func(t *testing.T) {
		s := s.For(t)
		slug := newDraft(t, jake, "Often shown")
		var all sync.WaitGroup
		statuses := make([]int, 60)
		for i := range statuses {
			all.Go(func() {
				res, _ := s.Do("POST", "/articles/"+slug+"/previews", "", signed(jake)...)
				statuses[i] = res.StatusCode
			})
		}
		all.Wait()
		created := 0
		for _, status := range statuses {
			if status == http.StatusCreated {
				created++
			}
		}
		require.Equal(t, 50, created)
		res := responseOf(jake.CreatePreviewWithResponse(t.Context(), slug, client.NewPreviewRequest{}))
		requireProblem(t, 422, problem.ValidationFailed, oneField("preview", "maximum of 50 reached"), res.StatusCode(), string(res.Body))
		preview(t, jake, newDraft(t, jake, "Another one"))
		change(t, s, `UPDATE previews SET expires_at = now() - interval '1 second' WHERE token_hash = (SELECT p.token_hash FROM previews p JOIN articles a ON a.id = p.article_id WHERE a.slug = $1 LIMIT 1)`, slug)
		preview(t, jake, slug)
	})
}

// TestDeletePreviews checks the ways in which a preview ends.
func TestDeletePreviews(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	mod, ed, root := withRole(s, "mod", auth.Moderator), withRole(s, "ed", auth.Editor), withRole(s, "root", auth.Admin)
	end := func(by servertest.User, slug string) {
		t.Helper()
		require.Equal(t, http.StatusNoContent, responseOf(by.DeletePreviewsWithResponse(t.Context(), slug)).StatusCode())
	}
	for label, test := range map[string]struct {
		end func(author servertest.User, slug, token string)
		// back is nil if the preview never works again.
		back func(author servertest.User, slug string)
		// others reports whether those of editors end too.
		others bool
	}{
		"Ended": {others: true, end: func(jake servertest.User, slug, _ string) { end(jake, slug); end(jake, slug) }},
		"Expired": {end: func(_ servertest.User, _, token string) {
			change(t, s, `UPDATE previews SET expires_at = now() - interval '1 second' WHERE token_hash = $1`, auth.HashLinkToken(token))
		}},
		"Deleted": {others: true, end: func(jake servertest.User, slug, _ string) {
			require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
		}},
		"AccountDeleted": {others: true, end: func(jake servertest.User, _, _ string) {
			res, body := s.Do("DELETE", "/user", fmt.Sprintf(`{"user":{"password":%q}}`, servertest.Password), signed(jake)...)
			require.Equal(t, http.StatusNoContent, res.StatusCode, body)
		}},
		"Hidden": {others: true, end: func(jake servertest.User, slug, _ string) {
			require.Equal(t, http.StatusOK, publishArticle(t, jake, slug, client.PublishRequest{}).StatusCode())
			hide(t, mod, slug, "r")
		}, back: func(_ servertest.User, slug string) { restore(t, mod, slug) }},
		"HiddenAndWithdrawn": {others: true, end: func(jake servertest.User, slug, _ string) {
			require.Equal(t, http.StatusOK, publishArticle(t, jake, slug, client.PublishRequest{}).StatusCode())
			hide(t, mod, slug, "r")
			require.Equal(t, http.StatusOK, responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil)).StatusCode())
		}},
		"CreatorSuspended": {end: func(jake servertest.User, _, _ string) {
			require.Equal(t, http.StatusOK, suspend(t, root, jake.Username, "r").StatusCode())
		}, back: func(jake servertest.User, _ string) {
			require.Equal(t, http.StatusOK, responseOf(root.ReinstateUserWithResponse(t.Context(), jake.Username)).StatusCode())
		}},
		"CreatorIsReader": {end: func(jake servertest.User, _, _ string) { s.SetRole(jake.Username, auth.Reader) },
			back: func(jake servertest.User, _ string) { s.SetRole(jake.Username, auth.Author) }},
		"Reattributed": {end: func(_ servertest.User, slug, _ string) {
			res, body := s.Do("PUT", "/articles/"+slug, `{"article":{"author":"mod"}}`, signed(ed)...)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
		}},
	} {
		t.Run(label, func(t *testing.T) {
			s := s.For(t)
			jake := s.Register("")
			slug := newDraft(t, jake, "A draft "+jake.Username)
			token, editors := preview(t, jake, slug).Token, preview(t, ed, slug).Token
			require.Equal(t, http.StatusOK, previewed(t, s, token).StatusCode())
			test.end(jake, slug, token)
			requireNoPreview(t, s, token, label)
			if test.others {
				requireNoPreview(t, s, editors, label)
			} else {
				require.Equal(t, http.StatusOK, previewed(t, s, editors).StatusCode())
			}
			if test.back != nil {
				test.back(jake, slug)
				require.Equal(t, http.StatusOK, previewed(t, s, token).StatusCode())
				require.Equal(t, http.StatusOK, previewed(t, s, editors).StatusCode())
			}
		})
	}

	t.Run("Editors", func(t *testing.T) {
		s := s.For(t)
		jake := s.Register("")
		slug := newDraft(t, jake, "Of an author")
		before := len(auditActions(t, s))
		end(ed, slug) // there is none
		token := preview(t, ed, slug).Token
		end(ed, slug)
		requireNoPreview(t, s, token, "ended by an editor")
		require.Equal(t, []string{"ed article.preview_created", "ed article.previews_deleted"}, auditActions(t, s)[before:])

		token = preview(t, ed, slug).Token
		s.SetRole("ed", auth.Author)
		requireNoPreview(t, s, token, "its creator is no editor any more")
		s.SetRole("ed", auth.Editor)
		require.Equal(t, http.StatusOK, previewed(t, s, token).StatusCode())
	})

	t.Run("Expire", func(t *testing.T) {
		s := s.For(t)
		jake := s.Register("")
		slug := newDraft(t, jake, "Expires")
		kept, token := preview(t, jake, slug).Token, preview(t, jake, slug).Token
		change(t, s, `UPDATE previews SET expires_at = now() - interval '1 second' WHERE token_hash = $1`, auth.HashLinkToken(token))
		n, err := api.ExpirePreviews(t.Context(), s.DB)
		require.NoError(t, err)
		require.Positive(t, n)
		require.Zero(t, count(t, s, `SELECT count(*) FROM previews WHERE expires_at <= now()`))
		require.Equal(t, http.StatusOK, previewed(t, s, kept).StatusCode())
	})
}

// TestGetPreview checks the links to previews.
func TestGetPreview(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithPreviewLink("https://example.com/preview#{token}"))
	jake := s.Register("jake")
	p := preview(t, jake, newDraft(t, jake, "A draft"))
	require.Equal(t, "https://example.com/preview#"+p.Token, p.Url)
	require.Equal(t, http.StatusOK, previewed(t, s, strings.ToUpper(p.Token)).StatusCode())
	for _, token := range []string{p.Token[:25], p.Token + "a", "%00", "' OR true --", "\\x00", strings.Repeat("a", 5000)} {
		requireNoPreview(t, s, token, token[:min(len(token), 30)])
	}
	// A credential has no effect, and neither has the slug.
	for _, path := range []string{"/previews/a-draft", "/previews/" + p.Token + "/x", "/articles/" + p.Token} {
		res, body := s.Do("GET", path, "", signed(jake)...)
		require.Equal(t, http.StatusNotFound, res.StatusCode, body)
	}

	below := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.BasePath = "/cms" }))
	ann := below.Register("ann")
	p = preview(t, ann, newDraft(t, ann, "A draft"))
	require.Equal(t, "/cms/api/previews/"+p.Token, p.Url)
	res, err := http.Get(below.Root + p.Url)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
}
