package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	t.Parallel()
	one := func(name string, rps, cpu, p50, p99 float64) *side {
		return &side{name: name, rps: []float64{rps, 2 * rps, 9 * rps}, cpu: []float64{cpu}, p50: []float64{p50}, p99: []float64{p99}}
	}
	sides := []*side{
		one("no proxy", 1000, 0, 1, 2), one("nginx", 800, 20, 1.5, 3), one("mirror", 400, 70, 2, 4),
		one("old", 600, 60, 1.25, 2.5), one("shadow", 300, 90, 3, 5),
	}
	var out strings.Builder
	if err := report(&out, &options{rounds: 3, connections: 2, rate: 100, measure: time.Second}, sides); err != nil {
		t.Fatal(err)
	}
	// The ratio of old is one to nginx, and that of shadow one to the mirror.
	for _, want := range []string{
		"| old                   |      1,200 |     0.75 |     60 |   1.25 |           0.25 |   2.50 |           0.50 |",
		"| shadow                |        600 |     0.75 |     90 |   3.00 |           2.00 |   5.00 |           3.00 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	if o, err := parse([]string{"--rounds", "2"}, io.Discard); err != nil || o.rounds != 2 || !strings.HasPrefix(o.byline, "/") {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range []string{"extra", "--rounds 0", "--connections 0", "--rate 0", "--measure 0s", "--size 1", "--unknown"} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
