//go:build !linux

package main

// runAsInit does nothing: byline runs as the first process only in containers.
func runAsInit() {}
