package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/servertest"
)

const taken = "has already been taken"

// withSlug returns a new article with a slug of its own.
func withSlug(title, slug string, status client.ArticleStatus) client.NewArticleRequest {
	return client.NewArticleRequest{Article: client.NewArticle{
		Title: title, Description: "d", Body: "b", Slug: nullable.NewNullableWithValue(slug), Status: &status,
	}}
}

// setSlug changes the slug of an article.
func setSlug(t *testing.T, by servertest.User, path, slug string) *client.UpdateArticleResponse {
	t.Helper()
	return responseOf(by.UpdateArticleWithResponse(t.Context(), path, nil, client.UpdateArticleJSONRequestBody{
		Article: client.UpdateArticle{Slug: nullable.NewNullableWithValue(slug)},
	}))
}

func TestOwnSlug(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, ed := s.Register("jake"), s.Register("anna"), withRole(s, "ed", auth.Editor)
	// update sends members to an article, and returns the slug that it has then.
	update := func(path, members string) string {
		t.Helper()
		res, body := s.Do("PUT", "/articles/"+path, `{"article":{`+members+`}}`, signed(jake)...)
		return articleIn(t, http.StatusOK, res, body).Slug
	}
	leads := func(path, slug string) {
		t.Helper()
		got := responseOf(jake.GetArticleWithResponse(t.Context(), path, nil))
		require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
		require.Equal(t, slug, got.JSON200.Article.Slug)
	}

	for _, status := range []client.ArticleStatus{client.StatusPublished, client.StatusDraft} {
		t.Run("Kept/"+string(status), func(t *testing.T) {
			own := "own-" + string(status)
			created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("A title "+own, own, status)))
			require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
			require.Equal(t, own, created.JSON201.Article.Slug)
			require.Equal(t, "/api/articles/"+own, created.HTTPResponse.Header.Get("Location"))
			require.Equal(t, own, update(own, `"title":"Another title"`), "a new title keeps an own slug")
			require.Equal(t, own+"-2", update(own, `"title":"A third title","slug":"`+own+`-2"`))
			leads(own, own+"-2")
			require.Equal(t, own, update(own+"-2", `"slug":"`+own+`"`), "an earlier slug is taken back")
			leads(own+"-2", own)
			require.Equal(t, "from-"+own, update(own, `"slug":null,"title":"From `+own+`"`))
			require.Equal(t, "again-"+own, update(own, `"title":"Again `+own+`"`), "the slug is derived again")
		})
	}
	t.Run("Unchanged", func(t *testing.T) {
		a := s.Publish(jake, "A plain title")
		tag := func() string {
			return responseOf(jake.GetArticleWithResponse(t.Context(), a.Slug, nil)).HTTPResponse.Header.Get("ETag")
		}
		before := tag()
		require.Equal(t, a.Slug, update(a.Slug, `"slug":"a-plain-title"`))
		require.Equal(t, a.Slug, update(a.Slug, `"slug":null`))
		require.Equal(t, before, tag(), "nothing was written")
		require.Equal(t, a.Slug, update(a.Slug, `"slug":"a-plain-title","title":"Renamed"`), "the request names the slug")
		require.Equal(t, "renamed-again", update(a.Slug, `"title":"Renamed again"`), "a slug that is sent back is no own slug")
		res, body := s.Do("POST", "/articles", `{"article":{"title":"Null","description":"d","body":"b","slug":null}}`, signed(jake)...)
		require.Equal(t, "null", articleIn(t, http.StatusCreated, res, body).Slug)
		require.Equal(t, "not-null", update("null", `"title":"Not null"`))
	})
	t.Run("Taken", func(t *testing.T) {
		first := s.Publish(jake, "First").Slug
		require.Equal(t, "first-2", update(first, `"slug":"first-2"`))
		other := s.Publish(anna, "Other").Slug
		for _, slug := range []string{first, "first-2"} { // an earlier slug too
			for _, status := range []client.ArticleStatus{client.StatusPublished, client.StatusDraft} {
				res := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", slug, status)))
				requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), res.StatusCode(), string(res.Body))
			}
			res := setSlug(t, anna, other, slug)
			requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), res.StatusCode(), string(res.Body))
		}
		draft := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "annas-draft", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, draft.StatusCode(), string(draft.Body))
		res := setSlug(t, anna, "annas-draft", first)
		requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), res.StatusCode(), string(res.Body))
		again := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "annas-draft", client.StatusDraft)))
		requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), again.StatusCode(), string(again.Body))
		require.Equal(t, "other", responseOf(anna.GetArticleWithResponse(t.Context(), other, nil)).JSON200.Article.Slug, "a refusal changes nothing")
		require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), first, nil)).StatusCode())
		require.Equal(t, http.StatusOK, setSlug(t, anna, other, first).StatusCode(), "deleting an article frees its slugs")
	})
	// A slug of somebody else's draft behaves as one that nobody has.
	t.Run("DraftsOfOthers", func(t *testing.T) {
		for _, slug := range []string{"secret", "hidden-plan", "third"} {
			draft := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", slug, client.StatusDraft)))
			require.Equal(t, http.StatusCreated, draft.StatusCode(), string(draft.Body))
		}
		created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "secret", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
		created = responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "hidden-plan", client.StatusPublished)))
		require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
		require.Equal(t, "hidden-plan", created.JSON201.Article.Slug)
		require.Equal(t, "third", update(s.Publish(jake, "Jakes").Slug, `"slug":"third"`))
		// The drafts are still there, under other names.
		list := responseOf(anna.GetCurrentUserArticlesWithResponse(t.Context(), &client.GetCurrentUserArticlesParams{Status: ptrTo(client.StatusDraft)}))
		var slugs []string
		for _, a := range list.JSON200.Articles {
			slugs = append(slugs, a.Slug)
		}
		require.Contains(t, slugs, "secret")
		require.NotContains(t, slugs, "third")
		require.Len(t, slugs, 4)
		// The author of a draft is the one whose slugs count, whoever edits it.
		own := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "jakes-draft", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, own.StatusCode(), string(own.Body))
		require.Equal(t, http.StatusOK, setSlug(t, ed, "jakes-draft", "annas-draft").StatusCode())
		require.Equal(t, http.StatusConflict, setSlug(t, ed, "jakes-draft", "secret").StatusCode())
	})
	t.Run("Published", func(t *testing.T) {
		created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "soon-public", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
		published := publishArticle(t, jake, "soon-public", client.PublishRequest{})
		require.Equal(t, "soon-public", published.JSON200.Article.Slug)
		require.Equal(t, "soon-public", update("soon-public", `"title":"Other"`))
		require.Equal(t, http.StatusOK, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), "soon-public", nil)).StatusCode())
	})
	t.Run("Invalid", func(t *testing.T) {
		const form = "must be lower-case letters and digits, with single hyphens between them"
		slug := s.Publish(jake, "Valid").Slug
		for _, test := range []struct{ slug, message string }{
			{"feed", "is reserved"}, {"search", "is reserved"}, {"", cantBeBlank}, {"A", form}, {"a--b", form}, {"-a", form}, {"a-", form},
			{"a b", form}, {"é", form}, {"a/b", form}, {strings.Repeat("a", 101), "is too long (maximum is 100 characters)"},
		} {
			res := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", test.slug, client.StatusPublished)))
			requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField("slug", test.message), res.StatusCode(), string(res.Body))
			changed := setSlug(t, jake, slug, test.slug)
			requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField("slug", test.message), changed.StatusCode(), string(changed.Body))
		}
		require.Equal(t, http.StatusOK, setSlug(t, jake, slug, strings.Repeat("a", 100)).StatusCode())
	})
	t.Run("Replayed", func(t *testing.T) {
		key := &client.CreateArticleParams{IdempotencyKey: ptrTo("own")}
		for _, replayed := range []string{"", "true"} {
			res := responseOf(jake.CreateArticleWithResponse(t.Context(), key, withSlug("T", "only-once", client.StatusPublished)))
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
			require.Equal(t, replayed, res.HTTPResponse.Header.Get("Idempotency-Replayed"))
		}
	})
}

// TestReservedSlugs checks that no article can have the slug of a path.
func TestReservedSlugs(t *testing.T) {
	t.Parallel()
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	found := 0
	for path := range doc.Paths.Map() {
		if name, below := strings.CutPrefix(path, "/articles/"); below && name[0] != '{' {
			name, _, _ = strings.Cut(name, "/")
			require.True(t, slug.IsReserved(name), "add %s to reserved in api/slug/slug.go", name)
			found++
		}
	}
	require.NotZero(t, found)
}

// TestOwnSlugRace checks that of all who claim a slug at the same time, one
// gets it and the others get a 409.
func TestOwnSlugRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	users := []servertest.User{jake, anna}
	for i := range 10 {
		s.Publish(users[i%2], fmt.Sprint("Article ", i))
	}
	for round := range 3 {
		slug := fmt.Sprint("wanted-", round)
		statuses := map[int]int{}
		for _, status := range together(20, func(i int) int {
			if i < 10 {
				return setSlug(t, users[i%2], fmt.Sprint("article-", i), slug).StatusCode()
			}
			return responseOf(users[i%2].CreateArticleWithResponse(t.Context(), nil, withSlug("T", slug, client.StatusPublished))).StatusCode()
		}) {
			statuses[status]++
		}
		require.Equal(t, 1, statuses[http.StatusOK]+statuses[http.StatusCreated], statuses)
		require.Equal(t, 19, statuses[http.StatusConflict], statuses)
	}
	drafts := map[int]int{}
	for _, status := range together(10, func(i int) int {
		return responseOf(users[i%2].CreateArticleWithResponse(t.Context(), nil, withSlug("T", "wanted-draft", client.StatusDraft))).StatusCode()
	}) {
		drafts[status]++
	}
	require.Equal(t, map[int]int{http.StatusCreated: 2, http.StatusConflict: 8}, drafts, "one for each author")
	// Two articles that exchange their slugs.
	a, b := s.Publish(jake, "Left").Slug, s.Publish(anna, "Right").Slug
	for _, status := range together(2, func(i int) int {
		return setSlug(t, users[i], []string{a, b}[i], []string{b, a}[i]).StatusCode()
	}) {
		require.Equal(t, http.StatusConflict, status)
	}
}
