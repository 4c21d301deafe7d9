package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// action is a kind of request. do returns errSkipped if there is nothing that
// it can be about now.
type action struct {
	name   string
	weight int // among reads or among writes
	write  bool
	who    audience // of visitors that send it
	do     func(w *world, ctx context.Context, v *visitor) error
}

// audience is who sends requests of a kind.
type audience int

const (
	anyone audience = iota
	signedIn
	writers
)

// errSkipped means that no request was sent.
var errSkipped = errors.New("nothing to do")

// actions are the load: what readers of a site do, and what its authors do.
var actions = []action{
	{name: "read article", weight: 30, who: anyone, do: (*world).readArticle},
	{name: "list articles", weight: 16, who: anyone, do: list(func(*world) string { return "?limit=20&offset=" + strconv.Itoa(20*rand.IntN(5)) })},
	{name: "list by tag", weight: 8, who: anyone, do: list(func(*world) string { return "?tag=" + tagName() })},
	{name: "list by author", weight: 8, who: anyone, do: list(func(w *world) string { return "?author=" + w.anyUser() })},
	{name: "list favorited", weight: 5, who: anyone, do: list(func(w *world) string { return "?favorited=" + w.anyUser() })},
	{name: "read feed", weight: 8, who: signedIn, do: list(func(*world) string { return "/feed" })},
	{name: "read comments", weight: 12, who: anyone, do: (*world).readComments},
	{name: "read tags", weight: 5, who: anyone, do: (*world).readTags},
	{name: "read profile", weight: 6, who: anyone, do: (*world).readProfile},
	{name: "read account", weight: 6, who: signedIn, do: (*world).readAccount},
	{name: "read own article", weight: 6, who: writers, do: (*world).readOwn},

	{name: "publish article", weight: 20, write: true, who: writers, do: (*world).publish},
	{name: "edit article", weight: 12, write: true, who: writers, do: (*world).edit},
	{name: "comment", weight: 24, write: true, who: writers, do: (*world).comment},
	{name: "delete comment", weight: 6, write: true, who: writers, do: (*world).uncomment},
	{name: "favorite", weight: 16, write: true, who: writers, do: (*world).favorite},
	{name: "follow", weight: 10, write: true, who: writers, do: (*world).follow},
	{name: "edit account", weight: 4, write: true, who: writers, do: (*world).editAccount},
	{name: "sign in", weight: 4, write: true, who: signedIn, do: func(w *world, ctx context.Context, v *visitor) error { return v.signIn(ctx, w.site) }},
	{name: "register", weight: 2, write: true, who: anyone, do: (*world).register},
}

func tagName() string { return fmt.Sprintf("tag%d", 1+rand.IntN(60)) }

func (w *world) anyUser() string { return userName(rand.IntN(w.users)) }
func (w *world) anySlug() string { return fmt.Sprintf("article-%d", 1+rand.IntN(w.articles)) }

func (w *world) readArticle(ctx context.Context, v *visitor) error {
	slug := w.anySlug()
	var got struct{ Article article }
	if err := v.call(ctx, w.site, http.MethodGet, "/articles/"+slug, nil, &got); err != nil {
		return err
	}
	if got.Article.Slug != slug || got.Article.Body == "" {
		return fmt.Errorf("the article %s has the slug %q", slug, got.Article.Slug)
	}
	return nil
}

// list reads a list of articles.
func list(query func(*world) string) func(*world, context.Context, *visitor) error {
	return func(w *world, ctx context.Context, v *visitor) error {
		var got struct {
			Articles      *[]article
			ArticlesCount *int
		}
		if err := v.call(ctx, w.site, http.MethodGet, "/articles"+query(w), nil, &got); err != nil {
			return err
		}
		if got.Articles == nil || got.ArticlesCount == nil || *got.ArticlesCount < len(*got.Articles) {
			return errors.New("the response is no list of articles with its length")
		}
		return nil
	}
}

func (w *world) readComments(ctx context.Context, v *visitor) error {
	var got struct{ Comments *[]comment }
	err := v.call(ctx, w.site, http.MethodGet, "/articles/"+w.anySlug()+"/comments", nil, &got)
	if err == nil && got.Comments == nil {
		err = errors.New("the response has no comments")
	}
	return err
}

func (w *world) readTags(ctx context.Context, v *visitor) error {
	var got struct{ Tags []string }
	err := v.call(ctx, w.site, http.MethodGet, "/tags", nil, &got)
	if err == nil && len(got.Tags) < 10 {
		err = fmt.Errorf("there are only %d tags", len(got.Tags))
	}
	return err
}

func (w *world) readProfile(ctx context.Context, v *visitor) error {
	name := w.anyUser()
	var got struct{ Profile profile }
	err := v.call(ctx, w.site, http.MethodGet, "/profiles/"+name, nil, &got)
	if err == nil && got.Profile.Username != name {
		err = fmt.Errorf("the profile of %q is that of %q", name, got.Profile.Username)
	}
	return err
}

// readAccount takes the token of the response, as front ends do.
func (w *world) readAccount(ctx context.Context, v *visitor) error {
	var got account
	if err := v.call(ctx, w.site, http.MethodGet, "/user", nil, &got); err != nil {
		return err
	}
	if got.User.Username != v.name || got.User.Token == "" {
		return fmt.Errorf("the account of %q is that of %q", v.name, got.User.Username)
	}
	v.use(got.User.Token)
	return nil
}

// readOwn reads what the visitor has published or edited last: it must see it.
func (w *world) readOwn(ctx context.Context, v *visitor) error {
	slug := v.lastArticle()
	if slug == "" || !v.claim(slug) {
		return errSkipped
	}
	defer v.release(slug)
	var got struct{ Article article }
	if err := v.call(ctx, w.site, http.MethodGet, "/articles/"+slug, nil, &got); err != nil {
		return err
	}
	return sameArticle(got.Article, w.ledger.article(slug))
}

func (w *world) publish(ctx context.Context, v *visitor) error {
	n := w.number.Add(1)
	want := article{Title: fmt.Sprintf("Walk %d %s", n, v.name), Description: fmt.Sprintf("Written during the walk, %d", n),
		Body: fmt.Sprintf("Text %d\n\nof *%s*", n, v.name), TagList: []string{tagName()}}
	if other := tagName(); n%2 == 0 && other != want.TagList[0] {
		want.TagList = append(want.TagList, other)
	}
	var got struct{ Article article }
	if err := v.call(ctx, w.site, http.MethodPost, "/articles", object{"article": want}, &got); err != nil {
		return err
	}
	want.Slug = got.Article.Slug
	w.ledger.acknowledge(func() { w.ledger.articles[want.Slug] = want })
	v.setLast(want.Slug)
	return sameArticle(got.Article, want)
}

func (w *world) edit(ctx context.Context, v *visitor) error {
	slug := v.lastArticle()
	if slug == "" || !v.claim(slug) {
		return errSkipped
	}
	defer v.release(slug)
	want := w.ledger.article(slug)
	want.Body = fmt.Sprintf("Edited %d at %s", w.number.Add(1), time.Now().UTC().Format(time.RFC3339Nano))
	var got struct{ Article article }
	if err := v.call(ctx, w.site, http.MethodPut, "/articles/"+slug, object{"article": object{"body": want.Body}}, &got); err != nil {
		return err
	}
	w.ledger.acknowledge(func() { w.ledger.articles[slug] = want })
	return sameArticle(got.Article, want)
}

func (w *world) comment(ctx context.Context, v *visitor) error {
	slug, body := w.anySlug(), fmt.Sprintf("Comment %d of the walk", w.number.Add(1))
	var got struct{ Comment comment }
	if err := v.call(ctx, w.site, http.MethodPost, "/articles/"+slug+"/comments", object{"comment": object{"body": body}}, &got); err != nil {
		return err
	}
	if got.Comment.ID == 0 || got.Comment.Body != body {
		return errors.New("the comment in the response differs")
	}
	w.ledger.acknowledge(func() { w.ledger.comment(slug, got.Comment.ID, body) })
	w.mu.Lock()
	w.written[v.name] = append(w.written[v.name], ownComment{slug, got.Comment.ID})
	w.mu.Unlock()
	return nil
}

// uncomment deletes the oldest comment that the visitor has written.
func (w *world) uncomment(ctx context.Context, v *visitor) error {
	w.mu.Lock()
	own := w.written[v.name]
	if len(own) < 2 {
		w.mu.Unlock()
		return errSkipped
	}
	c := own[0]
	w.written[v.name] = slices.Delete(own, 0, 1)
	w.mu.Unlock()
	if err := v.call(ctx, w.site, http.MethodDelete, fmt.Sprintf("/articles/%s/comments/%d", c.slug, c.id), nil, nil); err != nil {
		return err
	}
	w.ledger.acknowledge(func() { w.ledger.comment(c.slug, c.id, "") })
	return nil
}

// favorite favors an article, or takes that back if the visitor has done it.
func (w *world) favorite(ctx context.Context, v *visitor) error {
	slug := w.anySlug()
	if !v.claim(slug) {
		return errSkipped
	}
	defer v.release(slug)
	key := pair{v.name, slug}
	want, method := w.turn(w.ledger.favorites, key)
	var got struct{ Article article }
	if err := v.call(ctx, w.site, method, "/articles/"+slug+"/favorite", nil, &got); err != nil {
		return err
	}
	w.ledger.acknowledge(func() { w.ledger.favorites[key] = want })
	if got.Article.Favorited != want {
		return fmt.Errorf("favorited is %t after %s", got.Article.Favorited, method)
	}
	return nil
}

func (w *world) follow(ctx context.Context, v *visitor) error {
	name := w.anyUser()
	if name == v.name || !v.claim(name) {
		return errSkipped
	}
	defer v.release(name)
	key := pair{v.name, name}
	want, method := w.turn(w.ledger.follows, key)
	var got struct{ Profile profile }
	if err := v.call(ctx, w.site, method, "/profiles/"+name+"/follow", nil, &got); err != nil {
		return err
	}
	w.ledger.acknowledge(func() { w.ledger.follows[key] = want })
	if got.Profile.Following != want {
		return fmt.Errorf("following is %t after %s", got.Profile.Following, method)
	}
	return nil
}

// turn returns what a favorite or a follow is to become, and the method for it.
func (w *world) turn(of map[pair]bool, key pair) (want bool, method string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if of[key] {
		return false, http.MethodDelete
	}
	return true, http.MethodPost
}

func (w *world) editAccount(ctx context.Context, v *visitor) error {
	if !v.claim("account") {
		return errSkipped
	}
	defer v.release("account")
	bio := fmt.Sprintf("Bio %d", w.number.Add(1))
	var got account
	if err := v.call(ctx, w.site, http.MethodPut, "/user", object{"user": object{"bio": bio}}, &got); err != nil {
		return err
	}
	w.ledger.acknowledge(func() { w.ledger.bios[v.name] = bio })
	v.use(got.User.Token)
	return nil
}

func (w *world) register(ctx context.Context, v *visitor) error {
	name := fmt.Sprintf("new%d", w.number.Add(1))
	var got account
	err := v.callWith(ctx, "", w.site, http.MethodPost, "/users", object{"user": object{"username": name, "email": emailOf(name), "password": passwordOf(name)}}, &got)
	if err != nil {
		return err
	}
	w.ledger.acknowledge(func() { w.ledger.accounts = append(w.ledger.accounts, name) })
	if got.User.Username != name || got.User.Token == "" {
		return errors.New("the new account has another name, or no token")
	}
	return nil
}
