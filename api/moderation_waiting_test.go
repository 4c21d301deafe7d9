package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func TestApproveComment(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithPublishing(publish.Rules{Comments: publish.ApprovedComments}))
	jake, anna, mia := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator)
	slug := s.Publish(jake, "Moderated").Slug
	approve := func(t *testing.T, id int64) {
		t.Helper()
		res := responseOf(mia.ApproveCommentWithResponse(t.Context(), slug, id))
		require.Equal(t, http.StatusNoContent, res.StatusCode(), string(res.Body))
	}
	waiting := func() (ids []int64) {
		for _, c := range responseOf(mia.GetWaitingCommentsWithResponse(t.Context(), nil)).JSON200.Comments {
			ids = append(ids, c.Id)
		}
		return ids
	}

	t.Run("Waits", func(t *testing.T) {
		s := s.For(t)
		first, second := commentOn(t, anna, slug, "first words"), commentOn(t, anna, slug, "second words")
		require.True(t, *first.Waiting)
		// Nobody else sees it, not even the author of the article.
		for _, header := range [][]string{nil, signed(jake), {"Authorization", "Token " + newKey(t, mia, client.Write).Key}} {
			for _, query := range []string{"", "?sort=-createdAt", "?parentId=0", "?format=html"} {
				_, body := s.Do("GET", "/articles/"+slug+"/comments"+query, "", header...)
				require.NotContains(t, body, "words")
				require.Contains(t, body, `"comments":[]`)
			}
			if header != nil {
				for _, method := range []string{"PUT", "DELETE"} {
					res, body := s.Do(method, fmt.Sprintf("/articles/%s/comments/%d", slug, first.Id), `{"comment":{"body":"x"}}`, header...)
					requireRefusal(t, 404, allWrong("not found", "comment"), res, body)
				}
			}
		}
		for _, c := range []*client.ClientWithResponses{anna.ClientWithResponses, mia.ClientWithResponses} {
			seen := commentsSeen(t, c, slug)
			require.Equal(t, []int64{first.Id, second.Id}, commentIDs(seen))
			require.True(t, *seen[0].Waiting)
			require.Nil(t, seen[0].Hidden)
		}
		for _, u := range []servertest.User{anna, mia} {
			res := reply(t, u, slug, first.Id, "x")
			requireRefusal(t, 422, allWrong("is a comment that others do not see", "parentId"), res.HTTPResponse, string(res.Body))
		}
		// Editing does not show it.
		in := client.UpdateCommentRequest{Comment: client.UpdateComment{Body: "other words"}}
		changed := responseOf(anna.UpdateArticleCommentWithResponse(t.Context(), slug, first.Id, in)).JSON200.Comment
		require.True(t, *changed.Waiting)
		require.Empty(t, commentsSeen(t, s.Anonymous, slug))
		_, export := s.Do("GET", "/user/export", "", signed(anna)...)
		require.Contains(t, export, `"waiting" : true`)

		before := auditCount(t, s)
		require.Equal(t, []int64{first.Id, second.Id}, waiting())
		for range 2 {
			approve(t, first.Id)
		}
		require.Equal(t, before+1, auditCount(t, s))
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM audit_log WHERE action = 'comment.approved'`))
		require.Equal(t, []int64{second.Id}, waiting())
		seen := commentsSeen(t, s.Anonymous, slug)
		require.Equal(t, []int64{first.Id}, commentIDs(seen))
		require.Nil(t, seen[0].Waiting)
		third := commentOn(t, anna, slug, "third words")
		require.Nil(t, third.Waiting, "one comment was approved")
		require.Equal(t, []int64{first.Id, third.Id}, commentIDs(commentsSeen(t, s.Anonymous, slug)))
		require.Nil(t, commentOn(t, mia, slug, "by a moderator").Waiting)
		requireCounters(t, s)
	})

	// A moderator rejects a comment by hiding it.
	t.Run("Rejected", func(t *testing.T) {
		s := s.For(t)
		spammer := s.Register("")
		c := commentOn(t, spammer, slug, "Buy this")
		require.Contains(t, waiting(), c.Id)
		hideIt := func() {
			responseOf(mia.HideCommentWithResponse(t.Context(), slug, c.Id, client.HideRequest{Reason: "Advertising"}))
		}
		hideIt()
		require.NotContains(t, waiting(), c.Id)
		require.True(t, *commentOn(t, spammer, slug, "Buy that").Waiting)
		responseOf(mia.RestoreCommentWithResponse(t.Context(), slug, c.Id))
		require.NotContains(t, commentIDs(commentsSeen(t, s.Anonymous, slug)), c.Id, "it waits again")
		require.Contains(t, waiting(), c.Id)
		hideIt()
		approve(t, c.Id)
		require.NotContains(t, commentIDs(commentsSeen(t, s.Anonymous, slug)), c.Id, "it is still hidden")
		require.True(t, *commentOn(t, spammer, slug, "Buy").Waiting, "what is hidden was not approved")
		responseOf(mia.RestoreCommentWithResponse(t.Context(), slug, c.Id))
		require.Contains(t, commentIDs(commentsSeen(t, s.Anonymous, slug)), c.Id)
		requireCounters(t, s)
	})

	t.Run("Refused", func(t *testing.T) {
		s := s.For(t)
		c := commentOn(t, s.Register(""), slug, "x")
		path := fmt.Sprintf("/articles/%s/comments/%d/approval", slug, c.Id)
		elsewhere := s.Publish(jake, "Elsewhere").Slug
		for _, test := range []struct {
			path   string
			header []string
			status int
		}{
			{path, nil, 401}, {path, signed(jake), 403}, {path, []string{"Authorization", "Token " + newKey(t, mia, client.Write).Key}, 403},
			{strings.Replace(path, slug, elsewhere, 1), signed(mia), 404}, {"/articles/" + slug + "/comments/x/approval", signed(mia), 422},
		} {
			res, body := s.Do("PUT", test.path, "", test.header...)
			require.Equal(t, test.status, res.StatusCode, body)
		}
		require.Contains(t, waiting(), c.Id)
	})

	// A flood does not fill the list of what waits.
	t.Run("Maximum", func(t *testing.T) {
		s := s.For(t)
		flooder := s.Register("")
		made := 0
		for _, status := range together(25, func(int) int {
			return responseOf(flooder.CreateArticleCommentWithResponse(t.Context(), slug, nil, newComment("x"))).StatusCode()
		}) {
			if status == http.StatusCreated {
				made++
			}
		}
		require.Equal(t, 20, made)
		res := responseOf(flooder.CreateArticleCommentWithResponse(t.Context(), slug, nil, newComment("x")))
		requireRefusal(t, 422, allWrong("maximum of 20 that wait for approval reached", "comment"), res.HTTPResponse, string(res.Body))
		requireCounters(t, s)
	})
}

func TestGetWaitingComments(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithPublishing(publish.Rules{Comments: publish.ApprovedComments}))
	jake, mia := s.Register("jake"), withRole(s, "mia", auth.Moderator)
	a := s.Publish(jake, "Moderated")
	var want []int64
	for range 5 {
		want = append(want, commentOn(t, s.Register(""), a.Slug, "waits").Id)
	}
	limit := int32(2)
	params := &client.GetWaitingCommentsParams{Limit: &limit}
	var walked []int64
	for {
		res := responseOf(mia.GetWaitingCommentsWithResponse(t.Context(), params))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		for _, c := range res.JSON200.Comments {
			walked = append(walked, c.Id)
			require.Equal(t, []string{a.Slug, a.Title, "waits"}, []string{c.Slug, c.Title, c.Body})
		}
		if res.JSON200.NextCursor.IsNull() {
			break
		}
		params.Cursor = ptrTo(res.JSON200.NextCursor.MustGet())
	}
	require.Equal(t, want, walked)

	// Texts beyond 4 MB are on the next page.
	_, err := s.DB.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body, hidden, waiting)
		SELECT c.article_id, u.id, repeat('é', 16384), true, true FROM comments c, users u, generate_series(1, 100) n
		WHERE c.id = $1 AND u.username = 'jake' AND n <= 20
		UNION ALL SELECT c.article_id, c.author_id, repeat(E'\u0001', 16384), true, true FROM comments c, generate_series(1, 15) n WHERE c.waiting`, want[0])
	require.NoError(t, err)
	limit, params.Cursor = 100, nil
	total, pages := 0, 0
	for {
		res := responseOf(mia.GetWaitingCommentsWithResponse(t.Context(), params))
		require.Less(t, len(res.Body), 5<<20)
		total, pages = total+len(res.JSON200.Comments), pages+1
		if res.JSON200.NextCursor.IsNull() {
			break
		}
		params.Cursor = ptrTo(res.JSON200.NextCursor.MustGet())
	}
	require.Equal(t, 5+20+75, total)
	require.Greater(t, pages, 1)
}
