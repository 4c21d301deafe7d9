package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/servertest"
)

const taken = "has already been taken"

// withSlug returns a new article with a slug of its own.
func withSlug(title, slug string, status client.ArticleStatus) client.NewArticleRequest {
	return client.NewArticleRequest{Article: client.NewArticle{
		Title: title, Description: "d", Body: "b", Slug: nullable.NewNullableWithValue(slug), Status: &status,
	}}
}

// setSlug changes the slug of an article.
func setSlug(t *testing.T, by servertest.User, path, slug string) *client.UpdateArticleResponse {
	t.Helper()
	return responseOf(by.UpdateArticleWithResponse(t.Context(), path, nil, client.UpdateArticleJSONRequestBody{
		Article: client.UpdateArticle{Slug: nullable.NewNullableWithValue(slug)},
	}))
}

func TestOwnSlug(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, ed := s.Register("jake"), s.Register("anna"), withRole(s, "ed", auth.Editor)
	// update sends members to an article, and returns the slug that it has then.
	update := func(path, members string) string {
		t.Helper()
		res, body := s.Do("PUT", "/articles/"+path, `{"article":{`+members+`}}`, signed(jake)...)
		return articleIn(t, http.StatusOK, res, body).Slug
	}
	leads := func(path, slug string) {
		t.Helper()
		got := responseOf(jake.GetArticleWithResponse(t.Context(), path, nil))
		require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
		require.Equal(t, slug, got.JSON200.Article.Slug)
	}

	for _, status := range []client.ArticleStatus{client.StatusPublished, client.StatusDraft} {
		t.Run("Kept/"+string(status), func(t *testing.T) {
			own := "own-" + string(status)
			created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("A title "+own, own, status)))
			require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
			require.Equal(t, own, created.JSON201.Article.Slug)
			require.Equal(t, "/api/articles/"+own, created.HTTPResponse.Header.Get("Location"))
			require.Equal(t, own, update(own, `"title":"Another title"`), "a new title keeps an own slug")
			require.Equal(t, own+"-2", update(own, `"title":"A third title","slug":"`+own+`-2"`))
			leads(own, own+"-2")
			require.Equal(t, own, update(own+"-2", `"slug":"`+own+`"`), "an earlier slug is taken back")
			leads(own+"-2", own)
			require.Equal(t, "from-"+own, update(own, `"slug":null,"title":"From `+own+`"`))
			require.Equal(t, "again-"+own, update(own, `"title":"Again `+own+`"`), "the slug is derived again")
		})
	}
	t.Run("Unchanged", func(t *testing.T) {
		a := s.Publish(jake, "A plain title")
		tag := func() string {
			return responseOf(jake.GetArticleWithResponse(t.Context(), a.Slug, nil)).HTTPResponse.Header.Get("ETag")
		}
		before := tag()
		require.Equal(t, a.Slug, update(a.Slug, `"slug":"a-plain-title"`))
		require.Equal(t, a.Slug, update(a.Slug, `"slug":null`))
		require.Equal(t, before, tag(), "nothing was written")
		require.Equal(t, a.Slug, update(a.Slug, `"slug":"a-plain-title","title":"Renamed"`), "the request names the slug")
		require.Equal(t, "renamed-again", update(a.Slug, `"title":"Renamed again"`), "a slug that is sent back is no own slug")
		res, body := s.Do("POST", "/articles", `{"article":{"title":"Null","description":"d","body":"b","slug":null}}`, signed(jake)...)
		require.Equal(t, "null", articleIn(t, http.StatusCreated, res, body).Slug)
		require.Equal(t, "not-null", update("null", `"title":"Not null"`))
	})
	t.Run("Taken", func(t *testing.T) {
		first := s.Publish(jake, "First").Slug
		require.Equal(t, "first-2", update(first, `"slug":"first-2"`))
		other := s.Publish(anna, "Other").Slug
		for _, slug := range []string{first, "first-2"} { // an earlier slug too
			for _, status := range []client.ArticleStatus{client.StatusPublished, client.StatusDraft} {
				res := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", slug, status)))
				requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), res.StatusCode(), string(res.Body))
			}
			res := setSlug(t, anna, other, slug)
			requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), res.StatusCode(), string(res.Body))
		}
		draft := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "annas-draft", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, draft.StatusCode(), string(draft.Body))
		res := setSlug(t, anna, "annas-draft", first)
		requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), res.StatusCode(), string(res.Body))
		again := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "annas-draft", client.StatusDraft)))
		requireProblem(t, http.StatusConflict, "already_taken", oneField("slug", taken), again.StatusCode(), string(again.Body))
		require.Equal(t, "other", responseOf(anna.GetArticleWithResponse(t.Context(), other, nil)).JSON200.Article.Slug, "a refusal changes nothing")
		require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), first, nil)).StatusCode())
		require.Equal(t, http.StatusOK, setSlug(t, anna, other, first).StatusCode(), "deleting an article frees its slugs")
	})
	// A slug of somebody else's draft behaves as one that nobody has.
	t.Run("DraftsOfOthers", func(t *testing.T) {
		for _, slug := range []string{"secret", "hidden-plan", "third"} {
			draft := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", slug, client.StatusDraft)))
			require.Equal(t, http.StatusCreated, draft.StatusCode(), string(draft.Body))
		}
		created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "secret", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
		created = responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "hidden-plan", client.StatusPublished)))
		require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
		require.Equal(t, "hidden-plan", created.JSON201.Article.Slug)
		require.Equal(t, "third", update(s.Publish(jake, "Jakes").Slug, `"slug":"third"`))
		// The drafts are still there, under other names.
		list := responseOf(anna.GetCurrentUserArticlesWithResponse(t.Context(), &client.GetCurrentUserArticlesParams{Status: ptrTo(client.StatusDraft)}))
		var slugs []string
		for _, a := range list.JSON200.Articles {
			slugs = append(slugs, a.Slug)
		}
		require.Contains(t, slugs, "secret")
		require.NotContains(t, slugs, "third")
		require.Len(t, slugs, 4)
		// The author of a draft is the one whose slugs count, whoever edits it.
		own := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "jakes-draft", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, own.StatusCode(), string(own.Body))
		require.Equal(t, http.StatusOK, setSlug(t, ed, "jakes-draft", "annas-draft").StatusCode())
		require.Equal(t, http.StatusConflict, setSlug(t, ed, "jakes-draft", "secret").StatusCode())
	})
	t.Run("Published", func(t *testing.T) {
		created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", "soon-public", client.StatusDraft)))
		require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
		published := publishArticle(t, jake, "soon-public", client.PublishRequest{})
		require.Equal(t, "soon-public", published.JSON200.Article.Slug)
		require.Equal(t, "soon-public", update("soon-public", `"title":"Other"`))
		require.Equal(t, http.StatusOK, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), "soon-public", nil)).StatusCode())
	})
	t.Run("Invalid", func(t *testing.T) {
		const form = "must be lower-case letters and digits, with single hyphens between them"
		slug := s.Publish(jake, "Valid").Slug
		for _, test := range []struct{ slug, message string }{
			{"feed", "is reserved"}, {"search", "is reserved"}, {"", cantBeBlank}, {"A", form}, {"a--b", form}, {"-a", form}, {"a-", form},
			{"a b", form}, {"é", form}, {"a/b", form}, {strings.Repeat("a", 101), "is too long (maximum is 100 characters)"},
		} {
			res := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", test.slug, client.StatusPublished)))
			requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField("slug", test.message), res.StatusCode(), string(res.Body))
			changed := setSlug(t, jake, slug, test.slug)
			requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField("slug", test.message), changed.StatusCode(), string(changed.Body))
		}
		require.Equal(t, http.StatusOK, setSlug(t, jake, slug, strings.Repeat("a", 100)).StatusCode())
	})
	t.Run("Replayed", func(t *testing.T) {
		key := &client.CreateArticleParams{IdempotencyKey: ptrTo("own")}
		for _, replayed := range []string{"", "true"} {
			res := responseOf(jake.CreateArticleWithResponse(t.Context(), key, withSlug("T", "only-once", client.StatusPublished)))
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
			require.Equal(t, replayed, res.HTTPResponse.Header.Get("Idempotency-Replayed"))
		}
	})
}

// TestReservedSlugs checks that no article can have the slug of a path.
func TestReservedSlugs(t *testing.T) {
	t.Parallel()
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	found := 0
	for path := range doc.Paths.Map() {
		if name, below := strings.CutPrefix(path, "/articles/"); below && name[0] != '{' {
			name, _, _ = strings.Cut(name, "/")
			require.True(t, slug.IsReserved(name), "add %s to reserved in api/slug/slug.go", name)
			found++
		}
	}
	require.NotZero(t, found)
}

// TestOwnSlugRace checks that of all who claim a slug at the same time, one gets
// it and the others get a 409.
func TestOwnSlugRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	users := []servertest.User{jake, anna}
	for i := range 10 {
		s.Publish(users[i%2], fmt.Sprint("Article ", i))
	}
	for round := range 3 {
		slug := fmt.Sprint("wanted-", round)
		statuses := map[int]int{}
		for _, status := range together(20, func(i int) int {
			if i < 10 {
				return setSlug(t, users[i%2], fmt.Sprint("article-", i), slug).StatusCode()
			}
			return responseOf(users[i%2].CreateArticleWithResponse(t.Context(), nil, withSlug("T", slug, client.StatusPublished))).StatusCode()
		}) {
			statuses[status]++
		}
		require.Equal(t, 1, statuses[http.StatusOK]+statuses[http.StatusCreated], statuses)
		require.Equal(t, 19, statuses[http.StatusConflict], statuses)
	}
	drafts := map[int]int{}
	for _, status := range together(10, func(i int) int {
		return responseOf(users[i%2].CreateArticleWithResponse(t.Context(), nil, withSlug("T", "wanted-draft", client.StatusDraft))).StatusCode()
	}) {
		drafts[status]++
	}
	require.Equal(t, map[int]int{http.StatusCreated: 2, http.StatusConflict: 8}, drafts, "one for each author")
	// Two articles that exchange their slugs.
	a, b := s.Publish(jake, "Left").Slug, s.Publish(anna, "Right").Slug
	for _, status := range together(2, func(i int) int {
		return setSlug(t, users[i], []string{a, b}[i], []string{b, a}[i]).StatusCode()
	}) {
		require.Equal(t, http.StatusConflict, status)
	}
}

// TestRenameWhilePublished gives drafts other titles while they are published,
// and checks that everybody finds them by the slugs that lists show.
func TestRenameWhilePublished(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	for i := range 10 {
		slug := newDraft(t, jake, fmt.Sprint("Draft ", i))
		for _, status := range together(4, func(n int) int {
			if n == 0 {
				return publishArticle(t, jake, slug, client.PublishRequest{}).StatusCode()
			}
			return responseOf(jake.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleRequest{
				Article: client.UpdateArticle{Title: ptrTo(fmt.Sprint("Renamed ", i, " ", n))},
			})).StatusCode()
		}) {
			require.Equal(t, http.StatusOK, status)
		}
		newest := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), nil)).JSON200.Articles[0]
		res := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), newest.Slug, nil))
		require.Equal(t, http.StatusOK, res.StatusCode(), newest.Slug)
		requireCounters(t, s)
	}
}

// TestSlugOfWithdrawn checks that the title which a withdrawn article gets is told
// to nobody by the slug that the same title gets.
func TestSlugOfWithdrawn(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	slug := s.Publish(jake, "Shown").Slug
	responseOf(jake.UnpublishArticleWithResponse(t.Context(), slug, nil))
	secret := rewrite(t, jake, slug, client.UpdateArticle{Title: ptrTo("Secret plan")}).Slug
	require.Equal(t, "secret-plan", secret)
	other := s.Publish(jake, "Also shown").Slug
	saveCopy(t, jake, other, client.UpdateArticle{Title: ptrTo("Secret plan, too")})
	withdrawn := responseOf(jake.UnpublishArticleWithResponse(t.Context(), other, nil))
	require.Equal(t, "secret-plan-too", withdrawn.JSON200.Article.Slug)
	for _, want := range []string{secret, "secret-plan-too"} {
		res := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("Mine", want, client.StatusPublished)))
		require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	}
	requireCounters(t, s)

	// The author still finds the article by the slug that it had, and gets it
	// back with the title.
	for _, title := range []string{"Something else", "Shown"} {
		rewrite(t, jake, slug, client.UpdateArticle{Title: &title})
	}
	published := publishArticle(t, jake, slug, client.PublishRequest{})
	require.Equal(t, http.StatusOK, published.StatusCode(), string(published.Body))
	require.Equal(t, slug, published.JSON200.Article.Slug)
	require.Equal(t, "Shown", public(t, s, slug).Title)
	requireCounters(t, s)
}

// TestDraftsDoNotTakeSlugs checks that no draft prevents the article of somebody
// else from getting a slug, whatever other slugs the author of the draft has.
func TestDraftsDoNotTakeSlugs(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	draft := newDraft(t, jake, "Plan")
	newDraft(t, jake, fmt.Sprint("Plan ", count(t, s, `SELECT id FROM articles WHERE slug = $1`, draft)))
	res := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("Mine", draft, client.StatusPublished)))
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	requireCounters(t, s)
	for _, a := range responseOf(jake.GetCurrentUserArticlesWithResponse(t.Context(), nil)).JSON200.Articles {
		require.Equal(t, http.StatusOK, responseOf(jake.GetArticleWithResponse(t.Context(), a.Slug, nil)).StatusCode(), a.Slug)
		require.NotEqual(t, draft, a.Slug)
	}
}

// TestSlugMaximum checks that an article keeps its earlier slugs and gets no
// others when it has many, so that one article cannot take them without end.
func TestSlugMaximum(t *testing.T) {
	t.Parallel()
	const tooMany = "maximum of 50 earlier slugs reached"
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	retitle := func(t *testing.T, slug, title string) client.Article {
		t.Helper()
		return rewrite(t, jake, slug, client.UpdateArticle{Title: &title})
	}
	for _, status := range []client.ArticleStatus{client.StatusPublished, client.StatusDraft} {
		t.Run(string(status), func(t *testing.T) {
			name := func(i int) string { return fmt.Sprint(status, "-", i) }
			created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{Article: client.NewArticle{
				Title: name(0), Description: "d", Body: "b", Status: &status,
			}}))
			require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
			for i := range 50 {
				require.Equal(t, name(i+1), retitle(t, name(i), name(i+1)).Slug)
			}

			// A title can still be changed, but takes no other slug.
			changed := retitle(t, name(0), name(51))
			require.Equal(t, name(51), changed.Title)
			require.Equal(t, name(50), changed.Slug)
			refused := func(res *client.UpdateArticleResponse) {
				t.Helper()
				requireProblem(t, http.StatusUnprocessableEntity, "validation_failed", oneField("slug", tooMany), res.StatusCode(), string(res.Body))
			}
			refused(setSlug(t, jake, name(0), "own-"+name(0)))
			others := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", name(51), client.StatusPublished)))
			require.Equal(t, http.StatusCreated, others.StatusCode(), string(others.Body))

			// Earlier ones still lead to it, and can be taken back.
			require.Equal(t, http.StatusOK, setSlug(t, jake, name(50), name(7)).StatusCode())
			for _, i := range []int{0, 25, 50} {
				got := responseOf(jake.GetArticleWithResponse(t.Context(), name(i), nil))
				require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
				require.Equal(t, name(7), got.JSON200.Article.Slug)
			}
			null := client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Slug: nullable.NewNullNullable[string]()}}
			refused(responseOf(jake.UpdateArticleWithResponse(t.Context(), name(7), nil, null)))
			null.Article.Title = ptrTo(name(9))
			require.Equal(t, name(9), responseOf(jake.UpdateArticleWithResponse(t.Context(), name(7), nil, null)).JSON200.Article.Slug)
			require.Equal(t, name(3), retitle(t, name(9), name(3)).Slug)
			requireCounters(t, s)
		})
	}
	t.Run("WorkingCopy", func(t *testing.T) {
		saveCopy(t, jake, "published-3", client.UpdateArticle{Title: ptrTo("Another title")})
		res := publishArticle(t, jake, "published-3", client.PublishRequest{})
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, "Another title", res.JSON200.Article.Title)
		require.Equal(t, "published-3", res.JSON200.Article.Slug)
	})
	t.Run("Draft", func(t *testing.T) {
		res := publishArticle(t, jake, "draft-3", client.PublishRequest{})
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, "draft-3", res.JSON200.Article.Slug)
		require.Equal(t, "public-now", retitle(t, "draft-3", "Public now").Slug, "slugs of a draft do not count any more")
	})
}

// TestSlugMaximumRace checks that an article gets no more slugs when many are
// claimed at the same time.
func TestSlugMaximumRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Many").Slug
	_, err := s.DB.Exec(t.Context(), `INSERT INTO article_slugs SELECT 'many-' || n, id FROM articles, generate_series(1, 45) n`)
	require.NoError(t, err)
	statuses := map[int]int{}
	for _, status := range together(20, func(i int) int { return setSlug(t, jake, slug, fmt.Sprint("wanted-", i)).StatusCode() }) {
		statuses[status]++
	}
	require.Equal(t, map[int]int{http.StatusOK: 5, http.StatusUnprocessableEntity: 15}, statuses)
}

// TestRenameWaitsForPublication renames a draft while it is being published. The
// slug that it gets is a public one.
func TestRenameWaitsForPublication(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	slug := newDraft(t, jake, "Plan")
	tx, err := s.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(t.Context())
	_, err = tx.Exec(t.Context(), `SELECT FROM articles FOR UPDATE`)
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `INSERT INTO article_slugs SELECT slug, id FROM articles`)
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `UPDATE articles SET status = 'published', hidden = false, published_at = now(), version = version + 1`)
	require.NoError(t, err)
	renamed := make(chan *client.UpdateArticleResponse, 1)
	go func() {
		renamed <- responseOf(jake.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleRequest{Article: client.UpdateArticle{Title: ptrTo("Another")}}))
	}()
	require.Eventually(t, func() (waits bool) {
		err := tx.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))`).Scan(&waits)
		return err == nil && waits
	}, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	res := <-renamed
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.Equal(t, "another", res.JSON200.Article.Slug)
	got := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), "another", nil))
	require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
	requireCounters(t, s)
}

// TestDraftsKeepNoSlugs checks that drafts keep nobody from a slug, whatever
// slugs their author foresees for them.
func TestDraftsKeepNoSlugs(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	for _, status := range []client.ArticleStatus{client.StatusDraft, client.StatusPublished} {
		t.Run(string(status), func(t *testing.T) {
			wanted := "wanted-" + string(status)
			own := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", wanted, client.StatusDraft)))
			require.Equal(t, http.StatusCreated, own.StatusCode(), string(own.Body))
			// The entity tag begins with the id of the article.
			id, err := strconv.ParseInt(strings.TrimLeft(strings.Split(own.HTTPResponse.Header.Get("ETag"), "v")[0], `"`), 36, 64)
			require.NoError(t, err)
			for _, suffix := range []string{strconv.FormatInt(id, 10), "draft", "2"} {
				res := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, withSlug("T", wanted+"-"+suffix, status)))
				require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
			}
			res := responseOf(anna.CreateArticleWithResponse(t.Context(), nil, withSlug("T", wanted, client.StatusPublished)))
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
			list := responseOf(jake.GetCurrentUserArticlesWithResponse(t.Context(), nil)).JSON200.Articles
			for _, a := range list {
				got := responseOf(jake.GetArticleWithResponse(t.Context(), a.Slug, nil))
				require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
				require.Equal(t, a.CreatedAt, got.JSON200.Article.CreatedAt, "%s leads to another article", a.Slug)
			}
			requireCounters(t, s)
		})
	}
	t.Run("Long", func(t *testing.T) {
		long := strings.Repeat("a", 98) + "-b"
		for _, by := range []servertest.User{jake, anna} {
			res := responseOf(by.CreateArticleWithResponse(t.Context(), nil, withSlug("T", long, client.StatusDraft)))
			require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
		}
		require.Equal(t, http.StatusOK, publishArticle(t, anna, long, client.PublishRequest{}).StatusCode())
		for _, a := range responseOf(jake.GetCurrentUserArticlesWithResponse(t.Context(), nil)).JSON200.Articles {
			require.LessOrEqual(t, len(a.Slug), 100)
			require.NotContains(t, a.Slug, "--")
		}
	})
}
