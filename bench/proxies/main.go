// Command proxies measures what byline strangle adds to a response, beside nginx
// that does the same: passing on, and mirroring each request to a second system
// as Envoy does too. Both systems behind the proxies answer with constant bytes,
// so that the proxies are what is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/machine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "proxies:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	byline, constant, nginx string
	connections, rounds     int
	size                    int
	rate                    float64
	measure                 time.Duration
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("proxies", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.byline, "byline", "bin/byline", "the program with the proxy")
	f.StringVar(&o.constant, "constant", "bin/bench-constant", "the server behind the proxies")
	f.StringVar(&o.nginx, "nginx", "nginx", "the other proxy")
	f.IntVar(&o.connections, "connections", 16, "connections of the clients")
	f.IntVar(&o.rounds, "rounds", 5, "measurements of each proxy; the tables have the medians")
	f.IntVar(&o.size, "size", 2900, "length of a response in bytes")
	f.Float64Var(&o.rate, "rate", 1000, "requests a second when latencies are measured")
	f.DurationVar(&o.measure, "measure", 3*time.Second, "time of each measurement")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 || o.connections < 1 || o.rounds < 1 || o.size < 2 || o.rate <= 0 || o.measure <= 0 {
		return nil, errors.New("no arguments are expected, and each number must be 1 or more")
	}
	var err error
	if o.byline, err = filepath.Abs(o.byline); err == nil {
		o.constant, err = filepath.Abs(o.constant)
	}
	return o, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "byline-proxies-")
	if err != nil {
		return err
	}
	s := &stage{options: o, work: work}
	defer func() { err = errors.Join(err, s.stop(), os.RemoveAll(work)) }()
	sides, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err := measure(ctx, o, sides, stderr); err != nil {
		return err
	}
	return report(stdout, o, sides)
}

// side is a way to the old system.
type side struct {
	name, addr string
	pid        int // of the proxy
	rps        []float64
	cpu        []float64 // µs of the proxy for a request
	p50, p99   []float64 // ms
}

// stage holds the processes.
type stage struct {
	*options
	work      string
	processes []*machine.Process
}

func (s *stage) stop() (err error) {
	for _, p := range s.processes {
		err = errors.Join(err, p.Stop(5*time.Second))
	}
	return err
}

// run starts a program that listens at addr. Its process is the last one.
func (s *stage) run(ctx context.Context, name, addr, program string, args ...string) error {
	p, err := machine.Start(filepath.Join(s.work, name+".log"), s.work, machine.Environment(), program, args...)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return p.Ready(ctx, 20*time.Second, func() error {
		res, err := http.Get("http://" + addr + path)
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
}

// start starts two systems and all proxies.
func (s *stage) start(ctx context.Context) ([]*side, error) {
	old, err := s.constantServer(ctx, "old")
	if err != nil {
		return nil, err
	}
	new, err := s.constantServer(ctx, "new")
	if err != nil {
		return nil, err
	}
	sides := []*side{{name: "no proxy", addr: old}}
	for _, mirror := range []bool{false, true} {
		addr, err := s.nginxServer(ctx, old, new, mirror)
		if err != nil {
			return nil, err
		}
		name := "nginx"
		if mirror {
			name = "nginx, mirror to both"
		}
		sides = append(sides, &side{name: name, addr: addr, pid: s.last()})
	}
	for _, mode := range []string{"old", "50%", "shadow"} {
		addr, err := s.strangle(ctx, old, new, mode)
		if err != nil {
			return nil, err
		}
		sides = append(sides, &side{name: "byline strangle, " + mode, addr: addr, pid: s.last()})
	}
	return sides, nil
}

func (s *stage) last() int { return s.processes[len(s.processes)-1].PID() }

func (s *stage) constantServer(ctx context.Context, name string) (addr string, err error) {
	if addr, err = machine.FreeAddr(); err != nil {
		return "", err
	}
	return addr, s.run(ctx, name, addr, s.constant, "-addr", addr, "-size", strconv.Itoa(s.size))
}

func (s *stage) strangle(ctx context.Context, old, new, mode string) (addr string, err error) {
	if addr, err = machine.FreeAddr(); err != nil {
		return "", err
	}
	admin, err := machine.FreeAddr()
	if err != nil {
		return "", err
	}
	file := filepath.Join(s.work, "strangle.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "modes: {default: old, reads: %q}\n", mode), 0o644); err != nil {
		return "", err
	}
	return addr, s.run(ctx, "strangle", addr, s.byline, "strangle", "--file", file, "--old", "http://"+old, "--new", "http://"+new, "--listen", addr, "--admin", admin)
}

// nginxServer starts nginx with kept connections, without a log of requests, as
// who cares about speed configures it.
func (s *stage) nginxServer(ctx context.Context, old, new string, mirror bool) (addr string, err error) {
	if addr, err = machine.FreeAddr(); err != nil {
		return "", err
	}
	program, err := nginxPath(s.nginx)
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(s.work, "nginx-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		return "", err
	}
	also := ""
	if mirror {
		also = "mirror /mirror;"
	}
	text := fmt.Sprintf(`daemon off; worker_processes auto; pid %[1]s/pid; error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  keepalive_requests 100000000;
  upstream old { server %[2]s; keepalive 64; keepalive_requests 100000000; }
  upstream new { server %[3]s; keepalive 64; keepalive_requests 100000000; }
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr;
  server {
    listen %[4]s;
    location / { %[5]s proxy_pass http://old; }
    location = /mirror { internal; proxy_pass http://new$request_uri; }
  }
}
`, folder, old, new, addr, also)
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return "", err
	}
	return addr, s.run(ctx, filepath.Base(folder), addr, program, "-c", file, "-p", folder)
}

// nginxPath finds nginx, which Debian keeps where only root's PATH leads.
func nginxPath(name string) (string, error) {
	for _, name := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errors.New("nginx is not installed; --nginx names it")
}

// path is an operation of the contract, so that the proxy finds one.
const path = "/api/articles/some-article"

// driver sends the same request again and again.
type driver struct{ request []byte }

func (d driver) Next(to []byte) []byte { return append(to, d.request...) }

func (d driver) Check(res load.Response, _ bool) error {
	if res.Status != http.StatusOK {
		return fmt.Errorf("status %d", res.Status)
	}
	return nil
}

// plan is a measurement; a rate of 0 means that each connection sends the next
// request when it has the answer.
func (o *options) plan(addr string, rate float64) load.Plan {
	return load.Plan{Addr: addr, Connections: o.connections, Warm: o.measure / 4, Measure: o.measure, Rate: rate, Driver: func(i int) load.Driver {
		// Each connection is a user of its own, for shares of users.
		host, _, _ := net.SplitHostPort(addr)
		return driver{fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: client-%d\r\n\r\n", path, host, i)}
	}}
}

// measure measures all sides in turn, round by round.
func measure(ctx context.Context, o *options, sides []*side, log io.Writer) error {
	for round := range o.rounds {
		fmt.Fprintf(log, "round %d of %d\n", round+1, o.rounds)
		for i := range sides {
			s := sides[(i+round)%len(sides)]
			for _, rate := range []float64{0, o.rate} {
				if err := s.measure(ctx, o, rate); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
			}
		}
	}
	return nil
}

func (s *side) measure(ctx context.Context, o *options, rate float64) error {
	plan := o.plan(s.addr, rate)
	var cpu [2]time.Duration
	read := func(i int) func() {
		return func() {
			if s.pid != 0 {
				cpu[i], _ = machine.TreeCPU(s.pid, 0) // 0 if the process has ended: then requests fail
			}
		}
	}
	plan.Begin, plan.End = read(0), read(1)
	res, err := load.Run(ctx, plan)
	switch {
	case err != nil:
		return err
	case res.Errors > 0:
		return fmt.Errorf("%d requests failed: %s", res.Errors, res.Failures[0].Message)
	case rate == 0:
		s.rps = append(s.rps, float64(res.Answered)/res.Elapsed.Seconds())
		s.cpu = append(s.cpu, float64((cpu[1]-cpu[0]).Microseconds())/float64(res.Answered))
	default:
		s.p50 = append(s.p50, float64(res.Latency.Quantile(0.5))/float64(time.Millisecond))
		s.p99 = append(s.p99, float64(res.Latency.Quantile(0.99))/float64(time.Millisecond))
	}
	return nil
}
