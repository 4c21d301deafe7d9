package api

import (
	"context"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
)

type tags struct{ db *db.DB }

// GetTags answers every tag in use, most used first.
func (s tags) GetTags(ctx context.Context, _ openapi.GetTagsRequestObject) (openapi.GetTagsResponseObject, error) {
	names, err := q.TagList(ctx, s.db.Reads())
	if err != nil {
		return nil, err
	}
	request.From(ctx).DependsOn(changes.Tags)
	return openapi.GetTags200JSONResponse{TagsJSONResponse: openapi.TagsJSONResponse{
		Body: openapi.TagsResponse{Tags: names},
	}}, nil
}
