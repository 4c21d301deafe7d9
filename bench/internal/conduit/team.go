package conduit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Team is accounts whose work some scenarios read. Servers without drafts and
// roles have none.
type Team struct {
	Writers []User // may have drafts
	Editor  User   // without a name if there is none
}

// findings are what the scenarios of a team read. What a server lacks is empty.
type findings struct {
	writers  []*User // with a full page of drafts
	revised  []revised
	threads  []thread
	searches []search
	editor   *User
}

// revised is a draft with a full page of revisions.
type revised struct {
	by         *User
	list, diff string // paths
	newest     int    // the number of the newest revision
}

// thread is a comment with a full page of replies.
type thread struct{ path, parent string }

// search is a text that tags begin with.
type search struct{ path, prefix string }

const (
	threadsWanted  = 64
	threadArticles = 100 // the newest ones, below which threads are looked for
	draftsPath     = "/user/articles?status=draft&limit=20"
	editorsPath    = "/editorial/articles?status=draft&limit=20"
)

// explore signs the team in, and finds what it has, and threads and a search of
// tags, if the server has them.
func (w *World) explore(ctx context.Context) error {
	team := w.team
	if err := SignIn(ctx, w.Site, team.Writers); err != nil {
		return err
	}
	c := newClient(w.Site)
	defer c.close()
	for i := range team.Writers {
		if err := w.findDrafts(c, &team.Writers[i]); err != nil {
			return err
		}
	}
	if team.Editor.Name != "" {
		one := []User{team.Editor}
		if err := SignIn(ctx, w.Site, one); err != nil {
			return err
		}
		var page listAnswer
		if found, err := c.ask(editorsPath, one[0].Token, &page); err != nil {
			return err
		} else if found && len(page.Articles) == pageSize {
			w.found.editor = &one[0]
		}
	}
	return errors.Join(w.findThreads(ctx, c), w.findSearches(c))
}

// ask is call for what a server may not have: it reports whether it has answered
// in the form of the contract. Only a broken connection is an error.
func (c *client) ask(path, token string, out any) (bool, error) {
	err := c.call("GET", path, token, "", out)
	var refused statusError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &refused) || errors.As(err, &syntax) || errors.As(err, &kind) {
		return false, nil
	}
	return err == nil, err
}

func (w *World) findDrafts(c *client, by *User) error {
	var page listAnswer
	if found, err := c.ask(draftsPath, by.Token, &page); err != nil || !found || len(page.Articles) < pageSize {
		return err
	}
	w.found.writers = append(w.found.writers, by)
	path := "/articles/" + url.PathEscape(page.Articles[0].Slug) + "/revisions"
	list := path + "?limit=20"
	var older revisionsAnswer
	if found, err := c.ask(list, by.Token, &older); err != nil || !found || len(older.Revisions) < pageSize {
		return err
	}
	newest := older.Revisions[0].Number
	w.found.revised = append(w.found.revised, revised{by, list, fmt.Sprintf("%s/%d/diff", path, newest), newest})
	return nil
}

func (w *World) findThreads(ctx context.Context, c *client) error {
	for _, path := range w.paths[:min(len(w.paths), threadArticles)] {
		if ctx.Err() != nil || len(w.found.threads) == threadsWanted {
			return ctx.Err()
		}
		var page commentsAnswer
		if found, err := c.ask(path+"/comments?limit=100", "", &page); err != nil || !found {
			return err
		}
		replies := map[string]int{}
		for _, one := range page.Comments {
			if one.ParentID == nil {
				return nil // the server has no threads
			}
			replies[string(one.ParentID)]++
		}
		delete(replies, "null")
		for parent, n := range replies {
			if n >= pageSize {
				w.found.threads = append(w.found.threads, thread{path + "/comments?limit=20&parentId=" + parent, parent})
			}
		}
	}
	return nil
}

// findSearches makes a search of the first two letters of each tag, unless the
// server ignores it.
func (w *World) findSearches(c *client) error {
	known := map[string]bool{}
	for _, tag := range w.tags {
		if !utf8.ValidString(tag) || utf8.RuneCountInString(tag) < 2 {
			continue
		}
		prefix := strings.ToLower(string([]rune(tag)[:2]))
		if !known[prefix] {
			known[prefix] = true
			w.found.searches = append(w.found.searches, search{"/tags?limit=20&prefix=" + url.QueryEscape(prefix), prefix})
		}
	}
	if len(w.found.searches) == 0 {
		return nil
	}
	var page tagsAnswer
	first := w.found.searches[0]
	found, err := c.ask(first.path, "", &page)
	if !found || checkPrefix(page.Tags, first.prefix) != nil {
		w.found.searches = nil
	}
	return err
}

func getDrafts(v *visitor, to []byte) []byte {
	by := v.w.found.writers[v.r.IntN(len(v.w.found.writers))]
	return get(v, to, draftsPath, by, expectation{check: checkDrafts})
}

func getEditors(v *visitor, to []byte) []byte {
	return get(v, to, editorsPath, v.w.found.editor, expectation{check: checkEditors})
}

func getRevisions(v *visitor, to []byte) []byte {
	i := v.r.IntN(len(v.w.found.revised))
	return get(v, to, v.w.found.revised[i].list, v.w.found.revised[i].by, expectation{check: checkRevisions, found: i})
}

func getDiff(v *visitor, to []byte) []byte {
	i := v.r.IntN(len(v.w.found.revised))
	return get(v, to, v.w.found.revised[i].diff, v.w.found.revised[i].by, expectation{check: checkDiff, found: i})
}

func getReplies(v *visitor, to []byte) []byte {
	i := v.r.IntN(len(v.w.found.threads))
	return get(v, to, v.w.found.threads[i].path, nil, expectation{check: checkReplies, found: i})
}

func searchTags(v *visitor, to []byte) []byte {
	i := v.r.IntN(len(v.w.found.searches))
	return get(v, to, v.w.found.searches[i].path, nil, expectation{check: checkSearch, found: i})
}

// checkEditors checks a full page of drafts by anybody. Its order is that of
// creation in the database, which no response shows.
func checkEditors(_ *visitor, body []byte) error {
	got, err := decode[listAnswer](body)
	if err != nil {
		return err
	}
	if len(got.Articles) != pageSize {
		return fmt.Errorf("a list of %d drafts instead of %d", len(got.Articles), pageSize)
	}
	seen := map[[2]string]bool{} // authors may have the same slug for their drafts
	for _, a := range got.Articles {
		key := [2]string{a.Author.Username, a.Slug}
		switch {
		case a.Slug == "" || a.Title == "" || a.Author.Username == "":
			return errors.New("a draft without slug, title or author")
		case a.Status != "draft" || a.Body != nil:
			return errors.New("a list of drafts with another status, or with bodies")
		case seen[key]:
			return errors.New("a draft is repeated")
		}
		seen[key] = true
	}
	return nil
}

// checkDrafts checks a full page of drafts by the reader, newest first.
func checkDrafts(v *visitor, body []byte) error {
	if err := checkEditors(v, body); err != nil {
		return err
	}
	got, _ := decode[listAnswer](body)
	for i, a := range got.Articles {
		switch {
		case a.Author.Username != v.want.user.Name:
			return errors.New("a draft of another author")
		case i > 0 && a.CreatedAt.After(got.Articles[i-1].CreatedAt):
			return errors.New("a list is not ordered newest first")
		}
	}
	return nil
}

func checkRevisions(v *visitor, body []byte) error {
	got, err := decode[revisionsAnswer](body)
	switch {
	case err != nil:
		return err
	case len(got.Revisions) != pageSize:
		return fmt.Errorf("a list of %d revisions instead of %d", len(got.Revisions), pageSize)
	}
	for i, r := range got.Revisions {
		if r.Number != v.w.found.revised[v.want.found].newest-i {
			return errors.New("revisions are not in their order, or one is missing")
		}
		if r.Title == "" || r.Author.Username == "" {
			return errors.New("a revision without title or author")
		}
	}
	return nil
}

func checkDiff(v *visitor, body []byte) error {
	n := v.w.found.revised[v.want.found].newest
	if !strings.HasPrefix(string(body), fmt.Sprintf("--- %d/body\n+++ %d/body\n@@ ", n-1, n)) || !strings.Contains(string(body), "\n+") || !strings.Contains(string(body), "\n-") {
		return errors.New("not the difference between the bodies of two revisions")
	}
	return nil
}

func checkReplies(v *visitor, body []byte) error {
	if err := checkComments(v, body); err != nil {
		return err
	}
	got, _ := decode[commentsAnswer](body)
	if len(got.Comments) != pageSize {
		return fmt.Errorf("a list of %d replies instead of %d", len(got.Comments), pageSize)
	}
	for i, c := range got.Comments {
		if string(c.ParentID) != v.w.found.threads[v.want.found].parent {
			return errors.New("a reply to another comment")
		}
		if i > 0 && c.CreatedAt.Before(got.Comments[i-1].CreatedAt) {
			return errors.New("replies are not ordered oldest first")
		}
	}
	return nil
}

func checkSearch(v *visitor, body []byte) error {
	got, err := decode[tagsAnswer](body)
	if err != nil {
		return err
	}
	return checkPrefix(got.Tags, v.w.found.searches[v.want.found].prefix)
}

// checkPrefix checks a page of tags that begin with a text.
func checkPrefix(tags []string, prefix string) error {
	other := func(tag string) bool { return !strings.HasPrefix(strings.ToLower(tag), prefix) }
	switch {
	case len(tags) == 0 || len(tags) > pageSize:
		return fmt.Errorf("%d tags in a page of up to %d, at least one of which exists", len(tags), pageSize)
	case slices.ContainsFunc(tags, other):
		return errors.New("a tag does not begin with the text")
	case len(slices.Compact(slices.Sorted(slices.Values(tags)))) < len(tags):
		return errors.New("a tag is repeated")
	}
	return nil
}

// These types are the parts of responses that are checked; see api.go.
type revisionsAnswer struct {
	Revisions []struct {
		Number int
		Title  string
		Author author
	}
}
