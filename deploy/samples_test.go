package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

// run runs a program in a folder and returns what it prints. The test fails
// if the program does.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", program, strings.Join(args, " "), out)
	return string(out)
}

// TestAlerts runs the unit tests of the alerts, and checks the configuration of
// Prometheus and the expressions of the dashboard.
func TestAlerts(t *testing.T) {
	t.Parallel()
	promtool := servertest.Program(t, "promtool", "prometheus")
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("prometheus")))
	byline := readCompose(t).Services["byline"]
	memory := size(t, byline.MemLimit)
	tests := strings.NewReplacer("GOMEMLIMIT", strconv.Itoa(size(t, byline.Environment["GOMEMLIMIT"])),
		"MEMORY_LIMIT_HALF", strconv.Itoa(memory/2), "MEMORY_LIMIT_MOST", strconv.Itoa(memory/10*9)).Replace(readFile(t, "testdata/alerts_test.yml"))
	writeFile(t, filepath.Join(dir, "alerts_test.yml"), tests)
	run(t, dir, promtool, "check", "config", "prometheus.yml")
	run(t, dir, promtool, "test", "rules", "alerts_test.yml")
	for _, alert := range regexp.MustCompile(`(?m)- alert: (\w+)`).FindAllStringSubmatch(readFile(t, "prometheus/alerts.yml"), -1) {
		require.Regexp(t, `alertname: `+alert[1]+`\n\s+exp_alerts:`, tests, "no test shows that the alert fires")
		require.Contains(t, tests, "alertname: "+alert[1]+"}", "no test shows that the alert does not fire")
	}

	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "grafana/byline.json")), &dashboard))
	rules := "groups:\n- name: dashboard\n  rules:\n"
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			expr := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$__interval", "1m").Replace(target.Expr)
			rules += fmt.Sprintf("  - {record: expression, labels: {n: %d}, expr: %q}\n", len(rules), expr)
		}
	}
	writeFile(t, filepath.Join(dir, "dashboard.yml"), rules)
	run(t, dir, promtool, "check", "rules", "dashboard.yml")
}

// TestSystemd lets systemd read the unit and the file of its user.
func TestSystemd(t *testing.T) {
	t.Parallel()
	analyze := servertest.Program(t, "systemd-analyze", "systemd")
	dir := t.TempDir()
	unit := readFile(t, "byline.service")
	require.Contains(t, unit, "\nExecStart=/usr/local/bin/byline ")
	// systemd checks that the program exists.
	path := filepath.Join(dir, "byline.service")
	writeFile(t, path, strings.Replace(unit, "/usr/local/bin/byline", binary(), 1))
	require.Empty(t, run(t, dir, analyze, "verify", "--man=no", path))
	// 2.0 is "OK": https://www.freedesktop.org/software/systemd/man/systemd-analyze.html
	run(t, dir, analyze, "security", "--offline=true", "--threshold=20", path)

	users, err := filepath.Abs("byline.sysusers")
	require.NoError(t, err)
	out := run(t, dir, servertest.Program(t, "systemd-sysusers", "systemd"), "--root="+dir, "--dry-run", users)
	require.Contains(t, out, "user 'byline'")
}

// size returns the bytes that 900MiB or 1g means.
func size(t *testing.T, s string) int {
	t.Helper()
	for unit, bytes := range map[string]int{"MiB": 1 << 20, "m": 1 << 20, "g": 1 << 30} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			return number(t, n) * bytes
		}
	}
	require.Fail(t, "not a size", s)
	return 0
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}
