package apisource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// client sends requests to one API.
type client struct {
	base    *url.URL
	options Options
	http    *http.Client
	limiter *rate.Limiter
}

func newClient(base *url.URL, o Options) *client {
	transport := o.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxConnsPerHost, t.MaxIdleConnsPerHost = o.Concurrency, o.Concurrency
		transport = t
	}
	limit := rate.Inf
	if o.Rate > 0 {
		limit = rate.Limit(o.Rate)
	}
	return &client{base: base, options: o, limiter: rate.NewLimiter(limit, 1), http: &http.Client{
		Transport: transport, Timeout: o.Timeout, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			return checkRedirect(base, r.URL, len(via))
		},
	}}
}

// close closes connections that wait for the next request.
func (c *client) close() { c.http.CloseIdleConnections() }

// errElsewhere is a redirect that is not followed. It could lead into a network
// that only this machine reaches, and would tell another host the token.
var errElsewhere = errors.New("it redirects to another host, or in a circle; use the address to which it leads")

func checkRedirect(base, to *url.URL, redirects int) error {
	if to.Host != base.Host || to.Scheme != base.Scheme || redirects > 5 {
		return errElsewhere
	}
	return nil
}

// statusError is a response that is no success.
type statusError int

func (e statusError) Error() string {
	text := fmt.Sprintf("it answers %d %s", int(e), http.StatusText(int(e)))
	switch e {
	case http.StatusUnauthorized, http.StatusForbidden:
		return text + "; check the token"
	case http.StatusTooManyRequests:
		return text + ", also after pauses; set a lower rate"
	}
	return text
}

// passing reports whether a later attempt may succeed.
func (e statusError) passing() bool {
	return e >= 500 && e != http.StatusNotImplemented || e == http.StatusTooManyRequests || e == http.StatusRequestTimeout || e == http.StatusTooEarly
}

// pausedError is a response that says when to ask again.
type pausedError struct {
	statusError
	pause *backoff.RetryAfterError
}

func (e pausedError) Unwrap() []error { return []error{e.statusError, e.pause} }

// notFound reports whether what was asked for does not exist (any more).
func notFound(err error) bool {
	var status statusError
	return errors.As(err, &status) && (status == http.StatusNotFound || status == http.StatusGone)
}

// get reads the response of a path into a value. The path has the escaped values
// of its parameters; name is the path as errors show it, without the names of
// people.
func (c *client) get(ctx context.Context, name, path string, query url.Values, into any) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = c.options.FirstPause, min(30*time.Second, c.options.MaxPause), 2
	address := strings.TrimSuffix(c.base.String(), "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, c.once(ctx, address, into)
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(uint(c.options.Attempts)), backoff.WithMaxElapsedTime(0))
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("GET %s: %w", name, err)
	}
	return err
}

// once sends a request once. An error that no later attempt changes is
// permanent.
func (c *client) once(ctx context.Context, address string, into any) error {
	if err := c.limiter.Wait(ctx); err != nil {
		return backoff.Permanent(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return backoff.Permanent(errors.New("the address is not valid"))
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "byline-import")
	if token := c.options.Token; strings.Contains(token, " ") {
		r.Header.Set("Authorization", token)
	} else if token != "" {
		r.Header.Set("Authorization", "Token "+token)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer res.Body.Close()
	// A body that is not read to its end costs the connection, and a hostile one
	// has no end.
	body, err := io.ReadAll(io.LimitReader(res.Body, c.options.MaxResponse+1))
	switch {
	case res.StatusCode != http.StatusOK:
		return c.refused(res)
	case err != nil:
		return fmt.Errorf("the response broke off: %w", withoutURL(err))
	case int64(len(body)) > c.options.MaxResponse:
		return backoff.Permanent(fmt.Errorf("the response is larger than %d bytes", c.options.MaxResponse))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return errors.New("the response is no JSON of the RealWorld contract: check the address, which mostly ends in /api")
	}
	return nil
}

// refused returns the error of a response that is no success, with the pause
// that the server asks for.
func (c *client) refused(res *http.Response) error {
	status := statusError(res.StatusCode)
	if !status.passing() {
		return backoff.Permanent(status)
	}
	// A server that names no time after now would get all attempts at once.
	if pause, ok := retryAfter(res.Header.Get("Retry-After"), time.Now()); ok && pause > 0 {
		return pausedError{status, &backoff.RetryAfterError{Duration: min(max(pause, c.options.FirstPause), c.options.MaxPause)}}
	}
	return status
}

// retryAfter reads the header field Retry-After: seconds, or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// withoutURL returns an error of net/http without the address, in which there
// may be the name of a person.
func withoutURL(err error) error {
	if errors.Is(err, errElsewhere) {
		return backoff.Permanent(errElsewhere)
	}
	var withURL *url.Error
	if errors.As(err, &withURL) {
		if withURL.Timeout() {
			return errors.New("it does not answer in time")
		}
		return withURL.Err
	}
	return err
}
