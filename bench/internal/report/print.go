package report

import (
	"fmt"
	"io"
)

// Print writes all tables as text.
func (r *Report) Print(w io.Writer) error {
	m := r.Machine
	p := &printer{w: w}
	p.line("byline bench, %s", m.Time.Format("2006-01-02 15:04 MST"))
	p.line("%d cores (%s), %d MB, %s, load average before %s", m.Cores, m.CPU, m.MemoryMB, m.OS, m.Load)
	server := m.Server
	if m.PostgreSQL != "" {
		server += " | PostgreSQL " + m.PostgreSQL
	}
	p.line("%s | benchmark built with %s at %s", server, m.Go, orDash(m.Commit != "", "%s", m.Commit))
	for _, s := range r.Scales {
		r.scale(p, s)
	}
	if growth := r.growth(); len(growth) > 0 {
		p.line("\nGrowth of the data, closed loop:")
		t := Table{Head: []string{"scenario", "scale", "P99 ms", "P99 ms at 1", "P99 ratio", "req/s ratio", "target", "reached"}}
		for _, g := range growth {
			t.Add(g.scenario, fmt.Sprint(g.scale), millis(g.to.P99), millis(g.from.P99), fmt.Sprintf("%.2f", g.p99), fmt.Sprintf("%.2f", g.rate),
				fmt.Sprintf("<= %.1f", growthFactor), yes(g.p99 <= growthFactor))
		}
		p.table(t)
	}
	if len(r.Verdicts) > 0 {
		p.line("\nTargets of the project:")
		t := Table{Head: []string{"what", "target", "measured", "reached"}}
		reached := 0
		for _, v := range r.Verdicts {
			t.Add(v.Name, v.Target, v.Measured, yes(v.Reached))
			if v.Reached {
				reached++
			}
		}
		p.table(t)
		p.line("%d of %d reached", reached, len(r.Verdicts))
	}
	p.failures(r)
	return p.err
}

func (r *Report) scale(p *printer, s Scale) {
	name := fmt.Sprintf("scale %d", s.Scale)
	if s.Scale == 0 {
		name = "as found"
	}
	p.line("\nData set: %s, %s articles; %d connections, closed loop:", name, thousands(float64(s.Articles)), s.Connections)
	t := Table{
		Head: []string{"scenario", "req/s", "P50 ms", "P99 ms", "P99.9 ms", "errors", "signed in", "server µs", "PG µs", "sender µs", "allocs", "RSS MB", "GC ms", "of pgbench", "of Echo", "target", "reached"},
		Left: map[int]bool{15: true},
	}
	for _, row := range s.Rows {
		if row.Skipped != "" {
			t.Add(row.Scenario, "skipped", "", "", "", "", "", "", "", "", "", "", "", "", "", row.Skipped, "")
			continue
		}
		target, reached := "", ""
		for _, v := range r.Verdicts {
			if v.scenario == row.Scenario && s.Scale == r.Scales[0].Scale {
				target, reached = v.Target, yes(v.Reached)
			}
		}
		t.Add(row.Scenario, thousands(row.RPS), millis(row.P50), millis(row.P99), millis(row.P999), fmt.Sprint(row.Errors), orDash(row.SignedIn > 0, "%.2f", row.SignedIn),
			micros(row.ServerCPU), micros(row.PGCPU), micros(row.SenderCPU), orDash(row.Allocs > 0, "%.0f", row.Allocs), orDash(row.RSS > 0, "%s", megabytes(row.RSS)), row.pause(),
			orDash(row.PgbenchTPS > 0, "%.2f", row.OfPgbench()), orDash(row.ConstantRPS > 0, "%.2f", row.OfConstant()), target, reached)
	}
	t.OmitEmpty()
	p.table(t)
	if len(s.OpenLoop) > 0 {
		p.line("\nMix, open loop (latency from the time a request was due):")
		t := Table{Head: []string{"rate", "done req/s", "P50 ms", "P99 ms", "P99.9 ms", "max ms", "kept up", "errors", "delayed", "backlog", "unsent", "sender P99 ms", "server µs", "PG µs", "RSS MB", "GC ms"}}
		for _, row := range s.OpenLoop {
			t.Add(thousands(row.Rate), thousands(row.RPS), millis(row.P50), millis(row.P99), millis(row.P999), millis(row.Max), yes(row.Behind == ""), fmt.Sprint(row.Errors),
				thousands(float64(row.Delayed)), thousands(float64(row.Backlog)), thousands(float64(row.Unsent)), millis(row.LateP99), micros(row.ServerCPU), micros(row.PGCPU),
				orDash(row.RSS > 0, "%s", megabytes(row.RSS)), row.pause())
		}
		t.OmitEmpty()
		p.table(t)
	}
	p.line("")
	if peak, signIns := s.peakRSS(true); signIns {
		without, _ := s.peakRSS(false)
		p.line("Peak RSS of the server: %s MB with sign-ins, %s MB without.", megabytes(peak), megabytes(without))
	} else if peak > 0 {
		p.line("Peak RSS of the server: %s MB, without sign-ins.", megabytes(peak))
	}
	if s.GCPause > 0 {
		p.line("Longest GC pause: %s ms.", millis(s.GCPause))
	}
	for _, note := range s.Notes {
		p.line("Note: %s", note)
	}
}

// printer writes lines and stores the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) table(t Table) {
	if p.err == nil {
		p.err = t.Write(p.w)
	}
}

func (p *printer) failures(r *Report) {
	for _, s := range r.Scales {
		for _, row := range append(append([]Row(nil), s.Rows...), s.OpenLoop...) {
			for _, f := range row.Failures {
				p.line("ERROR in %s: %s (%d times)", row.Scenario, f.Message, f.Count)
			}
		}
	}
}
