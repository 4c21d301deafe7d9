package byline_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

// TestPublishing runs the same steps as the tests of publishing of the other
// SDKs: the way of an article from its first draft to the next version.
func TestPublishing(t *testing.T) {
	ctx, n := t.Context(), openNewsroom(t)
	author, editor := n.join(t, byline.RoleAuthor), n.join(t, byline.RoleEditor)
	name := n.name("author")
	draftOf := func(t *testing.T, title string) string {
		t.Helper()
		draft := newArticle(title, n.id)
		draft.Status, draft.Body = byline.StatusDraft, "one\n"
		article, err := author.Articles.Create(ctx, draft)
		noError(t, err)
		equal(t, byline.StatusDraft, article.Status)
		equal(t, true, article.PublishedAt == nil)
		return article.Slug
	}
	hidden := func(t *testing.T, slug string) {
		t.Helper()
		_, err := n.visitor.Articles.Get(ctx, slug, nil)
		requireError(t, err, http.StatusNotFound, byline.CodeNotFound)
	}
	body := func(t *testing.T, slug string) string {
		t.Helper()
		article, err := n.visitor.Articles.Get(ctx, slug, nil)
		noError(t, err)
		return article.Body
	}
	inReview := func(t *testing.T) []string {
		t.Helper()
		return n.slugs(t, editor.Articles.ListEditorialAll(ctx, &byline.ArticlesListEditorialParams{Status: byline.StatusReview, Author: name, Limit: 1}))
	}
	// adds returns an edit that adds a line. Another user writes a title before
	// the first attempt.
	adds := func(t *testing.T, line string, other func(byline.UpdateArticle) error, calls *int) func(*byline.Article) byline.UpdateArticle {
		return func(a *byline.Article) byline.UpdateArticle {
			if *calls++; *calls == 1 {
				noError(t, other(byline.UpdateArticle{Title: byline.Ptr("By another user")}))
			}
			return byline.UpdateArticle{Body: byline.Ptr(a.Body + line)}
		}
	}
	slug, second := draftOf(t, "First "+n.id), draftOf(t, "Second "+n.id)

	step(t, "a draft is there for its author and editors", func(t *testing.T) {
		hidden(t, slug)
		want := []string{second, slug}
		equal(t, want, n.slugs(t, author.Articles.ListOwnAll(ctx, &byline.ArticlesListOwnParams{Status: byline.StatusDraft, Limit: 1})))
		equal(t, want, n.slugs(t, editor.Articles.ListEditorialAll(ctx, &byline.ArticlesListEditorialParams{Status: byline.StatusDraft, Author: name})))
		_, err := author.Articles.ListEditorial(ctx, nil)
		requireError(t, err, http.StatusForbidden, byline.CodeRoleInsufficient)
	})
	step(t, "two users edit a draft", func(t *testing.T) {
		calls := 0
		edited, err := author.Articles.Edit(ctx, slug, adds(t, "two\n", func(change byline.UpdateArticle) error {
			_, err := n.admin.Articles.Update(ctx, slug, change)
			return err
		}, &calls))
		noError(t, err)
		slug = edited.Slug
		equal(t, []string{"By another user", "one\ntwo\n"}, []string{edited.Title, edited.Body})
		equal(t, 2, calls)
	})
	step(t, "a stale If-Match loses nothing", func(t *testing.T) {
		stale := etag(t, getArticle(author), slug)
		_, err := editor.Articles.Update(ctx, slug, byline.UpdateArticle{Body: byline.Ptr("one\ntwo\nthree\n")})
		noError(t, err)
		_, err = author.Articles.Update(ctx, slug, byline.UpdateArticle{Body: byline.Ptr("lost")}, byline.IfMatch(stale))
		requireError(t, err, http.StatusPreconditionFailed, byline.CodePreconditionFailed)
		_, err = editor.Articles.Publish(ctx, slug, byline.PublishRequest{}, byline.IfMatch(stale))
		requireError(t, err, http.StatusPreconditionFailed, byline.CodePreconditionFailed)
		requireError(t, author.Articles.Delete(ctx, slug, byline.IfMatch(stale)), http.StatusPreconditionFailed, byline.CodePreconditionFailed)
		kept, err := author.Articles.Get(ctx, slug, nil)
		noError(t, err)
		equal(t, "one\ntwo\nthree\n", kept.Body)
	})
	step(t, "submit", func(t *testing.T) {
		_, err := author.Articles.Publish(ctx, slug, byline.PublishRequest{})
		requireError(t, err, http.StatusForbidden, byline.CodeRoleInsufficient)
		for _, each := range []string{slug, second} {
			article, err := author.Articles.Submit(ctx, each)
			noError(t, err)
			equal(t, byline.StatusReview, article.Status)
		}
		equal(t, []string{second, slug}, inReview(t))
	})
	step(t, "an editor publishes", func(t *testing.T) {
		published, err := editor.Articles.Publish(ctx, slug, byline.PublishRequest{}, byline.IfMatch(etag(t, getArticle(editor), slug)))
		noError(t, err)
		equal(t, byline.StatusPublished, published.Status)
		equal(t, false, published.PublishedAt == nil)
		equal(t, "one\ntwo\nthree\n", body(t, slug))
		equal(t, []string{second}, inReview(t))
		equal(t, []string{slug}, n.slugs(t, n.visitor.Articles.ListAll(ctx, &byline.ArticlesListParams{Tag: n.id})))
	})
	step(t, "two editors edit a working copy", func(t *testing.T) {
		calls := 0
		edited, err := editor.Articles.EditWorkingCopy(ctx, slug, adds(t, "four\n", func(change byline.UpdateArticle) error {
			_, err := n.admin.Articles.UpdateWorkingCopy(ctx, slug, change)
			return err
		}, &calls))
		noError(t, err)
		equal(t, "one\ntwo\nthree\nfour\n", edited.Body)
		equal(t, byline.WorkingCopyDraft, edited.WorkingCopy.Status)
		equal(t, n.name("editor"), edited.WorkingCopy.Author.Username)
		equal(t, 2, calls)
		stale := etag(t, editor.Articles.GetWorkingCopy, slug)
		_, err = n.admin.Articles.UpdateWorkingCopy(ctx, slug, byline.UpdateArticle{Description: byline.Ptr("By the admin")})
		noError(t, err)
		for _, change := range []func() error{
			func() error {
				_, err := editor.Articles.UpdateWorkingCopy(ctx, slug, byline.UpdateArticle{Body: byline.Ptr("lost")}, byline.IfMatch(stale))
				return err
			},
			func() error { return editor.Articles.DeleteWorkingCopy(ctx, slug, byline.IfMatch(stale)) },
			func() error {
				_, err := editor.Articles.Publish(ctx, slug, byline.PublishRequest{}, byline.IfMatch(stale))
				return err
			},
		} {
			requireError(t, change(), http.StatusPreconditionFailed, byline.CodePreconditionFailed)
		}
		equal(t, "one\ntwo\nthree\n", body(t, slug))
	})
	step(t, "a working copy is submitted and published", func(t *testing.T) {
		_, err := editor.Articles.Submit(ctx, slug)
		noError(t, err)
		submitted, err := editor.Articles.GetWorkingCopy(ctx, slug)
		noError(t, err)
		equal(t, byline.WorkingCopyReview, submitted.WorkingCopy.Status)
		equal(t, []string{second, slug}, inReview(t))
		_, err = editor.Articles.Publish(ctx, slug, byline.PublishRequest{})
		noError(t, err)
		equal(t, "one\ntwo\nthree\nfour\n", body(t, slug))
		_, err = editor.Articles.UpdateWorkingCopy(ctx, slug, byline.UpdateArticle{Body: byline.Ptr("dropped")})
		noError(t, err)
		noError(t, editor.Articles.DeleteWorkingCopy(ctx, slug))
		kept, err := editor.Articles.GetWorkingCopy(ctx, slug)
		noError(t, err)
		equal(t, "one\ntwo\nthree\nfour\n", kept.Body)
		equal(t, true, kept.WorkingCopy == nil)
	})
	step(t, "schedule and take back", func(t *testing.T) {
		at := time.Date(2099, 1, 1, 6, 0, 0, 0, time.UTC)
		scheduled, err := editor.Articles.Publish(ctx, second, byline.PublishRequest{PublishAt: &at})
		noError(t, err)
		equal(t, byline.StatusScheduled, scheduled.Status)
		equal(t, true, scheduled.PublishedAt.Equal(at))
		hidden(t, second)
		back, err := editor.Articles.Unpublish(ctx, second)
		noError(t, err)
		equal(t, byline.StatusDraft, back.Status)
		equal(t, true, back.PublishedAt == nil)
		_, err = editor.Articles.UpdateWorkingCopy(ctx, slug, byline.UpdateArticle{Title: byline.Ptr("Next year")})
		noError(t, err)
		_, err = editor.Articles.Publish(ctx, slug, byline.PublishRequest{PublishAt: &at})
		noError(t, err)
		later, err := editor.Articles.GetWorkingCopy(ctx, slug)
		noError(t, err)
		equal(t, byline.WorkingCopyScheduled, later.WorkingCopy.Status)
		equal(t, true, later.WorkingCopy.PublishAt.Equal(at))
		noError(t, editor.Articles.DeleteWorkingCopy(ctx, slug))
	})
	step(t, "revisions", func(t *testing.T) {
		var numbers []int
		for revision, err := range author.Revisions.ListAll(ctx, slug, &byline.RevisionsListParams{Limit: 2}) {
			noError(t, err)
			numbers = append(numbers, revision.Number)
		}
		equal(t, 1, numbers[len(numbers)-1])
		equal(t, true, slices.IsSortedFunc(numbers, func(a, b int) int { return b - a }))
		first, err := author.Revisions.Get(ctx, slug, 1)
		noError(t, err)
		equal(t, []string{"First " + n.id, "one\n", name}, []string{first.Title, first.Body, first.Author.Username})
		diff, err := author.Revisions.Diff(ctx, slug, 3, &byline.RevisionsDiffParams{Against: 1})
		noError(t, err)
		equal(t, true, strings.Contains(diff, "+By another user") && strings.Contains(diff, " one\n+two\n"))
	})
	step(t, "restore", func(t *testing.T) {
		stale := etag(t, getArticle(editor), slug)
		before, err := editor.Articles.Update(ctx, slug, byline.UpdateArticle{Description: byline.Ptr("Changed since")})
		noError(t, err)
		_, err = editor.Revisions.Restore(ctx, slug, 1, byline.IfMatch(stale))
		requireError(t, err, http.StatusPreconditionFailed, byline.CodePreconditionFailed)
		restored, err := editor.Revisions.Restore(ctx, slug, 1, byline.IfMatch(etag(t, getArticle(editor), slug)))
		noError(t, err)
		equal(t, "one\n", restored.Body)
		equal(t, before.Revision+1, restored.Revision)
		slug = restored.Slug // it has the title of the revision, too
		equal(t, "one\n", body(t, slug))
	})
	step(t, "unpublish", func(t *testing.T) {
		withdrawn, err := editor.Articles.Unpublish(ctx, slug)
		noError(t, err)
		equal(t, byline.StatusDraft, withdrawn.Status)
		hidden(t, slug)
		equal(t, 0, len(n.slugs(t, n.visitor.Articles.ListAll(ctx, &byline.ArticlesListParams{Tag: n.id}))))
	})
	step(t, "preview", func(t *testing.T) {
		preview, err := author.Previews.Create(ctx, slug, byline.NewPreviewRequest{ExpiresIn: byline.Ptr(3600)})
		noError(t, err)
		equal(t, true, strings.HasSuffix(preview.URL, preview.Token) && preview.ExpiresAt.After(time.Now()))
		_, err = author.Articles.Update(ctx, slug, byline.UpdateArticle{Body: byline.Ptr("newer\n")})
		noError(t, err)
		shown, err := n.visitor.Previews.Get(ctx, preview.Token, nil)
		noError(t, err)
		equal(t, "newer\n", shown.Body)
		noError(t, author.Previews.Delete(ctx, slug))
		_, err = n.visitor.Previews.Get(ctx, preview.Token, nil)
		requireError(t, err, http.StatusNotFound, byline.CodeNotFound)
	})
}

// getArticle returns the operation that reads an article, without parameters.
func getArticle(c *byline.Client) func(context.Context, string, ...byline.CallOption) (*byline.Article, error) {
	return func(ctx context.Context, slug string, options ...byline.CallOption) (*byline.Article, error) {
		return c.Articles.Get(ctx, slug, nil, options...)
	}
}
