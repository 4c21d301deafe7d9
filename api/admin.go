package api

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/byline-api/byline/api/accounts"
	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type admin struct {
	db            *db.DB
	once          idempotency.Runner
	cursors       *page.Codec
	authenticator *auth.Authenticator
}

// GetUsers lists users.
func (s admin) GetUsers(ctx context.Context, req openapi.GetUsersRequestObject) (openapi.GetUsersResponseObject, error) {
	in := req.Params
	name, role := optional.Or(in.Username, ""), string(optional.Or(in.Role, ""))
	suspended := ""
	if in.Suspended != nil {
		suspended = fmt.Sprint(*in.Suspended)
	}
	scope := "users?" + url.Values{"username": {name}, "role": {role}, "suspended": {suspended}}.Encode()
	limit := optional.Or(in.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, in.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	rows, err := s.listUsers(ctx, name, role, in.Suspended, before.ID, limit+1)
	if err != nil {
		return nil, err
	}
	p := page.CutByID(ctx, s.cursors, scope, rows, limit, func(u query.UserAccount) int64 { return u.ID }, adminAccount)
	out := openapi.AccountsJSONResponse{Body: openapi.AccountsResponse{Users: p.Items, NextCursor: p.Cursor}}
	out.Headers.Link = p.Link
	return openapi.GetUsers200JSONResponse{AccountsJSONResponse: out}, nil
}

// listUsers returns a page of the users that match the filters. It uses the
// index of the filter that the fewest users match.
func (s admin) listUsers(ctx context.Context, name, role string, suspended *bool, before int64, limit int32) ([]query.UserAccount, error) {
	switch {
	case name != "":
		return q.UserListByUsername(ctx, s.db, query.UserListByUsernameParams{
			Username: name, FoldedUsername: names.Fold(name), Role: role, Suspended: suspended, BeforeID: before,
		})
	case optional.Or(suspended, false):
		return q.UserListSuspended(ctx, s.db, query.UserListSuspendedParams{Role: role, BeforeID: before, PageLimit: limit})
	case role != "" && role != auth.Author.String():
		return q.UserListByRole(ctx, s.db, query.UserListByRoleParams{Role: role, Suspended: suspended, BeforeID: before, PageLimit: limit})
	default:
		return q.UserList(ctx, s.db, query.UserListParams{Role: role, Suspended: suspended, BeforeID: before, PageLimit: limit})
	}
}

// SetUserRole changes the role of a user.
func (s admin) SetUserRole(ctx context.Context, req openapi.SetUserRoleRequestObject) (openapi.SetUserRoleResponseObject, error) {
	u, err := s.change(ctx, req.Username, func(tx query.DBTX, u *query.UserAccount) (*audit.Entry, error) {
		return setRole(ctx, tx, u, string(req.Body.Role), req.Body.Reason)
	})
	if err != nil {
		return nil, err
	}
	return openapi.SetUserRole200JSONResponse{AccountOKJSONResponse: u}, nil
}

// setRole gives the user the role and returns the entry for the audit log. The
// entry is nil if the user already has the role.
func setRole(ctx context.Context, tx query.DBTX, u *query.UserAccount, to string, reason *string) (*audit.Entry, error) {
	from := u.Role
	if from == to {
		return nil, nil
	}
	u.Role = to
	return &audit.Entry{Action: openapi.UserRoleChanged, Reason: reason, From: &from, To: &to},
		q.UserSetRole(ctx, tx, query.UserSetRoleParams{ID: u.ID, Role: to})
}

// SuspendUser suspends a user, which ends the user's access.
func (s admin) SuspendUser(ctx context.Context, req openapi.SuspendUserRequestObject) (openapi.SuspendUserResponseObject, error) {
	u, err := s.change(ctx, req.Username, func(tx query.DBTX, u *query.UserAccount) (*audit.Entry, error) {
		changed, err := accounts.Suspend(ctx, tx, u, req.Body.Reason)
		if err != nil || !changed {
			return nil, err
		}
		return &audit.Entry{Action: openapi.UserSuspended, Reason: &req.Body.Reason}, nil
	})
	if err != nil {
		return nil, err
	}
	return openapi.SuspendUser200JSONResponse{AccountOKJSONResponse: u}, nil
}

// ReinstateUser ends the suspension of a user.
func (s admin) ReinstateUser(ctx context.Context, req openapi.ReinstateUserRequestObject) (openapi.ReinstateUserResponseObject, error) {
	u, err := s.change(ctx, req.Username, func(tx query.DBTX, u *query.UserAccount) (*audit.Entry, error) {
		if u.SuspendedAt == nil {
			return nil, nil
		}
		u.SuspendedAt, u.SuspendedReason = nil, nil
		return &audit.Entry{Action: openapi.UserReinstated}, q.UserReinstate(ctx, tx, u.ID)
	})
	if err != nil {
		return nil, err
	}
	return openapi.ReinstateUser200JSONResponse{AccountOKJSONResponse: u}, nil
}

// change lets an admin change another user and writes the audit log. The
// function do makes the change and returns the entry for the audit log. It
// returns nil if there is nothing to change.
func (s admin) change(ctx context.Context, name string, do func(tx query.DBTX, u *query.UserAccount) (*audit.Entry, error)) (openapi.AccountOKJSONResponse, error) {
	var subject *query.UserAccount
	err := s.db.InTx(ctx, func(tx query.DBTX) error {
		rows, err := q.UserLockBoth(ctx, tx, query.UserLockBothParams{ID: request.Viewer(ctx).ID, Username: name, FoldedUsername: names.Fold(name)})
		if err != nil {
			return err
		}
		if subject, err = accounts.Subject(ctx, rows); err != nil {
			return err
		}
		if subject == nil {
			return missingSubject(ctx, tx, name)
		}
		entry, err := do(tx, subject)
		if err != nil || entry == nil {
			return err
		}
		entry.Kind, entry.ID = openapi.SubjectUser, subject.ID
		return audit.Write(ctx, tx, *entry)
	})
	if err != nil {
		return openapi.AccountOKJSONResponse{}, err
	}
	s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == subject.ID })
	return openapi.AccountOKJSONResponse{User: adminAccount(*subject)}, nil
}

// missingSubject returns the error for a username that no user but the viewer
// has: a 404 if nobody has it, and a 422 if the viewer has it.
func missingSubject(ctx context.Context, tx query.DBTX, name string) error {
	_, err := q.ProfileGetByUsername(ctx, tx, query.ProfileGetByUsernameParams{Username: name, FoldedUsername: names.Fold(name)})
	if err != nil {
		return translate.NotFound(err, "user")
	}
	return problem.InvalidField("username", "can't be yourself")
}

func adminAccount(u query.UserAccount) openapi.Account {
	return openapi.Account{
		Id: u.ID, Username: u.Username, Email: u.Email, Role: openapi.Role(u.Role),
		CreatedAt: view.Timestamp(u.CreatedAt), SuspendedAt: view.TimestampOrNull(u.SuspendedAt), SuspensionReason: u.SuspendedReason,
	}
}

// GetAuditLog lists the entries of the audit log.
func (s admin) GetAuditLog(ctx context.Context, req openapi.GetAuditLogRequestObject) (openapi.GetAuditLogResponseObject, error) {
	in := req.Params
	arg := query.AuditListParams{Actor: optional.Or(in.Actor, ""), Action: string(optional.Or(in.Action, "")), Username: optional.Or(in.Subject, "")}
	arg.FoldedActor, arg.FoldedUsername = names.Fold(arg.Actor), names.Fold(arg.Username)
	scope := "audit?" + url.Values{"actor": {arg.Actor}, "action": {arg.Action}, "subject": {arg.Username}}.Encode()
	limit := optional.Or(in.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, in.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	arg.BeforeID, arg.PageLimit = before.ID, limit+1
	rows, err := q.AuditList(ctx, s.db, arg)
	if err != nil {
		return nil, err
	}
	p := page.CutByID(ctx, s.cursors, scope, rows, limit, func(r query.AuditListRow) int64 { return r.ID }, auditEntry)
	out := openapi.AuditEntriesJSONResponse{Body: openapi.AuditEntriesResponse{Entries: p.Items, NextCursor: p.Cursor}}
	out.Headers.Link = p.Link
	return openapi.GetAuditLog200JSONResponse{AuditEntriesJSONResponse: out}, nil
}

func auditEntry(r query.AuditListRow) openapi.AuditEntry {
	var actor *openapi.AuditActor
	if r.ActorID != nil {
		actor = &openapi.AuditActor{Id: *r.ActorID, Username: r.Actor}
	}
	name := r.SubjectSlug
	switch openapi.AuditSubjectKind(r.SubjectKind) {
	case openapi.SubjectUser:
		name = r.SubjectUsername
	case openapi.SubjectInvitation:
		name = r.SubjectEmail
	case openapi.SubjectSeries:
		name = r.SubjectSeries
	case openapi.SubjectTag:
		name = r.SubjectTag
	}
	return openapi.AuditEntry{
		Id: r.ID, CreatedAt: view.Timestamp(r.CreatedAt), Action: openapi.AuditAction(r.Action), Actor: actor, ApiKeyId: r.ActorKey,
		Subject: openapi.AuditSubject{Kind: openapi.AuditSubjectKind(r.SubjectKind), Id: r.SubjectID, Name: name},
		Reason:  r.Reason, From: r.ChangedFrom, To: r.ChangedTo, RequestId: r.RequestID,
	}
}

// CreateAdmin creates an account with the role admin. The operator runs it from
// the command line.
func CreateAdmin(ctx context.Context, d *db.DB, passwords *auth.Passwords, account openapi.NewUser) error {
	folded := names.Fold(account.Username)
	if folded == "" {
		return problem.InvalidField("username", names.Refused)
	}
	hash, err := passwords.Hash(ctx, account.Password)
	if err != nil {
		return err
	}
	return d.InTx(ctx, func(tx query.DBTX) error {
		id, err := q.UserCreateAdmin(ctx, tx, query.UserCreateAdminParams{
			Username: account.Username, FoldedUsername: folded, Email: account.Email, PasswordHash: hash,
		})
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: openapi.UserAdminCreated, Kind: openapi.SubjectUser, ID: id})
	})
}

// PromoteAdmin gives a user the role admin. The operator runs it from the
// command line. It reports whether the account is suspended. A suspended
// account stays suspended.
func PromoteAdmin(ctx context.Context, d *db.DB, name string) (suspended bool, err error) {
	err = d.InTx(ctx, func(tx query.DBTX) error {
		u, err := lockNamed(ctx, tx, name)
		if err != nil {
			return err
		}
		suspended = u.SuspendedAt != nil
		entry, err := setRole(ctx, tx, &u, auth.Admin.String(), nil)
		if err != nil || entry == nil {
			return err
		}
		entry.Kind, entry.ID = openapi.SubjectUser, u.ID
		return audit.Write(ctx, tx, *entry)
	})
	return suspended, err
}

// ResetLink returns a link, or a token if no link is configured, that resets the
// password of a user once, within an hour. The operator runs it from the
// command line, and passes the link on.
func ResetLink(ctx context.Context, d *db.DB, links mail.Links, name string) (link string, err error) {
	err = d.InTx(ctx, func(tx query.DBTX) error {
		u, err := lockNamed(ctx, tx, name)
		if err != nil {
			return err
		}
		link, err = mail.ResetAction(ctx, tx, links, u.ID, u.Email)
		return err
	})
	return link, err
}

// ErrNoUser means that there is no user of the name that the operator gave.
var ErrNoUser = errors.New("there is no user")

// lockNamed locks the user that the operator has named.
func lockNamed(ctx context.Context, tx query.DBTX, name string) (query.UserAccount, error) {
	rows, err := q.UserLockBoth(ctx, tx, query.UserLockBothParams{Username: name, FoldedUsername: names.Fold(name)})
	if err != nil {
		return query.UserAccount{}, err
	}
	if len(rows) == 0 {
		return query.UserAccount{}, fmt.Errorf("%w %q", ErrNoUser, name)
	}
	return rows[0], nil
}
