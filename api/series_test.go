package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// newSeries creates a series as an editor, and returns its slug.
func newSeries(t *testing.T, by servertest.User, title string) string {
	t.Helper()
	res := responseOf(by.CreateSeriesWithResponse(t.Context(), nil, client.NewSeriesRequest{Series: client.NewSeries{Title: title}}))
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	require.Equal(t, "/api/series/"+res.JSON201.Series.Slug, res.HTTPResponse.Header.Get("Location"))
	return res.JSON201.Series.Slug
}

// place puts an article into a series, at its end if the position is 0.
func place(t *testing.T, by servertest.User, slug, series string, position int32) (status int, body string) {
	t.Helper()
	in := client.NewPlaceInSeries{Slug: series}
	if position != 0 {
		in.Position = &position
	}
	res := responseOf(by.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleRequest{Article: client.UpdateArticle{Series: nullable.NewNullableWithValue(in)}}))
	return res.StatusCode(), string(res.Body)
}

// seriesTitles returns the titles of the articles of a series, for a viewer.
func seriesTitles(t *testing.T, s *servertest.Service, path string, header ...string) (titles []string) {
	t.Helper()
	res, body := s.Do("GET", path, "", header...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	var found client.SeriesResponse
	require.NoError(t, json.Unmarshal([]byte(body), &found))
	for _, a := range found.Series.Articles {
		titles = append(titles, a.Title)
	}
	return titles
}

func TestSeries(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := newSeries(t, ed, "Dragons for beginners")
	require.Equal(t, "dragons-for-beginners", slug)
	one, two, three := s.Publish(jake, "One").Slug, s.Publish(jake, "Two").Slug, s.Publish(jake, "Three").Slug
	for _, a := range []string{one, two} {
		status, body := place(t, jake, a, slug, 0)
		require.Equal(t, http.StatusOK, status, body)
	}
	status, body := place(t, jake, three, slug, 1)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `"series":{"position":1,"slug":"dragons-for-beginners","title":"Dragons for beginners"}`)
	require.Equal(t, []string{"One", "Three", "Two"}, seriesTitles(t, s, "/series/"+slug), "equal positions are in the order of creation")

	changed := responseOf(ed.UpdateSeriesWithResponse(t.Context(), slug, nil, client.UpdateSeriesRequest{Series: client.UpdateSeries{
		Title: ptrTo("Dragons"), Articles: &[]string{two, one},
	}}))
	require.Equal(t, http.StatusOK, changed.StatusCode(), string(changed.Body))
	require.Equal(t, client.Series{Slug: slug, Title: "Dragons", ArticlesCount: 3, Articles: []client.SeriesArticle{
		{Slug: two, Title: "Two", Position: 1}, {Slug: one, Title: "One", Position: 2}, {Slug: three, Title: "Three", Position: 3},
	}}, changed.JSON200.Series)
	require.Equal(t, []string{"Two", "One", "Three"}, seriesTitles(t, s, "/series/"+slug))
	_, body = s.Do("GET", "/articles/"+three, "")
	require.Contains(t, body, `"series":{"position":3,"slug":"dragons-for-beginners","title":"Dragons"}`)

	listed := responseOf(jake.ListSeriesWithResponse(t.Context(), nil))
	require.Equal(t, []client.SeriesSummary{{Slug: slug, Title: "Dragons", ArticlesCount: 3}}, listed.JSON200.Series)

	left := responseOf(jake.UpdateArticleWithBodyWithResponse(t.Context(), one, nil, "application/json", strings.NewReader(`{"article":{"series":null}}`)))
	require.Equal(t, http.StatusOK, left.StatusCode(), string(left.Body))
	require.True(t, left.JSON200.Article.Series.IsNull())
	require.Equal(t, []string{"Two", "Three"}, seriesTitles(t, s, "/series/"+slug))

	gone := responseOf(ed.DeleteSeriesWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusNoContent, gone.StatusCode(), string(gone.Body))
	missing := responseOf(ed.GetSeriesWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusNotFound, missing.StatusCode())
	_, body = s.Do("GET", "/articles/"+two, "")
	require.Contains(t, body, `"series":null`)
	require.Equal(t, []string{"ed series.created", "ed series.updated", "ed series.deleted"}, auditActions(t, s))
	requireCounters(t, s)
}

// TestSeriesSentBack checks that a front end can send back an article as it has
// got it.
func TestSeriesSentBack(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := newSeries(t, ed, "A series")
	one, two := s.Publish(jake, "One").Slug, s.Publish(jake, "Two").Slug
	res, body := s.Do("PUT", "/articles/"+two, fmt.Sprintf(`{"article":{"series":{"slug":%q},"translationOf":%q}}`, slug, one), signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	tag := res.Header.Get("ETag")
	again, body := s.Do("PUT", "/articles/"+two, body, signed(jake, "If-Match", tag)...)
	require.Equal(t, http.StatusOK, again.StatusCode, body)
	require.Contains(t, body, `"translations":[{"language":null,"slug":"one","title":"One"}]`)
	version, _, _ := strings.Cut(tag, "v")
	require.True(t, strings.HasPrefix(again.Header.Get("ETag"), version))
	require.Contains(t, body, `"series":{"position":1,"slug":"a-series","title":"A series"}`)
}

func TestSeriesRefused(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := newSeries(t, ed, "A series")
	article := s.Publish(jake, "One").Slug
	other := s.Publish(jake, "In no series").Slug
	status, body := place(t, jake, article, slug, 0)
	require.Equal(t, http.StatusOK, status, body)

	taken := responseOf(ed.CreateSeriesWithResponse(t.Context(), nil, client.NewSeriesRequest{Series: client.NewSeries{Title: "x", Slug: &slug}}))
	requireProblem(t, http.StatusConflict, problem.AlreadyTaken, oneField("slug", problem.Taken), taken.StatusCode(), string(taken.Body))
	require.NotEqual(t, slug, newSeries(t, ed, "A series"), "a title makes another slug")
	for body, fields := range map[string]problem.Fields{
		`{"series":{}}`: oneField("title", "can't be blank"),
		`{"series":{"title":"x","slug":"Not A Slug"}}`:             oneField("slug", ""),
		`{"series":{"title":"x","slug":"a--b"}}`:                   oneField("slug", ""),
		`{"series":{"title":"` + strings.Repeat("x", 9999) + `"}}`: oneField("title", ""),
	} {
		res, text := s.Do("POST", "/series", body, signed(ed)...)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, text)
		for field := range fields {
			require.Contains(t, text, `"`+field+`"`)
		}
	}
	forbidden := responseOf(jake.CreateSeriesWithResponse(t.Context(), nil, client.NewSeriesRequest{Series: client.NewSeries{Title: "x"}}))
	require.Equal(t, http.StatusForbidden, forbidden.StatusCode())
	require.Equal(t, http.StatusForbidden, responseOf(jake.DeleteSeriesWithResponse(t.Context(), slug, nil)).StatusCode())

	for _, articles := range [][]string{{article, other}, {"no-such-article"}} {
		res := responseOf(ed.UpdateSeriesWithResponse(t.Context(), slug, nil, client.UpdateSeriesRequest{Series: client.UpdateSeries{Articles: &articles}}))
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("articles", "must be different articles of the series"),
			res.StatusCode(), string(res.Body))
	}
	found := responseOf(ed.GetSeriesWithResponse(t.Context(), slug, nil))
	tag := found.HTTPResponse.Header.Get("ETag")
	require.Equal(t, http.StatusOK, responseOf(ed.UpdateSeriesWithResponse(t.Context(), slug, &client.UpdateSeriesParams{IfMatch: &tag},
		client.UpdateSeriesRequest{Series: client.UpdateSeries{Description: ptrTo("d")}})).StatusCode())
	stale := responseOf(ed.DeleteSeriesWithResponse(t.Context(), slug, &client.DeleteSeriesParams{IfMatch: &tag}))
	require.Equal(t, http.StatusPreconditionFailed, stale.StatusCode())

	status, body = place(t, jake, article, "no-such-series", 0)
	requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("series.slug", "does not exist"), status, body)
	change(t, s, `INSERT INTO articles (slug, author_id, title, description, body, tags, series_id, series_position)
		SELECT 'full-' || n, author_id, 't', 'd', 'b', '{}', series_id, n FROM articles, generate_series(2, 500) n WHERE slug = $1`, article)
	status, body = place(t, jake, other, slug, 0)
	requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("series", "has its maximum of 500 articles"), status, body)
}

// TestSeriesVisibility checks who sees the articles of a series that are not
// public, and that counts do not tell of them.
func TestSeriesVisibility(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed, anna := s.Register("jake"), withRole(s, "ed", auth.Editor), s.Register("anna")
	slug := newSeries(t, ed, "A series")
	public := s.Publish(jake, "Public").Slug
	_, _ = place(t, jake, public, slug, 0)
	res, body := s.Do("POST", "/articles", fmt.Sprintf(`{"article":{"title":"Draft","description":"d","body":"b","status":"draft",
		"series":{"slug":%q},"translationOf":%q}}`, slug, public), signed(jake)...)
	require.Equal(t, http.StatusCreated, res.StatusCode, body)
	require.Contains(t, body, `"series":{"position":2,`)
	for name, c := range map[string]struct {
		header []string
		titles []string
	}{
		"Anonymous": {nil, []string{"Public"}}, "Stranger": {signed(anna), []string{"Public"}},
		"Author": {signed(jake), []string{"Public", "Draft"}}, "Editor": {signed(ed), []string{"Public", "Draft"}},
	} {
		require.Equal(t, c.titles, seriesTitles(t, s, "/series/"+slug, c.header...), name)
		_, body := s.Do("GET", "/series/"+slug, "", c.header...)
		require.Contains(t, body, `"articlesCount":1`, name)
		_, body = s.Do("GET", "/articles/"+public, "", c.header...)
		require.Equal(t, len(c.titles) == 2, strings.Contains(body, `"slug":"draft"`), name)
	}
	res, body = s.Do("POST", "/articles/draft/publish", "", signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Equal(t, []string{"Public", "Draft"}, seriesTitles(t, s, "/series/"+slug))
	_, body = s.Do("GET", "/articles/"+public, "")
	require.Contains(t, body, `"slug":"draft"`, "what is public now is shown at once")
}

func TestTranslations(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, ed := s.Register("jake"), s.Register("anna"), withRole(s, "ed", auth.Editor)
	english, german, french := s.Publish(jake, "English").Slug, s.Publish(jake, "Deutsch").Slug, s.Publish(jake, "Francais").Slug
	change(t, s, `UPDATE articles SET details = '{"language":"de"}' WHERE slug = $1`, german)
	translate := func(by servertest.User, slug string, of any) (int, string) {
		text := "null"
		if of != nil {
			text = fmt.Sprintf("%q", of)
		}
		res, body := s.Do("PUT", "/articles/"+slug, `{"article":{"translationOf":`+text+`}}`, signed(by)...)
		return res.StatusCode, body
	}
	shown := func(slug string) string {
		_, body := s.Do("GET", "/articles/"+slug, "")
		_, rest, _ := strings.Cut(body, `"translations":`)
		list, _, _ := strings.Cut(rest, "]")
		return list
	}
	require.Equal(t, "[", shown(english))
	for _, slug := range []string{german, french} {
		status, body := translate(jake, slug, english)
		require.Equal(t, http.StatusOK, status, body)
	}
	require.Equal(t, `[{"language":null,"slug":"francais","title":"Francais"},{"language":"de","slug":"deutsch","title":"Deutsch"}`, shown(english))
	require.Equal(t, `[{"language":null,"slug":"english","title":"English"},{"language":null,"slug":"francais","title":"Francais"}`, shown(german))
	_, batch := s.Do("POST", "/batch/articles", fmt.Sprintf(`{"slugs":[%q]}`, german))
	require.Contains(t, batch, `"slug":"english","title":"English"`)

	res, body := s.Do("PUT", "/articles/"+english, `{"article":{"title":"Better English"}}`, signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Contains(t, shown(german), `"slug":"better-english","title":"Better English"`, "a cached response would be out of date")

	status, body := translate(jake, french, nil)
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "[", shown(french))
	require.NotContains(t, shown(german), "francais")

	own := s.Publish(anna, "Spam").Slug
	for _, c := range []struct {
		by       servertest.User
		slug, of string
		message  string
	}{
		{anna, own, german, "is not an article that you may change"},
		{anna, own, "no-such-article", "is not an article that you may change"},
		{anna, own, own, "is the article itself"},
	} {
		status, body := translate(c.by, c.slug, c.of)
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("translationOf", c.message), status, body)
	}
	status, body = translate(ed, own, german)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, shown(german), "spam")
	change(t, s, `INSERT INTO articles (slug, author_id, title, description, body, tags, translation_group)
		SELECT 'more-' || n, author_id, 't', 'd', 'b', '{}', translation_group FROM articles, generate_series(1, 47) n WHERE slug = $1`, german)
	status, body = translate(jake, french, german)
	requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("translationOf", "has its maximum of 49 translations"), status, body)
	require.Equal(t, http.StatusNoContent, responseOf(anna.DeleteArticleWithResponse(t.Context(), own, nil)).StatusCode())
	require.NotContains(t, shown(german), "spam")
}

// TestSeriesRaces checks that an article never joins a series that is deleted
// at the same time, and that two articles that become translations of each
// other at the same time do.
func TestSeriesRaces(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	for n := range 5 {
		slug := newSeries(t, ed, fmt.Sprintf("Series %d", n))
		a, b := s.Publish(jake, fmt.Sprintf("A %d", n)).Slug, s.Publish(jake, fmt.Sprintf("B %d", n)).Slug
		var wait sync.WaitGroup
		for _, send := range []func(){
			func() {
				status, body := place(t, jake, a, slug, 0)
				require.Contains(t, []int{http.StatusOK, http.StatusUnprocessableEntity}, status, body)
			},
			func() {
				res := responseOf(ed.DeleteSeriesWithResponse(t.Context(), slug, nil))
				require.Equal(t, http.StatusNoContent, res.StatusCode(), string(res.Body))
			},
			func() {
				res, body := s.Do("PUT", "/articles/"+a, fmt.Sprintf(`{"article":{"translationOf":%q}}`, b), signed(jake)...)
				require.Equal(t, http.StatusOK, res.StatusCode, body)
			},
			func() {
				res, body := s.Do("PUT", "/articles/"+b, fmt.Sprintf(`{"article":{"translationOf":%q}}`, a), signed(jake)...)
				require.Equal(t, http.StatusOK, res.StatusCode, body)
			},
		} {
			wait.Go(send)
		}
		wait.Wait()
		_, body := s.Do("GET", "/articles/"+a, "")
		require.Contains(t, body, `"series":null`)
		require.Contains(t, body, fmt.Sprintf(`"slug":%q`, b))
	}
}

// TestSeriesUnchanged checks that a patch without members changes nothing: no
// version, and no entry in the audit log.
func TestSeriesUnchanged(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	ed := withRole(s, "ed", auth.Editor)
	path := "/series/" + newSeries(t, ed, "Dragons")
	res, before := s.Do("GET", path, "")
	for _, status := range []int{http.StatusOK, http.StatusPreconditionFailed} {
		header := signed(ed, "If-Match", res.Header.Get("ETag"))
		if status != http.StatusOK {
			header = signed(ed, "If-Match", `"other"`)
		}
		unchanged, body := s.Do("PUT", path, `{"series":{}}`, header...)
		require.Equal(t, status, unchanged.StatusCode, body)
		if status == http.StatusOK {
			require.JSONEq(t, before, body)
			require.Equal(t, res.Header.Get("ETag"), unchanged.Header.Get("ETag"))
		}
	}
	require.Equal(t, []string{"ed series.created"}, auditActions(t, s))
}
