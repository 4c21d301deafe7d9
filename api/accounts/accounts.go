// Package accounts changes the accounts of other users for admins.
package accounts

import (
	"context"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// IsAdmin reports whether an account has the rights of an admin.
func IsAdmin(u query.UserAccount) bool { return u.Role == auth.Admin.String() && u.SuspendedAt == nil }

// AdminRequired returns the 403 for a viewer who is no admin.
func AdminRequired() *problem.Error {
	return problem.New(problem.RoleInsufficient, "role", "requires the role admin or higher")
}

// Subject returns the user whom the viewer wants to change. The rows are the
// accounts of both, which are locked. It returns an error if the viewer is no
// admin, and no user if only the viewer has a row.
//
// The role of the admin is checked again after both rows are locked. If two
// admins demote each other at the same time, the second is no longer an admin
// by then. Its request is refused, so one admin is left.
func Subject(ctx context.Context, rows []query.UserAccount) (subject *query.UserAccount, err error) {
	permitted := false
	for i := range rows {
		if rows[i].ID == request.Viewer(ctx).ID {
			permitted = IsAdmin(rows[i])
		} else {
			subject = &rows[i]
		}
	}
	if !permitted {
		return nil, AdminRequired()
	}
	return subject, nil
}

// Suspend suspends a user, and reports whether that changed something.
func Suspend(ctx context.Context, tx query.DBTX, u *query.UserAccount, reason string) (changed bool, err error) {
	if u.SuspendedAt != nil && optional.Or(u.SuspendedReason, "") == reason {
		return false, nil
	}
	at, err := q.UserSuspend(ctx, tx, query.UserSuspendParams{ID: u.ID, Reason: reason})
	u.SuspendedAt, u.SuspendedReason = &at, &reason
	return true, err
}
