package report

import (
	"strings"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/machine"
)

func TestTable(t *testing.T) {
	table := Table{Head: []string{"name", "µs", "note"}, Left: map[int]bool{2: true}}
	table.Add("a", "1,234", "x")
	table.Add("longer", "5", "")
	var out strings.Builder
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "| name   |    µs | note |\n| ------ | ----: | ---- |\n| a      | 1,234 | x    |\n| longer |     5 |      |\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestOmitEmpty(t *testing.T) {
	table := Table{Head: []string{"name", "aa", "bb", "cc", "note"}, Left: map[int]bool{4: true}}
	table.Add("x", "-", "1", "", "n")
	table.Add("y", "", "-", "-", "")
	table.OmitEmpty()
	var out strings.Builder
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "| name | bb | note |\n| ---- | -: | ---- |\n| x    |  1 | n    |\n| y    |  - |      |\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestFigures(t *testing.T) {
	for got, want := range map[string]string{
		thousands(0): "0", thousands(999.6): "1,000", thousands(1234567): "1,234,567",
		millis(1234 * time.Millisecond): "1234", millis(12340 * time.Microsecond): "12.3", millis(1234 * time.Microsecond): "1.23", millis(66 * time.Microsecond): "0.066",
		megabytes(50 << 20): "50.0", micros(0): "-", micros(12500 * time.Nanosecond): "12",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func sample() *Report {
	scale := func(n int, p99 time.Duration) Scale {
		s := Scale{Scale: n, GCPause: 2 * time.Millisecond}
		for _, sc := range conduit.Scenarios {
			s.Rows = append(s.Rows, Row{Scenario: sc.Name, RPS: 31_000, P99: p99, PgbenchTPS: 50_000, ConstantRPS: 62_000, RSS: 40 << 20})
			if sc.Name == conduit.Login {
				s.Rows[len(s.Rows)-1].RSS = 49 << 20
			}
		}
		s.OpenLoop = []Row{
			{Scenario: conduit.Mix, Rate: 2000, P99: 9 * time.Millisecond, LateP99: 3 * time.Millisecond, GCs: 4, GCPause: time.Millisecond},
			{Scenario: conduit.Mix, Rate: 4000, P99: time.Second}, {Scenario: conduit.Mix, Rate: 6000, P99: 5 * time.Millisecond}}
		return s
	}
	r := &Report{Scales: []Scale{scale(1, 10*time.Millisecond), scale(100, 16*time.Millisecond)}}
	r.Scales[0].Rows[3].RPS = 20_000 // the deep page
	return r
}

func TestJudge(t *testing.T) {
	r := sample()
	r.Judge()
	got := map[string]bool{}
	for _, v := range r.Verdicts {
		got[v.Name] = v.Reached
	}
	for name, want := range map[string]bool{
		conduit.Article: true, conduit.Uncached: true, conduit.ListDeep: false, conduit.ListDeep + " against the first page": false,
		conduit.ListLast + " against the first page": true, "mix, open loop at 2,000 req/s, P99": false, "mix, open loop at 6,000 req/s, P99": true,
		"peak resident memory, with sign-ins": true, "longest GC pause at 2,000 req/s": false, conduit.Create + ", P99 at 100x the data": false,
		conduit.Drafts + ", P99 at 100x the data": false, conduit.Tags + ", P99 at 100x the data": false,
	} {
		if reached, there := got[name]; !there || reached != want {
			t.Errorf("%s: reached %t, there %t; want %t", name, reached, there, want)
		}
	}
	for _, absent := range []string{"login", "login, P99 at 100x the data"} {
		if _, there := got[absent]; there {
			t.Errorf("%s has no target", absent)
		}
	}
	r.Scales[0].Scale = 0
	if r.Judge(); len(r.Verdicts) != 0 {
		t.Error("another data set has no targets")
	}
}

func TestPrint(t *testing.T) {
	r := sample()
	r.Scales[0].Rows[4].Skipped = "the server has no cursors"
	r.Scales[0].Rows[0].Failures = []load.Failure{{Message: "status 500", Count: 3}}
	r.Scales[0].Rows[0].Errors = 3
	r.Judge()
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the server has no cursors", "ERROR in article by slug: status 500 (3 times)", "0.62", "Growth", " of ", ">= 23,595 (3x Axum's 7,865)", "9.00 ms, sender 3.00 ms",
		"49.0 MB with sign-ins, 40.0 MB without"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if !r.Failed() {
		t.Error("errors must fail the run")
	}
}

func TestComparison(t *testing.T) {
	c := NewComparison(machine.Info{}, "v1", "now")
	for i, rps := range []float64{100, 200, 400} {
		c.Add(0, Row{Scenario: "mix", RPS: rps, Allocs: 10})
		c.Add(1, Row{Scenario: "mix", RPS: rps * float64(i+1), Allocs: 5})
	}
	got, ok := c.Scenarios[0].ratios(func(r Row) float64 { return r.RPS })
	if !ok || got != (spread{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil || !strings.Contains(out.String(), "2.00 (1.00..3.00)") || c.Failed() {
		t.Errorf("%v, failed %t\n%s", err, c.Failed(), &out)
	}
	for _, want := range []string{"target", "Not compared"} {
		if strings.Contains(out.String(), want) {
			t.Errorf("%q in\n%s", want, &out)
		}
	}
	if median([]float64{4, 1, 3, 2}) != 2.5 {
		t.Error("wrong median")
	}
}

func TestComparisonTargets(t *testing.T) {
	c := NewComparison(machine.Info{}, "c47571e", "now")
	for scenario, ratios := range map[string][]float64{
		conduit.Create: {1.4, 1.6, 1.6}, conduit.Feed: {1.9, 1.9, 2.1}, conduit.List: {.9, .94, .99}, conduit.Tags: {.9, .94, 1.1}, conduit.Comments: {.95, .95, .95},
	} {
		for _, ratio := range ratios {
			c.Add(0, Row{Scenario: scenario, RPS: 1000})
			c.Add(1, Row{Scenario: scenario, RPS: 1000 * ratio})
		}
	}
	c.Skip(conduit.Drafts, "c47571e: no account has a page of drafts")
	for _, s := range c.Scenarios {
		target, reached, slower := c.judge(s)
		want := map[string][3]string{
			conduit.Create: {">= 1.5x", "yes", ""}, conduit.Feed: {">= 2.0x", "NO", ""}, conduit.List: {"", "", "YES"}, conduit.Tags: {"", "", "perhaps"},
		}[s.Scenario]
		if got := [3]string{target, reached, slower}; got != want {
			t.Errorf("%s: got %q", s.Scenario, got)
		}
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil || !strings.Contains(out.String(), "Not compared: drafts, signed in (c47571e: no account") || !strings.Contains(out.String(), "slower") {
		t.Errorf("%v\n%s", err, &out)
	}
	c.Names[0] = "v1"
	if target, _, slower := c.judge(c.Scenarios[0]); target != "" || strings.Contains(slower, ">") {
		t.Error("another base has no targets")
	}
}
