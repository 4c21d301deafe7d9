// Package logwriter writes the lines of a log in batches, because a write to a
// pipe or a file costs more than making the line. The program never waits for
// the reader of the log: one goroutine writes, and lines that find the buffer
// full are dropped and counted.
package logwriter

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// flushInterval is how long a line may stay in memory. A process that is
	// killed loses the lines of that time.
	flushInterval = 100 * time.Millisecond
	// batchSize is the size, in bytes, at which a batch is written early.
	batchSize = 64 << 10
	// maxWaiting bounds the bytes that wait to be written. Under full load
	// this is the log of about one second.
	maxWaiting = 4 << 20
)

// Writer batches log lines. A line that comes after a pause is written at
// once, the others within flushInterval.
type Writer struct {
	w      io.Writer
	report func(w io.Writer, lines int64) error

	wake  chan struct{} // there are lines to write
	hurry chan struct{} // they have to be written now
	ended chan struct{} // closed when the goroutine has ended
	total atomic.Int64

	mu      sync.Mutex
	lines   []byte
	spare   []byte
	writing int   // bytes of the batch that is being written
	dropped int64 // lines that were dropped and not reported yet
	closed  bool
}

// New returns a Writer to w. After lines have been dropped and w accepts lines
// again, report writes to w how many were dropped. The caller calls Close at
// the end.
func New(w io.Writer, report func(w io.Writer, lines int64) error) *Writer {
	l := &Writer{w: w, report: report, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), ended: make(chan struct{})}
	go l.run()
	return l
}

// Write takes whole lines. It implements io.Writer, never waits for the
// underlying writer, and returns no error.
func (l *Writer) Write(lines []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.lines)+l.writing+len(lines) > maxWaiting {
		l.drop(lines)
		return len(lines), nil
	}
	before := len(l.lines)
	l.lines = append(l.lines, lines...)
	if before == 0 {
		signal(l.wake)
	}
	if before < batchSize && len(l.lines) >= batchSize {
		signal(l.hurry)
	}
	return len(lines), nil
}

// drop counts lines that will not be written. The caller holds l.mu.
func (l *Writer) drop(lines []byte) {
	n := int64(bytes.Count(lines, []byte("\n")))
	l.dropped += n
	l.total.Add(n)
}

// signal sends to a channel with a buffer of one. A signal that waits there
// already is enough.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Dropped returns how many lines have been dropped.
func (l *Writer) Dropped() int64 { return l.total.Load() }

// run writes the batches until the Writer is closed.
func (l *Writer) run() {
	defer close(l.ended)
	pause := time.NewTimer(0)
	defer pause.Stop()
	var last time.Time
	for closed := false; !closed; {
		<-l.wake
		if d := flushInterval - time.Since(last); d > 0 {
			pause.Reset(d)
			select {
			case <-pause.C:
			case <-l.hurry:
			}
		}
		last = time.Now()
		closed = l.writeBatch()
	}
}

// writeBatch writes the lines that wait, and reports whether the Writer was
// closed before.
func (l *Writer) writeBatch() (closed bool) {
	l.mu.Lock()
	lines, dropped := l.lines, l.dropped
	l.lines, l.spare, l.dropped, l.writing, closed = l.spare[:0], nil, 0, len(lines), l.closed
	l.mu.Unlock()
	n, err := 0, error(nil)
	if len(lines) > 0 {
		n, err = l.w.Write(lines)
	}
	if err == nil && dropped > 0 && l.report(l.w, dropped) == nil {
		dropped = 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped += dropped
	if err != nil { // to keep the lines would take unbounded memory
		l.drop(lines[n:])
	}
	l.writing = 0
	if cap(lines) <= 2*batchSize {
		l.spare = lines
	}
	return closed
}

// Close writes the lines that wait, and gives up after a time limit. Lines that
// come later are dropped.
func (l *Writer) Close(limit time.Duration) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	signal(l.wake)
	signal(l.hurry)
	select {
	case <-l.ended:
		return nil
	case <-time.After(limit):
		return errors.New("logwriter: nobody reads the log")
	}
}

// WriteErrorsNow returns a handler that passes records to h, which writes to l,
// and makes l write without a pause after each error: it may be the last line
// before the process dies.
func WriteErrorsNow(h slog.Handler, l *Writer) slog.Handler { return urgent{Handler: h, l: l} }

type urgent struct {
	slog.Handler
	l *Writer
}

// Handle implements slog.Handler.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelError {
		signal(u.l.hurry)
	}
	return err
}

// WithAttrs implements slog.Handler.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{Handler: u.Handler.WithAttrs(attrs), l: u.l}
}

// WithGroup implements slog.Handler.
func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{Handler: u.Handler.WithGroup(name), l: u.l}
}
