// Package mail sends the mails in the table mails. Operations insert them in
// the transaction of the change that the mail is about, and a trigger inserts a
// job for each. The text of a mail, with its token, is generated when it is
// sent and is not stored.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

const (
	// lease is how long a mail belongs to the replica that claimed it. It is
	// longer than sending a mail and recording the result takes.
	lease = time.Minute
	// maxAttempts are spread over about six hours, see Config.Backoff.
	maxAttempts = 12
	// maxPerHour limits the mails of one kind to an account, so that nobody can
	// use the service to flood a mailbox.
	maxPerHour = 5
	// maxBackoff limits the time between two attempts.
	maxBackoff = time.Hour
	// look is the time until a job looks again at a mail that another replica
	// has claimed. That may be a replica of the release before this one, which
	// has no jobs, and ends.
	look = 5 * time.Second
)

// Sender passes a mail to a mail server.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Config configures how mails are sent.
type Config struct {
	// Sender passes mails on. Without one, mails are shown instead of sent.
	Sender Sender
	// Discard means that mails without a Sender are not shown either. The
	// tokens in them would give every account to whoever sees them.
	Discard bool
	Links   Links
	// Terminal means that a developer reads the log, so that it may contain the
	// links and tokens of mails that are not sent.
	Terminal bool
	// Backoff is the time until the second attempt. It doubles with each
	// further attempt.
	Backoff time.Duration
}

// sendMail is the job of sending a mail. A trigger inserts it, see
// 00016_jobs.sql.
type sendMail struct {
	MailID int64 `json:"mailId"`
}

// Kind implements river.JobArgs.
func (sendMail) Kind() string { return "send_mail" }

// givenUp is the member of a job's metadata which says that its mail was given
// up. If an operator retries such a job, the mail is sent after all.
const givenUp = "givenUp"

// Courier works the jobs of mails. Each of several replicas may have one.
// Delivery is at least once: if a replica ends after it has sent a mail and
// before it has recorded that, the mail is sent again.
type Courier struct {
	river.WorkerDefaults[sendMail]
	cfg   Config
	db    *db.DB
	log   *slog.Logger
	shown shown

	sent, deferred, givenUp atomic.Int64
}

// NewCourier returns a Courier.
func NewCourier(cfg Config, d *db.DB, log *slog.Logger) *Courier {
	return &Courier{cfg: cfg, db: d, log: log}
}

// Worker returns the Courier as a worker of jobs. It logs what will become of
// mails.
func (c *Courier) Worker() jobs.Worker {
	switch {
	case c.discards():
		c.log.Warn("mails are discarded because BYLINE_SMTP_URL is not set: users cannot verify an address or reset a password; " +
			"byline admin reset-link makes a link for one account")
	case c.cfg.Sender == nil:
		c.log.Info("mails are not sent because BYLINE_SMTP_URL is not set; /mails on the admin port shows them")
	}
	return jobs.Works(c)
}

// Stats are counted from the start of the service.
type Stats struct{ Sent, Deferred, GivenUp int64 }

// Stats returns how many mails were sent, deferred and given up.
func (c *Courier) Stats() Stats {
	return Stats{Sent: c.sent.Load(), Deferred: c.deferred.Load(), GivenUp: c.givenUp.Load()}
}

// Shown returns the mails that were shown instead of sent, newest first.
func (c *Courier) Shown() []Message { return c.shown.list() }

// Unsent is a mail that is waiting or was given up. If it was given up, it has
// no DueAt.
type Unsent = query.MailListUnsentRow

// Unsent returns the mails that are waiting or were given up, newest first.
func (c *Courier) Unsent(ctx context.Context) ([]Unsent, error) {
	return q.MailListUnsent(ctx, c.db, maxShown)
}

// discards reports whether mails are neither sent nor shown.
func (c *Courier) discards() bool { return c.cfg.Sender == nil && c.cfg.Discard }

// Work implements river.Worker.
func (c *Courier) Work(ctx context.Context, job *river.Job[sendMail]) error {
	m, err := q.MailClaim(ctx, c.db, query.MailClaimParams{ID: job.Args.MailID, Lease: lease})
	if db.IsNotFound(err) {
		return c.passOver(ctx, job)
	}
	if err != nil {
		return err
	}
	message, err := c.write(ctx, m)
	switch {
	case err != nil:
		return err
	case message == nil:
		return q.MailDrop(ctx, c.db, m.ID)
	case m.Attempts > maxAttempts: // each of the attempts ended with the process
		err = errors.New("the service ended while it was sending this mail")
	default:
		err = c.send(ctx, *message)
	}
	return c.note(ctx, job, m, err)
}

// passOver ends the job of a mail that is not due.
func (c *Courier) passOver(ctx context.Context, job *river.Job[sendMail]) error {
	m, err := q.MailGet(ctx, c.db, job.Args.MailID)
	switch {
	case db.IsNotFound(err): // dropped, or its account was deleted
		return nil
	case err != nil:
		return err
	case m.DueAt != nil:
		return river.JobSnooze(look)
	case m.SentAt == nil && wasGivenUp(job.Metadata):
		return q.MailRetry(ctx, c.db, m.ID) // makes another job
	}
	return nil
}

// NextRetry implements river.Worker.
func (c *Courier) NextRetry(job *river.Job[sendMail]) time.Time {
	return time.Now().Add(c.backoff(job.Attempt))
}

// wasGivenUp reports whether the metadata of a job has givenUp.
func wasGivenUp(metadata []byte) bool {
	var members map[string]any
	return json.Unmarshal(metadata, &members) == nil && members[givenUp] == true
}

// backoff returns the time between an attempt and the next one.
func (c *Courier) backoff(attempt int) time.Duration {
	return min(c.cfg.Backoff<<min(attempt-1, maxAttempts), maxBackoff)
}

// write returns the text of a mail. It returns nil if the mail is not wanted:
// mails are discarded, the account does not exist, its address has changed or
// has been verified, or the account has received too many mails of this kind.
func (c *Courier) write(ctx context.Context, m query.MailClaimRow) (*Message, error) {
	if c.discards() {
		return nil, nil
	}
	if kind(m.Kind) == invitation {
		return c.writeInvitation(ctx, m)
	}
	if m.UserID == nil {
		return nil, nil
	}
	wanted, err := q.MailWanted(ctx, c.db, query.MailWantedParams{ID: m.ID, Most: maxPerHour})
	if err != nil && !db.IsNotFound(err) {
		return nil, err
	}
	if !wanted {
		return nil, nil
	}
	token := ""
	if _, ok := lifetimes[kind(m.Kind)]; ok {
		if token, err = newToken(ctx, c.db, kind(m.Kind), *m.UserID, m.Recipient); token == "" {
			return nil, err
		}
	}
	return c.message(m, token), nil
}

// writeInvitation returns the text of an invitation. It returns nil if the mail
// is not wanted, see MailInvite.
func (c *Courier) writeInvitation(ctx context.Context, m query.MailClaimRow) (*Message, error) {
	t := auth.NewLinkToken()
	n, err := q.MailInvite(ctx, c.db, query.MailInviteParams{TokenHash: t.Hash, Email: m.Recipient, Most: maxPerHour})
	if n == 0 {
		return nil, err
	}
	return c.message(m, t.Text), nil
}

// message returns a mail with its token, or "" if it has none.
func (c *Courier) message(m query.MailClaimRow, token string) *Message {
	message := c.cfg.Links.message(kind(m.Kind), token)
	message.ID = fmt.Sprintf("%d.%d", m.CreatedAt.UnixMilli(), m.ID)
	message.To, message.At = m.Recipient, time.Now()
	return &message
}

// newToken stores the token of a mail. It returns "" if the account has another
// address by now.
func newToken(ctx context.Context, d query.DBTX, k kind, userID int64, email string) (string, error) {
	t := auth.NewLinkToken()
	n, err := q.MailTokenCreate(ctx, d, query.MailTokenCreateParams{
		Hash: t.Hash, Kind: string(k), UserID: userID, Email: email, Lifetime: lifetimes[k],
	})
	if n == 0 {
		return "", err
	}
	return t.Text, nil
}

// ResetAction returns what a mail for resetting a password would contain: the
// link, or the token if no link is configured.
func ResetAction(ctx context.Context, d query.DBTX, links Links, userID int64, email string) (string, error) {
	token, err := newToken(ctx, d, resetPassword, userID, email)
	if err != nil {
		return "", err
	}
	return action(links.Reset, token), nil
}

func (c *Courier) send(ctx context.Context, m Message) error {
	if c.cfg.Sender != nil {
		return c.cfg.Sender.Send(ctx, m)
	}
	c.shown.add(m)
	if c.cfg.Terminal {
		c.log.Info("mail", "to", m.To, "subject", m.Subject, "open", m.Action)
	}
	return nil
}

// note records the result of sending a mail, and returns that of the job.
func (c *Courier) note(ctx context.Context, job *river.Job[sendMail], m query.MailClaimRow, failure error) error {
	if failure == nil {
		c.sent.Add(1)
		return q.MailSent(ctx, c.db, m.ID)
	}
	text := failure.Error()
	// Only its text: package jobs would take the error of an unreachable mail
	// server for an outage of the database.
	result := fmt.Errorf("mail %d (%s): %s", m.ID, m.Kind, text)
	if errors.As(failure, new(refused)) || m.Attempts >= maxAttempts {
		c.givenUp.Add(1)
		if err := river.MetadataSet(ctx, givenUp, true); err != nil {
			return err
		}
		if err := q.MailGiveUp(ctx, c.db, query.MailGiveUpParams{ID: m.ID, Error: &text}); err != nil {
			return err
		}
		return river.JobCancel(result)
	}
	c.deferred.Add(1)
	if err := q.MailDefer(ctx, c.db, query.MailDeferParams{ID: m.ID, Delay: c.backoff(job.Attempt), Error: &text}); err != nil {
		return err
	}
	return result
}

// Expire deletes mails that are no longer needed, and expired tokens.
func Expire(ctx context.Context, d *db.DB) (int64, error) {
	mails, err := q.MailExpire(ctx, d)
	if err != nil {
		return 0, err
	}
	tokens, err := q.MailTokenExpire(ctx, d)
	return mails + tokens, err
}
