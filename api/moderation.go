package api

import (
	"context"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/idempotency"
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
	db            *db.DB
	once          idempotency.Runner
	cursors       *page.Codec
	authenticator *auth.Authenticator
}

// HideArticle hides an article from everyone except its author and moderators.
func (s moderation) HideArticle(ctx context.Context, req openapi.HideArticleRequestObject) (openapi.HideArticleResponseObject, error) {
	if err := s.moderate(ctx, hideArticle(req.Slug, req.Body.Reason)); err != nil {
		return nil, err
	}
	return openapi.HideArticle204Response{}, nil
}

// RestoreArticle makes a hidden article visible again.
func (s moderation) RestoreArticle(ctx context.Context, req openapi.RestoreArticleRequestObject) (openapi.RestoreArticleResponseObject, error) {
	err := s.moderate(ctx, act{
		entry: audit.Entry{Action: openapi.ArticleRestored, Kind: openapi.SubjectArticle}, lock: lockArticle(req.Slug), change: q.ArticleRestore,
	})
	if err != nil {
		return nil, err
	}
	return openapi.RestoreArticle204Response{}, nil
}

// HideComment hides a comment from everyone except its author and moderators.
func (s moderation) HideComment(ctx context.Context, req openapi.HideCommentRequestObject) (openapi.HideCommentResponseObject, error) {
	if err := s.moderate(ctx, hideComment(req.Slug, req.Id, req.Body.Reason)); err != nil {
		return nil, err
	}
	return openapi.HideComment204Response{}, nil
}

// RestoreComment makes a hidden comment visible again.
func (s moderation) RestoreComment(ctx context.Context, req openapi.RestoreCommentRequestObject) (openapi.RestoreCommentResponseObject, error) {
	err := s.moderate(ctx, act{
		entry: audit.Entry{Action: openapi.CommentRestored, Kind: openapi.SubjectComment}, lock: lockComment(req.Slug, req.Id), change: q.CommentRestore,
	})
	if err != nil {
		return nil, err
	}
	return openapi.RestoreComment204Response{}, nil
}

// ApproveComment shows a comment that waits to everybody.
func (s moderation) ApproveComment(ctx context.Context, req openapi.ApproveCommentRequestObject) (openapi.ApproveCommentResponseObject, error) {
	err := s.moderate(ctx, act{
		entry: audit.Entry{Action: openapi.CommentApproved, Kind: openapi.SubjectComment}, lock: lockComment(req.Slug, req.Id), change: q.CommentApprove,
	})
	if err != nil {
		return nil, err
	}
	return openapi.ApproveComment204Response{}, nil
}

// act is what a moderator does to an article, a comment or a user.
type act struct {
	// entry is the entry for the audit log, without the id.
	entry audit.Entry
	lock  lock
	// change changes what has the id, and returns how many rows it has changed.
	change func(ctx context.Context, tx query.DBTX, id int64) (int64, error)
	// deletes means that the entry is written before the change, because it
	// looks up the author.
	deletes bool
}

// do makes the change and writes the audit log. It writes no entry if nothing
// has changed.
func (a act) do(ctx context.Context, tx query.DBTX, id int64) error {
	a.entry.ID = id
	if a.deletes {
		if err := audit.Write(ctx, tx, a.entry); err != nil {
			return err
		}
	}
	if n, err := a.change(ctx, tx, id); err != nil || n == 0 || a.deletes {
		return err
	}
	return audit.Write(ctx, tx, a.entry)
}

func hideArticle(slug, reason string) act {
	return act{
		entry: audit.Entry{Action: openapi.ArticleHidden, Kind: openapi.SubjectArticle, Reason: &reason}, lock: lockArticle(slug),
		change: func(ctx context.Context, tx query.DBTX, id int64) (int64, error) {
			return q.ArticleHide(ctx, tx, query.ArticleHideParams{ArticleID: id, Reason: reason, HiddenBy: request.Viewer(ctx).ID})
		},
	}
}

func hideComment(slug string, id int64, reason string) act {
	return act{
		entry: audit.Entry{Action: openapi.CommentHidden, Kind: openapi.SubjectComment, Reason: &reason}, lock: lockComment(slug, id),
		change: func(ctx context.Context, tx query.DBTX, id int64) (int64, error) {
			return q.CommentHide(ctx, tx, query.CommentHideParams{CommentID: id, Reason: reason, HiddenBy: request.Viewer(ctx).ID})
		},
	}
}

// lock locks an article, a comment or a user against other changes and returns
// the id.
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

// moderate lets a moderator act in a transaction.
func (s moderation) moderate(ctx context.Context, a act) error {
	return s.db.InTx(ctx, func(tx query.DBTX) error {
		id, err := a.lock(ctx, tx)
		if err != nil {
			return err
		}
		return a.do(ctx, tx, id)
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
	viewer := request.Viewer(ctx)
	rows, err := q.HiddenList(ctx, s.db, query.HiddenListParams{
		ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer), BeforeID: before.ID, PageLimit: limit + 1,
	})
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
