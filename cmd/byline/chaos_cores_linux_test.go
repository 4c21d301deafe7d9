package main

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onSeparateCores runs start on one half of the cores and binds this process to
// the other half until the test ends. All processes that start creates stay on
// the first half. In production clients run on other machines, so that their
// work must not reduce the CPU time of the service. onSeparateCores returns the
// number of cores of each half, or 0 if there is only one core.
func onSeparateCores(t *testing.T, start func()) (cores int) {
	t.Helper()
	var all unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &all))
	cores = all.Count() / 2
	if cores == 0 {
		start()
		return 0
	}
	var service, clients unix.CPUSet
	for cpu := range len(all) * strconv.IntSize {
		switch {
		case !all.IsSet(cpu):
		case service.Count() < cores:
			service.Set(cpu)
		case clients.Count() < cores:
			clients.Set(cpu)
		}
	}
	t.Cleanup(func() { bind(t, all) })
	bind(t, service)
	start()
	bind(t, clients)
	return cores
}

// bind binds every thread of this process, including later ones, to cores.
func bind(t *testing.T, cores unix.CPUSet) {
	t.Helper()
	for changed := true; changed; { // a thread that was not bound yet may have created another one
		changed = false
		threads, err := os.ReadDir("/proc/self/task")
		require.NoError(t, err)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			require.NoError(t, err)
			var now unix.CPUSet
			if unix.SchedGetaffinity(id, &now) != nil || now == cores {
				continue // the thread has ended or is already bound
			}
			changed = true
			if err := unix.SchedSetaffinity(id, &cores); err != unix.ESRCH {
				require.NoError(t, err)
			}
		}
	}
	runtime.SetDefaultGOMAXPROCS()
}
