//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuidePrograms runs what the guides show in the languages of the SDKs, with
// the SDKs of this repository:
//
//   - The blocks of a language in a guide are one program, in their order. It
//     continues the program of the quick start, unless a block of the guide is
//     a whole program.
//   - Each program runs with a new service, and must succeed. All of them are
//     compiled by the strictest rules of their language.
//   - A comment "prints …" is a line that the program prints after those of the
//     comments before it.
//   - Tabs have a block in each language; readBlocks says how to leave one out.
//
// The test needs Node.js and Python with the dependencies of the SDKs, and runs
// in make sdk-test.
func TestGuidePrograms(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	guides := map[string]map[string]string{} // name of the guide, language
	settings := map[string][]string{}
	start := readPrograms(t, readBlocks(t, "../../docs/quick-start.md"))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		if name == "development" { // make recipe
			continue
		}
		programs := readPrograms(t, readBlocks(t, file))
		if name != "quick-start" && !strings.Contains(programs["go"], "\nfunc main()") {
			for language := range programs {
				programs[language] = start[language] + programs[language]
			}
		}
		if len(programs) > 0 {
			guides[name], settings[name] = programs, readExamples(t, file).settings
		}
	}
	require.NotEmpty(t, guides)
	if os.Getenv("BYLINE_TEST_SDKS") == "" {
		t.Skip("make sdk-test runs the programs")
	}
	dir := t.TempDir()
	for _, sdk := range sdks {
		programs := map[string]string{}
		for name := range guides {
			if program, ok := guides[name][sdk.language]; ok {
				programs[name] = program
			}
		}
		sdk.prepare(t, filepath.Join(dir, sdk.language), programs)
		for name, program := range programs {
			t.Run(name+"/"+sdk.language, func(t *testing.T) {
				t.Parallel()
				database := sharedDatabase(t, strings.ReplaceAll("program_"+name+"_"+sdk.language, "-", "_"))
				s := startService(t, database, append([]string{"BYLINE_PROFILE=development", "BYLINE_RATE_LIMIT=auto"}, settings[name]...)...)
				ctx, cancel := context.WithTimeout(t.Context(), hangTimeout)
				defer cancel()
				args := sdk.command(filepath.Join(dir, sdk.language), name)
				cmd := exec.CommandContext(ctx, args[0], args[1:]...)
				cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "BYLINE_URL=http://"+s.addr)
				var printed, messages strings.Builder
				cmd.Stdout, cmd.Stderr = &printed, &messages
				require.NoError(t, cmd.Run(), "%s%s\n%s", printed.String(), messages.String(), program)
				comparePrinted(t, program, printed.String())
			})
		}
	}
}

// readPrograms returns the program of each SDK in the blocks of a guide. Its
// comments say where each block comes from.
func readPrograms(t *testing.T, blocks []block) map[string]string {
	t.Helper()
	programs := map[string]string{}
	for _, b := range blocks {
		if b.language == "sh" || b.exempt || !slices.Contains(clients, b.language) {
			continue
		}
		if b.language == "go" {
			formatted, err := format.Source([]byte(b.code))
			require.NoError(t, err, b.where)
			if strings.TrimSpace(string(formatted)) != b.code {
				t.Errorf("%s: gofmt writes\n%s", b.where, formatted)
			}
		}
		comment := "//"
		if b.language == "python" {
			comment = "#"
		}
		programs[b.language] += fmt.Sprintf("%s %s\n%s\n\n", comment, b.where, b.code)
	}
	return programs
}

var prints = regexp.MustCompile(`(?m)(?://|#) prints (.+)$`)

// comparePrinted compares what a program has printed with its comments.
func comparePrinted(t *testing.T, program, printed string) {
	t.Helper()
	lines := strings.Split(printed, "\n")
	for _, m := range prints.FindAllStringSubmatch(program, -1) {
		i := slices.IndexFunc(lines, func(line string) bool { return matches(m[1], line) })
		require.GreaterOrEqual(t, i, 0, "the program does not print %q there, but\n%s", m[1], printed)
		lines = lines[i+1:]
	}
}

// sdk is the SDK of a language.
type sdk struct {
	language string
	// prepare writes programs into a folder and compiles them.
	prepare func(t *testing.T, dir string, programs map[string]string)
	// command returns the command that runs a program.
	command func(dir, name string) []string
}

var sdks = []sdk{
	{
		"ts", prepareTypeScript,
		func(dir, name string) []string { return []string{"node", filepath.Join(dir, name+".js")} },
	},
	{
		"python", preparePython,
		func(dir, name string) []string {
			return []string{repository("sdk/python/.venv/bin/python"), filepath.Join(dir, name+".py")}
		},
	},
	{
		"go", prepareGo,
		func(dir, name string) []string { return []string{filepath.Join(dir, "bin", name)} },
	},
}

// repository returns the absolute path of a file of the repository.
func repository(path string) string {
	abs, err := filepath.Abs(filepath.Join("../..", path))
	if err != nil {
		panic(err)
	}
	return abs
}

// withAddress makes a program use the address in BYLINE_URL, which the
// expression reads.
func withAddress(program, expression string) []byte {
	return []byte(strings.ReplaceAll(program, `"http://127.0.0.1:8080"`, expression))
}

func save(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	file := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, content, 0o600))
}

func compile(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func prepareTypeScript(t *testing.T, dir string, programs map[string]string) {
	for name, program := range programs {
		save(t, dir, name+".ts", withAddress(program, "process.env.BYLINE_URL!"))
	}
	options, err := json.Marshal(map[string]any{"compilerOptions": map[string]any{
		"target": "ES2022", "module": "NodeNext", "strict": true, "exactOptionalPropertyTypes": true,
		"noUncheckedIndexedAccess": true, "moduleDetection": "force", "types": []string{"node"}, "noEmitOnError": true,
	}})
	require.NoError(t, err)
	save(t, dir, "tsconfig.json", options)
	save(t, dir, "package.json", []byte(`{"type":"module"}`))
	require.FileExists(t, repository("sdk/typescript/dist/index.d.ts"), "npm --prefix sdk/typescript run build makes it")
	modules := filepath.Join(dir, "node_modules")
	require.NoError(t, os.MkdirAll(filepath.Join(modules, "@byline-api"), 0o755))
	require.NoError(t, os.Symlink(repository("sdk/typescript"), filepath.Join(modules, "@byline-api/client")))
	require.NoError(t, os.Symlink(repository("sdk/typescript/node_modules/@types"), filepath.Join(modules, "@types")))
	compile(t, dir, repository("sdk/typescript/node_modules/.bin/tsc"))
}

func preparePython(t *testing.T, dir string, programs map[string]string) {
	for name, program := range programs {
		save(t, dir, name+".py", withAddress("import os\n"+program, `os.environ["BYLINE_URL"]`))
	}
}

// packages are those of the standard library that programs in Go may use. As
// the editor of a reader does, the test adds the imports of blocks that are no
// whole program.
var packages = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "json": "encoding/json", "log": "log", "os": "os", "slog": "log/slog",
	"time": "time",
}

func prepareGo(t *testing.T, dir string, programs map[string]string) {
	for name, program := range programs {
		save(t, dir, name+"/main.go", goProgram(t, program))
	}
	save(t, dir, "go.mod", []byte("module guides\n\ngo 1.24\n\nrequire github.com/byline-api/byline/sdk/go v0.0.0\n\n"+
		"replace github.com/byline-api/byline/sdk/go => "+repository("sdk/go")+"\n"))
	compile(t, dir, "go", "vet", "-mod=mod", "./...")
	compile(t, dir, "go", "build", "-mod=mod", "-ldflags=-s -w", "-o", "bin/", "./...")
}

// goProgram moves what follows the function main to its end, and adds imports.
func goProgram(t *testing.T, text string) []byte {
	begin := strings.Index(text, "\nfunc main() {\n")
	require.GreaterOrEqual(t, begin, 0, "no block is a whole program:\n%s", text)
	body, rest, _ := strings.Cut(text[begin:], "\n}\n")
	source := withAddress(text[:begin]+body+"\n"+rest+"}\n", `os.Getenv("BYLINE_URL")`)
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	require.NoError(t, err, "%s", source)
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if name, ok := selector.X.(*ast.Ident); ok && packages[name.Name] != "" {
				used[packages[name.Name]] = true
			}
		}
		return true
	})
	for _, spec := range file.Imports {
		delete(used, strings.Trim(spec.Path.Value, `"`))
	}
	imports := "import (\n"
	for _, path := range slices.Sorted(maps.Keys(used)) {
		imports += "\t\"" + path + "\"\n"
	}
	source, err = format.Source([]byte(strings.Replace(string(source), "import (\n", imports, 1)))
	require.NoError(t, err)
	return source
}
