package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// TestAllow checks that a 405, and the response to OPTIONS, name every method of
// the path, for each path of the document and each method that it lacks.
func TestAllow(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	closed := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CORSOrigins = nil }))
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	methods := []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodTrace, "BREW"}
	for path, item := range doc.Paths.Map() {
		want := []string{http.MethodOptions}
		for method := range item.Operations() {
			want = append(want, method)
			if method == http.MethodGet {
				want = append(want, http.MethodHead)
			}
		}
		at := strings.NewReplacer("{slug}", "a-story", "{username}", "anna", "{id}", "1").Replace(path)
		for _, url := range []string{s.URL, closed.URL} {
			res, _ := send(t, http.MethodOptions, url+at, "")
			require.Equal(t, http.StatusNoContent, res.StatusCode, at)
			require.ElementsMatch(t, want, strings.Split(res.Header.Get("Allow"), ", "), "OPTIONS %s", at)
		}
		for _, method := range methods {
			if item.Operations()[method] != nil {
				continue
			}
			res, _ := send(t, method, s.URL+at, "")
			require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode, "%s %s", method, at)
			require.ElementsMatch(t, want, strings.Split(res.Header.Get("Allow"), ", "), "%s %s", method, at)
		}
	}
}

// TestAccepted checks that the 415 of each operation with a body says what would
// have been accepted. servertest checks that the document declares its headers.
func TestAccepted(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	doc, err := contract.Load()
	require.NoError(t, err)
	tested := 0
	for _, op := range doc.Operations() {
		if op.MaxBody == 0 {
			continue
		}
		tested++
		c := valid[op.ID](newStage(s))
		res, text := c.with("Content-Type", "text/plain").do(s, op.Method)
		require.Equal(t, http.StatusUnsupportedMediaType, res.StatusCode, op.ID)
		require.Equal(t, []string{"application/json"}, res.Header["Accept"], op.ID)
		require.Empty(t, res.Header["Accept-Encoding"], op.ID)
		require.Contains(t, text, "Send the body as application/json.", op.ID)
		res, text = c.with("Content-Encoding", "gzip").do(s, op.Method)
		require.Equal(t, http.StatusUnsupportedMediaType, res.StatusCode, op.ID)
		require.Equal(t, []string{"identity"}, res.Header["Accept-Encoding"], op.ID)
		require.Empty(t, res.Header["Accept"], op.ID)
		require.Contains(t, text, "Send the body without a Content-Encoding.", op.ID)
	}
	require.NotZero(t, tested)
}
