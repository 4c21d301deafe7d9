package deploy_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/byline-api/byline/server/servertest"
)

// These tests check the files of deploy/ha without starting anything. make ha
// starts them.

// TestHATemplates checks that configure knows every variable of the templates,
// and asks for no other one.
func TestHATemplates(t *testing.T) {
	t.Parallel()
	configure := readFile(t, "ha/configure")
	list := regexp.MustCompile(`(?s)for name in (.*?); do`).FindStringSubmatch(configure)
	require.NotNil(t, list)
	known := strings.Fields(strings.ReplaceAll(list[1], "\\\n", " "))
	templates, err := filepath.Glob("ha/templates/*")
	require.NoError(t, err)
	used := map[string]bool{}
	for _, path := range templates {
		require.Contains(t, configure, "\nwrite "+filepath.Base(path)+" /etc/", "configure does not write it")
		for _, m := range regexp.MustCompile(`@([A-Z0-9_]+)@`).FindAllStringSubmatch(readFile(t, path), -1) {
			require.Contains(t, known, m[1], path)
			used[m[1]] = true
		}
	}
	env := envFile(t, "ha/ha.env.example")
	for _, name := range known {
		require.True(t, used[name], "no template uses %s", name)
		if name != "NODE_ADDRESS" && name != "ETCD_STATE" { // configure finds them out
			require.Contains(t, env, name, "ha.env.example")
		}
	}
}

// TestHAServiceSettings checks that the service knows its settings.
func TestHAServiceSettings(t *testing.T) {
	t.Parallel()
	env := envFile(t, "ha/templates/cluster.env")
	for name, value := range env {
		env[name] = strings.ReplaceAll(strings.Trim(value, "'"), "@BYLINE_PASSWORD@", "secret")
	}
	require.Equal(t, "0.0.0.0:8080", settings(t, env)["BYLINE_ADDR"])
	dropIn := readFile(t, "ha/systemd/byline.service.d/cluster.conf")
	require.Contains(t, dropIn, "EnvironmentFile=\nEnvironmentFile=/etc/byline/cluster.env\nEnvironmentFile=-/etc/byline/byline.env\n", "the operator's settings win")
	require.Contains(t, readFile(t, "byline.service"), "\nEnvironmentFile=-/etc/byline/byline.env\n")
}

// TestHAConfigureTwice runs configure, changes what an operator changes, and runs
// it again.
func TestHAConfigureTwice(t *testing.T) {
	t.Parallel()
	root, programs := t.TempDir(), t.TempDir()
	etc := func(path string) string { return filepath.Join(root, "etc", path) }
	// The users of the programs need not exist here.
	require.NoError(t, os.WriteFile(filepath.Join(programs, "chown"), []byte("#!/bin/sh\n"), 0o755))
	configure := func() {
		cmd := exec.Command("sh", "ha/configure")
		cmd.Env = []string{"DESTDIR=" + root, "PATH=" + programs + ":" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, os.MkdirAll(etc("byline"), 0o755))
	env := regexp.MustCompile(`(?m)_PASSWORD=$`).ReplaceAllString(readFile(t, "ha/ha.env.example"), "${0}secret")
	writeFile(t, etc("byline/ha.env"), env)
	configure()
	require.NoFileExists(t, etc("byline/byline.env"))
	require.Contains(t, readFile(t, etc("byline/cluster.env")), "byline:secret@127.0.0.1:5000")
	require.Contains(t, readFile(t, etc("etcd/etcd.yml")), "\ninitial-cluster-state: new\n")

	writeFile(t, etc("byline/byline.env"), "BYLINE_SMTP_URL=smtp://mail.internal\n")
	writeFile(t, etc("etcd/etcd.yml"), strings.Replace(readFile(t, etc("etcd/etcd.yml")), "state: new", "state: existing", 1))
	writeFile(t, etc("byline/ha.env"), strings.ReplaceAll(strings.Replace(env, "192.0.2.13", "192.0.2.23", 1), "=secret", "=changed"))
	configure()
	require.Equal(t, "BYLINE_SMTP_URL=smtp://mail.internal\n", readFile(t, etc("byline/byline.env")), "the operator's settings stay")
	require.Contains(t, readFile(t, etc("byline/cluster.env")), "byline:changed@127.0.0.1:5000")
	etcd := readFile(t, etc("etcd/etcd.yml"))
	require.Contains(t, etcd, "\ninitial-cluster-state: existing\n", "a member that has joined makes no new cluster")
	require.Contains(t, etcd, "node3=http://192.0.2.23:2380")
	for _, path := range []string{"byline/cluster.env", "byline/runbook.env", "patroni/patroni.yml", "pgbouncer/userlist.txt"} {
		info, err := os.Stat(etc(path))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), path)
		require.NotContains(t, readFile(t, etc(path)), "@BYLINE", path)
	}
}

// TestHAPackages checks that the page installs the packages of the programs that
// its commands use and a small Debian lacks.
func TestHAPackages(t *testing.T) {
	t.Parallel()
	page := readFile(t, "../docs/high-availability.md")
	list := regexp.MustCompile(`(?m)^apt-get install --no-install-recommends (.*)$`).FindStringSubmatch(page)
	require.NotNil(t, list)
	packages := strings.Fields(list[1])
	var code strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page, -1) {
		code.WriteString(block[1])
	}
	commands := code.String() + readFile(t, "ha/check") + readFile(t, "ha/configure")
	for program, name := range map[string]string{
		"curl": "curl", "openssl": "openssl", "etcdctl": "etcd-client", "psql": "postgresql", "python3": "python3-venv", "modprobe": "kmod",
	} {
		require.Regexp(t, `\b`+program+`\b`, commands, "no command uses it")
		require.Contains(t, packages, name, program)
	}
	for _, unit := range []string{"etcd-server", "haproxy", "pgbouncer"} {
		require.Contains(t, packages, unit)
	}
	image := regexp.MustCompile(`(?m)apt-get install --yes --no-install-recommends (.*?) \\$`).FindStringSubmatch(readFile(t, "ha/Containerfile"))
	require.NotNil(t, image)
	require.Subset(t, packages, strings.Fields(image[1]), "the image has packages that the page lacks")
}

// TestHAUnits lets systemd read the units, and checks that the files that they
// name are those that configure writes.
func TestHAUnits(t *testing.T) {
	t.Parallel()
	analyze := servertest.Program(t, "systemd-analyze", "systemd")
	units, err := filepath.Glob("ha/systemd/*.service")
	require.NoError(t, err)
	require.Len(t, units, 4)
	dir := t.TempDir()
	for _, unit := range units {
		text := readFile(t, unit)
		start := regexp.MustCompile(`(?m)^ExecStart=(\S+) .*?(/etc/\S+)$`).FindStringSubmatch(text)
		require.NotNil(t, start, unit)
		require.Contains(t, readFile(t, "ha/configure"), " "+start[2]+" ", unit)
		// systemd checks that the program and the user exist.
		text = regexp.MustCompile(`(?m)^User=.*`).ReplaceAllString(strings.Replace(text, start[1], binary(), 1), "User=root")
		writeFile(t, filepath.Join(dir, filepath.Base(unit)), text)
		require.Empty(t, run(t, dir, analyze, "verify", "--man=no", filepath.Join(dir, filepath.Base(unit))))
	}
}

// TestHACompose lets Compose's parser read the file, and checks that the
// containers run what the units run.
func TestHACompose(t *testing.T) {
	t.Parallel()
	build := exec.Command("go", "tool", "-modfile=../tools.mod", "-n", "github.com/compose-spec/compose-go/v2/cmd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -pgo=off")
	program, err := build.Output()
	require.NoError(t, err)
	// The program knows no profiles.
	text := regexp.MustCompile(`(?m)^    profiles: .*\n`).ReplaceAllString(readFile(t, "ha/compose.yaml"), "")
	text = regexp.MustCompile(`/etc/byline/(byline|cluster)\.env`).ReplaceAllString(text, "byline.env")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "byline.env"), "")
	writeFile(t, filepath.Join(dir, "compose.yaml"), text)
	cmd := exec.Command(strings.TrimSpace(string(program)), filepath.Join(dir, "compose.yaml"))
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	require.NoError(t, err, warnings.String())
	var c compose
	require.NoError(t, yaml.Unmarshal(out, &c))
	for _, name := range []string{"etcd", "patroni", "pgbouncer", "haproxy"} {
		s, unit := c.Services[name], readFile(t, "ha/systemd/"+name+".service")
		require.NotEmpty(t, s.Command, name)
		require.Contains(t, strings.ReplaceAll(unit, "=/etc", " /etc"), s.Command[len(s.Command)-1][strings.LastIndex(s.Command[len(s.Command)-1], "=")+1:], name)
		for _, v := range s.Volumes {
			if v.Type == "volume" {
				require.Contains(t, c.Volumes, v.Source, name)
			}
		}
	}
	admin, _, err := net.SplitHostPort(c.Services["byline"].Environment["BYLINE_ADMIN_ADDR"])
	require.NoError(t, err)
	require.True(t, net.ParseIP(admin).IsLoopback(), "the network is that of the machine")
	require.Regexp(t, `(?m)^FROM \S+:\d+\.\d+@sha256:[0-9a-f]{64}$`, readFile(t, "ha/Containerfile"))
	from := regexp.MustCompile(`postgres:\S+`)
	require.Equal(t, from.FindString(readFile(t, "compose.yaml")), from.FindString(readFile(t, "ha/Containerfile")), "one PostgreSQL for both")
}
