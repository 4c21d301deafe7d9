package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// site is the service with the accounts and articles that were created for the
// attacks.
type site struct {
	addr  string
	admin string        // see target
	limit time.Duration // maximum duration of a response
	// patience scales how long slow connections are held. 1 fits the limits of
	// the service.
	patience float64
	rand     *rand.Rand
	run      string // part of every name, so that runs against one service do not collide
	count    atomic.Int64
	ops      []operation

	// The victim's account and articles must be the same after every attack.
	victim, rival account
	slug, comment string // the victim's
	before        string // the snapshot of the victim

	// Attacks may delete the goat's account and article; used means that they
	// may have done so.
	goat                  account
	goatSlug, goatComment string
	used                  bool

	// start starts another service, with more flags; see elsewhere. It is nil
	// if the program attacks a running service.
	start  func(flags ...string) (*target, error)
	maxRSS int      // of each of these services, in MB
	peaks  []peak   // of these services
	unrun  []string // attacks that this machine or this run has no means for
	// command runs another command of the program; see target.
	command func(stdin string, args ...string) (stdout string, err error)
	data    string // see target
	// root is an admin. It has no token if there is no command to create one.
	root account
}

type account struct{ name, email, password, token string }

func newSite(addr string, seed int64) *site {
	return &site{
		addr: addr, limit: 5 * time.Second, patience: 1, rand: rand.New(rand.NewPCG(uint64(seed), 7)),
		run: strconv.FormatInt(time.Now().UnixMilli(), 36), ops: operations(), used: true,
	}
}

func (s *site) exchange(raw []byte) outcome { return exchange(s.addr, raw, s.limit) }

// do sends a message. The attack returns the outcome, and perform checks it.
func (s *site) do(m message) outcome { return s.exchange(m.raw(s.addr)) }

// name returns an unused name.
func (s *site) name(kind string) string {
	return kind + "-" + s.run + "-" + strconv.FormatInt(s.count.Add(1), 36)
}

// build creates the accounts and articles that are attacked.
func (s *site) build() (err error) {
	if err := s.createRoot(); err != nil {
		return err
	}
	if s.victim, err = s.register("victim"); err != nil {
		return err
	}
	if s.rival, err = s.register("rival"); err != nil {
		return err
	}
	if s.slug, s.comment, err = s.write(s.victim); err != nil {
		return err
	}
	s.before, err = s.snapshot()
	return err
}

// createRoot creates an admin, as an operator does.
func (s *site) createRoot() error {
	if s.command == nil {
		return nil
	}
	name := s.name("root")
	a := account{name: name, email: name + "@example.com", password: "correct horse " + name}
	if _, err := s.command(a.password+"\n", "admin", "create", "--username", a.name, "--email", a.email); err != nil {
		return err
	}
	var err error
	s.root, err = s.signIn(a)
	return err
}

// signIn returns the account with a new token.
func (s *site) signIn(a account) (account, error) {
	answer, err := s.call(message{method: "POST", target: "/api/users/login", body: login(a)}, 200)
	a.token, _ = member(answer, "user", "token").(string)
	return a, err
}

// login returns the body of a sign-in.
func login(a account) string {
	return object("user", map[string]any{"email": a.email, "password": a.password})
}

// register creates an account, like a client of the contract. The request may
// have more header fields.
func (s *site) register(kind string, fields ...string) (account, error) {
	name := s.name(kind)
	a := account{name: name, email: name + "@example.com", password: "correct horse " + name}
	answer, err := s.call(message{method: "POST", target: "/api/users", fields: fields, body: registration(a)}, 201)
	if err != nil {
		return a, err
	}
	a.token, _ = member(answer, "user", "token").(string)
	return a, nil
}

func registration(a account) string {
	return object("user", map[string]any{"username": a.name, "email": a.email, "password": a.password})
}

// write creates an article with a comment.
func (s *site) write(a account) (slug, comment string, err error) {
	title := s.name("article of " + a.name)
	answer, err := s.call(message{method: "POST", target: "/api/articles", token: a.token, body: article(title)}, 201)
	if err != nil {
		return "", "", err
	}
	slug, _ = member(answer, "article", "slug").(string)
	answer, err = s.call(message{method: "POST", target: "/api/articles/" + slug + "/comments", token: a.token,
		body: object("comment", map[string]any{"body": "the comment of " + a.name})}, 200, 201)
	if id, ok := member(answer, "comment", "id").(float64); ok {
		comment = strconv.FormatInt(int64(id), 10)
	}
	return slug, comment, err
}

func article(title string) string {
	return object("article", map[string]any{"title": title, "description": "d", "body": "b", "tagList": []string{"attack"}})
}

// call sends a request that is not an attack and must succeed. It waits if a
// rate limit was reached.
func (s *site) call(m message, want ...int) (map[string]any, error) {
	for attempt := 0; ; attempt++ {
		o := exchange(s.addr, m.raw(s.addr), 4*s.limit)
		a := o.first()
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && wait <= 10 && attempt < 3 {
			time.Sleep(time.Duration(wait) * time.Second)
			continue
		}
		for _, status := range want {
			if a.status == status {
				if len(a.body) == 0 {
					return nil, nil
				}
				var body map[string]any
				return body, json.Unmarshal(a.body, &body)
			}
		}
		return nil, fmt.Errorf("%s %s: status %d, want %s (%v): %s", m.method, m.target, a.status, words(want), o.err, short(string(a.body), 300))
	}
}

// spare returns an account with an article for attacks that may delete them. It
// creates new ones if the account, its token or its article no longer exists.
func (s *site) spare() error {
	if s.goat.token != "" && s.goatSlug != "" {
		token := message{method: "GET", target: "/api/user", token: s.goat.token}
		slug := message{method: "GET", target: "/api/articles/" + s.goatSlug, token: s.goat.token}
		if s.do(token).first().status == 200 && s.do(slug).first().status == 200 {
			return nil
		}
	}
	var err error
	if s.goat, err = s.register("goat"); err != nil {
		return err
	}
	s.goatSlug, s.goatComment, err = s.write(s.goat)
	return err
}

// snapshot returns the victim's data, except for favorites, which others may
// add, and the token, which may be renewed.
func (s *site) snapshot() (string, error) {
	var all []any
	for _, read := range []struct{ path, token string }{
		{"/api/user", s.victim.token},
		{"/api/profiles/" + s.victim.name, ""},
		{"/api/articles/" + s.slug, ""},
		{"/api/articles/" + s.slug + "/comments?limit=1", ""},
		{"/api/articles?author=" + url.QueryEscape(s.victim.name), ""},
	} {
		answer, err := s.call(message{method: "GET", target: read.path, token: read.token}, 200)
		if err != nil {
			return "", err
		}
		all = append(all, answer)
	}
	text, err := json.Marshal(without(all, "favoritesCount", "token", "nextCursor"))
	return string(text), err
}

// without removes members wherever they occur.
func without(value any, names ...string) any {
	switch v := value.(type) {
	case map[string]any:
		for _, n := range names {
			delete(v, n)
		}
		for _, member := range v {
			without(member, names...)
		}
	case []any:
		for _, item := range v {
			without(item, names...)
		}
	}
	return value
}

// aftermath checks the service after a group of attacks.
func aftermath(s *site, t *target, o options) (r result) {
	check := func(err error) {
		r.must(err)
	}
	check(t.alive())
	check(t.healthy(s.limit))
	if t.pid != 0 {
		var err error
		t.peaked, err = t.peak()
		check(err)
		check(bounded(t.peaked, o.maxRSS))
	}
	after, err := s.snapshot()
	check(err)
	if err == nil && after != s.before {
		check(fmt.Errorf("the victim's account or articles were changed:\n  before %s\n  after  %s", s.before, after))
	}
	return r
}

func bounded(peak, most int) error {
	if peak > most {
		return fmt.Errorf("its memory peaked at %d MB, more than %d", peak, most)
	}
	return nil
}

// runAll runs attacks concurrently, each in its own goroutine.
func runAll(ctx context.Context, s *site, attacks []attack) []result {
	results := make([]result, len(attacks))
	done := make(chan struct{})
	for i, a := range attacks {
		go func() {
			results[i] = s.perform(a)
			done <- struct{}{}
		}()
	}
	for range attacks {
		select {
		case <-done:
		case <-ctx.Done():
			return results
		}
	}
	return results
}

// object returns a body with one wrapper, as in the contract.
func object(wrapper string, members map[string]any) string {
	text, err := json.Marshal(map[string]any{wrapper: members})
	if err != nil {
		panic(err) // all values are literals of this program
	}
	return string(text)
}

// member returns a value in decoded JSON, or nil if there is none.
func member(value any, path ...string) any {
	for _, name := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[name]
	}
	return value
}

// decoded returns the decoded body of a response.
func decoded(a answer) map[string]any {
	var body map[string]any
	if err := json.Unmarshal(a.body, &body); err != nil {
		return nil
	}
	return body
}

// plain converts a text to a path segment.
func plain(text string) string { return strings.ReplaceAll(url.PathEscape(text), "+", "%2B") }
