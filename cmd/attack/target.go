package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 2 * time.Minute  // the first start may download PostgreSQL
	stopTimeout  = 45 * time.Second // the service drains, then stops PostgreSQL
)

// target is the service under attack.
type target struct {
	addr   string
	admin  string // the address of the admin port, "off", or "" if unknown
	pid    int    // 0 if unknown
	born   string // when the process started
	peaked int    // its peak memory at the last check, in MB
	stop   func() error
	// command runs another command of the program on the data of the service. It
	// is nil if this program has not started the service.
	command func(stdin string, args ...string) (stdout string, err error)
	data    string // the data folder, or ""
}

// start runs the program with its own PostgreSQL in a new folder, or uses the
// service at o.url.
func start(ctx context.Context, o options) (*target, error) {
	if o.url != "" {
		return attach(o)
	}
	return startOwn(ctx, o)
}

// startOwn runs the program with its own PostgreSQL in a new folder, and with
// more flags.
func startOwn(ctx context.Context, o options, flags ...string) (*target, error) {
	dir, err := os.MkdirTemp("", "byline-attack-")
	if err != nil {
		return nil, err
	}
	t, err := launch(ctx, o.binary, dir, flags...)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	end := t.stop
	t.stop = func() error { return errors.Join(end(), os.RemoveAll(dir)) }
	return t, nil
}

// attach uses a running service. It refuses services on other machines.
func attach(o options) (*target, error) {
	u, err := url.Parse(o.url)
	if err != nil {
		return nil, err
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "http" || u.Port() == "" || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not of the form http://127.0.0.1:PORT: only services on this machine can be attacked", o.url)
	}
	t := &target{addr: u.Host, pid: o.pid, stop: func() error { return nil }}
	if o.pid != 0 {
		if t.born, err = birth(o.pid); err != nil {
			return nil, err
		}
	}
	return t, t.healthy(startTimeout)
}

var servingAt = regexp.MustCompile(`"msg":"serving".*"url":"(https?)://([^"]+)".*"admin":"([^"]+)"`)

// launch starts the program with its data in dir, and with more flags.
func launch(ctx context.Context, binary, dir string, flags ...string) (*target, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	// If this user is root, PostgreSQL runs as another user, who must be able
	// to enter the folder.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	logFile := filepath.Join(dir, "log")
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	folder := filepath.Join(dir, "data")
	data := []string{"--data-dir", folder, "--database-url", ""}
	cmd := exec.Command(binary, slices.Concat([]string{"serve", "--addr", "127.0.0.1:0", "--admin-addr", "off", "--log-format", "json"}, data, flags)...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = environment(), dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches only this program
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t := &target{pid: cmd.Process.Pid, data: folder, stop: func() error { return end(cmd, ended, logFile) }}
	t.command = func(stdin string, args ...string) (string, error) {
		cmd := exec.Command(binary, slices.Concat(args, data)...)
		cmd.Env, cmd.Dir, cmd.Stdin = environment(), dir, strings.NewReader(stdin)
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	if t.born, err = birth(t.pid); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		text, _ := os.ReadFile(logFile)
		if found := servingAt.FindSubmatch(text); found != nil {
			t.addr, t.admin = string(found[2]), string(found[3])
			if string(found[1]) == "https" || t.healthy(2*time.Second) == nil {
				return t, nil
			}
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("%s ended: %w\n%s", binary, err, tail(logFile))
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), t.stop())
		default:
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("not ready after %s\n%s", startTimeout, tail(logFile)), t.stop())
		}
	}
}

// environment returns the environment of this process without variables that
// would change the settings of the service.
func environment() (env []string) {
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); {
		case strings.HasPrefix(name, "BYLINE_") && name != "BYLINE_PG_BIN", strings.HasPrefix(name, "OTEL_"),
			name == "DATABASE_URL", name == "GOGC", name == "GOMEMLIMIT", name == "GODEBUG":
		default:
			env = append(env, v)
		}
	}
	return env
}

// end asks the service to stop, like an operator.
func end(cmd *exec.Cmd, ended <-chan error, logFile string) error {
	select {
	case err := <-ended:
		return fmt.Errorf("the service had already ended: %w\n%s", err, tail(logFile))
	default:
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(stopTimeout):
		_ = cmd.Process.Kill()
		<-ended
		return fmt.Errorf("the service did not stop within %s and was killed", stopTimeout)
	}
}

func tail(file string) string {
	text, _ := os.ReadFile(file)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(len(lines)-15, 0):], "\n")
}

// healthy requests both probes.
func (t *target) healthy(within time.Duration) error {
	client := http.Client{Timeout: within, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/livez", "/readyz"} {
		res, err := client.Get("http://" + t.addr + path)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", path, res.Status)
		}
	}
	return nil
}

// alive reports an error unless the process is still the one that was started.
func (t *target) alive() error {
	if t.pid == 0 {
		return nil
	}
	born, err := birth(t.pid)
	if err != nil {
		return fmt.Errorf("process %d no longer exists", t.pid)
	}
	if born != t.born {
		return fmt.Errorf("process %d is another process now", t.pid)
	}
	return nil
}

// birth returns when a process started, in ticks. Together with the id this
// identifies a process.
func birth(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // starting with the third field (proc(5))
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	if fields[0] == "Z" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return fields[19], nil
}

// peak returns the maximum memory of the process so far, in MB (VmHWM of the
// kernel).
func (t *target) peak() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return kb / 1024, err
		}
	}
	return 0, errors.New("/proc has no VmHWM")
}
