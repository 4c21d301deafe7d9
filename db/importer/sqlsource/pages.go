package sqlsource

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/byline-api/byline/db/importer/source"
)

// table is a table that is read in pages by its key.
type table[R any] struct {
	name    string // "" if the old system does not have it
	key     column
	changed column   // by which Range.Since is applied; none if it has no name
	deleted column   // rows in which it is not null are left out; none if it has no name
	columns []string // expressions
	// row makes a row of the values, in the order of the columns.
	row   func(values []value) R
	keyOf func(R) string
	size  int
	// complete adds what other tables have to the rows of a page.
	complete func(ctx context.Context, rows []R) error
}

// value is a column of a row.
type value struct {
	text *string
	time time.Time
}

func (v value) string() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// pages returns all rows of a table.
func pages[R any](ctx context.Context, s *Source, t table[R], r source.Range) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		if t.name == "" {
			return
		}
		for after, size := r.After, t.size; ; {
			var rows []R
			var cut bool
			err := s.again(ctx, func() (err error) {
				rows, cut, err = page(ctx, s, t, after, r.Since, size)
				if err == nil && len(rows) > 0 && t.complete != nil {
					err = t.complete(ctx, rows)
				}
				return err
			})
			if err != nil {
				var none R
				yield(none, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if !cut && len(rows) < size {
				return
			}
			after = t.keyOf(rows[len(rows)-1])
			if size = min(2*size, t.size); cut {
				size = len(rows) // so that the next page sends little that is not read
			}
		}
	}
}

// page reads the rows behind a key. It is cut if there are more rows than fit into
// the limit of bytes.
func page[R any](ctx context.Context, s *Source, t table[R], after string, since time.Time, size int) (rows []R, cut bool, err error) {
	d := s.dialect
	var where []string
	var args []any
	if after != "" {
		args = append(args, after)
		where = append(where, s.name(t.key)+" > "+d.bind(len(args), t.key.kind))
	}
	if t.deleted.name != "" {
		where = append(where, s.name(t.deleted)+" IS NULL")
	}
	if !since.IsZero() && t.changed.name != "" {
		args = append(args, s.clock(t.changed, since))
		at := s.name(t.changed)
		where = append(where, fmt.Sprintf("(%s >= %s OR %s IS NULL)", at, d.bind(len(args), t.changed.kind), at))
	}
	query := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + d.quote(t.name) + " r"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	return scan(ctx, s, fmt.Sprintf("%s ORDER BY %s LIMIT %d", query, s.name(t.key), size), args, len(t.columns), s.limits.bytes, t.row)
}

// scan reads rows of texts and times. It stops behind a number of bytes, if it is
// not 0.
func scan[R any](ctx context.Context, s *Source, query string, args []any, columns, limit int, row func([]value) R) (all []R, cut bool, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }()
	raw, to, values := make([]any, columns), make([]any, columns), make([]value, columns)
	for i := range raw {
		to[i] = &raw[i]
	}
	for size := 0; rows.Next(); {
		if limit > 0 && size >= limit {
			return all, true, nil
		}
		if err := rows.Scan(to...); err != nil {
			return nil, false, err
		}
		for i, v := range raw {
			values[i] = valueOf(v)
			size += len(values[i].string())
		}
		all = append(all, row(values))
	}
	return all, false, rows.Err()
}

// valueOf returns what a driver has read.
func valueOf(v any) value {
	var text string
	switch v := v.(type) {
	case nil:
		return value{}
	case time.Time:
		return value{time: v.UTC()}
	case []byte:
		text = string(v)
	case string:
		text = v
	default:
		text = fmt.Sprint(v)
	}
	return value{text: &text}
}

// moment returns the time of a column as a moment.
func (s *Source) moment(c column, v value) time.Time {
	if v.time.IsZero() || hasZone(s.dialect, c.kind) {
		return v.time
	}
	t := v.time
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), s.zone).UTC()
}

// clock returns a moment as a column has it. When clocks are set back, they show
// an hour for the second time. So in a zone where that happens it is the hour
// before.
func (s *Source) clock(c column, t time.Time) string {
	zone := time.UTC
	if !hasZone(s.dialect, c.kind) {
		zone = s.zone
		if year := t.In(zone).Year(); offset(zone, year, time.January) != offset(zone, year, time.July) {
			t = t.Add(-time.Hour)
		}
	}
	return t.In(zone).Format("2006-01-02 15:04:05.000000")
}

func offset(zone *time.Location, year int, month time.Month) int {
	_, seconds := time.Date(year, month, 1, 0, 0, 0, 0, zone).Zone()
	return seconds
}

// name returns the expression of a column of the table that is read.
func (s *Source) name(c column) string { return "r." + s.dialect.quote(c.name) }

// text, key and time return the expression of a column for the result, and NULL
// if there is no such column.
func (s *Source) text(c column) string {
	if c.name == "" {
		return "NULL"
	}
	return s.dialect.text(s.name(c), c.kind)
}

func (s *Source) key(c column) string {
	if c.name == "" {
		return "NULL"
	}
	return s.dialect.key(s.name(c), c.kind)
}

func (s *Source) time(c column) string {
	if c.name == "" {
		return "NULL"
	}
	return s.dialect.time(s.name(c))
}
