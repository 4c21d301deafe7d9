package visibility

import (
	"context"

	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// SlugAttempts is the maximum number of slugs that are tried for a title. From
// the second attempt on, the slug has a random suffix. That suffix is almost
// always unique.
const SlugAttempts = 6

// ClaimSlug gives an article a public slug, or one that it had before. The base
// is the slug that it gets if no other article has or had that one.
func ClaimSlug(ctx context.Context, tx query.DBTX, articleID int64, base string) (string, error) {
	return claim(base, func(candidate string) (string, error) {
		return q.ArticleSlugClaim(ctx, tx, query.ArticleSlugClaimParams{ArticleID: articleID, Slug: candidate})
	})
}

// ClaimDraftSlug gives an article that is not published a slug that only those
// who see it can find. ClaimSlug makes it public with the article.
func ClaimDraftSlug(ctx context.Context, tx query.DBTX, articleID, authorID int64, base string) (string, error) {
	return claim(base, func(candidate string) (string, error) {
		return q.DraftSlugClaim(ctx, tx, query.DraftSlugClaimParams{ArticleID: articleID, AuthorID: authorID, Slug: candidate})
	})
}

// ClaimSlugFor gives an article a slug that only those who see the article can
// find, if it is not published. It may have been: then its new title is as
// private as that of any other draft.
func ClaimSlugFor(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, base string) (string, error) {
	if a.Status != string(openapi.StatusPublished) {
		return ClaimDraftSlug(ctx, tx, a.ID, a.AuthorID, base)
	}
	return ClaimSlug(ctx, tx, a.ID, base)
}

// Rename claims the slug of another title that an article gets. It returns nil
// if the slug stays the same, as one that somebody has given does.
func Rename(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, title string) (*string, error) {
	base := slug.From(title)
	// The titles are compared too, because the slug of a title without letters
	// is random and differs each time.
	if a.OwnSlug || title == a.Title || base == slug.From(a.Title) {
		return nil, nil
	}
	claimed, err := ClaimSlugFor(ctx, tx, a, base)
	return &claimed, err
}

func claim(base string, try func(candidate string) (string, error)) (claimed string, err error) {
	for attempt := range SlugAttempts {
		if claimed, err = try(slug.Candidate(base, attempt)); !db.IsNotFound(err) {
			break
		}
	}
	return claimed, err
}
