// Command bench measures Byline, or another RealWorld backend, and compares the
// figures with the maximum of the machine. See README.md.
//
//	bench                          everything on the standard data set
//	bench --scale 1,100            also the reads on 100 times the data
//	bench --url http://127.0.0.1:3000/api   another backend
//	bench compare --base v1.2.0    this build and another one, in turn
//	bench migrate --base v1.2.0    what the migrations of this build lock
//	bench gain --url http://127.0.0.1:3000/api   another backend beside Byline
//	bench scaling                  what large installations need
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/google/pprof/profile"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The load generator allocates nothing, but the samples do, and garbage
	// collections would take processor time from the server.
	debug.SetGCPercent(400)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: interrupted; all started processes have ended")
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errWrongAnswers is returned after the figures were printed, if a response was
// wrong.
var errWrongAnswers = errors.New("some responses were wrong; see the errors above")

// bench is one run of the benchmark.
type bench struct {
	*options
	log       io.Writer
	noPgbench error // why pgbench is not run
	notes     []string
	profiles  []*profile.Profile
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 && slices.Contains([]string{"compare", "migrate", "gain", "scaling"}, args[0]) {
		command, args = args[0], args[1:]
	} else if asksForGain(args) {
		command = "gain"
	}
	var o *options
	var err error
	switch command {
	case "migrate":
		o, err = parseMigrate(args)
	case "gain":
		o, err = parseGain(args)
	case "scaling":
		o, err = parseScaling(args)
	default:
		o, err = parseOptions(args, command == "compare")
	}
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, o.help)
	}
	if err != nil {
		return err
	}
	b := &bench{options: o, log: stderr}
	switch command {
	case "compare":
		return b.compare(ctx, stdout)
	case "migrate":
		return b.migrate(ctx, stdout)
	case "gain":
		return b.compareWith(ctx, stdout, b.startReplica)
	case "scaling":
		return b.scaling(ctx, stdout)
	}
	r := &report.Report{Machine: machine.Describe(ctx, b.repo)}
	if b.url != "" {
		err = b.external(ctx, r)
	} else {
		err = b.own(ctx, r)
	}
	if err != nil {
		return err
	}
	if b.profile != "" {
		if err := b.writeProfile(); err != nil {
			return err
		}
	}
	r.Judge()
	if err := r.Print(stdout); err != nil {
		return err
	}
	if b.json != "" {
		if err := report.WriteJSON(b.json, r); err != nil {
			return err
		}
	}
	if r.Failed() {
		return errWrongAnswers
	}
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }

// note logs a message and also prints it below the tables.
func (b *bench) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
	b.say(format, args...)
}

// noteOnce notes a message unless it was noted before.
func (b *bench) noteOnce(text string) {
	if !slices.Contains(b.notes, text) {
		b.note("%s", text)
	}
}

// mark returns a text that makes names unique among runs on one server.
func mark() string { return "b" + strconv.FormatInt(time.Now().UnixMilli(), 36) }

// own measures Byline on all scales.
func (b *bench) own(ctx context.Context, r *report.Report) error {
	for i, scale := range b.scales {
		d, err := b.prepare(ctx, b.byline, b.repo, scale)
		if err != nil {
			return err
		}
		t, err := startCopy(ctx, b.byline, d)
		if err != nil {
			return err
		}
		r.Machine.Server, r.Machine.PostgreSQL = t.versions(ctx, b.byline)
		s := report.Scale{Scale: scale, Articles: len(d.catalogue.Slugs), Connections: b.connections}
		w, err := b.enter(ctx, t, d.catalogue, d.users(b.users), d.team())
		if err == nil {
			err = b.scenarios(ctx, t, w, &s, i > 0)
		}
		if err = errors.Join(err, t.stop()); err != nil {
			return err
		}
		r.Scales = append(r.Scales, s)
	}
	return nil
}

// external measures a server that is already running.
func (b *bench) external(ctx context.Context, r *report.Report) error {
	site, err := conduit.ParseURL(ctx, b.url, conduit.Reach{})
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	t := &target{site: site, pid: b.pid, pgPID: b.postgres}
	c, users, err := conduit.Prepare(ctx, site, b.fill, b.logins, b.connections+2, mark(), b.say)
	if err != nil {
		return fmt.Errorf("%s: %w", b.url, err)
	}
	w, err := b.enter(ctx, t, c, users, conduit.Team{})
	if err != nil {
		return err
	}
	r.Machine.Server = b.url
	s := report.Scale{Articles: len(c.Slugs), Connections: b.connections}
	if c.PageCounts {
		s.Notes = append(s.Notes, "articlesCount is the length of the page and not of the list on this server; it is checked as such")
	}
	if usual := conduit.DeepOffset; w.DeepOffset() < usual && b.only.MatchString(conduit.ListDeep) {
		s.Notes = append(s.Notes, fmt.Sprintf("%s reads the last page, at offset %d, because there are fewer than %d articles", conduit.ListDeep, w.DeepOffset(), usual))
	}
	s.Notes = append(s.Notes, "bench gain --url measures Byline beside this server, with the same data, and writes a page")
	err = b.scenarios(ctx, t, w, &s, false)
	r.Scales = append(r.Scales, s)
	return err
}

// enter signs users in and prepares the requests.
func (b *bench) enter(ctx context.Context, t *target, c *conduit.Catalogue, users []conduit.User, team conduit.Team) (*conduit.World, error) {
	if len(users) < b.connections+2 {
		return nil, fmt.Errorf("%d users for %d connections are too few", len(users), b.connections)
	}
	if err := conduit.SignIn(ctx, t.site, users); err != nil {
		return nil, err
	}
	return conduit.NewWorld(t.site, c, users, team, b.signedIn, mark())
}

// scenarios measures all scenarios and the open loop, or only the scenarios
// that must not depend on the size of the data set.
func (b *bench) scenarios(ctx context.Context, t *target, w *conduit.World, s *report.Scale, growthOnly bool) error {
	b.notes = nil
	defer func() { s.Notes = append(s.Notes, b.notes...) }()
	constantAddr := ""
	if b.ceiling > 0 && !growthOnly {
		size, err := w.ArticleSize()
		if err != nil {
			return err
		}
		addr, stop, err := startConstant(ctx, b.constant, size)
		if err != nil {
			return err
		}
		defer stop()
		constantAddr = addr
	}
	if b.noPgbench = errors.New("pgbench was not requested"); b.ceiling > 0 && t.cluster != nil {
		if _, b.noPgbench = t.cluster.Program(); b.noPgbench != nil {
			b.note("%v", b.noPgbench)
		}
	}
	for _, scenario := range conduit.Scenarios {
		if !b.only.MatchString(scenario.Name) || growthOnly && !scenario.Growth {
			continue
		}
		row, err := b.measure(ctx, t, w, scenario, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.Name, err)
		}
		if row.Skipped == "" {
			b.say("%-18s %8.0f req/s, P99 %s, %d errors", row.Scenario, row.RPS, row.P99.Round(time.Microsecond), row.Errors)
			if err := b.ceilings(ctx, t, w, scenario, s.Scale, constantAddr, &row); err != nil {
				return fmt.Errorf("%s: %w", scenario.Name, err)
			}
		}
		s.Rows = append(s.Rows, row)
		s.PeakRSS, s.GCPause = max(s.PeakRSS, row.RSS), max(s.GCPause, row.GCPause)
	}
	if growthOnly || !b.only.MatchString(openLoopName) {
		return nil
	}
	return b.openLoop(ctx, t, w, s)
}

// openLoopName is the name that --only matches for the open loop.
const openLoopName = "mix, open loop"

// openLoop raises the rate until it is not kept up.
func (b *bench) openLoop(ctx context.Context, t *target, w *conduit.World, s *report.Scale) error {
	for _, scenario := range conduit.Scenarios {
		if scenario.Name != conduit.Mix {
			continue
		}
		for _, rate := range b.rates {
			row, err := b.measure(ctx, t, w, scenario, rate)
			if err != nil {
				return fmt.Errorf("open loop at %.0f: %w", rate, err)
			}
			b.say("open loop %8.0f req/s, P99 %s, %d errors, %d unsent", rate, row.P99.Round(time.Microsecond), row.Errors, row.Unsent)
			s.OpenLoop = append(s.OpenLoop, row)
			s.PeakRSS, s.GCPause = max(s.PeakRSS, row.RSS), max(s.GCPause, row.GCPause)
			if row.Behind != "" {
				b.note("the open loop ended at %.0f req/s: %s", rate, row.Behind)
				return nil
			}
		}
		if len(b.rates) > 0 {
			b.note("all rates of the open loop were kept up; --rates sets higher ones")
		}
	}
	return nil
}
