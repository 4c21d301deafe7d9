package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Table aligns columns: the first column to the left, the others to the right
// unless Left contains them.
type Table struct {
	Head []string
	Rows [][]string
	Left map[int]bool
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// OmitEmpty removes the columns that have a figure in no row.
func (t *Table) OmitEmpty() {
	for i := len(t.Head) - 1; i > 0; i-- {
		known := func(row []string) bool { return row[i] != "" && row[i] != "-" }
		if slices.ContainsFunc(t.Rows, known) {
			continue
		}
		t.Head = slices.Delete(t.Head, i, i+1)
		left := map[int]bool{}
		for at, value := range t.Left {
			if at > i {
				at--
			}
			left[at] = value
		}
		t.Left = left
		for at, row := range t.Rows {
			t.Rows[at] = slices.Delete(row, i, i+1)
		}
	}
}

// Write prints the table as Markdown, so that it can be pasted.
func (t *Table) Write(w io.Writer) error {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	rule := make([]string, len(t.Head))
	for i := range rule {
		rule[i] = strings.Repeat("-", max(widths[i]-1, 1)) + ":"
		if t.left(i) {
			rule[i] = strings.Repeat("-", widths[i])
		}
	}
	for _, row := range append([][]string{t.Head, rule}, t.Rows...) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.left(i) {
				cell += pad
			} else {
				cell = pad + cell
			}
			line.WriteString("| " + cell + " ")
		}
		if _, err := io.WriteString(w, line.String()+"|\n"); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) left(i int) bool { return i == 0 || t.Left[i] }

// thousands formats 12345 as 12,345.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Thousands formats 12345 as 12,345.
func Thousands(v float64) string { return thousands(v) }

// millis formats a time in ms with three significant digits.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 100:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	case ms >= 10:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	case ms >= 1:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	}
	return strconv.FormatFloat(ms, 'f', 3, 64)
}

func megabytes(n int64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) }

// orDash formats figures that are 0 when they are unknown.
func orDash(known bool, format string, v any) string {
	if !known {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func micros(d time.Duration) string {
	return orDash(d > 0, "%.0f", float64(d)/float64(time.Microsecond))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "NO"
}
