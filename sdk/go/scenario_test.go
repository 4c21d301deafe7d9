package byline_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	byline "github.com/byline-api/byline/sdk/go"
)

// serviceURL returns the URL of the service that sdk/scenario has started. The
// test is skipped without one.
func serviceURL(t *testing.T) string {
	t.Helper()
	address := os.Getenv("BYLINE_URL")
	if address == "" {
		t.Skip("BYLINE_URL is not set: sdk/scenario starts a service for this test")
	}
	return address
}

// TestScenario runs the same steps as the scenario tests of the other SDKs.
func TestScenario(t *testing.T) {
	ctx := t.Context()
	base := serviceURL(t)
	statuses := &recorder{}
	c, err := byline.New(base, byline.WithHTTPClient(&http.Client{Transport: statuses}))
	noError(t, err)
	id := strings.ToLower(rand.Text()[:8])
	var author, reader *byline.Client
	var slug string

	step(t, "register", func(t *testing.T) {
		for name, client := range map[string]**byline.Client{"author": &author, "reader": &reader} {
			user, err := c.Users.Create(ctx, newUser(name+"-"+id))
			noError(t, err)
			equal(t, true, user.Bio == nil)
			*client = c.WithToken(user.Token)
		}
	})
	step(t, "conflict 409", func(t *testing.T) {
		_, err := c.Users.Create(ctx, newUser("author-"+id))
		e := requireError(t, err, http.StatusConflict, byline.CodeAlreadyTaken)
		equal(t, []string{"has already been taken"}, e.Fields["username"])
	})
	step(t, "login", func(t *testing.T) {
		user, err := c.Users.Login(ctx, login("author-"+id, password))
		noError(t, err)
		equal(t, "author-"+id, user.Username)
	})
	step(t, "wrong password", func(t *testing.T) {
		_, err := c.Users.Login(ctx, login("author-"+id, "wrong horse"))
		e := requireError(t, err, http.StatusUnauthorized, byline.CodeCredentialsInvalid)
		equal(t, []string{"invalid"}, e.Fields["credentials"])
		equal(t, true, e.RequestID != "")
	})
	step(t, "sign in, renew and sign out", func(t *testing.T) {
		store := &memory{}
		signedIn, err := c.With(byline.WithSessionStore(store)).SignIn(ctx, "author-"+id+"@example.com", password)
		noError(t, err)
		user, err := signedIn.Account.Get(ctx)
		noError(t, err)
		equal(t, "author-"+id, user.Username)

		// Another program continues the session, but its access token is refused.
		first := store.stored
		spoiled := *first
		spoiled.Tokens.AccessToken += "x"
		store.stored = &spoiled
		_, err = c.With(byline.WithSessionStore(store)).Account.Get(ctx)
		noError(t, err)
		equal(t, true, store.stored.Tokens.RefreshToken != first.Tokens.RefreshToken)

		_, err = signedIn.Sessions.List(ctx)
		noError(t, err)
		noError(t, signedIn.SignOut(ctx))
		equal(t, true, store.stored == nil)
		_, err = signedIn.Account.Get(ctx)
		isError(t, err, byline.ErrSessionEnded)
	})
	step(t, "a change of the password ends the other sessions", func(t *testing.T) {
		_, err := c.Users.Create(ctx, newUser("changes-"+id))
		noError(t, err)
		here, err := c.SignIn(ctx, "changes-"+id+"@example.com", password)
		noError(t, err)
		elsewhere, err := c.SignIn(ctx, "changes-"+id+"@example.com", password)
		noError(t, err)
		_, err = elsewhere.Account.Update(ctx, byline.UpdateUser{Password: byline.Ptr("another correct horse")})
		noError(t, err)
		_, err = here.Account.Get(ctx)
		isError(t, err, byline.ErrSessionEnded)
		_, err = elsewhere.Account.Get(ctx)
		noError(t, err)
	})
	step(t, "publish with tags", func(t *testing.T) {
		for _, title := range []string{"One", "Two", "Three", "Four", "Five"} {
			article, err := author.Articles.Create(ctx, newArticle(title, id, "sdk"))
			noError(t, err)
			equal(t, []string{id, "sdk"}, article.TagList)
			slug = article.Slug
		}
	})
	step(t, "list", func(t *testing.T) {
		page, err := c.Articles.List(ctx, &byline.ArticlesListParams{Tag: id, Limit: 3})
		noError(t, err)
		equal(t, 3, len(page.Items))
		equal(t, int64(5), page.TotalCount)
	})
	step(t, "pages to the end", func(t *testing.T) {
		var titles []string
		statuses.reset()
		for article, err := range c.Articles.ListAll(ctx, &byline.ArticlesListParams{Tag: id, Limit: 2}) {
			noError(t, err)
			titles = append(titles, article.Title)
		}
		equal(t, []string{"Five", "Four", "Three", "Two", "One"}, titles)
		equal(t, 3, len(statuses.seen()))
	})
	step(t, "feed", func(t *testing.T) {
		profile, err := reader.Profiles.Follow(ctx, "author-"+id)
		noError(t, err)
		equal(t, true, profile.Following)
		n := 0
		for _, err := range reader.Articles.FeedAll(ctx, &byline.ArticlesFeedParams{Limit: 2}) {
			noError(t, err)
			n++
		}
		equal(t, 5, n)
	})
	step(t, "favorite", func(t *testing.T) {
		article, err := reader.Articles.Favorite(ctx, slug)
		noError(t, err)
		equal(t, true, article.Favorited)
		equal(t, int64(1), article.FavoritesCount)
	})
	step(t, "comment", func(t *testing.T) {
		for _, body := range []string{"first", "second", "third"} {
			_, err := reader.Comments.Create(ctx, slug, byline.NewComment{Body: body})
			noError(t, err)
		}
		var bodies []string
		for comment, err := range c.Comments.ListAll(ctx, slug, &byline.CommentsListParams{Limit: 2, Sort: byline.OldestFirst}) {
			noError(t, err)
			bodies = append(bodies, comment.Body)
		}
		equal(t, []string{"first", "second", "third"}, bodies)
	})
	step(t, "reply", func(t *testing.T) {
		var none int64
		roots, err := c.Comments.List(ctx, slug, &byline.CommentsListParams{ParentID: &none, Limit: 1})
		noError(t, err)
		parent := roots.Items[0].ID
		changed, err := reader.Comments.Update(ctx, slug, parent, byline.UpdateComment{Body: "changed"})
		noError(t, err)
		equal(t, "changed", changed.Body)
		answer, err := author.Comments.Create(ctx, slug, byline.NewComment{Body: "answer", ParentID: parent})
		noError(t, err)
		noError(t, reader.Comments.Delete(ctx, slug, parent))
		replies, err := c.Comments.List(ctx, slug, &byline.CommentsListParams{ParentID: &parent})
		noError(t, err)
		equal(t, "answer", replies.Items[0].Body)
		roots, err = c.Comments.List(ctx, slug, &byline.CommentsListParams{ParentID: &none, Limit: 1})
		noError(t, err)
		equal(t, true, roots.Items[0].Deleted)
		noError(t, author.Comments.Delete(ctx, slug, answer.ID))
	})
	step(t, "batch", func(t *testing.T) {
		batch, err := c.Articles.GetMany(ctx, byline.ArticleBatchRequest{Slugs: []string{slug, "no-such-" + id}}, nil)
		noError(t, err)
		equal(t, slug, batch.Articles[0].Slug)
		equal(t, []string{"no-such-" + id}, batch.Missing)
	})
	step(t, "304", func(t *testing.T) {
		first, err := c.Articles.Get(ctx, slug, nil)
		noError(t, err)
		statuses.reset()
		var res byline.Response
		second, err := c.Articles.Get(ctx, slug, nil, byline.Into(&res))
		noError(t, err)
		equal(t, []int{http.StatusNotModified}, statuses.seen())
		equal(t, first, second)
		equal(t, true, res.Cached)
		equal(t, "read", res.RateLimit.Class)
	})
	step(t, "HTML", func(t *testing.T) {
		article, err := c.Articles.Get(ctx, slug, &byline.ArticlesGetParams{Format: byline.FormatHTML})
		noError(t, err)
		equal(t, true, strings.Contains(article.BodyHTML, "Five</h1>"))
	})
	step(t, "preview of a draft", func(t *testing.T) {
		draft := newArticle("Six", id)
		draft.Status = byline.StatusDraft
		article, err := author.Articles.Create(ctx, draft)
		noError(t, err)
		preview, err := author.Previews.Create(ctx, article.Slug, byline.NewPreviewRequest{ExpiresIn: byline.Ptr(60)})
		noError(t, err)
		shown, err := c.Previews.Get(ctx, preview.Token, nil)
		noError(t, err)
		equal(t, byline.StatusDraft, shown.Status)
		noError(t, author.Previews.Delete(ctx, article.Slug))
		_, err = c.Previews.Get(ctx, preview.Token, nil)
		requireError(t, err, http.StatusNotFound, byline.CodeNotFound)
		noError(t, author.Articles.Delete(ctx, article.Slug))
	})
	step(t, "412 with If-Match", func(t *testing.T) {
		var read byline.Response
		_, err := author.Articles.Get(ctx, slug, nil, byline.Into(&read))
		noError(t, err)
		change := byline.UpdateArticle{Body: byline.Ptr("changed")}
		_, err = author.Articles.Update(ctx, slug, change, byline.IfMatch(read.ETag))
		noError(t, err)
		_, err = author.Articles.Update(ctx, slug, change, byline.IfMatch(read.ETag))
		requireError(t, err, http.StatusPreconditionFailed, byline.CodePreconditionFailed)
	})
	step(t, "concurrent edits", func(t *testing.T) {
		edits := 0
		edited, err := author.Articles.Edit(ctx, slug, func(a *byline.Article) byline.UpdateArticle {
			if edits++; edits == 1 {
				_, err := author.Articles.Update(ctx, slug, byline.UpdateArticle{Body: byline.Ptr(a.Body + ", by another client")})
				noError(t, err)
			}
			return byline.UpdateArticle{Body: byline.Ptr(a.Body + ", by me")}
		})
		noError(t, err)
		equal(t, "changed, by another client, by me", edited.Body)
	})
	step(t, "working copy", func(t *testing.T) {
		edits := 0
		edited, err := author.Articles.EditWorkingCopy(ctx, slug, func(a *byline.Article) byline.UpdateArticle {
			if edits++; edits == 1 {
				_, err := author.Articles.UpdateWorkingCopy(ctx, slug, byline.UpdateArticle{Body: byline.Ptr("not published")})
				noError(t, err)
			}
			return byline.UpdateArticle{Body: byline.Ptr(a.Body + ", by me\n")}
		})
		noError(t, err)
		equal(t, "not published, by me\n", edited.Body)
		equal(t, byline.WorkingCopyDraft, edited.WorkingCopy.Status)
		public, err := c.Articles.Get(ctx, slug, nil)
		noError(t, err)
		equal(t, "changed, by another client, by me", public.Body)
		published, err := author.Articles.Publish(ctx, slug, byline.PublishRequest{})
		noError(t, err)
		equal(t, edited.Body, published.Body)
		var numbers []int
		for r, err := range author.Revisions.ListAll(ctx, slug, nil) {
			noError(t, err)
			numbers = append(numbers, r.Number)
		}
		equal(t, published.Revision, numbers[0])
		diff, err := author.Revisions.Diff(ctx, slug, numbers[0], nil)
		noError(t, err)
		equal(t, true, strings.Contains(diff, "-not published\n\\ No newline at end of file\n+not published, by me\n"))
		restored, err := author.Revisions.Restore(ctx, slug, numbers[2])
		noError(t, err)
		equal(t, public.Body, restored.Body)
	})
	step(t, "null and empty", func(t *testing.T) {
		user, err := author.Account.Update(ctx, byline.UpdateUser{Bio: byline.Value("writes")})
		noError(t, err)
		equal(t, "writes", *user.Bio)
		user, err = author.Account.Update(ctx, byline.UpdateUser{Bio: byline.Null[string]()})
		noError(t, err)
		equal(t, true, user.Bio == nil)
		article, err := author.Articles.Update(ctx, slug, byline.UpdateArticle{TagList: []string{}})
		noError(t, err)
		equal(t, 0, len(article.TagList))
	})
	step(t, "a lost response creates once", func(t *testing.T) {
		proxy, calls := losesFirstResponse(t, base)
		user, err := c.Users.Login(ctx, login("author-"+id, password))
		noError(t, err)
		through, err := byline.New(proxy, byline.WithToken(user.Token))
		noError(t, err)
		var res byline.Response
		_, err = through.Articles.Create(ctx, newArticle("Once", "once-"+id), byline.Into(&res))
		noError(t, err)
		equal(t, true, res.Replayed)
		equal(t, 2, res.Attempts)
		equal(t, int32(2), calls.Load())
		page, err := c.Articles.List(ctx, &byline.ArticlesListParams{Tag: "once-" + id})
		noError(t, err)
		equal(t, int64(1), page.TotalCount)
	})
	step(t, "API key", func(t *testing.T) {
		created, err := author.APIKeys.Create(ctx, byline.NewAPIKey{Name: "reads", Scopes: []byline.Scope{byline.ScopeRead}})
		noError(t, err)
		program := c.WithToken(created.Key)
		_, err = program.Articles.Feed(ctx, nil)
		noError(t, err)
		_, err = program.Articles.Create(ctx, newArticle("Not allowed"))
		isError(t, err, byline.CodeScopeInsufficient)
		keys, err := author.APIKeys.List(ctx)
		noError(t, err)
		equal(t, created.APIKey.Prefix, keys[0].Prefix)
		noError(t, author.APIKeys.Delete(ctx, keys[0].ID))
	})
	step(t, "export", func(t *testing.T) {
		_, err := author.Comments.Create(ctx, slug, byline.NewComment{Body: "two\u2028lines"})
		noError(t, err)
		counts := map[byline.ExportRecordType]int{}
		for record, err := range author.Account.Export(ctx) {
			noError(t, err)
			if record.Type != byline.ExportSession { // there is one session per sign-in
				counts[record.Type]++
			}
			switch record.Type {
			case byline.ExportAccount:
				var account struct{ Email string }
				noError(t, record.Decode(&account))
				equal(t, "author-"+id+"@example.com", account.Email)
			case byline.ExportComment:
				var comment byline.Comment
				noError(t, record.Decode(&comment))
				equal(t, "two\u2028lines", comment.Body)
			}
		}
		equal(t, map[byline.ExportRecordType]int{"account": 1, "article": 6, "revision": 7, "comment": 1, "follower": 1}, counts)
		for _, err := range c.Account.Export(ctx) {
			requireError(t, err, http.StatusUnauthorized, byline.CodeTokenMissing)
		}
	})
	step(t, "tags", func(t *testing.T) {
		tags, err := c.Tags.List(ctx)
		noError(t, err)
		equal(t, true, slices.Contains(tags, "sdk"))
	})
	step(t, "delete", func(t *testing.T) {
		requireError(t, reader.Articles.Delete(ctx, slug), http.StatusForbidden, byline.CodeForbidden)
		noError(t, author.Articles.Delete(ctx, slug))
		_, err := c.Articles.Get(ctx, slug, nil)
		requireError(t, err, http.StatusNotFound, byline.CodeNotFound)
	})
	step(t, "a wrong path", func(t *testing.T) {
		wrong, err := byline.New(base + "/docs")
		noError(t, err)
		_, err = wrong.Tags.List(ctx)
		isError(t, err, byline.CodeRouteNotFound)
	})
	step(t, "an operation by its path", func(t *testing.T) {
		var out struct{ Profile byline.Profile }
		noError(t, c.Do(ctx, "GET", "/profiles/reader-"+id, nil, &out))
		equal(t, "reader-"+id, out.Profile.Username)
	})
	step(t, "delete the account", func(t *testing.T) {
		noError(t, reader.Account.Delete(ctx, byline.DeleteUser{Password: password}))
		_, err := c.Profiles.Get(ctx, "reader-"+id)
		isError(t, err, byline.CodeNotFound)
	})
}

// step runs one step of the scenario. The test stops if it fails, because later
// steps depend on it.
func step(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	if !t.Run(name, f) {
		t.FailNow()
	}
}

// losesFirstResponse starts a proxy that forwards the first request, but closes
// the connection instead of returning the response.
func losesFirstResponse(t *testing.T, target string) (address string, calls *atomic.Int32) {
	t.Helper()
	u, err := url.Parse(target)
	noError(t, err)
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
