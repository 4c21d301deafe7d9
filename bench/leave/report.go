package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/byline-api/byline/bench/internal/hist"
	"github.com/byline-api/byline/bench/internal/machine"
	tables "github.com/byline-api/byline/bench/internal/report"
)

// The phases that are compared or checked.
const (
	phaseBefore = "old system"
	phaseHalf   = "reads of 50% of the users"
	phaseBack   = "rolled back"
	phaseWhole  = "reads of 100% of the users"
	phaseAfter  = "Byline alone"
)

// maxAfterRollback is the share of the responses of Byline after the way back, in
// percent. Requests that were under way end then.
const maxAfterRollback = 5

// report is what a walk has found.
type report struct {
	Machine        machine.Info     `json:"machine"`
	Rate           float64          `json:"requestsPerSecond"`
	Phases         []phaseReport    `json:"phases"`
	Kinds          []kindReport     `json:"kinds"`
	Ticks          []tick           `json:"ticks"`
	CapacityBefore float64          `json:"readsPerSecondBefore"`
	CapacityAfter  float64          `json:"readsPerSecondAfter"`
	Imports        []importReport   `json:"imports"`
	Differences    []found          `json:"differences"`
	Compared       map[string]int64 `json:"compared"` // while writes waited, by result
	Held           float64          `json:"secondsWritesWaited"`
	Proof          string           `json:"proof"`   // of byline import verify
	Answers        string           `json:"answers"` // of byline import verify answers
	Acknowledged   int              `json:"acknowledgedWrites"`
	Checked        int              `json:"checkedRows"`
	Lost           []string         `json:"lostWrites"`
	SignedOut      []string         `json:"signedOut"`
	Tokens         int              `json:"tokens"`
	Failures       map[string]int   `json:"failures"`
	Fallbacks      map[string]int   `json:"fallbacks"` // answered by the old system because Byline could not
	Seconds        float64          `json:"seconds"`
}

type phaseReport struct {
	Name     string  `json:"name"`
	Began    float64 `json:"began"` // in seconds since the first tick began
	Seconds  float64 `json:"seconds"`
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	Rate     float64 `json:"perSecond"`
	// ByByline is the share of the responses that Byline gave, in percent.
	ByByline float64 `json:"byBylinePercent"`
	latency
}

// latency is in milliseconds.
type latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func latencyOf(h *hist.H) latency {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return latency{ms(h.Quantile(0.5)), ms(h.Quantile(0.99)), ms(h.Max())}
}

// kindReport compares a kind of request before and after.
type kindReport struct {
	Name   string  `json:"name"`
	Before measure `json:"before"`
	After  measure `json:"after"`
}

type measure struct {
	Requests int     `json:"requests"`
	Rate     float64 `json:"perSecond"`
	latency
}

type importReport struct {
	Seconds float64 `json:"seconds"`
	Read    int64   `json:"read"`
	Changes int64   `json:"changes"`
}

func (r *report) addImport(i *imported, took time.Duration) {
	one := importReport{Seconds: took.Seconds(), Changes: i.changes()}
	for _, c := range i.Counts {
		one.Read += c.Read
	}
	r.Imports = append(r.Imports, one)
}

// take takes the figures of the load, which has ended.
func (r *report) take(ctx context.Context, w *walk) {
	r.Machine = machine.Describe(ctx, w.repo)
	r.Rate, r.Seconds, r.Tokens, r.Failures = w.rate, time.Since(w.began).Seconds(), len(w.world.accounts()), map[string]int{}
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	w.world.end()
	r.Ticks = w.world.ticks
	var before, after *phase
	for _, p := range w.world.phases {
		all := new(hist.H)
		one := phaseReport{Name: p.name, Began: p.began.Sub(w.world.watched).Seconds(), Seconds: p.took.Seconds()}
		for _, m := range p.kinds {
			all.Add(&m.latency)
			one.Requests += m.requests
			one.Failed += m.failed
		}
		one.latency, one.Rate = latencyOf(all), float64(one.Requests)/one.Seconds
		one.ByByline = 100 * float64(p.byline) / float64(max(one.Requests, 1))
		r.Phases = append(r.Phases, one)
		for message, n := range p.failures {
			r.Failures[p.name+": "+message] += n
		}
		switch p.name {
		case phaseBefore:
			before = p
		case phaseAfter:
			after = p
		}
	}
	if before != nil && after != nil {
		r.compare(before, after)
	}
}

// compare compares the kinds of requests of two phases, and all of them.
func (r *report) compare(before, after *phase) {
	kinds := map[bool]*measured{false: {}, true: {}}
	add := func(to *measured, p *phase, name string) {
		if m := p.kinds[name]; m != nil {
			to.requests += m.requests
			to.latency.Add(&m.latency)
		}
	}
	for _, a := range actions {
		one := map[bool]*measured{false: {}, true: {}}
		add(one[false], before, a.name)
		add(one[true], after, a.name)
		add(kinds[false], before, a.name)
		add(kinds[true], after, a.name)
		r.Kinds = append(r.Kinds, kindReport{a.name, one[false].over(before), one[true].over(after)})
	}
	r.Kinds = append(r.Kinds, kindReport{"all", kinds[false].over(before), kinds[true].over(after)})
}

func (m *measured) over(p *phase) measure {
	return measure{m.requests, float64(m.requests) / p.took.Seconds(), latencyOf(&m.latency)}
}

// verdict returns an error if a client has noticed the move.
func (r *report) verdict() error {
	var wrong []error
	for _, message := range slices.Sorted(maps.Keys(r.Failures)) {
		wrong = append(wrong, fmt.Errorf("%d failed requests: %s", r.Failures[message], message))
	}
	for _, what := range slices.Sorted(maps.Keys(r.Fallbacks)) {
		wrong = append(wrong, fmt.Errorf("the old system answered %d times instead of Byline: %s", r.Fallbacks[what], what))
	}
	for _, p := range r.Phases {
		switch byline := p.ByByline; {
		case (p.Name == phaseHalf || p.Name == phaseWhole) && byline == 0:
			wrong = append(wrong, fmt.Errorf("Byline answered nothing in the step %q", p.Name))
		case p.Name == phaseBack && byline > maxAfterRollback:
			wrong = append(wrong, fmt.Errorf("Byline gave %.0f %% of the responses in the step %q", byline, p.Name))
		}
	}
	for _, d := range r.Differences {
		if d.Explanation == "" {
			wrong = append(wrong, fmt.Errorf("a difference of %s at %s (%s) is not explained", d.Operation, d.Path, d.Kind))
		}
	}
	for _, what := range r.Lost {
		wrong = append(wrong, fmt.Errorf("a lost write: %s", what))
	}
	for _, who := range r.SignedOut {
		wrong = append(wrong, fmt.Errorf("signed out: %s", who))
	}
	if r.Acknowledged == 0 || r.Checked == 0 || r.Compared["equal"] == 0 {
		wrong = append(wrong, errors.New("no write was checked, or no answer compared: the run was too short"))
	}
	return errors.Join(wrong...)
}

// write writes all figures as JSON.
func (r *report) write(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func digits(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// print prints the tables as Markdown.
func (r *report) print(out io.Writer) error {
	phases := tables.Table{Head: []string{"step", "s", "requests", "failed", "requests/s", "of Byline", "P50 ms", "P99 ms"}}
	for _, p := range r.Phases {
		phases.Add(p.Name, digits(p.Seconds), strconv.Itoa(p.Requests), strconv.Itoa(p.Failed), digits(p.Rate), fmt.Sprintf("%.0f %%", min(p.ByByline, 100)), digits(p.P50), digits(p.P99))
	}
	differences := tables.Table{Head: []string{"difference", "kind", "responses", "explained by"}, Left: map[int]bool{1: true, 3: true}}
	for _, d := range r.Differences {
		differences.Add(d.Operation+" "+d.Path, d.Kind, strconv.FormatInt(d.Count, 10), cmp.Or(d.Explanation, "NOT EXPLAINED"))
	}
	kinds := tables.Table{Head: []string{"request", "P50 before", "P50 after", "P99 before", "P99 after", "requests/s before", "after"}}
	for _, k := range r.Kinds {
		if k.Before.Requests > 0 && k.After.Requests > 0 {
			kinds.Add(k.Name, digits(k.Before.P50), digits(k.After.P50), digits(k.Before.P99), digits(k.After.P99), digits(k.Before.Rate), digits(k.After.Rate))
		}
	}
	for _, t := range []struct {
		title string
		table tables.Table
	}{{"Steps", phases}, {"Differences of the answers", differences}, {"Latency in ms at the same rate", kinds}} {
		fmt.Fprintf(out, "\n%s\n\n", t.title)
		if err := t.table.Write(out); err != nil {
			return err
		}
	}
	var failed int
	for _, p := range r.Phases {
		failed += p.Failed
	}
	for _, i := range r.Imports[:min(1, len(r.Imports))] {
		fmt.Fprintf(out, "\nThe first import read %d rows in %.1f s; %d more imports took what was new.\n", i.Read, i.Seconds, len(r.Imports)-1)
	}
	fmt.Fprintf(out, "Reads that %d clients get in a second without a pause: %.0f before, %.0f after.\n", capacityWorkers, r.CapacityBefore, r.CapacityAfter)
	fmt.Fprintf(out, "\nbyline import verify\n\n%s\nbyline import verify answers\n\n%s\n", r.Proof, r.Answers)
	_, err := fmt.Fprintf(out, "%d requests failed. %d of %d acknowledged writes are lost (%d rows checked, because later writes changed some again). %d of %d tokens were refused. Writes waited %.1f s.\n",
		failed, len(r.Lost), r.Acknowledged, r.Checked, len(r.SignedOut), r.Tokens, r.Held)
	return err
}
