package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// releaseProgramPages unmaps the pages of the program's file. The start touches
// nearly all of them, but requests need only half, and jobs need others. A page
// that is needed again is mapped from the page cache at its next use, which
// takes a few µs and reads nothing from disk. This is an optimization, so
// errors are ignored.
func releaseProgramPages() {
	path, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for _, m := range readOnlyMappings(maps, path) {
		// A read-only mapping has the same content as the file, so that no data
		// is lost.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED)
	}
}

type mapping struct{ start, end uintptr }

// readOnlyMappings returns the read-only mappings of the file at path. It
// parses the text of /proc/self/maps (proc_pid_maps(5)).
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
