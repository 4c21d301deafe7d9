package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// requestTimeout is longer than the proxy lets a request wait.
const requestTimeout = holdTime + 30*time.Second

// visitor is one client of the API. It has a loopback address of its own,
// because the proxy takes clients without a token by their address.
type visitor struct {
	name string // empty = anonymous
	http *http.Client

	mu    sync.Mutex
	token string
	// first is the token that the old system signed before the walk.
	first string
	// busy are the rows that requests in flight are about. Two writes to one
	// row at the same time would leave open which one came last.
	busy map[string]bool
	last string // slug of the article that was published last
	// byByline counts the responses of Byline, which alone have a request id.
	byByline atomic.Int64
}

func newVisitor(name string, number int) *visitor {
	dialer := &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(number/250), byte(number%250+1))}}
	return &visitor{name: name, busy: map[string]bool{}, http: &http.Client{Timeout: requestTimeout,
		Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}}}
}

// claim reports whether no other request is about a row, and claims it.
func (v *visitor) claim(row string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.busy[row] {
		return false
	}
	v.busy[row] = true
	return true
}

func (v *visitor) release(row string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.busy, row)
}

// use makes a token that a response contained the one of the next requests, as
// front ends do.
func (v *visitor) use(token string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.token = token
}

func (v *visitor) credentials() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.token
}

// setLast remembers the article that was published last.
func (v *visitor) setLast(slug string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = slug
}

func (v *visitor) lastArticle() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// account is the answer to requests about the own account.
type account struct {
	User struct{ Username, Email, Token string }
}

// signIn gets a token with the password.
func (v *visitor) signIn(ctx context.Context, site string) error {
	var got account
	if err := v.call(ctx, site, http.MethodPost, "/users/login", object{"user": object{"email": emailOf(v.name), "password": passwordOf(v.name)}}, &got); err != nil {
		return err
	}
	if got.User.Username != v.name || got.User.Token == "" {
		return fmt.Errorf("the account %q signed in, and not %q", got.User.Username, v.name)
	}
	v.use(got.User.Token)
	return nil
}

type object map[string]any

// call sends a request and reads the response. A status other than 2xx is an
// error.
func (v *visitor) call(ctx context.Context, site, method, path string, in, out any) error {
	return v.callWith(ctx, v.credentials(), site, method, path, in, out)
}

func (v *visitor) callWith(ctx context.Context, token, site, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+site+"/api"+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Token "+token)
	}
	res, err := v.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.Header.Get("X-Request-Id") != "" {
		v.byByline.Add(1)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("status %d: %s", res.StatusCode, strings.TrimSpace(string(text[:min(len(text), 200)])))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
