package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestOutputEncoding stores text that would end a JSON string, or a header
// field, if it were not escaped, and reads it with every operation that returns
// it.
func TestOutputEncoding(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const (
		word = `"},{"x":"\`
		text = word + "\u0001\t\r\nX-Y: z\u2028</script>é😀"
	)
	quote := func(text string) string {
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		return string(quoted)
	}
	u := s.Register("")
	auth := []string{"Authorization", "Token " + u.Token}
	for _, change := range [][3]string{
		{"PUT", "/user", fmt.Sprintf(`{"user":{"username":%s,"bio":%s}}`, quote(word), quote(text))},
		{"POST", "/articles", fmt.Sprintf(`{"article":{"title":%[1]s,"description":%[1]s,"body":%[1]s,"tagList":[%[2]s]}}`, quote(text), quote(word))},
		{"POST", "/articles", fmt.Sprintf(`{"article":{"title":"Other","description":"d","body":"b","tagList":[%s]}}`, quote(word))},
	} {
		res, body := s.Do(change[0], change[1], change[2], auth...)
		require.Less(t, res.StatusCode, 300, body)
	}
	list, err := s.Anonymous.GetArticlesWithResponse(t.Context(), nil)
	require.NoError(t, err)
	require.NotNil(t, list.JSON200, string(list.Body))
	slug := list.JSON200.Articles[1].Slug
	res, body := s.Do("POST", "/articles/"+slug+"/comments", fmt.Sprintf(`{"comment":{"body":%s}}`, quote(text)), auth...)
	require.Equal(t, http.StatusCreated, res.StatusCode, body)

	escaped := url.PathEscape(word)
	for _, path := range []string{
		"/articles", "/articles?tag=" + url.QueryEscape(word), "/articles?author=" + url.QueryEscape(word), "/articles/" + slug,
		"/articles/" + slug + "/comments", "/profiles/" + escaped, "/tags", "/user",
	} {
		res, body := s.Do("GET", path, "", auth...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.NotContains(t, strings.TrimSuffix(body, "\n"), "\n", path)
		require.NotContains(t, body, "\u0001", path)
		seen := false
		eachText(t, body, func(found string) { seen = seen || found == text || found == word })
		require.True(t, seen, "%s: %s", path, body)
	}

	page, body := s.Do("GET", "/articles?limit=1&tag="+url.QueryEscape(word), "")
	require.Equal(t, http.StatusOK, page.StatusCode, body)
	link, rel, _ := strings.Cut(page.Header.Get("Link"), ">")
	require.Equal(t, `; rel="next"`, rel)
	next, err := url.Parse(link[1:])
	require.NoError(t, err)
	require.Equal(t, word, next.Query().Get("tag"))
	_, body = s.Do("GET", strings.TrimPrefix(next.String(), "/api"), "")
	var second client.ArticlesResponse
	require.NoError(t, json.Unmarshal([]byte(body), &second))
	require.Len(t, second.Articles, 1)
}

// eachText calls f for every string in a JSON text.
func eachText(t *testing.T, body string, f func(string)) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(body), &value), body)
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case string:
			f(value)
		case []any:
			for _, item := range value {
				walk(item)
			}
		case map[string]any:
			for _, member := range value {
				walk(member)
			}
		}
	}
	walk(value)
}
