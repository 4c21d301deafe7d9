package importer

import (
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/db/importer/source"
)

// table says how the rows of a kind are compared.
type table[R any] struct {
	kind   source.Kind
	fields []string
	// row returns the key, the key of the author or "", and the values of the
	// fields as they are stored here. Values of references are keys.
	row func(v *verifier, j *judge, r R) (key, author string, values []string)
	// here reads the values from the database, for ids $1. References are ids.
	here string
	// references has the kinds of fields that refer to other rows.
	references map[string]source.Kind
	// copies has the fields that get the value of another one if the old system
	// has none. What a rule has changed there has changed here too.
	copies map[string]string
}

// anything is the value of a field that the old system does not have.
const anything = "\x00"

var userTable = table[source.User]{
	kind:   source.Users,
	fields: []string{"username", "email", "password", "bio", "image", "createdAt", "updatedAt", "role", "suspendedAt"},
	row: func(_ *verifier, j *judge, u source.User) (string, string, []string) {
		a := judgeUser(j, u)
		if u.Role == "" {
			a.role = anything
		}
		return u.Key, "", []string{a.username, a.email, a.hash, nullable(a.bio), nullable(a.image), stamp(a.created), stamp(a.updated), a.role, stampOf(a.suspended)}
	},
	here: `SELECT id, username, email, password_hash, CASE WHEN bio IS NULL THEN '-' ELSE '+' || bio END, CASE WHEN image IS NULL THEN '-' ELSE '+' || image END,
		` + utc("created_at") + `, ` + utc("updated_at") + `, role, COALESCE(` + utc("suspended_at") + `, '') FROM users WHERE id = ANY ($1)`,
}

var articleTable = table[source.Article]{
	kind:   source.Articles,
	fields: []string{"author", "slug", "title", "description", "body", "tagList", "createdAt", "updatedAt", "draft", "publishedAt", "language", "cover", "canonical"},
	row: func(v *verifier, j *judge, r source.Article) (string, string, []string) {
		a := judgeArticle(j, r)
		tags := (&writing{run: v.run}).tagsOf(j, r.Tags)
		published := ""
		if !a.Draft {
			published = stamp(a.PublishedAt)
		}
		values := []string{r.AuthorKey, a.Slug, a.Title, a.Description, a.Body, strings.Join(tags, "\x01"), stamp(a.CreatedAt), stamp(a.UpdatedAt),
			strconv.FormatBool(a.Draft), published}
		return r.Key, r.AuthorKey, append(values, a.members.values()...)
	},
	here: `SELECT id, author_id::text, slug, title, description, body, array_to_string(tags, E'\x01'), ` + utc("created_at") + `, ` + utc("updated_at") + `,
		CASE status WHEN 'draft' THEN 'true' WHEN 'published' THEN 'false' ELSE status END, COALESCE(` + utc("published_at") + `, ''),
		COALESCE(details->>'language', ''), COALESCE(details->'coverImage'->>'url', ''), COALESCE(details->>'canonicalUrl', '')
		FROM articles WHERE id = ANY ($1)`,
	references: map[string]source.Kind{"author": source.Users},
	copies:     map[string]string{"publishedAt": "createdAt"},
}

var commentTable = table[source.Comment]{
	kind:   source.Comments,
	fields: []string{"author", "article", "parent", "body", "createdAt", "updatedAt"},
	row: func(_ *verifier, j *judge, r source.Comment) (string, string, []string) {
		c := judgeComment(j, r)
		return r.Key, r.AuthorKey, []string{r.AuthorKey, r.ArticleKey, r.ParentKey, c.Body, stamp(c.CreatedAt), stamp(c.UpdatedAt)}
	},
	here: `SELECT id, COALESCE(author_id::text, ''), article_id::text, COALESCE(parent_id::text, ''), body, ` + utc("created_at") + `, ` + utc("updated_at") + `
		FROM comments WHERE id = ANY ($1)`,
	references: map[string]source.Kind{"author": source.Users, "article": source.Articles, "parent": source.Comments},
}

// utc formats a column as stamp does.
func utc(column string) string {
	return `to_char(` + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}

// stampOf is stamp for a time that need not be known.
func stampOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return stamp(*t)
}

func nullable(s *string) string {
	if s == nil {
		return "-"
	}
	return "+" + *s
}
