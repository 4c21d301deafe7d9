//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/embedded"
)

// hang is a bound that only something stuck exceeds, also on a busy machine.
const hang = 60 * time.Second

// binary is the service as it is shipped; the faults hit processes, not goroutines.
var binary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "byline-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "byline")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		return 1
	}
	code := m.Run()
	stopShared()
	if chaos() {
		printResults(os.Stdout)
	}
	return code
}

// chaos says whether the slow faults were asked for, and with them the table.
func chaos() bool { return os.Getenv("BYLINE_CHAOS") == "1" }

func slow(t *testing.T) {
	t.Helper()
	if !chaos() {
		t.Skip("slow: make chaos")
	}
}

// openFolder is one that PostgreSQL reaches, which root runs as another user.
func openFolder(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, path := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(path, 0o755))
	}
	return dir
}

// freePort is outside the range that connections take their ports from, so
// that it is still free when a service is started on it again.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := "127.0.0.1:" + strconv.Itoa(20_000+rand.IntN(12_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// service is a child process.
type service struct {
	t           testing.TB
	addr, admin string
	dir         string // of the embedded PostgreSQL; empty = there is none
	env         []string
	log         *safeBuffer // of all its lives
	cmd         *exec.Cmd
	exited      chan struct{}
}

// newService describes one that is not started yet. Without a databaseURL it
// makes a PostgreSQL of its own.
func newService(t testing.TB, databaseURL string, settings ...string) *service {
	t.Helper()
	s := &service{t: t, addr: freePort(t), admin: freePort(t), log: &safeBuffer{}}
	s.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "DATABASE_URL=" + databaseURL,
		"BYLINE_ADDR=" + s.addr, "BYLINE_ADMIN_ADDR=" + s.admin, "BYLINE_LOG_FORMAT=json", "BYLINE_LOG_LEVEL=warn",
		"BYLINE_RATE_LIMIT=off",
	}, settings...)
	if databaseURL == "" {
		s.dir = filepath.Join(openFolder(t), "data")
		s.env = append(s.env, "BYLINE_DATA_DIR="+s.dir)
	}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.end()
		}
		if s.dir != "" {
			requireNone(t, s.dir)
		}
		if t.Failed() {
			t.Logf("log of the service at %s:\n%s", s.addr, s.log.tail(1500))
		}
	})
	return s
}

func startService(t testing.TB, databaseURL string, settings ...string) *service {
	t.Helper()
	s := newService(t, databaseURL, settings...)
	if s.dir != "" {
		copyCluster(t, s.dir)
	}
	s.start()
	s.waitReady()
	return s
}

func (s *service) start() {
	s.t.Helper()
	s.cmd = exec.Command(binary, "serve")
	s.cmd.Env, s.cmd.Stderr = s.env, s.log
	if s.dir != "" {
		s.cmd.Dir = filepath.Dir(s.dir)
	}
	require.NoError(s.t, s.cmd.Start())
	exited, cmd := make(chan struct{}), s.cmd
	s.exited = exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
}

func (s *service) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

func (s *service) waitReady() {
	s.t.Helper()
	await(s.t, "readiness", func() bool {
		if !s.running() {
			s.t.Fatalf("the service ended:\n%s", s.log.tail(3000))
		}
		return s.ready()
	})
}

func (s *service) ready() bool {
	res, err := quickClient.Get("http://" + s.addr + "/readyz")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// quickClient opens a connection for each request, as probes do.
var quickClient = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (s *service) signal(sig syscall.Signal) {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(sig))
}

// wait returns the exit code, -1 after a signal.
func (s *service) wait() int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(hang):
		s.t.Fatal("the service does not end")
	}
	return s.cmd.ProcessState.ExitCode()
}

func (s *service) end() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(hang):
		_ = s.cmd.Process.Kill()
		<-s.exited
		s.t.Error("the service had to be killed")
	}
}

// databaseURL is that of the service's embedded PostgreSQL.
func (s *service) databaseURL() string {
	s.t.Helper()
	u, err := embedded.RunningURL(embedded.Config{DataDir: s.dir, Strict: true})
	require.NoError(s.t, err)
	return u
}

// postmaster is the process id of the service's PostgreSQL, 0 if there is none.
func (s *service) postmaster() int {
	text, _ := os.ReadFile(filepath.Join(s.dir, "postgres", "postmaster.pid"))
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

// adminPage reads a page of the admin port.
func (s *service) adminPage(path string) string {
	s.t.Helper()
	res, err := quickClient.Get("http://" + s.admin + path)
	require.NoError(s.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return string(body)
}

func (s *service) goroutines() (n int) {
	s.t.Helper()
	_, err := fmt.Sscanf(s.adminPage("/debug/pprof/goroutine?debug=1"), "goroutine profile: total %d", &n)
	require.NoError(s.t, err)
	return n
}

// inFlight is how many requests the service works on.
func (s *service) inFlight() (n int) {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.adminPage("/metrics"), "\napi_requests_in_flight ")
	_, err := fmt.Sscan(rest, &n)
	require.NoError(s.t, err)
	return n
}

// peakMemory is VmHWM in MB, 0 where there is no /proc.
func (s *service) peakMemory() (mb int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &mb); err == nil {
			return mb / 1024
		}
	}
	return 0
}

// story is what the load works on: an author and an article.
type story struct{ token, slug string }

// prepare registers an author who writes an article.
func (s *service) prepare() story {
	s.t.Helper()
	var user struct{ User struct{ Token string } }
	s.post("/api/users", "", `{"user":{"username":"anna","email":"anna@example.com","password":"correct horse"}}`, &user)
	var article struct{ Article struct{ Slug string } }
	s.post("/api/articles", user.User.Token, `{"article":{"title":"Story","description":"d","body":"b","tagList":["t"]}}`, &article)
	return story{user.User.Token, article.Article.Slug}
}

func (s *service) post(path, token, body string, answer any) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+path, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Token "+token)
	}
	res, err := (&http.Client{Timeout: hang}).Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusCreated, res.StatusCode, "%s", text)
	require.NoError(s.t, json.Unmarshal(text, answer))
}

// await polls quickly, so that what is measured with it is not rounded up.
func await(t testing.TB, what string, done func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !done() {
		if time.Since(began) > hang {
			t.Fatalf("waited %s for %s", hang, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// safeBuffer collects what a process writes.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.buf.String()
	return text[max(0, len(text)-n):]
}

// refused says whether err means that nobody listens: the one failure of
// which it is certain that the request has not been seen.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
