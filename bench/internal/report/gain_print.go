package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
)

// SideNames are the names of the sides.
var SideNames = [2]string{"your backend", "Byline"}

// Print writes the tables as text.
func (g *Gain) Print(w io.Writer) error {
	p := &printer{w: w}
	m := g.Machine
	p.line("What you would gain: %s beside Byline, measured in turn", conduit.Printable(g.Backend))
	p.line("%d cores (%s), %d MB, %s, load average before %s", m.Cores, m.CPU, m.MemoryMB, m.OS, m.Load)
	p.line("%s | PostgreSQL %s", m.Server, m.PostgreSQL)
	for _, text := range g.DataLines() {
		p.line("%s", text)
	}
	p.line("\nThroughput, %d connections, closed loop. A ratio above 1 is better for Byline: median (least..most) of %d rounds.", g.Settings.Connections, g.Settings.Rounds)
	p.table(g.ThroughputTable())
	if t := g.LatencyTable(); len(t.Rows) > 0 {
		p.line("\nLatency, open loop, at the highest rate that both kept up with a P99 up to %s ms:", millis(g.Settings.MaxP99))
		p.table(t)
	}
	if t := g.CPUTable(); len(t.Rows) > 0 {
		p.line("\nProcessor time of a request, closed loop:")
		p.table(t)
	}
	if t := g.MemoryTable(); len(t.Rows) > 0 {
		p.line("\nResident memory:")
		p.table(t)
	}
	p.line("\nIn words:")
	for _, k := range g.Kinds {
		p.line("- %s: %s", k.Kind, conduit.Printable(k.Says()))
	}
	p.line("\nThe answers before the measurement:")
	p.table(g.ContentsTable())
	if lines := g.Differences(); len(lines) > 0 {
		p.line("\nDifferences, and errors:")
		for _, text := range lines {
			p.line("- %s", conduit.Printable(text))
		}
	}
	p.line("\nWhat to know:")
	for _, note := range g.Notes {
		p.line("- %s", conduit.Printable(note))
	}
	return p.err
}

// DataLines describe the data that both have.
func (g *Gain) DataLines() []string {
	d := g.Data
	out := []string{fmt.Sprintf("Data of both: %s articles by %s authors, %s tags, %s comments, %s favorites", thousands(float64(d.Articles)),
		thousands(float64(d.Authors)), thousands(float64(d.Tags)), thousands(float64(d.Comments)), thousands(float64(d.Favorites)))}
	for _, reason := range slices.Sorted(maps.Keys(d.Refused)) {
		out = append(out, fmt.Sprintf("Not stored by Byline, and left out: %d %s", d.Refused[reason], reason))
	}
	return out
}

// ThroughputTable compares the throughput of all kinds.
func (g *Gain) ThroughputTable() Table {
	t := Table{Head: []string{"requests", "your backend req/s", "Byline req/s", "ratio", "your backend errors", "Byline errors", "rate kept by your backend", "rate kept by Byline"}}
	rps := func(r Row) float64 { return r.RPS }
	for _, k := range g.Kinds {
		if k.Skipped != "" {
			t.Add(k.Kind, "-", "-", "-", "-", "-", "-", "-")
			continue
		}
		row := []string{k.Kind, thousands(k.Median(Backend, rps)), thousands(k.Median(Byline, rps)), k.Throughput.String(), percent(k.ErrorShare(Backend)), percent(k.ErrorShare(Byline))}
		for _, rate := range k.Kept {
			row = append(row, orDash(len(k.Open) > 0, "%s", thousands(rate)))
		}
		t.Add(row...)
	}
	t.OmitEmpty()
	return t
}

// LatencyTable compares latencies at a rate that both kept up.
func (g *Gain) LatencyTable() Table {
	t := Table{Head: []string{"requests", "server", "rate", "P50 ms", "P90 ms", "P99 ms", "max ms", "P99 ratio"}, Left: map[int]bool{1: true}}
	for _, k := range g.Kinds {
		if k.Latency == nil {
			continue
		}
		for side, name := range SideNames {
			s, ratio := k.Latency.Sides[side], ""
			if side == Byline {
				ratio = k.Latency.P99.String()
			}
			t.Add(k.Kind, name, thousands(k.Latency.Rate), millis(s.P50), millis(s.P90), millis(s.P99), millis(s.Max), ratio)
		}
	}
	return t
}

// RateTable shows the open loops of a kind: the medians of the rounds.
func (k *GainKind) RateTable() Table {
	t := Table{Head: []string{"rate", "server", "done req/s", "P50 ms", "P90 ms", "P99 ms", "max ms", "errors", "behind"}, Left: map[int]bool{1: true}}
	for _, r := range k.Open {
		for side, name := range SideNames {
			rows := r.Rows[side]
			if len(rows) == 0 {
				continue
			}
			of := func(figure func(Row) time.Duration) string {
				return millis(time.Duration(r.median(side, func(row Row) float64 { return float64(figure(row)) })))
			}
			errors, behind := uint64(0), 0
			for _, row := range rows {
				if errors += row.Errors; row.Behind != "" {
					behind++
				}
			}
			t.Add(thousands(r.Rate), name, thousands(r.median(side, func(row Row) float64 { return row.RPS })), of(func(r Row) time.Duration { return r.P50 }), of(func(r Row) time.Duration { return r.P90 }),
				of(func(r Row) time.Duration { return r.P99 }), of(func(r Row) time.Duration { return r.Max }), fmt.Sprint(errors), fmt.Sprintf("%d of %d", behind, len(rows)))
		}
	}
	return t
}

// CPUTable compares the processor time of a request.
func (g *Gain) CPUTable() Table {
	t := Table{Head: []string{"requests", "your backend µs", "its database µs", "Byline µs", "its PostgreSQL µs", "ratio"}}
	server := func(r Row) float64 { return float64(r.ServerCPU) }
	database := func(r Row) float64 { return float64(r.PGCPU) }
	known := false
	for _, k := range g.Kinds {
		if k.Skipped != "" || len(k.Closed.Rows[Backend]) == 0 {
			continue
		}
		known = known || k.Median(Backend, server) > 0 || k.Median(Backend, database) > 0
		row := []string{k.Kind}
		for side := range SideNames {
			row = append(row, micros(time.Duration(k.Median(side, server))), micros(time.Duration(k.Median(side, database))))
		}
		t.Add(append(row, k.cpuRatio())...)
	}
	if !known {
		return Table{}
	}
	t.OmitEmpty()
	return t
}

// cpuRatio compares servers with their databases, or servers alone if that is
// all that is known of the backend.
func (k *GainKind) cpuRatio() string {
	databases := k.Median(Backend, func(r Row) float64 { return float64(r.PGCPU) }) > 0
	c := Comparable{Rows: [2][]Row{k.Closed.Rows[1], k.Closed.Rows[0]}} // less is better
	ratio := judge(&c, func(r Row) float64 {
		if databases {
			return float64(r.ServerCPU + r.PGCPU)
		}
		return float64(r.ServerCPU)
	})
	if ratio.Median == 0 {
		return "-"
	}
	return ratio.String()
}

// MemoryTable shows the memory before the load, and its maximum.
func (g *Gain) MemoryTable() Table {
	t := Table{Head: []string{"process", "before MB", "most MB"}}
	if len(g.Memory) == 0 {
		return t
	}
	for _, series := range g.MemorySeries() {
		t.Add(series.Name, megabytes(series.Bytes[0]), megabytes(slices.Max(series.Bytes)))
	}
	return t
}

// MemorySeries is the memory of a process over time.
type MemorySeries struct {
	Name  string
	Side  int
	Bytes []int64
}

// MemorySeries returns the memory of all processes that are known.
func (g *Gain) MemorySeries() (out []MemorySeries) {
	for side, names := range [2][2]string{{"your backend", "its database"}, {"Byline", "its PostgreSQL"}} {
		for i, name := range names {
			s := MemorySeries{Name: name, Side: side}
			for _, m := range g.Memory {
				s.Bytes = append(s.Bytes, [2]int64{m.Server[side], m.Database[side]}[i])
			}
			if len(s.Bytes) > 0 && slices.Max(s.Bytes) > 0 {
				out = append(out, s)
			}
		}
	}
	return out
}

// ContentsTable shows how the answers compare that were read before the
// measurement.
func (g *Gain) ContentsTable() Table {
	t := Table{Head: []string{"requests", "compared", "same", "your backend statuses", "Byline statuses", "your backend items", "Byline items", "your backend KB", "Byline KB"}}
	for _, k := range g.Kinds {
		c := k.Contents
		if c == nil {
			t.Add(k.Kind, "-", "-", "-", "-", "-", "-", "-", "-")
			continue
		}
		a, b := c.Sides[Backend], c.Sides[Byline]
		t.Add(k.Kind, fmt.Sprint(c.Requests), fmt.Sprint(c.Same), statuses(a.Statuses), statuses(b.Statuses), fmt.Sprint(a.Items), fmt.Sprint(b.Items), kilobytes(a.Bytes), kilobytes(b.Bytes))
	}
	return t
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f", float64(n)/1000) }

func statuses(of map[int]int) string {
	var out []string
	for _, status := range slices.Sorted(maps.Keys(of)) {
		name := fmt.Sprint(status)
		if status == 0 {
			name = "none"
		}
		out = append(out, fmt.Sprintf("%s (%d)", name, of[status]))
	}
	return strings.Join(out, ", ")
}

// Differences lists how the answers differed, and the errors of the
// measurement.
func (g *Gain) Differences() (out []string) {
	for _, k := range g.Kinds {
		if c := k.Contents; c != nil {
			for _, text := range slices.Sorted(maps.Keys(c.Differences)) {
				out = append(out, fmt.Sprintf("%s: %s (%d of %d answers)", k.Kind, text, c.Differences[text], c.Requests))
			}
			if text := lengths(c); text != "" {
				out = append(out, k.Kind+": "+text)
			}
			for side, name := range SideNames {
				for _, text := range slices.Sorted(maps.Keys(c.Sides[side].Contract)) {
					out = append(out, fmt.Sprintf("%s, %s: %s (%d of %d answers)", k.Kind, name, text, c.Sides[side].Contract[text], c.Requests))
				}
			}
		}
		for side, name := range SideNames {
			out = append(out, k.failures(side, name)...)
		}
	}
	return out
}

// longer is the ratio of lengths that is worth mentioning.
const longer = 1.5

// lengths says which side has longer answers, or "".
func lengths(c *conduit.Contents) string {
	a, b := float64(max(c.Sides[Backend].Bytes, 1)), float64(max(c.Sides[Byline].Bytes, 1))
	switch {
	case a > longer*b:
		return fmt.Sprintf("the answers of your backend are %s times as long as those of Byline", factor(a/b))
	case b > longer*a:
		return fmt.Sprintf("the answers of Byline are %s times as long as those of your backend", factor(b/a))
	}
	return ""
}

// maxListed is how many kinds of failures are listed for a kind and a side.
const maxListed = 5

func (k *GainKind) failures(side int, name string) (out []string) {
	counts := map[string]uint64{}
	rows := slices.Clone(k.Closed.Rows[side])
	for _, r := range k.Open {
		rows = append(rows, r.Rows[side]...)
	}
	for _, row := range rows {
		for _, f := range row.Failures {
			counts[f.Message] += f.Count
		}
	}
	texts := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(counts[b]) - int(counts[a])
		}
		return strings.Compare(a, b)
	})
	for i, text := range texts {
		if i == maxListed {
			return append(out, fmt.Sprintf("%s, %s: and %d other kinds of errors", k.Kind, name, len(texts)-i))
		}
		out = append(out, fmt.Sprintf("%s, %s: error: %s (%d times)", k.Kind, name, text, counts[text]))
	}
	return out
}
