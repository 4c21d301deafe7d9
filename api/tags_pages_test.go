package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func tagsWith(t *testing.T, s *servertest.Service, query string) *client.TagsResponse {
	t.Helper()
	params := &client.GetTagsParams{}
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	for name, to := range map[string]**string{"cursor": &params.Cursor, "prefix": &params.Prefix} {
		if values.Has(name) {
			*to = ptrTo(values.Get(name))
		}
	}
	if values.Has("limit") {
		var n int32
		_, err := fmt.Sscan(values.Get("limit"), &n)
		require.NoError(t, err)
		params.Limit = &n
	}
	if values.Has("counts") {
		params.Counts = ptrTo(values.Get("counts") == "true")
	}
	res := responseOf(s.Anonymous.GetTagsWithResponse(t.Context(), params))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200
}

// TestTagPages reads the tags by name, with prefixes and counts.
func TestTagPages(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, moderator := s.Register("jake"), withRole(s, "mia", auth.Moderator)
	s.Publish(jake, "First", "Zebra", "gopher", "Go", "Écru")
	s.Publish(jake, "Second", "GO", "go-kart", "écologie", "go_")
	s.Publish(jake, "Hidden", "go-hidden", "Go")
	hide(t, moderator, "hidden", "r")
	draft := client.NewArticle{Title: "Draft", Description: "d", Body: "b", TagList: &[]string{"go-draft"}, Status: ptrTo(client.StatusDraft)}
	require.NotNil(t, responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: draft})).JSON201)

	t.Run("Core", func(t *testing.T) {
		s := s.For(t)
		_, body := s.Do(http.MethodGet, "/tags", "")
		require.JSONEq(t, `{"tags":["Go","Zebra","go-kart","go_","gopher","Écru","écologie"]}`, body, "without pages nothing is added")
		require.Equal(t, client.TagCount{Tag: "Go", ArticlesCount: 2}, (*tagsWith(t, s, "counts=true").Counts)[0])
		require.Nil(t, tagsWith(t, s, "counts=false").Counts)
	})
	t.Run("ByName", func(t *testing.T) {
		s := s.For(t)
		want := []string{"Go", "go-kart", "go_", "gopher", "Zebra", "écologie", "Écru"}
		var walked []string
		for query := "limit=2&counts=true"; ; {
			p := tagsWith(t, s, query)
			require.LessOrEqual(t, len(p.Tags), 2)
			require.Len(t, *p.Counts, len(p.Tags))
			walked = append(walked, p.Tags...)
			if p.NextCursor.IsNull() {
				break
			}
			query = "limit=2&counts=true&cursor=" + p.NextCursor.MustGet()
		}
		require.Equal(t, want, walked)
		res, body := s.Do(http.MethodGet, "/tags?limit=7", "")
		require.Empty(t, res.Header.Get("Link"))
		require.Contains(t, body, `"nextCursor":null`)
	})
	t.Run("Prefix", func(t *testing.T) {
		s := s.For(t)
		for prefix, want := range map[string][]string{
			"GO": {"Go", "go-kart", "go_", "gopher"}, "go-": {"go-kart"}, "go-d": {}, "go-h": {}, "É": {"écologie", "Écru"}, "e\u0301c": {"écologie", "Écru"},
			" ZEB ": {"Zebra"}, "%": {}, "_": {}, "go_": {"go_"}, "\u200b": {}, "x": {},
		} {
			require.Equal(t, want, tagsWith(t, s, "prefix="+url.QueryEscape(prefix)).Tags, "%q", prefix)
		}
		p := tagsWith(t, s, "prefix=g&limit=3")
		require.Equal(t, []string{"Go", "go-kart", "go_"}, p.Tags)
		require.Equal(t, []string{"gopher"}, tagsWith(t, s, "prefix=G&limit=3&cursor="+p.NextCursor.MustGet()).Tags, "the case of a prefix does not matter")
		res, _ := s.Do(http.MethodGet, "/tags?prefix=g&limit=3", "")
		require.Equal(t, `</api/tags?cursor=`+p.NextCursor.MustGet()+`&limit=3&prefix=g>; rel="next"`, res.Header.Get("Link"))
	})
	t.Run("Invalid", func(t *testing.T) {
		s := s.For(t)
		cursor := tagsWith(t, s, "prefix=g&limit=1").NextCursor.MustGet()
		articles := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Limit: ptrTo[int32](1)})).JSON200.NextCursor
		invalid := "is not a valid cursor for this list"
		other := "A"
		if cursor[0] == 'A' {
			other = "B"
		}
		for query, fields := range map[string]client.FieldErrors{
			"limit=0":                           allWrong("must be at least 1", "limit"),
			"limit=101":                         allWrong("must be at most 100", "limit"),
			"counts=maybe":                      allWrong("must be a boolean", "counts"),
			"prefix=":                           allWrong(cantBeBlank, "prefix"),
			"prefix=" + strings.Repeat("x", 65): allWrong("is too long (maximum is 64 characters)", "prefix"),
			"cursor=x":                          allWrong(invalid, "cursor"),
			"cursor=" + cursor:                  allWrong(invalid, "cursor"),
			"prefix=h&cursor=" + cursor:         allWrong(invalid, "cursor"),
			"prefix=g&cursor=" + cursor[:len(cursor)-1]: allWrong(invalid, "cursor"),
			"prefix=g&cursor=" + other + cursor[1:]:     allWrong(invalid, "cursor"),
			"prefix=g&cursor=" + cursor + "AA":          allWrong(invalid, "cursor"),
			"cursor=" + articles.MustGet():              allWrong(invalid, "cursor"),
		} {
			res, body := s.Do(http.MethodGet, "/tags?"+query, "")
			requireRefusal(t, http.StatusUnprocessableEntity, fields, res, body)
		}
		res, body := s.Do(http.MethodGet, "/articles?cursor="+cursor, "")
		requireRefusal(t, http.StatusUnprocessableEntity, allWrong(invalid, "cursor"), res, body)
	})
}

// TestTagPagesOfLongNames reads pages whose cursors are as long as they can be.
func TestTagPagesOfLongNames(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	s.Publish(jake, "Old")
	change(t, s, `UPDATE articles SET tags = ARRAY(SELECT repeat('ﷺ', 63) || i FROM generate_series(1, 3) i)`)
	p := tagsWith(t, s, "limit=2")
	require.Len(t, p.Tags, 2)
	require.LessOrEqual(t, len(p.NextCursor.MustGet()), 3000)
	require.Len(t, tagsWith(t, s, "limit=2&cursor="+p.NextCursor.MustGet()).Tags, 1)
}

// TestTagPagesAreExact changes tags while their pages are cached.
func TestTagPagesAreExact(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CacheBytes = 8 << 20 }))
	jake, moderator := s.Register("jake"), withRole(s, "mia", auth.Moderator)
	is := func(query string, want ...string) {
		t.Helper()
		for range 2 {
			require.Equal(t, append([]string{}, want...), tagsWith(t, s, query).Tags)
		}
	}
	is("prefix=go")
	s.Publish(jake, "First", "Go")
	is("prefix=go", "Go")
	s.Publish(jake, "Second", "gO", "gopher")
	is("prefix=go&limit=1", "Go")
	is("prefix=go", "Go", "gopher")
	require.Equal(t, []client.TagCount{{Tag: "Go", ArticlesCount: 2}, {Tag: "gopher", ArticlesCount: 1}}, *tagsWith(t, s, "prefix=g&counts=true").Counts)
	hide(t, moderator, "second", "r")
	is("prefix=go", "Go")
	require.Equal(t, []client.TagCount{{Tag: "Go", ArticlesCount: 1}}, *tagsWith(t, s, "prefix=g&counts=true").Counts)
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), "first", nil)).StatusCode())
	is("prefix=go")
	// The lists of articles by tag, in each case of its letters.
	s.Publish(jake, "Third", "Go", "Other")
	for _, tag := range []string{"go", "GO", "Go"} {
		require.Equal(t, []string{"third"}, listedUnder(t, s, tag))
	}
	retag(t, jake, "third", "other")
	for _, tag := range []string{"go", "GO", "Go"} {
		require.Empty(t, listedUnder(t, s, tag))
	}
	require.Equal(t, []string{"third"}, listedUnder(t, s, "oTHER"))
}
