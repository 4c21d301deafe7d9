package api

import (
	"context"
	"fmt"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/details"
	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/api/words"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// The responses show the article as it would be, and have the version of the
// working copy.
type (
	workingCopyFound struct {
		openapi.GetWorkingCopy200JSONResponse
		response.Facts
	}
	workingCopyUpdated struct {
		openapi.UpdateWorkingCopy200JSONResponse
		response.Facts
	}
)

// GetWorkingCopy returns an article as it would be with its unpublished
// changes, if there are any.
func (s articles) GetWorkingCopy(ctx context.Context, req openapi.GetWorkingCopyRequestObject) (openapi.GetWorkingCopyResponseObject, error) {
	a, err := s.finder.GetEdited(ctx, req.Slug)
	if err != nil {
		return nil, err
	}
	out, facts, err := takeCopy(ctx, s.db, a)
	if err != nil {
		return nil, err
	}
	return workingCopyFound{openapi.GetWorkingCopy200JSONResponse{CachedArticleJSONResponse: openapi.CachedArticleJSONResponse{Article: out}}, facts}, nil
}

// takeCopy returns an article as it would be.
func takeCopy(ctx context.Context, conn query.DBTX, a visibility.Article) (out openapi.Article, facts response.Facts, err error) {
	w, err := a.TakeCopy(ctx, conn)
	if err != nil {
		return out, facts, err
	}
	if w == nil {
		return a.View(ctx, nil), a.Facts(), nil
	}
	out = a.View(ctx, nil)
	out.WorkingCopy = &openapi.WorkingCopy{
		Status: openapi.WorkingCopyStatus(w.Status), PublishAt: view.TimestampOrNull(w.PublishAt), BasedOn: w.BaseRevision,
		UpdatedAt: view.Timestamp(w.UpdatedAt), Author: view.RevisionAuthor(w.Username, w.Bio, w.Image, w.Following),
	}
	return out, facts.OfWorkingCopy(etag.WorkingCopyVersion(a.ID, w.Revision, w.Version, w.OwnRevision)), nil
}

// UpdateWorkingCopy applies a merge patch to a working copy, which it makes if
// there is none.
func (s articles) UpdateWorkingCopy(ctx context.Context, req openapi.UpdateWorkingCopyRequestObject) (openapi.UpdateWorkingCopyResponseObject, error) {
	in := req.Body.Article
	var out openapi.Article
	var facts response.Facts
	related := patchedRelations(in)
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		if err := related.lock(ctx, tx, req.Slug); err != nil {
			return err
		}
		locked, err := visibility.LockEdited(ctx, tx, req.Slug, nil)
		if err != nil {
			return err
		}
		found, err := publish.FindCopy(ctx, tx, locked, req.Params.IfMatch)
		if err != nil {
			return err
		}
		if locked.PublishedAt == nil {
			return problem.InvalidField("status", fmt.Sprintf("is %s: only a published or scheduled article has a working copy; use PUT /articles/{slug}", locked.Status))
		}
		if err := requireSame(locked, in); err != nil {
			return err
		}
		if err := requireOnlyText(locked, in, related); err != nil {
			return err
		}
		if err := s.patchCopy(ctx, tx, locked, found, in); err != nil {
			return err
		}
		a, err := visibility.ReadArticle(ctx, tx, locked.ID)
		if err != nil {
			return err
		}
		out, facts, err = takeCopy(ctx, tx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return workingCopyUpdated{openapi.UpdateWorkingCopy200JSONResponse{ArticleOKJSONResponse: openapi.ArticleOKJSONResponse{Article: out}}, facts}, nil
}

// requireOnlyText returns an error if a change of a working copy has members
// that are no part of it, unless they say what the article has.
func requireOnlyText(locked query.ArticleLockRow, in openapi.UpdateArticle, related relations) error {
	for _, member := range []struct {
		name    string
		changes bool
	}{
		{"author", namedAuthor(in.Author) != ""},
		{"slug", changesSlug(locked, in)},
		{"commentsOpen", in.CommentsOpen != nil && *in.CommentsOpen != locked.CommentsOpen},
		{"series", related.leavesSeries && locked.SeriesID != 0 || related.place != nil && !related.keepsPlace(locked)},
		{"translationOf", related.leavesTranslations && locked.TranslationGroup != 0 || related.original != nil},
	} {
		if member.changes {
			return problem.InvalidField(member.name, "cannot be changed here: use PUT /articles/{slug}")
		}
	}
	return nil
}

// patchCopy applies a merge patch to the working copy of an article, or makes
// one if found is nil.
func (s articles) patchCopy(
	ctx context.Context, tx query.DBTX, locked query.ArticleLockRow, found *query.WorkingCopyFindRow, in openapi.UpdateArticle,
) (err error) {
	arg := query.WorkingCopyUpdateParams{
		ArticleID: locked.ID, Title: in.Title, Description: in.Description, Body: in.Body,
		AccountStorage: s.storage, Reviser: request.Viewer(ctx).ID, MaxRevisions: s.rules.MaxRevisions,
	}
	stored, tags := locked.Details, locked.Tags
	if found != nil {
		stored, tags = found.Details, found.Tags
	}
	if arg.Details, err = details.Apply(stored, in); err != nil {
		return err
	}
	if arg.Tags, err = changedTags(ctx, tags, in.TagList); err != nil {
		return err
	}
	if in.Body != nil {
		counts := words.Count(*in.Body)
		arg.WordCount, arg.ReadingMinutes = &counts.Words, &counts.Minutes
	}
	if found == nil {
		err = q.WorkingCopyCreate(ctx, tx, query.WorkingCopyCreateParams(arg))
	} else {
		// One that is scheduled becomes public without another decision.
		if err := s.rules.Check(ctx, openapi.ArticleStatus(found.Status)); err != nil {
			return err
		}
		err = q.WorkingCopyUpdate(ctx, tx, arg)
	}
	if err != nil {
		return translate.StorageFull(err, s.storage)
	}
	return audit.WriteEdit(ctx, tx, locked.AuthorID, audit.Entry{Action: openapi.ArticleUpdated, ID: locked.ID})
}

// DeleteWorkingCopy discards the unpublished changes of an article.
func (s articles) DeleteWorkingCopy(ctx context.Context, req openapi.DeleteWorkingCopyRequestObject) (openapi.DeleteWorkingCopyResponseObject, error) {
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		locked, err := visibility.LockEdited(ctx, tx, req.Slug, nil)
		if err != nil {
			return err
		}
		found, err := publish.FindCopy(ctx, tx, locked, req.Params.IfMatch)
		switch {
		case err != nil:
			return err
		case found == nil:
			return problem.NotFound("working copy")
		}
		if err := s.rules.Check(ctx, openapi.ArticleStatus(found.Status)); err != nil {
			return err
		}
		if err := q.WorkingCopyDelete(ctx, tx, query.WorkingCopyDeleteParams{ArticleID: locked.ID, MaxRevisions: s.rules.MaxRevisions}); err != nil {
			return err
		}
		return audit.WriteEdit(ctx, tx, locked.AuthorID, audit.Entry{Action: openapi.ArticleUpdated, ID: locked.ID})
	})
	if err != nil {
		return nil, err
	}
	return openapi.DeleteWorkingCopy204Response{}, nil
}
