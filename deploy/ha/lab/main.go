//go:build linux

// Command lab starts the three machines of docs/high-availability.md inside this
// one, injects faults while clients write and read, and fails if an
// acknowledged write is lost, carried out twice or not seen by a reader. It runs
// the commands of that page at the right moments.
//
// A machine is a systemd with namespaces of its own (machine.sh): it has its own
// processes, files and network, so that the configuration and the units are
// those of real machines, with the same paths and ports. The network has no way
// out, and everything ends with this process.
//
//	machine.go  a machine and its network
//	page.go     the commands of the page
//	setup.go    how the machines become a cluster
//	load.go     the clients, and what was acknowledged to them
//	client.go   their requests
//	faults.go   the faults
//	losses.go   those that the cluster cannot repair by itself
//	rounds.go   the rounds and what they show
//	report.go   the table
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "ha:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	byline, repo, programs string
	page                   string
	rounds, writers        int
	only                   *regexp.Regexp
	limit                  time.Duration
	// work and cgroup are set for the process inside the namespaces.
	work, cgroup string
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("lab", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.byline, "byline", "bin/byline", "the binary of the service")
	f.StringVar(&o.repo, "repo", ".", "folder of the repository")
	f.StringVar(&o.programs, "programs", ".cache/ha", "folder into which lab/install has put the programs")
	f.StringVar(&o.page, "page", "", "page for the table, if all faults are injected and nothing fails")
	f.IntVar(&o.rounds, "rounds", 20, "number of rounds: each injects the next fault of the list, which begins again at its end")
	f.IntVar(&o.writers, "writers", 4, "number of clients")
	only := f.String("only", "", "regular expression for the names of the faults: "+faultNames())
	f.DurationVar(&o.limit, "limit", 60*time.Minute, "time after which the run fails")
	f.StringVar(&o.work, "work", "", "set by the program itself")
	f.StringVar(&o.cgroup, "cgroup", "", "set by the program itself")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.rounds < 1 || o.rounds > 200 || o.writers < 1 || o.writers > 50:
		return nil, errors.New("--rounds must be 1 to 200, and --writers 1 to 50")
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	if len(o.faults()) == 0 {
		return nil, fmt.Errorf("--only %s: there is no such fault; the faults are %s", *only, faultNames())
	}
	for _, path := range []*string{&o.byline, &o.repo, &o.programs} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.work != "" {
		return inside(ctx, o, stdout, stderr)
	}
	if os.Geteuid() != 0 {
		return errors.New("only root can make the namespaces of the machines: run it as root, or in CI")
	}
	return outside(ctx, args, stdout, stderr)
}

// outside runs this program again, in namespaces of its own. When they end, so
// do all processes, mounts and interfaces in them.
func outside(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	work, err := os.MkdirTemp("", "byline-ha-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(work)
		} else {
			fmt.Fprintln(stderr, "ha: the logs of the machines are in", work)
		}
	}()
	if err := os.Chmod(work, 0o711); err != nil {
		return err
	}
	root, err := exec.Command("findmnt", "--noheadings", "--first-only", "--output", "TARGET", "--types", "cgroup2").Output()
	if err != nil {
		return fmt.Errorf("systemd needs cgroup2, which is not mounted: %w", err)
	}
	cgroup := filepath.Join(string(root[:len(root)-1]), filepath.Base(work))
	if err := os.Mkdir(cgroup, 0o755); err != nil {
		return err
	}
	// The kernel needs a moment to end all processes.
	defer func() {
		for range 50 {
			if exec.Command("find", cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+").Run() == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args = append([]string{"--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", self, "--work", work, "--cgroup", cgroup}, args...)
	cmd := exec.CommandContext(ctx, "unshare", args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return cmd.Run()
}

// inside runs the lab.
func inside(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	l, err := newLab(ctx, o, stderr)
	if err != nil {
		return err
	}
	err = l.run(ctx, stdout)
	if err != nil {
		l.saveLogs()
	}
	return err
}
