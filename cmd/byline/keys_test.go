//go:build unix

package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// command runs a byline command with the environment of the service and returns
// its standard output.
func (s *service) command(args ...string) (string, error) {
	env := map[string]string{}
	for _, pair := range s.env {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	var out bytes.Buffer
	var log safeBuffer
	err := run(s.t.Context(), args, func(name string) string { return env[name] }, &out, &log)
	return out.String(), err
}

// TestKeys rotates and revokes signing keys while a service is running.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := newService(t, "")
	s.start()
	s.waitReady()
	ready, err := s.command("healthcheck")
	require.NoError(t, err)
	require.Equal(t, "ready\n", ready)
	st := s.prepare()
	status := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/api/user", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Token "+st.token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode
	}
	list, err := s.command("keys", "list")
	require.NoError(t, err)
	first := strings.Fields(list)[2]

	_, err = s.command("keys", "revoke", first)
	require.ErrorContains(t, err, "the active key", "it is the only one")
	rotated, err := s.command("keys", "rotate")
	require.NoError(t, err)
	time.Sleep(time.Second) // replicas apply the change within this time
	require.Equal(t, http.StatusOK, status(), "tokens of the older key stay valid")
	list, err = s.command("keys", "list")
	require.NoError(t, err)
	second := strings.Fields(list)[2]
	require.Equal(t, strings.Fields(rotated)[0], second, "the new key must be the active one")

	// Otherwise the older key, which may have leaked, would sign again.
	_, err = s.command("keys", "revoke", second)
	require.Equal(t, exitRefused, codeOf(err), "%v", err)
	require.ErrorContains(t, err, "the active key")
	again, err := s.command("keys", "list")
	require.NoError(t, err)
	require.Equal(t, list, again)

	_, err = s.command("keys", "revoke", first)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return status() == http.StatusUnauthorized }, 20*time.Second, 50*time.Millisecond)

	_, err = s.command("keys", "revoke", "nonsense")
	require.Error(t, err)
}
