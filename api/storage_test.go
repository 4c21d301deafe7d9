package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// sized returns an article whose text has some bytes.
func sized(title string, bytes int) client.CreateArticleJSONRequestBody {
	a := newArticle(title)
	a.Article.Body = strings.Repeat("b", bytes-len(title)-len(a.Article.Description))
	return a
}

func publishSized(t *testing.T, u servertest.User, title string, bytes int) client.Article {
	t.Helper()
	res := responseOf(u.CreateArticleWithResponse(t.Context(), nil, sized(title, bytes)))
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return res.JSON201.Article
}

// requireFull checks that a request was refused because the account would store
// more than 1,000 bytes.
func requireFull(t *testing.T, status int, body []byte) {
	t.Helper()
	requireProblem(t, 422, problem.ValidationFailed, oneField("storage", "maximum of 1000 bytes reached"), status, string(body))
}

// requireRoom checks that an account has room for some more bytes, and not for
// another one.
func requireRoom(t *testing.T, u servertest.User, bytes int) {
	t.Helper()
	res := responseOf(u.CreateArticleWithResponse(t.Context(), nil, sized("Room", bytes+1)))
	requireFull(t, res.StatusCode(), res.Body)
	a := publishSized(t, u, "Room", bytes)
	require.Equal(t, http.StatusNoContent, responseOf(u.DeleteArticleWithResponse(t.Context(), a.Slug, nil)).StatusCode())
}

func revise(t *testing.T, u servertest.User, slug string, patch client.UpdateArticle) *client.UpdateArticleResponse {
	t.Helper()
	return responseOf(u.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{Article: patch}))
}

func TestStorageQuota(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithAccountStorage(1000))
	other := s.Register("other")
	topic := publishSized(t, other, "Topic", 50)

	t.Run("Article", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("")
		a := sized("Counted", len("Counted")+1+90)
		a.Article.Description, a.Article.TagList = "é€", &[]string{"tag", "tâg"}
		want := len("Counted") + 5 + 90 + 3 + 4
		require.Equal(t, http.StatusCreated, responseOf(u.CreateArticleWithResponse(t.Context(), nil, a)).StatusCode())
		requireRoom(t, u, 1000-want)
		list := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Author: &u.Username})).JSON200
		require.EqualValues(t, 1, list.ArticlesCount, "what was refused is not there")
		publishSized(t, other, "Of another", 100)
	})

	t.Run("Idempotent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("")
		first := publishSized(t, u, "First of two", 600)
		key := &client.CreateArticleParams{IdempotencyKey: ptrTo("second")}
		res := responseOf(u.CreateArticleWithResponse(t.Context(), key, sized("Second of two", 401)))
		requireFull(t, res.StatusCode(), res.Body)
		require.Equal(t, http.StatusNoContent, responseOf(u.DeleteArticleWithResponse(t.Context(), first.Slug, nil)).StatusCode())
		for range 2 {
			res = responseOf(u.CreateArticleWithResponse(t.Context(), key, sized("Second of two", 401)))
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
		}
		requireRoom(t, u, 599)
	})

	t.Run("Update", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("")
		a := publishSized(t, u, "Grows", 600)
		for _, patch := range []client.UpdateArticle{
			{Body: ptrTo(strings.Repeat("b", 600+401))}, {Description: ptrTo(strings.Repeat("d", 402))},
			{Title: ptrTo("Another title"), Body: ptrTo(strings.Repeat("b", 1000))},
		} {
			res := revise(t, u, a.Slug, patch)
			requireFull(t, res.StatusCode(), res.Body)
		}
		tags := make([]string, 0, 10)
		for i := range 10 {
			tags = append(tags, strings.Repeat(string(rune('a'+i)), 41))
		}
		res := revise(t, u, a.Slug, client.UpdateArticle{TagList: &tags})
		requireFull(t, res.StatusCode(), res.Body)
		now := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article
		require.Equal(t, a, now, "what was refused has changed nothing")
		require.Equal(t, http.StatusNotFound, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), "another-title", nil)).StatusCode())

		tags = tags[:9]
		require.Equal(t, http.StatusOK, revise(t, u, a.Slug, client.UpdateArticle{TagList: &tags}).StatusCode())
		requireRoom(t, u, 1000-600-9*41)
		require.Equal(t, http.StatusOK, revise(t, u, a.Slug, client.UpdateArticle{TagList: &[]string{}, Title: ptrTo("Grow")}).StatusCode())
		requireRoom(t, u, 401)
	})

	t.Run("Comment", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("")
		publishSized(t, u, "My own", 600)
		comment := func(slug string, bytes int) *client.CreateArticleCommentResponse {
			return responseOf(u.CreateArticleCommentWithResponse(t.Context(), slug, nil, newComment(strings.Repeat("c", bytes))))
		}
		created := comment(topic.Slug, 300)
		require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
		refused := comment(topic.Slug, 101)
		requireFull(t, refused.StatusCode(), refused.Body)
		require.Equal(t, http.StatusNotFound, comment("missing", 101).StatusCode())
		requireRoom(t, u, 100)
		res := responseOf(u.DeleteArticleCommentWithResponse(t.Context(), topic.Slug, created.JSON201.Comment.Id))
		require.Equal(t, http.StatusNoContent, res.StatusCode())
		requireRoom(t, u, 400)
	})

	t.Run("ArticleWithComments", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		author, u, owner := s.Register(""), s.Register(""), s.Register("")
		a, last := publishSized(t, author, "Has comments", 700), publishSized(t, owner, "Of an owner", 100)
		for _, by := range []servertest.User{u, author, u} {
			commentOn(t, by, a.Slug, strings.Repeat("c", 150))
			commentOn(t, by, last.Slug, strings.Repeat("c", 20))
		}
		requireRoom(t, u, 660)
		require.Equal(t, http.StatusNoContent, responseOf(author.DeleteArticleWithResponse(t.Context(), a.Slug, nil)).StatusCode())
		requireRoom(t, u, 960)
		requireRoom(t, author, 980)
		require.Equal(t, http.StatusNoContent, responseOf(owner.DeleteCurrentUserWithResponse(t.Context(),
			client.DeleteCurrentUserJSONRequestBody{User: client.DeleteUser{Password: servertest.Password}})).StatusCode())
		requireRoom(t, u, 1000)
	})

	t.Run("Hidden", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u, moderator := s.Register(""), withRole(s, "moderator", auth.Moderator)
		a := publishSized(t, u, "To be hidden", 600)
		hide(t, moderator, a.Slug, "a reason")
		requireRoom(t, u, 400)
		require.Equal(t, http.StatusNoContent, responseOf(u.DeleteArticleWithResponse(t.Context(), a.Slug, nil)).StatusCode())
		requireRoom(t, u, 1000)
	})
}

// TestStorageQuotaLowered checks what an account can do that has stored more
// than the maximum before it was lowered.
func TestStorageQuotaLowered(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	unlimited := servertest.New(t, servertest.WithDatabase(url))
	jake := unlimited.Register("jake")
	a := publishSized(t, jake, "Long", 5000)
	commentOn(t, jake, a.Slug, strings.Repeat("c", 5000))

	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithAccountStorage(1000))
	jake.ClientWithResponses = s.As(jake.Token)
	for _, body := range []int{4990, 4990, 4000} {
		res := revise(t, jake, a.Slug, client.UpdateArticle{Body: ptrTo(strings.Repeat("x", body))})
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	}
	require.Equal(t, http.StatusOK, revise(t, jake, a.Slug, client.UpdateArticle{Title: ptrTo("Gone")}).StatusCode())
	require.Equal(t, http.StatusOK, responseOf(jake.CreateArticleFavoriteWithResponse(t.Context(), a.Slug)).StatusCode())
	grown := revise(t, jake, a.Slug, client.UpdateArticle{Body: ptrTo(strings.Repeat("x", 4001))})
	requireFull(t, grown.StatusCode(), grown.Body)
	comment := responseOf(jake.CreateArticleCommentWithResponse(t.Context(), a.Slug, nil, newComment("c")))
	requireFull(t, comment.StatusCode(), comment.Body)
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), a.Slug, nil)).StatusCode())
	requireRoom(t, jake, 1000)
}

// TestStorageQuotaRace writes at the same time in every way that stores text.
func TestStorageQuotaRace(t *testing.T) {
	t.Parallel()
	s := crowded(t, servertest.WithAccountStorage(1000))
	jake := s.Register("jake")
	var mine []client.Article
	for range 4 {
		mine = append(mine, publishSized(t, jake, "Mine", 50))
	}
	topic := publishSized(t, s.Register("other"), "Topic", 50)
	refused := 0
	for _, status := range together(60, func(i int) int {
		switch i % 3 {
		case 0:
			return responseOf(jake.CreateArticleWithResponse(t.Context(), nil, sized("At once", 50))).StatusCode()
		case 1:
			return responseOf(jake.CreateArticleCommentWithResponse(t.Context(), topic.Slug, nil, newComment(strings.Repeat("c", 50)))).StatusCode()
		default:
			patch := client.UpdateArticle{Description: ptrTo(strings.Repeat("d", 51))}
			return revise(t, jake, mine[i/3%len(mine)].Slug, patch).StatusCode()
		}
	}) {
		if status == 422 {
			refused++
			continue
		}
		require.Contains(t, []int{http.StatusCreated, http.StatusOK}, status)
	}
	require.NotZero(t, refused)
	stored := count(t, s, `SELECT
		(SELECT sum(length(title || description || body)) FROM articles WHERE author_id = u.id) +
		(SELECT sum(length(body)) FROM comments WHERE author_id = u.id) FROM users u WHERE username = 'jake'`)
	require.Equal(t, 1000, stored)
	requireCounters(t, s)
}
