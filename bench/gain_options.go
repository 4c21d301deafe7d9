package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
)

const usageGain = `bench gain measures your RealWorld backend and Byline side by side, and prints
what you would gain. bench --url URL --html FILE does the same.

  bench gain --url http://127.0.0.1:3000/api --pid "$(pgrep -of node)"

It reads the newest articles of the backend with their comments over its API,
starts a Byline in a temporary folder, and stores the same articles in it. Then
it sends the same requests to both, in turn. It only reads from the backend,
unless you give --writes. Nothing is sent anywhere else: the results are the
tables on the terminal, one HTML file, and the file of --json.
Disable the rate limits of the backend before.
`

// gainOptions are the options that only bench gain has.
type gainOptions struct {
	allowHost   string
	comments    int
	autoRates   bool
	login       conduit.User // without an address and a token: no signed-in requests
	writes, yes bool
	html        string
	limit       time.Duration
	maxRequests uint64
}

// Bounds of the options of bench gain.
const (
	maxGainArticles = 20_000
	maxGainComments = 200_000
	maxGainRounds   = 50
)

// asksForGain reports whether the arguments of bench ask for a page.
func asksForGain(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, _, _ := strings.Cut(arg, "=")
		return name == "--html" || name == "-html"
	})
}

// parseGain parses the arguments of bench gain.
func parseGain(args []string) (*options, error) {
	o := &options{deepEvery: 64}
	f := flag.NewFlagSet("bench gain", flag.ContinueOnError)
	only, rates := o.gainFlags(f)
	f.SetOutput(io.Discard) // as in parseOptions
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return &options{help: helpOf(usageGain, f)}, err
		}
		return nil, fmt.Errorf("%w; bench gain --help lists the flags", err)
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err := o.completeGain(*only, *rates); err != nil {
		return nil, err
	}
	return o, o.absolute()
}

// gainFlags defines the flags. It returns the values that completeGain parses.
func (o *options) gainFlags(f *flag.FlagSet) (only, rates *string) {
	g, bin := &o.gain, binFolder()
	f.StringVar(&o.url, "url", "", "the `API` of your backend, such as http://127.0.0.1:3000/api; only loopback and private addresses")
	f.StringVar(&g.allowHost, "allow-host", "", "also permit other addresses of this `host`; it must be yours")
	f.StringVar(&o.byline, "byline", filepath.Join(bin, "byline"), "the built `program` to compare with")
	f.StringVar(&o.repo, "repo", filepath.Dir(bin), "the repository `folder`, for the commit in the report")
	f.IntVar(&o.articles, "articles", 2000, "`number` of articles to copy at most: the newest ones of the backend")
	f.IntVar(&g.comments, "comments", 20_000, "`number` of comments to copy at most")
	f.IntVar(&o.connections, "connections", 32, "`number` of HTTP connections")
	f.IntVar(&o.rounds, "rounds", 3, "`number` of times that both are measured in turn")
	f.DurationVar(&o.warm, "warm", 500*time.Millisecond, "warm-up `time` before each measurement")
	f.DurationVar(&o.measure, "time", 1500*time.Millisecond, "`time` of each measurement")
	only = f.String("only", "", "only kinds of requests whose name matches this regular `expression`: "+strings.Join(gainNames(), "; "))
	rates = f.String("rates", "auto", "`rates` of the open loop in requests a second, comma-separated, rising; auto = from an eighth of the slower throughput to the faster one; none = no open loop")
	f.StringVar(&g.login.Token, "token", "", "also measure signed-in requests of the backend, with this `token`")
	f.StringVar(&g.login.Email, "email", "", "the same, with the account of this `address`")
	f.StringVar(&g.login.Password, "password", "", "its `password`")
	f.Func("logins", "a `file` with a line email:password instead, so that other users of the machine cannot see it", o.readLogins)
	f.BoolVar(&g.writes, "writes", false, "also create articles and comments in the backend, which stay there; needs an account and --yes")
	f.BoolVar(&g.yes, "yes", false, "agree to what --writes creates")
	f.IntVar(&o.pid, "pid", 0, "`id` of the backend's process, for its memory and CPU; its children are included")
	f.IntVar(&o.postgres, "db-pid", 0, "`id` of its database's process, for the same")
	f.StringVar(&o.json, "json", "", "write the figures to this `file`")
	f.StringVar(&g.html, "html", filepath.Join(bin, "gain.html"), "write the page to this `file`; none = no page")
	f.DurationVar(&g.limit, "limit", 20*time.Minute, "`time` after which nothing more is measured")
	f.Uint64Var(&g.maxRequests, "max-requests", 5_000_000, "`number` of requests to the backend after which nothing more is measured")
	return only, rates
}

// completeGain parses lists and checks the flags.
func (o *options) completeGain(only, rates string) (err error) {
	if o.only, err = regexp.Compile(only); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if !slices.ContainsFunc(gainNames(), o.only.MatchString) {
		return fmt.Errorf("--only %s matches no kind of requests; there are %s", only, strings.Join(gainNames(), ", "))
	}
	switch rates {
	case "auto":
		o.gain.autoRates = true
	case "none":
	default:
		if o.rates, err = parseList(rates, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }); err != nil {
			return fmt.Errorf("--rates: %w", err)
		}
		if !slices.IsSorted(o.rates) {
			return errors.New("--rates must rise")
		}
	}
	if err := o.gain.completeLogin(o.logins); err != nil {
		return err
	}
	for _, process := range []struct {
		flag string
		id   int
	}{{"pid", o.pid}, {"db-pid", o.postgres}} {
		if process.id == 0 {
			continue
		}
		if _, err := machine.CPU(process.id); err != nil {
			return fmt.Errorf("--%s: %w", process.flag, err)
		}
	}
	return o.checkGain()
}

// completeLogin finds the account among the flags.
func (g *gainOptions) completeLogin(logins []conduit.User) error {
	given := len(logins)
	if g.login.Token != "" {
		given++
	}
	if g.login.Email != "" || g.login.Password != "" {
		given++
	}
	switch {
	case given > 1:
		return errors.New("give one account: --token, or --email and --password, or one line in the file of --logins")
	case (g.login.Email == "") != (g.login.Password == ""):
		return errors.New("--email and --password belong together")
	case len(logins) == 1:
		g.login = logins[0]
	}
	return nil
}

// signedIn reports whether there is an account.
func (g *gainOptions) signedIn() bool { return g.login.Token != "" || g.login.Email != "" }

func (o *options) checkGain() error {
	g := &o.gain
	switch {
	case o.url == "":
		return errors.New("--url is required: the API of your backend, such as http://127.0.0.1:3000/api")
	case o.articles < 1 || o.articles > maxGainArticles:
		return fmt.Errorf("--articles must be from 1 to %d", maxGainArticles)
	case g.comments < 0 || g.comments > maxGainComments:
		return fmt.Errorf("--comments must be from 0 to %d", maxGainComments)
	case o.connections < 1 || o.connections > 1000:
		return errors.New("--connections must be from 1 to 1000")
	case o.rounds < 1 || o.rounds > maxGainRounds:
		return fmt.Errorf("--rounds must be from 1 to %d", maxGainRounds)
	case o.measure <= 0 || o.measure > time.Minute, o.warm < 0 || o.warm > time.Minute:
		return errors.New("--time and --warm must be positive, and up to a minute")
	case g.limit <= 0 || g.maxRequests == 0:
		return errors.New("--limit and --max-requests must be positive")
	case g.writes && !g.signedIn():
		return errors.New("--writes needs an account: --token, or --email and --password")
	case g.writes && !g.yes:
		return fmt.Errorf("--writes creates articles with the title %q and comments that begin with %q in your backend, as many as it can in %s for each of the two kinds, and deletes none of them; add --yes if you agree",
			"Benchmark …", "Well said, …", (time.Duration(o.rounds) * (o.warm + o.measure)).Round(time.Millisecond))
	}
	if g.html == "none" {
		g.html = ""
	}
	return nil
}

// gainNames returns the names that --only can match.
func gainNames() (names []string) {
	reads, signedIn, writes := conduit.SideBySide()
	for _, s := range slices.Concat(reads, signedIn, writes) {
		names = append(names, s.Name)
	}
	return names
}
