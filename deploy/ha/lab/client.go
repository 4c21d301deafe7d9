//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// requestTimeout is longer than BYLINE_REQUEST_TIMEOUT, after which the service
// responds with 503.
const requestTimeout = 15 * time.Second

// pause is the time between two attempts of a client.
const pause = 200 * time.Millisecond

var web = &http.Client{
	Timeout: requestTimeout,
	Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 50,
	},
}

// get returns the status of a GET request, or 0 if there is no response.
func get(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := web.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// request is a request that a client sends until it gets a response.
type request struct {
	method, path string
	key          string // Idempotency-Key
	token        string
	body         any
}

// response is one with a status that a client can use.
type response struct {
	status int
	body   []byte
	at     int // the replica
}

// attempt sends a request once, to one replica. The status is 0 if there is no
// response.
func (l *load) attempt(ctx context.Context, replica int, r request) (status int, body []byte) {
	var reader io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			panic(err) // strings and maps can be encoded
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+l.replicas[replica]+":8080"+r.path, reader)
	if err != nil {
		return 0, nil
	}
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Token "+r.token)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	res, err := web.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		return 0, nil
	}
	return res.StatusCode, body
}

// send sends a request until there is a response other than 503, to the
// replicas in turn. It ends with the context only.
func (l *load) send(ctx context.Context, replica int, r request) (response, error) {
	for {
		status, body := l.attempt(ctx, replica, r)
		if ctx.Err() != nil {
			return response{}, ctx.Err()
		}
		l.count(status, r, body)
		if status != 0 && status != http.StatusServiceUnavailable {
			return response{status, body, replica}, nil
		}
		replica = (replica + 1) % len(l.replicas)
		select {
		case <-ctx.Done():
			return response{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// count counts a response by its status. It keeps the first ones that are
// neither 2xx nor 503.
func (l *load) count(status int, r request, body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[status]++
	if status != 0 && status != http.StatusServiceUnavailable && status/100 != 2 && len(l.strange) < 10 {
		l.strange = append(l.strange, fmt.Sprintf("%s %s %s: %d %s", time.Now().Format("15:04:05.000"), r.method, r.path, status, body))
	}
}
