package deploy_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestUnitRuns follows docs/deploying.md and docs/backup.md on a machine of its own: it installs
// the unit, runs commands with its settings, restarts and upgrades it, and makes
// and restores backups of the embedded PostgreSQL.
func TestUnitRuns(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can start systemd")
	}
	for _, program := range []string{"systemctl", "unshare", "dbus-daemon", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("this test needs " + program)
		}
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(readFile(t, "../docs/deploying.md")+readFile(t, "../docs/backup.md"), -1)
	block := func(text string) string {
		for _, b := range blocks {
			if strings.Contains(b[1], text) {
				return b[1]
			}
		}
		require.Fail(t, "the guides do not show "+text)
		return ""
	}
	install := regexp.MustCompile(`(?m)^echo "DATABASE_URL=.*\n`).ReplaceAllString(block("systemd-sysusers"), "")
	require.NotEqual(t, install, block("systemd-sysusers"))
	command := strings.TrimSpace(block("systemd-run"))
	steps := strings.Join([]string{
		"set -ex", "cd /mnt", "mkdir /backup", "chmod 777 /backup",
		"ready() { until curl -fsS http://127.0.0.1:8080/readyz; do sleep 0.1; done; }",
		"install -m 755 byline /usr/local/bin/byline",
		install, block("journalctl"),
		"install -m 640 -g byline /dev/null /etc/byline/tls.key", "as_byline() { setpriv --reuid=byline --regid=byline --init-groups \"$@\"; }",
		"as_byline cat /etc/byline/tls.key", "as_byline cat /etc/byline/byline.env && exit 1",
		command,
		"code=0", strings.Replace(command, "keys list", "admin promote nobody-of-this-name || code=$?", 1), "[ $code = 7 ]",
		block("systemctl restart byline"),
		"archive=/mnt", block("byline migrate up"), block("/version"),
		block("install -m 755 /usr/local/bin/byline.old"), "ready",
		"kill -KILL $(systemctl show --property=MainPID --value byline)", "sleep 0.5", "ready",
		block("/var/backups/byline"), "[ $(stat --format=%s /var/backups/byline/site.byline) -gt 1000 ]",
		"[ $(stat --format=%a /var/backups/byline/site.byline) = 600 ]", "sum=$(sha256sum /var/backups/byline/site.byline)",
		"(" + strings.Replace(block("/var/backups/byline"), "byline backup -", "byline backup --no-such-flag", 1) + ") && exit 1",
		"[ \"$(sha256sum /var/backups/byline/site.byline)\" = \"$sum\" ]", // a backup that fails keeps the last one
		block("byline/data.old"), "ready", "[ -e /var/lib/byline/data/postgres ]", "rm -r /var/lib/byline/data.old",
		block("/backup/byline-data.tar.gz"), "ready",
		"systemctl stop byline", "[ $(systemctl show --property=Result --value byline) = success ]",
		"grep --quiet postgres /proc/[0-9]*/comm && exit 1",
		command, "touch /mnt/done",
	}, "\n")

	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "machine"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "deploy"), 0o755))
	for _, file := range []string{"byline.service", "byline.sysusers"} {
		writeFile(t, filepath.Join(dir, "deploy", file), readFile(t, file))
	}
	binary, err := os.ReadFile(binary())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "byline"), binary, 0o755))
	writeFile(t, filepath.Join(dir, "steps.sh"), steps)
	writeFile(t, filepath.Join(dir, "test.service"), "[Unit]\nRequires=dbus.socket\nAfter=dbus.socket\n[Service]\nType=oneshot\nStandardOutput=file:/mnt/log\nStandardError=inherit\n"+
		"ExecStart=/bin/bash /mnt/steps.sh\nExecStopPost=/bin/sh -c 'journalctl --no-pager --output=cat --unit=byline >/mnt/journal; systemctl exit'\n")

	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "testdata/systemd.sh", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	log, notStarted := os.ReadFile(filepath.Join(dir, "log"))
	if notStarted != nil { // many containers do not permit it
		t.Skipf("systemd cannot be started here: %v\n%s", err, &out)
	}
	journal, _ := os.ReadFile(filepath.Join(dir, "journal"))
	require.FileExists(t, filepath.Join(dir, "done"), "%s\n%s\n%s", &out, log, journal)
	require.NoError(t, err)
	require.Contains(t, string(log), "\nnothing to do\n", "the upgrade must run migrate up")
	require.Contains(t, string(log), "; all checksums are right\n", "a backup must be restored")
	require.Contains(t, string(log), "byline: using the embedded PostgreSQL in /var/lib/byline/data, which the byline with pid ")
}
