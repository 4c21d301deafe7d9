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

// maxTags is the maximum number of tags of the list. No front end shows more,
// and without it one author could make the list as long as they like.
const maxTags = 1000

// GetTags lists the tags in use, the most used first.
func (s tags) GetTags(ctx context.Context, _ openapi.GetTagsRequestObject) (openapi.GetTagsResponseObject, error) {
	rows, err := q.TagList(ctx, s.db, maxTags)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	out := openapi.TagsJSONResponse{Tags: names}
	return tagsListed{openapi.GetTags200JSONResponse{TagsJSONResponse: out}, response.DependsOn(changes.Tags)}, nil
}

// DeleteUnusedTags deletes the names of tags that no article has, and returns
// the number of rows.
func DeleteUnusedTags(ctx context.Context, d *db.DB) (int64, error) { return q.TagDeleteUnused(ctx, d) }
