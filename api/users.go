package api

import (
	"context"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type users struct {
	db            *db.DB
	once          idempotency.Runner
	tokens        *auth.Tokens
	authenticator *auth.Authenticator
	guard         signin.Guard
	rules         signin.Rules
}

// CreateUser registers an account.
func (s users) CreateUser(ctx context.Context, req openapi.CreateUserRequestObject) (openapi.CreateUserResponseObject, error) {
	in := req.Body.User
	if err := s.rules.CheckRegistration(in.Invitation != nil); err != nil {
		return nil, err
	}
	folded := names.Fold(in.Username)
	if folded == "" {
		return nil, problem.InvalidField("username", names.Refused)
	}
	if err := s.rules.CheckNewPassword(in.Password); err != nil {
		return nil, err
	}
	if in.Invitation != nil && req.Params.IdempotencyKey == nil {
		if err := s.checkInvitation(ctx, *in.Invitation); err != nil {
			return nil, err
		}
	}
	hash, err := s.guard.Hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	call := idempotency.Call{Operation: "CreateUser", Key: req.Params.IdempotencyKey, Body: req.Body, InTx: in.Invitation != nil}
	out, replayed, err := idempotency.Once(ctx, s.once, call,
		func(conn query.DBTX) (out openapi.UserCreatedJSONResponse, err error) {
			invited := query.InvitationAcceptRow{Role: s.rules.NewRole().String()}
			if in.Invitation != nil {
				// Before anything about the name or the address is looked up.
				if invited, err = accept(ctx, conn, *in.Invitation, in.Email); err != nil {
					return out, err
				}
			}
			u, err := q.UserCreate(ctx, conn, query.UserCreateParams{
				Username: in.Username, FoldedUsername: folded, Email: in.Email, PasswordHash: hash, Place: s.guard.Place(ctx),
				Role: invited.Role, Verified: in.Invitation != nil, UserAgent: signin.UserAgent(ctx), SessionExpiresAt: time.Now().Add(s.tokens.Token),
			})
			if err != nil {
				return out, err
			}
			if in.Invitation != nil {
				if err := noteAccepted(ctx, conn, u, invited); err != nil {
					return out, err
				}
			}
			token, _, err := s.tokens.Issue(u.ID, u.SessionID)
			out.Body = userResponse(account{ID: u.ID, Username: u.Username, Email: u.Email, Bio: u.Bio, Image: u.Image}, token)
			return out, err
		})
	if err != nil {
		return nil, err
	}
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateUser201JSONResponse{UserCreatedJSONResponse: out}, nil
}

// Login signs in with an e-mail address and a password and returns a token.
func (s users) Login(ctx context.Context, req openapi.LoginRequestObject) (openapi.LoginResponseObject, error) {
	in := req.Body.User
	var out openapi.UserResponse
	err := s.guard.SignIn(ctx, in.Email, in.Password, func(u query.SignInTryRow) error {
		session, err := s.guard.CreateSession(ctx, s.db, u, time.Now().Add(s.tokens.Token))
		if err != nil {
			return err
		}
		token, _, err := s.tokens.Issue(u.ID, session.ID)
		out = userResponse(account{ID: u.ID, Username: u.Username, Email: u.Email, Bio: u.Bio, Image: u.Image}, token)
		return err
	})
	if err != nil {
		return nil, err
	}
	return openapi.Login200JSONResponse{UserOKJSONResponse: openapi.UserOKJSONResponse(out)}, nil
}

// GetCurrentUser returns the viewer's account.
func (s users) GetCurrentUser(ctx context.Context, _ openapi.GetCurrentUserRequestObject) (openapi.GetCurrentUserResponseObject, error) {
	viewer := request.Viewer(ctx)
	u, err := q.UserGetByID(ctx, s.db, viewer.ID)
	if err != nil {
		return nil, translate.UnknownViewer(err)
	}
	token, err := s.ownToken(ctx)
	if err != nil {
		return nil, err
	}
	return openapi.GetCurrentUser200JSONResponse{CurrentUserJSONResponse: openapi.CurrentUserJSONResponse(userResponse(account(u), token))}, nil
}

// UpdateCurrentUser applies a merge patch to the viewer's account.
func (s users) UpdateCurrentUser(ctx context.Context, req openapi.UpdateCurrentUserRequestObject) (openapi.UpdateCurrentUserResponseObject, error) {
	viewer, in := request.Viewer(ctx), req.Body.User
	if in.Email != nil { // a new address is sent a mail
		if err := request.CountAuth(ctx); err != nil {
			return nil, err
		}
	}
	confirmed, err := s.confirmOwner(ctx, in)
	if err != nil {
		return nil, err
	}
	patch, err := s.newPatch(ctx, in)
	if err != nil {
		return nil, err
	}
	token, err := s.ownToken(ctx) // before the change: a token that has ended changes nothing
	if err != nil {
		return nil, err
	}
	var u query.UserUpdateRow
	update := func(conn query.DBTX) (err error) {
		if u, err = q.UserUpdate(ctx, conn, patch); err != nil {
			return translate.UnknownViewer(err)
		}
		if err = confirmed.Check(u.OldHash); err != nil || in.Password == nil {
			return err
		}
		return q.SessionEndOthers(ctx, conn, query.SessionEndOthersParams{UserID: viewer.ID, ID: viewer.Session})
	}
	if confirmed == nil && in.Password == nil {
		err = update(s.db) // one statement
	} else {
		err = s.db.InTx(ctx, update)
	}
	if err != nil {
		return nil, err
	}
	if in.Password != nil {
		s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == viewer.ID && v.Session != viewer.Session })
	}
	a := account{ID: u.ID, Username: u.Username, Email: u.Email, Bio: u.Bio, Image: u.Image}
	return openapi.UpdateCurrentUser200JSONResponse{UserOKJSONResponse: openapi.UserOKJSONResponse(userResponse(a, token))}, nil
}

// ownToken returns the token of the request. For a token of an older system it
// returns one of this service for the same session, which lasts as long as the
// new token from then on.
func (s users) ownToken(ctx context.Context) (string, error) {
	viewer := request.Viewer(ctx)
	if !viewer.Old {
		return viewer.Token, nil
	}
	token, expires, err := s.tokens.Issue(viewer.ID, viewer.Session)
	if err != nil {
		return "", err
	}
	n, err := q.SessionExtend(ctx, s.db, query.SessionExtendParams{ID: viewer.Session, UserID: viewer.ID, ExpiresAt: expires})
	if err == nil && n == 0 {
		err = translate.RefusedToken("token", auth.ErrOldTokenRevoked)
	}
	if err != nil {
		return "", err
	}
	s.authenticator.OldTokens().CountExchange()
	return token, nil
}

// newPatch returns the columns of the viewer's account that a request changes.
func (s users) newPatch(ctx context.Context, in openapi.UpdateUser) (patch query.UserUpdateParams, err error) {
	viewer := request.Viewer(ctx)
	patch = query.UserUpdateParams{
		ID:        viewer.ID,
		SessionID: viewer.Session,
		Username:  in.Username,
		Email:     in.Email,
		SetBio:    in.Bio.IsSpecified(),
		Bio:       textOrNil(in.Bio),
		SetImage:  in.Image.IsSpecified(),
		Image:     textOrNil(in.Image),
	}
	if in.Username != nil {
		folded, err := s.foldNewName(ctx, *in.Username)
		if err != nil {
			return patch, err
		}
		patch.FoldedUsername = &folded
	}
	if in.Password != nil {
		if err := s.rules.CheckNewPassword(*in.Password); err != nil {
			return patch, err
		}
		hash, err := s.guard.Hash(ctx, *in.Password)
		if err != nil {
			return patch, err
		}
		patch.PasswordHash = &hash
	}
	return patch, nil
}

// foldNewName returns the folded form of the name in a request that may change
// the viewer's name. An account whose name would be refused today keeps it:
// front ends also send fields that have not changed.
func (s users) foldNewName(ctx context.Context, name string) (string, error) {
	if folded := names.Fold(name); folded != "" {
		return folded, nil
	}
	u, err := q.UserGetByID(ctx, s.db, request.Viewer(ctx).ID)
	if err != nil {
		return "", translate.UnknownViewer(err)
	}
	if name != u.Username {
		return "", problem.InvalidField("username", names.Refused)
	}
	return "", nil
}

// confirmOwner verifies the current password in a request that changes the
// password or the e-mail address. The current password is optional unless the
// operator requires it.
func (s users) confirmOwner(ctx context.Context, in openapi.UpdateUser) (*signin.Confirmation, error) {
	if in.Password == nil && in.Email == nil {
		return nil, nil
	}
	if in.Password == nil && in.CurrentPassword == nil && s.rules.CurrentPassword {
		u, err := q.UserGetByID(ctx, s.db, request.Viewer(ctx).ID)
		if err != nil {
			return nil, translate.UnknownViewer(err)
		}
		if *in.Email == u.Email {
			return nil, nil // front ends also send fields that have not changed
		}
	}
	return s.guard.ConfirmCurrent(ctx, in.CurrentPassword, s.rules)
}

// erasureTimeout is the maximum duration of the deletion of an account. A test
// deletes an account with ten thousand articles within that time, including the
// comments and favorites of other users.
const erasureTimeout = 25 * time.Second

// DeleteCurrentUser deletes the viewer's account and everything that belongs to
// it.
func (s users) DeleteCurrentUser(ctx context.Context, req openapi.DeleteCurrentUserRequestObject) (openapi.DeleteCurrentUserResponseObject, error) {
	viewer := request.Viewer(ctx)
	confirmed, err := s.guard.Confirm(ctx, "password", req.Body.User.Password)
	if err != nil {
		return nil, err
	}
	err = s.db.InLongTx(ctx, erasureTimeout, func(tx query.DBTX) error {
		if _, err := q.UserLock(ctx, tx, viewer.ID); err != nil {
			return translate.UnknownViewer(err)
		}
		hash, err := credentials.Hold(ctx, tx)
		if err != nil {
			return err
		}
		if err := confirmed.Check(hash); err != nil {
			return err
		}
		return q.UserDelete(ctx, tx, viewer.ID)
	})
	if err != nil {
		return nil, err
	}
	s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == viewer.ID })
	return openapi.DeleteCurrentUser204Response{}, nil
}

// account has the columns that all queries for an account return.
type account struct {
	ID       int64
	Username string
	Email    string
	Bio      *string
	Image    *string
}

func userResponse(a account, token string) openapi.UserResponse {
	return openapi.UserResponse{User: openapi.User{
		Username: a.Username, Email: a.Email, Token: token, Bio: a.Bio, Image: a.Image,
	}}
}

// textOrNil returns an optional string of a merge patch. It returns nil if the
// string is empty, because an empty string is stored as NULL.
func textOrNil(n nullable.Nullable[string]) *string {
	if s, err := n.Get(); err == nil && s != "" {
		return &s
	}
	return nil
}
