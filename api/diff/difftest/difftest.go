// Package difftest applies differences, to test that they are complete.
package difftest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Apply applies the part of a unified difference that is about a file to its
// text, as the program patch does, and returns the new text. The context must
// fit exactly.
func Apply(t testing.TB, text, unified, file string) string {
	t.Helper()
	old := strings.SplitAfter(text, "\n")
	if old[len(old)-1] == "" {
		old = old[:len(old)-1]
	}
	lines := strings.SplitAfter(unified, "\n")
	i := 0
	for i < len(lines) && !strings.HasSuffix(lines[i], "/"+file+"\n") {
		i++
	}
	if i == len(lines) {
		return text
	}
	if strings.HasPrefix(lines[i], "--- ") {
		i++
	}
	require.True(t, strings.HasPrefix(lines[i], "+++ "), lines[i])
	i++
	var out strings.Builder
	at := 0
	for i < len(lines) && strings.HasPrefix(lines[i], "@@ ") {
		var from, to string
		_, err := fmt.Sscanf(lines[i], "@@ -%s +%s @@", &from, &to)
		require.NoError(t, err, lines[i])
		start, count := span(t, from)
		_, added := span(t, to)
		i++
		if count > 0 {
			start--
		}
		out.WriteString(strings.Join(old[at:start], ""))
		at = start
		for count > 0 || added > 0 {
			kind, line := lines[i][0], lines[i][1:]
			i++
			if i < len(lines) && strings.HasPrefix(lines[i], `\ `) {
				line = strings.TrimSuffix(line, "\n")
				i++
			}
			if kind != '+' {
				require.Equal(t, old[at], line)
				at++
				count--
			}
			if kind != '-' {
				out.WriteString(line)
				added--
			}
		}
	}
	return out.String() + strings.Join(old[at:], "")
}

// span parses the lines of a hunk: "start,count", or "start" for one line.
func span(t testing.TB, text string) (start, count int) {
	t.Helper()
	count = 1
	if _, err := fmt.Sscanf(text, "%d,%d", &start, &count); err != nil {
		_, err = fmt.Sscanf(text, "%d", &start)
		require.NoError(t, err, text)
	}
	return start, count
}
