package mail

import (
	"fmt"
	"strings"
	"time"
)

// kind is what a mail is for, as the table mails has it.
type kind string

const (
	verifyEmail     kind = "verify_email"
	resetPassword   kind = "reset_password"
	emailChanged    kind = "email_changed"
	passwordChanged kind = "password_changed"
)

// lifetimes are how long the tokens in mails are good, from the time of
// sending on. A reset gives the account away, so that it ends sooner.
var lifetimes = map[kind]time.Duration{
	verifyEmail:   3 * 24 * time.Hour,
	resetPassword: time.Hour,
}

// Message is a mail as it is sent. Its text has nothing in it that a user
// chose: whoever registers with the address of somebody else must not be able
// to write to them.
type Message struct {
	// ID names the mail, also when it is sent again.
	ID      string
	To      string
	Subject string
	Text    string
	// Action is the link to open, or the token, if the mail has one.
	Action string
	At     time.Time
}

// Links are what mails link to, with {token} where the token goes; an empty
// one has the mail show the token instead. They come from the configuration
// alone: a link made of a request's Host would lead wherever a stranger wants.
type Links struct{ Reset, Verification string }

func (l Links) message(k kind, token string) (m Message) {
	switch k {
	case verifyEmail:
		m.Subject = "Confirm your e-mail address"
		m.Action = action(l.Verification, token)
		m.Text = "Somebody, we hope you, has given this address for an account.\n\n" +
			instruction(l.Verification, m.Action, "confirm it", "POST /api/users/email-verification/confirm") +
			"\nThis is possible for three days. If it was not you, ignore this mail.\n"
	case resetPassword:
		m.Subject = "Reset your password"
		m.Action = action(l.Reset, token)
		m.Text = "Somebody, we hope you, has asked for a new password for the account with this address.\n\n" +
			instruction(l.Reset, m.Action, "choose one", "POST /api/users/password-reset/confirm") +
			"\nThis is possible once, within an hour. If it was not you, ignore this mail: your password stays as it is.\n"
	case emailChanged:
		m.Subject = "Your e-mail address was changed"
		m.Text = "Your account has another e-mail address now. Mails no longer go to this one.\n\n" +
			"If it was not you, somebody else has your account: tell those who run this service.\n"
	case passwordChanged:
		m.Subject = "Your password was changed"
		m.Text = "Your account has a new password. All other devices were signed out.\n\n" +
			"If it was not you, reset your password at once, and revoke API keys that you do not know.\n"
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
