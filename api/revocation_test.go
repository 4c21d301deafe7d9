package api_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// holdOpen sends all of a request but the last byte of its body. It returns
// when the service has accepted the head and asks for the body. The function
// finish sends the last byte and returns the response.
func holdOpen(t *testing.T, s *servertest.Service, method, path, token, body string) (finish func() (int, string)) {
	t.Helper()
	u, err := url.Parse(s.URL + path)
	require.NoError(t, err)
	conn, err := net.Dial("tcp", u.Host)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Token %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", method, u.Path, u.Host, token, len(body))
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
	_, err = r.ReadString('\n')
	require.NoError(t, err)
	last := len(body) - 1
	_, err = io.WriteString(conn, body[:last])
	require.NoError(t, err)
	return func() (int, string) {
		_, err := io.WriteString(conn, body[last:])
		require.NoError(t, err)
		res, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text)
	}
}

// locker holds locks in the database of a service.
type locker struct {
	t    *testing.T
	conn *pgx.Conn
}

// lock runs a statement that locks something until release is called.
func lock(t *testing.T, url, statement string) locker {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	l := locker{t, conn}
	t.Cleanup(l.release)
	_, err = conn.Exec(t.Context(), "BEGIN; "+statement)
	require.NoError(t, err)
	return l
}

func (l locker) release() { _ = l.conn.Close(context.Background()) }

// await returns when n statements wait for a lock.
func (l locker) await(n int) {
	l.t.Helper()
	require.Eventually(l.t, func() bool {
		var waiting int
		_, err := l.conn.Exec(l.t.Context(), `SELECT pg_stat_clear_snapshot()`) // a transaction caches the statistics
		require.NoError(l.t, err)
		require.NoError(l.t, l.conn.QueryRow(l.t.Context(),
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting))
		return waiting == n
	}, time.Minute, 10*time.Millisecond)
}

// answer is the response to a request in the background.
type answer struct {
	status int
	body   string
}

// later sends a request in the background.
func later(s *servertest.Service, method, path, body string, header ...string) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		res, text := s.Do(method, path, body, header...)
		out <- answer{res.StatusCode, text}
	}()
	return out
}

// victim is an account whose session and API key a thief has.
type victim struct {
	servertest.User
	id             int64
	session, key   string // what the thief has
	sessionID, kID int64
}

func rob(t *testing.T, s *servertest.Service) victim {
	t.Helper()
	u := s.Register("u" + strings.ToLower(rand.Text()[:8])) // on several replicas
	v := victim{User: u, id: int64(count(t, s, `SELECT id FROM users WHERE username = $1`, u.Username))}
	stolen, key := signIn(t, s, u), newKey(t, u, client.Write)
	v.session, v.sessionID, v.key, v.kID = stolen.Tokens.AccessToken, stolen.Session.Id, key.Key, key.ApiKey.Id
	for _, token := range []string{v.session, v.key} {
		requireStatus(t, http.StatusOK, s.As(token)) // so that it is cached
	}
	return v
}

// resetToken makes a token like that in a mail.
func resetToken(t *testing.T, s *servertest.Service, userID int64) string {
	t.Helper()
	token := auth.NewLinkToken()
	change(t, s, `INSERT INTO mail_tokens SELECT $1, 'reset_password', id, email, now() + interval '1 hour' FROM users WHERE id = $2`, token.Hash, userID)
	return token.Text
}

// requireNothingWritten checks that a thief has changed nothing.
func (v victim) requireNothingWritten(t *testing.T, s *servertest.Service) {
	t.Helper()
	require.Zero(t, count(t, s, `SELECT count(*) FROM users WHERE id = $1 AND (bio = 'stolen' OR username = 'stolen')`, v.id))
	require.Zero(t, count(t, s, `SELECT count(*) FROM api_keys WHERE user_id = $1 AND name = 'stolen'`, v.id))
	require.Zero(t, count(t, s, `SELECT count(*) FROM articles WHERE author_id = $1`, v.id))
}

const (
	stolenProfile = `{"user":{"bio":"stolen"}}`
	stolenKey     = `{"apiKey":{"name":"stolen","scopes":["write"]}}`
	stolenArticle = `{"article":{"title":"Stolen","description":"d","body":"b"}}`
)

// recoveries are what an owner, or an admin, does against a thief.
var recoveries = map[string]func(t *testing.T, s *servertest.Service, root servertest.User, v victim){
	"SignOutEverywhere": func(t *testing.T, _ *servertest.Service, _ servertest.User, v victim) {
		require.Equal(t, 204, responseOf(v.DeleteSessionsWithResponse(t.Context())).StatusCode())
	},
	"SessionEnded": func(t *testing.T, _ *servertest.Service, _ servertest.User, v victim) {
		require.Equal(t, 204, responseOf(v.DeleteSessionWithResponse(t.Context(), v.sessionID)).StatusCode())
	},
	"PasswordChanged": func(t *testing.T, _ *servertest.Service, _ servertest.User, v victim) {
		require.Equal(t, 200, responseOf(v.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{
			User: client.UpdateUser{Password: ptrTo("a new password")},
		})).StatusCode())
	},
	"PasswordReset": func(t *testing.T, s *servertest.Service, _ servertest.User, v victim) {
		status, body := reset(t, s, resetToken(t, s, v.id), "a new password")
		require.Equal(t, 204, status, body)
	},
	"Suspended": func(t *testing.T, _ *servertest.Service, root servertest.User, v victim) {
		suspend(t, root, v.Username, "stolen")
	},
}

// TestHeldOpen checks that a request which is held open while the owner
// recovers the account writes nothing afterwards.
func TestHeldOpen(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	root := withRole(s, "root", auth.Admin)
	requests := [][3]string{{"PUT", "/user", stolenProfile}, {"POST", "/user/keys", stolenKey}, {"POST", "/articles", stolenArticle}}
	refused := func(t *testing.T, finish func() (int, string)) {
		t.Helper()
		status, body := finish()
		require.Equal(t, http.StatusUnauthorized, status, body)
		require.Contains(t, body, `"token_invalid"`)
	}
	for label, recover := range recoveries {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			v := rob(t, s)
			var finish []func() (int, string)
			for _, r := range requests {
				finish = append(finish, holdOpen(t, s, r[0], r[1], v.session, r[2]))
			}
			recover(t, s, root, v)
			for _, f := range finish {
				refused(t, f)
			}
			v.requireNothingWritten(t, s)
		})
	}
	t.Run("KeyRevoked", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		v := rob(t, s)
		finish := holdOpen(t, s, "POST", "/articles", v.key, stolenArticle)
		require.Equal(t, 204, responseOf(v.DeleteApiKeyWithResponse(t.Context(), v.kID)).StatusCode())
		refused(t, finish)
		v.requireNothingWritten(t, s)
	})
	t.Run("KeyOfSuspended", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		v := rob(t, s)
		finish := holdOpen(t, s, "POST", "/articles", v.key, stolenArticle)
		suspend(t, root, v.Username, "stolen")
		refused(t, finish)
		v.requireNothingWritten(t, s)
	})
	t.Run("RoleChanged", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		v := rob(t, s)
		finish := holdOpen(t, s, "POST", "/articles", v.session, stolenArticle)
		responseOf(root.SetUserRoleWithResponse(t.Context(), v.Username, client.SetRoleRequest{Role: client.RoleReader}))
		status, body := finish()
		require.Equal(t, http.StatusForbidden, status, body)
		v.requireNothingWritten(t, s)
	})
	t.Run("TokenOptional", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		v, mia := rob(t, s), withRole(s, "mia", auth.Moderator)
		slug := s.Publish(v.User, "Hidden words").Slug
		hide(t, mia, slug, "r")
		body := fmt.Sprintf(`{"slugs":[%q]}`, slug)
		_, shown := s.Do("POST", "/batch/articles", body, "Authorization", "Token "+v.session)
		require.Contains(t, shown, "Hidden words")
		finish := holdOpen(t, s, "POST", "/batch/articles", v.session, body)
		require.Equal(t, 204, responseOf(v.DeleteSessionsWithResponse(t.Context())).StatusCode())
		status, shown := finish()
		require.Equal(t, http.StatusOK, status, shown)
		require.NotContains(t, shown, "Hidden words", "as to an anonymous caller")
	})
	t.Run("Valid", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		v := rob(t, s)
		finish := holdOpen(t, s, "POST", "/articles", v.session, stolenArticle)
		status, body := finish()
		require.Equal(t, http.StatusCreated, status, body)
	})
}

// TestHeldOpenElsewhere recovers the account on another replica. The one that
// holds the request does not follow changes here, so that the statement which
// writes has to notice.
func TestHeldOpenElsewhere(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	here, there := servertest.New(t, servertest.WithDatabase(url)), servertest.New(t, servertest.WithDatabase(url))
	root := withRole(there, "root", auth.Admin)
	for label, recover := range recoveries {
		t.Run(label, func(t *testing.T) {
			here, there := here.For(t), there.For(t)
			v := rob(t, here)
			var finish []func() (int, string)
			for _, r := range [][3]string{
				{"PUT", "/user", stolenProfile}, {"PUT", "/user", `{"user":{"email":"thief@example.com"}}`}, {"POST", "/user/keys", stolenKey},
				{"DELETE", "/user", erase},
			} {
				finish = append(finish, holdOpen(t, here, r[0], r[1], v.session, r[2]))
			}
			v.ClientWithResponses = there.As(v.Token)
			recover(t, there, root, v)
			newPassword := label == "PasswordChanged" || label == "PasswordReset"
			for i, f := range finish {
				status, body := f()
				if newPassword && i == len(finish)-1 {
					requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField("password", "is incorrect"), status, body)
					continue
				}
				require.Equal(t, http.StatusUnauthorized, status, body)
			}
			v.requireNothingWritten(t, here)
			require.Equal(t, 1, count(t, here, `SELECT count(*) FROM users WHERE id = $1 AND email = $2`, v.id, string(v.Email)))
			for _, path := range []string{"/sessions", "/sessions/current", fmt.Sprintf("/user/keys/%d", v.kID)} {
				res, body := here.Do("DELETE", path, "", "Authorization", "Token "+v.session)
				require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s: %s", path, body)
			}
			if label != "PasswordReset" { // which ends keys itself
				require.Equal(t, 1, count(t, here, `SELECT count(*) FROM api_keys WHERE user_id = $1`, v.id))
			}
		})
	}
	t.Run("Content", func(t *testing.T) {
		here := servertest.New(t, servertest.WithDatabase(url), servertest.Following())
		there := there.For(t)
		v := rob(t, here)
		finish := holdOpen(t, here, "POST", "/articles", v.session, stolenArticle)
		require.Equal(t, 204, responseOf(there.As(v.Token).DeleteSessionsWithResponse(t.Context())).StatusCode())
		require.Eventually(t, func() bool {
			return responseOf(here.As(v.session).GetCurrentUserWithResponse(t.Context(), nil)).StatusCode() == http.StatusUnauthorized
		}, time.Minute, 10*time.Millisecond)
		status, body := finish()
		require.Equal(t, http.StatusUnauthorized, status, body)
		v.requireNothingWritten(t, here)
	})
}

// TestActsOfRevokedAdmins checks that a moderator or an admin whose credential
// was revoked on another replica cannot act any more.
func TestActsOfRevokedAdmins(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	here, there := servertest.New(t, servertest.WithDatabase(url)), servertest.New(t, servertest.WithDatabase(url))
	mia, root, anna := withRole(here, "mia", auth.Moderator), withRole(here, "root", auth.Admin), here.Register("anna")
	slug := here.Publish(anna, "Shown").Slug
	key := newKey(t, root, client.Admin)
	for _, token := range []string{mia.Token, root.Token, key.Key} {
		requireStatus(t, http.StatusOK, here.As(token))
	}
	require.Equal(t, 204, responseOf(there.As(root.Token).DeleteApiKeyWithResponse(t.Context(), key.ApiKey.Id)).StatusCode())
	for _, u := range []servertest.User{mia, root} {
		require.Equal(t, 204, responseOf(there.As(u.Token).DeleteSessionsWithResponse(t.Context())).StatusCode())
	}
	require.Equal(t, 401, responseOf(mia.HideArticleWithResponse(t.Context(), slug, client.HideRequest{Reason: "r"})).StatusCode())
	for _, token := range []string{root.Token, key.Key} {
		require.Equal(t, 401, responseOf(here.As(token).SuspendUserWithResponse(t.Context(), "anna", client.SuspendRequest{Reason: "r"})).StatusCode())
	}
	require.Zero(t, auditCount(t, here))
	require.Equal(t, 200, responseOf(here.Anonymous.GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	requireStatus(t, http.StatusOK, anna.ClientWithResponses)
}

// TestWaitingForHash ends the session of a request between its password's
// verification and its write.
func TestWaitingForHash(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url))
	v := rob(t, s)
	l := lock(t, url, `LOCK TABLE sign_in_tries IN ACCESS EXCLUSIVE MODE`)
	current := `"currentPassword":"` + servertest.Password + `"`
	header := []string{"Authorization", "Token " + v.session}
	var waiting []<-chan answer
	for _, r := range [][3]string{
		{"PUT", "/user", `{"user":{"bio":"stolen","password":"the thief's password",` + current + `}}`},
		{"PUT", "/user", `{"user":{"bio":"stolen","email":"thief@example.com",` + current + `}}`},
		{"DELETE", "/user", erase},
	} {
		waiting = append(waiting, later(s, r[0], r[1], r[2], header...))
	}
	l.await(3)
	require.Equal(t, 204, responseOf(v.DeleteSessionsWithResponse(t.Context())).StatusCode())
	l.release()
	for _, w := range waiting {
		a := <-w
		require.Equal(t, http.StatusUnauthorized, a.status, a.body)
	}
	v.requireNothingWritten(t, s)
	require.Equal(t, http.StatusOK, login(t, s, string(v.Email), servertest.Password).StatusCode())
}

// TestCurrentPasswordChanged has a request verify the current password, which
// another request of the same session then changes before the first one writes.
func TestCurrentPasswordChanged(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url))
	v := rob(t, s)
	l := lock(t, url, `LOCK TABLE sign_in_places IN SHARE MODE`) // which a verified password is stored in
	thief := later(s, "PUT", "/user", `{"user":{"email":"thief@example.com","currentPassword":"`+servertest.Password+`"}}`, signed(v.User)...)
	eraser := later(s, "DELETE", "/user", erase, signed(v.User)...)
	l.await(2)
	require.Equal(t, 200, responseOf(v.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{
		User: client.UpdateUser{Password: ptrTo("a new password")},
	})).StatusCode())
	l.release()
	for field, w := range map[string]<-chan answer{"currentPassword": thief, "password": eraser} {
		a := <-w
		requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField(field, "is incorrect"), a.status, a.body)
	}
	require.Equal(t, http.StatusOK, login(t, s, string(v.Email), "a new password").StatusCode())
}
