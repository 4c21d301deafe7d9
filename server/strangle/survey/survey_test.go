package survey_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle/compare"
	"github.com/byline-api/byline/server/strangle/survey"
)

// system is a small system of the contract with articles by two authors. change
// can change the text of an answer.
func system(t *testing.T, articles int, change func(path, body string) string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = map[string]any{"path": r.URL.Path}
		switch {
		case r.URL.Path == "/api/articles" && r.URL.Query().Get("offset") != "":
			offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
			var page []any
			for i := offset; i < min(offset+20, articles); i++ {
				page = append(page, map[string]any{"slug": fmt.Sprintf("a-%d", i), "tagList": []string{"go"}, "author": map[string]any{"username": fmt.Sprint("u", i%2)}})
			}
			answer = map[string]any{"articles": page, "articlesCount": articles}
		case r.URL.Path == "/api/tags":
			answer = map[string]any{"tags": []string{"go", "js"}}
		}
		body, _ := json.Marshal(answer)
		w.Header().Set("Content-Type", "application/json")
		text := string(body)
		if change != nil {
			text = change(r.URL.RequestURI(), text)
		}
		if text == "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/api"
}

func run(t *testing.T, cfg survey.Config) *survey.Report {
	t.Helper()
	cfg.Concurrency = 4
	report, err := survey.Run(t.Context(), cfg)
	require.NoError(t, err)
	return report
}

// TestRun compares everything once.
func TestRun(t *testing.T) {
	t.Parallel()
	r := run(t, survey.Config{Old: system(t, 45, nil), New: system(t, 45, nil)})
	require.True(t, r.OK())
	require.Equal(t, 45, r.Articles)
	// Three pages, two lists of each author, and one of the tag.
	require.Equal(t, map[string]int{"GetTags": 1, "GetArticles": 3 + 4 + 1, "GetArticle": 45, "GetArticleComments": 45, "GetProfileByUsername": 2}, r.Compared)

	sample := run(t, survey.Config{Old: system(t, 45, nil), New: system(t, 45, nil), Sample: 10})
	require.LessOrEqual(t, sample.Compared["GetArticle"], 20)
	require.NotZero(t, sample.Compared["GetArticle"])
}

// TestDifferences groups what differs, and believes nothing that passes.
func TestDifferences(t *testing.T) {
	t.Parallel()
	r := run(t, survey.Config{Old: system(t, 5, nil), New: system(t, 5, func(path, body string) string {
		if strings.HasPrefix(path, "/api/articles/a-3") {
			return strings.Replace(body, "a-3", "secret", 1)
		}
		return body
	})})
	require.Equal(t, map[string]int{"GetArticle": 1, "GetArticleComments": 1}, r.Different)
	require.Equal(t, "$.path", r.Groups[0].Path)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(text), "secret", "no texts")

	var asked atomic.Int64
	r = run(t, survey.Config{Old: system(t, 1, nil), New: system(t, 1, func(path, body string) string {
		if path == "/api/articles/a-0" && asked.Add(1) == 1 {
			return `{"path":"late"}`
		}
		return body
	})})
	require.True(t, r.OK())
	require.Equal(t, 1, r.Noise)

	var n atomic.Int64
	r = run(t, survey.Config{Old: system(t, 1, func(path, body string) string {
		if path == "/api/articles/a-0" {
			return fmt.Sprintf(`{"views":%d}`, n.Add(1))
		}
		return body
	}), New: system(t, 1, func(path, body string) string {
		if path == "/api/articles/a-0" {
			return `{"views":0}`
		}
		return body
	})})
	require.True(t, r.OK(), "the old system itself answers in different ways")
}

// TestIgnore leaves out what the operator has explained.
func TestIgnore(t *testing.T) {
	t.Parallel()
	other := func(_, body string) string { return strings.Replace(body, `"path"`, `"extra":1,"path"`, 1) }
	r := run(t, survey.Config{Old: system(t, 2, other), New: system(t, 2, nil)})
	require.False(t, r.OK())
	r = run(t, survey.Config{Old: system(t, 2, other), New: system(t, 2, nil), Rules: compare.Rules{Ignore: []compare.Path{compare.MustPath("$.extra")}}})
	require.True(t, r.OK())
}

// TestErrors ends with what is wrong.
func TestErrors(t *testing.T) {
	t.Parallel()
	ok := system(t, 1, nil)
	for what, old := range map[string]string{
		"with the status 500":    system(t, 1, func(string, string) string { return "" }),
		"not as in the contract": system(t, 1, func(string, string) string { return "[]" }),
		"connection refused":     "http://127.0.0.1:1/api",
		"lists no articles":      system(t, 0, nil),
		"articlesCount of the old system is 0": system(t, 1, func(_, body string) string {
			return strings.Replace(body, "articlesCount", "count", 1)
		}),
	} {
		_, err := survey.Run(t.Context(), survey.Config{Old: old, New: ok, Concurrency: 2})
		require.ErrorContains(t, err, what)
	}
	_, err := survey.Run(t.Context(), survey.Config{Old: ok, New: "http://127.0.0.1:1/api", Concurrency: 2})
	require.ErrorContains(t, err, "connection refused")
}

// TestRefused does not take two errors for a proof.
func TestRefused(t *testing.T) {
	t.Parallel()
	refuse := func(share int) func(path, body string) string {
		return func(path, body string) string {
			if n, found := strings.CutPrefix(path, "/api/articles/a-"); found {
				if i, err := strconv.Atoi(n); err == nil && i%share == 0 {
					return ""
				}
			}
			return body
		}
	}
	r := run(t, survey.Config{Old: system(t, 40, refuse(20)), New: system(t, 40, refuse(20))})
	require.True(t, r.OK())
	require.Equal(t, 2, r.Refused["GetArticle"])
	r = run(t, survey.Config{Old: system(t, 40, refuse(2)), New: system(t, 40, refuse(2))})
	require.False(t, r.OK())
	require.Equal(t, []string{"GetArticle"}, r.TooManyRefused())
	require.Empty(t, r.Different)
}
