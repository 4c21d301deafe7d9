package server_test

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// longOperations are the operations whose longest response, with the longest
// texts that the document permits, has more than budget.Text bytes. Each ends
// its responses early. The functions return a call with such a response, for a
// stage that fillLong has filled.
var longOperations = map[string]func(s *stage) call{
	"GetArticles": func(s *stage) call {
		return call{path: "/articles?limit=100&author=" + s.author.Username, token: s.reader.Token}
	},
	"GetArticlesFeed":        func(s *stage) call { return call{path: "/articles/feed?limit=100", token: s.reader.Token} },
	"GetCurrentUserArticles": func(s *stage) call { return call{path: "/user/articles?limit=100", token: s.author.Token} },
	"GetEditorialArticles":   func(s *stage) call { return call{path: "/editorial/articles?limit=100", token: s.as(auth.Editor)} },
	"GetArticleRevisions": func(s *stage) call {
		return call{path: "/articles/" + s.slug + "/revisions?limit=100", token: s.author.Token}
	},
	"GetArticleComments": func(s *stage) call { return call{path: "/articles/" + s.slug + "/comments?limit=1000"} },
	"GetWaitingComments": func(s *stage) call { return call{path: "/moderation/waiting?limit=100", token: s.as(auth.Moderator)} },
	"BatchGetArticles": func(s *stage) call {
		return call{path: "/batch/articles", body: `{"slugs":` + s.all(`SELECT slug AS name FROM articles WHERE description LIKE E'\x01%'`) + `}`}
	},
	"BatchGetProfiles": func(s *stage) call {
		return call{path: "/batch/profiles", body: `{"usernames":` + s.all(`SELECT username AS name FROM users WHERE bio LIKE E'\x01%'`) + `}`}
	},
}

// all returns the first 100 names of a query as a JSON array.
func (s *stage) all(sql string) (list string) {
	err := s.s.DB.QueryRow(context.Background(), `SELECT json_agg(n.name)::text FROM (`+sql+` LIMIT 100) n`).Scan(&list)
	if err != nil {
		panic(err)
	}
	return list
}

// fillLong adds a hundred of everything that longOperations list, with the
// longest texts, of a character that takes six bytes in JSON.
func (s *stage) fillLong(t *testing.T) {
	t.Helper()
	for _, sql := range []string{
		`UPDATE users SET bio = repeat(E'\x01', 10000) WHERE username = $1 AND $2 <> $3`,
		`INSERT INTO users (username, email, password_hash, bio)
			SELECT $1 || 'long' || n, $1 || n || '@example.com', '', repeat(E'\x01', 10000) FROM generate_series(1, 100) n WHERE $2 <> $3`,
		`INSERT INTO follows (follower_id, followee_id) SELECT r.id, u.id FROM users r, users u WHERE r.username = $2 AND u.username = $1 AND $3 <> ''`,
		`WITH a AS (
			INSERT INTO articles (slug, author_id, title, description, body, tags)
			SELECT $1 || '-long-' || n, id, 'Long', repeat(E'\x01', 1024), repeat('<', 4096), '{}' FROM users, generate_series(1, 100) n WHERE username = $1 AND $2 <> $3
			RETURNING id, slug)
		INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM a`,
		`UPDATE articles SET revision = 200, own_revision = 200 WHERE slug = $3 AND $1 <> $2`,
		`INSERT INTO article_revisions (article_id, number, author_id, created_at, title, description, tags, body_revision, published)
			SELECT id, n, author_id, now(), 't', 'd', '{}', 1, true FROM articles, generate_series(1, 99) n WHERE slug = $3 AND $1 <> $2`,
		`INSERT INTO comments (article_id, author_id, body)
			SELECT a.id, a.author_id, repeat(E'\x01', 16384) FROM articles a, generate_series(1, 99) WHERE a.slug = $3 AND $1 <> $2`,
		`INSERT INTO comments (article_id, author_id, body, hidden, waiting)
			SELECT a.id, u.id, repeat(E'\x01', 16384), true, true FROM articles a, users u WHERE a.slug = $3 AND u.username LIKE $1 || 'long%' AND $2 <> ''`,
	} {
		_, err := s.s.DB.Exec(t.Context(), sql, s.author.Username, s.reader.Username, s.slug)
		require.NoError(t, err, sql)
	}
}

// TestLongestResponses computes the length of the longest response of each read
// from the limits that the document has for what clients send. If it is longer
// than budget.Text, the operation has to end its responses early, and to lead to
// the rest.
func TestLongestResponses(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	parsed, err := spec.GetSpec()
	require.NoError(t, err)
	s := servertest.New(t)
	st := newStage(s)
	st.fillLong(t)
	bounds := newBounds(parsed)
	for _, op := range doc.Operations() {
		if !op.Safe || op.Stream {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			declared := parsed.Paths.Value(op.Path).GetOperation(op.Method)
			if declared.Responses.Value("200").Value.Content["text/plain"] != nil {
				return // no JSON, and no list: two texts and a character for each line
			}
			longest := bounds.of(t, declared.Responses.Value("200").Value.Content["application/json"].Schema.Value, op.ID, rows(declared))
			makeCall, long := longOperations[op.ID]
			require.Equal(t, longest > budget.Text, long,
				"%s: the longest response has %d bytes; if that is more than %d, let view.Fit end it early, and add the operation to longOperations in server/longest_test.go",
				op.ID, longest, budget.Text)
			if !long {
				return
			}
			c, items, pages := makeCall(st), 0, 0
			for next := c; next.path != ""; pages++ {
				require.Less(t, pages, 10, op.ID)
				res, body := next.do(s, op.Method)
				require.Equal(t, http.StatusOK, res.StatusCode, body[:min(len(body), 300)])
				require.Less(t, len(body), budget.Text+1<<20, "%s, api/%s*.go", op.ID, op.Tag)
				page := map[string]json.RawMessage{}
				require.NoError(t, json.Unmarshal([]byte(body), &page))
				for name, member := range page {
					if member[0] == '[' && name != "missing" && name != "remaining" {
						var list []json.RawMessage
						require.NoError(t, json.Unmarshal(member, &list))
						require.NotEmpty(t, list)
						items += len(list)
					}
				}
				if total, ok := page["articlesCount"]; ok {
					require.Equal(t, "101", string(total))
				}
				next = c.after(page)
			}
			require.Greater(t, pages, 1, op.ID)
			require.GreaterOrEqual(t, items, 100, "%s loses rows", op.ID)
			require.LessOrEqual(t, items, 101, "%s repeats rows", op.ID)
		})
	}
}

// TestLongReadsAreBounded checks that what a response has no room for is not
// read from the database either, as far as the limits of the document do not
// bound it. The characters have four bytes, the most that a character can have.
func TestLongReadsAreBounded(t *testing.T) {
	t.Parallel()
	p, through := newProxy(t, dbtest.URL(t))
	s := servertest.New(t, servertest.WithDatabase(through))
	st := newStage(s)
	for _, sql := range []string{
		`INSERT INTO comments (article_id, author_id, body)
			SELECT id, author_id, repeat('😀', 16384) FROM articles, generate_series(1, 150) WHERE slug = $1`,
		`WITH a AS (
			INSERT INTO articles (slug, author_id, title, description, body, tags)
			SELECT slug || '-' || n, author_id, 'Long', 'd', repeat('😀', 250000), '{}' FROM articles, generate_series(1, 10) n WHERE slug = $1
			RETURNING id, slug)
		INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM a`,
	} {
		_, err := s.DB.Exec(t.Context(), sql, st.slug)
		require.NoError(t, err)
	}
	for _, c := range []struct {
		method string
		call
	}{
		{"GET", call{path: "/articles/" + st.slug + "/comments?limit=1000"}},
		{"POST", call{path: "/batch/articles", body: `{"slugs":` + st.all(`SELECT slug AS name FROM articles WHERE title = 'Long'`) + `}`}},
	} {
		before := p.received.Load()
		res, body := c.do(s, c.method)
		require.Equal(t, http.StatusOK, res.StatusCode, body[:min(len(body), 300)])
		read := p.received.Load() - before
		require.Greater(t, read, int64(budget.Text/2), c.path)
		require.Less(t, read, int64(budget.Text+1<<20), c.path)
	}
}

// after returns the call for what a page has left, or no call.
func (c call) after(page map[string]json.RawMessage) call {
	var cursor string
	_ = json.Unmarshal(page["nextCursor"], &cursor) // null leaves it empty
	switch {
	case cursor != "":
		return c.at(c.path + "&cursor=" + cursor)
	case page["remaining"] != nil:
		name, _, _ := strings.Cut(c.body, ":")
		return c.sending(name + ":" + string(page["remaining"]) + "}")
	}
	return call{}
}

// rows returns how many items a request may ask for: the maximum of limit, or
// of the items of a batch.
func rows(o *openapi3.Operation) (n int) {
	for _, p := range o.Parameters {
		if p.Value.Name == "limit" {
			return int(*p.Value.Schema.Value.Max)
		}
	}
	if o.RequestBody != nil {
		for _, member := range o.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
			if member.Value.MaxItems != nil {
				return int(*member.Value.MaxItems)
			}
		}
	}
	return 0
}

// bounds has the maximum length, in characters, of the texts that clients may
// send, and of the lists, by the name of their member.
type bounds struct{ texts, lists map[string]int }

// newBounds collects the bounds from all bodies. It adds those of texts that
// the service makes.
func newBounds(doc *openapi3.T) bounds {
	b := bounds{
		texts: map[string]int{
			"slug": 128, "slugs": 128, "userAgent": 256, "prefix": 16, "requestId": 64, "nextCursor": 3000, "missing": 128, "remaining": 128,
			"token": 2048, "tags": 64, "tagList": 64, "author": 64, "hiddenBy": 64, "reporter": 64, "decidedBy": 64, "excerpt": 300, "note": 500, "invitedBy": 64, "suspensionReason": 500, "from": 64, "to": 64, "type": 16, "tag": 64, "language": 35,
		},
		lists: map[string]int{"tags": 1000, "counts": 1000, "missing": 100, "remaining": 100},
	}
	for _, item := range doc.Paths.Map() {
		for _, o := range item.Operations() {
			if o.RequestBody != nil {
				b.collect("", o.RequestBody.Value.Content["application/json"].Schema.Value)
			}
		}
	}
	return b
}

func (b bounds) collect(name string, s *openapi3.Schema) {
	if s.MaxLength != nil {
		b.texts[name] = max(b.texts[name], int(*s.MaxLength))
	}
	if s.Items != nil {
		b.lists[name] = int(*s.MaxItems)
		b.collect(name, s.Items.Value)
	}
	for name, member := range s.Properties {
		b.collect(name, member.Value)
	}
}

// of returns the length of the longest JSON of a schema. A list without a bound
// has as many items as a request may ask for.
func (b bounds) of(t *testing.T, s *openapi3.Schema, name string, rows int) (n int) {
	t.Helper()
	const scalar = 40 // a number, a time, a word
	switch {
	case name == "bodyHtml", name == "tableOfContents":
		return 0 // they are measured when they were made
	case len(s.AllOf) > 0:
		for _, part := range s.AllOf {
			n += b.of(t, part.Value, name, rows)
		}
		return n
	case s.Type.Is(openapi3.TypeString) && s.Enum == nil && s.Format != "date-time":
		length := b.texts[name]
		require.NotZero(t, length, "how long can %s be? Say so in newBounds, in server/longest_test.go", name)
		return length * view.MaxEscape
	case s.Type.Is(openapi3.TypeArray):
		items := rows
		if s.MaxItems != nil {
			items = int(*s.MaxItems)
		}
		items = cmp.Or(b.lists[name], items)
		require.NotZero(t, items, "how many items can %s have? Say so in newBounds, in server/longest_test.go", name)
		return items * b.of(t, s.Items.Value, name, rows)
	case name == "metadata":
		return 16384 * view.MaxEscape // api/details
	case s.Type.Is(openapi3.TypeObject):
		for name, member := range s.Properties {
			n += len(name) + len(`"":,`) + b.of(t, member.Value, name, rows)
		}
		return n
	}
	return scalar
}
