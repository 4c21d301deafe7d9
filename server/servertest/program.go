package servertest

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns the path of a program that a test runs. The test is skipped
// if the program is not installed, and fails if BYLINE_TEST_PROGRAMS=required
// is set, as in CI.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		// Debian keeps the programs of services where only root's PATH leads.
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		missing := t.Skipf
		if os.Getenv("BYLINE_TEST_PROGRAMS") == "required" {
			missing = t.Fatalf
		}
		missing("this test needs %s (Debian package %s)", name, debianPackage)
	}
	return path
}
