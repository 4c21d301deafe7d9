// Package audit writes the audit log.
package audit

import (
	"context"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// Entry is what the log records of an action. From and To are the role, the
// status or the id of the author of an article, or the name of a tag, before
// and after.
type Entry struct {
	Action   openapi.AuditAction
	Kind     openapi.AuditSubjectKind
	ID       int64
	Reason   *string
	From, To *string
}

// Write adds an entry for an action of the viewer. It runs in the transaction
// of the action, so that neither is committed without the other. If the
// credential of the request was revoked since the request began, the error is a
// 401. Without a viewer the action is one of the operator.
func Write(ctx context.Context, tx query.DBTX, e Entry) error {
	return WriteAs(ctx, tx, request.Viewer(ctx), e)
}

// WriteEdit is Write for what an editor does to an article of somebody else's.
// It writes nothing if the viewer is the author. The author is locked first,
// because everything that ends a session locks users before sessions.
func WriteEdit(ctx context.Context, tx query.DBTX, authorID int64, e Entry) error {
	if authorID == request.Viewer(ctx).ID {
		return nil
	}
	if _, err := query.New().ArticleHoldAuthors(ctx, tx, []int64{authorID}); err != nil {
		return err
	}
	e.Kind = openapi.SubjectArticle
	return Write(ctx, tx, e)
}

// WriteAs is Write for an action of somebody else than the viewer: of the user
// whom the request signs in.
func WriteAs(ctx context.Context, tx query.DBTX, actor auth.Viewer, e Entry) error {
	_, err := query.New().AuditCreate(ctx, tx, query.AuditCreateParams{
		ActorID: optional.NonZero(actor.ID), ActorSession: optional.NonZero(actor.Session), ActorKey: optional.NonZero(actor.Key),
		Action: string(e.Action), SubjectKind: string(e.Kind), SubjectID: e.ID,
		Reason: e.Reason, ChangedFrom: e.From, ChangedTo: e.To, RequestID: optional.NonZero(request.From(ctx).ID),
	})
	return translate.UnknownViewer(err)
}
