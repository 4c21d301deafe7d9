package api

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// maxPreviews is the maximum number of previews of an article that have not
// expired.
const maxPreviews = 50

// defaultPreview is how long a preview lasts if the request does not say it.
const defaultPreview = 7 * 24 * time.Hour

type previews struct {
	db   *db.DB
	html *markup.Renderer
	// link is Deps.PreviewLink.
	link string
}

// CreatePreview creates a link that shows an article to everybody.
func (s previews) CreatePreview(ctx context.Context, req openapi.CreatePreviewRequestObject) (openapi.CreatePreviewResponseObject, error) {
	lifetime := defaultPreview
	if req.Body != nil && req.Body.ExpiresIn != nil {
		lifetime = time.Duration(*req.Body.ExpiresIn) * time.Second
	}
	token := auth.NewLinkToken()
	var expires time.Time
	err := s.change(ctx, req.Slug, openapi.ArticlePreviewCreated, func(tx query.DBTX, a query.ArticleLockRow) (changed bool, err error) {
		expires, err = q.PreviewCreate(ctx, tx, query.PreviewCreateParams{
			TokenHash: token.Hash, ArticleID: a.ID, CreatedBy: request.Viewer(ctx).ID, Lifetime: lifetime, Maximum: maxPreviews,
		})
		if db.IsNotFound(err) {
			err = problem.InvalidField("preview", fmt.Sprintf("maximum of %d reached", maxPreviews))
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return openapi.CreatePreview201JSONResponse{PreviewCreatedJSONResponse: openapi.PreviewCreatedJSONResponse{
		Url: s.url(ctx, token.Text), Token: token.Text, ExpiresAt: view.Timestamp(expires),
	}}, nil
}

// url returns the link to a preview. Without a page of the front end it is a
// path, since only a configured address cannot be that of an attacker.
func (s previews) url(ctx context.Context, token string) string {
	link := cmp.Or(s.link, request.From(ctx).BasePath+"/api/previews/{token}")
	return strings.ReplaceAll(link, "{token}", token)
}

// DeletePreviews ends all previews of an article.
func (s previews) DeletePreviews(ctx context.Context, req openapi.DeletePreviewsRequestObject) (openapi.DeletePreviewsResponseObject, error) {
	err := s.change(ctx, req.Slug, openapi.ArticlePreviewsDeleted, func(tx query.DBTX, a query.ArticleLockRow) (changed bool, err error) {
		n, err := q.PreviewDelete(ctx, tx, a.ID)
		return n > 0, err
	})
	if err != nil {
		return nil, err
	}
	return openapi.DeletePreviews204Response{}, nil
}

// change locks an article that the viewer may change, and changes its previews.
// If that is an act of an editor, it is written to the audit log.
func (s previews) change(
	ctx context.Context, slug string, action openapi.AuditAction, change func(tx query.DBTX, a query.ArticleLockRow) (changed bool, err error),
) error {
	return s.db.InTx(ctx, func(tx query.DBTX) error {
		a, err := visibility.LockArticle(ctx, tx, slug, nil)
		if err != nil {
			return err
		}
		changed, err := change(tx, a)
		if err != nil || !changed || a.AuthorID == request.Viewer(ctx).ID {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: action, Kind: openapi.SubjectArticle, ID: a.ID})
	})
}

// GetPreview returns the article of a preview.
func (s previews) GetPreview(ctx context.Context, req openapi.GetPreviewRequestObject) (openapi.GetPreviewResponseObject, error) {
	a, err := visibility.GetPreview(ctx, s.db, auth.HashLinkToken(req.Token))
	if err != nil {
		return nil, err
	}
	var html *markup.Text
	if view.WantsHTML(req.Params.Format) {
		if html, err = s.html.Render(ctx, a.Body); err != nil {
			return nil, err
		}
	}
	out := openapi.PreviewOKJSONResponse{Body: openapi.ArticleResponse{Article: a.View(ctx, html)}}
	out.Headers.XRobotsTag = new("noindex")
	return openapi.GetPreview200JSONResponse{PreviewOKJSONResponse: out}, nil
}

// ExpirePreviews deletes expired previews and returns their number.
func ExpirePreviews(ctx context.Context, d *db.DB) (int64, error) { return q.PreviewExpire(ctx, d) }
