//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAdmin creates and promotes admins while a service is running, and checks
// that the service accepts them at once.
func TestAdmin(t *testing.T) {
	t.Parallel()
	s := newService(t, "")
	s.start()
	s.waitReady()
	type result struct {
		out string
		err error
	}
	// The command runs in a separate process because it reads the password from
	// standard input.
	admin := func(input string, args ...string) result {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"admin"}, args...)...)
		cmd.Env, cmd.Stdin = s.env, strings.NewReader(input)
		var out, log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &log
		err := cmd.Run()
		return result{out.String() + log.String(), err}
	}
	status := func(token string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/api/admin/users", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Token "+token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode
	}
	login := func(email, password string) string {
		var signedIn struct{ Tokens struct{ AccessToken string } }
		s.post("/api/sessions", "", `{"user":{"email":"`+email+`","password":"`+password+`"}}`, &signedIn)
		return signedIn.Tokens.AccessToken
	}

	made := admin("correct horse battery\n", "create", "--username", "root", "--email", "root@example.com")
	require.NoError(t, made.err, made.out)
	require.NotContains(t, made.out, "correct horse", "the operator typed the password, so it must not be printed")
	require.NotContains(t, made.out, "Password:", "nobody reads a prompt when standard input is not a terminal")
	require.Equal(t, http.StatusOK, status(login("root@example.com", "correct horse battery")))

	generated := admin("", "create", "--username", "second", "--email", "second@example.com", "--generate-password")
	require.NoError(t, generated.err, generated.out)
	_, password, found := strings.Cut(generated.out, "password (shown only once): ")
	require.True(t, found, generated.out)
	password, _, _ = strings.Cut(password, "\n")
	require.Equal(t, http.StatusOK, status(login("second@example.com", password)))

	for label, c := range map[string]struct {
		input, want string
		args        []string
	}{
		"Taken":         {"correct horse battery", "has already been taken", []string{"create", "--username", "ROOT", "--email", "third@example.com"}},
		"ShortPassword": {"short\n", "password is too short", []string{"create", "--username", "third", "--email", "third@example.com"}},
		"NoPassword":    {"", "reading the password", []string{"create", "--username", "third", "--email", "third@example.com"}},
		"BadEmail":      {"correct horse battery", "email", []string{"create", "--username", "third", "--email", "nonsense"}},
		"NoName":        {"correct horse battery", "--username and --email", []string{"create"}},
		"NoUser":        {"", `there is no user "nobody"`, []string{"promote", "nobody"}},
	} {
		refused := admin(c.input, c.args...)
		require.Error(t, refused.err, label)
		require.Contains(t, refused.out, c.want, label)
		require.NotContains(t, refused.out, "SQLSTATE", label)
	}

	st := s.prepare()
	require.Equal(t, http.StatusForbidden, status(st.token))
	promoted := admin("", "promote", "ANNA")
	require.NoError(t, promoted.err, promoted.out)
	await(t, "her existing token to have the role admin", func() bool { return status(st.token) == http.StatusOK })
}

// TestResetLink checks that a production service without a mail server shows no
// tokens, and that an operator can make a link for one account.
func TestResetLink(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "reset_link")
	s := startService(t, databaseURL, "BYLINE_PASSWORD_HASHERS=2", "BYLINE_RESET_URL=https://example.com/reset#{token}")
	s.prepare()
	require.Contains(t, s.log.tail(3000), "byline admin reset-link makes a link for one account")
	status := func(path, body string) int {
		res, err := http.Post("http://"+s.addr+path, "application/json", strings.NewReader(body))
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode
	}
	require.Equal(t, http.StatusAccepted, status("/api/users/password-reset", `{"email":"anna@example.com"}`))
	await(t, "the mails to be discarded", func() bool { return query[int](t, databaseURL, "SELECT count(*) FROM mails")[0] == 0 })
	require.Zero(t, query[int](t, databaseURL, "SELECT count(*) FROM mail_tokens")[0])
	require.NotContains(t, s.adminPage("/mails"), "anna@example.com")

	cmd := exec.CommandContext(t.Context(), binary, "admin", "reset-link", "ANNA")
	cmd.Env = s.env
	out, err := cmd.Output()
	require.NoError(t, err)
	token, found := strings.CutPrefix(strings.TrimSpace(string(out)), "https://example.com/reset#")
	require.True(t, found, "%s", out)
	confirm := `{"token":"` + token + `","password":"another correct horse"}`
	require.Equal(t, http.StatusNoContent, status("/api/users/password-reset/confirm", confirm))
	require.Equal(t, http.StatusUnprocessableEntity, status("/api/users/password-reset/confirm", confirm), "a link works once")
	require.Equal(t, http.StatusOK, status("/api/users/login", `{"user":{"email":"anna@example.com","password":"another correct horse"}}`))

	cmd = exec.CommandContext(t.Context(), binary, "admin", "reset-link", "Ａnna")
	cmd.Env = s.env
	out, err = cmd.Output()
	require.NoError(t, err, "every spelling of a name finds the account")
	require.Contains(t, string(out), "https://example.com/reset#")

	cmd = exec.CommandContext(t.Context(), binary, "admin", "reset-link", "nobody")
	cmd.Env = s.env
	out, err = cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), `there is no user "nobody"`)
}
