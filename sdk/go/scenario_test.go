package byline_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	byline "github.com/byline-api/byline/sdk/go"
)

const password = "correct horse battery"

// TestScenario runs the same steps as the scenario tests of the other SDKs.
func TestScenario(t *testing.T) {
	ctx := t.Context()
	base := serviceURL(t)
	statuses := &recorder{}
	c, err := byline.New(base, byline.WithHTTPClient(&http.Client{Transport: statuses}))
	require.NoError(t, err)
	id := strings.ToLower(rand.Text()[:8])
	var author, reader *byline.Client
	var slug string

	step(t, "register", func(t *testing.T) {
		for name, client := range map[string]**byline.Client{"author": &author, "reader": &reader} {
			res, err := c.CreateUserWithResponse(ctx, nil, newUser(name+"-"+id))
			require.NoError(t, err)
			require.True(t, res.JSON201.User.Bio.IsNull())
			*client = c.WithToken(res.JSON201.User.Token)
		}
	})
	step(t, "conflict 409", func(t *testing.T) {
		_, err := c.CreateUserWithResponse(ctx, nil, newUser("author-"+id))
		e := requireError(t, err, http.StatusConflict, "already_taken")
		require.Equal(t, []string{"has already been taken"}, e.Fields["username"])
	})
	step(t, "login", func(t *testing.T) {
		res, err := c.LoginWithResponse(ctx, login("author-"+id, password))
		require.NoError(t, err)
		require.Equal(t, "author-"+id, res.JSON200.User.Username)
	})
	step(t, "wrong password", func(t *testing.T) {
		_, err := c.LoginWithResponse(ctx, login("author-"+id, "wrong horse"))
		e := requireError(t, err, http.StatusUnauthorized, "credentials_invalid")
		require.Equal(t, []string{"invalid"}, e.Fields["credentials"])
		require.NotEmpty(t, e.RequestID)
	})
	step(t, "publish with tags", func(t *testing.T) {
		for _, title := range []string{"One", "Two", "Three", "Four", "Five"} {
			res, err := author.CreateArticleWithResponse(ctx, nil, newArticle(title, id, "sdk"))
			require.NoError(t, err)
			require.Equal(t, []string{id, "sdk"}, res.JSON201.Article.TagList)
			slug = res.JSON201.Article.Slug
		}
	})
	step(t, "list", func(t *testing.T) {
		res, err := c.GetArticlesWithResponse(ctx, &byline.ArticlesParams{Tag: &id, Limit: new(int32(3))})
		require.NoError(t, err)
		require.Len(t, res.JSON200.Articles, 3)
		require.EqualValues(t, 5, res.JSON200.ArticlesCount)
	})
	step(t, "pages to the end", func(t *testing.T) {
		var titles []string
		statuses.reset()
		for article, err := range c.Articles(ctx, &byline.ArticlesParams{Tag: &id, Limit: new(int32(2))}) {
			require.NoError(t, err)
			titles = append(titles, article.Title)
		}
		require.Equal(t, []string{"Five", "Four", "Three", "Two", "One"}, titles)
		require.Len(t, statuses.seen(), 3)
	})
	step(t, "feed", func(t *testing.T) {
		_, err := reader.FollowUserByUsernameWithResponse(ctx, "author-"+id)
		require.NoError(t, err)
		n := 0
		for _, err := range reader.Feed(ctx, &byline.FeedParams{Limit: new(int32(2))}) {
			require.NoError(t, err)
			n++
		}
		require.Equal(t, 5, n)
	})
	step(t, "favourite", func(t *testing.T) {
		res, err := reader.CreateArticleFavoriteWithResponse(ctx, slug)
		require.NoError(t, err)
		require.True(t, res.JSON200.Article.Favorited)
		require.EqualValues(t, 1, res.JSON200.Article.FavoritesCount)
	})
	step(t, "comment", func(t *testing.T) {
		for _, body := range []string{"first", "second", "third"} {
			_, err := reader.CreateArticleCommentWithResponse(ctx, slug, nil, byline.NewCommentRequest{Comment: byline.NewComment{Body: body}})
			require.NoError(t, err)
		}
		var bodies []string
		for comment, err := range c.Comments(ctx, slug, &byline.CommentsParams{Limit: new(int32(2))}) {
			require.NoError(t, err)
			bodies = append(bodies, comment.Body)
		}
		require.Equal(t, []string{"first", "second", "third"}, bodies)
	})
	step(t, "304", func(t *testing.T) {
		first, err := c.GetArticleWithResponse(ctx, slug, nil)
		require.NoError(t, err)
		statuses.reset()
		second, err := c.GetArticleWithResponse(ctx, slug, nil)
		require.NoError(t, err)
		require.Equal(t, []int{http.StatusNotModified}, statuses.seen())
		require.Equal(t, first.JSON200, second.JSON200)
	})
	step(t, "412 with If-Match", func(t *testing.T) {
		read, err := author.GetArticleWithResponse(ctx, slug, nil)
		require.NoError(t, err)
		change := byline.UpdateArticleRequest{Article: byline.UpdateArticle{Body: new("changed")}}
		_, err = author.UpdateArticleWithResponse(ctx, slug, byline.IfMatch(read.HTTPResponse), change)
		require.NoError(t, err)
		_, err = author.UpdateArticleWithResponse(ctx, slug, byline.IfMatch(read.HTTPResponse), change)
		requireError(t, err, http.StatusPreconditionFailed, "precondition_failed")
	})
	step(t, "concurrent edits", func(t *testing.T) {
		edits := 0
		edited, err := author.EditArticle(ctx, slug, func(a byline.Article) byline.UpdateArticle {
			if edits++; edits == 1 {
				_, err := author.UpdateArticleWithResponse(ctx, slug, nil,
					byline.UpdateArticleRequest{Article: byline.UpdateArticle{Body: new(a.Body + ", by another client")}})
				require.NoError(t, err)
			}
			return byline.UpdateArticle{Body: new(a.Body + ", by me")}
		})
		require.NoError(t, err)
		require.Equal(t, "changed, by another client, by me", edited.Body)
	})
	step(t, "a lost response creates once", func(t *testing.T) {
		proxy, calls := losesFirstResponse(t, base)
		res, err := c.LoginWithResponse(ctx, login("author-"+id, password))
		require.NoError(t, err)
		through, err := byline.New(proxy, byline.WithToken(res.JSON200.User.Token))
		require.NoError(t, err)
		created, err := through.CreateArticleWithResponse(ctx, nil, newArticle("Once", "once-"+id))
		require.NoError(t, err)
		require.Equal(t, "true", created.HTTPResponse.Header.Get("Idempotency-Replayed"))
		require.EqualValues(t, 2, calls.Load())
		list, err := c.GetArticlesWithResponse(ctx, &byline.ArticlesParams{Tag: new("once-" + id)})
		require.NoError(t, err)
		require.EqualValues(t, 1, list.JSON200.ArticlesCount)
	})
	step(t, "export", func(t *testing.T) {
		_, err := author.CreateArticleCommentWithResponse(ctx, slug, nil, byline.NewCommentRequest{Comment: byline.NewComment{Body: "two\u2028lines"}})
		require.NoError(t, err)
		counts := map[string]int{}
		for record, err := range author.Export(ctx) {
			require.NoError(t, err)
			if record.Type != "session" { // there is one session per sign-in
				counts[string(record.Type)]++
			}
			switch record.Type {
			case "account":
				require.Equal(t, "author-"+id+"@example.com", record.AdditionalProperties["email"])
			case "comment":
				require.Equal(t, "two\u2028lines", record.AdditionalProperties["body"])
			}
		}
		require.Equal(t, map[string]int{"account": 1, "article": 6, "comment": 1, "follower": 1}, counts)
		for _, err := range c.Export(ctx) {
			requireError(t, err, http.StatusUnauthorized, "token_missing")
		}
	})
	step(t, "delete", func(t *testing.T) {
		_, err := reader.DeleteArticleWithResponse(ctx, slug, nil)
		requireError(t, err, http.StatusForbidden, "forbidden")
		_, err = author.DeleteArticleWithResponse(ctx, slug, nil)
		require.NoError(t, err)
		_, err = c.GetArticleWithResponse(ctx, slug, nil)
		requireError(t, err, http.StatusNotFound, "not_found")
	})
}

// step runs one step of the scenario. The test stops if it fails, because later
// steps depend on it.
func step(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	require.True(t, t.Run(name, f))
}

func newUser(name string) byline.NewUserRequest {
	return byline.NewUserRequest{User: byline.NewUser{
		Username: name, Email: byline.Email(name + "@example.com"), Password: password,
	}}
}

func login(name, password string) byline.LoginUserRequest {
	return byline.LoginUserRequest{User: byline.LoginUser{Email: name + "@example.com", Password: password}}
}

func newArticle(title string, tags ...string) byline.NewArticleRequest {
	return byline.NewArticleRequest{Article: byline.NewArticle{
		Title: title, Description: "About " + title, Body: "# " + title, TagList: &tags,
	}}
}

func requireError(t *testing.T, err error, status int, code byline.Code) *byline.Error {
	t.Helper()
	var e *byline.Error
	require.True(t, errors.As(err, &e), "%v", err)
	require.Equal(t, status, e.Status)
	require.Equal(t, code, e.Code)
	return e
}

// losesFirstResponse starts a proxy that forwards the first request, but closes
// the connection instead of returning the response.
func losesFirstResponse(t *testing.T, target string) (address string, calls *atomic.Int32) {
	u, err := url.Parse(target)
	require.NoError(t, err)
	calls = &atomic.Int32{}
	proxy := httputil.NewSingleHostReverseProxy(u)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	return web.URL, calls
}
