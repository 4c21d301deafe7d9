package byline

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// request is a call of an operation.
type request struct {
	operation, method, path string
	// arguments are the values for the placeholders in path.
	arguments []any
	query     url.Values
	// body is encoded as JSON. A request without one has the body nil.
	body any
	// anonymous operations get no token.
	anonymous bool
	// keyed operations accept an Idempotency-Key.
	keyed bool
	// safe operations change nothing, although they are not GET.
	safe bool
	// text operations return plain text.
	text bool
	// streamed makes the response available before its body has been read.
	streamed bool
}

// call runs an operation and decodes the response into out, a pointer to an
// object whose first member every response of the operation has, or to a string
// for plain text.
func (c *core) call(ctx context.Context, r request, out any, options []CallOption) error {
	x, err := c.newExchange(r, options)
	if err != nil {
		return err
	}
	res, body, err := x.run(ctx)
	if err != nil || out == nil {
		return err
	}
	if text, ok := out.(*string); ok {
		*text = string(body)
		return nil
	}
	if res.StatusCode == http.StatusNoContent || json.Unmarshal(body, out) != nil || incomplete(out) {
		return notByline(x.attempt(0), res, body)
	}
	return nil
}

// Do sends a request for which the SDK has no method, for example to an
// operation that is newer than the SDK. The path begins behind /api and may
// have a query. A body that is not nil is sent as JSON, and the response is
// decoded into out unless out is nil. Retries are those of a read if method is
// GET or HEAD, or if the call has an [IdempotencyKey].
func (c *Client) Do(ctx context.Context, method, path string, body, out any, options ...CallOption) error {
	method = strings.ToUpper(method)
	x, err := c.core.newExchange(request{operation: method + " " + path, method: method, path: path, body: body}, options)
	if err != nil {
		return err
	}
	res, text, err := x.run(ctx)
	if err != nil || out == nil {
		return err
	}
	if json.Unmarshal(text, out) != nil {
		return notByline(x.attempt(0), res, text)
	}
	return nil
}

// incomplete reports whether the first member of the object is missing.
func incomplete(out any) bool {
	v := reflect.ValueOf(out).Elem()
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return true
		}
		v = v.Elem()
	}
	return v.Field(0).IsZero()
}

// exchange is a call with its attempts.
type exchange struct {
	*core
	request
	opt  call
	url  string
	body []byte
	// user is the session whose token is sent. It stays the same for all
	// attempts, even if another user signs in.
	user *session
}

func (c *core) newExchange(r request, options []CallOption) (*exchange, error) {
	x := &exchange{core: c, request: r, opt: call{header: http.Header{}, timeout: c.timeout, retry: c.retry}}
	for _, option := range options {
		option(&x.opt)
	}
	path := r.path
	for _, argument := range r.arguments {
		value := fmt.Sprint(argument)
		open, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		if value == "" || value == "." || value == ".." { // these would be another path
			return nil, fmt.Errorf("byline: %s: %s must not be %q", r.operation, path[open+1:end], value)
		}
		path = path[:open] + url.PathEscape(value) + path[end+1:]
	}
	x.url = c.base + path
	if len(r.query) > 0 {
		x.url += "?" + r.query.Encode()
	}
	if r.body != nil {
		var err error
		if x.body, err = json.Marshal(r.body); err != nil {
			return nil, fmt.Errorf("byline: %s: %w", r.operation, err)
		}
		x.opt.header.Set("Content-Type", "application/json")
	}
	x.opt.header.Set("Accept", "application/json")
	if x.opt.header.Get("User-Agent") == "" {
		x.opt.header.Set("User-Agent", c.agent)
	}
	if r.keyed && x.opt.header.Get("Idempotency-Key") == "" {
		x.opt.header.Set("Idempotency-Key", rand.Text())
	}
	return x, nil
}

// read reports whether the operation changes nothing.
func (x *exchange) read() bool {
	return x.method == http.MethodGet || x.method == http.MethodHead || x.safe
}

// mayRepeat reports whether repeating the request cannot do anything twice.
func (x *exchange) mayRepeat() bool {
	return x.read() || x.opt.repeatable || x.opt.header.Get("Idempotency-Key") != ""
}

// attempt describes the attempt with the given number.
func (x *exchange) attempt(number int) *Attempt {
	shown := x.url
	if u, err := url.Parse(x.url); err == nil {
		shown = u.Redacted()
	}
	return &Attempt{Operation: x.operation, Method: x.method, Path: x.path, URL: shown, Number: number, Header: x.opt.header.Clone()}
}

// run sends the request and repeats it if necessary. It reads the whole body
// unless the response is streamed, so that a response that breaks off is
// repeated.
func (x *exchange) run(ctx context.Context) (*http.Response, []byte, error) {
	if x.session != nil && x.opt.token == nil && !x.anonymous {
		var err error
		if x.user, err = x.session.get(ctx); err != nil {
			return nil, nil, err
		}
	}
	renewed := false
	for number := 1; ; number++ {
		token, err := x.authorization(ctx)
		if err != nil {
			return nil, nil, x.sessionError(err)
		}
		a := x.attempt(number)
		res, body, err := x.send(ctx, a, token)
		if !renewed && x.user != nil && x.refused(res, err) {
			// The attempt had no effect, so that it can be repeated.
			renewed = true
			if _, renewal := x.user.renew(ctx, x.core, token); renewal == nil {
				closeBody(res)
				continue
			} else if err != nil {
				return nil, nil, x.sessionError(renewal)
			}
		}
		if err == nil {
			return res, body, nil
		}
		wait, again := x.opt.retry.wait(number, err, x.mayRepeat())
		if !again || ctx.Err() != nil {
			return nil, nil, err
		}
		a.Wait = wait
		for _, h := range x.hooks {
			if h.OnRetry != nil {
				h.OnRetry(ctx, a)
			}
		}
		if waiting := sleep(ctx, wait); waiting != nil {
			return nil, nil, fmt.Errorf("%w before another attempt: %w", waiting, err)
		}
	}
}

// sleep waits, or returns the error of a context that ends before.
func sleep(ctx context.Context, wait time.Duration) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
		return context.DeadlineExceeded
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// authorization returns the token for the next attempt.
func (x *exchange) authorization(ctx context.Context) (string, error) {
	switch {
	case x.anonymous:
		return "", nil
	case x.opt.token != nil:
		return *x.opt.token, nil
	case x.user != nil:
		return x.user.token(ctx, x.core)
	case x.core.token != nil:
		return x.core.token(ctx)
	}
	return "", nil
}

// sessionError adds the operation to the error of a session that has ended.
func (x *exchange) sessionError(err error) error {
	if errors.Is(err, ErrSessionEnded) {
		return fmt.Errorf("byline: %s: %w", x.operation, err)
	}
	return err
}

// refused reports whether the service has rejected the token. An operation that
// needs no token answers as to an anonymous caller, and says so in a field.
func (x *exchange) refused(res *http.Response, err error) bool {
	if err != nil {
		return errors.Is(err, CodeTokenExpired) || errors.Is(err, CodeTokenInvalid)
	}
	return x.read() && strings.Contains(res.Header.Get("WWW-Authenticate"), "invalid_token")
}

// send sends the request once. It returns an error for every response that is
// not a success.
func (x *exchange) send(ctx context.Context, a *Attempt, token string) (*http.Response, []byte, error) {
	for _, h := range x.hooks {
		if h.OnRequest != nil {
			h.OnRequest(ctx, a)
		}
	}
	begun := time.Now()
	res, body, err := x.roundTrip(ctx, a, token)
	a.Duration, a.Err = time.Since(begun), err
	for _, h := range x.hooks {
		if h.OnResponse != nil {
			h.OnResponse(ctx, a)
		}
	}
	return res, body, err
}

func (x *exchange) roundTrip(ctx context.Context, a *Attempt, token string) (*http.Response, []byte, error) {
	var content io.Reader
	if x.body != nil {
		content = bytes.NewReader(x.body)
	}
	limited, stop := limit(ctx, x.opt.timeout)
	req, err := http.NewRequestWithContext(limited, x.method, x.url, content)
	if err != nil {
		stop.end()
		return nil, nil, fmt.Errorf("byline: %s: %w", x.operation, err)
	}
	req.Header = a.Header.Clone()
	identity := ""
	if token != "" {
		req.Header.Set("Authorization", "Token "+strings.TrimSpace(token)) // a token from a file ends in a new line
		if identity = token; x.user != nil {
			identity = x.user.identity // it stays when the token is renewed
		}
	}
	var cached *cachedResponse
	if !x.streamed {
		cached = x.cache.addCondition(req, identity)
	}
	client := x.http
	if x.streamed && client.Timeout > 0 { // it would apply to the whole response
		h := *client
		h.Timeout = 0
		client = &h
	}
	res, err := client.Do(req)
	if err != nil {
		err = x.connectionError(limited, a, err)
		stop.end()
		return nil, nil, err
	}
	a.Status, a.RequestID = res.StatusCode, res.Header.Get("X-Request-Id")
	if x.streamed && res.StatusCode == http.StatusOK && isJSON(res.Header) {
		x.store(res, a, false)
		stop.timer.Stop()
		res.Body = &streamedBody{res.Body, limited, stop}
		return res, nil, nil
	}
	defer stop.end()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, x.connectionError(limited, a, err)
	}
	confirmed := cached != nil && res.StatusCode == http.StatusNotModified
	res, body = x.cache.resolve(req, identity, res, body, cached)
	x.store(res, a, confirmed)
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, nil, errorOf(a, res, body)
	case x.text && !isText(res.Header), !x.text && len(body) > 0 && !isJSON(res.Header):
		return nil, nil, notByline(a, res, body)
	}
	return res, body, nil
}

func (x *exchange) store(res *http.Response, a *Attempt, cached bool) {
	if x.opt.into != nil {
		*x.opt.into = responseOf(res, a.Number, cached)
	}
}

// connectionError wraps the error of a request. Its text does not repeat the
// URL.
func (x *exchange) connectionError(ctx context.Context, a *Attempt, err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return &ConnectionError{Operation: x.operation, Method: x.method, URL: a.URL, Attempts: a.Number, Err: err}
}

// limiter ends a request after a time.
type limiter struct {
	timer   *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func limit(ctx context.Context, timeout time.Duration) (context.Context, *limiter) {
	if timeout <= 0 {
		timeout = math.MaxInt64 // no limit
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(timeout, func() { cancel(context.DeadlineExceeded) })
	return ctx, &limiter{timer, timeout, cancel}
}

func (l *limiter) end() {
	l.timer.Stop()
	l.cancel(nil)
}

func closeBody(res *http.Response) {
	if res != nil {
		_ = res.Body.Close()
	}
}
