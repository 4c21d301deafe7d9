// Package pgbench measures the maximum throughput of PostgreSQL on this machine
// for the statements of the service, without HTTP, Go and JSON. It reads the
// statements from the generated code, so that they are the same as in the
// service.
package pgbench

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Query is a statement and the names of its parameters: Params[0] is $1.
type Query struct {
	SQL    string
	Params []string
}

// Load reads a query by its name, such as ArticleGetBySlug, from the Go files
// that sqlc generated in a folder. The order of the parameters is taken from
// the call that passes them.
func Load(dir, name string) (Query, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.sql.gen.go"))
	if err != nil {
		return Query{}, err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return Query{}, err
		}
		if q, ok := find(parsed, name); ok {
			return q, nil
		}
	}
	return Query{}, fmt.Errorf("%s has no query %s", dir, name)
}

// find looks for the constant with the SQL and for the function with that name,
// which runs it.
func find(file *ast.File, name string) (q Query, found bool) {
	constant := strings.ToLower(name[:1]) + name[1:]
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if len(n.Values) == 1 && n.Names[0].Name == constant {
				if text, ok := n.Values[0].(*ast.BasicLit); ok {
					q.SQL, _ = strconv.Unquote(text.Value)
				}
			}
		case *ast.CallExpr:
			for i, arg := range n.Args {
				if id, ok := arg.(*ast.Ident); ok && id.Name == constant {
					found = true
					q.Params = names(n.Args[i+1:])
				}
			}
		}
		return true
	})
	return q, found && q.SQL != ""
}

func names(args []ast.Expr) (out []string) {
	for _, arg := range args {
		switch arg := arg.(type) {
		case *ast.SelectorExpr:
			out = append(out, arg.Sel.Name)
		case *ast.Ident:
			out = append(out, strings.ToUpper(arg.Name[:1])+arg.Name[1:])
		default:
			out = append(out, "?")
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// Script returns a pgbench script of the query. values contains an SQL
// expression for each parameter name: a literal, or a variable of pgbench such
// as :viewer, which is sent as a parameter of the prepared statement.
func (q Query) Script(setup string, values map[string]string) (string, error) {
	var errs []error
	sql := placeholder.ReplaceAllStringFunc(uncomment(q.SQL), func(s string) string {
		i, _ := strconv.Atoi(s[1:])
		if i < 1 || i > len(q.Params) {
			errs = append(errs, fmt.Errorf("the query has no parameter %s", s))
			return s
		}
		v, ok := values[q.Params[i-1]]
		if !ok {
			errs = append(errs, fmt.Errorf("there is no value for the parameter %s", q.Params[i-1]))
		}
		return v
	})
	return setup + strings.TrimSuffix(strings.TrimSpace(sql), ";") + ";\n", errors.Join(errs...)
}

// uncomment removes comment lines and empty lines. The service sends sqlc's
// first line, which costs nothing.
func uncomment(sql string) string {
	var kept []string
	for line := range strings.SplitSeq(sql, "\n") {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "--") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// Quote returns a text as an SQL literal.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
