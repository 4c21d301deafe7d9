package conduit

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

// Catalogue lists the contents of the server, which requests ask for and
// responses are checked against.
type Catalogue struct {
	Slugs   []string `json:"slugs"`   // of every article, newest first
	Authors []string `json:"authors"` // names of all authors
	Tags    []string `json:"tags"`    // most used first, if the server sorts them
}

const readPage = 100

// Read reads all articles, with cursors if the server supports them.
func Read(ctx context.Context, site Site) (*Catalogue, error) {
	c := newClient(site)
	defer c.close()
	out := &Catalogue{}
	known, written := map[string]bool{}, map[string]bool{}
	for cursor := ""; ctx.Err() == nil; {
		path := "/articles?limit=" + strconv.Itoa(readPage)
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		} else {
			path += "&offset=" + strconv.Itoa(len(out.Slugs))
		}
		var page listAnswer
		if err := c.call("GET", path, "", "", &page); err != nil {
			return nil, err
		}
		before := len(out.Slugs)
		for _, a := range page.Articles {
			if !known[a.Slug] {
				known[a.Slug] = true
				out.Slugs = append(out.Slugs, a.Slug)
			}
			if name := a.Author.Username; !written[name] {
				written[name] = true
				out.Authors = append(out.Authors, name)
			}
		}
		if cursor = ""; page.NextCursor != nil {
			cursor = *page.NextCursor
		}
		// A server without cursors ends with an empty page, a server with
		// cursors ends without a next cursor.
		if len(out.Slugs) == before || cursor == "" && page.ArticlesCount != nil && len(out.Slugs) >= *page.ArticlesCount {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var tags tagsAnswer
	if err := c.call("GET", "/tags", "", "", &tags); err != nil {
		return nil, err
	}
	out.Tags = tags.Tags
	if len(out.Slugs) < readPage || len(out.Tags) == 0 {
		return nil, fmt.Errorf("the server has %d articles and %d tags: too few for the benchmark", len(out.Slugs), len(out.Tags))
	}
	return out, nil
}

// User is an account that the benchmark may use.
type User struct {
	Name, Email, Password string
	Token                 string // after sign-in
	FeedCount             int    // articles in the feed at sign-in
}

// SignIn gets the tokens of users and the sizes of their feeds. It stops at the
// first error.
func SignIn(ctx context.Context, site Site, users []User) error {
	c := newClient(site)
	defer c.close()
	for i := range users {
		if err := ctx.Err(); err != nil {
			return err
		}
		u := &users[i]
		if u.Token == "" {
			var answer userAnswer
			if err := c.call("POST", "/users/login", "", loginBody(*u), &answer); err != nil {
				return fmt.Errorf("sign in: %w", err)
			}
			u.Token = answer.User.Token
		}
		var feed listAnswer
		if err := c.call("GET", "/articles/feed?limit=20", u.Token, "", &feed); err != nil {
			return err
		}
		if u.FeedCount = len(feed.Articles); feed.ArticlesCount != nil {
			u.FeedCount = *feed.ArticlesCount
		}
	}
	return nil
}

func loginBody(u User) string {
	return object("user", map[string]string{"email": u.Email, "password": u.Password})
}

// lastCursor returns the cursor of the last full page of 20, or "" if the
// server has no cursors.
func lastCursor(site Site, articles int) (string, error) {
	c := newClient(site)
	defer c.close()
	var page listAnswer
	path := fmt.Sprintf("/articles?limit=%d&offset=%d", pageSize, max(articles-2*pageSize, 0))
	if err := c.call("GET", path, "", "", &page); err != nil {
		return "", err
	}
	if page.NextCursor == nil {
		return "", nil
	}
	return *page.NextCursor, nil
}
