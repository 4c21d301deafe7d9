package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

// TestJobsPage checks that the admin port lists jobs and changes them for
// operators alone, and that the public port does neither.
func TestJobsPage(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	root := admin(t, s)
	insert := func(state, finished, problem string) (id int64) {
		t.Helper()
		require.NoError(t, s.DB.QueryRow(t.Context(), `INSERT INTO river_job (kind, args, state, finalized_at, attempt, max_attempts, errors)
			VALUES ('send_mail', '{"mailId": 7}', CAST($1::text AS river_job_state), CAST(NULLIF($2::text, '') AS timestamptz), 3, 3, ARRAY[jsonb_build_object('error', $3::text)]) RETURNING id`,
			state, finished, problem).Scan(&id))
		return id
	}
	failed, waiting := insert("discarded", "now", "550 <script>alert(1)</script>"), insert("retryable", "", "451 later")
	state := func(id int64) (state string) {
		t.Helper()
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT state::text FROM river_job WHERE id = $1`, id).Scan(&state))
		return state
	}

	res, body := send(t, "GET", root+"/jobs", "")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Equal(t, "default-src 'none'; frame-ancestors 'none'", res.Header.Get("Content-Security-Policy"))
	page := string(body)
	require.Contains(t, page, "550 &lt;script&gt;")
	require.Contains(t, page, "{&#34;mailId&#34;: 7}")
	require.Contains(t, page, "3 of 3")
	require.NotContains(t, page, "<script")
	require.Less(t, strings.Index(page, "discarded"), strings.Index(page, "retryable"))

	address, err := url.Parse(root)
	require.NoError(t, err)
	change := func(what string, id any, header ...string) int {
		t.Helper()
		res, _ := send(t, "POST", fmt.Sprintf("%s/jobs/%v/%s", root, id, what), "", header...)
		return res.StatusCode
	}
	for _, foreign := range [][]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "http://127.0.0.1:1"},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
	} {
		require.Equal(t, http.StatusForbidden, change("retry", failed, foreign...), foreign)
		require.Equal(t, http.StatusForbidden, change("cancel", waiting, foreign...), foreign)
	}
	require.Equal(t, "discarded", state(failed))
	require.Equal(t, "retryable", state(waiting))
	require.Equal(t, http.StatusSeeOther, change("retry", failed, "Origin", "http://"+address.Host))
	require.Equal(t, "available", state(failed))
	require.Equal(t, http.StatusSeeOther, change("cancel", waiting))
	require.Equal(t, "cancelled", state(waiting))
	for _, id := range []any{1 << 40, "x", -1} {
		require.Equal(t, http.StatusNotFound, change("retry", id))
	}

	_, metrics := send(t, "GET", root+"/metrics", "")
	for _, line := range []string{
		`queue_jobs{state="due"} 1`, `queue_jobs{state="discarded"} 0`, `job_attempts_total{kind="send_mail",outcome="failed"} 0`,
		`job_duration_seconds_count{kind="send_mail"} 0`, "job_oldest_due_seconds ",
	} {
		require.Contains(t, string(metrics), line)
	}
	for _, path := range []string{"/jobs", fmt.Sprintf("/jobs/%d/retry", failed)} {
		res, _ := send(t, "GET", s.Root+path, "")
		require.Equal(t, http.StatusNotFound, res.StatusCode)
	}
}
