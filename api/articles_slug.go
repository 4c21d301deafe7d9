package api

import (
	"context"

	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/api/visibility"
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
	switch {
	case in.Slug.IsNull() && locked.OwnSlug:
		claimed, err := visibility.ClaimSlug(ctx, tx, locked, slug.From(title))
		arg.Slug, arg.OwnSlug = &claimed, new(false)
		return err
	case changesSlug(locked, in):
		own := in.Slug.MustGet()
		if err := checkOwnSlug(own); err != nil {
			return err
		}
		arg.Slug, arg.OwnSlug = &own, new(true)
		return visibility.ClaimOwnSlug(ctx, tx, locked, own)
	case in.Slug.IsSpecified() && !in.Slug.IsNull():
		return nil
	}
	var err error
	arg.Slug, err = visibility.Rename(ctx, tx, locked, title)
	return err
}
