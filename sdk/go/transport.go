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

// Retry says how calls are repeated that got no answer, or 429, 502, 503 or
// 504. Only calls are that cannot do harm twice: reads, and those that have an
// Idempotency-Key, which creating calls are given.
type Retry struct {
	// Attempts is how often a call is made at most.
	Attempts int
	// Base is the longest wait before the second attempt; it doubles with each.
	Base time.Duration
	// Max bounds each wait. A service that asks for more gets no more attempts.
	Max time.Duration
}

// wait returns how long to wait after an attempt, and whether to try again.
// The wait is random, so that clients that failed together come back apart.
func (r Retry) wait(attempt int, err error) (time.Duration, bool) {
	if attempt >= r.Attempts {
		return 0, false
	}
	backoff := min(r.Base<<min(attempt-1, 16), r.Max)
	jittered := random.N(max(backoff, 1))
	var e *Error
	if !errors.As(err, &e) {
		return jittered, true // no answer
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

// creating matches the paths at which POST takes an Idempotency-Key.
var creating = regexp.MustCompile(basePath + `/(users|sessions|user/keys|articles|articles/[^/]+/comments)$`)

// doer stands between the generated client and net/http.
type doer struct {
	http  *http.Client
	token func(context.Context) (string, error)
	retry Retry
	cache *cache
	// stream leaves the answer of a success to be read by the caller.
	stream bool
}

// Do makes a call in as many attempts as it takes. Its answer has been read
// to the end, so that one that breaks off counts as none, unless it is a
// stream.
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
	kept := d.cache.condition(req)
	for attempt := 1; ; attempt++ {
		res, body, err := d.attempt(req)
		if err == nil {
			return d.cache.answer(req, res, body, kept), nil
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
		return false // a stream that has been read
	}
	return req.Method == http.MethodGet || req.Method == http.MethodHead || req.Header.Get("Idempotency-Key") != ""
}

// attempt sends the request once. Whatever the generated client could not
// make the operation's success of is an error.
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
		e.Detail = "the answer is not JSON but " + strings.TrimSpace(res.Header.Get("Content-Type"))
		return nil, nil, e
	}
	return res, body, nil
}
