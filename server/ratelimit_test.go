package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/ratelimit"
	"github.com/byline-api/byline/server/servertest"
)

// item is one member of a list of structured fields (RFC 9651): a string with
// parameters that are integers, which is all that the RateLimit fields need.
var item = regexp.MustCompile(`^"([\x20-\x21\x23-\x5b\x5d-\x7e]*)"((?:; *[a-z*][a-z0-9_.*-]*=-?[0-9]{1,15})*)$`)

// structured parses the one member of a RateLimit field.
func structured(t testing.TB, h http.Header, name string) (value string, params map[string]int) {
	t.Helper()
	require.Len(t, h.Values(name), 1, name)
	m := item.FindStringSubmatch(h.Get(name))
	require.NotNil(t, m, "%s: %q", name, h.Get(name))
	params = map[string]int{}
	for _, p := range strings.Split(m[2], ";")[1:] {
		key, digits, _ := strings.Cut(strings.TrimSpace(p), "=")
		n, err := strconv.Atoi(digits)
		require.NoError(t, err)
		params[key] = n
	}
	return m[1], params
}

// requireLeft checks the RateLimit fields against the rest of a quota.
func requireLeft(t testing.TB, h http.Header, class string, q ratelimit.Quota, left int) {
	t.Helper()
	name, policy := structured(t, h, "RateLimit-Policy")
	require.Equal(t, class, name)
	require.Equal(t, map[string]int{"q": q.Requests, "w": int(q.Window.Seconds())}, policy)
	name, limit := structured(t, h, "RateLimit")
	require.Equal(t, class, name)
	require.Equal(t, left, limit["r"])
	require.Positive(t, limit["t"])
	require.LessOrEqual(t, limit["t"], policy["w"])
	require.Len(t, limit, 2)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	read, write, auth := ratelimit.Quota{Requests: 5, Window: time.Hour}, ratelimit.Quota{Requests: 3, Window: time.Hour}, ratelimit.Quota{Requests: 4, Window: time.Hour}
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.Quotas = ratelimit.Quotas{"read": read, "write": write, "auth": auth}
	}))
	anna, jake := s.Register("anna"), s.Register("jake")
	get := func(path string, header ...string) (*http.Response, []byte) {
		return send(t, "GET", s.URL+path, "", header...)
	}
	as := func(u servertest.User) []string { return []string{"Authorization", "Token " + u.Token} }
	refused := func(class string, q ratelimit.Quota, res *http.Response, body []byte) {
		t.Helper()
		requireProblem(t, 429, "rate_limited", res, body)
		requireLeft(t, res.Header, class, q, 0)
		_, limit := structured(t, res.Header, "RateLimit")
		require.Equal(t, strconv.Itoa(limit["t"]), res.Header.Get("Retry-After"))
	}

	// A request counts whatever its response is.
	tag := ""
	for i, path := range []string{"/tags", "/articles/none", "/articles?limit=0", "/articles?limit=%zz", "/tags"} {
		res, _ := get(path, "If-None-Match", tag)
		requireLeft(t, res.Header, "read", read, read.Requests-1-i)
		if tag == "" {
			tag = res.Header.Get("ETag")
		} else if path == "/tags" {
			require.Equal(t, http.StatusNotModified, res.StatusCode)
		}
	}
	for _, spoof := range []string{"", "198.51.100.7", "127.0.0.2, 10.0.0.1"} {
		res, body := get("/tags", "X-Forwarded-For", spoof, "X-Real-Ip", spoof, "Forwarded", "for="+spoof)
		refused("read", read, res, body)
	}
	res, body := send(t, "HEAD", s.URL+"/tags", "")
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.Empty(t, body)

	// Users have quotas of their own, whatever token or scheme they use.
	login, err := s.Anonymous.LoginWithResponse(t.Context(), client.LoginJSONRequestBody{User: client.LoginUser{Email: string(anna.Email), Password: servertest.Password}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, login.StatusCode(), string(login.Body))
	for i := range read.Requests {
		header := as(anna)
		if i%2 == 1 {
			header[1] = "Bearer " + login.JSON200.User.Token
		}
		res, body := get("/user", header...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		requireLeft(t, res.Header, "read", read, read.Requests-1-i)
	}
	res, body = get("/user", as(anna)...)
	refused("read", read, res, body)
	res, _ = get("/articles", as(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode)
	requireLeft(t, res.Header, "read", read, read.Requests-1)
	res, body = get("/articles", "Authorization", "Token nonsense")
	refused("read", read, res, body) // a bad token does not make another client

	// Each class has a quota of its own.
	for i := range write.Requests {
		res, body := send(t, "PUT", s.URL+"/user", `{"user":{"bio":"x"}}`, as(anna)...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		requireLeft(t, res.Header, "write", write, write.Requests-1-i)
	}
	res, body = send(t, "PUT", s.URL+"/user", `{"user":{"bio":"never"}}`, as(anna)...)
	refused("write", write, res, body)
	res, body = get("/user", as(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, string(body))

	// Two registrations and a login are made; one attempt is left, and a token
	// adds none.
	res, body = send(t, "POST", s.URL+"/users/login", `{"user":{"email":"a@example.com","password":"guess 1"}}`)
	requireProblem(t, 401, "credentials_invalid", res, body)
	requireLeft(t, res.Header, "auth", auth, 0)
	for i, header := range [][]string{nil, as(jake), {"X-Forwarded-For", "198.51.100.7"}} {
		res, body = send(t, "POST", s.URL+"/users/login", fmt.Sprintf(`{"user":{"email":"a@example.com","password":"guess %d"}}`, i+2), header...)
		refused("auth", auth, res, body)
	}

	// A path outside the document has no class.
	for _, path := range []string{"/livez", "/readyz", "/version", "/nothing"} {
		res, _ := send(t, "GET", s.Root+path, "")
		require.NotEqual(t, http.StatusTooManyRequests, res.StatusCode)
		require.NotContains(t, res.Header, "Ratelimit")
	}
}

// TestAddressQuota checks that many accounts do not multiply the quota of the
// one who has registered them: the users of an address, and of the networks that
// one customer of a provider has, share a wider one.
func TestAddressQuota(t *testing.T) {
	t.Parallel()
	read := ratelimit.Quota{Requests: 2, Window: time.Hour}
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.Quotas, c.TrustedProxies = ratelimit.Quotas{"read": read}, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}))
	users := make([]servertest.User, 15)
	for i := range users {
		users[i] = s.Register("")
	}
	get := func(u servertest.User, address string) (*http.Response, []byte) {
		return send(t, "GET", s.URL+"/user", "", "Authorization", "Token "+u.Token, "X-Forwarded-For", address)
	}
	for _, from := range []func(i int) string{
		func(int) string { return "192.0.2.1" },
		func(i int) string { return fmt.Sprintf("2001:db8::%x", i) },
	} {
		passed := 0
		for i := range 2 * len(users) {
			res, body := get(users[i%len(users)], from(i))
			if res.StatusCode == http.StatusOK {
				passed++
				continue
			}
			requireProblem(t, 429, "rate_limited", res, body)
			requireLeft(t, res.Header, "read", read, 0)
		}
		require.Equal(t, 10*read.Requests, passed)
		users = []servertest.User{s.Register(""), s.Register(""), s.Register(""), s.Register(""), s.Register(""),
			s.Register(""), s.Register(""), s.Register(""), s.Register(""), s.Register(""), s.Register(""), s.Register("")}
	}
	res, body := get(users[0], "192.0.2.2")
	require.Equal(t, http.StatusOK, res.StatusCode, "a refusal has used up nothing: %s", body)
}

// TestDeadTokens checks that tokens which were revoked cost no statement for
// each request, and none at all once the quota of the address is used up.
func TestDeadTokens(t *testing.T) {
	t.Parallel()
	read := ratelimit.Quota{Requests: 20, Window: time.Hour}
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Quotas = ratelimit.Quotas{"read": read} }))
	anna, jake := s.Register("anna"), s.Register("jake")
	signIn := func() string {
		res, err := s.Anonymous.LoginWithResponse(t.Context(), client.LoginJSONRequestBody{User: client.LoginUser{Email: string(anna.Email), Password: servertest.Password}})
		require.NoError(t, err)
		return res.JSON200.User.Token
	}
	var dead []string
	for range 2 * read.Requests {
		dead = append(dead, signIn())
	}
	_, err := s.DB.Exec(t.Context(), `DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE username = 'anna')`)
	require.NoError(t, err)
	get := func(token string) (*http.Response, []byte) {
		return send(t, "GET", s.URL+"/user", "", "Authorization", "Token "+token)
	}
	statements := func() int64 {
		asked, _ := s.Statements.Reset()
		return asked
	}
	statements()
	for range 5 {
		res, body := get(dead[0])
		requireProblem(t, 401, "token_invalid", res, body)
	}
	require.EqualValues(t, 1, statements(), "the refusal is cached")
	for i, token := range dead[1:] {
		res, body := get(token)
		if i+5 < read.Requests {
			requireProblem(t, 401, "token_invalid", res, body)
			continue
		}
		requireProblem(t, 429, "rate_limited", res, body)
		requireLeft(t, res.Header, "read", read, 0)
		require.NotEmpty(t, res.Header.Get("Retry-After"))
	}
	require.EqualValues(t, read.Requests-1, statements(), "there is one for each refusal until the quota is used up")
	for range 3 {
		res, body := get(dead[len(dead)-1])
		requireProblem(t, 429, "rate_limited", res, body)
	}
	require.Zero(t, statements())
	res, body := get(jake.Token)
	require.Equal(t, http.StatusOK, res.StatusCode, "a user of the address has a quota of their own: %s", body)
}
