package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

const (
	subjectReset  = "Reset your password"
	subjectVerify = "Confirm your e-mail address"
)

// arrives is a time that only a mail which is never sent exceeds, on a busy
// machine too.
const arrives = 2 * time.Minute

// mailed waits for a mail to an address with a subject that it has not
// returned before, and returns it.
func mailed(t *testing.T, s *servertest.Service, to, subject string, seen int) mail.Message {
	t.Helper()
	var found []mail.Message
	require.Eventually(t, func() bool {
		found = nil
		for _, m := range s.Mail.Shown() {
			if m.To == to && m.Subject == subject {
				found = append(found, m)
			}
		}
		return len(found) > seen
	}, arrives, 10*time.Millisecond, "no mail %q to %s", subject, to)
	return found[0]
}

// outbox waits until every mail has been sent.
func outbox(t *testing.T, s *servertest.Service) {
	t.Helper()
	require.Eventually(t, func() bool { return count(t, s, `SELECT count(*) FROM mails WHERE due_at IS NOT NULL`) == 0 }, arrives, 10*time.Millisecond)
}

// askReset calls RequestPasswordReset.
func askReset(t *testing.T, s *servertest.Service, email string) *http.Response {
	t.Helper()
	res, body := s.Do(http.MethodPost, "/users/password-reset", fmt.Sprintf(`{"email":%q}`, email))
	require.Equal(t, http.StatusAccepted, res.StatusCode, body)
	require.Empty(t, body)
	return res
}

// reset calls ConfirmPasswordReset.
func reset(t *testing.T, s *servertest.Service, token, password string) (int, string) {
	t.Helper()
	res, body := s.Do(http.MethodPost, "/users/password-reset/confirm", fmt.Sprintf(`{"token":%q,"password":%q}`, token, password))
	return res.StatusCode, body
}

var badToken = oneField("token", "is invalid or has expired")

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())

	t.Run("Success", func(t *testing.T) {
		s := s.For(t)
		anna := s.Register("anna")
		pair := signIn(t, s, anna)
		askReset(t, s, "ANNA@example.com")
		first := mailed(t, s, "ANNA@example.com", subjectReset, 0)
		askReset(t, s, "anna@example.com")
		second := mailed(t, s, "anna@example.com", subjectReset, 0)
		require.NotEqual(t, first.Action, second.Action)
		require.Contains(t, second.Text, second.Action)

		status, body := reset(t, s, " "+strings.ToUpper(second.Action)+"\n", "a new password")
		require.Equal(t, http.StatusNoContent, status, body)
		require.Equal(t, http.StatusUnauthorized, login(t, s, "anna@example.com", servertest.Password).StatusCode())
		require.Equal(t, http.StatusOK, login(t, s, "anna@example.com", "a new password").StatusCode())
		requireStatus(t, http.StatusUnauthorized, anna.ClientWithResponses)
		requireStatus(t, http.StatusUnauthorized, s.As(pair.Tokens.AccessToken))
		mailed(t, s, "anna@example.com", "Your password was changed", 0)
		for label, token := range map[string]string{"used": second.Action, "sent before": first.Action} {
			status, body := reset(t, s, token, "yet another one")
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, badToken, status, body)
			require.Equal(t, http.StatusOK, login(t, s, "anna@example.com", "a new password").StatusCode(), label)
		}
	})

	t.Run("UnknownAddress", func(t *testing.T) {
		s := s.For(t)
		s.Register("known")
		mailed(t, s, "known@example.com", subjectVerify, 0) // with its token
		before := count(t, s, `SELECT count(*) FROM mail_tokens`)
		s.Statements.Reset()
		unknown, known := askReset(t, s, "nobody@example.com"), askReset(t, s, "known@example.com")
		names := func(h http.Header) (n []string) {
			for name := range h {
				n = append(n, name)
			}
			return n
		}
		require.ElementsMatch(t, names(known.Header), names(unknown.Header))
		outbox(t, s)
		require.Equal(t, "known@example.com", mailed(t, s, "known@example.com", subjectReset, 0).To)
		for _, m := range s.Mail.Shown() {
			require.NotEqual(t, "nobody@example.com", m.To)
		}
		require.Zero(t, count(t, s, `SELECT count(*) FROM mails WHERE recipient = 'nobody@example.com'`), "it leaves nothing behind")
		require.Equal(t, before+1, count(t, s, `SELECT count(*) FROM mail_tokens`), "that of the reset")
	})

	t.Run("RefusedPasswordKeepsToken", func(t *testing.T) {
		s := s.For(t)
		s.Register("bob")
		askReset(t, s, "bob@example.com")
		token := mailed(t, s, "bob@example.com", subjectReset, 0).Action
		status, body := reset(t, s, token, "short")
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("password", shortPwd), status, body)
		status, body = reset(t, s, token, "long enough")
		require.Equal(t, http.StatusNoContent, status, body)
	})

	t.Run("Expired", func(t *testing.T) {
		s := s.For(t)
		s.Register("carl")
		askReset(t, s, "carl@example.com")
		token := mailed(t, s, "carl@example.com", subjectReset, 0).Action
		change(t, s, `UPDATE mail_tokens SET expires_at = now() - interval '1 second' WHERE hash = $1`, auth.HashLinkToken(token))
		status, body := reset(t, s, token, "a new password")
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, badToken, status, body)
	})

	t.Run("AddressChanged", func(t *testing.T) {
		s := s.For(t)
		dora := s.Register("dora")
		askReset(t, s, "dora@example.com")
		token := mailed(t, s, "dora@example.com", subjectReset, 0).Action
		email := client.Email("dora@new.example.com")
		_, err := dora.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Email: &email}})
		require.NoError(t, err)
		status, body := reset(t, s, token, "a new password")
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, badToken, status, body)
	})

	t.Run("AtOnce", func(t *testing.T) {
		s := s.For(t)
		s.Register("eve")
		askReset(t, s, "eve@example.com")
		token := mailed(t, s, "eve@example.com", subjectReset, 0).Action
		got := atOnce(t, 20, func(i int) (int, error) {
			status, _ := reset(t, s, token, fmt.Sprintf("password no. %d", i))
			return status, nil
		})
		require.Equal(t, map[int]int{http.StatusNoContent: 1, http.StatusUnprocessableEntity: 19}, got)
	})

	t.Run("Flood", func(t *testing.T) {
		s := s.For(t)
		s.Register("fred")
		for range 12 {
			askReset(t, s, "fred@example.com")
			outbox(t, s)
		}
		require.Equal(t, 5, count(t, s, `SELECT count(*) FROM mail_tokens WHERE email = 'fred@example.com' AND kind = 'reset_password'`))
	})
}

// TestPasswordResetCost checks that the request takes the same statements
// whether or not an account exists: only the courier does more.
func TestPasswordResetCost(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	s.Register("anna")
	asked := func(email string) []string {
		s.Statements.Reset()
		askReset(t, s, email)
		_, statements := s.Statements.Reset()
		return statements
	}
	require.Len(t, asked("anna@example.com"), 1)
	require.Equal(t, asked("anna@example.com"), asked("nobody@example.com"))
	require.Equal(t, 2, count(t, s, `SELECT count(*) FROM mails WHERE kind = 'reset_password'`), "one for each address waits at a time")
}

func verification(t *testing.T, u servertest.User) client.EmailVerification {
	t.Helper()
	res, err := u.GetEmailVerificationWithResponse(t.Context())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.EmailVerification
}

func verify(t *testing.T, s *servertest.Service, token string) (int, string) {
	t.Helper()
	res, body := s.Do(http.MethodPost, "/users/email-verification/confirm", fmt.Sprintf(`{"token":%q}`, token))
	return res.StatusCode, body
}

// TestEmailVerification verifies the address of a new account by
// RequestEmailVerification and ConfirmEmailVerification.
func TestEmailVerification(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	anna := s.Register("anna")
	require.True(t, verification(t, anna).VerifiedAt.IsNull())
	token := mailed(t, s, "anna@example.com", subjectVerify, 0).Action
	ask := func() {
		t.Helper()
		res, err := anna.RequestEmailVerificationWithResponse(t.Context())
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, res.StatusCode(), string(res.Body))
	}
	ask()
	again := mailed(t, s, "anna@example.com", subjectVerify, 1).Action
	status, body := verify(t, s, token)
	require.Equal(t, http.StatusNoContent, status, body)
	require.False(t, verification(t, anna).VerifiedAt.IsNull())
	for _, used := range []string{token, again} {
		status, body = verify(t, s, used)
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, badToken, status, body)
	}
	ask()
	outbox(t, s)
	require.Zero(t, count(t, s, `SELECT count(*) FROM mail_tokens`), "a verified address gets no mail")

	// A new address is not verified, and the old address gets a mail.
	update := func(email string) {
		t.Helper()
		e := client.Email(email)
		res, err := anna.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Email: &e}})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	}
	update("ANNA@example.com")
	require.False(t, verification(t, anna).VerifiedAt.IsNull(), "the same address")
	update("anna@new.example.com")
	require.Equal(t, "anna@new.example.com", verification(t, anna).Email)
	require.True(t, verification(t, anna).VerifiedAt.IsNull())
	notice := mailed(t, s, "ANNA@example.com", "Your e-mail address was changed", 0)
	require.Empty(t, notice.Action)
	require.NotContains(t, notice.Text, "new.example.com")
	token = mailed(t, s, "anna@new.example.com", subjectVerify, 0).Action
	update("anna@newer.example.com")
	status, body = verify(t, s, token)
	requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, badToken, status, body)
	require.True(t, verification(t, anna).VerifiedAt.IsNull(), "that was for another address")

	// A password reset verifies the address too.
	askReset(t, s, "anna@newer.example.com")
	status, body = reset(t, s, mailed(t, s, "anna@newer.example.com", subjectReset, 0).Action, "a new password")
	require.Equal(t, http.StatusNoContent, status, body)
	anna.ClientWithResponses = s.As(login(t, s, "anna@newer.example.com", "a new password").JSON200.User.Token)
	require.False(t, verification(t, anna).VerifiedAt.IsNull())
}

// TestMailsOfFailedChanges checks that no mail is sent for a change that
// failed.
func TestMailsOfFailedChanges(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna, _ := s.Register("anna"), s.Register("bob")
	before := count(t, s, `SELECT count(*) FROM mails`)
	for _, body := range []string{`{"user":{"email":"bob@example.com","password":"a new password"}}`, `{"user":{"bio":"x","email":"anna@example.com"}}`} {
		s.Do(http.MethodPut, "/user", body, "Authorization", "Token "+anna.Token)
	}
	res, _ := s.Do(http.MethodPost, "/users", newUser("other", "anna@example.com", servertest.Password))
	require.Equal(t, http.StatusConflict, res.StatusCode)
	require.Equal(t, before, count(t, s, `SELECT count(*) FROM mails`))
	require.Equal(t, 2, before, "one of each registration")
}

func TestUncommonPasswords(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithRules(func(r *signin.Rules) { r.UncommonPasswords = true }))
	anna := s.Register("anna")
	token := auth.NewLinkToken()
	change(t, s, `INSERT INTO mail_tokens SELECT $1, 'reset_password', id, email, now() + interval '1 hour' FROM users`, token.Hash)
	for _, call := range [][3]string{
		{http.MethodPost, "/users", newUser("bob", "bob@example.com", "PassWord")},
		{http.MethodPut, "/user", `{"user":{"password":"12345678"}}`},
		{http.MethodPost, "/users/password-reset/confirm", fmt.Sprintf(`{"token":%q,"password":"iloveyou"}`, token.Text)},
	} {
		res, body := s.Do(call[0], call[1], call[2], "Authorization", "Token "+anna.Token)
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("password", "is too common"), res.StatusCode, body)
	}
	status, body := reset(t, s, token.Text, "a password of its own")
	require.Equal(t, http.StatusNoContent, status, body)
}
