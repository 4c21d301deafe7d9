package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func TestGetTags(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	tags := func(t *testing.T) []string {
		t.Helper()
		res, err := s.Anonymous.GetTagsWithResponse(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		return res.JSON200.Tags
	}
	retag := func(t *testing.T, slug string, tags ...string) {
		t.Helper()
		tags = append([]string{}, tags...) // nil would be null, which is refused
		res, err := jake.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{TagList: &tags}})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	}

	// Each subtest continues where the one before it ended.
	t.Run("Empty", func(t *testing.T) {
		s := s.For(t)
		_, body := s.Do(http.MethodGet, "/tags", "")
		require.JSONEq(t, `{"tags":[]}`, body, "an empty list, not null")
	})
	first := s.Publish(jake, "First", "zebra", "apple", "zebra")
	t.Run("ShowsNewArticleAtOnce", func(t *testing.T) {
		require.Equal(t, []string{"apple", "zebra"}, tags(t), "ties by name; a tag that is given twice counts once")
	})
	second := s.Publish(jake, "Second", "zebra", "mango", "C++ & C#", "日本")
	t.Run("MostUsedFirst", func(t *testing.T) {
		require.Equal(t, []string{"zebra", "C++ & C#", "apple", "mango", "日本"}, tags(t))
	})
	t.Run("BadTokenDoesNotMatter", func(t *testing.T) {
		s := s.For(t)
		res, body := s.Do(http.MethodGet, "/tags", "", "Authorization", "Token garbage")
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Empty(t, res.Header.Values("WWW-Authenticate"))
	})
	t.Run("Retagged", func(t *testing.T) {
		retag(t, second.Slug, "mango", "apple")
		require.Equal(t, []string{"apple", "mango", "zebra"}, tags(t))
	})
	t.Run("NotModified", func(t *testing.T) {
		s := s.For(t)
		res, _ := s.Do(http.MethodGet, "/tags", "")
		tag := res.Header.Get("ETag")
		require.NotEmpty(t, tag)
		res, body := s.Do(http.MethodGet, "/tags", "", "If-None-Match", tag)
		require.Equal(t, http.StatusNotModified, res.StatusCode)
		require.Empty(t, body)
		third := s.Publish(jake, "Third", "kiwi")
		res, body = s.Do(http.MethodGet, "/tags", "", "If-None-Match", tag)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Contains(t, body, "kiwi")
		gone, err := jake.DeleteArticleWithResponse(t.Context(), third.Slug, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, gone.StatusCode())
	})
	t.Run("DisappearsWhenUnused", func(t *testing.T) {
		retag(t, second.Slug)
		require.Equal(t, []string{"apple", "zebra"}, tags(t))
		gone, err := jake.DeleteArticleWithResponse(t.Context(), first.Slug, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, gone.StatusCode())
		require.Empty(t, tags(t))
	})
	t.Run("Race", func(t *testing.T) {
		s := s.For(t)
		const n = 20
		got := atOnce(t, n, func(int) (int, error) {
			list := []string{"hot", "hotter"}
			res, err := jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: client.NewArticle{
				Title: "Same title", Description: "D", Body: "B", TagList: &list,
			}})
			if err != nil {
				return 0, err
			}
			return res.StatusCode(), nil
		})
		require.Equal(t, map[int]int{http.StatusCreated: n}, got)
		require.Equal(t, []string{"hot", "hotter"}, tags(t))
		require.Equal(t, n, count(t, s, `SELECT sum(value) FROM counters WHERE kind = 'tag' AND name = 'hot'`))
	})
}

// TestTagsAreBounded checks that one author cannot make the list as long as
// they like.
func TestTagsAreBounded(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	s.Publish(jake, "First", "used twice")
	s.Publish(jake, "Second", "used twice")
	change(t, s, `INSERT INTO articles (slug, author_id, title, description, body, tags)
		SELECT 'a' || i, u.id, 't', 'd', 'b', ARRAY(SELECT to_char(i * 50 + n, 'FM00000') FROM generate_series(0, 49) n)
		FROM users u, generate_series(0, 29) i`)
	res, err := s.Anonymous.GetTagsWithResponse(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.Len(t, res.JSON200.Tags, 1000)
	require.Equal(t, []string{"used twice", "00000", "00001"}, res.JSON200.Tags[:3])
	require.Equal(t, "00998", res.JSON200.Tags[999])
}

// TestUnusedTagsAreDeleted checks that no name of a tag stays in the database
// after its last article, however the tag loses it.
func TestUnusedTagsAreDeleted(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	moderator := withRole(s, "mia", auth.Moderator)
	lose := map[string]func(u servertest.User, slug string) int{
		"Delete": func(u servertest.User, slug string) int {
			return responseOf(u.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode()
		},
		"Update": func(u servertest.User, slug string) int {
			tags := []string{"shared"}
			return responseOf(u.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{TagList: &tags}})).StatusCode()
		},
		"Hide": func(_ servertest.User, slug string) int {
			return responseOf(moderator.HideArticleWithResponse(t.Context(), slug, client.HideRequest{Reason: "r"})).StatusCode()
		},
		"DeleteAccount": func(u servertest.User, _ string) int {
			return responseOf(u.DeleteCurrentUserWithResponse(t.Context(), client.DeleteCurrentUserJSONRequestBody{User: client.DeleteUser{Password: servertest.Password}})).StatusCode()
		},
	}
	s.Publish(moderator, "An article that stays", "shared")
	for name, how := range lose {
		for i := range 5 { // so that different connections count up and down
			u := s.Register("")
			a := s.Publish(u, "An article", fmt.Sprint(name, i), "shared")
			require.Less(t, how(u, a.Slug), 300, name)
		}
		require.Equal(t, 1, count(t, s, `SELECT count(DISTINCT name) FROM counters WHERE kind = 'tag'`), "%s: only the shared tag is left", name)
	}
	requireCounters(t, s)
}

// TestUnusedTagsRace adds and removes the last use of the same few tags at the
// same time. No count may be lost, and what concurrent transactions left must
// be deleted afterwards.
func TestUnusedTagsRace(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	users := []servertest.User{s.Register(""), s.Register(""), s.Register(""), s.Register("")}
	for _, failed := range together(16, func(i int) error {
		u := users[i%len(users)]
		for n := range 12 {
			tags := []string{fmt.Sprint("t", n%3), fmt.Sprint("t", (n+1)%3)}
			res, err := u.CreateArticleWithResponse(t.Context(), nil, newArticle("Title", tags...))
			if err != nil || res.JSON201 == nil {
				return fmt.Errorf("create: %w %s", err, res.Body)
			}
			if i%4 == 0 && n%4 == 3 {
				continue // some stay
			}
			gone, err := u.DeleteArticleWithResponse(t.Context(), res.JSON201.Article.Slug, nil)
			if err != nil || gone.StatusCode() != http.StatusNoContent {
				return fmt.Errorf("delete: %w %s", err, gone.Body)
			}
		}
		return nil
	}) {
		require.NoError(t, failed)
	}
	requireCounters(t, s)
	_, err := api.DeleteUnusedTags(t.Context(), s.DB)
	require.NoError(t, err)
	requireCounters(t, s)
	require.Zero(t, count(t, s, `SELECT count(*) FROM (SELECT FROM counters WHERE kind = 'tag' GROUP BY name HAVING sum(value) = 0) k`))

	change(t, s, `INSERT INTO counters VALUES ('tag', 'left', 1, -2)`)
	change(t, s, `INSERT INTO counters VALUES ('tag', 'left', 2, 2)`)
	n, err := api.DeleteUnusedTags(t.Context(), s.DB)
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
}
