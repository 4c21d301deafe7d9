package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// plain sends no Accept-Encoding of its own. http.DefaultClient would ask for
// gzip and decode it before a test could see it.
var plain = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request as it is and does not check the response.
func send(t testing.TB, method, url, body string, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := plain.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, text
}

// titles are the names of RFC 9110, section 15, which net/http does not follow
// everywhere.
var titles = map[int]string{
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
	412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content",
	429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable",
}

// requireProblem checks that a response is a valid problem, and returns it.
func requireProblem(t testing.TB, status int, code string, res *http.Response, body []byte) client.Problem {
	t.Helper()
	require.Equal(t, status, res.StatusCode, string(body))
	require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Empty(t, res.Header.Get("ETag"))
	var members map[string]any
	require.NoError(t, json.Unmarshal(body, &members), string(body))
	for _, name := range []string{"type", "title", "status", "detail", "code", "requestId", "errors"} {
		require.NotEmpty(t, members[name], "%s of %s", name, body)
	}
	require.Len(t, members, 7, string(body))
	var p client.Problem
	require.NoError(t, json.Unmarshal(body, &p))
	require.EqualValues(t, status, p.Status)
	require.Equal(t, titles[status], p.Title)
	require.Equal(t, code, string(p.Code))
	require.Equal(t, "/docs/errors#"+code, p.Type)
	require.Equal(t, res.Header.Get("X-Request-Id"), p.RequestId)
	for field, messages := range p.Errors {
		require.NotEmpty(t, messages, field)
	}
	return p
}

// The longest time that a test polls for a condition, and the interval. The
// first is no measure of speed: it only ends a test that fails.
const (
	polling = 20 * time.Second
	tick    = 5 * time.Millisecond
)
