package visibility

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/query"
)

// TestStoredArticle pins the JSON of an article that is stored under an
// Idempotency-Key: replicas of two versions read it during an upgrade.
func TestStoredArticle(t *testing.T) {
	t.Parallel()
	stored := `{"ArticleCard":{"ID":7,"Slug":"s","Title":"t","Description":"d","Tags":["x"],"FavoritesCount":0,"Version":1,` +
		`"CreatedAt":"2026-01-02T03:04:05.678Z","UpdatedAt":"2026-01-02T03:04:05.678Z","AuthorID":3,"Username":"jake","Bio":null,"Image":null},` +
		`"Body":"b","BodyHTML":null,"Favorited":false,"Following":false,"Hidden":null}`
	var read Article
	require.NoError(t, json.Unmarshal([]byte(stored), &read))
	require.EqualValues(t, 7, read.ID)
	require.Equal(t, "jake", read.Username)
	require.Equal(t, []string{"x"}, read.Tags)
	require.Equal(t, "b", read.Body)

	require.EqualValues(t, 1, read.View(t.Context(), nil).WordCount, "older versions do not count words")

	written, err := json.Marshal(Article{ArticleItem: query.ArticleItem{ID: 7, Slug: "s"}, Body: "b"})
	require.NoError(t, err)
	var older struct {
		ArticleCard struct {
			ID   int64
			Slug string
		}
		Body string
	}
	require.NoError(t, json.Unmarshal(written, &older))
	require.EqualValues(t, 7, older.ArticleCard.ID)
	require.Equal(t, "s", older.ArticleCard.Slug)
	require.Equal(t, "b", older.Body)
}
