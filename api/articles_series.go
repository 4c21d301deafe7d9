package api

import (
	"context"
	"fmt"

	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// The maximum number of articles of a series, and of a group of translations.
// Readers of one get all of it.
const (
	maxSeriesArticles = 500
	maxTranslations   = 50
)

// relations is what a request says of the series and the translations of an
// article.
type relations struct {
	place *openapi.NewPlaceInSeries
	// leavesSeries and leavesTranslations are true if the request has null.
	leavesSeries, leavesTranslations bool
	original                         *string

	seriesID int64 // of place, once it is locked; 0 if there is no such series
}

func newRelations(in openapi.NewArticle) relations {
	return relations{place: in.Series, original: in.TranslationOf}
}

func patchedRelations(in openapi.UpdateArticle) (r relations) {
	if in.Series.IsSpecified() {
		if r.leavesSeries = in.Series.IsNull(); !r.leavesSeries {
			r.place = new(in.Series.MustGet())
		}
	}
	if in.TranslationOf.IsSpecified() {
		if r.leavesTranslations = in.TranslationOf.IsNull(); !r.leavesTranslations {
			r.original = new(in.TranslationOf.MustGet())
		}
	}
	return r
}

// any reports whether the request says something.
func (r *relations) any() bool {
	return r.place != nil || r.original != nil || r.leavesSeries || r.leavesTranslations
}

// lock locks the series, and then the articles that become translations of one
// another: the one with the slug and the one that the request names. Everything
// that changes a series and its articles locks the series first.
func (r *relations) lock(ctx context.Context, tx query.DBTX, slug string) error {
	if r.place != nil {
		locked, err := q.SeriesLock(ctx, tx, r.place.Slug)
		if err != nil && !db.IsNotFound(err) {
			return err
		}
		r.seriesID = locked.ID
	}
	if r.original == nil {
		return nil
	}
	viewer := request.Viewer(ctx)
	return q.TranslationLock(ctx, tx, query.TranslationLockParams{
		Slugs: []string{slug, *r.original}, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer),
	})
}

// apply puts an article, which is locked, into the series and the group of
// translations of the request, unless it is there. It reports whether it has
// changed something.
func (r *relations) apply(ctx context.Context, tx query.DBTX, a query.ArticleLockRow) (changed bool, err error) {
	if r.leavesSeries && a.SeriesID != 0 {
		changed, err = true, q.SeriesLeave(ctx, tx, a.ID)
	} else if r.place != nil {
		changed, err = r.joinSeries(ctx, tx, a)
	}
	if err != nil {
		return false, err
	}
	switch {
	case r.leavesTranslations && a.TranslationGroup != 0:
		return true, q.TranslationLeave(ctx, tx, a.ID)
	case r.original != nil:
		joined, err := joinTranslations(ctx, tx, a, *r.original)
		return changed || joined, err
	default:
		return changed, nil
	}
}

// keepsPlace reports whether an article is in the place of the request.
func (r *relations) keepsPlace(a query.ArticleLockRow) bool {
	return r.seriesID != 0 && r.seriesID == a.SeriesID && optional.Or(r.place.Position, a.SeriesPosition) == a.SeriesPosition
}

func (r *relations) joinSeries(ctx context.Context, tx query.DBTX, a query.ArticleLockRow) (bool, error) {
	if r.seriesID == 0 {
		return false, problem.InvalidField("series.slug", "does not exist")
	}
	if r.keepsPlace(a) {
		return false, nil
	}
	_, err := q.SeriesJoin(ctx, tx, query.SeriesJoinParams{ID: a.ID, SeriesID: r.seriesID, Position: r.place.Position, Maximum: maxSeriesArticles})
	if db.IsNotFound(err) {
		err = problem.InvalidField("series", fmt.Sprintf("has its maximum of %d articles", maxSeriesArticles))
	}
	return true, err
}

// joinTranslations makes an article a translation of another one. Only those
// who may change the other one may do that, because it shows the new
// translation.
func joinTranslations(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, slug string) (bool, error) {
	viewer := request.Viewer(ctx)
	other, err := q.TranslationOriginal(ctx, tx, query.TranslationOriginalParams{Slug: slug, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer)})
	switch {
	case db.IsNotFound(err):
		return false, problem.InvalidField("translationOf", "is not an article that you may change")
	case err != nil:
		return false, err
	case other.ID == a.ID:
		return false, problem.InvalidField("translationOf", "is the article itself")
	case other.TranslationGroup != 0 && other.TranslationGroup == a.TranslationGroup:
		return false, nil
	case other.ArticlesCount >= maxTranslations:
		return false, problem.InvalidField("translationOf", fmt.Sprintf("has its maximum of %d translations", maxTranslations-1))
	}
	return true, q.TranslationJoin(ctx, tx, query.TranslationJoinParams{OriginalID: other.ID, ArticleID: a.ID})
}

// createRelated creates an article with relations. The viewer may name another
// author, as in createFor.
func (s articles) createRelated(ctx context.Context, tx query.DBTX, arg query.DraftCreateParams, related relations) (visibility.Article, error) {
	if err := related.lock(ctx, tx, arg.Slug); err != nil {
		return visibility.Article{}, err
	}
	created, err := s.createFor(ctx, tx, arg)
	if err != nil {
		return created, err
	}
	if _, err := related.apply(ctx, tx, query.ArticleLockRow{ID: created.ID}); err != nil {
		return created, err
	}
	return visibility.ReadArticle(ctx, tx, created.ID)
}

// relate applies the relations of a change, which makes public what the article
// shows of them.
func (s articles) relate(ctx context.Context, tx query.DBTX, a query.ArticleLockRow, related relations) (changed bool, err error) {
	if changed, err = related.apply(ctx, tx, a); err != nil || !changed {
		return false, err
	}
	return true, s.rules.Check(ctx, openapi.ArticleStatus(a.Status))
}
