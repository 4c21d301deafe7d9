package api

import (
	"context"

	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// checkOwnSlug checks what the document cannot say of a slug that a request
// gives.
func checkOwnSlug(own string) error {
	if slug.IsReserved(own) {
		return problem.InvalidField("slug", "is reserved")
	}
	return nil
}

// changesSlug reports whether a request gives an article another slug than it
// has, or takes back the one that was given.
func changesSlug(locked query.ArticleLockRow, in openapi.UpdateArticle) bool {
	if in.Slug.IsNull() {
		return locked.OwnSlug
	}
	return in.Slug.IsSpecified() && in.Slug.MustGet() != locked.Slug
}

// applySlug claims the slug that an article gets by a request, if that is
// another one, and adds it to the change.
func applySlug(ctx context.Context, tx query.DBTX, locked query.ArticleLockRow, in openapi.UpdateArticle, arg *query.ArticleUpdateParams) error {
	title := optional.Or(in.Title, locked.Title)
	var claimed string
	var err error
	switch {
	case in.Slug.IsNull() && locked.OwnSlug:
		claimed, err = visibility.ClaimSlugFor(ctx, tx, locked, slug.From(title))
		arg.OwnSlug = new(false)
	case changesSlug(locked, in):
		claimed, err = claimOwnSlug(ctx, tx, locked, in.Slug.MustGet())
		arg.OwnSlug = new(true)
	case in.Slug.IsSpecified() && !in.Slug.IsNull():
		return nil
	default:
		arg.Slug, err = visibility.Rename(ctx, tx, locked, title)
		return err
	}
	arg.Slug = &claimed
	return err
}

// claimOwnSlug gives an article exactly this slug. The error is a 409 if another
// article has or had it: a public one, or a draft of the same author.
func claimOwnSlug(ctx context.Context, tx query.DBTX, locked query.ArticleLockRow, own string) (claimed string, err error) {
	if err := checkOwnSlug(own); err != nil {
		return "", err
	}
	if locked.Status != string(openapi.StatusPublished) {
		claimed, err = q.DraftSlugClaim(ctx, tx, query.DraftSlugClaimParams{ArticleID: locked.ID, AuthorID: locked.AuthorID, Slug: own})
	} else {
		claimed, err = q.ArticleSlugClaim(ctx, tx, query.ArticleSlugClaimParams{ArticleID: locked.ID, Slug: own})
	}
	if db.IsNotFound(err) {
		err = problem.New(problem.AlreadyTaken, "slug", problem.Taken)
	}
	return claimed, err
}
