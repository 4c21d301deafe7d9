package mail

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// sendTimeout limits each of the two parts of sending a mail: connecting to the
// server, and transferring the mail.
const sendTimeout = 5 * time.Second

// SMTP sends mails through an SMTP server.
type SMTP struct {
	client *gomail.Client
	from   string
	domain string // of from, for message ids
}

// NewSMTP returns a sender for a URL such as smtp://user:password@host:587 or
// smtps://host. With smtp, STARTTLS is required, except if the server is on
// this machine or the URL has ?tls=optional. Errors do not contain the URL.
func NewSMTP(server, from string) (*SMTP, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("must be a URL such as smtp://user:password@mail.example.com:587 or smtps://mail.example.com")
	}
	options := []gomail.Option{gomail.WithTimeout(sendTimeout), gomail.WithoutNoop()}
	tls := u.Query().Get("tls")
	switch {
	case tls != "" && tls != "required" && tls != "optional":
		return nil, errors.New("tls must be required or optional")
	case u.Scheme == "smtps":
		options = append(options, gomail.WithSSL(), gomail.WithPort(465))
	case tls == "optional" || tls == "" && isLoopback(u.Hostname()):
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic), gomail.WithPort(587))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithPort(587))
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, errors.New("the port must be a number")
		}
		options = append(options, gomail.WithPort(port))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	client, err := gomail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, errors.New("must have a port from 1 to 65535")
	}
	domain, err := Domain(from)
	if err != nil {
		return nil, err
	}
	return &SMTP{client: client, from: from, domain: domain}, nil
}

// Domain returns the domain of an address such as "Byline <mail@example.com>".
func Domain(from string) (string, error) {
	m := gomail.NewMsg()
	if err := m.From(from); err != nil {
		return "", errors.New(`must be an address, such as "Byline <no-reply@example.com>"`)
	}
	address := m.GetFrom()[0].Address
	return address[strings.LastIndexByte(address, '@')+1:], nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// refused is an error that another attempt would not change.
type refused struct{ error }

// Send sends a mail. The library parses the addresses, so that an address
// cannot add header fields.
func (s *SMTP) Send(ctx context.Context, mail Message) error {
	m := gomail.NewMsg()
	if err := m.From(s.from); err != nil {
		return err
	}
	if err := m.To(mail.To); err != nil {
		return refused{errors.New("the address is not valid")}
	}
	m.Subject(mail.Subject)
	// The id is the same for every attempt, so that receivers recognize a mail
	// that is sent twice.
	m.SetMessageIDWithValue(mail.ID + "@" + s.domain)
	m.SetDateWithValue(mail.At)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, mail.Text)
	err := s.client.DialAndSendWithContext(ctx, m)
	if err == nil || m.IsDelivered() {
		return nil // errors after the server has accepted the mail do not matter
	}
	return withoutAddress(err)
}

// withoutAddress reduces an error of the library to what an operator needs and
// what may be logged.
func withoutAddress(err error) error {
	var failed *gomail.SendError
	if !errors.As(err, &failed) {
		return err
	}
	short := fmt.Errorf("%s: %d %s", failed.Reason, failed.ErrorCode(), failed.EnhancedStatusCode())
	final := failed.Reason == gomail.ErrSMTPRcptTo || failed.Reason == gomail.ErrSMTPData || failed.Reason == gomail.ErrSMTPDataClose
	if final && !failed.IsTemp() && failed.ErrorCode() >= 500 {
		return refused{short}
	}
	return short
}
