package server_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/ratelimit"
	"github.com/byline-api/byline/server/servertest"
)

// slowPasswords hashes no password before released is closed.
type slowPasswords struct {
	signin.Passwords
	waiting  atomic.Int64
	released chan struct{}
}

func (p *slowPasswords) wait() {
	p.waiting.Add(1)
	<-p.released
}

func (p *slowPasswords) Hash(ctx context.Context, password string) (string, error) {
	p.wait()
	return p.Passwords.Hash(ctx, password)
}

func (p *slowPasswords) Verify(ctx context.Context, password, hash string, legacy auth.LegacyWork) (ok, renew bool, err error) {
	p.wait()
	return p.Passwords.Verify(ctx, password, hash, legacy)
}

// TestSlowHashes lets far more requests wait for a password hash than there are
// places. Other requests must not notice.
func TestSlowHashes(t *testing.T) {
	t.Parallel()
	slow := &slowPasswords{released: make(chan struct{})}
	release := sync.OnceFunc(func() { close(slow.released) })
	var held atomic.Bool
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.MaxInFlight, c.CacheBytes = 2, 0 }),
		servertest.WithPasswords(func(p signin.Passwords) signin.Passwords {
			slow.Passwords = p
			return switchable{p, slow, &held}
		}))
	t.Cleanup(release) // also when the test fails
	users := []servertest.User{s.Register("anna"), s.Register("jake"), s.Register("zoe"), s.Register("max")}
	held.Store(true)

	var requests []<-chan int
	begin := func(method, path, body string, header ...string) {
		requests = append(requests, sendInBackground(t.Context(), method, s.URL+path, body, header...))
		require.Eventually(t, func() bool { return slow.waiting.Load() == int64(len(requests)) }, polling, tick, "it waits for its hash")
	}
	for range 8 { // 32 requests in all, while 10 may work or wait for a place
		// Others sign in than those whose passwords change: a sign-in fails if
		// the hash that it has verified is replaced.
		for _, u := range users[:2] {
			begin("PUT", "/user", fmt.Sprintf(`{"user":{"password":%q}}`, servertest.Password), "Authorization", "Token "+u.Token)
		}
		for _, u := range users[2:] {
			begin("POST", "/users/login", fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, u.Email, servertest.Password))
		}
	}

	for i, u := range users {
		header := []string{"Authorization", "Token " + u.Token}
		for _, path := range []string{"/user", "/tags", "/articles?limit=1"} {
			res, body := send(t, "GET", s.URL+path, "", header...)
			require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", path, body)
		}
		res, body := send(t, "PUT", s.URL+"/user", fmt.Sprintf(`{"user":{"bio":"%d"}}`, i), header...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
	}

	release()
	for i, status := range requests {
		require.Equal(t, http.StatusOK, <-status, "request %d takes a place again", i)
	}
}

// switchable uses slow once held is true, so that a test can register users.
type switchable struct {
	fast signin.Passwords
	slow *slowPasswords
	held *atomic.Bool
}

func (p switchable) now() signin.Passwords {
	if p.held.Load() {
		return p.slow
	}
	return p.fast
}

func (p switchable) Hash(ctx context.Context, password string) (string, error) {
	return p.now().Hash(ctx, password)
}

func (p switchable) Verify(ctx context.Context, password, hash string, legacy auth.LegacyWork) (ok, renew bool, err error) {
	return p.now().Verify(ctx, password, hash, legacy)
}

// countedPasswords counts the hashes.
type countedPasswords struct {
	signin.Passwords
	n *atomic.Int64
}

func (p countedPasswords) Hash(ctx context.Context, password string) (string, error) {
	p.n.Add(1)
	return p.Passwords.Hash(ctx, password)
}

func (p countedPasswords) Verify(ctx context.Context, password, hash string, legacy auth.LegacyWork) (ok, renew bool, err error) {
	p.n.Add(1)
	return p.Passwords.Verify(ctx, password, hash, legacy)
}

// TestHashesCountAsAuth calls every operation, and the current user's update
// with each member that costs a hash or a mail. What hashed a password must be
// counted for the class auth, too.
func TestHashesCountAsAuth(t *testing.T) {
	t.Parallel()
	var hashes atomic.Int64
	wide := ratelimit.Quota{Requests: 1_000_000, Window: time.Hour}
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.Quotas = ratelimit.Quotas{"read": wide, "write": wide, "auth": wide}
	}), servertest.WithPasswords(func(p signin.Passwords) signin.Passwords { return countedPasswords{p, &hashes} }))
	doc, err := contract.Load()
	require.NoError(t, err)
	hashed := 0
	for _, op := range doc.Operations() {
		c := valid[op.ID](newStage(s))
		hashes.Store(0)
		res, _ := c.do(s, op.Method)
		if hashes.Load() > 0 {
			hashed++
			class, _ := structured(t, res.Header, "RateLimit-Policy")
			require.Equal(t, "auth", class, op.ID)
		}
	}
	require.GreaterOrEqual(t, hashed, 4)

	u := s.Register("")
	header := []string{"Authorization", "Token " + u.Token}
	for _, test := range []struct{ member, class string }{
		{`"bio":"x"`, "write"},
		{`"username":"other"`, "write"},
		{`"password":"another password"`, "auth"},
		{`"email":"other@example.com"`, "auth"},
	} {
		res, body := send(t, "PUT", s.URL+"/user", `{"user":{`+test.member+`}}`, header...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		class, _ := structured(t, res.Header, "RateLimit-Policy")
		require.Equal(t, test.class, class, test.member)
	}
}

// TestPasswordChangesAreLimited changes the password and the address until the
// quota of the class auth is used up. Other changes of the account go on.
func TestPasswordChangesAreLimited(t *testing.T) {
	t.Parallel()
	auth := ratelimit.Quota{Requests: 4, Window: time.Hour}
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.Quotas = ratelimit.Quotas{"write": {Requests: 100, Window: time.Hour}, "auth": auth}
	}))
	u, other := s.Register("anna"), s.Register("jake")
	header := []string{"Authorization", "Token " + u.Token}
	change := func(member string) (*http.Response, []byte) {
		return send(t, "PUT", s.URL+"/user", `{"user":{`+member+`}}`, header...)
	}
	for i := range auth.Requests {
		member := `"password":"another password"`
		if i%2 == 1 {
			member = fmt.Sprintf(`"email":"anna%d@example.com","currentPassword":"another password"`, i)
		}
		res, body := change(member)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		requireLeft(t, res.Header, "auth", auth, auth.Requests-1-i)
	}
	for _, member := range []string{`"password":"a third password"`, `"email":"new@example.com"`} {
		res, body := change(member)
		requireProblem(t, 429, "rate_limited", res, body)
		requireLeft(t, res.Header, "auth", auth, 0)
		require.NotEmpty(t, res.Header.Get("Retry-After"))
	}
	res, body := change(`"bio":"x"`)
	require.Equal(t, http.StatusOK, res.StatusCode, string(body))
	require.Contains(t, string(body), `"email":"anna3@example.com"`)
	header[1] = "Token " + other.Token
	res, body = change(`"password":"another password"`)
	require.Equal(t, http.StatusOK, res.StatusCode, "each user has a quota: %s", body)
}
