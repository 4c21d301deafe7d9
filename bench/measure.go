package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/pgbench"
	"github.com/byline-api/byline/bench/internal/report"
)

// reading contains what the server and PostgreSQL have used so far.
type reading struct {
	server, postgres time.Duration
	sender           time.Duration // the benchmark itself
	runtime          machine.Runtime
	err              error
}

func (t *target) read(ctx context.Context) (r reading) {
	var err error
	r.sender = machine.OwnCPU()
	if t.pid != 0 {
		r.server, err = machine.TreeCPU(t.pid, t.pgPID)
		r.err = errors.Join(r.err, err)
	}
	if t.pgPID != 0 {
		r.postgres, err = machine.FamilyCPU(t.pgPID)
		r.err = errors.Join(r.err, err)
	}
	if t.metrics != "" {
		r.runtime, err = machine.Scrape(ctx, t.metrics)
		r.err = errors.Join(r.err, err)
	}
	return r
}

// measure runs a scenario. If rate is 0, it is a closed loop.
func (b *bench) measure(ctx context.Context, t *target, w *conduit.World, s conduit.Scenario, rate float64) (report.Row, error) {
	row := report.Row{Scenario: s.Name, Rate: rate}
	reason, err := w.Missing(ctx, s)
	if err != nil || reason != "" {
		row.Skipped = reason
		return row, err
	}
	connections := b.connections
	if s.Connections > 0 {
		connections = min(s.Connections, connections)
	}
	beside, stop := context.WithCancel(ctx)
	defer stop()
	var wait sync.WaitGroup
	var rss *machine.RSS
	if t.pid != 0 {
		rss = machine.WatchRSS(t.pid)
	}
	var samples []machine.Runtime
	wait.Go(func() { samples = t.watch(beside, rss) })
	var profiled error
	if b.profile != "" {
		wait.Go(func() {
			p, err := t.profileCPU(ctx, b.options.measure)
			b.profiles, profiled = append(b.profiles, p), err
		})
	}
	var audit conduit.Audit
	if s.Audited {
		wait.Go(func() { audit = w.Audit(beside) })
	}
	var before, after reading
	reads, signedIn := w.Reads()
	plan := load.Plan{
		Addr: t.site.Addr, Connections: connections, Warm: b.warm, Measure: b.options.measure, Rate: rate,
		DeepEvery: b.deepEvery, Driver: w.Driver(s),
		Begin: func() { before = t.read(ctx) }, End: func() { after = t.read(ctx) },
	}
	res, err := load.Run(ctx, plan)
	stop()
	wait.Wait()
	if err = errors.Join(err, before.err, after.err, profiled); err != nil {
		return row, err
	}
	row.Fill(res)
	if allReads, allSignedIn := w.Reads(); allReads > reads {
		row.SignedIn = float64(allSignedIn-signedIn) / float64(allReads-reads)
	}
	if rate > 0 {
		row.Behind = res.Behind(plan)
	}
	if row.Limited > 0 {
		b.noteOnce(fmt.Sprintf("some responses had the status 429 and did no work, so that the figures mean little; %s", conduit.RateLimitHint))
	}
	row.Audits = audit.Rounds
	for text, n := range audit.Errors {
		row.Errors += n
		row.Failures = append(row.Failures, load.Failure{Message: text, Count: n})
	}
	requests := max(res.Answered, 1)
	row.SenderCPU = (after.sender - before.sender) / time.Duration(requests)
	if t.pid != 0 {
		row.ServerCPU = (after.server - before.server) / time.Duration(requests)
		if row.RSS, err = rss.Peak(); err != nil {
			return row, err
		}
	}
	if t.pgPID != 0 {
		row.PGCPU = (after.postgres - before.postgres) / time.Duration(requests)
	}
	if t.metrics != "" {
		row.Allocs = float64(after.runtime.Mallocs-before.runtime.Mallocs) / float64(requests)
		row.GCs = after.runtime.GCs - before.runtime.GCs
		samples = slices.DeleteFunc(samples, func(r machine.Runtime) bool { return r.GCs < before.runtime.GCs }) // of the warm-up
		pause, exact := machine.LongestPause(before.runtime, append(samples, after.runtime))
		row.GCPause, row.GCPauseBound = pause, !exact
	}
	return row, nil
}

// watch samples, every second, values that are only available for a short time.
func (t *target) watch(ctx context.Context, rss *machine.RSS) (samples []machine.Runtime) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-tick.C:
		}
		if rss != nil {
			rss.Sample()
		}
		if t.metrics != "" {
			if r, err := machine.Scrape(ctx, t.metrics); err == nil {
				samples = append(samples, r)
			}
		}
	}
}

// ceilings measures pgbench and the constant server right after a scenario, so
// that noise of the machine affects all three.
func (b *bench) ceilings(ctx context.Context, t *target, w *conduit.World, s conduit.Scenario, scale int, constantAddr string, row *report.Row) error {
	if constantAddr != "" {
		res, err := load.Run(ctx, load.Plan{
			Addr: constantAddr, Connections: b.connections, Warm: b.ceiling / 5, Measure: b.ceiling, Driver: w.Constant(constantAddr),
		})
		if err != nil {
			return err
		}
		if res.Errors > 0 {
			return errors.New("the constant server failed: " + res.Failures[0].Message)
		}
		row.ConstantRPS = float64(res.Answered) / res.Elapsed.Seconds()
	}
	if s.Query == "" || t.cluster == nil || b.noPgbench != nil {
		return nil
	}
	scripts, err := b.scripts(w, s, scale)
	if err != nil {
		b.note("no ceiling for %s: %v", s.Name, err)
		return nil
	}
	row.PgbenchTPS, err = t.cluster.Run(ctx, scripts, b.clients, b.ceiling)
	return err
}

// slugScripts is how many articles pgbench reads. pgbench has no text
// variables, so each article needs its own script, which each client plans
// during the warm-up.
const slugScripts = 16

// parameters returns the values of the parameters that the statements of
// scenarios have, except for the slug.
func parameters(s conduit.Scenario) map[string]string {
	viewer := "0"
	if s.Query == conduit.QueryFeed || s.Name == conduit.ListSigned {
		viewer = ":viewer"
	}
	return map[string]string{
		"ViewerID": viewer, "ViewerLevel": "0", "AuthorID": ":viewer", "Body": pgbench.Quote("Well said, benchmark."), "Waiting": "false", "AccountStorage": "1073741824",
		"BeforePublishedAt": "'9999-12-31'", "BeforeID": ":before", "PageOffset": ":offset", "PageLimit": ":limit", "Reach": ":reach", "Authors": ":reach", "MaxFollowees": "300",
	}
}

// scripts returns pgbench scripts with the statement of a scenario and the
// parameters that the service sends. Numbers that differ between requests are
// variables, and thus parameters of the prepared statement.
func (b *bench) scripts(w *conduit.World, s conduit.Scenario, scale int) ([]string, error) {
	q, err := pgbench.Load(b.repo+"/gen/query", s.Query)
	if err != nil {
		return nil, err
	}
	offset := "0"
	if s.Name == conduit.ListDeep {
		offset = strconv.Itoa(w.DeepOffset())
	}
	user := "\\set viewer random(1, " + strconv.Itoa(sizes(scale).Users) + ")\n"
	setup := user + "\\set offset " + offset + "\n\\set limit 20\n\\set reach :offset + :limit\n\\set before 9223372036854775807\n"
	values := parameters(s)
	var out []string
	for _, slug := range w.SampleSlugs(slugScripts) {
		values["Slug"] = pgbench.Quote(slug)
		script, err := q.Script(setup, values)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && out[0] == script {
			break // the query has no slug
		}
		out = append(out, script)
	}
	return out, nil
}
