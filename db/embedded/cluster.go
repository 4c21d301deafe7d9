//go:build unix

package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// clusterName is the name of the cluster's folder in the data folder.
	clusterName = "postgres"
	// initPrefix starts the names of folders with a cluster that is not
	// complete yet.
	initPrefix = "initdb-"

	role     = "byline"
	database = "byline"

	passwordFile          = "password"
	superuserPasswordFile = "superuser-password"
)

// roles are those whose passwords the files have.
var roles = map[string]string{passwordFile: role, superuserPasswordFile: "postgres"}

// clusterMajor returns the major version of PostgreSQL that created the cluster
// in dataDir, or 0 if there is none.
func clusterMajor(dataDir string) (int, error) {
	path := filepath.Join(dataDir, clusterName)
	text, err := os.ReadFile(filepath.Join(path, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		// Remove deletes the folder only if it is empty.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("%s is not a PostgreSQL cluster; move it away, and a new cluster will be created: %w", path, err)
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION: %w", path, err)
	}
	return major, nil
}

// hasCluster reports whether a data folder contains a cluster.
func hasCluster(dataDir string) bool {
	return exists(filepath.Join(dataDir, clusterName, "PG_VERSION"))
}

// exists reports whether there is a file at path, also if this user may not
// read it.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// readPassword returns a password of the cluster.
func readPassword(dataDir, name string) (string, error) {
	path := filepath.Join(dataDir, name)
	text, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return "", fmt.Errorf("the password of the role %s, cannot be read from %s: restore that file, or move %s away, "+
			"and a new cluster will be created: %w", roles[name], path, filepath.Join(dataDir, clusterName), err)
	}
	return string(bytes.TrimSpace(text)), nil
}

// createCluster creates a cluster with its role and database in a temporary
// folder, and renames that folder at the end. A cluster with its final name is
// therefore always complete.
func createCluster(ctx context.Context, who account, bins binaries, dataDir string, ephemeral bool) error {
	// Remove what killed processes left. The lock on the data folder ensures
	// that no other process is creating a cluster.
	left, _ := filepath.Glob(filepath.Join(dataDir, initPrefix+"*"))
	for _, path := range left {
		_ = os.RemoveAll(path)
	}
	temp, err := os.MkdirTemp(dataDir, initPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)

	// The passwords are written first, so that a cluster never exists without
	// them.
	superuser, err := newPassword(temp, filepath.Join(dataDir, superuserPasswordFile))
	if err != nil {
		return err
	}
	password, err := newPassword(temp, filepath.Join(dataDir, passwordFile))
	if err != nil {
		return err
	}
	if err := fillFolder(ctx, who, bins, temp, superuser, password, ephemeral); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(temp, clusterName), filepath.Join(dataDir, clusterName)); err != nil {
		return err
	}
	return syncDir(dataDir)
}

// fillFolder creates a cluster with its role and database in a folder.
func fillFolder(ctx context.Context, who account, bins binaries, temp, superuser, password string, ephemeral bool) error {
	// initdb runs as the account, which cannot read the password files.
	pwfile := filepath.Join(temp, "pwfile")
	if err := os.WriteFile(pwfile, []byte(superuser+"\n"), 0o600); err != nil {
		return err
	}
	if err := errors.Join(who.chown(pwfile), who.chown(temp)); err != nil {
		return err
	}

	cluster := filepath.Join(temp, clusterName)
	if err := initdb(ctx, who, bins, cluster, pwfile, ephemeral); err != nil {
		return err
	}
	return bootstrap(ctx, who, bins, cluster, password, ephemeral)
}

func initdb(ctx context.Context, who account, bins binaries, cluster, pwfile string, ephemeral bool) error {
	args := []string{"--pgdata=" + cluster, "--username=postgres", "--pwfile=" + pwfile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"}
	if ephemeral {
		args = append(args, "--no-sync")
	}
	// Sorting by code point is fast and the same on every system, but lower()
	// and full text search must know letters outside of ASCII.
	locales := [][]string{{"--locale=C", "--lc-ctype=C.UTF-8"}, {"--locale=C"}}
	if bins.major >= 17 {
		locales = [][]string{{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}}
	}
	var out []byte
	var err error
	for _, locale := range locales {
		out, err = runWatched(ctx, who, nil, bins.path("initdb"), append(args, locale...)...)
		if err == nil || !bytes.Contains(out, []byte("invalid locale name")) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(out))
	}
	return nil
}

// bootstrap creates the role and the database in single-user mode, which needs
// neither a password nor a port. Only a superuser may create the extension;
// pg_read_all_stats lets the role read it.
func bootstrap(ctx context.Context, who account, bins binaries, cluster, password string, ephemeral bool) error {
	steps := [][]string{{"postgres",
		"CREATE ROLE " + role + " LOGIN CREATEDB PASSWORD '" + password + "'",
		"GRANT pg_read_all_stats TO " + role,
		"CREATE DATABASE " + database + " OWNER " + role,
	}}
	if bins.hasLibrary(statements) {
		steps = append(steps, []string{database, "CREATE EXTENSION " + statements})
	}
	for _, step := range steps {
		args := []string{"--single", "-D", cluster, "-c", "exit_on_error=on",
			// The first command contains the password.
			"-c", "log_min_error_statement=panic"}
		if ephemeral {
			args = append(args, "-c", "fsync=off")
		}
		input := strings.NewReader(strings.Join(step[1:], "\n") + "\n")
		out, err := runWatched(ctx, who, input, bins.path("postgres"), append(args, step[0])...)
		if err != nil {
			return fmt.Errorf("prepare the database: %w: %s", err, lastLines(out))
		}
	}
	return nil
}

// newPassword generates a password of 32 random bytes and writes it to a file
// that only this process's user can read. The file is written in the folder
// temp and then renamed to path.
func newPassword(temp, path string) (string, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	password := hex.EncodeToString(key)
	file, err := os.CreateTemp(temp, filepath.Base(path)) // 0600
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(password + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return "", err
	}
	return password, os.Rename(file.Name(), path)
}

// syncDir ensures that renames in a folder survive a crash of the machine.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lastLines returns the end of a program's output, which usually contains the
// error.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
