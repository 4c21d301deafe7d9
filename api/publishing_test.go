package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// newDraft creates a draft and returns its slug.
func newDraft(t *testing.T, by servertest.User, title string) string {
	t.Helper()
	return writeDraft(t, by, title, "b")
}

// writeDraft is newDraft with a body.
func writeDraft(t *testing.T, by servertest.User, title, body string) string {
	t.Helper()
	res := responseOf(by.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{Article: client.NewArticle{
		Title: title, Description: "d", Body: body, Status: ptrTo(client.StatusDraft),
	}}))
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return res.JSON201.Article.Slug
}

func publishArticle(t *testing.T, by servertest.User, slug string, in client.PublishRequest) *client.PublishArticleResponse {
	t.Helper()
	return responseOf(by.PublishArticleWithResponse(t.Context(), slug, nil, in))
}

// TestPublishArticle walks an article through its states.
func TestPublishArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := newDraft(t, jake, "A draft")
	submitted := responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, submitted.StatusCode(), string(submitted.Body))
	require.Equal(t, client.StatusReview, submitted.JSON200.Article.Status)
	require.Equal(t, 404, responseOf(s.As("").GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())

	soon := time.Now().Add(time.Hour)
	later := soon.Add(time.Hour)
	for _, wrong := range []client.PublishRequest{
		{PublishAt: ptrTo(time.Now().Add(-time.Hour))}, {UnpublishAt: ptrTo(time.Now().Add(-time.Hour))}, {PublishAt: &later, UnpublishAt: &soon},
	} {
		require.Equal(t, 422, publishArticle(t, jake, slug, wrong).StatusCode())
	}
	scheduled := publishArticle(t, jake, slug, client.PublishRequest{PublishAt: &soon, UnpublishAt: &later})
	require.Equal(t, http.StatusOK, scheduled.StatusCode(), string(scheduled.Body))
	require.Equal(t, client.StatusScheduled, scheduled.JSON200.Article.Status)
	require.Equal(t, 404, responseOf(s.As("").GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, 422, responseOf(jake.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())

	published := publishArticle(t, jake, slug, client.PublishRequest{})
	require.Equal(t, http.StatusOK, published.StatusCode(), string(published.Body))
	require.Equal(t, client.StatusPublished, published.JSON200.Article.Status)
	require.Equal(t, 200, responseOf(s.As("").GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	again := publishArticle(t, jake, slug, client.PublishRequest{})
	require.Equal(t, published.JSON200.Article.PublishedAt, again.JSON200.Article.PublishedAt, "published already")
	requireCounters(t, s)

	withdrawn := responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, withdrawn.StatusCode(), string(withdrawn.Body))
	require.Equal(t, client.StatusDraft, withdrawn.JSON200.Article.Status)
	require.True(t, withdrawn.JSON200.Article.PublishedAt.IsNull())
	require.Equal(t, 404, responseOf(s.As("").GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	requireCounters(t, s)
	require.Zero(t, auditCount(t, s), "what authors do to their own articles is not in the log")
}

// TestPublishingOfOthers checks that the audit log has what editors do to the
// articles of others, once, with the status before and after.
func TestPublishingOfOthers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := newDraft(t, jake, "A draft")
	for range 2 { // the second time changes nothing
		require.Equal(t, 200, responseOf(ed.SubmitArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	}
	require.Equal(t, 200, publishArticle(t, ed, slug, client.PublishRequest{PublishAt: ptrTo(time.Now().Add(time.Hour))}).StatusCode())
	for range 2 {
		require.Equal(t, 200, publishArticle(t, ed, slug, client.PublishRequest{}).StatusCode())
	}
	for range 2 {
		require.Equal(t, 200, responseOf(ed.UnpublishArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	}
	log := responseOf(withRole(s, "root", auth.Admin).GetAuditLogWithResponse(t.Context(), nil))
	require.Equal(t, http.StatusOK, log.StatusCode(), string(log.Body))
	var got []string
	for _, e := range log.JSON200.Entries {
		require.Contains(t, string(log.Body), `"username":"ed"`)
		require.Equal(t, client.SubjectArticle, e.Subject.Kind)
		got = append(got, fmt.Sprint(e.Action, " ", e.From.MustGet(), " ", e.To.MustGet()))
	}
	require.Equal(t, []string{
		"article.unpublished published draft", "article.published scheduled published", "article.published review scheduled", "article.submitted draft review",
	}, got)
	own := newDraft(t, ed, "By an editor")
	require.Equal(t, 200, publishArticle(t, ed, own, client.PublishRequest{}).StatusCode())
	require.Equal(t, 4, auditCount(t, s), "what editors do to their own articles is not in the log")
}

// TestGetCurrentUserArticles checks that authors list their articles in any
// state, and that GetEditorialArticles lists those of everybody for editors.
func TestGetCurrentUserArticles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, ed := s.Register("jake"), s.Register("anna"), withRole(s, "ed", auth.Editor)
	s.Publish(jake, "First")
	newDraft(t, jake, "Second")
	newDraft(t, anna, "Third")
	titles := func(list *client.OwnArticles) (out []string) {
		for _, a := range list.Articles {
			out = append(out, a.Title)
		}
		return out
	}
	own := func(status *client.StatusFilter) []string {
		return titles(responseOf(jake.GetCurrentUserArticlesWithResponse(t.Context(), &client.GetCurrentUserArticlesParams{Status: status})).JSON200)
	}
	require.Equal(t, []string{"Second", "First"}, own(nil))
	require.Equal(t, []string{"Second"}, own(ptrTo(client.StatusDraft)))
	editorial := func(in client.GetEditorialArticlesParams) []string {
		return titles(responseOf(ed.GetEditorialArticlesWithResponse(t.Context(), &in)).JSON200)
	}
	require.Equal(t, []string{"Third", "Second", "First"}, editorial(client.GetEditorialArticlesParams{}))
	require.Equal(t, []string{"Third", "Second"}, editorial(client.GetEditorialArticlesParams{Status: ptrTo(client.StatusDraft)}))
	require.Equal(t, []string{"Third"}, editorial(client.GetEditorialArticlesParams{Author: ptrTo("anna")}))
	require.Equal(t, 403, responseOf(jake.GetEditorialArticlesWithResponse(t.Context(), nil)).StatusCode())
}

// TestVisibilityIsOneRule compares the rule that queries use, article_visible,
// with that of package visibility, for every article and every viewer.
func TestVisibilityIsOneRule(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const author = 7
	seen := map[bool]int{}
	for _, status := range []client.ArticleStatus{client.StatusDraft, client.StatusReview, client.StatusScheduled, client.StatusPublished} {
		for _, hidden := range []bool{true, false} {
			if !hidden && status != client.StatusPublished {
				continue // a constraint of the table
			}
			for _, id := range []int64{0, author, 8} {
				for role := auth.Reader; role <= auth.Admin; role++ {
					for _, scope := range []auth.Scope{auth.ScopeRead, auth.ScopeWrite, auth.ScopeAdmin, auth.ScopeAccount} {
						viewer := auth.Viewer{ID: id, Role: role, Scope: scope}
						if id == 0 {
							viewer = auth.Viewer{}
						}
						ctx := request.With(t.Context(), &request.Info{Viewer: viewer})
						var inSQL bool
						require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT article_visible($1, $2, $3, $4, $5)`,
							hidden, status, author, viewer.ID, visibility.Level(viewer)).Scan(&inSQL))
						inGo := visibility.To(ctx, hidden, string(status), author)
						require.Equal(t, inSQL, inGo, "%s, hidden: %v, to %+v", status, hidden, viewer)
						if hidden && id != author {
							want := role >= auth.Editor || role == auth.Moderator && status == client.StatusPublished
							require.Equal(t, id != 0 && want && scope >= auth.ScopeAdmin, inGo, "%s to %+v", status, viewer)
						}
						seen[inGo]++
					}
				}
			}
		}
	}
	require.Greater(t, min(seen[true], seen[false]), 50)
}

// TestListsOfPublished checks that each list of articles is in the order of
// publication, page by page, and shows only those who may change an article how
// far it is.
func TestListsOfPublished(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, ed, mia := s.Register("jake"), s.Register("anna"), withRole(s, "ed", auth.Editor), withRole(s, "mia", auth.Moderator)
	res, body := s.Do("POST", "/articles", `{"article":{"title":"Early","description":"d","body":"b","tagList":["x"],"status":"draft"}}`, signed(jake)...)
	early := articleIn(t, http.StatusCreated, res, body)
	require.True(t, early.PublishedAt.IsNull())
	for _, title := range []string{"First", "Second"} {
		a := s.Publish(jake, title, "x")
		require.Equal(t, a.CreatedAt, a.PublishedAt.MustGet(), "published at once")
	}
	published := publishArticle(t, jake, early.Slug, client.PublishRequest{}).JSON200.Article
	require.Equal(t, early.CreatedAt, published.CreatedAt)
	require.True(t, published.PublishedAt.MustGet().After(published.CreatedAt))
	at := published.PublishedAt.MustGet().Format("2006-01-02T15:04:05.000Z")
	readers := map[string]servertest.User{"jake": jake, "ed": ed, "anna": anna, "mia": mia, "a key of ed": {User: client.User{Token: newKey(t, ed, client.Write).Key}}}
	for _, u := range readers {
		for _, path := range []string{"/profiles/jake/follow", "/articles/early/favorite", "/articles/second/favorite", "/articles/first/favorite"} {
			s.Do("POST", path, "", signed(u)...)
		}
	}
	for _, path := range []string{"/articles?", "/articles?author=jake&", "/articles?tag=x&", "/articles?favorited=anna&", "/articles?favorited=anna&tag=x&author=jake&", "/articles/feed?"} {
		for name, u := range readers {
			if name == "jake" && path == "/articles/feed?" {
				continue // nobody follows themselves
			}
			_, body := s.Do("GET", path, "", signed(u)...)
			require.Regexp(t, `"title":"Early".*"title":"Second".*"title":"First"`, body, path)
			edits := name == "jake" || name == "ed"
			require.Equal(t, edits, strings.Contains(body, `"publishedAt":"`+at+`"`), "%s as %s: %s", path, name, body)
			require.Equal(t, edits, strings.Contains(body, `"status"`), "%s as %s", path, name)

			walked, query := "", "limit=1"
			for range 3 {
				var page struct {
					Articles   []struct{ Title string }
					NextCursor *string
				}
				_, body := s.Do("GET", path+query, "", signed(u)...)
				require.NoError(t, json.Unmarshal([]byte(body), &page))
				walked += page.Articles[0].Title + " "
				if page.NextCursor != nil {
					query = "limit=1&cursor=" + *page.NextCursor
				}
			}
			require.Equal(t, "Early Second First ", walked, path)
		}
	}
}

// TestBatchOfDrafts checks that authors and editors find drafts in a batch, and
// that for others they are missing.
func TestBatchOfDrafts(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slugs := []string{newDraft(t, jake, "A draft"), s.Publish(jake, "Public").Slug}
	for name, u := range map[string]servertest.User{
		"jake": jake, "ed": ed, "anna": s.Register("anna"), "mia": withRole(s, "mia", auth.Moderator), "nobody": {ClientWithResponses: s.Anonymous},
	} {
		res := responseOf(u.BatchGetArticlesWithResponse(t.Context(), nil, client.BatchGetArticlesJSONRequestBody{Slugs: slugs}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		if name == "jake" || name == "ed" {
			require.Len(t, res.JSON200.Articles, 2, name)
			require.Equal(t, client.StatusDraft, res.JSON200.Articles[0].Status)
			require.Empty(t, res.JSON200.Missing)
			continue
		}
		require.Len(t, res.JSON200.Articles, 1, name)
		require.Equal(t, slugs[:1], res.JSON200.Missing, name)
	}
}

// TestScheduledArticle checks that an article becomes public at its time and
// ends at its time, once, without a request.
func TestScheduledArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	jake := s.Register("jake")
	s.Publish(jake, "Before")
	var due time.Time
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() + interval '700 milliseconds'`).Scan(&due))
	res, body := s.Do("POST", "/articles", fmt.Sprintf(`{"article":{"title":"Later","description":"d","body":"b","tagList":["x"],
		"status":"scheduled","publishedAt":%q}}`, due.UTC().Format(time.RFC3339Nano)), signed(jake)...)
	a := articleIn(t, http.StatusCreated, res, body)
	require.Equal(t, "later", a.Slug)
	res, _ = s.Do("GET", "/articles/later", "")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	_, list := s.Do("GET", "/articles", "")
	require.NotContains(t, list, "Later")
	s.Publish(jake, "Between")

	require.Eventually(t, func() bool {
		res, body = s.Do("GET", "/articles/later", "")
		return res.StatusCode == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond)
	var late time.Duration
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() - published_at FROM articles WHERE slug = 'later'`).Scan(&late))
	require.Positive(t, late, "never early")
	require.Contains(t, body, `"publishedAt":"`+due.UTC().Round(time.Millisecond).Format("2006-01-02T15:04:05.000Z")+`"`)
	_, list = s.Do("GET", "/articles?tag=x", "")
	require.Contains(t, list, "Later")
	_, list = s.Do("GET", "/articles", "")
	require.Regexp(t, `"title":"Later".*"title":"Between".*"title":"Before"`, list, "in the order of publication")
	requireCounters(t, s)

	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() + interval '500 milliseconds'`).Scan(&due))
	res, body = s.Do("POST", "/articles/later/publish", fmt.Sprintf(`{"unpublishAt":%q}`, due.UTC().Format(time.RFC3339Nano)), signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Eventually(t, func() bool {
		res, _ = s.Do("GET", "/articles/later", "")
		return res.StatusCode == http.StatusNotFound
	}, 20*time.Second, 50*time.Millisecond)
	_, body = s.Do("GET", "/articles/later", "", signed(jake)...)
	require.Contains(t, body, `"publishedAt":null`)
	require.Contains(t, body, `"slug":"later","status":"draft"`)
	requireCounters(t, s)
}

// TestTimesOfPublication publishes at times that the database rounds, or that
// no response can show.
func TestTimesOfPublication(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	for label, test := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"SameMillisecond":      {`{"publishAt":"2099-01-01T00:00:00.0001Z","unpublishAt":"2099-01-01T00:00:00.0002Z"}`, 422, `"unpublishAt":["must be after publishAt"]`},
		"SameMicrosecond":      {`{"publishAt":"2099-01-01T00:00:00.0000001Z","unpublishAt":"2099-01-01T00:00:00.0000002Z"}`, 422, `"unpublishAt":["must be after publishAt"]`},
		"Rounded":              {`{"publishAt":"2099-01-01T00:00:00.0006Z"}`, 200, `"publishedAt":"2099-01-01T00:00:00.001Z"`},
		"OtherZone":            {`{"publishAt":"2099-01-01T00:00:00+23:59"}`, 200, `"publishedAt":"2098-12-31T00:01:00.000Z"`},
		"Latest":               {`{"publishAt":"9999-12-31T23:59:59.998Z","unpublishAt":"9999-12-31T23:59:59.999Z"}`, 200, `"unpublishAt":"9999-12-31T23:59:59.999Z"`},
		"TooLate":              {`{"publishAt":"9999-12-31T23:59:59.9999Z"}`, 422, `"publishAt":["must be before the year 10000"]`},
		"TooLateInUTC":         {`{"publishAt":"9999-12-31T23:59:59-12:00"}`, 422, `"publishAt":["must be before the year 10000"]`},
		"EndsTooLate":          {`{"unpublishAt":"9999-12-31T23:59:59-12:00"}`, 422, `"unpublishAt":["must be before the year 10000"]`},
		"BeforeTheFirstYear":   {`{"publishAt":"0000-01-01T00:00:00+14:00"}`, 422, `"publishAt":["must be in the future"]`},
		"EndsInTheFirstYear":   {`{"unpublishAt":"0001-01-01T00:00:00Z"}`, 422, `"unpublishAt":["must be in the future"]`},
		"ManyDigits":           {`{"publishAt":"2099-01-01T00:00:00.9999999999999999999Z"}`, 200, `"publishedAt":"2099-01-01T00:00:01.000Z"`},
		"EndsMillisecondLater": {`{"publishAt":"2099-01-01T00:00:00.000Z","unpublishAt":"2099-01-01T00:00:00.0006Z"}`, 200, `"unpublishAt":"2099-01-01T00:00:00.001Z"`},
	} {
		res, body := s.Do("POST", "/articles/"+newDraft(t, jake, label)+"/publish", test.body, signed(jake)...)
		require.Equal(t, test.status, res.StatusCode, "%s: %s", label, body)
		require.Contains(t, body, test.want, label)
	}
	for at, want := range map[string]int{"9999-12-31T23:59:59-12:00": 422, "2099-01-01T00:00:00.0001Z": 201} {
		res, body := s.Do("POST", "/articles", `{"article":{"title":"Later","description":"d","body":"b","status":"scheduled","publishedAt":"`+at+`"}}`, signed(jake)...)
		require.Equal(t, want, res.StatusCode, body)
	}
}
