package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	tables "github.com/byline-api/byline/bench/internal/report"
)

// report prints the medians, and ratios to what does the same in nginx.
func report(out io.Writer, o *options, sides []*side) error {
	t := tables.Table{Head: []string{"way to the old system", "requests/s", "of nginx", "CPU µs", "P50 ms", "more than none", "P99 ms", "more than none"}}
	direct := sides[0]
	for _, s := range sides {
		t.Add(s.name, tables.Thousands(median(s.rps)), fmt.Sprintf("%.2f", ratio(s.rps, sides[baseOf(s, sides)].rps)), fmt.Sprintf("%.0f", median(s.cpu)),
			digits(median(s.p50)), digits(median(s.p50)-median(direct.p50)), digits(median(s.p99)), digits(median(s.p99)-median(direct.p99)))
	}
	if err := t.Write(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nMedians of %d rounds of %s. Requests a second: %d connections, each of which sends the next request when it has the answer.\nCPU: of the proxy, for one of these requests. Latencies: %.0f requests a second. The load, the proxies and both systems share the machine.\n",
		o.rounds, o.measure, o.connections, o.rate)
	return err
}

// baseOf returns the index of the nginx that does the same: nginx alone, or the
// one that asks both systems.
func baseOf(s *side, sides []*side) int {
	if s == sides[2] || s == sides[len(sides)-1] {
		return 2
	}
	return 1
}

// ratio is the median of the ratios of each round.
func ratio(of, base []float64) float64 {
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = of[i] / base[i]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func digits(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
