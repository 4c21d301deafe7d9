package visibility

import (
	"context"

	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/db"
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

// ClaimDraftSlug gives an article that was never public a slug that only those
// who see it can find.
func ClaimDraftSlug(ctx context.Context, tx query.DBTX, articleID, authorID int64, base string) (string, error) {
	return claim(base, func(candidate string) (string, error) {
		return q.DraftSlugClaim(ctx, tx, query.DraftSlugClaimParams{ArticleID: articleID, AuthorID: authorID, Slug: candidate})
	})
}

func claim(base string, try func(candidate string) (string, error)) (claimed string, err error) {
	for attempt := range SlugAttempts {
		if claimed, err = try(slug.Candidate(base, attempt)); !db.IsNotFound(err) {
			break
		}
	}
	return claimed, err
}
