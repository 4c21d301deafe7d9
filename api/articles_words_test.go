package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func TestWordCount(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	type counts struct{ words, minutes int32 }
	of := func(a client.Article) counts { return counts{a.WordCount, a.ReadingMinutes} }
	get := func(slug string) counts {
		t.Helper()
		return of(responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).JSON200.Article)
	}
	stored := func(slug string) (c counts) {
		t.Helper()
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT word_count, reading_minutes FROM articles WHERE slug = $1`, slug).Scan(&c.words, &c.minutes))
		return c
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := s.DB.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	update := func(slug string, change client.UpdateArticle) counts {
		t.Helper()
		res := responseOf(jake.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{Article: change}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		return of(res.JSON200.Article)
	}

	in := newArticle("Counted")
	in.Article.Body = strings.Repeat("It *works*, says [the page](https://example.com/a-b). ", 100)
	created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, in))
	require.Equal(t, counts{500, 2}, of(created.JSON201.Article))
	require.Equal(t, counts{500, 2}, get("counted"))
	require.Equal(t, counts{500, 2}, stored("counted"))
	require.Equal(t, counts{1000, 2}, update("counted", client.UpdateArticle{Body: ptrTo(strings.Repeat("読", 1000))}))
	require.Equal(t, counts{1000, 2}, get("counted"))
	batch := responseOf(s.Anonymous.BatchGetArticlesWithResponse(t.Context(), nil, client.BatchGetArticlesJSONRequestBody{Slugs: []string{"counted"}}))
	require.Equal(t, counts{1000, 2}, of(batch.JSON200.Articles[0]))

	// Reading does not count again, and a change of another member neither.
	exec(`UPDATE articles SET word_count = 77, reading_minutes = 7 WHERE slug = 'counted'`)
	require.Equal(t, counts{77, 7}, get("counted"))
	require.Equal(t, counts{77, 7}, update("counted", client.UpdateArticle{Description: ptrTo("x")}))
	// A body with as many words is counted by its writer.
	require.Equal(t, counts{2, 1}, update("counted", client.UpdateArticle{Body: ptrTo("teh words")}))
	require.Equal(t, counts{2, 1}, update("counted", client.UpdateArticle{Body: ptrTo("the words")}))
	require.Equal(t, counts{2, 1}, stored("counted"))

	// What the previous version writes is counted when it is read.
	for _, body := range []string{"one two three", "One two three", "one"} {
		exec(`UPDATE articles SET body = COALESCE($1, body), title = COALESCE(NULL, title), version = version + 1 WHERE slug = 'counted'`, body)
		require.Equal(t, counts{}, stored("counted"))
		require.Equal(t, counts{int32(len(strings.Fields(body))), 1}, get("counted"))
	}
	require.Equal(t, counts{1, 1}, update("counted", client.UpdateArticle{Description: ptrTo("y")}))
	exec(`UPDATE articles SET body = 'one' WHERE slug = 'counted'`)
	require.Equal(t, counts{1, 1}, get("counted"))
	exec(`WITH a AS (INSERT INTO articles (slug, author_id, title, description, body, tags)
		SELECT 'older', id, 'T', 'd', 'four words of text', '{}' FROM users RETURNING slug, id)
		INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM a`)
	require.Equal(t, counts{4, 1}, get("older"))
	require.Equal(t, counts{2, 1}, update("older", client.UpdateArticle{Body: ptrTo("two words")}))
	require.Equal(t, counts{2, 1}, stored("older"))
}
