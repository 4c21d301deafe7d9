package api_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func signIn(t *testing.T, s *servertest.Service, u servertest.User) client.SessionCreatedResponse {
	t.Helper()
	res, err := s.Anonymous.CreateSessionWithResponse(t.Context(), nil, client.CreateSessionJSONRequestBody{
		User: client.LoginUser{Email: string(u.Email), Password: servertest.Password},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return *res.JSON201
}

func requireStatus(t *testing.T, want int, c *client.ClientWithResponses) {
	t.Helper()
	res, err := c.GetCurrentUserWithResponse(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, want, res.StatusCode(), string(res.Body))
}

func TestCreateSession(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	created := signIn(t, s, anna)
	requireStatus(t, http.StatusOK, s.As(created.Tokens.AccessToken))
	requireStatus(t, http.StatusUnauthorized, s.As(created.Tokens.RefreshToken))

	list, err := s.As(created.Tokens.AccessToken).GetSessionsWithResponse(t.Context())
	require.NoError(t, err)
	require.Len(t, list.JSON200.Sessions, 2, "this one and that of registration")
	require.Equal(t, created.Session.Id, list.JSON200.Sessions[0].Id)
	require.True(t, list.JSON200.Sessions[0].Current)
	require.False(t, list.JSON200.Sessions[1].Current)
}

func TestRefreshSession(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	refresh := func(token string) *client.RefreshSessionResponse {
		res, err := s.Anonymous.RefreshSessionWithResponse(t.Context(), client.RefreshSessionJSONRequestBody{RefreshToken: token})
		require.NoError(t, err)
		return res
	}
	t.Run("Rotates", func(t *testing.T) {
		first := signIn(t, s, anna)
		second := refresh(first.Tokens.RefreshToken)
		require.Equal(t, http.StatusOK, second.StatusCode(), string(second.Body))
		requireStatus(t, http.StatusOK, s.As(second.JSON200.Tokens.AccessToken))
		third := refresh(second.JSON200.Tokens.RefreshToken)
		require.Equal(t, http.StatusOK, third.StatusCode(), string(third.Body))
	})
	t.Run("RepeatedAtOnce", func(t *testing.T) {
		first := signIn(t, s, anna)
		require.Equal(t, http.StatusOK, refresh(first.Tokens.RefreshToken).StatusCode())
		again := refresh(first.Tokens.RefreshToken)
		require.Equal(t, http.StatusOK, again.StatusCode(), "the first response may have been lost")
		require.Equal(t, http.StatusOK, refresh(again.JSON200.Tokens.RefreshToken).StatusCode())
	})
	t.Run("Reused", func(t *testing.T) {
		first := signIn(t, s, anna)
		second := refresh(first.Tokens.RefreshToken)
		change(t, s, `UPDATE sessions SET renewed_at = renewed_at - interval '11 seconds' WHERE id = $1`, first.Session.Id)
		require.Equal(t, http.StatusUnauthorized, refresh(first.Tokens.RefreshToken).StatusCode())
		require.Equal(t, http.StatusUnauthorized, refresh(second.JSON200.Tokens.RefreshToken).StatusCode(), "the session is over")
		requireStatus(t, http.StatusUnauthorized, s.As(second.JSON200.Tokens.AccessToken))
		requireStatus(t, http.StatusOK, anna.ClientWithResponses)
	})
}

// TestSessionMaxAge checks that renewals do not extend a session beyond its maximum age.
func TestSessionMaxAge(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	created := signIn(t, s, s.Register("anna"))
	change(t, s, `UPDATE sessions SET created_at = created_at - interval '23 hours 59 minutes'`)
	res, err := s.Anonymous.RefreshSessionWithResponse(t.Context(), client.RefreshSessionJSONRequestBody{RefreshToken: created.Tokens.RefreshToken})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.WithinDuration(t, time.Now(), res.JSON200.Tokens.RefreshTokenExpiresAt, time.Minute, "harness: 24 hours at most")
	change(t, s, `UPDATE sessions SET expires_at = now() - interval '1 second'`)
	res, err = s.Anonymous.RefreshSessionWithResponse(t.Context(), client.RefreshSessionJSONRequestBody{RefreshToken: res.JSON200.Tokens.RefreshToken})
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, res.StatusCode())
}

// TestSignInsAreBounded checks that an account keeps its hundred newest
// sessions.
func TestSignInsAreBounded(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	for range 5 {
		signIn(t, s, anna)
	}
	login := client.LoginJSONRequestBody{User: client.LoginUser{Email: string(anna.Email), Password: servertest.Password}}
	for _, res := range together(120, func(int) *client.LoginResponse { return responseOf(s.Anonymous.LoginWithResponse(t.Context(), login)) }) {
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	}
	require.Equal(t, 100, count(t, s, `SELECT count(*) FROM sessions`))
	s.Sync()
	requireStatus(t, http.StatusUnauthorized, anna.ClientWithResponses) // its session was the oldest
}

// TestRevocation checks that another replica rejects a revoked token as soon as
// it learns of the change, and after a second if it learns of nothing.
func TestRevocation(t *testing.T) {
	t.Parallel()
	var late atomic.Int64 // how far the clock of the deaf replica is ahead, in seconds
	clock := func() time.Time { return time.Now().Add(time.Duration(late.Load()) * time.Second) }
	url := dbtest.URL(t)
	here, told := servertest.New(t, servertest.WithDatabase(url)), servertest.New(t, servertest.WithDatabase(url))
	deaf := servertest.New(t, servertest.WithDatabase(url), uncached, servertest.WithClock(clock))
	anna := here.Register("anna")
	known := func(token string) {
		t.Helper()
		for _, replica := range []*servertest.Service{here, told, deaf} {
			requireStatus(t, http.StatusOK, replica.As(token))
		}
	}
	refused := func(token string) {
		t.Helper()
		requireStatus(t, http.StatusUnauthorized, here.As(token))
		requireStatus(t, http.StatusOK, told.As(token))
		told.Sync()
		requireStatus(t, http.StatusUnauthorized, told.As(token))
		late.Add(1)
		requireStatus(t, http.StatusUnauthorized, deaf.As(token))
	}
	for label, end := range map[string]func(client.SessionCreatedResponse){
		"SignOut": func(c client.SessionCreatedResponse) {
			_, err := here.As(c.Tokens.AccessToken).DeleteCurrentSessionWithResponse(t.Context())
			require.NoError(t, err)
		},
		"DeleteSession": func(c client.SessionCreatedResponse) {
			_, err := anna.DeleteSessionWithResponse(t.Context(), c.Session.Id)
			require.NoError(t, err)
		},
		"Password": func(client.SessionCreatedResponse) {
			password := servertest.Password
			_, err := anna.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Password: &password}})
			require.NoError(t, err)
		},
		"Everywhere": func(client.SessionCreatedResponse) {
			_, err := anna.DeleteSessionsWithResponse(t.Context())
			require.NoError(t, err)
			anna.ClientWithResponses = here.As(signIn(t, here, anna).Tokens.AccessToken)
		},
	} {
		t.Run(label, func(t *testing.T) {
			created := signIn(t, here, anna)
			known(created.Tokens.AccessToken)
			end(created)
			refused(created.Tokens.AccessToken)
			requireStatus(t, http.StatusOK, anna.ClientWithResponses)
		})
	}
}
