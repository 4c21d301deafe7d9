package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type comments struct {
	db      *db.DB
	once    idempotency.Runner
	cursors *page.Codec
	html    *markup.Renderer
	storage int64 // the maximum for an account, in bytes
	rules   publish.Rules
	creator *commentCreator
	reader  *commentReader
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
	// parent is the comment whose replies are selected. If it is 0, those that
	// answer none are. nil selects all.
	parent *int64
	filter string // the parent in the scope of cursors
	after  page.Position
	limit  int32
}

// scope returns the scope of the cursors of a list of comments.
func (w commentWindow) scope(slug string) string {
	return "comments/" + strconv.FormatBool(w.newest) + "/" + slug + w.filter
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
	out := commentPage{articleID: articleID}
	if out.rows, err = s.complete(ctx, rows, w.limit, req.Params.Format); err != nil {
		return nil, err
	}
	if n := len(out.rows); n < len(rows) {
		last := rows[n-1]
		position := page.Position{Key: page.At(last.CreatedAt), ID: last.ID}
		out.next, out.link = s.cursors.Next(ctx, w.scope(req.Slug), position)
	}
	return out, nil
}

func (s comments) window(req openapi.GetArticleCommentsRequestObject) (w commentWindow, err error) {
	maxLimit := int32(maxComments)
	if view.WantsHTML(req.Params.Format) {
		maxLimit = maxHTMLComments
	}
	w.limit = optional.Or(req.Params.Limit, maxLimit)
	if w.parent = req.Params.ParentId; w.parent != nil {
		w.filter = "?parentId=" + strconv.FormatInt(*w.parent, 10)
	}
	w.newest = optional.Or(req.Params.Sort, openapi.GetArticleCommentsParamsSortOldestFirst) == openapi.GetArticleCommentsParamsSortNewestFirst
	first := page.Oldest
	if w.newest {
		first = page.Newest
	}
	w.after, err = s.cursors.Start(w.scope(req.Slug), req.Params.Cursor, first)
	if err == nil && w.limit > maxLimit {
		err = problem.InvalidField("limit", fmt.Sprintf("must be at most %d with format=html", maxLimit))
	}
	return w, err
}

// sharedComments is how many comments are read in a round trip that other
// requests share: a page of 100 and one more. Most articles have fewer.
const sharedComments = 101

// list returns the comments in a window and the id of the article. If there is
// another page, it returns one comment more than the page has room for. It
// reads the first comments in a round trip that other requests share. It
// reserves memory before it reads more than budget.Unreserved bytes, and stops
// after budget.Text bytes.
func (s comments) list(ctx context.Context, slug string, w commentWindow) (rows []comment, articleID int64, err error) {
	viewer := request.Viewer(ctx)
	arg := query.CommentListUnderOldestParams{
		ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer), Slug: slug, ParentID: optional.Or(w.parent, 0),
		FromCreatedAt: w.after.Key.Time(), FromID: w.after.ID, PageLimit: min(w.limit+1, sharedComments), MaxBytes: budget.Unreserved,
	}
	conn, size, allowed := query.DBTX(s.db), 0, budget.Unreserved
	together := viewer.Anonymous() && w == commentWindow{after: page.Oldest, limit: w.limit} && arg.PageLimit == sharedComments
	for {
		before := len(rows)
		if together {
			rows, err = s.first(ctx, slug)
		} else {
			rows, err = w.read(ctx, conn, rows, arg)
		}
		if err != nil {
			return nil, 0, err
		}
		together = false
		for i := range rows[before:] {
			size += rows[before+i].bytes()
		}
		atEnd := len(rows)-before < int(arg.PageLimit) && size <= allowed
		if atEnd || len(rows) > int(w.limit) || size > budget.Text {
			break
		}
		if size > allowed {
			if err := request.From(ctx).Memory.Reserve(3 * allowed); err != nil {
				return nil, 0, err
			}
			allowed *= 4
		}
		last := rows[len(rows)-1]
		arg.FromCreatedAt, arg.FromID = last.CreatedAt, last.ID
		arg.PageLimit, arg.MaxBytes = w.limit+1-int32(len(rows)), int64(allowed-size)
		conn = s.db.Alone()
	}
	if len(rows) > 0 {
		return rows, rows[0].ArticleID, nil
	}
	// There is no row if the article has no comments or does not exist.
	a, err := visibility.FindArticle(ctx, s.db, slug)
	return nil, a.ID, err
}

// read appends the comments that a query returns to list.
func (w commentWindow) read(ctx context.Context, conn query.DBTX, list []comment, arg query.CommentListUnderOldestParams) ([]comment, error) {
	if w.parent != nil {
		if w.newest {
			rows, err := q.CommentListUnderNewest(ctx, conn, query.CommentListUnderNewestParams(arg))
			return appendComments(list, rows), err
		}
		rows, err := q.CommentListUnderOldest(ctx, conn, arg)
		return appendComments(list, rows), err
	}
	all := query.CommentListOldestParams{
		ViewerID: arg.ViewerID, Slug: arg.Slug, ViewerLevel: arg.ViewerLevel,
		FromCreatedAt: arg.FromCreatedAt, FromID: arg.FromID, PageLimit: arg.PageLimit, MaxBytes: arg.MaxBytes,
	}
	if w.newest {
		rows, err := q.CommentListNewest(ctx, conn, query.CommentListNewestParams(all))
		return appendComments(list, rows), err
	}
	rows, err := q.CommentListOldest(ctx, conn, all)
	return appendComments(list, rows), err
}

// comment is a comment as the viewer sees it. All queries for comments return
// the same columns.
type comment struct {
	query.CommentListOldestRow
	html   *string            // nil unless the request asks for it
	hiding *visibility.Hiding // nil if the comment is not hidden
}

// deleted reports whether only the place of the comment is left, for its
// replies.
func (c *comment) deleted() bool { return c.AuthorID == 0 }

// commentRow is a row of a query for comments. They have the same columns.
type commentRow interface {
	query.CommentListOldestRow | query.CommentListNewestRow | query.CommentListUnderOldestRow | query.CommentListUnderNewestRow
}

func appendComments[R commentRow](list []comment, rows []R) []comment {
	list = slices.Grow(list, len(rows))
	for _, r := range rows {
		list = append(list, comment{CommentListOldestRow: query.CommentListOldestRow(r)})
	}
	return list
}

// complete adds to the first comments what is not in their rows. It returns as
// many as a page has room for, by its limit and by budget.Text, at least one.
func (s comments) complete(ctx context.Context, rows []comment, limit int32, format *openapi.TextFormat) ([]comment, error) {
	rows = rows[:min(len(rows), int(limit))]
	var ids []int64
	for _, c := range rows {
		if c.Hidden {
			ids = append(ids, c.ID)
		}
	}
	hidden, err := visibility.HiddenComments(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	size, total := 0, 0
	for i := range rows {
		total += rows[i].bytes()
	}
	bounded := !view.WantsHTML(format) && total*view.MaxEscape <= budget.Text
	for i := range rows {
		c := &rows[i]
		c.hiding = hidden[c.ID]
		if view.WantsHTML(format) {
			html, err := s.html.Render(ctx, c.Body)
			if err != nil {
				return nil, err
			}
			c.html = &html.HTML
		}
		if bounded {
			continue // short texts are not measured
		}
		if size += c.size(); size > budget.Text && i > 0 {
			return rows[:i], nil
		}
	}
	return rows, nil
}

// bytes returns the length of a comment's texts, as max_bytes counts them.
func (c *comment) bytes() int {
	return len(c.Body) + len(optional.Or(c.Bio, "")) + len(optional.Or(c.Image, ""))
}

// size returns how many bytes of JSON a comment's texts may take.
func (c *comment) size() int {
	n := view.Size(c.Body) + view.Size(optional.Or(c.Bio, "")) + view.Size(optional.Or(c.Image, ""))
	return n + view.Size(optional.Or(c.html, ""))
}

// view renders a comment as the generated type.
func (c comment) view() openapi.Comment {
	out := openapi.Comment{
		Id: c.ID, ParentId: optional.NonZero(c.ParentID), Body: c.Body, BodyHtml: c.html, CreatedAt: view.Timestamp(c.CreatedAt), UpdatedAt: view.Timestamp(c.UpdatedAt),
		Author: view.Profile(c.Username, c.Bio, c.Image, c.Following), Hidden: c.hiding.View(),
	}
	if c.deleted() {
		out.Deleted = new(true)
	}
	if c.Waiting {
		out.Waiting = new(true)
	}
	return out
}

// CreateArticleComment adds a comment by the viewer, or a reply to another one.
func (s comments) CreateArticleComment(ctx context.Context, req openapi.CreateArticleCommentRequestObject) (openapi.CreateArticleCommentResponseObject, error) {
	if s.rules.Comments == publish.NoComments {
		if _, err := visibility.FindArticle(ctx, s.db, req.Slug); err != nil {
			return nil, err
		}
		return nil, problem.New(problem.CommentsClosed, "comment", "cannot be added: this service takes no new comments")
	}
	call := idempotency.Call{Operation: "CreateArticleComment " + req.Slug, Key: req.Params.IdempotencyKey, Body: req.Body}
	created, replayed, err := idempotency.Once(ctx, s.once, call, func(conn query.DBTX) (query.CommentCreateRow, error) {
		return s.create(ctx, conn, req.Slug, req.Body.Comment)
	})
	if err != nil {
		return nil, err
	}
	out := openapi.CommentCreatedJSONResponse{Body: openapi.CommentResponse{Comment: comment{CommentListOldestRow: query.CommentListOldestRow(created)}.view()}}
	out.Headers.Location = new(fmt.Sprintf("/api/articles/%s/comments/%d", req.Slug, created.ID))
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateArticleComment201JSONResponse{CommentCreatedJSONResponse: out}, nil
}

// create adds a comment. It waits for approval if the service demands it and
// its author has no comment that everybody sees, and is no moderator.
func (s comments) create(ctx context.Context, conn query.DBTX, slug string, in openapi.NewComment) (c query.CommentCreateRow, err error) {
	viewer := request.Viewer(ctx)
	arg := query.CommentCreateParams{
		AuthorID: viewer.ID, ViewerLevel: visibility.Level(viewer), Body: in.Body, Slug: slug, AccountStorage: s.storage,
	}
	if s.rules.Comments == publish.ApprovedComments && !viewer.Moderates() {
		if arg.Waiting, err = q.CommentMustWait(ctx, conn, viewer.ID); err != nil {
			return c, err
		}
	}
	switch {
	case in.ParentId == nil && conn == query.DBTX(s.db) && len(arg.Body) <= db.MaxTogether:
		c, err = s.creator.Get(ctx, arg)
	case in.ParentId == nil:
		c, err = q.CommentCreate(ctx, conn, arg)
	default:
		var r query.CommentReplyRow
		r, err = q.CommentReply(ctx, conn, query.CommentReplyParams{
			ParentID: *in.ParentId, Slug: slug, AuthorID: arg.AuthorID, ViewerLevel: arg.ViewerLevel, Body: arg.Body,
			Waiting: arg.Waiting, AccountStorage: arg.AccountStorage,
		})
		c = query.CommentCreateRow(r)
	}
	if db.IsNotFound(err) {
		err = commentRefusal(ctx, conn, arg, in.ParentId)
	}
	return c, translate.StorageFull(err, s.storage)
}

// commentRefusal returns why a comment was not created.
func commentRefusal(ctx context.Context, conn query.DBTX, arg query.CommentCreateParams, parentID *int64) error {
	r, err := q.CommentRefusal(ctx, conn, query.CommentRefusalParams{
		Slug: arg.Slug, AuthorID: arg.AuthorID, ViewerLevel: arg.ViewerLevel, ParentID: parentID,
	})
	switch {
	case err != nil:
		return translate.NotFound(err, "article")
	case !r.CommentsOpen:
		return problem.New(problem.CommentsClosed, "comment", "cannot be added: the article takes no new comments")
	case r.ParentDepth == nil:
		return problem.InvalidField("parentId", "is not a comment of this article")
	case r.ParentDeleted:
		return problem.InvalidField("parentId", "was deleted")
	case *r.ParentHidden:
		return problem.InvalidField("parentId", "is a comment that others do not see")
	default:
		return problem.InvalidField("parentId", "is at the maximum depth of 8: reply to the comment that it answers")
	}
}

// UpdateArticleComment replaces the text of one of the viewer's comments.
func (s comments) UpdateArticleComment(ctx context.Context, req openapi.UpdateArticleCommentRequestObject) (openapi.UpdateArticleCommentResponseObject, error) {
	viewer := request.Viewer(ctx)
	r, err := q.CommentUpdate(ctx, s.db, query.CommentUpdateParams{
		ID: req.Id, Slug: req.Slug, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer),
		Body: req.Body.Comment.Body, AccountStorage: s.storage,
	})
	if db.IsNotFound(err) {
		return nil, s.notOwn(ctx, req.Slug, req.Id)
	}
	if err != nil {
		return nil, translate.StorageFull(err, s.storage)
	}
	rows, err := s.complete(ctx, []comment{{CommentListOldestRow: query.CommentListOldestRow(r)}}, 1, nil)
	if err != nil {
		return nil, err
	}
	out := openapi.CommentOKJSONResponse{Comment: rows[0].view()}
	return openapi.UpdateArticleComment200JSONResponse{CommentOKJSONResponse: out}, nil
}

// DeleteArticleComment deletes one of the viewer's comments.
func (s comments) DeleteArticleComment(ctx context.Context, req openapi.DeleteArticleCommentRequestObject) (openapi.DeleteArticleCommentResponseObject, error) {
	r, err := q.CommentDelete(ctx, s.db, query.CommentDeleteParams{
		ID: req.Id, Slug: req.Slug, ViewerID: request.Viewer(ctx).ID, ViewerLevel: visibility.Level(request.Viewer(ctx)),
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

// notOwn returns why a comment is none of the viewer's: a 404 or a 403.
func (s comments) notOwn(ctx context.Context, slug string, id int64) error {
	a, err := visibility.FindArticle(ctx, s.db, slug)
	if err != nil {
		return err
	}
	viewer := request.Viewer(ctx)
	author, err := q.CommentAuthor(ctx, s.db, query.CommentAuthorParams{ID: id, ArticleID: a.ID, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer)})
	switch {
	case err != nil:
		return translate.NotFound(err, "comment")
	case author != viewer.ID:
		return problem.Forbidden("comment")
	default: // its article was not public a moment ago
		return problem.NotFound("comment")
	}
}
