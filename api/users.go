package api

import (
	"context"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type users struct {
	creator
	passwords     *auth.Passwords
	tokens        *auth.Tokens
	authenticator *auth.Authenticator
}

// CreateUser registers an account.
func (s users) CreateUser(ctx context.Context, req openapi.CreateUserRequestObject) (openapi.CreateUserResponseObject, error) {
	in := req.Body.User
	hash, err := s.passwords.Hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	out, replayed, err := once(ctx, s.creator, call{"CreateUser", req.Params.IdempotencyKey, req.Body},
		func(conn query.DBTX) (out openapi.UserCreatedJSONResponse, err error) {
			u, err := q.UserCreate(ctx, conn, query.UserCreateParams{
				Username: in.Username, Email: in.Email, PasswordHash: hash,
				UserAgent: userAgent(ctx), SessionExpiresAt: time.Now().Add(s.tokens.Token),
			})
			if err != nil {
				return out, err
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

// Login answers a token for an e-mail address and its password.
func (s users) Login(ctx context.Context, req openapi.LoginRequestObject) (openapi.LoginResponseObject, error) {
	in := req.Body.User
	u, err := verifyLogin(ctx, s.db, s.passwords, in.Email, in.Password)
	if err != nil {
		return nil, err
	}
	session, err := q.SessionCreate(ctx, s.db, query.SessionCreateParams{
		UserID: u.ID, UserAgent: userAgent(ctx), ExpiresAt: time.Now().Add(s.tokens.Token),
	})
	if err != nil {
		return nil, err
	}
	token, _, err := s.tokens.Issue(u.ID, session.ID)
	if err != nil {
		return nil, err
	}
	a := account{ID: u.ID, Username: u.Username, Email: u.Email, Bio: u.Bio, Image: u.Image}
	return openapi.Login200JSONResponse{UserOKJSONResponse: openapi.UserOKJSONResponse{Body: userResponse(a, token)}}, nil
}

// GetCurrentUser answers the viewer's account.
func (s users) GetCurrentUser(ctx context.Context, _ openapi.GetCurrentUserRequestObject) (openapi.GetCurrentUserResponseObject, error) {
	viewer := request.Viewer(ctx)
	u, err := q.UserGetByID(ctx, s.db, viewer.ID)
	if err != nil {
		return nil, orUnknownViewer(err)
	}
	return openapi.GetCurrentUser200JSONResponse{CurrentUserJSONResponse: openapi.CurrentUserJSONResponse{
		Body: userResponse(account(u), viewer.Token),
	}}, nil
}

// UpdateCurrentUser patches the viewer's account.
func (s users) UpdateCurrentUser(ctx context.Context, req openapi.UpdateCurrentUserRequestObject) (openapi.UpdateCurrentUserResponseObject, error) {
	viewer, in := request.Viewer(ctx), req.Body.User
	patch := query.UserUpdateParams{
		ID:        viewer.ID,
		SessionID: viewer.Session,
		Username:  in.Username,
		Email:     in.Email,
		SetBio:    in.Bio.IsSpecified(),
		Bio:       textOrNil(in.Bio),
		SetImage:  in.Image.IsSpecified(),
		Image:     textOrNil(in.Image),
	}
	if in.Password != nil {
		hash, err := s.passwords.Hash(ctx, *in.Password)
		if err != nil {
			return nil, err
		}
		patch.PasswordHash = &hash
	}
	u, err := q.UserUpdate(ctx, s.db, patch)
	if err != nil {
		return nil, orUnknownViewer(err)
	}
	if in.Password != nil {
		s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == viewer.ID && v.Session != viewer.Session })
	}
	return openapi.UpdateCurrentUser200JSONResponse{UserOKJSONResponse: openapi.UserOKJSONResponse{
		Body: userResponse(account(u), viewer.Token),
	}}, nil
}

// account is the shape that the queries for an account share.
type account struct {
	ID       int64
	Username string
	Email    string
	Bio      *string
	Image    *string
}

func userResponse(a account, token string) openapi.UserResponse {
	return openapi.UserResponse{User: openapi.User{
		Username: a.Username, Email: a.Email, Token: token, Bio: nullText(a.Bio), Image: nullText(a.Image),
	}}
}

func orUnknownViewer(err error) error {
	if db.IsNotFound(err) {
		return unknownViewer()
	}
	return err
}

// nullText renders a text that may be NULL.
func nullText(s *string) nullable.Nullable[string] { return nullOf(s) }

// textOrNil reads an optional text of a merge patch; the empty text is NULL.
func textOrNil(n nullable.Nullable[string]) *string {
	if s, err := n.Get(); err == nil && s != "" {
		return &s
	}
	return nil
}
