package apisource

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

// maxRounds is how often the list of articles is read until it does not change.
const maxRounds = 10

// settled calls use with the slugs of a list that are not in seen, and adds them
// to it. Articles move between pages while a list is read: new ones push others
// back, which are then seen twice, and deleted ones pull others forward, which
// are then not seen. So a list of several pages is read again until it has
// nothing that was not there before, except at its beginning, where new ones are.
func (c *crawl) settled(ctx context.Context, name string, filter url.Values, seen map[string]bool, use func(fresh []string, known int) error) error {
	for round := range maxRounds {
		slugs, pages, err := c.list(ctx, name, filter)
		if err != nil {
			return err
		}
		var fresh []string
		atFront := true // all new ones are before those that are known
		for i, slug := range slugs {
			if !seen[slug] {
				atFront = atFront && len(fresh) == i
				fresh = append(fresh, slug)
				seen[slug] = true
			}
		}
		if err := use(fresh, len(slugs)); err != nil {
			return err
		}
		if pages <= 1 || round > 0 && atFront {
			return nil
		}
	}
	return fmt.Errorf("GET %s: the list has changed while it was read, %d times in succession; import when fewer articles are deleted", name, maxRounds)
}

// list returns the slugs of all pages of a list, each once, in their order, and
// the number of pages.
func (c *crawl) list(ctx context.Context, name string, filter url.Values) (slugs []string, pages int, err error) {
	seen := map[string]bool{}
	offset, repeated := 0, 0
	for cursor := ""; ; pages++ {
		page, err := c.page(ctx, name, filter, cursor, offset)
		if err != nil {
			return nil, 0, err
		}
		before := len(slugs)
		for _, a := range page.Articles {
			if a.Slug == "" {
				return nil, 0, fmt.Errorf("GET %s: an article has no slug", name)
			}
			if !seen[a.Slug] {
				seen[a.Slug] = true
				slugs = append(slugs, a.Slug)
			}
		}
		offset += len(page.Articles)
		ended := cursor != "" && page.NextCursor == "" || page.ArticlesCount != nil && int64(len(slugs)) >= *page.ArticlesCount && len(slugs) == before
		switch {
		case len(page.Articles) == 0:
			return slugs, pages, nil
		case ended:
			return slugs, pages + 1, nil
		case len(slugs) > c.options.MaxArticles:
			return nil, 0, fmt.Errorf("GET %s: the list has more than %d articles", name, c.options.MaxArticles)
		case len(slugs) > before:
			repeated = 0
		case repeated == 2 && page.Articles[0].Slug != slugs[0]:
			return slugs, pages + 1, nil // new ones push the last ones back each time
		case repeated == 2:
			return nil, 0, fmt.Errorf("GET %s: the pages at several offsets have the same articles: the API does not support offset", name)
		default:
			repeated++
		}
		cursor = page.NextCursor
	}
}

// page returns a page of a list, behind a cursor if there is one.
func (c *crawl) page(ctx context.Context, name string, filter url.Values, cursor string, offset int) (page articlesResponse, err error) {
	query := url.Values{"limit": {strconv.Itoa(c.options.PageSize)}}
	for name, values := range filter {
		query[name] = values
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	} else {
		query.Set("offset", strconv.Itoa(offset))
	}
	err = c.client.get(ctx, name, "/articles", query, &page)
	return page, err
}
