package api

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// TestArticlePage checks that a page encoded by hand is the same JSON as the
// generated types give.
func TestArticlePage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.FixedZone("", 20700))
	rows := []query.ArticleItem{
		{Slug: "a", Title: `"<b>&` + "\u2028\x01", Description: "日本語 🐉", Tags: []string{"x", `y"`}, CreatedAt: at, UpdatedAt: at.Add(time.Hour),
			PublishedAt: at, AuthorID: 1, FavoritesCount: 7, Username: "jake", Bio: new("line\nbreak"), Image: new(""), Favorited: true, Following: true, Total: 2},
		{Slug: "b", Tags: []string{}, CreatedAt: at, UpdatedAt: at, PublishedAt: at, AuthorID: 2, Username: "anna"},
	}
	for name, page := range map[string]articlePage{
		"Empty": {},
		"Last":  {rows: rows, total: 2},
		"First": {rows: rows, total: 40, next: new("cursor"), link: new(`</next>; rel="next"`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			generated := openapi.ArticlesResponse{Articles: []openapi.ArticleSummary{}, ArticlesCount: page.total, NextCursor: page.next}
			for _, r := range page.rows {
				generated.Articles = append(generated.Articles, view.Summary(t.Context(), r))
			}
			want, err := json.Marshal(generated)
			require.NoError(t, err)
			for range 2 { // the second time from a buffer that was used
				w := httptest.NewRecorder()
				require.NoError(t, page.VisitGetArticlesResponse(w))
				require.JSONEq(t, string(want), w.Body.String())
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))
				require.Equal(t, page.link != nil, w.Header().Get("Link") != "")
			}
		})
	}
}
