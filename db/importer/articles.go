package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/language"

	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/api/words"
	"github.com/byline-api/byline/db/importer/source"
)

// articles imports the articles with their slugs and tags.
func (im *run) articles(ctx context.Context) error {
	if err := im.giveBack(ctx, source.Articles); err != nil {
		return err
	}
	return load(ctx, im, kindOf[source.Article]{
		kind: source.Articles, read: im.Source.Articles,
		store: func(ctx context.Context, w *writing, rows []source.Article) error {
			if err := storeArticles(ctx, w, rows); err != nil {
				return err
			}
			return w.restoreSlugs(ctx, rows)
		},
		row:     func(a source.Article) source.Row { return a.Row },
		changed: func(a source.Article) time.Time { return a.UpdatedAt },
		size:    func(a source.Article) int { return len(a.Title) + len(a.Description) + len(a.Body) },
	})
}

func sumOfArticle(a source.Article) int64 {
	d := newDigest().text(a.AuthorKey, a.Slug, a.Title, a.Description, a.Body, fmt.Sprint(a.Draft), stamp(a.CreatedAt), stamp(a.UpdatedAt), stamp(a.PublishedAt))
	d.text(a.Language, a.Cover, a.Canonical, a.CoverAlt, a.MetaTitle, a.MetaDescription, string(a.Metadata), fmt.Sprint(a.CommentsClosed))
	return d.text(fmt.Sprint(len(a.EarlierSlugs))).text(a.EarlierSlugs...).text(a.Tags...).sum()
}

// article is an article as it is stored.
type article struct {
	source.Article // with repaired texts and times
	imported       // id is 0 if the article is new
	author         int64
	members        members
	base           string // the slug before it got a number
}

// published returns when the article was published, and nil for a draft.
func (a *article) published() *time.Time {
	if a.Draft {
		return nil
	}
	return &a.PublishedAt
}

// judgeArticle applies the rules that concern an article alone, except those of
// tags.
func judgeArticle(j *judge, a source.Article) article {
	a.Title, a.Description = j.text("title", a.Title, maxTitle), j.text("description", a.Description, maxDescription)
	a.Body = j.text("body", a.Body, maxBody)
	a.Slug = j.slug(a.Slug, a.Title)
	a.EarlierSlugs = slices.DeleteFunc(slices.Clone(a.EarlierSlugs), func(s string) bool { return !isSlug(s) || s == a.Slug })
	if strings.TrimSpace(a.Title) == "" {
		a.Title = a.Slug
		j.note(TitleEmpty, "title", a.Title, "")
	}
	a.CreatedAt, a.UpdatedAt = j.times(a.CreatedAt, a.UpdatedAt)
	if a.PublishedAt = j.time("publishedAt", a.PublishedAt); a.PublishedAt.IsZero() {
		a.PublishedAt = a.CreatedAt
	}
	return article{Article: a, members: membersOf(j, a)}
}

// members are the optional members of an article as api/details stores them.
type members struct {
	Cover           *cover          `json:"coverImage,omitempty"`
	Canonical       string          `json:"canonicalUrl,omitempty"`
	MetaTitle       string          `json:"metaTitle,omitempty"`
	MetaDescription string          `json:"metaDescription,omitempty"`
	Language        string          `json:"language,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
}

type cover struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

func membersOf(j *judge, a source.Article) (m members) {
	if url := j.url("cover", a.Cover); url != "" {
		m.Cover = &cover{url, cut(a.Title, maxTitle)}
		if a.CoverAlt != "" {
			m.Cover.Alt = j.text("coverAlt", a.CoverAlt, maxCoverAlt)
		}
	}
	m.Canonical = j.url("canonical", a.Canonical)
	m.MetaTitle = strings.TrimSpace(j.text("metaTitle", a.MetaTitle, maxTitle))
	m.MetaDescription = strings.TrimSpace(j.text("metaDescription", a.MetaDescription, maxDescription))
	m.Metadata = j.metadata(a.Metadata)
	if a.Language != "" {
		if tag, err := language.Parse(a.Language); err != nil || tag == language.Und {
			j.note(MemberInvalid, "language", "", "")
		} else {
			m.Language = tag.String()
		}
	}
	return m
}

// details returns the members as the column details has them, and nil for none.
func (m members) details() []byte {
	if text, err := json.Marshal(m); err == nil && string(text) != "{}" {
		return text
	}
	return nil
}

// values returns the language, the address of the cover and the canonical one.
func (m members) values() []string {
	if m.Cover == nil {
		return []string{m.Language, "", m.Canonical}
	}
	return []string{m.Language, m.Cover.URL, m.Canonical}
}

func storeArticles(ctx context.Context, w *writing, rows []source.Article) error {
	known, err := w.before(ctx, keysOf(rows, func(a source.Article) string { return a.Key }))
	if err != nil {
		return err
	}
	changed := rows[:0:0]
	for _, a := range rows {
		if before, ok := known[a.Key]; ok && before.checksum == sumOfArticle(a) {
			w.counts.Unchanged++
			continue
		}
		changed = append(changed, a)
	}
	if len(changed) == 0 {
		return nil
	}
	authors, err := w.present(ctx, source.Users, "users", keysOf(changed, func(a source.Article) string { return a.AuthorKey }))
	if err != nil {
		return err
	}
	if err := w.nameTags(ctx, changed); err != nil {
		return err
	}
	var articles []article
	var judges []*judge
	for _, row := range changed {
		j := w.judge(row.Key)
		a := judgeArticle(j, row)
		a.imported = imported{id: known[row.Key].id, checksum: sumOfArticle(row)}
		a.Tags = w.tagsOf(j, row.Tags)
		if a.author, err = w.author(ctx, j, authors, row.AuthorKey); err != nil {
			return err
		}
		articles, judges = append(articles, a), append(judges, j)
	}
	if articles, err = w.distinctSlugs(ctx, articles, judges); err != nil {
		return err
	}
	var added []article
	changedRows := articles[:0:0]
	for _, a := range articles {
		if a.id == 0 {
			added = append(added, a)
		} else {
			changedRows = append(changedRows, a)
		}
	}
	if err := w.addArticles(ctx, added); err != nil {
		return err
	}
	return w.changeArticles(ctx, changedRows)
}

// present returns the ids of imported rows that have not been deleted here. In the
// first run nobody has deleted one.
func (w *writing) present(ctx context.Context, kind source.Kind, table string, keys []string) (map[string]int64, error) {
	if w.bulk() {
		known, err := w.known(ctx, kind, keys)
		ids := make(map[string]int64, len(known))
		for key, row := range known {
			ids[key] = row.id
		}
		return ids, err
	}
	rows, err := w.tx.Query(ctx, `SELECT r.key, r.row_id FROM imported_rows r
		WHERE r.import_id = $1 AND r.kind = $2 AND r.key = ANY ($3) AND (r.row_id >= $4 OR EXISTS (SELECT FROM `+table+` t WHERE t.id = r.row_id))`,
		w.importID, string(kind), keys, int64(firstFake))
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(keys))
	var key string
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&key, &id}, func() error {
		ids[key] = id
		return nil
	})
	return ids, err
}

// author returns the account that gets a row.
func (w *writing) author(ctx context.Context, j *judge, authors map[string]int64, key string) (int64, error) {
	if id, ok := authors[key]; ok {
		return id, nil
	}
	if j.note(AuthorMissing, "author", "", key) != Account {
		return 0, nil
	}
	return w.orphanAccount(ctx)
}

// distinctSlugs gives the articles slugs that no other article has or had, and
// leaves out those that a rule leaves out.
func (w *writing) distinctSlugs(ctx context.Context, articles []article, judges []*judge) ([]article, error) {
	owners, err := w.slugOwners(ctx, keysOf(articles, func(a article) string { return a.Slug }))
	if err != nil {
		return nil, err
	}
	if err := w.giveUpSlugs(ctx, owners, articles, judges); err != nil {
		return nil, err
	}
	kept := articles[:0]
	for i, a := range articles {
		j := judges[i]
		a.base = a.Slug
		if owner, taken := owners[a.Slug]; taken && (owner != a.id || a.id == 0) {
			if err := w.renameSlug(ctx, &a, owners); err != nil {
				return nil, err
			}
			j.note(SlugTaken, "slug", a.Slug, "")
		}
		if !w.decided(j) {
			continue
		}
		owners[a.Slug] = a.id
		kept = append(kept, a)
	}
	return kept, nil
}

// slugOwners returns the articles that have or had the slugs, and 0 for one of a
// dry run.
func (w *writing) slugOwners(ctx context.Context, slugs []string) (map[string]int64, error) {
	// A dry run has not deleted what the old system has lost.
	const gone = ` AND NOT EXISTS (SELECT FROM gone_articles g WHERE g.row_id = article_id)`
	rows, err := w.tx.Query(ctx, `SELECT slug, article_id FROM article_slugs WHERE slug = ANY ($1)`+gone+`
		UNION ALL SELECT slug, article_id FROM draft_slugs WHERE slug = ANY ($1)`+gone+`
		UNION ALL SELECT value, 0 FROM claimed WHERE kind = 's' AND value = ANY ($1)`, slugs)
	if err != nil {
		return nil, err
	}
	owners := map[string]int64{}
	var s string
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&s, &id}, func() error {
		owners[s] = id
		return nil
	})
	return owners, err
}

// renameSlug gives an article the first free slug with a number behind it, and
// keeps the one that it got for this reason before.
func (w *writing) renameSlug(ctx context.Context, a *article, have map[string]int64) error {
	for n := 2; ; n++ {
		a.Slug = fmt.Sprintf("%s-%d", a.base, n)
		if n > 20 || len(a.Slug) > maxSlug {
			a.Slug = slug.Candidate(a.base, 1)
		}
		found, err := w.slugOwners(ctx, []string{a.Slug})
		if err != nil {
			return err
		}
		owner, taken := found[a.Slug]
		inChunk, takenHere := have[a.Slug]
		if (!taken || owner == a.id && a.id != 0) && (!takenHere || inChunk == a.id && a.id != 0) {
			return nil
		}
	}
}

func (w *writing) addArticles(ctx context.Context, added []article) error {
	if len(added) == 0 {
		return nil
	}
	ids, err := w.ids(ctx, "articles", len(added))
	if err != nil {
		return err
	}
	rows, keys, published := make([]imported, len(added)), make([]string, len(added)), make([]*time.Time, len(added))
	for i := range added {
		added[i].id = ids[i]
		rows[i], keys[i], published[i] = added[i].imported, added[i].Key, added[i].published()
	}
	w.counts.Added += int64(len(added))
	if err := w.remember(ctx, rows, keys, published...); err != nil {
		return err
	}
	if w.DryRun {
		slugs := keysOf(added, func(a article) string { return a.Slug })
		for _, a := range added {
			slugs = append(slugs, a.EarlierSlugs...)
		}
		return w.claim(ctx, repeat("s", len(slugs)), slugs)
	}
	if err := w.write(ctx, "articles"); err != nil {
		return err
	}
	if err := w.copyArticles(ctx, added); err != nil {
		return err
	}
	var public, private [][]any
	var tags [][]any
	for _, a := range added {
		if a.Draft {
			private = append(private, []any{a.Slug, a.author, a.id})
			continue
		}
		public = append(public, []any{a.Slug, a.id})
		for _, tag := range a.Tags {
			tags = append(tags, []any{tag, a.PublishedAt, a.id})
		}
	}
	if !w.bulk() {
		tags = nil // a trigger has done it
	}
	for _, t := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{"article_slugs", []string{"slug", "article_id"}, public},
		{"draft_slugs", []string{"slug", "author_id", "article_id"}, private},
		{"article_tags", []string{"tag", "article_created_at", "article_id"}, tags},
	} {
		if len(t.rows) == 0 {
			continue
		}
		if err := w.write(ctx, t.table); err != nil {
			return err
		}
		if _, err := w.tx.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return fmt.Errorf("copy %s: %w", t.table, err)
		}
	}
	return w.addEarlierSlugs(ctx, added)
}

// addEarlierSlugs lets earlier slugs lead to their articles, unless another
// article has or had them.
func (w *writing) addEarlierSlugs(ctx context.Context, articles []article) error {
	var slugs []string
	var ids []int64
	for _, a := range articles {
		for _, s := range a.EarlierSlugs {
			slugs, ids = append(slugs, s), append(ids, a.id)
		}
	}
	if len(slugs) == 0 || w.DryRun {
		return nil
	}
	for _, sql := range []string{
		`INSERT INTO article_slugs (slug, article_id) SELECT e.slug, a.id FROM unnest($1::text[], $2::bigint[]) e (slug, id) JOIN articles a ON a.id = e.id
			WHERE NOT a.hidden AND NOT EXISTS (SELECT FROM draft_slugs d WHERE d.slug = e.slug AND d.article_id <> a.id) ON CONFLICT DO NOTHING`,
		`INSERT INTO draft_slugs (slug, author_id, article_id) SELECT e.slug, a.author_id, a.id FROM unnest($1::text[], $2::bigint[]) e (slug, id) JOIN articles a ON a.id = e.id
			WHERE a.hidden AND NOT EXISTS (SELECT FROM article_slugs s WHERE s.slug = e.slug) ON CONFLICT DO NOTHING`,
	} {
		if _, err := w.tx.Exec(ctx, sql, slugs, ids); err != nil {
			return fmt.Errorf("store earlier slugs: %w", err)
		}
	}
	return nil
}

func (w *writing) copyArticles(ctx context.Context, added []article) error {
	_, err := w.tx.CopyFrom(ctx, pgx.Identifier{"articles"},
		[]string{"id", "slug", "author_id", "title", "description", "body", "tags", "details", "created_at", "updated_at", "status", "hidden", "published_at", "word_count", "reading_minutes", "comments_open"},
		pgx.CopyFromSlice(len(added), func(i int) ([]any, error) {
			a := added[i]
			status, counts := "published", words.Count(a.Body)
			if a.Draft {
				status = "draft"
			}
			return []any{a.id, a.Slug, a.author, a.Title, a.Description, a.Body, a.Tags, a.members.details(), a.CreatedAt, a.UpdatedAt, status, a.Draft, a.published(), counts.Words, counts.Minutes, !a.CommentsClosed}, nil
		}))
	if err != nil {
		return fmt.Errorf("copy articles: %w", err)
	}
	return nil
}

// changeArticles updates articles that have changed in the old system. The slug
// before leads to the article still. Whether it is public, and since when,
// follows the old system as long as nobody has changed that here. Whether it takes
// comments is left as it is here.
func (w *writing) changeArticles(ctx context.Context, changed []article) error {
	sums := map[string]int64{}
	var batch pgx.Batch
	for _, a := range changed {
		sums[a.Key] = a.checksum
		counts := words.Count(a.Body)
		batch.Queue(`WITH before AS (
				SELECT b.id, b.unpublish_at IS NULL AND b.published_at IS NOT DISTINCT FROM r.published_at
					AND b.status = CASE WHEN r.published_at IS NULL THEN 'draft' ELSE 'published' END AS follows
				FROM articles b JOIN imported_rows r ON r.import_id = $14 AND r.kind = 'articles' AND r.key = $15
				WHERE b.id = $1 FOR NO KEY UPDATE OF b
			), a AS (
				UPDATE articles a SET slug = $2, author_id = $3, title = $4, description = $5, body = $6, tags = $7, details = $8, created_at = $9, updated_at = $10,
					word_count = $11, reading_minutes = $12, version = version + 1, counted_version = version + 1,
					status = CASE WHEN NOT b.follows THEN a.status WHEN $13::timestamptz IS NULL THEN 'draft' ELSE 'published' END,
					published_at = CASE WHEN b.follows THEN $13 ELSE a.published_at END,
					hidden = CASE WHEN b.follows THEN $13 IS NULL OR EXISTS (SELECT FROM hidden_items h WHERE h.article_id = a.id) ELSE a.hidden END,
					public_revision = CASE WHEN b.follows AND a.status = 'published' AND $13 IS NULL THEN a.own_revision ELSE a.public_revision END
				FROM before b WHERE a.id = b.id RETURNING a.id, a.author_id, a.status, a.slug
			), remembered AS (
				UPDATE imported_rows SET published_at = $13 WHERE import_id = $14 AND kind = 'articles' AND key = $15
			), public AS (
				INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM a WHERE status = 'published' ON CONFLICT DO NOTHING
			), others AS (
				DELETE FROM draft_slugs d USING a WHERE d.article_id = a.id AND d.author_id <> a.author_id
			), private AS (
				INSERT INTO draft_slugs (slug, author_id, article_id) SELECT slug, author_id, id FROM a WHERE status <> 'published' ON CONFLICT DO NOTHING
			) SELECT FROM a`,
			a.id, a.Slug, a.author, a.Title, a.Description, a.Body, a.Tags, a.members.details(), a.CreatedAt, a.UpdatedAt, counts.Words, counts.Minutes, a.published(),
			w.importID, a.Key)
	}
	if err := w.change(ctx, &batch, sums); err != nil {
		return err
	}
	return w.addEarlierSlugs(ctx, changed)
}
