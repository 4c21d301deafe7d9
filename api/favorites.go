package api

import (
	"context"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type favorites struct {
	db     *db.DB
	finder *visibility.Finder
}

// The responses show the article, and have its version.
type (
	favoriteCreated struct {
		openapi.CreateArticleFavorite200JSONResponse
		response.Facts
	}
	favoriteDeleted struct {
		openapi.DeleteArticleFavorite200JSONResponse
		response.Facts
	}
)

// CreateArticleFavorite marks an article as a favorite of the viewer.
func (s favorites) CreateArticleFavorite(ctx context.Context, req openapi.CreateArticleFavoriteRequestObject) (openapi.CreateArticleFavoriteResponseObject, error) {
	viewer := request.Viewer(ctx)
	err := q.FavoriteCreate(ctx, s.db, query.FavoriteCreateParams{UserID: viewer.ID, ViewerLevel: visibility.Level(viewer), Slug: req.Slug})
	if err != nil {
		return nil, err
	}
	out, facts, err := s.article(ctx, req.Slug)
	if err != nil {
		return nil, err
	}
	return favoriteCreated{openapi.CreateArticleFavorite200JSONResponse{ArticleOKJSONResponse: out}, facts}, nil
}

// DeleteArticleFavorite removes an article from the favorites of the viewer.
func (s favorites) DeleteArticleFavorite(ctx context.Context, req openapi.DeleteArticleFavoriteRequestObject) (openapi.DeleteArticleFavoriteResponseObject, error) {
	viewer := request.Viewer(ctx)
	err := q.FavoriteDelete(ctx, s.db, query.FavoriteDeleteParams{UserID: viewer.ID, ViewerLevel: visibility.Level(viewer), Slug: req.Slug})
	if err != nil {
		return nil, err
	}
	out, facts, err := s.article(ctx, req.Slug)
	if err != nil {
		return nil, err
	}
	return favoriteDeleted{openapi.DeleteArticleFavorite200JSONResponse{ArticleOKJSONResponse: out}, facts}, nil
}

// article returns the response that shows the article after a change.
func (s favorites) article(ctx context.Context, slug string) (openapi.ArticleOKJSONResponse, response.Facts, error) {
	a, err := s.finder.GetArticle(ctx, slug)
	return openapi.ArticleOKJSONResponse{Article: a.View(ctx, nil)}, a.Facts(), err
}
