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

// Running returns the server that another byline process runs on the data
// folder, for commands that use the same database. Only a user who may read the
// password file in the folder can use it. Like Start, it removes the PG*
// variables from the environment of this process.
func Running(cfg Config) (_ Instance, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("embedded: %w", err)
		}
	}()
	cfg.setDefaults()
	clearEnvironment()
	dataDir, _, err := chooseDataDir(cfg)
	if err != nil {
		return Instance{}, err
	}
	s := &Server{dataDir: dataDir}
	if s.password, err = readPassword(dataDir, passwordFile); err != nil {
		return Instance{}, err
	}
	// The port is on the fourth line (PostgreSQL, src/include/utils/pidfile.h).
	pidFile, err := os.ReadFile(filepath.Join(dataDir, clusterName, "postmaster.pid"))
	if err != nil {
		return Instance{}, err
	}
	lines := strings.Split(string(pidFile), "\n")
	if len(lines) < 4 {
		return Instance{}, errors.New("PostgreSQL is still starting")
	}
	if s.port, err = strconv.Atoi(strings.TrimSpace(lines[3])); err != nil {
		return Instance{}, fmt.Errorf("postmaster.pid: %w", err)
	}
	return Instance{URL: s.URL(), DataDir: dataDir, Owner: lockOwner(dataDir)}, nil
}
