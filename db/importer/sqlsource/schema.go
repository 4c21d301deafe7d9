package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// column is a column of the old database.
type column struct{ name, kind string }

// schema is what a database has: its tables and their columns.
type schema map[string][]column

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
	return s, rows.Err()
}

// fold makes names the same that differ in case, underscores or a plural s.
func fold(name string) string {
	folded := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if len(folded) > 1 {
		folded = strings.TrimSuffix(folded, "s")
	}
	return folded
}

// table returns the first table that exists. A name as it is written comes before
// one that is only similar.
func (s schema) table(names Names) string {
	for _, same := range []func(a, b string) bool{
		func(a, b string) bool { return a == b },
		func(a, b string) bool { return fold(a) == fold(b) },
	} {
		for _, name := range names {
			for _, have := range s.tables() {
				if same(have, name) {
					return have
				}
			}
		}
	}
	return ""
}

func (s schema) tables() []string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// column returns the first column that exists in a table.
func (s schema) column(table string, names Names) (column, bool) {
	for _, same := range []func(a, b string) bool{
		func(a, b string) bool { return a == b },
		func(a, b string) bool { return fold(a) == fold(b) },
	} {
		for _, name := range names {
			for _, have := range s[table] {
				if same(have.name, name) {
					return have, true
				}
			}
		}
	}
	return column{}, false
}

// resolver finds the columns of a mapping, and collects what is missing.
type resolver struct {
	schema  schema
	table   string
	missing []string
}

func (r *resolver) enter(what string, names Names) {
	r.table = r.schema.table(names)
	if r.table == "" && len(names) > 0 {
		r.missing = append(r.missing, fmt.Sprintf("%s: there is no table %s", what, strings.Join(names, " or ")))
	}
}

// need returns a column that must exist.
func (r *resolver) need(what string, names Names) column {
	c, found := r.schema.column(r.table, names)
	if !found && r.table != "" {
		have := make([]string, len(r.schema[r.table]))
		for i, c := range r.schema[r.table] {
			have[i] = c.name
		}
		r.missing = append(r.missing, fmt.Sprintf("%s: the table %s has no column %s; it has %s", what, r.table, strings.Join(names, " or "), strings.Join(have, ", ")))
	}
	return c
}

// may returns a column that need not exist.
func (r *resolver) may(names Names) column {
	c, _ := r.schema.column(r.table, names)
	return c
}

// layout is a mapping with the names that the database has.
type layout struct {
	users struct {
		table                                                                  string
		key, username, email, password, bio, image, role, createdAt, updatedAt column
	}
	articles struct {
		table                                                                                          string
		key, author, slug, title, description, body, tagList, draft, createdAt, updatedAt, publishedAt column
	}
	comments struct {
		table                                                    string
		key, article, author, parent, body, createdAt, updatedAt column
	}
	tags struct {
		table     string
		key, name column
	}
	articleTags struct {
		table               string
		article, tag, order column
	}
	favorites pairTable
	follows   pairTable
}

// pairTable is a table of favorites or follows.
type pairTable struct {
	table                    string
	first, second, createdAt column
}

// resolve finds the tables and columns of a mapping.
func (s schema) resolve(m Mapping) (l layout, err error) {
	r := &resolver{schema: s}
	r.enter("users", m.Users.Table)
	u := &l.users
	u.table, u.key, u.username, u.email = r.table, r.need("users.key", m.Users.Key), r.need("users.username", m.Users.Username), r.need("users.email", m.Users.Email)
	u.password = r.need("users.password", m.Users.Password)
	u.bio, u.image, u.role, u.createdAt, u.updatedAt = r.may(m.Users.Bio), r.may(m.Users.Image), r.may(m.Users.Role), r.may(m.Users.CreatedAt), r.may(m.Users.UpdatedAt)

	r.enter("articles", m.Articles.Table)
	a := &l.articles
	a.table, a.key, a.author, a.slug = r.table, r.need("articles.key", m.Articles.Key), r.need("articles.author", m.Articles.Author), r.need("articles.slug", m.Articles.Slug)
	a.title, a.description, a.body = r.need("articles.title", m.Articles.Title), r.need("articles.description", m.Articles.Description), r.need("articles.body", m.Articles.Body)
	a.tagList, a.draft = r.may(m.Articles.TagList), r.may(m.Articles.Draft)
	a.createdAt, a.updatedAt, a.publishedAt = r.may(m.Articles.CreatedAt), r.may(m.Articles.UpdatedAt), r.may(m.Articles.PublishedAt)

	r.enter("comments", m.Comments.Table)
	c := &l.comments
	c.table, c.key, c.article, c.author = r.table, r.need("comments.key", m.Comments.Key), r.need("comments.article", m.Comments.Article), r.need("comments.author", m.Comments.Author)
	c.parent, c.body, c.createdAt, c.updatedAt = r.may(m.Comments.Parent), r.need("comments.body", m.Comments.Body), r.may(m.Comments.CreatedAt), r.may(m.Comments.UpdatedAt)

	if l.articles.tagList.name == "" {
		r.enter("tags", m.Tags.Table)
		l.tags.table, l.tags.key, l.tags.name = r.table, r.need("tags.key", m.Tags.Key), r.need("tags.name", m.Tags.Name)
		r.enter("articleTags", m.ArticleTags.Table)
		t := &l.articleTags
		t.table, t.article, t.tag, t.order = r.table, r.need("articleTags.article", m.ArticleTags.Article), r.need("articleTags.tag", m.ArticleTags.Tag), r.may(m.ArticleTags.Order)
		if strings.EqualFold(t.tag.name, "tagname") { // Sequelize: the name is the key
			l.tags.key = l.tags.name
		}
	}
	r.enter("favorites", m.Favorites.Table)
	l.favorites = pairTable{r.table, r.need("favorites.article", m.Favorites.Article), r.need("favorites.user", m.Favorites.User), r.may(m.Favorites.CreatedAt)}
	r.enter("follows", m.Follows.Table)
	l.follows = pairTable{r.table, r.need("follows.follower", m.Follows.Follower), r.need("follows.followee", m.Follows.Followee), r.may(m.Follows.CreatedAt)}
	if len(r.missing) > 0 {
		return l, errors.New("the database is not as the mapping says:\n  " + strings.Join(r.missing, "\n  ") +
			"\nthe tables are " + strings.Join(s.tables(), ", ") + "\nchange the mapping: byline import mapping prints it, and --mapping reads it")
	}
	return l, nil
}
