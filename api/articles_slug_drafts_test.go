package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestSlugOfWithdrawn checks that the title which a withdrawn article gets is
// told to nobody by the slug that the same title gets.
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

// TestRenameMeetsPublication renames a draft while it is being published, and
// publishes one while it is being renamed. The one that comes second waits, and
// the slug that the article has then is a public one.
func TestRenameMeetsPublication(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	for name, test := range map[string]struct {
		first  []string
		second func(slug, title string) (int, []byte)
	}{
		"Published": {
			[]string{
				`INSERT INTO article_slugs SELECT slug, id FROM articles WHERE slug = @slug`,
				`UPDATE articles SET status = 'published', hidden = false, published_at = now(), version = version + 1 WHERE slug = @slug`,
			},
			func(slug, title string) (int, []byte) {
				res := responseOf(jake.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleRequest{Article: client.UpdateArticle{Title: &title}}))
				return res.StatusCode(), res.Body
			},
		},
		"Renamed": {
			[]string{
				`INSERT INTO draft_slugs (slug, author_id, article_id) SELECT @title, author_id, id FROM articles WHERE slug = @slug`,
				`UPDATE articles SET slug = @title, title = @title, version = version + 1 WHERE slug = @slug`,
			},
			func(slug, _ string) (int, []byte) {
				res := publishArticle(t, jake, slug, client.PublishRequest{})
				return res.StatusCode(), res.Body
			},
		},
	} {
		t.Run(name, func(t *testing.T) { // one after another: counters are compared
			s := s.For(t)
			slug, title := newDraft(t, jake, name), "another-"+strings.ToLower(name)
			names := pgx.NamedArgs{"slug": slug, "title": title}
			tx, err := s.DB.Pool().Begin(t.Context())
			require.NoError(t, err)
			defer tx.Rollback(t.Context())
			_, err = tx.Exec(t.Context(), `SELECT FROM articles WHERE slug = @slug FOR UPDATE`, names)
			require.NoError(t, err)
			for _, statement := range test.first {
				_, err = tx.Exec(t.Context(), statement, names)
				require.NoError(t, err)
			}
			done := make(chan string, 1)
			go func() {
				status, body := test.second(slug, title)
				done <- fmt.Sprint(status, " ", string(body))
			}()
			require.Eventually(t, func() (waits bool) {
				err := tx.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))`).Scan(&waits)
				return err == nil && waits
			}, 30*time.Second, 10*time.Millisecond)
			require.NoError(t, tx.Commit(t.Context()))
			body := <-done
			require.Contains(t, body, "200 ")
			require.Contains(t, body, fmt.Sprintf(`"slug":%q`, title))
			require.Equal(t, title, public(t, s, title).Slug)
			requireCounters(t, s)
		})
	}
}
