package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func newComment(body string) client.CreateArticleCommentJSONRequestBody {
	return client.CreateArticleCommentJSONRequestBody{Comment: client.NewComment{Body: body}}
}

// commentOn creates a comment by u and returns it.
func commentOn(t *testing.T, u servertest.User, slug, body string) client.Comment {
	t.Helper()
	res := responseOf(u.CreateArticleCommentWithResponse(t.Context(), slug, nil, newComment(body)))
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return res.JSON201.Comment
}

func commentIDs(comments []client.Comment) []int64 {
	ids := make([]int64, len(comments))
	for i, c := range comments {
		ids[i] = c.Id
	}
	return ids
}

func TestCreateArticleComment(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	article := s.Publish(jake, "Discussed")

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do("POST", "/articles/discussed/comments", `{"comment":{"body":"It takes a Jacobian"}}`, signed(anna)...)
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		var c client.CommentResponse
		require.NoError(t, json.Unmarshal([]byte(body), &c))
		require.Positive(t, c.Comment.Id)
		require.Less(t, c.Comment.Id, int64(1)<<53)
		require.JSONEq(t, fmt.Sprintf(`{"comment":{"id":%d,"parentId":null,"createdAt":%q,"updatedAt":%q,"body":"It takes a Jacobian",
			"author":{"username":"anna","bio":null,"image":null,"following":false}}}`, c.Comment.Id, stamp(c.Comment.CreatedAt), stamp(c.Comment.CreatedAt)), body)
		location := res.Header.Get("Location")
		require.Equal(t, fmt.Sprintf("/api/articles/discussed/comments/%d", c.Comment.Id), location)
		res, body = s.Do("DELETE", strings.TrimPrefix(location, "/api"), "", signed(anna)...)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
	})

	t.Run("StoredAsSent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Verbatim")
		for _, text := range []string{" <i>\r\n\"x\" \\ \u2028 👩‍👩‍👧 ", strings.Repeat("ü", 16384)} {
			require.Equal(t, text, commentOn(t, anna, a.Slug, text).Body)
		}
		list := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil)).JSON200.Comments
		require.Equal(t, strings.Repeat("ü", 16384), list[1].Body)
	})

	t.Run("Invalid", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for body, fields := range map[string]client.FieldErrors{
			`{"comment":{}}`:                  allWrong(cantBeBlank, "body"),
			`{"comment":{"body":null}}`:       allWrong(cantBeBlank, "body"),
			`{"comment":{"body":""}}`:         allWrong(cantBeBlank, "body"),
			`{"comment":{"body":" \n\t"}}`:    allWrong(cantBeBlank, "body"),
			`{}`:                              allWrong(cantBeBlank, "comment"),
			`{"body":"x"}`:                    allWrong(cantBeBlank, "comment"),
			`{"comment":null}`:                allWrong(cantBeBlank, "comment"),
			`{"comment":"x"}`:                 allWrong("must be an object", "comment"),
			`{"comment":{"body":1}}`:          allWrong("must be a string", "body"),
			`{"comment":{"body":"a\u0000b"}}`: allWrong("must not contain NUL", "body"),
			`{"comment":{"body":"` + strings.Repeat("x", 16385) + `"}}`: allWrong("is too long (maximum is 16384 characters)", "body"),
		} {
			res, text := s.Do("POST", "/articles/discussed/comments", body, signed(anna)...)
			requireRefusal(t, 422, fields, res, text)
			res, text = s.Do("POST", "/articles/no-such/comments", body, signed(anna)...)
			requireRefusal(t, 404, allWrong("not found", "article"), res, text)
			res, text = s.Do("POST", "/articles/no-such/comments", body)
			requireRefusal(t, 401, allWrong("is missing", "token"), res, text)
		}
		for body, status := range map[string]int{`{"comment"`: 400, `{"comment":{"body":"x"}} {}`: 400, `{"comment":{"body":"` + strings.Repeat("x", 1<<17) + `"}}`: 413} {
			res, text := s.Do("POST", "/articles/discussed/comments", body, signed(anna)...)
			require.Equal(t, status, res.StatusCode, text)
		}
	})

	t.Run("NotFound", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, key := range []string{"", "key"} {
			header := signed(anna)
			if key != "" {
				header = signed(anna, "Idempotency-Key", key)
			}
			res, text := s.Do("POST", "/articles/no-such/comments", `{"comment":{"body":"x"}}`, header...)
			requireRefusal(t, 404, allWrong("not found", "article"), res, text)
		}
	})

	t.Run("OldSlug", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Before")
		responseOf(jake.UpdateArticleWithResponse(t.Context(), a.Slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: ptrTo("After")}}))
		first, second := commentOn(t, anna, "before", "1"), commentOn(t, jake, "after", "2")
		for _, slug := range []string{"before", "after"} {
			list := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), slug, nil)).JSON200.Comments
			require.Equal(t, []int64{first.Id, second.Id}, commentIDs(list))
		}
		require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleCommentWithResponse(t.Context(), "before", second.Id)).StatusCode())
		require.Equal(t, http.StatusNoContent, responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), "after", first.Id)).StatusCode())
	})

	t.Run("Idempotent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a, b := s.Publish(jake, "Keyed one"), s.Publish(jake, "Keyed two")
		key := &client.CreateArticleCommentParams{IdempotencyKey: ptrTo("k")}
		first := responseOf(anna.CreateArticleCommentWithResponse(t.Context(), a.Slug, key, newComment("x")))
		again := responseOf(anna.CreateArticleCommentWithResponse(t.Context(), a.Slug, key, newComment("x")))
		require.Equal(t, http.StatusCreated, again.StatusCode(), string(again.Body))
		require.Equal(t, string(first.Body), string(again.Body))
		require.Equal(t, first.HTTPResponse.Header.Get("Location"), again.HTTPResponse.Header.Get("Location"))
		require.Equal(t, []string{"", "true"}, []string{first.HTTPResponse.Header.Get("Idempotency-Replayed"), again.HTTPResponse.Header.Get("Idempotency-Replayed")})
		res, body := s.Do("POST", "/articles/"+a.Slug+"/comments", `{"comment":{"body":"y"}}`, signed(anna, "Idempotency-Key", "k")...)
		requireRefusal(t, 422, allWrong("has already been used with a different request", "Idempotency-Key"), res, body)

		for name, res := range map[string]*client.CreateArticleCommentResponse{
			"another user":    responseOf(jake.CreateArticleCommentWithResponse(t.Context(), a.Slug, key, newComment("x"))),
			"another article": responseOf(anna.CreateArticleCommentWithResponse(t.Context(), b.Slug, key, newComment("x"))),
		} {
			require.Equal(t, http.StatusCreated, res.StatusCode(), name)
			require.NotEqual(t, first.JSON201.Comment.Id, res.JSON201.Comment.Id, name)
			require.Empty(t, res.HTTPResponse.Header.Get("Idempotency-Replayed"), name)
		}
		for slug, want := range map[string]int{a.Slug: 2, b.Slug: 1} {
			require.Len(t, responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), slug, nil)).JSON200.Comments, want)
		}
	})

	t.Run("Lenient", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		lenient := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Compat = server.Lenient }),
			servertest.WithDatabase(s.DB.Pool().Config().ConnString()))
		// Not through the checked client: this mode is not in the document.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lenient.URL+"/articles/"+article.Slug+"/comments", strings.NewReader(`{"comment":{"body":"x"}}`))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Token "+anna.Token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, http.StatusOK, res.StatusCode)
	})
}

func TestGetArticleComments(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")

	t.Run("Empty", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Silence")
		for _, query := range []string{"", "?sort=-createdAt"} {
			res, body := s.Do("GET", "/articles/"+a.Slug+"/comments"+query, "")
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.JSONEq(t, `{"comments":[],"nextCursor":null}`, body)
			require.Empty(t, res.Header.Get("Link"))
		}
	})

	t.Run("NotFound", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, query := range []string{"", "?sort=-createdAt", "?limit=0", "?cursor=x", "?sort=x"} {
			res, body := s.Do("GET", "/articles/no-such/comments"+query, "")
			requireRefusal(t, 404, allWrong("not found", "article"), res, body)
		}
	})

	t.Run("ByViewer", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Followed")
		commentOn(t, jake, a.Slug, "1")
		commentOn(t, anna, a.Slug, "2")
		reader := s.Register("reader")
		responseOf(reader.FollowUserByUsernameWithResponse(t.Context(), "jake"))
		list := responseOf(reader.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil)).JSON200.Comments
		require.Equal(t, []bool{true, false}, []bool{list[0].Author.Following, list[1].Author.Following})
		list = responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil)).JSON200.Comments
		require.False(t, list[0].Author.Following)
	})

	t.Run("Order", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Walk")
		other := s.Publish(jake, "Elsewhere")
		commentOn(t, anna, other.Slug, "not here")
		// The comments share a few times, whose order is not that of the ids.
		_, err := s.DB.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body, created_at, updated_at)
			SELECT a.id, u.id, i::text, t, t FROM generate_series(1, 23) i, articles a, users u,
			LATERAL (SELECT timestamptz '2026-01-01 00:00Z' + (i * 7 % 5) * interval '1 ms' AS t) x
			WHERE a.slug = 'walk' AND u.username = 'anna' ORDER BY i`)
		require.NoError(t, err)
		rows, err := s.DB.Query(t.Context(), `SELECT c.id FROM comments c JOIN articles a ON a.id = c.article_id WHERE a.slug = 'walk' ORDER BY c.created_at, c.id`)
		require.NoError(t, err)
		var oldest []int64
		for rows.Next() {
			var id int64
			require.NoError(t, rows.Scan(&id))
			oldest = append(oldest, id)
		}
		require.NoError(t, rows.Err())
		require.Len(t, oldest, 23)
		newest := slices.Clone(oldest)
		slices.Reverse(newest)

		for sort, want := range map[client.GetArticleCommentsParamsSort][]int64{
			"": oldest, client.GetArticleCommentsParamsSortOldestFirst: oldest, client.GetArticleCommentsParamsSortNewestFirst: newest,
		} {
			params := &client.GetArticleCommentsParams{}
			if sort != "" {
				params.Sort = &sort
			}
			all := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, params)).JSON200
			require.Equal(t, want, commentIDs(all.Comments), sort)
			require.True(t, all.NextCursor.IsNull())
			for _, limit := range []int32{5, 22, 23} {
				params.Limit, params.Cursor = &limit, nil
				var walked []int64
				for {
					res := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, params))
					require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
					require.LessOrEqual(t, len(res.JSON200.Comments), int(limit))
					walked = append(walked, commentIDs(res.JSON200.Comments)...)
					link := res.HTTPResponse.Header.Get("Link")
					if res.JSON200.NextCursor.IsNull() {
						require.Empty(t, link)
						break
					}
					next := res.JSON200.NextCursor.MustGet()
					if params.Cursor == nil {
						_, linked := s.Do("GET", linkTarget(t, link), "")
						params.Cursor = &next
						require.JSONEq(t, string(responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, params)).Body), linked)
					}
					params.Cursor = &next
				}
				require.Equal(t, want, walked, "limit %d, sort %q", limit, sort)
			}
		}
	})

	t.Run("WalkWhileWritten", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Busy")
		var want []int64
		for i := range 6 {
			want = append(want, commentOn(t, anna, a.Slug, fmt.Sprint(i)).Id)
		}
		slices.Reverse(want)
		newest, limit := client.GetArticleCommentsParamsSortNewestFirst, int32(2)
		params := &client.GetArticleCommentsParams{Sort: &newest, Limit: &limit}
		var walked []int64
		for {
			page := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, params)).JSON200
			walked = append(walked, commentIDs(page.Comments)...)
			commentOn(t, anna, a.Slug, "new")
			// The row at the cursor may be deleted: a cursor is a position, not
			// a row.
			last := walked[len(walked)-1]
			responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), a.Slug, last))
			if page.NextCursor.IsNull() {
				break
			}
			params.Cursor = ptrTo(page.NextCursor.MustGet())
		}
		require.Equal(t, want, walked)
	})

	t.Run("Cursor", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a, b := s.Publish(jake, "Cursor one"), s.Publish(jake, "Cursor two")
		for range 3 {
			commentOn(t, anna, a.Slug, "x")
			commentOn(t, anna, b.Slug, "x")
		}
		one := int32(1)
		cursor := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, &client.GetArticleCommentsParams{Limit: &one})).JSON200.NextCursor.MustGet()
		list := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Limit: &one})).JSON200.NextCursor.MustGet()
		for _, path := range []string{
			"/articles/cursor-one/comments?sort=-createdAt&cursor=" + cursor,
			"/articles/cursor-two/comments?cursor=" + cursor,
			"/articles/cursor-one/comments?cursor=" + list,
			"/articles?cursor=" + cursor,
			"/articles/cursor-one/comments?cursor=" + tampered(cursor),
			"/articles/cursor-one/comments?cursor=" + cursor[1:],
			"/articles/cursor-one/comments?cursor=%20",
		} {
			res, body := s.Do("GET", path, "")
			requireRefusal(t, 422, allWrong("is not a valid cursor for this list", "cursor"), res, body)
		}
	})

	t.Run("Limit", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Caps")
		for value, message := range map[string]string{
			"0": "must be at least 1", "-1": "must be at least 1", "1001": "must be at most 1000",
			"99999999999999999999": "must be at most 1000", "abc": "must be an integer", "1.5": "must be an integer", "": cantBeBlank,
		} {
			res, body := s.Do("GET", "/articles/"+a.Slug+"/comments?limit="+value, "")
			requireRefusal(t, 422, allWrong(message, "limit"), res, body)
		}
		res, body := s.Do("GET", "/articles/"+a.Slug+"/comments?sort=body", "")
		requireRefusal(t, 422, allWrong("must be one of createdAt, -createdAt", "sort"), res, body)
	})

	t.Run("MoreThanAPage", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Much discussed")
		_, err := s.DB.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body)
			SELECT a.id, a.author_id, 'x' FROM articles a, generate_series(1, 1001) WHERE a.slug = 'much-discussed'`)
		require.NoError(t, err)
		page := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil)).JSON200
		require.Len(t, page.Comments, 1000)
		rest := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, &client.GetArticleCommentsParams{Cursor: ptrTo(page.NextCursor.MustGet())})).JSON200
		require.Len(t, rest.Comments, 1)
		require.True(t, rest.NextCursor.IsNull())
	})

	// A list of more than 101 comments is read in two parts.
	t.Run("TwoParts", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, total := range []int{100, 101, 102, 250} {
			a := s.Publish(jake, fmt.Sprintf("With %d comments", total))
			_, err := s.DB.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body)
				SELECT a.id, a.author_id, 'x' FROM articles a, generate_series(1, $2) WHERE a.slug = $1`, a.Slug, total)
			require.NoError(t, err)
			for _, sort := range []client.GetArticleCommentsParamsSort{client.GetArticleCommentsParamsSortOldestFirst, client.GetArticleCommentsParamsSortNewestFirst} {
				all := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, &client.GetArticleCommentsParams{Sort: &sort})).JSON200
				require.Len(t, all.Comments, total)
				require.True(t, all.NextCursor.IsNull())
				ids := commentIDs(all.Comments)
				if sort == client.GetArticleCommentsParamsSortNewestFirst {
					slices.Reverse(ids)
				}
				require.IsIncreasing(t, ids)
				for _, limit := range []int32{99, 100, 101, 102} {
					page := responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), a.Slug, &client.GetArticleCommentsParams{Sort: &sort, Limit: &limit})).JSON200
					require.Equal(t, all.Comments[:min(total, int(limit))], page.Comments)
					require.Equal(t, total <= int(limit), page.NextCursor.IsNull())
				}
			}
		}
	})
}

func TestDeleteArticleComment(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	article, other := s.Publish(jake, "Here"), s.Publish(jake, "There")
	path := func(slug string, id any) string { return fmt.Sprintf("/articles/%s/comments/%v", slug, id) }

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		c, kept := commentOn(t, anna, article.Slug, "x"), commentOn(t, anna, article.Slug, "kept")
		res, body := s.Do("DELETE", path("here", c.Id), "", signed(anna)...)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
		require.Empty(t, body)
		res, body = s.Do("DELETE", path("here", c.Id), "", signed(anna)...)
		requireRefusal(t, 404, allWrong("not found", "comment"), res, body)
		left := commentIDs(responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), "here", nil)).JSON200.Comments)
		require.Contains(t, left, kept.Id)
		require.NotContains(t, left, c.Id)
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		c, elsewhere := commentOn(t, anna, article.Slug, "x"), commentOn(t, anna, other.Slug, "x")
		for name, test := range map[string]struct {
			path   string
			header []string
			status int
			fields client.FieldErrors
		}{
			"NoToken":              {path("here", c.Id), nil, 401, allWrong("is missing", "token")},
			"NoTokenNoArticle":     {path("no-such", 1), nil, 401, allWrong("is missing", "token")},
			"NoTokenBadID":         {path("here", "x"), nil, 401, allWrong("is missing", "token")},
			"NoArticle":            {path("no-such", c.Id), signed(anna), 404, allWrong("not found", "article")},
			"NoArticleBadID":       {path("no-such", "x"), signed(anna), 404, allWrong("not found", "article")},
			"NoComment":            {path("here", 999999), signed(anna), 404, allWrong("not found", "comment")},
			"LargestID":            {path("here", 9007199254740991), signed(anna), 404, allWrong("not found", "comment")},
			"OfAnotherArticle":     {path("here", elsewhere.Id), signed(anna), 404, allWrong("not found", "comment")},
			"ForeignElsewhere":     {path("here", elsewhere.Id), signed(jake), 404, allWrong("not found", "comment")},
			"Foreign":              {path("here", c.Id), signed(jake), 403, allWrong("forbidden", "comment")},
			"NotANumber":           {path("here", "x"), signed(anna), 422, allWrong("must be an integer", "id")},
			"Zero":                 {path("here", 0), signed(anna), 422, allWrong("must be at least 1", "id")},
			"BeyondWhatNumbersCan": {path("here", "9007199254740992"), signed(anna), 422, allWrong("must be at most 9007199254740991", "id")},
		} {
			t.Run(name, func(t *testing.T) {
				res, body := s.Do("DELETE", test.path, "", test.header...)
				requireRefusal(t, test.status, test.fields, res, body)
			})
		}
		left := commentIDs(responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), "here", nil)).JSON200.Comments)
		require.Contains(t, left, c.Id)
		require.Equal(t, []int64{elsewhere.Id}, commentIDs(responseOf(s.Anonymous.GetArticleCommentsWithResponse(t.Context(), "there", nil)).JSON200.Comments))
	})
}
