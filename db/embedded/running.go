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

// RunningURL returns the URL of the server that another byline process runs on
// the data folder, for commands that use the same database. Only a user who may
// read the password file in the folder can use it. Like Start, it removes the
// PG* variables from the environment of this process.
func RunningURL(cfg Config) (string, error) {
	cfg.setDefaults()
	clearEnvironment()
	dataDir, _, err := chooseDataDir(cfg)
	if err != nil {
		return "", fmt.Errorf("embedded: %w", err)
	}
	s := &Server{dataDir: dataDir}
	if s.password, err = readPassword(dataDir); err != nil {
		return "", fmt.Errorf("embedded: %w", err)
	}
	// The port is on the fourth line (PostgreSQL, src/include/utils/pidfile.h).
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
