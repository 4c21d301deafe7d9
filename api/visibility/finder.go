package visibility

import (
	"context"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// Finder reads single articles, those of several requests together.
type Finder struct {
	db       *db.DB
	together *db.Together[query.ArticleGetBySlugParams, query.ArticleGetBySlugRow]
}

// NewFinder returns a Finder. One is enough for all requests.
func NewFinder(d *db.DB) *Finder {
	return &Finder{db: d, together: db.NewTogether(d, "ArticleGetBySlug", q.ArticleGetBySlug, getTogether)}
}

// getTogether calls found for each article that is found.
func getTogether(ctx context.Context, conn query.DBTX, asked []query.ArticleGetBySlugParams, found func(int, *query.ArticleGetBySlugRow)) error {
	arg := query.ArticleGetTogetherParams{
		Slugs: make([]string, len(asked)), ViewerIds: make([]int64, len(asked)), ViewerLevels: make([]int32, len(asked)),
	}
	for i, a := range asked {
		arg.Slugs[i], arg.ViewerIds[i], arg.ViewerLevels[i] = a.Slug, a.ViewerID, a.ViewerLevel
	}
	rows, err := q.ArticleGetTogether(ctx, conn, arg)
	for i := range rows {
		found(int(rows[i].Position)-1, (*query.ArticleGetBySlugRow)(&rows[i]))
	}
	return err
}
