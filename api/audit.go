package api

import (
	"context"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// act is what the audit log keeps of something that was done; from and to are
// those of a changed role.
type act struct {
	action   openapi.AuditAction
	kind     openapi.AuditSubjectKind
	id       int64
	reason   *string
	from, to *string
}

// audit writes an act of the viewer's into the log, in the transaction that
// does it: neither is there without the other. Without a viewer it is the
// operator's.
func audit(ctx context.Context, tx query.DBTX, a act) error {
	info := request.From(ctx)
	return q.AuditCreate(ctx, tx, query.AuditCreateParams{
		ActorID: orNil(info.Viewer.ID), ActorSession: orNil(info.Viewer.Session), ActorKey: orNil(info.Viewer.Key),
		Action: string(a.action), SubjectKind: string(a.kind), SubjectID: a.id,
		Reason: a.reason, ChangedFrom: a.from, ChangedTo: a.to, RequestID: orNil(info.ID),
	})
}

// orNil returns nil for a zero value.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
