package cards

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/gen/query"
)

// TestCard checks that a card encoded by hand is the same JSON as the generated
// types give, for every reader.
func TestCard(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.FixedZone("", 20700))
	for _, row := range []query.ArticleCardsRow{
		{ID: 1, Slug: "a", Title: `"<b>&` + "\u2028\x01", Description: "日本語 🐉", Tags: []string{"x", `y"`}, CreatedAt: at, UpdatedAt: at.Add(time.Hour),
			PublishedAt: at, AuthorID: 1, FavoritesCount: 7, Username: "jake", Bio: new("line\nbreak"), Image: new("")},
		{ID: 2, Slug: "b", Tags: []string{}, CreatedAt: at, UpdatedAt: at, PublishedAt: at, AuthorID: 2, Username: "anna"},
	} {
		for _, viewer := range []auth.Viewer{{}, {ID: 1}, {ID: 3}} {
			for _, m := range []Marks{{}, {favorited: map[int64]bool{1: true, 2: false}}, {following: map[int64]bool{2: true}}} {
				ctx := request.With(t.Context(), &request.Info{Viewer: viewer})
				a := query.ArticleItem{
					ID: row.ID, Slug: row.Slug, Title: row.Title, Description: row.Description, Tags: row.Tags, FavoritesCount: row.FavoritesCount,
					CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, PublishedAt: row.PublishedAt, AuthorID: row.AuthorID,
					Username: row.Username, Bio: row.Bio, Image: row.Image, Favorited: m.favorited[row.ID], Following: m.following[row.AuthorID],
				}
				want, err := json.Marshal(view.Summary(ctx, a))
				require.NoError(t, err)
				c := newCard(ctx, &row)
				require.JSONEq(t, string(want), string(c.Append(nil, &m, viewer.MayEdit(c.AuthorID))))
				require.Equal(t, view.SummaryTexts(&a, view.Length), Length(&c))
				require.Equal(t, view.SummaryTexts(&a, view.Size), Size(&c))
			}
		}
	}
}
