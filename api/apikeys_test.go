package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

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
	require.Zero(t, count(t, s, `SELECT count(*) FROM api_keys k WHERE k::text LIKE '%' || $1 || '%'`, read.Key), "only its hash is stored")

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
	change(t, s, `UPDATE api_keys SET expires_at = now()`)
	requireStatus(t, http.StatusUnauthorized, s.As(res.JSON201.Key))
}
