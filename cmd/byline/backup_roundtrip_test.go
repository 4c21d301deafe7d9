//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/embedded"
)

// TestBackupRoundTrips takes a site from the embedded PostgreSQL of an older
// major version to a newer one, to an external PostgreSQL of the older version,
// and back to an embedded one of the newer. After each step all rows and
// sequences are the same, and so are responses to anonymous callers and to a user
// who signed in at the beginning.
//
// make backup-test runs it with a million articles.
func TestBackupRoundTrips(t *testing.T) {
	t.Parallel()
	r := newRoundTrips(t)
	s := newService(t, "", r.with(r.older)...)
	r.run(s, "seed", r.sizes()...)
	s.start()
	s.waitReady()
	r.site = s.prepare()
	r.remember(s)
	s.end()
	m := r.backup(s, "embedded "+r.older.name)

	if r.newer != r.older {
		s.env = append(s.env, "BYLINE_PG_BIN=")
		r.refuseExtras(s)
		r.run(s, "upgrade-postgres", "--yes")
		r.same(s, m, "upgrade-postgres")
		require.NoError(t, os.RemoveAll(filepath.Join(s.dir, "postgres-"+r.older.name)))
		r.refuseWayDown(s)
		s.end()
		m = r.backup(s, "embedded "+r.newer.name)
	}

	server, err := embedded.Start(t.Context(), embedded.Config{DataDir: filepath.Join(accessibleFolder(t), "external"), BinDir: r.older.bin, Strict: true})
	require.NoError(t, err)
	t.Cleanup(func() { stopPostgres(t, server) })
	e := newService(t, server.URL())
	r.run(e, "restore", r.file)
	r.same(e, m, "external "+r.older.name)
	e.end()
	m = r.backup(e, "external "+r.older.name)

	back := newService(t, "", r.with(r.newer)...)
	r.run(back, "restore", r.file)
	r.same(back, m, "embedded "+r.newer.name)
	t.Logf("round trips of %d articles:\n%s", r.articles, strings.Join(r.lines, "\n"))
}

// refuseExtras makes what upgrade-postgres does not move, and checks that it says
// so before it changes anything.
func (r *roundTrips) refuseExtras(s *service) {
	r.t.Helper()
	server := postgres(r.t, s.dir)
	for _, statement := range []string{"CREATE TABLE notes ()", "CREATE DATABASE other", "ALTER ROLE byline SET work_mem = '8MB'"} {
		query[int](r.t, server.URL(), statement)
	}
	stopPostgres(r.t, server)
	out, err := s.execute(nil, "upgrade-postgres")
	require.ErrorContains(r.t, err, fmt.Sprint("exit status ", int(exitRefused)), "%s", out)
	require.Contains(r.t, string(out), "\n  database other\n  setting work_mem=8MB of the role byline\n  table notes\nTo leave it")
	require.Equal(r.t, r.older.name+"\n", readFile(r.t, filepath.Join(s.dir, "postgres", "PG_VERSION")))
}

// installed is a PostgreSQL of a major version.
type installed struct{ name, bin string }

type roundTrips struct {
	t            *testing.T
	articles     int
	older, newer installed
	cache        string // where a PostgreSQL is downloaded to
	file         string // the last backup
	site         fixture
	answers      []string
	lines        []string
}

// newRoundTrips finds two versions of PostgreSQL. The newer one is downloaded if
// BYLINE_TEST_DOWNLOAD is 1; if there is none, both are the same.
func newRoundTrips(t *testing.T) *roundTrips {
	t.Helper()
	r := &roundTrips{t: t, articles: 200, cache: filepath.Join(os.TempDir(), "byline-test-postgres")}
	if text := os.Getenv("BYLINE_BACKUP_ARTICLES"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		r.articles = n
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		t.Skip("this test needs PostgreSQL in /usr/lib/postgresql")
	}
	r.older = installed{majorOf(t, found[0]), filepath.Dir(found[0])}
	r.newer = r.older
	if last := found[len(found)-1]; last != found[0] {
		r.newer = installed{majorOf(t, last), filepath.Dir(last)}
	}
	for range 2 {
		if downloads, _ := filepath.Glob(filepath.Join(r.cache, "byline", "postgres-*", "bin", "postgres")); len(downloads) > 0 {
			last := downloads[len(downloads)-1]
			r.newer = installed{majorOf(t, last), filepath.Dir(last)}
			return r
		}
		if os.Getenv("BYLINE_TEST_DOWNLOAD") == "1" {
			r.download()
		}
	}
	return r
}

// download makes a small cluster move to the version that this release
// downloads.
func (r *roundTrips) download() {
	r.t.Helper()
	require.NoError(r.t, os.MkdirAll(r.cache, 0o755))
	s := newService(r.t, "", r.with(r.older)...)
	r.run(s, "migrate", "up")
	s.env = append(s.env, "BYLINE_PG_BIN=")
	r.run(s, "upgrade-postgres")
}

func majorOf(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command(program, "--version").Output()
	require.NoError(t, err)
	major, _, _ := strings.Cut(strings.Fields(string(out))[2], ".")
	return major
}

func (r *roundTrips) with(p installed) []string {
	return []string{"BYLINE_PG_BIN=" + p.bin, "XDG_CACHE_HOME=" + r.cache}
}

func (r *roundTrips) sizes() []string {
	users := max(30, r.articles/50)
	return []string{fmt.Sprint("--users=", users), fmt.Sprint("--articles=", r.articles), fmt.Sprint("--comments=", r.articles),
		fmt.Sprint("--favorites=", r.articles), fmt.Sprint("--follows=", 5*users), "--body-bytes=1000"}
}

// run runs a command, and notes its time and its memory.
func (r *roundTrips) run(s *service, command string, args ...string) {
	r.t.Helper()
	began := time.Now()
	cmd := exec.Command(binary, append([]string{command}, args...)...)
	var out bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, &out, &out
	if s.dir != "" {
		cmd.Dir = filepath.Dir(s.dir)
	}
	require.NoError(r.t, cmd.Start())
	ended := make(chan struct{})
	peak := make(chan int, 1)
	go func() {
		mb := 0
		for {
			mb = max(mb, (&service{cmd: cmd}).peakMemory())
			select {
			case <-ended:
				peak <- mb
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	err := cmd.Wait()
	close(ended)
	require.NoError(r.t, err, "%s", out.String())
	r.lines = append(r.lines, fmt.Sprintf("%-16s %8s  peak memory %3d MB", command, time.Since(began).Round(100*time.Millisecond), <-peak))
}

// backup writes a backup of a database whose service has ended.
func (r *roundTrips) backup(s *service, where string) backup.Manifest {
	r.t.Helper()
	r.file = filepath.Join(r.t.TempDir(), "site.byline")
	r.run(s, "backup", r.file)
	m := manifestOf(r.t, r.file)
	info, err := os.Stat(r.file)
	require.NoError(r.t, err)
	i := slices.IndexFunc(m.Tables, func(t backup.Table) bool { return t.Name == "articles" })
	require.Greater(r.t, m.Tables[i].Rows, int64(r.articles)) // and the one of the user
	require.True(r.t, strings.HasPrefix(m.Postgres, strings.Fields(where)[1]), m.Postgres)
	r.lines = append(r.lines, fmt.Sprintf("  %s: %d rows of %d tables, %d of them articles; %d MB, %d MB compressed",
		where, m.Rows(), len(m.Tables), m.Tables[i].Rows, m.Bytes()>>20, info.Size()>>20))
	return m
}

// remember notes the responses of a service.
func (r *roundTrips) remember(s *service) { r.answers = r.ask(s) }

func (r *roundTrips) ask(s *service) (answers []string) {
	r.t.Helper()
	for _, path := range []string{"/api/articles?limit=20", "/api/articles?limit=20&offset=100", "/api/articles/" + r.site.slug, "/api/tags", "/api/profiles/anna"} {
		status, text := s.send(http.MethodGet, path, "", "")
		require.Equal(r.t, http.StatusOK, status, "%s", text)
		answers = append(answers, text)
	}
	status, text := s.send(http.MethodGet, "/api/articles?author=anna", r.site.token, "")
	require.Equal(r.t, http.StatusOK, status, "%s", text)
	answers = append(answers, text)
	status, text = s.send(http.MethodGet, "/api/user", r.site.token, "")
	require.Equal(r.t, http.StatusOK, status, "the token of before: %s", text)
	require.Contains(r.t, text, "anna@example.com")
	status, text = s.send(http.MethodPost, "/api/users/login", "", `{"user":{"email":"anna@example.com","password":"correct horse"}}`)
	require.Equal(r.t, http.StatusOK, status, "the password of before: %s", text)
	return answers
}

// same compares a database with the backup that it comes from, and then the
// responses of a service on it with the first ones. The service goes on.
func (r *roundTrips) same(s *service, want backup.Manifest, where string) {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "again")
	r.run(s, "backup", path)
	requireSameData(r.t, want, manifestOf(r.t, path))
	s.start()
	s.waitReady()
	require.Equal(r.t, r.answers, r.ask(s))
	r.lines = append(r.lines, fmt.Sprintf("  %s: %d rows and %d sequences are the same; %d responses, the old token and the old password too",
		where, want.Rows(), len(want.Sequences), len(r.answers)))
	require.NoError(r.t, os.Remove(path))
}

// refuseWayDown checks that a running cluster and one of a newer version are left
// alone.
func (r *roundTrips) refuseWayDown(s *service) {
	r.t.Helper()
	out, err := s.execute([]string{"BYLINE_PG_BIN=" + r.older.bin}, "upgrade-postgres")
	require.ErrorContains(r.t, err, fmt.Sprint("exit status ", int(exitRefused)), "%s", out)
	require.Contains(r.t, string(out), "is older")
	out, err = s.execute([]string{"BYLINE_PG_BIN="}, "upgrade-postgres")
	require.ErrorContains(r.t, err, fmt.Sprint("exit status ", int(exitRefused)), "%s", out)
	require.Contains(r.t, string(out), "no newer one")
}
