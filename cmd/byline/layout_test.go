package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/spec"
)

const module = "github.com/byline-api/byline"

// layers lists the packages of this module that each package may import. The
// longest matching prefix applies.
var layers = map[string][]string{
	"gen":          {},
	"db":           {"gen/query", "db"},
	"api":          {"gen/openapi", "gen/query", "db", "api"},
	"api/auth":     {},
	"api/etag":     {},
	"api/markup":   {},
	"api/page":     {},
	"api/slug":     {},
	"server":       {"api", "db", "gen/openapi", "gen/spec", "server"},
	"server/pages": {"api/etag", "docs"},
	"cmd/byline":   {"server", "api", "db", "gen"},
	"cmd/attack":   {"gen/spec"}, // it knows the service only by openapi.yaml
	"sdk/go":       {"gen/client"},
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
		for _, imported := range p.Imports {
			if strings.Contains(imported, "labstack/echo") {
				require.True(t, within(from, "server") || within(from, "gen/openapi"), "%s imports Echo", from)
			}
			if to, ours := strings.CutPrefix(imported, module+"/"); ours {
				require.True(t, allowed(from, to), "%s must not import %s", from, to)
			}
		}
	}
	require.Greater(t, seen, 10)
	require.False(t, allowed("api", "server"), "the check must reject forbidden imports")
	require.False(t, allowed("db", "api"))
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
