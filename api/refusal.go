package api

import (
	"context"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/query"
)

// Refusal is asked when a request is about to be refused with 422: it returns
// the 404 or 403 that comes before it, in the order that clients rely on
// (401, 404, 403, 422), or nil. Requests that are in order never get here;
// their operations find out in the same statement that does the work.
func (a *API) Refusal(ctx context.Context, operationID string, pathParam func(string) string) error {
	switch operationID {
	case "GetArticle", "UpdateArticle", "DeleteArticle", "GetArticleComments", "CreateArticleComment", "DeleteArticleComment",
		"HideArticle", "HideComment", "RestoreComment":
	case "SetUserRole", "SuspendUser":
		_, err := q.ProfileGetByUsername(ctx, a.admin.db, query.ProfileGetByUsernameParams{Username: pathParam("username")})
		return orNotFound(err, "user")
	default:
		return nil
	}
	article, err := findArticle(ctx, a.articles.db, pathParam("slug"))
	if err != nil {
		return err
	}
	switch operationID {
	case "UpdateArticle", "DeleteArticle":
		if article.AuthorID != request.Viewer(ctx).ID {
			return problem.Forbidden("article")
		}
	}
	return nil
}
