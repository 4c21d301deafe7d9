package api

import (
	"context"
	"fmt"
	"net/url"

	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type admin struct {
	db            *db.DB
	cursors       *page.Codec
	authenticator *auth.Authenticator
}

// GetUsers lists users.
func (s admin) GetUsers(ctx context.Context, req openapi.GetUsersRequestObject) (openapi.GetUsersResponseObject, error) {
	p := req.Params
	username, role := valueOr(p.Username, ""), string(valueOr(p.Role, ""))
	suspended := ""
	if p.Suspended != nil {
		suspended = fmt.Sprint(*p.Suspended)
	}
	scope := "users?" + url.Values{"username": {username}, "role": {role}, "suspended": {suspended}}.Encode()
	limit := valueOr(p.Limit, defaultLimit)
	before, err := decodeCursor(s.cursors, scope, p.Cursor, lastID)
	if err != nil {
		return nil, err
	}
	rows, err := s.listUsers(ctx, username, role, p.Suspended, before.ID, limit+1)
	if err != nil {
		return nil, err
	}
	out := openapi.AccountsJSONResponse{}
	out.Body.Users, out.Body.NextCursor, out.Headers.Link = pageByID(ctx, s.cursors, scope, rows, limit,
		func(u query.UserAccount) int64 { return u.ID }, adminAccount)
	return openapi.GetUsers200JSONResponse{AccountsJSONResponse: out}, nil
}

// listUsers walks the index of the filter that fewest users match.
func (s admin) listUsers(ctx context.Context, username, role string, suspended *bool, before int64, limit int32) ([]query.UserAccount, error) {
	switch {
	case username != "":
		return q.UserListByUsername(ctx, s.db, query.UserListByUsernameParams{Username: username, Role: role, Suspended: suspended, BeforeID: before})
	case valueOr(suspended, false):
		return q.UserListSuspended(ctx, s.db, query.UserListSuspendedParams{Role: role, BeforeID: before, PageLimit: limit})
	case role != "" && role != auth.Author.String():
		return q.UserListByRole(ctx, s.db, query.UserListByRoleParams{Role: role, Suspended: suspended, BeforeID: before, PageLimit: limit})
	default:
		return q.UserList(ctx, s.db, query.UserListParams{Role: role, Suspended: suspended, BeforeID: before, PageLimit: limit})
	}
}

// SetUserRole changes what a user may do.
func (s admin) SetUserRole(ctx context.Context, req openapi.SetUserRoleRequestObject) (openapi.SetUserRoleResponseObject, error) {
	u, err := s.change(ctx, req.Username, func(tx query.DBTX, u *query.UserAccount) (*act, error) {
		return setRole(ctx, tx, u, string(req.Body.Role), req.Body.Reason)
	})
	if err != nil {
		return nil, err
	}
	return openapi.SetUserRole200JSONResponse{AccountOKJSONResponse: u}, nil
}

// setRole returns no act when the user has the role.
func setRole(ctx context.Context, tx query.DBTX, u *query.UserAccount, to string, reason *string) (*act, error) {
	from := u.Role
	if from == to {
		return nil, nil
	}
	u.Role = to
	return &act{action: openapi.UserRoleChanged, reason: reason, from: &from, to: &to},
		q.UserSetRole(ctx, tx, query.UserSetRoleParams{ID: u.ID, Role: to})
}

// SuspendUser shuts a user out.
func (s admin) SuspendUser(ctx context.Context, req openapi.SuspendUserRequestObject) (openapi.SuspendUserResponseObject, error) {
	u, err := s.change(ctx, req.Username, func(tx query.DBTX, u *query.UserAccount) (*act, error) {
		if u.SuspendedAt != nil && valueOr(u.SuspendedReason, "") == req.Body.Reason {
			return nil, nil
		}
		at, err := q.UserSuspend(ctx, tx, query.UserSuspendParams{ID: u.ID, Reason: req.Body.Reason})
		u.SuspendedAt, u.SuspendedReason = &at, &req.Body.Reason
		return &act{action: openapi.UserSuspended, reason: &req.Body.Reason}, err
	})
	if err != nil {
		return nil, err
	}
	return openapi.SuspendUser200JSONResponse{AccountOKJSONResponse: u}, nil
}

// ReinstateUser lets a suspended user in again.
func (s admin) ReinstateUser(ctx context.Context, req openapi.ReinstateUserRequestObject) (openapi.ReinstateUserResponseObject, error) {
	u, err := s.change(ctx, req.Username, func(tx query.DBTX, u *query.UserAccount) (*act, error) {
		if u.SuspendedAt == nil {
			return nil, nil
		}
		u.SuspendedAt, u.SuspendedReason = nil, nil
		return &act{action: openapi.UserReinstated}, q.UserReinstate(ctx, tx, u.ID)
	})
	if err != nil {
		return nil, err
	}
	return openapi.ReinstateUser200JSONResponse{AccountOKJSONResponse: u}, nil
}

// change has an admin change another user and keeps who did it; do returns no
// act when there is nothing to change. The admin is asked for their power
// again, under lock: of two who take it from each other the second has none
// any more, so that one is left.
func (s admin) change(ctx context.Context, username string, do func(tx query.DBTX, u *query.UserAccount) (*act, error)) (openapi.AccountOKJSONResponse, error) {
	viewer := request.Viewer(ctx)
	var subject query.UserAccount
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		rows, err := q.UserLockBoth(ctx, tx, query.UserLockBothParams{ID: viewer.ID, Username: username})
		if err != nil {
			return err
		}
		subject = query.UserAccount{}
		powerful := false
		for _, r := range rows {
			if r.ID != viewer.ID {
				subject = r
			} else {
				powerful = r.Role == auth.Admin.String() && r.SuspendedAt == nil
			}
		}
		switch {
		case !powerful:
			return problem.New(problem.RoleInsufficient, "role", "must be admin at least")
		case subject.ID == 0:
			return missingSubject(ctx, tx, username)
		}
		a, err := do(tx, &subject)
		if err != nil || a == nil {
			return err
		}
		a.kind, a.id = openapi.SubjectUser, subject.ID
		return audit(ctx, tx, *a)
	})
	if err != nil {
		return openapi.AccountOKJSONResponse{}, err
	}
	s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == subject.ID })
	return openapi.AccountOKJSONResponse{Body: openapi.AccountResponse{User: adminAccount(subject)}}, nil
}

// missingSubject says why there is nobody else of that name.
func missingSubject(ctx context.Context, tx query.DBTX, username string) error {
	_, err := q.ProfileGetByUsername(ctx, tx, query.ProfileGetByUsernameParams{Username: username})
	if err != nil {
		return orNotFound(err, "user")
	}
	return problem.InvalidField("username", "can't be yourself")
}

func adminAccount(u query.UserAccount) openapi.Account {
	return openapi.Account{
		Id: u.ID, Username: u.Username, Email: u.Email, Role: openapi.Role(u.Role),
		CreatedAt: timestamp(u.CreatedAt), SuspendedAt: nullTimestamp(u.SuspendedAt), SuspensionReason: nullOf(u.SuspendedReason),
	}
}

// GetAuditLog lists who did what.
func (s admin) GetAuditLog(ctx context.Context, req openapi.GetAuditLogRequestObject) (openapi.GetAuditLogResponseObject, error) {
	p := req.Params
	arg := query.AuditListParams{Actor: valueOr(p.Actor, ""), Action: string(valueOr(p.Action, "")), Username: valueOr(p.Subject, "")}
	scope := "audit?" + url.Values{"actor": {arg.Actor}, "action": {arg.Action}, "subject": {arg.Username}}.Encode()
	limit := valueOr(p.Limit, defaultLimit)
	before, err := decodeCursor(s.cursors, scope, p.Cursor, lastID)
	if err != nil {
		return nil, err
	}
	arg.BeforeID, arg.PageLimit = before.ID, limit+1
	rows, err := q.AuditList(ctx, s.db, arg)
	if err != nil {
		return nil, err
	}
	out := openapi.AuditEntriesJSONResponse{}
	out.Body.Entries, out.Body.NextCursor, out.Headers.Link = pageByID(ctx, s.cursors, scope, rows, limit,
		func(r query.AuditListRow) int64 { return r.ID }, auditEntry)
	return openapi.GetAuditLog200JSONResponse{AuditEntriesJSONResponse: out}, nil
}

func auditEntry(r query.AuditListRow) openapi.AuditEntry {
	actor := nullable.NewNullNullable[openapi.AuditActor]()
	if r.ActorID != nil {
		actor = nullable.NewNullableWithValue(openapi.AuditActor{Id: *r.ActorID, Username: nullOf(r.Actor)})
	}
	name := r.SubjectSlug
	if r.SubjectKind == string(openapi.SubjectUser) {
		name = r.SubjectUsername
	}
	return openapi.AuditEntry{
		Id: r.ID, CreatedAt: timestamp(r.CreatedAt), Action: openapi.AuditAction(r.Action), Actor: actor, ApiKeyId: nullOf(r.ActorKey),
		Subject: openapi.AuditSubject{Kind: openapi.AuditSubjectKind(r.SubjectKind), Id: r.SubjectID, Name: nullOf(name)},
		Reason:  nullOf(r.Reason), From: nullOf(r.ChangedFrom), To: nullOf(r.ChangedTo), RequestId: nullOf(r.RequestID),
	}
}

// CreateAdmin makes an account that may do everything, for the operator.
func CreateAdmin(ctx context.Context, d *db.DB, passwords *auth.Passwords, account openapi.NewUser) error {
	hash, err := passwords.Hash(ctx, account.Password)
	if err != nil {
		return err
	}
	return d.InTx(ctx, func(tx query.DBTX) error {
		id, err := q.UserCreateAdmin(ctx, tx, query.UserCreateAdminParams{Username: account.Username, Email: account.Email, PasswordHash: hash})
		if err != nil {
			return err
		}
		return audit(ctx, tx, act{action: openapi.UserAdminCreated, kind: openapi.SubjectUser, id: id})
	})
}

// PromoteAdmin makes an admin of a user, for the operator. It tells whether
// the account is suspended, which it stays.
func PromoteAdmin(ctx context.Context, d *db.DB, username string) (suspended bool, err error) {
	err = d.InTx(ctx, func(tx query.DBTX) error {
		rows, err := q.UserLockBoth(ctx, tx, query.UserLockBothParams{Username: username})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("there is no user %q", username)
		}
		suspended = rows[0].SuspendedAt != nil
		a, err := setRole(ctx, tx, &rows[0], auth.Admin.String(), nil)
		if err != nil || a == nil {
			return err
		}
		a.kind, a.id = openapi.SubjectUser, rows[0].ID
		return audit(ctx, tx, *a)
	})
	return suspended, err
}
