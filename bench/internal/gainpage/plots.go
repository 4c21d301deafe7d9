package gainpage

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/byline-api/byline/bench/internal/report"
)

// sides is the legend of the two sides.
func sides(suffix string) []entry {
	return []entry{{"backend", report.SideNames[report.Backend] + suffix}, {"byline", report.SideNames[report.Byline] + suffix}}
}

// throughput draws two bars for each kind.
func throughput(g *report.Gain) plot {
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
	p := plot{ID: "throughput", Title: "Throughput by kind of request", Legend: sides(""), Width: width, Height: top + rowHeight*max(len(kinds), 1),
		Desc: "For each kind of request two bars: the requests a second of your backend and of Byline, medians of the rounds. The table beside it has the numbers."}
	x := newAxis(0, most, 0, width-90, false)
	for i, k := range kinds {
		y := float64(top + i*rowHeight)
		p.Texts = append(p.Texts, text{"0", at(y + 10), "label", "start", k.Kind})
		for side, class := range classes {
			v := k.Median(side, rps)
			barY := y + 16 + float64(side)*(barHeight+2)
			p.Bars = append(p.Bars, bar{"0", at(barY), at(max(x.at(v), 1)), fmt.Sprint(barHeight), class})
			p.Texts = append(p.Texts, text{at(max(x.at(v), 1) + 6), at(barY + 11), "value", "start", fmt.Sprintf("%s/s", report.Thousands(v))})
		}
	}
	return p
}

// curve draws the latencies by percentile at a rate that both kept. The
// distance of a percentile grows with the rarity of slower answers.
func curve(id string, k *report.GainKind) plot {
	f := newFrame(id, fmt.Sprintf("%s: latency by percentile at %s requests a second", k.Kind, report.Thousands(k.Latency.Rate)),
		"Two lines: the latency in milliseconds that a share of the requests did not exceed, for your backend and for Byline, on a logarithmic axis. The table beside it has the numbers.")
	f.Legend = sides("")
	rarity := func(percentile float64) float64 { return -math.Log10(1 - percentile/100) }
	var values []float64
	for _, side := range k.Latency.Sides {
		for _, d := range side.Curve {
			values = append(values, milliseconds(d))
		}
	}
	low, high, ticks := decades(values)
	f.x, f.y = newAxis(0, 3, f.left, f.right, false), newAxis(low, high, f.bottom, f.top, true)
	var xs []float64
	named := map[float64]string{}
	for _, q := range []float64{0, 50, 90, 99, 99.9} {
		xs = append(xs, rarity(q))
		named[rarity(q)] = fmt.Sprintf("P%g", q)
	}
	f.ticks(xs, func(v float64) string { return named[v] }, "share of the requests", ticks, short, "ms")
	for side, class := range classes {
		var points []point
		for i, d := range k.Latency.Sides[side].Curve {
			points = append(points, point{rarity(report.Percentiles[i]), milliseconds(d)})
		}
		f.draw(points, class, false)
	}
	return *f.plot
}

// rates draws the latency against the rate.
func rates(id string, k *report.GainKind, s report.GainSettings) plot {
	f := newFrame(id, k.Kind+": latency against the rate",
		fmt.Sprintf("Lines of P50 and P99 in milliseconds against the requests a second, for your backend and for Byline, both axes logarithmic. A side ends at the first rate with errors, with a backlog, or with a P99 above %s ms, which is a line too. The table beside it has the numbers.", millis(s.MaxP99)))
	f.Legend = append(sides(", P99"), entry{"backend dashed", "your backend, P50"}, entry{"byline dashed", "Byline, P50"})
	values, all := []float64{milliseconds(s.MaxP99)}, []float64{}
	median := func(rows []report.Row, figure func(report.Row) time.Duration) float64 {
		times := make([]time.Duration, len(rows))
		for i, r := range rows {
			times[i] = figure(r)
		}
		slices.Sort(times)
		return milliseconds((times[(len(times)-1)/2] + times[len(times)/2]) / 2)
	}
	var lines [2][2][]point
	for _, r := range k.Open {
		all = append(all, r.Rate)
		for side := range classes {
			if len(r.Rows[side]) == 0 {
				continue
			}
			for i, figure := range []func(report.Row) time.Duration{func(r report.Row) time.Duration { return r.P99 }, func(r report.Row) time.Duration { return r.P50 }} {
				v := median(r.Rows[side], figure)
				lines[side][i] = append(lines[side][i], point{r.Rate, v})
				values = append(values, v)
			}
		}
	}
	low, high, ticks := decades(values)
	f.x, f.y = newAxis(slices.Min(all), slices.Max(all), f.left+8, f.right-8, true), newAxis(low, high, f.bottom, f.top, true)
	f.ticks(thinned(all), short, "requests a second", ticks, short, "ms")
	limit := f.y.at(milliseconds(s.MaxP99))
	f.Lines = append(f.Lines, line{at(f.left), at(limit), at(f.right), at(limit), "limit"})
	for side, class := range classes {
		f.draw(lines[side][1], class+" dashed", true)
		f.draw(lines[side][0], class, true)
	}
	return *f.plot
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
func memory(g *report.Gain) plot {
	f := newFrame("memory", "Resident memory over time", "Lines of the resident memory in megabytes over the seconds of the run, for each process that is known. The table beside it has the memory before the load, and the maximum.")
	most, end := 0.0, g.Memory[len(g.Memory)-1].At.Seconds()
	series := g.MemorySeries()
	for _, s := range series {
		most = max(most, float64(slices.Max(s.Bytes))/(1<<20))
	}
	ys, xs := steps(most), steps(max(end, 1))
	f.x, f.y = newAxis(0, max(end, 1), f.left, f.right, false), newAxis(0, ys[len(ys)-1], f.bottom, f.top, false)
	xs = slices.DeleteFunc(xs, func(v float64) bool { return v > max(end, 1) })
	f.ticks(xs, short, "seconds", ys, short, "MB")
	for _, s := range series {
		class := classes[s.Side]
		if s.Name != report.SideNames[s.Side] {
			class += " dashed"
		}
		f.Legend = append(f.Legend, entry{class, s.Name})
		var points []point
		for i, n := range s.Bytes {
			if n > 0 {
				points = append(points, point{g.Memory[i].At.Seconds(), float64(n) / (1 << 20)})
			}
		}
		f.draw(points, class, false)
	}
	return *f.plot
}
