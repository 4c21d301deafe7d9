//go:build unix

package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

// pgbouncer starts PgBouncer with the lines of its section pgbouncer, in front
// of a database. It returns the URL of the database through it.
func pgbouncer(t testing.TB, databaseURL, lines string) string {
	t.Helper()
	program := servertest.Program(t, "pgbouncer", "pgbouncer")
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	password, _ := u.User.Password()
	addr, dir := freePort(t), accessibleFolder(t)
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	users, config := filepath.Join(dir, "users.txt"), filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(users, fmt.Appendf(nil, "%q %q\n", u.User.Username(), password), 0o644))
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
default_pool_size = 4
%s
`, u.Hostname(), u.Port(), host, port, users, lines), 0o644))
	args := []string{config}
	if os.Geteuid() == 0 {
		args = append(args, "--user=nobody") // PgBouncer refuses to run as root
	}
	cmd, log := exec.Command(program, args...), &safeBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of PgBouncer:\n%s", log.tail(3000))
		}
	})
	await(t, "PgBouncer", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	u.Host = addr
	return u.String()
}

// documented returns the blocks of code in the section about PgBouncer by
// their language.
func documented(t testing.TB) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/deploying.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## PgBouncer\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := map[string]string{}
	for i, part := range strings.Split(section, "```") {
		if language, code, _ := strings.Cut(part, "\n"); i%2 == 1 {
			blocks[language] += code
		}
	}
	return blocks
}

// TestPgBouncer runs the service with the documented configuration of
// PgBouncer.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	pg := postgres(t, newDataFolder(t))
	blocks := documented(t)
	var ini strings.Builder
	for line := range strings.Lines(blocks["ini"]) {
		ini.WriteString(strings.TrimSpace(line) + "\n")
	}
	_, parameter, found := strings.Cut(strings.TrimSpace(blocks["text"]), "?")
	require.True(t, found, "the documented URL has a parameter")
	through := pgbouncer(t, pg.URL(), ini.String()) + "&" + parameter

	// Migrations need a session, which pool_mode=transaction shares, and
	// pool_mode=session does not.
	for _, command := range []string{"serve", "migrate up"} {
		out, err := newService(t, through).execute(nil, strings.Fields(command)...)
		var failed *exec.ExitError
		require.ErrorAs(t, err, &failed, "%s: %s", command, out)
		require.Equal(t, int(exitConfiguration), failed.ExitCode(), "%s: %s", command, out)
		require.Contains(t, string(out), "run byline migrate up with the URL of PostgreSQL itself")
	}
	require.Equal(t, []bool{false}, query[bool](t, pg.URL(), "SELECT to_regclass('users') IS NOT NULL"))
	session := pgbouncer(t, pg.URL(), strings.Replace(ini.String(), "pool_mode = transaction", "pool_mode = session", 1))
	out, err := newService(t, session).execute(nil, "migrate", "up")
	require.NoError(t, err, "%s", out)

	// Before the settings of the role are made, a start names them.
	s := startService(t, through)
	require.Contains(t, s.log.tail(5000), "plan_cache_mode=force_generic_plan")
	require.Contains(t, s.log.tail(5000), "statement_timeout=5000")
	s.end()

	for statement := range strings.Lines(strings.TrimSpace(blocks["sql"])) {
		query[int](t, pg.URL(), statement)
	}
	pids := query[bool](t, pg.URL(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'byline' AND pid <> pg_backend_pid()")
	require.NotEmpty(t, pids)
	var purges atomic.Int64
	edge := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { purges.Add(1) }))
	t.Cleanup(edge.Close)
	s = startService(t, through, "BYLINE_POOL_MAX=8", "BYLINE_SHARED_MAX_AGE=60s", "BYLINE_PURGE_URLS="+edge.URL)
	require.NotContains(t, s.log.tail(5000), "connections do not have the settings")

	l := newKeyedWorkload(t, s, s.prepare()).run(4, 4)
	l.more(200)
	s.exercise(l.fixture)
	l.finish()
	await(t, "purges", func() bool { return purges.Load() > 3 })
	require.NotContains(t, s.log.tail(5000), "could not be told")
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	require.GreaterOrEqual(t, ok, 200)
	require.Zero(t, l.lost(pg.URL()))
	s.schedule(pg.URL(), l.fixture.token, 3, "1 second").published(s)
	await(t, "the jobs", func() bool { // registrations and the password reset need mails
		return query[bool](t, pg.URL(), "SELECT bool_and(state = 'completed') AND bool_or(kind = 'clean') AND bool_or(kind = 'send_mail') FROM river_job")[0]
	})
	s.end()
	require.Empty(t, query[string](t, pg.URL(), "SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory'"), "a lock was left in a session of PgBouncer")
}

// exercise calls a representative part of the API: reads and writes of every
// tag, transactions, batches, pages and the export.
func (s *service) exercise(st fixture) {
	s.t.Helper()
	var comment struct{ Comment struct{ ID int } }
	s.post("/api/articles/"+st.slug+"/comments", st.token, `{"comment":{"body":"first"}}`, &comment)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/users", `{"user":{"username":"bob","email":"bob@example.com","password":"correct horse"}}`, 201},
		{"POST", "/api/users/login", `{"user":{"email":"anna@example.com","password":"correct horse"}}`, 200},
		{"GET", "/api/user", "", 200},
		{"PUT", "/api/user", `{"user":{"bio":"Ωμέγα"}}`, 200},
		{"POST", "/api/user/keys", `{"apiKey":{"name":"k","scopes":["read"]}}`, 201},
		{"GET", "/api/user/keys", "", 200},
		{"GET", "/api/user/export", "", 200},
		{"POST", "/api/profiles/bob/follow", "", 200},
		{"GET", "/api/profiles/bob", "", 200},
		{"DELETE", "/api/profiles/bob/follow", "", 200},
		{"GET", "/api/articles?limit=2", "", 200},
		{"GET", "/api/articles?tag=t", "", 200},
		{"GET", "/api/articles?author=anna", "", 200},
		{"GET", "/api/articles/feed", "", 200},
		{"GET", "/api/articles/" + st.slug, "", 200},
		{"POST", "/api/articles/" + st.slug + "/favorite", "", 200},
		{"GET", "/api/articles?favorited=anna", "", 200},
		{"DELETE", "/api/articles/" + st.slug + "/favorite", "", 200},
		{"PUT", "/api/articles/" + st.slug, `{"article":{"description":"e"}}`, 200},
		{"GET", "/api/articles/" + st.slug + "/comments", "", 200},
		{"PUT", fmt.Sprintf("/api/articles/%s/comments/%d", st.slug, comment.Comment.ID), `{"comment":{"body":"edited"}}`, 200},
		{"DELETE", fmt.Sprintf("/api/articles/%s/comments/%d", st.slug, comment.Comment.ID), "", 204},
		{"GET", "/api/tags", "", 200},
		{"GET", "/api/tags?limit=2&counts=true", "", 200},
		{"GET", "/api/tags/t", "", 200},
		{"GET", "/api/series", "", 200},
		{"POST", "/api/articles", `{"article":{"title":"Draft","description":"d","body":"b","status":"draft"}}`, 201},
		{"POST", "/api/articles/draft/submit", "", 200},
		{"POST", "/api/articles/draft/previews", "", 201},
		{"POST", "/api/articles/draft/publish", "", 200},
		{"POST", "/api/articles/draft/unpublish", "", 200},
		{"GET", "/api/user/articles?status=draft", "", 200},
		{"DELETE", "/api/articles/draft", "", 204},
		{"PUT", "/api/articles/" + st.slug + "/working-copy", `{"article":{"body":"c"}}`, 200},
		{"POST", "/api/articles/" + st.slug + "/publish", "", 200},
		{"GET", "/api/articles/" + st.slug + "/revisions", "", 200},
		{"GET", "/api/articles/" + st.slug + "/revisions/2/diff", "", 200},
		{"POST", "/api/articles/" + st.slug + "/revisions/1/restore", "", 200},
		{"POST", "/api/reports", `{"kind":"profile","id":"bob","reason":"r"}`, 201},
		{"POST", "/api/profiles/bob/block", "", 200},
		{"DELETE", "/api/profiles/bob/block", "", 200},
		{"GET", "/api/sessions", "", 200},
		{"POST", "/api/users/password-reset", `{"email":"anna@example.com"}`, 202},
		{"POST", "/api/batch/articles", `{"slugs":["` + st.slug + `","none"]}`, 200},
		{"POST", "/api/batch/profiles", `{"usernames":["anna","nobody"]}`, 200},
		{"GET", "/api/articles/missing", "", 404},
	} {
		status, body := s.send(c.method, c.path, st.token, c.body)
		assert.Equal(s.t, c.status, status, "%s %s: %s", c.method, c.path, body)
	}
}
