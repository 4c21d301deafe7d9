package api

import (
	"context"

	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// checkInvitation returns an error if the token of an invitation is invalid. It
// is for requests without an Idempotency-Key, so that an invalid token does not
// cost a password hash; the first attempt of a request with a key may have used
// the invitation.
func (s users) checkInvitation(ctx context.Context, token string) error {
	_, err := q.InvitationByToken(ctx, s.db, auth.HashLinkToken(token))
	return orBadInvitation(err)
}

// accept uses an invitation for an account that is not created yet. The token
// was mailed to the invited address, so that the address counts as verified. It
// is of no use with another address: who gets the role is for the admin to
// decide, and not for whoever reads or forwards the mail.
func accept(ctx context.Context, tx query.DBTX, token, email string) (query.InvitationAcceptRow, error) {
	i, err := q.InvitationAccept(ctx, tx, query.InvitationAcceptParams{TokenHash: auth.HashLinkToken(token), Email: email})
	if err == nil && !i.IsForAddress {
		err = problem.InvalidField("invitation", "is for another e-mail address")
	}
	return i, orBadInvitation(err)
}

func orBadInvitation(err error) error {
	if db.IsNotFound(err) {
		return problem.InvalidField("invitation", "is invalid, has been used or has expired")
	}
	return err
}

// noteAccepted writes to the audit log that a new account has used an
// invitation.
func noteAccepted(ctx context.Context, tx query.DBTX, u query.UserCreateRow, i query.InvitationAcceptRow) error {
	return audit.WriteAs(ctx, tx, auth.Viewer{ID: u.ID, Session: u.SessionID},
		audit.Entry{Action: openapi.InvitationAccepted, Kind: openapi.SubjectInvitation, ID: i.ID, To: &i.Role})
}
