package db_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
)

func column[T any](t *testing.T, d *db.DB, sql string) []T {
	t.Helper()
	rows, err := d.Query(t.Context(), sql)
	require.NoError(t, err)
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return values
}

// requireTagCounts compares the counters of tags with article_tags, and
// article_tags with the articles.
func requireTagCounts(t *testing.T, d *db.DB, listed string) {
	t.Helper()
	require.Empty(t, column[string](t, d, `
		SELECT 'count of ' || COALESCE(c.name, t.tag) FROM (SELECT name, sum(value) AS n FROM counters WHERE kind = 'tag' GROUP BY name HAVING sum(value) <> 0) c
		FULL JOIN (SELECT tag, count(*) AS n FROM article_tags GROUP BY tag) t ON t.tag = c.name WHERE c.n IS DISTINCT FROM t.n
		UNION ALL SELECT 'tags of ' || a.slug FROM articles a
		WHERE ARRAY(SELECT unnest(`+listed+`) WHERE NOT a.hidden ORDER BY 1) <> ARRAY(SELECT tag FROM article_tags WHERE article_id = a.id ORDER BY 1)`))
}

// TestTagsOfOlderArticles applies the migration to articles that are older than
// it, while the previous version writes, and takes it back.
func TestTagsOfOlderArticles(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	m, d := migrator(t, url), dbtest.OpenURL(t, url)
	downBefore(t, m, "00022_tags.sql")
	run := func(sql string, args ...any) {
		t.Helper()
		_, err := d.Exec(t.Context(), sql, args...)
		require.NoError(t, err, sql)
	}
	const insert = `INSERT INTO articles (slug, author_id, title, description, body, tags, created_at, published_at) VALUES ($1, 1, 't', 'd', 'b', $2, $3::timestamptz, $3)`
	run(`INSERT INTO users (username, email, password_hash) VALUES ('u', 'u', '')`)
	run(insert, "later", []string{"go", "sql"}, "2026-01-02")
	run(insert, "first", []string{"Go", "e\u0301"}, "2026-01-01")
	run(insert, "both", []string{"GO", "go ", "É"}, "2026-01-03")
	run(insert, "hidden", []string{"gO", "only hidden"}, "2020-01-01")
	run(insert, "spaces", []string{" alone ", "  "}, "2026-01-04")
	run(`INSERT INTO hidden_items (article_id, reason) SELECT id, 'r' FROM articles WHERE slug = 'hidden'`)
	run(`INSERT INTO articles (slug, author_id, title, description, body, tags)
		SELECT 'many-' || i, 1, 't', 'd', 'b', CASE WHEN i % 2 = 0 THEN '{MANY}'::text[] ELSE '{many}' END FROM generate_series(1, 2500) i`)
	before := column[string](t, d, `SELECT tag || article_id FROM article_tags ORDER BY 1`)
	bytes := column[int64](t, d, `SELECT stored_bytes FROM users`)

	for round := range 2 {
		ctx, stop := context.WithCancel(t.Context())
		wrote := make(chan error, 1)
		go func() { // as a replica of the previous version
			var err error
			for i := 0; ctx.Err() == nil && err == nil; i++ {
				slug := fmt.Sprint("new-", round, "-", i)
				if _, err = d.Exec(t.Context(), insert, slug, []string{[]string{"many", "Many", "new"}[i%3], " GO"}, "2026-02-01"); err == nil {
					_, err = d.Exec(t.Context(), `UPDATE articles SET tags = '{maNY,Sql}' WHERE slug = $1`, slug)
				}
				if err == nil && i%2 == 0 {
					_, err = d.Exec(t.Context(), `DELETE FROM articles WHERE slug = $1`, slug)
				}
			}
			wrote <- err
		}()
		_, err := m.Up(t.Context())
		stop()
		require.NoError(t, <-wrote)
		require.NoError(t, err)

		requireTagCounts(t, d, "listed_tags(a.tags)")
		require.Equal(t, []string{"  ", "alone", "go", "many", "sql", "é"}, column[string](t, d, `SELECT folded FROM tag_names ORDER BY folded`))
		require.Equal(t, []string{"Go"}, column[string](t, d, `SELECT name FROM tag_names WHERE folded = 'go'`), "the first spelling that is public")
		require.Equal(t, []string{"é"}, column[string](t, d, `SELECT tag FROM tag_names WHERE folded = 'é'`))
		require.Equal(t, []string{"both", "first", "later"}, column[string](t, d, `SELECT a.slug FROM article_tags t JOIN articles a ON a.id = t.article_id WHERE t.tag = tag_named('gO') AND a.slug !~ '^new' ORDER BY 1`))
		require.GreaterOrEqual(t, len(column[int64](t, d, `SELECT article_id FROM article_tags WHERE tag = tag_named('Many')`)), 2500)
		require.Equal(t, []string{"Go", "é"}, column[string](t, d, `SELECT unnest(shown_tags(tags)) FROM articles WHERE slug = 'both'`))
		require.Equal(t, []string{"GO", "go ", "É"}, column[string](t, d, `SELECT unnest(tags) FROM articles WHERE slug = 'both'`), "articles do not change")
		require.Equal(t, bytes, column[int64](t, d, `SELECT stored_bytes - (SELECT COALESCE(sum(article_bytes(title, description, body, tags, details)), 0)
			FROM articles WHERE slug ~ '^new') FROM users`))
		run(`DELETE FROM articles WHERE slug ~ '^new'`)
		requireTagCounts(t, d, "listed_tags(a.tags)")

		// What the previous version does to such articles meanwhile.
		run(`UPDATE articles SET tags = '{GO,SQL}' WHERE slug = 'later'`)
		require.Equal(t, []string{"Go", "sql"}, column[string](t, d, `SELECT unnest(tags) FROM articles WHERE slug = 'later'`))
		run(`DELETE FROM hidden_items`)
		require.Equal(t, []string{"Go", "only hidden"}, column[string](t, d, `SELECT unnest(tags) FROM articles WHERE slug = 'hidden'`))
		run(`INSERT INTO hidden_items (article_id, reason) SELECT id, 'r' FROM articles WHERE slug IN ('hidden', 'both')`)
		requireTagCounts(t, d, "listed_tags(a.tags)")
		run(`DELETE FROM hidden_items WHERE article_id = (SELECT id FROM articles WHERE slug = 'both')`)
		requireTagCounts(t, d, "listed_tags(a.tags)")
		run(`UPDATE articles SET tags = '{GO,"go ",É}' WHERE slug = 'both'`)
		requireTagCounts(t, d, "listed_tags(a.tags)")

		downBefore(t, m, "00022_tags.sql")
		requireTagCounts(t, d, "a.tags")
		run(`UPDATE articles SET tags = '{GO,"go ",É}' WHERE slug = 'both'`)
		run(`UPDATE articles SET tags = '{go,sql}' WHERE slug = 'later'`)
		run(`UPDATE articles SET tags = '{gO,"only hidden"}' WHERE slug = 'hidden'`)
		require.Equal(t, before, column[string](t, d, `SELECT tag || article_id FROM article_tags ORDER BY 1`))
	}

	_, err := m.Up(t.Context())
	require.NoError(t, err)
	run(`DELETE FROM articles`)
	require.Empty(t, column[string](t, d, `SELECT name FROM tag_names UNION ALL SELECT name FROM merged_tags UNION ALL SELECT name FROM counters WHERE kind = 'tag'`),
		"no name stays after the last article")
}
