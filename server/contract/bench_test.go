package contract

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func benchmark(b *testing.B, id, query, body string) {
	op := operation(b, document(b), id)
	path := func(string) string { return "how-to-train-your-dragon" }
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.RawQuery = query
	r.Header.Set("If-None-Match", `"0123456789abcdef"`)
	reader, closer := strings.NewReader(body), closer{}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	b.ReportAllocs()
	for b.Loop() {
		if body != "" {
			reader.Reset(body)
			closer.Reader = reader
			r.Body, r.ContentLength = closer, int64(len(body))
		}
		if err := op.Check(r, path, &Ignored{}); err != nil {
			b.Fatal(err)
		}
	}
}

type closer struct{ *strings.Reader }

func (closer) Close() error { return nil }

func BenchmarkCheck(b *testing.B) {
	b.Run("GetArticle", func(b *testing.B) { benchmark(b, "GetArticle", "", "") })
	b.Run("GetArticles", func(b *testing.B) { benchmark(b, "GetArticles", "limit=20&offset=0", "") })
	b.Run("GetArticlesByTag", func(b *testing.B) { benchmark(b, "GetArticles", "tag=dragons&limit=20&offset=0", "") })
	const article = `{"article":{"title":"How to train your dragon","description":"Ever wonder how?","tagList":["reactjs","angularjs","dragons"],"body":"`
	b.Run("CreateArticle2kB", func(b *testing.B) {
		benchmark(b, "CreateArticle", "", article+strings.Repeat(`You have to believe.\n`, 90)+`"}}`)
	})
	b.Run("CreateArticle2kBNoEscapes", func(b *testing.B) {
		benchmark(b, "CreateArticle", "", article+strings.Repeat(`You have to believe.  `, 90)+`"}}`)
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		document(b)
	}
}
