package byline

import (
	"errors"
	random "math/rand/v2"
	"net/http"
	"time"
)

// Retry configures retries.
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
		var none *ConnectionError
		return jittered, errors.As(err, &none)
	}
	if !temporary(e.Status) || e.RetryAfter > r.Max {
		return 0, false
	}
	if e.RetryAfter > 0 {
		return e.RetryAfter + min(jittered, r.Base), true
	}
	return jittered, true
}

// temporary reports whether a request with this status can succeed later.
func temporary(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
