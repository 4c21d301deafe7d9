package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

// TestScheduledArticle checks that an article becomes public at its time and
// ends at its time, once, without a request.
func TestScheduledArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	jake := s.Register("jake")
	s.Publish(jake, "Before")
	var due time.Time
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() + interval '700 milliseconds'`).Scan(&due))
	res, body := s.Do("POST", "/articles", fmt.Sprintf(`{"article":{"title":"Later","description":"d","body":"b","tagList":["x"],
		"status":"scheduled","publishedAt":%q}}`, due.UTC().Format(time.RFC3339Nano)), signed(jake)...)
	a := articleIn(t, http.StatusCreated, res, body)
	require.Equal(t, "later", a.Slug)
	res, _ = s.Do("GET", "/articles/later", "")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	_, list := s.Do("GET", "/articles", "")
	require.NotContains(t, list, "Later")
	s.Publish(jake, "Between")

	require.Eventually(t, func() bool {
		res, body = s.Do("GET", "/articles/later", "")
		return res.StatusCode == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond)
	var late time.Duration
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() - published_at FROM articles WHERE slug = 'later'`).Scan(&late))
	require.Positive(t, late, "never early")
	require.Contains(t, body, `"publishedAt":"`+due.UTC().Round(time.Millisecond).Format("2006-01-02T15:04:05.000Z")+`"`)
	_, list = s.Do("GET", "/articles?tag=x", "")
	require.Contains(t, list, "Later")
	_, list = s.Do("GET", "/articles", "")
	require.Regexp(t, `"title":"Later".*"title":"Between".*"title":"Before"`, list, "in the order of publication")
	requireCounters(t, s)

	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT now() + interval '500 milliseconds'`).Scan(&due))
	res, body = s.Do("POST", "/articles/later/publish", fmt.Sprintf(`{"unpublishAt":%q}`, due.UTC().Format(time.RFC3339Nano)), signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Eventually(t, func() bool {
		res, _ = s.Do("GET", "/articles/later", "")
		return res.StatusCode == http.StatusNotFound
	}, 20*time.Second, 50*time.Millisecond)
	_, body = s.Do("GET", "/articles/later", "", signed(jake)...)
	require.Contains(t, body, `"publishedAt":null,"slug":"later","status":"draft"`)
	requireCounters(t, s)
}
