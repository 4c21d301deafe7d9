// Package publish decides who may make articles public and comment on them, and
// makes articles public at their time.
package publish

import (
	"context"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/openapi"
)

// Rules are the rules that an operator can add to those of the RealWorld
// contract.
type Rules struct {
	// EditorsOnly means that authors submit articles, and editors publish them.
	EditorsOnly bool
	// Comments decides who may comment.
	Comments Comments
	// MaxRevisions is how many revisions an article keeps, besides those that
	// were public; 0 means all.
	MaxRevisions int32
}

// Comments says who may comment. The zero value permits everybody.
type Comments string

// With ApprovedComments, the comments of an account wait until a moderator has
// approved one. With NoComments, there are no new comments.
const (
	ApprovedComments Comments = "approve"
	NoComments       Comments = "off"
)

// Check returns a 403 if the viewer must not give an article a status, or
// change an article that has it: what is published is public at once, and what
// is scheduled will be without another decision.
func (r Rules) Check(ctx context.Context, status openapi.ArticleStatus) error {
	if !r.EditorsOnly || status != openapi.StatusPublished && status != openapi.StatusScheduled {
		return nil
	}
	return RequireEditor(ctx)
}

// Time returns a time of a request as the database stores it: rounded to
// milliseconds. nil means no time. The error is a 422 if responses cannot show
// the time.
func Time(field string, at *time.Time) (*time.Time, error) {
	if at == nil {
		return nil, nil
	}
	stored := at.UTC().Round(time.Millisecond)
	if stored.Year() > 9999 {
		return nil, problem.InvalidField(field, "must be before the year 10000")
	}
	return &stored, nil
}

// RequireEditor returns a 403 if the viewer lacks the rights of an editor.
func RequireEditor(ctx context.Context) error {
	switch viewer := request.Viewer(ctx); {
	case viewer.Edits():
		return nil
	case viewer.Role < auth.Editor:
		return problem.New(problem.RoleInsufficient, "role", "requires the role editor or higher")
	default:
		return problem.New(problem.ScopeInsufficient, "token", "lacks the scope admin")
	}
}
