package api

import (
	"context"
	"time"

	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type moderation struct {
	db      *db.DB
	cursors *page.Codec
}

// HideArticle hides an article from everybody but its author and moderators.
func (s moderation) HideArticle(ctx context.Context, req openapi.HideArticleRequestObject) (openapi.HideArticleResponseObject, error) {
	a := act{action: openapi.ArticleHidden, kind: openapi.SubjectArticle, reason: &req.Body.Reason}
	err := s.moderate(ctx, a, lockArticle(req.Slug), func(tx query.DBTX, id int64) (int64, error) {
		return q.ArticleHide(ctx, tx, query.ArticleHideParams{ArticleID: id, Reason: req.Body.Reason, HiddenBy: request.Viewer(ctx).ID})
	})
	if err != nil {
		return nil, err
	}
	return openapi.HideArticle204Response{}, nil
}

// RestoreArticle shows a hidden article again.
func (s moderation) RestoreArticle(ctx context.Context, req openapi.RestoreArticleRequestObject) (openapi.RestoreArticleResponseObject, error) {
	a := act{action: openapi.ArticleRestored, kind: openapi.SubjectArticle}
	err := s.moderate(ctx, a, lockArticle(req.Slug), func(tx query.DBTX, id int64) (int64, error) {
		return q.ArticleRestore(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return openapi.RestoreArticle204Response{}, nil
}

// HideComment hides a comment from everybody but its author and moderators.
func (s moderation) HideComment(ctx context.Context, req openapi.HideCommentRequestObject) (openapi.HideCommentResponseObject, error) {
	a := act{action: openapi.CommentHidden, kind: openapi.SubjectComment, reason: &req.Body.Reason}
	err := s.moderate(ctx, a, lockComment(req.Slug, req.Id), func(tx query.DBTX, id int64) (int64, error) {
		return q.CommentHide(ctx, tx, query.CommentHideParams{CommentID: id, Reason: req.Body.Reason, HiddenBy: request.Viewer(ctx).ID})
	})
	if err != nil {
		return nil, err
	}
	return openapi.HideComment204Response{}, nil
}

// RestoreComment shows a hidden comment again.
func (s moderation) RestoreComment(ctx context.Context, req openapi.RestoreCommentRequestObject) (openapi.RestoreCommentResponseObject, error) {
	a := act{action: openapi.CommentRestored, kind: openapi.SubjectComment}
	err := s.moderate(ctx, a, lockComment(req.Slug, req.Id), func(tx query.DBTX, id int64) (int64, error) {
		return q.CommentRestore(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return openapi.RestoreComment204Response{}, nil
}

// lock holds what is moderated against other changes and returns its id.
type lock func(ctx context.Context, tx query.DBTX) (int64, error)

func lockArticle(slug string) lock {
	return func(ctx context.Context, tx query.DBTX) (int64, error) {
		a, err := q.ArticleLock(ctx, tx, slug)
		return a.ID, orNotFound(err, "article")
	}
}

func lockComment(slug string, id int64) lock {
	return func(ctx context.Context, tx query.DBTX) (int64, error) {
		id, err := q.CommentLock(ctx, tx, query.CommentLockParams{Slug: slug, ID: id})
		if db.IsNotFound(err) {
			if _, err := findArticle(ctx, tx, slug); err != nil {
				return 0, err
			}
		}
		return id, orNotFound(err, "comment")
	}
}

// moderate changes something and keeps who did it; what changes nothing is no
// act.
func (s moderation) moderate(ctx context.Context, a act, lock lock, change func(tx query.DBTX, id int64) (int64, error)) error {
	return s.db.InTx(ctx, func(tx query.DBTX) error {
		id, err := lock(ctx, tx)
		if err != nil {
			return err
		}
		if n, err := change(tx, id); err != nil || n == 0 {
			return err
		}
		a.id = id
		return audit(ctx, tx, a)
	})
}

// GetHidden lists what is hidden.
func (s moderation) GetHidden(ctx context.Context, req openapi.GetHiddenRequestObject) (openapi.GetHiddenResponseObject, error) {
	const scope = "hidden"
	limit := valueOr(req.Params.Limit, defaultLimit)
	before, err := decodeCursor(s.cursors, scope, req.Params.Cursor, lastID)
	if err != nil {
		return nil, err
	}
	rows, err := q.HiddenList(ctx, s.db, query.HiddenListParams{BeforeID: before.ID, PageLimit: limit + 1})
	if err != nil {
		return nil, err
	}
	out := openapi.HiddenItemsJSONResponse{}
	out.Body.Hidden, out.Body.NextCursor, out.Headers.Link = pageByID(ctx, s.cursors, scope, rows, limit,
		func(r query.HiddenListRow) int64 { return r.ID }, hiddenItem)
	return openapi.GetHidden200JSONResponse{HiddenItemsJSONResponse: out}, nil
}

func hiddenItem(r query.HiddenListRow) openapi.HiddenItem {
	kind := openapi.HiddenArticle
	if r.CommentID != nil {
		kind = openapi.HiddenComment
	}
	return openapi.HiddenItem{
		Kind: kind, Slug: r.Slug, Title: r.Title, CommentId: nullOf(r.CommentID), Author: r.Author,
		Reason: r.Reason, HiddenBy: nullOf(r.HiddenBy), HiddenAt: timestamp(r.CreatedAt),
	}
}

// hiding is why and when something was hidden.
type hiding struct {
	Reason string
	At     time.Time
}

// visible tells whether the viewer may know of something by an author.
func visible(ctx context.Context, hidden bool, authorID int64) bool {
	viewer := request.Viewer(ctx)
	return !hidden || viewer.ID == authorID || viewer.Moderates()
}

// revealArticles completes those articles of a list that are hidden, if the
// viewer may see them. It costs a query only if there are any.
func revealArticles(ctx context.Context, conn query.DBTX, list []articleRow) error {
	var ids []int64
	for _, a := range list {
		if a.Hidden != nil {
			ids = append(ids, a.ArticleCard.ID)
		}
	}
	if ids == nil {
		return nil
	}
	viewer := request.Viewer(ctx)
	rows, err := q.HiddenArticleList(ctx, conn, query.HiddenArticleListParams{ViewerID: viewer.ID, Moderates: viewer.Moderates(), ArticleIds: ids})
	if err != nil {
		return err
	}
	for _, r := range rows {
		for i := range list {
			if a := &list[i]; a.ArticleCard.ID == r.ID {
				a.Hidden = &hiding{r.Reason, r.CreatedAt}
				a.ArticleCard.FavoritesCount, a.Favorited = r.FavoritesCount, r.Favorited
			}
		}
	}
	return nil
}

// revealed tells whether the article is there for the viewer, once
// revealArticles has run.
func (a articleRow) revealed() bool { return a.Hidden == nil || a.Hidden.Reason != "" }

// hiddenComments returns why and when those of some comments were hidden that
// are. It costs a query only if there are any.
func hiddenComments(ctx context.Context, conn query.DBTX, comments []commentRow) (map[int64]*hiding, error) {
	var ids []int64
	for _, c := range comments {
		if c.Hidden {
			ids = append(ids, c.ID)
		}
	}
	if ids == nil {
		return nil, nil
	}
	rows, err := q.HiddenCommentList(ctx, conn, ids)
	out := make(map[int64]*hiding, len(rows))
	for _, r := range rows {
		out[r.ID] = &hiding{r.Reason, r.CreatedAt}
	}
	return out, err
}
