// Package mail sends what the table mails has: rows that operations write in
// the transaction of the change that they tell of. Texts, with the tokens in
// them, are written when they are sent and kept nowhere.
package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

const (
	// lease is how long a mail belongs to the replica that took it: more than
	// sending and writing down the outcome take.
	lease = time.Minute
	// mostAttempts are spread over some six hours, see Config.Backoff.
	mostAttempts = 12
	// mostAnHour bounds the mails of a kind to an account: nobody can use the
	// service to flood a mailbox.
	mostAnHour = 5
	// longestBackoff bounds the time between two attempts.
	longestBackoff = time.Hour
	// pause is how long the courier waits after the database has failed.
	pause = 10 * time.Second
)

// Sender hands a mail to whoever delivers it.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Config says how mails are sent.
type Config struct {
	// Sender is nil for development: mails are shown, not sent.
	Sender Sender
	Links  Links
	// Terminal says that the log is read by whoever develops, so that it may
	// show the links and tokens of mails that are not sent.
	Terminal bool
	// Poll is how often to look for mails that are due.
	Poll time.Duration
	// Backoff is the time until the second attempt; it doubles from then on.
	Backoff time.Duration
}

// Courier sends the mails of the outbox. Any number of replicas may run one
// each. A mail is sent again if its replica ends between the hand-over and the
// note of it: seldom twice, and never not at all.
type Courier struct {
	cfg   Config
	db    *db.DB
	log   *slog.Logger
	shown shown

	sent, deferred, givenUp atomic.Int64
}

// NewCourier returns a Courier, which sends while Run runs.
func NewCourier(cfg Config, d *db.DB, log *slog.Logger) *Courier {
	return &Courier{cfg: cfg, db: d, log: log}
}

// Stats are counted since the start.
type Stats struct{ Sent, Deferred, GivenUp int64 }

// Stats returns how sending went.
func (c *Courier) Stats() Stats {
	return Stats{Sent: c.sent.Load(), Deferred: c.deferred.Load(), GivenUp: c.givenUp.Load()}
}

// Shown returns the mails that were shown instead of sent, the newest first.
func (c *Courier) Shown() []Message { return c.shown.list() }

// Unsent is a mail that waits, or was given up: then it has no DueAt.
type Unsent = query.MailListUnsentRow

// Unsent returns the mails that wait or were given up, the newest first.
func (c *Courier) Unsent(ctx context.Context) ([]Unsent, error) {
	return q.MailListUnsent(ctx, c.db, mostShown)
}

// Run sends mails until ctx ends; the one that is being sent then is still
// seen through.
func (c *Courier) Run(ctx context.Context) error {
	if c.cfg.Sender == nil {
		c.log.Info("mails are not sent, since BYLINE_SMTP_URL is not set; /mails on the admin port shows them")
	}
	for ctx.Err() == nil {
		wait := c.cfg.Poll
		more, err := c.next(context.WithoutCancel(ctx))
		switch {
		case err != nil:
			wait = pause
			c.log.Warn("mails wait for the database", "error", err, "nextTry", wait)
		case more:
			wait = 0
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

// next takes the mail that is due first and deals with it.
func (c *Courier) next(ctx context.Context) (found bool, err error) {
	m, err := q.MailClaim(ctx, c.db, lease)
	if db.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	message, err := c.write(ctx, m)
	switch {
	case err != nil:
		return true, err
	case message == nil:
		return true, q.MailDrop(ctx, c.db, m.ID)
	case m.Attempts > mostAttempts: // each of which ended with the process
		err = errors.New("the service ended while it sent this")
	default:
		err = c.send(ctx, *message)
	}
	return true, c.note(ctx, m, err)
}

// write returns the text of a mail, or nil when nobody wants it: there is no
// such account, the address is another one or verified by now, or the account
// has had enough of the kind.
func (c *Courier) write(ctx context.Context, m query.MailClaimRow) (*Message, error) {
	if m.UserID == nil {
		return nil, nil
	}
	wanted, err := q.MailWanted(ctx, c.db, query.MailWantedParams{ID: m.ID, Most: mostAnHour})
	if err != nil && !db.IsNotFound(err) {
		return nil, err
	}
	if !wanted {
		return nil, nil
	}
	token := ""
	if lifetime, ok := lifetimes[kind(m.Kind)]; ok {
		t := auth.NewMailToken()
		n, err := q.MailTokenCreate(ctx, c.db, query.MailTokenCreateParams{
			Hash: t.Hash, Kind: m.Kind, UserID: *m.UserID, Email: m.Recipient, Lifetime: lifetime,
		})
		if n == 0 {
			return nil, err
		}
		token = t.Text
	}
	message := c.cfg.Links.message(kind(m.Kind), token)
	message.ID = fmt.Sprintf("%d.%d", m.CreatedAt.UnixMilli(), m.ID)
	message.To, message.At = m.Recipient, time.Now()
	return &message, nil
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

// note writes down how sending went.
func (c *Courier) note(ctx context.Context, m query.MailClaimRow, failure error) error {
	if failure == nil {
		c.sent.Add(1)
		return q.MailSent(ctx, c.db, m.ID)
	}
	text := failure.Error()
	log := c.log.With("mail", m.ID, "kind", m.Kind, "attempt", m.Attempts, "error", text)
	if errors.As(failure, new(refused)) || m.Attempts >= mostAttempts {
		c.givenUp.Add(1)
		log.Warn("a mail was given up")
		return q.MailGiveUp(ctx, c.db, query.MailGiveUpParams{ID: m.ID, Error: &text})
	}
	delay := min(c.cfg.Backoff<<(m.Attempts-1), longestBackoff)
	c.deferred.Add(1)
	log.Warn("a mail was not sent", "nextTry", delay)
	return q.MailDefer(ctx, c.db, query.MailDeferParams{ID: m.ID, Delay: delay, Error: &text})
}

// Expire deletes mails that nobody asks for any more, and tokens whose time is
// over.
func Expire(ctx context.Context, d *db.DB) (int64, error) {
	mails, err := q.MailExpire(ctx, d)
	if err != nil {
		return 0, err
	}
	tokens, err := q.MailTokenExpire(ctx, d)
	return mails + tokens, err
}
