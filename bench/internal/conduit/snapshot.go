package conduit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Snapshot is what the API of a server shows: its newest articles with all
// their comments.
type Snapshot struct {
	Articles []SnapArticle // newest first
	Comments int
	// Total is the number of articles on the server, or 0 if it does not say.
	Total int
	// Cut is why the snapshot has fewer articles than the server, or "".
	Cut string
	// Lost is the number of articles that were listed and could not be read, and
	// Why is the error of the first one.
	Lost int
	Why  error
	// PageCounts is that of Catalogue.
	PageCounts bool
}

// SnapArticle is an article of a snapshot.
type SnapArticle struct {
	Slug, Title, Description, Body string
	Tags                           []string
	Created, Updated               time.Time
	Favorites                      int
	Favorited                      bool // by the reader whose token was used
	Author                         SnapAuthor
	Comments                       []SnapComment
}

// SnapAuthor is an author of a snapshot.
type SnapAuthor struct {
	Name       string
	Bio, Image *string
	Followed   bool // by the reader whose token was used
}

// SnapComment is a comment of a snapshot.
type SnapComment struct {
	Body    string
	Created time.Time
	Author  SnapAuthor
}

// Bounds limit what is read.
type Bounds struct{ Articles, Comments int }

// maxSnapshot bounds the texts of a snapshot, which are in memory.
const maxSnapshot = 256 << 20

// TakeSnapshot reads the newest articles of a server with their comments, up to
// the bounds. Each article is complete: the snapshot ends before an article
// whose comments would be too many. With a token, it also reads whom the reader
// follows, and what are its favorites.
func TakeSnapshot(ctx context.Context, site Site, token string, limit Bounds) (*Snapshot, error) {
	c := newClient(site)
	defer c.close()
	s := &Snapshot{}
	read := 0
	err := c.pages(ctx, token, func(page listAnswer, unseen []article) bool {
		read += len(unseen)
		s.PageCounts = s.PageCounts || page.countsPage(read)
		if page.ArticlesCount != nil {
			s.Total = max(*page.ArticlesCount, 0)
		}
		for _, a := range unseen {
			if len(s.Articles) < limit.Articles && a.Slug != "" && a.Author.Username != "" {
				s.Articles = append(s.Articles, a.snap())
			}
		}
		// Articles without a slug or author are not copied. A server that lists
		// only such articles must not be read for ever.
		return len(s.Articles) < limit.Articles && read < 2*limit.Articles
	})
	var refused statusError
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		err = fmt.Errorf("%w; the path of --url must be that of the API, usually /api", err)
	}
	if err != nil {
		return nil, err
	}
	if s.PageCounts {
		s.Total = 0
	}
	if len(s.Articles) == limit.Articles && s.Total != limit.Articles {
		s.Cut = fmt.Sprintf("only the newest %s were copied (--articles)", count(limit.Articles, "article"))
	}
	if err := s.complete(ctx, site, limit); err != nil {
		return nil, err
	}
	return s, nil
}

func (a article) snap() SnapArticle {
	out := SnapArticle{Slug: a.Slug, Title: a.Title, Description: a.Description, Tags: a.TagList, Created: a.CreatedAt, Updated: a.UpdatedAt,
		Favorites: max(a.FavoritesCount, 0), Favorited: a.Favorited, Author: a.Author.snap()}
	if out.Updated.Before(out.Created) {
		out.Updated = out.Created
	}
	return out
}

func (a author) snap() SnapAuthor { return SnapAuthor{a.Username, a.Bio, a.Image, a.Following} }

// complete reads the texts and comments, and leaves out articles that cannot be
// read.
func (s *Snapshot) complete(ctx context.Context, site Site, limit Bounds) error {
	var comments, bytes atomic.Int64
	isFull := func() bool { return comments.Load() > int64(limit.Comments) || bytes.Load() > maxSnapshot }
	failed := make([]error, len(s.Articles))
	err := each(ctx, site, len(s.Articles), func(c *client, i int) error {
		// The articles before i are read, or being read.
		if isFull() {
			failed[i] = errFull
			return nil
		}
		a := &s.Articles[i]
		if failed[i] = a.read(c); failed[i] == nil {
			comments.Add(int64(len(a.Comments)))
			bytes.Add(int64(a.size()))
		}
		return nil
	})
	if err != nil {
		return err
	}
	kept, size := s.Articles[:0], 0
	for i, a := range s.Articles {
		size += a.size()
		switch {
		case failed[i] == errFull, s.Comments+len(a.Comments) > limit.Comments, size > maxSnapshot:
			s.Cut = fmt.Sprintf("only the newest %s were copied, because of the bounds for comments (--comments) and text", count(len(kept), "article"))
			s.Articles = kept
			return nil
		case failed[i] != nil:
			s.Lost++
			s.Why = cmp.Or(s.Why, failed[i])
		default:
			s.Comments += len(a.Comments)
			kept = append(kept, a)
		}
	}
	s.Articles = kept
	return nil
}

// errFull is about an article that is beyond the bounds.
var errFull = errors.New("the bounds are reached")

// size returns the bytes of the texts of an article.
func (a *SnapArticle) size() int {
	n := len(a.Title) + len(a.Description) + len(a.Body)
	for _, one := range a.Comments {
		n += len(one.Body)
	}
	return n
}

// read reads the text and the comments of an article.
func (a *SnapArticle) read(c *client) error {
	path := "/articles/" + url.PathEscape(a.Slug)
	var answer articleAnswer
	if err := c.call("GET", path, "", "", &answer); err != nil {
		return err
	}
	if answer.Article.Slug != a.Slug || answer.Article.Body == nil {
		return errors.New("another article, or none")
	}
	a.Body = *answer.Article.Body
	var list commentsAnswer
	if err := c.call("GET", path+"/comments", "", "", &list); err != nil {
		return err
	}
	for _, one := range list.Comments {
		a.Comments = append(a.Comments, SnapComment{one.Body, one.CreatedAt, one.Author.snap()})
	}
	return nil
}

// Keep leaves only the articles that another server has stored.
func (s *Snapshot) Keep(slugs map[string]bool) {
	s.Articles = slices.DeleteFunc(s.Articles, func(a SnapArticle) bool { return !slugs[a.Slug] })
	s.Comments = 0
	for _, a := range s.Articles {
		s.Comments += len(a.Comments)
	}
}

// Catalogue returns what requests can ask for: the articles, and the authors
// and tags of these articles. Tags that occur most come first.
func (s *Snapshot) Catalogue() *Catalogue {
	out := &Catalogue{PageCounts: s.PageCounts}
	authors, tags := map[string]bool{}, map[string]int{}
	for _, a := range s.Articles {
		out.Slugs = append(out.Slugs, a.Slug)
		if name := a.Author.Name; !authors[name] {
			authors[name] = true
			out.Authors = append(out.Authors, name)
		}
		for _, tag := range a.Tags {
			if tags[tag]++; tags[tag] == 1 {
				out.Tags = append(out.Tags, tag)
			}
		}
	}
	slices.SortStableFunc(out.Tags, func(a, b string) int { return tags[b] - tags[a] })
	return out
}

// Tagged keeps only the tags of the catalogue that both servers list.
func (c *Catalogue) Tagged(ctx context.Context, sites [2]Site) error {
	for _, site := range sites {
		if err := ctx.Err(); err != nil {
			return err
		}
		client := newClient(site)
		var answer tagsAnswer
		err := client.call("GET", "/tags", "", "", &answer)
		client.close()
		var refused statusError
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		if err == nil {
			// A server may list only its most used tags, so that no tag is left
			// out unless others are listed.
			common := slices.DeleteFunc(slices.Clone(c.Tags), func(tag string) bool { return !slices.Contains(answer.Tags, tag) })
			if len(common) > 0 {
				c.Tags = common
			}
		}
	}
	return nil
}

// errToken is about a text that would end the header field that it is in.
var errToken = errors.New("a token must have no spaces, line breaks or characters other than ASCII")

// ReaderOf returns the account that signed-in requests use: that of a token, or
// else that of an e-mail address and a password.
func ReaderOf(ctx context.Context, site Site, u User) (User, error) {
	c := newClient(site)
	defer c.close()
	if u.Token == "" {
		var answer userAnswer
		if err := c.call("POST", "/users/login", "", loginBody(u), &answer); err != nil {
			return u, fmt.Errorf("sign in: %w", err)
		}
		u.Token = answer.User.Token
	}
	if !plainToken(u.Token) {
		return u, errToken
	}
	var answer userAnswer
	if err := c.call("GET", "/user", u.Token, "", &answer); err != nil {
		return u, fmt.Errorf("read the account of the token: %w", err)
	}
	u.Name = answer.User.Username
	users := []User{u}
	err := SignIn(ctx, site, users) // for the feed
	return users[0], err
}

func plainToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// NewReader registers an account.
func NewReader(ctx context.Context, site Site, name string) (User, error) {
	c := newClient(site)
	defer c.close()
	u := User{Name: name, Email: name + "@example.com", Password: accountPassword}
	var answer userAnswer
	err := c.call("POST", "/users", "", object("user", map[string]string{"username": u.Name, "email": u.Email, "password": u.Password}), &answer)
	if err != nil {
		return u, fmt.Errorf("register %s: %w", name, err)
	}
	u.Token = answer.User.Token
	return u, ctx.Err()
}
