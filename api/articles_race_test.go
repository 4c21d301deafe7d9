package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// requireCounters compares every counter with the rows that it counts.
func requireCounters(t *testing.T, s *servertest.Service) {
	t.Helper()
	// A name that others hold is left for the hourly job, also one that only
	// shares its lock (db/migrations, 00022).
	_, err := api.DeleteUnusedTags(t.Context(), s.DB)
	require.NoError(t, err)
	rows, err := s.DB.Query(t.Context(), dbtest.WrongCounters)
	require.NoError(t, err)
	off, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, off)
}

// together runs f n times concurrently and returns the responses.
func together[R any](n int, f func(i int) R) []R {
	out := make([]R, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			out[i] = f(i)
		})
	}
	done.Wait()
	return out
}

// crowded is a service with more backends than a counter has slots, so that
// writers meet on the same rows.
func crowded(t *testing.T, options ...servertest.Option) *servertest.Service {
	t.Helper()
	const conns = 18
	s := servertest.New(t, append(options, servertest.WithDB(func(c *db.Config) { c.MaxConns = conns }))...)
	// One after the other: on a busy machine, so many concurrent sign-ins take
	// longer than a request waits for a connection.
	for range conns {
		conn, err := s.DB.Pool().Acquire(t.Context())
		require.NoError(t, err)
		defer conn.Release()
	}
	return s
}

func TestSimultaneousArticles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")

	t.Run("OneTitle", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slugs := map[string]bool{}
		for _, res := range together(50, func(int) *client.CreateArticleResponse {
			return responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Everybody at once", "race")))
		}) {
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
			slugs[res.JSON201.Article.Slug] = true
		}
		require.Len(t, slugs, 50)
		list := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Tag: ptrTo("race")})).JSON200
		require.EqualValues(t, 50, list.ArticlesCount)
	})

	t.Run("OneKey", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		s.Publish(jake, "Once only") // so that the slug has to be found as well
		key := &client.CreateArticleParams{IdempotencyKey: ptrTo("race")}
		first := 0
		bodies := map[string]bool{}
		for _, res := range together(20, func(int) *client.CreateArticleResponse {
			return responseOf(jake.CreateArticleWithResponse(t.Context(), key, newArticle("Once only", "keyed")))
		}) {
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
			bodies[string(res.Body)] = true
			if res.HTTPResponse.Header.Get("Idempotency-Replayed") == "" {
				first++
			}
		}
		require.Len(t, bodies, 1)
		require.Equal(t, 1, first)
		list := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Tag: ptrTo("keyed")})).JSON200
		require.EqualValues(t, 1, list.ArticlesCount)
	})
}

func TestSimultaneousUpdates(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake := s.Register("jake")

	t.Run("LastOneWins", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Contended", "start")
		all := together(20, func(i int) *client.UpdateArticleResponse {
			return responseOf(jake.UpdateArticleWithResponse(t.Context(), a.Slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{
				Title: ptrTo(fmt.Sprint("Version ", i)), Body: ptrTo(fmt.Sprint("body ", i)), TagList: &[]string{fmt.Sprint("t", i%3), fmt.Sprint("u", i), "all"},
			}}))
		})
		times := map[string]bool{}
		last := all[0].JSON200
		for i, res := range all {
			require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
			require.Equal(t, fmt.Sprint("version-", i), res.JSON200.Article.Slug)
			require.Equal(t, fmt.Sprint("body ", i), res.JSON200.Article.Body, "a response shows its own change")
			times[stamp(res.JSON200.Article.UpdatedAt)] = true
			if res.JSON200.Article.UpdatedAt.After(last.Article.UpdatedAt) {
				last = res.JSON200
			}
		}
		require.Len(t, times, 20, "each change moves updatedAt on")
		for i := range 20 {
			got := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), fmt.Sprint("version-", i), nil)).JSON200
			require.Equal(t, last, got)
		}
		requireCounters(t, s)
	})

	t.Run("IfMatch", func(t *testing.T) {
		t.Parallel()
		created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Guarded")))
		tag := created.HTTPResponse.Header.Get("ETag")
		won := 0
		for _, status := range together(20, func(i int) int {
			return responseOf(jake.UpdateArticleWithResponse(t.Context(), "guarded", &client.UpdateArticleParams{IfMatch: &tag},
				client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Body: ptrTo(fmt.Sprint(i))}})).StatusCode()
		}) {
			if status == http.StatusOK {
				won++
				continue
			}
			require.Equal(t, http.StatusPreconditionFailed, status)
		}
		require.Equal(t, 1, won)
	})

	t.Run("OneTitle", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for i := range 10 {
			s.Publish(jake, fmt.Sprint("Draft ", i))
		}
		slugs := map[string]bool{}
		for _, slug := range together(20, func(i int) string {
			if i%2 == 0 {
				res := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Final")))
				if res.JSON201 == nil {
					return string(res.Body)
				}
				return res.JSON201.Article.Slug
			}
			res := responseOf(jake.UpdateArticleWithResponse(t.Context(), fmt.Sprint("draft-", i/2), nil,
				client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: ptrTo("Final")}}))
			if res.JSON200 == nil {
				return string(res.Body)
			}
			return res.JSON200.Article.Slug
		}) {
			require.Regexp(t, "^final", slug)
			slugs[slug] = true
		}
		require.Len(t, slugs, 20)
	})
}

func TestSimultaneousComments(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake, anna := s.Register("jake"), s.Register("anna")

	t.Run("WhileTheArticleGoes", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for round := range 4 {
			a := s.Publish(jake, fmt.Sprint("Doomed ", round), "x")
			old := commentOn(t, anna, a.Slug, "old")
			for i, got := range together(24, func(i int) string {
				switch {
				case i == 7:
					res := responseOf(jake.DeleteArticleWithResponse(t.Context(), a.Slug, nil))
					return fmt.Sprint(res.StatusCode(), string(res.Body))
				case i == 8:
					res := responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), a.Slug, old.Id))
					return fmt.Sprint(res.StatusCode(), string(res.Body))
				case i%6 == 1:
					res := responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), a.Slug))
					return fmt.Sprint(res.StatusCode(), string(res.Body))
				case i%6 == 2:
					res := responseOf(anna.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil))
					return fmt.Sprint(res.StatusCode(), string(res.Body))
				}
				params := &client.CreateArticleCommentParams{}
				if i%6 == 3 {
					params.IdempotencyKey = ptrTo(fmt.Sprint(i))
				}
				res := responseOf(anna.CreateArticleCommentWithResponse(t.Context(), a.Slug, params, newComment("x")))
				return fmt.Sprint(res.StatusCode(), string(res.Body))
			}) {
				switch {
				case i == 7:
					require.Equal(t, "204", got)
				case i == 8:
					require.Regexp(t, "^(204|404)", got)
				case i%6 == 1, i%6 == 2:
					require.Regexp(t, "^(200|404)", got)
				default:
					require.Regexp(t, "^(201|404)", got)
				}
			}
			var left int
			require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT count(*) FROM comments c WHERE NOT EXISTS (SELECT 1 FROM articles a WHERE a.id = c.article_id)`).Scan(&left))
			require.Zero(t, left)
		}
		requireCounters(t, s)
	})

	t.Run("OneKey", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Keyed")
		key := &client.CreateArticleCommentParams{IdempotencyKey: ptrTo("race")}
		bodies := map[string]bool{}
		for _, res := range together(20, func(int) *client.CreateArticleCommentResponse {
			return responseOf(anna.CreateArticleCommentWithResponse(t.Context(), a.Slug, key, newComment("x")))
		}) {
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
			bodies[string(res.Body)] = true
		}
		require.Len(t, bodies, 1)
		require.Len(t, responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil)).JSON200.Comments, 1)
	})

	t.Run("DeletedOnce", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Deleted once")
		c := commentOn(t, anna, a.Slug, "x")
		deleted := 0
		for _, status := range together(10, func(int) int {
			return responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), a.Slug, c.Id)).StatusCode()
		}) {
			if status == http.StatusNoContent {
				deleted++
				continue
			}
			require.Equal(t, http.StatusNotFound, status)
		}
		require.Equal(t, 1, deleted)
	})
}

// TestDeadlock makes the creation of an article the victim of a deadlock. The
// client must get the same response as without one.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	// One connection, so that it is known which slot of a counter it adds to.
	s := servertest.New(t, servertest.WithDB(func(c *db.Config) { c.MaxConns = 1 }))
	jake := s.Register("jake")
	s.Publish(jake, "First", "x")
	rival, err := pgx.Connect(t.Context(), s.DB.Pool().Config().ConnString())
	require.NoError(t, err)
	defer rival.Close(t.Context())
	tx, err := rival.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM counters WHERE kind = 'tag' FOR UPDATE`)
	require.NoError(t, err)

	created := make(chan *client.CreateArticleResponse, 1)
	go func() {
		created <- responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Second", "x")))
	}()
	// The creation has locked its author when it waits for the counter.
	// PostgreSQL cancels the transaction that began to wait first.
	require.Eventually(t, func() (waits bool) {
		err := tx.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))`).Scan(&waits)
		return err == nil && waits
	}, 30*time.Second, 10*time.Millisecond)
	_, err = tx.Exec(t.Context(), `UPDATE users SET bio = bio`)
	if err != nil {
		t.Log("the rival lost, so that the creation had nothing to survive: ", err)
	}
	require.NoError(t, tx.Rollback(t.Context()))
	res := <-created
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	requireCounters(t, s)
}

// TestCountersUnderLoad changes the same few articles, tags and users
// concurrently: no request fails, and afterwards every counter is correct.
func TestCountersUnderLoad(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	users := []servertest.User{s.Register(""), s.Register(""), s.Register("")}
	tags := []string{"a", "b", "c", "d"}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	slugs := make([][]string, len(users))
	for i, u := range users {
		for n := range 3 {
			slugs[i] = append(slugs[i], s.Publish(u, fmt.Sprintf("Start %d %d", i, n), "a", "b").Slug)
		}
	}
	failed := together(12, func(worker int) (failed []string) {
		r := rand.New(rand.NewPCG(seed, uint64(worker)))
		me := worker % len(users)
		for range 25 {
			mu.Lock()
			own, any := slugs[me], slugs[r.IntN(len(users))]
			mine, other := own[r.IntN(len(own))], any[r.IntN(len(any))]
			mu.Unlock()
			picked := []string{}
			for _, i := range r.Perm(len(tags)) {
				if r.IntN(2) == 0 {
					picked = append(picked, tags[i])
				}
			}
			status, body, what := 0, []byte(nil), ""
			switch r.IntN(8) {
			case 0, 1:
				res := responseOf(users[me].CreateArticleWithResponse(t.Context(), nil, newArticle(fmt.Sprint("Title ", r.IntN(3)), picked...)))
				status, body, what = res.StatusCode(), res.Body, "create"
				if res.JSON201 != nil {
					mu.Lock()
					slugs[me] = append(slugs[me], res.JSON201.Article.Slug)
					mu.Unlock()
				}
			case 2, 3:
				res := responseOf(users[me].UpdateArticleWithResponse(t.Context(), mine, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{TagList: &picked}}))
				status, body, what = res.StatusCode(), res.Body, "update"
			case 4:
				res := responseOf(users[me].DeleteArticleWithResponse(t.Context(), mine, nil))
				status, body, what = res.StatusCode(), res.Body, "delete"
			case 5, 6:
				res := responseOf(users[me].CreateArticleFavoriteWithResponse(t.Context(), other))
				status, body, what = res.StatusCode(), res.Body, "favorite"
			case 7:
				res := responseOf(users[me].DeleteArticleFavoriteWithResponse(t.Context(), other))
				status, body, what = res.StatusCode(), res.Body, "unfavorite"
			}
			// Another article may have the slug of a deleted one by now.
			if status >= 300 && status != http.StatusNotFound && status != http.StatusForbidden {
				failed = append(failed, fmt.Sprintf("%s: %d %s", what, status, body))
			}
		}
		return failed
	})
	for _, f := range failed {
		require.Empty(t, f)
	}
	requireCounters(t, s)
}
