package byline_test

import (
	"net/http"
	"slices"
	"testing"

	byline "github.com/byline-api/byline/sdk/go"
)

// TestTeam runs the same steps as the tests of a team of the other SDKs: who may
// register, and what roles permit.
func TestTeam(t *testing.T) {
	ctx, n := t.Context(), openNewsroom(t)
	invited := newUser(n.name("anna"))
	invitedNow := func(t *testing.T) bool {
		t.Helper()
		for invitation, err := range n.admin.Admin.ListInvitationsAll(ctx, &byline.AdminListInvitationsParams{Limit: 1}) {
			noError(t, err)
			if invitation.Email == invited.Email {
				return true
			}
		}
		return false
	}

	step(t, "nobody registers without an invitation", func(t *testing.T) {
		_, err := n.visitor.Users.Create(ctx, invited)
		requireError(t, err, http.StatusForbidden, byline.CodeRegistrationClosed)
	})
	step(t, "invitation", func(t *testing.T) {
		invitation, err := n.admin.Admin.CreateInvitation(ctx, byline.NewInvitationRequest{Email: invited.Email, Role: byline.RoleAuthor})
		noError(t, err)
		equal(t, byline.RoleAuthor, invitation.Role)
		equal(t, true, invitedNow(t))
		invited.Invitation = mailedToken(t, invited.Email)
	})
	step(t, "a forwarded invitation is of no use", func(t *testing.T) {
		other := newUser(n.name("mallory"))
		other.Invitation = invited.Invitation
		_, err := n.visitor.Users.Create(ctx, other)
		e := requireError(t, err, http.StatusUnprocessableEntity, byline.CodeValidationFailed)
		equal(t, true, len(e.Fields["email"])+len(e.Fields["invitation"]) > 0)
	})
	step(t, "the invited user has the role", func(t *testing.T) {
		user, err := n.visitor.Users.Create(ctx, invited)
		noError(t, err)
		_, err = n.visitor.WithToken(user.Token).Articles.Create(ctx, byline.NewArticle{
			Title: "Hello", Description: "By Anna", Body: "Hello.", Status: byline.StatusDraft,
		})
		noError(t, err)
		equal(t, false, invitedNow(t))
	})
	step(t, "an invitation that was withdrawn", func(t *testing.T) {
		late := newUser(n.name("late"))
		invitation, err := n.admin.Admin.CreateInvitation(ctx, byline.NewInvitationRequest{Email: late.Email, Role: byline.RoleEditor})
		noError(t, err)
		late.Invitation = mailedToken(t, late.Email)
		noError(t, n.admin.Admin.DeleteInvitation(ctx, invitation.ID))
		_, err = n.visitor.Users.Create(ctx, late)
		e := requireError(t, err, http.StatusUnprocessableEntity, byline.CodeValidationFailed)
		equal(t, true, len(e.Fields["invitation"]) > 0)
	})
	var ben *byline.Client
	step(t, "an account that an admin creates", func(t *testing.T) {
		user := newUser(n.name("ben"))
		account, err := n.admin.Admin.CreateUser(ctx, byline.NewAccountRequest{Username: user.Username, Email: user.Email, Role: byline.RoleReader})
		noError(t, err)
		equal(t, byline.RoleReader, account.Role)
		noError(t, n.visitor.Recovery.ConfirmPasswordReset(ctx, byline.PasswordResetConfirmationRequest{
			Token: mailedToken(t, user.Email), Password: password,
		}))
		ben, err = n.visitor.SignIn(ctx, user.Email, password)
		noError(t, err)
		_, err = ben.Articles.Create(ctx, newArticle("Not allowed"))
		requireError(t, err, http.StatusForbidden, byline.CodeRoleInsufficient)
	})
	step(t, "another role", func(t *testing.T) {
		name := n.name("ben")
		_, err := n.admin.Admin.SetUserRole(ctx, name, byline.SetRoleRequest{Role: byline.RoleEditor, Reason: "Edits from now on"})
		noError(t, err)
		_, err = ben.Articles.ListEditorial(ctx, nil)
		noError(t, err)
		var editors []string
		for account, err := range n.admin.Admin.ListUsersAll(ctx, &byline.AdminListUsersParams{Role: byline.RoleEditor, Limit: 1}) {
			noError(t, err)
			editors = append(editors, account.Username)
		}
		equal(t, true, slices.Contains(editors, name))
		log, err := n.admin.Admin.ListAuditLog(ctx, &byline.AdminListAuditLogParams{Subject: name})
		noError(t, err)
		entry := log.Items[0]
		equal(t, byline.AuditActionUserRoleChanged, entry.Action)
		equal(t, []string{"reader", "editor", "Edits from now on"}, []string{*entry.From, *entry.To, *entry.Reason})
	})
}
