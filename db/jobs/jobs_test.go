package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/gen/query"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	soon = 30 * time.Second // a limit that only a blocked test exceeds
	tick = 10 * time.Millisecond
)

// task is a job of these tests.
type task struct {
	Number int `json:"number"`
}

func (task) Kind() string { return "task" }

// worker works tasks by a function, and records their numbers.
type worker struct {
	river.WorkerDefaults[task]
	work func(context.Context, *river.Job[task]) error // nil does nothing

	mu     sync.Mutex
	worked []int
}

func (w *worker) Work(ctx context.Context, job *river.Job[task]) error {
	w.mu.Lock()
	w.worked = append(w.worked, job.Args.Number)
	w.mu.Unlock()
	if w.work == nil {
		return nil
	}
	return w.work(ctx, job)
}

// NextRetry implements river.Worker.
func (w *worker) NextRetry(*river.Job[task]) time.Time { return time.Now().Add(tick) }

func (w *worker) numbers() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]int{}, w.worked...)
}

func config(d *db.DB, w *worker) jobs.Config {
	return jobs.Config{DB: d, Logger: slog.New(slog.DiscardHandler), Poll: tick, Workers: []jobs.Worker{jobs.Works(w)}}
}

// run works jobs until the test ends, or until stop is called.
func run(t *testing.T, cfg jobs.Config) (q *jobs.Queue, stop func()) {
	t.Helper()
	q, err := jobs.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = q.Run(ctx) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return q, stop
}

func insert(t *testing.T, d *db.DB, numbers ...int) {
	t.Helper()
	require.NoError(t, d.InTx(t.Context(), func(tx query.DBTX) error {
		for _, n := range numbers {
			if err := jobs.Insert(t.Context(), tx, task{n}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func count(t *testing.T, d *db.DB, condition string) (n int) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE `+condition).Scan(&n))
	return n
}

func eventually(t *testing.T, d *db.DB, condition string, want int) {
	t.Helper()
	require.Eventually(t, func() bool { return count(t, d, condition) == want }, soon, tick, condition)
}

func TestInsert(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	failure := errors.New("no")
	err := d.InTx(t.Context(), func(tx query.DBTX) error {
		require.NoError(t, jobs.Insert(t.Context(), tx, task{1}))
		var exact bool
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT created_at = now() AND scheduled_at = now() FROM river_job`).Scan(&exact))
		require.True(t, exact, "the times are those of the database")
		require.NoError(t, jobs.InsertAt(t.Context(), tx, time.Now(), task{1}))
		return failure
	})
	require.ErrorIs(t, err, failure)
	require.Zero(t, count(t, d, "true"), "the transaction was rolled back")

	insert(t, d, 2)
	w := &worker{}
	run(t, config(d, w))
	eventually(t, d, "state = 'completed'", 1)
	require.Equal(t, []int{2}, w.numbers())
}

// TestReplicas checks that each job is worked once.
func TestReplicas(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	d := dbtest.OpenURL(t, url)
	const n = 50
	var want []int
	for i := range n {
		want = append(want, i)
	}
	w := &worker{}
	for range 3 {
		run(t, config(dbtest.OpenURL(t, url), w))
	}
	insert(t, d, want...)
	eventually(t, d, "state = 'completed'", n)
	require.ElementsMatch(t, want, w.numbers())
}

// TestDiscard checks that a job which never succeeds is kept, and can be tried
// again.
func TestDiscard(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	insert(t, d, 1)
	_, err := d.Exec(t.Context(), `UPDATE river_job SET max_attempts = 3`)
	require.NoError(t, err)
	w := &worker{work: func(_ context.Context, job *river.Job[task]) error {
		if job.Attempt < 4 {
			return errors.New("not yet")
		}
		return nil
	}}
	q, _ := run(t, config(d, w))
	eventually(t, d, "state = 'discarded' AND attempt = 3", 1)
	counts, err := q.Count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, counts.Discarded)
	list, err := q.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "not yet", list[0].LastError)

	require.NoError(t, q.Retry(t.Context(), list[0].ID))
	eventually(t, d, "state = 'completed'", 1)
	require.ErrorIs(t, q.Retry(t.Context(), 1<<40), jobs.ErrNotFound)
	require.ErrorIs(t, q.Cancel(t.Context(), 1<<40), jobs.ErrNotFound)
}

// TestCancel cancels a job that waits and one that is running.
func TestCancel(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	w := &worker{work: func(ctx context.Context, _ *river.Job[task]) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	q, _ := run(t, config(d, w))
	insert(t, d, 1)
	require.NoError(t, jobs.InsertAt(t.Context(), d, time.Now().Add(time.Hour), task{2}))
	eventually(t, d, "state = 'running'", 1)
	list, err := q.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, job := range list {
		require.NoError(t, q.Cancel(t.Context(), job.ID))
	}
	eventually(t, d, "state = 'cancelled'", 2)
}

// TestInsertAt checks that the database's clock decides, without a leader and
// with wrong clocks of the replicas.
func TestInsertAt(t *testing.T) {
	t.Parallel()
	for label, ahead := range map[string]time.Duration{"Ahead": time.Hour, "Behind": -time.Hour} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			w := &worker{}
			q, _ := run(t, jobs.Following(jobs.WithClock(config(d, w), ahead)))
			now := func() (at time.Time) {
				require.NoError(t, d.QueryRow(t.Context(), `SELECT now()`).Scan(&at))
				return at
			}
			require.NoError(t, jobs.InsertAt(t.Context(), d, now().Add(time.Hour), task{1}))
			require.NoError(t, jobs.InsertAt(t.Context(), d, now().Add(time.Second), task{2}))
			require.NoError(t, jobs.InsertAt(t.Context(), d, now().Add(-time.Minute), task{3}))
			require.NoError(t, jobs.Insert(t.Context(), d, task{4}))
			require.Eventually(t, func() bool { return len(w.numbers()) == 3 }, soon, tick)
			require.Equal(t, 2, w.numbers()[2])
			require.Zero(t, count(t, d, "attempted_at < scheduled_at"), "no job began before its time")
			require.Zero(t, count(t, d, "EXISTS (SELECT FROM river_leader)"))
			counts, err := q.Count(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 1, counts.Scheduled)
		})
	}
}

// TestStop checks that a stop finishes the job that is running and begins no
// other one.
func TestStop(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	began, finish := make(chan struct{}, 10), make(chan struct{})
	w := &worker{work: func(ctx context.Context, _ *river.Job[task]) error {
		began <- struct{}{}
		<-finish
		return ctx.Err()
	}}
	_, stop := run(t, config(d, w))
	insert(t, d, 1, 2, 3, 4)
	<-began
	<-began
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	time.Sleep(10 * tick)
	close(finish)
	<-stopped
	require.Equal(t, 2, count(t, d, "state = 'completed'"))
	require.Equal(t, 2, count(t, d, "state = 'available' AND attempt = 0"))
}

// TestEndedReplica checks that the job of a replica that ended without notice
// is tried again, and that another replica replaces it as the leader.
func TestEndedReplica(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	insert(t, d, 1, 2)
	for _, statement := range []string{
		`UPDATE river_job SET state = 'running', attempt = 1, attempted_by = '{ended}', attempted_at = now() - CASE id WHEN 1 THEN interval '2 minutes' ELSE '1 second' END`,
		`INSERT INTO river_leader (elected_at, expires_at, leader_id) VALUES (now(), now() + interval '1 second', 'ended')`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	w := &worker{}
	run(t, config(d, w))
	eventually(t, d, "state = 'completed' AND attempt = 2", 1)
	require.Equal(t, []int{1}, w.numbers(), "the other job may still be running")
	require.Equal(t, 1, count(t, d, "id = 1 AND EXISTS (SELECT FROM river_leader WHERE leader_id <> 'ended')"))
}

// TestHourly checks that the first leader inserts a periodic job, and the next
// one within the hour does not.
func TestHourly(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	cfg := config(d, &worker{})
	cfg.Hourly = []river.JobArgs{task{7}}
	for range 2 {
		_, stop := run(t, cfg)
		eventually(t, d, "state = 'completed' AND EXISTS (SELECT FROM river_leader)", 1)
		time.Sleep(time.Second) // a leader begins to insert within a second
		stop()
		require.Equal(t, 1, count(t, d, "true"))
	}
}

// TestIdle checks that River rests while there are no jobs, and that jobs are
// worked after that.
func TestIdle(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	w := &worker{}
	run(t, jobs.Lingering(config(d, w), 10*tick))
	leaders := func(want int) {
		t.Helper()
		require.Eventually(t, func() (done bool) {
			require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) = $1 FROM river_leader`, want).Scan(&done))
			return done
		}, soon, tick)
	}
	for i := range 3 {
		insert(t, d, i)
		eventually(t, d, "state = 'completed'", i+1)
		leaders(0)
	}
	require.Equal(t, []int{0, 1, 2}, w.numbers())
}
