package main

import (
	"debug/buildinfo"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestClientTextIsNoCode checks that every SQL statement and every regular
// expression of the service is a constant, so that no text of a client can
// become a part of it.
func TestClientTextIsNoCode(t *testing.T) {
	t.Parallel()
	statements, expressions := 0, 0
	for _, folder := range goFolders(t, "../../api", "../../server", "../../db", "../../gen/query", ".") {
		if slices.ContainsFunc([]string{"seed", "dbtest", "bulk", "importer", "backup"}, func(name string) bool { return strings.HasPrefix(folder, "../../db/"+name) }) {
			continue // no request reaches them
		}
		files, constants := parseFolder(t, folder)
		for name, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				method, ok := call.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				switch method.Sel.Name {
				case "Exec", "Query", "QueryRow":
					if len(call.Args) < 2 { // url.URL.Query has none
						return true
					}
					statements++
					// Package db passes on the statements of its callers.
					passed := folder == "../../db" && isNamed(call.Args[1], "sql")
					require.True(t, passed || isConstant(call.Args[1], constants), "%s: an SQL statement must be a constant with parameters", name)
				case "Compile", "MustCompile":
					if pkg, ok := method.X.(*ast.Ident); !ok || pkg.Name != "regexp" || name == "../../server/contract/pattern.go" {
						return true // patterns of the document are compiled at the start
					}
					expressions++
					require.True(t, isConstant(call.Args[0], constants), "%s: a regular expression must be a constant", name)
				}
				return true
			})
		}
	}
	require.Greater(t, statements, 80)
	require.Greater(t, expressions, 5)

	migrations, err := filepath.Glob("../../db/migrations/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, migrations)
	dynamic := regexp.MustCompile(`(?i)\bEXECUTE\s+(\w*)`)
	once := regexp.MustCompile(`(?s)DO \$\$.*?\$\$;`) // runs with the migration, not with requests
	for _, file := range migrations {
		for _, m := range dynamic.FindAllStringSubmatch(once.ReplaceAllString(readFile(t, file), ""), -1) {
			require.Equal(t, "FUNCTION", m[1], "%s: a function must not execute text", file)
		}
	}
}

// goFolders returns the folders and all below them, without test data.
func goFolders(t *testing.T, roots ...string) (folders []string) {
	t.Helper()
	for _, root := range roots {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append(folders, path)
			}
			return err
		}))
	}
	return folders
}

// parseFolder parses the Go files of a package without its tests. It also
// returns the names of the constants that the package declares.
func parseFolder(t *testing.T, folder string) (files map[string]*ast.File, constants map[string]bool) {
	t.Helper()
	files, constants = map[string]*ast.File{}, map[string]bool{}
	paths, err := filepath.Glob(folder + "/*.go")
	require.NoError(t, err)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files[path] = file
		for _, d := range file.Decls {
			declared, ok := d.(*ast.GenDecl)
			if !ok || declared.Tok != token.CONST {
				continue
			}
			for _, spec := range declared.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					constants[name.Name] = true
				}
			}
		}
	}
	return files, constants
}

// isConstant reports whether an expression consists of literals and constants.
func isConstant(e ast.Expr, constants map[string]bool) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return constants[e.Name]
	case *ast.BinaryExpr:
		return isConstant(e.X, constants) && isConstant(e.Y, constants)
	}
	return false
}

// isNamed reports whether an expression is a variable or a field with the name.
func isNamed(e ast.Expr, name string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == name
	case *ast.SelectorExpr:
		return e.Sel.Name == name
	}
	return false
}

// TestInventory checks that docs/licenses.md lists every module that is linked
// into the binary, with the checksum by which an SBOM identifies it.
func TestInventory(t *testing.T) {
	t.Parallel()
	info, err := buildinfo.ReadFile(binary)
	require.NoError(t, err)
	require.Greater(t, len(info.Deps), 20)
	listed := readFile(t, "../../docs/licenses.md")
	for _, m := range info.Deps {
		require.NotEmpty(t, m.Sum, m.Path)
		require.Contains(t, listed, "| [`"+m.Path+"`]", "run make licenses")
	}
}
