package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// listPage is a page of any list: its one array, and where the next page is.
type listPage struct {
	items []json.RawMessage
	next  *string
}

// getPage reads a page of the list that a call asks for.
func getPage(t *testing.T, s *servertest.Service, op *contract.Operation, c call, query url.Values) listPage {
	t.Helper()
	path, own, _ := strings.Cut(c.path, "?")
	if own != "" {
		own = "&" + own
	}
	res, body := c.at(path+"?"+query.Encode()+own).do(s, op.Method)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", op.ID, body)
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &members))
	var p listPage
	arrays := 0
	for name, value := range members {
		switch {
		case name == "nextCursor":
			require.NoError(t, json.Unmarshal(value, &p.next))
		case value[0] == '[':
			arrays++
			require.NoError(t, json.Unmarshal(value, &p.items))
		}
	}
	require.Equal(t, 1, arrays, "%s: %s", op.ID, body)
	require.Equal(t, p.next != nil, strings.Contains(res.Header.Get("Link"), `rel="next"`),
		"%s, api/%s*.go: the header Link leads to the next page exactly if nextCursor does", op.ID, op.Tag)
	return p
}

// requireBounded requires that an operation without pages lists no more than a
// maximum that the document declares, or what the request names.
func requireBounded(t *testing.T, op *contract.Operation, described *openapi3.Operation) {
	t.Helper()
	response := described.Responses.Status(http.StatusOK)
	if op.Method != http.MethodGet || response == nil || response.Value.Content.Get("application/json") == nil {
		return
	}
	for name, member := range response.Value.Content.Get("application/json").Schema.Value.Properties {
		if member.Value.Type.Is(openapi3.TypeArray) {
			require.NotNil(t, member.Value.MaxItems, "%s lists %s: declare limit and cursor, or maxItems, in openapi.yaml", op.ID, name)
		}
	}
}

// TestLists holds every operation that takes limit and cursor to what the two
// promise: no page is longer than its limit, the pages together are the whole
// list, also where rows have the same time, and a cursor belongs to one list.
// Every other list has a maximum.
func TestLists(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	parsed, err := spec.GetSpec()
	require.NoError(t, err)
	s := servertest.New(t)
	lists := 0
	for _, op := range doc.Operations() {
		item := parsed.Paths.Value(op.Path)
		takes := func(name string) bool {
			return slices.ContainsFunc(slices.Concat(item.Parameters, item.GetOperation(op.Method).Parameters), func(p *openapi3.ParameterRef) bool {
				return p.Value.In == openapi3.ParameterInQuery && p.Value.Name == name
			})
		}
		if !op.Safe || !takes("limit") || !takes("cursor") {
			requireBounded(t, op, item.GetOperation(op.Method))
			continue
		}
		lists++
		t.Run(op.ID, func(t *testing.T) { // one after another: what others add must not come between two pages
			st := newStage(s.For(t))
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			c := valid[op.ID](st)
			st.fill(t, 12)
			whole := getPage(t, st.s, op, c, url.Values{"limit": {"100"}}).items
			require.Greater(t, len(whole), 3, "%s lists nothing: let fill in server/statements_test.go make it", op.ID)
			var walked []json.RawMessage
			var cursor string
			for query := (url.Values{"limit": {"2"}}); ; query.Set("cursor", cursor) {
				p := getPage(t, st.s, op, c, query)
				require.LessOrEqual(t, len(p.items), 2, "%s, api/%s*.go: the page is longer than its limit", op.ID, op.Tag)
				walked = append(walked, p.items...)
				if p.next == nil || len(walked) >= len(whole) {
					break
				}
				cursor = *p.next
			}
			require.GreaterOrEqual(t, len(walked), len(whole), "%s, api/%s*.go: walking by cursor loses rows", op.ID, op.Tag)
			require.Equal(t, texts(whole), texts(walked[:len(whole)]),
				"%s, api/%s*.go: walking by cursor gives other rows than one long page; the keyset needs a column that is unique", op.ID, op.Tag)
			if len(op.Targets) == 0 {
				return
			}
			other := newStage(st.s)
			foreign := valid[op.ID](other)
			res, body := foreign.at(foreign.path+"?cursor="+cursor).do(st.s, op.Method)
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode,
				"%s, api/%s*.go: the cursor of one list is good for another; its scope has to name the list: %s", op.ID, op.Tag, body)
		})
	}
	require.Greater(t, lists, 4)
}

func texts(items []json.RawMessage) (all []string) {
	for _, item := range items {
		all = append(all, string(item))
	}
	return all
}

// TestHiddenIsSeenNowhere hides an article and a comment, and calls every safe
// operation of the document as somebody who must not see them.
func TestHiddenIsSeenNowhere(t *testing.T) {
	t.Parallel()
	const marker = "nobody-may-read-this"
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	shown := 0
	for _, op := range doc.Operations() {
		if !op.Safe || op.Role > auth.Author {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			st := newStage(s.For(t))
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			c := valid[op.ID](st)
			hidden := st.s.Publish(st.author, marker+st.author.Username, "stage", marker).Slug
			stranger := st.s.Register("")
			for _, do := range []call{
				{path: "/articles/" + st.slug + "/comments", body: `{"comment":{"body":"` + marker + `"}}`, token: st.author.Token},
				{path: "/profiles/" + st.author.Username + "/follow", token: stranger.Token},
				{path: "/articles/" + hidden + "/favorite", token: stranger.Token},
			} {
				res, body := do.do(st.s, http.MethodPost)
				require.Less(t, res.StatusCode, 300, body)
			}
			callers := map[string]call{"a stranger": c.as(stranger.Token), "an anonymous caller": c.as("")}
			seen := false
			for _, ask := range callers { // their responses are cached, as far as they can be
				_, body := ask.do(st.s, op.Method)
				seen = seen || strings.Contains(body, marker)
			}
			if seen {
				shown++
			}
			for _, sql := range []string{
				`INSERT INTO hidden_items (article_id, reason) SELECT id, 'r' FROM articles WHERE slug = $1 AND $2 <> ''`,
				`INSERT INTO hidden_items (comment_id, reason) SELECT id, 'r' FROM comments WHERE body = $2 AND article_id = (SELECT id FROM articles WHERE slug = $1)`,
			} {
				slug := hidden
				if strings.Contains(sql, "comment_id") {
					slug = st.slug
				}
				tag, err := st.s.DB.Exec(t.Context(), sql, slug, marker)
				require.NoError(t, err)
				require.EqualValues(t, 1, tag.RowsAffected())
			}
			for who, ask := range callers {
				_, body := ask.do(st.s, op.Method)
				require.NotContains(t, body, marker, "%s shows %s what a moderator has hidden: see api/visibility and db/queries/%s.sql", op.ID, who, op.Tag)
			}
		})
	}
	require.Greater(t, shown, 4, "operations that show the article or the comment before")
}
