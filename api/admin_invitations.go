package api

import (
	"context"

	"github.com/byline-api/byline/api/accounts"
	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// CreateAccount creates an account whose owner sets the password.
func (s admin) CreateAccount(ctx context.Context, req openapi.CreateAccountRequestObject) (openapi.CreateAccountResponseObject, error) {
	in := req.Body
	folded := names.Fold(in.Username)
	if folded == "" {
		return nil, problem.InvalidField("username", names.Refused)
	}
	call := idempotency.Call{Operation: "CreateAccount", Key: req.Params.IdempotencyKey, Body: in, InTx: true}
	u, replayed, err := idempotency.Once(ctx, s.once, call, func(tx query.DBTX) (query.UserAccount, error) {
		if err := holdAdmin(ctx, tx); err != nil {
			return query.UserAccount{}, err
		}
		u, err := q.UserCreateAccount(ctx, tx, query.UserCreateAccountParams{
			Username: in.Username, FoldedUsername: folded, Email: in.Email, Role: string(in.Role),
		})
		if err != nil {
			return query.UserAccount{}, err
		}
		return query.UserAccount(u), audit.Write(ctx, tx, audit.Entry{Action: openapi.UserAdded, Kind: openapi.SubjectUser, ID: u.ID, To: &u.Role})
	})
	if err != nil {
		return nil, err
	}
	out := openapi.AccountCreatedJSONResponse{Body: openapi.AccountResponse{User: adminAccount(u)}}
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateAccount201JSONResponse{AccountCreatedJSONResponse: out}, nil
}

// holdAdmin locks the viewer's account until the transaction ends. It returns
// an error if the viewer is no admin any more.
func holdAdmin(ctx context.Context, tx query.DBTX) error {
	rows, err := q.UserLockBoth(ctx, tx, query.UserLockBothParams{ID: request.Viewer(ctx).ID})
	if err != nil {
		return err
	}
	if len(rows) == 0 || !accounts.IsAdmin(rows[0]) {
		return accounts.AdminRequired()
	}
	return nil
}

// CreateInvitation invites the owner of an address to register.
func (s admin) CreateInvitation(ctx context.Context, req openapi.CreateInvitationRequestObject) (openapi.CreateInvitationResponseObject, error) {
	in := req.Body
	call := idempotency.Call{Operation: "CreateInvitation", Key: req.Params.IdempotencyKey, Body: in, InTx: true}
	created, replayed, err := idempotency.Once(ctx, s.once, call, func(tx query.DBTX) (query.InvitationListRow, error) {
		i, err := invite(ctx, tx, in.Email, string(in.Role))
		if err != nil {
			return i, err
		}
		return i, audit.Write(ctx, tx, audit.Entry{Action: openapi.InvitationCreated, Kind: openapi.SubjectInvitation, ID: i.ID, To: &i.Role})
	})
	if err != nil {
		return nil, err
	}
	out := openapi.InvitationSentJSONResponse{Body: openapi.InvitationResponse{Invitation: invitation(created)}}
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateInvitation201JSONResponse{InvitationSentJSONResponse: out}, nil
}

// invite creates an invitation, in the place of an earlier one.
func invite(ctx context.Context, tx query.DBTX, email, role string) (query.InvitationListRow, error) {
	if err := holdAdmin(ctx, tx); err != nil {
		return query.InvitationListRow{}, err
	}
	if err := q.InvitationReplace(ctx, tx, email); err != nil {
		return query.InvitationListRow{}, err
	}
	created, err := q.InvitationCreate(ctx, tx, query.InvitationCreateParams{
		Email: email, Role: role, InvitedBy: request.Viewer(ctx).ID, Lifetime: mail.InvitationLifetime,
	})
	if db.IsNotFound(err) {
		err = problem.New(problem.AlreadyTaken, "email", problem.Taken)
	}
	return query.InvitationListRow(created), err
}

// GetInvitations lists the invitations that can be used.
func (s admin) GetInvitations(ctx context.Context, req openapi.GetInvitationsRequestObject) (openapi.GetInvitationsResponseObject, error) {
	const scope = "invitations"
	limit := optional.Or(req.Params.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, req.Params.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	rows, err := q.InvitationList(ctx, s.db, query.InvitationListParams{BeforeID: before.ID, PageLimit: limit + 1})
	if err != nil {
		return nil, err
	}
	p := page.CutByID(ctx, s.cursors, scope, rows, limit, func(r query.InvitationListRow) int64 { return r.ID }, invitation)
	out := openapi.InvitationsJSONResponse{Body: openapi.InvitationsResponse{Invitations: p.Items, NextCursor: p.Cursor}}
	out.Headers.Link = p.Link
	return openapi.GetInvitations200JSONResponse{InvitationsJSONResponse: out}, nil
}

func invitation(r query.InvitationListRow) openapi.Invitation {
	return openapi.Invitation{
		Id: r.ID, Email: r.Email, Role: openapi.Role(r.Role), InvitedBy: r.Inviter,
		CreatedAt: view.Timestamp(r.CreatedAt), ExpiresAt: view.Timestamp(r.ExpiresAt),
	}
}

// DeleteInvitation withdraws an invitation.
func (s admin) DeleteInvitation(ctx context.Context, req openapi.DeleteInvitationRequestObject) (openapi.DeleteInvitationResponseObject, error) {
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		if err := holdAdmin(ctx, tx); err != nil {
			return err
		}
		n, err := q.InvitationDelete(ctx, tx, req.Id)
		if err != nil {
			return err
		}
		if n == 0 {
			return problem.NotFound("invitation")
		}
		return audit.Write(ctx, tx, audit.Entry{Action: openapi.InvitationDeleted, Kind: openapi.SubjectInvitation, ID: req.Id})
	})
	if err != nil {
		return nil, err
	}
	return openapi.DeleteInvitation204Response{}, nil
}

// ExpireInvitations deletes expired invitations and returns their number.
func ExpireInvitations(ctx context.Context, d *db.DB) (int64, error) {
	return q.InvitationExpire(ctx, d)
}
