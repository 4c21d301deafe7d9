package conduit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
)

// agreePages is how many pages of a list are compared.
const agreePages = 3

// Agree reads lists from two servers of one database, and returns an error for
// each that differs. Nobody may write meanwhile. Cursors of one server are
// continued at the other, as a load balancer does during an upgrade.
func Agree(ctx context.Context, a, b Site, users []User, authors, tags []string) error {
	const sample = 10
	type list struct{ path, token string }
	lists := []list{{"/articles?limit=100", ""}}
	for _, tag := range tags[:min(sample, len(tags))] {
		lists = append(lists, list{"/articles?limit=20&tag=" + url.QueryEscape(tag), ""})
	}
	for i := range min(sample, len(authors)) {
		name := url.QueryEscape(authors[i*len(authors)/min(sample, len(authors))])
		lists = append(lists, list{"/articles?limit=20&author=" + name, ""}, list{"/articles?limit=20&favorited=" + name, ""})
	}
	for _, u := range users[:min(sample, len(users))] {
		lists = append(lists, list{"/articles/feed?limit=20", u.Token}, list{"/articles?limit=20&author=" + url.QueryEscape(u.Name), u.Token},
			list{"/articles?limit=20&favorited=" + url.QueryEscape(u.Name), u.Token})
	}
	sites := [2]*client{newClient(a), newClient(b)}
	defer sites[0].close()
	defer sites[1].close()
	var wrong []error
	for _, l := range lists {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := agree(sites, l.path, l.token); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", l.path, err))
		}
	}
	var found [2]tagsAnswer
	for i, c := range sites {
		wrong = append(wrong, c.call("GET", "/tags", "", "", &found[i]))
	}
	if !reflect.DeepEqual(found[0], found[1]) {
		wrong = append(wrong, errors.New("/tags: the servers differ"))
	}
	return errors.Join(wrong...)
}

// agree compares the first pages of a list. Each server continues with the
// cursor of the other.
func agree(sites [2]*client, path, token string) error {
	at := [2]string{path, path}
	for page := range agreePages {
		var got [2]listAnswer
		for i, c := range sites {
			if err := c.call("GET", at[i], token, "", &got[i]); err != nil {
				return err
			}
		}
		next := [2]*string{got[1].NextCursor, got[0].NextCursor}
		got[0].NextCursor, got[1].NextCursor = nil, nil
		switch {
		case !reflect.DeepEqual(got[0], got[1]):
			return fmt.Errorf("the servers differ on page %d", page+1)
		case (next[0] == nil) != (next[1] == nil):
			return fmt.Errorf("only one of the servers has a page %d", page+2)
		case next[0] == nil:
			return nil
		}
		for i := range at {
			at[i] = path + "&cursor=" + url.QueryEscape(*next[i])
		}
	}
	return nil
}
