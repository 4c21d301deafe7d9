package sqlsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"strings"
	"time"

	"database/sql/driver"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byline-api/byline/db/importer/source"
)

// pair is a favorite or a follow: the values of the two columns.
type pair struct {
	first, second string
	created       time.Time
}

// pairsAtOnce is the size of a page of pairs. It is large because the order need
// not be that of an index, and then each page sorts the table.
const pairsAtOnce = 20_000

// position is where to go on after a pair. A space is in no key that is a number
// or a UUID, and the first one is what separates the two.
func (p pair) position() string { return p.first + " " + p.second }

// pairs returns the rows of a join table, sorted by both columns. Rows in which
// one is null refer to nothing.
func (s *Source) pairs(ctx context.Context, t pairTable, after string) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		for {
			var rows []pair
			err := s.again(ctx, func() (err error) {
				rows, err = s.pairPage(ctx, t, after)
				return err
			})
			if err != nil {
				yield(pair{}, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) < pairsAtOnce {
				return
			}
			after = rows[len(rows)-1].position()
		}
	}
}

func (s *Source) pairPage(ctx context.Context, t pairTable, after string) ([]pair, error) {
	d := s.dialect
	a, b := d.quote(t.first.name), d.quote(t.second.name)
	where := fmt.Sprintf("%s IS NOT NULL AND %s IS NOT NULL", a, b)
	var args []any
	if after != "" {
		first, second, _ := strings.Cut(after, " ")
		args = []any{first, first, second}
		where += fmt.Sprintf(" AND %s >= %s AND (%s > %s OR %s > %s)", a, d.bind(1, t.first), a, d.bind(2, t.first), b, d.bind(3, t.second))
	}
	query := fmt.Sprintf("SELECT %s, %s, %s FROM %s r WHERE %s ORDER BY r.%s, r.%s LIMIT %d",
		s.text(t.first), s.text(t.second), s.time(t.createdAt), d.quote(t.table), where, a, b, pairsAtOnce)
	return scan(ctx, s, query, args, 3, func(v []value) pair { return pair{v[0].string(), v[1].string(), v[2].time} })
}

// Favorites implements source.Source.
func (s *Source) Favorites(ctx context.Context, r source.Range) iter.Seq2[source.Favorite, error] {
	return func(yield func(source.Favorite, error) bool) {
		for p, err := range s.pairs(ctx, s.layout.favorites, r.After) {
			f := source.Favorite{Row: source.Row{Key: p.second + "/" + p.first, Position: p.position()}, UserKey: p.second, ArticleKey: p.first, CreatedAt: p.created}
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
			f := source.Follow{Row: source.Row{Key: p.first + "/" + p.second, Position: p.position()}, FollowerKey: p.first, FolloweeKey: p.second, CreatedAt: p.created}
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
	name, key := s.layout.users.table, s.layout.users.key
	switch kind {
	case source.Articles:
		name, key = s.layout.articles.table, s.layout.articles.key
	case source.Comments:
		name, key = s.layout.comments.table, s.layout.comments.key
	}
	return pages(ctx, s, table[string]{
		name: name, key: key, size: 4 * s.rowsAtOnce, columns: []string{s.text(key)},
		key0: func(k string) string { return k },
		row:  func(v []value) string { return v[0].string() },
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

// patience is how long a page is tried again while the old database cannot be
// reached: it may be restarting.
const patience = 5 * time.Minute

// again calls read until the connection does not break.
func (s *Source) again(ctx context.Context, read func() error) error {
	pause := 200 * time.Millisecond
	for deadline := time.Now().Add(patience); ; pause = min(2*pause, 10*time.Second) {
		err := read()
		if err == nil || !isLost(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// isLost reports whether an error is that of a connection, or of a database that
// is starting or stopping.
func isLost(err error) bool {
	var network net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
		return true
	}
	if p := new(pgconn.PgError); errors.As(err, &p) {
		return strings.HasPrefix(p.Code, "57P") || strings.HasPrefix(p.Code, "08") || p.Code == "53300"
	}
	if m := new(mysql.MySQLError); errors.As(err, &m) {
		return m.Number == 1053 || m.Number == 1040 || m.Number == 1927 // shutdown, too many connections, killed
	}
	return false
}
