package main

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// asInit makes cmd run in a PID namespace of its own, where its process has the
// pid 1, as in a container. It skips the test if that is not permitted.
func asInit(t testing.TB, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	const script = `mount --make-rprivate / && mount -t proc proc /proc && exec "$@"`
	namespaces := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	wrap := func(args ...string) *exec.Cmd {
		wrapped := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
		wrapped.SysProcAttr = namespaces
		return wrapped
	}
	if out, err := wrap("true").CombinedOutput(); err != nil {
		t.Skipf("a PID namespace requires root: %v %s", err, out)
	}
	return wrap(cmd.Args...)
}

// listed is a process as ps shows it.
type listed struct {
	pid, parent int
	zombie      bool
	args        string
}

// processes returns the processes that keep accepts.
func processes(t testing.TB, keep func(listed) bool) (kept []listed) {
	t.Helper()
	out, err := exec.Command("ps", "-ww", "-eo", "pid=,ppid=,stat=,args=").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		var p listed
		if _, err := fmt.Sscan(fields[0]+" "+fields[1], &p.pid, &p.parent); err != nil {
			continue
		}
		p.zombie, p.args = fields[2][0] == 'Z', strings.Join(fields[3:], " ")
		if keep(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// TestServeAsInit runs the service as the first process of a container, which
// has to wait for the processes that others have left.
func TestServeAsInit(t *testing.T) {
	t.Parallel()
	s := newService(t, "")
	copyCluster(t, s.dir)
	s.wrap = asInit
	s.start()
	s.waitReady()
	st, first := s.prepare(), s.cmd.Process.Pid
	left := processes(t, func(p listed) bool { return p.parent == first && strings.Contains(p.args, "byline-watch") })
	require.Len(t, left, 1, "the watcher of PostgreSQL has been left to the first process")
	server := processes(t, func(p listed) bool {
		return strings.Contains(p.args, "bin/postgres -D "+s.dir) && !strings.Contains(p.args, "byline-watch")
	})
	require.Len(t, server, 1)

	l := newKeyedWorkload(t, s, st).run(2, 2)
	l.more(20)
	require.NoError(t, syscall.Kill(server[0].pid, syscall.SIGKILL))
	l.sawUnavailable(1)
	l.more(20)
	l.finish()
	require.Zero(t, l.lost(s.databaseURL()))
	require.True(t, strings.Contains(s.log.tail(1<<20), `"state":"signal: killed"`), "the service must get the exit status of its own child")
	await(t, "the end of the processes that were left", func() bool {
		return len(processes(t, func(p listed) bool { return p.pid == left[0].pid || p.parent == first && p.zombie })) == 0
	})

	d := startSlowRequests(t, s.addr, st, 1)[0]
	await(t, "the request", func() bool { return s.inFlight() == 1 })
	s.signal(syscall.SIGHUP)
	await(t, "readiness to go off", func() bool { return !s.ready() })
	d.requireServed(t)
	d.finish(t)
	require.Zero(t, s.wait())

	s.start()
	s.waitReady()
	s.signal(syscall.SIGTERM)
	require.Zero(t, s.wait())
}

// TestCommandAsInit checks that commands keep their input, output and exit
// code.
func TestCommandAsInit(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "as_init")
	run := func(input string, args ...string) (stdout, stderr string, code int) {
		cmd := asInit(t, exec.Command(binary, args...))
		cmd.Env = append(cmd.Environ(), "DATABASE_URL="+databaseURL)
		var out, errors strings.Builder
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errors
		_ = cmd.Run()
		return out.String(), errors.String(), cmd.ProcessState.ExitCode()
	}
	out, _, code := run("", "version")
	require.Zero(t, code)
	require.Contains(t, out, "byline dev")
	_, text, code := run("", "migrate", "up")
	require.Zero(t, code, text)
	_, text, code = run("correct horse battery\n", "admin", "create", "--username=anna", "--email=anna@example.com")
	require.Zero(t, code, text)
	_, text, code = run("", "unknown")
	require.Equal(t, int(exitUsage), code)
	require.Contains(t, text, "byline: byline has no command \"unknown\"")
}
