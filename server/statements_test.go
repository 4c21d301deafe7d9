package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// filtered has further requests of lists, whose filters lead to statements of
// their own.
var filtered = map[string][]func(*stage) call{
	"GetCurrentUserArticles": {query("GetCurrentUserArticles", "status=draft"), query("GetCurrentUserArticles", "status=published")},
	"GetEditorialArticles": {
		query("GetEditorialArticles", "status=draft"), query("GetEditorialArticles", "status=published"),
		func(s *stage) call { return query("GetEditorialArticles", "author="+s.author.Username)(s) },
	},
	"GetArticleComments": {
		query("GetArticleComments", "sort=-createdAt"), query("GetArticleComments", "parentId=0"),
		func(s *stage) call { return query("GetArticleComments", "parentId="+s.comment)(s) },
	},
	"GetArticleRevisionDiff": {query("GetArticleRevisionDiff", "against=1")},
	"GetTags":                {query("GetTags", "prefix=f"), query("GetTags", "limit=100&counts=true")},
}

// query adds a query to the valid request of an operation.
func query(id, text string) func(*stage) call {
	return func(s *stage) call {
		c := valid[id](s)
		return c.at(c.path + "?" + text)
	}
}

// TestStatementsDoNotGrow checks that no read sends a statement for each row of
// its response. Every safe operation of the document is called
// twice: with few rows, and with many of everything that it could list.
func TestStatementsDoNotGrow(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	// Without a cache, whose check for changes is a statement too.
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CacheBytes = 0 }))
	for _, op := range doc.Operations() {
		if !op.Safe || op.Stream { // a stream reads page after page
			continue
		}
		require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
		t.Run(op.ID, func(t *testing.T) { // one after another: statements are counted
			st := newStage(s.For(t))
			var calls []call
			for _, request := range append([]func(*stage) call{valid[op.ID]}, filtered[op.ID]...) {
				calls = append(calls, request(st))
			}
			st.fill(t, 2)
			few := make([]int64, len(calls))
			for i, c := range calls {
				count(t, st.s, op, c) // the first call may store that a credential was used
				few[i], _ = count(t, st.s, op, c)
			}
			st.fill(t, 30)
			for i, c := range calls {
				n, statements := count(t, st.s, op, c)
				require.LessOrEqual(t, n, few[i], "%s sends more statements when there are more rows (%s); see api/%s*.go:\n%s",
					op.ID, c.path, op.Tag, strings.Join(statements, "\n"))
			}
		})
	}
}

// count returns the statements that the service sends for a call.
func count(t *testing.T, s *servertest.Service, op *contract.Operation, c call) (int64, []string) {
	t.Helper()
	s.Statements.Reset()
	res, body := c.do(s, op.Method)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	return s.Statements.Reset()
}

// fill adds some rows of everything that an operation may list. Those of one
// call have the same times.
func (s *stage) fill(t *testing.T, some int) {
	t.Helper()
	s.fills++
	name := fmt.Sprintf("%s-%d", strings.ToLower(s.author.Username), s.fills)
	for _, sql := range []string{
		`INSERT INTO users (username, email, password_hash)
			SELECT $3 || 'u' || n, $3 || 'u' || n || '@example.com', '' FROM generate_series(1, $4::int) n WHERE $1 <> $2`,
		`WITH a AS (
			INSERT INTO articles (slug, author_id, title, description, body, tags)
			SELECT $3 || '-' || n, u.id, 'Filled', 'd', 'b', ARRAY['stage', 'filled', $3 || '-' || n] FROM users u, generate_series(1, $4::int) n WHERE u.username = $1
			RETURNING id, slug)
		INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM a WHERE $2 <> ''`,
		`WITH a AS (
			INSERT INTO articles (slug, author_id, title, description, body, status, hidden, published_at)
			SELECT $3 || '-draft-' || n, u.id, 'A draft', 'd', 'b', 'draft', true, NULL FROM users u, generate_series(1, $4::int) n WHERE u.username = $1
			RETURNING id, slug, author_id)
		INSERT INTO draft_slugs (slug, author_id, article_id) SELECT slug, author_id, id FROM a WHERE $2 <> ''`,
		`INSERT INTO series (slug, title) SELECT $3 || '-' || n, 'Filled' FROM generate_series(1, $4::int) n WHERE $1 <> $2`,
		`UPDATE articles a SET series_id = s.series_id, series_position = 1, translation_group = 7 FROM articles s
			WHERE s.author_id = (SELECT id FROM users WHERE username = $1) AND s.series_position = 1 AND a.author_id = s.author_id
			AND a.slug LIKE $3 || '%' AND $2 <> '' AND $4::int > 0`,
		`INSERT INTO article_revisions (article_id, number, author_id, created_at, title, description, tags, body_revision, published)
			SELECT a.id, 1000 + n + (SELECT count(*) FROM article_revisions r WHERE r.article_id = a.id), a.author_id, now(), 't', 'd', '{}', 1, true
			FROM articles a, generate_series(1, $4::int) n
			WHERE a.author_id = (SELECT id FROM users WHERE username = $1) AND a.tags[1] = 'stage' AND $2 <> $3`,
		`INSERT INTO comments (article_id, author_id, body)
			SELECT a.id, u.id, 'c' FROM articles a JOIN users u ON u.username IN ($1, $2), generate_series(1, $4::int) n
			WHERE a.author_id = (SELECT id FROM users WHERE username = $1) AND a.tags[1] = 'stage' AND $3 <> ''`,
		`INSERT INTO comments (article_id, author_id, body, parent_id, depth)
			SELECT c.article_id, c.author_id, 'r', c.id, 2 FROM comments c JOIN articles a ON a.id = c.article_id
			WHERE a.author_id = (SELECT id FROM users WHERE username = $1) AND c.depth = 1 AND $2 <> $3 AND $4::int > 0 ORDER BY c.id DESC LIMIT 3`,
		`INSERT INTO comments (article_id, author_id, body, hidden, waiting)
			SELECT a.id, u.id, 'w', true, true FROM articles a JOIN users u ON u.username LIKE $3 || 'u%'
			WHERE a.author_id = (SELECT id FROM users WHERE username = $1) AND a.tags[1] = 'stage' AND a.title <> 'Filled' AND $2 <> $3 AND $4::int > 0`,
		`INSERT INTO favorites (article_id, user_id, article_created_at)
			SELECT a.id, u.id, a.created_at FROM articles a JOIN users u ON u.username IN ($1, $2) OR u.username LIKE $3 || 'u%'
			WHERE a.author_id = (SELECT id FROM users WHERE username = $1) AND NOT a.hidden AND $4::int > 0 ON CONFLICT DO NOTHING`,
		`INSERT INTO follows (follower_id, followee_id)
			SELECT r.id, f.id FROM users r JOIN users f ON f.id <> r.id
			WHERE (r.username IN ($1, $2) OR r.username LIKE $3 || 'u%') AND (f.username IN ($1, $2) OR f.username LIKE $3 || 'u%') AND $4::int > 0
			ON CONFLICT DO NOTHING`,
		`INSERT INTO sessions (user_id, expires_at)
			SELECT u.id, now() + interval '1 hour' FROM users u, generate_series(1, $4::int) WHERE u.username IN ($1, $2) AND $3 <> ''`,
		`INSERT INTO api_keys (user_id, name, prefix, hash, scope)
			SELECT u.id, 'k', 'byl_', sha256((u.username || $3 || '-' || n)::bytea), 'read' FROM users u, generate_series(1, $4::int) n WHERE u.username IN ($1, $2)`,
		`INSERT INTO audit_log (actor_id, action, subject_kind, subject_id)
			SELECT u.id, 'user.suspended', 'user', u.id FROM users u, generate_series(1, $4::int) WHERE u.username IN ($1, $2) AND $3 <> ''`,
		`INSERT INTO invitations (email, role, invited_by, expires_at)
			SELECT $3 || n || '@invited.example', 'author', u.id, now() + interval '1 hour' FROM users u, generate_series(1, $4::int) n
			WHERE u.username = 'root' AND $1 <> $2`,
		`INSERT INTO blocks (blocker_id, blocked_id)
			SELECT r.id, b.id FROM users r, users b WHERE r.username IN ($1, $2) AND b.username LIKE $3 || 'u%' AND $4::int > 0`,
		`WITH i AS (
			INSERT INTO reported_items (kind, subject_id, author_id)
			SELECT 'article', a.id, a.author_id FROM articles a WHERE a.slug LIKE $3 || '-%' AND $1 <> $2 AND $4::int > 0 RETURNING id, author_id)
		INSERT INTO reports (item_id, reporter_id, reason) SELECT i.id, u.id, 'r' FROM i JOIN users u ON u.id <> i.author_id AND u.username LIKE $3 || 'u1%'`,
		`INSERT INTO hidden_items (article_id, reason)
			SELECT a.id, 'r' FROM articles a WHERE a.slug LIKE $3 || '-1%' AND $1 <> $2 AND $4::int > 0`,
	} {
		_, err := s.s.DB.Exec(t.Context(), sql, s.author.Username, s.reader.Username, name, some)
		require.NoError(t, err, "filling: %s", sql)
	}
}
