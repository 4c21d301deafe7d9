package signin

import (
	"context"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
)

// Confirmation is the viewer's current password, after it was verified. A nil
// Confirmation means that the request did not have to contain it.
type Confirmation struct{ field, hash string }

// Confirm verifies the viewer's current password. The error, if it is another
// password, names the field. A wrong password counts as a failed sign-in.
// Otherwise a person with a stolen token could guess the password.
func (g Guard) Confirm(ctx context.Context, field, password string) (*Confirmation, error) {
	viewer := request.Viewer(ctx)
	u, err := q.UserGetByID(ctx, g.DB, viewer.ID)
	if err != nil {
		return nil, translate.UnknownViewer(err)
	}
	found, ok, err := g.Verify(ctx, u.Email, password)
	if err != nil {
		return nil, err
	}
	if !ok || found.ID != viewer.ID {
		return nil, incorrect(field)
	}
	return &Confirmation{field: field, hash: found.PasswordHash}, nil
}

// ConfirmCurrent verifies the member currentPassword of a request. It may be
// absent, unless the rules require it.
func (g Guard) ConfirmCurrent(ctx context.Context, password *string, rules Rules) (*Confirmation, error) {
	const field = "currentPassword"
	switch {
	case password != nil:
		return g.Confirm(ctx, field, *password)
	case rules.CurrentPassword:
		return nil, problem.InvalidField(field, problem.Blank)
	}
	return nil, nil
}

// Check compares the password that was verified with the hash of the account
// that a transaction has locked. The error names the field if the password has
// changed in the meantime.
func (c *Confirmation) Check(hash string) error {
	if c == nil || c.hash == hash {
		return nil
	}
	return incorrect(c.field)
}

func incorrect(field string) error { return problem.InvalidField(field, "is incorrect") }
