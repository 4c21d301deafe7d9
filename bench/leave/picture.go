package main

import (
	"io"
	"slices"
	"strings"

	"github.com/byline-api/byline/bench/internal/plot"
)

const (
	pictureWidth  = 720
	pictureHeight = 330
	// shareTop is where the lower half begins.
	shareTop = 236
)

// shortNames are the names of phases that are too long for the picture.
var shortNames = map[string]string{
	"dry run of the import": "", "first import": "import", "shadow, writes wait": "writes wait", "rolled back": "back", "stop of the old system": "",
	"all to Byline": "all", phaseAfter: "old one stopped",
}

// shortName returns the name of a phase in the picture.
func shortName(name string) string {
	if name, found := shortNames[name]; found {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(name, "reads of "), " of the users")
}

// draw draws the latencies and the share of Byline over time. Time begins with
// the load.
func (r *report) draw(out io.Writer) error {
	f := plot.NewFrame("walk", "Moving a running Express app to Byline",
		"Over the seconds of the walk: the median and the slowest latency of reads, and the slowest one of writes, in milliseconds on a logarithmic axis. Below: the share of the responses that Byline gave, in percent.",
		pictureWidth, pictureHeight)
	f.Top, f.Bottom = 64, shareTop-22
	end := 1.0
	values := []float64{1, 1000}
	for _, t := range r.Ticks {
		end = max(end, t.Seconds)
		values = append(values, t.Reads.P50, t.Reads.Max, t.Writes.Max)
	}
	low, high, ticks := plot.Decades(values)
	f.X, f.Y = plot.NewAxis(0, end, f.Left, f.Right, false), plot.NewAxis(low, high, f.Bottom, f.Top, true)
	r.bands(f, end)
	for _, v := range ticks {
		f.AddLine(f.Left, f.Y.At(v), f.Right, f.Y.At(v), "grid")
		f.AddText(f.Left-6, f.Y.At(v)+4, "tick", "end", plot.Short(v))
	}
	f.AddText(f.Left-6, f.Top-8, "name", "end", "ms")
	var median, slowest, share []plot.Point
	for _, t := range r.Ticks {
		median = append(median, plot.Point{X: t.Seconds, Y: t.Reads.P50})
		slowest = append(slowest, plot.Point{X: t.Seconds, Y: t.Reads.Max})
		share = append(share, plot.Point{X: t.Seconds, Y: t.ByByline})
		if t.Writes.Max > 0 {
			f.AddDot(f.X.At(t.Seconds), f.Y.At(t.Writes.Max), "backend")
		}
	}
	f.Draw(slowest, "soft", false)
	f.Draw(median, "ink", false)
	drawShare(f, share, end)
	return f.WriteFile(out)
}

// bands marks the phases.
func (r *report) bands(f *plot.Frame, end float64) {
	x, named := 14.0, 0
	for _, one := range []struct{ class, text string }{{"ink", "reads, median"}, {"soft", "reads, slowest in 2 s"}, {"backend", "writes, slowest in 2 s"}, {"byline", "answered by Byline"}} {
		f.AddBar(x, 8, 14, 5, one.class)
		f.AddText(x+20, 15, "tick", "start", one.text)
		x += 50 + 5.6*float64(len(one.text))
	}
	for i, p := range r.Phases {
		if p.Began+p.Seconds <= 0 || p.Began >= end {
			continue // without load
		}
		from, to := f.X.At(p.Began), f.X.At(p.Began+p.Seconds)
		if i%2 == 0 {
			f.AddBar(from, f.Top, to-from, pictureHeight-40-f.Top, "band")
		}
		if name := shortName(p.Name); name != "" {
			// Names of neighbours are in two rows, so that they do not touch.
			f.AddText((from+to)/2, f.Top-20+float64(named%2)*12, "tick", "middle", name)
			named++
		}
	}
}

// drawShare draws the lower half.
func drawShare(f *plot.Frame, share []plot.Point, end float64) {
	f.Top, f.Bottom = shareTop, pictureHeight-40
	f.Y = plot.NewAxis(0, 100, f.Bottom, f.Top, false)
	percent := func(v float64) string { return plot.Short(v) + " %" }
	times := slices.DeleteFunc(plot.Steps(end), func(v float64) bool { return v > end })
	f.Ticks(times, plot.Short, "seconds since the load began", []float64{0, 50, 100}, percent, "")
	f.Draw(share, "byline", false)
}
