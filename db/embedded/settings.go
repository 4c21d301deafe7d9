//go:build unix

package embedded

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// statements is the extension that collects statistics about statements.
const statements = "pg_stat_statements"

// clusterMark is in the command line of each server that byline starts.
const clusterMark = "cluster_name=byline"

// fixed are the settings that this package sets itself, because it relies on
// their values.
var fixed = []string{"cluster_name", "config_file", "data_directory", "hba_file", "ident_file",
	"listen_addresses", "log_destination", "log_line_prefix", "logging_collector", "port", "unix_socket_directories"}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// serverArgs returns the command line without the port. The settings are on the
// command line and not in a file because the cluster belongs to another user:
// root must not write in a folder where that user could have put a link.
func serverArgs(ctx context.Context, cfg Config, who account, bins binaries, cluster string) ([]string, error) {
	settings := map[string]string{
		"shared_buffers":           "128MB",
		"max_connections":          "100",
		"random_page_cost":         "1.1", // for SSDs
		"jit":                      "off", // costs more than it saves on short queries
		"wal_compression":          "off",
		"password_encryption":      "scram-sha-256",
		"unix_socket_directories":  socketFolder(cluster),
		"unix_socket_permissions":  "0700",
		"timezone":                 "UTC",
		"log_timezone":             "UTC",
		"lc_messages":              "C", // refusals are recognized by their text
		"shared_preload_libraries": "",
	}
	if bins.hasLibrary(statements) {
		settings["shared_preload_libraries"] = statements
	}
	probe := who.command(ctx, bins.path("postgres"), "-D", cluster, "-C", "wal_compression", "-c", "wal_compression=lz4")
	if probe.Run() == nil {
		// Not for texts, which another build of PostgreSQL may have to read.
		settings["wal_compression"] = "lz4"
	}
	if cfg.Ephemeral {
		settings["fsync"] = "off"
		settings["synchronous_commit"] = "off"
		settings["full_page_writes"] = "off"
	}
	for name, value := range cfg.Settings {
		if !settingName.MatchString(name) || slices.Contains(fixed, name) {
			return nil, fmt.Errorf("the PostgreSQL setting %q cannot be changed", name)
		}
		settings[name] = value
	}

	args := []string{"-D", cluster, "-c", clusterMark, "-c", "listen_addresses=127.0.0.1",
		"-c", "log_destination=stderr", "-c", "logging_collector=off", "-c", "log_line_prefix=[%p] "}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args, nil
}

// maxSocketPath is the maximum length in bytes of the address of a Unix socket
// that works on every system (sun_path has 104 bytes on macOS, including a
// NUL).
const maxSocketPath = 103

// socketFolder returns the folder of the Unix socket: the cluster, which only
// its account may enter. It returns "" if the path would be too long, or if
// PostgreSQL would read it as a list of folders.
func socketFolder(cluster string) string {
	if len(filepath.Join(cluster, socketPrefix+"65535")) > maxSocketPath || strings.ContainsAny(cluster, `,"`) {
		return ""
	}
	return cluster
}

// socketPrefix starts the names of PostgreSQL's socket and of its lock file.
const socketPrefix = ".s.PGSQL."

func portArg(port int) string { return "port=" + strconv.Itoa(port) }
