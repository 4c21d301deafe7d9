package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/servertest"
)

// TestOwnListsReadFewRows checks that a page of the lists of editors and
// authors reads no more articles than it has, also if those in a status are
// older than thousands of others.
func TestOwnListsReadFewRows(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	ed := withRole(s, "ed", auth.Editor)
	change(t, s, `INSERT INTO articles (slug, author_id, title, description, body, tags, status, hidden, published_at, created_at)
		SELECT s || n, u.id, s || n, 'd', 'b', '{}', s, true, CASE s WHEN 'scheduled' THEN timestamptz '2099-01-01' END, '2026-01-01'
		FROM users u, unnest(ARRAY['draft', 'review', 'scheduled']) s, generate_series(1, 30) n`)
	insertMany(t, s, 5000, `INSERT INTO articles (slug, author_id, title, description, body, tags, created_at)
		SELECT 'a' || n, u.id, 't', 'd', 'b', '{}', timestamptz '2026-01-02' + n * interval '1 min' FROM users u, generate_series($1::int, $2::int) n`)
	change(t, s, `VACUUM ANALYZE articles`)
	id := count(t, s, `SELECT id FROM users`)
	for _, status := range []string{"", "draft", "review", "scheduled", "published"} {
		for path, args := range map[string]string{
			"/editorial/articles":           "21, '%s', 9223372036854775807, %d",
			"/editorial/articles?author=ed": "21, '%s', %[2]d, 'infinity', 9223372036854775807, %[2]d",
			"/user/articles":                "21, '%s', %[2]d, 'infinity', 9223372036854775807, %[2]d",
		} {
			if status == "" && path == "/editorial/articles" {
				continue // it has a query without a status
			}
			s.Statements.Reset()
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			if status != "" {
				path += sep + "status=" + status
			}
			res, body := s.Do("GET", path, "", signed(ed)...)
			require.Equal(t, 200, res.StatusCode, body)
			require.Equal(t, 20, strings.Count(body, `"slug"`), path)
			_, statements := s.Statements.Reset()
			var list string
			for _, statement := range statements {
				if strings.Contains(statement, "own_article_item") {
					list = statement
				}
			}
			text := explain(t, s, list, fmt.Sprintf(args, status, id))
			var explained []struct{ Plan plan }
			require.NoError(t, json.Unmarshal(text, &explained))
			// Each is found and shown.
			require.LessOrEqual(t, explained[0].Plan.read("articles"), 2*21, "%s\n%s", path, text)
		}
	}
}
