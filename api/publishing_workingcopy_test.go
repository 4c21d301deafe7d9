package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// farAway is a time of publication that no test waits for.
var farAway = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// publishIt is publishArticle, which has to succeed. It returns the article.
func publishIt(t *testing.T, u servertest.User, slug string, how client.PublishRequest) client.Article {
	t.Helper()
	res := publishArticle(t, u, slug, how)
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Article
}

func public(t *testing.T, s *servertest.Service, slug string) client.Article {
	t.Helper()
	res := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Article
}

func TestPublishWorkingCopy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	a := s.Publish(jake, "Dragons", "x")
	s.Publish(jake, "Newer")
	saveCopy(t, jake, a.Slug, client.UpdateArticle{Title: ptrTo("Better dragons"), TagList: &[]string{"y"}})
	_, tag := getCopy(t, jake, a.Slug)
	res := responseOf(jake.PublishArticleWithResponse(t.Context(), a.Slug, &client.PublishArticleParams{IfMatch: &tag}, client.PublishRequest{}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	got := public(t, s, a.Slug)
	require.Equal(t, res.JSON200.Article.Body, got.Body)
	require.Equal(t, "better-dragons", got.Slug)
	require.Equal(t, []string{"y"}, got.TagList)
	require.EqualValues(t, 2, got.Revision)
	require.Equal(t, a.PublishedAt, got.PublishedAt)
	require.True(t, got.UpdatedAt.After(a.UpdatedAt))
	_, list := s.Do("GET", "/articles", "")
	require.Regexp(t, `"title":"Newer".*"title":"Better dragons"`, list, "a change does not move it")
	now, _ := getCopy(t, jake, a.Slug)
	require.Nil(t, now.WorkingCopy)
	revs := revisions(t, jake, a.Slug)
	require.Equal(t, []int32{2, 1}, numbers(revs))
	require.True(t, revs[0].Published && revs[1].Published)
	requireCounters(t, s)
	publishIt(t, jake, a.Slug, client.PublishRequest{UnpublishAt: &farAway})
	require.Equal(t, a.PublishedAt, public(t, s, a.Slug).PublishedAt)
	require.EqualValues(t, 3, saveCopy(t, jake, a.Slug, client.UpdateArticle{Title: ptrTo("Dragons")}).Revision)
	require.Equal(t, "dragons", publishIt(t, jake, a.Slug, client.PublishRequest{}).Slug, "it gets the slug back that it had")
	require.Equal(t, stamp(farAway), stamp(public(t, s, "dragons").UnpublishAt.MustGet()), "a change does not end the publication later")
	requireCounters(t, s)
}

// TestUpdateBesideWorkingCopy checks that PUT of an article with a working copy
// changes what is public, and only that.
func TestUpdateBesideWorkingCopy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons", "x").Slug
	saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("unpublished")})
	copied, tag := getCopy(t, jake, slug)
	changed := rewrite(t, jake, slug, client.UpdateArticle{Description: ptrTo("corrected")})
	require.EqualValues(t, 3, changed.Revision)
	now := public(t, s, slug)
	require.Equal(t, "corrected", now.Description)
	require.NotEqual(t, "unpublished", now.Body)
	kept, same := getCopy(t, jake, slug)
	require.Equal(t, copied.Description, kept.Description, "a working copy is a text of its own")
	require.Equal(t, "unpublished", kept.Body)
	require.NotEqual(t, tag, same, "publishing it would undo the change")
	require.Equal(t, []int32{3, 2, 1}, numbers(revisions(t, jake, slug)))
	publishIt(t, jake, slug, client.PublishRequest{})
	require.Equal(t, "unpublished", public(t, s, slug).Body)
	require.Equal(t, "corrected", revision(t, jake, slug, 3).Description, "nothing is lost")
	requireCounters(t, s)
}

// TestScheduledWorkingCopy checks that a working copy becomes public at its
// time, once, and that the article is public all the time.
func TestScheduledWorkingCopy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	schedule := func(in string, members string) (int, string) {
		var at time.Time
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() + $1::interval`, in).Scan(&at))
		res, body := s.Do("POST", "/articles/"+slug+"/publish", fmt.Sprintf(`{"publishAt":%q%s}`, at.UTC().Format(time.RFC3339Nano), members), signed(jake)...)
		return res.StatusCode, body
	}
	status, body := schedule("1 hour", "")
	require.Equal(t, 422, status, "it has no working copy: %s", body)
	saveCopy(t, jake, slug, client.UpdateArticle{Title: ptrTo("Discarded")})
	status, _ = schedule("300 milliseconds", "")
	require.Equal(t, 200, status)
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, nil)).StatusCode())
	saveCopy(t, jake, slug, client.UpdateArticle{Title: ptrTo("Submitted")})
	status, _ = schedule("300 milliseconds", "")
	require.Equal(t, 200, status)
	require.Equal(t, 200, responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	got, _ := getCopy(t, jake, slug)
	require.Equal(t, client.WorkingCopyReview, got.WorkingCopy.Status)
	status, _ = schedule("-1 second", "")
	require.Equal(t, 422, status)
	status, _ = schedule("1 hour", `,"unpublishAt":"2001-01-01T00:00:00.000Z"`)
	require.Equal(t, 422, status)

	status, _ = schedule("800 milliseconds", `,"unpublishAt":"2100-01-01T00:00:00.000Z"`)
	require.Equal(t, 200, status)
	require.Equal(t, "Dragons", public(t, s, slug).Title)
	saveCopy(t, jake, slug, client.UpdateArticle{Title: ptrTo("On time"), Body: ptrTo("changed after it was scheduled")})
	got, _ = getCopy(t, jake, slug)
	require.Equal(t, client.WorkingCopyScheduled, got.WorkingCopy.Status)
	require.False(t, got.WorkingCopy.PublishAt.IsNull())
	require.Eventually(t, func() bool { return public(t, s, slug).Title == "On time" }, 20*time.Second, 50*time.Millisecond)
	var late time.Duration
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT updated_at - $1 FROM articles WHERE title = 'On time'`, got.WorkingCopy.PublishAt.MustGet()).Scan(&late))
	require.GreaterOrEqual(t, late, time.Duration(0), "never early")
	a := public(t, s, slug)
	require.Equal(t, "on-time", a.Slug)
	require.Equal(t, stamp(farAway), stamp(a.UnpublishAt.MustGet()))
	require.Equal(t, int32(2), countVersions(t, s, "On time"), "published once")
	requireCounters(t, s)
}

// countVersions returns how often the article with a title has been changed
// since its publication was given an end.
func countVersions(t *testing.T, s *servertest.Service, title string) (n int32) {
	t.Helper()
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT version - 1 FROM articles WHERE title = $1`, title).Scan(&n))
	return n
}

// TestWithdrawWorkingCopy checks what becomes of a working copy when its
// article is no longer published, or not yet.
func TestWithdrawWorkingCopy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	saveCopy(t, jake, slug, client.UpdateArticle{Title: ptrTo("Better dragons"), Body: ptrTo("newest")})
	res := responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.Equal(t, "newest", res.JSON200.Article.Body, "a draft has its newest text")
	require.Equal(t, client.StatusDraft, res.JSON200.Article.Status)
	got := revisions(t, jake, slug)
	require.Equal(t, []int32{2, 1}, numbers(got))
	require.True(t, !got[0].Published && got[1].Published, "the newest was never public")
	requireCounters(t, s)
	publishIt(t, jake, slug, client.PublishRequest{PublishAt: &farAway})
	saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("even newer")})
	require.Equal(t, http.StatusOK, responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	scheduled := publishIt(t, jake, slug, client.PublishRequest{PublishAt: ptrTo(farAway.Add(time.Hour))})
	require.Equal(t, "even newer", scheduled.Body, "nobody sees it before its time")
	require.Equal(t, client.StatusScheduled, scheduled.Status)
	draft := newDraft(t, jake, "Another")
	publishIt(t, jake, draft, client.PublishRequest{PublishAt: &farAway})
	saveCopy(t, jake, draft, client.UpdateArticle{Title: ptrTo("Other title")})
	require.Equal(t, "other-title", publishIt(t, jake, draft, client.PublishRequest{}).Slug)
	require.Equal(t, "Other title", public(t, s, "other-title").Title)
	requireCounters(t, s)
}

// TestAuthorsSubmitWorkingCopies checks that authors who may not publish can
// prepare and submit a change, and cannot change one that is scheduled.
func TestAuthorsSubmitWorkingCopies(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	before := servertest.New(t, servertest.WithDatabase(url))
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithPublishing(publish.Rules{EditorsOnly: true}))
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := before.Publish(servertest.User{User: jake.User, ClientWithResponses: before.As(jake.Token)}, "Dragons").Slug
	statuses := func(want int) {
		t.Helper()
		require.Equal(t, want, copyIfMatch(t, jake, slug, "*", "by jake"))
		require.Equal(t, want, responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	}
	statuses(http.StatusOK)
	require.Equal(t, http.StatusForbidden, publishArticle(t, jake, slug, client.PublishRequest{}).StatusCode())
	require.Equal(t, http.StatusForbidden, responseOf(jake.RestoreArticleRevisionWithResponse(t.Context(), slug, 2, nil)).StatusCode())
	publishIt(t, ed, slug, client.PublishRequest{PublishAt: &farAway})
	statuses(http.StatusForbidden)
	require.Equal(t, http.StatusForbidden, responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, "by jake", publishIt(t, ed, slug, client.PublishRequest{}).Body)
	require.Equal(t, http.StatusOK, responseOf(ed.UnpublishArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, http.StatusOK, responseOf(ed.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	var entries string
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT string_agg(action, ' ' ORDER BY id) FROM audit_log WHERE subject_kind = 'article'`).Scan(&entries))
	require.Equal(t, "article.published article.published article.unpublished article.submitted", entries, "what the author did is in no log")
	requireCounters(t, s)
}

// TestListsOfWorkingCopies checks that editors find the working copies that are
// in review, in their place among the articles in review.
func TestListsOfWorkingCopies(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	var want []string
	for i := range 7 {
		slug := fmt.Sprint("article-", i)
		if i%2 == 0 {
			s.Publish(jake, slug)
			saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("b")})
		} else {
			newDraft(t, jake, slug)
		}
		if i < 5 {
			require.Equal(t, http.StatusOK, responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())
			want = append([]string{slug}, want...)
		}
	}
	read := func(status *client.ArticleStatus, author *string) (slugs []string, copies int) {
		params := &client.GetEditorialArticlesParams{Status: status, Author: author, Limit: ptrTo(int32(2))}
		for {
			res := responseOf(ed.GetEditorialArticlesWithResponse(t.Context(), params))
			require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
			for _, a := range res.JSON200.Articles {
				slugs = append(slugs, a.Slug)
				if a.WorkingCopy != nil {
					copies++
				}
			}
			if res.JSON200.NextCursor.IsNull() {
				return slugs, copies
			}
			params.Cursor = ptrTo(res.JSON200.NextCursor.MustGet())
		}
	}
	for _, author := range []*string{nil, ptrTo("jake")} {
		slugs, copies := read(ptrTo(client.StatusReview), author)
		require.Equal(t, want, slugs)
		require.Equal(t, 3, copies)
		slugs, copies = read(nil, author)
		require.Len(t, slugs, 7)
		require.Equal(t, 4, copies)
		slugs, _ = read(ptrTo(client.StatusDraft), author)
		require.Equal(t, []string{"article-5"}, slugs)
	}
	own := responseOf(jake.GetCurrentUserArticlesWithResponse(t.Context(), &client.GetCurrentUserArticlesParams{Status: ptrTo(client.StatusPublished)})).JSON200
	require.Equal(t, client.WorkingCopyDraft, *own.Articles[0].WorkingCopy)
	require.Equal(t, client.WorkingCopyReview, *own.Articles[1].WorkingCopy)
	_, body := s.Do("GET", "/articles", "", signed(jake)...)
	require.NotContains(t, body, "workingCopy")
}
