package api

import (
	"context"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// articleCreator inserts public articles, those of several requests together.
type articleCreator = db.Together[query.ArticleCreateParams, query.ArticleCreateRow]

func newArticleCreator(d *db.DB) *articleCreator {
	return db.NewTogetherWriting(d, "ArticleCreate", q.ArticleCreate, createArticles)
}

// insertArticle chooses the statement for an article by its status.
func (s articles) insertArticle(ctx context.Context, conn query.DBTX, arg query.DraftCreateParams) (query.DraftCreateRow, error) {
	if arg.Status != string(openapi.StatusPublished) {
		return q.DraftCreate(ctx, conn, arg)
	}
	insert := func(ctx context.Context, a query.ArticleCreateParams) (query.ArticleCreateRow, error) {
		return q.ArticleCreate(ctx, conn, a)
	}
	if conn == query.DBTX(s.db) && len(arg.Body) <= db.MaxTogether && arg.RevisedBy == nil {
		insert = s.creator.Get
	}
	r, err := insert(ctx, query.ArticleCreateParams{
		Slug: arg.Slug, OwnSlug: arg.OwnSlug, AuthorID: arg.AuthorID, Title: arg.Title, Description: arg.Description, Body: arg.Body, Tags: arg.Tags,
		Details: arg.Details, WordCount: arg.WordCount, ReadingMinutes: arg.ReadingMinutes, CommentsOpen: arg.CommentsOpen, RevisedBy: arg.RevisedBy,
		AccountStorage: arg.AccountStorage,
	})
	if db.IsNotFound(err) {
		err = db.Violation(db.ArticleSlugsPkey)
	}
	return query.DraftCreateRow{
		ID: r.ID, StoredTags: r.StoredTags, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		Username: r.Username, Bio: r.Bio, Image: r.Image, PublishedAt: &r.CreatedAt,
	}, err
}

// createArticles calls created for each article whose slug is free.
func createArticles(ctx context.Context, conn query.DBTX, all []query.ArticleCreateParams, created func(int, *query.ArticleCreateRow)) error {
	arg := query.ArticleCreateTogetherParams{AccountStorage: all[0].AccountStorage, Tags: []string{}}
	for _, a := range all {
		arg.Slugs, arg.OwnSlugs, arg.AuthorIds = append(arg.Slugs, a.Slug), append(arg.OwnSlugs, a.OwnSlug), append(arg.AuthorIds, a.AuthorID)
		arg.Titles, arg.Descriptions, arg.Bodies = append(arg.Titles, a.Title), append(arg.Descriptions, a.Description), append(arg.Bodies, a.Body)
		arg.TagsFrom = append(arg.TagsFrom, int32(len(arg.Tags)+1))
		arg.Tags = append(arg.Tags, a.Tags...)
		arg.TagsTo = append(arg.TagsTo, int32(len(arg.Tags)))
		arg.Details = append(arg.Details, string(a.Details))
		arg.WordCounts, arg.ReadingMinutes = append(arg.WordCounts, a.WordCount), append(arg.ReadingMinutes, a.ReadingMinutes)
		arg.CommentsOpen = append(arg.CommentsOpen, a.CommentsOpen)
	}
	rows, err := q.ArticleCreateTogether(ctx, conn, arg)
	if err != nil {
		return err
	}
	for _, r := range rows {
		created(int(r.Position)-1, &query.ArticleCreateRow{
			ID: r.ID, StoredTags: r.StoredTags, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Username: r.Username, Bio: r.Bio, Image: r.Image,
		})
	}
	return nil
}

func slugTaken(err error) bool {
	violated := db.Violated(err)
	return violated == db.ArticleSlugsPkey || violated == db.DraftSlugsPkey
}
