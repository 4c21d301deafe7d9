package byline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Error is a response of the service that is not a success. Use [errors.As] to
// get it, or [errors.Is] with a [Code].
type Error struct {
	// Operation is the name of the operation, such as articles.create.
	Operation string
	// Status is the status of the response.
	Status int
	// Code says what happened. It is empty if the response comes from a proxy
	// instead of the service.
	Code Code
	// Type is the address of the page that explains the error.
	Type string
	// Title is the status in words.
	Title string
	// Detail says what happened, in a sentence for people.
	Detail string
	// Fields holds the messages for each invalid field.
	Fields map[string][]string
	// RequestID identifies the request in the log of the service.
	RequestID string
	// RetryAfter is the wait that the service asks for before a retry, or zero.
	RetryAfter time.Duration

	// request is the method and the address of the request.
	request string
}

// selfExplanatory has the codes of errors whose detail says everything, so that
// the text of the error leaves the fields out.
var selfExplanatory = []Code{
	CodeAccountSuspended, CodeBodyTooLarge, CodeCredentialsInvalid, CodeDatabaseUnavailable, CodeForbidden,
	CodeIdempotencyKeyReused, CodeInternal, CodeMethodNotAllowed, CodeNotFound, CodeOverloaded,
	CodePreconditionFailed, CodeRouteNotFound, CodeTokenExpired, CodeTokenInvalid, CodeTokenMissing,
}

// Error implements the interface error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "byline: %s: %d", e.Operation, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	if e.Code == CodeRouteNotFound && e.request != "" {
		fmt.Fprintf(&b, " The request was %s; check the address and the version of the service.", e.request)
	}
	if !slices.Contains(selfExplanatory, e.Code) {
		for i, field := range slices.Sorted(maps.Keys(e.Fields)) {
			separator := "; "
			if i == 0 {
				separator = " "
			}
			fmt.Fprintf(&b, "%s%s %s", separator, field, strings.Join(e.Fields[field], ", "))
		}
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// Is reports whether target is the code of e.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// Error makes a code a target of [errors.Is].
func (c Code) Error() string { return string(c) }

// ConnectionError is returned if the service sent no response, or no complete
// one.
type ConnectionError struct {
	// Operation is the name of the operation, such as articles.create.
	Operation string
	// Method is the method of the request.
	Method string
	// URL is the address of the request, without a password.
	URL string
	// Attempts is the number of attempts that were made.
	Attempts int
	// Err is the cause of the last failure.
	Err error
}

// Error implements the interface error.
func (e *ConnectionError) Error() string {
	attempts := ""
	if e.Attempts > 1 {
		attempts = fmt.Sprintf(" (%d attempts)", e.Attempts)
	}
	return fmt.Sprintf("byline: %s: no response to %s %s%s: %v", e.Operation, e.Method, e.URL, attempts, e.Err)
}

// Unwrap returns the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

// Timeout reports whether the time limit was reached.
func (e *ConnectionError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &t) && t.Timeout()
}

// NotBylineError is returned if the response does not come from a Byline
// service: the address is wrong, or a proxy or another service has answered.
type NotBylineError struct {
	// Operation is the name of the operation, such as articles.create.
	Operation string
	// Method is the method of the request.
	Method string
	// URL is the address of the request, without a password.
	URL string
	// Status is the status of the response.
	Status int
	// ContentType is the type of the response, such as text/html.
	ContentType string
	// Location is where the response redirects to, if it does.
	Location string
	// Body is the beginning of the response.
	Body string
}

// Error implements the interface error.
func (e *NotBylineError) Error() string {
	head := fmt.Sprintf("byline: %s: %s %s", e.Operation, e.Method, e.URL)
	if e.Location != "" {
		return fmt.Sprintf("%s redirects to %s: use the address of that service", head, e.Location)
	}
	return fmt.Sprintf("%s returned something that is not a Byline response (status %d, %s, %q): check the address of the service, and that proxies pass the path on",
		head, e.Status, e.ContentType, e.Body)
}

// problem is the content of an error response (RFC 9457).
type problem struct {
	Type      string              `json:"type"`
	Title     string              `json:"title"`
	Detail    string              `json:"detail"`
	Code      Code                `json:"code"`
	RequestID string              `json:"requestId"`
	Errors    map[string][]string `json:"errors"`
}

// errorOf returns the error for a response that is not a success.
func errorOf(a *Attempt, res *http.Response, body []byte) error {
	e := &Error{
		Operation:  a.Operation,
		Status:     res.StatusCode,
		Title:      http.StatusText(res.StatusCode),
		Detail:     http.StatusText(res.StatusCode),
		RequestID:  res.Header.Get("X-Request-Id"),
		RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()),
		request:    a.Method + " " + a.URL,
	}
	var p problem
	if isJSON(res.Header) && json.Unmarshal(body, &p) == nil && p.Code != "" {
		e.Type, e.Title, e.Code, e.Detail, e.Fields = p.Type, p.Title, p.Code, p.Detail, p.Errors
		if e.RequestID == "" {
			e.RequestID = p.RequestID
		}
		return e
	}
	switch {
	case res.StatusCode == http.StatusNotModified: // the caller has set If-None-Match
		return e
	case temporary(res.StatusCode), res.StatusCode == http.StatusInternalServerError: // a gateway's response
		return e
	}
	return notByline(a, res, body)
}

// notByline returns the error for a response that no Byline service sends.
func notByline(a *Attempt, res *http.Response, body []byte) error {
	const most = 200
	return &NotBylineError{
		Operation: a.Operation, Method: a.Method, URL: a.URL, Status: res.StatusCode,
		ContentType: strings.TrimSpace(res.Header.Get("Content-Type")), Location: res.Header.Get("Location"),
		Body: strings.ToValidUTF8(string(body[:min(len(body), most)]), ""),
	}
}

func isJSON(h http.Header) bool { return strings.Contains(h.Get("Content-Type"), "json") }

func isText(h http.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), "text/plain") }

// retryAfter parses a Retry-After field, which is a number of seconds or a date
// (RFC 9110, section 10.2.3).
func retryAfter(field string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(field, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second
	}
	if at, err := http.ParseTime(field); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// hide returns what is shown in place of a secret.
func hide(secret string) string {
	if secret == "" {
		return ""
	}
	return "[hidden]"
}
