package api

import (
	"context"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type moderation struct {
	db      *db.DB
	cursors *page.Codec
}

// HideArticle hides an article from everyone except its author and moderators.
func (s moderation) HideArticle(ctx context.Context, req openapi.HideArticleRequestObject) (openapi.HideArticleResponseObject, error) {
	a := audit.Entry{Action: openapi.ArticleHidden, Kind: openapi.SubjectArticle, Reason: &req.Body.Reason}
	err := s.moderate(ctx, a, lockArticle(req.Slug), func(tx query.DBTX, id int64) (int64, error) {
		return q.ArticleHide(ctx, tx, query.ArticleHideParams{ArticleID: id, Reason: req.Body.Reason, HiddenBy: request.Viewer(ctx).ID})
	})
	if err != nil {
		return nil, err
	}
	return openapi.HideArticle204Response{}, nil
}

// RestoreArticle makes a hidden article visible again.
func (s moderation) RestoreArticle(ctx context.Context, req openapi.RestoreArticleRequestObject) (openapi.RestoreArticleResponseObject, error) {
	a := audit.Entry{Action: openapi.ArticleRestored, Kind: openapi.SubjectArticle}
	err := s.moderate(ctx, a, lockArticle(req.Slug), func(tx query.DBTX, id int64) (int64, error) {
		return q.ArticleRestore(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return openapi.RestoreArticle204Response{}, nil
}

// HideComment hides a comment from everyone except its author and moderators.
func (s moderation) HideComment(ctx context.Context, req openapi.HideCommentRequestObject) (openapi.HideCommentResponseObject, error) {
	a := audit.Entry{Action: openapi.CommentHidden, Kind: openapi.SubjectComment, Reason: &req.Body.Reason}
	err := s.moderate(ctx, a, lockComment(req.Slug, req.Id), func(tx query.DBTX, id int64) (int64, error) {
		return q.CommentHide(ctx, tx, query.CommentHideParams{CommentID: id, Reason: req.Body.Reason, HiddenBy: request.Viewer(ctx).ID})
	})
	if err != nil {
		return nil, err
	}
	return openapi.HideComment204Response{}, nil
}

// RestoreComment makes a hidden comment visible again.
func (s moderation) RestoreComment(ctx context.Context, req openapi.RestoreCommentRequestObject) (openapi.RestoreCommentResponseObject, error) {
	a := audit.Entry{Action: openapi.CommentRestored, Kind: openapi.SubjectComment}
	err := s.moderate(ctx, a, lockComment(req.Slug, req.Id), func(tx query.DBTX, id int64) (int64, error) {
		return q.CommentRestore(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return openapi.RestoreComment204Response{}, nil
}

// ApproveComment shows a comment that waits to everybody.
func (s moderation) ApproveComment(ctx context.Context, req openapi.ApproveCommentRequestObject) (openapi.ApproveCommentResponseObject, error) {
	a := audit.Entry{Action: openapi.CommentApproved, Kind: openapi.SubjectComment}
	err := s.moderate(ctx, a, lockComment(req.Slug, req.Id), func(tx query.DBTX, id int64) (int64, error) {
		return q.CommentApprove(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return openapi.ApproveComment204Response{}, nil
}

// lock locks an article or a comment against other changes and returns its id.
type lock func(ctx context.Context, tx query.DBTX) (int64, error)

func lockArticle(slug string) lock {
	return func(ctx context.Context, tx query.DBTX) (int64, error) {
		a, err := q.ArticleLock(ctx, tx, query.ArticleLockParams{Slug: slug, ViewerID: request.Viewer(ctx).ID, ViewerLevel: visibility.Level(request.Viewer(ctx))})
		return a.ID, translate.NotFound(err, "article")
	}
}

func lockComment(slug string, id int64) lock {
	return func(ctx context.Context, tx query.DBTX) (int64, error) {
		id, err := q.CommentLock(ctx, tx, query.CommentLockParams{Slug: slug, ID: id, ViewerID: request.Viewer(ctx).ID, ViewerLevel: visibility.Level(request.Viewer(ctx))})
		if db.IsNotFound(err) {
			if _, err := visibility.FindArticle(ctx, tx, slug); err != nil {
				return 0, err
			}
		}
		return id, translate.NotFound(err, "comment")
	}
}

// moderate locks an article or a comment, changes it and writes the audit log.
// It writes no entry if nothing has changed.
func (s moderation) moderate(ctx context.Context, a audit.Entry, lock lock, change func(tx query.DBTX, id int64) (int64, error)) error {
	return s.db.InTx(ctx, func(tx query.DBTX) error {
		id, err := lock(ctx, tx)
		if err != nil {
			return err
		}
		if n, err := change(tx, id); err != nil || n == 0 {
			return err
		}
		a.ID = id
		return audit.Write(ctx, tx, a)
	})
}

// GetHidden lists the hidden articles and comments.
func (s moderation) GetHidden(ctx context.Context, req openapi.GetHiddenRequestObject) (openapi.GetHiddenResponseObject, error) {
	const scope = "hidden"
	limit := optional.Or(req.Params.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, req.Params.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	rows, err := q.HiddenList(ctx, s.db, query.HiddenListParams{BeforeID: before.ID, PageLimit: limit + 1})
	if err != nil {
		return nil, err
	}
	p := page.CutByID(ctx, s.cursors, scope, rows, limit, func(r query.HiddenListRow) int64 { return r.ID }, hiddenItem)
	out := openapi.HiddenItemsJSONResponse{Body: openapi.HiddenItemsResponse{Hidden: p.Items, NextCursor: p.Cursor}}
	out.Headers.Link = p.Link
	return openapi.GetHidden200JSONResponse{HiddenItemsJSONResponse: out}, nil
}

func hiddenItem(r query.HiddenListRow) openapi.HiddenItem {
	kind := openapi.HiddenArticle
	if r.CommentID != nil {
		kind = openapi.HiddenComment
	}
	return openapi.HiddenItem{
		Kind: kind, Slug: r.Slug, Title: r.Title, CommentId: r.CommentID, Author: r.Author,
		Reason: r.Reason, HiddenBy: r.HiddenBy, HiddenAt: view.Timestamp(r.CreatedAt),
	}
}
