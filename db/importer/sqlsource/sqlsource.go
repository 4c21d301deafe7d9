// Package sqlsource reads the live database of an Express backend of the
// RealWorld contract: Prisma or Sequelize, on PostgreSQL or MySQL.
//
// Rows are read in pages by their keys, each in a statement of its own. So no
// transaction stays open on the old database, and memory does not grow. The
// session is read only.
package sqlsource

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/byline-api/byline/db/importer/source"
)

// Source implements source.Source.
type Source struct {
	db      *sql.DB
	dialect dialect
	layout  layout
	where   string
	// articlesAtOnce and rowsAtOnce are the sizes of pages.
	articlesAtOnce, rowsAtOnce int
}

// Open connects to a database and finds the tables of a mapping. What the old
// system is called, such as Prisma, is only for Describe.
func Open(ctx context.Context, address, system string, m Mapping) (*Source, error) {
	conn, err := parseURL(address)
	if err != nil {
		return nil, err
	}
	s := &Source{db: conn.open(), dialect: conn.dialect, where: system + " on " + conn.place, articlesAtOnce: 500, rowsAtOnce: 5000}
	if s.layout, err = s.find(ctx, m); err != nil {
		_ = s.db.Close()
		return nil, err
	}
	return s, nil
}

func (s *Source) find(ctx context.Context, m Mapping) (layout, error) {
	have, err := readSchema(ctx, s.db, s.dialect)
	if err != nil {
		return layout{}, fmt.Errorf("%s: %w", s.where, err)
	}
	return have.resolve(m)
}

// Describe implements source.Source.
func (s *Source) Describe() string { return s.where }

// Close implements source.Source.
func (s *Source) Close() error { return s.db.Close() }

// exact is the number of rows up to which counting them takes no time.
const exact = 1_000_000

// Counts implements source.Source. Large tables are estimated.
func (s *Source) Counts(ctx context.Context) (source.Counts, error) {
	counts := source.Counts{}
	for kind, table := range map[source.Kind]string{
		source.Users: s.layout.users.table, source.Articles: s.layout.articles.table, source.Comments: s.layout.comments.table,
		source.Favorites: s.layout.favorites.table, source.Follows: s.layout.follows.table,
	} {
		var n sql.NullInt64
		if err := s.db.QueryRowContext(ctx, s.dialect.estimate(), table).Scan(&n); err != nil {
			return nil, err
		}
		if n.Int64 < exact {
			if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM "+s.dialect.quote(table)).Scan(&n); err != nil {
				return nil, err
			}
		}
		counts[kind] = n.Int64
	}
	return counts, nil
}

// table is a table that is read in pages by its key.
type table[R any] struct {
	name    string
	key     column
	changed column   // by which Range.Since is applied; none if it has no name
	columns []string // expressions
	// row makes a row of the values, in the order of the columns.
	row  func(values []value) R
	key0 func(R) string
	size int
	// complete adds what other tables have to the rows of a page.
	complete func(ctx context.Context, rows []R, after, last string) error
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
		for after := r.After; ; {
			var rows []R
			err := s.again(ctx, func() (err error) {
				rows, err = page(ctx, s, t, after, r.Since)
				if err != nil || len(rows) == 0 || t.complete == nil {
					return err
				}
				return t.complete(ctx, rows, after, t.key0(rows[len(rows)-1]))
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
			if len(rows) < t.size {
				return
			}
			after = t.key0(rows[len(rows)-1])
		}
	}
}

// page reads the rows behind a key.
func page[R any](ctx context.Context, s *Source, t table[R], after string, since time.Time) ([]R, error) {
	d := s.dialect
	var where []string
	var args []any
	if after != "" {
		args = append(args, after)
		where = append(where, d.quote(t.key.name)+" > "+d.bind(len(args), t.key))
	}
	if !since.IsZero() && t.changed.name != "" {
		args = append(args, since.UTC().Format("2006-01-02 15:04:05.000"))
		where = append(where, d.quote(t.changed.name)+" >= "+d.bind(len(args), t.changed))
	}
	query := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + d.quote(t.name) + " r"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	// The name alone would be that of the text in the result.
	return scan(ctx, s, fmt.Sprintf("%s ORDER BY r.%s LIMIT %d", query, d.quote(t.key.name), t.size), args, len(t.columns), t.row)
}

// scan reads rows of texts and times.
func scan[R any](ctx context.Context, s *Source, query string, args []any, columns int, row func([]value) R) ([]R, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []R
	raw, values := make([]any, columns), make([]value, columns)
	to := make([]any, columns)
	for i := range raw {
		to[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		for i, v := range raw {
			values[i] = value{}
			switch v := v.(type) {
			case nil:
			case time.Time:
				values[i].time = v
			case []byte:
				text := string(v)
				values[i].text = &text
			case string:
				values[i].text = &v
			default:
				text := fmt.Sprint(v)
				values[i].text = &text
			}
		}
		all = append(all, row(values))
	}
	return all, rows.Err()
}

// text and time return the expression of a column, and NULL if there is none.
func (s *Source) text(c column) string {
	if c.name == "" {
		return "NULL"
	}
	return s.dialect.text(c)
}

func (s *Source) time(c column) string {
	if c.name == "" {
		return "NULL"
	}
	return s.dialect.time(c)
}

// changed is the column that says when a row has changed.
func changed(updated, created column) column {
	if updated.name != "" {
		return updated
	}
	return created
}

// Users implements source.Source.
func (s *Source) Users(ctx context.Context, r source.Range) iter.Seq2[source.User, error] {
	l := s.layout.users
	return pages(ctx, s, table[source.User]{
		name: l.table, key: l.key, size: s.rowsAtOnce,
		changed: l.updatedAt, // one without it would miss a change of the password
		columns: []string{s.text(l.key), s.text(l.username), s.text(l.email), s.text(l.password), s.text(l.bio), s.text(l.image), s.text(l.role), s.time(l.createdAt), s.time(l.updatedAt)},
		key0:    func(u source.User) string { return u.Key },
		row: func(v []value) source.User {
			return source.User{
				Row: source.Row{Key: v[0].string(), Position: v[0].string()}, Username: v[1].string(), Email: v[2].string(), PasswordHash: v[3].string(),
				Bio: v[4].text, Image: v[5].text, Role: v[6].string(), CreatedAt: v[7].time, UpdatedAt: v[8].time,
			}
		},
	}, r)
}

// Articles implements source.Source. Articles whose tags alone have changed are
// found by Range.Since only if that changes the article's updatedAt too, as
// Prisma and Sequelize do when the article is saved.
func (s *Source) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	l := s.layout.articles
	return pages(ctx, s, table[source.Article]{
		name: l.table, key: l.key, size: s.articlesAtOnce, changed: changed(l.updatedAt, column{}), complete: s.addTags,
		columns: []string{
			s.text(l.key), s.text(l.author), s.text(l.slug), s.text(l.title), s.text(l.description), s.text(l.body), s.text(l.tagList), s.text(l.draft),
			s.time(l.createdAt), s.time(l.updatedAt), s.time(l.publishedAt),
		},
		key0: func(a source.Article) string { return a.Key },
		row: func(v []value) source.Article {
			return source.Article{
				Row: source.Row{Key: v[0].string(), Position: v[0].string()}, AuthorKey: v[1].string(), Slug: v[2].string(), Title: v[3].string(),
				Description: v[4].string(), Body: v[5].string(), Tags: tagList(v[6].string()), Draft: isTrue(v[7].string()),
				CreatedAt: v[8].time, UpdatedAt: v[9].time, PublishedAt: v[10].time,
			}
		},
	}, r)
}

// tagList reads a column with all tags of an article.
func tagList(text string) []string {
	var tags []string
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &tags) == nil {
		return tags
	}
	for tag := range strings.SplitSeq(text, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "true", "t", "1", "\x01", "draft":
		return true
	}
	return false
}

// addTags reads the tags of a page of articles, in their order.
func (s *Source) addTags(ctx context.Context, articles []source.Article, after, last string) error {
	l, t, d := s.layout.articleTags, s.layout.tags, s.dialect
	if l.table == "" {
		return nil
	}
	where, args := []string{}, []any{}
	if after != "" {
		args = append(args, after)
		where = append(where, "j."+d.quote(l.article.name)+" > "+d.bind(len(args), s.layout.articles.key))
	}
	args = append(args, last)
	where = append(where, "j."+d.quote(l.article.name)+" <= "+d.bind(len(args), s.layout.articles.key))
	order := "t." + d.quote(t.key.name)
	if l.order.name != "" {
		order = "j." + d.quote(l.order.name)
	}
	query := fmt.Sprintf("SELECT %s, %s FROM (SELECT j.%s AS article, t.%s AS name, %s AS position FROM %s j JOIN %s t ON t.%s = j.%s WHERE %s) x ORDER BY article, position",
		d.text(column{"article", l.article.kind}), d.text(column{"name", t.name.kind}),
		d.quote(l.article.name), d.quote(t.name.name), order, d.quote(l.table), d.quote(t.table), d.quote(t.key.name), d.quote(l.tag.name), strings.Join(where, " AND "))
	type pair struct{ article, tag string }
	pairs, err := scan(ctx, s, query, args, 2, func(v []value) pair { return pair{v[0].string(), v[1].string()} })
	if err != nil {
		return err
	}
	tags := make(map[string][]string, len(articles))
	for _, p := range pairs {
		tags[p.article] = append(tags[p.article], p.tag)
	}
	for i := range articles {
		articles[i].Tags = tags[articles[i].Key]
	}
	return nil
}

// Comments implements source.Source.
func (s *Source) Comments(ctx context.Context, r source.Range) iter.Seq2[source.Comment, error] {
	l := s.layout.comments
	return pages(ctx, s, table[source.Comment]{
		name: l.table, key: l.key, size: s.rowsAtOnce, changed: changed(l.updatedAt, l.createdAt),
		columns: []string{s.text(l.key), s.text(l.article), s.text(l.author), s.text(l.parent), s.text(l.body), s.time(l.createdAt), s.time(l.updatedAt)},
		key0:    func(c source.Comment) string { return c.Key },
		row: func(v []value) source.Comment {
			return source.Comment{
				Row: source.Row{Key: v[0].string(), Position: v[0].string()}, ArticleKey: v[1].string(), AuthorKey: v[2].string(), ParentKey: v[3].string(),
				Body: v[4].string(), CreatedAt: v[5].time, UpdatedAt: v[6].time,
			}
		},
	}, r)
}
