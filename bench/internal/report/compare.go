package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/byline-api/byline/bench/internal/machine"
)

// Comparison contains the measurements of two builds.
type Comparison struct {
	Machine   machine.Info  `json:"machine"`
	Names     [2]string     `json:"names"`
	Scenarios []*Comparable `json:"scenarios"`
	// Skipped are the scenarios that only one build can be measured with, and
	// why.
	Skipped map[string]string `json:"skipped,omitempty"`
}

// Comparable is a scenario with the rows of both builds, one for each round.
type Comparable struct {
	Scenario string   `json:"scenario"`
	Rows     [2][]Row `json:"rows"`
}

// NewComparison returns an empty comparison of two builds.
func NewComparison(m machine.Info, base, head string) *Comparison {
	return &Comparison{Machine: m, Names: [2]string{base, head}}
}

// Add adds the next row of a build: 0 is the base, 1 is the head.
func (c *Comparison) Add(build int, row Row) {
	i := slices.IndexFunc(c.Scenarios, func(s *Comparable) bool { return s.Scenario == row.Scenario })
	if i < 0 {
		i = len(c.Scenarios)
		c.Scenarios = append(c.Scenarios, &Comparable{Scenario: row.Scenario})
	}
	c.Scenarios[i].Rows[build] = append(c.Scenarios[i].Rows[build], row)
}

// Skip notes that a scenario cannot be compared.
func (c *Comparison) Skip(scenario, reason string) {
	if c.Skipped == nil {
		c.Skipped = map[string]string{}
	}
	c.Skipped[scenario] = reason
}

// Failed reports whether any response was wrong.
func (c *Comparison) Failed() bool {
	for _, s := range c.Scenarios {
		for _, r := range append(append([]Row(nil), s.Rows[0]...), s.Rows[1]...) {
			if r.Errors > 0 {
				return true
			}
		}
	}
	return false
}

// spread is the ratio of a figure, head to base, over the rounds.
type spread struct{ min, median, max float64 }

func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f..%.2f)", s.median, s.min, s.max) }

// ratios compares round by round, because neighbours in time are the most
// similar.
func (c *Comparable) ratios(figure func(Row) float64) (spread, bool) {
	var all []float64
	for i := range min(len(c.Rows[0]), len(c.Rows[1])) {
		if base := figure(c.Rows[0][i]); base > 0 {
			all = append(all, figure(c.Rows[1][i])/base)
		}
	}
	if len(all) == 0 {
		return spread{}, false
	}
	return spread{slices.Min(all), median(all), slices.Max(all)}, true
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (c *Comparable) median(build int, figure func(Row) float64) float64 {
	var all []float64
	for _, r := range c.Rows[build] {
		all = append(all, figure(r))
	}
	if len(all) == 0 {
		return 0
	}
	return median(all)
}

// judge returns the target of a scenario and whether it was reached, if the base
// is the one that the targets are of, and whether the scenario has become
// slower.
func (c *Comparison) judge(s *Comparable) (target, reached, slower string) {
	rps, ok := s.ratios(func(r Row) float64 { return r.RPS })
	if !ok {
		return "", "", ""
	}
	if least := ratios[s.Scenario]; least > 0 && strings.HasPrefix(c.Names[0], ratioBase) {
		target, reached = fmt.Sprintf(">= %.1fx", least), yes(rps.median >= least)
	}
	switch {
	case rps.median >= leastRatio:
	case rps.max >= 1:
		slower = "perhaps"
	default:
		slower = "YES"
	}
	return target, reached, slower
}

// Print writes the ratios as text.
func (c *Comparison) Print(w io.Writer) error {
	p := &printer{w: w}
	p.line("byline bench compare: %s (A) and %s (B), in turn", c.Names[0], c.Names[1])
	p.line("%d cores (%s), %s, load average before %s", c.Machine.Cores, c.Machine.CPU, c.Machine.OS, c.Machine.Load)
	p.line("Ratios are B to A: median (least..most) over the rounds. A spread across 1 is no difference.")
	rps := func(r Row) float64 { return r.RPS }
	allocs := func(r Row) float64 { return r.Allocs }
	t := Table{Head: []string{"scenario", "rounds", "A req/s", "B req/s", "req/s ratio", "P99 ratio", "server CPU ratio", "PG CPU ratio", "A allocs", "B allocs", "target", "reached", "slower"}}
	for _, s := range c.Scenarios {
		row := []string{s.Scenario, fmt.Sprint(min(len(s.Rows[0]), len(s.Rows[1]))), thousands(s.median(0, rps)), thousands(s.median(1, rps))}
		for _, figure := range []func(Row) float64{
			rps,
			func(r Row) float64 { return float64(r.P99) },
			func(r Row) float64 { return float64(r.ServerCPU) },
			func(r Row) float64 { return float64(r.PGCPU) },
		} {
			cell := "-"
			if ratio, ok := s.ratios(figure); ok {
				cell = ratio.String()
			}
			row = append(row, cell)
		}
		target, reached, slower := c.judge(s)
		t.Add(append(row, fmt.Sprintf("%.0f", s.median(0, allocs)), fmt.Sprintf("%.0f", s.median(1, allocs)), target, reached, slower)...)
	}
	t.OmitEmpty()
	p.table(t)
	p.line("A scenario is slower if its median has less than %.2f of A's req/s; it may be noise if the spread includes 1.", leastRatio)
	for _, name := range slices.Sorted(maps.Keys(c.Skipped)) {
		p.line("Not compared: %s (%s)", name, c.Skipped[name])
	}
	for _, s := range c.Scenarios {
		for build, rows := range s.Rows {
			for _, r := range rows {
				for _, f := range r.Failures {
					p.line("ERROR in %s, %s: %s (%d times)", s.Scenario, c.Names[build], f.Message, f.Count)
				}
			}
		}
	}
	return p.err
}
