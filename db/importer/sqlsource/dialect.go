package sqlsource

import (
	"fmt"
	"strings"
)

// dialect is the SQL of a database system.
type dialect interface {
	// columns is a query for the table, the name and the type of all columns.
	columns() string
	quote(name string) string
	// text is an expression for a column as text, which may be null.
	text(c column) string
	// time is an expression for the value of a time, null if it is not finite.
	time(c column) string
	// bind is the n-th parameter, a text, as a value that is compared with a
	// column.
	bind(n int, c column) string
	// estimate is a query for about how many rows a table has.
	estimate() string
	name() string
}

type postgres struct{}

func (postgres) name() string { return "PostgreSQL" }

func (postgres) columns() string {
	return `SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
}

func (postgres) quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (p postgres) text(c column) string {
	if strings.HasSuffix(c.kind, "[]") {
		return "array_to_json(" + p.quote(c.name) + ")::text"
	}
	return p.quote(c.name) + "::text"
}

func (p postgres) time(c column) string {
	q := p.quote(c.name)
	return "CASE WHEN isfinite(" + q + ") THEN " + q + " END"
}

func (postgres) bind(n int, c column) string { return fmt.Sprintf("$%d::text::%s", n, c.kind) }

func (postgres) estimate() string {
	return `SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = $1`
}

type mysqlDialect struct{}

func (mysqlDialect) name() string { return "MySQL" }

func (mysqlDialect) columns() string {
	return `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = database() ORDER BY ordinal_position`
}

func (mysqlDialect) quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func (m mysqlDialect) text(c column) string {
	if isInteger(c) {
		return "CAST(" + m.quote(c.name) + " AS CHAR)"
	}
	return m.quote(c.name)
}

func (m mysqlDialect) time(c column) string { return m.quote(c.name) }

func (mysqlDialect) bind(_ int, c column) string {
	if isInteger(c) {
		return "CAST(? AS DECIMAL(20))" // as a double it would not be exact
	}
	return "?"
}

func isInteger(c column) bool { return strings.HasSuffix(c.kind, "int") || c.kind == "integer" }

func (mysqlDialect) estimate() string {
	return `SELECT table_rows FROM information_schema.tables WHERE table_schema = database() AND table_name = ?`
}
