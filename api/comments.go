package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
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

// GetArticleComments lists the comments of an article.
func (s comments) GetArticleComments(ctx context.Context, req openapi.GetArticleCommentsRequestObject) (openapi.GetArticleCommentsResponseObject, error) {
	most := int32(maxComments)
	if wantsHTML(req.Params.Format) {
		most = maxHTMLComments
	}
	limit := valueOr(req.Params.Limit, most)
	newest := valueOr(req.Params.Sort, openapi.GetArticleCommentsParamsSortOldestFirst) == openapi.GetArticleCommentsParamsSortNewestFirst
	scope := "comments/" + strconv.FormatBool(newest) + "/" + req.Slug
	start := page.Position{CreatedAt: time.Time{}}
	if newest {
		start = firstPage
	}
	from, err := decodeCursor(s.cursors, scope, req.Params.Cursor, start)
	if err == nil && limit > most {
		err = problem.InvalidField("limit", fmt.Sprintf("must be at most %d with format=html", most))
	}
	if err != nil {
		// 404 comes before 422.
		if _, missing := findArticle(ctx, s.db, req.Slug); missing != nil {
			return nil, missing
		}
		return nil, err
	}
	arg := query.CommentListOldestParams{
		ViewerID: request.Viewer(ctx).ID, Moderates: request.Viewer(ctx).Moderates(), Slug: req.Slug,
		FromCreatedAt: from.CreatedAt, FromID: from.ID, PageLimit: limit + 1,
	}
	rows, err := s.list(ctx, newest, arg)
	if err != nil {
		return nil, err
	}
	info := request.From(ctx)
	if len(rows) == 0 {
		// Nothing tells an article without comments from no article at all.
		a, err := findArticle(ctx, s.db, req.Slug)
		if err != nil {
			return nil, err
		}
		info.DependsOn(key('a', a.ID), key('c', a.ID))
	} else {
		info.DependsOn(key('a', rows[0].ArticleID), key('c', rows[0].ArticleID))
	}
	out, next := ready{status: http.StatusOK}, ""
	if len(rows) > int(limit) {
		rows = rows[:limit]
		last := rows[limit-1]
		next, out.link = nextPage(ctx, s.cursors, scope, page.Position{CreatedAt: last.CreatedAt, ID: last.ID})
	}
	hidden, err := hiddenComments(ctx, s.db, rows)
	if err != nil {
		return nil, err
	}
	b := append(newBody(64+len(rows)*2*profileSize), `{"comments":[`...)
	for i, r := range rows {
		html, err := s.html.render(ctx, req.Params.Format, r.Body)
		if err != nil {
			return nil, err
		}
		b = appendComment(appendComma(b, i), r, html, hidden[r.ID])
		if info.Collects {
			info.DependsOn(key('u', r.AuthorID))
		}
	}
	out.body = appendNext(append(b, ']'), next)
	return out, nil
}

func (s comments) list(ctx context.Context, newest bool, arg query.CommentListOldestParams) ([]commentRow, error) {
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
