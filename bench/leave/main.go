// Command leave moves a running Express and Prisma backend to Byline, while
// clients use it, and fails if one of them notices. docs/leaving-node.md is the
// guide for the same steps.
//
//	byline.go   everything that runs Byline: serve, import, strangle
//	old.go      the old system with its data
//	visitor.go  a client
//	actions.go  the requests that clients send
//	load.go     when they send them, and what is measured
//	ledger.go   the writes that were acknowledged, and the search for them
//	walk.go     the steps
//	shadow.go   the differences of both systems, and what explains them
//	timeline.go what is measured in each two seconds
//	report.go   the tables
//	picture.go  the picture
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
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
		fmt.Fprintln(os.Stderr, "leave:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	byline, repo     string
	json, svg        string
	users, articles  int
	writers, readers int
	rate, writeShare float64
	measure, step    time.Duration
	limit            time.Duration
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("leave", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.byline, "byline", "bin/byline", "the program to move to")
	f.StringVar(&o.repo, "repo", ".", "folder of the repository")
	f.StringVar(&o.json, "json", "bin/leave-node.json", "file for the figures")
	f.StringVar(&o.svg, "svg", "bin/leave-node.svg", "file for the picture")
	f.IntVar(&o.users, "users", 300, "accounts of the old system")
	f.IntVar(&o.articles, "articles", 3000, "articles of the old system")
	f.IntVar(&o.writers, "writers", 30, "accounts that write")
	f.IntVar(&o.readers, "readers", 40, "accounts that read; as many clients have no account")
	f.Float64Var(&o.rate, "rate", 60, "requests a second")
	f.Float64Var(&o.writeShare, "writes", 0.15, "share of the writes")
	f.DurationVar(&o.measure, "measure", 20*time.Second, "time of the measurements before and after")
	f.DurationVar(&o.step, "step", 8*time.Second, "time of each step between")
	f.DurationVar(&o.limit, "limit", 20*time.Minute, "time after which the run fails")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.writers < 1 || o.readers < 1 || o.writers+o.readers > o.users:
		return nil, errors.New("--writers and --readers must be 1 or more, and in total not more than --users")
	case o.articles < 100 || o.users > 10_000:
		return nil, errors.New("--articles must be 100 or more, and --users 10000 or less")
	case o.rate <= 0 || o.writeShare <= 0 || o.writeShare >= 1:
		return nil, errors.New("--rate must be more than 0, and --writes between 0 and 1")
	case o.measure < time.Second || o.step < time.Second:
		return nil, errors.New("--measure and --step must be 1s or longer")
	}
	var err error
	if o.byline, err = filepath.Abs(o.byline); err == nil {
		o.repo, err = filepath.Abs(o.repo)
	}
	return o, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	work, err := os.MkdirTemp("", "byline-leave-")
	if err != nil {
		return err
	}
	// The account that runs PostgreSQL, if this one is root, must reach it.
	if err := os.Chmod(work, 0o711); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(work)
		} else {
			fmt.Fprintln(stderr, "leave: the logs are in", work)
		}
	}()
	w := &walk{options: o, work: work, log: stderr, began: time.Now(), report: report{Compared: map[string]int64{}}}
	return w.run(ctx, stdout)
}
