package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// maxResponse is the length of the longest response with the longest texts: the
// budget, a text more and what is around them.
const maxResponse = budget.Text + 2<<20

// TestLongComments checks that a page of long comments ends early, and that its
// cursor leads to the rest.
func TestLongComments(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	for name, test := range map[string]struct {
		text  string // repeated to 16,384 characters
		count int
	}{
		"Bytes":   {"😀", 150},
		"Escaped": {"\x01", 150},
		"Middle":  {"abcdefgh", 140}, // more than is read without a reservation
		"Markup":  {"<a>b", 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			slug := s.Publish(jake, "About "+name).Slug
			body := strings.Repeat(test.text, 16384/len([]rune(test.text)))
			_, err := s.DB.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body, created_at)
				SELECT a.id, a.author_id, $2, now() - n * interval '1 minute' FROM articles a, generate_series(1, $3::int) n WHERE a.slug = $1`,
				slug, body, test.count)
			require.NoError(t, err)
			var oldest []int64
			for _, query := range []string{"", "&sort=-createdAt", "&limit=70", "&format=html", "&format=html&sort=-createdAt"} {
				var ids []int64
				pages := 0
				for next := "&limit=1000"; next != ""; {
					if strings.Contains(query, "limit") || strings.Contains(query, "html") {
						next = strings.ReplaceAll(next, "&limit=1000", "")
					}
					res, text := s.Do("GET", "/articles/"+slug+"/comments?"+query+next, "", signed(jake)...)
					require.Equal(t, http.StatusOK, res.StatusCode, text[:min(len(text), 500)])
					require.Less(t, len(text), maxResponse)
					var page client.CommentsResponse
					require.NoError(t, json.Unmarshal([]byte(text), &page))
					require.NotEmpty(t, page.Comments)
					ids = append(ids, commentIDs(page.Comments)...)
					pages++
					next = ""
					if cursor, err := page.NextCursor.Get(); err == nil {
						require.Contains(t, res.Header.Get("Link"), cursor)
						next = "&cursor=" + cursor
					}
				}
				require.Len(t, ids, test.count, query)
				if strings.Contains(query, "-createdAt") {
					slices.Reverse(ids)
				}
				if oldest == nil {
					oldest = ids
				}
				require.Equal(t, oldest, ids, query)
				if name == "Bytes" || name == "Escaped" || strings.Contains(query, "html") {
					require.Greater(t, pages, 1, query)
				}
			}
		})
	}
}

// TestLongBatch checks that a batch of long articles names those that it has no
// room for.
func TestLongBatch(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	for name, text := range map[string]string{"Bytes": "😀", "Escaped": "<"} {
		var slugs []string
		for i := range 9 {
			slug := s.Publish(jake, name+" "+strconv.Itoa(i)).Slug
			slugs = append(slugs, slug)
			_, err := s.DB.Exec(t.Context(), `UPDATE articles SET body = repeat($2, 250000) WHERE slug = $1`, slug, text)
			require.NoError(t, err)
		}
		for _, query := range []string{"", "?format=html"} {
			t.Run(name+query, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				asked, got := append([]string{"none"}, slugs...), []string(nil)
				for requests := 0; len(asked) > 0; requests++ {
					require.Less(t, requests, len(slugs))
					in, err := json.Marshal(client.ArticleBatchRequest{Slugs: asked})
					require.NoError(t, err)
					res, text := s.Do("POST", "/batch/articles"+query, string(in))
					require.Equal(t, http.StatusOK, res.StatusCode, text[:min(len(text), 500)])
					var out client.ArticleBatchResponse
					require.NoError(t, json.Unmarshal([]byte(text), &out))
					require.NotEmpty(t, out.Articles)
					if len(out.Articles) > 1 {
						require.Less(t, len(text), maxResponse)
					}
					require.Equal(t, requests == 0, slices.Contains(out.Missing, "none"))
					for _, a := range out.Articles {
						require.NotEmpty(t, a.Body)
						got = append(got, a.Slug)
					}
					if requests == 0 {
						require.NotNil(t, out.Remaining)
					}
					asked = nil
					if out.Remaining != nil {
						asked = *out.Remaining
					}
				}
				require.Equal(t, slugs, got)
			})
		}
	}
}

// TestLongExport checks that an export with long texts has all of them.
func TestLongExport(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Commented").Slug
	for i := range 5 {
		_, err := s.DB.Exec(t.Context(), `UPDATE articles SET body = repeat('x', 250000) WHERE slug = $1`, s.Publish(jake, strconv.Itoa(i)).Slug)
		require.NoError(t, err)
	}
	_, err := s.DB.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body)
		SELECT a.id, a.author_id, repeat('😀', 16384) FROM articles a, generate_series(1, 20) WHERE a.slug = $1`, slug)
	require.NoError(t, err)
	res, text := s.Do("GET", "/user/export", "", signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, 6, strings.Count(text, `{"type" : "article"`))
	require.Equal(t, 20, strings.Count(text, `{"type" : "comment"`))
	require.True(t, strings.HasSuffix(text, "}\n"))
	require.Contains(t, text, `"type":"end"`)
}
