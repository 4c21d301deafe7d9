package plot_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/byline-api/byline/bench/internal/plot"
)

func TestAxes(t *testing.T) {
	t.Parallel()
	if low, high, ticks := plot.Decades([]float64{0.3, 0, 42}); low != 0.1 || high != 100 || len(ticks) != 4 {
		t.Errorf("decades from %g to %g: %v", low, high, ticks)
	}
	if low, high, _ := plot.Decades(nil); low >= high {
		t.Errorf("no values give %g to %g", low, high)
	}
	for _, most := range []float64{0, 0.4, 1, 3, 7, 10, 99, 12345} {
		all := plot.Steps(most)
		if len(all) > 7 || all[len(all)-1] < most || all[0] != 0 {
			t.Errorf("the steps to %g are %v", most, all)
		}
	}
	for v, want := range map[float64]string{0.1: "0.1", 20: "20", 1500: "1.5k", 2e6: "2M"} {
		if got := plot.Short(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	f := plot.NewFrame("one", "A title with </svg>", "What it shows", plot.Width, 200)
	f.X, f.Y = plot.NewAxis(0, 10, f.Left, f.Right, false), plot.NewAxis(1, 100, f.Bottom, f.Top, true)
	f.Ticks([]float64{0, 10}, plot.Short, "seconds", []float64{1, 100}, plot.Short, "ms")
	// A value of 0 has no logarithm, and is left out.
	f.Draw([]plot.Point{{X: 1, Y: 1}, {X: 2, Y: 0}, {X: 10, Y: 100}}, "byline", false)
	if len(f.Paths) != 1 || f.Paths[0].D != "M78.8 160.0L356.0 24.0" {
		t.Errorf("the paths are %v", f.Paths)
	}
	var out strings.Builder
	if err := f.WriteFile(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "prefers-color-scheme") || strings.Count(text, "</svg>") != 1 {
		t.Errorf("the file is %s", text)
	}
	if f.Style != "" {
		t.Error("a file changes the plot")
	}
	for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the file is no XML: %v", err)
		}
	}
}
