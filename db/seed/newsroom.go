package seed

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/api/words"
)

// The smallest data set that has a newsroom.
const (
	newsroomUsers    = 20
	newsroomArticles = 50
)

// Newsroom describes the rows of a newsroom. Its articles, comments and
// favorites are in addition to the numbers of Config.
type Newsroom struct {
	Articles, Comments, Favorites int

	// Of its articles: how many have each of these states. The others are
	// published.
	Drafts, InReview, Scheduled int

	Series, Reports int

	// Email belongs to an editor. Its name is editor, unless that was taken.
	Email string
}

// hasNewsroom reports whether the data set has a newsroom.
func (cfg Config) hasNewsroom() bool {
	return cfg.Newsroom && cfg.Users >= newsroomUsers && cfg.Articles >= newsroomArticles
}

// member returns the role of a user, and the bio of those in the newsroom.
func (p *plan) member(i int) (role string, bio *string) {
	if m, found := members[i]; found && p.cfg.hasNewsroom() {
		return m.role, &m.bio
	}
	return "author", p.bio(i)
}

// day returns the time that is a number of days before the end, in
// milliseconds.
func (p *plan) day(n float64) int64 { return p.until - int64(n*day) }

// articleOf returns an article that was published about a number of days before
// the end.
func (p *plan) articleOf(days float64) int {
	return max(passed(p.day(days), p.cfg.Articles, p.until-articleSpan, p.until), 1) - 1
}

// newsroom writes what editors and moderators work with: drafts, revisions,
// series, threads and reports. Their number does not depend on the size of the
// data set, so they are not sent by COPY, and the triggers count them.
type newsroom struct {
	*loader
	Newsroom
	batch  pgx.Batch
	random random
	texts  map[string]*text // of the pieces, by their last titles
}

// text is a piece as it is in the database.
type text struct {
	*piece
	id                       int64
	title, description, body string
}

// write writes the newsroom. The triggers must be enabled.
func (n *newsroom) write(ctx context.Context) error {
	n.random = at(n.cfg.Seed, streamNewsroom, 0)
	n.texts = make(map[string]*text, len(pieces))
	seriesIDs, err := n.createSeries(ctx)
	if err != nil {
		return err
	}
	groups := make(map[int]int64)
	var due []*text
	for i := range pieces {
		t := &text{piece: &pieces[i], id: n.article(n.cfg.Articles + n.cfg.Drafts + i)}
		if t.group > 0 && groups[t.group] == 0 {
			var id int64
			if err := n.tx.QueryRow(ctx, `SELECT nextval('translation_groups')`).Scan(&id); err != nil {
				return fmt.Errorf("translations: %w", err)
			}
			groups[t.group] = id
		}
		var series int64
		if t.series > 0 {
			series = seriesIDs[t.series-1]
		}
		n.addPiece(t, series, groups[t.group])
		if t.status == scheduled {
			due = append(due, t)
		}
	}
	n.correct()
	n.addWorkingCopies()
	n.describeTags()
	if n.cfg.Comments > 0 {
		n.addThreads()
		n.addAnswers()
	}
	n.addReports()
	// Triggers count in any slot. The rows are the same each time if there is
	// only one.
	n.batch.Queue(`
		WITH moved AS (DELETE FROM counters WHERE slot <> 0 RETURNING kind, name, value)
		INSERT INTO counters AS c (kind, name, slot, value) SELECT kind, name, 0, sum(value) FROM moved GROUP BY kind, name
		ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value`)
	if err := n.tx.SendBatch(ctx, &n.batch).Close(); err != nil {
		return err
	}
	for _, t := range due {
		if err := n.cfg.Schedule(ctx, n.tx, t.id, stamp(n.day(t.published))); err != nil {
			return fmt.Errorf("schedule an article: %w", err)
		}
	}
	n.Email = n.email(chiefEditor)
	return nil
}

func (n *newsroom) createSeries(ctx context.Context) ([]int64, error) {
	ids := make([]int64, len(seriesList))
	for i, s := range seriesList {
		first := slices.IndexFunc(pieces, func(p piece) bool { return p.series == i+1 })
		created := stamp(n.day(pieces[first].written + 1))
		err := n.tx.QueryRow(ctx, `INSERT INTO series (slug, title, description, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) RETURNING id`,
			n.uniqueSlug(s.title, n.article(n.cfg.Articles+n.cfg.Drafts)), s.title, s.description, created).Scan(&ids[i])
		if err != nil {
			return nil, fmt.Errorf("series: %w", err)
		}
		n.Series++
	}
	return ids, nil
}

// addPiece inserts an article with its edits. Those of the draft come before it
// gets its status.
func (n *newsroom) addPiece(t *text, series, group int64) {
	n.Articles++
	t.title, t.description, t.body = t.piece.title, t.piece.description, t.piece.body
	early := 0
	for _, e := range t.edits {
		if t.status != published || e.day > t.published {
			early++
		}
	}
	var publishedAt, details any
	if t.status == published || t.status == scheduled {
		publishedAt = stamp(n.day(t.published))
	}
	if t.language != "" {
		details = `{"language":"` + t.language + `"}`
	}
	status, created := t.status, n.day(t.written)
	if status == published {
		created = n.day(t.published)
	}
	at := publishedAt
	if early > 0 {
		status, created, at = draft, n.day(t.written), nil
	}
	slug, counts := n.pieceSlug(t), words.Count(t.body)
	n.batch.Queue(`
		INSERT INTO articles (id, slug, author_id, title, description, body, tags, details, word_count, reading_minutes, status, hidden, published_at,
			created_at, updated_at, series_id, series_position, translation_group)
		OVERRIDING SYSTEM VALUE
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11 <> 'published', $12, $13, $13, NULLIF($14::bigint, 0), NULLIF($15::integer, 0), NULLIF($16::bigint, 0))`,
		t.id, slug, n.user(t.author), t.title, t.description, t.body, n.tagsOf(t), details, counts.Words, counts.Minutes, status, at, stamp(created),
		series, t.part, group)
	for _, e := range t.edits[:early] {
		n.edit(t, e)
	}
	if status != t.status {
		n.batch.Queue(`UPDATE articles SET status = $2, hidden = $2 <> 'published', published_at = $3, version = version + 1 WHERE id = $1`, t.id, t.status, publishedAt)
	}
	switch t.status {
	case draft:
		n.Drafts++
	case review:
		n.InReview++
	case scheduled:
		n.Scheduled++
	}
	if t.status == published {
		n.batch.Queue(`INSERT INTO article_slugs (slug, article_id) VALUES ($1, $2)`, slug, t.id)
		n.favor(t)
	} else {
		n.batch.Queue(`INSERT INTO draft_slugs (slug, author_id, article_id) VALUES ($1, $2, $3)`, slug, n.user(t.author), t.id)
	}
	for _, e := range t.edits[early:] {
		n.edit(t, e)
	}
	n.texts[t.title] = t
}

// tagsOf returns the tags of a piece that the data set has.
func (n *newsroom) tagsOf(t *text) []string {
	tags := []string{}
	for _, tag := range t.tags {
		if tag < len(n.tagTexts) && n.tagTexts[tag] != "" {
			tags = append(tags, n.tagTexts[tag])
		}
	}
	return tags
}

// pieceSlug returns the slug of the last title of a piece.
func (n *newsroom) pieceSlug(t *text) string {
	last := *t
	for _, e := range t.edits {
		last = last.apply(e)
	}
	return n.uniqueSlug(last.title, t.id)
}

// uniqueSlug returns a slug that no other title of a data set has. id is that
// of an article.
func (n *newsroom) uniqueSlug(title string, id int64) string {
	if n.articles == 0 {
		return slug(title, "")
	}
	return slug(title, suffix("-", 0, int(id)))
}

// apply returns the text after an edit.
func (t text) apply(e edit) text {
	if e.from == "" {
		t.body += "\n" + e.to
		return t
	}
	for _, s := range []*string{&t.title, &t.description, &t.body} {
		*s = strings.Replace(*s, e.from, e.to, 1)
	}
	return t
}

// edit changes an article. A trigger stores the text that it had.
func (n *newsroom) edit(t *text, e edit) {
	*t = t.apply(e)
	n.revise(t.id, t.title, t.description, t.body, n.day(e.day), e.by)
}

func (n *newsroom) revise(id int64, title, description, body string, updated int64, by int) {
	counts := words.Count(body)
	n.batch.Queue(`
		UPDATE articles SET title = $2, description = $3, body = $4, word_count = $5, reading_minutes = $6, updated_at = $7,
			version = version + 1, counted_version = version + 1
		WHERE id = $1 AND revising($8, 0)`,
		id, title, description, body, counts.Words, counts.Minutes, stamp(updated), n.user(by))
}

// favor adds favorites to a published piece.
func (n *newsroom) favor(t *text) {
	at := n.day(t.published)
	for _, user := range n.readers(at, t.author, 3+n.random.below(10)) {
		n.batch.Queue(`INSERT INTO favorites (article_id, user_id, article_created_at, created_at) VALUES ($1, $2, $3, $4)`,
			t.id, n.user(user), stamp(at), stamp(n.later(&n.random, at)))
		n.Favorites++
	}
}

// readers returns different users who exist at a time: neither an author nor
// the other members of the newsroom, nor those whose comments are reported.
func (n *newsroom) readers(t int64, author, count int) []int {
	order := newPermutation(&n.random, n.usersAt(t))
	var out []int
	for i := 0; i < order.n && len(out) < count; i++ {
		user := order.at(i)
		if _, member := members[user]; !member && user != author && user != n.spammer() && user != n.rude() {
			out = append(out, user)
		}
	}
	return out
}

// correct adds corrections to articles from the past months, half of them by an
// editor.
func (n *newsroom) correct() {
	var w writer
	for k := range corrections {
		for _, back := range []float64{20, 90} {
			i := n.articleOf(back + 11*float64(k))
			title, description, body := w.article(n.plan, i)
			w.r = at(n.cfg.Seed, streamNewsroom, 1+i)
			correction := w.line(corrections[k])
			updated, _ := n.edited(i)
			by := n.author(i)
			if k%2 == 1 {
				by = deskEditor
			}
			n.revise(n.article(i), title, description, body+"\n"+correction, soon(&w.r, updated, 5*day, n.until), by)
		}
	}
}

// soon returns a time after t, within a span, and not after the end.
func soon(r *random, t int64, span int, end int64) int64 { return min(t+1+int64(r.below(span)), end) }

// addWorkingCopies adds unpublished changes of published pieces.
func (n *newsroom) addWorkingCopies() {
	for _, c := range workingCopies {
		t := n.texts[c.title].apply(c.edit)
		counts := words.Count(t.body)
		n.batch.Queue(`
			INSERT INTO working_copies (article_id, title, description, body, tags, details, word_count, reading_minutes, revised_by, status, updated_at)
			SELECT id, $2, $3, $4, tags, details, $5, $6, $7, $8, $9 FROM articles WHERE id = $1 AND revising($7, 0)`,
			t.id, t.title, t.description, t.body, counts.Words, counts.Minutes, n.user(c.edit.by), c.status, stamp(n.day(c.edit.day)))
	}
}

func (n *newsroom) describeTags() {
	for i, description := range tagDescriptions {
		if i < len(n.tagTexts) && n.tagTexts[i] != "" {
			n.batch.Queue(`UPDATE tag_names SET description = $2 WHERE tag = $1 AND shown AND description IS NULL`, n.tagTexts[i], description)
		}
	}
}
