package api

import (
	"context"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type recovery struct {
	db            *db.DB
	authenticator *auth.Authenticator
	guard         signin.Guard
	rules         signin.Rules
}

// RequestPasswordReset schedules an e-mail with a token that resets the
// password of the account with the given address. The account is looked up when
// the e-mail is sent. So neither the response nor its duration reveals whether
// the account exists.
func (s recovery) RequestPasswordReset(ctx context.Context, req openapi.RequestPasswordResetRequestObject) (openapi.RequestPasswordResetResponseObject, error) {
	if err := q.RecoveryRequestReset(ctx, s.db, string(req.Body.Email)); err != nil {
		return nil, err
	}
	return openapi.RequestPasswordReset202Response{}, nil
}

// ConfirmPasswordReset sets the password of the account that a token belongs
// to. It looks the token up first, so that an invalid token does not cost a
// password hash. It consumes the token last, so that a refused password does
// not consume it. It ends all sessions, and the API keys from before the address
// was verified, because somebody else may have registered it.
func (s recovery) ConfirmPasswordReset(ctx context.Context, req openapi.ConfirmPasswordResetRequestObject) (openapi.ConfirmPasswordResetResponseObject, error) {
	token := auth.HashLinkToken(req.Body.Token)
	if _, err := q.RecoveryFindReset(ctx, s.db, token); err != nil {
		return nil, orBadToken(err)
	}
	if err := s.rules.CheckNewPassword(req.Body.Password); err != nil {
		return nil, err
	}
	hash, err := s.guard.Hash(ctx, req.Body.Password)
	if err != nil {
		return nil, err
	}
	var u query.RecoveryResetRow
	err = s.db.InTx(ctx, func(tx query.DBTX) (err error) {
		if u, err = q.RecoveryReset(ctx, tx, query.RecoveryResetParams{Hash: token, PasswordHash: hash}); err != nil {
			return orBadToken(err)
		}
		if err = q.SessionEndAll(ctx, tx, u.ID); err != nil {
			return err
		}
		return q.ApiKeyEndUnverified(ctx, tx, query.ApiKeyEndUnverifiedParams{UserID: u.ID, VerifiedAt: u.VerifiedAt})
	})
	if err != nil {
		return nil, err
	}
	s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == u.ID })
	if err := s.guard.Trust(ctx, u.ID, u.Email); err != nil {
		return nil, err
	}
	return openapi.ConfirmPasswordReset204Response{}, nil
}

// ConfirmEmailVerification marks an address as verified.
func (s recovery) ConfirmEmailVerification(ctx context.Context, req openapi.ConfirmEmailVerificationRequestObject) (openapi.ConfirmEmailVerificationResponseObject, error) {
	n, err := q.RecoveryVerify(ctx, s.db, auth.HashLinkToken(req.Body.Token))
	if err == nil && n == 0 {
		err = badToken()
	}
	if err != nil {
		return nil, err
	}
	return openapi.ConfirmEmailVerification204Response{}, nil
}

// GetEmailVerification returns whether the viewer's address is verified.
func (s recovery) GetEmailVerification(ctx context.Context, _ openapi.GetEmailVerificationRequestObject) (openapi.GetEmailVerificationResponseObject, error) {
	u, err := q.RecoveryGetVerification(ctx, s.db, request.Viewer(ctx).ID)
	if err != nil {
		return nil, translate.UnknownViewer(err)
	}
	return openapi.GetEmailVerification200JSONResponse{EmailVerificationOKJSONResponse: openapi.EmailVerificationOKJSONResponse{EmailVerification: openapi.EmailVerification{Email: u.Email, VerifiedAt: view.TimestampOrNull(u.EmailVerifiedAt)}}}, nil
}

// RequestEmailVerification schedules another e-mail with a token that verifies
// the viewer's address.
func (s recovery) RequestEmailVerification(ctx context.Context, _ openapi.RequestEmailVerificationRequestObject) (openapi.RequestEmailVerificationResponseObject, error) {
	err := credentials.InTx(ctx, s.db, func(tx query.DBTX) error {
		return q.RecoveryRequestVerification(ctx, tx, request.Viewer(ctx).ID)
	})
	if err != nil {
		return nil, err
	}
	return openapi.RequestEmailVerification202Response{}, nil
}

// badToken returns the 422 for a token that is invalid or has expired.
func badToken() *problem.Error { return problem.InvalidField("token", "is invalid or has expired") }

// orBadToken returns the error of badToken if err says that no row was found,
// and err otherwise.
func orBadToken(err error) error {
	if db.IsNotFound(err) {
		return badToken()
	}
	return err
}
