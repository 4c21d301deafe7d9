package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// TestKeptArticles counts the statements of signed-in lists after changes: what
// is read again is what has changed, and nothing is if nothing has.
func TestKeptArticles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.SharedDatabase = false }))
	jake, anna, reader := s.Register("jake"), s.Register("anna"), s.Register("reader")
	var slugs []string
	for i := range 3 {
		slugs = append(slugs, s.Publish(jake, fmt.Sprintf("By Jake %d", i), "x").Slug, s.Publish(anna, fmt.Sprintf("By Anna %d", i), "y").Slug)
	}
	do := func(who servertest.User, method, path, body string) {
		t.Helper()
		res, answer := s.Do(method, path, body, "Authorization", "Token "+who.Token)
		require.Less(t, res.StatusCode, 300, answer)
	}
	do(reader, http.MethodPost, "/profiles/jake/follow", "")
	lists := []string{"/articles", "/articles?tag=x", "/articles?author=anna", "/articles/feed"}
	read := func() (counts []int64) {
		t.Helper()
		for _, path := range lists {
			s.Statements.Reset()
			do(reader, http.MethodGet, path, "")
			n, _ := s.Statements.Reset()
			counts = append(counts, n)
		}
		return counts
	}
	first := "/articles/" + slugs[0] // by jake, with the tag x
	for _, step := range []struct {
		name               string
		who                servertest.User
		method, path, body string
		// The statements of each list, in turn: the ids of its page, cards, and
		// what the reader has marked. What one list reads, the next ones have.
		want []int64
	}{
		{"all is new", reader, http.MethodGet, "/user", "", []int64{3, 1, 1, 1}},
		{"nothing", reader, http.MethodGet, "/user", "", []int64{0, 0, 0, 0}},
		{"a favorite of somebody else", anna, http.MethodPost, first + "/favorite", "", []int64{1, 0, 0, 0}},
		{"a favorite of the reader", reader, http.MethodPost, first + "/favorite", "", []int64{2, 0, 0, 0}},
		{"a follow of the reader", reader, http.MethodPost, "/profiles/anna/follow", "", []int64{1, 0, 0, 1}},
		{"a follow of somebody else", anna, http.MethodPost, "/profiles/jake/follow", "", []int64{0, 0, 0, 0}},
		{"an edit", jake, http.MethodPut, first, `{"article":{"description":"edited"}}`, []int64{1, 0, 0, 0}},
		{"a profile", jake, http.MethodPut, "/user", `{"user":{"bio":"new"}}`, []int64{1, 0, 0, 0}},
		{"a comment", jake, http.MethodPost, first + "/comments", `{"comment":{"body":"c"}}`, []int64{0, 0, 0, 0}},
		{"a draft", anna, http.MethodPost, "/articles", `{"article":{"title":"Draft","description":"d","body":"b","status":"draft"}}`, []int64{0, 0, 0, 0}},
		{"a new article", jake, http.MethodPost, "/articles", `{"article":{"title":"New","description":"d","body":"b","tagList":["x"]}}`, []int64{3, 1, 0, 1}},
		{"a deleted article", anna, http.MethodDelete, "/articles/" + slugs[1], "", []int64{1, 0, 1, 1}},
	} {
		do(step.who, step.method, step.path, step.body)
		require.Equal(t, step.want, read(), "%s: statements of %s", step.name, strings.Join(lists, ", "))
	}
}
