package strangle_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle"
)

// TestModeAPI checks the ways to see and change the modes.
func TestModeAPI(t *testing.T) {
	t.Parallel()
	w := start(t, modes("default", "old", "reads", "10%"), nil, nil)
	type state struct {
		Modes      map[string]string
		Operations []struct{ Operation, Tag, Method, Path, Mode, By string }
	}
	call := func(method, body string) (s state) {
		t.Helper()
		a := request(t, w.admin, method, "/mode", body)
		require.Equal(t, http.StatusOK, a.StatusCode, a.body)
		require.NoError(t, json.Unmarshal([]byte(a.body), &s))
		return s
	}
	s := call("GET", "")
	require.Equal(t, map[string]string{"default": "old", "reads": "10%"}, s.Modes)
	require.Greater(t, len(s.Operations), 60)
	require.Equal(t, "GetTags", s.Operations[indexOf(t, s.Operations, "GetTags")].Operation)
	s = call("PATCH", `{"GetTags":"new","reads":null}`)
	require.Equal(t, map[string]string{"default": "old", "GetTags": "new"}, s.Modes)
	got := s.Operations[indexOf(t, s.Operations, "GetTags")]
	require.Equal(t, "new", got.Mode)
	require.Equal(t, "GetTags", got.By)
	require.Equal(t, "new", w.send("GET", "/api/tags", "").from())
	s = call("PUT", `{"tags":"new"}`)
	require.Equal(t, map[string]string{"tags": "new"}, s.Modes)
	require.Equal(t, "old", w.send("GET", "/api/articles", "").from(), "without a default, old answers")

	for _, body := range []string{"", "x", "[]", "null", `{"GetTags":1}`, `{"GetTags":"on"}`, `{"Nonsense":"new"}`, `{"CreateArticle":"shadow"}`, `{} {}`, `{"a":"` + strings.Repeat("x", 70_000) + `"}`} {
		for _, method := range []string{"PUT", "PATCH"} {
			a := request(t, w.admin, method, "/mode", body)
			require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode, body)
		}
	}
	for _, wait := range []string{"x", "-1s", "1h"} {
		require.Equal(t, http.StatusUnprocessableEntity, request(t, w.admin, "PUT", "/mode?wait="+wait, "{}").StatusCode)
	}
	require.Equal(t, map[string]string{"tags": "new"}, call("GET", "").Modes, "what is refused changes nothing")

	a := request(t, w.admin, "POST", "/rollback", "")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, map[string]string{"default": "old"}, call("GET", "").Modes)
	require.Equal(t, "old", w.send("GET", "/api/tags", "").from())
	require.Equal(t, "1", w.metric(`strangle_changes_total{by="rollback"}`))
	require.Equal(t, "2", w.metric(`strangle_changes_total{by="admin API"}`))
	require.Contains(t, w.log.String(), `"by":"admin API"`)
	require.Contains(t, w.log.String(), "tags: was new, not set")
}

func indexOf(t *testing.T, operations []struct{ Operation, Tag, Method, Path, Mode, By string }, id string) int {
	t.Helper()
	for i, op := range operations {
		if op.Operation == id {
			return i
		}
	}
	require.Fail(t, "no such operation", id)
	return 0
}

// TestPage checks the page and its forms, which only the page itself may use.
func TestPage(t *testing.T) {
	t.Parallel()
	w := start(t, modes("default", "old", "GetTags", "shadow"), respond(`{"tags":["<script>"]}`), respond(`{"tags":[]}`))
	w.send("GET", "/api/tags", "")
	w.results("GetTags", 1)
	a := request(t, w.admin, "GET", "/", "")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	require.Equal(t, "default-src 'none'; frame-ancestors 'none'", a.Header.Get("Content-Security-Policy"))
	require.Equal(t, "same-origin", a.Header.Get("Referrer-Policy"))
	require.NotContains(t, a.body, "<script")
	for _, want := range []string{
		"<td>GetTags<td>tags<td>GET /tags<td>shadow (by GetTags)<td>1<td>0.00 %", "$.tags[*]<td>missing<td>1", "text of 8, #",
		`action="/rollback"`, `value="shadow" aria-label="Mode of GetTags"`, w.old.URL, "<td>other<td><td>not in the document",
	} {
		require.Contains(t, a.body, want)
	}

	origin := []string{"Origin", w.admin.URL, "Content-Type", "application/x-www-form-urlencoded"}
	form := func(path, name, mode string, header ...string) answer {
		return request(t, w.admin, "POST", path, url.Values{"name": {name}, "mode": {mode}}.Encode(), append(header, origin[2:]...)...)
	}
	for _, foreign := range [][]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		for _, path := range []string{"/mode", "/rollback", "/differences/clear"} {
			require.Equal(t, http.StatusForbidden, form(path, "GetTags", "new", foreign...).StatusCode)
		}
		require.Equal(t, http.StatusForbidden, request(t, w.admin, "PUT", "/mode", `{"default":"new"}`, foreign...).StatusCode)
	}
	require.Contains(t, request(t, w.admin, "GET", "/mode", "").body, `"GetTags":"shadow"`)
	require.Equal(t, http.StatusSeeOther, form("/mode", "GetTags", " new ", origin[:2]...).StatusCode)
	require.Equal(t, "new", w.send("GET", "/api/tags", "").from())
	require.Equal(t, http.StatusSeeOther, form("/mode", "GetTags", "", origin[:2]...).StatusCode)
	require.Equal(t, "old", w.send("GET", "/api/tags", "").from())
	require.Equal(t, http.StatusUnprocessableEntity, form("/mode", "GetTags", "on", origin[:2]...).StatusCode)
	require.Equal(t, http.StatusSeeOther, form("/differences/clear", "", "", origin[:2]...).StatusCode)
	require.Empty(t, w.differences().Differences)
	back := request(t, w.admin, "POST", "/rollback", "", "Origin", w.admin.URL, "Accept", "text/html,*/*")
	require.Equal(t, http.StatusSeeOther, back.StatusCode)
	require.Contains(t, w.log.String(), `"by":"admin page"`)
}

// TestAdminHosts checks that a name of another site does not reach the port.
func TestAdminHosts(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) { c.AdminHosts = []string{"strangle"} }, nil, nil)
	for host, want := range map[string]int{"evil.example": 421, "Strangle:9091": 200, "strangle.evil.example": 421, "localhost:9091": 200, "127.0.0.1": 200, "[::1]:1": 200, "LOCALHOST.": 200, "": 421} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", w.admin.URL+"/", nil)
		require.NoError(t, err)
		if req.Host = host; host == "" {
			req.Host = "x"
		}
		res, err := w.admin.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, host)
	}
	w.set("default", "new")
	require.Equal(t, "old", w.send("POST", "/rollback", "").from(), "the public port has no admin pages")
	require.Equal(t, "new", w.send("GET", "/api/tags", "", "User-Agent", "another").from())
}

// TestFile checks that the file counts when it changes, and that a wrong one
// changes nothing.
func TestFile(t *testing.T) {
	t.Parallel()
	w := &world{t: t, old: newBackend(t, "old", nil), new: newBackend(t, "new", nil)}
	path := filepath.Join(t.TempDir(), "strangle.yaml")
	head := "# the two systems\nold: " + w.old.URL + "\nnew: " + w.new.URL + "\nsaveChanges: true\n"
	write := func(text string) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write(head + "modes:\n  default: old\n")
	cfg, file, err := strangle.Load(path, func(*strangle.Config) {})
	require.NoError(t, err)
	w.run(cfg, file)
	from := func() string { return w.send("GET", "/api/tags", "").from() }
	require.Equal(t, "old", from())

	write(head + "modes:\n  GetTags: new\n")
	w.eventually(func() bool { return from() == "new" })
	for _, wrong := range []string{"modes: {GetTags: on}", "modes: [", head + "modes: {Nonsense: new}", "", head + "newTimeout: 0s"} {
		before := strings.Count(w.log.String(), "was not applied")
		write(wrong)
		w.eventually(func() bool { return strings.Count(w.log.String(), "was not applied") == before+1 })
		require.Equal(t, "new", from(), wrong)
	}
	write(head + "modes: {default: new}\nnewTimeout: 1s\n")
	w.eventually(func() bool { return strings.Contains(w.log.String(), "needs a restart") })
	w.eventually(func() bool { return w.send("GET", "/api/articles", "").from() == "new" })
	require.NoError(t, os.Remove(path))
	w.eventually(func() bool { return strings.Contains(w.log.String(), "no such file") })
	require.Equal(t, "new", from())

	write(head + "# keep this\nmodes:\n  GetTags: new # and this is replaced\nstickAfterWrite: 1s # kept\n")
	w.eventually(func() bool { return w.send("GET", "/api/articles", "").from() == "old" })
	require.Equal(t, http.StatusOK, request(t, w.admin, "PATCH", "/mode", `{"reads":"25%"}`).StatusCode)
	saved, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, want := range []string{"# the two systems", "# keep this", "GetTags: new", "reads: 25%", "stickAfterWrite: 1s # kept"} {
		require.Contains(t, string(saved), want)
	}
	again, err := strangle.ParseConfig(saved)
	require.NoError(t, err)
	require.Equal(t, strangle.Modes{"GetTags": "new", "reads": "25%"}, again.Modes)
	require.NoError(t, w.proxy.Rollback())
	saved, err = os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(saved), "GetTags")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
}

// TestNotSaved checks that a change counts even if it cannot be saved.
func TestNotSaved(t *testing.T) {
	t.Parallel()
	w := &world{t: t, old: newBackend(t, "old", nil), new: newBackend(t, "new", nil)}
	folder := filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Mkdir(folder, 0o700))
	path := filepath.Join(folder, "strangle.yaml")
	require.NoError(t, os.WriteFile(path, []byte("old: "+w.old.URL+"\nnew: "+w.new.URL+"\nsaveChanges: true\n"), 0o600))
	cfg, file, err := strangle.Load(path, func(*strangle.Config) {})
	require.NoError(t, err)
	w.run(cfg, file)
	require.NoError(t, os.RemoveAll(folder))
	a := request(t, w.admin, "PUT", "/mode", `{"default":"new"}`)
	require.Equal(t, http.StatusInternalServerError, a.StatusCode)
	require.Contains(t, a.body, "the modes were changed, but could not be saved")
	require.Equal(t, "new", w.send("GET", "/api/tags", "").from())
}
