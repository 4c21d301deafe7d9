package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/diff"
	"github.com/byline-api/byline/api/diff/difftest"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// realTexts have what texts of articles have: other line ends, no line end,
// scripts without spaces, characters of several code points.
var realTexts = []string{
	"First line.\nSecond line.\n",
	"First line.\r\nSecond line.\r\n",
	"First line.\r\nSecond line.\nwithout an end",
	"# 龍の訓練\n\n信じることが必要です。\n第二段落。",
	"# 龍の訓練\n\n信じることが大切です。\n第二段落。\n",
	"A 👩‍👩‍👧 family, e\u0301 and é, \u202ereversed\u202c and a tab\t.\n\n\n",
	"\r\n.\r",
	"--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n\\ No newline at end of file\n",
	"last",
}

// rewrite changes an article and returns the response.
func rewrite(t *testing.T, u servertest.User, slug string, change client.UpdateArticle) client.Article {
	t.Helper()
	res := responseOf(u.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleRequest{Article: change}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Article
}

// saveCopy changes the working copy of an article.
func saveCopy(t *testing.T, u servertest.User, slug string, change client.UpdateArticle) client.Article {
	t.Helper()
	res := responseOf(u.UpdateWorkingCopyWithResponse(t.Context(), slug, nil, client.UpdateArticleRequest{Article: change}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Article
}

// revisions returns all revisions of an article, page by page.
func revisions(t *testing.T, u servertest.User, slug string) (all []client.RevisionSummary) {
	t.Helper()
	params := &client.GetArticleRevisionsParams{Limit: ptrTo(int32(7))}
	for {
		res := responseOf(u.GetArticleRevisionsWithResponse(t.Context(), slug, params))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		all = append(all, res.JSON200.Revisions...)
		if res.JSON200.NextCursor.IsNull() {
			return all
		}
		params.Cursor = ptrTo(res.JSON200.NextCursor.MustGet())
	}
}

// writer returns the name of the author of a revision, or "" if the account no
// longer exists.
func writer(author nullable.Nullable[client.RevisionAuthor]) string {
	if author.IsNull() {
		return ""
	}
	return author.MustGet().Username
}

func numbers(list []client.RevisionSummary) (out []int32) {
	for _, r := range list {
		out = append(out, r.Number)
	}
	return out
}

func revision(t *testing.T, u servertest.User, slug string, n int32) client.Revision {
	t.Helper()
	res := responseOf(u.GetArticleRevisionWithResponse(t.Context(), slug, n, nil))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Revision
}

func TestGetArticleRevisions(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	a := s.Publish(jake, "Dragons", "x")
	require.EqualValues(t, 1, a.Revision)
	require.Equal(t, []int32{1}, numbers(revisions(t, jake, a.Slug)), "the first text is the first revision")

	require.EqualValues(t, 2, rewrite(t, jake, a.Slug, client.UpdateArticle{Title: ptrTo("Dragons"), Body: ptrTo("second")}).Revision)
	require.EqualValues(t, 3, rewrite(t, ed, a.Slug, client.UpdateArticle{TagList: &[]string{"y"}}).Revision)
	require.EqualValues(t, 3, rewrite(t, jake, a.Slug, client.UpdateArticle{TagList: &[]string{"y"}}).Revision, "nothing has changed")
	for i := range 8 {
		rewrite(t, jake, a.Slug, client.UpdateArticle{Description: ptrTo(fmt.Sprint(i))})
	}
	got := revisions(t, ed, a.Slug)
	require.Equal(t, []int32{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, numbers(got))
	for _, r := range got {
		who := "jake"
		if r.Number == 3 {
			who = "ed"
		}
		require.Equal(t, who, writer(r.Author), r.Number)
		require.True(t, r.Published, r.Number)
	}
	second := revision(t, jake, a.Slug, 2)
	require.Equal(t, "second", second.Body)
	require.Equal(t, []string{"x"}, second.TagList)
	require.Equal(t, "About Dragons", second.Description)
	require.Equal(t, []string{"y"}, revision(t, jake, a.Slug, 3).TagList)
	require.Equal(t, a.Body, revision(t, jake, a.Slug, 1).Body)
	require.Equal(t, stamp(a.CreatedAt), stamp(revision(t, jake, a.Slug, 1).CreatedAt))

	var stored int
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT count(*) FROM article_bodies`).Scan(&stored))
	require.Equal(t, 1, stored, "a body that has not changed is not stored again")
	requireCounters(t, s)
}

// TestRevisionsAreConcealed checks that revisions and working copies are only
// for those who may change the article, also if everybody sees the article.
func TestRevisionsAreConcealed(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := s.Publish(jake, "Dragons").Slug
	saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("unpublished")})
	strangers := map[string]servertest.User{"a reader": s.Register("anna"), "a moderator": withRole(s, "mo", auth.Moderator)}
	strangers["an editor's key without admin"] = servertest.User{User: client.User{Token: newKey(t, ed, client.Write).Key}}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/revisions", ""}, {"GET", "/revisions/1", ""}, {"GET", "/revisions/1/diff", ""}, {"POST", "/revisions/1/restore", ""},
		{"GET", "/working-copy", ""}, {"PUT", "/working-copy", `{"article":{"body":"x"}}`}, {"DELETE", "/working-copy", ""},
		{"GET", "/revisions/77", ""}, {"GET", "/revisions/x", ""}, {"GET", "/revisions?limit=0", ""}, {"PUT", "/working-copy", `{"article":{"body":""}}`},
	} {
		for who, u := range strangers {
			res, body := s.Do(c.method, "/articles/"+slug+c.path, c.body, signed(u)...)
			requireProblem(t, 404, problem.NotFoundCode, oneField("article", "not found"), res.StatusCode, body)
			require.NotContains(t, body, "unpublished", who)
		}
		res, _ := s.Do(c.method, "/articles/"+slug+c.path, c.body)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, c.path)
	}
	require.Equal(t, "unpublished", revision(t, ed, slug, 2).Body, "and nothing has changed")
	res, body := s.Do("GET", "/articles/"+slug+"/revisions/77", "", signed(jake)...)
	requireProblem(t, 404, problem.NotFoundCode, oneField("revision", "not found"), res.StatusCode, body)
}

// TestRestoreArticleRevision restores real texts exactly, and stores no body
// twice.
func TestRestoreArticleRevision(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	a := s.Publish(jake, "Dragons", "x")
	for i, text := range realTexts {
		rewrite(t, jake, a.Slug, client.UpdateArticle{Body: &text, Title: ptrTo(fmt.Sprint("Title ", i)), TagList: &[]string{fmt.Sprint("t", i)}})
	}
	for i, text := range realTexts {
		n := int32(i + 2)
		require.Equal(t, text, revision(t, jake, a.Slug, n).Body)
		res := responseOf(ed.RestoreArticleRevisionWithResponse(t.Context(), a.Slug, n, nil))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		got := res.JSON200.Article
		require.Equal(t, text, got.Body)
		require.Equal(t, fmt.Sprint("title-", i), got.Slug)
		require.Equal(t, []string{fmt.Sprint("t", i)}, got.TagList)
		require.EqualValues(t, len(realTexts)+2+i, got.Revision, "restoring makes a revision")
		require.Equal(t, "ed", writer(revision(t, jake, a.Slug, got.Revision).Author))
		require.Equal(t, got.Body, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article.Body)
	}
	var bodies, entries int
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT count(*), (SELECT count(*) FROM audit_log WHERE action = 'article.updated') FROM article_bodies`).Scan(&bodies, &entries))
	require.Equal(t, len(realTexts)+1, bodies)
	require.Equal(t, len(realTexts), entries)
	requireCounters(t, s)

	now := responseOf(jake.GetArticleWithResponse(t.Context(), a.Slug, nil))
	res := responseOf(jake.RestoreArticleRevisionWithResponse(t.Context(), a.Slug, now.JSON200.Article.Revision, nil))
	require.Equal(t, now.JSON200.Article, res.JSON200.Article, "restoring the present text changes nothing")
	stale := now.HTTPResponse.Header.Get("ETag")
	rewrite(t, ed, a.Slug, client.UpdateArticle{Body: ptrTo("by the other one")})
	res = responseOf(jake.RestoreArticleRevisionWithResponse(t.Context(), a.Slug, 1, &client.RestoreArticleRevisionParams{IfMatch: &stale}))
	require.Equal(t, http.StatusPreconditionFailed, res.StatusCode())
	require.Equal(t, "by the other one", responseOf(jake.GetArticleWithResponse(t.Context(), a.Slug, nil)).JSON200.Article.Body)
}

// TestGetArticleRevisionDiff applies each difference to the text before, which
// gives the text after, byte by byte.
func TestGetArticleRevisionDiff(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	a := s.Publish(jake, "Dragons")
	texts := []string{"", a.Body}
	for _, text := range realTexts {
		rewrite(t, jake, a.Slug, client.UpdateArticle{Body: &text})
		texts = append(texts, text)
	}
	for from := 1; from < len(texts); from++ {
		for to := 1; to < len(texts); to++ {
			path := fmt.Sprintf("/articles/%s/revisions/%d/diff?against=%d", a.Slug, to, from)
			if from == to-1 {
				path, _, _ = strings.Cut(path, "?") // the one before is the default
			}
			res, body := s.Do("GET", path, "", signed(jake)...)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			require.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
			require.Equal(t, texts[to], difftest.Apply(t, texts[from], body, "body"), path)
			if from == to {
				require.Empty(t, body)
			}
		}
	}
	_, body := s.Do("GET", "/articles/"+a.Slug+"/revisions/1/diff", "", signed(jake)...)
	require.Contains(t, body, "--- /dev/null\n+++ 1/title\n@@ -0,0 +1 @@\n+Dragons\n")
	require.Equal(t, a.Body, difftest.Apply(t, "", body, "body"))
	require.Equal(t, "About Dragons", difftest.Apply(t, "", body, "description"))

	rewrite(t, jake, a.Slug, client.UpdateArticle{TagList: &[]string{"x", "y"}})
	_, body = s.Do("GET", fmt.Sprintf("/articles/%s/revisions/%d/diff", a.Slug, len(texts)), "", signed(jake)...)
	require.Equal(t, fmt.Sprintf("--- %[1]d/tagList\n+++ %[2]d/tagList\n@@ -0,0 +1,2 @@\n+x\n+y\n", len(texts)-1, len(texts)), body)
	res, body := s.Do("GET", "/articles/"+a.Slug+"/revisions/2/diff?against=77", "", signed(jake)...)
	requireProblem(t, 404, problem.NotFoundCode, oneField("revision", "not found"), res.StatusCode, body)

	_, err := s.DB.Exec(t.Context(), `UPDATE articles SET body = repeat(E'\n', 100001) WHERE slug = $1`, a.Slug)
	require.NoError(t, err)
	res, body = s.Do("GET", fmt.Sprintf("/articles/%s/revisions/%d/diff", a.Slug, len(texts)+1), "", signed(jake)...)
	require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
	require.Contains(t, body, fmt.Sprintf("more than %d lines", diff.MaxLines))
}

// TestRevisionsOfPreviousVersion checks that the statements of the previous
// version make revisions too, in the name of the author.
func TestRevisionsOfPreviousVersion(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := s.Publish(jake, "Dragons", "x").Slug
	rewrite(t, ed, slug, client.UpdateArticle{Body: ptrTo("by the editor")})
	previous := func(body *string, tags []string) {
		_, err := s.DB.Exec(t.Context(), `UPDATE articles SET
			slug = COALESCE($1, slug), title = COALESCE($2, title), description = COALESCE($3, description), body = COALESCE($4, body),
			tags = COALESCE($5::text[], tags), version = version + 1, updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
			WHERE id = (SELECT id FROM articles WHERE slug = $6) AND set_config('byline.account_storage', '1000000', true) IS NOT NULL`,
			nil, nil, nil, body, tags, slug)
		require.NoError(t, err)
	}
	previous(ptrTo("by an older replica"), nil)
	previous(nil, []string{"y"})
	got := revisions(t, jake, slug)
	require.Equal(t, []int32{4, 3, 2, 1}, numbers(got))
	for i, want := range []string{"jake", "jake", "ed", "jake"} {
		require.Equal(t, want, writer(got[i].Author))
	}
	require.Equal(t, "by an older replica", revision(t, jake, slug, 3).Body)
	require.Equal(t, []string{"x"}, revision(t, jake, slug, 3).TagList)
	require.Equal(t, "by the editor", revision(t, jake, slug, 2).Body)
	_, err := s.DB.Exec(t.Context(), `UPDATE articles SET favorites_count = favorites_count WHERE slug = $1`, slug)
	require.NoError(t, err)
	require.Len(t, revisions(t, jake, slug), 4)
	requireCounters(t, s)
}

// TestRevisionsOfFormerUsers checks that revisions outlive the account of an
// editor, end with the article, and keep their authors under a new author.
func TestRevisionsOfFormerUsers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	ed, mo := withRole(s, "ed", auth.Editor), withRole(s, "mo", auth.Editor)
	slug := s.Publish(jake, "Dragons").Slug
	rewrite(t, ed, slug, client.UpdateArticle{Body: ptrTo("by ed")})
	rewrite(t, mo, slug, client.UpdateArticle{Body: ptrTo("by mo")})
	written := stamp(revision(t, jake, slug, 3).CreatedAt)
	require.EqualValues(t, 3, rewrite(t, mo, slug, client.UpdateArticle{Author: ptrTo("anna")}).Revision)
	require.Equal(t, written, stamp(revision(t, anna, slug, 3).CreatedAt))
	rewrite(t, anna, slug, client.UpdateArticle{Body: ptrTo("by anna")})
	_, err := s.DB.Exec(t.Context(), `UPDATE users SET suspended_at = now(), suspended_reason = 'r' WHERE username = 'ed'`)
	require.NoError(t, err)
	_, err = s.DB.Exec(t.Context(), `DELETE FROM users WHERE username = 'mo'`)
	require.NoError(t, err)
	got := revisions(t, anna, slug)
	require.Equal(t, []int32{4, 3, 2, 1}, numbers(got))
	require.Equal(t, "anna", writer(got[0].Author))
	require.Empty(t, writer(got[1].Author))
	require.Equal(t, "ed", writer(got[2].Author))
	require.Equal(t, "jake", writer(got[3].Author))
	require.Equal(t, "by mo", revision(t, anna, slug, 3).Body)
	requireCounters(t, s)

	saveCopy(t, anna, slug, client.UpdateArticle{Body: ptrTo("never published")})
	_, err = s.DB.Exec(t.Context(), `DELETE FROM users WHERE username = 'anna'`)
	require.NoError(t, err)
	var left int
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM article_revisions) + (SELECT count(*) FROM article_bodies) + (SELECT count(*) FROM working_copies)`).Scan(&left))
	require.Zero(t, left)
	requireCounters(t, s)
}

// TestRevisionsOfHiddenArticle checks that a moderator who has hidden an
// article sees none of its older texts, and that the author does.
func TestRevisionsOfHiddenArticle(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, mo := s.Register("jake"), withRole(s, "mo", auth.Moderator)
	slug := s.Publish(jake, "Dragons").Slug
	saveCopy(t, jake, slug, client.UpdateArticle{Body: ptrTo("unpublished")})
	require.Equal(t, http.StatusNoContent, responseOf(mo.HideArticleWithResponse(t.Context(), slug, client.HideRequest{Reason: "r"})).StatusCode())
	require.Equal(t, http.StatusNotFound, responseOf(mo.GetArticleRevisionsWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Len(t, revisions(t, jake, slug), 2)
	res := publishArticle(t, jake, slug, client.PublishRequest{})
	require.Equal(t, "unpublished", res.JSON200.Article.Body)
	require.Equal(t, http.StatusNotFound, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), slug, nil)).StatusCode(), "it stays hidden")
	requireCounters(t, s)
}

// TestSameBodyAgain writes a body that an article had before, and checks that
// every revision keeps its text: the same text has several numbers.
func TestSameBodyAgain(t *testing.T) {
	t.Parallel()
	for label, again := range map[string]func(s *servertest.Service, u servertest.User, slug string, first, title string){
		"Restored": func(_ *servertest.Service, u servertest.User, slug string, first, title string) {
			rewrite(t, u, slug, client.UpdateArticle{Body: ptrTo("other")})
			rewrite(t, u, slug, client.UpdateArticle{Body: &first})
			rewrite(t, u, slug, client.UpdateArticle{Title: &title})
			restored := responseOf(u.RestoreArticleRevisionWithResponse(t.Context(), slug, 1, nil))
			require.Equal(t, http.StatusOK, restored.StatusCode(), string(restored.Body))
		},
		"RestoredAll": func(_ *servertest.Service, u servertest.User, slug string, first, title string) {
			rewrite(t, u, slug, client.UpdateArticle{Body: ptrTo("other")})
			rewrite(t, u, slug, client.UpdateArticle{Body: &first, Title: &title})
			rewrite(t, u, slug, client.UpdateArticle{Title: ptrTo("Shown")})
			restored := responseOf(u.RestoreArticleRevisionWithResponse(t.Context(), slug, 1, nil))
			require.Equal(t, http.StatusOK, restored.StatusCode(), string(restored.Body))
		},
		"Published": func(s *servertest.Service, u servertest.User, slug string, first, title string) {
			saveCopy(t, u, slug, client.UpdateArticle{Body: ptrTo("other")})
			saveCopy(t, u, slug, client.UpdateArticle{Body: &first})
			saveCopy(t, u, slug, client.UpdateArticle{Title: &title})
			publishIt(t, u, slug, client.PublishRequest{})
		},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t)
			jake := s.Register("jake")
			shown := s.Publish(jake, "Shown")
			again(s, jake, shown.Slug, shown.Body, "Another title")
			requireCounters(t, s)
			for _, n := range numbers(revisions(t, jake, shown.Slug)) {
				want := shown.Body
				if n == 2 {
					want = "other"
				}
				require.Equal(t, want, revision(t, jake, shown.Slug, n).Body, n)
			}
		})
	}
}
