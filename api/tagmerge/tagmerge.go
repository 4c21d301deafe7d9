// Package tagmerge moves the articles of a merged tag to the list of the tag
// that it is part of now.
//
// The merge itself changes no article and no list: names lead to the other tag,
// and articles show it (package tagnames). Only the rows of the table
// article_tags have to follow, in batches, since there may be any number.
package tagmerge

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/gen/query"
)

const (
	// batch is how many articles one statement moves. It locks them for some
	// ten milliseconds.
	batch = 1000
	// pause is the time between two batches, for writers of the same articles.
	pause = 10 * time.Millisecond
	// AtOnce is how many batches a request moves before it is answered, and
	// perJob how many a job moves before another one continues.
	AtOnce, perJob = 3, 100
)

var q = query.New()

// moving is the job that moves the articles of a merged tag.
type moving struct {
	MergedID int64 `json:"mergedId"`
}

// Kind implements river.JobArgs.
func (moving) Kind() string { return "move_merged_tag" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (moving) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.Background} }

// Insert inserts the job that moves the articles of a merged tag. tx is the
// transaction of the merge.
func Insert(ctx context.Context, tx query.DBTX, mergedID int64) error {
	return jobs.Insert(ctx, tx, moving{MergedID: mergedID})
}

// Move moves some batches of articles of a merged tag, and reports whether
// there are more.
func Move(ctx context.Context, d *db.DB, mergedID int64, batches int) (more bool, err error) {
	for range batches {
		more, err = q.TagMove(ctx, d.Alone(), query.TagMoveParams{ID: mergedID, Most: batch})
		if err != nil || !more {
			return more, err
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(pause):
		}
	}
	return more, nil
}

// mover works moving.
type mover struct {
	river.WorkerDefaults[moving]
	db *db.DB
}

// Worker returns the worker that moves the articles of merged tags.
func Worker(d *db.DB) jobs.Worker { return jobs.Works(&mover{db: d}) }

// Work implements river.Worker. Several replicas may move articles of the same
// tag.
func (m *mover) Work(ctx context.Context, job *river.Job[moving]) error {
	more, err := Move(ctx, m.db, job.Args.MergedID, perJob)
	if err != nil || !more {
		return err
	}
	return m.db.InTx(ctx, func(tx query.DBTX) error { return Insert(ctx, tx, job.Args.MergedID) })
}
