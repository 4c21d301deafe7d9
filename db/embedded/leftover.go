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

// clearLeftover deals with a postmaster.pid that PostgreSQL takes for a running
// server. Holding the lock of the data folder, we know that no byline runs it:
// it is the orphan of one whose watcher was killed too, which is asked to end; or
// the pid is a zombie's (in a container, nobody may reap it) or has gone to another
// program since, and the file is removed. Should backends be left, PostgreSQL still
// sees their shared memory, whose key is the inode of the cluster.
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
		// As the account, which wrote the file: it may not choose whom root kills.
		_ = who.command(ctx, "/bin/sh", "-c", `kill -INT "$1"`, "sh", strconv.Itoa(pid)).Run()
	}
}

// clearSockets removes the sockets of servers that were killed, which would pile
// up, and the locks on them, which would keep a server out whose predecessor's
// pid has gone to another program. Holding the lock of the data folder, we know
// that none of them is in use but by an orphan that is about to be ended.
func clearSockets(cluster string) {
	entries, _ := os.ReadDir(cluster)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), socketPrefix) {
			_ = os.Remove(filepath.Join(cluster, e.Name()))
		}
	}
}

// identify tells whether a process is a postmaster of the cluster, and whether
// we started it; an administrator may have done so by hand.
func identify(ctx context.Context, pid int, cluster string) (belongs, ours bool) {
	proc := "/proc/" + strconv.Itoa(pid)
	line, err := os.ReadFile(proc + "/cmdline")
	if err != nil {
		ps := account{}.command(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid))
		line, _ = ps.Output()
	}
	belongs = bytes.Contains(line, []byte(cluster))
	// A postmaster works in its cluster, while the command line may be relative.
	if cwd, err := os.Readlink(proc + "/cwd"); err == nil {
		belongs = cwd == cluster
	}
	return belongs, belongs && bytes.Contains(line, []byte(clusterMark))
}
