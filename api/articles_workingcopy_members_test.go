package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// putCopy changes the working copy of an article, and returns it.
func putCopy(t *testing.T, s *servertest.Service, u servertest.User, slug, members string) map[string]json.RawMessage {
	t.Helper()
	res, body := s.Do("PUT", "/articles/"+slug+"/working-copy", `{"article":{`+members+`}}`, signed(u)...)
	return rawArticle(t, http.StatusOK, res, body)
}

// TestWorkingCopyDetails checks that all members of a text are in its working
// copy, and in its revisions.
func TestWorkingCopyDetails(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	first := []string{"metaTitle", `"First"`, "metadata", `{"a":1,"b":2}`}
	second := []string{"metaTitle", `"Second"`, "metadata", `{"b":2}`}
	res, body := s.Do("PUT", "/articles/"+slug, `{"article":{"metaTitle":"First","metadata":{"a":1,"b":2}}}`, signed(jake)...)
	requireDetails(t, rawArticle(t, http.StatusOK, res, body), first...)

	requireDetails(t, putCopy(t, s, jake, slug, `"title":"Dragons"`), first...)
	_, tag := getCopy(t, jake, slug)
	requireDetails(t, putCopy(t, s, jake, slug, `"metaTitle":"First","metadata":{"b":2}`), first...)
	_, same := getCopy(t, jake, slug)
	require.Equal(t, tag, same, "nothing has changed")
	requireDetails(t, putCopy(t, s, jake, slug, `"metaTitle":"Second","metadata":{"a":null}`), second...)
	res, body = s.Do("GET", "/articles/"+slug, "")
	requireDetails(t, rawArticle(t, http.StatusOK, res, body), first...)
	requireCounters(t, s)

	publishIt(t, jake, slug, client.PublishRequest{})
	res, body = s.Do("GET", "/articles/"+slug, "")
	requireDetails(t, rawArticle(t, http.StatusOK, res, body), second...)
	for number, want := range map[int][]string{1: nil, 2: first, 4: second} {
		res, body := s.Do("GET", fmt.Sprintf("/articles/%s/revisions/%d", slug, number), "", signed(jake)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		var got struct{ Revision map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(body), &got))
		requireDetails(t, got.Revision, want...)
	}
	res, body = s.Do("POST", "/articles/"+slug+"/revisions/2/restore", "", signed(jake)...)
	requireDetails(t, rawArticle(t, http.StatusOK, res, body), first...)
	requireCounters(t, s)
}

// TestWorkingCopyWords checks that the words of a working copy are counted, and
// those of what it is published as and of what is restored.
func TestWorkingCopyWords(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	words := func() string {
		res, body := s.Do("GET", "/articles/"+slug, "")
		return string(rawArticle(t, http.StatusOK, res, body)["wordCount"])
	}
	before := words()
	stored := func() int {
		return count(t, s, `SELECT word_count FROM articles WHERE slug = 'dragons'`)
	}
	require.Equal(t, "3", string(putCopy(t, s, jake, slug, `"body":"one two three"`)["wordCount"]))
	require.Equal(t, "3", string(putCopy(t, s, jake, slug, `"title":"dragons"`)["wordCount"]))
	require.Equal(t, before, words())
	publishIt(t, jake, slug, client.PublishRequest{})
	require.Equal(t, "3", words())
	require.Equal(t, 3, stored())
	res, body := s.Do("POST", "/articles/"+slug+"/revisions/1/restore", "", signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Equal(t, before, words())
	require.Equal(t, before, fmt.Sprint(stored()))
}

// TestWorkingCopyHasOnlyText checks that what is no part of a working copy is
// refused, unless it says what the article has.
func TestWorkingCopyHasOnlyText(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug, other := s.Publish(jake, "Dragons").Slug, s.Publish(jake, "Others").Slug
	for member, value := range map[string]string{
		"author": `"jake"`, "slug": `"lizards"`, "commentsOpen": `false`, "series": `{"slug":"a"}`, "translationOf": `"` + other + `"`,
	} {
		res, body := s.Do("PUT", "/articles/"+slug+"/working-copy", fmt.Sprintf(`{"article":{"body":"x",%q:%s}}`, member, value), signed(jake)...)
		requireProblem(t, 422, problem.ValidationFailed, oneField(member, "cannot be changed here: use PUT /articles/{slug}"), res.StatusCode, body)
	}
	putCopy(t, s, jake, slug, `"body":"x","slug":"dragons","commentsOpen":true,"series":null,"translationOf":null`)

	ed := withRole(s, "ed", auth.Editor)
	res, body := s.Do("POST", "/series", `{"series":{"title":"Tales"}}`, signed(ed)...)
	require.Equal(t, http.StatusCreated, res.StatusCode, body)
	res, body = s.Do("PUT", "/articles/"+slug, `{"article":{"series":{"slug":"tales"}}}`, signed(jake)...)
	place := string(rawArticle(t, http.StatusOK, res, body)["series"])
	require.Contains(t, place, `"tales"`)
	putCopy(t, s, jake, slug, `"body":"y","series":`+place)
	for _, other := range []string{`null`, `{"slug":"none"}`, `{"slug":"tales","position":7}`} {
		res, body := s.Do("PUT", "/articles/"+slug+"/working-copy", `{"article":{"body":"x","series":`+other+`}}`, signed(jake)...)
		requireProblem(t, 422, problem.ValidationFailed, oneField("series", "cannot be changed here: use PUT /articles/{slug}"), res.StatusCode, body)
	}
}

// TestWorkingCopyKeepsSlug checks that a slug that somebody has given stays
// when a working copy with another title is published, or a revision restored.
func TestWorkingCopyKeepsSlug(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	jake := s.Register("jake")
	s.Publish(jake, "Dragons")
	res, body := s.Do("PUT", "/articles/dragons", `{"article":{"slug":"mine"}}`, signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	putCopy(t, s, jake, "mine", `"title":"Lizards"`)
	got := publishIt(t, jake, "mine", client.PublishRequest{})
	require.Equal(t, "mine", got.Slug)
	require.Equal(t, "Lizards", got.Title)
	res, body = s.Do("POST", "/articles/mine/revisions/1/restore", "", signed(jake)...)
	require.Equal(t, `"mine"`, string(rawArticle(t, http.StatusOK, res, body)["slug"]))

	putCopy(t, s, jake, "mine", `"title":"Snakes"`)
	var at time.Time
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() + interval '300 milliseconds'`).Scan(&at))
	publishIt(t, jake, "mine", client.PublishRequest{PublishAt: &at})
	require.Eventually(t, func() bool { return public(t, s, "mine").Title == "Snakes" }, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, "mine", public(t, s, "mine").Slug)
}

// TestWorkingCopyTags checks that a working copy has the spellings that tags
// are shown with, and that tags which stay the same make no revision.
func TestWorkingCopyTags(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	s.Publish(jake, "First", "Go")
	slug := s.Publish(jake, "Dragons", "Go").Slug
	res, body := s.Do("PUT", "/articles/"+slug, `{"article":{"tagList":["gO"]}}`, signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Equal(t, []int32{1}, numbers(revisions(t, jake, slug)), "it is the same tag")
	saveCopy(t, jake, slug, client.UpdateArticle{TagList: &[]string{"go", "new"}})
	require.Equal(t, []string{"Go", "new"}, publishIt(t, jake, slug, client.PublishRequest{}).TagList)
	requireCounters(t, s)
	many := make([]string, 31)
	for i := range many {
		many[i] = fmt.Sprint("tag", i)
	}
	text, err := json.Marshal(many)
	require.NoError(t, err)
	res, body = s.Do("PUT", "/articles/"+slug+"/working-copy", `{"article":{"tagList":`+string(text)+`}}`, signed(jake)...)
	require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, body)
}

// TestPreviewOfWorkingCopy checks that a preview shows what would be published
// now.
func TestPreviewOfWorkingCopy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	p := preview(t, jake, slug)
	require.Equal(t, "Dragons", previewed(t, s, p.Token).JSON200.Article.Title)
	putCopy(t, s, jake, slug, `"title":"Lizards","metaTitle":"Snakes"`)
	got := previewed(t, s, p.Token).JSON200.Article
	require.Equal(t, "Lizards", got.Title)
	require.EqualValues(t, "Snakes", got.MetaTitle.MustGet())
	require.Equal(t, "Dragons", public(t, s, slug).Title)
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, "Dragons", previewed(t, s, p.Token).JSON200.Article.Title)
}

// TestWorkingCopyJobs checks that a working copy has jobs for no more than its
// time, and that they do not depend on those of its article.
func TestWorkingCopyJobs(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	jobs := func(where string) int {
		return count(t, s, `SELECT count(*) FROM river_job WHERE kind = 'publication_due' AND `+where)
	}
	ofCopies := func() int { return jobs(`args ? 'workingCopy'`) }
	putCopy(t, s, jake, slug, `"title":"Lizards"`)
	for i := range 3 {
		at := farAway.Add(time.Duration(i) * time.Second)
		publishIt(t, jake, slug, client.PublishRequest{PublishAt: &at, UnpublishAt: ptrTo(at.Add(time.Hour))})
	}
	require.Equal(t, 2, ofCopies())
	require.Equal(t, 4, jobs("true"))
	require.Equal(t, http.StatusOK, responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, 0, ofCopies())
	require.Equal(t, 2, jobs("true"), "the article has a time still")
	publishIt(t, jake, slug, client.PublishRequest{PublishAt: &farAway})
	require.Equal(t, 2, ofCopies())
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, 0, ofCopies())

	change(t, s, `INSERT INTO articles (slug, author_id, title, description, body, status, published_at, hidden)
		SELECT 'waiting-' || n, u.id, 't', 'd', 'b', 'scheduled', $1, true FROM users u, generate_series(1, 100) n WHERE u.username = 'jake'`, farAway)
	putCopy(t, s, jake, slug, `"title":"Lizards"`)
	res, body := s.Do("POST", "/articles/"+slug+"/publish", `{"publishAt":"2099-01-01T00:00:00Z"}`, signed(jake)...)
	requireProblem(t, 422, problem.ValidationFailed, oneField("schedule", "maximum of 100 scheduled articles reached"), res.StatusCode, body)
}
