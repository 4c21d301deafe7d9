package byline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// logHooks returns the hooks that BYLINE_LOG asks for. With the value debug they
// write a line for each attempt to the standard error stream, and with info one
// for each attempt that is followed by another.
func logHooks(level string) []Hooks {
	retry := func(_ context.Context, a *Attempt) {
		fmt.Fprintf(os.Stderr, "byline: %s; another attempt in %.1f s\n", a.line(), a.Wait.Seconds())
	}
	switch level {
	case "":
		return nil
	case "info":
		return []Hooks{{OnRetry: retry}}
	case "debug":
		attempt := func(_ context.Context, a *Attempt) { fmt.Fprintf(os.Stderr, "byline: %s\n", a.line()) }
		return []Hooks{{OnResponse: attempt, OnRetry: retry}}
	}
	fmt.Fprintf(os.Stderr, "byline: BYLINE_LOG must be debug or info, not %q\n", level)
	return nil
}

// line describes the attempt for a log. It has neither tokens nor bodies.
func (a *Attempt) line() string {
	result := strconv.Itoa(a.Status)
	var none *ConnectionError
	if errors.As(a.Err, &none) {
		result = none.Err.Error()
	}
	line := fmt.Sprintf("%s: %s %s: %s in %d ms", a.Operation, a.Method, a.URL, result, a.Duration.Milliseconds())
	if a.Number > 1 {
		line += fmt.Sprintf(", attempt %d", a.Number)
	}
	if a.RequestID != "" {
		line += fmt.Sprintf(" (request %s)", a.RequestID)
	}
	return line
}
