package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// These flags have no effect on the other kind of run, which refuses them.
var (
	withURL    = []string{"login", "logins", "pid", "postgres-pid", "fill-users", "fill-articles", "fill-comments", "fill-favorites", "fill-follows", "fill-tags"}
	withoutURL = []string{"byline", "cache", "pgbench-clients", "profile", "scale", "users"}
)

// checkKind refuses flags that have no effect.
func checkKind(f *flag.FlagSet, url string) (err error) {
	f.Visit(func(one *flag.Flag) {
		switch {
		case url == "" && slices.Contains(withURL, one.Name):
			err = fmt.Errorf("--%s needs --url", one.Name)
		case url != "" && slices.Contains(withoutURL, one.Name):
			err = fmt.Errorf("--%s has no effect with --url", one.Name)
		}
	})
	return err
}

const usage = `bench measures Byline, or another RealWorld backend, and checks its responses.

  bench                                    Byline with the standard data set
  bench --url http://127.0.0.1:3000/api    a backend that is running on this machine
  bench compare --base v0.1.0              this build of Byline and another one, in turn; see bench compare --help
  bench migrate --base v0.1.0              what the migrations of this build lock while v0.1.0 serves; see bench migrate --help
  bench gain --url http://127.0.0.1:3000/api   a backend beside Byline with the same data, as a page; see bench gain --help
  bench scaling                            what large installations need, computed from what is measured here; see bench scaling --help

With --url it reads what the backend holds, registers its own accounts, creates
articles if there are too few, and writes while it measures: use a database that
you can throw away, and disable rate limits (Byline: BYLINE_RATE_LIMIT=off).
The exit status is 1 if any response was wrong.
`

const usageCompare = `bench compare measures this build of Byline and that of a git ref, in turn.

  bench compare --base v0.1.0
`

// help returns the text of --help.
func help(f *flag.FlagSet, compare bool) string {
	var b strings.Builder
	if compare {
		b.WriteString(usageCompare)
		printFlags(&b, f, "Flags", func(string) bool { return true })
		return b.String()
	}
	b.WriteString(usage)
	own := func(name string) bool { return slices.Contains(withoutURL, name) }
	external := func(name string) bool { return slices.Contains(withURL, name) }
	printFlags(&b, f, "Flags", func(name string) bool { return !own(name) && !external(name) })
	printFlags(&b, f, "Flags with --url", external)
	printFlags(&b, f, "Flags without --url", own)
	return b.String()
}

// helpOf returns the text of --help of a command.
func helpOf(usage string, f *flag.FlagSet) string {
	var b strings.Builder
	b.WriteString(usage)
	printFlags(&b, f, "Flags", func(string) bool { return true })
	return b.String()
}

func printFlags(b *strings.Builder, f *flag.FlagSet, title string, has func(name string) bool) {
	fmt.Fprintf(b, "\n%s:\n", title)
	f.VisitAll(func(one *flag.Flag) {
		if !has(one.Name) {
			return
		}
		argument, text := flag.UnquoteUsage(one)
		fmt.Fprintf(b, "  --%s %s\n        %s", one.Name, argument, text)
		if one.DefValue != "" && one.DefValue != "false" {
			fmt.Fprintf(b, " (default %s)", one.DefValue)
		}
		b.WriteByte('\n')
	})
}
