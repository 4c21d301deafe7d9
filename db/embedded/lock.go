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

const lockFile = "lock"

// lockOwner returns the process id of the byline that has locked a data folder.
func lockOwner(dir string) string {
	if text, err := os.ReadFile(filepath.Join(dir, lockFile)); err == nil && len(text) > 0 {
		return strings.TrimSpace(string(text))
	}
	return "unknown"
}

// acquire locks the data folder for this server. The operating system releases
// the lock when the process ends, even if it is killed.
func acquire(dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path, flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if !ok {
		_ = lock.Close()
		return nil, fmt.Errorf("%w: %s (pid %s): stop it, or set BYLINE_DATA_DIR to another folder",
			ErrInUse, dir, lockOwner(dir))
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return lock, nil
}
