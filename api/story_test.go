package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestStory uses the service as a front end does.
func TestStory(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna, jake := s.Register("anna"), s.Register("jake")
	article := s.Publish(jake, "How to train your dragon", "dragons", "training", "dragons")
	require.Equal(t, "how-to-train-your-dragon", article.Slug)
	require.Equal(t, []string{"dragons", "training"}, article.TagList)

	follow, err := anna.FollowUserByUsernameWithResponse(t.Context(), "jake")
	require.NoError(t, err)
	require.True(t, follow.JSON200.Profile.Following)

	feed, err := anna.GetArticlesFeedWithResponse(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, feed.StatusCode(), string(feed.Body))
	require.EqualValues(t, 1, feed.JSON200.ArticlesCount)
	require.Equal(t, article.Slug, feed.JSON200.Articles[0].Slug)

	favorite, err := anna.CreateArticleFavoriteWithResponse(t.Context(), article.Slug)
	require.NoError(t, err)
	require.True(t, favorite.JSON200.Article.Favorited)
	require.EqualValues(t, 1, favorite.JSON200.Article.FavoritesCount)

	comment, err := anna.CreateArticleCommentWithResponse(t.Context(), article.Slug, nil,
		client.CreateArticleCommentJSONRequestBody{Comment: client.NewComment{Body: "It takes a Jacobian"}})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, comment.StatusCode(), string(comment.Body))
	comments, err := s.Anonymous.GetArticleCommentsWithResponse(t.Context(), article.Slug, nil)
	require.NoError(t, err)
	require.Len(t, comments.JSON200.Comments, 1)
	gone, err := anna.DeleteArticleCommentWithResponse(t.Context(), article.Slug, comment.JSON201.Comment.Id)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, gone.StatusCode())

	title := "Did you train your dragon?"
	update, err := jake.UpdateArticleWithResponse(t.Context(), article.Slug, nil,
		client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: &title}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, update.StatusCode(), string(update.Body))
	require.Equal(t, "did-you-train-your-dragon", update.JSON200.Article.Slug)
	old, err := s.Anonymous.GetArticleWithResponse(t.Context(), article.Slug, nil)
	require.NoError(t, err)
	require.Equal(t, "did-you-train-your-dragon", old.JSON200.Article.Slug)

	tags, err := s.Anonymous.GetTagsWithResponse(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"dragons", "training"}, tags.JSON200.Tags)

	forbidden, err := anna.DeleteArticleWithResponse(t.Context(), article.Slug, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, forbidden.StatusCode())
	deleted, err := jake.DeleteArticleWithResponse(t.Context(), article.Slug, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, deleted.StatusCode())
	tags, err = s.Anonymous.GetTagsWithResponse(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, tags.JSON200.Tags)
}
