package sqlsource

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db/importer/source"
)

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
		name: l.table, key: l.key, size: s.limits.rows,
		deleted: l.deletedAt,
		changed: l.updatedAt, // one without it would miss a change of the password
		columns: []string{s.key(l.key), s.text(l.username), s.text(l.email), s.text(l.password), s.text(l.bio), s.text(l.image), s.text(l.role), s.time(l.createdAt), s.time(l.updatedAt), s.text(l.salt)},
		keyOf:   func(u source.User) string { return u.Key },
		row: func(v []value) source.User {
			return source.User{
				Row: source.Row{Key: v[0].string(), Position: v[0].string()}, Username: v[1].string(), Email: v[2].string(), PasswordHash: hashOf(v[3].string(), v[9].string()),
				Bio: v[4].text, Image: v[5].text, Role: v[6].string(), CreatedAt: s.moment(l.createdAt, v[7]), UpdatedAt: s.moment(l.updatedAt, v[8]),
			}
		},
	}, r)
}

// hashOf returns a password hash. Backends of the contract that do not use bcrypt
// store PBKDF2 with 10,000 iterations in hexadecimal, and the salt beside it.
func hashOf(hash, salt string) string {
	if _, err := hex.DecodeString(hash); salt == "" || hash == "" || err != nil {
		return hash
	}
	return auth.FormatPBKDF2(10_000, salt, hash)
}

// Articles implements source.Source. Range.Since compares updatedAt, which the old
// system sets: an article whose tags alone have changed is found only if the old
// system sets it then too. The two well-known backends do, or do not change tags.
// Without a column updatedAt all articles are returned.
func (s *Source) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	l := s.layout.articles
	return pages(ctx, s, table[source.Article]{
		name: l.table, key: l.key, size: s.limits.articles, changed: changed(l.updatedAt, column{}), deleted: l.deletedAt, complete: s.addTags,
		columns: []string{
			s.key(l.key), s.key(l.author), s.text(l.slug), s.text(l.title), s.text(l.description), s.text(l.body), s.text(l.tagList), s.text(l.draft),
			s.time(l.createdAt), s.time(l.updatedAt), s.time(l.publishedAt),
		},
		keyOf: func(a source.Article) string { return a.Key },
		row: func(v []value) source.Article {
			return source.Article{
				Row: source.Row{Key: v[0].string(), Position: v[0].string()}, AuthorKey: v[1].string(), Slug: v[2].string(), Title: v[3].string(),
				Description: v[4].string(), Body: v[5].string(), Tags: tagList(v[6].string()), Draft: isTrue(v[7].string()),
				CreatedAt: s.moment(l.createdAt, v[8]), UpdatedAt: s.moment(l.updatedAt, v[9]), PublishedAt: s.moment(l.publishedAt, v[10]),
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
func (s *Source) addTags(ctx context.Context, articles []source.Article) error {
	l, t, d := s.layout.articleTags, s.layout.tags, s.dialect
	if l.table == "" {
		return nil
	}
	args, keys := make([]any, len(articles)), make([]string, len(articles))
	for i, a := range articles {
		args[i], keys[i] = a.Key, d.bind(i+1, l.article.kind)
	}
	name, order, join := s.text(l.tag), s.name(l.tag), ""
	if t.table != "" {
		name, order = d.text("t."+d.quote(t.name.name), t.name.kind), "t."+d.quote(t.key.name)
		join = fmt.Sprintf(" JOIN %s t ON t.%s = %s", d.quote(t.table), d.quote(t.key.name), s.name(l.tag))
	}
	if l.order.name != "" {
		order = s.name(l.order) + ", " + order
	}
	type pair struct{ article, tag string }
	pairs, _, err := scan(ctx, s, fmt.Sprintf("SELECT %s, %s FROM %s r%s WHERE %s IN (%s) ORDER BY %s, %s", s.key(l.article), name,
		d.quote(l.table), join, s.name(l.article), strings.Join(keys, ", "), s.name(l.article), order), args, 2, 0,
		func(v []value) pair { return pair{v[0].string(), v[1].string()} })
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
		name: l.table, key: l.key, size: s.limits.rows, changed: changed(l.updatedAt, l.createdAt), deleted: l.deletedAt,
		columns: []string{s.key(l.key), s.key(l.article), s.key(l.author), s.key(l.parent), s.text(l.body), s.time(l.createdAt), s.time(l.updatedAt)},
		keyOf:   func(c source.Comment) string { return c.Key },
		row: func(v []value) source.Comment {
			return source.Comment{
				Row: source.Row{Key: v[0].string(), Position: v[0].string()}, ArticleKey: v[1].string(), AuthorKey: v[2].string(), ParentKey: v[3].string(),
				Body: v[4].string(), CreatedAt: s.moment(l.createdAt, v[5]), UpdatedAt: s.moment(l.updatedAt, v[6]),
			}
		},
	}, r)
}
