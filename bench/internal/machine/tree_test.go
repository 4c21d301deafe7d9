package machine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTree starts a process with a child that has a child.
func TestTree(t *testing.T) {
	t.Parallel()
	p, err := Start(filepath.Join(t.TempDir(), "log"), "", os.Environ(), "sh", "-c", `sh -c 'echo $$; sleep 60 & echo $!; wait' & trap 'kill $!; exit 0' TERM; wait`)
	if err != nil {
		t.Fatal(err)
	}
	var child, grandchild int
	err = p.Ready(t.Context(), 10*time.Second, func() error {
		lines := strings.Fields(p.Tail())
		if len(lines) != 2 {
			return errors.New("not both have started")
		}
		child, _ = strconv.Atoi(lines[0])
		grandchild, _ = strconv.Atoi(lines[1])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if one, err := os.FindProcess(grandchild); err == nil {
			_ = one.Kill()
		}
		_ = p.Stop(5 * time.Second)
	}()
	if got := descendants(p.PID(), 0); !slices.Contains(got, child) || !slices.Contains(got, grandchild) {
		t.Errorf("the descendants are %v, want %d and %d", got, child, grandchild)
	}
	if got := descendants(p.PID(), child); len(got) != 0 {
		t.Errorf("the descendants without those of the child are %v", got)
	}
	all, err1 := TreeMemory(p.PID(), 0)
	one, err2 := TreeMemory(p.PID(), child)
	if err := errors.Join(err1, err2); err != nil || one <= 0 || all <= one {
		t.Errorf("%d bytes with and %d without the child, %v", all, one, err)
	}
	if _, err := TreeCPU(p.PID(), 0); err != nil {
		t.Error(err)
	}
	if _, err := TreeMemory(1<<30, 0); err == nil {
		t.Error("the memory of a process that does not exist was read")
	}
	if _, err := TreeCPU(1<<30, 0); err == nil {
		t.Error("the time of a process that does not exist was read")
	}
}
