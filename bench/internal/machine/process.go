// Package machine starts and stops processes and reads the metrics of the
// operating system and the server.
package machine

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a child process that this program started and will stop, by its
// id.
type Process struct {
	cmd  *exec.Cmd
	log  string // file
	done chan struct{}
	err  error
}

// Start runs a program with its output in a file. The program gets its own
// process group, so that Ctrl-C reaches only this program, which then stops its
// children in order.
func Start(logFile, dir string, env []string, program string, args ...string) (*Process, error) {
	out, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, log: logFile, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop asks the process to end, and kills it if it is still running after the
// time.
func (p *Process) Stop(within time.Duration) error {
	select {
	case <-p.done:
		return fmt.Errorf("%s had ended already: %v\n%s", p.cmd.Path, p.err, p.Tail())
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(within):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not stop within %s and was killed", p.cmd.Path, within)
	}
}

// Ready waits until check succeeds or the process ends.
func (p *Process) Ready(ctx context.Context, within time.Duration, check func() error) error {
	limit := time.After(within)
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return fmt.Errorf("%s ended: %v\n%s", p.cmd.Path, p.err, p.Tail())
		case <-limit:
			return fmt.Errorf("%s is not ready after %s: %w\n%s", p.cmd.Path, within, err, p.Tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Tail returns the last lines that the process wrote.
func (p *Process) Tail() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(len(lines)-15, 0):], "\n")
}

// FreeAddr returns a loopback address that is not in use. Its port is outside
// the range from which systems choose the ports of outgoing connections (Linux:
// 32768 to 60999), so that no connection takes it before the caller listens.
func FreeAddr() (string, error) {
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}

// Output runs a program until it ends and returns its standard output. The
// error contains its standard error.
func Output(ctx context.Context, dir string, env []string, program string, args ...string) (string, error) {
	var stdout, stderr strings.Builder
	err := execute(ctx, &stdout, &stderr, dir, env, program, args)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), err
}

// Combined is like Output but returns standard output and standard error
// together.
func Combined(ctx context.Context, dir string, env []string, program string, args ...string) (string, error) {
	var out strings.Builder
	err := execute(ctx, &out, &out, dir, env, program, args)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, strings.TrimSpace(out.String()))
	}
	return out.String(), err
}

func execute(ctx context.Context, stdout, stderr io.Writer, dir string, env []string, program string, args []string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopDelay
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return nil
}

// stopDelay is how long a cancelled program may take to end; `byline seed`
// stops its PostgreSQL.
const stopDelay = 30 * time.Second

// Environment returns the environment of this process without variables that
// would change the settings of the program under test.
func Environment(add ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); {
		case strings.HasPrefix(name, "BYLINE_"), strings.HasPrefix(name, "OTEL_"), strings.HasPrefix(name, "PG"),
			name == "DATABASE_URL", name == "GOGC", name == "GOMEMLIMIT", name == "GODEBUG":
		default:
			env = append(env, v)
		}
	}
	return append(env, add...)
}
