//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// readyPoll is short because the tests start many servers. Each poll reads
	// one small file.
	readyPoll = 20 * time.Millisecond
	// quitWait is longer than the 5 s after which the postmaster itself kills
	// backends that do not end on SIGQUIT.
	quitWait = 8 * time.Second
	// waitLogInterval is how often a start that takes long is logged.
	waitLogInterval = 5 * time.Second
)

// process is one run of the postmaster.
type process struct {
	cmd     *exec.Cmd
	cluster string
	log     *serverLog
	exited  chan struct{} // closed when the process has been waited for and its log read
}

// startProcess starts PostgreSQL and does not wait until it accepts clients.
func startProcess(who account, bins binaries, cluster string, args []string, logger *slog.Logger) (*process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd, pipe, err := newWatched(context.Background(), who, bins.path("postgres"), args...)
	if err != nil {
		return nil, errors.Join(err, read.Close(), write.Close())
	}
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	pipe.started()
	_ = write.Close()
	if err != nil {
		pipe.release()
		return nil, errors.Join(err, read.Close())
	}
	p := &process{cmd: cmd, cluster: cluster, log: &serverLog{logger: logger}, exited: make(chan struct{})}
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		p.log.read(read)
	}()
	go func() {
		defer close(p.exited)
		_ = cmd.Wait()
		pipe.release()
		select {
		case <-logged:
		case <-time.After(time.Second): // backends of a killed postmaster may hold the pipe open
		}
		_ = read.Close()
		<-logged
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// waitReady returns when a client gets a response at url, and at once if it
// gets an error that waiting does not change. It has no time limit of its own:
// recovery after a crash may take long, and giving up would only make it start
// from the beginning.
func (p *process) waitReady(ctx context.Context, url string) error {
	tick, report := time.NewTicker(readyPoll), time.NewTicker(waitLogInterval)
	defer tick.Stop()
	defer report.Stop()
	began, last := time.Now(), errors.New("it has not finished its recovery")
	p.log.logger.Info("embedded: waiting for PostgreSQL to accept connections", "pid", p.pid())
	for {
		select {
		case <-p.exited:
			if reason := p.log.refused(); reason != "" {
				return &refusedError{reason}
			}
			return fmt.Errorf("PostgreSQL ended before it was ready (%s): %s", p.cmd.ProcessState, p.log.tail())
		case <-ctx.Done():
			return ctx.Err()
		case <-report.C:
			p.log.logger.Info("embedded: still waiting for PostgreSQL to accept connections", "pid", p.pid(),
				"seconds", int(time.Since(began).Seconds()), "reason", last, "last", p.log.tail())
		case <-tick.C:
			// PostgreSQL logs each connection that it refuses, so do not
			// connect before the pid file says that it is ready.
			if pid, ready := readPidFile(p.cluster); pid != p.pid() || !ready {
				continue
			}
			if last = ping(ctx, url); last == nil || !temporary(last) {
				return last
			}
		}
	}
}

// temporary reports whether an attempt to connect may succeed when it is
// repeated: the server could not be reached, is still starting up, or has no
// free connection.
func temporary(err error) bool {
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		return refusal.Code == "57P03" || refusal.Code == "53300" // cannot_connect_now, too_many_connections
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// refusedError is a failed start that may succeed when it is repeated.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return "PostgreSQL does not start: " + e.reason }

func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var one int
	return conn.QueryRow(ctx, "select 1").Scan(&one)
}

// shutdown ends PostgreSQL. It uses a fast shutdown, which disconnects the
// clients and writes all data. When force is closed it uses an immediate
// shutdown, after which the next start has to recover.
func (p *process) shutdown(force <-chan struct{}) error {
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.exited:
		return nil
	case <-force:
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
	case <-time.After(quitWait):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	return errors.New("PostgreSQL did not shut down in time and was terminated; it will recover at the next start")
}

// kill ends a PostgreSQL that has no clients yet.
func (p *process) kill() {
	now := make(chan struct{})
	close(now)
	_ = p.shutdown(now)
}

// readPidFile returns the pid of the postmaster that uses the cluster, or used
// it last (0 if there is no pid file), and whether it accepts clients.
func readPidFile(cluster string) (pid int, ready bool) {
	text, err := os.ReadFile(filepath.Join(cluster, pidFile))
	if err != nil {
		return 0, false
	}
	lines := strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	return pid, len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}
