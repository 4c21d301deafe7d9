//go:build unix && !linux

package main

import "testing"

// apart binds processes to cores on Linux only.
func apart(_ *testing.T, start func()) (cores int) {
	start()
	return 0
}
