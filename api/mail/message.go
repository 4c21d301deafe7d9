package mail

import (
	"fmt"
	"strings"
	"time"
)

// kind is the purpose of a mail, as in the table mails.
type kind string

const (
	verifyEmail     kind = "verify_email"
	resetPassword   kind = "reset_password"
	emailChanged    kind = "email_changed"
	passwordChanged kind = "password_changed"
	invitation      kind = "invitation"
)

// lifetimes are the lifetimes of the tokens in mails, from the time of sending.
// The token for a reset expires sooner, because it gives access to the account.
var lifetimes = map[kind]time.Duration{
	verifyEmail:   3 * 24 * time.Hour,
	resetPassword: time.Hour,
}

// InvitationLifetime is how long an invitation can be used, from its creation.
const InvitationLifetime = 7 * 24 * time.Hour

// Message is a mail as it is sent. Its text contains nothing that a user chose,
// so that users who register with the address of another person cannot send
// texts to that person.
type Message struct {
	// ID identifies the mail. It stays the same when the mail is sent again.
	ID      string
	To      string
	Subject string
	Text    string
	// Action is the link to open, or the token, if the mail has one.
	Action string
	At     time.Time
}

// Links are the links in mails; {token} is replaced by the token. If a link is
// empty, the mail contains the token instead. They come only from the
// configuration: a link built from the Host field of a request could lead to a
// site of an attacker.
type Links struct{ Reset, Verification, Invitation string }

func (l Links) message(k kind, token string) (m Message) {
	switch k {
	case verifyEmail:
		m.Subject = "Confirm your e-mail address"
		m.Action = action(l.Verification, token)
		m.Text = "This address was entered for an account.\n\n" +
			instruction(l.Verification, m.Action, "confirm it", "POST /api/users/email-verification/confirm") +
			"\nThis is possible for three days. If you did not enter it, ignore this mail.\n"
	case resetPassword:
		m.Subject = "Reset your password"
		m.Action = action(l.Reset, token)
		m.Text = "A new password was requested for the account with this address.\n\n" +
			instruction(l.Reset, m.Action, "choose a new password", "POST /api/users/password-reset/confirm") +
			"\nThis is possible once, within an hour. If you did not request it, ignore this mail: your password is not changed.\n"
	case emailChanged:
		m.Subject = "Your e-mail address was changed"
		m.Text = "The e-mail address of your account was changed. This address receives no further mails.\n\n" +
			"If you did not change it, somebody else has access to your account: contact the operators of this service.\n"
	case passwordChanged:
		m.Subject = "Your password was changed"
		m.Text = "The password of your account was changed. All other devices were signed out.\n\n" +
			"If you did not change it, reset your password at once, and revoke API keys that you do not recognize.\n"
	case invitation:
		m.Subject = "You are invited to register"
		m.Action = action(l.Invitation, token)
		m.Text = "You are invited to create an account with this address.\n\n" +
			instruction(l.Invitation, m.Action, "register", "POST /api/users, as the member invitation") +
			"\nThis is possible once, within seven days, and only with this address. If you do not want an account, ignore this mail.\n"
	}
	return m
}

func action(link, token string) string {
	if link == "" {
		return token
	}
	return strings.ReplaceAll(link, "{token}", token)
}

func instruction(link, action, what, operation string) string {
	if link == "" {
		return fmt.Sprintf("To %s, send this token with %s:\n\n    %s\n", what, operation, action)
	}
	return fmt.Sprintf("To %s, open this page:\n\n    %s\n", what, action)
}
