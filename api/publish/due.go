package publish

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// publicationDue is the job that publishes or withdraws an article at its time.
// A change of that time inserts another job, and leaves this one without
// anything to do.
type publicationDue struct {
	ArticleID int64 `json:"articleId"`
}

// Kind implements river.JobArgs.
func (publicationDue) Kind() string { return "publication_due" }

// Schedule inserts the jobs for the times of an article. nil means no time.
func Schedule(ctx context.Context, tx query.DBTX, articleID int64, times ...*time.Time) error {
	for _, at := range times {
		if at == nil {
			continue
		}
		if err := jobs.InsertAt(ctx, tx, *at, publicationDue{ArticleID: articleID}); err != nil {
			return err
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
