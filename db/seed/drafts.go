package seed

import (
	"context"
	"fmt"
	"strings"

	"github.com/byline-api/byline/api/words"
)

// Drafts and threads are around the newest articles, as in a real database:
// those who wrote last have drafts, and conversations are below what is new.
// Unlike a newsroom, they grow with the data set, so that a benchmark can tell
// whether a list of them takes longer when there are more.
const (
	draftsEach = 25 // of each of their authors, so that a page of 20 is full
	olderTexts = 24 // revisions of the last draft of each author
	threadSize = 25 // a comment and its replies
	draftsSpan = 30 * day
)

// latestAuthors returns the authors of the newest articles, the last one first.
func (p *plan) latestAuthors(count int) (authors []int) {
	known := make(map[int]bool, count)
	for i := p.cfg.Articles - 1; i >= 0 && len(authors) < count; i-- {
		if author := p.author(i); !known[author] {
			known[author] = true
			authors = append(authors, author)
		}
	}
	return authors
}

// unpublished is a draft. Its texts are those that an article with its index
// would have.
type unpublished struct {
	*plan
	index, author int
	created       int64
	older         int // revisions before the present text
}

func (p *plan) draft(k int) unpublished {
	d := unpublished{plan: p, index: p.cfg.Articles + k, author: p.drafters[k/draftsEach%len(p.drafters)]}
	from := max(p.until-draftsSpan, p.userTime(d.author))
	d.created = from + scale(p.until-from, 1+k%draftsEach, draftsEach+1)
	if k%draftsEach == draftsEach-1 {
		d.older = olderTexts
	}
	return d
}

// revised returns the time of a revision. The first one has the number 1.
func (d unpublished) revised(number int) int64 {
	return d.created + scale(d.until-d.created, number-1, olderTexts+1)
}

// text returns the texts of a revision. Each has another last sentence.
func (d unpublished) text(w *writer, number int) (title, description, body string) {
	title, description, body = w.article(d.plan, d.index)
	w.r = at(d.cfg.Seed, streamRevision, d.index*(olderTexts+1)+number)
	return title, description, body + "\n" + w.line(sentences[number%len(sentences)]) + "\n"
}

// draftTags returns the tags of a draft as articles have them. They are those of
// the last article of its author.
func (l *loader) draftTags(d unpublished) []string {
	tags := make([]string, 0, l.cfg.TagsPerArticle)
	for _, tag := range l.tags(nil, int(l.lastArticle[d.author])) {
		tags = append(tags, l.tagTexts[tag])
	}
	return tags
}

// olderBytes returns the size of the older texts of a draft.
func (l *loader) olderBytes(w *writer, d unpublished) (bytes int64) {
	for number := 1; number <= d.older; number++ {
		title, description, body := d.text(w, number)
		bytes += int64(len(title) + len(description) + len(body) + len(strings.Join(l.draftTags(d), "")))
	}
	return bytes
}

func (l *loader) copyDrafts(ctx context.Context) error {
	var w writer
	k := 0
	return l.copy(ctx, "articles", l.cfg.Drafts, []string{
		"id", "slug", "author_id", "title", "description", "body", "tags", "status", "hidden", "published_at", "version", "created_at", "updated_at",
		"word_count", "reading_minutes", "revision", "own_revision", "body_revision", "older_bytes",
	}, func(row []any) bool {
		d := l.draft(k)
		number := d.older + 1
		title, description, body := d.text(&w, number)
		counts := words.Count(body)
		row[0], row[1], row[2], row[3] = l.article(d.index), l.slug(title, d.index), l.user(d.author), title
		row[4], row[5], row[6], row[7], row[8], row[9] = description, body, l.draftTags(d), draft, true, nil
		row[10], row[11], row[12] = int32(number), stamp(d.created), stamp(d.revised(number))
		row[13], row[14] = counts.Words, counts.Minutes
		row[15], row[16], row[17], row[18] = int32(number), int32(number), int32(number), l.olderBytes(&w, d)
		k++
		return true
	})
}

// copyTexts writes what else drafts have: slugs and older texts. There have to be
// indexes already, in which a trigger looks for each slug.
func (l *loader) copyTexts(ctx context.Context) error {
	for _, table := range []func(context.Context) error{l.copyDraftSlugs, l.copyRevisions, l.copyBodies, l.countOlder} {
		if err := table(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) copyDraftSlugs(ctx context.Context) error {
	var w writer
	k := 0
	return l.copy(ctx, "draft_slugs", l.cfg.Drafts, []string{"slug", "author_id", "article_id"}, func(row []any) bool {
		d := l.draft(k)
		row[0], row[1], row[2] = l.slug(w.title(l.plan, d.index), d.index), l.user(d.author), l.article(d.index)
		k++
		return true
	})
}

// olderText returns the i-th of all older texts: a draft and the number of a
// revision.
func (l *loader) olderText(i int) (d unpublished, number int) {
	return l.draft((i/olderTexts+1)*draftsEach - 1), 1 + i%olderTexts
}

func (l *loader) copyRevisions(ctx context.Context) error {
	var w writer
	i := 0
	return l.copy(ctx, "article_revisions", l.cfg.Drafts/draftsEach*olderTexts, []string{
		"article_id", "number", "author_id", "created_at", "title", "description", "tags", "body_revision", "published",
	}, func(row []any) bool {
		d, number := l.olderText(i)
		title, description, _ := d.text(&w, number)
		row[0], row[1], row[2], row[3] = l.article(d.index), int32(number), l.user(d.author), stamp(d.revised(number))
		row[4], row[5], row[6], row[7], row[8] = title, description, l.draftTags(d), int32(number), false
		i++
		return true
	})
}

func (l *loader) copyBodies(ctx context.Context) error {
	var w writer
	i := 0
	return l.copy(ctx, "article_bodies", l.cfg.Drafts/draftsEach*olderTexts, []string{"article_id", "number", "body"}, func(row []any) bool {
		d, number := l.olderText(i)
		_, _, row[2] = d.text(&w, number)
		row[0], row[1] = l.article(d.index), int32(number)
		i++
		return true
	})
}

// copyThreads writes comments below the newest articles but the last one, after
// which there is no time. Each thread is a comment with replies.
func (l *loader) copyThreads(ctx context.Context) error {
	var w writer
	k := 0
	return l.copy(ctx, "comments", l.cfg.Replies, []string{"id", "article_id", "author_id", "body", "parent_id", "depth", "created_at", "updated_at"},
		func(row []any) bool {
			thread, n := k/threadSize, k%threadSize
			article := l.cfg.Articles - 1 - (1+thread)%l.cfg.Articles
			began := l.articleTime(article)
			created := began + scale(l.until-began, 1+n, threadSize+1)
			r := at(l.cfg.Seed, streamThread, k)
			index := l.cfg.Comments + k
			row[0], row[1], row[2] = int64(l.comments+1+index), l.article(article), l.user(r.below(l.usersAt(began)))
			row[3], row[4], row[5] = w.remark(l.plan, index, article), nil, int16(1)
			if n > 0 {
				row[4], row[5] = int64(l.comments+1+index-n), int16(2)
			}
			row[6], row[7] = stamp(created), stamp(created)
			k++
			return true
		})
}

// countOlder adds the older texts of drafts to those of their authors, as the
// triggers would have done.
func (l *loader) countOlder(ctx context.Context) error {
	if l.cfg.Drafts == 0 {
		return nil
	}
	_, err := l.tx.Exec(ctx, `
		UPDATE users u SET older_bytes = u.older_bytes + s.bytes
		FROM (SELECT author_id, sum(older_bytes) AS bytes FROM articles WHERE id > $1 AND older_bytes > 0 GROUP BY author_id) s
		WHERE u.id = s.author_id`, l.articles)
	if err != nil {
		return fmt.Errorf("older text: %w", err)
	}
	return nil
}
