package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// forgetPages makes the next read of a file come from the disk, and not from
// memory, if all that was written is on the disk. Not all file systems can, so
// errors are ignored.
func forgetPages(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
