package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/gen/query"
	"github.com/byline-api/byline/server/servertest"
)

// oldKey is the secret of an older system, which was not chosen with care.
const oldKey = "secret"

// oldTokens accepts tokens of the older system until a time.
func oldTokens(t *testing.T, until time.Time, claims string, now func() time.Time) servertest.Option {
	t.Helper()
	parsed, err := auth.ParseOldClaims(claims)
	require.NoError(t, err)
	tokens, err := auth.NewOldTokens([]byte(oldKey), until, parsed, now)
	require.NoError(t, err)
	return servertest.WithOldTokens(tokens, "default")
}

// afterOld starts a service that accepts the tokens of an older system for an
// hour.
func afterOld(t *testing.T, options ...servertest.Option) *servertest.Service {
	t.Helper()
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	s := servertest.New(t, append(options, oldTokens(t, until, "user.id,id,username:username,email:email", time.Now))...)
	change(t, s, `INSERT INTO imports (name, source, has_ids) VALUES ('default', 's', true) ON CONFLICT DO NOTHING`)
	return s
}

// immigrant is an imported user with a token of the older system.
type immigrant struct {
	victim
	key, old string
}

// immigrate creates a user as an import does. The older system has signed in
// the user an hour ago.
func immigrate(t *testing.T, s *servertest.Service) immigrant {
	t.Helper()
	m := immigrant{victim: rob(t, s)}
	m.key = "key-" + m.Username
	change(t, s, `INSERT INTO imported_rows SELECT id, 'users', $1, $2, 0 FROM imports`, m.key, m.id)
	m.old = m.signedIn(-time.Hour)
	return m
}

// signedIn returns a token that the older system has issued at another time.
func (m immigrant) signedIn(at time.Duration) string {
	return oldToken(fmt.Sprintf(`{"user":{"id":%q},"iat":%d}`, m.key, time.Now().Add(at).Unix()))
}

// oldToken signs a payload as the older system did.
func oldToken(payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(payload))
	signature, err := jwt.SigningMethodHS256.Sign(text, []byte(oldKey))
	if err != nil {
		panic(err)
	}
	return text + "." + encode(signature)
}

// exchange calls GET /user with an old token and returns the new one.
func exchange(t *testing.T, s *servertest.Service, old string) string {
	t.Helper()
	res := responseOf(s.As(old).GetCurrentUserWithResponse(t.Context(), nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.NotEqual(t, old, res.JSON200.User.Token)
	return res.JSON200.User.Token
}

// use calls an operation that returns no token.
func use(t *testing.T, s *servertest.Service, token string) {
	t.Helper()
	require.Equal(t, http.StatusOK, responseOf(s.As(token).GetSessionsWithResponse(t.Context())).StatusCode())
}

// refused requires the response that every token without an account gets.
func refused(t *testing.T, s *servertest.Service, token string) {
	t.Helper()
	res, body := s.Do("GET", "/user", "", "Authorization", "Token "+token)
	requireProblem(t, http.StatusUnauthorized, "token_invalid", oneField("token", "is invalid"), res.StatusCode, body)
}

func TestOldTokens(t *testing.T) {
	t.Parallel()
	s := afterOld(t)
	t.Run("Session", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		m := immigrate(t, s)
		before := count(t, s, `SELECT count(*) FROM sessions WHERE user_id = $1`, m.id)
		slug := s.Publish(servertest.User{User: m.User.User, ClientWithResponses: s.As(m.old)}, "Written with an old token").Slug
		require.NotEmpty(t, slug)
		own := exchange(t, s, m.old)
		require.NotEqual(t, "", own)
		list := responseOf(s.As(own).GetSessionsWithResponse(t.Context())).JSON200.Sessions
		require.Len(t, list, before+1)
		require.True(t, list[0].Current, "the new token has the session of the old one")
		require.NotNil(t, list[0].UserAgent)
		list = responseOf(s.As(m.old).GetSessionsWithResponse(t.Context())).JSON200.Sessions
		require.Len(t, list, before+1, "each use is of the same session")
		require.True(t, list[0].Current)
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM old_tokens WHERE user_id = $1`, m.id))
		require.Equal(t, own, responseOf(s.As(own).GetCurrentUserWithResponse(t.Context(), nil)).JSON200.User.Token)

		res := responseOf(s.As(m.old).UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Username: &m.Username}}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		requireStatus(t, http.StatusOK, s.As(res.JSON200.User.Token))
		require.NotEqual(t, m.old, res.JSON200.User.Token)
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM old_tokens o JOIN sessions e ON e.id = o.session_id
			WHERE o.user_id = $1 AND e.expires_at > now() + interval '59 minutes'`, m.id), "as long as the new token")
	})
	t.Run("Claims", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		m, stranger := immigrate(t, s), s.Register("Registered")
		for payload, want := range map[string]int{
			fmt.Sprintf(`{"id":%q}`, m.key):                             200,
			fmt.Sprintf(`{"username":%q}`, m.Username):                  200,
			fmt.Sprintf(`{"email":%q}`, m.Email):                        200,
			fmt.Sprintf(`{"id":%d}`, m.id):                              401, // of this service
			fmt.Sprintf(`{"id":%q}`, m.key+" "):                         401,
			`{"id":"key-of-nobody"}`:                                    401,
			`{"id":"key'; DROP TABLE users; --"}`:                       401,
			`{"id":"\ufffd\u2028"}`:                                     401,
			`{"id":"a\u0000b"}`:                                         401,
			`{"username":"nobody"}`:                                     401,
			fmt.Sprintf(`{"username":%q}`, strings.ToUpper(m.Username)): 401,
			fmt.Sprintf(`{"username":%q}`, stranger.Username):           401, // not imported
			fmt.Sprintf(`{"email":%q}`, stranger.Email):                 401,
			fmt.Sprintf(`{"user":{"id":[%q]}}`, m.key):                  401,
			fmt.Sprintf(`{"id":%q,"exp":"soon"}`, m.key):                401,
		} {
			res, body := s.Do("GET", "/user", "", "Authorization", "Bearer "+oldToken(payload))
			require.Equal(t, want, res.StatusCode, "%s: %s", payload, body)
			if want == 401 {
				requireProblem(t, 401, "token_invalid", oneField("token", "is invalid"), res.StatusCode, body)
			}
		}
		res, body := s.Do("GET", "/user", "", "Authorization", "Token "+oldToken(fmt.Sprintf(`{"id":%q,"exp":1}`, m.key)))
		requireProblem(t, 401, "token_expired", oneField("token", "has expired"), res.StatusCode, body)
	})
	t.Run("AnotherImport", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, oldTokens(t, time.Now().Add(time.Hour), "id", time.Now))
		change(t, s, `INSERT INTO imports (name, source, has_ids) VALUES ('blog', 's', true)`)
		m := immigrate(t, s)
		refused(t, s, oldToken(fmt.Sprintf(`{"id":%q}`, m.key)))
	})
	t.Run("KeysAreNames", func(t *testing.T) {
		t.Parallel()
		s := afterOld(t)
		m := immigrate(t, s)
		change(t, s, `UPDATE imports SET has_ids = false`)
		refused(t, s, oldToken(fmt.Sprintf(`{"id":%q}`, m.key))) // the id of another user
		exchange(t, s, oldToken(fmt.Sprintf(`{"username":%q}`, m.Username)))
	})
	t.Run("NotAccepted", func(t *testing.T) {
		t.Parallel()
		refused(t, servertest.New(t), oldToken(`{"id":"1"}`))
	})
	t.Run("ImportedLater", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		late := oldToken(`{"id":"late"}`)
		refused(t, s, late)
		v := rob(t, s)
		change(t, s, `INSERT INTO imported_rows SELECT id, 'users', 'late', $1, 0 FROM imports`, v.id)
		exchange(t, s, late)
	})
	t.Run("Anonymous", func(t *testing.T) {
		t.Parallel()
		res, _ := s.For(t).Do("GET", "/articles", "", "Authorization", "Token "+oldToken(`{"id":"nobody"}`))
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, res.Header.Get("WWW-Authenticate"), "invalid_token")
	})
}

// TestOldTokensRevoked ends the sessions of an account in each way. Old tokens
// that were used before end, and those that were not.
func TestOldTokensRevoked(t *testing.T) {
	t.Parallel()
	s := afterOld(t)
	root := withRole(s, "root", auth.Admin)
	for label, recover := range recoveries {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			m := immigrate(t, s)
			unused, timeless := m.signedIn(-2*time.Hour), oldToken(fmt.Sprintf(`{"id":%q}`, m.key))
			own := exchange(t, s, m.old)
			if label == "SessionEnded" {
				m.sessionID = responseOf(s.As(own).GetSessionsWithResponse(t.Context())).JSON200.Sessions[0].Id
			}
			recover(t, s, root, m.victim)
			refused(t, s, m.old)
			refused(t, s, own)
			if label == "SessionEnded" {
				exchange(t, s, unused)
				exchange(t, s, timeless)
				return
			}
			refused(t, s, unused)
			refused(t, s, timeless)
			if label == "Suspended" {
				res := responseOf(root.ReinstateUserWithResponse(t.Context(), m.Username))
				require.Less(t, res.StatusCode(), 300)
				refused(t, s, m.old)
				refused(t, s, unused)
				refused(t, s, timeless)
			}
			refused(t, s, m.signedIn(0)) // nobody knows whose clock is right
			change(t, s, `UPDATE users SET old_tokens_after = old_tokens_after - interval '1 minute' WHERE id = $1`, m.id)
			later := m.signedIn(2 * time.Second)
			if strings.HasPrefix(label, "Password") {
				refused(t, s, later) // the older system accepts the old password
			} else {
				exchange(t, s, later) // a new sign-in there
			}
		})
	}
	t.Run("Deleted", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		m := immigrate(t, s)
		exchange(t, s, m.old)
		res, body := s.Do("DELETE", "/user", erase, "Authorization", "Token "+m.old)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
		for _, token := range []string{m.old, m.signedIn(0), oldToken(fmt.Sprintf(`{"username":%q}`, m.Username))} {
			refused(t, s, token)
		}
		require.Zero(t, count(t, s, `SELECT count(*) FROM old_tokens WHERE user_id = $1`, m.id))
	})
	t.Run("OnlyOne", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		m := immigrate(t, s)
		keeps := s.As(m.old)
		exchange(t, s, m.old)
		other := m.signedIn(-2 * time.Hour)
		exchange(t, s, other)
		res := responseOf(keeps.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Password: ptrTo("a new password")}}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		requireStatus(t, http.StatusOK, keeps) // the session that has changed the password
		requireStatus(t, http.StatusOK, s.As(res.JSON200.User.Token))
		refused(t, s, other)
	})
}

// TestOldTokensOfNames changes the name that an old token has, and gives it to
// another imported account.
func TestOldTokensOfNames(t *testing.T) {
	t.Parallel()
	s := afterOld(t)
	ann, bob := immigrate(t, s), immigrate(t, s)
	named := func(ago time.Duration) string {
		return oldToken(fmt.Sprintf(`{"username":%q,"iat":%d}`, ann.Username, time.Now().Add(-ago).Unix()))
	}
	used, unused := named(2*time.Hour), named(time.Hour)
	exchange(t, s, used)
	rename := func(u *client.ClientWithResponses, name string) {
		t.Helper()
		res := responseOf(u.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Username: &name}}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	}
	rename(ann.ClientWithResponses, "somebody-else")
	refused(t, s, unused)
	rename(bob.ClientWithResponses, ann.Username)
	refused(t, s, unused)
	refused(t, s, oldToken(fmt.Sprintf(`{"username":%q}`, ann.Username)))
	change(t, s, `UPDATE users SET named_at = named_at - interval '1 hour' WHERE id = $1`, bob.id)
	refused(t, s, named(0)) // somebody else may have registered the name there since
	res := responseOf(s.As(used).GetCurrentUserWithResponse(t.Context(), nil))
	require.Equal(t, "somebody-else", res.JSON200.User.Username, "a session stays with its account")
	exchange(t, s, ann.old) // keys do not change

	// The next import would say who has the name now.
	eve := immigrate(t, s)
	change(t, s, `UPDATE imports SET read_at = now() - interval '10 minutes'`)
	ofEve := func(ago time.Duration) string {
		return oldToken(fmt.Sprintf(`{"username":%q,"iat":%d}`, eve.Username, time.Now().Add(-ago).Unix()))
	}
	exchange(t, s, ofEve(11*time.Minute))
	refused(t, s, ofEve(9*time.Minute))
	exchange(t, s, eve.signedIn(-9*time.Minute))
	change(t, s, `UPDATE users SET named_at = now() - interval '20 minutes' WHERE id = $1`, eve.id) // by an import
	refused(t, s, ofEve(21*time.Minute))
	exchange(t, s, ofEve(12*time.Minute))
}

// TestOldTokensOfStaff uses old tokens of accounts with more rights.
func TestOldTokensOfStaff(t *testing.T) {
	t.Parallel()
	s := afterOld(t)
	root := withRole(s, "root", auth.Admin)
	for _, role := range []auth.Role{auth.Moderator, auth.Editor, auth.Admin} {
		t.Run(role.String(), func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			m := immigrate(t, s)
			own := exchange(t, s, m.old)
			unused := m.signedIn(-2 * time.Hour)
			set := func(role auth.Role) {
				t.Helper()
				res := responseOf(root.SetUserRoleWithResponse(t.Context(), m.Username, client.SetUserRoleJSONRequestBody{Role: client.Role(role.String())}))
				require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
			}
			set(auth.Reader)
			set(auth.Author)
			requireStatus(t, http.StatusOK, s.As(own))
			set(role)
			for _, token := range []string{m.old, own, unused} {
				refused(t, s, token)
			}
			requireStatus(t, http.StatusOK, m.ClientWithResponses) // signed in here
			set(auth.Author)
			refused(t, s, m.old)
			exchange(t, s, unused)
		})
	}
}

// TestOldTokensAreBounded signs in to the older system more often than an
// account may have sessions.
func TestOldTokensAreBounded(t *testing.T) {
	t.Parallel()
	s := afterOld(t, servertest.Following())
	m := immigrate(t, s)
	sessions := func() int { return count(t, s, `SELECT count(*) FROM sessions WHERE user_id = $1`, m.id) }
	here := sessions()
	own := exchange(t, s, m.old)
	for i := range 100 {
		use(t, s, m.signedIn(-time.Duration(i+2)*time.Hour))
	}
	require.Equal(t, 100, sessions())
	require.Equal(t, 100-here, count(t, s, `SELECT count(*) FROM old_tokens WHERE user_id = $1`, m.id))
	requireStatus(t, http.StatusOK, m.ClientWithResponses) // its session is the oldest
	refused(t, s, own)                                     // its session was the oldest of an old token
	again := func() {
		t.Helper()
		require.Eventually(t, func() bool { // when the service has learned of the end of the session
			return responseOf(s.As(m.old).GetCurrentUserWithResponse(t.Context(), nil)).StatusCode() == http.StatusOK
		}, time.Minute, 10*time.Millisecond)
	}
	again() // the token was not revoked
	change(t, s, `INSERT INTO sessions (user_id, expires_at) SELECT $1, now() + interval '1 hour' FROM generate_series(1, $2::int)`, m.id, 100-here)
	require.Zero(t, count(t, s, `SELECT count(*) FROM old_tokens WHERE user_id = $1`, m.id))
	again()
	exchange(t, s, m.signedIn(-2*time.Hour))
	require.Equal(t, 100, sessions())
	require.Equal(t, 1, count(t, s, `SELECT count(*) FROM old_tokens WHERE user_id = $1`, m.id))
}

// TestOldTokensRace uses an old token for the first time while others do, and
// while the owner recovers the account.
func TestOldTokensRace(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := afterOld(t, servertest.WithDatabase(url), servertest.WithDB(func(c *db.Config) { c.MaxConns = 10 }))
	root := withRole(s, "root", auth.Admin)
	begin := func(m immigrant) <-chan answer { return later(s, "GET", "/user", "", "Authorization", "Token "+m.old) }
	hold := func(t *testing.T, m immigrant) locker {
		return lock(t, url, fmt.Sprintf(`SELECT FROM users WHERE id = %d FOR NO KEY UPDATE`, m.id))
	}
	t.Run("AtOnce", func(t *testing.T) {
		m := immigrate(t, s.For(t))
		before := count(t, s, `SELECT count(*) FROM sessions WHERE user_id = $1`, m.id)
		l := hold(t, m)
		uses := []<-chan answer{begin(m), begin(m), begin(m)}
		l.await(3)
		l.release()
		for _, w := range uses {
			a := <-w
			require.Equal(t, http.StatusOK, a.status, a.body)
		}
		require.Equal(t, before+1, count(t, s, `SELECT count(*) FROM sessions WHERE user_id = $1`, m.id))
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM old_tokens WHERE user_id = $1`, m.id))
	})
	for _, label := range []string{"PasswordChanged", "PasswordReset", "Suspended", "SignOutEverywhere"} {
		t.Run(label, func(t *testing.T) {
			m := immigrate(t, s.For(t))
			recovered := make(chan struct{})
			recover := func() {
				defer close(recovered)
				recoveries[label](t, s, root, m.victim)
			}
			t.Run("AfterTheFirstUse", func(t *testing.T) {
				l := hold(t, m)
				first := begin(m)
				l.await(1)
				go recover()
				l.await(2)
				l.release()
				<-recovered
				<-first // it came before, or is refused
				refused(t, s, m.old)
			})
			t.Run("BeforeTheFirstUse", func(t *testing.T) {
				m = immigrate(t, s.For(t))
				recovered = make(chan struct{})
				l := hold(t, m)
				go recover()
				l.await(1)
				first := begin(m)
				l.await(2)
				l.release()
				<-recovered
				a := <-first
				require.Equal(t, http.StatusUnauthorized, a.status, a.body)
				refused(t, s, m.old)
				require.Zero(t, count(t, s, `SELECT count(*) FROM old_tokens WHERE user_id = $1`, m.id))
			})
		})
	}
}

// TestOldTokensOfReplicas revokes an old token on another replica.
func TestOldTokensOfReplicas(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	here, there := afterOld(t, servertest.WithDatabase(url), servertest.Following()), afterOld(t, servertest.WithDatabase(url), servertest.Following())
	m := immigrate(t, there)
	unused := m.signedIn(-2 * time.Hour)
	own := exchange(t, here, m.old)
	require.Equal(t, 204, responseOf(there.As(m.Token).DeleteSessionsWithResponse(t.Context())).StatusCode())
	for _, token := range []string{m.old, own, unused} {
		require.Eventually(t, func() bool {
			return responseOf(here.As(token).GetCurrentUserWithResponse(t.Context(), nil)).StatusCode() == http.StatusUnauthorized
		}, time.Minute, 10*time.Millisecond)
	}
}

// TestOldTokensUntil moves the clock, and the date.
func TestOldTokensUntil(t *testing.T) {
	t.Parallel()
	var moved atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(moved.Load())) }
	until, url := time.Now().Add(30*time.Minute).Truncate(time.Second), dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithClock(now), oldTokens(t, until, "user.id", now))
	change(t, s, `INSERT INTO imports (name, source, has_ids) VALUES ('default', 's', true)`)
	m, n := immigrate(t, s), immigrate(t, s)
	own := exchange(t, s, m.old)
	use(t, s, n.old)
	requireStatus(t, http.StatusOK, servertest.New(t, servertest.WithDatabase(url)).As(own)) // with or without the setting
	moved.Store(int64(31 * time.Minute))
	for _, token := range []string{m.old, n.old} {
		res, body := s.Do("GET", "/user", "", "Authorization", "Token "+token)
		requireProblem(t, 401, "token_expired", oneField("token", "has expired"), res.StatusCode, body)
	}
	requireStatus(t, http.StatusOK, s.As(own)) // until it expires itself

	expires := func() (at time.Time) {
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT e.expires_at FROM old_tokens o JOIN sessions e ON e.id = o.session_id WHERE o.user_id = $1`, n.id).Scan(&at))
		return at
	}
	require.True(t, until.Equal(expires()))
	later := until.AddDate(0, 0, 7)
	extended := servertest.New(t, servertest.WithDatabase(url), oldTokens(t, later, "user.id", time.Now))
	use(t, extended, n.old)
	require.True(t, later.Equal(expires()), "the date was moved")

	// The date was moved after it had passed.
	for label, expire := range map[string]func(){
		"Kept": func() {},
		"Cleaned": func() {
			_, err := query.New().SessionExpire(t.Context(), s.DB)
			require.NoError(t, err)
		},
	} {
		change(t, s, `UPDATE sessions SET expires_at = now() - interval '1 minute' WHERE user_id = $1`, n.id)
		expire()
		use(t, servertest.New(t, servertest.WithDatabase(url), oldTokens(t, later, "user.id", time.Now)), n.old)
		require.True(t, later.Equal(expires()), label)
	}
	change(t, s, `DELETE FROM sessions WHERE user_id = $1`, n.id) // was ended
	_, err := query.New().SessionExpire(t.Context(), s.DB)
	require.NoError(t, err)
	refused(t, servertest.New(t, servertest.WithDatabase(url), oldTokens(t, later, "user.id", time.Now)), n.old)
}

func TestExpireOldTokens(t *testing.T) {
	t.Parallel()
	s := afterOld(t)
	m := immigrate(t, s)
	ends := oldToken(fmt.Sprintf(`{"id":%q,"exp":%d}`, m.key, time.Now().Add(time.Minute).Unix()))
	use(t, s, ends)
	use(t, s, m.old)
	require.Equal(t, 1, count(t, s, `SELECT count(*) FROM old_tokens o JOIN sessions e ON e.id = o.session_id AND e.expires_at = o.expires_at`), "the session ends with the token")
	n, err := credentials.ExpireOldTokens(t.Context(), s.DB)
	require.NoError(t, err)
	require.Zero(t, n)
	change(t, s, `UPDATE old_tokens SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL`)
	n, err = credentials.ExpireOldTokens(t.Context(), s.DB)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.Equal(t, 1, count(t, s, `SELECT count(*) FROM old_tokens`), "a token that never ends, which could be used again")
}

// TestOldTokensAreCounted checks the metrics, and that the log has no tokens.
func TestOldTokensAreCounted(t *testing.T) {
	t.Parallel()
	s := afterOld(t)
	m := immigrate(t, s)
	exchange(t, s, m.old)
	requireStatus(t, http.StatusOK, s.As(m.old))
	expired := oldToken(`{"id":"a","exp":1}`)
	for _, token := range []string{oldToken(`{"id":"nobody"}`), expired, oldToken(`{}`), "nonsense"} {
		requireStatus(t, http.StatusUnauthorized, s.As(token))
	}
	require.Equal(t, 204, responseOf(s.As(m.Token).DeleteSessionsWithResponse(t.Context())).StatusCode())
	for range 3 {
		requireStatus(t, http.StatusUnauthorized, s.As(m.old))
	}
	metrics := httptest.NewRecorder()
	s.Edge.Admin().ServeHTTP(metrics, httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil))
	for outcome, n := range map[string]int{"accepted": 2, "exchanged": 2, "unknown": 1, "expired": 1, "malformed": 1, "revoked": 3} {
		require.Contains(t, metrics.Body.String(), fmt.Sprintf("old_token_requests_total{outcome=%q} %d\n", outcome, n))
	}
	log := s.Log.String()
	for _, secret := range []string{m.old, expired, m.key, m.Username, string(m.Email)} {
		require.NotContains(t, log, secret)
	}
}
