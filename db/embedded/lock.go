//go:build unix

package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// acquire locks the data folder for this server. The operating system releases
// the lock when the process ends, even if it is killed.
func acquire(dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, "lock")
	lock := flock.New(path, flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if !ok {
		_ = lock.Close()
		owner := "unknown"
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
			owner = strings.TrimSpace(string(text))
		}
		return nil, fmt.Errorf("%w: %s (pid %s): stop it, or set BYLINE_DATA_DIR to another folder",
			ErrInUse, dir, owner)
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return lock, nil
}
