package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadOnlyMappings(t *testing.T) {
	t.Parallel()
	const maps = `00400000-010cf000 r-xp 00000000 fe:00 10715505                           /opt/byline
010cf000-02086000 r--p 00ccf000 fe:00 10715505                           /opt/byline
02086000-0215b000 rw-p 01c86000 fe:00 10715505                           /opt/byline
0215b000-04337000 rw-p 00000000 00:00 0
7f0000000000-7f0000001000 r--p 00000000 fe:00 1 /opt/byline (deleted)
7f0000002000-7f0000003000 r-xp 00000000 fe:00 2 /usr/lib/libc.so.6
`
	require.Equal(t, []mapping{{0x400000, 0x10cf000}, {0x10cf000, 0x2086000}}, readOnlyMappings([]byte(maps), "/opt/byline"))
}

// TestReleaseProgramPages unmaps the pages of the running test program, which
// must continue to run.
func TestReleaseProgramPages(t *testing.T) {
	path, err := os.Executable()
	require.NoError(t, err)
	maps, err := os.ReadFile("/proc/self/maps")
	require.NoError(t, err)
	require.NotEmpty(t, readOnlyMappings(maps, path))
	before := residentFile(t)
	releaseProgramPages()
	require.Less(t, residentFile(t), before)
}

// residentFile returns the resident size of file mappings in kB
// (proc_pid_status(5)).
func residentFile(t *testing.T) (kB int) {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "RssFile:")
	require.True(t, found)
	_, err = fmt.Sscan(after, &kB)
	require.NoError(t, err)
	return kB
}
