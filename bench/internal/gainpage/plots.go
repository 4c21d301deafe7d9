package gainpage

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/byline-api/byline/bench/internal/plot"
	"github.com/byline-api/byline/bench/internal/report"
)

// classes are those of the two sides.
var classes = [2]string{"backend", "byline"}

// sides is the legend of the two sides.
func sides(suffix string) []plot.Entry {
	return []plot.Entry{
		{Class: classes[0], Text: report.SideNames[report.Backend] + suffix},
		{Class: classes[1], Text: report.SideNames[report.Byline] + suffix},
	}
}

// plotHeight is the height of plots with two axes.
const plotHeight = 260

// throughput draws two bars for each kind.
func throughput(g *report.Gain) plot.Plot {
	const rowHeight, barHeight, top = 54, 14, 8
	rps := func(r report.Row) float64 { return r.RPS }
	most := 0.0
	var kinds []*report.GainKind
	for _, k := range g.Kinds {
		if k.Throughput.Better != report.BetterNone && k.Skipped == "" {
			kinds = append(kinds, k)
			most = max(most, k.Median(report.Backend, rps), k.Median(report.Byline, rps))
		}
	}
	p := plot.Plot{ID: "throughput", Title: "Throughput by kind of request", Legend: sides(""), Width: plot.Width, Height: top + rowHeight*max(len(kinds), 1),
		Desc: "For each kind of request two bars: the requests a second of your backend and of Byline, medians of the rounds. The table beside it has the numbers."}
	x := plot.NewAxis(0, most, 0, plot.Width-90, false)
	for i, k := range kinds {
		y := float64(top + i*rowHeight)
		p.AddText(0, y+10, "label", "start", k.Kind)
		for side, class := range classes {
			v := k.Median(side, rps)
			barY := y + 16 + float64(side)*(barHeight+2)
			p.AddBar(0, barY, max(x.At(v), 1), barHeight, class)
			p.AddText(max(x.At(v), 1)+6, barY+11, "value", "start", report.Thousands(v)+"/s")
		}
	}
	return p
}

// curve draws the latencies by percentile at a rate that both kept. The
// distance of a percentile grows with the rarity of slower answers.
func curve(id string, k *report.GainKind) plot.Plot {
	f := plot.NewFrame(id, fmt.Sprintf("%s: latency by percentile at %s requests a second", k.Kind, report.Thousands(k.Latency.Rate)),
		"Two lines: the latency in milliseconds that a share of the requests did not exceed, for your backend and for Byline, on a logarithmic axis. The table beside it has the numbers.", plot.Width, plotHeight)
	f.Legend = sides("")
	rarity := func(percentile float64) float64 { return -math.Log10(1 - percentile/100) }
	var values []float64
	for _, side := range k.Latency.Sides {
		for _, d := range side.Curve {
			values = append(values, plot.Milliseconds(d))
		}
	}
	low, high, ticks := plot.Decades(values)
	f.X, f.Y = plot.NewAxis(0, 3, f.Left, f.Right, false), plot.NewAxis(low, high, f.Bottom, f.Top, true)
	var xs []float64
	named := map[float64]string{}
	for _, q := range []float64{0, 50, 90, 99, 99.9} {
		xs = append(xs, rarity(q))
		named[rarity(q)] = fmt.Sprintf("P%g", q)
	}
	f.Ticks(xs, func(v float64) string { return named[v] }, "share of the requests", ticks, plot.Short, "ms")
	for side, class := range classes {
		var points []plot.Point
		for i, d := range k.Latency.Sides[side].Curve {
			points = append(points, plot.Point{X: rarity(report.Percentiles[i]), Y: plot.Milliseconds(d)})
		}
		f.Draw(points, class, false)
	}
	return *f.Plot
}

// rates draws the latency against the rate.
func rates(id string, k *report.GainKind, s report.GainSettings) plot.Plot {
	f := plot.NewFrame(id, k.Kind+": latency against the rate",
		fmt.Sprintf("Lines of P50 and P99 in milliseconds against the requests a second, for your backend and for Byline, both axes logarithmic. A side ends at the first rate with errors, with a backlog, or with a P99 above %s ms, which is a line too. The table beside it has the numbers.", plot.Millis(s.MaxP99)), plot.Width, plotHeight)
	f.Legend = append(sides(", P99"), plot.Entry{Class: "backend dashed", Text: "your backend, P50"}, plot.Entry{Class: "byline dashed", Text: "Byline, P50"})
	values, all := []float64{plot.Milliseconds(s.MaxP99)}, []float64{}
	median := func(rows []report.Row, figure func(report.Row) time.Duration) float64 {
		times := make([]time.Duration, len(rows))
		for i, r := range rows {
			times[i] = figure(r)
		}
		slices.Sort(times)
		return plot.Milliseconds((times[(len(times)-1)/2] + times[len(times)/2]) / 2)
	}
	var lines [2][2][]plot.Point
	for _, r := range k.Open {
		all = append(all, r.Rate)
		for side := range classes {
			if len(r.Rows[side]) == 0 {
				continue
			}
			for i, figure := range []func(report.Row) time.Duration{func(r report.Row) time.Duration { return r.P99 }, func(r report.Row) time.Duration { return r.P50 }} {
				v := median(r.Rows[side], figure)
				lines[side][i] = append(lines[side][i], plot.Point{X: r.Rate, Y: v})
				values = append(values, v)
			}
		}
	}
	low, high, ticks := plot.Decades(values)
	f.X, f.Y = plot.NewAxis(slices.Min(all), slices.Max(all), f.Left+8, f.Right-8, true), plot.NewAxis(low, high, f.Bottom, f.Top, true)
	f.Ticks(thinned(all), plot.Short, "requests a second", ticks, plot.Short, "ms")
	limit := f.Y.At(plot.Milliseconds(s.MaxP99))
	f.AddLine(f.Left, limit, f.Right, limit, "limit")
	for side, class := range classes {
		f.Draw(lines[side][1], class+" dashed", true)
		f.Draw(lines[side][0], class, true)
	}
	return *f.Plot
}

// thinned leaves out values whose labels would overlap.
func thinned(values []float64) []float64 {
	if len(values) <= 6 {
		return values
	}
	var out []float64
	for i := 0; i < len(values); i += 2 {
		out = append(out, values[i])
	}
	return out
}

// memory draws the resident memory over time.
func memory(g *report.Gain) plot.Plot {
	f := plot.NewFrame("memory", "Resident memory over time", "Lines of the resident memory in megabytes over the seconds of the run, for each process that is known. The table beside it has the memory before the load, and the maximum.", plot.Width, plotHeight)
	most, end := 0.0, g.Memory[len(g.Memory)-1].At.Seconds()
	series := g.MemorySeries()
	for _, s := range series {
		most = max(most, float64(slices.Max(s.Bytes))/(1<<20))
	}
	ys, xs := plot.Steps(most), plot.Steps(max(end, 1))
	f.X, f.Y = plot.NewAxis(0, max(end, 1), f.Left, f.Right, false), plot.NewAxis(0, ys[len(ys)-1], f.Bottom, f.Top, false)
	xs = slices.DeleteFunc(xs, func(v float64) bool { return v > max(end, 1) })
	f.Ticks(xs, plot.Short, "seconds", ys, plot.Short, "MB")
	for _, s := range series {
		class := classes[s.Side]
		if s.Name != report.SideNames[s.Side] {
			class += " dashed"
		}
		f.Legend = append(f.Legend, plot.Entry{Class: class, Text: s.Name})
		var points []plot.Point
		for i, n := range s.Bytes {
			if n > 0 {
				points = append(points, plot.Point{X: g.Memory[i].At.Seconds(), Y: float64(n) / (1 << 20)})
			}
		}
		f.Draw(points, class, false)
	}
	return *f.Plot
}
