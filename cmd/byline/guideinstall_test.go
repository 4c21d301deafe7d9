//go:build unix

package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// runsWith matches a row of the table that says how the first program of
// docs/sdks.md is saved and run.
var runsWith = regexp.MustCompile("(?m)^\\| \\w+ \\| `(hello\\.mts|hello\\.py|main\\.go)` \\| `([^`]+)`")

// TestGuideInstallation installs each SDK from a checkout as docs/sdks.md says,
// and runs its first program. The checkout is a link to a copy of the files of
// this repository. The README of each SDK has the same commands.
func TestGuideInstallation(t *testing.T) {
	t.Parallel()
	if os.Getenv("BYLINE_TEST_SDKS") == "" {
		t.Skip("make sdk-test installs the SDKs")
	}
	const guide = "../../docs/sdks.md"
	blocks := readBlocks(t, guide)
	install := slices.DeleteFunc(slices.Clone(blocks), func(b block) bool {
		return !strings.Contains(b.code, "git clone ")
	})
	rows := runsWith.FindAllStringSubmatch(readFile(t, guide), -1)
	require.Len(t, install, len(sdks))
	require.Len(t, rows, len(sdks))
	for i, sdk := range sdks {
		t.Run(sdk.language, func(t *testing.T) {
			t.Parallel()
			readme := readFile(t, "../../sdk/"+sdk.folder+"/README.md")
			require.Contains(t, readme, "```sh\n"+install[i].code+"\n```", "%s", install[i].where)
			dir := t.TempDir()
			program := blocks[slices.IndexFunc(blocks, func(b block) bool { return b.language == sdk.language })]
			s := startService(t, sharedDatabase(t, "install_"+sdk.language), "BYLINE_PROFILE=development", "BYLINE_RATE_LIMIT=auto")
			file, command := rows[i][1], rows[i][2]
			save(t, dir, "program", []byte(strings.ReplaceAll(program.code, "127.0.0.1:8080", s.addr)))
			script := "set -eo pipefail\nmkdir copy empty\n" +
				"(cd " + repository(".") + " && git ls-files -z --cached --others --exclude-standard sdk | tar --null -T - -cf -) | tar -xf - -C copy\n" +
				"cd empty && ln -s ../copy byline\n" +
				install[i].code + "\ncp ../../program " + file + "\n" + command + "\n"
			cmd := exec.Command("bash", "-c", script)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s\n%s", script, out)
			comparePrinted(t, program.code, string(out))
		})
	}
}

// TestRetriesDocumented checks that docs/sdks.md and the README of each SDK say
// by the same table what the SDKs send again.
func TestRetriesDocumented(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(readFile(t, "../../docs/sdks.md"), "| Failure | What is sent again |\n|---|---|\n")
	require.True(t, found, "docs/sdks.md has no table of retries")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	require.Len(t, rows, 3)
	for _, sdk := range sdks {
		file := "../../sdk/" + sdk.folder + "/README.md"
		readme := strings.Join(strings.Fields(readFile(t, file)), " ") // without the padding of cells
		for _, row := range rows {
			require.Contains(t, readme, row, "%s differs from docs/sdks.md", file)
		}
	}
}
