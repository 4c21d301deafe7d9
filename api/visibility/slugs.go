package visibility

import (
	"context"
	"errors"
	"fmt"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

const (
	// SlugAttempts is the maximum number of slugs that are tried for a title.
	// From the second attempt on, the slug has a random suffix. That suffix is
	// almost always unique.
	SlugAttempts = 6

	// maxEarlierSlugs is the maximum number of earlier slugs that lead to an
	// article. None is given up for another one: links to it would break, or
	// lead to what somebody else publishes there. Without a maximum, an author
	// could take any number of slugs with one article.
	maxEarlierSlugs = 50
)

var (
	errSlugTaken    = problem.New(problem.AlreadyTaken, "slug", problem.Taken)
	errTooManySlugs = problem.InvalidField("slug", fmt.Sprintf("maximum of %d earlier slugs reached", maxEarlierSlugs))
)

// ClaimOwnSlug gives an article, which is locked, exactly this slug. The error
// is a 409 if another article has or had it, and a 422 if the article has had
// too many.
func ClaimOwnSlug(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, own string) error {
	arg := query.ArticleSlugClaimParams{ArticleID: a.ID, Slug: own, Maximum: maxEarlierSlugs + 1}
	var r query.ArticleSlugClaimRow
	var err error
	if a.Status != string(openapi.StatusPublished) {
		// Only those who see the article can find this slug. It may have been
		// published: then its new title is as private as that of any other draft.
		var d query.DraftSlugClaimRow
		d, err = q.DraftSlugClaim(ctx, tx, query.DraftSlugClaimParams{ArticleID: a.ID, AuthorID: a.AuthorID, Slug: own, Maximum: arg.Maximum})
		r = query.ArticleSlugClaimRow(d)
	} else {
		r, err = q.ArticleSlugClaim(ctx, tx, arg)
	}
	switch {
	case err != nil || r.IsClaimed:
		return err
	case r.IsFull:
		return errTooManySlugs
	default:
		return errSlugTaken
	}
}

// ClaimSlug gives an article, which is locked, a slug, or one that it had
// before. The base is the slug that it gets if no other article has or had that
// one. The error is a 422 if the article has had too many.
func ClaimSlug(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, base string) (claimed string, err error) {
	for attempt := range SlugAttempts {
		claimed = slug.Candidate(base, attempt)
		if err = ClaimOwnSlug(ctx, tx, a, claimed); !errors.Is(err, errSlugTaken) {
			break
		}
	}
	return claimed, err
}

// ClaimPublicSlug is ClaimSlug for an article that is going to be published.
func ClaimPublicSlug(ctx context.Context, tx query.DBTX, a query.ArticleLockRow) (string, error) {
	a.Status = string(openapi.StatusPublished)
	return ClaimSlug(ctx, tx, a, a.Slug)
}

// Rename claims the slug of another title that an article gets. It returns nil
// if the slug stays the same, as one that somebody has given does, and that of
// an article that has had too many: an author can always change a title.
func Rename(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, title string) (*string, error) {
	base := slug.From(title)
	// The titles are compared too, because the slug of a title without letters
	// is random and differs each time.
	if a.OwnSlug || title == a.Title || base == slug.From(a.Title) {
		return nil, nil
	}
	claimed, err := ClaimSlug(ctx, tx, a, base)
	if errors.Is(err, errTooManySlugs) {
		return nil, nil
	}
	return &claimed, err
}
