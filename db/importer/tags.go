package importer

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/api/tagnames"
	"github.com/byline-api/byline/db/importer/source"
)

// maxTags bounds the tags whose stored texts are kept in memory.
const maxTags = 100_000

// nameTags makes sure that the texts of all tags of a chunk are known, by which
// articles have them. The first text of a tag identifies it, whatever the letter
// case of later ones.
func (w *writing) nameTags(ctx context.Context, rows []source.Article) error {
	if len(w.tags) > maxTags {
		clear(w.tags)
	}
	var unknown []string
	for _, a := range rows {
		for _, t := range a.Tags {
			clean := tagnames.Clean(t)
			if _, known := w.tags[clean]; !known && isTag(clean) {
				w.tags[clean] = clean
				unknown = append(unknown, clean)
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	if w.DryRun {
		return w.nameTagsDry(ctx, unknown)
	}
	if _, err := w.tx.Exec(ctx, `INSERT INTO tag_names (folded, name, tag)
		SELECT DISTINCT ON (fold_tag(k.t)) fold_tag(k.t), k.t, k.t FROM unnest($1::text[]) WITH ORDINALITY AS k (t, i) ORDER BY fold_tag(k.t), k.i
		ON CONFLICT DO NOTHING`, unknown); err != nil {
		return err
	}
	return w.readTags(ctx, unknown)
}

// readTags reads the stored texts of tags that the database knows.
func (w *writing) readTags(ctx context.Context, names []string) error {
	rows, err := w.tx.Query(ctx, `SELECT k.t, COALESCE(tag_named(k.t), '') FROM unnest($1::text[]) AS k (t)`, names)
	if err != nil {
		return err
	}
	var name, tag string
	_, err = pgx.ForEachRow(rows, []any{&name, &tag}, func() error {
		if tag != "" {
			w.tags[name] = tag
		}
		return nil
	})
	return err
}

// nameTagsDry does the same without storing a name. The first text of a tag is
// under its folded form, which no text has.
func (w *writing) nameTagsDry(ctx context.Context, names []string) error {
	if err := w.readTags(ctx, names); err != nil {
		return err
	}
	for _, name := range names {
		first := "\x00" + tagnames.Fold(name)
		if _, known := w.tags[first]; !known {
			w.tags[first] = w.tags[name]
		}
		w.tags[name] = w.tags[first]
	}
	return nil
}

func isTag(clean string) bool { return tagnames.CheckName("tagList", clean) == nil }

// tagsOf returns the tags of an article as they are stored, in their order.
func (w *writing) tagsOf(j *judge, tags []string) []string {
	stored, seen := make([]string, 0, len(tags)), map[string]bool{}
	for _, t := range tags {
		clean := tagnames.Clean(t)
		if !isTag(clean) {
			j.note(TagInvalid, "tagList", "", "")
			continue
		}
		tag := w.tags[clean]
		if tag != clean || seen[tag] {
			j.note(TagSame, "tagList", tag, clean)
		}
		if !seen[tag] {
			seen[tag] = true
			stored = append(stored, tag)
		}
	}
	return stored
}
