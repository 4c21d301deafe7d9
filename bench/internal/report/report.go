// Package report compares the figures of a run with the targets of the project
// and prints them.
package report

import (
	"encoding/json"
	"os"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/machine"
)

// Report is a complete run, as written with --json. Times are in nanoseconds,
// memory is in bytes.
type Report struct {
	Machine machine.Info `json:"machine"`
	Scales  []Scale      `json:"scales"`
	// Verdicts are the targets and the measured figures.
	Verdicts []Verdict `json:"verdicts"`
}

// Scale contains the measurements on one size of the data set.
type Scale struct {
	Scale       int   `json:"scale"` // 1 is the standard data set; 0 is the existing data of the server
	Articles    int   `json:"articles"`
	Connections int   `json:"connections"`
	Rows        []Row `json:"rows"`
	OpenLoop    []Row `json:"openLoop,omitempty"`
	// PeakRSS is the maximum of all rows, including sign-ins; 0 means unknown.
	PeakRSS int64 `json:"peakRSS,omitempty"`
	// GCPause is the longest stop of the world in any row.
	GCPause time.Duration `json:"gcPauseNs,omitempty"`
	Notes   []string      `json:"notes,omitempty"`
}

// Row contains the figures of one scenario. Unknown figures are 0.
type Row struct {
	Scenario string  `json:"scenario"`
	Rate     float64 `json:"rate,omitempty"` // of an open loop, in requests a second
	Skipped  string  `json:"skipped,omitempty"`

	RPS  float64       `json:"rps"`
	P50  time.Duration `json:"p50Ns"`
	P90  time.Duration `json:"p90Ns"`
	P99  time.Duration `json:"p99Ns"`
	P999 time.Duration `json:"p999Ns"`
	Max  time.Duration `json:"maxNs"`

	Requests uint64         `json:"requests"`
	Errors   uint64         `json:"errors"`
	Failures []load.Failure `json:"failures,omitempty"`
	Redials  int            `json:"redials,omitempty"`
	Limited  uint64         `json:"limited,omitempty"` // responses with the status 429
	Audits   uint64         `json:"audits,omitempty"`  // rounds of the auditor
	// SignedIn is the share of the reads that had a token.
	SignedIn float64 `json:"signedIn,omitempty"`

	ServerCPU time.Duration `json:"serverCPUNs,omitempty"` // for each request
	PGCPU     time.Duration `json:"pgCPUNs,omitempty"`     // for each request
	SenderCPU time.Duration `json:"senderCPUNs,omitempty"` // for each request; of the benchmark itself
	Allocs    float64       `json:"allocs,omitempty"`      // heap objects for each request
	RSS       int64         `json:"rss,omitempty"`         // high-water mark
	GCs       uint64        `json:"gcs,omitempty"`
	GCPause   time.Duration `json:"gcPauseNs,omitempty"`
	// GCPauseBound means that no pause was longer than GCPause, and that the
	// longest one is not known exactly.
	GCPauseBound bool `json:"gcPauseBound,omitempty"`

	// These fields are for the open loop; see load.Result.
	LateP99 time.Duration `json:"lateP99Ns,omitempty"`
	Backlog uint64        `json:"backlog,omitempty"`
	Delayed uint64        `json:"delayed,omitempty"`
	Unsent  uint64        `json:"unsent,omitempty"`
	// Behind is why the rate was not kept up, or "".
	Behind string `json:"behind,omitempty"`

	// Curve is the latencies at Percentiles, for plots.
	Curve []time.Duration `json:"-"`

	PgbenchTPS  float64 `json:"pgbenchTPS,omitempty"`
	ConstantRPS float64 `json:"constantRPS,omitempty"`
}

// Percentiles are those of Row.Curve.
var Percentiles = []float64{1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 92, 94, 95, 96, 97, 98, 98.5, 99, 99.3, 99.5, 99.7, 99.8, 99.9}

// pause formats the longest pause.
func (r Row) pause() string {
	switch {
	case r.GCPause == 0:
		return "-"
	case r.GCPauseBound:
		return "<= " + millis(r.GCPause)
	}
	return millis(r.GCPause)
}

// Fill copies the counters of a run.
func (r *Row) Fill(res *load.Result) {
	r.RPS = float64(res.Answered) / res.Elapsed.Seconds()
	r.P50, r.P90, r.P99, r.P999, r.Max = res.Latency.Quantile(.5), res.Latency.Quantile(.9), res.Latency.Quantile(.99), res.Latency.Quantile(.999), res.Latency.Max()
	r.Curve = nil
	for _, q := range Percentiles {
		r.Curve = append(r.Curve, res.Latency.Quantile(q/100))
	}
	r.Requests, r.Errors, r.Failures, r.Redials, r.Limited = res.Requests, res.Errors, res.Failures, res.Redials, res.Limited
	r.LateP99, r.Backlog, r.Delayed, r.Unsent = res.Late.Quantile(.99), res.Backlog, res.Delayed, res.Unsent
}

// OfPgbench returns the throughput as a share of pgbench's; 0 means not
// measured.
func (r Row) OfPgbench() float64 { return ratio(r.RPS, r.PgbenchTPS) }

// OfConstant returns the throughput as a share of the constant server's; 0
// means not measured.
func (r Row) OfConstant() float64 { return ratio(r.RPS, r.ConstantRPS) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Find returns the row of a scenario, unless it was skipped.
func (s Scale) Find(scenario string) (Row, bool) {
	for _, r := range s.Rows {
		if r.Scenario == scenario && r.Skipped == "" {
			return r, true
		}
	}
	return Row{}, false
}

// peakRSS returns the maximum of all rows, but not of sign-ins unless they are
// wanted, and whether they were measured.
func (s Scale) peakRSS(signIns bool) (peak int64, measured bool) {
	for _, rows := range [][]Row{s.Rows, s.OpenLoop} {
		for _, r := range rows {
			if r.Scenario == conduit.Login {
				measured = measured || r.RSS > 0
				if !signIns {
					continue
				}
			}
			peak = max(peak, r.RSS)
		}
	}
	return peak, measured
}

// Failed reports whether any response was wrong.
func (r Report) Failed() bool {
	for _, s := range r.Scales {
		for _, rows := range [][]Row{s.Rows, s.OpenLoop} {
			for _, row := range rows {
				if row.Errors > 0 {
					return true
				}
			}
		}
	}
	return false
}

// WriteJSON writes a value to a file.
func WriteJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
