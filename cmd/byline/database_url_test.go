//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// runWith runs a command in this process on a database and returns everything
// that it writes, with its error at the end.
func runWith(t testing.TB, databaseURL string, args ...string) string {
	t.Helper()
	env := map[string]string{
		"DATABASE_URL": databaseURL, "BYLINE_ADDR": "127.0.0.1:0", "BYLINE_ADMIN_ADDR": "off", "BYLINE_DATA_DIR": "/nonexistent",
	}
	ctx, cancel := context.WithTimeout(t.Context(), hangTimeout)
	defer cancel()
	var out safeBuffer
	err := run(ctx, args, func(name string) string { return env[name] }, &out, &out)
	require.NoError(t, ctx.Err(), "the command did not end by itself: %s", out.tail(1<<20))
	if err != nil {
		return out.tail(1<<20) + err.Error()
	}
	return out.tail(1 << 20)
}

// TestPasswordIsNotPrinted runs commands with passwords in every place of
// malformed and odd database URLs.
func TestPasswordIsNotPrinted(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"postgres://u:s3cret", "postgres://u:s3cret/d", "postgres://u:s3cret:h/d", "postgres://u:s3cret@", "postgres://u:s3cret@h:port/d",
		" postgres://u:s3cret@h:x/d", "\"postgres://u:s3cret@h/d\"", "'postgres://u:s3cret@h/d'", "DATABASE_URL=postgres://u:s3cret@h/d",
		"jdbc:postgresql://u:s3cret@h/d", "jdbc:postgresql://h/d?user=u&password=s3cret", "postgresql+asyncpg://u:s3cret@h/d", "postgres:/u:s3cret@h/d", "postgres//u:s3cret@h/d",
		"postgres://u:%s3cret@h/d", "postgres://u:a%zzs3cret@h/d", "postgres://u:s3cret%@h/d", "postgres://u:12/s3cret@h/d", "postgres://u:12?s3cret@h/d",
		"postgres://u:12#s3cret@h:x/d", "postgres://u:s3[cret@h/d", "postgres://u:s3 cret@h/d", "postgres://u:\\s3cret@h:x/d", "postgres://u:s3cret@h1:x,h2/d",
		"postgres://h:1/d?password=a@s3cret", "postgres://h/d?pass%77ord=s3cret&sslmode=x", "postgres://h/d?password=a b s3cret&sslmode=x", "postgres://h/d?pwd=s3cret&sslmode=x",
		"postgres://h/d?passwd=s3cret&sslmode=x", "postgres://h:x/d?sslpassword=s3cret", "postgres://u:s3cret@h/d?sslmode=x", "postgres://u:s3cret@h/d?sslrootcert=/nonexistent",
		"host=h password=a s3cret sslmode=x", "host=h password='a's3cret sslmode=x", "host=h password = 's3cret", "host=h password=s3cret sslmode=x", "host=h port=x passwd=s3cret",
		"user:s3cret", "s3cret", "u s3cret", "host h password s3cret", "=s3cret", "password:s3cret host=h",
	} {
		out := runWith(t, given, "config")
		require.NotContains(t, out, "cret", given)
		require.NotContains(t, runWith(t, "", "config", "--database-url="+given), "cret", given)
		if !strings.Contains(out, "invalid configuration") {
			continue // the commands would try to connect
		}
		for _, command := range [][]string{{"serve"}, {"migrate", "status"}, {"seed"}, {"keys", "list"}, {"healthcheck"}} {
			require.NotContains(t, runWith(t, given, command...), "cret", "%s %s", command, given)
		}
	}
}

// TestServeEndsAtPermanentErrors checks that a start ends at once, and says
// what to change, if no further attempt can succeed.
func TestServeEndsAtPermanentErrors(t *testing.T) {
	t.Parallel()
	base := sharedDatabase(t, "permanent")
	change := func(f func(u *url.URL)) string {
		u, err := url.Parse(base)
		require.NoError(t, err)
		f(u)
		return u.String()
	}
	parameter := func(name, value string) string {
		return change(func(u *url.URL) {
			q := u.Query()
			q.Set(name, value)
			u.RawQuery = q.Encode()
		})
	}
	for name, c := range map[string]struct{ url, want string }{
		"Password":    {change(func(u *url.URL) { u.User = url.UserPassword("byline", "s3cret") }), "check the user and the password"},
		"User":        {change(func(u *url.URL) { u.User = url.UserPassword("nobody", "s3cret") }), "check the user and the password"},
		"Database":    {change(func(u *url.URL) { u.Path = "/missing" }), "create the database first"},
		"Prisma":      {parameter("schema", "public"), `remove the parameter from DATABASE_URL`},
		"Value":       {parameter("timezone", "Nowhere/Else"), "correct the parameter in DATABASE_URL"},
		"TLS":         {parameter("sslmode", "require"), "the server does not offer TLS"},
		"SSLMode":     {parameter("sslmode", "never"), "sslmode is invalid"},
		"Certificate": {parameter("sslrootcert", "/nonexistent/root.crt"), "open /nonexistent/root.crt: no such file"},
		"Ambiguous":   {"postgres://u:12/s3cret@h/d", "must be percent-encoded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := runWith(t, c.url, "serve")
			require.Contains(t, out, c.want)
			require.NotContains(t, out, "retrying")
			require.NotContains(t, out, "s3cret")
			require.Contains(t, runWith(t, c.url, "migrate", "status"), c.want)
		})
	}
}

// TestServeWaitsForDatabase starts the service before its database.
func TestServeWaitsForDatabase(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "waits")
	proxy, through := newProxy(t, databaseURL)
	proxy.down()
	s := newService(t, through)
	s.start()
	await(t, "a line about the wait", func() bool { return strings.Contains(s.log.tail(5000), "cannot reach the database; retrying") })
	proxy.up(databaseURL)
	s.waitReady()
}

// TestServeWarnsAboutCase starts the service on a database whose locale does
// not know letters outside of ASCII.
func TestServeWarnsAboutCase(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(sharedDatabase(t, "any_locale"))
	require.NoError(t, err)
	query[int](t, u.String(), "CREATE DATABASE c_locale TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
	u.Path = "/c_locale"
	s := startService(t, u.String())
	require.Contains(t, s.log.tail(5000), "knows only the letters of ASCII")
	require.Contains(t, s.log.tail(5000), "that the service does not register itself")
	// The service itself knows all letters.
	for i, name := range []string{"Zoë", "ZOË"} {
		body := fmt.Sprintf(`{"user":{"username":%q,"email":"z%d@example.com","password":"correct horse"}}`, name, i)
		res, err := quickClient.Post("http://"+s.addr+"/api/users", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, []int{http.StatusCreated, http.StatusConflict}[i], res.StatusCode)
	}
}
