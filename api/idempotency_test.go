package api_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// TestIdempotencyOfCallers checks that a key belongs to its caller, also where
// no token says who that is.
func TestIdempotencyOfCallers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}))
	const key = "8e03978e-40d5-43e8-bc93-6894a57f9324" // the example of the document
	call := func(address, path, body string) (*http.Response, string) {
		return s.Do(http.MethodPost, path, body, "Idempotency-Key", key, "X-Forwarded-For", address)
	}
	requireReplayed := func(t *testing.T, want bool, res *http.Response, body string) {
		t.Helper()
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		require.Equal(t, want, res.Header.Get("Idempotency-Replayed") == "true")
	}
	const here, there = "192.0.2.1", "192.0.2.2"

	t.Run("CreateUser", func(t *testing.T) {
		anna, bea := newUser("anna", "anna@example.com", servertest.Password), newUser("bea", "bea@example.com", servertest.Password)
		res, body := call(here, "/users", anna)
		requireReplayed(t, false, res, body)
		res, body = call(there, "/users", bea)
		requireReplayed(t, false, res, body)
		for address, sent := range map[string]string{here: anna, there: bea} {
			res, body = call(address, "/users", sent)
			requireReplayed(t, true, res, body)
		}
		// Who knows the key and the body gets no token elsewhere.
		res, body = call("192.0.2.3", "/users", anna)
		requireProblem(t, http.StatusConflict, problem.AlreadyTaken, oneField("username", "has already been taken"), res.StatusCode, body)
		// Clients change their address within their network of IPv6.
		carl := newUser("carl", "carl@example.com", servertest.Password)
		res, body = call("2001:db8::1", "/users", carl)
		requireReplayed(t, false, res, body)
		res, body = call("2001:db8::ffff:2", "/users", carl)
		requireReplayed(t, true, res, body)
	})

	t.Run("CreateSession", func(t *testing.T) {
		signIn := func(name string) string {
			return `{"user":{"email":"` + name + `@example.com","password":"` + servertest.Password + `"}}`
		}
		s.Register("dora")
		s.Register("emma")
		res, first := call(here, "/sessions", signIn("dora"))
		requireReplayed(t, false, res, first)
		res, body := call(here, "/sessions", signIn("emma"))
		requireReplayed(t, false, res, body)
		res, body = call(there, "/sessions", signIn("dora")) // the password says who it is
		requireReplayed(t, true, res, body)
		require.Equal(t, first, body)
	})
}
