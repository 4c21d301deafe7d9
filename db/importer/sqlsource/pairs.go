package sqlsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/byline-api/byline/db/importer/source"
)

// pair is a favorite or a follow: the values of the two columns.
type pair struct {
	first, second string
	created       time.Time
	position      string
}

// position returns where to go on after a pair. It has the name of the column that
// the rows are sorted by first: the order must stay the same when an index is
// added between two runs.
func (t pairTable) position(first, second string) string {
	begin := t.first.name
	if t.swapped {
		begin = t.second.name
	}
	text, _ := json.Marshal([]string{begin, first, second}) // texts always have a form in JSON
	return string(text)
}

// errPosition is the error of a position of another table or version.
var errPosition = errors.New("the position at which the import was interrupted is not understood; the mapping may have changed since")

// after returns a position as the table, in the same order, and its two values.
func (t pairTable) after(position string) (pairTable, []string, error) {
	if position == "" {
		return t, nil, nil
	}
	var parts []string
	if err := json.Unmarshal([]byte(position), &parts); err != nil || len(parts) != 3 {
		return t, nil, errPosition
	}
	switch parts[0] {
	case t.first.name:
		t.swapped = false
	case t.second.name:
		t.swapped = true
	default:
		return t, nil, errPosition
	}
	return t, parts[1:], nil
}

// pairs returns the rows of a join table, sorted by both columns. Rows in which
// one is null refer to nothing, and are left out.
func (s *Source) pairs(ctx context.Context, t pairTable, position string) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		if t.table == "" {
			return
		}
		t, after, err := t.after(position)
		for err == nil {
			var rows []pair
			if err = s.again(ctx, func() (err error) {
				rows, err = s.pairPage(ctx, t, after)
				return err
			}); err != nil {
				break
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) < s.limits.pairs {
				return
			}
			last := rows[len(rows)-1]
			after = []string{last.first, last.second}
		}
		yield(pair{}, err)
	}
}

func (s *Source) pairPage(ctx context.Context, t pairTable, after []string) ([]pair, error) {
	d := s.dialect
	major, minor := t.first, t.second
	if t.swapped {
		major, minor = minor, major
	}
	a, b := s.name(major), s.name(minor)
	where := fmt.Sprintf("%s IS NOT NULL AND %s IS NOT NULL", a, b)
	if t.deletedAt.name != "" {
		where += fmt.Sprintf(" AND %s IS NULL", s.name(t.deletedAt))
	}
	var args []any
	if after != nil {
		if args = []any{after[0], after[0], after[1]}; t.swapped {
			args = []any{after[1], after[1], after[0]}
		}
		where += fmt.Sprintf(" AND %s >= %s AND (%s > %s OR %s > %s)", a, d.bind(1, major.kind), a, d.bind(2, major.kind), b, d.bind(3, minor.kind))
	}
	query := fmt.Sprintf("SELECT %s, %s, %s FROM %s r WHERE %s ORDER BY %s, %s LIMIT %d",
		s.key(t.first), s.key(t.second), s.time(t.createdAt), d.quote(t.table), where, a, b, s.limits.pairs)
	rows, _, err := scan(ctx, s, query, args, 3, 0, func(v []value) pair {
		one, two := v[0].string(), v[1].string()
		return pair{one, two, s.moment(t.createdAt, v[2]), t.position(one, two)}
	})
	return rows, err
}

// Favorites implements source.Source.
func (s *Source) Favorites(ctx context.Context, r source.Range) iter.Seq2[source.Favorite, error] {
	return func(yield func(source.Favorite, error) bool) {
		for p, err := range s.pairs(ctx, s.layout.favorites, r.After) {
			f := source.Favorite{Row: source.Row{Key: p.second + "/" + p.first, Position: p.position}, UserKey: p.second, ArticleKey: p.first, CreatedAt: p.created}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// Follows implements source.Source.
func (s *Source) Follows(ctx context.Context, r source.Range) iter.Seq2[source.Follow, error] {
	return func(yield func(source.Follow, error) bool) {
		for p, err := range s.pairs(ctx, s.layout.follows, r.After) {
			f := source.Follow{Row: source.Row{Key: p.first + "/" + p.second, Position: p.position}, FollowerKey: p.first, FolloweeKey: p.second, CreatedAt: p.created}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// Keys implements source.Source.
func (s *Source) Keys(ctx context.Context, kind source.Kind) iter.Seq2[string, error] {
	switch kind {
	case source.Favorites:
		return keysOf(s.Favorites(ctx, source.Range{}), func(f source.Favorite) string { return f.Key })
	case source.Follows:
		return keysOf(s.Follows(ctx, source.Range{}), func(f source.Follow) string { return f.Key })
	}
	name, key, deleted := s.layout.users.table, s.layout.users.key, s.layout.users.deletedAt
	switch kind {
	case source.Articles:
		name, key, deleted = s.layout.articles.table, s.layout.articles.key, s.layout.articles.deletedAt
	case source.Comments:
		name, key, deleted = s.layout.comments.table, s.layout.comments.key, s.layout.comments.deletedAt
	}
	return pages(ctx, s, table[string]{
		name: name, key: key, deleted: deleted, size: s.limits.keys, columns: []string{s.key(key)},
		keyOf: func(k string) string { return k },
		row:   func(v []value) string { return v[0].string() },
	}, source.Range{})
}

func keysOf[R any](rows iter.Seq2[R, error], key func(R) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range rows {
			if !yield(key(row), err) || err != nil {
				return
			}
		}
	}
}
