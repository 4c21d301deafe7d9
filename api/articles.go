package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/batch"
	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/cards"
	"github.com/byline-api/byline/api/details"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/api/tagnames"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/api/words"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type articles struct {
	db      *db.DB
	finder  *visibility.Finder
	creator *articleCreator
	once    idempotency.Runner
	cursors *page.Codec
	html    *markup.Renderer
	storage int64 // the maximum for an account, in bytes
	rules   publish.Rules
	names   *tagnames.Names
	cards   *cards.Store
}

// The responses of the operations that return one article carry its version.
type (
	articleCreated struct {
		openapi.CreateArticle201JSONResponse
		response.Facts
	}
	articleFound struct {
		openapi.GetArticle200JSONResponse
		response.Facts
	}
	articleUpdated struct {
		openapi.UpdateArticle200JSONResponse
		response.Facts
	}
)

// CreateArticle publishes an article.
func (s articles) CreateArticle(ctx context.Context, req openapi.CreateArticleRequestObject) (openapi.CreateArticleResponseObject, error) {
	in := req.Body.Article
	arg, err := s.newArticle(ctx, in)
	if err != nil {
		return nil, err
	}
	named := namedAuthor(in.Author)
	if named != "" {
		author, err := s.findAuthor(ctx, s.db, named)
		if err != nil {
			return nil, err
		}
		arg.RevisedBy, arg.AuthorID = new(arg.AuthorID), author
	}
	base, attempts, related := slug.From(in.Title), visibility.SlugAttempts, newRelations(in)
	if in.Slug != nil {
		base, attempts, arg.OwnSlug = *in.Slug, 1, true
		if err := checkOwnSlug(base); err != nil {
			return nil, err
		}
	}
	var created visibility.Article
	var replayed *string
	for attempt := range attempts {
		arg.Slug = slug.Candidate(base, attempt)
		call := idempotency.Call{Operation: "CreateArticle", Key: req.Params.IdempotencyKey, Body: req.Body, InTx: named != "" || in.PublishedAt != nil || related.any()}
		created, replayed, err = idempotency.Once(ctx, s.once, call, func(conn query.DBTX) (visibility.Article, error) {
			switch {
			case related.any():
				return s.createRelated(ctx, conn, arg, related)
			case named != "":
				return s.createFor(ctx, conn, arg)
			default:
				return s.createArticle(ctx, conn, arg)
			}
		})
		if !slugTaken(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	out := openapi.ArticleCreatedJSONResponse{Body: openapi.ArticleResponse{Article: created.View(ctx, nil)}}
	out.Headers.Location, out.Headers.IdempotencyReplayed = new("/api/articles/"+created.Slug), replayed
	return articleCreated{openapi.CreateArticle201JSONResponse{ArticleCreatedJSONResponse: out}, created.Facts()}, nil
}

// newArticle returns the article of a request, by the viewer and without a
// slug.
func (s articles) newArticle(ctx context.Context, in openapi.NewArticle) (arg query.DraftCreateParams, err error) {
	counts := words.Count(in.Body)
	arg = query.DraftCreateParams{
		AuthorID: request.Viewer(ctx).ID, Title: in.Title, Description: in.Description, Body: in.Body, WordCount: counts.Words, ReadingMinutes: counts.Minutes,
		Status: string(optional.Or(in.Status, openapi.StatusPublished)), CommentsOpen: optional.Or(in.CommentsOpen, true), AccountStorage: s.storage,
	}
	if arg.Tags, err = tagnames.Check(optional.Or(in.TagList, nil), nil); err != nil {
		return arg, err
	}
	if arg.Details, err = details.Of(in); err != nil {
		return arg, err
	}
	if arg.PublishedAt, err = publish.Time("publishedAt", in.PublishedAt); err != nil {
		return arg, err
	}
	if (arg.Status == string(openapi.StatusScheduled)) != (in.PublishedAt != nil) {
		return arg, problem.InvalidField("publishedAt", "is required with the status scheduled, and with no other")
	}
	return arg, s.rules.Check(ctx, openapi.ArticleStatus(arg.Status))
}

func (s articles) createArticle(ctx context.Context, conn query.DBTX, arg query.DraftCreateParams) (visibility.Article, error) {
	r, err := s.insertArticle(ctx, conn, arg)
	switch {
	case db.IsNotFound(err):
		err = problem.InvalidField("publishedAt", "must be in the future")
	case err == nil:
		err = publish.Schedule(ctx, conn, r.ID, arg.PublishedAt)
	}
	tags := arg.Tags
	if r.StoredTags != nil {
		tags = r.StoredTags
	}
	return visibility.Article{
		Body: arg.Body, Details: arg.Details, Words: words.Counts{Words: arg.WordCount, Minutes: arg.ReadingMinutes},
		ArticleItem: query.ArticleItem{
			ID: r.ID, Slug: arg.Slug, Title: arg.Title, Description: arg.Description, Tags: tags, Version: r.Version,
			CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, AuthorID: arg.AuthorID, Username: r.Username, Bio: r.Bio, Image: r.Image,
		},
		Revision:       1,
		Publication:    visibility.Publication{Status: arg.Status, At: r.PublishedAt},
		CommentsClosed: !arg.CommentsOpen,
	}, translate.StorageFull(err, arg.AccountStorage)
}

// GetArticle returns the article whose current or earlier slug is requested.
func (s articles) GetArticle(ctx context.Context, req openapi.GetArticleRequestObject) (openapi.GetArticleResponseObject, error) {
	a, err := s.finder.GetArticle(ctx, req.Slug)
	if err != nil {
		return nil, err
	}
	html, err := s.asHTML(ctx, req.Params.Format, a.Body)
	if err != nil {
		return nil, err
	}
	found := openapi.CachedArticleJSONResponse{Article: a.View(ctx, html)}
	return &articleFound{openapi.GetArticle200JSONResponse{CachedArticleJSONResponse: found}, a.Facts()}, nil
}

// asHTML returns the body as HTML if the format is HTML, or else nil.
func (s articles) asHTML(ctx context.Context, format *openapi.TextFormat, body string) (*markup.Text, error) {
	if !view.WantsHTML(format) {
		return nil, nil
	}
	return s.html.Render(ctx, body)
}

// UpdateArticle applies a merge patch to an article of the viewer's, or of
// somebody else's if the viewer is an editor.
func (s articles) UpdateArticle(ctx context.Context, req openapi.UpdateArticleRequestObject) (openapi.UpdateArticleResponseObject, error) {
	in := req.Body.Article
	var a visibility.Article
	related := patchedRelations(in)
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		if err := related.lock(ctx, tx, req.Slug); err != nil {
			return err
		}
		locked, err := visibility.LockArticle(ctx, tx, req.Slug, req.Params.IfMatch)
		if err != nil {
			return err
		}
		if err := requireSame(locked, in); err != nil {
			return err
		}
		if named := namedAuthor(in.Author); named != "" {
			if locked.AuthorID, err = s.reattribute(ctx, tx, locked, named); err != nil {
				return err
			}
		}
		applied, err := details.Apply(locked.Details, in)
		if err != nil {
			return err
		}
		edits := details.Changed(locked.Details, applied) || changesSlug(locked, in) || in.Title != nil || in.Description != nil || in.Body != nil || in.TagList != nil
		if edits {
			if err := s.rules.Check(ctx, openapi.ArticleStatus(locked.Status)); err != nil {
				return err
			}
		}
		if edits || in.CommentsOpen != nil {
			if err := s.applyPatch(ctx, tx, locked, in, applied); err != nil {
				return err
			}
		}
		if changed, err := s.relate(ctx, tx, locked, related); err != nil {
			return err
		} else if edits || changed || in.CommentsOpen != nil {
			if err := audit.WriteEdit(ctx, tx, locked.AuthorID, audit.Entry{Action: openapi.ArticleUpdated, ID: locked.ID}); err != nil {
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
	return articleUpdated{openapi.UpdateArticle200JSONResponse{ArticleOKJSONResponse: out}, a.Facts()}, nil
}

func (s articles) applyPatch(ctx context.Context, tx query.DBTX, locked query.ArticleLockRow, in openapi.UpdateArticle, applied []byte) error {
	arg := query.ArticleUpdateParams{
		ID: locked.ID, Title: in.Title, Description: in.Description, Body: in.Body, Details: applied, CommentsOpen: in.CommentsOpen, AccountStorage: s.storage,
		Reviser: request.Viewer(ctx).ID, MaxRevisions: s.rules.MaxRevisions,
	}
	if in.Body != nil {
		counts := words.Count(*in.Body)
		arg.WordCount, arg.ReadingMinutes = &counts.Words, &counts.Minutes
	}
	if err := applySlug(ctx, tx, locked, in, &arg); err != nil {
		return err
	}
	var err error
	if arg.Tags, err = changedTags(ctx, locked.Tags, in.TagList); err != nil {
		return err
	}
	return translate.StorageFull(q.ArticleUpdate(ctx, tx, arg), s.storage)
}

// changedTags returns the tags that a text with the stored ones gets by a
// request, or nil if they stay the same. Front ends send back what they have
// read.
func changedTags(ctx context.Context, stored []string, in *[]string) ([]string, error) {
	if in == nil {
		return nil, nil
	}
	shown := view.Tags(ctx, stored)
	tags, err := tagnames.Check(*in, shown)
	if err != nil || slices.Equal(tags, shown) {
		return nil, err
	}
	return tags, nil
}

// requireSame returns an error if a change has another status or another time
// than the article: these have operations of their own. Front ends send back
// all that they have read.
func requireSame(locked query.ArticleLockRow, in openapi.UpdateArticle) error {
	const message = "cannot be changed here: use POST /articles/{slug}/publish or unpublish"
	if in.Status != nil && string(*in.Status) != locked.Status {
		return problem.InvalidField("status", message)
	}
	if !sameTime(in.PublishedAt, locked.PublishedAt) {
		return problem.InvalidField("publishedAt", message)
	}
	if !sameTime(in.UnpublishAt, locked.UnpublishAt) {
		return problem.InvalidField("unpublishAt", message)
	}
	return nil
}

// sameTime reports whether a member is absent or is the time as responses show
// it.
func sameTime(in nullable.Nullable[time.Time], stored *time.Time) bool {
	switch {
	case !in.IsSpecified():
		return true
	case in.IsNull() || stored == nil:
		return in.IsNull() && stored == nil
	default:
		return in.MustGet().Equal(stored.Truncate(time.Millisecond))
	}
}

// DeleteArticle deletes an article of the viewer's, or of somebody else's if
// the viewer is an editor.
func (s articles) DeleteArticle(ctx context.Context, req openapi.DeleteArticleRequestObject) (openapi.DeleteArticleResponseObject, error) {
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		locked, err := visibility.LockArticle(ctx, tx, req.Slug, req.Params.IfMatch)
		if err != nil {
			return err
		}
		// The entry is written first, because it looks up the author.
		if err := audit.WriteEdit(ctx, tx, locked.AuthorID, audit.Entry{Action: openapi.ArticleDeleted, ID: locked.ID}); err != nil {
			return err
		}
		return q.ArticleDelete(ctx, tx, locked.ID)
	})
	if err != nil {
		return nil, err
	}
	return openapi.DeleteArticle204Response{}, nil
}

// maxHTMLArticles is the maximum number of articles in one response with HTML.
// Rendering a text takes far more time than reading it.
const maxHTMLArticles = 20

// BatchGetArticles returns many articles with one query, or with two if they
// are long. The response has at most budget.Text bytes of text. The slugs of
// the articles that it has no room for are in remaining, as the
// UnprocessedKeys of DynamoDB: a caller that ignores them still gets most
// articles, whereas a 422 would depend on what others have written.
func (s articles) BatchGetArticles(ctx context.Context, req openapi.BatchGetArticlesRequestObject) (openapi.BatchGetArticlesResponseObject, error) {
	slugs := batch.Unique(req.Body.Slugs)
	if view.WantsHTML(req.Params.Format) && len(slugs) > maxHTMLArticles {
		return nil, problem.InvalidField("slugs", fmt.Sprintf("must have at most %d items with format=html", maxHTMLArticles))
	}
	list, rest, err := visibility.GetArticles(ctx, s.db, slugs)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(slugs))
	for _, slug := range rest {
		found[slug] = true
	}
	out := openapi.ArticleBatchJSONResponse{Articles: make([]openapi.Article, 0, len(list))}
	var remaining []string
	size := 0
	for _, a := range list {
		found[a.Asked] = true
		if remaining != nil {
			remaining = append(remaining, a.Asked)
			continue
		}
		html, err := s.asHTML(ctx, req.Params.Format, a.Body)
		if err != nil {
			return nil, err
		}
		size += view.ArticleSize(a.Body, html) + view.Size(string(a.Details)) + view.SummaryTexts(&a.ArticleItem, view.Size)
		if size > budget.Text && len(out.Articles) > 0 {
			remaining = append(remaining, a.Asked)
			continue
		}
		out.Articles = append(out.Articles, a.View(ctx, html))
	}
	if remaining = append(remaining, rest...); len(remaining) > 0 {
		out.Remaining = &remaining
	}
	out.Missing = batch.Missing(slugs, found)
	return openapi.BatchGetArticles200JSONResponse{ArticleBatchJSONResponse: out}, nil
}
