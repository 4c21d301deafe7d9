package compare_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle/compare"
)

var start = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// TestBook checks how differences are grouped.
func TestBook(t *testing.T) {
	t.Parallel()
	rules := compare.Rules{}
	b := compare.NewBook()
	for i := range 7 {
		found := rules.Compare(body(fmt.Sprintf(`{"a":[{"n":%d},{"n":5}],"s":"x"}`, i)), body(`{"a":[{"n":-1},{"n":-2}],"s":"y"}`))
		b.Add("GetArticles", found, start.Add(time.Duration(i)*time.Second))
	}
	b.Add("GetTags", rules.Compare(body(`{"a":[{"n":1}]}`), body(`{"a":[{"n":2}]}`)), start)
	groups, dropped := b.Groups()
	require.Zero(t, dropped)
	require.Len(t, groups, 3)
	require.Equal(t, "$.a[*].n", groups[0].Path)
	require.EqualValues(t, 14, groups[0].Count)
	require.Equal(t, start, groups[0].First)
	require.Equal(t, start.Add(6*time.Second), groups[0].Last)
	require.Len(t, groups[0].Samples, 5)
	require.Equal(t, compare.Shown{Kind: "number", Value: "0"}, groups[0].Samples[0].Old)
	require.Equal(t, "GetTags", groups[2].Operation)
	b.Clear()
	groups, _ = b.Groups()
	require.Empty(t, groups)
}

// TestBookBounds checks that the number of groups is bounded, and that many
// goroutines may use a book.
func TestBookBounds(t *testing.T) {
	t.Parallel()
	b := compare.NewBook()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 300 {
				b.Add("GetTags", []compare.Difference{{Path: fmt.Sprintf("$.m%d_%d", w, i), Kind: compare.Value}}, start)
				if i%100 == 0 {
					b.Groups()
				}
			}
		})
	}
	wg.Wait()
	groups, dropped := b.Groups()
	require.Len(t, groups, 1000)
	require.EqualValues(t, 200, dropped)
}

// TestSamplesWithoutPersonalText checks what a sample shows of each kind.
func TestSamplesWithoutPersonalText(t *testing.T) {
	t.Parallel()
	rules := compare.Rules{ErrorBodies: true}
	b := compare.NewBook()
	for _, pair := range [][2]string{
		{`{"user":{"email":"jake@example.com","bio":null,"token":"secret.secret.secret","id":7,"ok":true,"at":"2024-01-02T03:04:05Z"}}`,
			`{"user":{"email":"jake@EXAMPLE.com","bio":"lives in Berlin","token":"other","id":8,"ok":false,"at":"2025-01-02T03:04:05Z"}}`},
		{`{"user":{"email":["jake@example.com"],"bio":{"text":"lives in Berlin"}}}`, `{"user":{}}`},
		{`jake@example.com`, `lives in Berlin`},
		{`{"jake@example.com":"jake@example.com"}`, `{}`},
	} {
		b.Add("GetCurrentUser", rules.Compare(body(pair[0]), body(pair[1])), start)
	}
	groups, _ := b.Groups()
	text, err := json.Marshal(groups)
	require.NoError(t, err)
	for _, secret := range []string{"jake", "Berlin", "secret", "example", "other"} {
		require.NotContains(t, strings.ToLower(string(text)), strings.ToLower(secret))
	}
	shown := map[string]compare.Sample{}
	for _, g := range groups {
		shown[g.Path+" "+string(g.Kind)] = g.Samples[0]
	}
	require.Equal(t, "7", shown["$.user.id value"].Old.Value)
	require.Equal(t, "true", shown["$.user.ok value"].Old.String())
	require.Equal(t, compare.Shown{Kind: "date", Value: "2025-01-02T03:04:05Z"}, shown["$.user.at value"].New)
	require.Equal(t, "null", shown["$.user.bio type"].Old.String())
	email := shown["$.user.email value"]
	require.Equal(t, 16, email.Old.Length)
	require.Len(t, email.Old.Hash, 8)
	require.NotEqual(t, email.Old.Hash, email.New.Hash)
	require.Regexp(t, `^text of 16, #[0-9a-f]{8}$`, email.Old.String())

	other := compare.NewBook()
	other.Add("GetCurrentUser", rules.Compare(body(`{"a":"jake@example.com"}`), body(`{"a":1}`)), start)
	groups, _ = other.Groups()
	require.NotEqual(t, email.Old.Hash, groups[0].Samples[0].Old.Hash, "each process has a key of its own")
}
