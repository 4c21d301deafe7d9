package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// allDetails are all members that front ends need beside the text, as a client
// sends them.
const allDetails = `"coverImage":{"url":"https://cdn.example.com/a.jpg?x=1&y=2","alt":"","width":1600},` +
	`"canonicalUrl":"http://example.com/a","metaTitle":"A <title>","metaDescription":"Words","language":"PT-br",` +
	`"metadata": {"z":1.10, "a":[ 12345678901234567890, 1e-7, {"n":null} ], "\u00e9<":"\u00e9<&>", "o":{"k":false}}`

// wantMetadata is the metadata of allDetails in responses, which escape < and
// &.
const wantMetadata = `{"z":1.10,"a":[12345678901234567890,1e-7,{"n":null}],"é\u003c":"é\u003c\u0026\u003e","o":{"k":false}}`

// rawArticle returns the members of the article in a response, as their text.
func rawArticle(t *testing.T, status int, res *http.Response, body string) map[string]json.RawMessage {
	t.Helper()
	require.Equal(t, status, res.StatusCode, body)
	var out struct{ Article map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(body), &out), body)
	return out.Article
}

// unescaped replaces what only encoding/json escapes. An article on its own is
// encoded without it.
var unescaped = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&")

// requireDetails checks each of the members, which are null if they are not
// among the arguments: a name, and its value as JSON.
func requireDetails(t *testing.T, got map[string]json.RawMessage, want ...string) {
	t.Helper()
	all := map[string]string{"coverImage": "null", "canonicalUrl": "null", "metaTitle": "null", "metaDescription": "null", "language": "null", "metadata": "{}"}
	for i := 0; i < len(want); i += 2 {
		all[want[i]] = want[i+1]
	}
	for name, value := range all {
		require.Equal(t, unescaped.Replace(value), unescaped.Replace(string(got[name])), name)
	}
}

func TestArticleDetails(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	create := func(members string) map[string]json.RawMessage {
		t.Helper()
		res, body := s.Do("POST", "/articles", `{"article":{"title":"T","description":"d","body":"b"`+members+`}}`, signed(jake)...)
		return rawArticle(t, http.StatusCreated, res, body)
	}
	update := func(slug, members string) map[string]json.RawMessage {
		t.Helper()
		res, body := s.Do("PUT", "/articles/"+slug, `{"article":{`+members+`}}`, signed(jake)...)
		return rawArticle(t, http.StatusOK, res, body)
	}
	slugOf := func(a map[string]json.RawMessage) string { return strings.Trim(string(a["slug"]), `"`) }
	complete := []string{
		"coverImage", `{"alt":"","url":"https://cdn.example.com/a.jpg?x=1\u0026y=2","width":1600}`, "canonicalUrl", `"http://example.com/a"`,
		"metaTitle", `"A \u003ctitle\u003e"`, "metaDescription", `"Words"`, "language", `"pt-BR"`, "metadata", wantMetadata,
	}

	t.Run("Absent", func(t *testing.T) {
		a := create("")
		requireDetails(t, a)
		requireDetails(t, create(`,"coverImage":null,"canonicalUrl":null,"metaTitle":null,"metaDescription":null,"language":null,"metadata":null`))
		requireDetails(t, create(`,"metadata":{"a":null}`))
		res, body := s.Do("GET", "/articles/"+slugOf(a), "")
		requireDetails(t, rawArticle(t, http.StatusOK, res, body))
	})
	t.Run("Everywhere", func(t *testing.T) {
		a := create("," + allDetails)
		requireDetails(t, a, complete...)
		slug := slugOf(a)
		for _, call := range [][2]string{{"GET", ""}, {"POST", "/favorite"}, {"POST", "/unpublish"}, {"POST", "/publish"}} {
			res, body := s.Do(call[0], "/articles/"+slug+call[1], "", signed(jake)...)
			requireDetails(t, rawArticle(t, http.StatusOK, res, body), complete...)
		}
		res, body := s.Do("POST", "/batch/articles", `{"slugs":["`+slug+`"]}`)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		var batch struct{ Articles []map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(body), &batch))
		requireDetails(t, batch.Articles[0], complete...)
		for _, list := range []string{"/articles", "/user/articles"} {
			_, body = s.Do("GET", list, "", signed(jake)...)
			require.Contains(t, body, slug)
			require.NotContains(t, body, "metaTitle")
		}
		_, body = s.Do("GET", "/user/export", "", signed(jake)...)
		require.Contains(t, body, `"metaDescription" : "Words", "language" : "pt-BR", "metadata" : {"z":1.10,"a":[12345678901234567890,`)
	})
	t.Run("SentBack", func(t *testing.T) {
		a := create("," + allDetails)
		slug := slugOf(a)
		got := responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil))
		text, err := json.Marshal(map[string]any{"article": a})
		require.NoError(t, err)
		res, body := s.Do("PUT", "/articles/"+slug, string(text), signed(jake)...)
		requireDetails(t, rawArticle(t, http.StatusOK, res, body), complete...)

		only := ""
		for i := 0; i < len(complete); i += 2 {
			only += `,"` + complete[i] + `":` + complete[i+1]
		}
		before := responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).HTTPResponse.Header.Get("ETag")
		require.NotEqual(t, got.HTTPResponse.Header.Get("ETag"), before, "the text was written")
		update(slug, only[1:])
		require.Equal(t, before, responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).HTTPResponse.Header.Get("ETag"), "nothing was written")
	})
	t.Run("MergePatch", func(t *testing.T) {
		slug := slugOf(create("," + allDetails))
		etag := func() string {
			return responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).HTTPResponse.Header.Get("ETag")
		}
		before := etag()
		a := update(slug, `"coverImage":{"alt":"A cat","width":null,"height":900},"metaTitle":null,"metadata":{"b":true,"z":2,"o":{"l":"x","k":null},"a":null}`)
		require.NotEqual(t, before, etag())
		want := []string{
			"coverImage", `{"alt":"A cat","height":900,"url":"https://cdn.example.com/a.jpg?x=1\u0026y=2"}`, "canonicalUrl", `"http://example.com/a"`,
			"metaDescription", `"Words"`, "language", `"pt-BR"`, "metadata", `{"z":2,"é\u003c":"é\u003c\u0026\u003e","o":{"l":"x"},"b":true}`,
		}
		requireDetails(t, a, want...)
		requireDetails(t, update(slug, `"description":"Other"`), want...)
		requireDetails(t, update(slug, `"metadata":{"é\u003c":1}`), append(want[:9], `{"z":2,"é\u003c":1,"o":{"l":"x"},"b":true}`)...)
		requireCounters(t, s)
		requireDetails(t, update(slug, `"coverImage":null,"canonicalUrl":null,"metaDescription":null,"language":null,"metadata":null`))
		var none bool
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT details IS NULL FROM articles WHERE slug = $1`, slug).Scan(&none))
		require.True(t, none)
		requireDetails(t, update(slug, `"coverImage":{"url":"HTTPS://[::1]:8080","alt":"a"},"metadata":{"o":{"x":null}}`),
			"coverImage", `{"alt":"a","url":"HTTPS://[::1]:8080"}`, "metadata", `{"o":{}}`)
		requireCounters(t, s)
	})
	t.Run("Languages", func(t *testing.T) {
		slug := slugOf(create(""))
		for sent, want := range map[string]string{"en": "en", "EN-us": "en-US", "zh-hant-tw": "zh-Hant-TW", "iw": "he", "sr-LATN": "sr-Latn", "de-1996": "de-1996"} {
			requireDetails(t, update(slug, `"language":"`+sent+`"`), "language", `"`+want+`"`)
		}
	})
	t.Run("Limits", func(t *testing.T) {
		members := func(n int) string {
			m := map[string]int{}
			for i := range n {
				m[fmt.Sprint(i)] = i
			}
			text, _ := json.Marshal(m)
			return string(text)
		}
		long := func(n int) string { return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}` }
		name := func(n int) string { return `{"` + strings.Repeat("é", n) + `":1}` }
		for _, metadata := range []string{members(50), long(16384), name(40)} {
			requireDetails(t, create(`,"metadata":`+metadata), "metadata", string(compactJSON(t, metadata)))
		}
		const (
			notTag, notURL = "must be a BCP 47 language tag, such as en or pt-BR", "must be an http or https URL with a host"
			tooLarge       = "is too large (maximum is 16384 bytes)"
		)
		slug := slugOf(create(""))
		for _, test := range []struct{ members, field, message string }{
			{`"metadata":` + members(51), "metadata", "has too many members (maximum is 50)"},
			{`"metadata":` + long(16385), "metadata", tooLarge},
			{`"metadata":{"a":[` + strings.Repeat(" ", 70000) + `]}`, "metadata", tooLarge},
			{`"metadata":` + name(41), "metadata", "has a member whose name is empty or too long (maximum is 40 characters)"},
			{`"metadata":{"":1}`, "metadata", "has a member whose name is empty or too long (maximum is 40 characters)"},
			{`"metadata":[1]`, "metadata", "must be an object"},
			{`"metadata":{"a":["\u0000"]}`, "metadata", "must not contain NUL"},
			{`"metadata":{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "body", "is nested too deeply (maximum is 32 levels)"},
			{`"metadata":{"a":1,"a":2}`, "body", `has a duplicate member "article.metadata.a"`},
			{`"coverImage":{"alt":""}`, "url", cantBeBlank},
			{`"coverImage":{"url":"https://a"}`, "alt", cantBeBlank},
			{`"coverImage":"https://a"`, "coverImage", "must be an object"},
			{`"coverImage":{"url":"https://a","alt":"a","width":0}`, "width", "must be at least 1"},
			{`"coverImage":{"url":"https://a","alt":"a","height":100001}`, "height", "must be at most 100000"},
			{`"coverImage":{"url":"https://a","alt":null}`, "alt", cantBeBlank},
			{`"coverImage":{"url":"https://a","alt":"` + strings.Repeat("a", 1001) + `"}`, "alt", "is too long (maximum is 1000 characters)"},
			{`"coverImage":{"url":"data:image/png;base64,AA","alt":""}`, "url", notURL},
			{`"coverImage":{"url":"https://a/` + strings.Repeat("a", 2048) + `","alt":""}`, "url", "is too long (maximum is 2048 characters)"},
			{`"canonicalUrl":"javascript:alert(1)"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"//example.com/a"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"/a"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"https://"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"https:///a"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"https://me:secret@example.com"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"https://example.com/\"><script>"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"https://example.com/a b"`, "canonicalUrl", notURL},
			{`"canonicalUrl":"https://example.com/\n"`, "canonicalUrl", notURL},
			{`"metaTitle":""`, "metaTitle", cantBeBlank},
			{`"metaTitle":7`, "metaTitle", "must be a string"},
			{`"metaTitle":"` + strings.Repeat("x", 257) + `"`, "metaTitle", "is too long (maximum is 256 characters)"},
			{`"metaDescription":" "`, "metaDescription", cantBeBlank},
			{`"metaDescription":"` + strings.Repeat("x", 1025) + `"`, "metaDescription", "is too long (maximum is 1024 characters)"},
			{`"language":"english"`, "language", notTag},
			{`"language":"en_US"`, "language", notTag},
			{`"language":"und"`, "language", notTag},
			{`"language":"xx"`, "language", notTag},
			{`"language":"e"`, "language", "is too short (minimum is 2 characters)"},
		} {
			want, status := client.FieldErrors{test.field: {test.message}}, http.StatusUnprocessableEntity
			if test.field == "body" {
				status = http.StatusBadRequest
			}
			res, body := s.Do("POST", "/articles", `{"article":{"title":"T","description":"d","body":"b",`+test.members+`}}`, signed(jake)...)
			requireRefusal(t, status, want, res, body)
			if strings.Contains(test.members, `"alt":null`) {
				continue
			}
			res, body = s.Do("PUT", "/articles/"+slug, `{"article":{`+test.members+`}}`, signed(jake)...)
			requireRefusal(t, status, want, res, body)
		}
		update(slug, `"metadata":`+members(50))
		res, body := s.Do("PUT", "/articles/"+slug, `{"article":{"coverImage":{}}}`, signed(jake)...)
		requireRefusal(t, http.StatusUnprocessableEntity, allWrong(cantBeBlank, "alt", "url"), res, body)
		// A patch may name more members than the article may have.
		res, body = s.Do("PUT", "/articles/"+slug, `{"article":{"metadata":{"more":1}}}`, signed(jake)...)
		requireRefusal(t, http.StatusUnprocessableEntity, client.FieldErrors{"metadata": {"has too many members (maximum is 50)"}}, res, body)
		update(slug, `"metadata":{"0":null,"1":null,"more":1,"most":2}`)
	})
}

func compactJSON(t *testing.T, text string) []byte {
	t.Helper()
	out, err := json.Marshal(json.RawMessage(text))
	require.NoError(t, err)
	return out
}
