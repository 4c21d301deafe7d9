// Package peer is a small RealWorld backend in memory, for tests of the
// benchmark. Like most other backends it has no cursors.
package peer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Peer is a running backend. Its fields are set before the first request.
type Peer struct {
	URL string // of the API

	PageCounts      bool // articlesCount is the length of the page
	StrictPasswords bool
	MaxLimit        int // 0 means any
	// Before may respond to a request instead of the backend. It reports
	// whether it has.
	Before func(w http.ResponseWriter, r *http.Request) bool

	// These count the accounts and articles that were created through the API.
	Registered, Published atomic.Int64

	mu       sync.Mutex
	users    map[string]*user // by name
	articles []*article       // oldest first
	bySlug   map[string]*article
}

type user struct {
	name, email, password string
	follows               map[string]bool
}

type article struct {
	slug, title, body string
	description       string
	tags              []string
	author            *user
	created           time.Time
	likes             map[string]bool // by name
	comments          []comment
}

type comment struct {
	id     int
	body   string
	author *user
}

// Start starts a backend that ends with the test.
func Start(t testing.TB) *Peer {
	t.Helper()
	p := &Peer{users: map[string]*user{}, bySlug: map[string]*article{}}
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*call) any{
		"POST /api/users": p.register, "POST /api/users/login": p.login, "GET /api/user": p.current, "GET /api/tags": p.tags,
		"GET /api/articles": p.list, "GET /api/articles/feed": p.feed, "POST /api/articles": p.publish, "GET /api/articles/{slug}": p.get,
		"POST /api/articles/{slug}/favorite": p.like, "DELETE /api/articles/{slug}/favorite": p.like,
		"GET /api/articles/{slug}/comments": p.comments, "POST /api/articles/{slug}/comments": p.comment,
		"DELETE /api/articles/{slug}/comments/{id}": p.uncomment,
		"GET /api/profiles/{name}":                  p.profile, "POST /api/profiles/{name}/follow": p.follow, "DELETE /api/profiles/{name}/follow": p.follow,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, h) })
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.URL = s.URL + "/api"
	return p
}

// Hold makes the backend hold an account, and n articles of it with these tags.
func (p *Peer) Hold(name, password string, n int, tags ...string) {
	u := &user{name: name, email: name + "@example.com", password: password, follows: map[string]bool{}}
	p.users[name] = u
	for i := range n {
		p.add(fmt.Sprintf("Held by %s %d", name, i), "Text", tags, u)
	}
}

// HoldArticle makes the backend hold an article of an account that it holds, and
// n comments of the same account.
func (p *Peer) HoldArticle(name, title, body string, n int, tags ...string) {
	a := p.add(title, body, tags, p.users[name])
	for i := range n {
		a.comments = append(a.comments, comment{i + 1, fmt.Sprintf("Comment %d on %s", i, title), a.author})
	}
}

// Prefer makes an account follow another one, and have its newest n articles as
// favorites.
func (p *Peer) Prefer(name, author string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[name].follows[author] = true
	for _, a := range slices.Backward(p.articles) {
		if n > 0 && a.author.name == author {
			a.likes[name] = true
			n--
		}
	}
}

func (p *Peer) add(title, body string, tags []string, by *user) *article {
	a := &article{
		slug: strings.ReplaceAll(strings.ToLower(title), " ", "-") + "-" + strconv.Itoa(len(p.articles)), title: title, body: body, tags: tags, author: by,
		created: time.Unix(int64(len(p.articles)), 0), likes: map[string]bool{},
	}
	p.articles = append(p.articles, a)
	p.bySlug[a.slug] = a
	return a
}

// call is one request.
type call struct {
	*http.Request
	viewer *user // nil means anonymous
	body   struct {
		User    struct{ Username, Email, Password string }
		Article struct {
			Title, Body, Description string
			TagList                  []string
		}
		Comment struct{ Body string }
	}
}

// refusal is a response with a status other than 200.
type refusal struct {
	status int
	text   string
}

func (p *Peer) serve(w http.ResponseWriter, r *http.Request, h func(*call) any) {
	if p.Before != nil && p.Before(w, r) {
		return
	}
	c := &call{Request: r}
	_ = json.NewDecoder(r.Body).Decode(&c.body) // many requests have no body
	p.mu.Lock()
	defer p.mu.Unlock()
	if name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Token of-"); ok {
		c.viewer = p.users[name]
	}
	out := h(c)
	if no, ok := out.(refusal); ok {
		w.WriteHeader(no.status)
		out = object{"errors": object{"request": []string{no.text}}}
	}
	_ = json.NewEncoder(w).Encode(out)
}

type object map[string]any

var missing = refusal{http.StatusNotFound, "not found"}

func (p *Peer) register(c *call) any {
	u := c.body.User
	switch {
	case p.users[u.Username] != nil:
		return refusal{http.StatusUnprocessableEntity, "has already been taken"}
	case p.StrictPasswords && !strict(u.Username, u.Password):
		return refusal{http.StatusUnprocessableEntity, "password is too weak"}
	}
	p.Registered.Add(1)
	p.users[u.Username] = &user{name: u.Username, email: u.Email, password: u.Password, follows: map[string]bool{}}
	return account(p.users[u.Username])
}

// strict reports whether a password has 12 characters of four kinds, and does
// not contain the name.
func strict(name, password string) bool {
	for _, kind := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!#$%&*+-.:=?@^_~"} {
		if !strings.ContainsAny(password, kind) {
			return false
		}
	}
	return len(password) >= 12 && !strings.Contains(strings.ToLower(password), strings.ToLower(name))
}

func account(u *user) any {
	return object{"user": object{"username": u.name, "email": u.email, "token": "of-" + u.name}}
}

func (p *Peer) login(c *call) any {
	for _, u := range p.users {
		if u.email == c.body.User.Email && u.password == c.body.User.Password {
			return account(u)
		}
	}
	return refusal{http.StatusUnauthorized, "invalid credentials"}
}

func (p *Peer) current(c *call) any {
	if c.viewer == nil {
		return refusal{http.StatusUnauthorized, "sign in first"}
	}
	return account(c.viewer)
}

func (p *Peer) tags(*call) any {
	tags := []string{}
	for _, a := range p.articles {
		tags = append(tags, a.tags...)
	}
	slices.Sort(tags)
	return object{"tags": slices.Compact(tags)}
}

func (p *Peer) list(c *call) any {
	tag, by := c.FormValue("tag"), c.FormValue("author")
	return p.page(c, func(a *article) bool {
		return (tag == "" || slices.Contains(a.tags, tag)) && (by == "" || a.author.name == by)
	})
}

func (p *Peer) feed(c *call) any {
	return p.page(c, func(a *article) bool { return c.viewer != nil && c.viewer.follows[a.author.name] })
}

func (p *Peer) page(c *call, has func(*article) bool) any {
	limit, _ := strconv.Atoi(c.FormValue("limit"))
	offset, _ := strconv.Atoi(c.FormValue("offset"))
	if p.MaxLimit > 0 && limit > p.MaxLimit {
		return refusal{http.StatusUnprocessableEntity, "limit is too large"}
	}
	count, items := 0, []any{}
	for _, a := range slices.Backward(p.articles) {
		if !has(a) {
			continue
		}
		if count++; count > offset && len(items) < limit {
			item := a.shown(c.viewer)
			delete(item, "body")
			items = append(items, item)
		}
	}
	if p.PageCounts {
		count = len(items)
	}
	return object{"articles": items, "articlesCount": count}
}

func (a *article) shown(viewer *user) object {
	return object{
		"slug": a.slug, "title": a.title, "description": a.description, "body": a.body, "tagList": a.tags, "createdAt": a.created, "favorited": viewer != nil && a.likes[viewer.name],
		"favoritesCount": len(a.likes), "author": a.author.shown(viewer),
	}
}

func (u *user) shown(viewer *user) object {
	return object{"username": u.name, "following": viewer != nil && viewer.follows[u.name]}
}

func (p *Peer) publish(c *call) any {
	if c.viewer == nil || c.body.Article.Title == "" {
		return refusal{http.StatusUnprocessableEntity, "no author or title"}
	}
	p.Published.Add(1)
	in := c.body.Article
	a := p.add(in.Title, in.Body, in.TagList, c.viewer)
	a.description = in.Description
	return object{"article": a.shown(c.viewer)}
}

func (p *Peer) get(c *call) any {
	if a := p.bySlug[c.PathValue("slug")]; a != nil {
		return object{"article": a.shown(c.viewer)}
	}
	return missing
}

func (p *Peer) like(c *call) any {
	a := p.bySlug[c.PathValue("slug")]
	if a == nil || c.viewer == nil {
		return missing
	}
	set(a.likes, c.viewer.name, c.Method == http.MethodPost)
	return object{"article": a.shown(c.viewer)}
}

func set(of map[string]bool, name string, value bool) {
	if delete(of, name); value {
		of[name] = true
	}
}

func (p *Peer) comments(c *call) any {
	a := p.bySlug[c.PathValue("slug")]
	if a == nil {
		return missing
	}
	list := []any{}
	for _, one := range a.comments {
		list = append(list, one.shown())
	}
	return object{"comments": list}
}

func (c comment) shown() object {
	return object{"id": c.id, "body": c.body, "author": c.author.shown(nil)}
}

func (p *Peer) comment(c *call) any {
	a := p.bySlug[c.PathValue("slug")]
	if a == nil || c.viewer == nil {
		return missing
	}
	id := 1
	if n := len(a.comments); n > 0 {
		id = a.comments[n-1].id + 1
	}
	a.comments = append(a.comments, comment{id, c.body.Comment.Body, c.viewer})
	return object{"comment": a.comments[len(a.comments)-1].shown()}
}

func (p *Peer) uncomment(c *call) any {
	a := p.bySlug[c.PathValue("slug")]
	if a == nil {
		return missing
	}
	a.comments = slices.DeleteFunc(a.comments, func(one comment) bool { return strconv.Itoa(one.id) == c.PathValue("id") })
	return object{}
}

func (p *Peer) profile(c *call) any {
	if u := p.users[c.PathValue("name")]; u != nil {
		return object{"profile": u.shown(c.viewer)}
	}
	return missing
}

func (p *Peer) follow(c *call) any {
	u := p.users[c.PathValue("name")]
	if u == nil || c.viewer == nil {
		return missing
	}
	set(c.viewer.follows, u.name, c.Method == http.MethodPost)
	return object{"profile": u.shown(c.viewer)}
}
