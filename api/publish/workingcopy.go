package publish

import (
	"context"

	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// FindCopy returns the working copy of an article that is locked, or nil if it
// has none. The error is a 412 if there is an If-Match header and it matches
// neither the working copy nor, without one, the article.
func FindCopy(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, ifMatch *string) (*query.WorkingCopyFindRow, error) {
	version := etag.Version(a.ID, a.Version)
	if a.PublishedAt == nil { // a draft has none
		return nil, visibility.RequireMatch(ifMatch, version)
	}
	found, err := findCopy(ctx, tx, a.ID)
	if err != nil {
		return nil, err
	}
	if found != nil {
		version = etag.WorkingCopyVersion(a.ID, found.Revision, found.Version, a.OwnRevision)
	}
	return found, visibility.RequireMatch(ifMatch, version)
}

func findCopy(ctx context.Context, tx query.DBTX, articleID int64) (*query.WorkingCopyFindRow, error) {
	found, err := q.WorkingCopyFind(ctx, tx, articleID)
	if db.IsNotFound(err) {
		return nil, nil
	}
	return &found, err
}

// TakeCopy makes the text of the working copy that of the article, which is
// locked, and returns the article with its new title and slug.
func (r Rules) TakeCopy(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, found query.WorkingCopyFindRow) (query.ArticleLockRow, error) {
	name, err := visibility.Rename(ctx, tx, a, found.Title)
	if err != nil {
		return a, err
	}
	if name != nil {
		a.Slug = *name
	}
	a.Title = found.Title
	if err := q.WorkingCopyTake(ctx, tx, query.WorkingCopyTakeParams{ArticleID: a.ID, Slug: name, MaxRevisions: r.MaxRevisions}); err != nil {
		return a, err
	}
	return a, q.WorkingCopyDelete(ctx, tx, query.WorkingCopyDeleteParams{ArticleID: a.ID, MaxRevisions: r.MaxRevisions})
}

// Withdraw gives an article, which is locked, a status in which it has no time
// of publication, and returns it. Its working copy becomes its text, since a
// draft has none: what was public is one of its revisions.
func (r Rules) Withdraw(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, status openapi.ArticleStatus) (query.ArticleLockRow, error) {
	// The status comes first: the text that was public is marked by it.
	if err := q.ArticleSetDraft(ctx, tx, query.ArticleSetDraftParams{ID: a.ID, Status: string(status)}); err != nil {
		return a, err
	}
	a.Status = string(status)
	found, err := findCopy(ctx, tx, a.ID)
	if err != nil || found == nil {
		return a, err
	}
	return r.TakeCopy(ctx, tx, a, *found)
}
