package api

import (
	"context"

	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// BlockUser makes the viewer block a user. Both are locked before the statement
// that blocks, so that no follow or comment of theirs is committed after it:
// triggers refuse those that have waited for the lock.
func (s profiles) BlockUser(ctx context.Context, req openapi.BlockUserRequestObject) (openapi.BlockUserResponseObject, error) {
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		viewer := request.Viewer(ctx).ID
		id, err := q.ProfileLock(ctx, tx, query.ProfileLockParams{Username: req.Username, FoldedUsername: names.Fold(req.Username), ViewerID: viewer})
		if err != nil {
			return translate.NotFound(err, "profile")
		}
		return q.BlockCreate(ctx, tx, query.BlockCreateParams{BlockerID: viewer, BlockedID: id})
	})
	if err != nil {
		return nil, err
	}
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	return openapi.BlockUser200JSONResponse{ProfileOKJSONResponse: openapi.ProfileOKJSONResponse(profileResponse(p))}, nil
}

// UnblockUser ends a block of the viewer's.
func (s profiles) UnblockUser(ctx context.Context, req openapi.UnblockUserRequestObject) (openapi.UnblockUserResponseObject, error) {
	err := q.BlockDelete(ctx, s.db, query.BlockDeleteParams{
		BlockerID: request.Viewer(ctx).ID, Username: req.Username, FoldedUsername: names.Fold(req.Username),
	})
	if err != nil {
		return nil, err
	}
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	return openapi.UnblockUser200JSONResponse{ProfileOKJSONResponse: openapi.ProfileOKJSONResponse(profileResponse(p))}, nil
}

// GetCurrentUserBlocks lists the users whom the viewer has blocked.
func (s profiles) GetCurrentUserBlocks(ctx context.Context, req openapi.GetCurrentUserBlocksRequestObject) (openapi.GetCurrentUserBlocksResponseObject, error) {
	const scope = "blocks"
	limit := optional.Or(req.Params.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, req.Params.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	rows, err := q.BlockList(ctx, s.db, query.BlockListParams{BlockerID: request.Viewer(ctx).ID, BeforeID: before.ID, PageLimit: limit + 1})
	if err != nil {
		return nil, err
	}
	p := page.CutByID(ctx, s.cursors, scope, rows, limit, func(r query.BlockListRow) int64 { return r.ID }, block)
	out := openapi.BlocksJSONResponse{Body: openapi.BlocksResponse{Blocks: p.Items, NextCursor: p.Cursor}}
	out.Headers.Link = p.Link
	return openapi.GetCurrentUserBlocks200JSONResponse{BlocksJSONResponse: out}, nil
}

func block(r query.BlockListRow) openapi.Block {
	return openapi.Block{Username: r.Username, BlockedAt: view.Timestamp(r.CreatedAt)}
}
