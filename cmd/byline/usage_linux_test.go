package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

// TestHelpFits checks that the help of serve is as wide as its terminal.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), servertest.Program(t, "script", "bsdutils"), "--quiet", "--return", "--command", "stty cols 90 && "+binary+" serve --help", os.DevNull)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "[BYLINE_CORS_ORIGINS]")
	for line := range strings.Lines(string(out)) {
		require.LessOrEqual(t, len(strings.TrimRight(line, "\r\n")), 90, line)
	}
}
