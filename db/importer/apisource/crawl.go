package apisource

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/byline-api/byline/db/importer/filesource"
	"github.com/byline-api/byline/db/importer/lenient"
	"github.com/byline-api/byline/db/importer/source"
)

// crawl reads everything once.
type crawl struct {
	client  *client
	options Options
	out     *filesource.Writer
	viewer  string             // the account whose token it is, or ""
	email   string             // that of the viewer
	users   map[string]profile // by username
	names   []string           // of users, as they were found
	read    map[string]bool    // slugs that were in the list
	written map[string]bool    // slugs of articles that are in the file
	missing []string           // slugs that were in the list, and of which there was no article
	done    int                // articles that were asked for
	// lastLook says that nothing is asked for again which cannot be found.
	lastLook bool
}

func (c *crawl) everything(ctx context.Context) error {
	if c.options.Token != "" {
		if err := c.readViewer(ctx); err != nil {
			return err
		}
	}
	if err := c.articles(ctx); err != nil {
		return err
	}
	if err := c.profiles(ctx); err != nil {
		return err
	}
	if c.options.WithoutFavorites {
		return nil
	}
	filters, err := c.filtersFavorites(ctx)
	if err != nil {
		return err
	}
	if !filters {
		c.options.Note(filesource.Note{Kind: source.Favorites, Text: "left out: the API shows the same articles whoever's favorites it is asked for"})
		return nil
	}
	return c.favorites(ctx)
}

func (c *crawl) readViewer(ctx context.Context) error {
	var res userResponse
	if err := c.client.get(ctx, "/user", "/user", nil, &res); err != nil {
		return err
	}
	if res.User.Username == "" {
		return errors.New("GET /user: the response has no username")
	}
	c.viewer, c.email = res.User.Username, res.User.Email
	c.found(profile{Username: c.viewer})
	return nil
}

// found notes a user.
func (c *crawl) found(p profile) {
	if p.Username == "" { // of a deleted comment
		return
	}
	known, isKnown := c.users[p.Username]
	if !isKnown {
		c.names = append(c.names, p.Username)
	}
	if !known.complete {
		c.users[p.Username] = p
	}
}

// articles reads all articles with their comments, the oldest first. An article
// that is in the list and cannot be found may be a fault that passes, or have
// another slug now. So it is asked for again at the end, and then the list is.
func (c *crawl) articles(ctx context.Context) error {
	for range 2 {
		err := c.settled(ctx, "/articles", nil, c.read, func(fresh []string, known int) error {
			slices.Reverse(fresh)
			return c.readArticles(ctx, fresh, known)
		})
		if err != nil || len(c.missing) == 0 {
			return err
		}
		again := c.missing
		c.missing, c.lastLook = nil, true
		if err := c.readArticles(ctx, again, c.done); err != nil {
			return err
		}
		if len(c.missing) == 0 {
			return nil
		}
	}
	for _, slug := range c.missing {
		c.options.Note(filesource.Note{Kind: source.Articles, Key: slug, Text: "left out: the list has it, and the API knows no such article"})
	}
	return nil
}

// read is an article with its comments; article is nil if it is left out. missing
// says that the API knows no such article.
type read struct {
	article  *article
	comments []comment
	missing  bool
}

func (c *crawl) readArticles(ctx context.Context, slugs []string, known int) error {
	return ordered(ctx, c.options.Concurrency, slugs, c.readArticle, func(slug string, r read) error {
		c.done++
		defer func() { c.options.Progress(c.done, max(known, c.done)) }()
		if r.missing {
			c.missing = append(c.missing, slug)
		}
		if r.article == nil || c.written[r.article.Slug] {
			return nil
		}
		// It may have been renamed since the list was read.
		c.read[r.article.Slug], c.written[r.article.Slug] = true, true
		c.found(r.article.Author)
		c.out.Article(r.article.row())
		ids := map[lenient.Key]bool{"": true}
		for _, one := range r.comments {
			if !one.isHidden() && !ids[one.ID] {
				ids[one.ID] = true
				c.found(one.Author)
				c.out.Comment(one.row(r.article.Slug)) // read again as a deleted one if it has no author and no text
			}
		}
		return nil
	})
}

// readArticle reads an article and its comments. It is called concurrently.
func (c *crawl) readArticle(ctx context.Context, slug string) (r read, err error) {
	var res articleResponse
	path := "/articles/" + url.PathEscape(slug)
	switch err := c.client.get(ctx, path, path, nil, &res); {
	case notFound(err):
		return read{missing: true}, nil // deleted or renamed since the list was read
	case c.leavesOut(err):
		c.options.Broken(slug, err)
		return read{}, nil
	case err != nil:
		return read{}, err
	case res.Article == nil || res.Article.Slug == "":
		return read{}, fmt.Errorf("GET %s: the response has no article with a slug", path)
	}
	r.article = res.Article
	r.comments, err = c.readComments(ctx, path+"/comments")
	switch {
	case c.leavesOut(err):
		c.options.Broken(slug, err)
		return r, nil
	case notFound(err) && (!c.lastLook || notFound(c.client.get(ctx, path, path, nil, &res))):
		return read{missing: true}, nil // deleted just now, or a fault
	}
	return r, err
}

// leavesOut reports whether an article is left out because of an error: the
// caller wants to, and the error is about this article, not about the way to the
// API.
func (c *crawl) leavesOut(err error) bool {
	var status statusError
	return c.options.Broken != nil && errors.As(err, &status) && status == http.StatusInternalServerError
}

// readComments reads the comments of an article, those first that others answer.
func (c *crawl) readComments(ctx context.Context, path string) (all []comment, err error) {
	for query := (url.Values)(nil); ; {
		var page commentsResponse
		if err := c.client.get(ctx, path, path, query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Comments...)
		if page.NextCursor == "" || len(page.Comments) == 0 {
			break
		}
		query = url.Values{"cursor": {page.NextCursor}}
	}
	slices.SortStableFunc(all, func(a, b comment) int {
		x, errX := strconv.ParseInt(string(a.ID), 10, 64)
		y, errY := strconv.ParseInt(string(b.ID), 10, 64)
		if errX == nil && errY == nil {
			return cmp.Compare(x, y)
		}
		return a.CreatedAt.Compare(b.CreatedAt.Time)
	})
	return all, nil
}

// profiles writes the users. It reads the profiles of those whom articles and
// comments show only by name.
func (c *crawl) profiles(ctx context.Context) error {
	return ordered(ctx, c.options.Concurrency, c.names, c.readProfile, func(name string, p profile) error {
		u := source.User{Row: source.Row{Key: name}, Username: name, Bio: p.Bio, Image: p.Image}
		if name == c.viewer {
			u.Email = c.email
		}
		c.out.User(u)
		if p.Following && c.viewer != "" && name != c.viewer {
			c.out.Follow(source.Follow{FollowerKey: c.viewer, FolloweeKey: name})
		}
		return nil
	})
}

func (c *crawl) readProfile(ctx context.Context, name string) (profile, error) {
	known := c.users[name]
	if known.complete {
		return known, nil
	}
	var res profileResponse
	err := c.client.get(ctx, "/profiles/{username}", "/profiles/"+url.PathEscape(name), nil, &res)
	if notFound(err) {
		return known, nil
	}
	if err == nil && res.Profile == nil {
		err = errors.New("GET /profiles/{username}: the response has no profile")
	}
	if err != nil {
		return profile{}, err
	}
	return *res.Profile, nil
}

// filtersFavorites reports whether the API knows whose favorites it is asked for:
// nobody has a name that was made up just now. Some APIs answer with all
// articles, which would be the favorites of everybody.
func (c *crawl) filtersFavorites(ctx context.Context) (bool, error) {
	nobody := "nobody-" + rand.Text()
	page, err := c.page(ctx, "/articles?favorited={username}", url.Values{"favorited": {nobody}}, "", 0)
	var status statusError
	if errors.As(err, &status) { // it refuses such a name
		return true, nil
	}
	return len(page.Articles) == 0, err
}

// favorites writes the favorites of each user that is known.
func (c *crawl) favorites(ctx context.Context) error {
	return ordered(ctx, c.options.Concurrency, c.names, func(ctx context.Context, name string) ([]string, error) {
		var all []string
		err := c.settled(ctx, "/articles?favorited={username}", url.Values{"favorited": {name}}, map[string]bool{}, func(fresh []string, _ int) error {
			all = append(all, fresh...)
			return nil
		})
		if notFound(err) { // the account was deleted meanwhile
			return nil, nil
		}
		return all, err
	}, func(name string, slugs []string) error {
		for _, slug := range slugs {
			c.out.Favorite(source.Favorite{UserKey: name, ArticleKey: slug})
		}
		return nil
	})
}

// ordered calls do for all inputs, n at a time, and use for the outputs, one
// after the other in the order of the inputs.
func ordered[In, Out any](ctx context.Context, n int, inputs []In, do func(context.Context, In) (Out, error), use func(In, Out) error) error {
	type output struct {
		in  In
		out Out
	}
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan output, max(n-1, 0)) // with the one that is waited for, n
	group.Go(func() error {
		defer close(queue)
		for _, in := range inputs {
			result := make(chan output, 1)
			select {
			case queue <- result:
			case <-ctx.Done():
				return ctx.Err()
			}
			group.Go(func() error {
				out, err := do(ctx, in)
				if err == nil {
					result <- output{in, out}
				}
				return err
			})
		}
		return nil
	})
	group.Go(func() error {
		for result := range queue {
			select {
			case o := <-result:
				if err := use(o.in, o.out); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}
