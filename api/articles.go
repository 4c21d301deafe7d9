package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type articles struct {
	creator
	cursors *page.Codec
	html    htmlMaker
}

// slugAttempts bounds how often a slug is made unique. From the second on it
// has a random suffix, so that one is almost always enough.
const slugAttempts = 6

// CreateArticle publishes an article.
func (s articles) CreateArticle(ctx context.Context, req openapi.CreateArticleRequestObject) (openapi.CreateArticleResponseObject, error) {
	in := req.Body.Article
	arg := query.ArticleCreateParams{
		AuthorID: request.Viewer(ctx).ID, Title: in.Title, Description: in.Description, Body: in.Body,
		Tags: unique(valueOr(in.TagList, nil)),
	}
	base := slug.From(in.Title)
	var created articleRow
	var replayed *string
	var err error
	for attempt := range slugAttempts {
		arg.Slug = slug.Candidate(base, attempt)
		created, replayed, err = once(ctx, s.creator, call{"CreateArticle", req.Params.IdempotencyKey, req.Body},
			func(conn query.DBTX) (articleRow, error) { return createArticle(ctx, conn, arg) })
		if !slugTaken(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	out := articleReady(http.StatusCreated, created)
	out.location, out.replayed = ptr("/api/articles/"+created.ArticleCard.Slug), replayed
	return out, nil
}

func createArticle(ctx context.Context, conn query.DBTX, arg query.ArticleCreateParams) (articleRow, error) {
	r, err := q.ArticleCreate(ctx, conn, arg)
	return articleRow{
		Body: arg.Body,
		ArticleCard: query.ArticleCard{
			ID: r.ID, Slug: arg.Slug, Title: arg.Title, Description: arg.Description, Tags: arg.Tags, Version: r.Version,
			CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Username: r.Username, Bio: r.Bio, Image: r.Image,
		},
	}, err
}

func slugTaken(err error) bool {
	return db.Violated(err) == db.ArticleSlugsPkey
}

// GetArticle answers an article by a slug that it has or had.
func (s articles) GetArticle(ctx context.Context, req openapi.GetArticleRequestObject) (openapi.GetArticleResponseObject, error) {
	a, err := getArticle(ctx, s.db.Reads(), req.Slug)
	if err != nil {
		return nil, err
	}
	request.From(ctx).DependsOn(changes.Article(a.ArticleCard.ID), changes.Profile(a.ArticleCard.AuthorID))
	if a.BodyHTML, err = s.html.render(ctx, req.Params.Format, a.Body); err != nil {
		return nil, err
	}
	return articleReady(http.StatusOK, a), nil
}

// UpdateArticle patches an article of the viewer's.
func (s articles) UpdateArticle(ctx context.Context, req openapi.UpdateArticleRequestObject) (openapi.UpdateArticleResponseObject, error) {
	in := req.Body.Article
	var a articleRow
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		locked, err := lockOwn(ctx, tx, req.Slug, req.Params.IfMatch)
		if err != nil {
			return err
		}
		if in.Title != nil || in.Description != nil || in.Body != nil || in.TagList != nil {
			if err := applyPatch(ctx, tx, locked, in); err != nil {
				return err
			}
		}
		a, err = getArticle(ctx, tx, req.Slug)
		return err
	})
	if err != nil {
		return nil, err
	}
	return articleReady(http.StatusOK, a), nil
}

func applyPatch(ctx context.Context, tx query.DBTX, locked query.ArticleLockRow, in openapi.UpdateArticle) error {
	arg := query.ArticleUpdateParams{ID: locked.ID, Title: in.Title, Description: in.Description, Body: in.Body}
	// Titles without letters are compared first: their slugs are random.
	if in.Title != nil && *in.Title != locked.Title && slug.From(*in.Title) != slug.From(locked.Title) {
		claimed, err := claimSlug(ctx, tx, locked.ID, *in.Title)
		if err != nil {
			return err
		}
		arg.Slug = &claimed
	}
	if in.TagList != nil {
		arg.Tags = unique(*in.TagList)
	}
	return q.ArticleUpdate(ctx, tx, arg)
}

// claimSlug gives the article a slug for its new title: a free one, or one
// that it had before.
func claimSlug(ctx context.Context, tx query.DBTX, articleID int64, title string) (claimed string, err error) {
	base := slug.From(title)
	for attempt := range slugAttempts {
		claimed, err = q.ArticleSlugClaim(ctx, tx, query.ArticleSlugClaimParams{
			ArticleID: articleID, Slug: slug.Candidate(base, attempt),
		})
		if !db.IsNotFound(err) {
			break
		}
	}
	return claimed, err
}

// DeleteArticle removes an article of the viewer's.
func (s articles) DeleteArticle(ctx context.Context, req openapi.DeleteArticleRequestObject) (openapi.DeleteArticleResponseObject, error) {
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		locked, err := lockOwn(ctx, tx, req.Slug, req.Params.IfMatch)
		if err != nil {
			return err
		}
		return q.ArticleDelete(ctx, tx, locked.ID)
	})
	if err != nil {
		return nil, err
	}
	return openapi.DeleteArticle204Response{}, nil
}

// lockOwn holds an article against other changes, once it is known that the
// viewer may change it and that it is as the viewer read it.
func lockOwn(ctx context.Context, tx query.DBTX, slug string, ifMatch *openapi.IfMatch) (query.ArticleLockRow, error) {
	locked, err := q.ArticleLock(ctx, tx, slug)
	if err != nil {
		return locked, orNotFound(err, "article")
	}
	if !visible(ctx, locked.Hidden, locked.AuthorID) {
		return locked, problem.NotFound("article")
	}
	if locked.AuthorID != request.Viewer(ctx).ID {
		return locked, problem.Forbidden("article")
	}
	if ifMatch != nil && !etag.MatchesVersion(*ifMatch, etag.Version(locked.ID, locked.Version)) {
		return locked, problem.New(problem.PreconditionFailed, "If-Match", "does not match the current version")
	}
	return locked, nil
}

// BatchGetArticles answers many articles with one query.
func (s articles) BatchGetArticles(ctx context.Context, req openapi.BatchGetArticlesRequestObject) (openapi.BatchGetArticlesResponseObject, error) {
	asked := unique(req.Body.Slugs)
	if wantsHTML(req.Params.Format) && len(asked) > maxHTMLArticles {
		return nil, problem.InvalidField("slugs", fmt.Sprintf("must have at most %d items with format=html", maxHTMLArticles))
	}
	rows, err := q.ArticleListBySlugs(ctx, s.db, query.ArticleListBySlugsParams{ViewerID: request.Viewer(ctx).ID, Slugs: asked})
	if err != nil {
		return nil, err
	}
	list := make([]articleRow, len(rows))
	for i, r := range rows {
		list[i] = articleRow{ArticleCard: r.ArticleCard, Body: r.Body, Favorited: r.Favorited, Following: r.Following}
		if r.Hidden {
			list[i].Hidden = &hiding{}
		}
	}
	if err := revealArticles(ctx, s.db, list); err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(rows))
	b := append(newBody(64+len(rows)*2*cardSize), `{"articles":[`...)
	for i, r := range rows {
		if a := list[i]; a.revealed() {
			html, err := s.html.render(ctx, req.Params.Format, r.Body)
			if err != nil {
				return nil, err
			}
			b = appendArticle(appendComma(b, len(found)), a.ArticleCard, &a.Body, html, a.Favorited, a.Following, a.Hidden)
			found[r.Asked] = true
		}
	}
	b = appendTexts(append(b, `],"missing":`...), missing(asked, found))
	return ready{status: http.StatusOK, body: append(b, "}\n"...)}, nil
}

func getArticle(ctx context.Context, conn query.DBTX, slug string) (articleRow, error) {
	r, err := q.ArticleGetBySlug(ctx, conn, query.ArticleGetBySlugParams{ViewerID: request.Viewer(ctx).ID, Slug: slug})
	a := articleRow{
		ArticleCard: query.ArticleCard{
			ID: r.ID, Slug: r.Slug, Title: r.Title, Description: r.Description, Tags: r.Tags,
			FavoritesCount: r.FavoritesCount, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
			AuthorID: r.AuthorID, Username: r.Username, Bio: r.Bio, Image: r.Image,
		},
		Body: r.Body, Favorited: r.Favorited, Following: r.Following,
	}
	if err != nil || !r.Hidden {
		return a, orNotFound(err, "article")
	}
	list := []articleRow{a}
	list[0].Hidden = &hiding{}
	if err := revealArticles(ctx, conn, list); err != nil {
		return a, err
	}
	if !list[0].revealed() {
		return a, problem.NotFound("article")
	}
	return list[0], nil
}

// findArticle returns an article that the viewer may know of.
func findArticle(ctx context.Context, conn query.DBTX, slug string) (query.ArticleAuthorRow, error) {
	a, err := q.ArticleAuthor(ctx, conn, slug)
	if err == nil && !visible(ctx, a.Hidden, a.AuthorID) {
		err = problem.NotFound("article")
	}
	return a, orNotFound(err, "article")
}
