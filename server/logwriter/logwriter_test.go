package logwriter_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/logwriter"
)

// sink counts the writes that reach it.
type sink struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	fails  bool
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.fails {
		return 0, errors.New("disk full")
	}
	return s.text.Write(p)
}

func (s *sink) state() (text string, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.writes
}

func TestWriter(t *testing.T) {
	t.Parallel()

	t.Run("AtOnceAfterAPause", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		slog.New(slog.NewJSONHandler(logwriter.New(out), nil)).Info("alone")
		text, _ := out.state()
		require.Contains(t, text, "alone")
	})

	t.Run("BatchesAndFlushes", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		log := slog.New(slog.NewJSONHandler(logwriter.New(out), nil))
		for range 100 {
			log.Info("one of many")
		}
		require.Eventually(t, func() bool {
			text, _ := out.state()
			return strings.Count(text, "\n") == 100
		}, 20*time.Second, time.Millisecond)
		_, writes := out.state()
		require.Less(t, writes, 50)
	})

	t.Run("ErrorsAtOnce", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		w := logwriter.New(out)
		log := slog.New(logwriter.FlushErrors(slog.NewTextHandler(w, nil), w)).With("a", 1).WithGroup("g")
		log.Info("first")
		log.Info("before")
		log.Error("last words")
		text, _ := out.state()
		require.Contains(t, text, "before")
		require.Contains(t, text, "last words")
	})

	t.Run("LosesNothing", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		w := logwriter.New(out)
		log := slog.New(slog.NewTextHandler(w, nil))
		const writers, lines = 8, 2000
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				for j := range lines {
					log.Info("line", "writer", i, "n", j)
				}
			})
		}
		all.Wait()
		require.NoError(t, w.Flush())
		text, writes := out.state()
		require.Equal(t, writers*lines, strings.Count(text, "\n"))
		require.Less(t, writes, writers*lines/10)
		for i := range writers { // each writer's lines are in order
			at := -1
			for _, j := range []int{0, 1, lines / 2, lines - 1} {
				found := strings.Index(text, fmt.Sprintf("writer=%d n=%d\n", i, j))
				require.Greater(t, found, at)
				at = found
			}
		}
	})

	t.Run("ContinuesAfterAFailure", func(t *testing.T) {
		t.Parallel()
		out := &sink{fails: true}
		w := logwriter.New(out)
		_, err := w.Write([]byte("lost\n"))
		require.Error(t, err)
		out.mu.Lock()
		out.fails = false
		out.mu.Unlock()
		_, err = w.Write([]byte("written\n"))
		require.NoError(t, err)
		require.NoError(t, w.Flush())
		text, _ := out.state()
		require.Equal(t, "written\n", text)
	})
}

func BenchmarkWriter(b *testing.B) {
	w := logwriter.New(&sink{})
	line := []byte(strings.Repeat("x", 200) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
	}
}
