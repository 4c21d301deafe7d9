package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// withRole registers a user with a role.
func withRole(s *servertest.Service, name string, role auth.Role) servertest.User {
	u := s.Register(name)
	s.SetRole(u.Username, role)
	return u
}

func hide(t *testing.T, by servertest.User, slug, reason string) {
	t.Helper()
	res := responseOf(by.HideArticleWithResponse(t.Context(), slug, client.HideRequest{Reason: reason}))
	require.Equal(t, http.StatusNoContent, res.StatusCode(), string(res.Body))
}

func restore(t *testing.T, by servertest.User, slug string) {
	t.Helper()
	res := responseOf(by.RestoreArticleWithResponse(t.Context(), slug))
	require.Equal(t, http.StatusNoContent, res.StatusCode(), string(res.Body))
}

func auditCount(t *testing.T, s *servertest.Service) int {
	return count(t, s, `SELECT count(*) FROM audit_log`)
}

func TestHideArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, mia := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator)
	article := s.Publish(jake, "Advertising", "x", "y")
	other := s.Publish(jake, "Fine", "x")
	for _, u := range []servertest.User{anna, jake} {
		responseOf(u.CreateArticleFavoriteWithResponse(t.Context(), article.Slug))
		responseOf(u.CreateArticleFavoriteWithResponse(t.Context(), other.Slug))
	}
	own := commentOn(t, anna, article.Slug, "Hm.")
	responseOf(anna.FollowUserByUsernameWithResponse(t.Context(), "jake"))

	// What each kind of caller sees of both articles, before and after.
	reads := []string{
		"/articles", "/articles?tag=x", "/articles?tag=y", "/articles?author=jake", "/articles?favorited=anna", "/articles?favorited=anna&tag=x",
		"/articles?favorited=anna&author=jake&tag=x", "/articles/feed", "/articles/feed?limit=1", "/tags", "/articles/advertising", "/articles/advertising/comments",
	}
	snapshot := func() (responses []string) {
		for _, path := range reads {
			for _, header := range [][]string{nil, signed(anna)} {
				if res, body := s.Do("GET", path, "", header...); res.StatusCode == http.StatusOK {
					responses = append(responses, path+" "+body)
				}
			}
		}
		return responses
	}
	before := snapshot()
	hide(t, mia, article.Slug, "Advertising")
	requireCounters(t, s)

	t.Run("Lists", func(t *testing.T) {
		s := s.For(t)
		for _, path := range reads[:9] {
			res, body := s.Do("GET", path, "", signed(anna)...)
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.NotContains(t, body, `"advertising"`, path)
			if strings.Contains(path, "tag=y") {
				require.Contains(t, body, `"articlesCount":0`, path)
			} else {
				require.Contains(t, body, `"articlesCount":1`, path)
				require.Contains(t, body, `"fine"`, path)
			}
		}
		_, tags := s.Do("GET", "/tags", "")
		require.JSONEq(t, `{"tags":["x"]}`, tags)
	})
	t.Run("Strangers", func(t *testing.T) {
		s := s.For(t)
		for _, header := range [][]string{nil, signed(anna)} {
			for method, paths := range map[string][]string{
				"GET": {"/articles/advertising", "/articles/advertising/comments", "/articles/advertising/comments?cursor=x", "/articles/advertising/comments?limit=0"},
				"PUT": {"/articles/advertising"}, "POST": {"/articles/advertising/comments", "/articles/advertising/favorite"},
				"DELETE": {"/articles/advertising", "/articles/advertising/favorite", fmt.Sprintf("/articles/advertising/comments/%d", own.Id)},
			} {
				if header == nil && method != "GET" {
					continue
				}
				for _, path := range paths {
					for _, body := range []string{`{"article":{"body":"x"},"comment":{"body":"x"}}`, `{}`} {
						if method == "GET" || method == "DELETE" {
							body = ""
						}
						res, text := s.Do(method, path, body, header...)
						require.Equal(t, http.StatusNotFound, res.StatusCode, "%s %s: %s", method, path, text)
						require.Contains(t, text, `"article":["not found"]`)
					}
				}
			}
			_, batch := s.Do("POST", "/batch/articles", `{"slugs":["advertising","fine"]}`, header...)
			require.Contains(t, batch, `"missing":["advertising"]`)
		}
		// An API key of a moderator or of the author without the scope does not
		// reveal it.
		for _, scope := range []client.Scope{client.Read, client.Write} {
			res, _ := s.Do("GET", "/articles/advertising", "", "Authorization", "Token "+newKey(t, mia, scope).Key)
			require.Equal(t, http.StatusNotFound, res.StatusCode)
		}
	})
	t.Run("AuthorAndModerators", func(t *testing.T) {
		s := s.For(t)
		for name, token := range map[string]string{"jake": jake.Token, "mia": mia.Token, "a key of mia's": newKey(t, mia, client.Admin).Key} {
			c := s.As(token)
			got := responseOf(c.GetArticleWithResponse(t.Context(), article.Slug, nil))
			require.Equal(t, http.StatusOK, got.StatusCode(), name)
			require.NotNil(t, got.JSON200.Article.Hidden, name)
			require.Equal(t, "Advertising", got.JSON200.Article.Hidden.Reason)
			require.EqualValues(t, 2, got.JSON200.Article.FavoritesCount)
			require.Equal(t, name == "jake", got.JSON200.Article.Favorited)
			batch := responseOf(c.BatchGetArticlesWithResponse(t.Context(), nil, client.BatchGetArticlesJSONRequestBody{Slugs: []string{"fine", "advertising"}}))
			require.Len(t, batch.JSON200.Articles, 2)
			require.Nil(t, batch.JSON200.Articles[0].Hidden)
			require.NotNil(t, batch.JSON200.Articles[1].Hidden)
			comments := responseOf(c.GetArticleCommentsWithResponse(t.Context(), article.Slug, nil))
			require.Equal(t, []int64{own.Id}, commentIDs(comments.JSON200.Comments))
		}
		res := responseOf(mia.UpdateArticleWithResponse(t.Context(), article.Slug, nil, client.UpdateArticleJSONRequestBody{}))
		require.Equal(t, http.StatusForbidden, res.StatusCode(), "moderators do not write for others")
		unfavorited := responseOf(jake.DeleteArticleFavoriteWithResponse(t.Context(), article.Slug))
		require.EqualValues(t, 1, unfavorited.JSON200.Article.FavoritesCount)
		favorited := responseOf(jake.CreateArticleFavoriteWithResponse(t.Context(), article.Slug))
		require.EqualValues(t, 2, favorited.JSON200.Article.FavoritesCount)
		requireCounters(t, s)
	})
	t.Run("Listed", func(t *testing.T) {
		s := s.For(t)
		list := responseOf(s.As(mia.Token).GetHiddenWithResponse(t.Context(), nil)).JSON200
		require.Len(t, list.Hidden, 1)
		h := list.Hidden[0]
		require.Equal(t, "article advertising Advertising jake mia", strings.Join([]string{string(h.Kind), h.Slug, h.Reason, h.Author, h.HiddenBy.MustGet()}, " "))
		require.True(t, h.CommentId.IsNull())
	})
	t.Run("Restored", func(t *testing.T) {
		s := s.For(t)
		restore(t, mia, article.Slug)
		require.Equal(t, before, snapshot(), "everything is as it was")
		requireCounters(t, s)
		require.Empty(t, responseOf(s.As(mia.Token).GetHiddenWithResponse(t.Context(), nil)).JSON200.Hidden)
	})
}

// TestHideArticleIdempotent checks that repeated requests change nothing, and
// that the audit log has only requests that changed something.
func TestHideArticleIdempotent(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, mia := s.Register("jake"), withRole(s, "mia", auth.Moderator)
	article := s.Publish(jake, "Advertising")
	for _, step := range []struct {
		do      func()
		entries int
	}{
		{func() { restore(t, mia, article.Slug) }, 0},
		{func() { hide(t, mia, article.Slug, "Advertising") }, 1},
		{func() { hide(t, mia, article.Slug, "Advertising") }, 1},
		{func() { hide(t, mia, article.Slug, "Fraud") }, 2},
		{func() { restore(t, mia, article.Slug) }, 3},
		{func() { restore(t, mia, article.Slug) }, 3},
	} {
		step.do()
		require.Equal(t, step.entries, auditCount(t, s))
		requireCounters(t, s)
	}
}

func TestHideComment(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, mia := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator)
	slug := s.Publish(jake, "Discussed").Slug
	elsewhere := s.Publish(jake, "Elsewhere").Slug
	kept, hidden := commentOn(t, jake, slug, "Kept"), commentOn(t, anna, slug, "Buy this")
	seen := func(c *client.ClientWithResponses) []client.Comment {
		return responseOf(c.GetArticleCommentsWithResponse(t.Context(), slug, nil)).JSON200.Comments
	}
	require.Len(t, seen(s.Anonymous), 2)
	wrong := responseOf(mia.HideCommentWithResponse(t.Context(), elsewhere, hidden.Id, client.HideRequest{Reason: "r"}))
	require.Equal(t, http.StatusNotFound, wrong.StatusCode(), "it belongs to another article")
	res := responseOf(mia.HideCommentWithResponse(t.Context(), slug, hidden.Id, client.HideRequest{Reason: "Advertising"}))
	require.Equal(t, http.StatusNoContent, res.StatusCode(), string(res.Body))

	for _, c := range []*client.ClientWithResponses{s.Anonymous, jake.ClientWithResponses} {
		require.Equal(t, []int64{kept.Id}, commentIDs(seen(c)))
	}
	for _, c := range []*client.ClientWithResponses{anna.ClientWithResponses, mia.ClientWithResponses} {
		comments := seen(c)
		require.Equal(t, []int64{kept.Id, hidden.Id}, commentIDs(comments))
		require.Nil(t, comments[0].Hidden)
		require.Equal(t, "Advertising", comments[1].Hidden.Reason)
	}
	require.Equal(t, http.StatusNotFound, responseOf(jake.DeleteArticleCommentWithResponse(t.Context(), slug, hidden.Id)).StatusCode())
	require.Equal(t, http.StatusForbidden, responseOf(mia.DeleteArticleCommentWithResponse(t.Context(), slug, hidden.Id)).StatusCode())

	list := responseOf(mia.GetHiddenWithResponse(t.Context(), nil)).JSON200.Hidden
	require.Len(t, list, 1)
	require.Equal(t, hidden.Id, list[0].CommentId.MustGet())
	require.Equal(t, slug, list[0].Slug)

	for range 2 {
		require.Equal(t, http.StatusNoContent, responseOf(mia.RestoreCommentWithResponse(t.Context(), slug, hidden.Id)).StatusCode())
	}
	require.Len(t, seen(s.Anonymous), 2)
	require.Equal(t, 2, auditCount(t, s))
	responseOf(mia.HideCommentWithResponse(t.Context(), slug, hidden.Id, client.HideRequest{Reason: "Again"}))
	require.Equal(t, http.StatusNoContent, responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), slug, hidden.Id)).StatusCode())
	require.Empty(t, responseOf(mia.GetHiddenWithResponse(t.Context(), nil)).JSON200.Hidden)
}

func TestGetHiddenPages(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, mia := s.Register("jake"), withRole(s, "mia", auth.Moderator)
	for i := range 5 {
		hide(t, mia, s.Publish(jake, fmt.Sprintf("A %d", i)).Slug, "r")
	}
	var slugs []string
	var cursor *string
	for range 3 {
		res := responseOf(mia.GetHiddenWithResponse(t.Context(), &client.GetHiddenParams{Limit: ptrTo[int32](2), Cursor: cursor}))
		for _, h := range res.JSON200.Hidden {
			slugs = append(slugs, h.Slug)
		}
		next, err := res.JSON200.NextCursor.Get()
		require.Equal(t, err == nil, strings.Contains(res.HTTPResponse.Header.Get("Link"), `rel="next"`))
		cursor = &next
	}
	require.Equal(t, []string{"a-4", "a-3", "a-2", "a-1", "a-0"}, slugs)
	s.Statements.Reset()
	responseOf(mia.GetHiddenWithResponse(t.Context(), nil))
	n, statements := s.Statements.Reset()
	require.EqualValues(t, 1, n, statements)
}

// TestHidingRaces hides and restores articles while others favorite, comment
// on, edit and delete them, and checks every counter and mark at the end.
func TestHidingRaces(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	users := make([]servertest.User, 4)
	for i := range users {
		users[i] = s.Register("")
	}
	moderators := []servertest.User{withRole(s, "mia", auth.Moderator), withRole(s, "max", auth.Moderator)}
	slugs := make([]string, 3)
	for i := range slugs {
		slugs[i] = s.Publish(users[i], fmt.Sprintf("Article %d", i), "x", fmt.Sprintf("t%d", i)).Slug
	}
	var wg sync.WaitGroup
	work := func(seed uint64, do func(rng *rand.Rand, slug string) (*http.Response, string)) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 7))
			for range 40 {
				if res, body := do(rng, slugs[rng.IntN(len(slugs))]); res.StatusCode >= 500 {
					t.Errorf("%s: %d %s", res.Request.URL, res.StatusCode, body)
				}
			}
		})
	}
	for i, m := range moderators {
		work(uint64(i), func(rng *rand.Rand, slug string) (*http.Response, string) {
			if rng.IntN(2) == 0 {
				return s.Do("DELETE", "/articles/"+slug+"/hidden", "", signed(m)...)
			}
			return s.Do("PUT", "/articles/"+slug+"/hidden", `{"reason":"r"}`, signed(m)...)
		})
	}
	for i, u := range users {
		work(uint64(10+i), func(rng *rand.Rand, slug string) (*http.Response, string) {
			switch rng.IntN(4) {
			case 0:
				return s.Do("DELETE", "/articles/"+slug+"/favorite", "", signed(u)...)
			case 1:
				return s.Do("PUT", "/articles/"+slug, fmt.Sprintf(`{"article":{"tagList":["x","t%d"]}}`, rng.IntN(5)), signed(u)...)
			default:
				return s.Do("POST", "/articles/"+slug+"/favorite", "", signed(u)...)
			}
		})
	}
	wg.Wait()
	requireCounters(t, s)
	hide(t, moderators[0], slugs[0], "last")
	require.Equal(t, http.StatusNoContent, responseOf(users[0].DeleteArticleWithResponse(t.Context(), slugs[0], nil)).StatusCode(), "its author deletes it all the same")
	for _, slug := range slugs[1:] {
		restore(t, moderators[0], slug)
	}
	requireCounters(t, s)
	require.Zero(t, count(t, s, `SELECT count(*) FROM hidden_items`)+count(t, s, `SELECT count(*) FROM hidden_favorites`))
}
