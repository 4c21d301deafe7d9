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
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// publicationDue is the job that publishes or withdraws an article, or
// publishes its working copy, at its time. A change of the time of an article
// deletes it, by a trigger, and inserts another job. If it is worked just then,
// there is nothing to do.
type publicationDue struct {
	ArticleID   int64 `json:"articleId"`
	WorkingCopy bool  `json:"workingCopy,omitempty"`
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
	return schedule(ctx, tx, publicationDue{ArticleID: articleID}, times...)
}

// ScheduleCopy is Schedule for the time of the working copy of an article,
// which counts as a scheduled article.
func ScheduleCopy(ctx context.Context, tx query.DBTX, articleID int64, at time.Time) error {
	return schedule(ctx, tx, publicationDue{ArticleID: articleID, WorkingCopy: true}, &at)
}

func schedule(ctx context.Context, tx query.DBTX, job publicationDue, times ...*time.Time) error {
	times = slices.DeleteFunc(times, func(at *time.Time) bool { return at == nil })
	if len(times) == 0 {
		return nil
	}
	if err := q.ArticleHoldAuthorOf(ctx, tx, job.ArticleID); err != nil {
		return err
	}
	timed, err := q.ArticleCountTimed(ctx, tx, job.ArticleID)
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
			if err := jobs.InsertAt(ctx, tx, at.Add(after), job); err != nil {
				return err
			}
		}
	}
	return nil
}

// publisher works publicationDue.
type publisher struct {
	river.WorkerDefaults[publicationDue]
	db    *db.DB
	rules Rules
}

// Worker returns the worker that publishes articles and working copies at their
// time.
func Worker(d *db.DB, rules Rules) jobs.Worker { return jobs.Works(&publisher{db: d, rules: rules}) }

// Work implements river.Worker. The clock of the database decides what is due.
func (p *publisher) Work(ctx context.Context, job *river.Job[publicationDue]) error {
	return p.db.InTx(ctx, func(tx query.DBTX) error {
		due, err := q.ArticleLockDue(ctx, tx, job.Args.ArticleID)
		a := query.ArticleLockRow{
			ID: due.ID, AuthorID: due.AuthorID, Slug: due.Slug, Title: due.Title, OwnSlug: due.OwnSlug, Status: due.Status,
		}
		switch {
		case db.IsNotFound(err): // deleted, withdrawn, or done by another worker
			return nil
		case err != nil:
			return err
		case due.Ends:
			_, err = p.rules.Withdraw(ctx, tx, a, openapi.StatusDraft)
			return err
		case a.Status == string(openapi.StatusPublished):
			return p.takeDueCopy(ctx, tx, a)
		}
		name, err := visibility.ClaimPublicSlug(ctx, tx, a)
		if err != nil {
			return err
		}
		return q.ArticlePublishDue(ctx, tx, query.ArticlePublishDueParams{ID: a.ID, Slug: name})
	})
}

// takeDueCopy publishes the working copy of an article. It may have got another
// time, or have been discarded, while the article was being locked.
func (p *publisher) takeDueCopy(ctx context.Context, tx query.DBTX, a query.ArticleLockRow) error {
	found, err := findCopy(ctx, tx, a.ID)
	if err != nil || found == nil || !found.Due {
		return err
	}
	_, err = p.rules.TakeCopy(ctx, tx, a, *found)
	return err
}
