package importer_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// TestMembers stores what only another Byline has: earlier slugs, the members of
// articles, and deleted comments that others answer.
func TestMembers(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	a := &m.articles[0]
	a.EarlierSlugs, a.CommentsClosed = []string{"old-1", "a-3", "feed", "a-1"}, true
	a.Cover, a.CoverAlt, a.MetaTitle, a.MetaDescription, a.Metadata = "https://example.com/c.png", "A cat", "M", "N", json.RawMessage(`{"k": [1]}`)
	draft := article(6, 1)
	draft.Draft, draft.EarlierSlugs = true, []string{"old-6", "a-2"}
	m.articles = append(m.articles, draft)
	deleted := &m.comments[0]
	deleted.Deleted, deleted.AuthorKey, deleted.Body = true, "", ""
	reply := comment(110, 1, 4)
	reply.ParentKey = "101"
	m.comments = append(m.comments, reply)
	planned := run(t, d, m, dry)
	require.Equal(t, planned.Counts, run(t, d, m).Counts)
	require.Empty(t, planned.Cases)
	require.True(t, verify(t, d, m).OK())
	slugs := func() string {
		return text(t, d, `SELECT string_agg(concat_ws('|', s.slug, a.slug), ' ' ORDER BY s.slug) FROM (TABLE article_slugs UNION ALL SELECT slug, article_id FROM draft_slugs) s
			JOIN articles a ON a.id = s.article_id WHERE s.slug <> a.slug`)
	}
	require.Equal(t, "old-1|a-1 old-6|a-6", slugs(), "a slug that another article has stays with it")
	require.JSONEq(t, `{"coverImage": {"url": "https://example.com/c.png", "alt": "A cat"}, "metaTitle": "M", "metaDescription": "N", "metadata": {"k": [1]}}`,
		text(t, d, `SELECT details FROM articles WHERE slug = 'a-1'`))
	require.Equal(t, int64(1), number(t, d, `SELECT count(*) FROM articles WHERE NOT comments_open AND slug = 'a-1'`))
	require.Equal(t, "||110", text(t, d, `SELECT concat_ws('|', COALESCE(c.author_id::text, ''), c.body, r.id) FROM comments c JOIN comments r ON r.parent_id = c.id WHERE c.id = 101`))

	answered := &m.comments[1]
	reply = comment(111, 2, 4)
	reply.ParentKey = "102"
	m.comments = append(m.comments, reply)
	answered.Deleted, answered.AuthorKey, answered.Body = true, "", ""
	a.EarlierSlugs = append(a.EarlierSlugs, "old-1-too")
	r := run(t, d, m)
	require.Empty(t, r.Cases)
	require.Equal(t, "old-1|a-1 old-1-too|a-1 old-6|a-6", slugs())
	require.Equal(t, "102", text(t, d, `SELECT string_agg(id::text, ',') FROM comments WHERE author_id IS NULL AND id <> 101`))
	require.True(t, verify(t, d, m).OK())
	require.Zero(t, run(t, d, m).Counts[source.Comments].Changed)
}

// TestMetadata leaves out metadata that the API would refuse.
func TestMetadata(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	for i, metadata := range []string{`[1]`, `"x"`, `{"": 1}`, `{"a": "\u0000"}`, `null`} {
		m.articles[i].Metadata = json.RawMessage(metadata)
	}
	require.Equal(t, map[importer.Code]int64{importer.MemberInvalid: 4}, run(t, d, m).Cases)
	require.Zero(t, number(t, d, `SELECT count(*) FROM articles WHERE details IS NOT NULL`))
}
