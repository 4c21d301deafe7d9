package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// responseOf returns the response to a call of the generated client. The client
// returns an error only if it got no response, or one that it cannot parse.
func responseOf[R any](res R, err error) R {
	if err != nil {
		panic(err)
	}
	return res
}

// signed returns the headers of a request by u, for Service.Do.
func signed(u servertest.User, more ...string) []string {
	return append([]string{"Authorization", "Token " + u.Token}, more...)
}

// allWrong returns the errors of a problem that has the same message for each
// field.
func allWrong(message string, fields ...string) client.FieldErrors {
	out := client.FieldErrors{}
	for _, f := range fields {
		out[f] = []string{message}
	}
	return out
}

func requireRefusal(t *testing.T, status int, fields client.FieldErrors, res *http.Response, body string) {
	t.Helper()
	require.Equal(t, status, res.StatusCode, body)
	var p client.Problem
	require.NoError(t, json.Unmarshal([]byte(body), &p), body)
	require.Equal(t, fields, p.Errors, body)
}

// articleIn parses the article in a response that Service.Do got.
func articleIn(t *testing.T, status int, res *http.Response, body string) client.Article {
	t.Helper()
	require.Equal(t, status, res.StatusCode, body)
	var out client.ArticleResponse
	require.NoError(t, json.Unmarshal([]byte(body), &out), body)
	return out.Article
}

func newArticle(title string, tags ...string) client.CreateArticleJSONRequestBody {
	if tags == nil {
		tags = []string{} // nil would be null, which is refused
	}
	return client.CreateArticleJSONRequestBody{Article: client.NewArticle{Title: title, Description: "d", Body: "b", TagList: &tags}}
}

const cantBeBlank = "can't be blank"

// stamp formats a time as the contract wants it in responses.
func stamp(t client.Timestamp) string { return t.Format("2006-01-02T15:04:05.000Z") }

func TestCreateArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	valid := `{"article":{"title":"T","description":"d","body":"b"}}`

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do("POST", "/articles", `{"article":{"title":"How to train your dragon","description":"Ever wonder how?",
			"body":"You have to believe","tagList":["reactjs","angularjs","reactjs","dragons","angularjs"]}}`, signed(jake)...)
		a := articleIn(t, http.StatusCreated, res, body)
		require.Equal(t, "/api/articles/how-to-train-your-dragon", res.Header.Get("Location"))
		require.Regexp(t, `^"[0-9a-z]+v1\.[A-Za-z0-9_-]+"$`, res.Header.Get("ETag"))
		require.Equal(t, a.CreatedAt, a.UpdatedAt)
		require.JSONEq(t, fmt.Sprintf(`{"article":{"slug":"how-to-train-your-dragon","title":"How to train your dragon",
			"description":"Ever wonder how?","body":"You have to believe","tagList":["reactjs","angularjs","dragons"],
			"createdAt":%q,"updatedAt":%q,"status":"published","publishedAt":%[1]q,"unpublishAt":null,"revision":1,"coverImage":null,"canonicalUrl":null,
			"metaTitle":null,"metaDescription":null,"language":null,"metadata":{},"wordCount":4,"readingMinutes":1,"series":null,"translations":[],"commentsOpen":true,"favorited":false,"favoritesCount":0,
			"author":{"username":"jake","bio":null,"image":null,"following":false}}}`, stamp(a.CreatedAt), stamp(a.UpdatedAt)), body)
		got, again := s.Do("GET", strings.TrimPrefix(res.Header.Get("Location"), "/api"), "")
		require.Equal(t, body, again)
		require.Equal(t, res.Header.Get("ETag"), got.Header.Get("ETag"))
	})

	t.Run("NoTags", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, list := range []string{"", `,"tagList":[]`} {
			res, body := s.Do("POST", "/articles", `{"article":{"title":"Plain","description":"d","body":"b"`+list+`}}`, signed(jake)...)
			articleIn(t, http.StatusCreated, res, body)
			require.Contains(t, body, `"tagList":[]`)
		}
	})

	t.Run("StoredAsSent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		text := "  # <b>&amp;</b>\r\n\t\"quoted\" \\ \u2028 e\u0301 👩‍👩‍👧 \x7f  "
		in := client.CreateArticleJSONRequestBody{Article: client.NewArticle{Title: text, Description: text, Body: text, TagList: &[]string{"a b", "C+", "ü"}}}
		a := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, in)).JSON201.Article
		require.Equal(t, []string{text, text, text}, []string{a.Title, a.Description, a.Body})
		require.Equal(t, []string{"a b", "C+", "ü"}, a.TagList)
		require.Equal(t, a, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article)
	})

	t.Run("UnknownMembers", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do("POST", "/articles", `{"x":1,"article":{"title":"Members","description":"d","body":"b",
			"id":1,"favoritesCount":7,"Title":"other","author":{"username":"anna"}}}`, signed(jake)...)
		a := articleIn(t, http.StatusCreated, res, body)
		require.Equal(t, "members", a.Slug)
		require.Equal(t, "Members", a.Title)
		require.Equal(t, "jake", a.Author.Username)
		require.Zero(t, a.FavoritesCount)
	})

	t.Run("Invalid", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		blank := allWrong(cantBeBlank, "title", "description", "body")
		member := func(json string) string {
			return `{"article":{"title":"T","description":"d","body":"b",` + json + `}}`
		}
		only := func(name, value string) string {
			out := []string{}
			for _, n := range []string{"title", "description", "body"} {
				if n == name {
					out = append(out, fmt.Sprintf("%q:%q", n, value))
				} else {
					out = append(out, fmt.Sprintf("%q:%q", n, "x"))
				}
			}
			return `{"article":{` + strings.Join(out, ",") + `}}`
		}
		for name, test := range map[string]struct {
			body   string
			status int
			fields client.FieldErrors
		}{
			"Missing":         {`{"article":{}}`, 422, blank},
			"Empty":           {`{"article":{"title":"","description":"","body":""}}`, 422, blank},
			"Null":            {`{"article":{"title":null,"description":null,"body":null}}`, 422, blank},
			"WhiteSpace":      {`{"article":{"title":" \t","description":"\n","body":"\u00a0\u2003"}}`, 422, blank},
			"Mixed":           {`{"article":{"title":"","description":null}}`, 422, blank},
			"OneOfThem":       {`{"article":{"title":"T","body":"b"}}`, 422, allWrong(cantBeBlank, "description")},
			"NoWrapper":       {`{}`, 422, allWrong(cantBeBlank, "article")},
			"NotWrapped":      {`{"title":"T","description":"d","body":"b"}`, 422, allWrong(cantBeBlank, "article")},
			"NullWrapper":     {`{"article":null}`, 422, allWrong(cantBeBlank, "article")},
			"WrapperIsArray":  {`{"article":[]}`, 422, allWrong("must be an object", "article")},
			"BodyIsArray":     {`[]`, 422, allWrong("must be an object", "body")},
			"BodyIsNull":      {`null`, 422, allWrong("must be an object", "body")},
			"WrongTypes":      {`{"article":{"title":1,"description":{},"body":[],"tagList":"go"}}`, 422, client.FieldErrors{"title": {"must be a string"}, "description": {"must be a string"}, "body": {"must be a string"}, "tagList": {"must be an array"}}},
			"NullTagList":     {member(`"tagList":null`), 422, allWrong(cantBeBlank, "tagList")},
			"NullTag":         {member(`"tagList":["a",null]`), 422, allWrong(cantBeBlank, "tagList")},
			"BlankTag":        {member(`"tagList":["a"," "]`), 422, allWrong(cantBeBlank, "tagList")},
			"NumberTag":       {member(`"tagList":[1]`), 422, allWrong("must be a string", "tagList")},
			"LongTag":         {member(`"tagList":["` + strings.Repeat("ü", 51) + `"]`), 422, allWrong("is too long (maximum is 50 characters)", "tagList")},
			"ManyTags":        {member(`"tagList":["a"` + strings.Repeat(`,"a"`, 30) + `]`), 422, allWrong("has too many items (maximum is 30)", "tagList")},
			"LongTitle":       {only("title", strings.Repeat("ü", 257)), 422, allWrong("is too long (maximum is 256 characters)", "title")},
			"LongDescription": {only("description", strings.Repeat("ü", 1025)), 422, allWrong("is too long (maximum is 1024 characters)", "description")},
			"LongBody":        {only("body", strings.Repeat("x", 262145)), 422, allWrong("is too long (maximum is 262144 characters)", "body")},
			"NUL":             {`{"article":{"title":"a\u0000b","description":"d","body":"b"}}`, 422, allWrong("must not contain NUL", "title")},
			"NotJSON":         {`{"article":`, 400, allWrong("is not valid JSON", "body")},
			"Trailing":        {valid + `{}`, 400, allWrong("has bytes after the JSON value", "body")},
			"Duplicate":       {`{"article":{"title":"a","title":"b","description":"d","body":"b"}}`, 400, allWrong(`has a duplicate member "article.title"`, "body")},
			"NotUTF8":         {"{\"article\":{\"title\":\"\xff\",\"description\":\"d\",\"body\":\"b\"}}", 400, allWrong("is not valid UTF-8", "body")},
			"TooLarge":        {only("body", strings.Repeat("x", 1<<20)), 413, allWrong("is too large (maximum is 1048576 bytes)", "body")},
		} {
			t.Run(name, func(t *testing.T) {
				res, body := s.Do("POST", "/articles", test.body, signed(jake)...)
				requireRefusal(t, test.status, test.fields, res, body)
			})
		}
		res, body := s.Do("POST", "/articles", valid, signed(jake, "Content-Type", "text/plain")...)
		requireRefusal(t, 415, allWrong("must be application/json", "Content-Type"), res, body)
		count := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Tag: ptrTo("a")}))
		require.Zero(t, count.JSON200.ArticlesCount, "a refused body left something behind")
	})

	t.Run("AtTheLimits", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		tags := make([]string, 30)
		for i := range tags {
			tags[i] = strings.Repeat("ü", 48) + fmt.Sprintf("%02d", i)
		}
		in := client.NewArticle{
			Title: strings.Repeat("ü", 256), Description: strings.Repeat("ü", 1024), Body: strings.Repeat("ü", 262144), TagList: &tags,
		}
		res := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: in}))
		require.Equal(t, http.StatusCreated, res.StatusCode(), "%.300s", res.Body)
		a := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), res.JSON201.Article.Slug, nil)).JSON200.Article
		require.Equal(t, in, client.NewArticle{Title: a.Title, Description: a.Description, Body: a.Body, TagList: &a.TagList})
		require.LessOrEqual(t, len(a.Slug), 100)
	})

	t.Run("Slug", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for title, want := range map[string]string{
			"Crème brûlée & Straße": "^creme-brulee-strasse$",
			"Привет, мир!":          "^privet-mir$",
			"日本語":                   "^[a-z0-9]+(-[a-z0-9]+)*$",
			"  --A--  B ":           "^a-b$",
			"don't":                 "^dont$",
			"feed":                  "^feed-article$",
			" Batch! ":              "^batch-article$",
			"!!!":                   "^article-[a-z2-7]{12}$",
			"🦄":                     "^article-[a-z2-7]{12}$",
		} {
			a := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle(title))).JSON201.Article
			require.Regexp(t, want, a.Slug, title)
			require.Equal(t, title, a.Title)
			require.Equal(t, a, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article)
		}
		feed := responseOf(jake.GetArticlesFeedWithResponse(t.Context(), nil))
		require.Equal(t, http.StatusOK, feed.StatusCode(), "the feed is not an article")
	})

	t.Run("SameTitle", func(t *testing.T) {
		t.Parallel()
		for _, title := range []string{"Twice", "?"} {
			seen := map[string]bool{}
			for range 4 {
				a := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle(title))).JSON201.Article
				require.False(t, seen[a.Slug], a.Slug)
				seen[a.Slug] = true
			}
		}
	})

	t.Run("Unauthorized", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, body := range []string{valid, `{`, `{"article":{}}`} {
			res, text := s.Do("POST", "/articles", body)
			requireRefusal(t, 401, allWrong("is missing", "token"), res, text)
			require.Equal(t, "Token", res.Header.Get("WWW-Authenticate"))
			res, text = s.Do("POST", "/articles", body, "Authorization", "Token abc")
			requireRefusal(t, 401, allWrong("is invalid", "token"), res, text)
		}
		res, text := s.Do("POST", "/articles", `{"article":{"title":"By bearer","description":"d","body":"b"}}`, "Authorization", "Bearer "+jake.Token)
		articleIn(t, http.StatusCreated, res, text)
	})

	t.Run("Idempotent", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		anna := s.Register("anna")
		key := &client.CreateArticleParams{IdempotencyKey: ptrTo("key-1")}
		first := responseOf(jake.CreateArticleWithResponse(t.Context(), key, newArticle("Once", "once")))
		require.Equal(t, http.StatusCreated, first.StatusCode(), string(first.Body))
		require.Empty(t, first.HTTPResponse.Header.Get("Idempotency-Replayed"))
		again := responseOf(jake.CreateArticleWithResponse(t.Context(), key, newArticle("Once", "once")))
		require.Equal(t, http.StatusCreated, again.StatusCode(), string(again.Body))
		require.Equal(t, string(first.Body), string(again.Body))
		require.Equal(t, "true", again.HTTPResponse.Header.Get("Idempotency-Replayed"))
		for _, h := range []string{"Location", "ETag"} {
			require.Equal(t, first.HTTPResponse.Header.Get(h), again.HTTPResponse.Header.Get(h))
		}

		res, body := s.Do("POST", "/articles", `{"article":{"title":"Other","description":"d","body":"b"}}`, signed(jake, "Idempotency-Key", "key-1")...)
		requireRefusal(t, 422, allWrong("has already been used with a different request", "Idempotency-Key"), res, body)
		require.Contains(t, body, "idempotency_key_reused")

		other := responseOf(anna.CreateArticleWithResponse(t.Context(), key, newArticle("Once", "once")))
		require.Equal(t, http.StatusCreated, other.StatusCode(), string(other.Body))
		require.NotEqual(t, first.JSON201.Article.Slug, other.JSON201.Article.Slug)
		require.Equal(t, "anna", other.JSON201.Article.Author.Username)

		// Creating a comment with the key is another operation.
		comment := responseOf(jake.CreateArticleCommentWithResponse(t.Context(), first.JSON201.Article.Slug,
			&client.CreateArticleCommentParams{IdempotencyKey: key.IdempotencyKey}, newComment("x")))
		require.Equal(t, http.StatusCreated, comment.StatusCode(), string(comment.Body))

		list := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Tag: ptrTo("once")}))
		require.EqualValues(t, 2, list.JSON200.ArticlesCount)

		// A rejected request does not use up its key: the corrected request can
		// have it.
		fresh := signed(jake, "Idempotency-Key", "key-2")
		res, body = s.Do("POST", "/articles", `{"article":{}}`, fresh...)
		require.Equal(t, 422, res.StatusCode, body)
		res, body = s.Do("POST", "/articles", `{"article":{"title":"Put right","description":"d","body":"b"}}`, fresh...)
		articleIn(t, http.StatusCreated, res, body)

		res, body = s.Do("POST", "/articles", valid, signed(jake, "Idempotency-Key", strings.Repeat("k", 256))...)
		requireRefusal(t, 422, allWrong("is too long (maximum is 255 characters)", "Idempotency-Key"), res, body)
		res, body = s.Do("POST", "/articles", valid, signed(jake, "Idempotency-Key", "ü")...)
		requireRefusal(t, 422, allWrong("must be printable ASCII", "Idempotency-Key"), res, body)
	})
}

func ptrTo[T any](v T) *T { return &v }

func TestGetArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	article := s.Publish(jake, "Seen by many", "x")

	t.Run("ByViewer", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		seen := s.Publish(jake, "Flags")
		follower, fan := s.Register("follower"), s.Register("fan")
		responseOf(follower.FollowUserByUsernameWithResponse(t.Context(), "jake"))
		responseOf(fan.CreateArticleFavoriteWithResponse(t.Context(), seen.Slug))
		for name, test := range map[string]struct {
			viewer               *client.ClientWithResponses
			favorited, following bool
		}{
			"Anonymous": {s.Anonymous, false, false},
			"BadToken":  {s.As("abc"), false, false},
			"Author":    {jake.ClientWithResponses, false, false},
			"Follower":  {follower.ClientWithResponses, false, true},
			"Fan":       {fan.ClientWithResponses, true, false},
			"Other":     {anna.ClientWithResponses, false, false},
		} {
			res := responseOf(test.viewer.GetArticleWithResponse(t.Context(), seen.Slug, nil))
			require.Equal(t, http.StatusOK, res.StatusCode(), name)
			want := seen
			want.FavoritesCount, want.Favorited, want.Author.Following = 1, test.favorited, test.following
			require.Equal(t, want, res.JSON200.Article, name)
			challenge := ""
			if name == "BadToken" {
				challenge = `Token error="invalid_token"`
			}
			require.Equal(t, challenge, res.HTTPResponse.Header.Get("WWW-Authenticate"), name)
		}
	})

	t.Run("OldSlug", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Old title")
		title := "New title"
		responseOf(jake.UpdateArticleWithResponse(t.Context(), a.Slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: &title}}))
		_, current := s.Do("GET", "/articles/new-title", "")
		res, old := s.Do("GET", "/articles/old-title", "")
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, current, old)
		require.Contains(t, old, `"slug":"new-title"`)
	})

	t.Run("NotFound", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, slug := range []string{"no-such", "SEEN-BY-MANY", "seen-by-many%20", "a%2Fb", "%27%3B--", strings.Repeat("x", 2000), "%F0%9F%A6%84"} {
			for _, header := range [][]string{nil, signed(anna)} {
				res, body := s.Do("GET", "/articles/"+slug, "", header...)
				requireRefusal(t, 404, allWrong("not found", "article"), res, body)
			}
		}
		for _, slug := range []string{"%00", "%ff"} {
			res, body := s.Do("GET", "/articles/"+slug, "")
			require.Equal(t, 400, res.StatusCode, body)
		}
		res, body := s.Do("GET", "/articles/no-such", "", "If-None-Match", "*")
		requireRefusal(t, 404, allWrong("not found", "article"), res, body)
		res, body = s.Do("GET", "/articles/no-such", "", "If-None-Match", strings.Repeat("x", 1025))
		requireRefusal(t, 404, allWrong("not found", "article"), res, body)
	})

	t.Run("Timestamps", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for slug, at := range map[string][2]string{
			"whole":  {"2026-01-02 03:04:05Z", "2026-01-02T03:04:05.000Z"},
			"tenths": {"2026-01-02 03:04:05.6+05:45", "2026-01-01T21:19:05.600Z"},
			"milli":  {"2026-12-31 23:59:59.678Z", "2026-12-31T23:59:59.678Z"},
		} {
			_, err := s.DB.Exec(t.Context(), `WITH a AS (INSERT INTO articles (slug, author_id, title, description, body, created_at, updated_at)
				SELECT $1, id, 't', 'd', 'b', $2::text::timestamptz, $2::text::timestamptz FROM users WHERE username = 'jake' RETURNING slug, id)
				INSERT INTO article_slugs SELECT slug, id FROM a`, slug, at[0])
			require.NoError(t, err)
			_, body := s.Do("GET", "/articles/"+slug, "")
			require.Contains(t, body, fmt.Sprintf(`"createdAt":%q`, at[1]))
			require.Contains(t, body, fmt.Sprintf(`"updatedAt":%q`, at[1]))
		}
	})

	t.Run("Conditional", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, _ := s.Do("GET", "/articles/"+article.Slug, "", signed(anna)...)
		tag := res.Header.Get("ETag")
		res, body := s.Do("GET", "/articles/"+article.Slug, "", signed(anna, "If-None-Match", tag)...)
		require.Equal(t, http.StatusNotModified, res.StatusCode)
		require.Empty(t, body)
		require.Equal(t, tag, res.Header.Get("ETag"))
		responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), article.Slug))
		res, _ = s.Do("GET", "/articles/"+article.Slug, "", signed(anna, "If-None-Match", tag)...)
		require.Equal(t, http.StatusOK, res.StatusCode, "a favorite changes what is shown")
	})
}

func TestUpdateArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	put := func(t *testing.T, u servertest.User, slug, patch string, header ...string) (*http.Response, string) {
		t.Helper()
		return s.Do("PUT", "/articles/"+slug, `{"article":`+patch+`}`, signed(u, header...)...)
	}
	read := func(t *testing.T, slug string) client.Article {
		t.Helper()
		res, body := s.Do("GET", "/articles/"+slug, "", signed(jake)...)
		return articleIn(t, http.StatusOK, res, body)
	}

	t.Run("EachMember", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Members", "one", "two")
		for _, step := range []struct {
			patch  string
			change func(*client.Article)
		}{
			{`{"description":"New description"}`, func(a *client.Article) { a.Description = "New description" }},
			{`{"body":"New body"}`, func(a *client.Article) { a.Body, a.WordCount = "New body", 2 }},
			{`{"tagList":["three","one","three"]}`, func(a *client.Article) { a.TagList = []string{"three", "one"} }},
			{`{"title":"New members"}`, func(a *client.Article) { a.Title, a.Slug = "New members", "new-members" }},
			{`{"tagList":[]}`, func(a *client.Article) { a.TagList = []string{} }},
			{`{"title":"T","description":"D","body":"B","tagList":["z","a"]}`, func(a *client.Article) {
				a.Slug, a.Title, a.Description, a.Body, a.TagList, a.WordCount = "t", "T", "D", "B", []string{"z", "a"}, 1
			}},
			{`{"description":"Ignoring","id":1,"favoritesCount":5,"createdAt":"2020-01-01T00:00:00.000Z"}`, func(a *client.Article) { a.Description = "Ignoring" }},
		} {
			res, body := put(t, jake, a.Slug, step.patch)
			got := articleIn(t, http.StatusOK, res, body)
			want := a
			step.change(&want)
			require.True(t, got.UpdatedAt.After(a.UpdatedAt), "updatedAt must move")
			want.UpdatedAt, want.Revision = got.UpdatedAt, a.Revision+1
			require.Equal(t, want, got, step.patch)
			shown, text := s.Do("GET", "/articles/"+got.Slug, "", signed(jake)...)
			require.Equal(t, body, text)
			require.Equal(t, shown.Header.Get("ETag"), res.Header.Get("ETag"))
			a = got
			tagged := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Tag: ptrTo("one")})).JSON200
			require.Equal(t, strings.Contains(strings.Join(a.TagList, " "), "one"), tagged.ArticlesCount == 1)
		}
	})

	t.Run("EmptyPatch", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		s.Publish(jake, "Nothing new", "x")
		before, text := s.Do("GET", "/articles/nothing-new", "", signed(jake)...)
		for _, patch := range []string{`{}`, `{"unknown":1}`} {
			res, body := put(t, jake, "nothing-new", patch)
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Equal(t, text, body)
			require.Equal(t, before.Header.Get("ETag"), res.Header.Get("ETag"))
		}
	})

	t.Run("Invalid", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Refusals", "kept")
		for name, test := range map[string]struct {
			body   string
			fields client.FieldErrors
		}{
			"Null":       {`{"article":{"title":null,"description":null,"body":null,"tagList":null}}`, allWrong(cantBeBlank, "title", "description", "body", "tagList")},
			"Empty":      {`{"article":{"title":"","description":"","body":""}}`, allWrong(cantBeBlank, "title", "description", "body")},
			"WhiteSpace": {`{"article":{"title":" ","description":"\t","body":"\n"}}`, allWrong(cantBeBlank, "title", "description", "body")},
			"NoWrapper":  {`{}`, allWrong(cantBeBlank, "article")},
			"WrongType":  {`{"article":{"title":[],"tagList":{}}}`, client.FieldErrors{"title": {"must be a string"}, "tagList": {"must be an array"}}},
			"BlankTag":   {`{"article":{"tagList":["a",""]}}`, allWrong(cantBeBlank, "tagList")},
			"LongTitle":  {`{"article":{"title":"` + strings.Repeat("x", 257) + `"}}`, allWrong("is too long (maximum is 256 characters)", "title")},
			"OneIsGood":  {`{"article":{"title":"Good","body":null}}`, allWrong(cantBeBlank, "body")},
		} {
			res, body := s.Do("PUT", "/articles/"+a.Slug, test.body, signed(jake)...)
			require.Equal(t, 422, res.StatusCode, name)
			requireRefusal(t, 422, test.fields, res, body)
		}
		for body, status := range map[string]int{`{`: 400, `{"article":{}} x`: 400, `{"article":{"body":"` + strings.Repeat("x", 1<<20) + `"}}`: 413} {
			res, text := s.Do("PUT", "/articles/"+a.Slug, body, signed(jake)...)
			require.Equal(t, status, res.StatusCode, text)
		}
		require.Equal(t, a, read(t, a.Slug))
	})

	t.Run("Order", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Order")
		for _, body := range []string{`{"article":{"body":"x"}}`, `{"article":{"title":""}}`, `{"article":{"tagList":null}}`, `{}`, `[]`} {
			res, text := s.Do("PUT", "/articles/"+a.Slug, body)
			requireRefusal(t, 401, allWrong("is missing", "token"), res, text)
			res, text = s.Do("PUT", "/articles/no-such", body)
			requireRefusal(t, 401, allWrong("is missing", "token"), res, text)
			res, text = s.Do("PUT", "/articles/no-such", body, signed(anna)...)
			requireRefusal(t, 404, allWrong("not found", "article"), res, text)
			res, text = s.Do("PUT", "/articles/"+a.Slug, body, signed(anna)...)
			requireRefusal(t, 403, allWrong("forbidden", "article"), res, text)
			res, text = s.Do("PUT", "/articles/"+a.Slug, body, signed(anna, "If-Match", `"9.x"`)...)
			requireRefusal(t, 403, allWrong("forbidden", "article"), res, text)
		}
		require.Equal(t, a, read(t, a.Slug))
	})

	t.Run("Slug", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		retitle := func(t *testing.T, slug, title string) string {
			t.Helper()
			body, err := json.Marshal(map[string]string{"title": title})
			require.NoError(t, err)
			res, text := put(t, jake, slug, string(body))
			a := articleIn(t, http.StatusOK, res, text)
			require.Equal(t, title, a.Title)
			require.Equal(t, a, read(t, a.Slug))
			require.Equal(t, a, read(t, slug), "the old slug keeps answering")
			return a.Slug
		}
		t.Run("ThereAndBack", func(t *testing.T) {
			s.Publish(jake, "There")
			require.Equal(t, "back", retitle(t, "there", "Back"))
			require.Equal(t, "again", retitle(t, "there", "Again"))
			require.Equal(t, "there", retitle(t, "back", "There"))
			require.Equal(t, "there", read(t, "again").Slug)
			require.Equal(t, "back", retitle(t, "there", "BACK!"))
		})
		t.Run("SameTitle", func(t *testing.T) {
			s.Publish(jake, "Same")
			second := s.Publish(jake, "Same")
			require.NotEqual(t, "same", second.Slug)
			for _, title := range []string{"Same", "same!", " SAME "} {
				require.Equal(t, second.Slug, retitle(t, second.Slug, title))
			}
			for _, title := range []string{"!!!", "🦄"} {
				plain := s.Publish(jake, title)
				require.Equal(t, plain.Slug, retitle(t, plain.Slug, title), "the title has not changed")
			}
			feed := s.Publish(jake, "Feed")
			require.Equal(t, "feed-article", retitle(t, feed.Slug, "FEED"))
		})
		t.Run("Taken", func(t *testing.T) {
			s.Publish(anna, "Hers")
			mine := s.Publish(jake, "Mine")
			require.Regexp(t, "^hers-[a-z2-7]{8}$", retitle(t, mine.Slug, "Hers"))
		})
		t.Run("TakenByHistory", func(t *testing.T) {
			first, second := s.Publish(jake, "History"), s.Publish(jake, "Present")
			require.Equal(t, "moved-on", retitle(t, first.Slug, "Moved on"))
			require.Regexp(t, "^history-[a-z2-7]{8}$", retitle(t, second.Slug, "History"))
			require.Regexp(t, "^history-[a-z2-7]{8}$", s.Publish(jake, "History").Slug)
			require.Equal(t, "moved-on", read(t, "history").Slug)
		})
		t.Run("NoLetters", func(t *testing.T) {
			a := s.Publish(jake, "Letters")
			require.Regexp(t, "^article-[a-z2-7]{12}$", retitle(t, a.Slug, "…"))
			require.Equal(t, "letters", retitle(t, a.Slug, "Letters"))
		})
	})

	t.Run("OldSlug", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		s.Publish(jake, "Written as")
		put(t, jake, "written-as", `{"title":"Known as"}`)
		res, body := put(t, jake, "written-as", `{"body":"by the old slug"}`)
		require.Equal(t, "known-as", articleIn(t, http.StatusOK, res, body).Slug)
		res, body = put(t, anna, "written-as", `{"body":"x"}`)
		requireRefusal(t, 403, allWrong("forbidden", "article"), res, body)
	})

	t.Run("IfMatch", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		long := strings.Repeat("text ", 1000)
		for name, encoding := range map[string]string{"Plain": "identity", "Gzip": "gzip", "Zstd": "zstd"} {
			a := s.Publish(jake, "Tags "+name)
			put(t, jake, a.Slug, fmt.Sprintf(`{"body":%q}`, long))
			tag := encodedTag(t, s.URL+"/articles/"+a.Slug, encoding)
			require.Equal(t, encoding != "identity", strings.HasSuffix(tag, "-"+encoding+`"`), tag)

			responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), a.Slug))
			res, body := put(t, jake, a.Slug, `{"body":"`+long+`2"}`, "If-Match", tag)
			articleIn(t, http.StatusOK, res, body)
			fresh := res.Header.Get("ETag")
			res, body = put(t, jake, a.Slug, `{"body":"3"}`, "If-Match", tag)
			requireRefusal(t, 412, allWrong("does not match the current version", "If-Match"), res, body)
			require.Equal(t, long+"2", read(t, a.Slug).Body)

			for _, field := range []string{"W/" + fresh, `"2"`, `""`, `"other"`, "3", `"-3.x"`, `"03.x"`, tag + `, "x,*"`} {
				res, body = put(t, jake, a.Slug, `{"body":"3"}`, "If-Match", field)
				require.Equal(t, 412, res.StatusCode, "%s: %s", field, body)
			}
			res, body = put(t, jake, a.Slug, `{"body":"3"}`, "If-Match", `"other" , `+tag+`,,`+fresh)
			articleIn(t, http.StatusOK, res, body)
			res, body = put(t, jake, a.Slug, `{"body":"4"}`, "If-Match", "*")
			articleIn(t, http.StatusOK, res, body)
			res, body = put(t, jake, "no-such", `{"body":"4"}`, "If-Match", "*")
			requireRefusal(t, 404, allWrong("not found", "article"), res, body)
		}
	})

	t.Run("IfMatchOfWrites", func(t *testing.T) {
		t.Parallel()
		created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Chain")))
		tag := created.HTTPResponse.Header.Get("ETag")
		for i := range 3 {
			res, body := put(t, jake, "chain", fmt.Sprintf(`{"body":"%d"}`, i), "If-Match", tag)
			articleIn(t, http.StatusOK, res, body)
			tag = res.Header.Get("ETag")
		}
		favorite := responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), "chain"))
		res, body := put(t, jake, "chain", `{"tagList":["x"]}`, "If-Match", favorite.HTTPResponse.Header.Get("ETag"))
		articleIn(t, http.StatusOK, res, body)
	})

	t.Run("TwoEditors", func(t *testing.T) {
		t.Parallel()
		for round := range 5 {
			a := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle(fmt.Sprint("Editors ", round))))
			tag := a.HTTPResponse.Header.Get("ETag")
			var bodies, statuses [2]string
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() {
					res := responseOf(jake.UpdateArticleWithResponse(t.Context(), a.JSON201.Article.Slug, &client.UpdateArticleParams{IfMatch: &tag},
						client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Body: ptrTo(fmt.Sprint("editor ", i))}}))
					bodies[i], statuses[i] = fmt.Sprint("editor ", i), fmt.Sprint(res.StatusCode())
				})
			}
			wg.Wait()
			require.ElementsMatch(t, []string{"200", "412"}, statuses[:])
			for i, status := range statuses {
				if status == "200" {
					require.Equal(t, bodies[i], read(t, a.JSON201.Article.Slug).Body)
				}
			}
		}
	})
}

// encodedTag returns the entity tag of a response with a content coding. It
// does not use the checked client, which reads only JSON.
func encodedTag(t *testing.T, url, encoding string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Accept-Encoding", encoding)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	return res.Header.Get("ETag")
}

func TestDeleteArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")

	t.Run("Success", func(t *testing.T) { // before the others, which anna has favorites in
		s := s.For(t)
		a := s.Publish(jake, "Short life", "gone", "kept")
		kept := s.Publish(anna, "Long life", "kept")
		responseOf(jake.UpdateArticleWithResponse(t.Context(), a.Slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: ptrTo("Renamed")}}))
		comment := responseOf(anna.CreateArticleCommentWithResponse(t.Context(), a.Slug, nil, newComment("x"))).JSON201.Comment
		for _, slug := range []string{a.Slug, kept.Slug} {
			responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), slug))
		}
		var id int64
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT id FROM articles WHERE slug = 'renamed'`).Scan(&id))

		res, body := s.Do("DELETE", "/articles/"+a.Slug, "", signed(jake)...)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
		require.Empty(t, body)
		for _, slug := range []string{"short-life", "renamed"} {
			for _, path := range []string{"/articles/" + slug, "/articles/" + slug + "/comments"} {
				res, body = s.Do("GET", path, "", signed(jake)...)
				requireRefusal(t, 404, allWrong("not found", "article"), res, body)
			}
			res, body = s.Do("DELETE", "/articles/"+slug, "", signed(jake)...)
			requireRefusal(t, 404, allWrong("not found", "article"), res, body)
			res, body = s.Do("DELETE", fmt.Sprintf("/articles/%s/comments/%d", slug, comment.Id), "", signed(anna)...)
			requireRefusal(t, 404, allWrong("not found", "article"), res, body)
		}
		var left int
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM comments WHERE article_id = $1) + (SELECT count(*) FROM favorites WHERE article_id = $1)
			+ (SELECT count(*) FROM article_tags WHERE article_id = $1) + (SELECT count(*) FROM article_slugs WHERE article_id = $1)`, id).Scan(&left))
		require.Zero(t, left)
		for params, want := range map[client.GetArticlesParams]int64{
			{Favorited: ptrTo("anna")}: 1, {Tag: ptrTo("kept")}: 1, {Tag: ptrTo("gone")}: 0,
		} {
			require.Equal(t, want, responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &params)).JSON200.ArticlesCount)
		}
		require.NotContains(t, responseOf(s.Anonymous.GetTagsWithResponse(t.Context(), nil)).JSON200.Tags, "gone")
		require.Equal(t, "short-life", s.Publish(anna, "Short life").Slug, "the slugs are free again")
		requireCounters(t, s)
	})

	t.Run("Order", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		a := s.Publish(jake, "Stays")
		for _, slug := range []string{a.Slug, "no-such"} {
			res, body := s.Do("DELETE", "/articles/"+slug, "")
			requireRefusal(t, 401, allWrong("is missing", "token"), res, body)
		}
		for _, header := range [][]string{nil, {"If-Match", `"9.x"`}, {"If-Match", strings.Repeat("x", 1025)}} {
			res, body := s.Do("DELETE", "/articles/no-such", "", signed(anna, header...)...)
			requireRefusal(t, 404, allWrong("not found", "article"), res, body)
			res, body = s.Do("DELETE", "/articles/"+a.Slug, "", signed(anna, header...)...)
			requireRefusal(t, 403, allWrong("forbidden", "article"), res, body)
		}
		require.Equal(t, a, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article)
	})

	t.Run("IfMatch", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Guarded")))
		stale := created.HTTPResponse.Header.Get("ETag")
		updated := responseOf(jake.UpdateArticleWithResponse(t.Context(), "guarded", nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Body: ptrTo("x")}}))
		res, body := s.Do("DELETE", "/articles/guarded", "", signed(jake, "If-Match", stale)...)
		requireRefusal(t, 412, allWrong("does not match the current version", "If-Match"), res, body)
		responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), "guarded"))
		res, body = s.Do("DELETE", "/articles/guarded", "", signed(jake, "If-Match", updated.HTTPResponse.Header.Get("ETag"))...)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
	})
}

func TestBatchGetArticles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	s.Publish(jake, "One", "x")
	s.Publish(anna, "Two")
	s.Publish(jake, "Three")
	responseOf(jake.UpdateArticleWithResponse(t.Context(), "three", nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: ptrTo("Drei")}}))
	responseOf(anna.FollowUserByUsernameWithResponse(t.Context(), "jake"))
	responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), "one"))
	ask := func(t *testing.T, c *client.ClientWithResponses, slugs ...string) (articles []client.Article, missing []string) {
		t.Helper()
		res := responseOf(c.BatchGetArticlesWithResponse(t.Context(), nil, client.ArticleBatchRequest{Slugs: slugs}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		return res.JSON200.Articles, res.JSON200.Missing
	}

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for name, viewer := range map[string]*client.ClientWithResponses{"anonymous": s.Anonymous, "anna": anna.ClientWithResponses, "jake": jake.ClientWithResponses} {
			articles, missing := ask(t, viewer, "two", "nope", "three", "two", "one", "ONE", "nope", "feed")
			require.Equal(t, []string{"nope", "ONE", "feed"}, missing, name)
			require.Len(t, articles, 3)
			for i, slug := range []string{"two", "drei", "one"} {
				require.Equal(t, responseOf(viewer.GetArticleWithResponse(t.Context(), slug, nil)).JSON200.Article, articles[i], name)
			}
			require.Equal(t, name == "anna", articles[2].Favorited)
			require.Equal(t, name == "anna", articles[1].Author.Following)
		}
	})
	t.Run("OldAndNewSlug", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		articles, missing := ask(t, s.Anonymous, "drei", "three")
		require.Empty(t, missing)
		require.Len(t, articles, 2)
		require.Equal(t, articles[0], articles[1])
	})
	t.Run("Nothing", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do("POST", "/batch/articles", `{"slugs":["a","b"]}`)
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.JSONEq(t, `{"articles":[],"missing":["a","b"]}`, body)
	})
	t.Run("Limits", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		slugs := make([]string, 100)
		for i := range slugs {
			slugs[i] = fmt.Sprint("none-", i)
		}
		slugs[99] = "one"
		articles, missing := ask(t, s.Anonymous, slugs...)
		require.Len(t, articles, 1)
		require.Equal(t, slugs[:99], missing)
		res := responseOf(s.Anonymous.BatchGetArticlesWithResponse(t.Context(), nil, client.ArticleBatchRequest{Slugs: append(slugs, "two")}))
		require.Equal(t, 422, res.StatusCode())
		require.Equal(t, allWrong("has too many items (maximum is 100)", "slugs"), res.ApplicationproblemJSON4XX.Errors)
		for body, fields := range map[string]client.FieldErrors{
			`{}`:                allWrong(cantBeBlank, "slugs"),
			`{"slugs":[]}`:      allWrong(cantBeBlank, "slugs"),
			`{"slugs":null}`:    allWrong(cantBeBlank, "slugs"),
			`{"slugs":["a",1]}`: allWrong("must be a string", "slugs"),
			`{"slugs":[""]}`:    allWrong(cantBeBlank, "slugs"),
			`{"slugs":["` + strings.Repeat("x", 129) + `"]}`: allWrong("is too long (maximum is 128 characters)", "slugs"),
		} {
			res, text := s.Do("POST", "/batch/articles", body)
			requireRefusal(t, 422, fields, res, text)
		}
	})
}
