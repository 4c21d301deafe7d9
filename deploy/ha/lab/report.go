//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// result is what all rounds together show.
type result struct {
	rows        []row
	counted     counts
	lost, twice []string
	cancelled   int // commits whose wait for a standby was cancelled
	// fromStandbys is the number of reads of the service that standbys have answered,
	// except those of services that were killed afterwards in the same round.
	fromStandbys int
}

// table returns the rounds in Markdown.
func (r *result) table() string {
	var b strings.Builder
	b.WriteString("| | Fault | Leader afterwards | Longest time without a write | Writes | 503 | Without a response | Complete again after |\n" +
		"|---:|---|---|---:|---:|---:|---:|---:|\n")
	for i, row := range r.rows {
		fmt.Fprintf(&b, "| %d | %s (%s) | %s | %.1f s | %d | %d | %d | %.0f s |\n", i+1, row.fault, row.hit, row.leader, row.gap.Seconds(),
			row.counted.acked, row.counted.statuses[503], row.counted.statuses[0], row.wholeTime.Seconds())
	}
	return b.String()
}

// totals returns one line about all rounds.
func (r *result) totals() string {
	var longest time.Duration
	for _, row := range r.rows {
		longest = max(longest, row.gap)
	}
	success := 0
	for status, n := range r.counted.statuses {
		if status/100 == 2 {
			success += n
		}
	}
	return fmt.Sprintf("In %d rounds %d of %d acknowledged writes were lost, and %d articles existed twice. %d of %d reads after a write, signed in and anonymous, each on another replica, were stale. Standbys answered %d queries of the two replicas that may read from them. "+
		"%d responses were 2xx, %d were 503, %d others, and %d requests got no response. The longest time without a write was %.1f s.",
		len(r.rows), len(r.lost), r.counted.acked, len(r.twice), r.counted.stale, r.counted.pairs, r.fromStandbys,
		success, r.counted.statuses[503], r.others(), r.counted.statuses[0], longest.Seconds())
}

// others returns the number of responses that are neither 2xx nor 503.
func (r *result) others() (n int) {
	for status, count := range r.counted.statuses {
		if status != 0 && status != 503 && status/100 != 2 {
			n += count
		}
	}
	return n
}

// problems returns an error if anything happened that must not.
func (r *result) problems(l *load) error {
	var problems []string
	add := func(what string, examples []string) {
		if len(examples) > 0 {
			problems = append(problems, fmt.Sprintf("%d %s:\n  %s", len(examples), what, strings.Join(examples[:min(10, len(examples))], "\n  ")))
		}
	}
	add("acknowledged writes are lost", r.lost)
	add("articles exist twice", r.twice)
	add("reads were stale", l.stale)
	add("responses (the first ones) are neither 2xx nor 503", l.strange)
	if r.cancelled > 0 {
		problems = append(problems, fmt.Sprintf("%d commits became visible before a standby had them, since somebody cancelled the wait", r.cancelled))
	}
	if r.fromStandbys == 0 {
		problems = append(problems, "no read came from a standby")
	}
	if r.counted.acked == 0 || r.counted.pairs == 0 {
		problems = append(problems, "no write was acknowledged, or none was read")
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	return nil
}

// marker is before and after the table in docs/faults.md.
const marker = "<!-- make ha -->\n"

// write replaces the table of a page.
func (r *result) write(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	parts := strings.Split(string(text), marker)
	if len(parts) != 3 {
		return fmt.Errorf("%s: the table must stand between two lines %s", page, strings.TrimSpace(marker))
	}
	parts[1] = "\n" + r.table() + "\n" + r.totals() + "\n\n"
	return os.WriteFile(page, []byte(strings.Join(parts, marker)), 0o644)
}
