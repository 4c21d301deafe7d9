package main

import (
	"os"
	"runtime/debug"
)

// gcPercent makes the garbage collector run when the heap has grown by 40 %,
// instead of the default 100 %. This costs a few percent of CPU time under full
// load and lowers the peak memory use.
const gcPercent = 40

// tuneMemory sets the garbage collection target, unless GOGC is set, and
// returns memory to the operating system that only the start needed: the heap
// of the migrations, of compiling openapi.yaml and of the first password hash,
// and the pages of their code.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	debug.FreeOSMemory()
	releaseProgramPages()
}
