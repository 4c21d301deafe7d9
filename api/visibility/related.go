package visibility

import (
	"context"

	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// Related is what an article shows of its series and of its translations.
type Related struct {
	// Series is nil if the article is in none. Translations are those that the
	// viewer sees.
	Series       *openapi.PlaceInSeries
	Translations []openapi.Translation

	// 0 = none. They are not kept under an Idempotency-Key, whose responses are
	// not cached.
	seriesID, group int64
}

func (r Related) view() (*openapi.PlaceInSeries, []openapi.Translation) {
	if r.Translations == nil {
		return r.Series, []openapi.Translation{}
	}
	return r.Series, r.Translations
}

// keys adds what the article shows of others to its dependencies.
func (r Related) keys(keys ...changes.Key) []changes.Key {
	if r.seriesID != 0 {
		keys = append(keys, changes.Series(r.seriesID))
	}
	if r.group != 0 {
		keys = append(keys, changes.Translations(r.group))
	}
	return keys
}

// relate completes the articles of a list that are in a series or have
// translations. It costs a query only if there are some.
func relate(ctx context.Context, conn query.DBTX, list []Article) error {
	var ids []int64
	for _, a := range list {
		if a.Related.seriesID != 0 || a.Related.group != 0 {
			ids = append(ids, a.ID)
		}
	}
	if ids == nil {
		return nil
	}
	viewer := request.Viewer(ctx)
	rows, err := q.RelatedList(ctx, conn, query.RelatedListParams{ArticleIds: ids, ViewerID: viewer.ID, ViewerLevel: Level(viewer)})
	if err != nil {
		return err
	}
	found := make(map[int64]Related, len(ids))
	for _, row := range rows {
		r := found[row.ArticleID]
		if row.Position > 0 {
			r.Series = &openapi.PlaceInSeries{Slug: row.Slug, Title: row.Title, Position: row.Position}
		} else {
			r.Translations = append(r.Translations, openapi.Translation{Language: optional.NonZero(row.Language), Slug: row.Slug, Title: row.Title})
		}
		found[row.ArticleID] = r
	}
	for i := range list {
		own := &list[i].Related
		r := found[list[i].ID]
		own.Series, own.Translations = r.Series, r.Translations
	}
	return nil
}
