package api

import (
	"context"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// commentCreator inserts comments that answer no other one, those of several
// requests together.
type commentCreator = db.Together[query.CommentCreateParams, query.CommentCreateRow]

func newCommentCreator(d *db.DB) *commentCreator {
	return db.NewTogetherWriting(d, "CommentCreate", q.CommentCreate, createComments)
}

// createComments calls created for each comment that CommentCreate returns a
// row for.
func createComments(ctx context.Context, conn query.DBTX, all []query.CommentCreateParams, created func(int, *query.CommentCreateRow)) error {
	arg := query.CommentCreateTogetherParams{AccountStorage: all[0].AccountStorage}
	for _, c := range all {
		arg.Slugs, arg.AuthorIds = append(arg.Slugs, c.Slug), append(arg.AuthorIds, c.AuthorID)
		arg.ViewerLevels, arg.Waiting, arg.Bodies = append(arg.ViewerLevels, c.ViewerLevel), append(arg.Waiting, c.Waiting), append(arg.Bodies, c.Body)
	}
	rows, err := q.CommentCreateTogether(ctx, conn, arg)
	if err != nil {
		return err
	}
	for _, r := range rows {
		created(int(r.Position)-1, &query.CommentCreateRow{
			ID: r.ID, ArticleID: r.ArticleID, AuthorID: r.AuthorID, Body: r.Body, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
			Username: r.Username, Bio: r.Bio, Image: r.Image, Hidden: r.Hidden, Waiting: r.Waiting,
		})
	}
	return nil
}
