package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// ledger has every write that a response has acknowledged. At the end Byline
// must have all of them.
type ledger struct {
	mu           sync.Mutex
	acknowledged int
	articles     map[string]article          // by slug
	comments     map[string]map[int64]string // bodies by article and id; "" = deleted
	favorites    map[pair]bool
	follows      map[pair]bool
	bios         map[string]string // by user
	accounts     []string          // that have registered
}

// pair is a user, and an article or another user.
type pair struct{ user, other string }

// article is what the requests send and receive of an article.
type article struct {
	Slug        string   `json:"slug,omitempty"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Body        string   `json:"body"`
	TagList     []string `json:"tagList"`
	Favorited   bool     `json:"favorited,omitempty"`
}

type comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
}

type profile struct {
	Username  string  `json:"username"`
	Bio       *string `json:"bio"`
	Following bool    `json:"following"`
}

func newLedger() *ledger {
	return &ledger{articles: map[string]article{}, comments: map[string]map[int64]string{}, favorites: map[pair]bool{}, follows: map[pair]bool{}, bios: map[string]string{}}
}

// acknowledge records a write.
func (l *ledger) acknowledge(record func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged++
	record()
}

func (l *ledger) comment(slug string, id int64, body string) {
	if l.comments[slug] == nil {
		l.comments[slug] = map[int64]string{}
	}
	l.comments[slug][id] = body
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acknowledged
}

// article returns what was acknowledged of an article.
func (l *ledger) article(slug string) article {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.articles[slug]
}

// audit is the search for the writes of a ledger.
type audit struct {
	site     string
	visitors map[string]*visitor
	group    *errgroup.Group
	mu       sync.Mutex
	checked  int
	lost     []error
}

// auditWidth is how many requests an audit sends at the same time.
const auditWidth = 8

// missing looks for every write through the API, and returns those that are not
// there. The load must have ended.
func (l *ledger) missing(ctx context.Context, site string, visitors map[string]*visitor) (checked int, lost []error) {
	a := &audit{site: site, visitors: visitors, group: new(errgroup.Group)}
	a.group.SetLimit(auditWidth)
	for slug, want := range l.articles {
		a.check("article "+slug, 1, func() error { return a.article(ctx, slug, want) })
	}
	for slug, want := range l.comments {
		a.check("comments of "+slug, len(want), func() error { return a.comments(ctx, slug, want) })
	}
	for of, want := range l.favorites {
		a.check("favorite of "+of.other, 1, func() error { return a.favorite(ctx, of, want) })
	}
	for of, want := range l.follows {
		a.check("follow of "+of.other, 1, func() error { return a.follow(ctx, of, want) })
	}
	for name, want := range l.bios {
		a.check("bio of "+name, 1, func() error { return a.bio(ctx, name, want) })
	}
	for _, name := range l.accounts {
		a.check("account "+name, 1, func() error { return newVisitor(name, 0).signIn(ctx, site) })
	}
	_ = a.group.Wait()
	return a.checked, a.lost
}

func (a *audit) check(what string, writes int, do func() error) {
	a.group.Go(func() error {
		err := do()
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.checked += writes; err != nil {
			a.lost = append(a.lost, fmt.Errorf("%s: %w", what, err))
		}
		return nil
	})
}

// as returns the visitor that has written.
func (a *audit) as(name string) *visitor { return a.visitors[name] }

func (a *audit) article(ctx context.Context, slug string, want article) error {
	var got struct{ Article article }
	if err := newVisitor("", 0).call(ctx, a.site, http.MethodGet, "/articles/"+slug, nil, &got); err != nil {
		return err
	}
	return sameArticle(got.Article, want)
}

func sameArticle(got, want article) error {
	switch {
	case got.Title != want.Title, got.Description != want.Description:
		return errors.New("the title or the description differs")
	case got.Body != want.Body:
		return errors.New("the body differs")
	case !slices.Equal(slices.Sorted(slices.Values(got.TagList)), slices.Sorted(slices.Values(want.TagList))):
		return fmt.Errorf("the tags are %v, and were %v", got.TagList, want.TagList)
	}
	return nil
}

func (a *audit) comments(ctx context.Context, slug string, want map[int64]string) error {
	var got struct{ Comments []comment }
	if err := newVisitor("", 0).call(ctx, a.site, http.MethodGet, "/articles/"+slug+"/comments", nil, &got); err != nil {
		return err
	}
	have := map[int64]string{}
	for _, c := range got.Comments {
		have[c.ID] = c.Body
	}
	for id, body := range want {
		if have[id] != body {
			return fmt.Errorf("the comment %d is missing, differs, or was deleted and is there", id)
		}
	}
	return nil
}

func (a *audit) favorite(ctx context.Context, of pair, want bool) error {
	var got struct{ Article article }
	if err := a.as(of.user).call(ctx, a.site, http.MethodGet, "/articles/"+of.other, nil, &got); err != nil {
		return err
	}
	if got.Article.Favorited != want {
		return fmt.Errorf("favorited is %t for %s", got.Article.Favorited, of.user)
	}
	return nil
}

func (a *audit) follow(ctx context.Context, of pair, want bool) error {
	var got struct{ Profile profile }
	if err := a.as(of.user).call(ctx, a.site, http.MethodGet, "/profiles/"+url.PathEscape(of.other), nil, &got); err != nil {
		return err
	}
	if got.Profile.Following != want {
		return fmt.Errorf("following is %t for %s", got.Profile.Following, of.user)
	}
	return nil
}

func (a *audit) bio(ctx context.Context, name, want string) error {
	var got struct{ Profile profile }
	if err := a.as(name).call(ctx, a.site, http.MethodGet, "/profiles/"+name, nil, &got); err != nil {
		return err
	}
	if got.Profile.Bio == nil || *got.Profile.Bio != want {
		return errors.New("it differs")
	}
	return nil
}
