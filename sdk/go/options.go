package byline

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// CallOption configures one call.
type CallOption func(*call)

// call has what the options of a call have set.
type call struct {
	header  http.Header
	token   *string
	timeout time.Duration
	retry   Retry
	into    *Response
	// repeatable calls are repeated although the operation is not safe to repeat.
	repeatable bool
}

// Timeout sets the time limit of each attempt of the call. The context limits
// the whole call.
func Timeout(limit time.Duration) CallOption { return func(c *call) { c.timeout = limit } }

// Attempts sets the maximum number of attempts of the call. With 1 it is not
// retried.
func Attempts(n int) CallOption { return func(c *call) { c.retry.Attempts = n } }

// IdempotencyKey sets the Idempotency-Key of the call. For 24 hours, a call with
// the same key and the same content creates nothing and returns the first
// response again. Without this option each call has a random key.
func IdempotencyKey(key string) CallOption { return Header("Idempotency-Key", key) }

// IfMatch makes a change conditional on the version with the entity tag etag,
// which [Response] has. If somebody else has changed the article since, the call
// fails with [CodePreconditionFailed].
func IfMatch(etag string) CallOption { return Header("If-Match", etag) }

// Header sets a header field of the call.
func Header(name, value string) CallOption { return func(c *call) { c.header.Set(name, value) } }

// Token authenticates the call with another token. An empty token makes it
// anonymous.
func Token(token string) CallOption { return func(c *call) { c.token = &token } }

// Into stores what surrounds the data of the response in res. It does so for
// error responses too.
func Into(res *Response) CallOption { return func(c *call) { c.into = res } }

// Response is what surrounds the data of a response.
type Response struct {
	// Status is the status of the response; it is 200 for a cached response.
	Status int
	// Header is the header of the response.
	Header http.Header
	// ETag is the entity tag, for [IfMatch].
	ETag string
	// RequestID identifies the request in the log of the service.
	RequestID string
	// Cached reports whether the service has confirmed a cached response.
	Cached bool
	// Replayed reports whether the response is that of an earlier request with
	// the same Idempotency-Key.
	Replayed bool
	// Attempts is the number of requests that the call took.
	Attempts int
	// RateLimit is the quota of the caller.
	RateLimit RateLimit
}

// RateLimit is the quota of the caller for a class of operations.
type RateLimit struct {
	// Class is the class of the operation, such as "read". It is empty if the
	// response has no quota.
	Class string
	// Limit is the number of requests in a Window.
	Limit int
	// Window is the time in which an empty quota fills up.
	Window time.Duration
	// Remaining is the number of requests that are left.
	Remaining int
	// Reset is the time until the quota is full again.
	Reset time.Duration
}

// rateLimit parses the fields RateLimit and RateLimit-Policy, such as
// `"read";r=2999;t=1` and `"read";q=3000;w=60`.
func rateLimit(h http.Header) RateLimit {
	class, left := parameters(h.Get("RateLimit"))
	_, policy := parameters(h.Get("RateLimit-Policy"))
	return RateLimit{
		Class: class, Limit: policy["q"], Window: time.Duration(policy["w"]) * time.Second,
		Remaining: left["r"], Reset: time.Duration(left["t"]) * time.Second,
	}
}

func parameters(field string) (name string, values map[string]int) {
	values = map[string]int{}
	parts := strings.Split(field, ";")
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		values[key], _ = strconv.Atoi(value)
	}
	return strings.Trim(strings.TrimSpace(parts[0]), `"`), values
}

func responseOf(res *http.Response, attempts int, cached bool) Response {
	return Response{
		Status: res.StatusCode, Header: res.Header, ETag: res.Header.Get("ETag"), RequestID: res.Header.Get("X-Request-Id"),
		Cached: cached, Replayed: res.Header.Get("Idempotency-Replayed") == "true", Attempts: attempts, RateLimit: rateLimit(res.Header),
	}
}

// Hooks are functions that the client calls around each attempt, for example
// for logs, metrics and traces. A function that is nil is not called.
type Hooks struct {
	// OnRequest is called before an attempt. It can add fields to the header.
	OnRequest func(ctx context.Context, a *Attempt)
	// OnResponse is called after an attempt, whether there is a response or not.
	OnResponse func(ctx context.Context, a *Attempt)
	// OnRetry is called after a failed attempt that will be repeated.
	OnRetry func(ctx context.Context, a *Attempt)
}

// Attempt describes one request of a call.
type Attempt struct {
	// Operation is the name of the operation, such as articles.create.
	Operation string
	// Method is the method of the request.
	Method string
	// Path is the path with the names of its parameters, such as
	// /articles/{slug}. It suits labels of metrics.
	Path string
	// URL is the address of the request, without a password.
	URL string
	// Number is 1 for the first attempt.
	Number int
	// Header is the header of the request, without the token.
	Header http.Header

	// Status is the status of the response, or zero if there is none.
	Status int
	// RequestID identifies the request in the log of the service.
	RequestID string
	// Duration is the time until the response was complete.
	Duration time.Duration
	// Err is the reason why the attempt failed.
	Err error
	// Wait is the time until the next attempt, in OnRetry.
	Wait time.Duration
}
