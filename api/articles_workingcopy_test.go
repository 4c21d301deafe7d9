package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func getCopy(t *testing.T, u servertest.User, slug string) (a client.Article, tag string) {
	t.Helper()
	res := responseOf(u.GetWorkingCopyWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Article, res.HTTPResponse.Header.Get("ETag")
}

// copyIfMatch changes the body of a working copy and returns the status.
func copyIfMatch(t *testing.T, u servertest.User, slug, tag, body string) int {
	t.Helper()
	return responseOf(u.UpdateWorkingCopyWithResponse(t.Context(), slug, &client.UpdateWorkingCopyParams{IfMatch: &tag},
		client.UpdateArticleRequest{Article: client.UpdateArticle{Body: &body}})).StatusCode()
}

func TestUpdateWorkingCopy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	a := s.Publish(jake, "Dragons", "x")
	before := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil))
	none, tag := getCopy(t, jake, a.Slug)
	require.Equal(t, responseOf(jake.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article, none, "without a working copy, it is the article")
	require.Equal(t, before.HTTPResponse.Header.Get("ETag"), tag)

	got := saveCopy(t, jake, a.Slug, client.UpdateArticle{Title: ptrTo("Dragons of the north"), TagList: &[]string{"y"}})
	require.Equal(t, "Dragons of the north", got.Title)
	require.Equal(t, a.Body, got.Body)
	require.Equal(t, a.Slug, got.Slug, "the slug changes when it is published")
	require.EqualValues(t, 2, got.Revision)
	require.Equal(t, client.WorkingCopyDraft, got.WorkingCopy.Status)
	require.EqualValues(t, 1, got.WorkingCopy.BasedOn)
	require.Equal(t, "jake", writer(got.WorkingCopy.Author))
	got = saveCopy(t, ed, a.Slug, client.UpdateArticle{Body: ptrTo("by ed")})
	require.Equal(t, "Dragons of the north", got.Title, "a patch applies to the working copy")
	require.EqualValues(t, 3, got.Revision)
	require.Equal(t, "ed", writer(got.WorkingCopy.Author))
	again := saveCopy(t, jake, a.Slug, client.UpdateArticle{Body: ptrTo("by ed")})
	require.Equal(t, got, again, "nothing has changed")
	read, _ := getCopy(t, jake, a.Slug)
	require.Equal(t, got, read)

	after := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil))
	require.Equal(t, string(before.Body), string(after.Body))
	require.Equal(t, before.HTTPResponse.Header.Get("ETag"), after.HTTPResponse.Header.Get("ETag"))
	for _, path := range []string{"/articles", "/articles?tag=y", "/tags", "/profiles/jake", "/user/export"} {
		for _, u := range []servertest.User{s.Register(""), ed} {
			_, body := s.Do("GET", path, "", signed(u)...)
			require.NotContains(t, body, "north", path)
			require.NotContains(t, body, `"y"`, path)
		}
	}
	requireCounters(t, s)

	res, body := s.Do("PUT", "/articles/"+newDraft(t, jake, "A draft")+"/working-copy", `{"article":{"body":"x"}}`, signed(jake)...)
	requireProblem(t, 422, problem.ValidationFailed,
		oneField("status", "is draft: only a published or scheduled article has a working copy; use PUT /articles/{slug}"), res.StatusCode, body)
	sentBack, _ := s.Do("PUT", "/articles/"+a.Slug+"/working-copy", fmt.Sprintf(`{"article":{"body":"new","status":"published","publishedAt":%q,"author":{"username":"jake"}}}`,
		before.JSON200.Article.PublishedAt.MustGet().Format("2006-01-02T15:04:05.000Z07:00")), signed(jake)...)
	require.Equal(t, http.StatusOK, sentBack.StatusCode)
}

func TestDeleteWorkingCopy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	res := responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusNotFound, res.StatusCode())
	saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("one")})
	saveCopy(t, jake, slug, client.UpdateArticle{Title: ptrTo("Title")})
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, nil)).StatusCode())
	got, _ := getCopy(t, jake, slug)
	require.EqualValues(t, 1, got.Revision)
	require.Nil(t, got.WorkingCopy)
	require.Equal(t, "one", revision(t, jake, slug, 3).Body, "what was discarded is a revision")
	requireCounters(t, s)
	require.EqualValues(t, 4, saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("two")}).Revision)
	require.Equal(t, []int32{4, 3, 2, 1}, numbers(revisions(t, jake, slug)))
	requireCounters(t, s)
}

// TestTwoEditors checks that nobody overwrites the working copy of somebody
// else unseen, whatever happens to it in between.
func TestTwoEditors(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	stale := func(slug, tag string) {
		t.Helper()
		kept, _ := getCopy(t, ed, slug)
		require.Equal(t, http.StatusPreconditionFailed, copyIfMatch(t, jake, slug, tag, "lost update"))
		require.Equal(t, http.StatusPreconditionFailed, responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, &client.DeleteWorkingCopyParams{IfMatch: &tag})).StatusCode())
		require.Equal(t, http.StatusPreconditionFailed, responseOf(jake.PublishArticleWithResponse(t.Context(), slug, &client.PublishArticleParams{IfMatch: &tag}, client.PublishRequest{})).StatusCode())
		require.Equal(t, http.StatusPreconditionFailed, responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, &client.SubmitArticleParams{IfMatch: &tag})).StatusCode())
		now, _ := getCopy(t, ed, slug)
		require.Equal(t, kept, now)
	}
	for name, act := range map[string]func(slug string){
		"Begun": func(slug string) { saveCopy(t, ed, slug, client.UpdateArticle{Body: ptrTo("by ed")}) },
		"Published": func(slug string) {
			publishArticle(t, ed, slug, client.PublishRequest{UnpublishAt: ptrTo(farAway)})
		},
		"Rewritten": func(slug string) { rewrite(t, ed, slug, client.UpdateArticle{Body: ptrTo("directly")}) },
	} {
		slug := s.Publish(jake, "Without a copy "+name).Slug
		_, tag := getCopy(t, jake, slug)
		act(slug)
		stale(slug, tag)
	}
	for name, act := range map[string]func(slug string){
		"Changed": func(slug string) { saveCopy(t, ed, slug, client.UpdateArticle{Body: ptrTo("by ed")}) },
		"Published": func(slug string) {
			publishArticle(t, ed, slug, client.PublishRequest{})
		},
		"Scheduled": func(slug string) {
			publishArticle(t, ed, slug, client.PublishRequest{PublishAt: ptrTo(farAway)})
		},
		"Submitted": func(slug string) { responseOf(ed.SubmitArticleWithResponse(t.Context(), slug, nil)) },
		"Rewritten": func(slug string) { rewrite(t, ed, slug, client.UpdateArticle{Body: ptrTo("directly")}) },
		"Replaced": func(slug string) {
			responseOf(ed.DeleteWorkingCopyWithResponse(t.Context(), slug, nil))
			saveCopy(t, ed, slug, client.UpdateArticle{Body: ptrTo("another one")})
		},
		"Discarded": func(slug string) { responseOf(ed.DeleteWorkingCopyWithResponse(t.Context(), slug, nil)) },
	} {
		slug := s.Publish(jake, "With a copy "+name).Slug
		saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("by jake")})
		_, tag := getCopy(t, jake, slug)
		require.Equal(t, http.StatusOK, copyIfMatch(t, jake, slug, tag, "by jake again"))
		_, tag = getCopy(t, jake, slug)
		act(slug)
		stale(slug, tag)
		all := ""
		for _, n := range numbers(revisions(t, jake, slug)) {
			all += revision(t, jake, slug, n).Body + "\n"
		}
		require.Contains(t, all, "by jake again\n", name)
		require.True(t, strings.Contains(all, "by jake\n"), name)
	}
	// The tag of the article is none of the working copy, and the other way round.
	slug := s.Publish(jake, "Both").Slug
	public := responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).HTTPResponse.Header.Get("ETag")
	saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("by jake")})
	_, tag := getCopy(t, jake, slug)
	require.Equal(t, http.StatusPreconditionFailed, copyIfMatch(t, jake, slug, public, "x"))
	for ifMatch, want := range map[string]int{tag: http.StatusPreconditionFailed, public: http.StatusOK} {
		res := responseOf(jake.UpdateArticleWithResponse(t.Context(), slug, &client.UpdateArticleParams{IfMatch: &ifMatch}, client.UpdateArticleRequest{}))
		require.Equal(t, want, res.StatusCode())
	}
	requireCounters(t, s)
}

// TestSimultaneousWorkingCopies has many writers at once. Of those who have
// read the same text one succeeds, and no text is lost.
func TestSimultaneousWorkingCopies(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	for round := range 3 {
		_, tag := getCopy(t, jake, slug)
		won := 0
		for _, status := range together(16, func(i int) int { return copyIfMatch(t, jake, slug, tag, fmt.Sprint(round, i)) }) {
			if status == http.StatusOK {
				won++
			} else {
				require.Equal(t, http.StatusPreconditionFailed, status)
			}
		}
		require.Equal(t, 1, won, "round %d", round)
	}
	statuses := together(16, func(i int) int {
		switch i % 4 {
		case 0:
			return publishArticle(t, jake, slug, client.PublishRequest{}).StatusCode()
		case 1:
			return responseOf(jake.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleRequest{Article: client.UpdateArticle{Body: ptrTo(fmt.Sprint("article ", i))}})).StatusCode()
		default:
			return copyIfMatch(t, jake, slug, "*", fmt.Sprint("copy ", i))
		}
	})
	require.NotContains(t, statuses, http.StatusInternalServerError)
	texts := map[string]bool{}
	list := revisions(t, jake, slug)
	for _, n := range numbers(list) {
		texts[revision(t, jake, slug, n).Body] = true
	}
	for i := range 16 {
		switch i % 4 {
		case 0:
		case 1:
			require.True(t, texts[fmt.Sprint("article ", i)])
		default:
			require.True(t, texts[fmt.Sprint("copy ", i)])
		}
	}
	require.Equal(t, list[0].Number, int32(len(list)), "every text has a number of its own")
	requireCounters(t, s)
}

// TestWorkingCopyStorage checks that working copies and older texts count for
// the account, and that one that is too long changes nothing.
func TestWorkingCopyStorage(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithAccountStorage(10_000))
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo(strings.Repeat("x", 6000))})
	for _, c := range []string{"y", "z"} { // older texts may have twice as much
		saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo(strings.Repeat(c, 6000))})
	}
	before, tag := getCopy(t, jake, slug)
	res, body := s.Do("PUT", "/articles/"+slug+"/working-copy", `{"article":{"body":"`+strings.Repeat("x", 2500)+`"}}`, signed(jake)...)
	requireProblem(t, 422, problem.ValidationFailed, oneField("storage", "maximum of 10000 bytes reached"), res.StatusCode, body)
	publishSized(t, jake, "Room", 9000)
	after, same := getCopy(t, jake, slug)
	require.Equal(t, before, after)
	require.Equal(t, tag, same)
	requireCounters(t, s)
}
