package server

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// flushInterval is what a killed process loses of its log at most.
	flushInterval = 100 * time.Millisecond
	logBuffer     = 64 << 10
)

// LogWriter gathers log lines while there are many of them: a write to a pipe
// or file costs more than making the line. A line that comes after a pause is
// written at once, the others within flushInterval.
type LogWriter struct {
	mu      sync.Mutex
	lines   []byte
	spare   []byte
	waiting bool // for the timer
	flushed time.Time

	out sync.Mutex // keeps the lines in order
	w   io.Writer
}

// NewLogWriter returns a writer to w. Flush it at the end.
func NewLogWriter(w io.Writer) *LogWriter { return &LogWriter{w: w} }

// Write takes whole lines.
func (l *LogWriter) Write(lines []byte) (int, error) {
	l.mu.Lock()
	l.lines = append(l.lines, lines...)
	pause := time.Since(l.flushed)
	if pause < flushInterval && len(l.lines) < logBuffer {
		if !l.waiting {
			l.waiting = true
			time.AfterFunc(flushInterval-pause, l.timeout)
		}
		l.mu.Unlock()
		return len(lines), nil
	}
	l.mu.Unlock()
	return len(lines), l.Flush()
}

// timeout alone ends the wait, so that there is never more than one timer.
func (l *LogWriter) timeout() {
	l.mu.Lock()
	l.waiting = false
	l.mu.Unlock()
	_ = l.Flush()
}

// Flush writes what has been gathered. Lines that cannot be written are lost:
// keeping them would take memory without end.
func (l *LogWriter) Flush() error {
	l.out.Lock()
	defer l.out.Unlock()
	l.mu.Lock()
	lines := l.lines
	if len(lines) == 0 {
		l.mu.Unlock()
		return nil
	}
	l.lines, l.spare, l.flushed = l.spare[:0], nil, time.Now()
	l.mu.Unlock()
	_, err := l.w.Write(lines)
	if cap(lines) <= 2*logBuffer {
		l.mu.Lock()
		l.spare = lines
		l.mu.Unlock()
	}
	return err
}

// FlushErrors returns h, whose lines go to l, such that errors are written at
// once: they may be the last that the process has to say.
func FlushErrors(h slog.Handler, l *LogWriter) slog.Handler { return flushing{h, l} }

type flushing struct {
	slog.Handler
	l *LogWriter
}

// Handle implements slog.Handler.
func (f flushing) Handle(ctx context.Context, r slog.Record) error {
	err := f.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelError {
		_ = f.l.Flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (f flushing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return flushing{f.Handler.WithAttrs(attrs), f.l}
}

// WithGroup implements slog.Handler.
func (f flushing) WithGroup(name string) slog.Handler {
	return flushing{f.Handler.WithGroup(name), f.l}
}
