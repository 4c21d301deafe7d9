//go:build unix

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// result is a row of the table that make chaos prints and writes into
// docs/faults.md.
type result struct {
	test                      string
	fault                     string
	requests, ok, unavailable int
	other                     string
	lost                      string
	recovery                  string
	note                      string
}

var results struct {
	mu   sync.Mutex
	rows []result
}

// report adds a row to the results. lost is -1 if nothing was written.
func (l *workload) report(fault string, lost int, recovery time.Duration, note string) {
	ok, unavailable, refused, broken, other := l.get()
	r := result{
		test: l.t.Name(), fault: fault, requests: ok + unavailable + refused + broken + other, ok: ok, unavailable: unavailable,
		other: strconv.Itoa(other), lost: "-", recovery: "-", note: note,
	}
	if refused+broken > 0 {
		r.other += fmt.Sprintf(" + %d without a response", refused+broken)
	}
	if lost >= 0 {
		r.lost = fmt.Sprintf("%d of %d", lost, len(l.acked))
	}
	if recovery > 0 {
		r.recovery = fmt.Sprintf("%.2f s", recovery.Seconds())
	}
	results.mu.Lock()
	defer results.mu.Unlock()
	results.rows = append(results.rows, r)
}

// resultsTable returns the table of results, by test and then in the order of
// the reports. Parallel tests end in any order.
func resultsTable() string {
	slices.SortStableFunc(results.rows, func(a, b result) int { return cmp.Compare(a.test, b.test) })
	var table strings.Builder
	table.WriteString("| Fault | Requests | 2xx | 503 | Other | Lost acknowledged writes | Recovery | |\n|---|---:|---:|---:|---|---|---:|---|\n")
	for _, r := range results.rows {
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %s | %s | %s | %s |\n", r.fault, r.requests, r.ok, r.unavailable, r.other, r.lost, r.recovery, r.note)
	}
	return table.String()
}

// resultsMarker is before and after the table in docs/faults.md.
const resultsMarker = "<!-- results -->\n"

// writeResults replaces the table in a page. It fails if a fault of the page is
// missing in the table, because its test was skipped.
func writeResults(page, table string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	parts := strings.Split(string(text), resultsMarker)
	if len(parts) != 3 {
		return fmt.Errorf("%s: the table must stand between two lines %s", page, strings.TrimSpace(resultsMarker))
	}
	for line := range strings.Lines(parts[1]) {
		fault, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if strings.HasPrefix(line, "| ") && !strings.Contains(table, "| "+fault+" | ") {
			return fmt.Errorf("%s was not changed: this run has no row %q; run all tests, or remove the row from the page first", page, fault)
		}
	}
	parts[1] = "\n" + table + "\n"
	return os.WriteFile(page, []byte(strings.Join(parts, resultsMarker)), 0o644)
}

func TestWriteResults(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "faults.md")
	before := "Before\n\n" + resultsMarker + "\n| Fault | Requests |\n|---|---:|\n| Disk full | 7 |\n\n" + resultsMarker + "\nAfter\n"
	require.NoError(t, os.WriteFile(page, []byte(before), 0o644))
	require.ErrorContains(t, writeResults(page, "| Fault | Requests |\n|---|---:|\n| Disk | 9 |\n"), `no row "Disk full"`)
	require.Equal(t, before, readFile(t, page))
	require.NoError(t, writeResults(page, "| Fault | Requests |\n|---|---:|\n| Disk full | 8 |\n| Killed | 9 |\n"))
	after := strings.Replace(before, "| Disk full | 7 |\n", "| Disk full | 8 |\n| Killed | 9 |\n", 1)
	require.Equal(t, after, readFile(t, page))
	require.NoError(t, os.WriteFile(page, []byte("Before\n"), 0o644))
	require.Error(t, writeResults(page, ""))
	require.Equal(t, 2, strings.Count(readFile(t, "../../docs/faults.md"), resultsMarker))
}
