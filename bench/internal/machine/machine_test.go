package machine

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat("71 (a (b) c) S 70 71 71 0 -1 4194560 1 2 3 4 150 50 7 3 20 0 1 0 5 6 7")
	if want := (stat{70, 2 * time.Second, 100 * time.Millisecond}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "1 (x) S 2", "1 (x) S x 1 1 0 1 1 1 2 3 4 5 6 7 8 9"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseStatus(t *testing.T) {
	n, err := parseStatus("Name:\tx\nVmHWM:\t   1024 kB\nVmRSS:\t 7 kB\n", "VmHWM")
	if err != nil || n != 1<<20 {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := parseStatus("Name:\tx\n", "VmHWM"); err == nil {
		t.Error("a missing line was found")
	}
}

func TestParseMetrics(t *testing.T) {
	text := "# HELP go_gc_duration_seconds x\ngo_gc_duration_seconds{quantile=\"0\"} 1e-05\ngo_gc_duration_seconds{quantile=\"1\"} 0.00025\n" +
		"go_gc_duration_seconds_count 12\ngo_memstats_mallocs_total 1.5e+06\nother{a=\"b c\"} 1\n" +
		"go_sched_pauses_total_gc_seconds_bucket{le=\"0.0009\"} 23\ngo_sched_pauses_total_gc_seconds_bucket{le=\"+Inf\"} 24\n"
	got, err := parseMetrics(strings.NewReader(text))
	if want := (Runtime{1_500_000, 12, 250 * time.Microsecond, []Pauses{{900 * time.Microsecond, 23}, {1e18, 24}}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := parseMetrics(strings.NewReader("go_goroutines 5\n")); err == nil {
		t.Error("missing metrics must be an error")
	}
}

func TestLongestPause(t *testing.T) {
	state := func(gcs uint64, longest time.Duration, counts ...uint64) Runtime {
		r := Runtime{GCs: gcs, LongestPause: longest}
		for i, n := range counts {
			r.Pauses = append(r.Pauses, Pauses{[]time.Duration{10, 100, 1000}[i], n})
		}
		return r
	}
	before := state(500, 70, 5, 7, 7)
	for name, c := range map[string]struct {
		later []Runtime
		pause time.Duration
		exact bool
	}{
		"New":         {[]Runtime{state(510, 90, 9, 12, 12)}, 90, true},
		"NewEarlier":  {[]Runtime{state(510, 90, 9, 12, 12), state(900, 8, 20, 23, 23)}, 90, true},
		"Old":         {[]Runtime{state(510, 70, 9, 12, 12)}, 70, false},
		"Shorter":     {[]Runtime{state(510, 70, 11, 13, 13)}, 10, false},
		"All":         {[]Runtime{state(800, 60, 9, 12, 12)}, 60, true},
		"Hidden":      {[]Runtime{state(510, 70, 9, 12, 12), state(800, 8, 20, 23, 23)}, 70, false},
		"NoRanges":    {[]Runtime{state(510, 70)}, 70, false},
		"NewNoRanges": {[]Runtime{state(510, 71)}, 71, true},
		"None":        {nil, 0, false},
	} {
		if pause, exact := LongestPause(before, c.later); pause != c.pause || exact != c.exact {
			t.Errorf("%s: got %d, %t", name, pause, exact)
		}
	}
}

func TestProcess(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start(log, "", os.Environ(), "sh", "-c", "echo up; trap 'echo down; exit 0' TERM; while :; do sleep 0.02; done")
	if err != nil {
		t.Fatal(err)
	}
	err = p.Ready(t.Context(), 5*time.Second, func() error {
		if p.Tail() != "up" {
			return errors.New("not up")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(5 * time.Second); err != nil || p.Tail() != "up\ndown" {
		t.Errorf("got %v, %q", err, p.Tail())
	}
	if p, err = Start(log, "", os.Environ(), "sh", "-c", "echo broken; exit 3"); err != nil {
		t.Fatal(err)
	}
	err = p.Ready(t.Context(), 5*time.Second, func() error { return errors.New("no") })
	if err == nil || !strings.Contains(err.Error(), "broken") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("BYLINE_POOL_MAX", "1")
	t.Setenv("DATABASE_URL", "x")
	got := strings.Join(Environment("BYLINE_ADDR=a"), "\n")
	if strings.Contains(got, "POOL_MAX") || strings.Contains(got, "DATABASE_URL") || !strings.HasSuffix(got, "BYLINE_ADDR=a") {
		t.Error(got)
	}
}
