package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/query"
	"github.com/byline-api/byline/server/servertest"
)

// inGroup sends requests of one kind so that they are run by one statement: the
// first one waits for a lock on its author, and the others for the first one.
func inGroup(t *testing.T, s *servertest.Service, first func(), others ...func()) {
	t.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	waiting := func() (n int) {
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO%'`).Scan(&n))
		return n
	}
	require.NoError(t, s.DB.InTx(t.Context(), func(tx query.DBTX) error {
		if _, err := tx.Exec(t.Context(), `SELECT FROM users WHERE username = 'first' FOR UPDATE`); err != nil {
			return err
		}
		wg.Go(first)
		require.Eventually(t, func() bool { return waiting() == 1 }, 20*time.Second, 5*time.Millisecond)
		for _, other := range others {
			wg.Go(other)
		}
		time.Sleep(100 * time.Millisecond) // the others arrive
		return nil
	}))
}

// requireDerived requires that everything that the database derives from
// articles and comments is what it would be if they were counted now.
func requireDerived(t *testing.T, s *servertest.Service) {
	t.Helper()
	for _, wrong := range []string{
		`SELECT count(*) FROM users u WHERE
			articles_count <> (SELECT count(*) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
			OR last_article_at IS DISTINCT FROM (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
			OR stored_bytes <> (SELECT COALESCE(sum(article_bytes(title, description, body, tags, details)), 0) FROM articles a WHERE a.author_id = u.id)
				+ (SELECT COALESCE(sum(octet_length(body)), 0) FROM comments c WHERE c.author_id = u.id)`,
		`SELECT abs((SELECT COALESCE(sum(value), 0) FROM counters WHERE kind = 'articles') - (SELECT count(*) FROM articles WHERE NOT hidden))`,
		`SELECT count(*) FROM (SELECT name, sum(value) AS n FROM counters WHERE kind = 'tag' GROUP BY name) c
			WHERE n <> (SELECT count(*) FROM article_tags t WHERE t.tag = c.name)`,
		`SELECT count(*) FROM articles a WHERE NOT a.hidden
			AND (SELECT count(*) FROM article_tags t WHERE t.article_id = a.id AND t.article_created_at = a.published_at) <> cardinality(a.tags)`,
		`SELECT count(*) FROM articles a WHERE NOT EXISTS (SELECT FROM article_slugs s WHERE s.slug = a.slug AND s.article_id = a.id)`,
	} {
		require.Zero(t, count(t, s, wrong), wrong)
	}
}

// answers collects the statuses of concurrent requests.
type answers struct {
	mu       sync.Mutex
	statuses map[int]int
	bodies   []string
}

func (a *answers) do(s *servertest.Service, u servertest.User, path, body string) func() {
	return func() {
		res, answer := s.Do(http.MethodPost, path, body, "Authorization", "Token "+u.Token)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.statuses == nil {
			a.statuses = map[int]int{}
		}
		a.statuses[res.StatusCode]++
		a.bodies = append(a.bodies, answer)
	}
}

// TestCreateTogether creates articles of several requests by one statement,
// some with the same title, and requires the same as of single ones.
func TestCreateTogether(t *testing.T) {
	t.Parallel()
	const storage = 4000
	s := servertest.New(t, servertest.WithAccountStorage(storage))
	first, jake, anna, full := s.Register("first"), s.Register("jake"), s.Register("anna"), s.Register("full")
	article := func(title, tags string) string {
		return fmt.Sprintf(`{"article":{"title":%q,"description":"d","body":"b","tagList":[%s],"metaTitle":"m %s"}}`, title, tags, title)
	}
	var a answers
	s.Statements.Reset()
	inGroup(t, s, a.do(s, first, "/articles", article("First", `"x"`)),
		a.do(s, jake, "/articles", article("By Jake", `"x","New"`)), a.do(s, jake, "/articles", article("The same", ``)),
		a.do(s, anna, "/articles", article("The same", `"y","NEW"`)), a.do(s, anna, "/articles", article("First", `"X"`)))
	require.Equal(t, map[int]int{201: 5}, a.statuses, a.bodies)
	_, statements := s.Statements.Reset()
	require.Contains(t, strings.Join(statements, "\n"), "ArticleCreateTogether", "otherwise this test proves nothing")
	requireDerived(t, s)
	for _, path := range []string{"/articles/by-jake", "/articles/the-same", "/articles/first"} {
		res, body := s.Do(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, body, `"metaTitle":"m `)
	}
	require.Equal(t, 2, count(t, s, `SELECT count(*) FROM articles WHERE slug LIKE 'the-same-%' OR slug LIKE 'first-%'`), "another slug")
	require.Equal(t, 1, count(t, s, `SELECT count(*) FROM tag_names WHERE folded = 'new'`))

	// One of them is refused, and the others are not.
	large := fmt.Sprintf(`{"article":{"title":"Large","description":"d","body":%q}}`, strings.Repeat("x", storage))
	a = answers{}
	inGroup(t, s, a.do(s, first, "/articles", article("Second", `"x"`)),
		a.do(s, jake, "/articles", article("Jake again", `"x"`)), a.do(s, full, "/articles", large), a.do(s, anna, "/articles", article("Anna again", ``)))
	require.Equal(t, map[int]int{201: 3, 422: 1}, a.statuses, a.bodies)
	requireDerived(t, s)
}

// TestCreateTogetherLocks checks that articles that are created together lock
// their authors before the counters, as a single one does: in another order, the
// two could wait for each other.
func TestCreateTogetherLocks(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	s.Publish(jake, "Article")
	change(t, s, `INSERT INTO counters (kind, name, slot, value) SELECT 'articles', '', n, 0 FROM generate_series(0, 15) n ON CONFLICT DO NOTHING`) // of each connection
	arg := query.ArticleCreateTogetherParams{
		Slugs: []string{"second"}, OwnSlugs: []bool{false}, AuthorIds: []int64{int64(count(t, s, `SELECT id FROM users`))},
		Titles: []string{"Second"}, Descriptions: []string{"d"}, Bodies: []string{"b"}, Tags: []string{}, TagsFrom: []int32{1}, TagsTo: []int32{0},
		Details: []string{""}, WordCounts: []int32{1}, ReadingMinutes: []int32{1}, CommentsOpen: []bool{true},
	}
	var over atomic.Bool
	var held sync.WaitGroup
	defer held.Wait()
	defer over.Store(true)
	require.NoError(t, s.DB.InTx(t.Context(), func(tx query.DBTX) error {
		if _, err := tx.Exec(t.Context(), `SELECT FROM users WHERE username = 'jake' FOR UPDATE`); err != nil {
			return err
		}
		held.Go(func() {
			for !over.Load() { // it gives up after 200 ms
				_, _ = query.New().ArticleCreateTogether(t.Context(), s.DB, arg)
			}
		})
		waiting := func() bool {
			return count(t, s, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ArticleCreateTogether%'`) == 1
		}
		require.Eventually(t, waiting, 20*time.Second, time.Millisecond)
		_, err := tx.Exec(t.Context(), `SELECT FROM counters FOR UPDATE NOWAIT`)
		return err
	}))
}

// TestCommentTogether does the same with comments, of which one is refused by a
// block, and one has no article.
func TestCommentTogether(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	first, jake, anna, blocked := s.Register("first"), s.Register("jake"), s.Register("anna"), s.Register("blocked")
	path := "/articles/" + s.Publish(jake, "Article").Slug + "/comments"
	body := func(text string) string { return fmt.Sprintf(`{"comment":{"body":%q}}`, text) }
	var a answers
	s.Statements.Reset()
	inGroup(t, s, a.do(s, first, path, body("1")), a.do(s, jake, path, body("2")), a.do(s, anna, path, body("3")), a.do(s, anna, "/articles/none/comments", body("4")))
	require.Equal(t, map[int]int{201: 3, 404: 1}, a.statuses, a.bodies)
	_, statements := s.Statements.Reset()
	require.Contains(t, strings.Join(statements, "\n"), "CommentCreateTogether", "otherwise this test proves nothing")
	requireDerived(t, s)

	res, answer := s.Do(http.MethodPost, "/profiles/blocked/block", "", "Authorization", "Token "+jake.Token)
	require.Less(t, res.StatusCode, 300, answer)
	a = answers{}
	inGroup(t, s, a.do(s, first, path, body("5")), a.do(s, anna, path, body("6")), a.do(s, blocked, path, body("7")))
	require.Equal(t, map[int]int{201: 2, 403: 1}, a.statuses, a.bodies)
	require.Equal(t, 5, count(t, s, `SELECT count(*) FROM comments`))
	requireDerived(t, s)
	_, list := s.Do(http.MethodGet, path, "")
	require.Contains(t, list, `"body":"6"`)
}

// TestCommentsTogether reads the comments of several articles by one statement,
// and requires the same as of single requests.
func TestCommentsTogether(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	jake := s.Register("jake")
	paths := []string{"/articles/none/comments"}
	for i := range 4 {
		path := "/articles/" + s.Publish(jake, fmt.Sprint("Article ", i)).Slug + "/comments"
		for n := range i * 40 { // more than are read at once, and none
			res, body := s.Do(http.MethodPost, path, fmt.Sprintf(`{"comment":{"body":"%d of %d"}}`, n, i), "Authorization", "Token "+jake.Token)
			require.Equal(t, http.StatusCreated, res.StatusCode, body)
		}
		paths = append(paths, path, path+"?limit=1000")
	}
	change(t, s, `INSERT INTO hidden_items (comment_id, reason) SELECT max(id), 'r' FROM comments GROUP BY article_id`)
	want := map[string]string{}
	for _, path := range paths {
		_, want[path] = s.Do(http.MethodGet, path, "")
	}
	s.Statements.Reset()
	var wg sync.WaitGroup
	defer wg.Wait()
	require.NoError(t, s.DB.InTx(t.Context(), func(tx query.DBTX) error {
		if _, err := tx.Exec(t.Context(), `LOCK TABLE comments IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		for _, path := range paths {
			wg.Go(func() {
				if _, got := s.Do(http.MethodGet, path, ""); strings.SplitN(got, `"requestId"`, 2)[0] != strings.SplitN(want[path], `"requestId"`, 2)[0] {
					t.Errorf("GET %s: %s\nwant %s", path, got, want[path])
				}
			})
		}
		time.Sleep(200 * time.Millisecond) // they arrive
		return nil
	}))
	wg.Wait()
	_, statements := s.Statements.Reset()
	require.Contains(t, strings.Join(statements, "\n"), "CommentListTogether", "otherwise this test proves nothing")
}
