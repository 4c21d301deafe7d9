package api

import (
	"context"

	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/page"
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

// commentReader reads the first comments of an article for viewers who are not
// signed in, those of several articles together.
type commentReader = db.Together[string, []query.CommentListOldestRow]

func newCommentReader(d *db.DB) *commentReader {
	one := func(ctx context.Context, _ query.DBTX, slug string) ([]query.CommentListOldestRow, error) {
		from := page.Oldest
		return q.CommentListOldest(ctx, d.Alone(), query.CommentListOldestParams{
			Slug: slug, FromCreatedAt: from.Key.Time(), FromID: from.ID, PageLimit: sharedComments, MaxBytes: budget.Unreserved,
		})
	}
	return db.NewTogether(d, "CommentListOldest", one, readComments)
}

// readComments calls found for each article.
func readComments(ctx context.Context, conn query.DBTX, slugs []string, found func(int, *[]query.CommentListOldestRow)) error {
	rows, err := q.CommentListTogether(ctx, conn, query.CommentListTogetherParams{Slugs: slugs, PageLimit: sharedComments, MaxBytes: budget.Unreserved})
	if err != nil {
		return err
	}
	lists := make([][]query.CommentListOldestRow, len(slugs))
	for _, r := range rows {
		i := r.Position - 1
		lists[i] = append(lists[i], query.CommentListOldestRow{
			ID: r.ID, ArticleID: r.ArticleID, ParentID: r.ParentID, AuthorID: r.AuthorID, Body: r.Body, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
			Username: r.Username, Bio: r.Bio, Image: r.Image, Hidden: r.Hidden, Waiting: r.Waiting,
		})
	}
	for i := range lists {
		found(i, &lists[i])
	}
	return nil
}

// first returns the first comments of an article.
func (s comments) first(ctx context.Context, slug string) ([]comment, error) {
	rows, err := s.reader.Get(ctx, slug)
	return appendComments(nil, rows), err
}
