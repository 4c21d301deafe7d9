package main

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// attack is one case. Most attacks send one request; see send.
type attack struct {
	group, name string
	run         func(*site) result
}

// result contains what an attack observed.
type result struct {
	outcomes   []outcome
	complaints []string // failures of the checks of the attack itself
}

// send returns an attack with one request.
func send(group, name string, raw []byte, want expect) attack {
	return attack{group, name, func(s *site) (r result) {
		o := s.exchange(raw)
		if complaint := want(o); complaint != "" {
			r.complaints = append(r.complaints, complaint)
		}
		r.outcomes = []outcome{o}
		return r
	}}
}

// perform runs an attack and adds the checks for every response.
func (s *site) perform(a attack) result {
	r := a.run(s)
	for i, o := range r.outcomes {
		before := len(r.complaints)
		if o.took > s.limit {
			r.complain("took %s", o.took.Round(time.Millisecond))
		}
		if o.err != nil {
			r.complaints = append(r.complaints, "no response that can be parsed: "+o.err.Error())
		}
		for _, a := range o.answers {
			r.complaints = append(r.complaints, s.judge(o.sent, a)...)
		}
		if len(r.complaints) > before { // the report shows the first outcome
			r.outcomes[0], r.outcomes[i] = r.outcomes[i], r.outcomes[0]
		}
	}
	slices.Sort(r.complaints)
	r.complaints = slices.Compact(r.complaints)
	return r
}

// row is one line of the table.
type row struct {
	cases, failed, requests, limited int
	slowest                          time.Duration
	slowestName                      string
	worst                            string
}

type report struct {
	site     *site
	target   *target
	options  options
	order    []string
	rows     map[string]*row
	distinct map[uint64]bool
	seed     maphash.Seed
	failures []string
	statuses map[int]int
}

func newReport(s *site, t *target, o options) *report {
	return &report{site: s, target: t, options: o, rows: map[string]*row{}, distinct: map[uint64]bool{},
		seed: maphash.MakeSeed(), statuses: map[int]int{}}
}

func (r *report) add(a attack, result result) {
	line := r.rows[a.group]
	if line == nil {
		line = &row{}
		r.rows[a.group] = line
		r.order = append(r.order, a.group)
	}
	line.cases++
	for _, o := range result.outcomes {
		line.requests++
		r.distinct[maphash.Bytes(r.seed, o.sent)] = true
		if o.took > line.slowest {
			line.slowest, line.slowestName = o.took, a.name
		}
		for _, answer := range o.answers {
			r.statuses[answer.status]++
			if answer.status == http.StatusTooManyRequests || deliberate(answer) {
				line.limited++
			}
		}
	}
	if len(result.complaints) == 0 {
		return
	}
	line.failed++
	if line.worst == "" {
		line.worst = result.complaints[0]
	}
	r.failures = append(r.failures, describe(a, result))
}

func (r *report) failed() (n int) { return len(r.failures) }

// demand adds a check of the run as a whole.
func (r *report) demand(ok bool, name, complaint string) {
	var result result
	if !ok {
		result.complaints = []string{complaint}
	}
	r.add(attack{group: "the service", name: name}, result)
}

// print writes the failures, the table and the totals.
func (r *report) print(out io.Writer, o options, took time.Duration) {
	cases, requests, limited := 0, 0, 0
	for _, line := range r.rows {
		cases, requests, limited = cases+line.cases, requests+line.requests, limited+line.limited
	}
	if o.only == nil {
		r.demand(len(r.distinct) >= o.atLeast, "distinct requests", fmt.Sprintf("only %d distinct requests, want %d", len(r.distinct), o.atLeast))
		r.demand(limited*10 <= requests, "limits", fmt.Sprintf("%d of %d responses were 429 or 503: the run has tested too little", limited, requests))
	}
	for _, f := range r.failures[:min(len(r.failures), o.failures)] {
		fmt.Fprintln(out, f)
	}
	if hidden := len(r.failures) - o.failures; hidden > 0 {
		fmt.Fprintf(out, "%d more failures are not shown (--failures)\n\n", hidden)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "group\tcases\trequests\tpassed\tfailed\t429/503\tslowest\t  of\t  worst\t")
	passed := 0
	for _, group := range r.order {
		line := r.rows[group]
		passed += line.cases - line.failed
		worst := line.worst
		if worst == "" {
			worst = "-"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t  %s\t  %s\t\n", group, line.cases, line.requests, line.cases-line.failed, line.failed,
			line.limited, line.slowest.Round(time.Millisecond), short(line.slowestName, 40), short(worst, 60))
	}
	_ = w.Flush()
	fmt.Fprintf(out, "\n%d requests, %d of them distinct, in %s; responses:", requests, len(r.distinct), took.Round(100*time.Millisecond))
	for _, status := range slices.Sorted(maps.Keys(r.statuses)) {
		fmt.Fprintf(out, " %d×%d", r.statuses[status], status)
	}
	fmt.Fprintln(out)
	if r.target.pid != 0 {
		fmt.Fprintf(out, "memory of process %d: peak of %d MB (VmHWM), maximum of %d MB\n", r.target.pid, r.target.peaked, o.maxRSS)
	} else {
		fmt.Fprintln(out, "the process was not watched (--pid)")
	}
	for _, p := range r.site.peaks {
		fmt.Fprintf(out, "memory of the service %s: peak of %d MB, maximum of %d MB\n", p.service, p.mb, o.maxRSS)
	}
	for _, name := range r.site.unrun {
		fmt.Fprintf(out, "not run: %s\n", name)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", passed, r.failed())
}

// describe prints a failure with its first wrong request.
func describe(a attack, result result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "FAILED %s: %s\n", a.group, a.name)
	for _, c := range result.complaints[:min(len(result.complaints), 8)] {
		fmt.Fprintf(&b, "  %s\n", short(c, 300))
	}
	for _, o := range result.outcomes[:min(len(result.outcomes), 1)] {
		fmt.Fprintf(&b, "  > %s\n", short(quoted(o.sent), 600))
		for _, answer := range o.answers[:min(len(o.answers), 3)] {
			var head bytes.Buffer
			_ = answer.header.Write(&head)
			fmt.Fprintf(&b, "  < %d %s%s\n", answer.status, short(quoted(head.Bytes()), 400), short(quoted(answer.body), 400))
		}
		if len(o.answers) == 0 {
			fmt.Fprintf(&b, "  < no response within %s (closed: %t)\n", o.took.Round(time.Millisecond), o.closed)
		}
	}
	return b.String()
}

// quoted returns bytes on one line.
func quoted(b []byte) string {
	q := fmt.Sprintf("%q", b[:min(len(b), 4000)])
	return q[1 : len(q)-1]
}

func short(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
