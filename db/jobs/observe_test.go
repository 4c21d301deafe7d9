package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/gen/query"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	insert(t, d, 1)
	w := &worker{work: func(_ context.Context, job *river.Job[task]) error {
		switch job.Attempt {
		case 1:
			return errors.New("the account anna@example.com is busy")
		case 2:
			panic("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl")
		}
		return nil
	}}
	log := &lockedBuffer{}
	cfg := config(d, w)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	q, _ := run(t, cfg)
	eventually(t, d, "state = 'completed' AND attempt = 3", 1)
	stats := q.Stats()["task"]
	require.Equal(t, map[jobs.Outcome]uint64{jobs.Completed: 1, jobs.Failed: 2, jobs.Discarded: 0, jobs.Cancelled: 0, jobs.Snoozed: 0}, stats.Attempts)
	var stored string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT errors::text FROM river_job`).Scan(&stored))
	for _, text := range []string{stored, log.String()} {
		require.Contains(t, text, "the account [withheld] is busy")
		require.Contains(t, text, "panic: [withheld]")
		require.NotContains(t, text, "eyJ")
	}
	require.Contains(t, log.String(), "kind=task")
	require.Contains(t, log.String(), "(*worker).Work", "the line of a panic has the stack")
}

// TestOutage checks that a job which fails because the database was restarted
// is worked again at once, and that this has a limit.
func TestOutage(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	restarted := &pgconn.PgError{Code: "57P01"}
	w := &worker{work: func(_ context.Context, job *river.Job[task]) error {
		if job.Args.Number == 2 || len(job.Metadata) == len("{}") {
			return restarted
		}
		return nil
	}}
	insert(t, d, 1, 2)
	_, err := d.Exec(t.Context(), `UPDATE river_job SET max_attempts = 2, metadata = '{"snoozes": 29}' WHERE args = '{"number": 2}'`)
	require.NoError(t, err)
	run(t, config(d, w))
	eventually(t, d, "state = 'completed' AND attempt = 1", 1)
	eventually(t, d, "state = 'discarded' AND attempt = 2", 1)
}

// TestSpans checks that each attempt has a span, and that the statements of the
// worker are below it.
func TestSpans(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	d := dbtest.Open(t, func(c *db.Config) { c.Tracer = db.TraceStatements(provider, nil) })
	w := &worker{work: func(ctx context.Context, job *river.Job[task]) error {
		if _, err := query.New().JobCount(ctx, d); err != nil || job.Attempt > 1 {
			return err
		}
		return errors.New("not yet")
	}}
	insert(t, d, 1)
	cfg := config(d, w)
	cfg.Tracing = provider
	run(t, cfg)
	eventually(t, d, "state = 'completed'", 1)
	var attempts, statements []sdktrace.ReadOnlySpan
	for _, span := range spans.Ended() {
		if span.Name() == "task" {
			attempts = append(attempts, span)
		} else {
			require.Equal(t, "JobCount", span.Name(), "the statements of the queue itself have no spans")
			statements = append(statements, span)
		}
	}
	require.Len(t, attempts, 2)
	require.Equal(t, codes.Error, attempts[0].Status().Code)
	require.Equal(t, codes.Unset, attempts[1].Status().Code)
	require.Contains(t, attempts[1].Attributes(), attribute.Int("byline.job_attempt", 2))
	require.Len(t, statements, 2)
	require.Equal(t, attempts[1].SpanContext().SpanID(), statements[1].Parent().SpanID())
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
