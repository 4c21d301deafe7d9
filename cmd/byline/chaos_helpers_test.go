//go:build unix

package main

import (
	"bytes"
	"context"
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
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/embedded"
)

// hangTimeout is the time after which a test considers an operation stuck. It
// is long enough for a busy machine.
const hangTimeout = 60 * time.Second

// binary is the path of the built service. The faults are injected into
// processes, so the tests cannot run the service in this process.
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
	if !chaos() {
		return code
	}
	table := resultsTable()
	fmt.Printf("\n%s\n", table)
	if page := os.Getenv("BYLINE_CHAOS_PAGE"); page != "" && code == 0 {
		if err := writeResults(page, table); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// chaos reports whether to run the slow tests and to print the table of
// results.
func chaos() bool { return os.Getenv("BYLINE_CHAOS") == "1" }

func slow(t *testing.T) {
	t.Helper()
	if !chaos() {
		t.Skip("this test is slow; run it with make chaos")
	}
}

// accessibleFolder returns a temporary folder that PostgreSQL can access. When
// this user is root, PostgreSQL runs as another user.
func accessibleFolder(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, path := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(path, 0o755))
	}
	return dir
}

// givenPorts has the addresses that freePort has returned. Tests run in
// parallel, and a service may listen long after its port was chosen.
var givenPorts sync.Map

// freePort returns an address with a free port that no other test gets. The
// port is outside the ephemeral range, so that it is still free when a service
// is restarted on it.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := "127.0.0.1:" + strconv.Itoa(20_000+rand.IntN(12_000))
		if _, given := givenPorts.LoadOrStore(addr, true); given {
			continue
		}
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// service is a byline process that a test starts.
type service struct {
	t           testing.TB
	addr, admin string
	dir         string // data folder of the embedded PostgreSQL; empty = external database
	env         []string
	log         *safeBuffer                           // log of all starts
	stderr      io.Writer                             // where the log goes; nil = log
	wrap        func(testing.TB, *exec.Cmd) *exec.Cmd // returns the command that runs another one; nil = the command itself
	cmd         *exec.Cmd
	exited      chan struct{}
}

// newService returns a service that is not started yet. If databaseURL is
// empty, the service runs an embedded PostgreSQL.
func newService(t testing.TB, databaseURL string, settings ...string) *service {
	t.Helper()
	s := &service{t: t, addr: freePort(t), admin: freePort(t), log: &safeBuffer{}}
	s.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "DATABASE_URL=" + databaseURL,
		"BYLINE_ADDR=" + s.addr, "BYLINE_ADMIN_ADDR=" + s.admin, "BYLINE_LOG_FORMAT=json", "BYLINE_LOG_LEVEL=warn",
		"BYLINE_RATE_LIMIT=off",
	}, settings...)
	if databaseURL == "" {
		s.dir = filepath.Join(accessibleFolder(t), "data")
		s.env = append(s.env, "BYLINE_DATA_DIR="+s.dir)
	}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.end()
		}
		if s.dir != "" {
			requireNoProcess(t, s.dir)
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
	if s.wrap != nil {
		s.cmd = s.wrap(s.t, s.cmd)
	}
	s.cmd.Env, s.cmd.Stderr = s.env, s.log
	if s.stderr != nil {
		s.cmd.Stderr = s.stderr
	}
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

// execute runs the binary with the environment of the service and further
// variables, and returns its output.
func (s *service) execute(variables []string, args ...string) ([]byte, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hangTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = slices.Concat(s.env, variables)
	return cmd.CombinedOutput()
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
			s.t.Fatalf("the service exited:\n%s", s.log.tail(3000))
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

// quickClient opens a new connection for each request, as probes do.
var quickClient = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (s *service) signal(sig syscall.Signal) {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(sig))
}

// wait waits for the service to exit and returns the exit code, or -1 if a
// signal ended it.
func (s *service) wait() int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(hangTimeout):
		s.t.Fatal("the service did not exit")
	}
	return s.cmd.ProcessState.ExitCode()
}

func (s *service) end() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(hangTimeout):
		_ = s.cmd.Process.Kill()
		<-s.exited
		s.t.Error("the service had to be killed")
	}
}

// databaseURL returns the URL of the embedded PostgreSQL of the service.
func (s *service) databaseURL() string {
	s.t.Helper()
	running, err := embedded.Running(embedded.Config{DataDir: s.dir, Strict: true})
	require.NoError(s.t, err)
	return running.URL
}

// postmaster returns the process id of the embedded PostgreSQL, or 0 if it is
// not running.
func (s *service) postmaster() int {
	text, _ := os.ReadFile(filepath.Join(s.dir, "postgres", "postmaster.pid"))
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

// adminPage requests a path of the admin port and returns the response body.
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

// inFlight returns the number of requests in flight.
func (s *service) inFlight() (n int) {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.adminPage("/metrics"), "\napi_requests_in_flight ")
	_, err := fmt.Sscan(rest, &n)
	require.NoError(s.t, err)
	return n
}

// peakMemory returns VmHWM in MB, or 0 on systems without /proc.
func (s *service) peakMemory() (mb int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &mb); err == nil {
			return mb / 1024
		}
	}
	return 0
}

// fixture is the data that the load works on: an author and an article.
type fixture struct{ token, slug string }

// prepare registers an author and creates an article.
func (s *service) prepare() fixture {
	s.t.Helper()
	var user struct{ User struct{ Token string } }
	s.post("/api/users", "", `{"user":{"username":"anna","email":"anna@example.com","password":"correct horse"}}`, &user)
	var article struct{ Article struct{ Slug string } }
	s.post("/api/articles", user.User.Token, `{"article":{"title":"Story","description":"d","body":"b","tagList":["t"]}}`, &article)
	return fixture{user.User.Token, article.Article.Slug}
}

func (s *service) post(path, token, body string, result any) {
	s.t.Helper()
	status, text := s.send(http.MethodPost, path, token, body)
	require.Equal(s.t, http.StatusCreated, status, "%s", text)
	require.NoError(s.t, json.Unmarshal([]byte(text), result))
}

// send sends a request of the API and returns the response.
func (s *service) send(method, path, token, body string) (status int, text string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Token "+token)
	}
	res, err := (&http.Client{Timeout: hangTimeout}).Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return res.StatusCode, string(read)
}

// await waits until done returns true and returns how long that took. It polls
// often, so that the result is precise enough for measurements.
func await(t testing.TB, what string, done func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !done() {
		if time.Since(began) > hangTimeout {
			t.Fatalf("waited %s for %s", hangTimeout, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// safeBuffer collects the output of a process.
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

// refused reports whether the connection was refused. No other error proves
// that the service has not received the request.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
