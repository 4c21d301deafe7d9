package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// favorite calls one of the two operations and returns the article.
func favorite(t *testing.T, s *servertest.Service, method, token, slug string) client.Article {
	t.Helper()
	res, body := s.Do(method, "/articles/"+slug+"/favorite", "", "Authorization", "Token "+token)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	var a client.ArticleResponse
	require.NoError(t, json.Unmarshal([]byte(body), &a), body)
	return a.Article
}

// requireFavorites compares every counter with the rows that it counts.
func requireFavorites(t *testing.T, s *servertest.Service, slug string, want int) {
	t.Helper()
	require.Equal(t, want, count(t, s, `SELECT favorites_count FROM articles WHERE slug = $1`, slug))
	require.Equal(t, want, count(t, s, `SELECT count(*) FROM favorites f JOIN articles a ON a.id = f.article_id WHERE a.slug = $1`, slug))
	require.Zero(t, count(t, s, `SELECT count(*) FROM users u WHERE u.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.user_id = u.id)`))
}

func TestCreateArticleFavorite(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna, jake := s.Register("anna"), s.Register("jake")

	t.Run("Success", func(t *testing.T) {
		s := s.For(t)
		a := s.Publish(jake, "Favorite", "dragons")
		for _, step := range []struct {
			method, token string
			favorited     bool
			count         int64
		}{
			{http.MethodDelete, anna.Token, false, 0},
			{http.MethodPost, anna.Token, true, 1},
			{http.MethodPost, anna.Token, true, 1},
			{http.MethodPost, jake.Token, true, 2},
			{http.MethodDelete, anna.Token, false, 1},
			{http.MethodDelete, anna.Token, false, 1},
			{http.MethodPost, anna.Token, true, 2},
			{http.MethodDelete, jake.Token, false, 1},
		} {
			got := favorite(t, s, step.method, step.token, a.Slug)
			require.Equal(t, step.favorited, got.Favorited)
			require.Equal(t, step.count, got.FavoritesCount)
			require.Equal(t, a.Body, got.Body)
			require.Equal(t, a.TagList, got.TagList)
			require.Equal(t, "jake", got.Author.Username)
			require.Equal(t, a.UpdatedAt, got.UpdatedAt, "a favorite is not an edit")
			requireFavorites(t, s, a.Slug, int(step.count))
		}
		for label, test := range map[string]struct {
			caller    *client.ClientWithResponses
			favorited bool
		}{"Anonymous": {s.Anonymous, false}, "Anna": {anna.ClientWithResponses, true}, "Jake": {jake.ClientWithResponses, false}} {
			one, err := test.caller.GetArticleWithResponse(t.Context(), a.Slug, nil)
			require.NoError(t, err)
			require.Equal(t, test.favorited, one.JSON200.Article.Favorited, label)
			require.EqualValues(t, 1, one.JSON200.Article.FavoritesCount)
			list, err := test.caller.GetArticlesWithResponse(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, test.favorited, list.JSON200.Articles[0].Favorited, label)
			require.EqualValues(t, 1, list.JSON200.Articles[0].FavoritesCount)
		}
	})

	t.Run("OldSlug", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "A first title")
		title := "A second title"
		_, err := jake.UpdateArticleWithResponse(t.Context(), a.Slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: &title}})
		require.NoError(t, err)
		got := favorite(t, s, http.MethodPost, anna.Token, a.Slug)
		require.Equal(t, "a-second-title", got.Slug)
		require.True(t, got.Favorited)
		require.Zero(t, favorite(t, s, http.MethodDelete, anna.Token, a.Slug).FavoritesCount)
	})

	t.Run("Unauthorized", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Not for strangers")
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			for _, slug := range []string{a.Slug, "no-such-article"} {
				res, body := s.Do(method, "/articles/"+slug+"/favorite", "")
				requireProblem(t, http.StatusUnauthorized, problem.TokenMissing, oneField("token", "is missing"), res.StatusCode, body)
			}
		}
	})

	t.Run("NotFound", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			for _, slug := range []string{"no-such-article", "feed", "%25", "Favorite"} {
				res, body := s.Do(method, "/articles/"+slug+"/favorite", "", "Authorization", "Token "+anna.Token)
				requireProblem(t, http.StatusNotFound, problem.NotFoundCode, oneField("article", "not found"), res.StatusCode, body)
			}
		}
	})

	t.Run("DeletedViewer", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Outlives its readers")
		gone := s.Register("gone")
		require.EqualValues(t, 1, favorite(t, s, http.MethodPost, gone.Token, a.Slug).FavoritesCount)
		change(t, s, `DELETE FROM users WHERE username = 'gone'`)
		require.Equal(t, 0, count(t, s, `SELECT favorites_count FROM articles WHERE slug = $1`, a.Slug))
		res, err := gone.CreateArticleFavoriteWithResponse(t.Context(), a.Slug)
		require.NoError(t, err)
		requireProblem(t, http.StatusUnauthorized, problem.TokenInvalid, oneField("token", "is invalid"), res.StatusCode(), string(res.Body))
	})
}

func TestCreateArticleFavoriteRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const n = 50
	users := make([]servertest.User, n)
	for i := range users {
		users[i] = s.Register("")
	}
	call := func(u servertest.User, on bool, slug string) (int, error) {
		if on {
			res, err := u.CreateArticleFavoriteWithResponse(t.Context(), slug)
			if err != nil {
				return 0, err
			}
			return res.StatusCode(), nil
		}
		res, err := u.DeleteArticleFavoriteWithResponse(t.Context(), slug)
		if err != nil {
			return 0, err
		}
		return res.StatusCode(), nil
	}
	all := map[int]int{http.StatusOK: n}

	t.Run("ManyUsers", func(t *testing.T) {
		s := s.For(t)
		a := s.Publish(users[0], "Loved by all")
		require.Equal(t, all, atOnce(t, n, func(i int) (int, error) { return call(users[i], true, a.Slug) }))
		requireFavorites(t, s, a.Slug, n)
		require.Equal(t, all, atOnce(t, n, func(i int) (int, error) { return call(users[i], i%2 == 0, a.Slug) }))
		requireFavorites(t, s, a.Slug, n/2)
	})

	t.Run("OneUser", func(t *testing.T) {
		s := s.For(t)
		a := s.Publish(users[0], "Loved by one")
		require.Equal(t, all, atOnce(t, n, func(int) (int, error) { return call(users[1], true, a.Slug) }))
		requireFavorites(t, s, a.Slug, 1)
		require.Equal(t, all, atOnce(t, n, func(i int) (int, error) { return call(users[1], i%2 == 0, a.Slug) }))
		got, err := users[1].GetArticleWithResponse(t.Context(), a.Slug, nil)
		require.NoError(t, err)
		requireFavorites(t, s, a.Slug, int(got.JSON200.Article.FavoritesCount))
		require.Equal(t, got.JSON200.Article.Favorited, got.JSON200.Article.FavoritesCount == 1)
	})

	// Readers and the author lock the same rows in different orders.
	t.Run("WhileDeleted", func(t *testing.T) {
		s := s.For(t)
		a := s.Publish(users[0], "Gone in a moment")
		got := atOnce(t, n, func(i int) (int, error) {
			if i == n/2 {
				res, err := users[0].DeleteArticleWithResponse(t.Context(), a.Slug, nil)
				if err != nil {
					return 0, err
				}
				if res.StatusCode() != http.StatusNoContent {
					return res.StatusCode(), nil
				}
				return http.StatusOK, nil
			}
			return call(users[i], true, a.Slug)
		})
		require.Equal(t, n, got[http.StatusOK]+got[http.StatusNotFound], got)
		require.Zero(t, count(t, s, `SELECT count(*) FROM users u WHERE u.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.user_id = u.id)`))
	})
}
