package publish

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// publicationDue is the job that publishes or withdraws an article at its time.
// A change of that time deletes it, by a trigger, and inserts another job. If it
// is worked just then, there is nothing to do.
type publicationDue struct {
	ArticleID int64 `json:"articleId"`
}

// Kind implements river.JobArgs.
func (publicationDue) Kind() string { return "publication_due" }

// The maximum numbers of articles of an author that wait for their time. They
// bound how many jobs of one author are due in the same second, before those of
// others.
const (
	maxScheduled = 100
	maxEnding    = 1000
)

// again is how long after its time an article has a second job. It has nothing
// to do, unless a replica was killed while it worked the first one. That one
// returns to the queue only after more than a minute.
const again = time.Second

// Schedule inserts the jobs for the times of an article, which the article has
// already. nil means no time. The error is a 422 if too many articles of its
// author have one.
func Schedule(ctx context.Context, tx query.DBTX, articleID int64, times ...*time.Time) error {
	times = slices.DeleteFunc(times, func(at *time.Time) bool { return at == nil })
	if len(times) == 0 {
		return nil
	}
	if err := q.ArticleHoldAuthorOf(ctx, tx, articleID); err != nil {
		return err
	}
	timed, err := q.ArticleCountTimed(ctx, tx, articleID)
	switch {
	case err != nil:
		return err
	case timed.Scheduled > maxScheduled:
		return problem.InvalidField("schedule", fmt.Sprintf("maximum of %d scheduled articles reached", maxScheduled))
	case timed.Ending > maxEnding:
		return problem.InvalidField("schedule", fmt.Sprintf("maximum of %d articles with unpublishAt reached", maxEnding))
	}
	for _, at := range times {
		for _, after := range []time.Duration{0, again} {
			if err := jobs.InsertAt(ctx, tx, at.Add(after), publicationDue{ArticleID: articleID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// publisher works publicationDue.
type publisher struct {
	river.WorkerDefaults[publicationDue]
	db *db.DB
}

// Worker returns the worker that publishes articles at their time.
func Worker(d *db.DB) jobs.Worker { return jobs.Works(&publisher{db: d}) }

// Work implements river.Worker. The clock of the database decides what is due.
func (p *publisher) Work(ctx context.Context, job *river.Job[publicationDue]) error {
	return p.db.InTx(ctx, func(tx query.DBTX) error {
		a, err := q.ArticleLockDue(ctx, tx, job.Args.ArticleID)
		switch {
		case db.IsNotFound(err): // deleted, withdrawn, or done by another worker
			return nil
		case err != nil:
			return err
		case a.Ends:
			return q.ArticleSetDraft(ctx, tx, query.ArticleSetDraftParams{ID: a.ID, Status: "draft"})
		}
		name := a.Slug
		if a.NeverPublic {
			if name, err = visibility.ClaimSlug(ctx, tx, a.ID, a.Slug); err != nil {
				return err
			}
		}
		return q.ArticlePublishDue(ctx, tx, query.ArticlePublishDueParams{ID: a.ID, Slug: name})
	})
}
