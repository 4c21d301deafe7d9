package mail_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/jobs"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	soon = 30 * time.Second // a limit that only a blocked test exceeds
	tick = 10 * time.Millisecond
)

func run(t *testing.T, d *db.DB, cfg mail.Config) *mail.Courier {
	t.Helper()
	if cfg.Backoff == 0 {
		cfg.Backoff = time.Millisecond
	}
	c := mail.NewCourier(cfg, d, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	queue := work(t, d, c)
	go func() { defer close(ended); _ = queue.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return c
}

// work returns a queue whose jobs c works.
func work(t *testing.T, d *db.DB, c *mail.Courier) *jobs.Queue {
	t.Helper()
	queue, err := jobs.New(jobs.Config{DB: d, Logger: slog.New(slog.DiscardHandler), Poll: tick, Workers: []jobs.Worker{c.Worker()}})
	require.NoError(t, err)
	return queue
}

// account creates a user and returns its id.
func account(t *testing.T, d *db.DB, name string) (id int64) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), `INSERT INTO users (username, email, password_hash) VALUES ($1, $2, '') RETURNING id`,
		name, name+"@example.com").Scan(&id))
	return id
}

func exec(t *testing.T, d *db.DB, sql string, args ...any) {
	t.Helper()
	_, err := d.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func number(t *testing.T, d *db.DB, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func post(t *testing.T, d *db.DB, kind, to string, user any) {
	t.Helper()
	exec(t, d, `INSERT INTO mails (kind, recipient, user_id) VALUES ($1, $2, $3)`, kind, to, user)
}

func settled(t *testing.T, d *db.DB) {
	t.Helper()
	require.Eventually(t, func() bool { return number(t, d, `SELECT count(*) FROM mails WHERE due_at IS NOT NULL`) == 0 }, soon, tick)
}

var tokenLine = regexp.MustCompile(`\n {4}([a-z2-7]{26})\r?\n`)

func TestCourierSends(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	b := newMailbox(t).serve()
	anna := account(t, d, "anna")
	post(t, d, "reset_password", "ANNA@example.com", nil)
	post(t, d, "verify_email", "anna@example.com", anna)
	post(t, d, "email_changed", "old@example.com", anna)
	post(t, d, "password_changed", "anna@example.com", anna)
	c := run(t, d, mail.Config{Sender: sender(t, b.url()), Links: mail.Links{Reset: "https://front.example/reset#{token}"}})
	settled(t, d)
	require.Equal(t, mail.Stats{Sent: 4}, c.Stats())
	require.Empty(t, c.Shown(), "sent mails are not stored")
	mails := strings.Join(b.received(), "\n")
	for _, want := range []string{
		`From: "Byline" <no-reply@byline.example>`, "To: <ANNA@example.com>", "To: <old@example.com>", "Auto-Submitted: auto-generated",
		"Subject: Reset your password", "Subject: Confirm your e-mail address", "Subject: Your e-mail address was changed", "Subject: Your password was changed",
	} {
		require.Contains(t, mails, want)
	}
	link := regexp.MustCompile(`https://front\.example/reset#([a-z2-7]{26})`).FindStringSubmatch(strings.ReplaceAll(mails, "=\r\n", ""))
	require.NotNil(t, link, mails)
	require.Equal(t, 1, number(t, d, `SELECT count(*) FROM mail_tokens WHERE hash = $1 AND kind = 'reset_password' AND user_id = $2`, auth.HashLinkToken(link[1]), anna))
	token := tokenLine.FindStringSubmatch(mails)
	require.NotNil(t, token, mails)
	require.Equal(t, 1, number(t, d, `SELECT count(*) FROM mail_tokens WHERE hash = $1 AND kind = 'verify_email'`, auth.HashLinkToken(token[1])))
	require.Equal(t, 2, number(t, d, `SELECT count(*) FROM mail_tokens`))
}

// TestCourierDrops checks which mails are not sent and leave no trace.
func TestCourierDrops(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	anna, bob := account(t, d, "anna"), account(t, d, "bob")
	exec(t, d, `UPDATE users SET email_verified_at = now() WHERE id = $1`, bob)
	post(t, d, "reset_password", "nobody@example.com", nil)
	post(t, d, "verify_email", "old@example.com", anna)
	post(t, d, "verify_email", "bob@example.com", bob)
	for range 8 {
		post(t, d, "password_changed", "anna@example.com", anna)
	}
	c := run(t, d, mail.Config{})
	settled(t, d)
	require.Equal(t, mail.Stats{Sent: 5}, c.Stats(), "the number of mails to one mailbox is limited")
	require.Len(t, c.Shown(), 5)
	require.Equal(t, 5, number(t, d, `SELECT count(*) FROM mails`))
	require.Zero(t, number(t, d, `SELECT count(*) FROM mail_tokens`))
}

// TestCourierInvites checks that an invitation is sent with its link, and not
// when it is of no use any more.
func TestCourierInvites(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	root := account(t, d, "root")
	exec(t, d, `UPDATE users SET role = 'admin'`)
	for _, email := range []string{"anna@example.com", "expired@example.com", "root@example.com"} {
		exec(t, d, `INSERT INTO invitations (email, role, invited_by, expires_at) VALUES ($1, 'editor', $2, now() + interval '1 hour')`, email, root)
	}
	exec(t, d, `UPDATE invitations SET expires_at = now() - interval '1 hour' WHERE email = 'expired@example.com'`)
	for _, to := range []string{"ANNA@example.com", "expired@example.com", "root@example.com", "withdrawn@example.com"} {
		post(t, d, "invitation", to, nil)
	}
	c := run(t, d, mail.Config{Links: mail.Links{Invitation: "https://front.example/register#{token}"}})
	settled(t, d)
	require.Len(t, c.Shown(), 1)
	m := c.Shown()[0]
	require.Equal(t, "ANNA@example.com", m.To)
	token := strings.TrimPrefix(m.Action, "https://front.example/register#")
	require.Contains(t, m.Text, "open this page:\n\n    "+m.Action+"\n")
	require.Equal(t, 1, number(t, d, `SELECT count(*) FROM invitations WHERE token_hash = $1 AND email = 'anna@example.com'`, auth.HashLinkToken(token)))
	require.Equal(t, 1, number(t, d, `SELECT count(*) FROM mails`), "what is not wanted leaves no trace")
}

func TestCourierOutage(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	b := newMailbox(t)
	var failures atomic.Int64
	b.answer = func(command string) string {
		switch n := failures.Load(); {
		case n == 0 && strings.HasPrefix(command, "EHLO"), n == 1 && strings.HasPrefix(command, "MAIL"), n == 2 && command == ".":
			failures.Add(1)
			return [...]string{"drop", "550 not for you now", "451 later"}[n]
		case n == 3 && strings.HasPrefix(command, "RCPT"):
			failures.Add(1)
			return "450 grey"
		}
		return ""
	}
	b.serve()
	post(t, d, "verify_email", "anna@example.com", account(t, d, "anna"))
	c := run(t, d, mail.Config{Sender: sender(t, b.url())})
	settled(t, d)
	require.Equal(t, mail.Stats{Sent: 1, Deferred: 4}, c.Stats())
	require.Len(t, b.received(), 1)
	require.Equal(t, 1, number(t, d, `SELECT count(*) FROM mails WHERE attempts = 5 AND sent_at IS NOT NULL AND error IS NULL`))
}

// TestCourierUnreachable checks that a mail server which refuses connections is
// not taken for an outage of the database: the job has failed, and says why.
func TestCourierUnreachable(t *testing.T) {
	t.Parallel()
	for label, answer := range map[string]string{"Refused": "", "Dropped": "drop"} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			b := newMailbox(t)
			b.answer = func(string) string { return answer }
			if answer == "" {
				require.NoError(t, b.listener.Close())
			} else {
				b.serve()
			}
			post(t, d, "verify_email", "anna@example.com", account(t, d, "anna"))
			c := mail.NewCourier(mail.Config{Sender: sender(t, b.url()), Backoff: time.Hour}, d, slog.New(slog.DiscardHandler))
			queue := work(t, d, c)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _ = queue.Run(ctx) }()
			defer func() { stop(); <-ended }()
			var list []jobs.Job
			require.Eventually(t, func() bool {
				var err error
				list, err = queue.List(t.Context())
				return err == nil && len(list) == 1 && c.Stats().Deferred == 1 && list[0].State != "running"
			}, soon, tick)
			require.Equal(t, "retryable", string(list[0].State))
			require.EqualValues(t, 1, list[0].Attempt)
			require.Contains(t, list[0].LastError, "mail 1 (verify_email): ")
			require.EqualValues(t, 1, queue.Stats()["send_mail"].Attempts[jobs.Failed])
		})
	}
}

func TestCourierGivesUp(t *testing.T) {
	t.Parallel()
	for label, test := range map[string]struct {
		answer   string
		attempts int
	}{
		"NoSuchMailbox": {"550 5.1.1 no such user", 1},
		"NeverReached":  {"451 4.7.1 try again later", 12},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			b := newMailbox(t)
			b.answer = func(command string) string {
				if strings.HasPrefix(command, "RCPT") {
					return test.answer
				}
				return ""
			}
			b.serve()
			post(t, d, "verify_email", "anna@example.com", account(t, d, "anna"))
			c := run(t, d, mail.Config{Sender: sender(t, b.url())})
			settled(t, d)
			require.Eventually(t, func() bool { return c.Stats().GivenUp == 1 }, soon, tick)
			require.Equal(t, mail.Stats{GivenUp: 1, Deferred: int64(test.attempts - 1)}, c.Stats())
			unsent, err := c.Unsent(t.Context())
			require.NoError(t, err)
			require.Len(t, unsent, 1, "the mail is kept for the operator")
			require.EqualValues(t, test.attempts, unsent[0].Attempts)
			require.Nil(t, unsent[0].DueAt)
			require.Contains(t, *unsent[0].Error, test.answer[:3])
			require.NotContains(t, *unsent[0].Error, "anna", "the error is logged as well")
			n, err := mail.Expire(t.Context(), d)
			require.NoError(t, err)
			require.Zero(t, n)
		})
	}
}

// TestCourierHandOver checks that a mail counts as sent when the server has
// accepted it, even if the connection then breaks.
func TestCourierHandOver(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	b := newMailbox(t)
	b.answer = func(command string) string {
		if command == "RSET" || command == "QUIT" {
			return "drop"
		}
		return ""
	}
	b.serve()
	post(t, d, "verify_email", "anna@example.com", account(t, d, "anna"))
	c := run(t, d, mail.Config{Sender: sender(t, b.url())})
	settled(t, d)
	require.Equal(t, mail.Stats{Sent: 1}, c.Stats())
	require.Len(t, b.received(), 1)
}

// TestCouriersTogether checks that replicas do not send each other's mails.
func TestCouriersTogether(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	d := dbtest.OpenURL(t, url)
	b := newMailbox(t).serve()
	const n = 60
	for i := range n {
		name := fmt.Sprintf("user%d", i)
		post(t, d, "verify_email", name+"@example.com", account(t, d, name))
	}
	var couriers []*mail.Courier
	for range 3 {
		couriers = append(couriers, run(t, dbtest.OpenURL(t, url), mail.Config{Sender: sender(t, b.url())}))
	}
	settled(t, d)
	sent := int64(0)
	for _, c := range couriers {
		sent += c.Stats().Sent
	}
	require.EqualValues(t, n, sent)
	ids := map[string]bool{}
	for _, m := range b.received() {
		ids[regexp.MustCompile(`(?m)^Message-ID: (.*)$`).FindString(m)] = true
	}
	require.Len(t, ids, n)
	require.Len(t, b.received(), n)
}

// TestCourierCrash checks that the mail of a replica that has crashed is sent
// by another one, but not before the lease has ended.
func TestCourierCrash(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	post(t, d, "verify_email", "anna@example.com", account(t, d, "anna"))
	exec(t, d, `UPDATE mails SET attempts = 1, due_at = now() + interval '1 minute'`) // as the crashed replica has left it
	post(t, d, "verify_email", "bob@example.com", account(t, d, "bob"))
	c := run(t, d, mail.Config{})
	require.Eventually(t, func() bool { return len(c.Shown()) == 1 }, soon, tick)
	require.Equal(t, "bob@example.com", c.Shown()[0].To)
	exec(t, d, `UPDATE mails SET due_at = now() - interval '1 second' WHERE due_at IS NOT NULL`)
	require.Eventually(t, func() bool { return len(c.Shown()) == 2 }, soon, tick)
	settled(t, d)

	// A mail that crashes the service each time is not tried forever.
	exec(t, d, `INSERT INTO mails (kind, recipient, user_id, attempts) VALUES ('verify_email', 'eve@example.com', $1, 12)`, account(t, d, "eve"))
	settled(t, d)
	require.Equal(t, mail.Stats{Sent: 2, GivenUp: 1}, c.Stats())
}

// slow is a Sender that takes some time.
type slow struct {
	began, finish chan struct{}
	once          sync.Once
}

func (s *slow) Send(ctx context.Context, _ mail.Message) error {
	s.once.Do(func() { close(s.began) })
	<-s.finish
	return ctx.Err()
}

// TestCourierStops checks that a stop finishes the mail that is being sent and
// starts no other one.
func TestCourierStops(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	post(t, d, "verify_email", "anna@example.com", account(t, d, "anna"))
	post(t, d, "verify_email", "bob@example.com", account(t, d, "bob"))
	s := &slow{began: make(chan struct{}), finish: make(chan struct{})}
	c := mail.NewCourier(mail.Config{Sender: s, Backoff: time.Minute}, d, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	queue := work(t, d, c)
	go func() { ended <- queue.Run(ctx) }()
	<-s.began
	stop()
	close(s.finish)
	require.NoError(t, <-ended)
	require.Equal(t, mail.Stats{Sent: 1}, c.Stats())
	require.Equal(t, 1, number(t, d, `SELECT count(*) FROM mails WHERE sent_at IS NOT NULL`))
}

func TestExpire(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	anna := account(t, d, "anna")
	exec(t, d, `INSERT INTO mails (kind, recipient, user_id, due_at, created_at, sent_at)
		SELECT 'verify_email', 'anna@example.com', $1, NULL, now() - age, CASE WHEN sent THEN now() - age END
		FROM (VALUES (interval '2 days', true), ('2 hours', true), ('2 days', false), ('31 days', false)) v (age, sent)`, anna)
	exec(t, d, `INSERT INTO mails (kind, recipient, user_id, created_at) VALUES ('verify_email', 'anna@example.com', $1, now() - interval '31 days')`, anna)
	exec(t, d, `INSERT INTO mail_tokens SELECT convert_to(i::text, 'UTF8'), 'verify_email', $1, 'anna@example.com', now() + i * interval '1 hour' FROM generate_series(-1, 1) i`, anna)
	n, err := mail.Expire(t.Context(), d)
	require.NoError(t, err)
	require.EqualValues(t, 4, n)
	require.Equal(t, 3, number(t, d, `SELECT count(*) FROM mails`))
	require.Equal(t, 1, number(t, d, `SELECT count(*) FROM mail_tokens`))
}

// TestCourierRetries checks that an operator can have a mail sent that was
// given up: by retrying its job, and by the statement of docs/accounts.md.
func TestCourierRetries(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	b := newMailbox(t)
	var full atomic.Bool
	full.Store(true)
	b.answer = func(command string) string {
		if strings.HasPrefix(command, "RCPT") && full.Load() {
			return "550 5.2.2 mailbox full"
		}
		return ""
	}
	b.serve()
	for _, name := range []string{"anna", "bob"} {
		post(t, d, "verify_email", name+"@example.com", account(t, d, name))
	}
	c := mail.NewCourier(mail.Config{Sender: sender(t, b.url()), Backoff: time.Millisecond}, d, slog.New(slog.DiscardHandler))
	queue := work(t, d, c)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = queue.Run(ctx) }()
	defer func() { stop(); <-ended }()
	var list []jobs.Job
	require.Eventually(t, func() bool {
		var err error
		list, err = queue.List(t.Context())
		return err == nil && len(list) == 2 && list[0].State == "cancelled" && list[1].State == "cancelled"
	}, soon, tick)
	require.Equal(t, mail.Stats{GivenUp: 2}, c.Stats())
	require.Contains(t, list[0].LastError, "550")

	full.Store(false)
	require.NoError(t, queue.Retry(t.Context(), list[0].ID)) // of bob, whose mail is newer
	exec(t, d, `UPDATE mails SET attempts = 0, due_at = now() - interval '1 second' WHERE recipient = 'anna@example.com'`)
	require.Eventually(t, func() bool { return c.Stats().Sent == 2 }, soon, tick)
	require.Len(t, b.received(), 2)
	settled(t, d)
}

// TestCourierBesideOlderRelease runs the statements with which the release
// before jobs sends a mail. Only one of the two replicas sends it.
func TestCourierBesideOlderRelease(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	post(t, d, "verify_email", "anna@example.com", account(t, d, "anna"))
	require.Equal(t, 1, number(t, d, `WITH due AS (SELECT m.id FROM mails m WHERE m.due_at <= now() ORDER BY m.due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		UPDATE mails m SET attempts = m.attempts + 1, due_at = now() + interval '1 minute' FROM due WHERE m.id = due.id RETURNING m.attempts`))
	c := run(t, d, mail.Config{})
	require.Eventually(t, func() bool {
		return number(t, d, `SELECT count(*) FROM river_job WHERE kind = 'send_mail' AND metadata ? 'snoozes'`) == 1
	}, soon, tick)
	exec(t, d, `UPDATE mails SET sent_at = now(), due_at = NULL, error = NULL`)
	require.Eventually(t, func() bool { return number(t, d, `SELECT count(*) FROM river_job WHERE state = 'completed'`) == 1 }, soon, tick)
	require.Zero(t, c.Stats())
	require.Empty(t, c.Shown())
}
