package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
)

// Verdict is a target and the measured figure.
type Verdict struct {
	Name     string `json:"name"`
	Target   string `json:"target"`
	Measured string `json:"measured"`
	Reached  bool   `json:"reached"`
	scenario string // the row that it is printed in, or ""
}

// Throughput of other implementations of the RealWorld contract on the standard
// data set, in requests a second. Some targets are multiples of these figures.
const (
	nodeMix       = 295  // the fastest Node peer
	axumArticle   = 7865 // Axum+SQLx
	axumFeed      = 1846
	peersTags     = 2905
	peersComments = 4291
	peersCreate   = 5099
)

// Targets for two shared cores that do not depend on other implementations.
const (
	listRPS      = 30_000
	openP99      = 8 * time.Millisecond
	deepFactor   = 1.5
	growthFactor = 1.5
	pgShare      = 0.5
	maxRSS       = 50 << 20
	maxPause     = time.Millisecond
	pauseRate    = 2_000
)

// openRates are the rates of the open loop that have a target for their P99.
var openRates = []float64{2_000, 6_000}

// Targets of a comparison with a commit: how many times its throughput each of
// these scenarios must have. No scenario may have less than leastRatio of any
// base.
const (
	ratioBase  = "c47571e"
	leastRatio = 0.95
)

var ratios = map[string]float64{
	conduit.Create: 1.5, conduit.ListSigned: 2.2, conduit.Feed: 2, conduit.Uncached: 1.3, conduit.Mix: 1.5,
}

// rates are the throughput targets of the scenarios.
var rates = []struct {
	scenario string
	least    float64
	stated   string
}{
	{conduit.Article, 3 * axumArticle, "3x Axum's 7,865"},
	{conduit.List, listRPS, "30k"},
	{conduit.ListDeep, listRPS, "30k"},
	{conduit.ListLast, listRPS, "30k"},
	{conduit.Feed, 3 * axumFeed, "3x Axum's 1,846"},
	{conduit.Tags, peersTags, "above Sequelize's"},
	{conduit.Comments, peersComments, "above Axum's"},
	{conduit.Create, peersCreate, "above Axum's"},
	{conduit.Mix, 40 * nodeMix, "40x Node's 295"},
}

// Judge compares the first scale with the targets of the project. Scenarios
// that were not measured have no verdict.
func (r *Report) Judge() {
	r.Verdicts = nil
	if len(r.Scales) == 0 || r.Scales[0].Scale == 0 {
		return // another backend, or another data set
	}
	s := r.Scales[0]
	add := func(scenario, name, target, measured string, reached bool) {
		r.Verdicts = append(r.Verdicts, Verdict{Name: name, Target: target, Measured: measured, Reached: reached, scenario: scenario})
	}
	for _, t := range rates {
		if row, ok := s.Find(t.scenario); ok {
			add(t.scenario, t.scenario, fmt.Sprintf(">= %s (%s)", thousands(t.least), t.stated), thousands(row.RPS)+" req/s", row.RPS >= t.least)
		}
	}
	if row, ok := s.Find(conduit.Uncached); ok && row.PgbenchTPS > 0 {
		add(conduit.Uncached, conduit.Uncached, fmt.Sprintf(">= %.2f of pgbench", pgShare), fmt.Sprintf("%.2f", row.OfPgbench()), row.OfPgbench() >= pgShare)
	}
	if first, ok := s.Find(conduit.List); ok {
		for _, deep := range []string{conduit.ListDeep, conduit.ListLast} {
			if row, ok := s.Find(deep); ok {
				factor := ratio(first.RPS, row.RPS)
				add("", deep+" against the first page", fmt.Sprintf("<= %.1fx", deepFactor), fmt.Sprintf("%.2fx", factor), factor <= deepFactor)
			}
		}
	}
	for _, row := range s.OpenLoop {
		if slices.Contains(openRates, row.Rate) {
			// What the benchmark itself causes is part of the figure.
			add("", fmt.Sprintf("mix, open loop at %s req/s, P99", thousands(row.Rate)), "<= 8 ms",
				fmt.Sprintf("%s ms, sender %s ms", millis(row.P99), millis(row.LateP99)), row.P99 <= openP99 && row.Unsent == 0)
		}
		if row.Rate == pauseRate && row.GCs > 0 {
			add("", fmt.Sprintf("longest GC pause at %s req/s", thousands(row.Rate)), "< 1 ms", row.pause()+" ms", row.GCPause < maxPause)
		}
	}
	if peak, signIns := s.peakRSS(true); signIns {
		add("", "peak resident memory, with sign-ins", "<= 50 MB", megabytes(peak)+" MB", peak <= maxRSS)
	}
	for _, g := range r.growth() {
		add("", fmt.Sprintf("%s, P99 at %dx the data", g.scenario, g.scale), fmt.Sprintf("<= %.1fx", growthFactor), fmt.Sprintf("%.2fx", g.p99), g.p99 <= growthFactor)
	}
}

// grown compares a scenario on two sizes of the data set.
type grown struct {
	scenario  string
	scale     int
	from, to  Row
	p99, rate float64 // ratios, larger to smaller data set
}

func (r *Report) growth() (out []grown) {
	for _, large := range r.Scales[min(1, len(r.Scales)):] {
		for _, s := range conduit.Scenarios {
			from, ok1 := r.Scales[0].Find(s.Name)
			to, ok2 := large.Find(s.Name)
			if s.Growth && ok1 && ok2 {
				out = append(out, grown{
					scenario: s.Name, scale: large.Scale, from: from, to: to,
					p99: ratio(float64(to.P99), float64(from.P99)), rate: ratio(to.RPS, from.RPS),
				})
			}
		}
	}
	return out
}
