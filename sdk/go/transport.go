package byline

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	random "math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Retry configures retries. A request is retried if there is no response or the
// status is 429, 502, 503 or 504, and only if it is safe to repeat: reads, and
// requests with an Idempotency-Key, which the client adds to requests that
// create something.
type Retry struct {
	// Attempts is the maximum number of attempts.
	Attempts int
	// Base is the maximum wait before the second attempt. It doubles with each
	// attempt.
	Base time.Duration
	// Max is the maximum of each wait. If the service asks for a longer wait,
	// the request is not retried.
	Max time.Duration
}

// wait returns the wait after an attempt, and whether to retry. The wait is
// random, so that clients that failed at the same time do not retry at the same
// time.
func (r Retry) wait(attempt int, err error) (time.Duration, bool) {
	if attempt >= r.Attempts {
		return 0, false
	}
	backoff := min(r.Base<<min(attempt-1, 16), r.Max)
	jittered := random.N(max(backoff, 1))
	var e *Error
	if !errors.As(err, &e) {
		return jittered, true // no response
	}
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return 0, false
	}
	if e.RetryAfter > r.Max {
		return 0, false
	}
	if e.RetryAfter > 0 {
		return e.RetryAfter + min(jittered, r.Base), true
	}
	return jittered, true
}

// creating matches the paths whose POST operation accepts an Idempotency-Key.
var creating = regexp.MustCompile(basePath + `/(users|sessions|user/keys|articles|articles/[^/]+/comments)$`)

// doer is the HTTP client of the generated client.
type doer struct {
	http  *http.Client
	token func(context.Context) (string, error)
	retry Retry
	cache *cache
	// stream makes Do return a successful response before its body has been
	// read.
	stream bool
}

// Do sends a request and retries it if necessary. It reads the whole response
// body unless the response is a stream, so that a response that breaks off is
// retried.
func (d *doer) Do(req *http.Request) (*http.Response, error) {
	if d.token != nil && req.Header.Get("Authorization") == "" {
		token, err := d.token(req.Context())
		if err != nil {
			return nil, err
		}
		if token != "" {
			req.Header.Set("Authorization", "Token "+token)
		}
	}
	if req.Method == http.MethodPost && creating.MatchString(req.URL.EscapedPath()) && req.Header.Get("Idempotency-Key") == "" {
		req.Header.Set("Idempotency-Key", rand.Text())
	}
	cached := d.cache.addCondition(req)
	for attempt := 1; ; attempt++ {
		res, body, err := d.attempt(req)
		if err == nil {
			return d.cache.resolve(req, res, body, cached), nil
		}
		if !repeatable(req) || req.Context().Err() != nil {
			return nil, err
		}
		wait, again := d.retry.wait(attempt, err)
		if !again {
			return nil, err
		}
		select {
		case <-req.Context().Done():
			return nil, errors.Join(req.Context().Err(), err)
		case <-time.After(wait):
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

func repeatable(req *http.Request) bool {
	if req.Body != nil && req.GetBody == nil {
		return false // a body that cannot be read again
	}
	return req.Method == http.MethodGet || req.Method == http.MethodHead || req.Header.Get("Idempotency-Key") != ""
}

// attempt sends the request once. It returns an error for every response that
// the generated client cannot parse as a success of the operation.
func (d *doer) attempt(req *http.Request) (*http.Response, []byte, error) {
	res, err := d.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	if d.stream && res.StatusCode == http.StatusOK && isJSON(res.Header) {
		return res, nil, nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case res.StatusCode == http.StatusNotModified, res.StatusCode == http.StatusNoContent:
		return res, nil, nil
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, nil, errorOf(res, body)
	case !isJSON(res.Header):
		e := errorOf(res, nil)
		e.Detail = "expected a JSON response, got " + strings.TrimSpace(res.Header.Get("Content-Type"))
		return nil, nil, e
	}
	return res, body, nil
}
