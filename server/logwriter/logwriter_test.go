package logwriter_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
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

// open returns a Writer to w that the test closes.
func open(t testing.TB, w io.Writer) *logwriter.Writer {
	t.Helper()
	l := logwriter.New(w, func(w io.Writer, lines int64) error {
		_, err := fmt.Fprintf(w, "dropped %d\n", lines)
		return err
	})
	t.Cleanup(func() { _ = l.Close(time.Second) })
	return l
}

// has waits until the sink contains a text.
func (s *sink) has(t *testing.T, want string) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, _ := s.state()
		return strings.Contains(text, want)
	}, 20*time.Second, time.Millisecond)
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

	t.Run("WithoutAnotherLine", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		slog.New(slog.NewJSONHandler(open(t, out), nil)).Info("alone")
		out.has(t, "alone")
	})

	t.Run("BatchesAndFlushes", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		log := slog.New(slog.NewJSONHandler(open(t, out), nil))
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

	t.Run("ErrorsEndAPause", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		w := open(t, out)
		log := slog.New(logwriter.WriteErrorsNow(slog.NewTextHandler(w, nil), w)).With("a", 1).WithGroup("g")
		log.Info("first")
		log.Info("before")
		log.Error("last words")
		out.has(t, "last words")
		out.has(t, "before")
	})

	t.Run("LosesNothing", func(t *testing.T) {
		t.Parallel()
		out := &sink{}
		w := open(t, out)
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
		require.NoError(t, w.Close(time.Minute))
		require.Zero(t, w.Dropped())
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
		w := open(t, out)
		for _, line := range []string{"lost\n", "lost\n"} {
			_, err := io.WriteString(w, line)
			require.NoError(t, err)
		}
		require.Eventually(t, func() bool { return w.Dropped() == 2 }, 20*time.Second, time.Millisecond)
		out.mu.Lock()
		out.fails = false
		out.mu.Unlock()
		_, err := io.WriteString(w, "written\n")
		require.NoError(t, err)
		require.NoError(t, w.Close(time.Minute))
		text, _ := out.state()
		require.Equal(t, "written\ndropped 2\n", text)
	})
	t.Run("NobodyReads", func(t *testing.T) {
		t.Parallel()
		read, write := io.Pipe()
		w := open(t, write)
		line := strings.Repeat("x", 999) + "\n"
		const lines = 50_000 // 50 MB
		for range lines {    // would never end if a line waited for the reader
			_, err := io.WriteString(w, line)
			require.NoError(t, err)
		}
		dropped := w.Dropped()
		require.InDelta(t, lines-4<<20/len(line), dropped, 1, "4 MB of lines wait for the reader")
		require.Error(t, w.Close(10*time.Millisecond), "the end of the process does not wait for ever")

		_, err := io.WriteString(w, "late\n")
		require.NoError(t, err)
		text := make(chan string, 1)
		go func() {
			all, _ := io.ReadAll(read)
			text <- string(all)
		}()
		require.NoError(t, w.Close(time.Minute))
		require.NoError(t, write.Close())
		got := <-text
		require.Equal(t, lines-int(dropped), strings.Count(got, line), "lines that were accepted are written")
		// There are two reports if the first batch begins after the first line
		// that is dropped.
		reported := int64(0)
		for _, report := range regexp.MustCompile(`(?m)^dropped (\d+)$`).FindAllStringSubmatch(got, -1) {
			n, err := strconv.ParseInt(report[1], 10, 64)
			require.NoError(t, err)
			reported += n
		}
		require.Equal(t, dropped+1, reported)
		require.Equal(t, dropped+1, w.Dropped())
	})
}

func BenchmarkWriter(b *testing.B) {
	w := open(b, &sink{})
	line := []byte(strings.Repeat("x", 200) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
	}
}
