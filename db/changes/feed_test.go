package changes

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
)

// script is a fake database that returns what a test tells it to.
type script struct {
	mu      sync.Mutex
	pending []string
	started string
	err     error
	since   []string // the snapshots that queries continued from; "" for none
	deleted []string // the snapshots up to which changes were deleted
	foreign int      // how often the changes of another cluster were deleted
	reads   atomic.Int64
	// idle keeps the snapshot, since no transaction ends.
	idle bool
	// before runs before each result.
	before func(ctx context.Context)
}

func (s *script) change(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, keys...)
}

func (s *script) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *script) Exec(_ context.Context, _ string, args ...any) (pgconn.CommandTag, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(args) == 0 {
		s.foreign++
	} else {
		s.deleted = append(s.deleted, args[0].(string))
	}
	return pgconn.CommandTag{}, s.err
}

// deletions returns the snapshots up to which changes were deleted, and how often
// the changes of another cluster were.
func (s *script) deletions() (snapshots []string, foreign int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deleted), s.foreign
}

func (s *script) Query(context.Context, string, ...any) (pgx.Rows, error) { panic("not asked") }

func (s *script) QueryRow(ctx context.Context, _ string, args ...any) pgx.Row {
	since := ""
	if len(args) > 0 {
		since = args[0].(string)
	}
	return scriptRow{ctx, s, since}
}

type scriptRow struct {
	ctx   context.Context
	s     *script
	since string
}

// Scan returns the snapshot, the start time of the server, the position in the
// write-ahead log and, if the query selects them, the keys. The n-th snapshot is
// n times "|", and at 100 n.
func (r scriptRow) Scan(dest ...any) error {
	n := r.s.reads.Add(1)
	if r.s.before != nil {
		r.s.before(r.ctx)
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.since = append(r.s.since, r.since)
	if err := errors.Join(r.s.err, r.ctx.Err()); err != nil {
		return err
	}
	snapshot := strings.Repeat("|", int(n))
	if r.s.idle {
		snapshot = r.since
	}
	*dest[0].(*string), *dest[1].(*string), *dest[2].(*int64) = snapshot, r.s.started, 100*n
	if len(dest) > 3 {
		*dest[3].(*[]string) = r.s.pending
	}
	r.s.pending = nil
	return nil
}

// listener is a subscriber that records the batches that it receives.
type listener struct {
	mu      sync.Mutex
	batches []Batch
	errs    []error // of the next calls
}

func (l *listener) Learn(_ context.Context, b Batch) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches = append(l.batches, b)
	if len(l.errs) > 0 {
		err, l.errs = l.errs[0], l.errs[1:]
	}
	return err
}

// told returns the batches that the subscriber received since the last call, as
// texts: "all", or keys.
func (l *listener) told() (texts []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.batches {
		text := "all"
		if !b.All {
			var keys []string
			for _, k := range b.Keys {
				keys = append(keys, k.String())
			}
			text = strings.Join(keys, ",")
		} else if b.Keys != nil {
			text = "all, and keys"
		}
		texts = append(texts, text)
	}
	l.batches = nil
	return texts
}

// begun returns a feed that has read its first position, with two subscribers.
func begun(t *testing.T) (f *Feed, s *script, one, two *listener, log *bytes.Buffer) {
	t.Helper()
	s, one, two, log = &script{started: "today"}, &listener{}, &listener{}, &bytes.Buffer{}
	f = NewFeed(s, slog.New(slog.NewTextHandler(log, nil)))
	f.Subscribe(one)
	f.Subscribe(two)
	require.NoError(t, f.Sync(t.Context()))
	for _, l := range []*listener{one, two} {
		require.Equal(t, []string{"all"}, l.told(), "the first batch must have All set")
	}
	return f, s, one, two, log
}

// TestMark checks that the mark is at a position after everything that has been
// delivered, before subscribers learn of it, and stays while nothing commits.
func TestMark(t *testing.T) {
	t.Parallel()
	f := NewFeed(&script{}, slog.New(slog.DiscardHandler))
	require.Equal(t, db.Mark{}, f.Mark(), "of no life, so that no standby can have reached it")

	f, s, _, _, _ := begun(t)
	require.Equal(t, db.Mark{Life: "today", LSN: 100}, f.Mark())
	var seen db.Mark
	f.Subscribe(learner(func() { seen = f.Mark() }))
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, db.Mark{Life: "today", LSN: 200}, seen)
	s.idle = true
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, int64(200), f.Mark().LSN, "nothing has committed")
	s.idle, s.started = false, "later"
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, "later", f.Mark().Life)
	require.Greater(t, f.Mark().LSN, int64(300))
}

// learner is a subscriber that calls a function.
type learner func()

func (l learner) Learn(context.Context, Batch) error {
	l()
	return nil
}

func TestSync(t *testing.T) {
	t.Parallel()
	f, s, one, two, log := begun(t)
	for _, test := range []struct {
		changed []string
		told    string
	}{
		{nil, ""},
		{[]string{"a1", "tgo", "a1", "l"}, "a1,tgo,a1,l"},
		{[]string{"a1", "*", "l"}, "all"},
		{[]string{"a1", "z12", "l"}, "all"},
		{[]string{"aa"}, "all"},
		{[]string{""}, "all"},
		{[]string{"K"}, "K"},
	} {
		s.change(test.changed...)
		asked := time.Now()
		require.NoError(t, f.Sync(t.Context()))
		require.WithinRange(t, one.batches[0].Began, asked, time.Now())
		require.Equal(t, []string{test.told}, one.told())
		require.Equal(t, []string{test.told}, two.told())
	}
	require.Equal(t, []string{"", "|", "||", "|||", "||||", "|||||", "||||||", "|||||||"}, s.since, "each round must continue from the previous one")
	require.Equal(t, 1, strings.Count(log.String(), "unknown kind"), "an unknown kind must be logged once")
	require.Contains(t, log.String(), "kind=z\n", "only the kind of the key must be logged: %s", log)

	s.started = "tomorrow"
	s.change("a1")
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{"all"}, one.told(), "a restart of PostgreSQL may have lost changes")
	s.change("a1")
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{"a1"}, one.told())
}

// TestSyncErrors checks that after an error no subscriber relies on older data,
// not even before the next round.
func TestSyncErrors(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	t.Run("Reading", func(t *testing.T) {
		t.Parallel()
		f, s, one, two, _ := begun(t)
		s.fail(boom)
		for range 2 {
			require.ErrorIs(t, f.Sync(t.Context()), boom)
			require.Equal(t, []string{"all"}, one.told())
			require.Equal(t, []string{"all"}, two.told())
		}
		s.fail(nil)
		require.NoError(t, f.Sync(t.Context()))
		require.Equal(t, []string{"all"}, one.told(), "changes in between were not read")
		require.Equal(t, []string{"", "|", "", ""}, s.since)
		s.change("a1")
		require.NoError(t, f.Sync(t.Context()))
		require.Equal(t, []string{"a1"}, one.told())
		require.Equal(t, []string{"all", "a1"}, two.told())
	})
	for name, fails := range map[string]func(one, two *listener) (failing, other *listener){
		"FirstSubscriber": func(one, two *listener) (*listener, *listener) { return one, two },
		"LastSubscriber":  func(one, two *listener) (*listener, *listener) { return two, one },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s, one, two, _ := begun(t)
			failing, other := fails(one, two)
			// It fails at the batch with keys and at two batches with All set.
			failing.errs = []error{boom, boom, boom}
			s.change("a1", "K")
			err := f.Sync(t.Context())
			require.ErrorIs(t, err, boom)
			require.ErrorContains(t, err, "changes: telling *changes.listener")
			require.Equal(t, []string{"a1,K", "all"}, failing.told())
			require.Equal(t, []string{"a1,K", "all"}, other.told(), "both batches must arrive in the same round")
			require.ErrorIs(t, f.Sync(t.Context()), boom)
			require.Equal(t, []string{"all", "all"}, failing.told(), "All must be delivered again")
			require.NotEmpty(t, other.told())
			require.NoError(t, f.Sync(t.Context()))
			require.Equal(t, []string{"all"}, failing.told(), "All must be delivered until Learn succeeds")
			s.change("a2")
			require.NoError(t, f.Sync(t.Context()))
			require.Equal(t, []string{"a2"}, failing.told())
		})
	}
}

// TestSubscribeLate checks that a subscriber that is added later also receives
// a first batch with All set.
func TestSubscribeLate(t *testing.T) {
	t.Parallel()
	f, s, one, _, _ := begun(t)
	late := &listener{}
	f.Subscribe(late)
	s.change("a1")
	require.NoError(t, f.Sync(t.Context()))
	require.Equal(t, []string{"all"}, late.told())
	require.Equal(t, []string{"all"}, one.told())
}

// TestSyncIsShared checks that callers share rounds, but never a round that
// began before their call.
func TestSyncIsShared(t *testing.T) {
	t.Parallel()
	f, s, one, _, _ := begun(t)
	began, release := make(chan struct{}, 100), make(chan struct{})
	s.before = func(context.Context) {
		began <- struct{}{}
		<-release
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Sync(context.Background()) })
	<-began
	var changed atomic.Bool
	for range 20 {
		wg.Go(func() {
			_ = f.Sync(context.Background())
			one.mu.Lock()
			defer one.mu.Unlock()
			if len(one.batches) == 0 || !changed.Load() {
				t.Error("the caller shared a round that had begun before its call")
			}
			for _, b := range one.batches {
				if len(b.Keys) > 0 {
					return
				}
			}
			t.Error("a change that had committed before the call was missed")
		})
	}
	s.change("a1")
	changed.Store(true)
	close(release)
	wg.Wait()
	require.GreaterOrEqual(t, s.reads.Load(), int64(3))
	require.LessOrEqual(t, s.reads.Load(), int64(22))
}

// TestSyncSharesOneRound checks that all callers that arrive during a round
// share the next one.
func TestSyncSharesOneRound(t *testing.T) {
	t.Parallel()
	f, s, one, _, _ := begun(t)
	began, release := make(chan struct{}, 100), make(chan struct{})
	s.before = func(context.Context) {
		began <- struct{}{}
		<-release
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel() // callers that join a round without waiting for it
	require.Error(t, f.Sync(gone))
	<-began
	for range 20 {
		require.Error(t, f.Sync(gone))
	}
	f.mu.Lock()
	shared := f.next
	f.mu.Unlock()
	close(release)
	<-shared.done
	require.EqualValues(t, 3, s.reads.Load(), "the first position, the running round, and one round for all others")
	require.Len(t, one.told(), 2)
}

func TestSyncTimes(t *testing.T) {
	t.Parallel()
	t.Run("Caller", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, s, one, _, _ := begun(t)
			release := make(chan struct{})
			s.before = func(context.Context) { <-release }
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			s.change("a1")
			require.ErrorIs(t, f.Sync(ctx), context.DeadlineExceeded)
			require.Empty(t, one.told())
			close(release)
			synctest.Wait()
			require.Equal(t, []string{"a1"}, one.told(), "the round must continue for other callers")
		})
	})
	t.Run("Round", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, s, one, _, _ := begun(t)
			s.before = func(ctx context.Context) { <-ctx.Done() }
			asked := time.Now()
			require.ErrorIs(t, f.Sync(t.Context()), context.DeadlineExceeded)
			require.Equal(t, roundTimeout, time.Since(asked))
			require.Equal(t, []string{"all"}, one.told())
		})
	})
	t.Run("OldPosition", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, s, one, _, _ := begun(t)
			time.Sleep(PositionLife)
			s.change("a1")
			require.NoError(t, f.Sync(t.Context()))
			require.Equal(t, []string{"a1"}, one.told())
			time.Sleep(PositionLife + 1)
			s.change("a1")
			require.NoError(t, f.Sync(t.Context()))
			require.Equal(t, []string{"all"}, one.told(), "changes may have been deleted before they were read")
		})
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s, one, _, log := begun(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()
		s.change("a1")
		time.Sleep(pollInterval)
		synctest.Wait()
		require.Equal(t, []string{"a1"}, one.told())
		deleted, foreign := s.deletions()
		require.Empty(t, deleted)
		require.Equal(t, 1, foreign)

		time.Sleep(deleteInterval)
		synctest.Wait()
		deleted, _ = s.deletions()
		require.Empty(t, deleted, "changes must be stored for a minute")
		at := f.at()
		require.NotZero(t, at)
		time.Sleep(deleteInterval)
		synctest.Wait()
		deleted, _ = s.deletions()
		require.Len(t, deleted, 1)
		require.LessOrEqual(t, len(deleted[0]), len(at.Snapshot))
		require.Less(t, len(deleted[0]), len(f.at().Snapshot)-200, "changes of the last minute must not be deleted")

		s.fail(errors.New("boom"))
		time.Sleep(deleteInterval)
		synctest.Wait()
		deleted, _ = s.deletions()
		require.Len(t, deleted, 2)
		require.Equal(t, 1, strings.Count(log.String(), "old changes were not deleted"))
		one.told()
		s.fail(nil)
		time.Sleep(deleteInterval)
		synctest.Wait()
		deleted, _ = s.deletions()
		require.Len(t, deleted, 2, "nothing is deleted when there was no position a minute ago")
		require.Contains(t, one.told(), "all")
		stop()
		require.NoError(t, <-ended)
	})
}
