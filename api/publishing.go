package api

import (
	"context"
	"fmt"
	"time"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type publishing struct {
	db      *db.DB
	cursors *page.Codec
	rules   publish.Rules
}

// The responses show the article, and have its version.
type (
	articlePublished struct {
		openapi.PublishArticle200JSONResponse
		response.Facts
	}
	articleWithdrawn struct {
		openapi.UnpublishArticle200JSONResponse
		response.Facts
	}
	articleSubmitted struct {
		openapi.SubmitArticle200JSONResponse
		response.Facts
	}
)

// PublishArticle publishes an article, at once or at a time.
func (s publishing) PublishArticle(ctx context.Context, req openapi.PublishArticleRequestObject) (openapi.PublishArticleResponseObject, error) {
	in, err := publishRequest(req.Body)
	if err != nil {
		return nil, err
	}
	a, err := s.change(ctx, req.Slug, nil, func(tx query.DBTX, locked *query.ArticleLockRow) error {
		found, err := publish.FindCopy(ctx, tx, *locked, req.Params.IfMatch)
		if err != nil {
			return err
		}
		if err := s.rules.Check(ctx, openapi.StatusPublished); err != nil {
			return err
		}
		if locked.Status == string(openapi.StatusPublished) {
			return s.publishAgain(ctx, tx, locked, found, in)
		}
		if found != nil {
			if *locked, err = s.rules.TakeCopy(ctx, tx, *locked, *found); err != nil {
				return err
			}
		}
		if err := publishArticle(ctx, tx, locked, in); err != nil {
			return err
		}
		return auditStatus(ctx, tx, locked, openapi.ArticlePublished, statusAt(in.PublishAt))
	})
	if err != nil {
		return nil, err
	}
	out := openapi.ArticleOKJSONResponse{Article: a.View(ctx, nil)}
	return articlePublished{openapi.PublishArticle200JSONResponse{ArticleOKJSONResponse: out}, a.Facts()}, nil
}

// publishRequest returns the body of a request with its times as they are
// stored.
func publishRequest(body *openapi.PublishRequest) (in openapi.PublishRequest, err error) {
	if body == nil {
		return in, nil
	}
	if in.PublishAt, err = publish.Time("publishAt", body.PublishAt); err != nil {
		return in, err
	}
	if in.UnpublishAt, err = publish.Time("unpublishAt", body.UnpublishAt); err != nil {
		return in, err
	}
	if in.UnpublishAt != nil && in.PublishAt != nil && !in.UnpublishAt.After(*in.PublishAt) {
		return in, problem.InvalidField("unpublishAt", "must be after publishAt")
	}
	return in, nil
}

// statusAt returns the status of what is published at a time, or at once.
func statusAt(at *time.Time) openapi.ArticleStatus {
	if at != nil {
		return openapi.StatusScheduled
	}
	return openapi.StatusPublished
}

// publishAgain publishes the working copy of an article that is published, or
// schedules it, and changes when the article is withdrawn.
func (s publishing) publishAgain(
	ctx context.Context, tx query.DBTX, locked *query.ArticleLockRow, found *query.WorkingCopyFindRow, in openapi.PublishRequest,
) (err error) {
	switch {
	case in.PublishAt != nil && found == nil:
		return problem.InvalidField("publishAt", "is not possible for an article that is published already and has no working copy")
	case in.PublishAt != nil:
		err = scheduleCopy(ctx, tx, locked.ID, *in.PublishAt)
	case found != nil:
		*locked, err = s.rules.TakeCopy(ctx, tx, *locked, *found)
	case in.UnpublishAt == nil:
		return nil
	}
	if err != nil {
		return err
	}
	if in.UnpublishAt != nil {
		if err := publishArticle(ctx, tx, locked, openapi.PublishRequest{UnpublishAt: in.UnpublishAt}); err != nil {
			return err
		}
	}
	return auditStatus(ctx, tx, locked, openapi.ArticlePublished, statusAt(in.PublishAt))
}

// publishArticle publishes an article, or schedules it.
func publishArticle(ctx context.Context, tx query.DBTX, locked *query.ArticleLockRow, in openapi.PublishRequest) error {
	arg := query.ArticlePublishParams{ID: locked.ID, Slug: locked.Slug, PublishAt: in.PublishAt, UnpublishAt: in.UnpublishAt}
	if in.PublishAt == nil {
		var err error
		if arg.Slug, err = visibility.ClaimPublicSlug(ctx, tx, *locked); err != nil {
			return err
		}
		locked.Slug = arg.Slug
	}
	n, err := q.ArticlePublish(ctx, tx, arg)
	if err != nil {
		return err
	}
	if n > 0 {
		return publish.Schedule(ctx, tx, locked.ID, in.PublishAt, in.UnpublishAt)
	}
	field := "publishAt"
	if in.PublishAt == nil {
		field = "unpublishAt"
	}
	return problem.InvalidField(field, "must be in the future")
}

// scheduleCopy lets the working copy of an article be published at a time.
func scheduleCopy(ctx context.Context, tx query.DBTX, articleID int64, at time.Time) error {
	n, err := q.WorkingCopySetState(ctx, tx, query.WorkingCopySetStateParams{
		ArticleID: articleID, Status: string(openapi.WorkingCopyScheduled), PublishAt: &at,
	})
	if err == nil && n == 0 {
		err = problem.InvalidField("publishAt", "must be in the future")
	}
	if err != nil {
		return err
	}
	return publish.ScheduleCopy(ctx, tx, articleID, at)
}

// UnpublishArticle makes an article a draft again.
func (s publishing) UnpublishArticle(ctx context.Context, req openapi.UnpublishArticleRequestObject) (openapi.UnpublishArticleResponseObject, error) {
	a, err := s.change(ctx, req.Slug, req.Params.IfMatch, func(tx query.DBTX, locked *query.ArticleLockRow) error {
		return s.setDraft(ctx, tx, locked, openapi.StatusDraft, openapi.ArticleUnpublished)
	})
	if err != nil {
		return nil, err
	}
	out := openapi.ArticleOKJSONResponse{Article: a.View(ctx, nil)}
	return articleWithdrawn{openapi.UnpublishArticle200JSONResponse{ArticleOKJSONResponse: out}, a.Facts()}, nil
}

// SubmitArticle marks a draft, or a working copy, as ready for an editor.
func (s publishing) SubmitArticle(ctx context.Context, req openapi.SubmitArticleRequestObject) (openapi.SubmitArticleResponseObject, error) {
	a, err := s.change(ctx, req.Slug, nil, func(tx query.DBTX, locked *query.ArticleLockRow) error {
		found, err := publish.FindCopy(ctx, tx, *locked, req.Params.IfMatch)
		switch {
		case err != nil:
			return err
		case locked.PublishedAt == nil:
			return s.setDraft(ctx, tx, locked, openapi.StatusReview, openapi.ArticleSubmitted)
		case found == nil:
			return problem.InvalidField("status", fmt.Sprintf("is %s: only a draft or a working copy can be submitted", locked.Status))
		}
		// It is not scheduled any more.
		if err := s.rules.Check(ctx, openapi.ArticleStatus(found.Status)); err != nil {
			return err
		}
		_, err = q.WorkingCopySetState(ctx, tx, query.WorkingCopySetStateParams{ArticleID: locked.ID, Status: string(openapi.WorkingCopyReview)})
		if err != nil {
			return err
		}
		return auditStatus(ctx, tx, locked, openapi.ArticleSubmitted, openapi.StatusReview)
	})
	if err != nil {
		return nil, err
	}
	out := openapi.ArticleOKJSONResponse{Article: a.View(ctx, nil)}
	return articleSubmitted{openapi.SubmitArticle200JSONResponse{ArticleOKJSONResponse: out}, a.Facts()}, nil
}

// setDraft gives an article a status in which it has no time of publication.
func (s publishing) setDraft(ctx context.Context, tx query.DBTX, locked *query.ArticleLockRow, status openapi.ArticleStatus, action openapi.AuditAction) (err error) {
	before := *locked
	if before.Status == string(status) {
		return nil
	}
	if *locked, err = s.rules.Withdraw(ctx, tx, before, status); err != nil {
		return err
	}
	return auditStatus(ctx, tx, &before, action, status)
}

// auditStatus writes to the audit log that an editor has given an article of
// somebody else's, or its working copy, a status.
func auditStatus(ctx context.Context, tx query.DBTX, locked *query.ArticleLockRow, action openapi.AuditAction, to openapi.ArticleStatus) error {
	after := string(to)
	return audit.WriteEdit(ctx, tx, locked.AuthorID, audit.Entry{Action: action, ID: locked.ID, From: &locked.Status, To: &after})
}

// change locks an article that the viewer may change, changes it, and returns
// it as it is afterwards.
func (s publishing) change(
	ctx context.Context, slug string, ifMatch *openapi.IfMatch, change func(tx query.DBTX, locked *query.ArticleLockRow) error,
) (a visibility.Article, err error) {
	err = s.db.InTx(ctx, func(tx query.DBTX) error {
		locked, err := visibility.LockArticle(ctx, tx, slug, ifMatch)
		if err != nil {
			return err
		}
		if err := change(tx, &locked); err != nil {
			return err
		}
		a, err = visibility.ReadArticle(ctx, tx, locked.ID)
		return err
	})
	return a, err
}

// GetCurrentUserArticles lists the viewer's own articles.
func (s publishing) GetCurrentUserArticles(ctx context.Context, req openapi.GetCurrentUserArticlesRequestObject) (openapi.GetCurrentUserArticlesResponseObject, error) {
	status := string(optional.Or(req.Params.Status, ""))
	id := request.Viewer(ctx).ID
	out, err := s.listByAuthor(ctx, fmt.Sprintf("own/%d?status=%s", id, status), id, status, req.Params.Limit, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	return openapi.GetCurrentUserArticles200JSONResponse{OwnArticlesJSONResponse: out}, nil
}

// GetEditorialArticles lists the articles of everybody.
func (s publishing) GetEditorialArticles(ctx context.Context, req openapi.GetEditorialArticlesRequestObject) (openapi.GetEditorialArticlesResponseObject, error) {
	status := string(optional.Or(req.Params.Status, ""))
	if req.Params.Author != nil {
		u, err := q.ProfileGetByUsername(ctx, s.db, query.ProfileGetByUsernameParams{Username: *req.Params.Author, FoldedUsername: names.Fold(*req.Params.Author)})
		if err != nil && !db.IsNotFound(err) {
			return nil, err
		}
		out, err := s.listByAuthor(ctx, fmt.Sprintf("editorial/%d?status=%s", u.ID, status), u.ID, status, req.Params.Limit, req.Params.Cursor)
		if err != nil {
			return nil, err
		}
		return openapi.GetEditorialArticles200JSONResponse{OwnArticlesJSONResponse: out}, nil
	}
	scope := "editorial?status=" + status
	limit := optional.Or(req.Params.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, req.Params.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	var rows []query.OwnArticleItem
	if viewer := request.Viewer(ctx).ID; status == "" {
		rows, err = q.ArticleListInAnyState(ctx, s.db, query.ArticleListInAnyStateParams{ViewerID: viewer, BeforeID: before.ID, PageLimit: limit + 1})
	} else {
		rows, err = q.ArticleListByStatus(ctx, s.db, query.ArticleListByStatusParams{ViewerID: viewer, Status: status, BeforeID: before.ID, PageLimit: limit + 1})
	}
	if err != nil {
		return nil, err
	}
	out, err := s.page(ctx, scope, rows, limit, func(last query.OwnArticleItem) page.Position { return page.Position{ID: last.ID} })
	if err != nil {
		return nil, err
	}
	return openapi.GetEditorialArticles200JSONResponse{OwnArticlesJSONResponse: out}, nil
}

// listByAuthor returns a page of an author's articles. An empty status means
// all.
func (s publishing) listByAuthor(
	ctx context.Context, scope string, authorID int64, status string, limit *openapi.Limit, cursor *openapi.Cursor,
) (out openapi.OwnArticlesJSONResponse, err error) {
	n := optional.Or(limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, cursor, page.Newest)
	if err != nil {
		return out, err
	}
	rows, err := q.ArticleListInAnyStateByAuthor(ctx, s.db, query.ArticleListInAnyStateByAuthorParams{
		ViewerID: request.Viewer(ctx).ID, AuthorID: authorID, Status: status,
		BeforeCreatedAt: before.Key.Time(), BeforeID: before.ID, PageLimit: n + 1,
	})
	if err != nil {
		return out, err
	}
	return s.page(ctx, scope, rows, n, func(last query.OwnArticleItem) page.Position {
		return page.Position{Key: page.At(last.CreatedAt), ID: last.ID}
	})
}

// page returns the page that consists of the first limit rows, which ends early
// if its texts are long.
func (s publishing) page(
	ctx context.Context, scope string, rows []query.OwnArticleItem, limit int32, position func(query.OwnArticleItem) page.Position,
) (out openapi.OwnArticlesJSONResponse, err error) {
	kept, err := view.Fit(ctx, rows[:min(len(rows), int(limit))], view.OwnSummaryTexts)
	if err != nil {
		return out, err
	}
	ids := make([]int64, kept)
	for i, r := range rows[:kept] {
		ids[i] = r.ID
	}
	copies, err := q.WorkingCopyListStates(ctx, s.db, ids)
	if err != nil {
		return out, err
	}
	states := make(map[int64]openapi.WorkingCopyStatus, len(copies))
	for _, c := range copies {
		states[c.ArticleID] = openapi.WorkingCopyStatus(c.Status)
	}
	out.Body.Articles = make([]openapi.ArticleSummary, kept)
	for i, r := range rows[:kept] {
		out.Body.Articles[i] = view.OwnSummary(ctx, r)
		if state, ok := states[r.ID]; ok {
			out.Body.Articles[i].WorkingCopy = &state
		}
	}
	if len(rows) > kept {
		out.Body.NextCursor, out.Headers.Link = s.cursors.Next(ctx, scope, position(rows[kept-1]))
	}
	return out, nil
}
