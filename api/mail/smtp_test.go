package mail_test

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/mail"
)

// mailbox is a small SMTP server on a loopback port.
type mailbox struct {
	// answer, if set, replaces the reply to a command. "" leaves the reply
	// unchanged, "drop" closes the connection. A transferred mail is the
	// command ".".
	answer func(command string) string
	tls    *tls.Config // offered as STARTTLS

	listener net.Listener
	mu       sync.Mutex
	mails    []string // with their headers
	commands []string
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &mailbox{listener: l}
	t.Cleanup(func() { l.Close() })
	return b
}

// serve accepts mails until the test ends. Set the fields before calling it.
func (b *mailbox) serve() *mailbox {
	go func() {
		for {
			conn, err := b.listener.Accept()
			if err != nil {
				return
			}
			go b.talk(conn)
		}
	}()
	return b
}

func (b *mailbox) url() string { return "smtp://" + b.listener.Addr().String() }

func (b *mailbox) received() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.mails...)
}

func (b *mailbox) talk(conn net.Conn) {
	defer func() { conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(s string) { _, _ = conn.Write([]byte(s + "\r\n")) }
	say("220 mailbox")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		reply := "250 ok"
		switch verb {
		case "EHLO":
			if b.tls != nil {
				reply = "250-mailbox\r\n250 STARTTLS"
			}
		case "STARTTLS":
			reply = "220 go on"
		case "DATA":
			reply = "354 go on"
		case "QUIT":
			reply = "221 bye"
		}
		if other := b.note(line); other != "" {
			reply = other
		}
		if reply == "drop" {
			return
		}
		say(reply)
		switch {
		case verb == "STARTTLS" && reply[0] == '2':
			conn = tls.Server(conn, b.tls)
			r = bufio.NewReader(conn)
		case verb == "DATA" && reply[0] == '3':
			var text strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(line)
			}
			reply = "250 ok"
			if other := b.note("."); other != "" {
				reply = other
			}
			if reply == "drop" {
				return
			}
			if reply[0] == '2' {
				b.mu.Lock()
				b.mails = append(b.mails, text.String())
				b.mu.Unlock()
			}
			say(reply)
		case verb == "QUIT":
			return
		}
	}
}

func (b *mailbox) note(command string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands = append(b.commands, command)
	if b.answer == nil {
		return ""
	}
	return b.answer(command)
}

func (b *mailbox) heard(command string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.commands {
		if strings.HasPrefix(strings.ToUpper(c), command) {
			return true
		}
	}
	return false
}

func sender(t *testing.T, url string) *mail.SMTP {
	t.Helper()
	s, err := mail.NewSMTP(url, "Byline <no-reply@byline.example>")
	require.NoError(t, err)
	return s
}

func TestSMTPEncryption(t *testing.T) {
	t.Parallel()
	message := mail.Message{ID: "1", To: "anna@example.com", Subject: "Hello", Text: "Text"}
	t.Run("Required", func(t *testing.T) {
		t.Parallel()
		b := newMailbox(t).serve()
		require.Error(t, sender(t, b.url()+"?tls=required").Send(t.Context(), message))
		require.False(t, b.heard("MAIL"), "nothing is sent without encryption")
		require.NoError(t, sender(t, b.url()).Send(t.Context(), message), "loopback connections need no encryption")
		require.Len(t, b.received(), 1)
	})
	t.Run("UnknownCertificate", func(t *testing.T) {
		t.Parallel()
		b := newMailbox(t)
		web := httptest.NewTLSServer(nil)
		t.Cleanup(web.Close)
		b.tls = &tls.Config{Certificates: web.TLS.Certificates}
		b.serve()
		u := strings.Replace(b.url(), "smtp://", "smtp://user:s3cret@", 1)
		err := sender(t, u+"?tls=required").Send(t.Context(), message)
		require.ErrorContains(t, err, "certificate")
		require.NotContains(t, err.Error(), "s3cret")
		require.True(t, b.heard("STARTTLS"))
		require.False(t, b.heard("AUTH"))
		require.False(t, b.heard("MAIL"))
	})
	t.Run("NoPasswordInTheClear", func(t *testing.T) {
		t.Parallel()
		b := newMailbox(t).serve()
		u := strings.Replace(b.url(), "smtp://", "smtp://user:s3cret@", 1)
		require.Error(t, sender(t, u).Send(t.Context(), message))
		require.False(t, b.heard("AUTH"))
	})
}

// TestSMTPHeaderInjection checks that no address can add a header field or a
// second recipient, whatever the table contains.
func TestSMTPHeaderInjection(t *testing.T) {
	t.Parallel()
	b := newMailbox(t).serve()
	s := sender(t, b.url())
	for _, to := range []string{
		"anna@example.com\r\nBcc: eve@example.com", "anna@example.com\nBcc: eve@example.com", "anna@example.com, eve@example.com",
		"anna@example.com\r\n\r\nText", "anna@example.com>\r\nRCPT TO:<eve@example.com", "", "anna", "\x00@example.com",
	} {
		require.Error(t, s.Send(t.Context(), mail.Message{ID: "1", To: to, Subject: "Hello", Text: "Text"}), "%q", to)
	}
	require.NoError(t, s.Send(t.Context(), mail.Message{ID: "1", To: `"a b"@example.com`, Subject: "Hello\r\nBcc: eve@example.com", Text: ".\r\nQUIT\r\n"}))
	require.Len(t, b.received(), 1)
	head, _, _ := strings.Cut(b.received()[0], "\r\n\r\n")
	require.NotRegexp(t, `(?mi)^bcc:`, head)
	require.False(t, b.heard("RCPT TO:<EVE"))
}
