package byline

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/gen/client"
)

// Code says what happened, for a program; its values are the document's.
type Code = client.ProblemCode

// Error is an answer that is not a success. Find it with [errors.As].
type Error struct {
	Status int
	// Code is empty when something in front of the service has answered.
	Code   Code
	Detail string
	// Fields holds what is wrong with each field.
	Fields map[string][]string
	// RequestID finds the call in the service's log.
	RequestID string
	// RetryAfter is how long the service asks to wait, zero if it does not say.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "byline: %d", e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	for i, field := range slices.Sorted(maps.Keys(e.Fields)) {
		separator := "; "
		if i == 0 {
			separator = " "
		}
		fmt.Fprintf(&b, "%s%s %s", separator, field, strings.Join(e.Fields[field], ", "))
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// errorOf reads an answer as a problem (RFC 9457). One that is none, as a
// proxy gives it, has its status only.
func errorOf(res *http.Response, body []byte) *Error {
	e := &Error{
		Status:     res.StatusCode,
		Detail:     http.StatusText(res.StatusCode),
		RequestID:  res.Header.Get("X-Request-Id"),
		RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
	var p client.Problem
	if isJSON(res.Header) && json.Unmarshal(body, &p) == nil && p.Code != "" {
		e.Code, e.Detail, e.Fields = p.Code, p.Detail, p.Errors
	}
	return e
}

func isJSON(h http.Header) bool { return strings.Contains(h.Get("Content-Type"), "json") }

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(field string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(field); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(field); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
