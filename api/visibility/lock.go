package visibility

import (
	"context"

	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/gen/query"
)

// LockArticle locks an article against other changes and returns its row. It
// returns an error if the viewer may not change the article, or if the article
// no longer matches the If-Match header.
func LockArticle(ctx context.Context, tx query.DBTX, slug string, ifMatch *string) (query.ArticleLockRow, error) {
	viewer := request.Viewer(ctx)
	locked, err := q.ArticleLock(ctx, tx, query.ArticleLockParams{Slug: slug, ViewerID: viewer.ID, ViewerLevel: Level(viewer)})
	if err != nil {
		return locked, translate.NotFound(err, "article")
	}
	if !To(ctx, locked.Hidden, locked.Status, locked.AuthorID) {
		return locked, problem.NotFound("article")
	}
	if !viewer.MayEdit(locked.AuthorID) {
		return locked, problem.Forbidden("article")
	}
	return locked, RequireMatch(ifMatch, etag.Version(locked.ID, locked.Version))
}

// LockEdited is LockArticle for what only those who may change the article see.
// For all others it does not exist.
func LockEdited(ctx context.Context, tx query.DBTX, slug string, ifMatch *string) (query.ArticleLockRow, error) {
	locked, err := LockArticle(ctx, tx, slug, ifMatch)
	if p := problem.From(err); p != nil && p.Code == problem.ForbiddenCode {
		err = problem.NotFound("article")
	}
	return locked, err
}

// RequireMatch returns a 412 if there is an If-Match header and it does not
// match the version.
func RequireMatch(ifMatch *string, version string) error {
	if ifMatch == nil || etag.MatchesVersion(*ifMatch, version) {
		return nil
	}
	return problem.New(problem.PreconditionFailed, "If-Match", "does not match the current version")
}
