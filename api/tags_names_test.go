package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// listedUnder returns the slugs of the articles that a tag finds.
func listedUnder(t *testing.T, s *servertest.Service, tag string) (slugs []string) {
	t.Helper()
	res := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Tag: &tag}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	for _, a := range res.JSON200.Articles {
		slugs = append(slugs, a.Slug)
	}
	require.EqualValues(t, len(slugs), res.JSON200.ArticlesCount)
	slices.Sort(slugs)
	return slugs
}

func tagListOf(t *testing.T, u servertest.User, slug string) []string {
	t.Helper()
	res := responseOf(u.GetArticleWithResponse(t.Context(), slug, nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Article.TagList
}

func retag(t *testing.T, u servertest.User, slug string, tags ...string) *client.UpdateArticleResponse {
	t.Helper()
	list := append([]string{}, tags...)
	return responseOf(u.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{TagList: &list}}))
}

// TestTagSpellings checks that tags are the same whatever their case and the
// spaces around them, and that the first spelling is shown.
func TestTagSpellings(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	first := s.Publish(jake, "First", "Go", "École", "ΣΊΣΥΦΟΣ")
	second := s.Publish(anna, "Second", "go ", "e\u0301cole", "σίσυφος", "GO", "\u3000Ｇo")
	want := []string{"Go", "École", "ΣΊΣΥΦΟΣ"}
	require.Equal(t, want, first.TagList)
	require.Equal(t, want, second.TagList)
	require.Equal(t, want, tagListOf(t, anna, "second"))
	for _, tag := range []string{"Go", "go", "GO", " gO", "ÉCOLE", "école", "Σίσυφος"} {
		require.Equal(t, []string{"first", "second"}, listedUnder(t, s, tag), tag)
		res, body := s.Do(http.MethodGet, "/articles?author=anna&tag="+url.QueryEscape(tag), "")
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, body, `"articlesCount":1`, tag)
	}
	require.Empty(t, listedUnder(t, s, "Gö"))
	require.Equal(t, want, responseOf(s.Anonymous.GetTagsWithResponse(t.Context(), nil)).JSON200.Tags)

	res := retag(t, anna, "second", "ÉCOLE", "rust", "RUST")
	require.Equal(t, []string{"École", "rust"}, res.JSON200.Article.TagList)
	require.Equal(t, []string{"first"}, listedUnder(t, s, "go"))
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), "first", nil)).StatusCode())
	require.Equal(t, []string{"gO"}, s.Publish(anna, "Third", "gO").TagList, "a tag that no article has is forgotten")
	requireCounters(t, s)
}

// TestSpellingsOfDrafts checks that nobody can tell from the spelling of a tag
// that a draft or a hidden article has it.
func TestSpellingsOfDrafts(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, moderator := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator)
	draft := client.NewArticle{Title: "Draft", Description: "d", Body: "b", TagList: &[]string{"sEcret", "SECRET"}, Status: ptrTo(client.StatusDraft)}
	created := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: draft}))
	require.Equal(t, []string{"sEcret"}, created.JSON201.Article.TagList)
	s.Publish(jake, "Hidden", "HiddeN")
	hide(t, moderator, "hidden", "r")
	require.Zero(t, count(t, s, `SELECT count(*) FROM tag_names`), "a tag of no public article has no name")

	public := s.Publish(anna, "Public", "Secret", "hidden")
	require.Equal(t, []string{"Secret", "hidden"}, public.TagList)
	require.Equal(t, []string{"sEcret"}, tagListOf(t, jake, "draft"), "until it is published")
	published := publishArticle(t, jake, "draft", client.PublishRequest{})
	require.Equal(t, http.StatusOK, published.StatusCode(), string(published.Body))
	require.Equal(t, []string{"Secret"}, published.JSON200.Article.TagList)
	require.Equal(t, http.StatusNoContent, responseOf(moderator.RestoreArticleWithResponse(t.Context(), "hidden")).StatusCode())
	require.Equal(t, []string{"hidden"}, tagListOf(t, jake, "hidden"))
	require.Equal(t, []string{"draft", "public"}, listedUnder(t, s, "secret"))

	requireCounters(t, s)

	draft.Title, draft.TagList = "Another draft", &[]string{"HIDDEN", "Secret"}
	created = responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: draft}))
	require.Equal(t, []string{"hidden", "Secret"}, created.JSON201.Article.TagList, "public spellings are shown in drafts")
}

// TestSpellingsRace gives many new articles the same tag in different spellings
// at the same time, and takes it away again.
func TestSpellingsRace(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	spellings := []string{"Hot", "hot", "HOT", "hOt"}
	users := []servertest.User{s.Register(""), s.Register(""), s.Register(""), s.Register("")}
	for round := range 3 {
		for _, failed := range together(16, func(i int) error {
			u := users[i%len(users)]
			list := []string{spellings[i%4], fmt.Sprint("other", i%3)}
			slices.SortFunc(list, func(string, string) int { return i%2*2 - 1 })
			res, err := u.CreateArticleWithResponse(t.Context(), nil, newArticle(fmt.Sprint("Title ", round, " ", i), list...))
			if err != nil || res.JSON201 == nil {
				return fmt.Errorf("create: %w %s", err, res.Body)
			}
			if i%3 > 0 || round == 1 {
				gone, err := u.DeleteArticleWithResponse(t.Context(), res.JSON201.Article.Slug, nil)
				if err != nil || gone.StatusCode() != http.StatusNoContent {
					return fmt.Errorf("delete: %w %s", err, gone.Body)
				}
			}
			return nil
		}) {
			require.NoError(t, failed)
		}
		require.Equal(t, 1, count(t, s, `SELECT count(DISTINCT t) FROM articles a, unnest(a.tags) t WHERE lower(t) = 'hot'`), "one spelling for all")
		require.Zero(t, count(t, s, `SELECT count(*) FROM article_tags t WHERE NOT EXISTS (SELECT FROM tag_names n WHERE n.tag = t.tag AND n.folded = lower(t.tag))`))
	}
	change(t, s, `DELETE FROM articles`)
	_, err := api.DeleteUnusedTags(t.Context(), s.DB)
	require.NoError(t, err)
	require.Zero(t, count(t, s, `SELECT count(*) FROM tag_names`))
	requireCounters(t, s)
}

// TestOlderTags checks that an article with more and longer tags than new ones
// can be read and edited, and that the limits hold for what is added.
func TestOlderTags(t *testing.T) {
	t.Parallel()
	for _, compat := range []server.Compat{server.Strict, server.Lenient} {
		s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Compat = compat }))
		jake := s.Register("jake")
		s.Publish(jake, "Old")
		change(t, s, `UPDATE articles SET tags = ARRAY(SELECT repeat('y', 60) || i FROM generate_series(40, 1, -1) i) || '{b,a}'::text[]`)
		old := tagListOf(t, jake, "old")
		require.Len(t, old, 42)
		stored := func() (tags []string) {
			require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT tags FROM articles`).Scan(&tags))
			return tags
		}
		before := stored()
		res := retag(t, jake, "old", old...)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, old, res.JSON200.Article.TagList)
		require.Equal(t, before, stored(), "a list that is sent back changes nothing")
		res = retag(t, jake, "old", old[2:]...)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, old[2:], res.JSON200.Article.TagList)
		for message, tags := range map[string][]string{
			"has too many items (maximum is 30)":     append([]string{"new"}, old[2:]...),
			"is too long (maximum is 50 characters)": {strings.Repeat("z", 51)},
		} {
			res, body := s.Do(http.MethodPut, "/articles/old", fmt.Sprintf(`{"article":{"tagList":["%s"]}}`, strings.Join(tags, `","`)), signed(jake)...)
			requireRefusal(t, http.StatusUnprocessableEntity, allWrong(message, "tagList"), res, body)
		}
		res = retag(t, jake, "old", append([]string{"new"}, old[2:20]...)...)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		requireCounters(t, s)
	}
}

// TestFoldTag compares the folded forms of the database with those of package
// names, which refuses some characters.
func TestFoldTag(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var texts []string
	for c := rune(' '); c <= unicode.MaxRune; c++ {
		if unicode.In(c, unicode.Han, unicode.Hangul) && c%64 > 0 || c >= 0x1e030 && c <= 0x1e06d {
			continue // the latter are of Unicode 15, which PostgreSQL 15 does not know
		}
		if text := "x " + string(c) + "  Y"; names.Fold(text) != "" {
			texts = append(texts, text)
		}
	}
	letters := []rune("aA1\u20e3üÜß ςσΣиИ\u0301\u0308ﬁＡ１éǅ😀\u200d☃\ufe0f가ᄀ")
	for range 5_000 {
		text := make([]rune, 1+r.IntN(6))
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		texts = append(texts, string(text))
	}
	var folds []string
	for some := range slices.Chunk(texts, 5_000) {
		rows, err := s.DB.Query(t.Context(), `SELECT fold_tag(clean_tag(t)) FROM unnest($1::text[]) WITH ORDINALITY AS x (t, i) ORDER BY i`, some)
		require.NoError(t, err)
		folded, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		folds = append(folds, folded...)
	}
	different := 0
	for i, text := range texts {
		if want := names.Fold(text); want != "" && want != folds[i] {
			different++
			t.Logf("%q %+q: %q in the database, %q in package names", text, text, folds[i], want)
		}
	}
	require.Zero(t, different)
}

// TestTagsOfOtherLocales checks that a tag is the same where the locale of the
// database has given it another form, as before a dump was restored.
func TestTagsOfOtherLocales(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	s.Publish(jake, "First", "École")
	change(t, s, `UPDATE tag_names SET folded = 'École' WHERE folded = 'école'`)
	require.Equal(t, []string{"École"}, s.Publish(jake, "Second", "École").TagList)
	require.Equal(t, []string{"École", "new"}, s.Publish(jake, "Third", "École", "new").TagList)
	require.Equal(t, []string{"first", "second", "third"}, listedUnder(t, s, "École"))
	require.Equal(t, []string{"École"}, s.Publish(jake, "Fourth", "école").TagList)
	requireCounters(t, s)
}
