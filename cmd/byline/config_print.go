package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

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

// hideEach is hideSecrets for several URLs. If one of them is none, it replaces
// all.
func hideEach(_ *config, s string) string {
	all := strings.Fields(s)
	for i, one := range all {
		if all[i] = hideSecrets(one); all[i] == mask {
			return mask
		}
	}
	return strings.Join(all, " ")
}

// hideInList is hideSecrets for several URLs with commas between them.
func hideInList(_ *config, s string) string {
	all := list(s)
	for i, one := range all {
		all[i] = hideSecrets(one)
	}
	return strings.Join(all, ",")
}

// beginnings are what the value of a secret may begin with, for hints. A
// beginning of another kind may be a part of the secret.
var beginnings = []string{"postgres://", "postgresql://", "mysql://", "jdbc:", "DATABASE_URL=", "smtp://", "smtps://", "http://", "https://", `"`, "'", " "}

// shape describes a text that must not be shown.
func shape(s string) string {
	shape := fmt.Sprintf("(hidden: a text of %d characters", utf8.RuneCountInString(s))
	for _, beginning := range beginnings {
		if strings.HasPrefix(s, beginning) {
			shape += fmt.Sprintf(" that begins with %q", beginning)
		}
	}
	return shape + ")"
}

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
		from := string(v.from)
		if v.secretFile {
			from += " " + v.name
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", s.env, inColumn(s.text(c, v.text)), from)
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
	known := map[string]bool{configEnv: true}
	for _, s := range settings {
		known[s.env] = true
		known[s.env+"_FILE"] = s.secret
	}
	var warnings []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if known[name] || !strings.HasPrefix(name, "BYLINE_") || strings.HasPrefix(name, "BYLINE_TEST_") {
			continue
		}
		warnings = append(warnings, name+" is not a known setting"+hint(nearest(name)))
	}
	return warnings
}

// hint returns a question whether best was meant, or "".
func hint(best string) string {
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// nearest returns the setting with the most similar name, not counting the
// prefix.
func nearest(name string) string {
	variables := make(map[string]string, len(settings)) // by name without prefix
	names := make(map[string]bool, len(settings))
	for _, s := range settings {
		short := strings.TrimPrefix(s.env, "BYLINE_")
		variables[short], names[short] = s.env, true
	}
	return variables[closest(strings.TrimPrefix(name, "BYLINE_"), names)]
}

// closest returns the most similar of some names, which may differ in a third of
// its letters at most, or "".
func closest(name string, names map[string]bool) string {
	best, least := "", len(name)/3+1
	for _, other := range slices.Sorted(maps.Keys(names)) {
		if d := levenshtein.ComputeDistance(name, other); d < least {
			best, least = other, d
		}
	}
	return best
}
