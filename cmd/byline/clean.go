package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/jobs"
)

// clean is the hourly job that deletes expired and unused rows.
type clean struct{}

// Kind implements river.JobArgs.
func (clean) Kind() string { return "clean" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (clean) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.Background} }

type cleaner struct {
	river.WorkerDefaults[clean]
	db  *db.DB
	log *slog.Logger
}

// Work implements river.Worker. It deletes what it can, also after an error.
func (c *cleaner) Work(ctx context.Context, _ *river.Job[clean]) error {
	var failed []error
	for what, expired := range map[string]func(context.Context, *db.DB) (int64, error){
		"expired idempotency keys": idempotency.Expire,
		"expired invitations":      api.ExpireInvitations,
		"expired sessions":         api.ExpireSessions,
		"expired old tokens":       credentials.ExpireOldTokens,
		"expired previews":         api.ExpirePreviews,
		"expired mails":            mail.Expire,
		"expired failed sign-ins":  signin.Expire,
		"unused tags":              api.DeleteUnusedTags,
	} {
		if n, err := expired(ctx, c.db); err != nil {
			failed = append(failed, fmt.Errorf("deleting %s: %w", what, err))
		} else if n > 0 {
			c.log.Info("deleted "+what, "count", n)
		}
	}
	return errors.Join(failed...)
}
