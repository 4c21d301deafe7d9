package pgbench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/bench/internal/machine"
)

// Cluster is the embedded PostgreSQL of a running service.
type Cluster struct {
	DataDir string // of the service; the cluster is in its folder postgres
	PID     int    // of the postmaster
	Host    string // address, or folder of the Unix socket
	Port    int
	BinDir  string // of the running program
	User    string
	DB      string
}

// Find reads the files that PostgreSQL writes about itself in its folder.
func Find(dataDir string) (Cluster, error) {
	c := Cluster{DataDir: dataDir, User: "byline", DB: "byline"}
	text, err := os.ReadFile(filepath.Join(dataDir, "postgres", "postmaster.pid"))
	if err != nil {
		return c, err
	}
	if err := c.parsePID(string(text)); err != nil {
		return c, err
	}
	// The first word of postmaster.opts is the program. Its path may be a link.
	if text, err := os.ReadFile(filepath.Join(dataDir, "postgres", "postmaster.opts")); err == nil {
		program, _, _ := strings.Cut(string(text), " ")
		c.BinDir = filepath.Dir(program)
	}
	return c, nil
}

// parsePID parses postmaster.pid: process id, folder, start time, port, folder
// of the socket, address, …
func (c *Cluster) parsePID(text string) error {
	lines := strings.Split(text, "\n")
	if len(lines) < 6 {
		return errors.New("postmaster.pid is incomplete")
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(lines[0]))
	port, err2 := strconv.Atoi(strings.TrimSpace(lines[3]))
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("postmaster.pid: %w", err)
	}
	// Prefer the Unix socket, as Byline does.
	c.PID, c.Port, c.Host = pid, port, strings.TrimSpace(lines[4])
	if c.Host == "" {
		c.Host = strings.TrimSpace(lines[5])
	}
	return nil
}

// Env returns the variables that tell PostgreSQL's programs how to connect.
// They keep the password off the command line.
func (c Cluster) Env() ([]string, error) {
	password, err := os.ReadFile(filepath.Join(c.DataDir, "password"))
	if err != nil {
		return nil, err
	}
	return machine.Environment("PGHOST="+c.Host, "PGPORT="+strconv.Itoa(c.Port), "PGUSER="+c.User, "PGDATABASE="+c.DB,
		"PGPASSWORD="+strings.TrimSpace(string(password)), "LC_ALL=C"), nil
}

// URL returns the URL of the database.
func (c Cluster) URL() (string, error) {
	password, err := os.ReadFile(filepath.Join(c.DataDir, "password"))
	if err != nil {
		return "", err
	}
	query := url.Values{"host": {c.Host}, "port": {strconv.Itoa(c.Port)}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(c.User, strings.TrimSpace(string(password))), Path: "/" + c.DB, RawQuery: query.Encode()}
	return u.String(), nil
}

// Program finds pgbench: beside the running server, in Debian's folders (the
// newest), or in the path. The archive that Byline downloads does not contain
// it.
func (c Cluster) Program() (string, error) {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	slices.SortFunc(installed, func(a, b string) int { return major(b) - major(a) })
	for _, path := range append([]string{filepath.Join(c.BinDir, "pgbench")}, installed...) {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	return "", errors.New("pgbench is not installed (Debian: apt install postgresql-contrib), so the figures are not compared with it")
}

// major returns the version in a path such as
// /usr/lib/postgresql/15/bin/pgbench.
func major(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// Run executes scripts, chosen at random, with prepared statements, and returns
// the transactions a second. The time (whole seconds) follows a warm-up of a
// second, in which the connections are opened and the statements planned.
func (c Cluster) Run(ctx context.Context, scripts []string, clients int, span time.Duration) (float64, error) {
	out, err := c.output(ctx, scripts, clients, span)
	if err != nil {
		return 0, err
	}
	return parse(out)
}

// Count is like Run, but returns how many transactions there were, with those of
// the warm-up.
func (c Cluster) Count(ctx context.Context, scripts []string, clients int, span time.Duration) (int64, error) {
	out, err := c.output(ctx, scripts, clients, span)
	if err != nil {
		return 0, err
	}
	return parseCount(out)
}

func (c Cluster) output(ctx context.Context, scripts []string, clients int, span time.Duration) (string, error) {
	program, err := c.Program()
	if err != nil {
		return "", err
	}
	env, err := c.Env()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "byline-pgbench-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	args := []string{"--no-vacuum", "--protocol=prepared", "--client=" + strconv.Itoa(clients), "--jobs=1",
		"--time=" + strconv.Itoa(warmSeconds+max(int(span.Round(time.Second).Seconds()), 1)), "--progress=1", "--random-seed=1"}
	for i, script := range scripts {
		file := filepath.Join(dir, strconv.Itoa(i)+".sql")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			return "", err
		}
		args = append(args, "--file="+file)
	}
	return machine.Combined(ctx, dir, env, program, args...)
}

const warmSeconds = 1

var (
	progress = regexp.MustCompile(`(?m)^progress: ([0-9.]+) s, ([0-9.]+) tps`)
	failed   = regexp.MustCompile(`(?m)^number of failed transactions: ([0-9]+)`)
	count    = regexp.MustCompile(`(?m)^number of transactions actually processed: ([0-9]+)`)
)

// parseCount returns how many transactions there were. None may have failed.
func parseCount(out string) (int64, error) {
	if m := failed.FindStringSubmatch(out); m != nil && m[1] != "0" {
		return 0, fmt.Errorf("pgbench: %s transactions failed", m[1])
	}
	m := count.FindStringSubmatch(out)
	if m == nil || m[1] == "0" {
		return 0, fmt.Errorf("pgbench did not print how many transactions there were:\n%s", out)
	}
	return strconv.ParseInt(m[1], 10, 64)
}

// parse averages the seconds after the warm-up. The last line may cover a
// fraction of a second, so lines are weighted by their length.
func parse(out string) (float64, error) {
	if m := failed.FindStringSubmatch(out); m != nil && m[1] != "0" {
		return 0, fmt.Errorf("pgbench: %s transactions failed", m[1])
	}
	var before, span, done float64
	for _, m := range progress.FindAllStringSubmatch(out, -1) {
		at, err1 := strconv.ParseFloat(m[1], 64)
		tps, err2 := strconv.ParseFloat(m[2], 64)
		if err := errors.Join(err1, err2); err != nil {
			return 0, err
		}
		if before >= warmSeconds-0.1 {
			span += at - before
			done += (at - before) * tps
		}
		before = at
	}
	if span <= 0 {
		return 0, fmt.Errorf("pgbench did not print its progress:\n%s", out)
	}
	return done / span, nil
}
