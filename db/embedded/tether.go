//go:build unix

package embedded

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
)

// watch runs a program ("$@") that must not outlive us, even when we are killed
// with -9. A watcher waits for the end of a pipe (fd 3) whose write end only we
// hold: a line means that all is well, the end without one that we are gone.
//
// The shell becomes the program (exec), so that its pid is the one we started
// and no signal has to be passed on. The watcher is forked twice: as a child of
// PostgreSQL, its end would be taken for a crashed backend.
const watch = `
pid=$$
( {
	read -r line <&3 && exit
	kill -INT $pid
	for i in 1 2 3 4 5; do sleep 1; kill -0 $pid || exit; done
	kill -QUIT $pid
} >/dev/null 2>&1 & )
exec "$@" 3<&-
`

// tether is our end of the pipe.
type tether struct{ read, write *os.File }

// newTether prepares a program to end when this process does. The caller starts
// it, then calls started, and release when it has ended.
func newTether(ctx context.Context, who account, program string, args ...string) (*exec.Cmd, *tether, error) {
	// Both ends are close-on-exec; only ExtraFiles pass one on.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd := who.command(ctx, "/bin/sh", append([]string{"-c", watch, "byline-watch", program}, args...)...)
	cmd.ExtraFiles = []*os.File{read}
	return cmd, &tether{read, write}, nil
}

// started gives up the end that the watcher has now.
func (t *tether) started() { _ = t.read.Close() }

// release sends the watcher home, after the program has ended.
func (t *tether) release() {
	_, _ = t.write.WriteString("ended\n")
	_ = t.write.Close()
}

// tethered runs a program to its end and returns all it wrote.
func tethered(ctx context.Context, who account, input io.Reader, program string, args ...string) ([]byte, error) {
	cmd, tether, err := newTether(ctx, who, program, args...)
	if err != nil {
		return nil, err
	}
	defer tether.release()
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, &out, &out
	err = cmd.Start()
	tether.started()
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.Bytes(), err
}
