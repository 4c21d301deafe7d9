package deploy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuideCommands checks that the commands with which docs/deploying.md gives
// a command the settings of the service agree with the unit and the image.
func TestGuideCommands(t *testing.T) {
	t.Parallel()
	guide := strings.ReplaceAll(readFile(t, "../docs/deploying.md"), "\\\n", "")

	unit := readFile(t, "byline.service")
	run := regexp.MustCompile(`(?m)^systemd-run .*$`).FindString(guide)
	require.NotEmpty(t, run)
	for _, property := range []string{"User", "WorkingDirectory", "EnvironmentFile"} {
		line := regexp.MustCompile(`(?m)^` + property + `=.*$`).FindString(unit)
		require.NotEmpty(t, line, property)
		require.Contains(t, run, " --property="+line+" ")
	}
	folder := regexp.MustCompile(`BYLINE_DATA_DIR=\S+`).FindString(unit)
	require.Contains(t, run, " --setenv="+folder+" ")
	start := regexp.MustCompile(`(?m)^ExecStart=(\S+)`).FindStringSubmatch(unit)
	require.Contains(t, run, " "+start[1]+" ")

	image := readFile(t, "Containerfile")
	require.Contains(t, image, "\nENTRYPOINT [\"/byline\"]\n")
	execs := regexp.MustCompile(`(?m)^docker .*exec .*$`).FindAllString(guide, -1)
	require.Len(t, execs, 2)
	for _, line := range execs {
		require.Contains(t, line, " byline /byline ", "exec does not use the entry point")
	}
	require.Contains(t, readCompose(t).Services, "byline")
}
