//go:build unix

package embedded

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
)

// watchScript runs a program ("$@") that must not outlive this process, even if
// this process is killed with SIGKILL. A watcher reads a pipe (fd 3) whose
// write end only this process has open. If the watcher reads a line, the
// program has ended normally; if it reads the end of the file, this process has
// died, and the watcher ends the program.
//
// The shell replaces itself with the program (exec), so that the program has
// the pid that was started and receives signals directly. The watcher is forked
// twice because PostgreSQL would take the end of a child process that it does
// not know for a crashed backend.
const watchScript = `
pid=$$
( {
	read -r line <&3 && exit
	kill -INT $pid
	for i in 1 2 3 4 5; do sleep 1; kill -0 $pid || exit; done
	kill -QUIT $pid
} >/dev/null 2>&1 & )
exec "$@" 3<&-
`

// watchPipe is the pipe between this process and the watcher.
type watchPipe struct{ read, write *os.File }

// newWatched prepares a program that ends when this process ends. The caller
// starts the program, then calls started, and calls release when the program
// has ended.
func newWatched(ctx context.Context, who account, program string, args ...string) (*exec.Cmd, *watchPipe, error) {
	// Both ends are close-on-exec; only ExtraFiles pass one to the program.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd := who.command(ctx, "/bin/sh", append([]string{"-c", watchScript, "byline-watch", program}, args...)...)
	cmd.ExtraFiles = []*os.File{read}
	return cmd, &watchPipe{read, write}, nil
}

// started closes the read end, which the watcher has open now.
func (w *watchPipe) started() { _ = w.read.Close() }

// release ends the watcher after the program has ended.
func (w *watchPipe) release() {
	_, _ = w.write.WriteString("ended\n")
	_ = w.write.Close()
}

// runWatched runs a program until it ends and returns its output.
func runWatched(ctx context.Context, who account, input io.Reader, program string, args ...string) ([]byte, error) {
	cmd, pipe, err := newWatched(ctx, who, program, args...)
	if err != nil {
		return nil, err
	}
	defer pipe.release()
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, &out, &out
	err = cmd.Start()
	pipe.started()
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.Bytes(), err
}
