package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/byline-api/byline/bench/internal/locks"
	"github.com/byline-api/byline/bench/internal/machine"
)

// Migration contains the measurements of a migration under load.
type Migration struct {
	Machine  machine.Info  `json:"machine"`
	Base     string        `json:"base"`
	Articles int           `json:"articles"`
	Every    time.Duration `json:"everyNs"` // between two samples of the locks
	// Limit is how long a lock may keep others from reading or writing a table,
	// or from writing some of its rows. 0 means any time.
	Limit  time.Duration `json:"limitNs"`
	Phases []*Phase      `json:"phases"`
	// Filled and Migrated are the sizes of the data folder in bytes, before and
	// after the migration.
	Filled   int64 `json:"filledBytes"`
	Migrated int64 `json:"migratedBytes"`
	// Wrong lists what does not agree after the migration.
	Wrong []string `json:"wrong,omitempty"`
}

// Phase is a part of the run, with the load on each server.
type Phase struct {
	Name  string          `json:"name"`
	Took  time.Duration   `json:"tookNs"`
	Loads []Load          `json:"loads"`
	Steps []MigrationStep `json:"steps,omitempty"`
}

// Load is the load on one server in a phase.
type Load struct {
	Server string `json:"server"`
	Row
	// Unavailable counts responses with a status of 500 or more, and requests
	// without a response.
	Unavailable uint64 `json:"unavailable"`
	Slow        uint64 `json:"slow"` // requests that took longer than SlowRequest
}

// SlowRequest is how long a request may take before it is counted as slow.
const SlowRequest = 500 * time.Millisecond

// MigrationStep is a step with its migration, and with the longest of the
// requests that were under way while it ran.
type MigrationStep struct {
	Migration string `json:"migration"`
	*locks.Step
	Request time.Duration `json:"longestRequestNs"`
}

// Failed reports whether a response was wrong or missing, something does not
// agree, or something was locked for longer than the limit.
func (m *Migration) Failed() bool {
	for _, p := range m.Phases {
		for _, l := range p.Loads {
			if l.Errors > 0 || l.Unsent > 0 || l.Unavailable > 0 {
				return true
			}
		}
	}
	return len(m.Wrong) > 0 || len(m.tooLong()) > 0
}

// tooLong describes the locks that were held for longer than the limit.
func (m *Migration) tooLong() (all []string) {
	for _, phase := range m.Phases {
		for _, s := range phase.Steps {
			for _, what := range []string{"reads", "writes", locks.Rows} {
				if l, ok := s.longest(what); ok && m.Limit > 0 && l.Held > m.Limit {
					all = append(all, fmt.Sprintf("%s: %s blocked %s for %s ms, which is more than %s: %s",
						phase.Name, s.Migration, blocked(l), millis(l.Held), m.Limit, shorten(s.Statement, 70)))
				}
			}
		}
	}
	return all
}

// blocked names what others cannot do while a lock is held.
func blocked(l locks.Lock) string {
	if l.Table == locks.Rows {
		return "writes of the same rows"
	}
	return l.Blocks() + " of " + l.Table
}

// Print writes all tables as text.
func (m *Migration) Print(w io.Writer) error {
	p := &printer{w: w}
	p.line("byline bench migrate: from %s to this build, %s articles", m.Base, thousands(float64(m.Articles)))
	p.line("%d cores (%s), %s, load average before %s", m.Machine.Cores, m.Machine.CPU, m.Machine.OS, m.Machine.Load)
	p.line("Data folder: %s MB when filled, %s MB after the migration.", megabytes(m.Filled), megabytes(m.Migrated))
	p.line("\nLoad (open loop; latency from the time a request was due):")
	t := Table{Head: []string{"phase", "server", "seconds", "requests", "P50 ms", "P99 ms", "max ms", fmt.Sprintf("over %s", SlowRequest), "wrong", "5xx or none"}, Left: map[int]bool{1: true}}
	for _, phase := range m.Phases {
		for _, l := range phase.Loads {
			t.Add(phase.Name, l.Server, seconds(phase.Took), thousands(float64(l.Requests)), millis(l.P50), millis(l.P99), millis(l.Max),
				fmt.Sprint(l.Slow), fmt.Sprint(l.Errors), fmt.Sprint(l.Unavailable))
		}
	}
	p.table(t)
	for _, phase := range m.Phases {
		if len(phase.Steps) > 0 {
			m.steps(p, phase)
		}
	}
	for _, phase := range m.Phases {
		for _, l := range phase.Loads {
			for _, f := range l.Failures {
				p.line("ERROR in %s, %s: %s (%d times)", phase.Name, l.Server, f.Message, f.Count)
			}
		}
	}
	for _, wrong := range append(m.tooLong(), m.Wrong...) {
		p.line("ERROR: %s", wrong)
	}
	return p.err
}

// steps prints the steps of one phase, and the longest lock of each kind.
func (m *Migration) steps(p *printer, phase *Phase) {
	p.line("\nSteps of %s (locks: exact to %s; rows: of the largest table that was locked):", phase.Name, m.Every)
	t := Table{
		Head: []string{"migration", "step", "tries", "seconds", "rows", "blocks reads ms", "blocks writes ms", "rows locked ms", "others waited ms", "longest request ms"},
		Left: map[int]bool{1: true},
	}
	var waited, request MigrationStep
	longest := map[string]string{}
	most := map[string]time.Duration{}
	for _, s := range phase.Steps {
		row := []string{s.Migration, shorten(s.Statement, 70), fmt.Sprint(s.Tries), seconds(s.Took), thousands(float64(s.Rows))}
		for _, what := range []string{"reads", "writes", "rows"} {
			cell := "-"
			if l, ok := s.longest(what); ok {
				cell = millis(l.Held)
				if what != "rows" {
					cell += " " + l.Table
				}
				if l.Held > most[what] {
					most[what], longest[what] = l.Held, fmt.Sprintf("%s ms (%s, %s, %s)", millis(l.Held), l.Table, l.Mode, s.Migration)
				}
			}
			row = append(row, cell)
		}
		t.Add(append(row, millis(s.Wait), millis(s.Request))...)
		if waited.Step == nil || s.Wait > waited.Wait {
			waited = s
		}
		if s.Request > request.Request {
			request = s
		}
	}
	p.table(t)
	for _, what := range []string{"reads", "writes", "rows"} {
		if longest[what] != "" {
			p.line("Longest lock that blocks %s: %s", map[string]string{"reads": "reads", "writes": "writes to a table", "rows": "writes to rows"}[what], longest[what])
		}
	}
	p.line("Longest wait for a lock: %s ms (%s, %s)", millis(waited.Wait), waited.Migration, shorten(waited.Statement, 70))
	if request.Step != nil {
		p.line("Longest request: %s ms (%s, %s)", millis(request.Request), request.Migration, shorten(request.Statement, 70))
	}
}

// longest returns the longest lock that blocks reads, writes, or writes to the
// same rows.
func (s MigrationStep) longest(what string) (out locks.Lock, ok bool) {
	for _, l := range s.Locks {
		if l.Blocks() == what && l.Held > out.Held {
			out, ok = l, true
		}
	}
	return out, ok
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

// shorten cuts a text to n bytes.
func shorten(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
