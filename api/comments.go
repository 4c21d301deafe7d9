package api

import (
	"context"
	"fmt"
	"strconv"

	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type comments struct {
	db      *db.DB
	once    idempotency.Runner
	cursors *page.Codec
	html    *markup.Renderer
}

const (
	// maxComments is the default and maximum length of a page. It is high
	// enough that front ends without pagination show all comments.
	maxComments = 1000
	// maxHTMLComments is the default and maximum length of a page with
	// format=html. Rendering a text takes far more time than reading it.
	maxHTMLComments = 100
)

// commentWindow is the part of an article's comments that a request selects.
type commentWindow struct {
	newest bool // the newest comment comes first, otherwise the oldest
	after  page.Position
	limit  int32
}

// commentScope returns the scope of the cursors of one list of comments.
func commentScope(slug string, newest bool) string {
	return "comments/" + strconv.FormatBool(newest) + "/" + slug
}

// GetArticleComments lists the comments of an article.
func (s comments) GetArticleComments(ctx context.Context, req openapi.GetArticleCommentsRequestObject) (openapi.GetArticleCommentsResponseObject, error) {
	w, err := s.window(req)
	if err != nil {
		return nil, err
	}
	rows, articleID, err := s.list(ctx, req.Slug, w)
	if err != nil {
		return nil, err
	}
	out := commentPage{Facts: commentFacts(articleID, rows)}
	if len(rows) > int(w.limit) {
		rows = rows[:w.limit]
		last := rows[w.limit-1]
		position := page.Position{Key: page.At(last.CreatedAt), ID: last.ID}
		out.next, out.link = s.cursors.Next(ctx, commentScope(req.Slug, w.newest), position)
	}
	if err := s.complete(ctx, rows, req.Params.Format); err != nil {
		return nil, err
	}
	out.rows = rows
	return out, nil
}

func (s comments) window(req openapi.GetArticleCommentsRequestObject) (w commentWindow, err error) {
	maxLimit := int32(maxComments)
	if view.WantsHTML(req.Params.Format) {
		maxLimit = maxHTMLComments
	}
	w.limit = optional.Or(req.Params.Limit, maxLimit)
	w.newest = optional.Or(req.Params.Sort, openapi.GetArticleCommentsParamsSortOldestFirst) == openapi.GetArticleCommentsParamsSortNewestFirst
	first := page.Oldest
	if w.newest {
		first = page.Newest
	}
	w.after, err = s.cursors.Start(commentScope(req.Slug, w.newest), req.Params.Cursor, first)
	if err == nil && w.limit > maxLimit {
		err = problem.InvalidField("limit", fmt.Sprintf("must be at most %d with format=html", maxLimit))
	}
	return w, err
}

// sharedComments is how many comments are read in a round trip that other
// requests share: a page of 100 and one more. Most articles have fewer.
const sharedComments = 101

// list returns the comments in a window and the id of the article. If there is
// another page, it returns one comment more than the limit.
func (s comments) list(ctx context.Context, slug string, w commentWindow) (rows []comment, articleID int64, err error) {
	viewer := request.Viewer(ctx)
	arg := query.CommentListOldestParams{
		ViewerID: viewer.ID, Moderates: viewer.Moderates(), Slug: slug,
		FromCreatedAt: w.after.Key.Time(), FromID: w.after.ID, PageLimit: min(w.limit+1, sharedComments),
	}
	if rows, err = readComments(ctx, s.db, w.newest, arg); err != nil {
		return nil, 0, err
	}
	if len(rows) == sharedComments && w.limit+1 > sharedComments {
		last := rows[len(rows)-1]
		arg.FromCreatedAt, arg.FromID, arg.PageLimit = last.CreatedAt, last.ID, w.limit+1-sharedComments
		rest, err := readComments(ctx, s.db.Alone(), w.newest, arg)
		return append(rows, rest...), last.ArticleID, err
	}
	if len(rows) > 0 {
		return rows, rows[0].ArticleID, nil
	}
	// There is no row if the article has no comments or does not exist.
	a, err := visibility.FindArticle(ctx, s.db, slug)
	return nil, a.ID, err
}

func readComments(ctx context.Context, conn query.DBTX, newest bool, arg query.CommentListOldestParams) ([]comment, error) {
	if newest {
		return commentsOf(q.CommentListNewest(ctx, conn, query.CommentListNewestParams(arg)))
	}
	return commentsOf(q.CommentListOldest(ctx, conn, arg))
}

// comment is a comment as the viewer sees it. All queries for comments return
// the same columns.
type comment struct {
	query.CommentListOldestRow
	html   *string            // nil unless the request asks for it
	hiding *visibility.Hiding // nil if the comment is not hidden
}

func commentsOf[R query.CommentListOldestRow | query.CommentListNewestRow](rows []R, err error) ([]comment, error) {
	list := make([]comment, len(rows))
	for i, r := range rows {
		list[i].CommentListOldestRow = query.CommentListOldestRow(r)
	}
	return list, err
}

// commentFacts returns the keys that a list of comments depends on: those of
// the article, its list of comments and the profiles of the comments' authors.
func commentFacts(articleID int64, rows []comment) response.Facts {
	keys := []changes.Key{changes.Article(articleID), changes.Comments(articleID)}
	seen := map[int64]bool{}
	for _, c := range rows {
		if !seen[c.AuthorID] {
			seen[c.AuthorID] = true
			keys = append(keys, changes.Profile(c.AuthorID))
		}
	}
	return response.DependsOn(keys...)
}

// complete adds to comments what is not in their rows.
func (s comments) complete(ctx context.Context, rows []comment, format *openapi.TextFormat) error {
	var ids []int64
	for _, c := range rows {
		if c.Hidden {
			ids = append(ids, c.ID)
		}
	}
	hidden, err := visibility.HiddenComments(ctx, s.db, ids)
	if err != nil {
		return err
	}
	for i, c := range rows {
		rows[i].hiding = hidden[c.ID]
		if !view.WantsHTML(format) {
			continue
		}
		html, err := s.html.Render(ctx, c.Body)
		if err != nil {
			return err
		}
		rows[i].html = &html
	}
	return nil
}

// view renders a comment as the generated type.
func (c comment) view() openapi.Comment {
	return openapi.Comment{
		Id: c.ID, Body: c.Body, BodyHtml: c.html, CreatedAt: view.Timestamp(c.CreatedAt), UpdatedAt: view.Timestamp(c.UpdatedAt),
		Author: view.Profile(c.Username, c.Bio, c.Image, c.Following), Hidden: c.hiding.View(),
	}
}

// CreateArticleComment adds a comment by the viewer.
func (s comments) CreateArticleComment(ctx context.Context, req openapi.CreateArticleCommentRequestObject) (openapi.CreateArticleCommentResponseObject, error) {
	viewer := request.Viewer(ctx)
	arg := query.CommentCreateParams{AuthorID: viewer.ID, Moderates: viewer.Moderates(), Body: req.Body.Comment.Body, Slug: req.Slug}
	call := idempotency.Call{Operation: "CreateArticleComment " + req.Slug, Key: req.Params.IdempotencyKey, Body: req.Body}
	created, replayed, err := idempotency.Once(ctx, s.once, call, func(conn query.DBTX) (query.CommentCreateRow, error) {
		c, err := q.CommentCreate(ctx, conn, arg)
		return c, translate.NotFound(err, "article")
	})
	if err != nil {
		return nil, err
	}
	out := openapi.CommentCreatedJSONResponse{Body: openapi.CommentResponse{Comment: comment{CommentListOldestRow: query.CommentListOldestRow(created)}.view()}}
	out.Headers.Location = new(fmt.Sprintf("/api/articles/%s/comments/%d", req.Slug, created.ID))
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateArticleComment201JSONResponse{CommentCreatedJSONResponse: out}, nil
}

// DeleteArticleComment deletes one of the viewer's comments.
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
