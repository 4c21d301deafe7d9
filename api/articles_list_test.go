package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

var nextLink = regexp.MustCompile(`^</api(/[^>]*)>; rel="next"$`)

// linkTarget returns the URL of a Link header, below the base path.
func linkTarget(t *testing.T, link string) string {
	t.Helper()
	m := nextLink.FindStringSubmatch(link)
	require.NotNil(t, m, link)
	return m[1]
}

// tampered changes one character in the middle of a cursor.
func tampered(cursor string) string {
	c := byte('A')
	if cursor[10] == 'A' {
		c = 'B'
	}
	return cursor[:10] + string(c) + cursor[11:]
}

func slugsIn(articles []client.ArticleSummary) []string {
	slugs := make([]string, len(articles))
	for i, a := range articles {
		slugs[i] = a.Slug
	}
	return slugs
}

// articleSet is a random set of articles, in the database and in plain Go.
type articleSet struct {
	users []string
	books []book // newest first
	// follows of the viewer
	follows []string
}

type book struct {
	id        int64
	createdAt time.Time
	author    string
	tags      []string
	fans      []string
}

var shelfTags = []string{"go", "sql", "École", "a b"}

// fill inserts about 60 articles into the database. They share a few times of
// creation, and the order of their ids is not the order of their times.
func fill(t *testing.T, s *servertest.Service, viewer string) articleSet {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	sh := articleSet{users: []string{viewer, "Anna", "bob", "chloé", "dan"}, follows: []string{"Anna", "dan"}}
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := s.DB.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	exec(`INSERT INTO users (username, email, password_hash) SELECT n, n || '@example.com', '' FROM unnest($1::text[]) n`, sh.users[1:])
	exec(`INSERT INTO follows (follower_id, followee_id) SELECT v.id, u.id FROM users v, users u WHERE v.username = $1 AND u.username = ANY ($2::text[])`, viewer, sh.follows)
	pick := func(from []string, one float64) (out []string) {
		for _, i := range r.Perm(len(from)) {
			if r.Float64() < one {
				out = append(out, from[i])
			}
		}
		return out
	}
	batch := &pgx.Batch{}
	for _, i := range r.Perm(60) {
		b := book{
			id: int64(1000 + i), createdAt: time.Date(2026, 1, 2, 3, 4, 5, r.IntN(6)*int(time.Millisecond), time.UTC),
			author: sh.users[r.IntN(4)], tags: pick(shelfTags, .4), fans: pick(sh.users, .3),
		}
		if b.tags == nil {
			b.tags = []string{}
		}
		sh.books = append(sh.books, b)
		batch.Queue(`INSERT INTO articles (id, slug, author_id, title, description, body, tags, created_at, published_at, updated_at) OVERRIDING SYSTEM VALUE
			SELECT $1::bigint, 'book-' || $1, u.id, 'Book ' || $1, 'About ' || $1, 'secret body', $2, $3, $3, $3 FROM users u WHERE u.username = $4`, b.id, b.tags, b.createdAt, b.author)
		batch.Queue(`INSERT INTO article_slugs VALUES ('book-' || $1::bigint, $1)`, b.id)
		batch.Queue(`INSERT INTO favorites (article_id, user_id, article_created_at)
			SELECT a.id, u.id, a.created_at FROM articles a, users u WHERE a.id = $1 AND u.username = ANY ($2::text[])`, b.id, b.fans)
	}
	require.NoError(t, s.DB.Pool().SendBatch(t.Context(), batch).Close())
	slices.SortFunc(sh.books, func(a, b book) int {
		if c := b.createdAt.Compare(a.createdAt); c != 0 {
			return c
		}
		return int(b.id - a.id)
	})
	return sh
}

func (sh articleSet) filter(keep func(book) bool) []book {
	var out []book
	for _, b := range sh.books {
		if keep(b) {
			out = append(out, b)
		}
	}
	return out
}

// shown returns what the contract wants a list to show of books, to the viewer
// or to an anonymous caller ("").
func (sh articleSet) shown(books []book, viewer string) []client.ArticleSummary {
	out := []client.ArticleSummary{}
	for _, b := range books {
		a := client.ArticleSummary{
			Slug: fmt.Sprint("book-", b.id), Title: fmt.Sprint("Book ", b.id), Description: fmt.Sprint("About ", b.id), TagList: b.tags,
			CreatedAt: b.createdAt, UpdatedAt: b.createdAt, FavoritesCount: int64(len(b.fans)), Favorited: viewer != "" && slices.Contains(b.fans, viewer),
		}
		a.Author.Username, a.Author.Following = b.author, viewer != "" && slices.Contains(sh.follows, b.author)
		a.Author.Bio.SetNull()
		a.Author.Image.SetNull()
		if b.author == viewer {
			a.Status = ptrTo(client.StatusPublished)
			a.PublishedAt.Set(b.createdAt)
		}
		out = append(out, a)
	}
	return out
}

// orNil returns nil for the empty text, as for a parameter that is not sent.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// listCall requests a page of GetArticles or GetArticlesFeed.
type listCall func(ctx context.Context, limit, offset *int32, cursor *string) (page *client.ArticlesResponse, link string)

// walk reads all pages of a list by cursor.
func walk(t *testing.T, list listCall, limit int32, between func()) (out []client.ArticleSummary, counts []int64) {
	t.Helper()
	var cursor *string
	for {
		page, link := list(t.Context(), &limit, nil, cursor)
		require.LessOrEqual(t, len(page.Articles), int(limit))
		out, counts = append(out, page.Articles...), append(counts, page.ArticlesCount)
		require.Equal(t, page.NextCursor.IsNull(), link == "")
		if page.NextCursor.IsNull() {
			return out, counts
		}
		require.Len(t, page.Articles, int(limit), "only the last page may be short")
		require.LessOrEqual(t, len(out), 1000, "the walk does not end")
		cursor = ptrTo(page.NextCursor.MustGet())
		if between != nil {
			between()
		}
	}
}

func TestGetArticles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	viewer := s.Register("viewer")
	sh := fill(t, s, "viewer")
	listing := func(t *testing.T, c *client.ClientWithResponses, tag, author, favorited string) listCall {
		return func(ctx context.Context, limit, offset *int32, cursor *string) (*client.ArticlesResponse, string) {
			res := responseOf(c.GetArticlesWithResponse(ctx, &client.GetArticlesParams{
				Tag: orNil(tag), Author: orNil(author), Favorited: orNil(favorited), Limit: limit, Offset: offset, Cursor: cursor,
			}))
			require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
			require.NotContains(t, string(res.Body), `"body"`)
			require.NotContains(t, string(res.Body), "secret body")
			return res.JSON200, res.HTTPResponse.Header.Get("Link")
		}
	}
	is := func(name, filter string) bool { return filter == "" || strings.EqualFold(name, filter) }

	// This does not run in parallel with the subtests below that add articles,
	// because the model does not know those.
	t.Run("Filters", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, tag := range []string{"", "go", "A b", "GO", "école"} {
			for _, author := range []string{"", "viewer", "ANNA", "CHLOÉ", "dan", "nobody"} {
				for _, favorited := range []string{"", "Viewer", "dan", "nobody"} {
					name := fmt.Sprintf("tag %q, author %q, favorited %q", tag, author, favorited)
					books := sh.filter(func(b book) bool {
						return (tag == "" || slices.ContainsFunc(b.tags, func(t string) bool { return strings.EqualFold(t, tag) })) && is(b.author, author) &&
							(favorited == "" || slices.ContainsFunc(b.fans, func(fan string) bool { return is(fan, favorited) }))
					})
					c, who := s.Anonymous, ""
					if r.IntN(2) == 0 {
						c, who = viewer.ClientWithResponses, "viewer"
					}
					want, total := sh.shown(books, who), int64(len(books))
					list := listing(t, c, tag, author, favorited)
					hundred := int32(100)
					page, link := list(t.Context(), &hundred, nil, nil)
					require.Equal(t, want, page.Articles, name)
					require.Equal(t, total, page.ArticlesCount, name)
					require.True(t, page.NextCursor.IsNull(), name)
					require.Empty(t, link, name)

					if r.IntN(2) == 0 {
						continue // the rest is the same for all
					}
					limit, offset := int32(2+r.IntN(8)), int32(r.IntN(len(books)+2))
					page, _ = list(t.Context(), &limit, &offset, nil)
					from := min(int(offset), len(books))
					to := min(from+int(limit), len(books))
					require.Equal(t, want[from:to], page.Articles, "%s, limit %d, offset %d", name, limit, offset)
					require.Equal(t, total, page.ArticlesCount, name)
					require.Equal(t, to == len(books), page.NextCursor.IsNull(), name)
					if r.IntN(3) == 0 {
						walked, counts := walk(t, list, limit, nil)
						if walked == nil {
							walked = []client.ArticleSummary{}
						}
						require.Equal(t, want, walked, name)
						require.Equal(t, slices.Repeat([]int64{total}, len(counts)), counts, name)
					}
				}
			}
		}
	})

	t.Run("Default", func(t *testing.T) {
		page, link := listing(t, s.Anonymous, "", "", "")(t.Context(), nil, nil, nil)
		require.Equal(t, sh.shown(sh.books[:20], ""), page.Articles)
		require.EqualValues(t, 60, page.ArticlesCount)
		res, body := s.Do("GET", linkTarget(t, link), "")
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		var next client.ArticlesResponse
		require.NoError(t, json.Unmarshal([]byte(body), &next))
		require.Equal(t, sh.shown(sh.books[20:40], ""), next.Articles)
	})

	t.Run("Link", func(t *testing.T) {
		// The link keeps the filters, in their encoding, and drops the offset.
		var got []string
		target := "/articles?tag=a+b&limit=3&offset=2"
		for target != "" {
			res, body := s.Do("GET", target, "", signed(viewer)...)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			var page client.ArticlesResponse
			require.NoError(t, json.Unmarshal([]byte(body), &page))
			got = append(got, slugsIn(page.Articles)...)
			target = ""
			if link := res.Header.Get("Link"); link != "" {
				target = linkTarget(t, link)
				require.NotContains(t, target, "offset")
			}
		}
		want := slugsIn(sh.shown(sh.filter(func(b book) bool { return slices.Contains(b.tags, "a b") }), ""))
		require.Equal(t, want[2:], got)
	})

	t.Run("LastPage", func(t *testing.T) {
		limit, offset := int32(30), int32(30)
		page, link := listing(t, s.Anonymous, "", "", "")(t.Context(), &limit, &offset, nil)
		require.Len(t, page.Articles, 30)
		require.True(t, page.NextCursor.IsNull(), "nothing follows a full last page")
		require.Empty(t, link)
	})

	t.Run("BeyondTheEnd", func(t *testing.T) {
		for _, offset := range []int32{60, 61, 2147483647} {
			for _, f := range [][3]string{{}, {"go"}, {"", "Anna"}, {"", "", "Anna"}, {"go", "Anna"}, {"go", "", "Anna"}, {"go", "bob", "Anna"}} {
				hundred := int32(100)
				list := listing(t, s.Anonymous, f[0], f[1], f[2])
				first, _ := list(t.Context(), &hundred, nil, nil)
				page, link := list(t.Context(), &hundred, &offset, nil)
				require.Empty(t, page.Articles)
				require.Equal(t, first.ArticlesCount, page.ArticlesCount, f)
				require.True(t, page.NextCursor.IsNull())
				require.Empty(t, link)
			}
		}
		_, body := s.Do("GET", "/articles?tag=nope", "")
		require.JSONEq(t, `{"articles":[],"articlesCount":0,"nextCursor":null}`, body)
	})

	t.Run("OffsetWithCursor", func(t *testing.T) {
		three, five := int32(3), int32(5)
		list := listing(t, s.Anonymous, "", "", "")
		first, _ := list(t.Context(), &three, nil, nil)
		page, _ := list(t.Context(), &three, &five, ptrTo(first.NextCursor.MustGet()))
		require.Equal(t, sh.shown(sh.books[3:6], ""), page.Articles, "the offset is ignored")
	})

	t.Run("Cursor", func(t *testing.T) {
		one := int32(1)
		cursorOf := func(c *client.ClientWithResponses, f ...string) string {
			page, _ := listing(t, c, f[0], f[1], f[2])(t.Context(), &one, nil, nil)
			return page.NextCursor.MustGet()
		}
		all, tagged := cursorOf(s.Anonymous, "", "", ""), cursorOf(s.Anonymous, "go", "", "")
		feed := responseOf(viewer.GetArticlesFeedWithResponse(t.Context(), &client.GetArticlesFeedParams{Limit: &one})).JSON200.NextCursor.MustGet()
		for _, path := range []string{
			"/articles?tag=go&cursor=" + all, "/articles?author=go&cursor=" + tagged, "/articles?favorited=go&cursor=" + tagged,
			"/articles?cursor=" + tagged, "/articles?tag=go&author=Anna&cursor=" + tagged, "/articles?cursor=" + feed, "/articles/feed?cursor=" + all,
			"/articles?cursor=" + tampered(all), "/articles?cursor=" + all[:43], "/articles?cursor=" + all + "A", "/articles?cursor=abc", "/articles?cursor=" + strings.Repeat("A", 44),
		} {
			res, body := s.Do("GET", path, "", signed(viewer)...)
			requireRefusal(t, 422, allWrong("is not a valid cursor for this list", "cursor"), res, body)
		}
		res, body := s.Do("GET", "/articles?cursor="+strings.Repeat("A", 129), "")
		requireRefusal(t, 422, allWrong("is too long (maximum is 128 characters)", "cursor"), res, body)
		// A cursor is a position in a list: another viewer may use it, with
		// another limit.
		res, body = s.Do("GET", "/articles?limit=50&cursor="+all, "", signed(viewer)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
	})

	t.Run("Invalid", func(t *testing.T) {
		for _, path := range []string{"/articles", "/articles/feed"} {
			for query, fields := range map[string]client.FieldErrors{
				"limit=0":                    allWrong("must be at least 1", "limit"),
				"limit=-1":                   allWrong("must be at least 1", "limit"),
				"limit=101":                  allWrong("must be at most 100", "limit"),
				"limit=99999999999999999999": allWrong("must be at most 100", "limit"),
				"limit=abc":                  allWrong("must be an integer", "limit"),
				"limit=1.5":                  allWrong("must be an integer", "limit"),
				"limit=":                     allWrong(cantBeBlank, "limit"),
				"limit=5&limit=6":            allWrong("must be given once", "limit"),
				"offset=-1":                  allWrong("must be at least 0", "offset"),
				"offset=2147483648":          allWrong("must be at most 2147483647", "offset"),
				"offset=x":                   allWrong("must be an integer", "offset"),
				"cursor=":                    allWrong(cantBeBlank, "cursor"),
				"limit=0&offset=x":           {"limit": {"must be at least 1"}, "offset": {"must be an integer"}},
			} {
				res, body := s.Do("GET", path+"?"+query, "", signed(viewer)...)
				requireRefusal(t, 422, fields, res, body)
			}
		}
		for query, fields := range map[string]client.FieldErrors{
			"tag=":                              allWrong(cantBeBlank, "tag"),
			"author=&favorited=":                allWrong(cantBeBlank, "author", "favorited"),
			"tag=" + strings.Repeat("x", 65):    allWrong("is too long (maximum is 64 characters)", "tag"),
			"author=" + strings.Repeat("x", 65): allWrong("is too long (maximum is 64 characters)", "author"),
		} {
			res, body := s.Do("GET", "/articles?"+query, "")
			requireRefusal(t, 422, fields, res, body)
		}
		for _, query := range []string{"tag=%00", "tag=%ff", "author=%zz"} {
			res, body := s.Do("GET", "/articles?"+query, "")
			require.Equal(t, 400, res.StatusCode, body)
		}
		res, body := s.Do("GET", "/articles?unknown=1&limit=100", "")
		require.Equal(t, http.StatusOK, res.StatusCode, body)
	})

	t.Run("WalkWhileWritten", func(t *testing.T) {
		n := 0
		for _, f := range [][3]string{{}, {"go"}, {"", "viewer"}, {"", "", "viewer"}, {"go", "viewer"}, {"go", "", "viewer"}} {
			list := listing(t, s.Anonymous, f[0], f[1], f[2])
			hundred := int32(100)
			before, _ := list(t.Context(), &hundred, nil, nil)
			walked, counts := walk(t, list, 9, func() {
				n++
				a := s.Publish(viewer, fmt.Sprint("Later ", n), "go")
				responseOf(viewer.CreateArticleFavoriteWithResponse(t.Context(), a.Slug))
			})
			require.Equal(t, slugsIn(before.Articles), slugsIn(walked), "filter %v", f)
			require.Equal(t, before.ArticlesCount+int64(len(counts)-1), counts[len(counts)-1], "the total counts what was added")
			after, _ := list(t.Context(), &hundred, nil, nil)
			require.Equal(t, before.Articles[len(before.Articles)-1].Slug, after.Articles[len(after.Articles)-1].Slug)
			require.Equal(t, fmt.Sprint("later-", n), after.Articles[0].Slug, "the newest is first")
		}
	})

	t.Run("CursorOfADeletedArticle", func(t *testing.T) {
		two := int32(2)
		list := listing(t, s.Anonymous, "", "viewer", "")
		hundred := int32(100)
		all, _ := list(t.Context(), &hundred, nil, nil)
		first, _ := list(t.Context(), &two, nil, nil)
		require.Equal(t, 204, responseOf(viewer.DeleteArticleWithResponse(t.Context(), first.Articles[1].Slug, nil)).StatusCode())
		next, _ := list(t.Context(), &two, nil, ptrTo(first.NextCursor.MustGet()))
		require.Equal(t, all.Articles[2:4], next.Articles)
	})
	requireCounters(t, s)
}

func TestGetArticlesFeed(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	viewer := s.Register("viewer")
	sh := fill(t, s, "viewer")
	listing := func(t *testing.T, u servertest.User) listCall {
		return func(ctx context.Context, limit, offset *int32, cursor *string) (*client.ArticlesResponse, string) {
			res := responseOf(u.GetArticlesFeedWithResponse(ctx, &client.GetArticlesFeedParams{Limit: limit, Offset: offset, Cursor: cursor}))
			require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
			require.NotContains(t, string(res.Body), `"body"`)
			return res.JSON200, res.HTTPResponse.Header.Get("Link")
		}
	}

	t.Run("Unauthorized", func(t *testing.T) {
		for _, query := range []string{"", "?limit=0", "?cursor=x"} {
			res, body := s.Do("GET", "/articles/feed"+query, "")
			requireRefusal(t, 401, allWrong("is missing", "token"), res, body)
			res, body = s.Do("GET", "/articles/feed"+query, "", "Authorization", "Token x.y.z")
			requireRefusal(t, 401, allWrong("is invalid", "token"), res, body)
		}
	})

	t.Run("Followed", func(t *testing.T) {
		list := listing(t, viewer)
		r := rand.New(rand.NewPCG(3, 4))
		// Also follow an author without articles, and check after each step.
		for _, change := range []struct {
			name   string
			follow bool
		}{{}, {"bob", true}, {"Anna", false}, {"CHLOÉ", true}, {"dan", false}, {"bob", false}, {"chloé", false}} {
			switch {
			case change.follow:
				responseOf(viewer.FollowUserByUsernameWithResponse(t.Context(), change.name))
				sh.follows = append(sh.follows, strings.ToLower(change.name))
			case change.name != "":
				responseOf(viewer.UnfollowUserByUsernameWithResponse(t.Context(), change.name))
				sh.follows = slices.DeleteFunc(sh.follows, func(f string) bool { return f == change.name })
			}
			books := sh.filter(func(b book) bool { return slices.Contains(sh.follows, b.author) })
			want := sh.shown(books, "viewer")
			hundred := int32(100)
			page, _ := list(t.Context(), &hundred, nil, nil)
			require.Equal(t, want, page.Articles)
			require.EqualValues(t, len(books), page.ArticlesCount)
			for range 2 {
				limit, offset := int32(3+r.IntN(9)), int32(r.IntN(len(books)+2))
				page, _ = list(t.Context(), &limit, &offset, nil)
				from := min(int(offset), len(books))
				require.Equal(t, want[from:min(from+int(limit), len(books))], page.Articles)
				require.EqualValues(t, len(books), page.ArticlesCount)
				walked, _ := walk(t, list, limit, nil)
				require.Equal(t, slugsIn(want), slugsIn(walked))
			}
			beyond := int32(2147483647)
			page, _ = list(t.Context(), nil, &beyond, nil)
			require.Empty(t, page.Articles)
			require.EqualValues(t, len(books), page.ArticlesCount)
		}
		_, body := s.Do("GET", "/articles/feed", "", signed(viewer)...)
		require.JSONEq(t, `{"articles":[],"articlesCount":0,"nextCursor":null}`, body)
	})

	t.Run("WalkWhileWritten", func(t *testing.T) {
		reader, author := s.Register("reader"), s.Register("author")
		responseOf(reader.FollowUserByUsernameWithResponse(t.Context(), "author"))
		responseOf(reader.FollowUserByUsernameWithResponse(t.Context(), "bob"))
		list := listing(t, reader)
		hundred := int32(100)
		before, _ := list(t.Context(), &hundred, nil, nil)
		walked, _ := walk(t, list, 3, func() { s.Publish(author, "Later") })
		require.Equal(t, slugsIn(before.Articles), slugsIn(walked))

		one := int32(1)
		first, link := list(t.Context(), &one, nil, nil)
		res, body := s.Do("GET", linkTarget(t, link), "", signed(reader)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		res, body = s.Do("GET", "/articles/feed?cursor="+first.NextCursor.MustGet(), "", signed(viewer)...)
		requireRefusal(t, 422, allWrong("is not a valid cursor for this list", "cursor"), res, body)
	})
}

// TestReadAfterWrite reads immediately after each write, on any connection of
// the pool, with and without a token.
func TestReadAfterWrite(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	responseOf(anna.FollowUserByUsernameWithResponse(t.Context(), "jake"))
	readers := []*client.ClientWithResponses{s.Anonymous, anna.ClientWithResponses, jake.ClientWithResponses}
	for i := range 5 {
		tag := fmt.Sprint("tag", i)
		a := s.Publish(jake, fmt.Sprint("Article ", i), tag)
		for _, c := range readers {
			list := responseOf(c.GetArticlesWithResponse(t.Context(), nil)).JSON200
			require.Equal(t, a.Slug, list.Articles[0].Slug)
			require.EqualValues(t, i+1, list.ArticlesCount)
			require.Contains(t, responseOf(c.GetTagsWithResponse(t.Context(), nil)).JSON200.Tags, tag)
		}
		feed := responseOf(anna.GetArticlesFeedWithResponse(t.Context(), nil)).JSON200
		require.Equal(t, a.Slug, feed.Articles[0].Slug)
		require.EqualValues(t, i+1, feed.ArticlesCount)

		comment := commentOn(t, anna, a.Slug, "x")
		responseOf(anna.CreateArticleFavoriteWithResponse(t.Context(), a.Slug))
		title, retagged := fmt.Sprint("Renamed ", i), []string{tag + "b"}
		responseOf(jake.UpdateArticleWithResponse(t.Context(), a.Slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: &title, TagList: &retagged}}))
		bio := fmt.Sprint("bio ", i)
		res, body := s.Do("PUT", "/user", `{"user":{"bio":"`+bio+`"}}`, signed(jake)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		for _, c := range readers {
			require.Equal(t, []int64{comment.Id}, commentIDs(responseOf(c.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil)).JSON200.Comments))
			got := responseOf(c.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article
			require.Equal(t, title, got.Title)
			require.EqualValues(t, 1, got.FavoritesCount)
			require.Equal(t, bio, got.Author.Bio.MustGet())
			require.Equal(t, bio, responseOf(c.GetProfileByUsernameWithResponse(t.Context(), "jake", nil)).JSON200.Profile.Bio.MustGet())
			tags := responseOf(c.GetTagsWithResponse(t.Context(), nil)).JSON200.Tags
			require.Contains(t, tags, tag+"b")
			require.NotContains(t, tags, tag)
			require.Equal(t, got.Slug, responseOf(c.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Favorited: ptrTo("anna")})).JSON200.Articles[0].Slug)
		}
		require.Equal(t, 204, responseOf(anna.DeleteArticleCommentWithResponse(t.Context(), a.Slug, comment.Id)).StatusCode())
		for _, c := range readers {
			require.Empty(t, responseOf(c.GetArticleCommentsWithResponse(t.Context(), a.Slug, nil)).JSON200.Comments)
		}
	}
}

// TestArticleStatements checks that the number of statements of an operation
// does not depend on the number of rows in its response.
func TestArticleStatements(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	s.Register("jake")
	anna := s.Register("anna")
	responseOf(anna.FollowUserByUsernameWithResponse(t.Context(), "jake"))
	slugs := make([]string, 100)
	for i := range slugs {
		slugs[i] = fmt.Sprint("a-", i+1)
	}
	for _, statement := range []string{
		`INSERT INTO articles (slug, author_id, title, description, body, tags)
			SELECT 'a-' || i, u.id, 'A ' || i, 'd', 'b', '{x}' FROM generate_series(1, 120) i, users u WHERE u.username = 'jake'`,
		`INSERT INTO article_slugs SELECT slug, id FROM articles`,
		`INSERT INTO favorites (article_id, user_id, article_created_at) SELECT a.id, u.id, a.published_at FROM articles a, users u WHERE u.username = 'anna'`,
		`INSERT INTO comments (article_id, author_id, body) SELECT a.id, a.author_id, 'c' FROM articles a, generate_series(1, 120) WHERE a.slug = 'a-1'`,
	} {
		_, err := s.DB.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	comment := commentOn(t, anna, "a-2", "x")
	keyed := []string{"Idempotency-Key", "key"}
	// A list reads the ids of its page, the cards of the articles, and what the
	// viewer has marked.
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		statements               int64
	}{
		{"list, 1", "GET", "/articles?limit=1", "", nil, 200, 3},
		{"list, 100", "GET", "/articles?limit=100", "", nil, 200, 3},
		{"list, deep", "GET", "/articles?limit=100&offset=110", "", nil, 200, 3},
		{"list, beyond the end", "GET", "/articles?limit=100&offset=120", "", nil, 200, 1},
		{"tag, 1", "GET", "/articles?tag=x&limit=1", "", nil, 200, 3},
		{"tag, 100", "GET", "/articles?tag=x&limit=100", "", nil, 200, 3},
		{"tag, none", "GET", "/articles?tag=none", "", nil, 200, 1},
		{"author, 1", "GET", "/articles?author=jake&limit=1", "", nil, 200, 3},
		{"author, 100", "GET", "/articles?author=jake&limit=100", "", nil, 200, 3},
		{"author, none", "GET", "/articles?author=none", "", nil, 200, 1},
		{"favorited, 1", "GET", "/articles?favorited=anna&limit=1", "", nil, 200, 3},
		{"favorited, 100", "GET", "/articles?favorited=anna&limit=100", "", nil, 200, 3},
		{"favorited, none", "GET", "/articles?favorited=none", "", nil, 200, 1},
		{"all filters, 1", "GET", "/articles?favorited=anna&author=jake&tag=x&limit=1", "", nil, 200, 3},
		{"all filters, 100", "GET", "/articles?favorited=anna&author=jake&tag=x&limit=100", "", nil, 200, 3},
		{"all filters, none", "GET", "/articles?favorited=anna&author=jake&tag=none", "", nil, 200, 1},
		{"favorited and tag, 1", "GET", "/articles?favorited=anna&tag=x&limit=1", "", nil, 200, 3},
		{"favorited and tag, 100", "GET", "/articles?favorited=anna&tag=x&limit=100", "", nil, 200, 3},
		{"favorited and tag, none", "GET", "/articles?favorited=anna&tag=none", "", nil, 200, 1},
		{"feed, 1", "GET", "/articles/feed?limit=1", "", nil, 200, 3},
		{"feed, 100", "GET", "/articles/feed?limit=100", "", nil, 200, 3},
		{"feed, beyond the end", "GET", "/articles/feed?offset=120", "", nil, 200, 1},
		{"comments, 1", "GET", "/articles/a-1/comments?limit=1", "", nil, 200, 1},
		{"comments, 100", "GET", "/articles/a-1/comments?limit=100", "", nil, 200, 1},
		{"comments, newest", "GET", "/articles/a-1/comments?limit=100&sort=-createdAt", "", nil, 200, 1},
		{"comments, in two parts", "GET", "/articles/a-1/comments", "", nil, 200, 2},
		{"comments, none", "GET", "/articles/a-3/comments", "", nil, 200, 2},
		{"comments, no article", "GET", "/articles/none/comments", "", nil, 404, 2},
		{"batch, 1", "POST", "/batch/articles", `{"slugs":["a-1"]}`, nil, 200, 1},
		{"batch, 100", "POST", "/batch/articles", `{"slugs":["` + strings.Join(slugs, `","`) + `"]}`, nil, 200, 1},
		{"get", "GET", "/articles/a-1", "", nil, 200, 1},
		{"get, none", "GET", "/articles/none", "", nil, 404, 2}, // looks for a draft too
		{"create", "POST", "/articles", `{"article":{"title":"C","description":"d","body":"b","tagList":["x","y","z"]}}`, nil, 201, 1},
		{"create, slug taken", "POST", "/articles", `{"article":{"title":"C","description":"d","body":"b"}}`, nil, 201, 2},
		{"create, keyed", "POST", "/articles", `{"article":{"title":"K","description":"d","body":"b"}}`, keyed, 201, 4},
		{"create, replayed", "POST", "/articles", `{"article":{"title":"K","description":"d","body":"b"}}`, keyed, 201, 1},
		{"create, refused", "POST", "/articles", `{"article":{}}`, nil, 422, 0},
		{"update, nothing", "PUT", "/articles/c", `{"article":{}}`, nil, 200, 2},
		{"update, body", "PUT", "/articles/c", `{"article":{"body":"x"}}`, nil, 200, 3},
		{"update, tags", "PUT", "/articles/c", `{"article":{"tagList":["x","y","w"]}}`, nil, 200, 3},
		{"update, all", "PUT", "/articles/c", `{"article":{"title":"D","body":"x","tagList":[]}}`, nil, 200, 4},
		{"update, stale", "PUT", "/articles/c", `{"article":{"body":"x"}}`, []string{"If-Match", `"1.x"`}, 412, 1},
		{"update, foreign", "PUT", "/articles/a-1", `{"article":{"body":"x"}}`, nil, 403, 1},
		{"update, foreign and wrong", "PUT", "/articles/a-1", `{"article":{"body":""}}`, nil, 403, 1},
		{"delete", "DELETE", "/articles/c", "", nil, 204, 2},
		{"comment", "POST", "/articles/a-1/comments", `{"comment":{"body":"x"}}`, nil, 201, 1},
		{"comment, keyed", "POST", "/articles/a-1/comments", `{"comment":{"body":"x"}}`, keyed, 201, 4},
		{"comment, replayed", "POST", "/articles/a-1/comments", `{"comment":{"body":"x"}}`, keyed, 201, 1},
		{"delete comment", "DELETE", fmt.Sprintf("/articles/a-2/comments/%d", comment.Id), "", nil, 204, 1},
		{"delete comment, none", "DELETE", fmt.Sprintf("/articles/a-2/comments/%d", comment.Id), "", nil, 404, 1},
	} {
		s.Statements.Reset()
		res, body := s.Do(test.method, test.path, test.body, signed(anna, test.header...)...)
		n, statements := s.Statements.Reset()
		require.Equal(t, test.status, res.StatusCode, "%s: %s", test.name, body)
		require.Equal(t, test.statements, n, "%s: %s", test.name, strings.Join(statements, "\n\n"))
	}
}
