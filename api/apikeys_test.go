package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func newKey(t *testing.T, u servertest.User, scopes ...client.Scope) client.ApiKeyCreatedResponse {
	t.Helper()
	res, err := u.CreateApiKeyWithResponse(t.Context(), nil, client.CreateApiKeyJSONRequestBody{ApiKey: client.NewApiKey{Name: "A program", Scopes: scopes}})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return *res.JSON201
}

func TestApiKey(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	read, write := newKey(t, anna, client.Read), newKey(t, anna, client.Write)
	require.Equal(t, []client.Scope{client.Read, client.Write}, write.ApiKey.Scopes, "write includes read")
	require.Contains(t, read.Key, read.ApiKey.Prefix)
	require.Zero(t, count(t, s, `SELECT count(*) FROM api_keys k WHERE k::text LIKE '%' || $1 || '%' OR position($1::bytea IN k.hash) > 0`, read.Key), "only its hash is stored")

	publish := func(key string) int {
		res, err := s.As(key).CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{
			Article: client.NewArticle{Title: "By a program", Description: "d", Body: "b"},
		})
		require.NoError(t, err)
		return res.StatusCode()
	}
	requireStatus(t, http.StatusOK, s.As(read.Key))
	require.Equal(t, http.StatusForbidden, publish(read.Key))
	require.Equal(t, http.StatusCreated, publish(write.Key))
	res, err := s.As(write.Key).GetApiKeysWithResponse(t.Context())
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, res.StatusCode(), "no key manages keys")
	for _, forged := range []string{read.Key[:len(read.Key)-1], read.Key + "a", "byl_", "byl_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		requireStatus(t, http.StatusUnauthorized, s.As(forged))
	}

	list, err := anna.GetApiKeysWithResponse(t.Context())
	require.NoError(t, err)
	require.Len(t, list.JSON200.ApiKeys, 2)
	require.False(t, list.JSON200.ApiKeys[0].UsedAt.IsNull())

	_, err = anna.DeleteApiKeyWithResponse(t.Context(), read.ApiKey.Id)
	require.NoError(t, err)
	requireStatus(t, http.StatusUnauthorized, s.As(read.Key))
	requireStatus(t, http.StatusOK, s.As(write.Key))
}

// TestApiKeysAtReset checks that a reset ends the keys that somebody may have
// made who registered the address of somebody else, and no others.
func TestApiKeysAtReset(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	keep := func(t *testing.T, u servertest.User, keys map[string]int) {
		t.Helper()
		id := int64(count(t, s, `SELECT id FROM users WHERE username = $1`, u.Username))
		status, body := reset(t, s, resetToken(t, s, id), "a new password")
		require.Equal(t, http.StatusNoContent, status, body)
		for key, want := range keys {
			requireStatus(t, want, s.As(key))
		}
	}
	verify := func(t *testing.T, u servertest.User) {
		t.Helper()
		token := auth.NewLinkToken()
		change(t, s, `INSERT INTO mail_tokens SELECT $1, 'verify_email', id, email, now() + interval '1 hour' FROM users WHERE username = $2`, token.Hash, u.Username)
		require.Equal(t, http.StatusNoContent, responseOf(s.Anonymous.ConfirmEmailVerificationWithResponse(t.Context(), client.ConfirmEmailVerificationJSONRequestBody{
			Token: token.Text,
		})).StatusCode())
		change(t, s, `UPDATE api_keys SET created_at = created_at - interval '1 second'`) // not in the same millisecond
	}
	used := func(t *testing.T, u servertest.User) string {
		t.Helper()
		key := newKey(t, u, client.Read).Key
		requireStatus(t, http.StatusOK, s.As(key)) // so that it is cached
		return key
	}
	t.Run("Unverified", func(t *testing.T) {
		u := s.Register("")
		keep(t, u, map[string]int{used(t, u): http.StatusUnauthorized})
	})
	t.Run("Verified", func(t *testing.T) {
		u := s.Register("")
		before := used(t, u)
		verify(t, u)
		keep(t, u, map[string]int{before: http.StatusUnauthorized, used(t, u): http.StatusOK})
	})
	t.Run("OtherAddress", func(t *testing.T) {
		u := s.Register("")
		verify(t, u)
		own := used(t, u)
		require.Equal(t, http.StatusOK, responseOf(u.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{
			User: client.UpdateUser{Email: ptrTo(client.Email("victim@example.com"))},
		})).StatusCode())
		keep(t, u, map[string]int{own: http.StatusUnauthorized})
	})
	t.Run("ByReset", func(t *testing.T) {
		u := s.Register("")
		keep(t, u, nil) // which verifies the address
		u.ClientWithResponses = s.As(login(t, s, string(u.Email), "a new password").JSON200.User.Token)
		keep(t, u, map[string]int{used(t, u): http.StatusOK})
	})
}

func TestApiKeyExpires(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	soon := nullable.NewNullableWithValue(time.Now().Add(time.Hour))
	res, err := anna.CreateApiKeyWithResponse(t.Context(), nil, client.CreateApiKeyJSONRequestBody{
		ApiKey: client.NewApiKey{Name: "Short", Scopes: []client.Scope{client.Read}, ExpiresAt: soon},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	change(t, s, `UPDATE api_keys SET expires_at = now() - interval '1 second'`)
	requireStatus(t, http.StatusUnauthorized, s.As(res.JSON201.Key))
}

// TestApiKeysAreBounded creates far more keys at once than a user may have.
func TestApiKeysAreBounded(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	anna, jake := s.Register("anna"), s.Register("jake")
	create := func(u servertest.User) *client.CreateApiKeyResponse {
		return responseOf(u.CreateApiKeyWithResponse(t.Context(), nil, client.CreateApiKeyJSONRequestBody{ApiKey: client.NewApiKey{Name: "A program", Scopes: []client.Scope{client.Read}}}))
	}
	created := 0
	for _, res := range together(120, func(int) *client.CreateApiKeyResponse { return create(anna) }) {
		if res.StatusCode() == http.StatusCreated {
			created++
			continue
		}
		requireProblem(t, 422, problem.ValidationFailed, oneField("apiKey", "maximum of 50 reached"), res.StatusCode(), string(res.Body))
	}
	require.Equal(t, 50, created)
	require.Equal(t, 50, count(t, s, `SELECT count(*) FROM api_keys`))
	newKey(t, jake, client.Read)

	list := responseOf(anna.GetApiKeysWithResponse(t.Context()))
	require.Equal(t, http.StatusNoContent, responseOf(anna.DeleteApiKeyWithResponse(t.Context(), list.JSON200.ApiKeys[0].Id)).StatusCode())
	newKey(t, anna, client.Read)
	require.Equal(t, 422, create(anna).StatusCode())
}
