package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// reply returns the response to a reply by u.
func reply(t *testing.T, u servertest.User, slug string, parent int64, body string) *client.CreateArticleCommentResponse {
	t.Helper()
	in := newComment(body)
	in.Comment.ParentId = nullable.NewNullableWithValue(parent)
	return responseOf(u.CreateArticleCommentWithResponse(t.Context(), slug, nil, in))
}

// replyTo creates a reply by u and returns it.
func replyTo(t *testing.T, u servertest.User, slug string, parent int64, body string) client.Comment {
	t.Helper()
	res := reply(t, u, slug, parent, body)
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	require.Equal(t, nullable.NewNullableWithValue(parent), res.JSON201.Comment.ParentId)
	return res.JSON201.Comment
}

// commentsSeen returns the comments of an article that a caller sees.
func commentsSeen(t *testing.T, c *client.ClientWithResponses, slug string) []client.Comment {
	t.Helper()
	res := responseOf(c.GetArticleCommentsWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Comments
}

func deleteComment(t *testing.T, u servertest.User, slug string, id int64) {
	t.Helper()
	res := responseOf(u.DeleteArticleCommentWithResponse(t.Context(), slug, id))
	require.Equal(t, http.StatusNoContent, res.StatusCode(), string(res.Body))
}

func TestReplies(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, mia := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator)
	thread := func(t *testing.T, s *servertest.Service) (slug string, first, answer client.Comment) {
		slug = s.Publish(jake, "Thread "+t.Name()).Slug
		first = commentOn(t, anna, slug, "secret words")
		return slug, first, replyTo(t, jake, slug, first.Id, "An answer")
	}

	t.Run("Depth", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slug := s.Publish(jake, "Deep").Slug
		at := commentOn(t, anna, slug, "1")
		for range 7 {
			at = replyTo(t, jake, slug, at.Id, "deeper")
		}
		res := reply(t, anna, slug, at.Id, "too deep")
		fields := allWrong("is at the maximum depth of 8: reply to the comment that it answers", "parentId")
		requireRefusal(t, 422, fields, res.HTTPResponse, string(res.Body))
		require.Len(t, commentsSeen(t, s.Anonymous, slug), 8)
	})

	t.Run("Invalid", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slug, first, _ := thread(t, s)
		other := s.Publish(jake, "Other thread").Slug
		hidden := commentOn(t, anna, slug, "Buy this")
		responseOf(mia.HideCommentWithResponse(t.Context(), slug, hidden.Id, client.HideRequest{Reason: "r"}))
		gone := commentOn(t, anna, slug, "x")
		deleteComment(t, anna, slug, gone.Id)
		missing := "is not a comment of this article"
		for _, test := range []struct {
			by      servertest.User
			slug    string
			parent  any
			message string
		}{
			{jake, other, first.Id, missing}, {jake, slug, gone.Id, missing}, {jake, slug, 9007199254740991, missing},
			{jake, slug, hidden.Id, missing}, {anna, slug, hidden.Id, "is a comment that others do not see"}, {mia, slug, hidden.Id, "is a comment that others do not see"},
			{jake, slug, 0, "must be at least 1"}, {jake, slug, `"1"`, "must be an integer"}, {jake, slug, 1.5, "must be an integer"},
		} {
			res, body := s.Do("POST", "/articles/"+test.slug+"/comments", fmt.Sprintf(`{"comment":{"body":"x","parentId":%v}}`, test.parent), signed(test.by)...)
			requireRefusal(t, 422, allWrong(test.message, "parentId"), res, body)
		}
		res, body := s.Do("POST", "/articles/no-such/comments", `{"comment":{"body":"x","parentId":1}}`, signed(jake)...)
		requireRefusal(t, 404, allWrong("not found", "article"), res, body)
		res, body = s.Do("POST", "/articles/"+other+"/comments", `{"comment":{"body":"x","parentId":null}}`, signed(jake)...)
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
	})

	t.Run("Idempotent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slug, first, _ := thread(t, s)
		in := newComment("once")
		in.Comment.ParentId = nullable.NewNullableWithValue(first.Id)
		key := &client.CreateArticleCommentParams{IdempotencyKey: ptrTo("k")}
		one := responseOf(anna.CreateArticleCommentWithResponse(t.Context(), slug, key, in))
		two := responseOf(anna.CreateArticleCommentWithResponse(t.Context(), slug, key, in))
		require.Equal(t, http.StatusCreated, two.StatusCode(), string(two.Body))
		require.Equal(t, string(one.Body), string(two.Body))
		require.Len(t, commentsSeen(t, s.Anonymous, slug), 3)
	})

	// A deleted comment with replies keeps its place, without text and author,
	// until the last reply is deleted.
	t.Run("DeletedParent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slug, first, answer := thread(t, s)
		second := replyTo(t, anna, slug, answer.Id, "Another")
		deleteComment(t, anna, slug, first.Id)
		for _, query := range []string{"", "?sort=-createdAt", "?parentId=0", "?format=html"} {
			for _, header := range [][]string{nil, signed(anna), signed(mia)} {
				_, body := s.Do("GET", "/articles/"+slug+"/comments"+query, "", header...)
				require.Contains(t, body, `"deleted":true`)
				require.NotContains(t, body, "secret words")
			}
		}
		seen := commentsSeen(t, s.Anonymous, slug)
		require.Equal(t, []int64{first.Id, answer.Id, second.Id}, commentIDs(seen))
		require.True(t, *seen[0].Deleted)
		require.Empty(t, seen[0].Body)
		require.Equal(t, client.Profile{Bio: nullable.NewNullNullable[string](), Image: nullable.NewNullNullable[string]()}, seen[0].Author)
		require.Nil(t, seen[1].Deleted)
		require.Equal(t, first.Id, seen[1].ParentId.MustGet())

		// To everybody, it is no comment any more.
		for _, u := range []servertest.User{anna, jake, mia} {
			for _, method := range []string{"PUT", "DELETE"} {
				res, body := s.Do(method, fmt.Sprintf("/articles/%s/comments/%d", slug, first.Id), `{"comment":{"body":"x"}}`, signed(u)...)
				requireRefusal(t, 404, allWrong("not found", "comment"), res, body)
			}
		}
		for path, body := range map[string]string{"hidden": `{"reason":"r"}`, "approval": ""} {
			res, text := s.Do("PUT", fmt.Sprintf("/articles/%s/comments/%d/%s", slug, first.Id, path), body, signed(mia)...)
			requireRefusal(t, 404, allWrong("not found", "comment"), res, text)
		}
		res := reply(t, jake, slug, first.Id, "x")
		requireRefusal(t, 422, allWrong("was deleted", "parentId"), res.HTTPResponse, string(res.Body))
		requireCounters(t, s)

		deleteComment(t, jake, slug, answer.Id)
		require.Equal(t, []int64{first.Id, answer.Id, second.Id}, commentIDs(commentsSeen(t, s.Anonymous, slug)))
		deleteComment(t, anna, slug, second.Id)
		require.Empty(t, commentsSeen(t, s.Anonymous, slug), "nothing is left with the last reply")
		requireCounters(t, s)
	})

	t.Run("HiddenParent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slug, first, answer := thread(t, s)
		responseOf(mia.HideCommentWithResponse(t.Context(), slug, first.Id, client.HideRequest{Reason: "r"}))
		require.Equal(t, []int64{answer.Id}, commentIDs(commentsSeen(t, s.Anonymous, slug)))
		deleteComment(t, anna, slug, first.Id)
		require.Equal(t, []int64{first.Id, answer.Id}, commentIDs(commentsSeen(t, s.Anonymous, slug)))
		require.Zero(t, count(t, s, fmt.Sprintf(`SELECT count(*) FROM hidden_items WHERE comment_id = %d`, first.Id)))
		requireCounters(t, s)
	})

	t.Run("DeletedArticle", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slug, first, _ := thread(t, s)
		deleteComment(t, anna, slug, first.Id)
		require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
		require.Zero(t, count(t, s, `SELECT count(*) FROM comments c WHERE NOT EXISTS (SELECT FROM articles a WHERE a.id = c.article_id)`))
		requireCounters(t, s)
	})

	// What an account has written is deleted with it, but not the replies of
	// others.
	t.Run("DeletedAccount", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		leaver := s.Register("")
		slug := s.Publish(jake, "Left behind").Slug
		first := commentOn(t, leaver, slug, "secret words")
		own := replyTo(t, leaver, slug, first.Id, "secret words")
		replyTo(t, leaver, slug, own.Id, "secret words")
		answer := replyTo(t, jake, slug, own.Id, "An answer")
		alone := commentOn(t, leaver, slug, "secret words")
		replyTo(t, leaver, slug, alone.Id, "secret words")
		leave(t, leaver)
		_, body := s.Do("GET", "/articles/"+slug+"/comments", "")
		require.NotContains(t, body, "secret words")
		require.NotContains(t, body, leaver.Username)
		require.Equal(t, []int64{first.Id, own.Id, answer.Id}, commentIDs(commentsSeen(t, s.Anonymous, slug)))
		requireCounters(t, s)
		deleteComment(t, jake, slug, answer.Id)
		require.Empty(t, commentsSeen(t, s.Anonymous, slug))
	})
}

func TestListReplies(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	slug := s.Publish(jake, "Threads").Slug
	var roots, replies []int64
	for i := range 5 {
		roots = append(roots, commentOn(t, anna, slug, fmt.Sprint(i)).Id)
	}
	for i := range 5 {
		replies = append(replies, replyTo(t, jake, slug, roots[2], fmt.Sprint(i)).Id)
	}
	deep := replyTo(t, anna, slug, replies[0], "deep")

	for parent, want := range map[int64][]int64{0: roots, roots[2]: replies, roots[0]: {}, replies[0]: {deep.Id}, 999999: {}} {
		for _, sort := range []client.GetArticleCommentsParamsSort{client.GetArticleCommentsParamsSortOldestFirst, client.GetArticleCommentsParamsSortNewestFirst} {
			for _, limit := range []int32{2, 5, 100} {
				params := &client.GetArticleCommentsParams{ParentId: &parent, Sort: &sort, Limit: &limit}
				walked := []int64{}
				for {
					res := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), slug, params))
					require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
					walked = append(walked, commentIDs(res.JSON200.Comments)...)
					if res.JSON200.NextCursor.IsNull() {
						break
					}
					params.Cursor = ptrTo(res.JSON200.NextCursor.MustGet())
				}
				if sort == client.GetArticleCommentsParamsSortNewestFirst {
					slices.Reverse(walked)
				}
				require.Equal(t, want, walked, "parent %d, sort %s, limit %d", parent, sort, limit)
			}
		}
	}

	one := int32(1)
	first := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), slug, &client.GetArticleCommentsParams{ParentId: ptrTo(int64(0)), Limit: &one}))
	cursor := first.JSON200.NextCursor.MustGet()
	for _, query := range []string{"?cursor=" + cursor, fmt.Sprintf("?parentId=%d&cursor=%s", roots[2], cursor)} {
		res, body := s.Do("GET", "/articles/"+slug+"/comments"+query, "")
		requireRefusal(t, 422, allWrong("is not a valid cursor for this list", "cursor"), res, body)
	}
	for value, message := range map[string]string{"-1": "must be at least 0", "x": "must be an integer", "9007199254740992": "must be at most 9007199254740991"} {
		res, body := s.Do("GET", "/articles/"+slug+"/comments?parentId="+value, "")
		requireRefusal(t, 422, allWrong(message, "parentId"), res, body)
	}
}

// TestCommentStatements checks that each write of a comment is one statement.
func TestCommentStatements(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Counted").Slug
	parent := commentOn(t, jake, slug, "x") // stores that the session was used
	var last client.Comment
	for name, write := range map[string]func(){
		"create": func() { last = commentOn(t, jake, slug, "y") },
		"reply":  func() { replyTo(t, jake, slug, parent.Id, "y") },
		"update": func() {
			in := client.UpdateCommentRequest{Comment: client.UpdateComment{Body: "z"}}
			require.Equal(t, 200, responseOf(jake.UpdateArticleCommentWithResponse(t.Context(), slug, parent.Id, in)).StatusCode())
		},
	} {
		s.Statements.Reset()
		write()
		n, statements := s.Statements.Reset()
		require.EqualValues(t, 1, n, "%s: %v", name, statements)
	}
	s.Statements.Reset()
	deleteComment(t, jake, slug, last.Id)
	deleteComment(t, jake, slug, parent.Id)
	n, statements := s.Statements.Reset()
	require.EqualValues(t, 2, n, statements)
}

// TestRepliesRace answers comments while they are deleted. Whatever comes
// first, no reply is lost, and no place of a deleted comment is left without
// replies.
func TestRepliesRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	slug := s.Publish(jake, "Disputed").Slug
	for round := range 12 {
		parent := commentOn(t, anna, slug, "x")
		// Replies by the same author and by another one.
		replier := []servertest.User{anna, jake}[round%2]
		kept := replyTo(t, replier, slug, parent.Id, "kept")
		statuses := together(4, func(i int) int {
			switch i {
			case 0:
				return responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), slug, parent.Id)).StatusCode()
			case 1:
				return responseOf(replier.DeleteArticleCommentWithResponse(t.Context(), slug, kept.Id)).StatusCode()
			default:
				return reply(t, []servertest.User{anna, jake}[i%2], slug, parent.Id, "late").StatusCode()
			}
		})
		require.Equal(t, []int{204, 204}, statuses[:2])
		late := 0
		for _, status := range statuses[2:] {
			require.Contains(t, []int{201, 422}, status, statuses)
			if status == 201 {
				late++
			}
		}
		under := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), slug, &client.GetArticleCommentsParams{ParentId: &parent.Id})).JSON200.Comments
		require.Len(t, under, late)
		for _, c := range under {
			u := map[string]servertest.User{"jake": jake, "anna": anna}[c.Author.Username]
			deleteComment(t, u, slug, c.Id)
		}
		require.Empty(t, commentsSeen(t, s.Anonymous, slug))
		requireCounters(t, s)
	}
}
