package main

import (
	"os"
	"runtime/debug"
)

// gcPercent trades processor time for memory: collecting at 40 % of growth,
// not at the default 100 %, costs a few percent under full load, and the peak
// stays that much lower.
const gcPercent = 40

// tuneMemory sets the pace of the garbage collector, unless GOGC does, and
// gives back what only the start needed: the heap of migrations, of compiling
// the document and of the first password hash, and the code of all that.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	debug.FreeOSMemory()
	forgetProgram()
}
