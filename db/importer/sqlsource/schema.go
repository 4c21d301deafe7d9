package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// column is a column of the old database.
type column struct{ name, kind string }

// schema is what a database has: its tables and their columns.
type schema map[string][]column

// errNoTables is the error of a database or schema without tables.
var errNoTables = errors.New("the database has no tables; its address may need another name of a database, or the parameter schema")

// readSchema reads the tables of the database that the connection uses.
func readSchema(ctx context.Context, db *sql.DB, d dialect) (schema, error) {
	rows, err := db.QueryContext(ctx, d.columns())
	if err != nil {
		return nil, fmt.Errorf("read which tables there are: %w", err)
	}
	defer func() { _ = rows.Close() }()
	s := schema{}
	for rows.Next() {
		var table string
		var c column
		if err := rows.Scan(&table, &c.name, &c.kind); err != nil {
			return nil, err
		}
		s[table] = append(s[table], c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(s) == 0 {
		return nil, errNoTables
	}
	return s, nil
}

// sortedBy reports whether an index of a table begins with two columns.
type sortedBy map[[3]string]bool

// readIndexes reads which pairs of columns an index sorts.
func readIndexes(ctx context.Context, db *sql.DB, d dialect) (sortedBy, error) {
	rows, err := db.QueryContext(ctx, d.indexes())
	if err != nil {
		return nil, fmt.Errorf("read which indexes there are: %w", err)
	}
	defer func() { _ = rows.Close() }()
	sorted := sortedBy{}
	var last, begin string
	for rows.Next() {
		var table, index, name string
		if err := rows.Scan(&table, &index, &name); err != nil {
			return nil, err
		}
		if index == last {
			sorted[[3]string{table, begin, name}] = true
		}
		last, begin = index, name
	}
	return sorted, rows.Err()
}

// choose sorts a table of pairs as an index does. Without an index the database
// sorts the whole table for each page.
func (t *pairTable) choose(sorted sortedBy) {
	a, b := t.first.name, t.second.name
	t.swapped = sorted[[3]string{t.table, b, a}] && !sorted[[3]string{t.table, a, b}]
}

// fold makes names the same that differ in case, underscores or a plural s.
func fold(name string) string {
	folded := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if len(folded) > 1 {
		folded = strings.TrimSuffix(folded, "s")
	}
	return folded
}

// first returns the first of the names that exists. A name as it is written comes
// before one that is only similar.
func first[T any](names Names, have []T, nameOf func(T) string) (T, bool) {
	for _, same := range []func(a, b string) bool{
		func(a, b string) bool { return a == b },
		func(a, b string) bool { return fold(a) == fold(b) },
	} {
		for _, name := range names.list {
			for _, h := range have {
				if same(nameOf(h), name) {
					return h, true
				}
			}
		}
	}
	var none T
	return none, false
}

func (s schema) tables() []string { return slices.Sorted(maps.Keys(s)) }

// resolver finds the columns of a mapping, and collects what is missing.
type resolver struct {
	schema  schema
	what    string // the member of the mapping
	table   string
	missing []string
}

func (r *resolver) report(format string, args ...any) {
	r.missing = append(r.missing, fmt.Sprintf(format, args...))
}

// enter finds a table whose columns are asked for next.
func (r *resolver) enter(what string, names Names) string {
	r.what = what
	r.table, _ = first(names, r.schema.tables(), func(name string) string { return name })
	if r.table == "" && len(names.list) > 0 {
		r.report("%s: there is no table %s", what, names)
	}
	return r.table
}

// must is enter for a table without which nothing can be imported.
func (r *resolver) must(what string, names Names) string {
	if names.left() {
		r.report("%s.table: this table cannot be left out", what)
	}
	return r.enter(what, names)
}

func (r *resolver) find(names Names) (column, bool) {
	return first(names, r.schema[r.table], func(c column) string { return c.name })
}

// need returns a column that must exist.
func (r *resolver) need(what string, names Names) column {
	c, found := r.find(names)
	switch {
	case found || r.table == "":
	case len(names.list) == 0:
		r.report("%s.%s: this column cannot be left out", r.what, what)
	default:
		r.lacks(what, names)
	}
	return c
}

// want returns a column that exists unless a user has written that it does not.
func (r *resolver) want(what string, names Names) column {
	if names.left() {
		return column{}
	}
	return r.need(what, names)
}

// may returns a column that need not exist. What a user has written must exist.
func (r *resolver) may(what string, names Names) column {
	c, found := r.find(names)
	if !found && r.table != "" && names.given && len(names.list) > 0 {
		r.lacks(what, names)
	}
	return c
}

// when is may for a time.
func (r *resolver) when(what string, names Names) column {
	c := r.may(what, names)
	if c.name != "" && !isTime(c.kind) {
		r.report("%s.%s: the column %s of the table %s has the type %s, and a date and time is needed; write \"\" to do without it", r.what, what, c.name, r.table, c.kind)
	}
	return c
}

func (r *resolver) lacks(what string, names Names) {
	have := make([]string, len(r.schema[r.table]))
	for i, c := range r.schema[r.table] {
		have[i] = c.name
	}
	r.report("%s.%s: the table %s has no column %s; it has %s", r.what, what, r.table, names, strings.Join(have, ", "))
}
