package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

// TestMailsPage checks that the admin port shows the mails, that it escapes
// their text, and that the public port does not show them.
func TestMailsPage(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	url := admin(t, s)
	s.Register("anna")
	_, err := s.DB.Exec(t.Context(), `INSERT INTO mails (kind, recipient, due_at, error) VALUES ('reset_password', '"<script>alert(1)</script>"@example.com', NULL, '550 <b>no</b>')`)
	require.NoError(t, err)
	var page string
	require.Eventually(t, func() bool {
		res, body := send(t, "GET", url+"/mails", "")
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		require.Equal(t, "default-src 'none'; frame-ancestors 'none'", res.Header.Get("Content-Security-Policy"))
		page = string(body)
		return strings.Contains(page, "To anna@example.com")
	}, polling, tick)
	require.Contains(t, page, "Confirm your e-mail address")
	require.Contains(t, page, s.Mail.Shown()[0].Action)
	require.Contains(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;")
	require.Contains(t, page, "550 &lt;b&gt;no&lt;/b&gt;")
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<b>")

	_, metrics := send(t, "GET", url+"/metrics", "")
	for _, outcome := range []string{"sent", "deferred", "given_up"} {
		require.Contains(t, string(metrics), `mail_attempts_total{outcome="`+outcome+`"}`)
	}
	res, _ := send(t, "GET", s.Root+"/mails", "")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.NotContains(t, s.Log.String(), s.Mail.Shown()[0].Action, "a log that is not a terminal has no tokens")
	require.NotContains(t, s.Log.String(), "anna@example.com")
}
