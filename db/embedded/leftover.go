//go:build unix

package embedded

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const pidFile = "postmaster.pid"

// clearLeftover handles a postmaster.pid that makes PostgreSQL believe that
// another server is running. The caller holds the lock on the data folder, so
// no live byline runs that server. If the process is a PostgreSQL whose byline
// and watcher were both killed, it is told to shut down. Otherwise the pid
// belongs to a zombie (in a container there may be no process that reaps it) or
// to another program, and the file is removed. Removing it is safe even if
// backends are still running: PostgreSQL finds their shared memory by the inode
// of the cluster and refuses to start.
func clearLeftover(ctx context.Context, who account, cluster string, logger *slog.Logger) {
	pid, _ := readPidFile(cluster)
	if pid <= 1 {
		return
	}
	belongs, ours := identify(ctx, pid, cluster)
	switch {
	case !belongs:
		logger.Warn("embedded: removing a stale "+pidFile, "pid", pid)
		_ = os.Remove(filepath.Join(cluster, pidFile))
	case ours:
		logger.Warn("embedded: ending an orphaned PostgreSQL", "pid", pid)
		// Send the signal as the account, not as root: the account could have
		// written any pid into the file.
		_ = who.command(ctx, "/bin/sh", "-c", `kill -INT "$1"`, "sh", strconv.Itoa(pid)).Run()
	}
}

// clearSockets removes the sockets of servers that were killed, which would
// accumulate, and their lock files, which would prevent a start if another
// program has the pid in them. The caller holds the lock on the data folder, so
// the only server that may still use one of them is an orphan, which
// clearLeftover ends.
func clearSockets(cluster string) {
	entries, _ := os.ReadDir(cluster)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), socketPrefix) {
			_ = os.Remove(filepath.Join(cluster, e.Name()))
		}
	}
}

// identify reports whether a process is a postmaster of the cluster, and
// whether byline started it. An administrator may have started one by hand.
func identify(ctx context.Context, pid int, cluster string) (belongs, ours bool) {
	proc := "/proc/" + strconv.Itoa(pid)
	line, err := os.ReadFile(proc + "/cmdline")
	if err != nil {
		ps := account{}.command(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid))
		line, _ = ps.Output()
	}
	belongs = bytes.Contains(line, []byte(cluster))
	// The working directory of a postmaster is its cluster, whereas its command
	// line may contain a relative path.
	if cwd, err := os.Readlink(proc + "/cwd"); err == nil {
		belongs = cwd == cluster
	}
	return belongs, belongs && bytes.Contains(line, []byte(clusterMark))
}
