package sqlsource

import (
	"fmt"
	"strings"
)

// dialect is the SQL of a database system. An expression is a column with its
// quotes.
type dialect interface {
	// columns is a query for the table, the name and the type of all columns.
	columns() string
	// indexes is a query for the first two columns of all indexes: the table, the
	// index and the column, in the order of the index.
	indexes() string
	// estimate is a query for about how many rows a table has.
	estimate() string
	quote(name string) string
	// text is a value as text, and as bytes if it is binary.
	text(expression, kind string) string
	// key is a value that identifies a row, as text. A binary one is in hex.
	key(expression, kind string) string
	// time is a time, null if it is not finite.
	time(expression string) string
	// bind is the n-th parameter, a text that key has returned, as a value that is
	// compared with a column.
	bind(n int, kind string) string
}

type postgres struct{}

// currentSchema is the first schema of the search path. A cast to regnamespace
// would fold its name to lower case.
const currentSchema = `(SELECT oid FROM pg_namespace WHERE nspname = current_schema())`

// The types are without their limits: a cast to character(36) would cut a text,
// but one to bpchar does not.
func (postgres) columns() string {
	return `SELECT c.relname, a.attname, format_type(a.atttypid, -1) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = ` + currentSchema + ` AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
}

func (postgres) indexes() string {
	return `SELECT c.relname, i.indexrelid::text, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE c.relnamespace = ` + currentSchema + ` AND i.indisvalid AND i.indpred IS NULL AND k.position <= 2 ORDER BY i.indexrelid, k.position`
}

func (postgres) estimate() string {
	return `SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE relnamespace = ` + currentSchema + ` AND relname = $1`
}

func (postgres) quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (postgres) text(expression, kind string) string {
	switch {
	case kind == "bytea":
		return expression
	case strings.HasSuffix(kind, "[]"):
		return "array_to_json(" + expression + ")::text"
	}
	return expression + "::text"
}

func (p postgres) key(expression, kind string) string {
	if kind == "bytea" {
		return "encode(" + expression + ", 'hex')"
	}
	return p.text(expression, kind)
}

func (postgres) time(expression string) string {
	return "CASE WHEN isfinite(" + expression + ") THEN " + expression + " END"
}

func (postgres) bind(n int, kind string) string {
	if kind == "bytea" {
		return fmt.Sprintf("decode($%d::text, 'hex')", n)
	}
	return fmt.Sprintf("$%d::text::%s", n, kind)
}

type mysqlDialect struct{}

func (mysqlDialect) columns() string {
	return `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = database() ORDER BY ordinal_position`
}

func (mysqlDialect) indexes() string {
	return `SELECT table_name, CONCAT(table_name, '.', index_name), column_name FROM information_schema.statistics
		WHERE table_schema = database() AND seq_in_index <= 2 AND column_name IS NOT NULL ORDER BY table_name, index_name, seq_in_index`
}

func (mysqlDialect) estimate() string {
	return `SELECT table_rows FROM information_schema.tables WHERE table_schema = database() AND table_name = ?`
}

func (mysqlDialect) quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func (mysqlDialect) text(expression, kind string) string {
	if isNumber(kind) {
		return "CAST(" + expression + " AS CHAR)"
	}
	return expression
}

func (m mysqlDialect) key(expression, kind string) string {
	if isBinary(kind) {
		return "LOWER(HEX(" + expression + "))"
	}
	return m.text(expression, kind)
}

func (mysqlDialect) time(expression string) string { return expression }

func (mysqlDialect) bind(_ int, kind string) string {
	switch {
	case isNumber(kind):
		return "CAST(? AS DECIMAL(20))" // as a double it would not be exact
	case isBinary(kind):
		return "UNHEX(?)"
	}
	return "?"
}

// isNumber reports whether a type has whole numbers: int, bigint, tinyint and so
// on in MySQL, and integer, bigint and numeric in PostgreSQL.
func isNumber(kind string) bool {
	return strings.HasSuffix(kind, "int") || kind == "integer" || kind == "decimal" || kind == "numeric"
}

// isBinary reports whether a type of MySQL has bytes and no characters.
func isBinary(kind string) bool {
	return strings.HasSuffix(kind, "binary") || strings.HasSuffix(kind, "blob")
}

// hasZone reports whether times of a type are moments, and not what a clock has
// shown in some zone.
func hasZone(d dialect, kind string) bool {
	if _, isPostgres := d.(postgres); isPostgres {
		return kind == "timestamp with time zone"
	}
	return kind == "timestamp" // sent as UTC, the zone of the session
}

// isTime reports whether a type has times.
func isTime(kind string) bool {
	return strings.HasPrefix(kind, "timestamp") || kind == "datetime" || kind == "date"
}
