package api

import (
	"context"
	"fmt"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type sessions struct {
	db            *db.DB
	once          idempotency.Runner
	tokens        *auth.Tokens
	authenticator *auth.Authenticator
	guard         signin.Guard
}

// GetSessions lists the viewer's sessions.
func (s sessions) GetSessions(ctx context.Context, _ openapi.GetSessionsRequestObject) (openapi.GetSessionsResponseObject, error) {
	viewer := request.Viewer(ctx)
	rows, err := q.SessionListByUser(ctx, s.db, viewer.ID)
	if err != nil {
		return nil, err
	}
	list := make([]openapi.Session, len(rows))
	for i, r := range rows {
		list[i] = openapi.Session{
			Id: r.ID, Current: r.ID == viewer.Session, UserAgent: r.UserAgent,
			CreatedAt: view.Timestamp(r.CreatedAt), UsedAt: view.Timestamp(r.UsedAt), ExpiresAt: view.Timestamp(r.ExpiresAt),
		}
	}
	return openapi.GetSessions200JSONResponse{SessionsOKJSONResponse: openapi.SessionsOKJSONResponse{Sessions: list}}, nil
}

// CreateSession signs in and returns an access token and a refresh token.
func (s sessions) CreateSession(ctx context.Context, req openapi.CreateSessionRequestObject) (openapi.CreateSessionResponseObject, error) {
	in := req.Body.User
	var out openapi.SessionCreatedJSONResponse
	err := s.guard.SignIn(ctx, in.Email, in.Password, func(u query.SignInTryRow) error {
		call := idempotency.Call{Operation: "CreateSession", Account: u.ID, Key: req.Params.IdempotencyKey, Body: req.Body}
		created, replayed, err := idempotency.Once(ctx, s.once, call, func(conn query.DBTX) (openapi.SessionCreatedJSONResponse, error) {
			return s.create(ctx, conn, u)
		})
		out = created
		out.Headers.IdempotencyReplayed = replayed
		return err
	})
	if err != nil {
		return nil, err
	}
	return openapi.CreateSession201JSONResponse{SessionCreatedJSONResponse: out}, nil
}

// create creates a session of an account and its tokens.
func (s sessions) create(ctx context.Context, conn query.DBTX, u query.SignInTryRow) (out openapi.SessionCreatedJSONResponse, err error) {
	agent, expires := signin.UserAgent(ctx), time.Now().Add(min(s.tokens.Refresh, s.tokens.Session))
	row, err := s.guard.CreateSession(ctx, conn, u, expires)
	if err != nil {
		return out, err
	}
	pair, err := s.tokens.IssuePair(u.ID, row.ID, 0, expires)
	out.Body = openapi.SessionCreatedResponse{
		Session: openapi.Session{
			Id: row.ID, Current: true, UserAgent: agent,
			CreatedAt: view.Timestamp(row.CreatedAt), UsedAt: view.Timestamp(row.CreatedAt), ExpiresAt: view.Timestamp(pair.RefreshExpires),
		},
		Tokens: tokens(pair),
	}
	out.Headers.Location = new(fmt.Sprintf("/api/sessions/%d", row.ID))
	return out, err
}

// DeleteSessions ends every session of the viewer.
func (s sessions) DeleteSessions(ctx context.Context, _ openapi.DeleteSessionsRequestObject) (openapi.DeleteSessionsResponseObject, error) {
	viewer := request.Viewer(ctx)
	err := credentials.InTx(ctx, s.db, func(tx query.DBTX) error { return q.SessionEndAll(ctx, tx, viewer.ID) })
	if err != nil {
		return nil, err
	}
	s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == viewer.ID })
	return openapi.DeleteSessions204Response{}, nil
}

// RefreshSession exchanges a refresh token for a new pair of tokens.
func (s sessions) RefreshSession(ctx context.Context, req openapi.RefreshSessionRequestObject) (openapi.RefreshSessionResponseObject, error) {
	claims, err := s.tokens.VerifyRefresh(req.Body.RefreshToken)
	if err != nil {
		return nil, translate.RefusedToken("refreshToken", err)
	}
	row, err := q.SessionRenew(ctx, s.db, query.SessionRenewParams{
		ID: claims.Session, Generation: claims.Generation, ExpiresAt: time.Now().Add(s.tokens.Refresh),
		MaxAge: s.tokens.Session,
	})
	if db.IsNotFound(err) {
		// The signature is valid, so the service issued this token. If the
		// session still exists, the token has been used before. Nobody can tell
		// which of the two clients is the owner, so the session ends.
		if _, err := q.SessionEnd(ctx, s.db, claims.Session); err != nil {
			return nil, err
		}
		s.authenticator.Forget(func(v auth.Viewer) bool { return v.Session == claims.Session })
		return nil, translate.RefusedToken("refreshToken", auth.ErrTokenInvalid)
	}
	if err != nil {
		return nil, err
	}
	pair, err := s.tokens.IssuePair(row.UserID, claims.Session, row.Generation, row.ExpiresAt)
	if err != nil {
		return nil, err
	}
	return openapi.RefreshSession200JSONResponse{TokensOKJSONResponse: openapi.TokensOKJSONResponse{Tokens: tokens(pair)}}, nil
}

// DeleteCurrentSession signs the viewer out.
func (s sessions) DeleteCurrentSession(ctx context.Context, _ openapi.DeleteCurrentSessionRequestObject) (openapi.DeleteCurrentSessionResponseObject, error) {
	if err := s.end(ctx, request.Viewer(ctx).Session); err != nil {
		return nil, err
	}
	return openapi.DeleteCurrentSession204Response{}, nil
}

// DeleteSession ends one session of the viewer.
func (s sessions) DeleteSession(ctx context.Context, req openapi.DeleteSessionRequestObject) (openapi.DeleteSessionResponseObject, error) {
	if err := s.end(ctx, req.Id); err != nil {
		return nil, err
	}
	return openapi.DeleteSession204Response{}, nil
}

func (s sessions) end(ctx context.Context, id int64) error {
	err := credentials.InTx(ctx, s.db, func(tx query.DBTX) error {
		n, err := q.SessionEndOne(ctx, tx, query.SessionEndOneParams{ID: id, UserID: request.Viewer(ctx).ID})
		if err == nil && n == 0 {
			err = problem.NotFound("session")
		}
		return err
	})
	if err != nil {
		return err
	}
	s.authenticator.Forget(func(v auth.Viewer) bool { return v.Session == id })
	return nil
}

func tokens(p auth.Pair) openapi.Tokens {
	return openapi.Tokens{
		AccessToken: p.Access, AccessTokenExpiresAt: view.Timestamp(p.AccessExpires),
		RefreshToken: p.Refresh, RefreshTokenExpiresAt: view.Timestamp(p.RefreshExpires),
	}
}

// ExpireSessions deletes expired sessions and returns how many there were.
func ExpireSessions(ctx context.Context, d *db.DB) (int64, error) { return q.SessionExpire(ctx, d) }
