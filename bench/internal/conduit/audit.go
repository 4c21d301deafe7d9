package conduit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// auditPause is the time between two rounds of the auditor. The rounds make
// about 100 requests a second, which are not counted.
const auditPause = 100 * time.Millisecond

// Audit is the result of the auditor.
type Audit struct {
	Rounds uint64
	Errors map[string]uint64
}

// Audit writes with its own user while a scenario is measured. It checks that
// every read right after a write shows the write, for the writer and for
// anonymous readers, whose responses may be cached. It runs until ctx ends.
func (w *World) Audit(ctx context.Context) Audit {
	out := Audit{Errors: map[string]uint64{}}
	a := &auditor{w: w, c: newClient(w.Site), me: w.Users[len(w.Users)-1], author: w.authors[0]}
	defer a.c.close()
	if a.author == a.me.Name {
		a.author = w.Users[0].Name
	}
	for ctx.Err() == nil {
		if err := a.round(); err != nil {
			out.Errors["audit: "+err.Error()]++
		}
		out.Rounds++
		select {
		case <-ctx.Done():
		case <-time.After(auditPause):
		}
	}
	return out
}

type auditor struct {
	w      *World
	c      *client
	me     User
	author string // the user that it follows and unfollows
	slug   string // an article that only the auditor knows
}

func (a *auditor) round() error {
	if a.slug == "" {
		if err := a.publish(); err != nil {
			return err
		}
	}
	return errors.Join(a.favorite("POST", true), a.favorite("DELETE", false), a.comment(),
		a.follow("POST", true), a.follow("DELETE", false))
}

// publish also looks for the new article in the list of its author. In the list
// of all articles, others may push it off the first page at once.
func (a *auditor) publish() error {
	var made articleAnswer
	err := a.c.call("POST", "/articles", a.me.Token, object("article", map[string]any{
		"title": fmt.Sprintf("Audit %s %d", a.w.mark, a.w.created.Add(1)), "description": "d", "body": prose(1), "tagList": []string{a.w.tags[0]},
	}), &made)
	if err != nil {
		return err
	}
	a.slug = url.PathEscape(made.Article.Slug)
	var list listAnswer
	if err := a.c.call("GET", "/articles?limit=20&author="+url.QueryEscape(a.me.Name), "", "", &list); err != nil {
		return err
	}
	if len(list.Articles) > 0 && list.Articles[0].Slug == made.Article.Slug {
		return nil
	}
	return errors.New("a new article is not the first one in its author's list")
}

func (a *auditor) favorite(method string, marked bool) error {
	if err := a.c.call(method, "/articles/"+a.slug+"/favorite", a.me.Token, "", nil); err != nil {
		return err
	}
	count := 0
	if marked {
		count = 1
	}
	for token, want := range map[string]bool{a.me.Token: marked, "": false} {
		var got articleAnswer
		if err := a.c.call("GET", "/articles/"+a.slug, token, "", &got); err != nil {
			return err
		}
		if got.Article.Favorited != want || got.Article.FavoritesCount != count {
			return fmt.Errorf("after %s favorite, signed in: %t: favorited %t, count %d", method, token != "", got.Article.Favorited, got.Article.FavoritesCount)
		}
	}
	return nil
}

func (a *auditor) comment() error {
	path := "/articles/" + a.slug + "/comments"
	var made commentAnswer
	if err := a.c.call("POST", path, a.me.Token, object("comment", map[string]string{"body": "Checked."}), &made); err != nil {
		return err
	}
	has := func() (bool, error) {
		var list commentsAnswer
		err := a.c.call("GET", path, "", "", &list)
		for _, c := range list.Comments {
			if c.ID == made.Comment.ID {
				return true, err
			}
		}
		return false, err
	}
	if found, err := has(); err != nil || !found {
		return errors.Join(err, errors.New("a new comment is not in the list"))
	}
	if err := a.c.call("DELETE", path+"/"+made.Comment.ID.String(), a.me.Token, "", nil); err != nil {
		return err
	}
	if found, err := has(); err != nil || found {
		return errors.Join(err, errors.New("a deleted comment is still in the list"))
	}
	return nil
}

func (a *auditor) follow(method string, follows bool) error {
	path := "/profiles/" + url.PathEscape(a.author)
	if err := a.c.call(method, path+"/follow", a.me.Token, "", nil); err != nil {
		return err
	}
	for token, want := range map[string]bool{a.me.Token: follows, "": false} {
		var got profileAnswer
		if err := a.c.call("GET", path, token, "", &got); err != nil {
			return err
		}
		if got.Profile.Following != want {
			return fmt.Errorf("after %s follow, signed in: %t: following %t", method, token != "", got.Profile.Following)
		}
	}
	return nil
}
