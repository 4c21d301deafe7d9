package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestSlugMaximum checks that an article keeps its earlier slugs and gets no
// others when it has many, so that one article cannot take them without end.
func TestSlugMaximum(t *testing.T) {
	t.Parallel()
	const tooMany = "maximum of 50 earlier slugs reached"
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	retitle := func(t *testing.T, slug, title string) client.Article {
		t.Helper()
		return rewrite(t, jake, slug, client.UpdateArticle{Title: &title})
	}
	for _, status := range []client.ArticleStatus{client.StatusPublished, client.StatusDraft} {
		t.Run(string(status), func(t *testing.T) {
			name := func(i int) string { return fmt.Sprint(status, "-", i) }
			created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{Article: client.NewArticle{
				Title: name(0), Description: "d", Body: "b", Status: &status,
			}}))
			require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
			for i := range 50 {
				require.Equal(t, name(i+1), retitle(t, name(i), name(i+1)).Slug)
			}

			// A title can still be changed, but takes no other slug.
			changed := retitle(t, name(0), name(51))
			require.Equal(t, name(51), changed.Title)
			require.Equal(t, name(50), changed.Slug)
			refused := func(res *client.UpdateArticleResponse) {
				t.Helper()
				requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField("slug", tooMany), res.StatusCode(), string(res.Body))
			}
			refused(setSlug(t, jake, name(0), "own-"+name(0)))
			others := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", name(51), client.StatusPublished)))
			require.Equal(t, http.StatusCreated, others.StatusCode(), string(others.Body))

			// Earlier ones still lead to it, and can be taken back.
			require.Equal(t, http.StatusOK, setSlug(t, jake, name(50), name(7)).StatusCode())
			for _, i := range []int{0, 25, 50} {
				got := responseOf(jake.GetArticleWithResponse(t.Context(), name(i), nil))
				require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
				require.Equal(t, name(7), got.JSON200.Article.Slug)
			}
			null := client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Slug: nullable.NewNullNullable[string]()}}
			refused(responseOf(jake.UpdateArticleWithResponse(t.Context(), name(7), nil, null)))
			null.Article.Title = ptrTo(name(9))
			require.Equal(t, name(9), responseOf(jake.UpdateArticleWithResponse(t.Context(), name(7), nil, null)).JSON200.Article.Slug)
			require.Equal(t, name(3), retitle(t, name(9), name(3)).Slug)
			requireCounters(t, s)
		})
	}
	t.Run("WorkingCopy", func(t *testing.T) {
		saveCopy(t, jake, "published-3", client.UpdateArticle{Title: ptrTo("Another title")})
		res := publishArticle(t, jake, "published-3", client.PublishRequest{})
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, "Another title", res.JSON200.Article.Title)
		require.Equal(t, "published-3", res.JSON200.Article.Slug)
	})
	t.Run("Draft", func(t *testing.T) {
		res := publishArticle(t, jake, "draft-3", client.PublishRequest{})
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, "draft-3", res.JSON200.Article.Slug)
		require.Equal(t, "public-now", retitle(t, "draft-3", "Public now").Slug, "slugs of a draft do not count any more")
	})
}

// TestSlugMaximumRace checks that an article gets no more slugs when many are
// claimed at the same time.
func TestSlugMaximumRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Many").Slug
	_, err := s.DB.Exec(t.Context(), `INSERT INTO article_slugs SELECT 'many-' || n, id FROM articles, generate_series(1, 45) n`)
	require.NoError(t, err)
	statuses := map[int]int{}
	for _, status := range together(20, func(i int) int { return setSlug(t, jake, slug, fmt.Sprint("wanted-", i)).StatusCode() }) {
		statuses[status]++
	}
	require.Equal(t, map[int]int{http.StatusOK: 5, http.StatusUnprocessableEntity: 15}, statuses)
}
