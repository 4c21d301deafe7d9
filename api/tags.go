package api

import (
	"context"

	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/tagnames"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type tags struct {
	db      *db.DB
	cursors *page.Codec
	names   *tagnames.Names
}

// tagsListed is the response of GetTags.
type tagsListed struct {
	openapi.GetTags200JSONResponse
	response.Facts
}

// maxTags is the maximum number of tags of the list without pages. No front end
// shows more, and without it one author could make the list as long as they
// like.
const maxTags = 1000

// GetTags lists the tags in use, the most used first, or a page of them by
// name.
func (s tags) GetTags(ctx context.Context, req openapi.GetTagsRequestObject) (openapi.GetTagsResponseObject, error) {
	p := req.Params
	var rows []query.TagListRow
	var out openapi.TagsJSONResponse
	var err error
	if p.Limit == nil && p.Cursor == nil && p.Prefix == nil {
		rows, err = q.TagList(ctx, s.db, maxTags)
	} else {
		rows, out, err = s.page(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	counts := make([]openapi.TagCount, len(rows))
	out.Body.Tags = make([]string, len(rows))
	for i, r := range rows {
		out.Body.Tags[i], counts[i] = r.Name, openapi.TagCount{Tag: r.Name, ArticlesCount: r.Total}
	}
	if optional.Or(p.Counts, false) {
		out.Body.Counts = &counts
	}
	return tagsListed{openapi.GetTags200JSONResponse{TagsJSONResponse: out}, response.DependsOn(changes.Tags)}, nil
}

// page returns the rows of a page, and a response that leads to the next one.
func (s tags) page(ctx context.Context, p openapi.GetTagsParams) (rows []query.TagListRow, out openapi.TagsJSONResponse, err error) {
	limit, prefix := optional.Or(p.Limit, page.DefaultLimit), optional.Or(p.Prefix, "")
	scope := "tags?prefix=" + tagnames.Fold(prefix)
	after, err := s.cursors.StartText(scope, p.Cursor)
	if err != nil {
		return nil, out, err
	}
	found, err := q.TagListByName(ctx, s.db, query.TagListByNameParams{AfterFolded: after, Prefix: prefix, PageLimit: limit + 1})
	if err != nil {
		return nil, out, err
	}
	out.Body.NextCursor = nullable.NewNullNullable[string]()
	for i, r := range found {
		if i == int(limit) {
			cursor, link := s.cursors.NextText(ctx, scope, found[i-1].Folded)
			out.Body.NextCursor, out.Headers.Link = nullable.NewNullableWithValue(*cursor), link
			break
		}
		rows = append(rows, query.TagListRow{Name: r.Name, Total: r.Total})
	}
	return rows, out, nil
}

// DeleteUnusedTags deletes the counters and the names of tags that no article
// has, and returns the number of rows.
func DeleteUnusedTags(ctx context.Context, d *db.DB) (int64, error) { return q.TagDeleteUnused(ctx, d) }
