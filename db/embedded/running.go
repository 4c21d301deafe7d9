//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// RunningURL is the URL of the server that another byline runs on the data
// folder, for commands that work beside it. Only who may read the folder's
// password can use it.
func RunningURL(cfg Config) (string, error) {
	cfg.setDefaults()
	dataDir, _, err := settle(cfg)
	if err != nil {
		return "", fmt.Errorf("embedded: %w", err)
	}
	s := &Server{dataDir: dataDir}
	if s.password, err = readPassword(dataDir); err != nil {
		return "", fmt.Errorf("embedded: %w", err)
	}
	// The fourth line is the port (PostgreSQL, src/include/utils/pidfile.h).
	pidFile, err := os.ReadFile(filepath.Join(dataDir, clusterName, "postmaster.pid"))
	if err != nil {
		return "", fmt.Errorf("embedded: %w", err)
	}
	lines := strings.Split(string(pidFile), "\n")
	if len(lines) < 4 {
		return "", errors.New("embedded: PostgreSQL is still starting")
	}
	if s.port, err = strconv.Atoi(strings.TrimSpace(lines[3])); err != nil {
		return "", fmt.Errorf("embedded: postmaster.pid: %w", err)
	}
	return s.URL(), nil
}
