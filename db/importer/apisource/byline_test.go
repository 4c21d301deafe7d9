package apisource_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer/apisource"
	"github.com/byline-api/byline/db/importer/source"
	"github.com/byline-api/byline/server/servertest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// TestByline reads a Byline: pages by cursors, threads, and what only its
// moderators see.
func TestByline(t *testing.T) {
	t.Parallel()
	b := servertest.New(t)
	jake, anna := b.Register("jake"), b.Register("Anna")
	do := func(u servertest.User, method, path, body string) {
		res, text := b.Do(method, path, body, "Authorization", "Token "+u.Token, "Content-Type", "application/json")
		require.Less(t, res.StatusCode, 300, text)
	}
	for i := range 45 {
		b.Publish(jake, fmt.Sprintf("Article %02d", i), "zebra", "ant")
	}
	do(anna, http.MethodPost, "/articles/article-07/comments", `{"comment":{"body":"first 👩‍🚀"}}`)
	var first int64
	require.NoError(t, b.DB.QueryRow(t.Context(), `SELECT id FROM comments`).Scan(&first))
	do(jake, http.MethodPost, "/articles/article-07/comments", fmt.Sprintf(`{"comment":{"body":"answer","parentId":%d}}`, first))
	do(anna, http.MethodPost, "/articles/article-09/favorite", "")
	do(jake, http.MethodPost, "/profiles/Anna/follow", "")
	do(anna, http.MethodDelete, fmt.Sprintf("/articles/article-07/comments/%d", first), "")
	do(jake, http.MethodPut, "/articles/article-00", `{"article":{"metadata":{"k":[1]},"commentsOpen":false,"metaTitle":"M","metaDescription":"N","coverImage":{"url":"https://example.com/c.png","alt":"A"}}}`)

	s := at(t, b.URL, apisource.Options{Token: jake.Token, PageSize: 10})
	counts, err := s.Counts(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 45, counts[source.Articles])
	articles := collect(t, s.Articles(t.Context(), source.Range{}))
	require.Equal(t, "article-00", articles[0].Slug, "the oldest first")
	require.Equal(t, []any{"Article 00", []string{"zebra", "ant"}, "jake", false}, []any{articles[0].Title, articles[0].Tags, articles[0].AuthorKey, articles[0].Draft})
	require.NotEmpty(t, articles[0].Body)
	require.False(t, articles[0].PublishedAt.IsZero())
	a := articles[0]
	require.Equal(t, []any{"https://example.com/c.png", "A", "M", "N", `{"k":[1]}`, true}, []any{a.Cover, a.CoverAlt, a.MetaTitle, a.MetaDescription, string(a.Metadata), a.CommentsClosed})

	comments := collect(t, s.Comments(t.Context(), source.Range{}))
	require.Len(t, comments, 2)
	require.Equal(t, []string{fmt.Sprint(first), "", ""}, []string{comments[0].Key, comments[0].AuthorKey, comments[0].Body}, "a deleted comment with an answer")
	require.True(t, comments[0].Deleted)
	require.Equal(t, []string{fmt.Sprint(first), "answer", "jake"}, []string{comments[1].ParentKey, comments[1].Body, comments[1].AuthorKey})

	require.Len(t, collect(t, s.Users(t.Context(), source.Range{})), 1, "the API shows nowhere that there is another user, whose comment was deleted")
	require.Empty(t, collect(t, s.Follows(t.Context(), source.Range{})))

	do(anna, http.MethodPost, "/articles/article-07/comments", `{"comment":{"body":"again"}}`)
	s = at(t, b.URL, apisource.Options{Token: "Bearer " + jake.Token, PageSize: 7})
	users := collect(t, s.Users(t.Context(), source.Range{}))
	require.Equal(t, []string{"jake", "jake@example.com", "Anna", ""}, []string{users[0].Username, users[0].Email, users[1].Username, users[1].Email})
	require.Equal(t, "Anna/article-09", collect(t, s.Favorites(t.Context(), source.Range{}))[0].Key)
	require.Equal(t, "jake/Anna", collect(t, s.Follows(t.Context(), source.Range{}))[0].Key)
}
