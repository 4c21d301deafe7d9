package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// canary are the shares of users whose reads Byline answers, in turn.
var canary = []string{"1%", "10%", "50%", "100%"}

// importPause is the time between two imports while the old system writes.
const importPause = 3 * time.Second

const (
	// capacityWorkers are the clients of the measurement without a rate.
	capacityWorkers = 16
	// maxLoad is the largest rate, as a share of what the old system answers at
	// most.
	maxLoad = 0.4
	// holdTime is how long writes may wait: for two imports on a slow machine.
	holdTime = time.Minute
	// minRate is the lowest rate that the load is reduced to.
	minRate = 5
)

// walk is one move from the old system to Byline.
type walk struct {
	*options
	work  string
	log   io.Writer
	began time.Time

	old     *oldSystem
	new     *service
	proxy   *proxy
	imports *importer
	world   *world
	report  report
}

func (w *walk) say(format string, args ...any) {
	fmt.Fprintf(w.log, "%5.0fs  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

func (w *walk) run(ctx context.Context, stdout io.Writer) (err error) {
	defer func() { err = errors.Join(err, w.stop()) }()
	if err := w.start(ctx); err != nil {
		return err
	}
	w.capacity(ctx, "warm-up") // Node and Prisma compile what they run
	w.report.CapacityBefore = w.capacity(ctx, "most reads of the old system")
	// A system that is near its limit is not what a team moves on a working day.
	w.rate = min(w.rate, max(w.report.CapacityBefore*maxLoad, minRate))
	if err = w.loaded(ctx); err == nil {
		w.report.CapacityAfter = w.capacity(ctx, "most reads of Byline")
		err = w.check(ctx)
	}
	w.report.take(ctx, w)
	if printed := w.report.print(stdout); err == nil {
		err = printed
	}
	for file, write := range map[string]func(io.Writer) error{w.json: w.report.write, w.svg: w.report.draw} {
		if file != "" {
			err = errors.Join(err, inFile(file, write))
		}
	}
	if err == nil {
		err = w.report.verdict()
	}
	return err
}

// inFile writes a file, and its folder.
func inFile(name string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// capacity returns how many reads some clients get in a second if they do not
// pause.
func (w *walk) capacity(ctx context.Context, name string) float64 {
	w.say("%s", name)
	w.world.begin(name)
	return w.world.closed(ctx, capacityWorkers, w.step)
}

// loaded makes the steps under load, and returns when all requests are answered.
func (w *walk) loaded(ctx context.Context) error {
	load, stop := context.WithCancel(ctx)
	var loading errgroup.Group
	loading.Go(func() error {
		w.world.run(load, w.rate, w.writeShare)
		return nil
	})
	loading.Go(func() error {
		w.world.watch(load)
		return nil
	})
	err := w.steps(ctx)
	stop()
	return errors.Join(err, loading.Wait())
}

// start starts both systems and the proxy, and signs all accounts in at the old
// system.
func (w *walk) start(ctx context.Context) (err error) {
	w.say("starting the old system with %d users and %d articles", w.users, w.articles)
	if w.old, err = startOld(ctx, w.options, w.work); err != nil {
		return err
	}
	w.say("starting byline serve and byline strangle")
	w.new, err = serve(ctx, w.byline, w.work, "new",
		"BYLINE_OLD_TOKENS_SECRET="+oldSecret, "BYLINE_OLD_TOKENS_UNTIL="+time.Now().AddDate(0, 0, 1).Format(time.DateOnly))
	if err != nil {
		return err
	}
	w.imports = &importer{program: w.byline, work: w.work, old: w.old.database, new: w.new.database}
	w.proxy, err = strangle(ctx, w.byline, w.work, w.old.addr, w.new.addr, w.settings(map[string]string{"default": "old"}))
	if err != nil {
		return err
	}
	w.world = newWorld(w.options, w.proxy.addr)
	w.world.begin("start")
	w.say("signing in %d accounts at the old system", len(w.world.accounts()))
	for _, v := range w.world.accounts() {
		if err := v.signIn(ctx, w.proxy.addr); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		v.first = v.credentials()
	}
	return nil
}

// stop stops what is still running.
func (w *walk) stop() (err error) {
	if w.proxy != nil {
		err = errors.Join(err, w.proxy.process.Stop(stopTimeout))
	}
	if w.old != nil {
		err = errors.Join(err, w.old.stop())
	}
	if w.new != nil {
		err = errors.Join(err, w.new.process.Stop(stopTimeout))
	}
	return err
}

// steps is the walk from the first request to the last one. The load runs.
func (w *walk) steps(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		w.before, w.firstImport, w.shadow, w.canary, w.switchOver, w.after,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settings are the file of the proxy while the old system writes. They compare
// without a rule.
func (w *walk) settings(modes map[string]string) settings {
	return settings{Modes: modes, StickAfterWrite: "30s", WritesFallBack: true, Hold: hold{Requests: maxInFlight, Time: holdTime.String()},
		Compare: comparison{Ignore: []string{}, Unordered: []string{}, Tokens: []string{}}}
}

// phase lets the load run for a time.
func (w *walk) phase(ctx context.Context, name string, span time.Duration) error {
	w.say("%s", name)
	w.world.begin(name)
	return pause(ctx, span)
}

// before measures the old system behind the proxy.
func (w *walk) before(ctx context.Context) error {
	return w.phase(ctx, phaseBefore, w.measure)
}

// firstImport makes the report, and copies all rows while the load writes.
func (w *walk) firstImport(ctx context.Context) error {
	w.say("dry run of the import")
	w.world.begin("dry run of the import")
	if _, err := w.imports.run(ctx, "--dry-run"); err != nil {
		return err
	}
	w.say("first import")
	w.world.begin("first import")
	return w.take(ctx)
}

// take imports what is new.
func (w *walk) take(ctx context.Context) error {
	began := time.Now()
	got, err := w.imports.run(ctx)
	if err != nil {
		return err
	}
	w.report.addImport(got, time.Since(began))
	return nil
}

// following imports again and again while do runs.
func (w *walk) following(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		for {
			if err := w.take(ctx); err != nil {
				return err
			}
			select {
			case <-done:
				return nil
			case <-time.After(importPause):
			}
		}
	})
	err := do()
	close(done)
	return errors.Join(err, group.Wait())
}

// modesOf are the modes with which reads go somewhere and writes to the old
// system. Byline does not answer for the own account until the switch: the
// answer has a token, and the old system does not accept those of Byline.
func modesOf(reads string) map[string]string {
	modes := map[string]string{"default": "old", "reads": reads}
	if reads != "shadow" {
		modes["GetCurrentUser"] = "old"
	}
	return modes
}

// canary lets Byline answer more and more users, and goes back once.
func (w *walk) canary(ctx context.Context) error {
	return w.following(ctx, func() error {
		for _, share := range canary {
			if err := w.proxy.set(ctx, modesOf(share)); err != nil {
				return err
			}
			if err := w.phase(ctx, "reads of "+share+" of the users", w.step); err != nil {
				return err
			}
			if share != "50%" {
				continue
			}
			if err := w.proxy.ask(ctx, http.MethodPost, "/rollback", nil, nil); err != nil {
				return err
			}
			if err := w.phase(ctx, phaseBack, w.step/2); err != nil {
				return err
			}
		}
		return nil
	})
}

// switchOver lets writes wait, imports the last ones, compares all rows, and
// lets Byline answer everything.
func (w *walk) switchOver(ctx context.Context) error {
	w.world.begin("switch")
	// From the last import on the old system lacks what users write.
	last := w.settings(modesOf("new"))
	last.WritesFallBack = false
	if err := w.proxy.configure(ctx, last); err != nil {
		return err
	}
	w.say("writes wait")
	began := time.Now()
	if err := w.proxy.hold(ctx); err != nil {
		return err
	}
	if err := w.take(ctx); err != nil {
		return err
	}
	var err error
	if w.report.Proof, err = w.imports.verify(ctx); err != nil {
		return err
	}
	if err := w.proxy.set(ctx, map[string]string{"default": "new"}); err != nil {
		return err
	}
	w.report.Held = time.Since(began).Seconds()
	if err := w.imports.finish(ctx); err != nil {
		return err
	}
	w.say("writes have waited %.1f s", w.report.Held)
	return w.phase(ctx, "all to Byline", w.step)
}

// after stops the old system, and measures Byline behind the proxy.
func (w *walk) after(ctx context.Context) error {
	w.say("stopping the old system")
	w.world.begin("stop of the old system")
	if err := w.old.stop(); err != nil {
		return err
	}
	return w.phase(ctx, phaseAfter, w.measure)
}

// check looks for every write, and uses every token that the old system signed.
func (w *walk) check(ctx context.Context) error {
	w.world.begin("checks")
	visitors := map[string]*visitor{}
	for _, v := range w.world.accounts() {
		visitors[v.name] = v
	}
	w.say("looking for %d acknowledged writes", w.world.ledger.count())
	checked, lost := w.world.ledger.missing(ctx, w.new.addr, visitors)
	w.report.Acknowledged, w.report.Checked = w.world.ledger.count(), checked
	for _, err := range lost {
		w.report.Lost = append(w.report.Lost, err.Error())
	}
	var err error
	if w.report.Fallbacks, err = w.proxy.fallbacks(ctx); err != nil {
		return err
	}
	w.say("using the %d tokens that the old system signed", len(visitors))
	for _, v := range w.world.accounts() {
		if err := v.exchange(ctx, w.new.addr); err != nil {
			w.report.SignedOut = append(w.report.SignedOut, v.name+": "+err.Error())
		}
	}
	return ctx.Err()
}

// exchange checks that the first token is accepted and answered with one of
// Byline, which is accepted too.
func (v *visitor) exchange(ctx context.Context, site string) error {
	token := v.first
	for range 2 {
		var got account
		if err := v.callWith(ctx, token, site, http.MethodGet, "/user", nil, &got); err != nil {
			return err
		}
		if got.User.Username != v.name {
			return errors.New("the token is that of another account")
		}
		if token == v.first && got.User.Token == v.first {
			return errors.New("the token was not exchanged")
		}
		token = got.User.Token
	}
	return nil
}

// with returns modes with others added.
func with(modes map[string]string, more map[string]string) map[string]string {
	all := maps.Clone(modes)
	maps.Copy(all, more)
	return all
}
