//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
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
//   - Each program runs with a new service, and must succeed. Its types are
//     checked before. If the guide makes an admin on the command line, that
//     command runs first.
//   - A whole program in Go compiles without the blocks that continue it.
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
	guides := map[string]map[string][]block{} // name of the guide, language
	settings, admins := map[string][]string{}, map[string][]string{}
	start := readPrograms(t, readBlocks(t, "../../docs/quick-start.md"))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		if name == "development" { // make recipe
			continue
		}
		blocks := readBlocks(t, file)
		programs := readPrograms(t, blocks)
		if name != "quick-start" && !slices.ContainsFunc(programs["go"], block.whole) {
			for language := range programs {
				programs[language] = slices.Concat(start[language], programs[language])
			}
		}
		if len(programs) > 0 {
			guides[name], settings[name], admins[name] = programs, settingsIn(blocks), adminsIn(blocks)
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
			if blocks := guides[name][sdk.language]; blocks != nil {
				programs[name] = sdk.assemble(t, blocks)
			}
		}
		compiled := maps.Clone(programs)
		for name := range guides {
			blocks := guides[name][sdk.language]
			if i := slices.IndexFunc(blocks, block.whole); i >= 0 {
				compiled["begin-"+strings.ReplaceAll(blocks[i].where, ":", "-")] = sdk.assemble(t, blocks[i:i+1])
			}
		}
		sdk.prepare(t, filepath.Join(dir, sdk.language), compiled)
		for name, program := range programs {
			t.Run(name+"/"+sdk.language, func(t *testing.T) {
				t.Parallel()
				database := sharedDatabase(t, strings.ReplaceAll("program_"+name+"_"+sdk.language, "-", "_"))
				s := startService(t, database, append([]string{"BYLINE_PROFILE=development", "BYLINE_RATE_LIMIT=auto"}, settings[name]...)...)
				ctx, cancel := context.WithTimeout(t.Context(), hangTimeout)
				defer cancel()
				for _, command := range admins[name] {
					cmd := exec.CommandContext(ctx, binary, strings.Fields(command)[1:]...)
					cmd.Env, cmd.Stdin = s.env, strings.NewReader(password+"\n")
					out, err := cmd.CombinedOutput()
					require.NoError(t, err, "%s", out)
				}
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

// adminsIn returns the commands of a guide that make an admin.
func adminsIn(blocks []block) (commands []string) {
	for _, b := range blocks {
		if b.language == "sh" && !b.exempt && strings.HasPrefix(b.code, "byline admin create ") {
			commands = append(commands, b.code)
		}
	}
	return commands
}

// readPrograms returns the blocks of a guide that are a program in each SDK.
func readPrograms(t *testing.T, blocks []block) map[string][]block {
	t.Helper()
	programs := map[string][]block{}
	for _, b := range blocks {
		if b.exempt || b.language == "sh" || !slices.Contains(clients, b.language) {
			continue
		}
		if b.language == "go" {
			formatted, err := format.Source([]byte(b.code))
			require.NoError(t, err, b.where)
			if strings.TrimSpace(string(formatted)) != b.code {
				t.Errorf("%s: gofmt writes\n%s", b.where, formatted)
			}
		}
		programs[b.language] = append(programs[b.language], b)
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
	folder   string // below sdk
	// assemble joins the blocks of a program, which uses the address in
	// BYLINE_URL.
	assemble func(t *testing.T, blocks []block) string
	// prepare writes programs into a folder and compiles them.
	prepare func(t *testing.T, dir string, programs map[string]string)
	// command returns the command that runs a program.
	command func(dir, name string) []string
}

var sdks = []sdk{
	{
		language: "ts",
		folder:   "typescript",
		assemble: func(_ *testing.T, blocks []block) string { return join(blocks, "//", "process.env.BYLINE_URL!") },
		prepare:  prepareTypeScript,
		command:  func(dir, name string) []string { return []string{"node", filepath.Join(dir, name+".js")} },
	},
	{
		language: "python",
		folder:   "python",
		assemble: func(_ *testing.T, blocks []block) string {
			return "import os\n" + join(blocks, "#", `os.environ["BYLINE_URL"]`)
		},
		prepare: preparePython,
		command: func(dir, name string) []string {
			return []string{repository("sdk/python/.venv/bin/python"), filepath.Join(dir, name+".py")}
		},
	},
	{
		language: "go",
		folder:   "go",
		assemble: assembleGo,
		prepare:  prepareGo,
		command:  func(dir, name string) []string { return []string{filepath.Join(dir, "bin", name)} },
	},
}

// join joins blocks of code. A comment says where each of them comes from, and
// an expression replaces the address of the service.
func join(blocks []block, comment, address string) string {
	var program strings.Builder
	for _, b := range blocks {
		fmt.Fprintf(&program, "%s %s\n%s\n\n", comment, b.where, strings.ReplaceAll(b.code, `"http://127.0.0.1:8080"`, address))
	}
	return program.String()
}

// repository returns the absolute path of a file of the repository.
func repository(path string) string {
	abs, err := filepath.Abs(filepath.Join("../..", path))
	if err != nil {
		panic(err)
	}
	return abs
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
		save(t, dir, name+".ts", []byte(program))
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
		save(t, dir, name+".py", []byte(program))
	}
	// Stores and functions have no annotations in the guides.
	args := []string{"--check-untyped-defs"}
	for name := range programs {
		args = append(args, name+".py")
	}
	compile(t, dir, repository("sdk/python/.venv/bin/mypy"), args...)
}

// added matches the comment with the imports that a block in Go needs besides
// those of the whole program.
var added = regexp.MustCompile(`(?m)^// Add to the imports: (".+")\.$`)

func prepareGo(t *testing.T, dir string, programs map[string]string) {
	for name, program := range programs {
		save(t, dir, name+"/main.go", []byte(program))
	}
	save(t, dir, "go.mod", []byte("module guides\n\ngo 1.24\n\nrequire github.com/byline-api/byline/sdk/go v0.0.0\n\n"+
		"replace github.com/byline-api/byline/sdk/go => "+repository("sdk/go")+"\n"))
	compile(t, dir, "go", "build", "-mod=mod", "-ldflags=-s -w", "-o", "bin/", "./...")
}

// whole reports whether a block in Go is a whole program.
func (b block) whole() bool { return strings.Contains(b.code, "\nfunc main() {\n") }

// assembleGo moves what follows the function main to its end, except
// declarations, and adds the imports of which a comment tells the reader.
func assembleGo(t *testing.T, blocks []block) string {
	var begin, statements, declarations []block
	for _, b := range blocks {
		if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+b.code, 0); err == nil {
			declarations = append(declarations, b)
			continue
		}
		if b.whole() {
			b.code = strings.TrimSuffix(b.code, "}")
			begin = append(begin, b)
			continue
		}
		statements = append(statements, b)
	}
	require.Len(t, begin, 1, "the whole programs of a guide")
	address := `os.Getenv("BYLINE_URL")`
	source := join(begin, "//", address) + join(statements, "//", address) + "}\n\n" + join(declarations, "//", address)
	whole := begin[0].code[:strings.Index(begin[0].code, "\n)\n")]
	imports := "import (\n"
	paths := []string{`"os"`} // for the address
	for _, m := range added.FindAllStringSubmatch(source, -1) {
		paths = append(paths, strings.Split(m[1], ", ")...)
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		require.NotContains(t, whole, path, "%s has this import", begin[0].where)
		imports += "\t" + path + "\n"
	}
	return strings.Replace(source, "import (\n", imports, 1)
}
