package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type apiKeys struct {
	db            *db.DB
	once          idempotency.Runner
	keys          *auth.APIKeys
	authenticator *auth.Authenticator
	guard         signin.Guard
	rules         signin.Rules
}

// GetApiKeys lists the API keys of the viewer.
func (s apiKeys) GetApiKeys(ctx context.Context, _ openapi.GetApiKeysRequestObject) (openapi.GetApiKeysResponseObject, error) {
	rows, err := q.ApiKeyListByUser(ctx, s.db, request.Viewer(ctx).ID)
	if err != nil {
		return nil, err
	}
	list := make([]openapi.ApiKey, len(rows))
	for i, r := range rows {
		list[i] = openapi.ApiKey{
			Id: r.ID, Name: r.Name, Prefix: r.Prefix, Scopes: scopes(r.Scope),
			CreatedAt: view.Timestamp(r.CreatedAt), ExpiresAt: view.TimestampOrNull(r.ExpiresAt), UsedAt: view.TimestampOrNull(r.UsedAt),
		}
	}
	return openapi.GetApiKeys200JSONResponse{ApiKeysOKJSONResponse: openapi.ApiKeysOKJSONResponse{ApiKeys: list}}, nil
}

// CreateApiKey creates a key that a program of the viewer signs in with.
func (s apiKeys) CreateApiKey(ctx context.Context, req openapi.CreateApiKeyRequestObject) (openapi.CreateApiKeyResponseObject, error) {
	in := req.Body.ApiKey
	var expires *time.Time
	if at, err := in.ExpiresAt.Get(); err == nil {
		if !at.After(time.Now()) {
			return nil, problem.InvalidField("expiresAt", "must be in the future")
		}
		expires = &at
	}
	confirmed, err := s.guard.ConfirmCurrent(ctx, in.CurrentPassword, s.rules)
	if err != nil {
		return nil, err
	}
	scope := widest(in.Scopes)
	out, replayed, err := idempotency.Once(ctx, s.once, idempotency.Call{Operation: "CreateApiKey", Key: req.Params.IdempotencyKey, Body: req.Body, InTx: true},
		func(tx query.DBTX) (out openapi.ApiKeyCreatedJSONResponse, err error) {
			hash, err := credentials.Hold(ctx, tx)
			if err != nil {
				return out, err
			}
			if err := confirmed.Check(hash); err != nil {
				return out, err
			}
			key := s.keys.New()
			row, err := q.ApiKeyCreate(ctx, tx, query.ApiKeyCreateParams{
				UserID: request.Viewer(ctx).ID, Name: in.Name, Prefix: key.Prefix, Hash: key.Hash, Scope: scope, ExpiresAt: expires,
			})
			if err != nil {
				return out, err
			}
			out.Body = openapi.ApiKeyCreatedResponse{Key: key.Text, ApiKey: openapi.ApiKey{
				Id: row.ID, Name: in.Name, Prefix: key.Prefix, Scopes: scopes(scope),
				CreatedAt: view.Timestamp(row.CreatedAt), ExpiresAt: view.TimestampOrNull(expires), UsedAt: view.TimestampOrNull(nil),
			}}
			out.Headers.Location = new(fmt.Sprintf("/api/user/keys/%d", row.ID))
			return out, nil
		})
	if err != nil {
		return nil, err
	}
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateApiKey201JSONResponse{ApiKeyCreatedJSONResponse: out}, nil
}

// DeleteApiKey revokes one of the viewer's keys.
func (s apiKeys) DeleteApiKey(ctx context.Context, req openapi.DeleteApiKeyRequestObject) (openapi.DeleteApiKeyResponseObject, error) {
	err := credentials.InTx(ctx, s.db, func(tx query.DBTX) error {
		n, err := q.ApiKeyDelete(ctx, tx, query.ApiKeyDeleteParams{ID: req.Id, UserID: request.Viewer(ctx).ID})
		if err == nil && n == 0 {
			err = problem.NotFound("apiKey")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.authenticator.Forget(func(v auth.Viewer) bool { return v.Key == req.Id })
	return openapi.DeleteApiKey204Response{}, nil
}

// scopeOrder lists the scopes. Each scope includes the ones before it.
var scopeOrder = []openapi.Scope{openapi.Read, openapi.Write, openapi.Admin}

// widest returns the scope of the list that includes all the others.
func widest(list []openapi.Scope) string {
	highest := 0
	for _, s := range list {
		highest = max(highest, slices.Index(scopeOrder, s))
	}
	return string(scopeOrder[highest])
}

// scopes returns a scope and all scopes that it includes.
func scopes(scope string) []openapi.Scope {
	return scopeOrder[:slices.Index(scopeOrder, openapi.Scope(scope))+1]
}
