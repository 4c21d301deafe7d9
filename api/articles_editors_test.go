package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// editBody changes the body of an article.
func editBody(t *testing.T, by *client.ClientWithResponses, slug, body string) *client.UpdateArticleResponse {
	t.Helper()
	return responseOf(by.UpdateArticleWithResponse(t.Context(), slug, nil,
		client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Body: &body}}))
}

// auditActions returns the actions of the audit log with their actors, the
// oldest first.
func auditActions(t *testing.T, s *servertest.Service) (actions []string) {
	t.Helper()
	rows, err := s.DB.Query(t.Context(), `SELECT u.username || ' ' || l.action FROM audit_log l JOIN users u ON u.id = l.actor_id ORDER BY l.id`)
	require.NoError(t, err)
	for rows.Next() {
		var action string
		require.NoError(t, rows.Scan(&action))
		actions = append(actions, action)
	}
	require.NoError(t, rows.Err())
	return actions
}

// TestEditors checks that editors see, change and delete the articles of
// everybody, and that the audit log has what they did to those of others.
func TestEditors(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := s.Publish(jake, "Shown", "a").Slug
	draft := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{Article: client.NewArticle{
		Title: "A draft", Description: "d", Body: "b", Status: ptrTo(client.StatusDraft),
	}}))
	require.Equal(t, http.StatusCreated, draft.StatusCode(), string(draft.Body))

	for _, slug := range []string{slug, "a-draft"} {
		got := responseOf(ed.GetArticleWithResponse(t.Context(), slug, nil))
		require.Equal(t, http.StatusOK, got.StatusCode(), string(got.Body))
		tag := got.HTTPResponse.Header.Get("ETag")
		res := responseOf(ed.UpdateArticleWithResponse(t.Context(), slug, &client.UpdateArticleParams{IfMatch: &tag},
			client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: ptrTo("Edited " + slug), TagList: &[]string{"b"}}}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		require.Equal(t, "edited-"+slug, res.JSON200.Article.Slug)
		require.Equal(t, "jake", res.JSON200.Article.Author.Username, "an edit does not change the author")
		require.Equal(t, got.JSON200.Article.Status, res.JSON200.Article.Status)
		stale := responseOf(ed.DeleteArticleWithResponse(t.Context(), slug, &client.DeleteArticleParams{IfMatch: &tag}))
		require.Equal(t, http.StatusPreconditionFailed, stale.StatusCode(), string(stale.Body))
	}
	requireCounters(t, s)
	unchanged := responseOf(ed.UpdateArticleWithResponse(t.Context(), slug, nil, client.UpdateArticleJSONRequestBody{}))
	require.Equal(t, http.StatusOK, unchanged.StatusCode(), string(unchanged.Body))
	for _, slug := range []string{slug, "a-draft"} {
		require.Equal(t, http.StatusNoContent, responseOf(ed.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
		require.Equal(t, http.StatusNotFound, responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	}
	requireCounters(t, s)
	require.Equal(t, []string{"ed article.updated", "ed article.updated", "ed article.deleted", "ed article.deleted"}, auditActions(t, s))

	own := s.Publish(ed, "By an editor").Slug
	require.Equal(t, http.StatusOK, editBody(t, ed.ClientWithResponses, own, "x").StatusCode())
	require.Equal(t, http.StatusNoContent, responseOf(ed.DeleteArticleWithResponse(t.Context(), own, nil)).StatusCode())
	require.Equal(t, 4, auditCount(t, s), "what editors do to their own articles is not in the log")
}

// TestEditorsKeys checks that the key of an editor needs the scope admin to
// change the articles of others.
func TestEditorsKeys(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	slug := s.Publish(jake, "Shown").Slug
	for scope, want := range map[client.Scope]int{client.Read: 403, client.Write: 403, client.Admin: 200} {
		res := editBody(t, s.As(newKey(t, ed, scope).Key), slug, "by a key")
		require.Equal(t, want, res.StatusCode(), "%s: %s", scope, res.Body)
	}
	key := s.As(newKey(t, ed, client.Write).Key)
	require.Equal(t, 200, editBody(t, key, s.Publish(ed, "Own").Slug, "x").StatusCode())
	require.Equal(t, 403, responseOf(key.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, []string{"ed article.updated"}, auditActions(t, s))
}

// TestActsOfRevokedEditors checks that an editor whose session was ended on
// another replica cannot change the articles of others any more.
func TestActsOfRevokedEditors(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	here, there := servertest.New(t, servertest.WithDatabase(url)), servertest.New(t, servertest.WithDatabase(url))
	jake, ed := here.Register("jake"), withRole(here, "ed", auth.Editor)
	slug := here.Publish(jake, "Shown").Slug
	requireStatus(t, http.StatusOK, ed.ClientWithResponses)
	require.Equal(t, 204, responseOf(there.As(ed.Token).DeleteSessionsWithResponse(t.Context())).StatusCode())
	require.Equal(t, 401, editBody(t, ed.ClientWithResponses, slug, "too late").StatusCode())
	require.Equal(t, 401, responseOf(ed.DeleteArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Zero(t, auditCount(t, here))
	require.NotEqual(t, "too late", responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).JSON200.Article.Body)
}

// TestEditorsTogether has editors and the author change and delete the same
// articles at the same time, while an admin suspends and reinstates an editor.
func TestEditorsTogether(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake, root := s.Register("jake"), withRole(s, "root", auth.Admin)
	people := []servertest.User{jake, withRole(s, "ed", auth.Editor), withRole(s, "mo", auth.Editor), withRole(s, "guest", auth.Editor)}
	for round := range 6 {
		first, second := s.Publish(jake, fmt.Sprint("First ", round), "a", "b").Slug, s.Publish(root, fmt.Sprint("Second ", round), "b").Slug
		for i, status := range together(16, func(i int) int {
			by := people[(i+round)%len(people)]
			switch {
			case i == 12:
				return reattribute(t, by.ClientWithResponses, first, "root").StatusCode()
			case i == 13:
				return reattribute(t, by.ClientWithResponses, second, "jake").StatusCode()
			case i == 14:
				return suspend(t, root, "guest", "r").StatusCode()
			case i == 15:
				return responseOf(root.ReinstateUserWithResponse(t.Context(), "guest")).StatusCode()
			case i > 9:
				return responseOf(by.DeleteArticleWithResponse(t.Context(), []string{first, second}[i%2], nil)).StatusCode()
			}
			return editBody(t, by.ClientWithResponses, []string{first, second}[i/2%2], fmt.Sprint("body ", i)).StatusCode()
		}) {
			require.Less(t, status, 500, i)
		}
		requireCounters(t, s)
	}
}

// reattribute gives an article another author.
func reattribute(t *testing.T, by *client.ClientWithResponses, slug, name string) *client.UpdateArticleResponse {
	t.Helper()
	return responseOf(by.UpdateArticleWithResponse(t.Context(), slug, nil,
		client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Author: &name}}))
}

// TestReattribute gives articles another author, and checks that the lists, the
// counts and the feeds of both authors follow.
func TestReattribute(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, ed, fan := s.Register("jake"), s.Register("anna"), withRole(s, "ed", auth.Editor), s.Register("fan")
	responseOf(fan.FollowUserByUsernameWithResponse(t.Context(), "anna"))
	a := s.Publish(jake, "Shared", "a", "b")
	old := s.Publish(jake, "Kept")
	responseOf(fan.CreateArticleFavoriteWithResponse(t.Context(), a.Slug))
	responseOf(jake.CreateArticleFavoriteWithResponse(t.Context(), a.Slug))
	commentOn(t, jake, a.Slug, "by the author")
	listed := func(author string) (slugs []string) {
		list := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Author: &author})).JSON200
		require.EqualValues(t, len(list.Articles), list.ArticlesCount)
		for _, l := range list.Articles {
			require.Equal(t, author, l.Author.Username)
			slugs = append(slugs, l.Slug)
		}
		return slugs
	}
	feed := func() int { return len(responseOf(fan.GetArticlesFeedWithResponse(t.Context(), nil)).JSON200.Articles) }
	require.Equal(t, []string{old.Slug, a.Slug}, listed("jake"))
	require.Empty(t, listed("anna"))
	require.Zero(t, feed())

	before := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil))
	res := responseOf(ed.UpdateArticleWithResponse(t.Context(), a.Slug, nil, client.UpdateArticleJSONRequestBody{
		Article: client.UpdateArticle{Author: ptrTo("ANNA"), Body: ptrTo("longer than before"), TagList: &[]string{"b", "c"}},
	}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.Equal(t, "anna", res.JSON200.Article.Author.Username)
	require.Equal(t, before.JSON200.Article.PublishedAt, res.JSON200.Article.PublishedAt)
	require.Equal(t, []string{old.Slug}, listed("jake"))
	require.Equal(t, []string{a.Slug}, listed("anna"))
	require.Equal(t, 1, feed())
	got := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), a.Slug, nil))
	require.Equal(t, "anna", got.JSON200.Article.Author.Username)
	require.NotEqual(t, before.HTTPResponse.Header.Get("ETag"), got.HTTPResponse.Header.Get("ETag"))
	require.EqualValues(t, 2, got.JSON200.Article.FavoritesCount)
	favorited := responseOf(s.Anonymous.GetArticlesWithResponse(t.Context(), &client.GetArticlesParams{Favorited: ptrTo("jake")})).JSON200
	require.Equal(t, "anna", favorited.Articles[0].Author.Username)
	requireCounters(t, s)
	require.Equal(t, http.StatusForbidden, editBody(t, jake.ClientWithResponses, a.Slug, "x").StatusCode())
	require.Equal(t, http.StatusOK, editBody(t, anna.ClientWithResponses, a.Slug, "y").StatusCode())

	// Hidden articles and drafts are counted differently.
	mia := withRole(s, "mia", auth.Moderator)
	hide(t, mia, a.Slug, "r")
	require.Equal(t, http.StatusOK, reattribute(t, ed.ClientWithResponses, a.Slug, "jake").StatusCode())
	requireCounters(t, s)
	restore(t, mia, a.Slug)
	requireCounters(t, s)
	change(t, s, `UPDATE articles SET author_id = (SELECT id FROM users WHERE username = 'anna'), hidden = true, status = 'draft', published_at = NULL`)
	requireCounters(t, s)
	change(t, s, `UPDATE articles SET author_id = (SELECT id FROM users WHERE username = 'ed'), hidden = false, status = 'published', published_at = now(), title = title || '!'`)
	requireCounters(t, s)

	ids := func(name string) string {
		return fmt.Sprint(count(t, s, `SELECT id FROM users WHERE username = $1`, name))
	}
	log := responseOf(withRole(s, "root", auth.Admin).GetAuditLogWithResponse(t.Context(), &client.GetAuditLogParams{Action: ptrTo(client.ArticleReattributed)})).JSON200
	require.Len(t, log.Entries, 2)
	require.Equal(t, []string{ids("jake"), ids("anna")}, []string{log.Entries[1].From.MustGet(), log.Entries[1].To.MustGet()})
	require.Equal(t, []string{"ed article.reattributed", "ed article.updated", "mia article.hidden", "ed article.reattributed", "mia article.restored"}, auditActions(t, s))
}

// TestReattributeRefused checks who may name an author, and whom.
func TestReattributeRefused(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithAccountStorage(1000))
	jake, ed := s.Register("jake"), withRole(s, "ed", auth.Editor)
	s.Register("anna")
	slug := s.Publish(jake, "Shared").Slug
	post := func(by *client.ClientWithResponses, name string) *client.CreateArticleResponse {
		return responseOf(by.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{
			Article: client.NewArticle{Title: "For another", Description: "d", Body: "b", Author: &name},
		}))
	}
	for label, test := range map[string]struct {
		by     *client.ClientWithResponses
		slug   string
		name   string
		status int
		body   string
	}{
		"Author":       {jake.ClientWithResponses, slug, "anna", 403, `"role":["requires the role editor or higher"]`},
		"ToOneself":    {jake.ClientWithResponses, slug, "jake", 403, `role_insufficient`},
		"Moderator":    {withRole(s, "mia", auth.Moderator).ClientWithResponses, slug, "anna", 403, `forbidden`},
		"KeyOfEditor":  {s.As(newKey(t, ed, client.Write).Key), s.Publish(ed, "Own").Slug, "anna", 403, `"token":["lacks the scope admin"]`},
		"Nobody":       {ed.ClientWithResponses, slug, "nobody", 422, `"author":["does not exist"]`},
		"NobodyAuthor": {jake.ClientWithResponses, slug, "nobody", 403, `role_insufficient`},
		"NoName":       {ed.ClientWithResponses, slug, "", 422, `"author":["can't be blank"]`},
	} {
		res := reattribute(t, test.by, test.slug, test.name)
		require.Equal(t, test.status, res.StatusCode(), "%s: %s", label, res.Body)
		require.Contains(t, string(res.Body), test.body, label)
		if label != "Moderator" {
			res := post(test.by, test.name)
			require.Equal(t, test.status, res.StatusCode(), "%s: %s", label, res.Body)
			require.Contains(t, string(res.Body), test.body, label)
		}
	}
	require.Zero(t, auditCount(t, s))

	// An object, as in responses, has no effect.
	for _, author := range []string{`{"username":"anna"}`, `{}`} {
		for _, by := range []servertest.User{jake, ed} {
			res, body := s.Do("PUT", "/articles/"+slug, `{"article":{"description":"x","author":`+author+`}}`, signed(by)...)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			require.Equal(t, "body.article.author", res.Header.Get("X-Byline-Ignored"))
			require.Contains(t, body, `"username":"jake"`)
		}
	}
	for _, author := range []string{`7`, `null`, `[]`, `["anna"]`} {
		res, body := s.Do("PUT", "/articles/"+slug, `{"article":{"author":`+author+`}}`, signed(ed)...)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, body)
		require.Contains(t, body, `"errors":{"author":[`)
	}

	// The text counts for the new author, who has too much.
	long := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Long")))
	change(t, s, `UPDATE users SET stored_bytes = stored_bytes + 999 WHERE username = 'anna'`)
	full := reattribute(t, ed.ClientWithResponses, long.JSON201.Article.Slug, "anna")
	require.Equal(t, http.StatusUnprocessableEntity, full.StatusCode(), string(full.Body))
	require.Contains(t, string(full.Body), `"storage":["maximum of 1000 bytes reached"]`)
}

// TestCreateForAnother publishes in the name of another user.
func TestCreateForAnother(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	ed := withRole(s, "ed", auth.Editor)
	anna := s.Register("anna")
	responseOf(ed.FollowUserByUsernameWithResponse(t.Context(), "anna"))
	in := newArticle("For anna", "a")
	in.Article.Author = ptrTo("anna")
	created := responseOf(ed.CreateArticleWithResponse(t.Context(), &client.CreateArticleParams{IdempotencyKey: ptrTo("k")}, in))
	require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
	require.Equal(t, "anna", created.JSON201.Article.Author.Username)
	require.True(t, created.JSON201.Article.Author.Following)
	again := responseOf(ed.CreateArticleWithResponse(t.Context(), &client.CreateArticleParams{IdempotencyKey: ptrTo("k")}, in))
	require.Equal(t, created.Body, again.Body)
	in.Article.Author = ptrTo("ed")
	own := responseOf(ed.CreateArticleWithResponse(t.Context(), nil, in))
	require.Equal(t, "for-anna", created.JSON201.Article.Slug)
	require.Equal(t, "ed", own.JSON201.Article.Author.Username)
	require.Equal(t, http.StatusOK, editBody(t, anna.ClientWithResponses, "for-anna", "x").StatusCode())
	require.Equal(t, []string{"ed article.created_for"}, auditActions(t, s))
	requireCounters(t, s)
}

// TestReattributeDraft gives a draft another author, who finds it by its slug
// then, while the author that it had does not.
func TestReattributeDraft(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, ed := s.Register("jake"), s.Register("anna"), withRole(s, "ed", auth.Editor)
	slug := newDraft(t, jake, "Secret plan")
	require.Equal(t, http.StatusOK, reattribute(t, ed.ClientWithResponses, slug, "anna").StatusCode())
	require.Equal(t, http.StatusNotFound, responseOf(jake.GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
	require.Equal(t, http.StatusNotFound, editBody(t, jake.ClientWithResponses, slug, "x").StatusCode())
	require.Equal(t, http.StatusOK, editBody(t, anna.ClientWithResponses, slug, "x").StatusCode())
	requireCounters(t, s)

	// Another draft with the same slug gets another one.
	again := newDraft(t, jake, "Secret plan")
	require.Equal(t, slug, again)
	change(t, s, `UPDATE users SET role = 'editor' WHERE username = 'jake'`)
	jake = signedIn(t, s, "jake")
	moved := reattribute(t, jake.ClientWithResponses, slug, "anna")
	require.Equal(t, http.StatusOK, moved.StatusCode(), string(moved.Body))
	require.Equal(t, "anna", moved.JSON200.Article.Author.Username)
	require.Equal(t, "b", moved.JSON200.Article.Body)
	require.NotEqual(t, slug, moved.JSON200.Article.Slug)
	got := responseOf(anna.GetArticleWithResponse(t.Context(), moved.JSON200.Article.Slug, nil))
	require.Equal(t, http.StatusOK, got.StatusCode())
	require.Equal(t, "b", got.JSON200.Article.Body)
	requireCounters(t, s)
}

// TestDraftForAnother checks that an editor who has a draft with the same title
// gets the one that was created.
func TestDraftForAnother(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	ed := withRole(s, "ed", auth.Editor)
	s.Register("anna")
	newDraft(t, ed, "Plan")
	created := responseOf(ed.CreateArticleWithResponse(t.Context(), nil, client.NewArticleRequest{Article: client.NewArticle{
		Title: "Plan", Description: "d", Body: "by anna", Status: ptrTo(client.StatusDraft), Author: ptrTo("anna"),
	}}))
	require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
	require.Equal(t, "anna", created.JSON201.Article.Author.Username)
}
