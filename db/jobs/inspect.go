package jobs

import (
	"context"
	"errors"

	"github.com/riverqueue/river/rivertype"

	"github.com/byline-api/byline/gen/query"
)

// maxListed bounds the jobs of List.
const maxListed = 200

// Counts are the numbers of jobs by state, and for how many seconds the oldest
// job that is due has been waiting.
type Counts = query.JobCountRow

// Count counts the jobs of all replicas.
func (q *Queue) Count(ctx context.Context) (Counts, error) {
	return query.New().JobCount(ctx, q.db)
}

// Job is a job as operators see it.
type Job = query.JobListRow

// List returns the jobs of all replicas: first those that were given up, then
// those that wait for another attempt, those that are running, those that wait,
// and those that were cancelled.
func (q *Queue) List(ctx context.Context) ([]Job, error) {
	return query.New().JobList(ctx, q.db, maxListed)
}

// ErrNotFound means that there is no job with an id.
var ErrNotFound = errors.New("jobs: no such job")

// Retry makes a job due now, also one that was given up or cancelled. It does
// nothing to one that is running.
func (q *Queue) Retry(ctx context.Context, id int64) error {
	_, err := q.client.JobRetry(ctx, id)
	return found(err)
}

// Cancel gives up a job. The context of one that is running ends.
func (q *Queue) Cancel(ctx context.Context, id int64) error {
	_, err := q.client.JobCancel(ctx, id)
	return found(err)
}

func found(err error) error {
	if errors.Is(err, rivertype.ErrNotFound) {
		return ErrNotFound
	}
	return err
}
