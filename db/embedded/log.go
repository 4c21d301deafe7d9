//go:build unix

package embedded

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
)

// refusals are temporary reasons why PostgreSQL does not start: another program
// uses the port, or a killed server has left a file or running backends.
var refusals = []string{
	`lock file "postmaster.pid" already exists`,
	`pre-existing shared memory block`,
	portRefusal,
}

// disconnected is the message that each client's backend logs during a
// shutdown.
const disconnected = "terminating connection due to administrator command"

const portRefusal = "could not create any TCP/IP sockets"

// serverLog forwards PostgreSQL's log to logger and remembers the last lines
// for error messages.
type serverLog struct {
	logger *slog.Logger
	mu     sync.Mutex
	last   []string
	reason string
}

var logLine = regexp.MustCompile(`^(?:\[(\d+)\] )?([A-Z]+\d?):  (.*)$`)

// read logs each line as one record until r ends.
func (l *serverLog) read(r io.Reader) {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, isPrefix, err := lines.ReadLine()
		for isPrefix && err == nil { // skip the rest of an overlong line
			_, isPrefix, err = lines.ReadLine()
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			l.line(text)
		}
		if err != nil {
			return
		}
	}
}

func (l *serverLog) line(text string) {
	level, attrs := slog.LevelDebug, []slog.Attr{slog.String("component", "postgres")}
	expected := false
	if m := logLine.FindStringSubmatch(text); m != nil {
		text = m[3]
		expected = text == disconnected
		attrs = append(attrs, slog.String("severity", m[2]), slog.String("backend", m[1]))
		for _, reason := range refusals {
			if strings.Contains(text, reason) {
				expected = true
				l.setReason(reason)
			}
		}
		switch m[2] {
		case "ERROR", "FATAL", "PANIC":
			if !expected { // refusals are retried, and launch logs them once
				level = slog.LevelWarn
			}
		}
	}
	l.mu.Lock()
	l.last = append(l.last[max(0, len(l.last)-9):], text)
	l.mu.Unlock()
	l.logger.LogAttrs(context.Background(), level, text, attrs...)
}

func (l *serverLog) setReason(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reason = reason
}

// refused returns the temporary reason why PostgreSQL did not start, or "" if
// there was none.
func (l *serverLog) refused() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

func (l *serverLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "; ")
}
