package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/report"
)

const (
	// maxP99 is the P99 up to which a rate is kept up.
	maxP99 = 200 * time.Millisecond
	// compared is how many answers of each kind are compared.
	compared = 40
	// memoryEvery is the time between two looks at the memory.
	memoryEvery = time.Second
	// maxGainRate and maxGainRates bound the rates that are chosen.
	maxGainRate  = 20_000
	maxGainRates = 10
)

// measureAll measures all kinds of requests. Those that write come last, since
// each side then has other articles.
func (g *gain) measureAll(ctx context.Context) error {
	reads, signedIn, writes := conduit.SideBySide()
	if g.gain.signedIn() {
		reads = append(reads, signedIn...)
	}
	if !g.gain.writes {
		writes = nil
	}
	g.say("this takes about %s, and at most a little more than %s (--limit)", g.estimate(len(reads)+len(writes)).Round(time.Second), g.gain.limit)
	stop := g.watchMemory(ctx)
	defer stop()
	if err := g.rounds(ctx, g.chosen(ctx, reads, true)); err != nil {
		return err
	}
	return g.rounds(ctx, g.chosen(ctx, writes, false))
}

// estimate returns about how long the measurements of so many kinds take.
func (g *gain) estimate(kinds int) time.Duration {
	const usualRates = 5 // of a side, with --rates auto
	rates := len(g.options.rates)
	if g.gain.autoRates {
		rates = usualRates
	}
	return time.Duration(kinds*g.options.rounds*len(g.targets)*(1+rates)) * (g.warm + g.options.measure)
}

// chosen returns the scenarios that --only matches and that can be measured. It
// compares the answers of those that only read.
func (g *gain) chosen(ctx context.Context, all []conduit.Scenario, compare bool) (out []conduit.Scenario) {
	for _, s := range all {
		if !g.only.MatchString(s.Name) || ctx.Err() != nil {
			continue
		}
		k := g.report.Find(s.Name)
		k.Writes = !compare
		if k.Skipped = g.worlds[0].Lacks(s); k.Skipped == "" && compare {
			k.Skipped = g.compareContents(ctx, k, s)
		}
		if k.Skipped == "" {
			out = append(out, s)
		} else {
			g.say("%-18s not measured: %s", s.Name, k.Skipped)
		}
	}
	return out
}

// compareContents compares answers, and returns why the kind cannot be
// measured, or "".
func (g *gain) compareContents(ctx context.Context, k *report.GainKind, s conduit.Scenario) string {
	c, err := conduit.Compare(ctx, g.worlds, s, compared)
	if err != nil {
		return err.Error()
	}
	k.Contents = &c
	for side, name := range report.SideNames {
		if c.Sides[side].Fails() {
			return name + " answers none of these requests with success"
		}
	}
	return ""
}

// rounds measures scenarios in rounds. In each, one side follows the other at
// once, so that slow changes of the machine affect both. Every second round
// begins with the other side.
func (g *gain) rounds(ctx context.Context, all []conduit.Scenario) error {
	if len(all) == 0 {
		return nil
	}
	rates := map[string][]float64{}
	for round := range g.options.rounds {
		g.say("round %d of %d", round+1, g.options.rounds)
		order := []int{report.Backend, report.Byline}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, s := range all {
			k := g.report.Find(s.Name)
			if err := g.closed(ctx, s, k, order); err != nil || g.ended != "" {
				return err
			}
			if _, known := rates[s.Name]; !known {
				rates[s.Name] = g.ratesFor(k)
			}
			if err := g.openRates(ctx, s, k, rates[s.Name], order); err != nil || g.ended != "" {
				return err
			}
		}
	}
	return nil
}

// closed measures both sides at full speed.
func (g *gain) closed(ctx context.Context, s conduit.Scenario, k *report.GainKind, order []int) error {
	if g.end() {
		return nil
	}
	var rows [2]report.Row
	for _, side := range order {
		row, err := g.one(ctx, side, s, 0)
		if err != nil {
			return err
		}
		rows[side] = row
	}
	for side, row := range rows {
		k.Closed.Rows[side] = append(k.Closed.Rows[side], row)
	}
	g.say("%-18s your backend %8.0f req/s, Byline %8.0f", s.Name, rows[report.Backend].RPS, rows[report.Byline].RPS)
	return nil
}

// openRates measures both sides at rising rates. A side ends when it does not
// keep a rate.
func (g *gain) openRates(ctx context.Context, s conduit.Scenario, k *report.GainKind, rates []float64, order []int) error {
	var over [2]bool
	for _, rate := range rates {
		for _, side := range order {
			if over[side] {
				continue
			}
			if g.end() {
				return nil
			}
			row, err := g.one(ctx, side, s, rate)
			if err != nil {
				return err
			}
			at := k.At(rate)
			at.Rows[side] = append(at.Rows[side], row)
			over[side] = !g.report.Settings.Keeps(row)
		}
		if over[0] && over[1] {
			return nil
		}
	}
	return nil
}

// one measures a side, and counts its requests with those of the warm-up.
func (g *gain) one(ctx context.Context, side int, s conduit.Scenario, rate float64) (report.Row, error) {
	row, err := g.bench.measure(ctx, g.targets[side], g.worlds[side], s, rate)
	if err != nil {
		return row, fmt.Errorf("%s, %s: %w", report.SideNames[side], s.Name, err)
	}
	whole := float64(g.warm+g.options.measure) / float64(g.options.measure)
	g.report.Requests[side] += uint64(float64(row.Requests) * whole)
	return row, nil
}

// end reports whether a limit is reached.
func (g *gain) end() bool {
	switch {
	case g.ended != "":
	case time.Since(g.began) > g.gain.limit:
		g.ended = fmt.Sprintf("the run ended after %s, before all was measured (--limit)", g.gain.limit)
	case g.report.Requests[report.Backend] > g.gain.maxRequests:
		g.ended = fmt.Sprintf("the run ended after %d requests to your backend, before all was measured (--max-requests)", g.report.Requests[report.Backend])
	}
	return g.ended != ""
}

// ratesFor returns the rates of the open loop of a kind: those of --rates, or
// round numbers from an eighth of the throughput of the slower side up to that
// of the faster one.
func (g *gain) ratesFor(k *report.GainKind) []float64 {
	if !g.gain.autoRates {
		return g.options.rates
	}
	var rps [2]float64
	for side := range rps {
		rps[side] = k.Median(side, func(r report.Row) float64 { return r.RPS })
	}
	return autoGainRates(min(rps[0], rps[1]), max(rps[0], rps[1]))
}

func autoGainRates(slower, faster float64) (rates []float64) {
	faster = min(faster, maxGainRate)
	if slower <= 0 {
		return nil
	}
	for exponent := math.Floor(math.Log10(max(slower/8, 1))); ; exponent++ {
		for _, digit := range []float64{1, 2, 5} {
			rate := digit * math.Pow(10, exponent)
			switch {
			case len(rates) == maxGainRates || rate > faster:
				return rates
			case rate >= slower/8:
				rates = append(rates, rate)
			}
		}
	}
}

// watchMemory samples the memory of both sides until the returned function is
// called.
func (g *gain) watchMemory(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	began := time.Now()
	wait.Go(func() {
		tick := time.NewTicker(memoryEvery)
		defer tick.Stop()
		for {
			if m, known := g.memory(); known {
				m.At = time.Since(began)
				g.report.Memory = append(g.report.Memory, m)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		cancel()
		wait.Wait()
	}
}

func (g *gain) memory() (m report.GainMemory, known bool) {
	for side, t := range g.targets {
		for _, process := range []struct {
			pid, without int
			to           *int64
		}{{t.pid, t.pgPID, &m.Server[side]}, {t.pgPID, 0, &m.Database[side]}} {
			if process.pid == 0 {
				continue
			}
			if n, err := machine.TreeMemory(process.pid, process.without); err == nil {
				*process.to, known = n, true
			}
		}
	}
	return m, known
}
