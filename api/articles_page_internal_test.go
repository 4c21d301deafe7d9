package api

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/openapi"
)

// TestArticlePage checks that a page encoded by hand is the same JSON as the
// generated types give. Package cards has the test of what is in it.
func TestArticlePage(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]articlePage{
		"Last":  {total: 2},
		"First": {total: 40, next: new("cursor"), link: new(`</next>; rel="next"`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := json.Marshal(openapi.ArticlesResponse{Articles: []openapi.ArticleSummary{}, ArticlesCount: page.total, NextCursor: page.next})
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
