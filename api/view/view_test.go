package view_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/gen/query"
)

// TestTimestamp compares Timestamp with a layout of package time.
func TestTimestamp(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -9*3600-30*60)
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(1, 999_999_999), time.Unix(1_700_000_000, 7_000_000),
		time.Date(2026, 11, 28, 23, 59, 59, 80_000_000, zone), time.Date(9999, 12, 31, 23, 59, 59, 123_456_789, time.UTC),
	} {
		if got, want := view.Timestamp(at), at.UTC().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Errorf("Timestamp(%v) = %s, want %s", at, got, want)
		}
	}
}

// TestArticleSize compares ArticleSize with the JSON of an article.
func TestArticleSize(t *testing.T) {
	t.Parallel()
	c := markup.NewConverter(nil)
	for _, body := range []string{"", "a", strings.Repeat("a\n<&> \"b\"\n\n", 100), strings.Repeat("# a `<&>` \"b\"\n", 1500)} {
		size := func(html *markup.Text) int {
			encoded, err := json.Marshal(view.Article(t.Context(), query.ArticleItem{}, body, html, nil))
			if err != nil {
				t.Fatal(err)
			}
			return len(encoded)
		}
		for _, html := range []*markup.Text{nil, c.Convert(body)} {
			const others = 700 // the other members
			if got, most := size(html), view.ArticleSize(body, html); got > most+others {
				t.Errorf("%d bytes of JSON, ArticleSize = %d", got, most)
			}
		}
	}
}
