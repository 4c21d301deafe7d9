// Package logwriter batches the lines of a log, because a write to a pipe or
// a file costs more than making the line.
package logwriter

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// flushInterval is how long a line may stay in memory. A process that is
	// killed loses the lines of that time.
	flushInterval = 100 * time.Millisecond
	// bufferSize is the size, in bytes, at which a batch is written early.
	bufferSize = 64 << 10
)

// Writer batches log lines. A line that comes after a pause is written at
// once, the others within flushInterval.
type Writer struct {
	mu        sync.Mutex
	lines     []byte
	spare     []byte
	scheduled bool // a timer will flush
	flushed   time.Time

	out sync.Mutex // keeps the lines in order
	w   io.Writer
}

// New returns a Writer to w. The caller calls Flush at the end.
func New(w io.Writer) *Writer { return &Writer{w: w} }

// Write takes whole lines. It implements io.Writer.
func (w *Writer) Write(lines []byte) (int, error) {
	w.mu.Lock()
	w.lines = append(w.lines, lines...)
	pause := time.Since(w.flushed)
	if pause < flushInterval && len(w.lines) < bufferSize {
		if !w.scheduled {
			w.scheduled = true
			time.AfterFunc(flushInterval-pause, w.timeout)
		}
		w.mu.Unlock()
		return len(lines), nil
	}
	w.mu.Unlock()
	return len(lines), w.Flush()
}

// timeout flushes when the timer fires. Nothing else resets scheduled, so that
// there is never more than one timer.
func (w *Writer) timeout() {
	w.mu.Lock()
	w.scheduled = false
	w.mu.Unlock()
	_ = w.Flush()
}

// Flush writes the batch. Lines that cannot be written are lost: storing them
// would take unbounded memory.
func (w *Writer) Flush() error {
	w.out.Lock()
	defer w.out.Unlock()
	w.mu.Lock()
	lines := w.lines
	if len(lines) == 0 {
		w.mu.Unlock()
		return nil
	}
	w.lines, w.spare, w.flushed = w.spare[:0], nil, time.Now()
	w.mu.Unlock()
	_, err := w.w.Write(lines)
	if cap(lines) <= 2*bufferSize {
		w.mu.Lock()
		w.spare = lines
		w.mu.Unlock()
	}
	return err
}

// FlushErrors returns a handler that passes records to h, which writes to w,
// and flushes w after each error: it may be the last line before the process
// dies.
func FlushErrors(h slog.Handler, w *Writer) slog.Handler { return flushing{Handler: h, w: w} }

type flushing struct {
	slog.Handler
	w *Writer
}

// Handle implements slog.Handler.
func (f flushing) Handle(ctx context.Context, r slog.Record) error {
	err := f.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelError {
		_ = f.w.Flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (f flushing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return flushing{Handler: f.Handler.WithAttrs(attrs), w: f.w}
}

// WithGroup implements slog.Handler.
func (f flushing) WithGroup(name string) slog.Handler {
	return flushing{Handler: f.Handler.WithGroup(name), w: f.w}
}
