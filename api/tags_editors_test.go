package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func rename(t *testing.T, by servertest.User, tag, name string) client.ManagedTag {
	t.Helper()
	res := responseOf(by.UpdateTagWithResponse(t.Context(), tag, client.UpdateTagRequest{Name: &name}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Tag
}

func merge(t *testing.T, by servertest.User, tag, into string) client.ManagedTag {
	t.Helper()
	res := responseOf(by.MergeTagWithResponse(t.Context(), tag, client.MergeTagRequest{Into: into}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Tag
}

func tagOf(t *testing.T, s *servertest.Service, name string) (int, client.ManagedTag) {
	t.Helper()
	res := responseOf(s.Anonymous.GetTagWithResponse(t.Context(), name, nil))
	if res.JSON200 == nil {
		return res.StatusCode(), client.ManagedTag{}
	}
	return res.StatusCode(), res.JSON200.Tag
}

// caching is a service that caches responses, as in production.
func caching(t *testing.T, options ...servertest.Option) *servertest.Service {
	t.Helper()
	return servertest.New(t, append(options, servertest.WithServer(func(c *server.Config) { c.CacheBytes = 8 << 20 }))...)
}

func TestGetTag(t *testing.T) {
	t.Parallel()
	s := caching(t)
	jake, editor, moderator := s.Register("jake"), withRole(s, "edith", auth.Editor), withRole(s, "mia", auth.Moderator)
	s.Publish(jake, "First", "Go", "C/C++ & C#")
	s.Publish(jake, "Second", "go", "hidden only")
	hide(t, moderator, "second", "r")
	for _, name := range []string{"Go", "gO", " go "} {
		status, tag := tagOf(t, s, name)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, client.ManagedTag{Name: "Go", ArticlesCount: 1, Description: nullable.NewNullNullable[string]()}, tag)
	}
	status, tag := tagOf(t, s, "c/c++ & c#")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "C/C++ & C#", tag.Name)
	for _, name := range []string{"rust", "hidden only", "\u200b", strings.Repeat("x", 500)} {
		for _, token := range []string{"", jake.Token, moderator.Token, editor.Token} {
			res, body := s.Do(http.MethodGet, "/tags/"+url.PathEscape(name), "", "Authorization", "Token "+token)
			requireProblem(t, http.StatusNotFound, problem.NotFoundCode, oneField("tag", "not found"), res.StatusCode, body)
		}
	}
	res, _ := s.Do(http.MethodGet, "/tags/go", "")
	etag := res.Header.Get("ETag")
	res, _ = s.Do(http.MethodGet, "/tags/go", "", "If-None-Match", etag)
	require.Equal(t, http.StatusNotModified, res.StatusCode)
	s.Publish(jake, "Third", "GO")
	res, _ = s.Do(http.MethodGet, "/tags/go", "", "If-None-Match", etag)
	require.Equal(t, http.StatusOK, res.StatusCode)

	// Only editors see a tag that no public article has any more.
	responseOf(editor.UpdateTagWithResponse(t.Context(), "go", client.UpdateTagRequest{Description: nullable.NewNullableWithValue("About Go")}))
	for _, slug := range []string{"first", "third"} {
		hide(t, moderator, slug, "r")
	}
	status, _ = tagOf(t, s, "go")
	require.Equal(t, http.StatusNotFound, status)
	require.Empty(t, tagsWith(t, s, "prefix=g&counts=true").Tags)
	seen := responseOf(editor.GetTagWithResponse(t.Context(), "go", nil))
	require.Equal(t, "About Go", seen.JSON200.Tag.Description.MustGet())
	require.Zero(t, seen.JSON200.Tag.ArticlesCount)
	requireCounters(t, s)
}

// TestRenameTag renames a tag, and checks that articles show the new name at
// once without changing, whichever name is asked for.
func TestRenameTag(t *testing.T) {
	t.Parallel()
	s := caching(t)
	jake, editor := s.Register("jake"), withRole(s, "edith", auth.Editor)
	a := s.Publish(jake, "First", "a", "go", "b")
	s.Publish(jake, "Second", "Go")
	before, _ := s.Do(http.MethodGet, "/articles/first", "")
	listed, _ := s.Do(http.MethodGet, "/articles?tag=go", "")
	shows := func(name string, names ...string) {
		t.Helper()
		require.Equal(t, []string{"a", name, "b"}, tagListOf(t, servertest.User{ClientWithResponses: s.Anonymous}, "first"))
		require.Equal(t, []string{"a", name, "b"}, tagListOf(t, jake, "first"))
		for _, n := range append(names, name, strings.ToUpper(name)) {
			require.Equal(t, []string{"first", "second"}, listedUnder(t, s, n), n)
			_, tag := tagOf(t, s, n)
			require.Equal(t, name, tag.Name)
			require.EqualValues(t, 2, tag.ArticlesCount)
			_, body := s.Do(http.MethodGet, "/articles?author=jake&tag="+url.QueryEscape(n), "")
			require.Contains(t, body, `"articlesCount":2`)
			require.Contains(t, body, `"tagList":["a","`+name+`","b"]`)
		}
		require.Equal(t, []string{name, "a", "b"}, tagsWith(t, s, "").Tags)
		require.Equal(t, []string{name}, tagsWith(t, s, "prefix="+name).Tags)
	}
	shows("go")
	require.Equal(t, "Golang", rename(t, editor, "GO", " Golang ").Name)
	shows("Golang", "go")
	rename(t, editor, "golang", "GOLANG")
	shows("GOLANG", "go")
	rename(t, editor, "go", "The Go language")
	shows("The Go language", "go", "golang")
	rename(t, editor, "golang", "Go")
	shows("Go", "golang", "the go language")

	// The articles are as before, and their entity tags follow what they show.
	after, body := s.Do(http.MethodGet, "/articles/first", "", "If-None-Match", before.Header.Get("ETag"))
	require.Equal(t, http.StatusOK, after.StatusCode, "the spelling has changed")
	require.Contains(t, body, `"updatedAt":"`+a.UpdatedAt.Format("2006-01-02T15:04:05.000Z")+`"`)
	res, _ := s.Do(http.MethodGet, "/articles?tag=go", "", "If-None-Match", listed.Header.Get("ETag"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, 1, count(t, s, `SELECT version FROM articles WHERE slug = 'first'`))
	edited := responseOf(jake.UpdateArticleWithResponse(t.Context(), "first", &client.UpdateArticleParams{IfMatch: ptrTo(before.Header.Get("ETag"))},
		client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{TagList: &[]string{"a", "golang", "c"}}}))
	require.Equal(t, http.StatusOK, edited.StatusCode(), "a rename is no edit of the article: %s", edited.Body)
	require.Equal(t, []string{"a", "Go", "c"}, edited.JSON200.Article.TagList)
	require.Equal(t, []string{"Go"}, s.Publish(jake, "Third", "THE GO LANGUAGE").TagList)
	requireCounters(t, s)
}

// TestMergeTag merges tags, one after the other, and checks lists and counts.
func TestMergeTag(t *testing.T) {
	t.Parallel()
	s := caching(t)
	jake, editor, moderator := s.Register("jake"), withRole(s, "edith", auth.Editor), withRole(s, "mia", auth.Moderator)
	s.Publish(jake, "First", "go", "x")
	s.Publish(jake, "Second", "golang")
	s.Publish(jake, "Both", "golang", "y", "go")
	s.Publish(jake, "Hidden", "golang")
	hide(t, moderator, "hidden", "r")
	draft := client.NewArticle{Title: "Draft", Description: "d", Body: "b", TagList: &[]string{"Golang"}, Status: ptrTo(client.StatusDraft)}
	responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: draft}))
	require.Equal(t, []string{"both", "second"}, listedUnder(t, s, "golang"))

	require.Equal(t, client.ManagedTag{Name: "go", ArticlesCount: 3, Description: nullable.NewNullNullable[string]()}, merge(t, editor, "GOLANG", "GO"))
	for _, name := range []string{"go", "golang", "GoLang"} {
		require.Equal(t, []string{"both", "first", "second"}, listedUnder(t, s, name))
	}
	require.Equal(t, []string{"go", "y"}, tagListOf(t, jake, "both"), "each name once")
	require.Equal(t, []string{"go"}, tagListOf(t, jake, "draft"))
	require.Equal(t, []string{"go", "x", "y"}, tagsWith(t, s, "").Tags)
	requireCounters(t, s)

	// What happens to articles that were merged.
	require.Equal(t, http.StatusNoContent, responseOf(moderator.RestoreArticleWithResponse(t.Context(), "hidden")).StatusCode())
	require.Equal(t, []string{"both", "first", "hidden", "second"}, listedUnder(t, s, "go"))
	hide(t, moderator, "both", "r")
	require.Equal(t, []string{"first", "hidden", "second"}, listedUnder(t, s, "go"))
	requireCounters(t, s)
	require.Equal(t, http.StatusNoContent, responseOf(moderator.RestoreArticleWithResponse(t.Context(), "both")).StatusCode())
	require.Equal(t, []string{"y", "go"}, retag(t, jake, "both", "y", "golang", "go").JSON200.Article.TagList)
	require.Equal(t, http.StatusOK, publishArticle(t, jake, "draft", client.PublishRequest{}).StatusCode())
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), "second", nil)).StatusCode())
	require.Equal(t, []string{"both", "draft", "first", "hidden"}, listedUnder(t, s, "golang"))
	requireCounters(t, s)

	// A tag that others were merged into, and one with another name.
	rename(t, editor, "x", "Ecks")
	merge(t, editor, "golang", "x")
	require.Equal(t, []string{"Ecks"}, tagListOf(t, jake, "first"))
	require.Equal(t, []string{"y", "Ecks"}, tagListOf(t, jake, "both"))
	require.Equal(t, []string{"both", "draft", "first", "hidden"}, listedUnder(t, s, "go"))
	rename(t, editor, "go", "Go")
	require.Equal(t, []string{"Go"}, tagListOf(t, jake, "first"))
	require.Equal(t, []string{"Go", "y"}, tagsWith(t, s, "").Tags)
	requireCounters(t, s)
	for _, slug := range []string{"both", "draft", "first", "hidden"} {
		require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	}
	require.Empty(t, tagsWith(t, s, "").Tags)
	require.Equal(t, []string{"Go"}, s.Publish(jake, "New", "golang").TagList, "names that editors gave stay")
	requireCounters(t, s)
}

// TestMergeManyArticles merges a tag whose articles are moved by the job, while
// articles with it are written.
func TestMergeManyArticles(t *testing.T) {
	t.Parallel()
	s := caching(t, servertest.Mailing())
	jake, editor := s.Register("jake"), withRole(s, "edith", auth.Editor)
	insertMany(t, s, 4000, `INSERT INTO articles (slug, author_id, title, description, body, tags)
		SELECT 'a' || i, u.id, 't', 'd', 'b', CASE i % 3 WHEN 0 THEN '{old,new}'::text[] ELSE '{old}' END FROM users u, generate_series($1::int, $2::int) i WHERE u.username = 'jake'`)
	change(t, s, `INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM articles`)
	ctx, stop := context.WithCancel(t.Context())
	wrote := make(chan error, 1)
	go func() {
		for i := 1; ctx.Err() == nil; i++ {
			res, err := jake.DeleteArticleWithResponse(t.Context(), fmt.Sprint("a", i*7), nil)
			if err == nil && res.StatusCode() != http.StatusNoContent {
				err = fmt.Errorf("%d: %s", res.StatusCode(), res.Body)
			}
			if err == nil {
				_, err = jake.CreateArticleWithResponse(t.Context(), nil, newArticle(fmt.Sprint("New ", i), "OLD"))
			}
			if err != nil || i == 500 {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	tag := merge(t, editor, "old", "new")
	require.Equal(t, "new", tag.Name)
	require.Equal(t, []string{"new"}, tagListOf(t, jake, "a4000"), "articles that are not moved yet show the new tag")
	require.Eventually(t, func() bool {
		_, tag := tagOf(t, s, "old")
		return tag.Name == "new" && tag.ArticlesToMove == 0
	}, 20*time.Second, 20*time.Millisecond)
	stop()
	require.NoError(t, <-wrote)
	_, tag = tagOf(t, s, "old")
	require.EqualValues(t, count(t, s, `SELECT count(*) FROM articles`), tag.ArticlesCount)
	require.Zero(t, count(t, s, `SELECT count(*) FROM article_tags WHERE tag = 'old'`))
	requireCounters(t, s)
}
