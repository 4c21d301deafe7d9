package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/byline-api/byline/db"
)

// Outcome is how an attempt of a job has ended.
type Outcome string

// The outcomes of attempts.
const (
	Completed Outcome = "completed"
	Failed    Outcome = "failed"    // it is tried again
	Discarded Outcome = "discarded" // the last attempt has failed
	Cancelled Outcome = "cancelled" // it has failed, and trying again is of no use
	Snoozed   Outcome = "snoozed"   // it was too early
)

// KindStats are counted from the start of the service.
type KindStats struct {
	Attempts map[Outcome]uint64 // with every outcome
	// Duration is that of all attempts together.
	Duration time.Duration
}

// observer is around every attempt of a job: it makes the span, the statistics
// and the log line of a failure. It turns panics into errors, and takes secrets
// out of errors, which River stores.
type observer struct {
	river.MiddlewareDefaults
	tracer trace.Tracer
	log    *slog.Logger

	mu      sync.Mutex
	stats   map[string]KindStats
	running int
	ended   time.Time // when an attempt ended last
}

func newObserver(kinds []string, provider trace.TracerProvider, log *slog.Logger) *observer {
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	o := &observer{
		tracer: provider.Tracer("github.com/byline-api/byline/db/jobs", trace.WithSchemaURL(semconv.SchemaURL)),
		log:    log, stats: map[string]KindStats{},
	}
	for _, kind := range kinds { // series of metrics begin at 0
		o.stats[kind] = KindStats{Attempts: map[Outcome]uint64{Completed: 0, Failed: 0, Discarded: 0, Cancelled: 0, Snoozed: 0}}
	}
	return o
}

// Work implements rivertype.WorkerMiddleware.
func (o *observer) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	ctx, span := o.tracer.Start(ctx, job.Kind, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(semconv.MessagingSystemKey.String("river"), semconv.MessagingDestinationName(job.Queue),
			attribute.Int64("byline.job_id", job.ID), attribute.Int("byline.job_attempt", job.Attempt)))
	defer span.End()
	log := o.log.With("job", job.ID, "kind", job.Kind, "attempt", job.Attempt)
	began := time.Now()
	o.begin()
	err := contain(ctx, work, log)
	outcome := outcomeOf(job, err)
	if outcome == Failed && db.IsUnavailable(err) && snoozes(job) < maxSnoozes {
		log.Warn("a job waits for the database", "error", err)
		outcome, err = Snoozed, river.JobSnooze(snooze)
	}
	o.end(job.Kind, outcome, time.Since(began))
	switch outcome {
	case Failed:
		log.Warn("a job failed and is tried again", "error", err)
	case Cancelled:
		log.Warn("a job failed and is not tried again", "error", err)
	case Discarded:
		log.Error("a job failed in its last attempt", "error", err)
	default:
		return err
	}
	span.SetStatus(codes.Error, "")
	return err
}

const (
	// snooze is the time until the next attempt after an outage of the
	// database, such as a restart. It does not count as an attempt.
	snooze = time.Second
	// maxSnoozes bounds them, since a statement that always takes too long looks
	// like an outage.
	maxSnoozes = 30
)

// snoozes returns how often a job was snoozed.
func snoozes(job *rivertype.JobRow) int {
	var metadata struct{ Snoozes int }
	_ = json.Unmarshal(job.Metadata, &metadata) // River's own
	return metadata.Snoozes
}

// contain returns the error of work without secrets.
func contain(ctx context.Context, work func(context.Context) error, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = redacted{fmt.Errorf("panic: %v", p)}
			log.Error("a job panicked", "error", err, "stack", string(debug.Stack()))
		}
	}()
	if err = work(ctx); err != nil {
		return redacted{err}
	}
	return nil
}

// redacted is an error whose text has no secrets.
type redacted struct{ cause error }

func (e redacted) Error() string {
	var cancel *rivertype.JobCancelError
	if errors.As(e.cause, &cancel) && cancel.Unwrap() != nil {
		return db.CauseText(cancel.Unwrap()) // without the name of River's type
	}
	return db.CauseText(e.cause)
}

func (e redacted) Unwrap() error { return e.cause }

func outcomeOf(job *rivertype.JobRow, err error) Outcome {
	switch {
	case err == nil:
		return Completed
	case errors.Is(err, &rivertype.JobSnoozeError{}):
		return Snoozed
	case errors.Is(err, &rivertype.JobCancelError{}):
		return Cancelled
	case job.Attempt >= job.MaxAttempts:
		return Discarded
	}
	return Failed
}

func (o *observer) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running++
}

// rests reports whether no attempt is running or has ended within a time.
func (o *observer) rests(within time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.running == 0 && time.Since(o.ended) >= within
}

func (o *observer) end(kind string, outcome Outcome, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running--
	o.ended = time.Now()
	k := o.stats[kind]
	k.Attempts[outcome]++
	k.Duration += took
	o.stats[kind] = k
}

// Stats returns the statistics of this replica for each kind.
func (q *Queue) Stats() map[string]KindStats {
	q.observer.mu.Lock()
	defer q.observer.mu.Unlock()
	stats := maps.Clone(q.observer.stats)
	for kind, k := range stats {
		k.Attempts = maps.Clone(k.Attempts)
		stats[kind] = k
	}
	return stats
}

// quietHandler is the handler of River's own log lines. What is information
// there is for debugging here. A problem that lasts is logged once in
// repeatAfter, not at each poll.
type quietHandler struct {
	slog.Handler
	last *lastLogged
}

const repeatAfter = time.Minute

type lastLogged struct {
	mu sync.Mutex
	at map[string]time.Time // by message; River has a few
}

func newQuietHandler(h slog.Handler) slog.Handler {
	return quietHandler{h, newLastLogged()}
}

func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo && h.Handler.Enabled(ctx, lower(level))
}

func (h quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	if r.Level > slog.LevelDebug && !h.last.due(r.Message, r.Time) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs), h.last}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name), h.last}
}

func lower(level slog.Level) slog.Level {
	if level < slog.LevelWarn {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

func newLastLogged() *lastLogged { return &lastLogged{at: map[string]time.Time{}} }

// due reports whether to log a message, and notes that it is logged.
func (l *lastLogged) due(message string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, logged := l.at[message]; logged && now.Sub(last) < repeatAfter {
		return false
	}
	l.at[message] = now
	return true
}
