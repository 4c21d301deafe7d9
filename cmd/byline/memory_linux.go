package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// forgetProgram unmaps the pages of the program's file, of which the start has
// touched nearly all and requests need half. Those that are needed come back
// from the page cache at their next use, some µs each; nothing is read from
// disk. It is an optimization: what cannot be read is left as it is.
func forgetProgram() {
	path, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for _, m := range readOnlyMappings(maps, path) {
		// Read-only, so that there is nothing in it but what the file has.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED)
	}
}

type mapping struct{ start, end uintptr }

// readOnlyMappings finds the mappings of a file that cannot be written, in the
// text of /proc/self/maps (proc_pid_maps(5)).
func readOnlyMappings(maps []byte, path string) (found []mapping) {
	lines := bufio.NewScanner(bytes.NewReader(maps))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 6 || fields[5] != path || strings.Contains(fields[1], "w") {
			continue
		}
		start, end, _ := strings.Cut(fields[0], "-")
		from, err1 := parseHex(start)
		to, err2 := parseHex(end)
		if err1 == nil && err2 == nil {
			found = append(found, mapping{from, to})
		}
	}
	return found
}

func parseHex(s string) (uintptr, error) {
	n, err := strconv.ParseUint(s, 16, 64)
	return uintptr(n), err
}
