package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// block makes a user block another one.
func block(t *testing.T, by servertest.User, name string) client.Profile {
	t.Helper()
	res := responseOf(by.BlockUserWithResponse(t.Context(), name))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Profile
}

// comment tries to comment on an article, and returns the status.
func tryComment(t *testing.T, c *client.ClientWithResponses, slug string) *client.CreateArticleCommentResponse {
	t.Helper()
	return responseOf(c.CreateArticleCommentWithResponse(t.Context(), slug, nil, client.NewCommentRequest{Comment: client.NewComment{Body: "Hm."}}))
}

// bodies returns the texts of the comments of an article that a client sees, in
// an order.
func bodies(t *testing.T, c *client.ClientWithResponses, slug string, params *client.GetArticleCommentsParams) (list []string) {
	t.Helper()
	res := responseOf(c.GetArticleCommentsWithResponse(t.Context(), slug, params))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	for _, c := range res.JSON200.Comments {
		list = append(list, c.Body)
	}
	return list
}

func TestBlockUser(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, carl := s.Register("jake"), s.Register("anna"), s.Register("carl")
	mia := withRole(s, "mia", auth.Moderator)
	byJake, byAnna, byCarl := s.Publish(jake, "By Jake"), s.Publish(anna, "By Anna"), s.Publish(carl, "By Carl")
	for _, slug := range []string{byJake.Slug, byAnna.Slug, byCarl.Slug} {
		for _, u := range []servertest.User{jake, anna, carl} {
			commentOn(t, u, slug, u.Username+" before")
		}
	}
	for _, u := range []servertest.User{jake, carl} {
		responseOf(u.FollowUserByUsernameWithResponse(t.Context(), "anna"))
	}
	for _, u := range []servertest.User{anna, carl} {
		responseOf(u.FollowUserByUsernameWithResponse(t.Context(), "jake"))
	}
	profile := block(t, jake, "Anna")
	require.Equal(t, "anna", profile.Username)
	require.True(t, *profile.Blocked)
	require.False(t, profile.Following)

	t.Run("Follows", func(t *testing.T) {
		s := s.For(t)
		require.Equal(t, 2, count(t, s, `SELECT count(*) FROM follows`), "only those of carl are left")
		for _, f := range []struct {
			by   servertest.User
			name string
		}{{anna, "jake"}, {jake, "anna"}, {anna, "JAKE"}} {
			res := responseOf(f.by.FollowUserByUsernameWithResponse(t.Context(), f.name))
			requireProblem(t, 403, problem.ForbiddenCode, oneField("profile", "forbidden"), res.StatusCode(), string(res.Body))
			require.Contains(t, string(res.Body), `"detail":"You can't interact with this user."`)
		}
		require.Equal(t, 2, count(t, s, `SELECT count(*) FROM follows`))
	})
	t.Run("Comments", func(t *testing.T) {
		s := s.For(t)
		for _, c := range []struct {
			by   *client.ClientWithResponses
			slug string
		}{{anna.ClientWithResponses, byJake.Slug}, {jake.ClientWithResponses, byAnna.Slug}} {
			res := tryComment(t, c.by, c.slug)
			requireProblem(t, 403, problem.ForbiddenCode, oneField("article", "forbidden"), res.StatusCode(), string(res.Body))
			require.NotContains(t, string(res.Body), "block")
		}
		require.Equal(t, http.StatusCreated, tryComment(t, anna.ClientWithResponses, byCarl.Slug).StatusCode(), "on the article of somebody else")
		require.Equal(t, http.StatusCreated, tryComment(t, carl.ClientWithResponses, byJake.Slug).StatusCode())
		responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), byCarl.Slug, responseOf(anna.GetArticleCommentsWithResponse(t.Context(), byCarl.Slug, nil)).JSON200.Comments[2].Id))
		// Nor does a block let them answer each other elsewhere.
		for _, u := range []servertest.User{jake, anna} {
			for _, c := range commentsSeen(t, s.Anonymous, byCarl.Slug) {
				res := reply(t, u, byCarl.Slug, c.Id, "An answer")
				if c.Author.Username == u.Username || c.Author.Username == "carl" {
					require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
					deleteComment(t, u, byCarl.Slug, res.JSON201.Comment.Id)
					continue
				}
				require.Equal(t, http.StatusForbidden, res.StatusCode(), string(res.Body))
			}
		}
		// Her comments can still be deleted, but not turned into others.
		own := count(t, s, `SELECT c.id FROM comments c JOIN users u ON u.id = c.author_id WHERE u.username = 'anna' AND c.article_id = (SELECT id FROM articles WHERE slug = $1)`, byJake.Slug)
		_, err := s.DB.Exec(t.Context(), `UPDATE comments SET body = 'other' WHERE id = $1`, own)
		require.ErrorContains(t, err, "a block refuses this")
	})
	t.Run("Lists", func(t *testing.T) {
		s := s.For(t)
		for _, slug := range []string{byJake.Slug, byAnna.Slug} {
			require.Equal(t, []string{"jake before", "carl before"}, bodies(t, jake.ClientWithResponses, slug, nil)[:2])
			require.Equal(t, []string{"anna before", "carl before"}, bodies(t, anna.ClientWithResponses, slug, nil)[:2])
			for name, c := range map[string]*client.ClientWithResponses{
				"anonymous": s.Anonymous, "carl": carl.ClientWithResponses, "a moderator": mia.ClientWithResponses,
			} {
				require.Equal(t, []string{"jake before", "anna before", "carl before"}, bodies(t, c, slug, nil)[:3], name)
			}
		}
		// A moderator who has blocked somebody sees all, except with a key that is
		// not for moderation.
		block(t, mia, "anna")
		require.Contains(t, bodies(t, mia.ClientWithResponses, byCarl.Slug, nil), "anna before")
		require.NotContains(t, bodies(t, s.As(newKey(t, mia, client.Write).Key), byCarl.Slug, nil), "anna before")
		responseOf(mia.UnblockUserWithResponse(t.Context(), "anna"))
	})
	t.Run("Pages", func(t *testing.T) {
		s := s.For(t)
		long := s.Publish(carl, "Long")
		change(t, s, `INSERT INTO comments (article_id, author_id, body, created_at)
			SELECT (SELECT id FROM articles WHERE slug = $1), u.id, u.username || n, '2026-01-01'::timestamptz + n / 5 * interval '1 second'
			FROM generate_series(1, 90) n JOIN users u ON u.username = (ARRAY['anna', 'jake', 'carl'])[1 + n % 3]`, long.Slug)
		for _, sort := range []client.GetArticleCommentsParamsSort{client.GetArticleCommentsParamsSortOldestFirst, client.GetArticleCommentsParamsSortNewestFirst} {
			var walked []string
			params := &client.GetArticleCommentsParams{Limit: ptrTo[int32](7), Sort: &sort}
			for {
				page := responseOf(jake.GetArticleCommentsWithResponse(t.Context(), long.Slug, params)).JSON200
				for _, c := range page.Comments {
					walked = append(walked, c.Body)
				}
				next, err := page.NextCursor.Get()
				if err != nil {
					break
				}
				require.Len(t, page.Comments, 7, "pages are full")
				params.Cursor = &next
			}
			require.Len(t, walked, 60)
			require.NotContains(t, strings.Join(walked, " "), "anna")
		}
	})
	t.Run("Profiles", func(t *testing.T) {
		s := s.For(t)
		for name, header := range map[string][]string{"jake": signed(jake), "anna": signed(anna), "carl": signed(carl), "nobody": nil} {
			for path, body := range map[string]string{"/profiles/anna": "", "/profiles/jake": "", "/batch/profiles": `{"usernames":["anna","jake","carl"]}`} {
				method := "GET"
				if body != "" {
					method = "POST"
				}
				res, text := s.Do(method, path, body, header...)
				require.Equal(t, http.StatusOK, res.StatusCode)
				want := 0
				if name == "jake" && path != "/profiles/jake" {
					want = 1
				}
				require.Equal(t, want, strings.Count(text, `"blocked":true`), "%s reads %s: %s", name, path, text)
				require.Equal(t, want, strings.Count(text, `blocked`))
			}
		}
		require.Equal(t, http.StatusOK, responseOf(anna.GetArticleWithResponse(t.Context(), byJake.Slug, nil)).StatusCode(), "articles stay visible")
	})
	t.Run("Again", func(t *testing.T) {
		s := s.For(t)
		got := atOnce(t, 10, func(int) (int, error) {
			res, err := jake.BlockUserWithResponse(t.Context(), "anna")
			return res.StatusCode(), err
		})
		require.Equal(t, map[int]int{http.StatusOK: 10}, got)
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM blocks b JOIN users u ON u.id = b.blocker_id WHERE u.username = 'jake'`))
	})
	t.Run("Invalid", func(t *testing.T) {
		res := responseOf(jake.BlockUserWithResponse(t.Context(), "Jake"))
		requireProblem(t, 422, problem.ValidationFailed, oneField("username", "can't be yourself"), res.StatusCode(), string(res.Body))
		res = responseOf(jake.BlockUserWithResponse(t.Context(), "nobody"))
		requireProblem(t, 404, problem.NotFoundCode, oneField("profile", "not found"), res.StatusCode(), string(res.Body))
	})
	t.Run("Evasion", func(t *testing.T) {
		s := s.For(t)
		// Another name and an API key are the same account. A favorite shows
		// nothing of who it is by, and a mention is only text.
		responseOf(anna.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Username: ptrTo("hanna")}}))
		key := s.As(newKey(t, anna, client.Write).Key)
		for _, c := range []*client.ClientWithResponses{key, anna.ClientWithResponses} {
			require.Equal(t, http.StatusForbidden, tryComment(t, c, byJake.Slug).StatusCode())
			require.Equal(t, http.StatusForbidden, responseOf(c.FollowUserByUsernameWithResponse(t.Context(), "jake")).StatusCode())
		}
		require.Equal(t, http.StatusOK, responseOf(key.CreateArticleFavoriteWithResponse(t.Context(), byJake.Slug)).StatusCode())
		commentOn(t, anna, byCarl.Slug, "@jake, look")
		require.NotContains(t, bodies(t, jake.ClientWithResponses, byCarl.Slug, nil), "@jake, look")
		list := responseOf(jake.GetCurrentUserBlocksWithResponse(t.Context(), nil)).JSON200.Blocks
		require.Len(t, list, 1)
		require.Equal(t, "hanna", list[0].Username)
		// Nor does the one who has blocked get at the other.
		require.Equal(t, http.StatusForbidden, tryComment(t, s.As(newKey(t, jake, client.Write).Key), byAnna.Slug).StatusCode())
		// A block keeps nobody from reporting.
		report(t, anna, client.ReportedArticle, byJake.Slug, "r")
		onCarl := count(t, s, `SELECT max(c.id) FROM comments c JOIN users u ON u.id = c.author_id WHERE u.username = 'jake' AND c.article_id = (SELECT id FROM articles WHERE slug = $1)`, byCarl.Slug)
		report(t, anna, client.ReportedComment, fmt.Sprint(onCarl), "r")
	})
	t.Run("Statements", func(t *testing.T) {
		s := servertest.New(t, uncached)
		u, other := s.Register("u"), s.Register("other")
		slug := s.Publish(other, "Read").Slug
		commentOn(t, other, slug, "c")
		for _, blocks := range []bool{false, true} {
			if blocks {
				block(t, u, "other")
				commentOn(t, u, s.Publish(u, "Own").Slug, "c")
				slug = "own"
			}
			s.Statements.Reset()
			bodies(t, u.ClientWithResponses, slug, nil)
			n, statements := s.Statements.Reset()
			require.EqualValues(t, 1, n, statements)
		}
		s.Statements.Reset()
		responseOf(u.GetCurrentUserBlocksWithResponse(t.Context(), nil))
		n, statements := s.Statements.Reset()
		require.EqualValues(t, 1, n, statements)
	})
}

// TestUnblockUser ends blocks, and deletes accounts that have some.
func TestUnblockUser(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	article := s.Publish(jake, "By Jake")
	commentOn(t, anna, article.Slug, "before")
	block(t, jake, "anna")
	block(t, anna, "jake")
	unblock := func(by servertest.User, name string) client.Profile {
		res := responseOf(by.UnblockUserWithResponse(t.Context(), name))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		return res.JSON200.Profile
	}
	require.Nil(t, unblock(anna, "jake").Blocked)
	require.Equal(t, http.StatusForbidden, tryComment(t, anna.ClientWithResponses, article.Slug).StatusCode(), "nobody ends the block of another user")
	for range 2 {
		require.Nil(t, unblock(jake, "ANNA").Blocked)
	}
	require.Equal(t, http.StatusCreated, tryComment(t, anna.ClientWithResponses, article.Slug).StatusCode())
	require.Equal(t, []string{"before", "Hm."}, bodies(t, jake.ClientWithResponses, article.Slug, nil))
	require.Equal(t, http.StatusNotFound, responseOf(jake.UnblockUserWithResponse(t.Context(), "nobody")).StatusCode())

	block(t, jake, "anna")
	_, export := s.Do("GET", "/user/export", "", signed(jake)...)
	byType, _ := records(t, export)
	require.Equal(t, "anna", byType["block"][0]["username"])
	_, export = s.Do("GET", "/user/export", "", signed(anna)...)
	require.NotContains(t, export, `"block"`, "nobody is told who has blocked them")
	leave(t, anna)
	require.Empty(t, responseOf(jake.GetCurrentUserBlocksWithResponse(t.Context(), nil)).JSON200.Blocks)
	require.Zero(t, count(t, s, `SELECT count(*) FROM blocks`))
}

func TestGetCurrentUserBlocks(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	var want, got []string
	for i := range 5 {
		name := fmt.Sprintf("user-%d", i)
		s.Register(name)
		block(t, jake, name)
		want = append([]string{name}, want...)
	}
	var cursor *string
	for range 3 {
		res := responseOf(jake.GetCurrentUserBlocksWithResponse(t.Context(), &client.GetCurrentUserBlocksParams{Limit: ptrTo[int32](2), Cursor: cursor}))
		for _, b := range res.JSON200.Blocks {
			got = append(got, b.Username)
		}
		next, err := res.JSON200.NextCursor.Get()
		require.Equal(t, err == nil, strings.Contains(res.HTTPResponse.Header.Get("Link"), `rel="next"`))
		cursor = &next
	}
	require.Equal(t, want, got)
}

// TestBlockRaces blocks users while they comment and follow. No comment and no
// follow is committed after the block.
func TestBlockRaces(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "By Jake").Slug
	for round := range 15 {
		anna := s.Register("")
		var blocked atomic.Bool
		together(5, func(i int) error {
			switch i {
			case 0:
				block(t, jake, anna.Username)
				blocked.Store(true)
			case 1, 2:
				for range 4 {
					late := blocked.Load()
					if res := tryComment(t, anna.ClientWithResponses, slug); res.StatusCode() != http.StatusForbidden && (late || res.StatusCode() != http.StatusCreated) {
						t.Errorf("round %d: a comment after the block (%v): %d %s", round, late, res.StatusCode(), res.Body)
					}
				}
			default:
				by, name := anna, "jake"
				if i == 4 {
					by, name = jake, anna.Username
				}
				for range 4 {
					if res := responseOf(by.FollowUserByUsernameWithResponse(t.Context(), name)); res.StatusCode() != http.StatusForbidden && res.StatusCode() != http.StatusOK {
						t.Errorf("round %d: %d %s", round, res.StatusCode(), res.Body)
					}
				}
			}
			return nil
		})
	}
	require.Zero(t, count(t, s, `SELECT count(*) FROM follows`), "a block ends every follow")
	require.Equal(t, 15, count(t, s, `SELECT count(*) FROM blocks`))
	requireCounters(t, s)
}

// TestBlockWaits holds a block open, so that a comment and a follow begin
// before it is committed and end after it. Then it holds a follow open while
// the user is blocked.
func TestBlockWaits(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	slug := s.Publish(jake, "By Jake").Slug
	tx, err := s.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), `SELECT id FROM users WHERE username = 'anna' FOR UPDATE`)
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `INSERT INTO blocks (blocker_id, blocked_id) SELECT j.id, a.id FROM users j, users a WHERE j.username = 'jake' AND a.username = 'anna'`)
	require.NoError(t, err)
	statuses := make(chan int, 3)
	go func() { statuses <- tryComment(t, anna.ClientWithResponses, slug).StatusCode() }()
	go func() {
		statuses <- responseOf(anna.FollowUserByUsernameWithResponse(t.Context(), "jake")).StatusCode()
	}()
	go func() {
		statuses <- responseOf(jake.FollowUserByUsernameWithResponse(t.Context(), "anna")).StatusCode()
	}()
	waiting := func(n int) func() bool {
		return func() bool {
			return count(t, s, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`) == n
		}
	}
	require.Eventually(t, waiting(3), 20*time.Second, 5*time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	for range 3 {
		require.Equal(t, http.StatusForbidden, <-statuses)
	}
	require.Zero(t, count(t, s, `SELECT count(*) FROM follows`)+count(t, s, `SELECT count(*) FROM comments`))

	carl := s.Register("carl")
	other, err := s.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = other.Rollback(context.Background()) }()
	_, err = other.Exec(t.Context(), `INSERT INTO follows (follower_id, followee_id) SELECT c.id, j.id FROM users c, users j WHERE c.username = 'carl' AND j.username = 'jake'`)
	require.NoError(t, err)
	go func() { statuses <- responseOf(jake.BlockUserWithResponse(t.Context(), carl.Username)).StatusCode() }()
	require.Eventually(t, waiting(1), 20*time.Second, 5*time.Millisecond, "a block waits for what has begun")
	require.NoError(t, other.Commit(t.Context()))
	require.Equal(t, http.StatusOK, <-statuses)
	require.Zero(t, count(t, s, `SELECT count(*) FROM follows`))
}

// TestBlockedStatements checks that a statement that is not of the service, as
// of an import, cannot add comments across a block either.
func TestBlockedStatements(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	s.Publish(jake, "By Jake")
	s.Publish(anna, "By Anna")
	require.Equal(t, http.StatusOK, responseOf(jake.BlockUserWithResponse(t.Context(), "anna")).StatusCode())
	for slug, author := range map[string]string{"by-jake": "anna", "by-anna": "jake"} {
		_, err := s.DB.Pool().Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body)
			SELECT a.id, u.id, 'c' FROM articles a, users u, generate_series(1, 2) WHERE a.slug = $1 AND u.username = $2`, slug, author)
		require.EqualValues(t, "comments_block", db.Violated(err), "%v", err)
	}
	require.Zero(t, count(t, s, `SELECT count(*) FROM comments`))
}

// TestMutualBlocks checks that two users who block each other at the same time
// lock both in the same order, so that none waits for the other.
func TestMutualBlocks(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	for _, side := range []struct {
		by    servertest.User
		other string
	}{{jake, "anna"}, {anna, "jake"}} {
		first, err := s.DB.Pool().Begin(t.Context())
		require.NoError(t, err)
		defer func() { _ = first.Rollback(context.Background()) }()
		_, err = first.Exec(t.Context(), `SELECT id FROM users ORDER BY id LIMIT 1 FOR UPDATE`)
		require.NoError(t, err)
		done := make(chan int, 1)
		go func() { done <- responseOf(side.by.BlockUserWithResponse(t.Context(), side.other)).StatusCode() }()
		require.Eventually(t, func() bool {
			return count(t, s, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`) == 1
		}, 20*time.Second, 5*time.Millisecond)
		_, err = first.Exec(t.Context(), `SELECT id FROM users ORDER BY id DESC LIMIT 1 FOR UPDATE NOWAIT`)
		require.NoError(t, err, "the one with the higher id is not locked yet")
		require.NoError(t, first.Commit(t.Context()))
		require.Equal(t, http.StatusOK, <-done)
	}
	require.Equal(t, 2, count(t, s, `SELECT count(*) FROM blocks`))
}
