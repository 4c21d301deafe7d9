//go:build !linux

package main

import "os"

// forgetPages does nothing: only Linux can be asked for it.
func forgetPages(*os.File) {}
