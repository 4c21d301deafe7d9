// Command attack is a hostile client. It sends requests of an attacker to a
// running service, and checks that every response is free of internal errors
// and internal details, arrives in time, and leaves no partial change.
//
//	main.go        flags, the run, the exit code
//	target.go      starts the service, or uses one that runs on this machine
//	wire.go        requests as bytes, on separate connections
//	held.go        requests whose last byte comes later
//	http2.go       streams without a window, on a service with TLS
//	elsewhere.go   services with other settings, which an attack starts
//	verdict.go     the checks of every response
//	expect.go      further checks of single attacks
//	report.go      the table
//	operations.go  the operations of the document, with hostile variants of them
//	world.go       the accounts and articles that are attacked
//	group_*.go     the attacks
//
// Attacks are derived from the document where possible: a new operation is
// attacked as soon as it is in openapi.yaml. Attacks that need an admin, a
// token from a mail, or other settings run only on services that this program
// has started.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

type options struct {
	url      string
	pid      int
	binary   string
	seed     int64
	only     *regexp.Regexp
	maxRSS   int // MB
	limit    time.Duration
	atLeast  int
	failures int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout); {
	case errors.Is(err, pflag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

// errFindings is returned after the table with the failures was printed.
var errFindings = errors.New("the service failed")

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	begun := time.Now()
	t, err := start(ctx, o)
	if err != nil {
		return err
	}
	s := newSite(t.addr, o.seed)
	s.limit, s.maxRSS, s.command, s.data = o.limit, o.maxRSS, t.command, t.data
	if o.url == "" {
		s.start = func(flags ...string) (*target, error) { return startOwn(ctx, o, flags...) }
	}
	r, err := assault(ctx, s, t, o)
	if stopErr := t.stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return err
	}
	r.print(out, o, time.Since(begun))
	if r.failed() > 0 {
		return errFindings
	}
	return nil
}

// assault creates the accounts and articles and runs every attack on them.
func assault(ctx context.Context, s *site, target *target, o options) (*report, error) {
	if err := s.build(); err != nil {
		return nil, fmt.Errorf("create the accounts and articles to attack: %w", err)
	}
	r := newReport(s, target, o)
	// Slow connections stay open while the other attacks run.
	flood := make(chan []result, 1)
	slow := chosen(slowAttacks(s), o)
	go func() { flood <- runAll(ctx, s, slow) }()
	for _, g := range groups {
		attacks := chosen(g(s), o)
		for _, a := range attacks {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r.add(a, s.perform(a))
		}
		if len(attacks) > 0 {
			r.add(attack{group: attacks[0].group, name: "the service is unharmed after the group"}, aftermath(s, target, o))
		}
	}
	for i, result := range <-flood {
		r.add(slow[i], result)
	}
	r.add(attack{group: "the service", name: "alive, bounded and unharmed"}, aftermath(s, target, o))
	return r, nil
}

func parse(args []string) (o options, err error) {
	flags := pflag.NewFlagSet("attack", pflag.ContinueOnError)
	flags.StringVar(&o.url, "url", "", "attack this service instead of starting one; loopback only")
	flags.IntVar(&o.pid, "pid", 0, "with --url, the process to watch")
	flags.StringVar(&o.binary, "binary", "bin/byline", "the program to start")
	flags.Int64Var(&o.seed, "seed", 1, "seed of the random numbers")
	flags.IntVar(&o.maxRSS, "max-rss", 256, "maximum memory of the process, in MB")
	flags.DurationVar(&o.limit, "limit", 5*time.Second, "maximum duration of a response")
	flags.IntVar(&o.atLeast, "at-least", 300, "minimum number of distinct requests of a run without --only")
	flags.IntVar(&o.failures, "failures", 40, "maximum number of failures that are shown in full")
	only := flags.String("only", "", "run only attacks whose group or name matches this regular expression")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *only != "" {
		o.only, err = regexp.Compile(*only)
	}
	return o, err
}

func chosen(attacks []attack, o options) []attack {
	if o.only == nil {
		return attacks
	}
	var some []attack
	for _, a := range attacks {
		if o.only.MatchString(a.group + ": " + a.name) {
			some = append(some, a)
		}
	}
	return some
}
