package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
)

// The format of the figures of bench gain. The version rises when a member is
// removed or changes its meaning, and not when one is added.
const (
	GainFormat  = "byline-gain"
	GainVersion = 1
)

// LeadKind is the kind of request that stands for all.
const LeadKind = conduit.ReadMix

// The two sides of a Gain, in all its arrays.
const (
	Backend = 0
	Byline  = 1
)

// Gain compares a backend with a Byline that has the same data. Times are in
// nanoseconds, memory is in bytes, and arrays of two have the backend first.
type Gain struct {
	Format  string `json:"format"`
	Version int    `json:"version"`

	Machine  machine.Info `json:"machine"` // its server and postgresql are those of Byline
	Backend  string       `json:"backend"` // URL
	Settings GainSettings `json:"settings"`
	Data     GainData     `json:"data"`
	Kinds    []*GainKind  `json:"kinds"`
	Memory   []GainMemory `json:"memory,omitempty"`
	// Requests are all requests that were sent while something was measured.
	Requests [2]uint64 `json:"requests"`
	// Notes say what was not compared, and what falsifies the figures.
	Notes []string `json:"notes"`
}

// GainSettings are the settings of a comparison.
type GainSettings struct {
	Connections int           `json:"connections"`
	Rounds      int           `json:"rounds"`
	Warm        time.Duration `json:"warmNs"`
	Measure     time.Duration `json:"measureNs"`
	MaxP99      time.Duration `json:"maxP99Ns"` // a rate is kept up to this P99
}

// GainData is the data that both have.
type GainData struct {
	Articles  int `json:"articles"`
	Total     int `json:"total,omitempty"` // articles of the backend, if it says so
	Authors   int `json:"authors"`
	Tags      int `json:"tags"`
	Comments  int `json:"comments"`
	Favorites int `json:"favorites"`
	// Refused counts rows that Byline does not store, by reason.
	Refused map[string]int `json:"refused,omitempty"`
}

// GainKind is a kind of request.
type GainKind struct {
	Kind     string            `json:"kind"`
	Writes   bool              `json:"writes,omitempty"`
	Skipped  string            `json:"skipped,omitempty"`  // why it was not measured
	Contents *conduit.Contents `json:"contents,omitempty"` // of kinds that only read
	Closed   Comparable        `json:"closed"`             // a row for each side and round
	Open     []*GainRate       `json:"open,omitempty"`

	// What follows is computed by Judge.
	Throughput GainRatio    `json:"throughput"`
	Latency    *GainLatency `json:"latency,omitempty"` // if both kept up a rate
	Kept       [2]float64   `json:"kept"`              // the highest rates that were kept, 0 if none
}

// GainRate is an open loop with a rate. A side that has not kept a lower rate
// has no row.
type GainRate struct {
	Rate float64 `json:"rate"`
	Comparable
}

// GainLatency is the latencies at the highest rate that both kept up in all
// rounds: the medians of the rounds.
type GainLatency struct {
	Rate  float64            `json:"rate"`
	Sides [2]GainPercentiles `json:"sides"`
	P99   GainRatio          `json:"p99"`
}

// GainPercentiles are percentiles.
type GainPercentiles struct {
	P50 time.Duration `json:"p50Ns"`
	P90 time.Duration `json:"p90Ns"`
	P99 time.Duration `json:"p99Ns"`
	Max time.Duration `json:"maxNs"`
	// Curve is the latencies at Percentiles, for plots.
	Curve []time.Duration `json:"-"`
}

// GainRatio says how much better Byline is, by rounds: above 1 it is better.
type GainRatio struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	Better string  `json:"better"` // one of the constants below
}

// The values of GainRatio.Better.
const (
	BetterByline  = "byline"
	BetterBackend = "backend"
	BetterNoise   = "noise"   // the difference is not larger than noise
	BetterUnknown = "unknown" // there were too few rounds
	BetterErrors  = "errors"  // too many requests failed
	BetterNone    = "none"    // nothing was measured
)

// GainMemory is a sample of the resident memory. Unknown figures are 0.
type GainMemory struct {
	At       time.Duration `json:"atNs"` // since the first sample
	Server   [2]int64      `json:"server"`
	Database [2]int64      `json:"database"`
}

const (
	// noise is the ratio that is not a difference, whatever the spread is: two
	// servers that are the same differ by this on a machine that is not quiet.
	noise = 1.1
	// leastRounds is the number of rounds whose spread says something: of two
	// rounds of equal servers, every second pair has one that is better twice.
	leastRounds = 3
	// maxErrorShare is the share of errors up to which figures are compared.
	maxErrorShare = .01
)

// Judge computes the ratios.
func (g *Gain) Judge() {
	g.Format, g.Version = GainFormat, GainVersion
	for _, k := range g.Kinds {
		k.Throughput = judge(&k.Closed, func(r Row) float64 { return r.RPS })
		if k.ErrorShare(Backend) > maxErrorShare || k.ErrorShare(Byline) > maxErrorShare {
			k.Throughput.Better = BetterErrors
		}
		for side := range k.Kept {
			k.Kept[side] = k.kept(side, g.Settings)
		}
		k.Latency = k.latency(g.Settings)
	}
}

// judge compares a figure of which more is better.
func judge(c *Comparable, figure func(Row) float64) GainRatio {
	s, ok := c.ratios(figure)
	out := GainRatio{s.median, s.min, s.max, BetterNoise}
	switch {
	case !ok:
		out.Better = BetterNone
	case min(len(c.Rows[0]), len(c.Rows[1])) < leastRounds:
		out.Better = BetterUnknown
	case s.min > noise:
		out.Better = BetterByline
	case s.max < 1/noise:
		out.Better = BetterBackend
	}
	return out
}

// ErrorShare returns the share of the requests of a closed loop that failed.
func (k *GainKind) ErrorShare(side int) float64 {
	var errors, requests uint64
	for _, r := range k.Closed.Rows[side] {
		errors += r.Errors
		requests += r.Requests
	}
	return float64(errors) / float64(max(requests, 1))
}

// Keeps reports whether a row of an open loop is that of a rate that was kept:
// without errors, and with a P99 up to the maximum.
func (s GainSettings) Keeps(r Row) bool { return r.Behind == "" && r.Errors == 0 && r.P99 <= s.MaxP99 }

// kept returns the median of the highest rates that a side kept in the rounds.
func (k *GainKind) kept(side int, s GainSettings) float64 {
	var highest []float64
	for round := range s.Rounds {
		best, tried := 0.0, false
		for _, r := range k.Open {
			if round < len(r.Rows[side]) {
				tried = true
				if s.Keeps(r.Rows[side][round]) {
					best = max(best, r.Rate)
				}
			}
		}
		if tried {
			highest = append(highest, best)
		}
	}
	if len(highest) == 0 {
		return 0
	}
	return median(highest)
}

// latency returns the latencies at the highest rate that both kept in all
// rounds that were measured.
func (k *GainKind) latency(s GainSettings) *GainLatency {
	rounds := min(len(k.Closed.Rows[0]), len(k.Closed.Rows[1]))
	for _, r := range slices.Backward(k.Open) {
		all := slices.Concat(r.Rows[0], r.Rows[1])
		if len(r.Rows[0]) < rounds || len(r.Rows[1]) < rounds || len(all) == 0 || slices.ContainsFunc(all, func(row Row) bool { return !s.Keeps(row) }) {
			continue
		}
		out := &GainLatency{Rate: r.Rate}
		for side := range out.Sides {
			of := func(figure func(Row) time.Duration) time.Duration {
				return time.Duration(r.median(side, func(row Row) float64 { return float64(figure(row)) }))
			}
			out.Sides[side] = GainPercentiles{
				P50: of(func(r Row) time.Duration { return r.P50 }), P90: of(func(r Row) time.Duration { return r.P90 }),
				P99: of(func(r Row) time.Duration { return r.P99 }), Max: of(func(r Row) time.Duration { return r.Max }),
			}
			for i := range Percentiles {
				out.Sides[side].Curve = append(out.Sides[side].Curve, of(func(r Row) time.Duration { return r.Curve[i] }))
			}
		}
		// Less is better, so that the sides are swapped.
		out.P99 = judge(&Comparable{Rows: [2][]Row{r.Rows[1], r.Rows[0]}}, func(row Row) float64 { return float64(row.P99) })
		return out
	}
	return nil
}

// Median returns the median of a figure of the closed loop over the rounds.
func (k *GainKind) Median(side int, figure func(Row) float64) float64 {
	return k.Closed.median(side, figure)
}

// Find returns a kind, and adds it if it is new.
func (g *Gain) Find(kind string) *GainKind {
	for _, k := range g.Kinds {
		if k.Kind == kind {
			return k
		}
	}
	k := &GainKind{Kind: kind, Closed: Comparable{Scenario: kind}}
	g.Kinds = append(g.Kinds, k)
	return k
}

// At returns the open loop with a rate, and adds it if it is new. Rates are
// sorted.
func (k *GainKind) At(rate float64) *GainRate {
	i, found := slices.BinarySearchFunc(k.Open, rate, func(r *GainRate, rate float64) int {
		switch {
		case r.Rate < rate:
			return -1
		case r.Rate > rate:
			return 1
		}
		return 0
	})
	if !found {
		k.Open = slices.Insert(k.Open, i, &GainRate{Rate: rate, Comparable: Comparable{Scenario: k.Kind}})
	}
	return k.Open[i]
}

func (r GainRatio) String() string {
	if r.Better == BetterNone {
		return "-"
	}
	return spread{r.Least, r.Median, r.Most}.String()
}

// Says returns the result of a kind in words.
func (k *GainKind) Says() string {
	if k.Skipped != "" {
		return "Not measured: " + k.Skipped + "."
	}
	text := k.saysThroughput()
	if k.Latency != nil && k.Throughput.Better != BetterErrors {
		text += " " + k.Latency.says()
	}
	return text
}

func (k *GainKind) saysThroughput() string {
	t := k.Throughput
	switch t.Better {
	case BetterErrors:
		return fmt.Sprintf("Not comparable: %s of the requests to your backend and %s of those to Byline failed.", percent(k.ErrorShare(Backend)), percent(k.ErrorShare(Byline)))
	case BetterByline:
		return fmt.Sprintf("Byline answers %s times as many requests (%.2f to %.2f).", factor(t.Median), t.Least, t.Most)
	case BetterBackend:
		return fmt.Sprintf("Your backend is better: it answers %s times as many requests as Byline (%.2f to %.2f).", factor(1/t.Median), 1/t.Most, 1/t.Least)
	case BetterNoise:
		return fmt.Sprintf("No difference of the throughput beyond noise: the ratio is %.2f (%.2f to %.2f).", t.Median, t.Least, t.Most)
	case BetterUnknown:
		return fmt.Sprintf("The ratio of the throughput is %.2f (%.2f to %.2f). With fewer than %d rounds the noise is unknown.", t.Median, t.Least, t.Most, leastRounds)
	}
	return "Not measured."
}

func (l *GainLatency) says() string {
	end := map[string]string{BetterByline: "Byline is better", BetterBackend: "your backend is better", BetterNoise: "no difference beyond noise"}[l.P99.Better]
	if end == "" {
		end = "the noise is unknown"
	}
	return fmt.Sprintf("At %s requests a second, a rate that both kept, 99 %% of the answers take up to %s ms from your backend and %s ms from Byline: %s.",
		thousands(l.Rate), millis(l.Sides[Backend].P99), millis(l.Sides[Byline].P99), end)
}

func factor(f float64) string {
	if f >= 10 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
