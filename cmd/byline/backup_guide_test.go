//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/backup"
)

// These tests run the commands of docs/backup.md in the order of the guide, in
// one shell. Where a command needs a machine of its own, the test puts another
// program in its place: sudo becomes runuser, and systemctl starts and stops
// what the test has prepared. TestUnitRuns runs the blocks for systemd.

const backupGuide = "../../docs/backup.md"

// backupBlocks returns the blocks that a test runs: those of the section about
// pgBackRest, or the others.
func backupBlocks(t *testing.T, pitr bool) (blocks []string) {
	t.Helper()
	text := readFile(t, backupGuide)
	section := regexp.MustCompile(`(?s)\n## Return to a moment\n.*?\n## `).FindString(text)
	require.NotEmpty(t, section)
	for _, b := range readBlocks(t, backupGuide) {
		byUnit := strings.Contains(b.code, "systemd-run") || strings.Contains(b.code, "byline-data.tar.gz")
		if b.language == "sh" && !b.exempt && !byUnit && strings.Contains(section, b.code) == pitr {
			blocks = append(blocks, b.code)
		}
	}
	return blocks
}

// shell runs blocks with programs that stand before all others in PATH.
func shell(t *testing.T, dir string, programs map[string]string, env []string, blocks ...string) string {
	t.Helper()
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.MkdirAll(bin, 0o755))
	for name, script := range programs {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/bash\nset -e\n"+script+"\n"), 0o755))
	}
	cmd := exec.Command("bash", "-euxo", "pipefail", "-c", strings.Join(blocks, "\n"))
	cmd.Dir, cmd.Env = dir, append(slices.Clone(env), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestBackupGuide(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skip("the guide uses zstd")
	}
	s := startService(t, "")
	s.prepare()
	dir := accessibleFolder(t)
	empty := sharedDatabase(t, "guide_backup")
	blocks := backupBlocks(t, false)
	require.Len(t, blocks, 5, "backup, verify, restore twice, unpack")
	for i, b := range blocks {
		blocks[i] = regexp.MustCompile(`(?m)^export DATABASE_URL=.*$`).ReplaceAllLiteralString(b, "export DATABASE_URL='"+empty+"'")
	}
	require.NotEqual(t, backupBlocks(t, false), blocks)
	programs := map[string]string{"byline": "exec " + binary + ` "$@"`}
	out := shell(t, dir, programs, s.env, blocks...)
	require.Equal(t, 2, strings.Count(out, "all checksums are right"), out)
	sum := regexp.MustCompile(`([0-9a-f]{64})  -`).FindStringSubmatch(out)
	require.NotNil(t, sum)
	m := manifestOf(t, filepath.Join(dir, "site.byline"))
	i := slices.IndexFunc(m.Tables, func(t backup.Table) bool { return t.Name == "users" })
	require.Equal(t, m.Tables[i].SHA256, sum[1])
	require.Equal(t, []string{"anna"}, query[string](t, empty, "SELECT username FROM users"))
}

// pitr is a PostgreSQL of an account of its own, as Debian installs it.
type pitr struct {
	t        *testing.T
	dir, bin string
	port     string
	account  string // "" if it is that of this process
}

// TestPointInTime follows the section about pgBackRest while a service writes,
// deletes all comments, and returns to the moment before.
func TestPointInTime(t *testing.T) {
	if os.Getenv("BYLINE_TEST_PGBACKREST") != "1" {
		t.Skip("make pitr-test runs it: it downloads pgBackRest")
	}
	p := newPITR(t)
	blocks := backupBlocks(t, true)
	require.Len(t, blocks, 4, "first backup, info, restore, check")
	programs, env := p.programs()
	shell(t, p.dir, programs, env, "sudo systemctl start postgresql@15-main",
		`sudo -u postgres psql --dbname=postgres --command="CREATE ROLE byline LOGIN PASSWORD 'secret'" --command="CREATE DATABASE byline OWNER byline"`)
	t.Cleanup(func() { shell(t, p.dir, programs, env, "sudo systemctl stop postgresql@15-main") })
	url := "postgres://byline:secret@127.0.0.1:" + p.port + "/byline?sslmode=disable"
	s := startService(t, url)
	st := s.prepare()
	l := newWorkload(t, "http://"+s.addr, st).run(2, 2)
	l.more(50)
	out := shell(t, p.dir, programs, env, blocks[:2]...) // the restart of PostgreSQL too
	require.Contains(t, out, "full backup: ")
	ended := query[time.Time](t, url, "SELECT date_trunc('second', clock_timestamp())")[0]
	l.more(200)
	// pgBackRest compares whole seconds: it finds no backup for a moment in the second in which the only one has ended.
	await(t, "the second after the backup", func() bool {
		return query[time.Time](t, url, "SELECT date_trunc('second', clock_timestamp())")[0].After(ended)
	})
	l.finish()
	before := query[int](t, url, "SELECT count(*)::int FROM comments")[0]
	require.NotZero(t, before)
	moment := query[string](t, url, "SELECT clock_timestamp()::text")[0]
	require.NotEmpty(t, query[int64](t, url, "DELETE FROM comments RETURNING id"))
	after := query[int](t, url, "SELECT count(*)::int FROM comments")[0]
	require.Zero(t, after)
	s.end()

	restore := regexp.MustCompile(`(?m)^target=.*$`).ReplaceAllLiteralString(blocks[2], "target='"+moment+"'")
	require.NotEqual(t, blocks[2], restore)
	shell(t, p.dir, programs, env, restore)
	await(t, "the end of the recovery", func() bool { return !query[bool](t, url, "SELECT pg_is_in_recovery()")[0] })
	out = shell(t, p.dir, programs, env, blocks[3])
	require.Regexp(t, `\n f +\| \d{4}-`, out)
	lost := l.lost(url)
	require.Zero(t, lost)
	s.start()
	s.waitReady()
	status, text := s.send("GET", "/api/articles/"+st.slug+"/comments", st.token, "")
	require.Equal(t, 200, status, "%s", text)
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(t, other, "%v", l.strange)
	t.Logf("point in time: %d requests while the full backup was made (%d with 2xx, %d with 503, %d without a response); %d comments, %d after the mistake, %d after the return to %s; %d of %d acknowledged writes lost",
		ok+unavailable+refused+broken, ok, unavailable, refused+broken, before, after, query[int](t, url, "SELECT count(*)::int FROM comments")[0], moment, lost, len(l.acked))
}

func newPITR(t *testing.T) *pitr {
	t.Helper()
	p := &pitr{t: t, dir: accessibleFolder(t), bin: "/usr/lib/postgresql/15/bin"}
	if !exists(p.bin + "/initdb") {
		t.Skip("this test needs PostgreSQL 15 in " + p.bin)
	}
	_, port, err := net.SplitHostPort(freePort(t))
	require.NoError(t, err)
	p.port = port
	if me, err := user.Current(); err == nil && me.Uid == "0" {
		p.account = "postgres"
	}
	p.install()
	p.configure()
	return p
}

// install unpacks pgBackRest, without its scripts of the installation.
func (p *pitr) install() {
	out, err := exec.Command("bash", "-euc", "cd "+p.dir+" && mkdir debian && cd debian && apt-get download pgbackrest && dpkg -x pgbackrest_*.deb .").CombinedOutput()
	require.NoError(p.t, err, "%s", out)
}

// configure creates the cluster, and writes the files of the guide with the
// paths of this test.
func (p *pitr) configure() {
	t := p.t
	var files []string
	for _, b := range readBlocks(t, backupGuide) {
		if b.language == "ini" {
			files = append(files, b.code)
		}
	}
	require.Len(t, files, 2)
	data := filepath.Join(p.dir, "main")
	backrest := strings.NewReplacer("/var/lib/postgresql/15/main", data, "/var/lib/pgbackrest", filepath.Join(p.dir, "repo")).Replace(files[0])
	require.NotEqual(t, files[0], backrest)
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "pgbackrest.conf"), []byte(backrest+"\n"), 0o644))
	script := fmt.Sprintf(`mkdir main repo log
		if [ -n "%[1]s" ]; then chown %[1]s main repo log; fi
		sudo -u postgres %[2]s/initdb --pgdata=main --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C --lc-ctype=C.UTF-8 --no-instructions
		cat >>main/postgresql.conf <<'END'
port = %[3]s
unix_socket_directories = '%[4]s/log'
listen_addresses = '127.0.0.1'
%[5]s
END`, p.account, p.bin, p.port, p.dir, files[1])
	programs, env := p.programs()
	shell(t, p.dir, programs, env, script)
}

// programs returns what stands for sudo, systemctl and pgbackrest, and the
// environment of the shell.
func (p *pitr) programs() (map[string]string, []string) {
	as := "exec"
	if p.account != "" {
		as = "exec runuser --preserve-environment -u " + p.account + " --"
	}
	control := p.bin + "/pg_ctl --wait --pgdata=" + p.dir + "/main --log=" + p.dir + "/log/postgres "
	return map[string]string{
			"sudo":       `if [ "$1" = -u ]; then shift 2; ` + as + ` "$@"; else exec "$@"; fi`,
			"systemctl":  `case "$1 $2" in *" byline") ;; *" postgresql@15-main") sudo -u postgres ` + control + ` $1 || { tail -n 20 ` + p.dir + `/log/postgres; exit 1; };; *) exit 1;; esac`,
			"pgbackrest": `exec ` + p.dir + `/debian/usr/bin/pgbackrest "$@"`,
		}, []string{
			"PGHOST=" + p.dir + "/log", "PGPORT=" + p.port, "PGBACKREST_CONFIG=" + p.dir + "/pgbackrest.conf",
			"PGBACKREST_PG1_PORT=" + p.port, "PGBACKREST_PG1_SOCKET_PATH=" + p.dir + "/log",
			"PGBACKREST_LOG_PATH=" + p.dir + "/log", "PGBACKREST_LOCK_PATH=" + p.dir + "/log", "LC_ALL=C.UTF-8",
		}
}
