package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/pgbench"
)

func TestParseOptions(t *testing.T) {
	o, err := parseOptions(nil, false)
	if err != nil || !slices.Equal(o.scales, []int{1}) || !slices.Contains(o.rates, 6000) || !filepath.IsAbs(o.byline) {
		t.Fatalf("%+v, %v", o, err)
	}
	if o, err = parseOptions([]string{"--rate", "500", "--scale", "1, 100"}, false); err != nil || !slices.Equal(o.rates, []float64{500}) || !slices.Equal(o.scales, []int{1, 100}) {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err = parseOptions([]string{"--base", "HEAD~1"}, true); err != nil || o.base != "HEAD~1" || o.rounds != 3 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, c := range []struct {
		compare bool
		args    string
	}{
		{false, "extra"}, {false, "--scale 0"}, {false, "--scale x"}, {false, "--rates 1,-2"}, {false, "--only ("}, {false, "--signed-in 2"},
		{false, "--users 33"}, {false, "--time 0s"}, {false, "--base HEAD"}, {true, ""}, {true, "--base HEAD --scale 1,100"}, {true, "--base HEAD --rounds 0"},
		{false, "--login a:b"}, {false, "--fill-users 100"}, {false, "--url http://127.0.0.1/api --users 90"}, {false, "--url http://127.0.0.1/api --scale 2"},
		{false, "--url http://127.0.0.1/api --login nobody"}, {false, "--url http://127.0.0.1/api --logins /missing"},
		{false, "--only nothing"}, {true, "--base HEAD --only open"}, {false, "--url http://127.0.0.1/api --pid 99999999"},
	} {
		if _, err := parseOptions(strings.Fields(c.args), c.compare); err == nil {
			t.Errorf("%q was accepted", c.args)
		}
	}
}

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSeed(t *testing.T) {
	for help, want := range map[string][]bool{
		"--users int":                                        {false, false},
		"--users int\n--newsroom[=true|false]":               {true, false},
		"--users int\n--newsroom[=true|false]\n--drafts int": {true, true},
	} {
		dir := t.TempDir()
		program := filepath.Join(dir, "byline")
		script := "#!/bin/sh\nif [ \"$2\" = --help ]; then echo '" + help + "'; else echo \"$@\"; fi\n"
		if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		out, drafts, err := seed(t.Context(), dir, dir, program, sizes(1))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out, "--articles=10000") || strings.Contains(out, "--newsroom=false") != want[0] || drafts != want[1] ||
			strings.Contains(out, "--drafts=500 --replies=500") != want[1] {
			t.Errorf("with the help %q: seed%s", help, out)
		}
	}
}

func TestDatasetKey(t *testing.T) {
	files := map[string]string{"db/migrations/1.sql": "a", "db/seed/seed.go": "b", "db/seed/seed_test.go": "c"}
	repo := write(t, t.TempDir(), files)
	key := func(scale int) string {
		k, err := datasetKey(repo, scale)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key(1)
	if key(100) == first {
		t.Error("sizes must change the key")
	}
	write(t, repo, map[string]string{"db/seed/seed_test.go": "d"})
	if key(1) != first {
		t.Error("a changed test must not change the key")
	}
	write(t, repo, map[string]string{"db/migrations/1.sql": "aa"})
	if key(1) == first {
		t.Error("the schema must change the key")
	}
	if _, err := datasetKey(t.TempDir(), 1); err == nil {
		t.Error("a folder without a schema was accepted")
	}
}

// TestHelp checks that the help names each flag once.
func TestHelp(t *testing.T) {
	for _, compare := range []bool{false, true} {
		var args []string
		if compare {
			args = []string{"compare"}
		}
		var out strings.Builder
		if err := run(t.Context(), append(args, "--help"), &out, &out); !errors.Is(err, flag.ErrHelp) {
			t.Fatal(err)
		}
		for _, name := range []string{"connections", "only", "json", "scale"} {
			if n := strings.Count(out.String(), "\n  --"+name+" "); n != 1 {
				t.Errorf("--%s is listed %d times in\n%s", name, n, &out)
			}
		}
		if strings.Contains(out.String(), "Flags with --url") == compare {
			t.Errorf("compare %t:\n%s", compare, &out)
		}
	}
	_, err := parseOptions([]string{"--urll", "x"}, false)
	if err == nil || !strings.Contains(err.Error(), "bench --help") {
		t.Errorf("got %v", err)
	}
}

// TestParameters checks that each statement that pgbench runs has all its
// parameters: otherwise a run has no figure to compare with.
func TestParameters(t *testing.T) {
	for _, s := range conduit.Scenarios {
		if s.Query == "" {
			continue
		}
		q, err := pgbench.Load("../gen/query", s.Query)
		if err != nil {
			t.Fatal(err)
		}
		values := parameters(s)
		values["Slug"] = "'a'"
		if _, err := q.Script("", values); err != nil {
			t.Errorf("%s: %v: add the parameter to the function parameters in measure.go", s.Name, err)
		}
	}
}
