//go:build !linux

package main

// releaseProgramPages does nothing: only on Linux the pages of the program's
// file count as memory of the process.
func releaseProgramPages() {}
