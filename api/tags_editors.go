package api

import (
	"context"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/tagmerge"
	"github.com/byline-api/byline/api/tagnames"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// tagFound is the response of GetTag.
type tagFound struct {
	openapi.GetTag200JSONResponse
	response.Facts
}

// GetTag returns the tag that a name leads to.
func (s tags) GetTag(ctx context.Context, req openapi.GetTagRequestObject) (openapi.GetTagResponseObject, error) {
	t, err := findTag(ctx, s.db, req.Tag)
	if err != nil {
		return nil, err
	}
	return tagFound{openapi.GetTag200JSONResponse{TagFoundJSONResponse: openapi.TagFoundJSONResponse(tagResponse(t))}, response.DependsOn(changes.Tags)}, nil
}

// findTag returns the tag that a name leads to, for the viewer. The error is a
// 404 if there is none.
func findTag(ctx context.Context, conn query.DBTX, name string) (query.TagFindRow, error) {
	t, err := q.TagFind(ctx, conn, query.TagFindParams{Name: name, Edits: request.Viewer(ctx).Edits()})
	return t, translate.NotFound(err, "tag")
}

func tagResponse(t query.TagFindRow) openapi.TagResponse {
	return openapi.TagResponse{Tag: openapi.ManagedTag{Name: t.Name, Description: t.Description, ArticlesCount: t.Total, ArticlesToMove: t.ToMove}}
}

// UpdateTag applies a merge patch to the name and the description of a tag.
func (s tags) UpdateTag(ctx context.Context, req openapi.UpdateTagRequestObject) (openapi.UpdateTagResponseObject, error) {
	in := req.Body
	if in.Name != nil {
		*in.Name = tagnames.Clean(*in.Name)
		if err := tagnames.CheckName("name", *in.Name); err != nil {
			return nil, err
		}
	}
	var t query.TagFindRow
	err := s.db.InTx(ctx, func(tx query.DBTX) (err error) {
		if t, err = holdTag(ctx, tx, req.Tag); err != nil {
			return err
		}
		description := t.Description
		if in.Description.IsSpecified() {
			if description = nil; !in.Description.IsNull() {
				description = new(in.Description.MustGet())
			}
		}
		return changeTag(ctx, tx, &t, in.Name, description)
	})
	if err != nil {
		return nil, err
	}
	_ = s.names.Load(ctx) // after an error, with the next changes that are read
	return openapi.UpdateTag200JSONResponse{TagOKJSONResponse: openapi.TagOKJSONResponse(tagResponse(t))}, nil
}

// holdTag returns the tag that a name leads to, and locks it against writers. It
// locks this tag and those that the other names lead to against other editors.
func holdTag(ctx context.Context, tx query.DBTX, name string, others ...string) (query.TagFindRow, error) {
	if err := q.TagHold(ctx, tx, query.TagHoldParams{Name: name, Others: others}); err != nil {
		return query.TagFindRow{}, err
	}
	return findTag(ctx, tx, name)
}

// changeTag gives a tag a name, unless that is nil, and a description.
func changeTag(ctx context.Context, tx query.DBTX, t *query.TagFindRow, name, description *string) error {
	described := (description == nil) != (t.Description == nil) || description != nil && *description != *t.Description
	if described {
		if err := audit.Write(ctx, tx, audit.Entry{Action: openapi.TagDescribed, Kind: openapi.SubjectTag, ID: t.ID}); err != nil {
			return err
		}
	}
	t.Description = description
	if name == nil || *name == t.Name {
		if !described {
			return nil
		}
		return q.TagSetDescription(ctx, tx, query.TagSetDescriptionParams{ID: t.ID, Description: description})
	}
	if err := q.TagRetire(ctx, tx, t.ID); err != nil {
		return err
	}
	_, err := q.TagSetName(ctx, tx, query.TagSetNameParams{Name: *name, Tag: t.Tag, Description: description})
	if db.IsNotFound(err) {
		return problem.New(problem.AlreadyTaken, "name", problem.Taken)
	}
	if err != nil {
		return err
	}
	from := t.Name
	t.Name = *name
	return audit.Write(ctx, tx, audit.Entry{Action: openapi.TagRenamed, Kind: openapi.SubjectTag, ID: t.ID, From: &from, To: name})
}

// MergeTag makes a tag part of another one.
func (s tags) MergeTag(ctx context.Context, req openapi.MergeTagRequestObject) (openapi.MergeTagResponseObject, error) {
	var merged int64
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		from, err := holdTag(ctx, tx, req.Tag, req.Body.Into)
		if err != nil {
			return err
		}
		into, err := q.TagFind(ctx, tx, query.TagFindParams{Name: req.Body.Into, Edits: true})
		switch {
		case db.IsNotFound(err):
			return problem.InvalidField("into", "does not exist")
		case err != nil:
			return err
		case into.Tag == from.Tag:
			return problem.InvalidField("into", "must be another tag")
		}
		if merged, err = q.TagMerge(ctx, tx, query.TagMergeParams{Tag: from.Tag, IntoTag: into.Tag}); err != nil {
			return err
		}
		if err := tagmerge.Insert(ctx, tx, merged); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: openapi.TagMerged, Kind: openapi.SubjectTag, ID: from.ID, From: &from.Name, To: &into.Name})
	})
	if err != nil {
		return nil, err
	}
	_ = s.names.Load(ctx)
	// The articles are not moved in the transaction of the merge: it holds names
	// that the writers of these articles may wait for. The job does what is left,
	// also after an error.
	_, _ = tagmerge.Move(ctx, s.db, merged, tagmerge.AtOnce)
	t, err := findTag(ctx, s.db, req.Body.Into)
	if err != nil {
		return nil, err
	}
	return openapi.MergeTag200JSONResponse{TagOKJSONResponse: openapi.TagOKJSONResponse(tagResponse(t))}, nil
}
