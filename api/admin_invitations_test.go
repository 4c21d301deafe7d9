package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	openapi_types "github.com/oapi-codegen/runtime/types"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

const subjectInvitation = "You are invited to register"

// invite invites an address.
func invite(t *testing.T, by servertest.User, email string, role client.Role) *client.CreateInvitationResponse {
	t.Helper()
	return responseOf(by.CreateInvitationWithResponse(t.Context(), nil, client.NewInvitationRequest{Email: openapi_types.Email(email), Role: role}))
}

// inviteFor invites an address and returns the id and the token that is mailed.
func inviteFor(t *testing.T, s *servertest.Service, by servertest.User, email string, role client.Role) (id int64, token string) {
	t.Helper()
	seen := 0
	for _, m := range s.Mail.Shown() {
		if m.To == email && m.Subject == subjectInvitation {
			seen++
		}
	}
	res := invite(t, by, email, role)
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return res.JSON201.Invitation.Id, mailed(t, s, email, subjectInvitation, seen).Action
}

// joinWith registers with an invitation.
func joinWith(t *testing.T, s *servertest.Service, name, email, token string, header ...string) (int, string) {
	t.Helper()
	res, body := s.Do(http.MethodPost, "/users",
		fmt.Sprintf(`{"user":{"username":%q,"email":%q,"password":%q,"invitation":%q}}`, name, email, servertest.Password, token), header...)
	return res.StatusCode, body
}

var (
	badInvitation     = oneField("invitation", "is invalid, has been used or has expired")
	foreignInvitation = oneField("invitation", "is for another e-mail address")
)

// pendingEmails lists the invitations that can be used, page by page.
func pendingEmails(t *testing.T, by servertest.User) (emails []string) {
	t.Helper()
	params := &client.GetInvitationsParams{Limit: ptrTo[int32](2)}
	for range 9 {
		res := responseOf(by.GetInvitationsWithResponse(t.Context(), params))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		for _, i := range res.JSON200.Invitations {
			emails = append(emails, i.Email)
		}
		if res.JSON200.NextCursor.IsNull() {
			return emails
		}
		params.Cursor = ptrTo(res.JSON200.NextCursor.MustGet())
	}
	return append(emails, "...")
}

func TestCreateInvitation(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing(), registering(signin.InvitedRegistration), servertest.WithDatabase(withAdmin(t)))
	root := signedIn(t, s, "root")

	t.Run("Success", func(t *testing.T) {
		s := s.For(t)
		res := invite(t, root, "Anna@example.com", client.RoleEditor)
		require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
		i := res.JSON201.Invitation
		require.Equal(t, "root", i.InvitedBy)
		require.Equal(t, client.RoleEditor, i.Role)
		require.InDelta(t, 7*24, i.ExpiresAt.Sub(i.CreatedAt).Hours(), 0.01)
		mail := mailed(t, s, "Anna@example.com", subjectInvitation, 0)
		require.Contains(t, mail.Text, mail.Action)
		require.Zero(t, count(t, s, `SELECT count(*) FROM invitations i WHERE strpos(i::text, $1) > 0`, mail.Action), "the token is stored nowhere")
		require.Equal(t, []string{"Anna@example.com"}, pendingEmails(t, root))

		status, body := joinWith(t, s, "anna", "anna@example.com", " "+strings.ToUpper(mail.Action)+"\n")
		require.Equal(t, http.StatusCreated, status, body)
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM users WHERE username = 'anna' AND role = 'editor' AND email_verified_at IS NOT NULL`))
		require.Zero(t, count(t, s, `SELECT count(*) FROM mails WHERE kind = 'verify_email'`), "the address is verified")
		require.Empty(t, pendingEmails(t, root))
		status, body = joinWith(t, s, "anna2", "anna@example.com", mail.Action)
		requireProblem(t, 422, problem.ValidationFailed, badInvitation, status, body)
		require.Equal(t, []string{"root invitation.created", "anna invitation.accepted"}, auditActions(t, s))
		require.Equal(t, 2, count(t, s, `SELECT count(*) FROM audit_log WHERE subject_kind = 'invitation' AND subject_id = $1 AND changed_to = 'editor'`, i.Id))
	})

	t.Run("Refused", func(t *testing.T) {
		s := s.For(t)
		_, token := inviteFor(t, s, root, "ben@example.com", client.RoleAdmin)
		for _, bad := range []string{"nonsense", strings.Repeat("a", 26), token[:25]} {
			// A name and an address that are taken must not be told from others.
			for _, name := range []string{"root", "nobody"} {
				status, body := joinWith(t, s, name, name+"@example.com", bad)
				requireProblem(t, 422, problem.ValidationFailed, badInvitation, status, body)
			}
		}
		for _, name := range []string{"root", "eve"} { // the mail was forwarded
			status, body := joinWith(t, s, name, name+"@example.com", token)
			requireProblem(t, 422, problem.ValidationFailed, foreignInvitation, status, body)
		}
		status, body := joinWith(t, s, "root", "ben@example.com", token)
		requireProblem(t, 409, problem.AlreadyTaken, oneField("username", problem.Taken), status, body)
		require.Zero(t, count(t, s, `SELECT count(*) FROM users WHERE username IN ('ben', 'eve')`))
		status, body = joinWith(t, s, "ben", "BEN@example.com", token)
		require.Equal(t, http.StatusCreated, status, "a refusal does not use the invitation: %s", body)
	})

	t.Run("Ended", func(t *testing.T) {
		s := s.For(t)
		for label, end := range map[string]func(id int64){
			"Withdrawn": func(id int64) {
				require.Equal(t, 204, responseOf(root.DeleteInvitationWithResponse(t.Context(), id)).StatusCode())
				require.Equal(t, 404, responseOf(root.DeleteInvitationWithResponse(t.Context(), id)).StatusCode())
			},
			"Expired": func(id int64) {
				change(t, s, `UPDATE invitations SET expires_at = now() - interval '1 second' WHERE id = $1`, id)
			},
			"Registered": func(int64) {
				change(t, s, `INSERT INTO users (username, email, password_hash) VALUES ('carla', 'CARL@example.com', '')`)
			},
			"Replaced": func(int64) {
				_, token := inviteFor(t, s, root, "carl@example.com", client.RoleReader)
				require.NotEmpty(t, token)
			},
		} {
			id, token := inviteFor(t, s, root, "carl@example.com", client.RoleEditor)
			end(id)
			status, body := joinWith(t, s, "carl", "carl@example.com", token)
			requireProblem(t, 422, problem.ValidationFailed, badInvitation, status, body)
			require.NotContains(t, pendingEmails(t, root), map[bool]string{true: "", false: "carl@example.com"}[label == "Replaced"], label)
			change(t, s, `DELETE FROM users WHERE username = 'carla'`)
			change(t, s, `DELETE FROM invitations`)
			change(t, s, `DELETE FROM mails`) // an address is sent five an hour
		}
		_, err := api.ExpireInvitations(t.Context(), s.DB)
		require.NoError(t, err)
	})

	t.Run("Taken", func(t *testing.T) {
		s := s.For(t)
		res := invite(t, root, "ROOT@example.com", client.RoleAuthor)
		requireProblem(t, 409, problem.AlreadyTaken, oneField("email", problem.Taken), res.StatusCode(), string(res.Body))
		require.Zero(t, count(t, s, `SELECT count(*) FROM mails WHERE recipient = 'ROOT@example.com'`))
	})

	t.Run("Idempotent", func(t *testing.T) {
		s := s.For(t)
		params := &client.CreateInvitationParams{IdempotencyKey: ptrTo("k")}
		in := client.NewInvitationRequest{Email: "dora@example.com", Role: client.RoleAuthor}
		first := responseOf(root.CreateInvitationWithResponse(t.Context(), params, in))
		again := responseOf(root.CreateInvitationWithResponse(t.Context(), params, in))
		require.Equal(t, first.Body, again.Body)
		token := mailed(t, s, "dora@example.com", subjectInvitation, 0).Action
		require.Equal(t, 1, count(t, s, `SELECT count(*) FROM mails WHERE recipient = 'dora@example.com'`))
		var bodies [2]string
		for i := range bodies {
			status, body := joinWith(t, s, "dora", "dora@example.com", token, "Idempotency-Key", "register")
			require.Equal(t, http.StatusCreated, status, body)
			bodies[i] = body
		}
		require.Equal(t, bodies[0], bodies[1])
	})
}

// withAdmin returns a database that has the admin root, for services on which
// nobody can register.
func withAdmin(t *testing.T) string {
	t.Helper()
	url := dbtest.URL(t)
	withRole(servertest.New(t, servertest.WithDatabase(url)), "root", auth.Admin)
	change(t, servertest.New(t, servertest.WithDatabase(url)), `DELETE FROM mails`)
	return url
}

// signedIn signs in as a user that is there.
func signedIn(t *testing.T, s *servertest.Service, name string) servertest.User {
	t.Helper()
	res := login(t, s, name+"@example.com", servertest.Password)
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return servertest.User{User: res.JSON200.User, ClientWithResponses: s.As(res.JSON200.User.Token)}
}

// TestInvitationOfFormerAdmin checks that an invitation ends with the power of
// the admin who has sent it.
func TestInvitationOfFormerAdmin(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	withRole(s, "other", auth.Admin)
	for label, end := range map[string]string{
		"Demoted":   `UPDATE users SET role = 'editor' WHERE username = $1`,
		"Suspended": `UPDATE users SET suspended_at = now() WHERE username = $1`,
		"Deleted":   `DELETE FROM users WHERE username = $1`,
	} {
		root := withRole(s, "admin"+label, auth.Admin)
		email := label + "@example.com"
		id, token := inviteFor(t, s, root, email, client.RoleAdmin)
		change(t, s, end, root.Username)
		status, body := joinWith(t, s, label, email, token)
		requireProblem(t, 422, problem.ValidationFailed, badInvitation, status, body)
		other := signedIn(t, s, "other")
		require.NotContains(t, pendingEmails(t, other), email)
		require.Equal(t, 404, responseOf(other.DeleteInvitationWithResponse(t.Context(), id)).StatusCode())
		status, body = joinWith(t, s, label, email, "nonsense")
		requireProblem(t, 422, problem.ValidationFailed, badInvitation, status, body)
	}
}

// TestInvitationRaces registers with one invitation many times at once, and has
// admins invite and withdraw the same address.
func TestInvitationRaces(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	root, rita := withRole(s, "root", auth.Admin), withRole(s, "rita", auth.Admin)
	_, token := inviteFor(t, s, root, "anna@example.com", client.RoleEditor)
	require.Equal(t, map[int]int{201: 1, 422: 9}, atOnce(t, 10, func(i int) (int, error) {
		status, _ := joinWith(t, s, fmt.Sprint("anna", i), "anna@example.com", token)
		return status, nil
	}))
	for status := range atOnce(t, 12, func(i int) (int, error) {
		return invite(t, []servertest.User{root, rita}[i%2], "ben@example.com", client.RoleAuthor).StatusCode(), nil
	}) {
		require.Contains(t, []int{201, 409}, status)
	}
	require.Equal(t, []string{"ben@example.com"}, pendingEmails(t, root))
	outbox(t, s)
	require.LessOrEqual(t, count(t, s, `SELECT count(*) FROM mails WHERE kind = 'invitation' AND recipient = 'ben@example.com'`), 5,
		"an address is sent at most five within an hour")
}

// TestManyInvitations checks the maximum number of invitations.
func TestManyInvitations(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	root := withRole(s, "root", auth.Admin)
	change(t, s, `INSERT INTO invitations (email, role, invited_by, expires_at)
		SELECT n || '@example.com', 'author', u.id, now() + interval '1 hour' FROM users u, generate_series(1, 1000) n`)
	res := invite(t, root, "anna@example.com", client.RoleAuthor)
	requireProblem(t, 422, problem.ValidationFailed, oneField("invitation", "maximum of 1000 reached"), res.StatusCode(), string(res.Body))
	require.Equal(t, http.StatusCreated, invite(t, root, "7@example.com", client.RoleEditor).StatusCode(), "replaces one")
	change(t, s, `UPDATE invitations SET expires_at = now() - interval '1 second' WHERE email = '8@example.com'`)
	n, err := api.ExpireInvitations(t.Context(), s.DB)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.Equal(t, http.StatusCreated, invite(t, root, "anna@example.com", client.RoleAuthor).StatusCode())
}

func TestCreateAccount(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing(), registering(signin.ClosedRegistration), servertest.WithDatabase(withAdmin(t)))
	root := signedIn(t, s, "root")
	post := func(name, email string, role client.Role) *client.CreateAccountResponse {
		return responseOf(root.CreateAccountWithResponse(t.Context(), nil, client.NewAccountRequest{Username: name, Email: openapi_types.Email(email), Role: role}))
	}

	res := post("anna", "anna@example.com", client.RoleEditor)
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	require.Equal(t, client.RoleEditor, res.JSON201.User.Role)
	list := responseOf(root.GetUsersWithResponse(t.Context(), &client.GetUsersParams{Role: ptrTo(client.RoleEditor)})).JSON200
	require.Equal(t, []client.Account{res.JSON201.User}, list.Users)
	for _, password := range []string{"", " ", "anna", servertest.Password} {
		require.NotEqual(t, http.StatusOK, login(t, s, "anna@example.com", password).StatusCode(), "nobody knows a password yet")
	}
	status, body := reset(t, s, mailed(t, s, "anna@example.com", subjectReset, 0).Action, "a password of her own")
	require.Equal(t, http.StatusNoContent, status, body)
	require.Equal(t, http.StatusOK, login(t, s, "anna@example.com", "a password of her own").StatusCode())
	require.Equal(t, 1, count(t, s, `SELECT count(*) FROM users WHERE username = 'anna' AND email_verified_at IS NOT NULL`))

	for _, refused := range map[string]struct {
		name, email string
		fields      problem.Fields
	}{
		"Username": {"ANNA", "new@example.com", oneField("username", problem.Taken)},
		"Email":    {"ben", "ANNA@example.com", oneField("email", problem.Taken)},
	} {
		res := post(refused.name, refused.email, client.RoleAuthor)
		requireProblem(t, 409, problem.AlreadyTaken, refused.fields, res.StatusCode(), string(res.Body))
	}
	invisible := post("\u2800", "new2@example.com", client.RoleAuthor)
	require.Equal(t, http.StatusUnprocessableEntity, invisible.StatusCode(), string(invisible.Body))
	require.Contains(t, auditActions(t, s), "root user.added")
}

// TestTeamStatements counts the statements of the operations.
func TestTeamStatements(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	root := withRole(s, "root", auth.Admin)
	anna := s.Register("anna")
	s.Publish(anna, "A")
	requireStatus(t, http.StatusOK, root.ClientWithResponses) // known from now on
	for _, test := range []struct {
		method, path, body string
		status             int
		statements         int64
	}{
		{"POST", "/admin/users", `{"username":"ben","email":"ben@example.com","role":"author"}`, 201, 3},
		{"POST", "/admin/invitations", `{"email":"carl@example.com","role":"author"}`, 201, 4},
		{"GET", "/admin/invitations", ``, 200, 1},
		{"PUT", "/articles/a", `{"article":{"body":"x"}}`, 200, 5},
		{"PUT", "/articles/a", `{"article":{"author":"root"}}`, 200, 7},
		{"POST", "/articles", `{"article":{"title":"B","description":"d","body":"b","author":"anna"}}`, 201, 4},
		{"DELETE", "/articles/b", ``, 204, 4},
	} {
		s.Statements.Reset()
		res, body := s.Do(test.method, test.path, test.body, signed(root)...)
		n, statements := s.Statements.Reset()
		require.Equal(t, test.status, res.StatusCode, "%s %s: %s", test.method, test.path, body)
		require.Equal(t, test.statements, n, "%s %s: %s", test.method, test.path, strings.Join(statements, "\n\n"))
	}
}
