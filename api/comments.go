package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type comments struct {
	creator
	cursors *page.Codec
	html    htmlMaker
}

// maxComments is the length of a page whose request names none: enough for
// front ends that do not know pages to show all comments.
const maxComments = 1000

// commentWindow is the part of an article's comments that a request asks for.
type commentWindow struct {
	newest bool // first; else the oldest
	after  page.Position
	limit  int32
}

// commentScope is the list that a cursor belongs to.
func commentScope(slug string, newest bool) string {
	return "comments/" + strconv.FormatBool(newest) + "/" + slug
}

// GetArticleComments lists the comments of an article.
func (s comments) GetArticleComments(ctx context.Context, req openapi.GetArticleCommentsRequestObject) (openapi.GetArticleCommentsResponseObject, error) {
	w, err := s.window(req)
	if err != nil {
		// 404 comes before 422.
		if _, missing := findArticle(ctx, s.db, req.Slug); missing != nil {
			return nil, missing
		}
		return nil, err
	}
	rows, err := s.list(ctx, req.Slug, w)
	if err != nil {
		return nil, err
	}
	out, next := ready{status: http.StatusOK}, ""
	if len(rows) > int(w.limit) {
		rows = rows[:w.limit]
		last := rows[w.limit-1]
		next, out.link = nextPage(ctx, s.cursors, commentScope(req.Slug, w.newest), page.Position{CreatedAt: last.CreatedAt, ID: last.ID})
	}
	if out.body, err = s.encode(ctx, rows, req.Params.Format); err != nil {
		return nil, err
	}
	out.body = appendNext(out.body, next)
	return out, nil
}

func (s comments) window(req openapi.GetArticleCommentsRequestObject) (w commentWindow, err error) {
	most := int32(maxComments)
	if wantsHTML(req.Params.Format) {
		most = maxHTMLComments
	}
	w.limit = valueOr(req.Params.Limit, most)
	w.newest = valueOr(req.Params.Sort, openapi.GetArticleCommentsParamsSortOldestFirst) == openapi.GetArticleCommentsParamsSortNewestFirst
	var start page.Position
	if w.newest {
		start = firstPage
	}
	w.after, err = decodeCursor(s.cursors, commentScope(req.Slug, w.newest), req.Params.Cursor, start)
	if err == nil && w.limit > most {
		err = problem.InvalidField("limit", fmt.Sprintf("must be at most %d with format=html", most))
	}
	return w, err
}

// list returns the comments of a window and, to tell whether there is another
// page, the one behind it.
func (s comments) list(ctx context.Context, slug string, w commentWindow) ([]commentRow, error) {
	rows, err := s.inOrder(ctx, w.newest, query.CommentListOldestParams{
		ViewerID: request.Viewer(ctx).ID, Moderates: request.Viewer(ctx).Moderates(), Slug: slug,
		FromCreatedAt: w.after.CreatedAt, FromID: w.after.ID, PageLimit: w.limit + 1,
	})
	if err != nil {
		return nil, err
	}
	info := request.From(ctx)
	if len(rows) > 0 {
		info.DependsOn(changes.Article(rows[0].ArticleID), changes.Comments(rows[0].ArticleID))
		return rows, nil
	}
	// Nothing tells an article without comments from no article at all.
	a, err := findArticle(ctx, s.db, slug)
	if err != nil {
		return nil, err
	}
	info.DependsOn(changes.Article(a.ID), changes.Comments(a.ID))
	return nil, nil
}

func (s comments) inOrder(ctx context.Context, newest bool, arg query.CommentListOldestParams) ([]commentRow, error) {
	if !newest {
		return q.CommentListOldest(ctx, s.db.Reads(), arg)
	}
	rows, err := q.CommentListNewest(ctx, s.db.Reads(), query.CommentListNewestParams(arg))
	out := make([]commentRow, len(rows))
	for i, r := range rows {
		out[i] = commentRow(r)
	}
	return out, err
}

// encode writes the answer up to its nextCursor.
func (s comments) encode(ctx context.Context, rows []commentRow, format *openapi.TextFormat) ([]byte, error) {
	hidden, err := hiddenComments(ctx, s.db, rows)
	if err != nil {
		return nil, err
	}
	info := request.From(ctx)
	b := append(newBody(64+len(rows)*2*profileSize), `{"comments":[`...)
	for i, r := range rows {
		html, err := s.html.render(ctx, format, r.Body)
		if err != nil {
			return nil, err
		}
		b = appendComment(appendComma(b, i), r, html, hidden[r.ID])
		if info.Collects {
			info.DependsOn(changes.Profile(r.AuthorID))
		}
	}
	return append(b, ']'), nil
}

// CreateArticleComment adds a comment by the viewer.
func (s comments) CreateArticleComment(ctx context.Context, req openapi.CreateArticleCommentRequestObject) (openapi.CreateArticleCommentResponseObject, error) {
	arg := query.CommentCreateParams{
		AuthorID: request.Viewer(ctx).ID, Moderates: request.Viewer(ctx).Moderates(), Body: req.Body.Comment.Body, Slug: req.Slug,
	}
	c, replayed, err := once(ctx, s.creator, call{"CreateArticleComment " + req.Slug, req.Params.IdempotencyKey, req.Body},
		func(conn query.DBTX) (query.CommentCreateRow, error) {
			c, err := q.CommentCreate(ctx, conn, arg)
			return c, orNotFound(err, "article")
		})
	if err != nil {
		return nil, err
	}
	b := append(newBody(2*profileSize+len(c.Body)), `{"comment":`...)
	b = append(appendComment(b, commentRow(c), nil, nil), "}\n"...)
	location := fmt.Sprintf("/api/articles/%s/comments/%d", req.Slug, c.ID)
	return ready{status: http.StatusCreated, body: b, location: &location, replayed: replayed}, nil
}

// DeleteArticleComment removes a comment of the viewer's.
func (s comments) DeleteArticleComment(ctx context.Context, req openapi.DeleteArticleCommentRequestObject) (openapi.DeleteArticleCommentResponseObject, error) {
	r, err := q.CommentDelete(ctx, s.db, query.CommentDeleteParams{
		ID: req.Id, Slug: req.Slug, ViewerID: request.Viewer(ctx).ID, Moderates: request.Viewer(ctx).Moderates(),
	})
	switch {
	case err != nil:
		return nil, err
	case r.Deleted:
		return openapi.DeleteArticleComment204Response{}, nil
	case !r.ArticleFound:
		return nil, problem.NotFound("article")
	case r.ForeignComment:
		return nil, problem.Forbidden("comment")
	default:
		return nil, problem.NotFound("comment")
	}
}
