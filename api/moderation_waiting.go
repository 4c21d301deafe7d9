package api

import (
	"context"

	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// GetWaitingComments lists the comments that wait for approval.
func (s moderation) GetWaitingComments(ctx context.Context, req openapi.GetWaitingCommentsRequestObject) (openapi.GetWaitingCommentsResponseObject, error) {
	const scope = "waiting"
	limit := int(optional.Or(req.Params.Limit, page.DefaultLimit))
	after, err := s.cursors.Start(scope, req.Params.Cursor, page.Position{})
	if err != nil {
		return nil, err
	}
	viewer := request.Viewer(ctx)
	rows, err := q.WaitingList(ctx, s.db, query.WaitingListParams{
		ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer), AfterID: after.ID, PageLimit: int32(limit) + 1,
	})
	if err != nil {
		return nil, err
	}
	kept, err := view.Fit(ctx, rows[:min(len(rows), limit)], waitingTexts)
	if err != nil {
		return nil, err
	}
	out := openapi.WaitingCommentsJSONResponse{Body: openapi.WaitingCommentsResponse{Comments: make([]openapi.WaitingComment, kept)}}
	for i, r := range rows[:kept] {
		out.Body.Comments[i] = openapi.WaitingComment{
			Id: r.ID, Slug: r.Slug, Title: r.Title, ParentId: r.ParentID, Author: r.Author, Body: r.Body, CreatedAt: view.Timestamp(r.CreatedAt),
		}
	}
	if len(rows) > kept {
		out.Body.NextCursor, out.Headers.Link = s.cursors.Next(ctx, scope, page.Position{ID: rows[kept-1].ID})
	}
	return openapi.GetWaitingComments200JSONResponse{WaitingCommentsJSONResponse: out}, nil
}

func waitingTexts(r *query.WaitingListRow, measure func(text string) int) int {
	return measure(r.Body) + measure(r.Title)
}
