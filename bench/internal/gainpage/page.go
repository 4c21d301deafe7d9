// Package gainpage writes the figures of bench gain as one HTML file, which
// loads nothing and has no scripts.
package gainpage

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/byline-api/byline/bench/internal/plot"
	"github.com/byline-api/byline/bench/internal/report"
)

//go:embed page.html
var pageText string

// page is the template. It escapes what the backend has sent for the context in
// which it stands.
var page = template.Must(template.Must(template.New("page").Parse(plot.Template)).Parse(pageText))

// content is what the template shows.
type content struct {
	*report.Gain
	Lead        *report.GainKind // the kind that stands for all, or nil
	Throughput  []figure
	Memory      []figure
	Kinds       []kind
	CPU         *table
	Contents    *table
	Differences []string
}

// kind is the section of a kind of request.
type kind struct {
	ID, Name, Says string
	Figures        []figure
}

// figure is a plot with the same figures as tables.
type figure struct {
	Plot   plot.Plot
	Tables []table
}

// table is a report.Table with a caption.
type table struct {
	Caption string
	report.Table
}

// Write writes the page.
func Write(w io.Writer, g *report.Gain) error {
	c := content{Gain: g, Lead: lead(g), Differences: g.Differences(), Contents: &table{"Answers to the same requests, before the measurement", g.ContentsTable()}}
	c.Throughput = []figure{{throughput(g), []table{{"Throughput in a closed loop; a ratio above 1 is better for Byline: median (least..most)", g.ThroughputTable()}}}}
	if latencies := g.LatencyTable(); len(latencies.Rows) > 0 {
		c.Throughput[0].Tables = append(c.Throughput[0].Tables, table{"Latency in an open loop, at the highest rate that both kept", latencies})
	}
	if t := g.CPUTable(); len(t.Rows) > 0 {
		c.CPU = &table{"Processor time of a request, in a closed loop; a ratio above 1 is better for Byline", t}
	}
	if t := g.MemoryTable(); len(t.Rows) > 0 {
		c.Memory = []figure{{memory(g), []table{{"Resident memory before the load, and its maximum", t}}}}
	}
	for i, k := range g.Kinds {
		c.Kinds = append(c.Kinds, kindOf(i, k, g))
	}
	return page.Execute(w, c)
}

// lead returns the kind whose result stands at the top: the mix, or the first
// that was measured.
func lead(g *report.Gain) (first *report.GainKind) {
	for _, k := range g.Kinds {
		if k.Throughput.Better == report.BetterNone || k.Skipped != "" {
			continue
		}
		if first == nil || k.Kind == report.LeadKind {
			first = k
		}
	}
	return first
}

func kindOf(i int, k *report.GainKind, g *report.Gain) kind {
	out := kind{ID: fmt.Sprint("kind", i+1), Name: k.Kind, Says: k.Says()}
	if k.Latency != nil {
		out.Figures = append(out.Figures, figure{curve(out.ID+"-curve", k), []table{{"Latency at that rate", percentiles(k)}}})
	}
	if len(k.Open) > 0 {
		out.Figures = append(out.Figures, figure{rates(out.ID+"-rates", k, g.Settings), []table{{"Latency at rising rates: medians of the rounds", k.RateTable()}}})
	}
	return out
}

// percentiles shows the curve as a table.
func percentiles(k *report.GainKind) report.Table {
	t := report.Table{Head: []string{"percentile", "your backend ms", "Byline ms"}}
	for i, q := range report.Percentiles {
		row := []string{fmt.Sprintf("P%g", q)}
		for _, side := range k.Latency.Sides {
			if i < len(side.Curve) {
				row = append(row, plot.Millis(side.Curve[i]))
			} else {
				row = append(row, "-")
			}
		}
		if q == 1 || q == 10 || q == 50 || q == 90 || q == 95 || q == 99 || q == 99.9 {
			t.Add(row...)
		}
	}
	return t
}

// IsLeft reports whether a column is aligned to the left.
func (t table) IsLeft(column int) bool { return column == 0 || t.Left[column] }

// MeasureSeconds returns the time of a measurement in seconds.
func (c content) MeasureSeconds() string { return fmt.Sprintf("%.1f", c.Settings.Measure.Seconds()) }
