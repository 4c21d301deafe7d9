//go:build linux

package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// load is what the clients do, and what was acknowledged to them.
type load struct {
	replicas []string // addresses
	token    string
	stop     context.CancelFunc
	clients  sync.WaitGroup

	mu       sync.Mutex
	acks     []time.Time        // of each acknowledged write
	written  map[string]article // by title
	statuses map[int]int        // responses by status; 0 = none
	strange  []string           // the first responses with an unexpected status
	pairs    int                // reads after a write
	stale    []string
}

// article is what a client knows about one of its articles.
type article struct {
	slug string
	// acked is the body of the last acknowledged write. Another one may have
	// been carried out that was not acknowledged.
	acked, tried string
}

func newLoad(replicas ...string) *load {
	return &load{replicas: replicas, written: map[string]article{}, statuses: map[int]int{}}
}

// start registers an account and starts the clients.
func (l *load) start(ctx context.Context, clients int) error {
	user := map[string]any{"user": map[string]string{"username": "writer", "email": "writer@example.com", "password": "correct horse"}}
	res, err := l.send(ctx, 0, request{method: "POST", path: "/api/users", key: "register", body: user})
	if err != nil {
		return err
	}
	var registered struct{ User struct{ Token string } }
	if err := json.Unmarshal(res.body, &registered); err != nil || res.status != http.StatusCreated {
		return fmt.Errorf("registering returned %d: %s", res.status, res.body)
	}
	l.token = registered.User.Token
	ctx, l.stop = context.WithCancel(ctx)
	for client := range clients {
		l.clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.write(ctx, (client+n)%len(l.replicas), fmt.Sprintf("Writer %d number %d", client, n))
				time.Sleep(pause)
			}
		})
	}
	return nil
}

// write creates an article, reads it, changes it and reads it again. The reads
// go to the other replica, which has cached the article before the change.
func (l *load) write(ctx context.Context, replica int, title string) {
	content := func(body string) map[string]any {
		return map[string]any{"article": map[string]string{"title": title, "description": "d", "body": body}}
	}
	l.tried(title, "first")
	res, err := l.send(ctx, replica, request{method: "POST", path: "/api/articles", key: title, token: l.token, body: content("first")})
	if err != nil || res.status != http.StatusCreated {
		return
	}
	var created struct{ Article struct{ Slug string } }
	if err := json.Unmarshal(res.body, &created); err != nil {
		return
	}
	l.acked(title, created.Article.Slug, "first")
	l.readBoth(ctx, res.at, created.Article.Slug, "first")
	l.tried(title, "second")
	change := map[string]any{"article": map[string]string{"body": "second"}}
	res, err = l.send(ctx, replica, request{method: "PUT", path: "/api/articles/" + created.Article.Slug, token: l.token, body: change})
	if err != nil || res.status != http.StatusOK {
		return
	}
	l.acked(title, created.Article.Slug, "second")
	l.readBoth(ctx, res.at, created.Article.Slug, "second")
}

// readBoth reads an article as a user and as a visitor. The service keeps only
// the answers to visitors, so that the user's come from PostgreSQL.
func (l *load) readBoth(ctx context.Context, writtenAt int, slug, body string) {
	l.read(ctx, writtenAt, slug, body, l.token)
	l.read(ctx, writtenAt, slug, body, "")
}

// read reads an article from another replica than the one that has written it.
func (l *load) read(ctx context.Context, writtenAt int, slug, body, token string) {
	res, err := l.send(ctx, (writtenAt+1)%len(l.replicas), request{method: "GET", path: "/api/articles/" + slug, token: token})
	if err != nil {
		return
	}
	var seen struct{ Article struct{ Body string } }
	err = json.Unmarshal(res.body, &seen)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pairs++
	if err != nil || res.status != http.StatusOK || seen.Article.Body != body {
		l.stale = append(l.stale, fmt.Sprintf("%s %s on %s: %d with the body %q instead of %q", time.Now().Format("15:04:05.000"), slug,
			l.replicas[res.at], res.status, seen.Article.Body, body))
	}
}

func (l *load) tried(title, body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.written[title]
	a.tried = body
	l.written[title] = a
}

func (l *load) acked(title, slug, body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = append(l.acks, time.Now())
	l.written[title] = article{slug, body, body}
}

// more waits for n more acknowledged writes.
func (l *load) more(ctx context.Context, n int) error {
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.acks)
	}
	wanted := count() + n
	return await(ctx, "acknowledged writes", func() bool { return count() >= wanted })
}

// gap returns the longest time without an acknowledged write between two times.
func (l *load) gap(from, to time.Time) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ack := range append(slices.Clone(l.acks), to) {
		if ack.Before(from) {
			continue
		}
		if ack.After(to) {
			ack = to
		}
		longest = max(longest, ack.Sub(from))
		from = ack
	}
	return longest
}

// counts is a copy of what was counted.
type counts struct {
	acked, pairs, stale int
	statuses            map[int]int
}

func (l *load) counts() counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return counts{len(l.acks), l.pairs, len(l.stale), maps.Clone(l.statuses)}
}

// end stops the clients.
func (l *load) end() {
	l.stop()
	l.clients.Wait()
}

// compare compares the rows of the database, in CSV, with what was acknowledged.
// It returns the articles that are lost, and those that exist twice.
func (l *load) compare(rows string) (lost, twice []string, err error) {
	records, err := csv.NewReader(strings.NewReader(rows)).ReadAll()
	if err != nil {
		return nil, nil, err
	}
	stored := map[string]string{} // body by title
	for _, r := range records {
		if len(r) != 2 {
			return nil, nil, errors.New("the database returned rows without a title and a body")
		}
		if _, found := stored[r[0]]; found {
			twice = append(twice, r[0])
		}
		stored[r[0]] = r[1]
	}
	for title, a := range l.written {
		body, found := stored[title]
		if a.acked != "" && (!found || body != a.acked && body != a.tried) {
			lost = append(lost, fmt.Sprintf("%s: %q was acknowledged, and the database has %q", title, a.acked, body))
		}
	}
	slices.Sort(lost)
	return lost, twice, nil
}
