package conduit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Catalogue lists the contents of the server, which requests ask for and
// responses are checked against.
type Catalogue struct {
	Slugs   []string `json:"slugs"`   // of every article, newest first
	Authors []string `json:"authors"` // names of all authors
	Tags    []string `json:"tags"`    // most used first, if the server sorts them
	// Editor is the name of an account that has the role, or "".
	Editor string `json:"editor,omitempty"`
	// PageCounts means that articlesCount is the length of the page and not of
	// the list, as on some backends.
	PageCounts bool `json:"pageCounts,omitempty"`
}

const (
	readPage      = 100
	leastArticles = 100
	leastTags     = 3 // of a new article
)

// Read reads all articles. It fails if they are too few for the benchmark.
func Read(ctx context.Context, site Site) (*Catalogue, error) {
	out, err := survey(ctx, site)
	if err == nil && (len(out.Slugs) < leastArticles || len(out.Tags) < leastTags) {
		err = fmt.Errorf("the server has %d articles and %d tags: too few for the benchmark", len(out.Slugs), len(out.Tags))
	}
	return out, err
}

// survey reads all articles.
func survey(ctx context.Context, site Site) (*Catalogue, error) {
	c := newClient(site)
	defer c.close()
	out := &Catalogue{}
	written := map[string]bool{}
	err := c.pages(ctx, "", func(page listAnswer, unseen []article) bool {
		for _, a := range unseen {
			out.Slugs = append(out.Slugs, a.Slug)
			if name := a.Author.Username; !written[name] {
				written[name] = true
				out.Authors = append(out.Authors, name)
			}
		}
		out.PageCounts = out.PageCounts || page.countsPage(len(out.Slugs))
		return true
	})
	if err != nil {
		return nil, err
	}
	var tags tagsAnswer
	if err := c.call("GET", "/tags", "", "", &tags); err != nil {
		return nil, err
	}
	out.Tags = tags.Tags
	return out, nil
}

// countsPage reports whether articlesCount is the length of the page, after so
// many articles were read.
func (l listAnswer) countsPage(read int) bool {
	return l.ArticlesCount != nil && *l.ArticlesCount < read && *l.ArticlesCount == len(l.Articles)
}

// pages reads the list of all articles by pages, with cursors if the server
// supports them, until visit returns false. unseen are the articles that no
// page before had. Without cursors, only a page without such articles is the
// end, because articlesCount may be the length of a page.
func (c *client) pages(ctx context.Context, token string, visit func(page listAnswer, unseen []article) bool) error {
	known := map[string]bool{}
	limit, cursor := readPage, ""
	for ctx.Err() == nil {
		path := "/articles?limit=" + strconv.Itoa(limit)
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		} else {
			path += "&offset=" + strconv.Itoa(len(known))
		}
		var page listAnswer
		err := c.call("GET", path, token, "", &page)
		var refused statusError
		if errors.As(err, &refused) && limit > pageSize && (refused.status == http.StatusBadRequest || refused.status == http.StatusUnprocessableEntity) {
			limit = pageSize // the server may not permit longer pages
			continue
		}
		if err != nil {
			return err
		}
		var unseen []article
		for _, a := range page.Articles {
			if !known[a.Slug] {
				known[a.Slug] = true
				unseen = append(unseen, a)
			}
		}
		if more := visit(page, unseen); !more || len(unseen) == 0 || page.NextCursor == nil && cursor != "" {
			return nil
		}
		if cursor = ""; page.NextCursor != nil {
			cursor = *page.NextCursor
		}
	}
	return ctx.Err()
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
