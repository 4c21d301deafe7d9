package seed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/api/words"
)

// chunk is the maximum number of rows of one COPY. Until the statement ends,
// PostgreSQL queues a check of each foreign key in memory, about a dozen bytes
// each.
const chunk = 100_000

// loader writes the rows of a plan. users, articles and comments are the
// highest ids that existed before.
type loader struct {
	*plan
	tx                        pgx.Tx
	report                    *progress
	users, articles, comments int
	demo, editor              bool     // whether these usernames are free
	tagTexts                  []string // what articles have each tag as
	newsroom                  Newsroom // what it has added
}

func (l *loader) user(i int) int64    { return int64(l.users + 1 + i) }
func (l *loader) article(i int) int64 { return int64(l.articles + 1 + i) }

// name returns the username of the i-th new user.
func (l *loader) name(i int) string {
	switch {
	case i == 0 && l.demo:
		return demo
	case i == chiefEditor && l.editor:
		return editor
	case l.users > 0:
		return l.username(i, l.users+1+i)
	}
	return l.username(i, 0)
}

func (l *loader) email(i int) string { return l.name(i) + "@example.com" }

func (l *loader) slug(title string, i int) string {
	if l.articles > 0 {
		return slug(title, suffix("-", 0, l.articles+1+i))
	}
	return slug(title, suffix("-", i/l.titles.n, 0))
}

// copy writes the rows of a table in chunks. next fills row and returns false
// if there are no more rows.
func (l *loader) copy(ctx context.Context, table string, total int, columns []string, next func(row []any) bool) error {
	if total == 0 {
		return nil
	}
	row := make([]any, len(columns))
	for sent := 0; sent < total; {
		left := min(chunk, total-sent)
		n, err := l.tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
			if left == 0 {
				return nil, nil
			}
			left--
			if !next(row) {
				return nil, fmt.Errorf("%s ended before row %d", table, total)
			}
			return row, nil
		}))
		if err != nil {
			return fmt.Errorf("copy %s: %w", table, err)
		}
		sent += int(n)
		l.report.rows(table, sent, total)
	}
	l.report.total(table, total)
	return nil
}

func (l *loader) copyUsers(ctx context.Context) error {
	i := 0
	return l.copy(ctx, "users", l.cfg.Users, []string{
		"id", "username", "folded_username", "email", "password_hash", "bio", "image", "articles_count", "favorites_count", "created_at", "updated_at", "last_article_at", "role",
	}, func(row []any) bool {
		created := stamp(l.userTime(i))
		name := l.name(i) // lower-case ASCII, which is its own folded form
		role, bio := l.member(i)
		row[0], row[1], row[2], row[3], row[4], row[5], row[6] = l.user(i), name, name, l.email(i), l.cfg.PasswordHash, bio, l.image(i)
		row[7], row[8], row[9], row[10] = int64(l.articlesOf[i]), int64(l.favoritesOf[i]), created, created
		row[11] = nil
		if l.articlesOf[i] > 0 {
			row[11] = stamp(l.articleTime(int(l.lastArticle[i])))
		}
		row[12] = role
		i++
		return true
	})
}

// nameTags gives the tags their names, as the disabled trigger would have done.
// A tag may have another name or spelling by now.
func (l *loader) nameTags(ctx context.Context) error {
	var names []string
	for i, n := range l.uses {
		if n > 0 {
			names = append(names, tagName(i))
		}
	}
	if _, err := l.tx.Exec(ctx, `INSERT INTO tag_names (folded, name, tag) SELECT fold_tag(t), t, t FROM unnest($1::text[]) AS t ON CONFLICT DO NOTHING`, names); err != nil {
		return fmt.Errorf("tag_names: %w", err)
	}
	rows, err := l.tx.Query(ctx, `SELECT tag_named(t.name) FROM unnest($1::text[]) WITH ORDINALITY AS t (name, i) ORDER BY t.i`, names)
	if err != nil {
		return fmt.Errorf("tag_names: %w", err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("tag_names: %w", err)
	}
	l.tagTexts = make([]string, len(l.uses))
	names = slices.Clone(texts)
	slices.Sort(names)
	if len(slices.Compact(names)) < len(texts) {
		return errors.New("two of the tags have been merged: seed another database")
	}
	for i, n := range l.uses {
		if n > 0 {
			l.tagTexts[i], texts = texts[0], texts[1:]
		}
	}
	return nil
}

func (l *loader) copyArticles(ctx context.Context) error {
	var w writer
	var indexes []int
	tags := make([]string, l.cfg.TagsPerArticle)
	i := 0
	return l.copy(ctx, "articles", l.cfg.Articles, []string{
		"id", "slug", "author_id", "title", "description", "body", "tags", "favorites_count", "version", "created_at", "published_at", "updated_at", "word_count", "reading_minutes",
	}, func(row []any) bool {
		indexes = l.tags(indexes[:0], i)
		for j, tag := range indexes {
			tags[j] = l.tagTexts[tag]
		}
		updated, version := l.edited(i)
		title, description, body := w.article(l.plan, i)
		row[0], row[1], row[2], row[3] = l.article(i), l.slug(title, i), l.user(l.author(i)), title
		counts := words.Count(body)
		row[4], row[5], row[6], row[7] = description, body, tags, int64(l.fans(i).n)
		at := stamp(l.articleTime(i))
		row[8], row[9], row[10], row[11] = int32(version), at, at, stamp(updated)
		row[12], row[13] = counts.Words, counts.Minutes
		i++
		return true
	})
}

func (l *loader) copySlugs(ctx context.Context) error {
	var w writer
	i := 0
	return l.copy(ctx, "article_slugs", l.cfg.Articles, []string{"slug", "article_id"}, func(row []any) bool {
		row[0], row[1] = l.slug(w.title(l.plan, i), i), l.article(i)
		i++
		return true
	})
}

func (l *loader) copyTags(ctx context.Context) error {
	var indexes []int
	i, j := 0, 0
	return l.copy(ctx, "article_tags", l.cfg.Articles*l.cfg.TagsPerArticle, []string{"tag", "article_created_at", "article_id"},
		func(row []any) bool {
			if j == 0 {
				indexes = l.tags(indexes[:0], i)
			}
			row[0], row[1], row[2] = l.tagTexts[indexes[j]], stamp(l.articleTime(i)), l.article(i)
			if j++; j == len(indexes) {
				i, j = i+1, 0
			}
			return true
		})
}

func (l *loader) copyComments(ctx context.Context) error {
	var w writer
	i := 0
	return l.copy(ctx, "comments", l.cfg.Comments, []string{"id", "article_id", "author_id", "body", "created_at", "updated_at"},
		func(row []any) bool {
			article, author, created := l.comment(i)
			row[0], row[1], row[2] = int64(l.comments+1+i), l.article(article), l.user(author)
			row[3], row[4], row[5] = w.remark(l.plan, i, article), stamp(created), stamp(created)
			i++
			return true
		})
}

func (l *loader) copyFavorites(ctx context.Context) error {
	i, j := 0, 0
	var fans pairing
	if l.cfg.Favorites > 0 {
		fans = l.fans(0)
	}
	return l.copy(ctx, "favorites", l.cfg.Favorites, []string{"article_id", "user_id", "article_created_at", "created_at"},
		func(row []any) bool {
			for j == fans.n {
				if i, j = i+1, 0; i == l.cfg.Articles {
					return false
				}
				fans = l.fans(i)
			}
			user := fans.at(j)
			row[0], row[1] = l.article(i), l.user(user)
			row[2], row[3] = stamp(l.articleTime(i)), stamp(l.favoriteTime(i, user))
			j++
			return true
		})
}

func (l *loader) copyFollows(ctx context.Context) error {
	i, j := 0, 0
	var followers pairing
	if l.cfg.Follows > 0 {
		followers = l.followersOf(0)
	}
	return l.copy(ctx, "follows", l.cfg.Follows, []string{"follower_id", "followee_id", "created_at"}, func(row []any) bool {
		for j == followers.n {
			if i, j = i+1, 0; i == l.cfg.Users {
				return false
			}
			followers = l.followersOf(i)
		}
		follower := followers.at(j)
		row[0], row[1], row[2] = l.user(follower), l.user(i), stamp(l.followTime(i, follower))
		j++
		return true
	})
}

// count updates the counters as the disabled triggers would have done. Any slot
// will do, because readers sum the slots.
func (l *loader) count(ctx context.Context) error {
	const add = `INSERT INTO counters AS c (kind, name, slot, value) VALUES ($1, $2, 0, $3)
		ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value`
	var batch pgx.Batch
	if l.cfg.Articles > 0 {
		batch.Queue(add, "articles", "", l.cfg.Articles)
	}
	for tag, n := range l.uses {
		if n > 0 {
			batch.Queue(add, "tag", l.tagTexts[tag], n)
		}
	}
	if err := l.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("counters: %w", err)
	}
	// Not while the rows are generated: the texts would have to be generated for
	// the users, before they are for the articles and comments.
	if _, err := l.tx.Exec(ctx, `
		UPDATE users u SET stored_bytes = u.stored_bytes + s.bytes
		FROM (SELECT author_id, sum(bytes) AS bytes FROM (
				SELECT author_id, article_bytes(title, description, body, tags, details) AS bytes FROM articles WHERE id > $1
				UNION ALL SELECT author_id, octet_length(body) FROM comments WHERE id > $2) t
			GROUP BY author_id) s
		WHERE u.id = s.author_id`, l.articles, l.comments); err != nil {
		return fmt.Errorf("stored text: %w", err)
	}
	return nil
}

// progress writes whole lines only, which are readable on a terminal and in a
// log. Errors of the writer are ignored: the rows matter more than the output.
type progress struct {
	w           io.Writer
	began, last time.Time
}

// rows reports progress within a table, at most every five seconds.
func (p *progress) rows(table string, done, total int) {
	if now := time.Now(); done < total && now.Sub(p.last) >= 5*time.Second {
		p.last = now
		rate := float64(done) / now.Sub(p.began).Seconds()
		p.line(table, fmt.Sprintf("%s of %s rows (%d %%), %s rows/s", group(done), group(total), done*100/total, group(int(rate))))
	}
}

// total reports that a table is complete.
func (p *progress) total(table string, rows int) {
	rate := float64(rows) / max(time.Since(p.began).Seconds(), 1e-6)
	p.step(table, fmt.Sprintf("%s rows, %s rows/s", group(rows), group(int(rate))))
}

// step reports that a step is complete and starts the next one.
func (p *progress) step(name, what string) {
	now := time.Now()
	took := now.Sub(p.began).Round(time.Millisecond).String()
	if what != "" {
		took = what + ", " + took
	}
	p.line(name, took)
	p.began, p.last = now, now
}

func (p *progress) line(name, text string) {
	if p.w != nil {
		_, _ = fmt.Fprintf(p.w, "%-14s %s\n", name, text)
	}
}

// group formats 1234567 as 1,234,567.
func group(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
