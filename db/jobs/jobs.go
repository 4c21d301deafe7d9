// Package jobs is the job queue of the service. It is River
// (https://riverqueue.com), with its tables in the same database, so that a job
// is inserted in the transaction of the change that makes it necessary.
//
//	jobs.go     the configuration; kinds, queues and periodic jobs
//	run.go      Run works jobs, and lets River rest while there are none
//	insert.go   Insert and InsertAt, for operations
//	driver.go   River's driver on the pool of package db
//	observe.go  spans, log lines and statistics of jobs
//	inspect.go  depths for metrics; listing, retrying and cancelling jobs
//
// # Kinds
//
// A kind of job is a type of arguments with a method Kind, and a worker:
//
//	type Publish struct { ArticleID int64 `json:"articleId"` }
//	func (Publish) Kind() string { return "publish_article" }
//
//	type publisher struct { river.WorkerDefaults[Publish] … }
//	func (p *publisher) Work(ctx context.Context, job *river.Job[Publish]) error
//
// Arguments are ids. They and the errors of a job are stored and shown on the
// admin port, so that neither may have secrets or personal data.
//
// A job is worked at least once, and in rare cases by two replicas at the same
// time: the leader returns jobs of replicas that have ended to the queue, and
// decides by its own clock which those are. So a worker claims what it changes
// in the statement that changes it, and does nothing if it is done already. An
// error leads to a retry after Backoff.
//
// # Clocks and leaders
//
// The replicas elect a leader, in the table river_leader. It retries jobs,
// inserts periodic ones, deletes finished ones and returns those of replicas
// that have ended to the queue, all by its own clock. If it ends without
// notice, the next one takes over within 20 s.
//
// What users wait for depends neither on the leader nor on the clock of a
// replica. River stores a job for later as scheduled, and its leader makes it
// available; InsertAt makes it available at once. The query that fetches jobs
// compares their time with the clock of the database. Insert uses that clock
// too.
//
// # What an idle service does
//
// River runs only while there are jobs, because it costs more than the rest of
// an idle replica: it wakes up 20 times a second to complete jobs, and sends
// three statements a second. While it rests, a replica asks every Config.Poll
// whether there is anything for River to do: a job that is due, one to retry,
// or one of a replica that has ended. Every hour River runs for the periodic
// jobs.
//
// There is no connection that listens, since PgBouncer in transaction mode does
// not support it, and inserts notify nobody. While River runs, each queue
// fetches jobs every Config.Poll. The leader renews its term and looks for jobs
// to retry every 5 s, and for jobs of ended replicas and jobs to delete every
// 30 s. Queues cannot be paused, so that River need not read their settings.
package jobs

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/trace"

	"github.com/byline-api/byline/db"
)

// The queues. A kind chooses one with a method InsertOpts.
const (
	// Prompt is the queue of jobs that begin at their time. Each takes less
	// than a second, so that others do not wait for it.
	Prompt = river.QueueDefault
	// Background is the queue of jobs that can wait for each other, such as
	// those that wait for another server. Each replica works one at a time.
	Background = "background"
)

var queues = []string{Prompt, Background}

const (
	// DefaultPoll lets a job of the queue Prompt begin within a second of its
	// time: River adds up to a tenth to the interval.
	DefaultPoll = 800 * time.Millisecond
	// promptWorkers bounds the jobs of Prompt that a replica works on at the
	// same time, so that most connections of the pool stay free for requests.
	promptWorkers = 2
	// timeout limits one attempt. The job of a replica that has ended is
	// retried when rescueAfter has passed since it began.
	timeout, rescueAfter = time.Minute, 90 * time.Second
	// stopTimeout is how long a stop waits for running jobs before their
	// contexts end. They are then worked by another replica.
	stopTimeout = 10 * time.Second
	// maxAttempts is the default; with Backoff they take about six hours.
	maxAttempts = 12
	// lingering is how long River runs after the last job.
	lingering = 15 * time.Second
)

// Backoff returns the time between an attempt, counted from 1, and the next
// one: 30 s, which doubles with each attempt, up to an hour.
func Backoff(attempt int) time.Duration {
	const first, most = 30 * time.Second, time.Hour
	return min(first<<min(attempt-1, 10), most)
}

// Config configures a queue.
type Config struct {
	DB     *db.DB
	Logger *slog.Logger
	// Tracing makes a span for each job; nil switches tracing off.
	Tracing trace.TracerProvider
	// Poll is the interval of the queries for jobs that are due; 0 means
	// DefaultPoll.
	Poll    time.Duration
	Workers []Worker
	// Hourly are jobs that the leader inserts when it becomes the leader, and
	// every hour.
	Hourly []river.JobArgs
	// Rested, if set, is called when River has stopped because there are no
	// jobs.
	Rested func()

	// For tests: whether this replica never becomes the leader, its clock, and
	// how long River runs after the last job if not for the usual time.
	follows bool
	clock   rivertype.TimeGenerator
	lingers time.Duration
}

// Worker works the jobs of one kind.
type Worker struct {
	kind string
	add  func(*river.Workers) error
}

// Works returns w as a Worker.
func Works[T river.JobArgs](w river.Worker[T]) Worker {
	var args T
	return Worker{args.Kind(), func(all *river.Workers) error { return river.AddWorkerSafely(all, w) }}
}

// New returns a Queue, which works jobs while Run is running.
func New(cfg Config) (*Queue, error) {
	workers, kinds := river.NewWorkers(), make([]string, len(cfg.Workers))
	for i, w := range cfg.Workers {
		kinds[i] = w.kind
		if err := w.add(workers); err != nil {
			return nil, fmt.Errorf("jobs: %w", err)
		}
	}
	observer := newObserver(kinds, cfg.Tracing, cfg.Logger)
	hourly := make([]*river.PeriodicJob, len(cfg.Hourly))
	for i, args := range cfg.Hourly {
		insert := func() (river.JobArgs, *river.InsertOpts) { return args, &river.InsertOpts{UniqueOpts: once} }
		hourly[i] = river.NewPeriodicJob(river.PeriodicInterval(time.Hour), insert, &river.PeriodicJobOpts{RunOnStart: true})
	}
	poll := cmp.Or(cfg.Poll, DefaultPoll)
	client, err := river.NewClient(driver{shared, cfg.DB}, &river.Config{
		FetchCooldown:          min(poll, 20*time.Millisecond),
		FetchPollInterval:      poll,
		FetchOnlyKnownKinds:    true, // those of a newer release wait for it
		Hooks:                  []rivertype.Hook{&byDatabaseClock{}},
		JobTimeout:             timeout,
		LeaderElectionDisabled: cfg.follows,
		Logger:                 slog.New(newQuietHandler(cfg.Logger.Handler())),
		MaxAttempts:            maxAttempts,
		Middleware:             []rivertype.Middleware{observer},
		PeriodicJobs:           hourly,
		PollOnly:               true,
		Queues:                 map[string]river.QueueConfig{Prompt: {MaxWorkers: promptWorkers}, Background: {MaxWorkers: 1}},
		// The statements of the service have a time limit that building an
		// index can exceed.
		ReindexerIndexNames:  []string{},
		RescueStuckJobsAfter: rescueAfter,
		RetryPolicy:          retryPolicy{},
		SoftStopTimeout:      stopTimeout,
		Test:                 river.TestConfig{Time: cfg.clock},
		Workers:              workers,
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Queue{
		client: client, db: cfg.DB, log: cfg.Logger, observer: observer, problems: newLastLogged(),
		poll: poll, lingers: cmp.Or(cfg.lingers, lingering), rested: cfg.Rested,
	}, nil
}

// once keeps a periodic job from being inserted twice within an hour, by one
// leader after the other.
var once = river.UniqueOpts{ByArgs: true, ByPeriod: time.Hour}

type retryPolicy struct{}

// NextRetry implements river.ClientRetryPolicy.
func (retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(Backoff(job.Attempt))
}
