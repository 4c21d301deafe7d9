package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func requireClosed(t *testing.T, res *client.CreateArticleCommentResponse, message string) {
	t.Helper()
	requireProblem(t, 403, problem.CommentsClosed, oneField("comment", message), res.StatusCode(), string(res.Body))
}

func TestCommentsOpen(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, mia := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Editor)
	const closed = "cannot be added: the article takes no new comments"

	t.Run("Create", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		in := newArticle("Closed from the start")
		in.Article.CommentsOpen = ptrTo(false)
		res := responseOf(jake.CreateArticleWithResponse(t.Context(), &client.CreateArticleParams{IdempotencyKey: ptrTo("k")}, in))
		require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
		require.False(t, res.JSON201.Article.CommentsOpen)
		again := responseOf(jake.CreateArticleWithResponse(t.Context(), &client.CreateArticleParams{IdempotencyKey: ptrTo("k")}, in))
		require.False(t, again.JSON201.Article.CommentsOpen)
		slug := res.JSON201.Article.Slug
		require.False(t, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), slug, nil)).JSON200.Article.CommentsOpen)
		for _, u := range []servertest.User{anna, jake, mia} {
			requireClosed(t, responseOf(u.CreateArticleCommentWithResponse(t.Context(), slug, nil, newComment("x"))), closed)
		}
		res2, body := s.Do("POST", "/articles/"+slug+"/comments", `{"comment":{"body":"x","parentId":999999}}`, signed(anna)...)
		require.Equal(t, http.StatusForbidden, res2.StatusCode, body)
	})

	t.Run("Update", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Open at first")
		require.True(t, a.CommentsOpen)
		c := commentOn(t, anna, a.Slug, "x")
		get := func() (*client.GetArticleResponse, string) {
			res := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil))
			return res, res.HTTPResponse.Header.Get("ETag")
		}
		_, before := get()
		res := revise(t, jake, a.Slug, client.UpdateArticle{CommentsOpen: ptrTo(false)})
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.False(t, res.JSON200.Article.CommentsOpen)
		shown, after := get()
		require.False(t, shown.JSON200.Article.CommentsOpen)
		require.NotEqual(t, before, after)
		batch := responseOf(s.Anonymous.BatchGetArticlesWithResponse(t.Context(), nil, client.ArticleBatchRequest{Slugs: []string{a.Slug}}))
		require.False(t, batch.JSON200.Articles[0].CommentsOpen)
		requireClosed(t, responseOf(anna.CreateArticleCommentWithResponse(t.Context(), a.Slug, nil, newComment("y"))), closed)
		require.Equal(t, []int64{c.Id}, commentIDs(commentsSeen(t, s.Anonymous, a.Slug)), "existing comments stay")

		// A patch without it changes nothing of it.
		require.False(t, revise(t, jake, a.Slug, client.UpdateArticle{Body: ptrTo("z")}).JSON200.Article.CommentsOpen)
		require.True(t, revise(t, mia, a.Slug, client.UpdateArticle{CommentsOpen: ptrTo(true)}).JSON200.Article.CommentsOpen)
		commentOn(t, anna, a.Slug, "y")
		require.Equal(t, http.StatusForbidden, revise(t, anna, a.Slug, client.UpdateArticle{CommentsOpen: ptrTo(false)}).StatusCode())
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM audit_log WHERE action = 'article.updated'`), "the editor's change")
		for _, value := range []string{"null", `"no"`, "0"} {
			res, body := s.Do("PUT", "/articles/"+a.Slug, `{"article":{"commentsOpen":`+value+`}}`, signed(jake)...)
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, body)
			require.Contains(t, body, "commentsOpen")
		}
	})
}

func TestCommentsOff(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	open := servertest.New(t, servertest.WithDatabase(url))
	jake := open.Register("jake")
	slug := open.Publish(jake, "Quiet").Slug
	c := commentOn(t, jake, slug, "x")
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithPublishing(publish.Rules{Comments: publish.NoComments}))
	off := s.As(jake.Token)
	const message = "cannot be added: this service takes no new comments"
	requireClosed(t, responseOf(off.CreateArticleCommentWithResponse(t.Context(), slug, nil, newComment("y"))), message)
	require.Equal(t, http.StatusNotFound, responseOf(off.CreateArticleCommentWithResponse(t.Context(), "no-such", nil, newComment("y"))).StatusCode())
	require.Equal(t, []int64{c.Id}, commentIDs(commentsSeen(t, s.Anonymous, slug)))
	require.Equal(t, http.StatusNoContent, responseOf(off.DeleteArticleCommentWithResponse(t.Context(), slug, c.Id)).StatusCode())
}
