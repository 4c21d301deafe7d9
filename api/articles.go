package api

import (
	"context"
	"strconv"

	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type articles struct {
	creator
	cursors *page.Codec
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
	var out openapi.ArticleCreatedJSONResponse
	var replayed *string
	var err error
	for attempt := range slugAttempts {
		arg.Slug = slug.Candidate(base, attempt)
		out, replayed, err = once(ctx, s.creator, call{"CreateArticle", req.Params.IdempotencyKey, req.Body},
			func(conn query.DBTX) (openapi.ArticleCreatedJSONResponse, error) {
				return createArticle(ctx, conn, arg)
			})
		if !slugTaken(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateArticle201JSONResponse{ArticleCreatedJSONResponse: out}, nil
}

func createArticle(ctx context.Context, conn query.DBTX, arg query.ArticleCreateParams) (out openapi.ArticleCreatedJSONResponse, err error) {
	row, err := q.ArticleCreate(ctx, conn, arg)
	if err != nil {
		return out, err
	}
	out.Body.Article = article(query.ArticleGetBySlugRow{
		Body: arg.Body,
		ArticleCard: query.ArticleCard{
			Slug: arg.Slug, Title: arg.Title, Description: arg.Description, Tags: arg.Tags,
			CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, Username: row.Username, Bio: row.Bio, Image: row.Image,
		},
	})
	out.Headers.Location, out.Headers.ETag = ptr("/api/articles/"+arg.Slug), versionTag(row.Version)
	return out, nil
}

func slugTaken(err error) bool {
	c := db.Violated(err)
	return c == db.ArticlesSlugKey || c == db.ArticleSlugsPkey
}

// GetArticle answers an article by a slug that it has or had.
func (s articles) GetArticle(ctx context.Context, req openapi.GetArticleRequestObject) (openapi.GetArticleResponseObject, error) {
	a, err := getArticle(ctx, s.db, req.Slug)
	if err != nil {
		return nil, err
	}
	out := openapi.CachedArticleJSONResponse{Body: openapi.ArticleResponse{Article: article(a)}}
	out.Headers.ETag = versionTag(a.ArticleCard.Version)
	request.From(ctx).DependsOn(key('a', a.ArticleCard.ID), key('u', a.ArticleCard.AuthorID))
	return openapi.GetArticle200JSONResponse{CachedArticleJSONResponse: out}, nil
}

// UpdateArticle patches an article of the viewer's.
func (s articles) UpdateArticle(ctx context.Context, req openapi.UpdateArticleRequestObject) (openapi.UpdateArticleResponseObject, error) {
	in := req.Body.Article
	var a query.ArticleGetBySlugRow
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
	return openapi.UpdateArticle200JSONResponse{ArticleOKJSONResponse: articleOK(a)}, nil
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
		err := q.ArticleTagsReplace(ctx, tx, query.ArticleTagsReplaceParams{ArticleID: locked.ID, Tags: arg.Tags})
		if err != nil {
			return err
		}
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
	if locked.AuthorID != request.Viewer(ctx).ID {
		return locked, problem.Forbidden("article")
	}
	if ifMatch != nil && !etag.MatchesVersion(*ifMatch, locked.Version) {
		return locked, problem.New(problem.PreconditionFailed, "If-Match", "does not match the current version")
	}
	return locked, nil
}

// BatchGetArticles answers many articles with one query.
func (s articles) BatchGetArticles(ctx context.Context, req openapi.BatchGetArticlesRequestObject) (openapi.BatchGetArticlesResponseObject, error) {
	asked := unique(req.Body.Slugs)
	rows, err := q.ArticleListBySlugs(ctx, s.db, query.ArticleListBySlugsParams{ViewerID: request.Viewer(ctx).ID, Slugs: asked})
	if err != nil {
		return nil, err
	}
	out := openapi.ArticleBatchResponse{Articles: make([]openapi.Article, 0, len(rows))}
	found := make(map[string]bool, len(rows))
	for _, r := range rows {
		found[r.Asked] = true
		out.Articles = append(out.Articles, article(query.ArticleGetBySlugRow{
			ArticleCard: r.ArticleCard, Body: r.Body, Favorited: r.Favorited, Following: r.Following,
		}))
	}
	out.Missing = missing(asked, found)
	return openapi.BatchGetArticles200JSONResponse{ArticleBatchJSONResponse: openapi.ArticleBatchJSONResponse{Body: out}}, nil
}

func getArticle(ctx context.Context, conn query.DBTX, slug string) (query.ArticleGetBySlugRow, error) {
	a, err := q.ArticleGetBySlug(ctx, conn, query.ArticleGetBySlugParams{ViewerID: request.Viewer(ctx).ID, Slug: slug})
	return a, orNotFound(err, "article")
}

func article(r query.ArticleGetBySlugRow) openapi.Article {
	s := summary(listRow{ArticleCard: r.ArticleCard, Favorited: r.Favorited, Following: r.Following})
	return openapi.Article{
		Slug: s.Slug, Title: s.Title, Description: s.Description, Body: r.Body, TagList: s.TagList,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
		Favorited: s.Favorited, FavoritesCount: s.FavoritesCount, Author: s.Author,
	}
}

func articleOK(a query.ArticleGetBySlugRow) openapi.ArticleOKJSONResponse {
	out := openapi.ArticleOKJSONResponse{Body: openapi.ArticleResponse{Article: article(a)}}
	out.Headers.ETag = versionTag(a.ArticleCard.Version)
	return out
}

// versionTag hands the number of edits to the edge, which makes an entity tag
// of it and of the answer's bytes.
func versionTag(version int32) *string {
	return ptr(strconv.Itoa(int(version)))
}
