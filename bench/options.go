package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
)

// options are the values of the flags.
type options struct {
	byline, constant, repo, cache string

	url      string
	fill     conduit.Sizes
	logins   []conduit.User
	pid      int
	postgres int

	scales      []int
	connections int
	users       int
	signedIn    float64
	only        *regexp.Regexp
	warm        time.Duration
	measure     time.Duration
	ceiling     time.Duration
	clients     int
	rates       []float64
	deepEvery   int
	json        string
	profile     string

	base   string
	rounds int

	// These fields are for bench migrate.
	articles int
	rate     float64
	every    time.Duration
	limit    time.Duration

	// These fields are for bench gain.
	gain gainOptions

	computeOnly bool // for bench scaling

	help string // the text to print, if it was requested
}

// The rates of the open loop unless --rates is given.
const (
	autoRates    = "1000,2000,4000,6000,8000"
	autoRatesURL = "50,100,200,400,800,1600"
)

// parseOptions parses the arguments of bench, or of bench compare.
func parseOptions(args []string, compare bool) (*options, error) {
	o := &options{}
	bin := binFolder()
	name := "bench"
	if compare {
		name = "bench compare"
	}
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.StringVar(&o.byline, "byline", filepath.Join(bin, "byline"), "the built `program` to measure")
	f.StringVar(&o.repo, "repo", filepath.Dir(bin), "the repository `folder`: statements for pgbench, migrations, commit")
	f.StringVar(&o.cache, "cache", cacheFolder(), "`folder` of prepared data sets")
	f.IntVar(&o.connections, "connections", 32, "`number` of HTTP connections")
	f.IntVar(&o.users, "users", 64, "`number` of accounts to sign in first; at least two more than connections")
	f.Float64Var(&o.signedIn, "signed-in", 0, "`share` of the mix's anonymous reads that carry a token, 0 to 1")
	f.DurationVar(&o.warm, "warm", time.Second, "warm-up `time` before each measurement")
	f.DurationVar(&o.measure, "time", 4*time.Second, "`time` of each measurement")
	f.IntVar(&o.deepEvery, "check-every", 64, "check the body of every `n`-th response of a connection; 0 = none")
	f.StringVar(&o.json, "json", "", "write the figures to this `file`")
	only := f.String("only", "", "only scenarios whose name matches this regular `expression`: "+strings.Join(scenarioNames(!compare), "; "))
	scales, rates := "1", ""
	if compare {
		f.StringVar(&o.base, "base", "", "git `ref` to compare with")
		f.IntVar(&o.rounds, "rounds", 3, "`number` of times that both builds are measured in turn")
		f.StringVar(&scales, "scale", scales, "`size` of the data set")
	} else {
		f.StringVar(&o.constant, "constant", filepath.Join(bin, "bench-constant"), "the built `program` that responds with constant bytes, for comparison")
		f.StringVar(&scales, "scale", scales, "`sizes` of the data set, comma-separated; the first is measured completely, the others only with reads; 1 = 10,000 articles")
		f.DurationVar(&o.ceiling, "ceiling-time", 1500*time.Millisecond, "`time` of each measurement of pgbench (whole seconds) and constant Echo; 0 = none")
		f.IntVar(&o.clients, "pgbench-clients", 16, "`number` of connections of pgbench")
		f.StringVar(&rates, "rates", "auto", "`rates` of the open loop on the mix in requests a second, comma-separated, rising; auto = "+autoRates+", with --url "+autoRatesURL+"; none = no open loop")
		f.Func("rate", "a single `rate` of the open loop, instead of --rates", func(s string) error { rates = s; return nil })
		f.StringVar(&o.profile, "profile", "", "write a CPU profile of the server over all scenarios to this `file`; needs Byline's admin port")
		f.StringVar(&o.url, "url", "", "measure a running RealWorld `API` on this machine instead, such as http://127.0.0.1:3000/api")
		f.IntVar(&o.pid, "pid", 0, "`id` of the server's process, for its memory and CPU")
		f.IntVar(&o.postgres, "postgres-pid", 0, "`id` of PostgreSQL's postmaster, for its CPU")
		f.Func("login", "an account that the server holds, as `email:password`; repeatable; the benchmark writes with it", o.addLogin)
		f.Func("logins", "a `file` with an account on each line, as for --login, so that other users of the machine cannot see the passwords", o.readLogins)
		for _, size := range []struct {
			name string
			to   *int
			n    int
			what string
		}{
			{"users", &o.fill.Users, 50, "accounts; those that --login does not give are registered, and used again by later runs. None is registered if --login gives two more than --connections"},
			{"articles", &o.fill.Articles, 1000, "articles that the server holds at least; missing ones are created"},
			{"comments", &o.fill.Comments, 2000, "comments, if all articles are created; else a share of them"},
			{"favorites", &o.fill.Favorites, 5000, "favorites, if all articles are created; else a share of them"},
			{"follows", &o.fill.Follows, 600, "follows of all registered accounts together"},
			{"tags", &o.fill.Tags, 50, "tags of the articles that are created"},
		} {
			f.IntVar(size.to, "fill-"+size.name, size.n, "`number` of "+size.what)
		}
	}
	f.SetOutput(io.Discard) // main prints an error once, without the list of flags
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return &options{help: help(f, compare)}, err
		}
		return nil, fmt.Errorf("%w; %s --help lists the flags", err, name)
	}
	return o, o.complete(f, *only, scales, rates, compare)
}

// cacheFolder returns the folder of prepared data sets.
func cacheFolder() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "byline-bench")
}

// binFolder returns the folder of this program, in which the others are too.
func binFolder() string {
	if self, err := os.Executable(); err == nil {
		return filepath.Dir(self)
	}
	return "bin"
}

// absolute makes the paths absolute.
func (o *options) absolute() (err error) {
	for _, path := range []*string{&o.byline, &o.constant, &o.repo, &o.cache} {
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				return err
			}
		}
	}
	return nil
}

// complete parses lists and checks the combination of flags.
func (o *options) complete(f *flag.FlagSet, only, scales, rates string, compare bool) (err error) {
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err = checkKind(f, o.url); err != nil {
		return err
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if o.scales, err = parseList(scales, strconv.Atoi); err != nil {
		return fmt.Errorf("--scale: %w", err)
	}
	switch rates {
	case "auto":
		rates = autoRates
		if o.url != "" {
			rates = autoRatesURL
		}
	case "none":
		rates = ""
	}
	if o.rates, err = parseList(rates, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }); err != nil {
		return fmt.Errorf("--rates: %w", err)
	}
	if names := scenarioNames(!compare && len(o.rates) > 0); !slices.ContainsFunc(names, o.only.MatchString) {
		return fmt.Errorf("--only: %q matches nothing; there are: %s", only, strings.Join(names, "; "))
	}
	for _, process := range []struct {
		flag string
		id   int
	}{{"pid", o.pid}, {"postgres-pid", o.postgres}} {
		if process.id == 0 {
			continue
		}
		if _, err := machine.CPU(process.id); err != nil {
			return fmt.Errorf("--%s: %w", process.flag, err)
		}
	}
	if o.url != "" {
		o.users = max(o.fill.Users, len(o.logins))
	}
	if err = o.absolute(); err != nil {
		return err
	}
	switch {
	case o.connections < 1, o.measure <= 0, o.warm < 0, o.ceiling < 0, o.deepEvery < 0:
		return errors.New("connections and times must be positive")
	case o.users < o.connections+2:
		return fmt.Errorf("%d users for %d connections: at least two more are needed, because each connection writes with its own user", o.users, o.connections)
	case o.signedIn < 0 || o.signedIn > 1:
		return errors.New("--signed-in must be from 0 to 1")
	case len(o.scales) == 0 || compare && len(o.scales) > 1:
		return errors.New("--scale: wrong number of sizes")
	case compare && (o.base == "" || o.rounds < 1):
		return errors.New("--base is required, and --rounds must be 1 or more")
	}
	return nil
}

// scenarioNames returns the names that --only can match.
func scenarioNames(openLoop bool) (names []string) {
	for _, s := range conduit.Scenarios {
		names = append(names, s.Name)
	}
	if openLoop {
		names = append(names, openLoopName)
	}
	return names
}

// addLogin adds an account of the form email:password.
func (o *options) addLogin(s string) error {
	email, password, ok := strings.Cut(s, ":")
	if !ok || email == "" || password == "" {
		return errors.New("must be email:password")
	}
	o.logins = append(o.logins, conduit.User{Email: email, Password: password})
	return nil
}

// readLogins adds the accounts of a file. Empty lines and lines that begin with
// # are ignored.
func (o *options) readLogins(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := o.addLogin(line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}

// parseList splits a list at commas. Every item must be above zero.
func parseList[T int | float64](s string, parse func(string) (T, error)) (out []T, err error) {
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		v, err := parse(item)
		if err != nil || v <= 0 {
			return nil, fmt.Errorf("%q is not a number above 0", item)
		}
		out = append(out, v)
	}
	return out, nil
}
