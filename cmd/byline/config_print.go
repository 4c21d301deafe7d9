package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
)

const mask = "xxxxx"

var (
	// urlPassword finds the password before the last @, so that one with unescaped special characters is hidden too. A URL
	// with other colons and an @ may lose more than that, which is harmless.
	urlPassword = regexp.MustCompile(`(?s)^([a-zA-Z][a-zA-Z0-9+.-]*://[^:@]*):.*@`)

	// keyPassword finds password and sslpassword in key=value lists and in the query of a URL.
	keyPassword = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'?|(?:\\.|[^\s&])*)`)

	// keyValue is what at least begins like a list.
	keyValue = regexp.MustCompile(`^\s*[a-zA-Z_]+\s*=`)
)

// hideSecrets replaces the passwords in a URL or a key=value list. Text that is neither may be a password as a whole.
func hideSecrets(s string) string {
	switch {
	case strings.Contains(s, "://"):
		s = urlPassword.ReplaceAllString(s, "${1}:"+mask+"@")
	case s != "" && !keyValue.MatchString(s):
		return mask
	}
	return keyPassword.ReplaceAllString(s, "${1}"+mask)
}

func hidden(_ *config, s string) string { return hideSecrets(s) }

// adaptive shows what a 0 came to.
func adaptive(effective func(*config) int) func(*config, string) string {
	return func(c *config, s string) string { return filled(s, "0", strconv.Itoa(effective(c))) }
}

// filled shows what the word for "adapt" came to, once that is known.
func filled(given, adapt, effective string) string {
	if given != adapt || effective == adapt || effective == "" {
		return given
	}
	return effective + " (" + adapt + ")"
}

// print writes the effective configuration, without secrets.
func (c *config) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NAME\tVALUE\tFROM") // a tabwriter keeps the error for Flush
	for _, s := range settings {
		v := c.values[s.env]
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", s.env, inColumn(s.text(c, v.text)), v.from)
	}
	return t.Flush()
}

// inColumn keeps a value in its column.
func inColumn(s string) string {
	if s == "" || strings.ContainsAny(s, "\t\n\r\v\f") {
		return strconv.Quote(s)
	}
	return s
}

// unknownSettings returns a warning for each variable in environ (as of os.Environ) that looks like a setting and is
// none: most are misspelt, and would otherwise be ignored without a word.
func unknownSettings(environ []string) []string {
	known := make(map[string]bool, len(settings))
	for _, s := range settings {
		known[s.env] = true
	}
	var warnings []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if known[name] || !strings.HasPrefix(name, "BYLINE_") || strings.HasPrefix(name, "BYLINE_TEST_") {
			continue
		}
		warning := name + " is not a setting"
		if best := nearest(name); best != "" {
			warning += "; did you mean " + best + "?"
		}
		warnings = append(warnings, warning)
	}
	return warnings
}

// nearest returns the setting whose name without prefix differs least, by a third of its letters at most.
func nearest(name string) string {
	name = strings.TrimPrefix(name, "BYLINE_")
	best, least := "", len(name)/3+1
	for _, s := range settings {
		if d := distance(name, strings.TrimPrefix(s.env, "BYLINE_")); d < least {
			best, least = s.env, d
		}
	}
	return best
}

// distance is Levenshtein's: letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
