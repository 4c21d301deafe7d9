package api

import (
	"context"

	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
)

type tags struct{ db *db.DB }

// tagsListed is the response of GetTags.
type tagsListed struct {
	openapi.GetTags200JSONResponse
	response.Facts
}

// GetTags lists every tag in use, the most used first.
func (s tags) GetTags(ctx context.Context, _ openapi.GetTagsRequestObject) (openapi.GetTagsResponseObject, error) {
	names, err := q.TagList(ctx, s.db)
	if err != nil {
		return nil, err
	}
	out := openapi.TagsJSONResponse{Tags: names}
	return tagsListed{openapi.GetTags200JSONResponse{TagsJSONResponse: out}, response.DependsOn(changes.Tags)}, nil
}
