package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/byline-api/byline/gen/query"
)

// Insert inserts a job that is due at once. tx is the transaction of the change
// that makes the job necessary: the job exists if and only if the transaction
// is committed.
func Insert(ctx context.Context, tx query.DBTX, args river.JobArgs) error {
	return insert(ctx, tx, args, nil)
}

// InsertAt is Insert for a job that is due at a time of the database's clock.
// The work begins within a second of it. To change the time, insert another
// job; the worker of the one before it finds nothing to do.
func InsertAt(ctx context.Context, tx query.DBTX, at time.Time, args river.JobArgs) error {
	return insert(ctx, tx, args, &river.InsertOpts{ScheduledAt: at})
}

func insert(ctx context.Context, tx query.DBTX, args river.JobArgs, opts *river.InsertOpts) error {
	client, err := inserter()
	if err == nil {
		_, err = client.InsertTx(ctx, tx, args, opts)
	}
	if err != nil {
		return fmt.Errorf("inserting a job of the kind %s: %w", args.Kind(), err)
	}
	return nil
}

// inserter returns a client that only inserts. It has no state: the connection
// is an argument, as for a query.
var inserter = sync.OnceValues(func() (*river.Client[query.DBTX], error) {
	return river.NewClient(driver{Driver: shared}, &river.Config{
		Hooks: []rivertype.Hook{&byDatabaseClock{}}, Logger: slog.New(slog.DiscardHandler), MaxAttempts: maxAttempts,
	})
})

// byDatabaseClock makes the database's clock decide when a job is due.
type byDatabaseClock struct{ river.HookDefaults }

// InsertBegin implements rivertype.HookInsertBegin.
func (*byDatabaseClock) InsertBegin(_ context.Context, job *rivertype.JobInsertParams) error {
	if job.State == rivertype.JobStateScheduled {
		job.State = rivertype.JobStateAvailable // which needs no leader
	}
	// River's driver would insert the time of this replica for what is nil. Its
	// statement inserts now() for the zero time.
	for _, at := range []**time.Time{&job.CreatedAt, &job.ScheduledAt} {
		if *at == nil {
			*at = &time.Time{}
		}
	}
	return nil
}
