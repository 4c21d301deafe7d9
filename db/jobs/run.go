package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// Queue works the jobs in the database. Each of several replicas has one.
type Queue struct {
	client        *river.Client[query.DBTX]
	db            *db.DB
	log           *slog.Logger
	observer      *observer
	problems      *lastLogged
	poll, lingers time.Duration
	rested        func()
	started       time.Time // of River, the last time
}

// Run works jobs until ctx ends. It finishes those that it is working on.
func (q *Queue) Run(ctx context.Context) error {
	tick := time.NewTicker(q.poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		needed := time.Since(q.started) >= time.Hour // for the periodic jobs
		var err error
		if !needed {
			needed, err = q.waiting(ctx)
		}
		if err == nil && needed {
			err = q.work(ctx)
		}
		if err != nil && ctx.Err() == nil {
			q.warn(err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// waiting reports whether there are jobs for River to do something about.
func (q *Queue) waiting(ctx context.Context) (bool, error) {
	return query.New().JobNeeded(ctx, q.db, query.JobNeededParams{Queues: queues, RescueAfter: rescueAfter})
}

// work runs River until no jobs are waiting or ctx ends.
func (q *Queue) work(ctx context.Context) error {
	if err := q.client.Start(ctx); err != nil {
		return err
	}
	q.started = time.Now()
	tick := time.NewTicker(q.lingers)
	defer tick.Stop()
	for {
		select {
		case <-q.client.Stopped(): // because ctx has ended
			return nil
		case <-tick.C:
		}
		if !q.observer.rests(q.lingers) {
			continue
		}
		if waiting, err := q.waiting(ctx); waiting || err != nil {
			continue
		}
		err := q.client.Stop(context.WithoutCancel(ctx))
		if q.rested != nil {
			q.rested()
		}
		return err
	}
}

// warn logs a problem that lasts once in repeatAfter.
func (q *Queue) warn(err error) {
	const message = "jobs are not worked because of a database error"
	if q.problems.due(message, time.Now()) {
		q.log.Warn(message, "error", err, "nextTry", q.poll)
	}
}
