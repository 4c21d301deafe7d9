package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/servertest"
)

// plan is a node of a plan of PostgreSQL, after its execution.
type plan struct {
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []plan
}

// read returns how many rows of a table the node and those below it have read.
func (p plan) read(table string) (rows int) {
	if p.Relation == table {
		rows = int((p.Rows + p.Removed) * p.Loops)
	}
	for _, below := range p.Plans {
		rows += below.read(table)
	}
	return rows
}

// explain executes a statement with some arguments and returns its plan.
func explain(t *testing.T, s *servertest.Service, statement, args string) (text []byte) {
	t.Helper()
	conn, err := s.DB.Pool().Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), `PREPARE page AS `+statement)
	require.NoError(t, err)
	require.NoError(t, conn.QueryRow(t.Context(), `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page(`+args+`)`).Scan(&text))
	_, err = conn.Exec(t.Context(), `DEALLOCATE page`)
	require.NoError(t, err)
	return text
}

// TestCommentPagesReadFewRows checks that a page of comments reads no more
// comments than it has, also among thousands of comments and replies.
func TestCommentPagesReadFewRows(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Much discussed").Slug
	first, second := commentOn(t, jake, slug, "x"), commentOn(t, jake, slug, "y")
	// Most comments answer the first one, as in an open discussion.
	for _, sql := range []string{
		`INSERT INTO comments (article_id, author_id, body, parent_id, depth, created_at)
			SELECT c.article_id, c.author_id, 'r', c.id, 2, c.created_at + n * interval '1 ms' FROM comments c, generate_series(1, 3000) n WHERE c.id = $1 AND $2::bigint > 0`,
		`INSERT INTO comments (article_id, author_id, body, parent_id, depth, created_at)
			SELECT c.article_id, c.author_id, 'r', c.id, 2, c.created_at + n * interval '1 s' FROM comments c, generate_series(1, 60) n WHERE c.id = $2 AND $1::bigint > 0`,
		`INSERT INTO comments (article_id, author_id, body, created_at)
			SELECT c.article_id, c.author_id, 'r', c.created_at + n * interval '1 h' FROM comments c, generate_series(1, 60) n WHERE c.id = $2 AND $1::bigint > 0`,
	} {
		_, err := s.DB.Exec(t.Context(), sql, first.Id, second.Id)
		require.NoError(t, err)
	}
	_, err := s.DB.Exec(t.Context(), `VACUUM ANALYZE comments`)
	require.NoError(t, err)
	for _, query := range []string{
		"?limit=20", "?limit=20&sort=-createdAt", "?limit=20&parentId=0", "?limit=20&parentId=0&sort=-createdAt",
		fmt.Sprintf("?limit=20&parentId=%d", first.Id), fmt.Sprintf("?limit=20&parentId=%d&sort=-createdAt", first.Id),
		fmt.Sprintf("?limit=20&parentId=%d", second.Id), fmt.Sprintf("?limit=20&parentId=%d&sort=-createdAt", second.Id),
	} {
		s.Statements.Reset()
		res, body := s.Do("GET", "/articles/"+slug+"/comments"+query, "")
		require.Equal(t, 200, res.StatusCode, body)
		require.Equal(t, 20, strings.Count(body, `"parentId"`), query)
		_, statements := s.Statements.Reset()
		require.Len(t, statements, 1, query)

		from := []any{"'-infinity'", 0}
		if strings.Contains(query, "-createdAt") {
			from = []any{"'infinity'", "9223372036854775807"}
		}
		args := fmt.Sprintf("0, '%s', 0, %%s%v, %v, 21, 4000000", slug, from[0], from[1])
		parent := ""
		if _, value, found := strings.Cut(query, "parentId="); found {
			value, _, _ = strings.Cut(value, "&")
			parent = value + ", "
		}
		text := explain(t, s, statements[0], fmt.Sprintf(args, parent))
		var explained []struct{ Plan plan }
		require.NoError(t, json.Unmarshal(text, &explained))
		read := explained[0].Plan.read("comments")
		require.GreaterOrEqual(t, read, 20, "%s\n%s", query, text)
		require.LessOrEqual(t, read, 21, "%s\n%s", query, text)
	}
}
