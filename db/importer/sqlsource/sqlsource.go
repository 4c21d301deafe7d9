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
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byline-api/byline/db/importer/source"
)

// Source implements source.Source.
type Source struct {
	db      *sql.DB
	dialect dialect
	layout  layout
	where   string
	limits  limits
	zone    *time.Location // of columns whose times have none
}

// limits are the sizes of pages. Bytes are those of texts, and end a page that has
// at least a row.
type limits struct{ rows, articles, pairs, keys, bytes int }

// standard are the usual limits. Pages of pairs are large because the order need
// not be that of an index, and then each page sorts the table.
var standard = limits{rows: 5000, articles: 500, pairs: 20_000, keys: 20_000, bytes: 16 << 20}

// Open connects to a database and finds the tables of a mapping. What the old
// system is called, such as Prisma, is only for Describe.
func Open(ctx context.Context, address, system string, m Mapping) (*Source, error) {
	conn, err := parseURL(address)
	if err != nil {
		return nil, err
	}
	s := &Source{db: conn.open(), dialect: conn.dialect, where: system + " on " + conn.place, limits: standard, zone: time.UTC}
	if m.Zone != nil {
		s.zone = m.Zone
	}
	if err := s.find(ctx, m); err != nil {
		_ = s.db.Close()
		return nil, fmt.Errorf("%s: %w", s.where, err)
	}
	return s, nil
}

// find fills in the layout.
func (s *Source) find(ctx context.Context, m Mapping) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	have, err := readSchema(ctx, s.db, s.dialect)
	if err != nil {
		return explain(err)
	}
	var missing []string
	if s.layout, missing = have.resolve(m); len(missing) > 0 {
		text := "the database is not as the mapping says:\n  " + strings.Join(missing, "\n  ") + "\nthe tables are " + strings.Join(have.tables(), ", ")
		if other := have.better(len(missing)); other != "" {
			return errors.New(text + other)
		}
		return errors.New(text + "\nchange the mapping: byline import mapping prints it, and --mapping reads it")
	}
	sorted, err := readIndexes(ctx, s.db, s.dialect)
	if err != nil {
		return err
	}
	s.layout.favorites.choose(sorted)
	s.layout.follows.choose(sorted)
	return nil
}

// reachTime bounds the first connection.
const reachTime = 10 * time.Second

// reach connects for the first time. A server that speaks another protocol may
// wait for something, as this side does.
func (s *Source) reach(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	err := s.db.PingContext(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the old database does not answer within %s: is another kind of database, or something else, at this address?", reachTime)
	}
	return nil // readSchema says why
}

// explain says what to do about the refusal of a pooler, which takes no settings
// of a session.
func explain(err error) error {
	if p := new(pgconn.PgError); errors.As(err, &p) && strings.Contains(p.Message, "startup parameter") {
		return fmt.Errorf("%w: this is the address of a pooler such as PgBouncer; give that of the database (directUrl of Prisma)", err)
	}
	return err
}

// better returns what to say about a mapping that is built in and lacks less than
// another one, of which so many names are missing.
func (s schema) better(missing int) string {
	text := ""
	for _, preset := range Presets {
		m, err := Parse(preset, nil)
		if err != nil {
			continue
		}
		l, lacks := s.resolve(m)
		switch {
		case len(lacks) == 0:
			return "\nthe database is as the mapping " + preset + " says: use byline import " + preset + ", without other names in a file of --mapping"
		case len(lacks) < missing && l.users.table != "" && l.articles.table != "":
			missing = len(lacks)
			text = fmt.Sprintf("\nthe mapping %s fits better, of which this is missing: use byline import %s with changes\n  %s", preset, preset, strings.Join(lacks, "\n  "))
		}
	}
	return text
}

// Describe implements source.Source.
func (s *Source) Describe() string { return s.where }

// HasIDs implements source.Source. A table may have no other key than the names.
func (s *Source) HasIDs() bool {
	u := s.layout.users
	return u.key.name != u.username.name && u.key.name != u.email.name
}

// WithoutZone returns a column whose times have no zone, as table.column, and ""
// if there is none. Such times are taken for those of Mapping.Zone.
func (s *Source) WithoutZone() string {
	for _, t := range []struct {
		table   string
		columns []column
	}{
		{s.layout.users.table, []column{s.layout.users.createdAt, s.layout.users.updatedAt}},
		{s.layout.articles.table, []column{s.layout.articles.createdAt, s.layout.articles.updatedAt, s.layout.articles.publishedAt}},
		{s.layout.comments.table, []column{s.layout.comments.createdAt, s.layout.comments.updatedAt}},
	} {
		for _, c := range t.columns {
			if c.name != "" && !hasZone(s.dialect, c.kind) {
				return t.table + "." + c.name
			}
		}
	}
	return ""
}

// Origin implements source.Source.
func (s *Source) Origin() string { return s.where }

// Close implements source.Source.
func (s *Source) Close() error { return s.db.Close() }

// exact is the number of rows up to which counting them takes no time.
const exact = 1_000_000

// Counts implements source.Source. Large tables are estimated.
func (s *Source) Counts(ctx context.Context) (source.Counts, error) {
	counts := source.Counts{}
	l := s.layout
	for kind, t := range map[source.Kind]struct {
		table   string
		deleted column
	}{
		source.Users: {l.users.table, l.users.deletedAt}, source.Articles: {l.articles.table, l.articles.deletedAt},
		source.Comments: {l.comments.table, l.comments.deletedAt}, source.Favorites: {l.favorites.table, l.favorites.deletedAt},
		source.Follows: {l.follows.table, l.follows.deletedAt},
	} {
		if t.table == "" {
			counts[kind] = 0
			continue
		}
		var n sql.NullInt64
		if err := s.again(ctx, func() error {
			err := s.db.QueryRowContext(ctx, s.dialect.estimate(), t.table).Scan(&n)
			if err == nil && n.Int64 < exact {
				query := "SELECT count(*) FROM " + s.dialect.quote(t.table) + " r"
				if t.deleted.name != "" {
					query += " WHERE " + s.name(t.deleted) + " IS NULL"
				}
				err = s.db.QueryRowContext(ctx, query).Scan(&n)
			}
			return err
		}); err != nil {
			return nil, err
		}
		counts[kind] = n.Int64
	}
	return counts, nil
}
