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

// Code is a machine-readable error code. openapi.yaml lists its values.
type Code = client.ProblemCode

// Error is a response that is not a success. Use [errors.As] to get it.
type Error struct {
	Status int
	// Code is empty if the response comes from a proxy instead of the service.
	Code   Code
	Detail string
	// Fields holds the messages for each invalid field.
	Fields map[string][]string
	// RequestID identifies the request in the log of the service.
	RequestID string
	// RetryAfter is the wait that the service asks for before a retry, or zero.
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

// errorOf parses a response as a problem (RFC 9457). If the response is not a
// problem, for example because it comes from a proxy, the error has only the
// status, the headers and the text of the status.
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

// retryAfter parses a Retry-After field, which is a number of seconds or a date
// (RFC 9110, section 10.2.3).
func retryAfter(field string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(field); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(field); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
