package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

func setRole(t *testing.T, by servertest.User, username string, role client.Role) *client.SetUserRoleResponse {
	t.Helper()
	return responseOf(by.SetUserRoleWithResponse(t.Context(), username, client.SetRoleRequest{Role: role}))
}

func suspend(t *testing.T, by servertest.User, username, reason string) *client.SuspendUserResponse {
	t.Helper()
	return responseOf(by.SuspendUserWithResponse(t.Context(), username, client.SuspendRequest{Reason: reason}))
}

func TestSetUserRole(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	root, anna := withRole(s, "root", auth.Admin), s.Register("Anna")
	publish := func() int {
		return responseOf(anna.CreateArticleWithResponse(t.Context(), nil, newArticle("A"))).StatusCode()
	}
	require.Equal(t, http.StatusCreated, publish())

	res := setRole(t, root, "anna", client.RoleReader)
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.Equal(t, client.RoleReader, res.JSON200.User.Role)
	require.Equal(t, http.StatusForbidden, publish(), "at once, with the same token")
	requireStatus(t, http.StatusOK, anna.ClientWithResponses)
	require.Equal(t, http.StatusOK, setRole(t, root, "anna", client.RoleReader).StatusCode())
	require.Equal(t, 1, auditCount(t, s), "the repetition was none")

	require.Equal(t, http.StatusOK, setRole(t, root, "anna", client.RoleModerator).StatusCode())
	require.Equal(t, http.StatusOK, responseOf(anna.GetHiddenWithResponse(t.Context(), nil)).StatusCode())
	require.Equal(t, http.StatusForbidden, responseOf(anna.GetUsersWithResponse(t.Context(), nil)).StatusCode())
	require.Equal(t, http.StatusOK, setRole(t, root, "anna", client.RoleAdmin).StatusCode())
	require.Equal(t, http.StatusOK, responseOf(anna.GetUsersWithResponse(t.Context(), nil)).StatusCode())

	for label, res := range map[string]interface{ StatusCode() int }{
		"Role":    setRole(t, root, "ROOT", client.RoleAuthor),
		"Suspend": suspend(t, root, "root", "r"),
	} {
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode(), label)
	}
	require.Equal(t, 3, auditCount(t, s))
}

func TestSuspendUser(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s, there := servertest.New(t, servertest.WithDatabase(url)), servertest.New(t, servertest.WithDatabase(url))
	root, anna := withRole(s, "root", auth.Admin), s.Register("anna")
	key := newKey(t, anna, client.Read)
	article := s.Publish(anna, "Stays")
	login := func() int {
		return responseOf(s.Anonymous.LoginWithResponse(t.Context(), client.LoginUserRequest{User: client.LoginUser{Email: string(anna.Email), Password: servertest.Password}})).StatusCode()
	}
	requireStatus(t, http.StatusOK, there.As(anna.Token))
	requireStatus(t, http.StatusOK, there.As(key.Key))

	res := suspend(t, root, "anna", "Advertising")
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	require.Equal(t, "Advertising", res.JSON200.User.SuspensionReason.MustGet())
	there.Sync()
	for _, credential := range []string{anna.Token, key.Key} {
		requireStatus(t, http.StatusUnauthorized, s.As(credential))
		requireStatus(t, http.StatusUnauthorized, there.As(credential))
	}
	require.Zero(t, count(t, s, `SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.username = 'anna'`))
	require.Equal(t, http.StatusForbidden, login())
	require.Equal(t, http.StatusOK, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), article.Slug, nil)).StatusCode())
	since := res.JSON200.User.SuspendedAt
	require.Equal(t, since, suspend(t, root, "anna", "Fraud").JSON200.User.SuspendedAt, "another reason does not begin it anew")
	suspend(t, root, "anna", "Fraud")
	require.Equal(t, 2, auditCount(t, s))

	for range 2 {
		back := responseOf(root.ReinstateUserWithResponse(t.Context(), "anna"))
		require.Equal(t, http.StatusOK, back.StatusCode(), string(back.Body))
		require.True(t, back.JSON200.User.SuspendedAt.IsNull())
	}
	require.Equal(t, 3, auditCount(t, s))
	require.Equal(t, http.StatusOK, login())
	requireStatus(t, http.StatusUnauthorized, s.As(anna.Token))
	requireStatus(t, http.StatusOK, s.As(key.Key))
}

// TestAdminsAgainstEachOther makes two admins demote each other at once: one
// of them must stay admin, and the log must not have the rejected change.
func TestAdminsAgainstEachOther(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for label, attack := range map[string]func(by servertest.User, username string) int{
		"Demote":  func(by servertest.User, name string) int { return setRole(t, by, name, client.RoleAuthor).StatusCode() },
		"Suspend": func(by servertest.User, name string) int { return suspend(t, by, name, "r").StatusCode() },
	} {
		t.Run(label, func(t *testing.T) {
			s := s.For(t)
			for range 8 {
				both := []servertest.User{withRole(s, "", auth.Admin), withRole(s, "", auth.Admin)}
				change(t, s, `UPDATE users SET role = 'author' WHERE role = 'admin' AND username <> ALL ($1)`, []string{both[0].Username, both[1].Username})
				before := auditCount(t, s)
				statuses := together(2, func(i int) int { return attack(both[i], both[1-i].Username) })
				slices.Sort(statuses)
				require.Equal(t, http.StatusOK, statuses[0])
				// The other one is no admin any more: 403, or 401 without a session.
				require.Contains(t, []int{http.StatusForbidden, http.StatusUnauthorized}, statuses[1])
				require.Equal(t, 1, count(t, s, `SELECT count(*) FROM users WHERE role = 'admin' AND suspended_at IS NULL`))
				require.Equal(t, before+1, auditCount(t, s))
			}
		})
	}
}

func TestGetUsers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	root := withRole(s, "root", auth.Admin)
	for i := range 3 {
		s.Register(fmt.Sprintf("author%d", i))
	}
	withRole(s, "mia", auth.Moderator)
	withRole(s, "rita", auth.Reader)
	suspend(t, root, "author1", "r")
	suspend(t, root, "rita", "r")
	list := func(query string) (names string) {
		next := "/admin/users?limit=2" + query
		for range 9 {
			s.Statements.Reset()
			res, body := s.Do("GET", next, "", signed(root)...)
			n, statements := s.Statements.Reset()
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			require.EqualValues(t, 1, n, statements)
			for _, part := range strings.Split(body, `"username":"`)[1:] {
				names += part[:strings.Index(part, `"`)] + " "
			}
			link := res.Header.Get("Link")
			if link == "" {
				return names
			}
			next = strings.TrimPrefix(link[1:strings.Index(link, ">")], "/api")
		}
		return names + "..."
	}
	for query, want := range map[string]string{
		"":                               "rita mia author2 author1 author0 root ",
		"&role=author":                   "author2 author1 author0 ",
		"&role=moderator":                "mia ",
		"&suspended=true":                "rita author1 ",
		"&suspended=true&role=author":    "author1 ",
		"&suspended=false":               "mia author2 author0 root ",
		"&suspended=false&role=reader":   "",
		"&username=MIA":                  "mia ",
		"&username=mia&role=admin":       "",
		"&username=rita&suspended=false": "",
		"&username=nobody":               "",
	} {
		require.Equal(t, want, list(query), query)
	}
}

// TestAuditLog makes every change that the audit log records, and reads the log.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	root, mia, anna := withRole(s, "root", auth.Admin), withRole(s, "mia", auth.Moderator), s.Register("anna")
	article := s.Publish(anna, "Advertising")
	comment := commentOn(t, anna, article.Slug, "Buy this")
	key := newKey(t, mia, client.Admin)
	hide(t, mia, article.Slug, "A")
	restore(t, mia, article.Slug)
	responseOf(s.As(key.Key).HideCommentWithResponse(t.Context(), article.Slug, comment.Id, client.HideRequest{Reason: "C"}))
	responseOf(mia.RestoreCommentWithResponse(t.Context(), article.Slug, comment.Id))
	responseOf(root.SetUserRoleWithResponse(t.Context(), "anna", client.SetRoleRequest{Role: client.RoleReader, Reason: ptrTo("R")}))
	suspend(t, root, "anna", "S")
	suspension := responseOf(root.ReinstateUserWithResponse(t.Context(), "anna"))

	read := func(p client.GetAuditLogParams) (out []client.AuditEntry) {
		res := responseOf(root.GetAuditLogWithResponse(t.Context(), &p))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		return res.JSON200.Entries
	}
	lines := func(entries []client.AuditEntry) (out []string) {
		text := func(n nullable.Nullable[string]) string { v, _ := n.Get(); return v }
		for _, e := range entries {
			out = append(out, strings.Join([]string{
				text(e.Actor.MustGet().Username), string(e.Action), string(e.Subject.Kind), text(e.Subject.Name), text(e.Reason), text(e.From), text(e.To),
			}, " "))
		}
		return out
	}
	all := read(client.GetAuditLogParams{})
	require.Equal(t, []string{
		"root user.reinstated user anna   ",
		"root user.suspended user anna S  ",
		"root user.role_changed user anna R author reader",
		"mia comment.restored comment advertising   ",
		"mia comment.hidden comment advertising C  ",
		"mia article.restored article advertising   ",
		"mia article.hidden article advertising A  ",
	}, lines(all))
	require.Equal(t, suspension.HTTPResponse.Header.Get("X-Request-Id"), all[0].RequestId.MustGet())
	require.Equal(t, key.ApiKey.Id, all[4].ApiKeyId.MustGet())
	require.True(t, all[3].ApiKeyId.IsNull())

	require.Len(t, read(client.GetAuditLogParams{Actor: ptrTo("MIA")}), 4)
	require.Len(t, read(client.GetAuditLogParams{Actor: ptrTo("nobody")}), 0)
	require.Len(t, read(client.GetAuditLogParams{Subject: ptrTo("anna")}), 3)
	require.Len(t, read(client.GetAuditLogParams{Action: ptrTo(client.UserSuspended)}), 1)
	require.Len(t, read(client.GetAuditLogParams{Actor: ptrTo("mia"), Action: ptrTo(client.ArticleHidden)}), 1)
	first := responseOf(root.GetAuditLogWithResponse(t.Context(), &client.GetAuditLogParams{Limit: ptrTo[int32](3)})).JSON200
	rest := read(client.GetAuditLogParams{Cursor: ptrTo(first.NextCursor.MustGet())})
	require.Equal(t, lines(all), lines(slices.Concat(first.Entries, rest)))

	// The log has no names. Deleting an account deletes the reasons from it.
	change(t, s, `DELETE FROM users WHERE username IN ('anna', 'mia')`)
	for _, e := range read(client.GetAuditLogParams{}) {
		require.True(t, e.Subject.Name.IsNull())
		require.True(t, e.Reason.IsNull())
		require.Positive(t, e.Actor.MustGet().Id)
	}
	require.Equal(t, 7, auditCount(t, s))
}

// TestAdminStatements counts the statements of each operation of admins.
func TestAdminStatements(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	root, anna := withRole(s, "root", auth.Admin), s.Register("anna")
	s.Publish(anna, "A")
	requireStatus(t, http.StatusOK, root.ClientWithResponses) // known from now on
	comment := commentOn(t, anna, "a", "c")
	commentPath := fmt.Sprintf("/articles/a/comments/%d/hidden", comment.Id)
	for _, test := range []struct {
		method, path, body string
		status             int
		statements         int64
	}{
		{"PUT", "/articles/a/hidden", `{"reason":"r"}`, 204, 3},
		{"PUT", "/articles/a/hidden", `{"reason":"r"}`, 204, 2},
		{"GET", "/articles/a", ``, 200, 2},
		{"POST", "/batch/articles", `{"slugs":["a"]}`, 200, 2},
		{"GET", "/moderation/hidden", ``, 200, 1},
		{"DELETE", "/articles/a/hidden", ``, 204, 3},
		{"PUT", commentPath, `{"reason":"r"}`, 204, 3},
		{"GET", "/articles/a/comments", ``, 200, 2},
		{"DELETE", commentPath, ``, 204, 3},
		{"PUT", "/admin/users/anna/role", `{"role":"reader"}`, 200, 3},
		{"PUT", "/admin/users/anna/role", `{"role":"reader"}`, 200, 1},
		{"PUT", "/admin/users/nobody/role", `{"role":"reader"}`, 404, 2},
		{"PUT", "/admin/users/anna/suspension", `{"reason":"r"}`, 200, 3},
		{"DELETE", "/admin/users/anna/suspension", ``, 200, 3},
		{"GET", "/admin/users", ``, 200, 1},
		{"GET", "/admin/audit", ``, 200, 1},
	} {
		s.Statements.Reset()
		res, body := s.Do(test.method, test.path, test.body, signed(root)...)
		n, statements := s.Statements.Reset()
		require.Equal(t, test.status, res.StatusCode, "%s %s: %s", test.method, test.path, body)
		require.Equal(t, test.statements, n, "%s %s: %s", test.method, test.path, strings.Join(statements, "\n\n"))
	}
}
