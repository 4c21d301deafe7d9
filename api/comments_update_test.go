package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func TestUpdateArticleComment(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, mia := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator)
	article, other := s.Publish(jake, "Here"), s.Publish(jake, "There")
	update := func(t *testing.T, u servertest.User, slug string, id int64, body string) *client.UpdateArticleCommentResponse {
		t.Helper()
		in := client.UpdateCommentRequest{Comment: client.UpdateComment{Body: body}}
		return responseOf(u.UpdateArticleCommentWithResponse(t.Context(), slug, id, in))
	}

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Edited")
		c := commentOn(t, anna, a.Slug, "Frist!")
		require.Equal(t, c.CreatedAt, c.UpdatedAt)
		res := update(t, anna, a.Slug, c.Id, "First!")
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		changed := res.JSON200.Comment
		require.Equal(t, "First!", changed.Body)
		require.Equal(t, c.CreatedAt, changed.CreatedAt)
		require.Greater(t, changed.UpdatedAt, c.UpdatedAt)
		require.Equal(t, []client.Comment{changed}, commentsSeen(t, s.Anonymous, a.Slug))
		again := update(t, anna, a.Slug, c.Id, "First!")
		require.JSONEq(t, string(res.Body), string(again.Body), "the same text changes nothing")
		requireCounters(t, s)
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		c, elsewhere := commentOn(t, anna, article.Slug, "x"), commentOn(t, anna, other.Slug, "x")
		path := func(slug string, id any) string { return fmt.Sprintf("/articles/%s/comments/%v", slug, id) }
		const valid = `{"comment":{"body":"y"}}`
		for name, test := range map[string]struct {
			path, body string
			header     []string
			status     int
			fields     client.FieldErrors
		}{
			"NoToken":          {path("here", c.Id), valid, nil, 401, allWrong("is missing", "token")},
			"NoArticle":        {path("no-such", c.Id), `{}`, signed(anna), 404, allWrong("not found", "article")},
			"NoComment":        {path("here", 999999), valid, signed(anna), 404, allWrong("not found", "comment")},
			"OfAnotherArticle": {path("here", elsewhere.Id), valid, signed(anna), 404, allWrong("not found", "comment")},
			"Foreign":          {path("here", c.Id), `{}`, signed(jake), 403, allWrong("forbidden", "comment")},
			"OfAModerator":     {path("here", c.Id), valid, signed(mia), 403, allWrong("forbidden", "comment")},
			"NotANumber":       {path("here", "x"), valid, signed(anna), 422, allWrong("must be an integer", "id")},
			"Empty":            {path("here", c.Id), `{"comment":{}}`, signed(anna), 422, allWrong(cantBeBlank, "body")},
			"Blank":            {path("here", c.Id), `{"comment":{"body":" \n"}}`, signed(anna), 422, allWrong(cantBeBlank, "body")},
			"Null":             {path("here", c.Id), `{"comment":{"body":null}}`, signed(anna), 422, allWrong(cantBeBlank, "body")},
			"Long": {path("here", c.Id), `{"comment":{"body":"` + strings.Repeat("x", 16385) + `"}}`, signed(anna), 422,
				allWrong("is too long (maximum is 16384 characters)", "body")},
		} {
			res, body := s.Do("PUT", test.path, test.body, test.header...)
			requireRefusal(t, test.status, test.fields, res, body)
			require.Contains(t, []string{"x"}, commentsSeen(t, s.Anonymous, "here")[0].Body, name)
		}
		// A front end may send back what it got.
		res, body := s.Do("PUT", path("there", elsewhere.Id), `{"comment":{"id":1,"parentId":7,"body":"z","author":{"username":"jake"}}}`, signed(anna)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Contains(t, body, `"parentId":null`)
		require.Contains(t, body, `"username":"anna"`)
	})

	// Editing does not show again what a moderator has hidden.
	t.Run("Hidden", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Moderated")
		c := commentOn(t, anna, a.Slug, "Buy this")
		responseOf(mia.HideCommentWithResponse(t.Context(), a.Slug, c.Id, client.HideRequest{Reason: "Advertising"}))
		res := update(t, anna, a.Slug, c.Id, "Harmless")
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, "Advertising", res.JSON200.Comment.Hidden.Reason)
		require.Empty(t, commentsSeen(t, s.Anonymous, a.Slug))
		require.Equal(t, http.StatusNotFound, update(t, jake, a.Slug, c.Id, "x").StatusCode())
	})
}

func TestUpdateArticleCommentStorage(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithAccountStorage(1000))
	jake, anna := s.Register("jake"), s.Register("anna")
	slug := publishSized(t, jake, "Topic", 50).Slug
	c := commentOn(t, anna, slug, strings.Repeat("x", 600))
	change := func(n int) *client.UpdateArticleCommentResponse {
		in := client.UpdateCommentRequest{Comment: client.UpdateComment{Body: strings.Repeat("y", n)}}
		return responseOf(anna.UpdateArticleCommentWithResponse(t.Context(), slug, c.Id, in))
	}
	require.Equal(t, http.StatusOK, change(1000).StatusCode())
	res := change(1001)
	requireFull(t, res.StatusCode(), res.Body)
	require.Equal(t, http.StatusOK, change(500).StatusCode())
	requireRoom(t, anna, 500)
}
