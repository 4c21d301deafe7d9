package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestSignInDuringRecovery stops sign-ins after their password was verified.
// They must create no session once the password has changed or the account was
// suspended.
func TestSignInDuringRecovery(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithDB(func(c *db.Config) { c.MaxConns = 10 }))
	root := withRole(s, "root", auth.Admin)
	for label, want := range map[string]int{"PasswordChanged": 401, "PasswordReset": 401, "Suspended": 403} {
		t.Run(label, func(t *testing.T) {
			s := s.For(t)
			v := rob(t, s)
			hash := func() (h string) {
				require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT password_hash || COALESCE(suspended_at::text, '') FROM users WHERE id = $1`, v.id).Scan(&h))
				return h
			}
			before := hash()
			l := lock(t, url, `LOCK TABLE sign_in_places IN SHARE MODE`)
			body := fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, v.Email, servertest.Password)
			signIns := []<-chan answer{
				later(s, "POST", "/users/login", body), later(s, "POST", "/sessions", body),
				later(s, "POST", "/sessions", body, "Idempotency-Key", "k"+label),
			}
			l.await(3)
			recovered := make(chan struct{})
			go func() { // a reset waits for the lock at its end
				defer close(recovered)
				recoveries[label](t, s, root, v)
			}()
			require.Eventually(t, func() bool { return hash() != before }, time.Minute, 10*time.Millisecond)
			l.release()
			<-recovered
			for _, w := range signIns {
				a := <-w
				require.Equal(t, want, a.status, a.body)
			}
			left := 0
			if label == "PasswordChanged" {
				left = 1 // that of the owner
			}
			require.Equal(t, left, count(t, s, `SELECT count(*) FROM sessions WHERE user_id = $1`, v.id))
		})
	}
}

// TestSignInDuringSamePassword sets the password of an account to the same text
// while sign-ins wait after they have verified its hash. The password is still
// right, so that they succeed.
func TestSignInDuringSamePassword(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithDB(func(c *db.Config) { c.MaxConns = 10 }))
	v := rob(t, s)
	body := fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, v.Email, servertest.Password)
	l := lock(t, url, `LOCK TABLE sign_in_places IN SHARE MODE`)
	signIns := map[<-chan answer]int{
		later(s, "POST", "/users/login", body):                          http.StatusOK,
		later(s, "POST", "/sessions", body):                             http.StatusCreated,
		later(s, "POST", "/sessions", body, "Idempotency-Key", "again"): http.StatusCreated,
	}
	l.await(3)
	require.Equal(t, http.StatusOK, responseOf(v.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{
		User: client.UpdateUser{Password: ptrTo(servertest.Password)},
	})).StatusCode())
	l.release()
	for w, want := range signIns {
		a := <-w
		require.Equal(t, want, a.status, a.body)
	}
}

// TestRecoveryDuringSignIn has a recovery wait for a sign-in that is about to
// commit. The recovery must end the session of that sign-in.
func TestRecoveryDuringSignIn(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithDB(func(c *db.Config) { c.MaxConns = 10 }))
	root := withRole(s, "root", auth.Admin)
	for _, label := range []string{"PasswordChanged", "PasswordReset", "Suspended", "SignOutEverywhere"} {
		t.Run(label, func(t *testing.T) {
			s := s.For(t)
			v := rob(t, s)
			l := lock(t, url, fmt.Sprintf(`SELECT FROM users WHERE id = %d FOR NO KEY UPDATE`, v.id))
			thief := later(s, "POST", "/users/login", fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, v.Email, servertest.Password))
			l.await(1)
			newKey := later(s, "POST", "/user/keys", stolenKey, "Authorization", "Token "+v.session)
			l.await(2)
			recovered := make(chan struct{})
			go func() {
				defer close(recovered)
				recoveries[label](t, s, root, v)
			}()
			l.await(3)
			l.release()
			<-recovered
			a := <-thief
			require.Equal(t, http.StatusOK, a.status, a.body)
			token := requireUser(t, a.body)["token"].(string)
			requireStatus(t, http.StatusUnauthorized, s.As(token))
			a = <-newKey
			require.Equal(t, http.StatusCreated, a.status, a.body)
			if label == "PasswordReset" {
				require.Zero(t, count(t, s, `SELECT count(*) FROM api_keys WHERE user_id = $1`, v.id), "made before the address was verified")
			}
		})
	}
}

// TestRenewedHashes checks that sign-ins of an account with an old hash do not
// get in each other's way, and that the renewal does not revert a new password.
func TestRenewedHashes(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url))
	old, err := bcrypt.GenerateFromPassword([]byte(servertest.Password), bcrypt.MinCost)
	require.NoError(t, err)
	migrated := func(t *testing.T) (victim, string) {
		v := rob(t, s.For(t))
		change(t, s, `UPDATE users SET password_hash = $1 WHERE id = $2`, string(old), v.id)
		return v, fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, v.Email, servertest.Password)
	}
	t.Run("AtOnce", func(t *testing.T) {
		_, body := migrated(t)
		l := lock(t, url, `LOCK TABLE sign_in_places IN SHARE MODE`)
		var signIns []<-chan answer
		for range 3 {
			signIns = append(signIns, later(s, "POST", "/users/login", body))
		}
		l.await(3)
		l.release()
		for _, w := range signIns {
			a := <-w
			require.Equal(t, http.StatusOK, a.status, a.body)
		}
	})
	t.Run("PasswordChanged", func(t *testing.T) {
		v, body := migrated(t)
		l := lock(t, url, `LOCK TABLE sign_in_places IN SHARE MODE`)
		thief := later(s, "POST", "/users/login", body)
		l.await(1)
		recoveries["PasswordChanged"](t, s, servertest.User{}, v)
		l.release()
		a := <-thief
		require.Equal(t, http.StatusUnauthorized, a.status, a.body)
		require.Equal(t, http.StatusOK, login(t, s, string(v.Email), "a new password").StatusCode())
	})
}
