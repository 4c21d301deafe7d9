package api

import (
	"context"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type series struct {
	db      *db.DB
	once    idempotency.Runner
	cursors *page.Codec
}

// The responses that show one series carry its version.
type (
	seriesListed struct {
		openapi.ListSeries200JSONResponse
		response.Facts
	}
	seriesCreated struct {
		openapi.CreateSeries201JSONResponse
		response.Facts
	}
	seriesFound struct {
		openapi.GetSeries200JSONResponse
		response.Facts
	}
	seriesUpdated struct {
		openapi.UpdateSeries200JSONResponse
		response.Facts
	}
)

// ListSeries lists all series.
func (s series) ListSeries(ctx context.Context, req openapi.ListSeriesRequestObject) (openapi.ListSeriesResponseObject, error) {
	limit := optional.Or(req.Params.Limit, page.DefaultLimit)
	before, err := s.cursors.Start("series", req.Params.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	rows, err := q.SeriesList(ctx, s.db, query.SeriesListParams{BeforeID: before.ID, PageLimit: limit + 1})
	if err != nil {
		return nil, err
	}
	keys := []changes.Key{changes.AllSeries}
	p := page.CutByID(ctx, s.cursors, "series", rows, limit, func(r query.SeriesListRow) int64 { return r.ID }, func(r query.SeriesListRow) openapi.SeriesSummary {
		keys = append(keys, changes.Series(r.ID))
		return openapi.SeriesSummary{Slug: r.Slug, Title: r.Title, Description: r.Description, ArticlesCount: r.ArticlesCount}
	})
	out := openapi.SeriesPageJSONResponse{Body: openapi.SeriesListResponse{Series: p.Items, NextCursor: p.Cursor}}
	out.Headers.Link = p.Link
	return seriesListed{openapi.ListSeries200JSONResponse{SeriesPageJSONResponse: out}, response.DependsOn(keys...)}, nil
}

// newSeries is what is stored under an Idempotency-Key.
type newSeries struct {
	ID   int64
	Slug string
}

// CreateSeries creates a series.
func (s series) CreateSeries(ctx context.Context, req openapi.CreateSeriesRequestObject) (openapi.CreateSeriesResponseObject, error) {
	in := req.Body.Series
	arg := query.SeriesCreateParams{Title: in.Title, Description: optional.Or(in.Description, "")}
	base, attempts := slug.From(in.Title), visibility.SlugAttempts
	if in.Slug != nil {
		base, attempts = *in.Slug, 1
	}
	var created newSeries
	var replayed *string
	var err error
	for attempt := range attempts {
		arg.Slug = slug.Candidate(base, attempt)
		call := idempotency.Call{Operation: "CreateSeries", Key: req.Params.IdempotencyKey, Body: req.Body, InTx: true}
		created, replayed, err = idempotency.Once(ctx, s.once, call, func(tx query.DBTX) (newSeries, error) {
			id, err := q.SeriesCreate(ctx, tx, arg)
			if err != nil {
				return newSeries{}, err
			}
			return newSeries{id, arg.Slug}, audit.Write(ctx, tx, audit.Entry{Action: openapi.SeriesCreated, Kind: openapi.SubjectSeries, ID: id})
		})
		if db.Violated(err) != db.SeriesSlugKey {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	out := openapi.CreatedSeriesJSONResponse{Body: openapi.SeriesResponse{Series: openapi.Series{
		Slug: created.Slug, Title: arg.Title, Description: arg.Description, Articles: []openapi.SeriesArticle{},
	}}}
	out.Headers.Location, out.Headers.IdempotencyReplayed = new("/api/series/"+created.Slug), replayed
	return seriesCreated{openapi.CreateSeries201JSONResponse{CreatedSeriesJSONResponse: out}, response.Facts{}.OfVersion(created.ID, 1)}, nil
}

// GetSeries returns a series with the articles that the viewer sees.
func (s series) GetSeries(ctx context.Context, req openapi.GetSeriesRequestObject) (openapi.GetSeriesResponseObject, error) {
	found, err := getSeries(ctx, s.db, req.Slug)
	if err != nil {
		return nil, err
	}
	out := openapi.SeriesFoundJSONResponse{Series: found.Series}
	return seriesFound{openapi.GetSeries200JSONResponse{SeriesFoundJSONResponse: out}, found.Facts}, nil
}

// shownSeries is a series as the viewer sees it.
type shownSeries struct {
	openapi.Series
	response.Facts
}

func getSeries(ctx context.Context, conn query.DBTX, slug string) (out shownSeries, err error) {
	found, err := q.SeriesGet(ctx, conn, slug)
	if err != nil {
		return out, translate.NotFound(err, "series")
	}
	viewer := request.Viewer(ctx)
	rows, err := q.SeriesArticles(ctx, conn, query.SeriesArticlesParams{SeriesID: found.ID, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer)})
	if err != nil {
		return out, err
	}
	out.Series = openapi.Series{
		Slug: found.Slug, Title: found.Title, Description: found.Description, ArticlesCount: found.ArticlesCount,
		Articles: make([]openapi.SeriesArticle, len(rows)),
	}
	for i, r := range rows {
		out.Series.Articles[i] = openapi.SeriesArticle{Slug: r.Slug, Title: r.Title, Position: r.Position}
	}
	out.Facts = response.DependsOn(changes.Series(found.ID)).OfVersion(found.ID, found.Version)
	return out, nil
}

// UpdateSeries applies a merge patch to a series, and sorts its articles.
func (s series) UpdateSeries(ctx context.Context, req openapi.UpdateSeriesRequestObject) (openapi.UpdateSeriesResponseObject, error) {
	in := req.Body.Series
	var out shownSeries
	err := s.hold(ctx, req.Slug, req.Params.IfMatch, func(tx query.DBTX, id int64) (err error) {
		if in != (openapi.UpdateSeries{}) {
			if err := patchSeries(ctx, tx, id, in); err != nil {
				return err
			}
		}
		out, err = getSeries(ctx, tx, req.Slug)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown := openapi.SeriesOKJSONResponse{Series: out.Series}
	return seriesUpdated{openapi.UpdateSeries200JSONResponse{SeriesOKJSONResponse: shown}, out.Facts}, nil
}

func patchSeries(ctx context.Context, tx query.DBTX, id int64, in openapi.UpdateSeries) error {
	if in.Articles != nil {
		viewer := request.Viewer(ctx)
		n, err := q.SeriesOrder(ctx, tx, query.SeriesOrderParams{
			SeriesID: id, Slugs: *in.Articles, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer),
		})
		if err != nil {
			return err
		}
		if n != int64(len(*in.Articles)) {
			return problem.InvalidField("articles", "must be different articles of the series")
		}
	}
	if err := q.SeriesUpdate(ctx, tx, query.SeriesUpdateParams{ID: id, Title: in.Title, Description: in.Description}); err != nil {
		return err
	}
	return audit.Write(ctx, tx, audit.Entry{Action: openapi.SeriesUpdated, Kind: openapi.SubjectSeries, ID: id})
}

// DeleteSeries deletes a series. Its articles stay.
func (s series) DeleteSeries(ctx context.Context, req openapi.DeleteSeriesRequestObject) (openapi.DeleteSeriesResponseObject, error) {
	err := s.hold(ctx, req.Slug, req.Params.IfMatch, func(tx query.DBTX, id int64) error {
		if err := audit.Write(ctx, tx, audit.Entry{Action: openapi.SeriesDeleted, Kind: openapi.SubjectSeries, ID: id}); err != nil {
			return err
		}
		if err := q.SeriesEmpty(ctx, tx, id); err != nil {
			return err
		}
		return q.SeriesDelete(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return openapi.DeleteSeries204Response{}, nil
}

// hold locks a series and changes it in a transaction, if it still matches the
// If-Match header.
func (s series) hold(ctx context.Context, slug string, ifMatch *openapi.IfMatch, change func(tx query.DBTX, id int64) error) error {
	return s.db.InTx(ctx, func(tx query.DBTX) error {
		locked, err := q.SeriesLock(ctx, tx, slug)
		if err != nil {
			return translate.NotFound(err, "series")
		}
		if err := visibility.RequireMatch(ifMatch, etag.Version(locked.ID, locked.Version)); err != nil {
			return err
		}
		return change(tx, locked.ID)
	})
}
