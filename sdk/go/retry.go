package byline

import (
	"errors"
	random "math/rand/v2"
	"net"
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

// wait returns the wait after an attempt, and whether to retry. A request that
// is not repeatable is retried if it has had no effect. The wait is random, so
// that clients that failed at the same time do not retry at the same time.
func (r Retry) wait(attempt int, err error, repeatable bool) (time.Duration, bool) {
	if attempt >= r.Attempts || !repeatable && !withoutEffect(err) {
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

// withoutEffect reports whether the service has certainly not carried out a
// request: there was no connection, or the status says so.
func withoutEffect(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status == http.StatusTooManyRequests || e.Status == http.StatusTooEarly
	}
	var connecting *net.OpError
	return errors.As(err, &connecting) && (connecting.Op == "dial" || connecting.Op == "proxyconnect")
}

// temporary reports whether a request with this status can succeed later.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
