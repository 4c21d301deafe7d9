//go:build unix

package main

import (
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// TestHelp checks that only the help of serve lists the settings.
func TestHelp(t *testing.T) {
	t.Parallel()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		out, err := command(t, nil, args...)
		require.NoError(t, err, args)
		for _, s := range settings {
			require.Equal(t, c.Name() == "serve", strings.Contains(out, "["+s.env+"]"), "%s: %s", args, s.env)
		}
		if c.Name() != "serve" {
			require.Contains(t, out, "byline serve --help lists them", "%s", args)
		}
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			require.True(t, f.Hidden || !c.HasParent() || strings.Contains(out, "--"+f.Name), "%s: %s", args, f.Name)
		})
	}
	walk((&program{}).rootCommand())
}

func TestVersion(t *testing.T) {
	t.Parallel()
	by := map[string]string{}
	for _, arg := range []string{"version", "--version"} {
		out, err := command(t, nil, arg)
		require.NoError(t, err)
		require.Regexp(t, `^byline dev \(unknown, go1\.\S+ \w+/\w+\)\n$`, out)
		by[arg] = out
	}
	require.Equal(t, by["version"], by["--version"])
}

// TestMisspelled checks the hints for commands and flags that do not exist.
func TestMisspelled(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"sevre":                     `byline has no command "sevre"; did you mean serve?`,
		"keys rotat":                `byline keys has no command "rotat"; did you mean rotate?`,
		"s":                         `did you mean seed or serve or strangle?`,
		"admin reset":               `byline admin has no command "reset"; did you mean reset-link?`,
		"migrate nonsense":          `byline migrate has no command "nonsense"`,
		"completion bsh":            `did you mean bash?`,
		"help sevre":                `did you mean serve?`,
		"help keys rotat":           `byline keys has no command "rotat"; did you mean rotate?`,
		"serve --adr=:1":            `unknown flag: --adr; did you mean --addr?`,
		"keys list --databse-url=x": `unknown flag: --databse-url; did you mean --database-url?`,
		"serve --BYLINE_POOL_MAX=3": `did you mean --pool-max?`,
		"seed --user=3":             `did you mean --users?`,
		"serve --nonsense-of-mine":  `unknown flag: --nonsense-of-mine`,
		"keys revoke":               `the argument ID is missing`,
		"admin promote a b":         `there must be one argument, USERNAME`,
		"keys list extra":           `byline keys list takes no arguments, but there is "extra"`,
		"serve extra":               `byline serve takes no arguments, but there is "extra"`,
		"seed --users=x":            `must be an integer`,
		"serve --addr":              `flag needs an argument: --addr`,
	} {
		_, err := command(t, nil, strings.Fields(args)...)
		require.ErrorContains(t, err, want, args)
		require.ErrorContains(t, err, " --help shows the usage", args)
		require.Equal(t, exitUsage, codeOf(err), args)
	}
}

// TestCompletion checks the completion of values and arguments.
func TestCompletion(t *testing.T) {
	t.Parallel()
	choices := 0
	for _, s := range settings {
		var choice choiceError
		if errors.As(s.parse(&config{}, "nonsense"), &choice) {
			choices++
			out, err := command(t, nil, "__complete", "keys", "list", "--"+s.flag(), "")
			require.NoError(t, err)
			lines := strings.Split(out, "\n")
			require.Equal(t, []string(choice), lines[:len(choice)], s.env)
			require.Equal(t, ":4", lines[len(choice)], "%s: no file names", s.env)
		}
	}
	require.Greater(t, choices, 6)
	for args, want := range map[string]string{
		"keys revoke |":             ":4\n",
		"serve --data-dir |":        ":16\n", // folders
		"serve --config |":          "yaml\nyml\n:8\n",
		"keys r":                    "revoke\t",
		"config --database-url-fil": "--database-url-file\t",
	} {
		fields := strings.Fields(args)
		if i := slices.Index(fields, "|"); i >= 0 {
			fields[i] = ""
		}
		out, err := command(t, nil, append([]string{"__complete"}, fields...)...)
		require.NoError(t, err)
		require.Contains(t, out, want, args)
	}
}

// TestExitCodes runs a command for each exit code.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "exit_codes")
	env := map[string]string{"DATABASE_URL": databaseURL, "BYLINE_ADDR": freePort(t)}
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	u.User = url.UserPassword("byline", "wrong")
	key := ""
	seen := map[exitCode]bool{}
	for _, c := range []struct {
		args string
		want exitCode
	}{
		{"migrate up", 0},
		{"keys rotate", 0},
		{"keys revoke KEY", exitRefused},
		{"keys revoke nonsense", exitNotFound},
		{"admin promote nobody", exitNotFound},
		{"admin reset-link nobody", exitNotFound},
		{"admin create --username=root --email=nonsense --generate-password", exitRefused},
		{"admin create --username=root --email=root@example.com --generate-password", 0},
		{"admin create --username=ROOT --email=other@example.com --generate-password", exitRefused},
		{"admin create --username=ROOT", exitUsage},
		{"seed", exitRefused},
		{"seed --users=0 --yes", exitUsage},
		{"migrate down", exitRefused},
		{"keys list --data-dir=/nonexistent/folder --database-url=", exitNoDatabase},
		{"keys list --log-level=loud", exitConfiguration},
		{"keys list --database-url=" + u.String(), exitUnreachable},
		{"migrate status --database-url=postgres://u@127.0.0.1:1/d", exitUnreachable},
		{"healthcheck", exitFailure},
	} {
		out, err := command(t, env, strings.Fields(strings.ReplaceAll(c.args, "KEY", key))...)
		require.Equal(t, c.want, codeOf(err), "%s: %s %v", c.args, out, err)
		seen[c.want] = true
		if c.args == "keys rotate" {
			key = query[string](t, databaseURL, "SELECT id FROM signing_keys")[0]
		}
	}
	guide, help := readFile(t, "../../docs/operating.md"), (&program{}).rootCommand().UsageString()
	for _, e := range exitCodes {
		require.True(t, seen[e.code], "no command for the exit code %d", e.code)
		require.Contains(t, guide, fmt.Sprintf("\n| %d | %s |\n", e.code, e.meaning))
		require.Contains(t, help, fmt.Sprintf("\n  %d  %s\n", e.code, e.meaning))
	}
	var exited *exec.ExitError
	require.ErrorAs(t, exec.CommandContext(t.Context(), binary, "keys", "revoke").Run(), &exited)
	require.Equal(t, int(exitUsage), exited.ExitCode())
}
