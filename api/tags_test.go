package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func TestGetTags(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	tags := func(t *testing.T) []string {
		t.Helper()
		res, err := s.Anonymous.GetTagsWithResponse(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		return res.JSON200.Tags
	}
	retag := func(t *testing.T, slug string, tags ...string) {
		t.Helper()
		tags = append([]string{}, tags...) // nil would be null, which is refused
		res, err := jake.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{TagList: &tags}})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	}

	// Each subtest continues where the one before it ended.
	t.Run("Empty", func(t *testing.T) {
		s := s.For(t)
		_, body := s.Do(http.MethodGet, "/tags", "")
		require.JSONEq(t, `{"tags":[]}`, body, "an empty list, not null")
	})
	first := s.Publish(jake, "First", "zebra", "apple", "zebra")
	t.Run("ShowsNewArticleAtOnce", func(t *testing.T) {
		require.Equal(t, []string{"apple", "zebra"}, tags(t), "ties by name; a tag that is given twice counts once")
	})
	second := s.Publish(jake, "Second", "zebra", "mango", "C++ & C#", "日本")
	t.Run("MostUsedFirst", func(t *testing.T) {
		require.Equal(t, []string{"zebra", "C++ & C#", "apple", "mango", "日本"}, tags(t))
	})
	t.Run("BadTokenDoesNotMatter", func(t *testing.T) {
		s := s.For(t)
		res, body := s.Do(http.MethodGet, "/tags", "", "Authorization", "Token garbage")
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Empty(t, res.Header.Values("WWW-Authenticate"))
	})
	t.Run("Retagged", func(t *testing.T) {
		retag(t, second.Slug, "mango", "apple")
		require.Equal(t, []string{"apple", "mango", "zebra"}, tags(t))
	})
	t.Run("NotModified", func(t *testing.T) {
		s := s.For(t)
		res, _ := s.Do(http.MethodGet, "/tags", "")
		tag := res.Header.Get("ETag")
		require.NotEmpty(t, tag)
		res, body := s.Do(http.MethodGet, "/tags", "", "If-None-Match", tag)
		require.Equal(t, http.StatusNotModified, res.StatusCode)
		require.Empty(t, body)
		third := s.Publish(jake, "Third", "kiwi")
		res, body = s.Do(http.MethodGet, "/tags", "", "If-None-Match", tag)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Contains(t, body, "kiwi")
		gone, err := jake.DeleteArticleWithResponse(t.Context(), third.Slug, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, gone.StatusCode())
	})
	t.Run("DisappearsWhenUnused", func(t *testing.T) {
		retag(t, second.Slug)
		require.Equal(t, []string{"apple", "zebra"}, tags(t))
		gone, err := jake.DeleteArticleWithResponse(t.Context(), first.Slug, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, gone.StatusCode())
		require.Empty(t, tags(t))
	})
	t.Run("Race", func(t *testing.T) {
		s := s.For(t)
		const n = 20
		got := atOnce(t, n, func(int) (int, error) {
			list := []string{"hot", "hotter"}
			res, err := jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: client.NewArticle{
				Title: "Same title", Description: "D", Body: "B", TagList: &list,
			}})
			if err != nil {
				return 0, err
			}
			return res.StatusCode(), nil
		})
		require.Equal(t, map[int]int{http.StatusCreated: n}, got)
		require.Equal(t, []string{"hot", "hotter"}, tags(t))
		require.Equal(t, n, count(t, s, `SELECT sum(value) FROM counters WHERE kind = 'tag' AND name = 'hot'`))
	})
}
