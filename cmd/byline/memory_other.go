//go:build !linux

package main

// forgetProgram is for Linux, where the pages of the program count as memory
// of the process.
func forgetProgram() {}
