//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// These tests run the commands of the guides as a reader would, and compare the
// responses with those that the guides show:
//
//   - A reader of a guide has followed the quick start before. So each guide
//     has a new service and a shell in which the quick start has run. A reader
//     of the quick start has followed README.md.
//   - Blocks of the language sh run in the order of the guide, in one shell, if
//     they send a request or begin with "byline".
//   - A block of the language http or json is the response to the command
//     before it in the same section. Another one is the response to the same
//     command, sent again. A guide shows the fields and members that matter;
//     "…" stands for anything.
//   - A request without a response in the guide must succeed.
//   - "VARIABLE=value make run" starts the service of the guide with a setting.
//   - <!-- not run: reason --> before a block exempts it.

// unexamined are the guides for maintainers, and those that other tests check.
var unexamined = []string{
	"backup.md",            // TestBackupGuide
	"development.md",       // make recipe
	"errors.md",            // TestErrorsGuide
	"high-availability.md", // make ha
	"performance.md", "security.md",
}

// password is what a reader types when a command asks for one.
const password = "correct horse"

func TestGuides(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the guides use curl")
	}
	readme, start := readExamples(t, "../../README.md"), readExamples(t, "../../docs/quick-start.md")
	require.Greater(t, len(start.examples), 5)
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	run := 0
	for _, file := range append(files, "../../README.md") {
		name := filepath.Base(file)
		if slices.Contains(unexamined, name) {
			continue
		}
		g := readExamples(t, file)
		if len(g.examples) == 0 {
			continue
		}
		run++
		switch name {
		case "README.md":
		case "quick-start.md":
			g.examples = append(slices.Clone(readme.examples), g.examples...)
		default:
			g.examples = append(slices.Clone(start.examples), g.examples...)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := sharedDatabase(t, "guide_"+strings.NewReplacer(".md", "", "-", "_").Replace(strings.ToLower(name)))
			settings := append([]string{"BYLINE_PROFILE=development", "BYLINE_RATE_LIMIT=auto"}, g.settings...)
			g.run(t, startService(t, database, settings...))
		})
	}
	require.Greater(t, run, 12, "the guides with requests")
}

// guide is what a reader of a page would run.
type guide struct {
	settings []string // variables of the service
	examples []*example
}

// example is a command of a guide.
type example struct {
	where   string // file and line
	command string
	// shown are the responses: the first one to the command, and each further
	// one to the command that is run again.
	shown []string
}

var (
	starts = regexp.MustCompile(`(?m)^((?:[A-Z_]+=\S+ )*)make run\b`)
	runs   = regexp.MustCompile(`\bcurl -|^byline `)
)

// settingsIn returns the variables with which a guide starts the service.
func settingsIn(blocks []block) (settings []string) {
	for _, b := range blocks {
		if m := starts.FindStringSubmatch(b.code); m != nil && b.language == "sh" && !b.exempt {
			settings = append(settings, strings.Fields(m[1])...)
		}
	}
	return settings
}

func readExamples(t *testing.T, file string) guide {
	t.Helper()
	var (
		blocks  = readBlocks(t, file)
		g       = guide{settings: settingsIn(blocks)}
		last    *example // the last command of this section
		section int
	)
	for _, b := range blocks {
		if b.section != section {
			section, last = b.section, nil
		}
		if b.exempt {
			continue
		}
		switch b.language {
		case "sh":
			if last = nil; runs.MatchString(b.code) {
				last = &example{where: b.where, command: b.code}
				g.examples = append(g.examples, last)
			}
		case "http", "json", "diff":
			if last == nil {
				t.Errorf("%s: the section has no request with this response; if it is none, write <!-- not run: reason --> before it", b.where)
				continue
			}
			last.shown = append(last.shown, b.code)
		}
	}
	return g
}

// run runs the examples in one shell, and compares what they return.
func (g guide) run(t *testing.T, s *service) {
	dir := t.TempDir()
	// The commands are the guide's, byte for byte: curl itself connects to this
	// service, and writes the status of each response to standard error.
	rc := fmt.Sprintf("connect-to = \"127.0.0.1:8080:%s\"\nconnect-to = \"127.0.0.1:9090:%s\"\nmax-time = 60\n", s.addr, s.admin) +
		`write-out = "%{stderr}response %{http_code}\n"` + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".curlrc"), []byte(rc), 0o600))
	var script strings.Builder
	script.WriteString("set -o pipefail\n")
	output := func(i, n int, kind string) string {
		return filepath.Join(dir, fmt.Sprintf("%d-%d.%s", i, n, kind))
	}
	for i, e := range g.examples {
		for n := range max(1, len(e.shown)) {
			fmt.Fprintf(&script, "{\n%s\n} >%s 2>%s\necho $? >%s\n", e.command, output(i, n, "out"), output(i, n, "err"), output(i, n, "code"))
		}
	}
	file := filepath.Join(dir, "guide.sh")
	require.NoError(t, os.WriteFile(file, []byte(script.String()), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 2*hangTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", file)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(password+"\n")
	cmd.Env = append(slices.Clone(s.env), "HOME="+dir, "CURL_HOME="+dir, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	log, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", log)
	for i, e := range g.examples {
		for n := range max(1, len(e.shown)) {
			out, messages := readFile(t, output(i, n, "out")), readFile(t, output(i, n, "err"))
			shown := ""
			if n < len(e.shown) {
				shown = e.shown[n]
			}
			problems := compareStatus(shown, messages)
			if code := strings.TrimSpace(readFile(t, output(i, n, "code"))); code != "0" {
				problems = append(problems, "exit code "+code)
			}
			if shown != "" {
				problems = append(problems, compareResponse(shown, strings.ReplaceAll(out, "\r\n", "\n"))...)
			}
			if len(problems) > 0 {
				t.Errorf("%s, response %d:\n  %s\n%s\nreturned\n%s%s", e.where, n+1, strings.Join(problems, "\n  "), e.command, out, messages)
			}
		}
	}
}

var (
	statuses   = regexp.MustCompile(`(?m)^response (\d+)$`)
	statusLine = regexp.MustCompile(`(?m)^HTTP/1\.1 (\d+) `)
)

// compareStatus compares the status of the last response with the shown one.
// Without one, and for all other responses, the request must have succeeded.
func compareStatus(shown, messages string) (problems []string) {
	want := ""
	var problem struct {
		Code   string
		Status int
	}
	if m := statusLine.FindStringSubmatch(shown); m != nil {
		want = m[1]
	} else if json.Unmarshal([]byte(shown), &problem) == nil && problem.Code != "" {
		want = strconv.Itoa(problem.Status)
	}
	all := statuses.FindAllStringSubmatch(messages, -1)
	for i, m := range all {
		switch got := m[1]; {
		case i == len(all)-1 && want != "":
			if got != want {
				problems = append(problems, "status "+got+" instead of "+want)
			}
		case got[0] != '2' && got != want: // a loop may reach a limit earlier
			problems = append(problems, "status "+got)
		}
	}
	return problems
}

// compareResponse compares a response with what a guide shows of it.
func compareResponse(shown, got string) (problems []string) {
	if head, body, found := strings.Cut(shown, "\n\n"); found || !strings.HasPrefix(shown, "{") {
		if at := statusLine.FindAllStringIndex(got, -1); at != nil {
			got = got[at[len(at)-1][0]:]
		}
		gotHead, gotBody, _ := strings.Cut(got, "\n\n")
		lines := strings.Split(gotHead, "\n")
		for line := range strings.SplitSeq(head, "\n") {
			if !slices.ContainsFunc(lines, func(l string) bool { return matches(line, l) }) {
				problems = append(problems, "lacks the line "+line)
			}
		}
		if !found {
			return problems
		}
		shown, got = body, gotBody
	}
	var want, have any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(shown, "[…]", `["…"]`)), &want); err != nil {
		return append(problems, "shows invalid JSON: "+err.Error())
	}
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		return append(problems, "returns invalid JSON: "+err.Error())
	}
	problems = append(problems, compareJSON("", want, have)...)
	if len(problems) == 0 && !sameOrder(shown, got) {
		problems = append(problems, "has the members in another order")
	}
	return problems
}

// member matches the name of a member.
var member = regexp.MustCompile(`"(\w+)":`)

// sameOrder reports whether the members that a guide shows have the order of the
// response, which may have more of them.
func sameOrder(shown, got string) bool {
	names := member.FindAllStringSubmatch(got, -1)
	for _, m := range member.FindAllStringSubmatch(shown, -1) {
		i := slices.IndexFunc(names, func(name []string) bool { return name[1] == m[1] })
		if i < 0 {
			return false
		}
		names = names[i+1:]
	}
	return true
}

// compareJSON compares the members that a guide shows.
func compareJSON(path string, shown, got any) (problems []string) {
	different := []string{fmt.Sprintf("%s is %v instead of %v", path, got, shown)}
	switch shown := shown.(type) {
	case string:
		if have, ok := got.(string); !ok || !matches(shown, have) {
			return different
		}
	case []any:
		have, ok := got.([]any)
		if ok && len(shown) == 1 && shown[0] == "…" {
			return nil
		}
		if !ok || len(have) != len(shown) {
			return different
		}
		for i := range shown {
			problems = append(problems, compareJSON(fmt.Sprintf("%s[%d]", path, i), shown[i], have[i])...)
		}
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			return different
		}
		for name, member := range shown {
			value, ok := have[name]
			if !ok {
				problems = append(problems, path+"."+name+" is missing")
				continue
			}
			problems = append(problems, compareJSON(path+"."+name, member, value)...)
		}
	case float64:
		if have, ok := got.(float64); !ok || have != shown && !strings.HasSuffix(path, ".id") {
			return different
		}
	default:
		if got != shown {
			return different
		}
	}
	return problems
}

// masks replace what is different in every run. The form has to be right.
var masks = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`), "(time)"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "(request)"},
	{regexp.MustCompile(`"[0-9a-z]+v(\d+)\.[\w-]{11}"`), `"(id)v$1.(hash)"`},
	{regexp.MustCompile(`\bt=\d+$`), "t=(seconds)"},
	{regexp.MustCompile(`\br=[1-9]\d*;`), "r=(left);"},
	{regexp.MustCompile(`^Retry-After: \d+$`), "Retry-After: (seconds)"},
}

// matches reports whether a text is the shown one, with any text for "…" and
// other values of the same form for what differs from run to run.
func matches(shown, got string) bool {
	for _, m := range masks {
		shown, got = m.pattern.ReplaceAllString(shown, m.name), m.pattern.ReplaceAllString(got, m.name)
	}
	return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(shown), "…", "(?s:.*)") + `$`).MatchString(got)
}
