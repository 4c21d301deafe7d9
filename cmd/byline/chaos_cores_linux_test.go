package main

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// apart runs start on one half of the cores, to which all processes that it
// starts are bound for good, and the clients of this process on the other half
// until the test ends: callers have machines of their own, and must not take
// from the service what they cost themselves. It tells how many cores each has,
// 0 when there is only one for all.
func apart(t *testing.T, start func()) (cores int) {
	t.Helper()
	var all unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &all))
	cores = all.Count() / 2
	if cores == 0 {
		start()
		return 0
	}
	var theirs, ours unix.CPUSet
	for cpu := range len(all) * strconv.IntSize {
		switch {
		case !all.IsSet(cpu):
		case theirs.Count() < cores:
			theirs.Set(cpu)
		case ours.Count() < cores:
			ours.Set(cpu)
		}
	}
	t.Cleanup(func() { bind(t, all) })
	bind(t, theirs)
	start()
	bind(t, ours)
	return cores
}

// bind lets every thread of this process, and those to come, run on cores only.
func bind(t *testing.T, cores unix.CPUSet) {
	t.Helper()
	for changed := true; changed; { // a thread that was not bound yet may have made another
		changed = false
		threads, err := os.ReadDir("/proc/self/task")
		require.NoError(t, err)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			require.NoError(t, err)
			var now unix.CPUSet
			if unix.SchedGetaffinity(id, &now) != nil || now == cores {
				continue // it has ended, or is bound
			}
			changed = true
			if err := unix.SchedSetaffinity(id, &cores); err != unix.ESRCH {
				require.NoError(t, err)
			}
		}
	}
	runtime.SetDefaultGOMAXPROCS()
}
