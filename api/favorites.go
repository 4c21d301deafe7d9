package api

import (
	"context"
	"net/http"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type favorites struct{ db *db.DB }

// CreateArticleFavorite marks an article as a favourite of the viewer.
func (s favorites) CreateArticleFavorite(ctx context.Context, req openapi.CreateArticleFavoriteRequestObject) (openapi.CreateArticleFavoriteResponseObject, error) {
	viewer := request.Viewer(ctx)
	err := q.FavoriteCreate(ctx, s.db, query.FavoriteCreateParams{UserID: viewer.ID, Moderates: viewer.Moderates(), Slug: req.Slug})
	if err != nil {
		return nil, err
	}
	return s.get(ctx, req.Slug)
}

// DeleteArticleFavorite takes an article out of the viewer's favourites.
func (s favorites) DeleteArticleFavorite(ctx context.Context, req openapi.DeleteArticleFavoriteRequestObject) (openapi.DeleteArticleFavoriteResponseObject, error) {
	viewer := request.Viewer(ctx)
	err := q.FavoriteDelete(ctx, s.db, query.FavoriteDeleteParams{UserID: viewer.ID, Moderates: viewer.Moderates(), Slug: req.Slug})
	if err != nil {
		return nil, err
	}
	return s.get(ctx, req.Slug)
}

func (s favorites) get(ctx context.Context, slug string) (ready, error) {
	a, err := getArticle(ctx, s.db.Reads(), slug)
	if err != nil {
		return ready{}, err
	}
	return articleReady(http.StatusOK, a), nil
}
