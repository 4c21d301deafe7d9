package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/agnivade/levenshtein"
)

const mask = "xxxxx"

var (
	// urlPassword matches everything from the first colon to the last @, so
	// that passwords with unescaped special characters are hidden as well.
	// Hiding more than the password is harmless.
	urlPassword = regexp.MustCompile(`(?s)^([a-zA-Z][a-zA-Z0-9+.-]*://[^:@]*):.*@`)

	// keyPassword matches the keys of secrets in key=value lists and in the
	// query of a URL, with their values.
	keyPassword = regexp.MustCompile(`(?i)(\w*(?:pass|pwd|secret)\w*\s*=\s*)('(?:[^'\\]|\\.)*'?[^\s&]*|(?:\\.|[^\s&])*)`)

	// wellFormed matches a URL with hidden passwords and a key=value list. Text
	// that is neither may have a password anywhere.
	wellFormed = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://([^:@/?#\s]*(:` + mask + `)?@)?` + // user and password
		host + `(,` + host + `)*(/[^:@?#\s]*)?(\?([\w.]+=[^&#\s]*(&|$))*)?$` + // hosts, path and query
		`|^\s*([a-zA-Z_][\w.]*\s*=\s*('(?:[^'\\]|\\.)*'|(?:\\.|[^\s'\\])*)(\s+|$))+$`) // key=value
)

// host matches a host with its port in a URL.
const host = `(\[[0-9a-fA-F:.%]+\]|[^:@/?#,\s\[\]]*)(:[0-9]*)?`

// hideSecrets replaces the passwords in a URL or a key=value list. It replaces
// any other text as a whole, because it may be a password.
func hideSecrets(s string) string {
	if s == "" {
		return s
	}
	shown := urlPassword.ReplaceAllString(keyPassword.ReplaceAllString(s, "${1}"+mask), "${1}:"+mask+"@")
	before, _, isURL := strings.Cut(shown, "://")
	if !wellFormed.MatchString(shown) || isURL && strings.Contains(before, "=") { // such as DATABASE_URL=postgres://…
		return mask
	}
	return shown
}

func hidden(_ *config, s string) string { return hideSecrets(s) }

// adaptive displays the effective value of a setting whose 0 means automatic.
func adaptive(effective func(*config) int) func(*config, string) string {
	return func(c *config, s string) string { return filled(s, "0", strconv.Itoa(effective(c))) }
}

// filled adds the effective value to the word that means automatic, once the
// value is known.
func filled(given, adapt, effective string) string {
	if given != adapt || effective == adapt || effective == "" {
		return given
	}
	return effective + " (" + adapt + ")"
}

// print writes the effective configuration with secrets hidden.
func (c *config) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NAME\tVALUE\tFROM") // tabwriter returns write errors from Flush
	for _, s := range settings {
		v := c.values[s.env]
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", s.env, inColumn(s.text(c, v.text)), v.from)
	}
	return t.Flush()
}

// inColumn quotes a value that would break the table.
func inColumn(s string) string {
	if s == "" || strings.ContainsAny(s, "\t\n\r\v\f") {
		return strconv.Quote(s)
	}
	return s
}

// unknownSettings returns a warning for each variable in environ (in the form
// of os.Environ) that starts with BYLINE_ but is not a setting. Most are
// misspelled and would otherwise be ignored silently.
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
		warning := name + " is not a known setting"
		if best := nearest(name); best != "" {
			warning += "; did you mean " + best + "?"
		}
		warnings = append(warnings, warning)
	}
	return warnings
}

// nearest returns the setting with the most similar name. Names may differ in a
// third of their letters at most, not counting the prefix.
func nearest(name string) string {
	name = strings.TrimPrefix(name, "BYLINE_")
	best, least := "", len(name)/3+1
	for _, s := range settings {
		if d := levenshtein.ComputeDistance(name, strings.TrimPrefix(s.env, "BYLINE_")); d < least {
			best, least = s.env, d
		}
	}
	return best
}
