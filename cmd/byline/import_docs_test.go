package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer"
)

// TestImportRulesTable compares the table of docs/importing.md with the rules.
// With BYLINE_UPDATE=1 it writes the table.
func TestImportRulesTable(t *testing.T) {
	t.Parallel()
	const page, begin, end = "../../docs/importing.md", "<!-- rules -->\n", "<!-- end of rules -->"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	have, after, found := strings.Cut(rest, end)
	require.True(t, found)
	var want strings.Builder
	want.WriteString("| Case | Meaning | Actions |\n|---|---|---|\n")
	for _, r := range importer.Rules {
		actions := make([]string, len(r.Actions))
		for i, a := range r.Actions {
			actions[i] = "`" + string(a) + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", r.Code, r.Means, strings.Join(actions, ", "))
	}
	if os.Getenv("BYLINE_UPDATE") == "1" {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+want.String()+end+after), 0o644))
		return
	}
	require.Equal(t, want.String(), have, "run BYLINE_UPDATE=1 go test -run TestImportRulesTable ./cmd/byline")
}
