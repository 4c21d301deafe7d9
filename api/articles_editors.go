package api

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// namedAuthor returns the username in the member author of a request, or "" if
// there is none. An object, as in responses, has no effect.
func namedAuthor(member json.RawMessage) (name string) {
	_ = json.Unmarshal(member, &name) // its text conforms to the document
	return name
}

// findAuthor returns the id of the user that a request names as the author. The
// error is a 403 unless the viewer is an editor.
func (s articles) findAuthor(ctx context.Context, conn query.DBTX, name string) (int64, error) {
	if err := publish.RequireEditor(ctx); err != nil {
		return 0, err
	}
	id, err := q.ArticleFindAuthor(ctx, conn, query.ArticleFindAuthorParams{Username: name, FoldedUsername: names.Fold(name)})
	if db.IsNotFound(err) {
		err = unknownAuthor()
	}
	return id, err
}

func unknownAuthor() *problem.Error { return problem.InvalidField("author", "does not exist") }

// createFor creates an article in the name of another user.
func (s articles) createFor(ctx context.Context, tx query.DBTX, arg query.DraftCreateParams) (visibility.Article, error) {
	created, err := s.createArticle(ctx, tx, arg)
	if db.Violated(err) == db.ArticlesAuthorIDFkey {
		err = unknownAuthor().WithCause(err) // deleted since it was found
	}
	if err != nil || arg.AuthorID == request.Viewer(ctx).ID {
		return created, err
	}
	err = audit.Write(ctx, tx, audit.Entry{Action: openapi.ArticleCreatedFor, Kind: openapi.SubjectArticle, ID: created.ID})
	if err != nil {
		return created, err
	}
	return visibility.ReadArticle(ctx, tx, created.ID) // the viewer may follow the author
}

// reattribute gives an article the named author, and returns the id.
func (s articles) reattribute(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, name string) (int64, error) {
	id, err := s.findAuthor(ctx, tx, name)
	if err != nil || id == a.AuthorID {
		return id, err
	}
	found, err := q.ArticleHoldAuthors(ctx, tx, []int64{a.AuthorID, id})
	if err != nil {
		return 0, err
	}
	if !slices.Contains(found, id) {
		return 0, unknownAuthor()
	}
	// The entry is about the author that the article had.
	from, to := strconv.FormatInt(a.AuthorID, 10), strconv.FormatInt(id, 10)
	err = audit.Write(ctx, tx, audit.Entry{Action: openapi.ArticleReattributed, Kind: openapi.SubjectArticle, ID: a.ID, From: &from, To: &to})
	if err != nil {
		return 0, err
	}
	slug, err := moveSlugs(ctx, tx, a, id)
	if err != nil {
		return 0, err
	}
	err = q.ArticleSetAuthor(ctx, tx, query.ArticleSetAuthorParams{ID: a.ID, AuthorID: id, Slug: slug, AccountStorage: s.storage})
	return id, translate.StorageFull(err, s.storage)
}

// moveSlugs gives the slugs that only those who see an article can find to its
// new author, and returns the slug of the article. That is another one if a
// draft of the new author has it.
func moveSlugs(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, authorID int64) (string, error) {
	err := q.DraftSlugMove(ctx, tx, query.DraftSlugMoveParams{ArticleID: a.ID, AuthorID: authorID})
	if err != nil || a.Status == string(openapi.StatusPublished) {
		return a.Slug, err
	}
	a.AuthorID = authorID
	return visibility.ClaimSlug(ctx, tx, a, a.Slug)
}
