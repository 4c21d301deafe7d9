package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/contract"
)

const module = "github.com/byline-api/byline"

// layers lists the packages of this module that each package may import. The
// longest matching prefix applies.
var layers = map[string][]string{
	"gen":          {},
	"db":           {"gen/query", "db"},
	"db/seed":      {"db", "api/words"},
	"db/importer":  {"db", "api/auth", "api/names", "api/slug", "api/tagnames", "api/words"}, // their rules hold for imported rows too
	"api":          {"gen/openapi", "gen/query", "db", "api"},
	"api/auth":     {"db/changes"}, // it subscribes to the feed
	"api/budget":   {"api/problem"},
	"api/etag":     {},
	"api/lru":      {},
	"api/optional": {},
	"api/problem":  {},
	"api/request":  {"api/auth", "api/budget"},
	"api/markup":   {"api/lru", "api/problem", "api/request"},
	"api/page":     {"api/problem", "api/request"},
	"api/slug":     {},
	"api/words":    {},
	"server":       {"api", "db", "gen/openapi", "gen/spec", "server"},
	// The packages below server import neither it nor Echo.
	"server/admission":   {"api/problem"},
	"server/cache":       {"api/budget", "api/lru", "db/changes"},
	"server/certificate": {},
	"server/compress":    {},
	"server/connlimit":   {"server/ratelimit"},
	"server/contract":    {"api/auth", "api/problem", "gen/spec"},
	"server/logwriter":   {},
	"server/pages":       {"api/etag", "docs"},
	"server/purge":       {"db/changes", "db/purges", "gen/query"},
	"server/ratelimit":   {"db/quotas"},
	// server/strangle/compare also compares what byline import has copied.
	"server/strangle":         {"server/contract", "server/strangle/compare"},
	"server/strangle/compare": {},
	"server/strangle/survey":  {"server/strangle/compare"},

	"cmd/byline": {"server", "api", "db", "gen"},
	"cmd/attack": {"gen/spec"}, // it knows the service only by openapi.yaml
	"sdk/gogen":  {},           // it reads openapi.yaml, so that it needs no other generator to have run
	// Only tests import this package.
	"server/servertest": {"server", "api", "db", "gen"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

// TestDirection checks the direction of imports: cmd -> server -> api -> {gen,
// db, leaf packages}. Only server and gen/openapi may import Echo, and gen must
// not import any package of this module.
func TestDirection(t *testing.T) {
	out, err := exec.Command("go", "list", "-pgo=off", "-json=ImportPath,Imports", module+"/...").Output()
	require.NoError(t, err)
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		if below, found := strings.CutPrefix(from, "server/"); found {
			require.Contains(t, layers, from, "say in layers what server/%s may import", below)
		}
		for _, imported := range p.Imports {
			if strings.Contains(imported, "labstack/echo") {
				require.True(t, from == "server" || within(from, "gen/openapi"), "%s imports Echo", from)
			}
			if to, ours := strings.CutPrefix(imported, module+"/"); ours {
				require.True(t, allowed(from, to), "%s must not import %s", from, to)
			}
		}
	}
	require.Greater(t, seen, 10)
	require.False(t, allowed("api", "server"), "the check must reject forbidden imports")
	require.False(t, allowed("db", "api"))
	require.False(t, allowed("server/cache", "server"))
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func allowed(from, to string) bool {
	rule := ""
	for layer := range layers {
		if within(from, layer) && len(layer) > len(rule) {
			rule = layer
		}
	}
	for _, layer := range layers[rule] {
		if within(to, layer) {
			return true
		}
	}
	return false
}

// TestStems checks that every tag has the files api/<tag>.go,
// api/<tag>_test.go and db/queries/<tag>.sql.
func TestStems(t *testing.T) {
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	require.NotEmpty(t, doc.Tags)
	for _, tag := range doc.Tags {
		for _, file := range []string{"api/" + tag.Name + ".go", "api/" + tag.Name + "_test.go", "db/queries/" + tag.Name + ".sql"} {
			require.FileExists(t, filepath.Join("../..", file))
		}
	}
}

// TestOperationsAreTested checks that the tests of a tag call or name each of
// its operations.
func TestOperationsAreTested(t *testing.T) {
	doc, err := contract.Load()
	require.NoError(t, err)
	for _, op := range doc.Operations() {
		var tests strings.Builder
		for _, pattern := range []string{op.Tag + "_test.go", op.Tag + "_*_test.go"} {
			paths, err := filepath.Glob("../../api/" + pattern)
			require.NoError(t, err)
			for _, path := range paths {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				tests.Write(text)
			}
		}
		require.True(t, strings.Contains(tests.String(), op.ID), "no test in api/%s_test.go calls %s", op.Tag, op.ID)
	}
}

// together are the files of package api that may use every tag, to combine
// them.
var together = []string{"api.go", "targets.go"}

// TestTagsStandApart checks that each file of package api belongs to one tag by
// its name, and uses nothing that a file of another tag declares. Code that two
// tags need must be in a package below api.
func TestTagsStandApart(t *testing.T) {
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	paths, err := filepath.Glob("../../api/*.go")
	require.NoError(t, err)
	files := token.NewFileSet()
	var parsed []*ast.File
	tagOf := map[string]string{} // by file name; "" for the composition
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		parsed = append(parsed, file)
		stem := strings.TrimSuffix(name, ".go")
		for _, tag := range doc.Tags {
			if stem == tag.Name || strings.HasPrefix(stem, tag.Name+"_") {
				tagOf[name] = tag.Name
			}
		}
		require.True(t, tagOf[name] != "" || slices.Contains(together, name),
			"api/%s is named after no tag: what several tags use is a package below api", name)
	}
	uses := map[*ast.Ident]types.Object{}
	config := types.Config{Error: func(error) {}, Importer: noImports{}} // only names of the package itself matter
	pkg, _ := config.Check("api", files, parsed, &types.Info{Uses: uses})
	crossed := 0
	for ident, object := range uses {
		if object.Pkg() != pkg || object.Parent() != pkg.Scope() {
			continue
		}
		from, to := filepath.Base(files.Position(ident.Pos()).Filename), filepath.Base(files.Position(object.Pos()).Filename)
		if from != to {
			crossed++
		}
		require.True(t, from == to || tagOf[from] == "" || tagOf[from] == tagOf[to] || object.Name() == "q",
			"%s uses %s of api/%s: files of two tags share nothing, move it to a package below api", files.Position(ident.Pos()), object.Name(), to)
	}
	require.Greater(t, crossed, 10, "this test sees no uses between files")
}

// noImports makes the type checker continue without the imported packages.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }
