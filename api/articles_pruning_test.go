package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestPrunedRevisions checks what an article keeps: the newest revisions, and
// those that were public.
func TestPrunedRevisions(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithPublishing(publish.Rules{MaxRevisions: 3}))
	jake := s.Register("jake")
	slug := newDraft(t, jake, "Dragons")
	edit := func(body string) { rewrite(t, jake, slug, client.UpdateArticle{Body: &body}) }
	for i := range 5 {
		edit(fmt.Sprint("draft ", i))
	}
	require.Equal(t, []int32{6, 5, 4}, numbers(revisions(t, jake, slug)))
	requireCounters(t, s)
	res := publishArticle(t, jake, slug, client.PublishRequest{})
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	edit("public 7")
	require.Equal(t, http.StatusOK, responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	for i := range 5 {
		edit(fmt.Sprint("again a draft ", i))
		rewrite(t, jake, slug, client.UpdateArticle{Title: ptrTo(fmt.Sprint("Title ", i))})
	}
	got := revisions(t, jake, slug)
	require.Equal(t, []int32{17, 16, 15, 7, 6}, numbers(got))
	require.True(t, got[3].Published && got[4].Published && !got[2].Published)
	require.Equal(t, "public 7", revision(t, jake, slug, 7).Body)
	require.Equal(t, "draft 4", revision(t, jake, slug, 6).Body)
	require.Equal(t, "again a draft 3", revision(t, jake, slug, 15).Body)
	requireCounters(t, s)

	publishArticle(t, jake, slug, client.PublishRequest{})
	for i := range 6 {
		saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo(fmt.Sprint("copy ", i))})
	}
	require.Equal(t, []int32{23, 22, 21, 17, 7, 6}, numbers(revisions(t, jake, slug)))
	requireCounters(t, s)
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteWorkingCopyWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, []int32{23, 22, 21, 17, 7, 6}, numbers(revisions(t, jake, slug)))
	require.Equal(t, "copy 5", revision(t, jake, slug, 23).Body)
	requireCounters(t, s)
}

// TestManyRevisions checks that an article with 10,000 revisions costs what one
// with few costs: no read or write touches more rows.
func TestManyRevisions(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithPublishing(publish.Rules{MaxRevisions: 100}))
	jake := s.Register("jake")
	slug := s.Publish(jake, "Dragons").Slug
	_, err := s.DB.Exec(t.Context(), `INSERT INTO article_revisions (article_id, number, author_id, created_at, title, description, tags, body_revision, published)
		SELECT a.id, n, a.author_id, now(), 'T' || n, 'd', '{}', n, true FROM articles a, generate_series(1, 10000) n`)
	require.NoError(t, err)
	_, err = s.DB.Exec(t.Context(), `INSERT INTO article_bodies (article_id, number, body) SELECT a.id, n, 'body ' || n FROM articles a, generate_series(1, 10000) n`)
	require.NoError(t, err)
	_, err = s.DB.Exec(t.Context(), `UPDATE articles SET revision = 10001, own_revision = 10001, body_revision = 10001`)
	require.NoError(t, err)
	_, err = s.DB.Exec(t.Context(), `ANALYZE article_revisions, article_bodies, articles`)
	require.NoError(t, err)

	tx, err := s.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(t.Context())
	for _, statement := range []string{
		`SELECT * FROM newest_revisions((SELECT id FROM articles), 5000, 21)`,
		`SELECT r.number, revision_body(r.article_id, r.body_revision) FROM revision_items r WHERE r.article_id = (SELECT id FROM articles) AND r.number = 5000`,
	} {
		rows, err := tx.Query(t.Context(), `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) `+statement)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		text := strings.Join(plan, "\n")
		require.NotContains(t, text, "Seq Scan on article_revisions", text)
		require.NotContains(t, text, "Seq Scan on article_bodies", text)
		require.NotContains(t, text, "rows=10000", text)
	}
	read := func() (n int64) {
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))
			FROM pg_class c WHERE c.relname ~ '^article_(revisions|bodies)'`).Scan(&n))
		return n
	}
	before := read()
	_, err = tx.Exec(t.Context(), `UPDATE articles SET body = 'another' WHERE revising(1, 100)`)
	require.NoError(t, err)
	require.Less(t, read()-before, int64(20), "a write reads no older revisions")
	require.NoError(t, tx.Rollback(t.Context()))

	require.EqualValues(t, 10002, rewrite(t, jake, slug, client.UpdateArticle{Body: ptrTo("newer")}).Revision)
	all := 0
	for params := (&client.GetArticleRevisionsParams{Limit: ptrTo(int32(100))}); ; {
		page := responseOf(jake.GetArticleRevisionsWithResponse(t.Context(), slug, params)).JSON200
		require.EqualValues(t, 10002-all, page.Revisions[0].Number)
		all += len(page.Revisions)
		if page.NextCursor.IsNull() {
			break
		}
		params.Cursor = ptrTo(page.NextCursor.MustGet())
	}
	require.Equal(t, 10002, all)
	require.Equal(t, "body 4321", revision(t, jake, slug, 4321).Body)
}
