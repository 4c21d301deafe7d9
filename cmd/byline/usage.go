package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// usageTemplate differs from cobra's: only serve lists the settings, which are
// flags of every command.
const usageTemplate = `Usage:{{if not (and .HasParent .HasAvailableSubCommands)}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}

Flags:
{{.LocalNonPersistentFlags.FlagUsagesWrapped COLUMNS | trimTrailingWhitespaces}}

{{if eq .CommandPath "byline serve"}}Settings, which are flags of every command and environment variables:
{{.InheritedFlags.FlagUsagesWrapped COLUMNS | trimTrailingWhitespaces}}
{{else}}Settings are flags of every command too; byline serve --help lists them.
{{end}}{{if not .HasParent}}
Exit codes:
EXITCODES{{end}}`

// finish gives root and its subcommands their help, the completion of values,
// and errors with hints and the exit code of wrong usage. Lines of the help have
// up to as many columns, or any number if that is 0.
func finish(root *cobra.Command, columns int) {
	var codes strings.Builder
	for _, e := range exitCodes {
		fmt.Fprintf(&codes, "  %d  %s\n", e.code, e.meaning)
	}
	root.SetUsageTemplate(strings.NewReplacer("COLUMNS", strconv.Itoa(columns), "EXITCODES", codes.String()).Replace(usageTemplate))
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	finishArguments(root)
	completeValues(root)
}

// columnsOf returns the width of a terminal, or 0 for everything else.
func columnsOf(w io.Writer) int {
	file, isFile := w.(*os.File)
	if !isFile {
		return 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// finishArguments makes a command and those below it refuse wrong arguments.
func finishArguments(c *cobra.Command) {
	for _, sub := range c.Commands() {
		finishArguments(sub)
	}
	accepts := c.Args
	switch {
	case c.Name() == "help":
		accepts = func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil {
				return err
			}
			return noSubcommand(found, rest)
		}
	case c.HasSubCommands():
		accepts = noSubcommand
		if c.RunE == nil {
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	case c.ValidArgsFunction == nil:
		c.ValidArgsFunction = cobra.NoFileCompletions
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if accepts == nil {
			return nil
		}
		return usageError(c, accepts(c, args))
	}
}

// noSubcommand refuses the arguments of a command that takes only subcommands.
func noSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2 // the default of cobra, which it sets elsewhere
	similar := c.SuggestionsFor(args[0])
	names := map[string]bool{}
	for _, name := range similar {
		names[name] = true
	}
	best := cmp.Or(closest(args[0], names), strings.Join(similar, " or "))
	return fmt.Errorf("%s has no command %q%s", c.CommandPath(), args[0], hint(best))
}

// noArguments accepts no argument.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no arguments, but there is %q", c.CommandPath(), args[0])
}

// oneArgument accepts exactly one argument, which the usage names.
func oneArgument(c *cobra.Command, args []string) error {
	_, name, _ := strings.Cut(c.Use, " ")
	switch len(args) {
	case 0:
		return fmt.Errorf("the argument %s is missing", name)
	case 1:
		return nil
	}
	return fmt.Errorf("there must be one argument, %s", name)
}

// flagError adds to the error of an unknown flag which one may be meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		names := map[string]bool{}
		c.Flags().VisitAll(func(f *pflag.Flag) { names[f.Name] = true })
		if best := closestName(unknown.GetSpecifiedName(), names); best != "" {
			err = fmt.Errorf("%w%s", err, hint("--"+best))
		}
	}
	return usageError(c, err)
}

// usageError gives an error of the arguments of a command its exit code.
func usageError(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return fail(exitUsage, fmt.Errorf("%w\n%s --help shows the usage", err, c.CommandPath()))
}

// completeValues completes the flags that take a choice or a folder.
func completeValues(root *cobra.Command) {
	registered := func(err error) {
		if err != nil {
			panic(err) // a flag that does not exist
		}
	}
	for _, s := range settings {
		var choice choiceError
		if errors.As(s.parse(&config{}, "\x00"), &choice) {
			registered(root.RegisterFlagCompletionFunc(s.flag(), cobra.FixedCompletions(choice, cobra.ShellCompDirectiveNoFileComp)))
		}
	}
	registered(root.MarkPersistentFlagDirname("data-dir"))
	registered(root.MarkPersistentFlagDirname("pg-bin"))
	registered(root.MarkPersistentFlagFilename(configFlag, "yaml", "yml"))
}
