package byline_test

import (
	"net/http"
	"strings"
	"testing"

	byline "github.com/byline-api/byline/sdk/go"
)

func TestEdit(t *testing.T) {
	conflict := responds(412, strings.NewReplacer("503", "412", "overloaded", "precondition_failed").Replace(busy))
	t.Run("StartsAgainAfterAConflict", func(t *testing.T) {
		read := responds(200, `{"series":{"articles":[{"slug":"one"},{"slug":"two"}]}}`, "ETag", `"v1"`)
		readAgain := responds(200, `{"series":{"articles":[{"slug":"one"},{"slug":"two"},{"slug":"three"}]}}`, "ETag", `"v2"`)
		c, rec := fake(t, []http.HandlerFunc{read, conflict, readAgain, read})
		var last int
		_, err := c.Series.Edit(t.Context(), "dragons", func(s *byline.Series) byline.UpdateSeries {
			last = len(s.Articles) - 1
			return byline.UpdateSeries{Articles: []string{s.Articles[last].Slug}}
		})
		noError(t, err)
		equal(t, 2, last)
		var conditions []string
		for _, request := range rec.requests {
			conditions = append(conditions, request.Method+" "+request.Header.Get("If-Match"))
		}
		equal(t, []string{"GET ", `PUT "v1"`, "GET ", `PUT "v2"`}, conditions)
	})
	t.Run("GivesUp", func(t *testing.T) {
		read := responds(200, `{"article":{"slug":"a"}}`, "ETag", `"v1"`)
		c, rec := fake(t, []http.HandlerFunc{read, conflict, read, conflict, read, conflict, read, conflict, read, conflict})
		_, err := c.Articles.Edit(t.Context(), "a", func(*byline.Article) byline.UpdateArticle { return byline.UpdateArticle{} })
		requireError(t, err, http.StatusPreconditionFailed, byline.CodePreconditionFailed)
		equal(t, 10, len(rec.requests))
	})
	t.Run("IsNotUnconditional", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(200, `{"article":{"slug":"a"}}`)})
		nothing := func(*byline.Article) byline.UpdateArticle { return byline.UpdateArticle{} }
		_, err := c.Articles.Edit(t.Context(), "a", nothing)
		equal(t, true, err != nil && strings.Contains(err.Error(), "no ETag"))
		_, err = c.Articles.EditWorkingCopy(t.Context(), "a", nothing)
		equal(t, true, err != nil && strings.Contains(err.Error(), "no ETag"))
		equal(t, []int{200, 200}, rec.seen())
	})
}
