package byline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

// sessions is a service with one session. Access tokens are a1, a2, … and
// refresh tokens r1, r2, …; each refresh token can be used once.
type sessions struct {
	mu        sync.Mutex
	number    int
	sessions  int
	lifetime  time.Duration
	renewals  int
	ended     bool
	expired   bool               // the access token is, until the next renewal
	fail      []http.HandlerFunc // handlers of the next renewals
	onRefresh func()
}

func (s *sessions) tokens() string {
	text, _ := json.Marshal(map[string]any{
		"accessToken": fmt.Sprint("a", s.number), "accessTokenExpiresAt": time.Now().Add(s.lifetime),
		"refreshToken": fmt.Sprint("r", s.number), "refreshTokenExpiresAt": time.Now().Add(time.Hour),
	})
	return string(text)
}

const refusal = `{"code":"token_expired","detail":"The token has expired."}`

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /api/sessions":
		s.number++
		s.sessions++
		responds(201, fmt.Sprintf(`{"session":{"id":%d},"tokens":%s}`, s.sessions, s.tokens()))(w, r)
	case "POST /api/sessions/refresh":
		s.renewals++
		if s.onRefresh != nil {
			s.onRefresh()
		}
		if len(s.fail) > 0 {
			fail := s.fail[0]
			s.fail = s.fail[1:]
			fail(w, r)
			return
		}
		var body byline.RefreshSessionRequest
		_ = json.NewDecoder(r.Body).Decode(&body)
		if s.ended || body.RefreshToken != fmt.Sprint("r", s.number) || r.Header.Get("Authorization") != "" {
			responds(401, `{"code":"token_invalid","detail":"The token is invalid."}`)(w, r)
			return
		}
		s.number++
		s.expired = false
		responds(200, `{"tokens":`+s.tokens()+`}`)(w, r)
	case "DELETE /api/sessions/current":
		if r.Header.Get("Authorization") == "" {
			responds(401, `{"code":"token_missing","detail":"This operation requires a token."}`)(w, r)
			return
		}
		s.ended = true
		w.WriteHeader(http.StatusNoContent)
	case "GET /api/user":
		if s.expired || r.Header.Get("Authorization") != fmt.Sprint("Token a", s.number) {
			responds(401, refusal)(w, r)
			return
		}
		responds(200, `{"user":{"username":"gwen"}}`)(w, r)
	case "GET /api/profiles/gwen": // a token is optional
		if r.Header.Get("Authorization") != fmt.Sprint("Token a", s.number) {
			w.Header().Set("WWW-Authenticate", `Token error="invalid_token"`)
		}
		responds(200, `{"profile":{"username":"gwen"}}`)(w, r)
	}
}

// memory is a store that counts what it saves.
type memory struct {
	mu     sync.Mutex
	stored *byline.StoredSession
	saved  []string
	fail   error
}

func (m *memory) Load(context.Context) (*byline.StoredSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stored, nil
}

func (m *memory) Save(_ context.Context, stored *byline.StoredSession) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.stored = stored
	if stored == nil {
		m.saved = append(m.saved, "nil")
	} else {
		m.saved = append(m.saved, stored.Tokens.RefreshToken)
	}
	return nil
}

// stored returns a session with the tokens of a number, which are valid for an
// hour.
func stored(id int64, number int) *byline.StoredSession {
	return &byline.StoredSession{ID: id, Tokens: byline.Tokens{
		AccessToken: fmt.Sprint("a", number), AccessTokenExpiresAt: time.Now().Add(time.Hour), RefreshToken: fmt.Sprint("r", number),
	}}
}

// signIn returns a signed-in client. Access tokens are valid for lifetime.
func signIn(t *testing.T, lifetime time.Duration, options ...byline.Option) (*byline.Client, *sessions, *recorder) {
	t.Helper()
	s := &sessions{lifetime: lifetime}
	c, rec := serve(t, s.ServeHTTP, options...)
	c, err := c.SignIn(t.Context(), "gwen@example.com", password)
	noError(t, err)
	return c, s, rec
}

func TestSession(t *testing.T) {
	ctx := t.Context()
	get := func(c *byline.Client) error {
		_, err := c.Account.Get(ctx)
		return err
	}
	t.Run("RenewsBeforeItEnds", func(t *testing.T) {
		store := &memory{}
		c, s, rec := signIn(t, 10*time.Second, byline.WithSessionStore(store))
		s.lifetime = time.Hour
		noError(t, get(c))
		noError(t, get(c))
		equal(t, 1, s.renewals)
		equal(t, []int{201, 200, 200, 200}, rec.seen())
		equal(t, []string{"r1", "r2"}, store.saved)
	})
	t.Run("UsedByAnother", func(t *testing.T) {
		c, s, rec := signIn(t, time.Hour)
		noError(t, get(c))
		s.number = 2 // r1 has been used, and the client has not got r2
		err := get(c)
		isError(t, err, byline.ErrSessionEnded)
		equal(t, []int{201, 200, 401, 401}, rec.seen())
	})
	t.Run("RepeatsAfterRenewal", func(t *testing.T) {
		c, s, rec := signIn(t, time.Hour)
		s.expired = true
		noError(t, get(c))
		equal(t, []int{201, 401, 200, 200}, rec.seen())
		equal(t, "Token a2", rec.requests[3].Header.Get("Authorization"))
	})
	t.Run("SingleFlight", func(t *testing.T) {
		c, s, _ := signIn(t, 10*time.Second)
		s.lifetime = time.Hour
		other := c.With(byline.WithAppName("other"))
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				if err := get([]*byline.Client{c, other}[i%2]); err != nil {
					t.Error(err)
				}
			}()
		}
		wait.Wait()
		equal(t, 1, s.renewals)
	})
	t.Run("CancelledCaller", func(t *testing.T) {
		c, s, _ := signIn(t, 10*time.Second)
		s.lifetime = time.Hour
		cancelled, cancel := context.WithCancel(ctx)
		s.onRefresh = cancel
		_, err := c.Account.Get(cancelled)
		isError(t, err, context.Canceled)
		s.onRefresh = nil
		noError(t, get(c)) // the renewal has gone on
		equal(t, 1, s.renewals)
	})
	t.Run("LostResponse", func(t *testing.T) {
		c, s, _ := signIn(t, 10*time.Second)
		s.lifetime = time.Hour
		s.fail = []http.HandlerFunc{breaks, responds(503, busy)}
		noError(t, get(c))
		equal(t, 3, s.renewals)
	})
	t.Run("ServiceIsDown", func(t *testing.T) {
		c, s, _ := signIn(t, 10*time.Second)
		down := responds(503, busy)
		s.fail = []http.HandlerFunc{down, down, down, down, down, down}
		noError(t, get(c)) // the old token is still valid
		noError(t, get(c))
		equal(t, 3, s.renewals) // the second call has not tried again
	})
	t.Run("Refused", func(t *testing.T) {
		store := &memory{}
		c, s, rec := signIn(t, 10*time.Second, byline.WithSessionStore(store))
		s.ended = true
		err := get(c)
		isError(t, err, byline.ErrSessionEnded)
		isError(t, err, byline.CodeTokenInvalid)
		equal(t, "byline: account.get: the session has ended; sign in again: byline: sessions.refresh: 401 token_invalid: The token is invalid.", err.Error())
		isError(t, get(c), byline.ErrSessionEnded)
		equal(t, "byline: account.get: the session has ended; sign in again", get(c).Error())
		equal(t, []int{201, 401}, rec.seen())
		equal(t, []string{"r1", "nil"}, store.saved)
	})
	t.Run("NotByline", func(t *testing.T) {
		store := &memory{}
		c, s, _ := signIn(t, time.Second, byline.WithSessionStore(store))
		s.fail = []http.HandlerFunc{responds(404, "<h1>Not here</h1>", "Content-Type", "text/html")}
		noError(t, get(c))
		equal(t, []string{"r1"}, store.saved) // a proxy does not sign a user out
	})
	t.Run("AnotherProcess", func(t *testing.T) {
		store := &memory{}
		c, s, rec := signIn(t, 10*time.Second, byline.WithSessionStore(store))
		s.number = 5
		store.stored = stored(1, 5)
		noError(t, get(c))
		equal(t, 0, s.renewals)
		equal(t, []int{201, 200}, rec.seen())
		equal(t, []string{"r1"}, store.saved) // what it has loaded is not saved again
	})
	t.Run("AnotherProcessIsFaster", func(t *testing.T) {
		store := &memory{}
		c, s, _ := signIn(t, 10*time.Second, byline.WithSessionStore(store))
		s.onRefresh = func() { s.number, store.stored = 5, stored(1, 5) }
		noError(t, get(c)) // the service has refused r1
		equal(t, 1, s.renewals)
		equal(t, []string{"r1"}, store.saved)
	})
	t.Run("TwoUsers", func(t *testing.T) {
		s := &sessions{lifetime: time.Hour}
		store := &memory{}
		c, rec := serve(t, s.ServeHTTP, byline.WithSessionStore(store))
		gwen, err := c.SignIn(ctx, "gwen@example.com", password)
		noError(t, err)
		noError(t, get(c))
		anna, err := c.SignIn(ctx, "anna@example.com", password)
		noError(t, err)
		noError(t, get(anna))
		noError(t, get(c))                            // the user who has signed in last
		isError(t, get(gwen), byline.ErrSessionEnded) // the fake has one session
		for i, token := range []string{"a2", "a2", "a1"} {
			equal(t, "Token "+token, rec.requests[3+i].Header.Get("Authorization"))
		}
		equal(t, []string{"r1", "r2"}, store.saved)
	})
	t.Run("SaveFails", func(t *testing.T) {
		store := &memory{}
		c, s, _ := signIn(t, 10*time.Second, byline.WithSessionStore(store))
		s.lifetime = time.Hour
		store.fail = errors.New("disk full")
		isError(t, get(c), store.fail)
		noError(t, get(c))
		store.fail, s.expired = nil, true
		noError(t, get(c)) // the tokens in the store are older
		equal(t, []string{"r1", "r3"}, store.saved)
	})
	t.Run("SignInThatCannotBeSaved", func(t *testing.T) {
		s := &sessions{lifetime: time.Hour}
		store := &memory{fail: errors.New("disk full")}
		c, _ := serve(t, s.ServeHTTP, byline.WithSessionStore(store))
		_, err := c.SignIn(ctx, "gwen@example.com", password)
		isError(t, err, store.fail)
		requireError(t, get(c), 401, byline.CodeTokenExpired) // anonymous
	})
	t.Run("WithoutRetries", func(t *testing.T) {
		c, s, _ := signIn(t, 10*time.Second, byline.WithRetry(byline.Retry{}))
		s.lifetime = time.Hour
		s.fail = []http.HandlerFunc{breaks, responds(503, busy)}
		noError(t, get(c)) // a lost response would end the session
		equal(t, 3, s.renewals)
	})
	t.Run("AnotherUser", func(t *testing.T) {
		store := &memory{}
		c, s, rec := signIn(t, 10*time.Second, byline.WithSessionStore(store))
		store.stored = stored(2, 7) // somebody else has signed in with this store
		s.lifetime = time.Hour
		noError(t, get(c))
		equal(t, "Token a2", rec.requests[2].Header.Get("Authorization"))
		equal(t, "r7", store.stored.Tokens.RefreshToken)
		noError(t, c.SignOut(ctx))
		equal(t, "r7", store.stored.Tokens.RefreshToken)
	})
	t.Run("OptionalToken", func(t *testing.T) {
		store := &memory{}
		c, s, rec := signIn(t, time.Hour, byline.WithSessionStore(store))
		s.number = 5
		store.stored = stored(1, 5)
		_, err := c.Profiles.Get(ctx, "gwen")
		noError(t, err)
		equal(t, "Token a5", rec.requests[len(rec.requests)-1].Header.Get("Authorization"))
	})
	t.Run("SignOut", func(t *testing.T) {
		store := &memory{}
		c, _, rec := signIn(t, time.Hour, byline.WithSessionStore(store))
		noError(t, c.SignOut(ctx))
		isError(t, get(c), byline.ErrSessionEnded)
		noError(t, c.SignOut(ctx))
		equal(t, []int{201, 204}, rec.seen())
		equal(t, []string{"r1", "nil"}, store.saved)
	})
	t.Run("SignOutOfAStore", func(t *testing.T) {
		s := &sessions{lifetime: time.Hour, number: 3}
		c, rec := serve(t, s.ServeHTTP, byline.WithSessionStore(&memory{stored: stored(1, 3)}))
		noError(t, c.SignOut(ctx))
		_, err := c.Profiles.Get(ctx, "gwen") // as an anonymous caller
		noError(t, err)
		equal(t, "", rec.requests[1].Header.Get("Authorization"))
		noError(t, c.SignOut(ctx))
	})
	t.Run("SignOutFails", func(t *testing.T) {
		store := &memory{}
		s := &sessions{lifetime: time.Hour}
		var down atomic.Bool
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if down.Load() {
				breaks(w, r)
			}
			s.ServeHTTP(w, r)
		}, byline.WithSessionStore(store))
		c, err := c.SignIn(ctx, "gwen@example.com", password)
		noError(t, err)
		down.Store(true)
		as[*byline.ConnectionError](t, c.SignOut(ctx))
		down.Store(false)
		noError(t, get(c)) // the session goes on, so that SignOut can be repeated
		equal(t, []string{"r1"}, store.saved)
	})
	t.Run("Restored", func(t *testing.T) {
		s := &sessions{lifetime: time.Hour, number: 3}
		store := &memory{stored: stored(1, 3)}
		c, _ := serve(t, s.ServeHTTP, byline.WithSessionStore(store))
		noError(t, get(c))
		c, rec := serve(t, s.ServeHTTP, byline.WithSessionStore(&memory{}))
		requireError(t, get(c), 401, byline.CodeTokenExpired) // anonymous
		equal(t, "", rec.requests[0].Header.Get("Authorization"))
	})
	t.Run("StoreFails", func(t *testing.T) {
		s := &sessions{lifetime: time.Hour}
		c, _ := serve(t, s.ServeHTTP, byline.WithSessionStore(broken{}))
		err := get(c)
		equal(t, true, strings.HasPrefix(fmt.Sprint(err), "byline: load the session: "))
		_, err = c.SignIn(ctx, "gwen@example.com", password)
		equal(t, "byline: save the session: disk full", fmt.Sprint(err))
	})
	t.Run("CacheSurvivesRenewal", func(t *testing.T) {
		var conditions []string
		s := &sessions{lifetime: 10 * time.Second}
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/profiles") {
				conditions = append(conditions, r.Header.Get("If-None-Match"))
				responds(200, `{"profile":{"username":"gwen"}}`, "ETag", `"v1"`)(w, r)
				return
			}
			s.ServeHTTP(w, r)
		})
		c, err := c.SignIn(ctx, "gwen@example.com", password)
		noError(t, err)
		for range 2 {
			_, err := c.Profiles.Get(ctx, "gwen")
			noError(t, err)
		}
		equal(t, []string{"", `"v1"`}, conditions)
	})
}

type broken struct{}

func (broken) Load(context.Context) (*byline.StoredSession, error) {
	return nil, errors.New("disk full")
}
func (broken) Save(context.Context, *byline.StoredSession) error { return errors.New("disk full") }
