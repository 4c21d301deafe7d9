package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/details"
	"github.com/byline-api/byline/api/diff"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/api/words"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// GetArticleRevisions lists the revisions of an article.
func (s articles) GetArticleRevisions(ctx context.Context, req openapi.GetArticleRevisionsRequestObject) (openapi.GetArticleRevisionsResponseObject, error) {
	a, err := visibility.FindEdited(ctx, s.db, req.Slug)
	if err != nil {
		return nil, err
	}
	scope := fmt.Sprintf("revisions/%d", a.ID)
	limit := optional.Or(req.Params.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, req.Params.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	rows, err := q.RevisionList(ctx, s.db, query.RevisionListParams{
		ViewerID: request.Viewer(ctx).ID, ArticleID: a.ID, Before: int32(min(before.ID, math.MaxInt32)), PageLimit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	kept, err := view.Fit(ctx, rows[:min(len(rows), int(limit))], revisionTexts)
	if err != nil {
		return nil, err
	}
	var out openapi.RevisionsOKJSONResponse
	out.Body.Revisions = make([]openapi.RevisionSummary, kept)
	for i, r := range rows[:kept] {
		out.Body.Revisions[i] = openapi.RevisionSummary{
			Number: r.Number, Title: r.Title, Published: r.Published, CreatedAt: view.Timestamp(r.CreatedAt),
			Author: view.RevisionAuthor(r.Username, r.Bio, r.Image, r.Following),
		}
	}
	if len(rows) > kept {
		out.Body.NextCursor, out.Headers.Link = s.cursors.Next(ctx, scope, page.Position{ID: int64(rows[kept-1].Number)})
	}
	return openapi.GetArticleRevisions200JSONResponse{RevisionsOKJSONResponse: out}, nil
}

func revisionTexts(r *query.RevisionListRow, measure func(text string) int) int {
	return measure(r.Title) + measure(r.Username) + measure(optional.Or(r.Bio, "")) + measure(optional.Or(r.Image, ""))
}

// GetArticleRevision returns a text that an article or its working copy has or
// had.
func (s articles) GetArticleRevision(ctx context.Context, req openapi.GetArticleRevisionRequestObject) (openapi.GetArticleRevisionResponseObject, error) {
	a, err := visibility.FindEdited(ctx, s.db, req.Slug)
	if err != nil {
		return nil, err
	}
	r, err := s.revision(ctx, a.ID, req.N)
	if err != nil {
		return nil, err
	}
	var shown openapi.Article
	details.Show(r.Details, &shown)
	return openapi.GetArticleRevision200JSONResponse{RevisionOKJSONResponse: openapi.RevisionOKJSONResponse{Revision: openapi.Revision{
		Number: r.Number, Title: r.Title, Description: r.Description, Body: r.Body, TagList: view.Tags(ctx, r.Tags), Published: r.Published,
		CreatedAt: view.Timestamp(r.CreatedAt), Author: view.RevisionAuthor(r.Username, r.Bio, r.Image, r.Following),
		CoverImage: shown.CoverImage, CanonicalUrl: shown.CanonicalUrl, MetaTitle: shown.MetaTitle, MetaDescription: shown.MetaDescription,
		Language: shown.Language, Metadata: shown.Metadata,
	}}}, nil
}

func (s articles) revision(ctx context.Context, articleID int64, number int32) (query.RevisionGetRow, error) {
	r, err := q.RevisionGet(ctx, s.db, query.RevisionGetParams{ViewerID: request.Viewer(ctx).ID, ArticleID: articleID, Number: number})
	return r, translate.NotFound(err, "revision")
}

// revisionCompared is the response of GetArticleRevisionDiff. The generated one
// does not say in which encoding the text is.
type revisionCompared string

// VisitGetArticleRevisionDiffResponse implements
// openapi.GetArticleRevisionDiffResponseObject.
func (text revisionCompared) VisitGetArticleRevisionDiffResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, err := io.WriteString(w, string(text))
	return err
}

// GetArticleRevisionDiff compares two revisions.
func (s articles) GetArticleRevisionDiff(ctx context.Context, req openapi.GetArticleRevisionDiffRequestObject) (openapi.GetArticleRevisionDiffResponseObject, error) {
	a, err := visibility.FindEdited(ctx, s.db, req.Slug)
	if err != nil {
		return nil, err
	}
	after, err := s.revision(ctx, a.ID, req.N)
	if err != nil {
		return nil, err
	}
	number := optional.Or(req.Params.Against, 0)
	if number == 0 {
		number, err = q.RevisionNumberBefore(ctx, s.db, query.RevisionNumberBeforeParams{ArticleID: a.ID, Number: after.Number})
		if err != nil && !db.IsNotFound(err) {
			return nil, err
		}
	}
	var before query.RevisionGetRow
	from := ""
	if number > 0 {
		if before, err = s.revision(ctx, a.ID, number); err != nil {
			return nil, err
		}
		from = strconv.Itoa(int(number))
	}
	if n := diff.Size(before.Body, after.Body); n > budget.Unreserved {
		if err := request.From(ctx).Memory.Reserve(n); err != nil {
			return nil, err
		}
	}
	parts := []diff.Part{
		{Name: "title", Before: before.Title, After: after.Title},
		{Name: "description", Before: before.Description, After: after.Description},
		{Name: "tagList", Before: lines(view.Tags(ctx, before.Tags)), After: lines(view.Tags(ctx, after.Tags))},
		{Name: "details", Before: indented(before.Details), After: indented(after.Details)},
		{Name: "body", Before: before.Body, After: after.Body},
	}
	text, err := diff.Unified(from, strconv.Itoa(int(after.Number)), parts...)
	if err != nil {
		return nil, problem.InvalidField("against", fmt.Sprintf("cannot be compared: the texts have more than %d lines together", diff.MaxLines)).WithCause(err)
	}
	return revisionCompared(text), nil
}

// lines returns a text with an item in each line.
func lines(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return strings.Join(items, "\n") + "\n"
}

// indented returns JSON with a member in each line.
func indented(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	var b bytes.Buffer
	_ = json.Indent(&b, text, "", "  ") // PostgreSQL stores nothing but JSON
	return b.String() + "\n"
}

// articleRestored is the response of RestoreArticleRevision.
type articleRestored struct {
	openapi.RestoreArticleRevision200JSONResponse
	response.Facts
}

// RestoreArticleRevision gives an article the text of a revision again.
func (s articles) RestoreArticleRevision(ctx context.Context, req openapi.RestoreArticleRevisionRequestObject) (openapi.RestoreArticleRevisionResponseObject, error) {
	var a visibility.Article
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		locked, err := visibility.LockEdited(ctx, tx, req.Slug, req.Params.IfMatch)
		if err != nil {
			return err
		}
		found, err := q.RevisionFind(ctx, tx, query.RevisionFindParams{ArticleID: locked.ID, Number: req.N})
		if err != nil {
			return translate.NotFound(err, "revision")
		}
		if err := s.rules.Check(ctx, openapi.ArticleStatus(locked.Status)); err != nil {
			return err
		}
		if req.N != locked.OwnRevision {
			if err := s.restore(ctx, tx, locked, req.N, found); err != nil {
				return err
			}
		}
		a, err = visibility.ReadArticle(ctx, tx, locked.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := openapi.ArticleOKJSONResponse{Article: a.View(ctx, nil)}
	return articleRestored{openapi.RestoreArticleRevision200JSONResponse{ArticleOKJSONResponse: out}, a.Facts()}, nil
}

func (s articles) restore(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, number int32, found query.RevisionFindRow) error {
	slug, err := visibility.Rename(ctx, tx, a, found.Title)
	if err != nil {
		return err
	}
	counts := words.Count(found.Body)
	err = q.RevisionRestore(ctx, tx, query.RevisionRestoreParams{
		ArticleID: a.ID, Number: number, Slug: slug, WordCount: counts.Words, ReadingMinutes: counts.Minutes,
		AccountStorage: s.storage, Reviser: request.Viewer(ctx).ID, MaxRevisions: s.rules.MaxRevisions,
	})
	if err != nil {
		return translate.StorageFull(err, s.storage)
	}
	return audit.WriteEdit(ctx, tx, a.AuthorID, audit.Entry{Action: openapi.ArticleUpdated, ID: a.ID})
}
