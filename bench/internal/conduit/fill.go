package conduit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
)

// Sizes are the sizes of a data set that is created through the API.
type Sizes struct{ Users, Articles, Comments, Favorites, Follows, Tags int }

// fillers is the number of connections that write at once. More connections do
// not help a server that hashes or fsyncs sequentially.
const fillers = 8

// Fill writes a data set to a server and returns its users, signed in. Names
// contain mark, so that a server can be filled again. Equal sizes give the same
// authors, favourites and follows.
func Fill(ctx context.Context, site Site, n Sizes, mark string) ([]User, error) {
	if n.Users < 2 || n.Articles < readPage || n.Tags < 3 || n.Follows > n.Users*(n.Users-1) || n.Favorites > n.Users*n.Articles {
		return nil, fmt.Errorf("a data set needs 2 users, %d articles, 3 tags, and no more follows and favourites than pairs; not %+v", readPage, n)
	}
	users := make([]User, n.Users)
	err := each(ctx, site, n.Users, func(c *client, i int) error {
		name := fmt.Sprintf("bench%s%d", mark, i)
		u := User{Name: name, Email: name + "@example.com", Password: "benchmark-" + mark}
		var answer userAnswer
		err := c.call("POST", "/users", "", object("user", map[string]string{"username": u.Name, "email": u.Email, "password": u.Password}), &answer)
		u.Token = answer.User.Token
		users[i] = u
		return err
	})
	if err != nil {
		return nil, err
	}
	slugs := make([]string, n.Articles)
	err = each(ctx, site, n.Articles, func(c *client, i int) error {
		var answer articleAnswer
		err := c.call("POST", "/articles", users[i%n.Users].Token, object("article", map[string]any{
			"title": fmt.Sprintf("Benchmark %s article %d", mark, i), "description": "An article of the benchmark", "body": prose(i),
			"tagList": []string{tag(i, n.Tags), tag(i*7+1, n.Tags), tag(i*13+2, n.Tags)},
		}), &answer)
		slugs[i] = answer.Article.Slug
		return err
	})
	if err != nil {
		return nil, err
	}
	steps := []struct {
		n    int
		call func(c *client, i int) error
	}{
		{n.Follows, func(c *client, i int) error {
			// The distance i / Users + 1 around the circle gives every pair
			// once, and no user follows itself.
			to := (i + 1 + i/n.Users) % n.Users
			return c.call("POST", "/profiles/"+users[to].Name+"/follow", users[i%n.Users].Token, "", nil)
		}},
		{n.Favorites, func(c *client, i int) error {
			at := (i + i/n.Articles) % n.Articles
			return c.call("POST", "/articles/"+slugs[at]+"/favorite", users[(i*31+i/n.Articles)%n.Users].Token, "", nil)
		}},
		{n.Comments, func(c *client, i int) error {
			return c.call("POST", "/articles/"+slugs[(i*17)%n.Articles]+"/comments", users[(i*5)%n.Users].Token,
				object("comment", map[string]string{"body": prose(i)[:120]}), nil)
		}},
	}
	for _, step := range steps {
		if err := each(ctx, site, step.n, step.call); err != nil {
			return nil, err
		}
	}
	return users, nil
}

func tag(i, n int) string { return fmt.Sprintf("topic%d", i%n) }

// each calls do for 0 to n-1 over a few connections and returns the first
// error.
func each(ctx context.Context, site Site, n int, do func(c *client, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range fillers {
		wait.Go(func() {
			c := newClient(site)
			defer c.close()
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := do(c, int(i)); err != nil {
					cancel(fmt.Errorf("fill the server: %w", err))
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// bodySize is the length of an article's body in the standard data set.
const bodySize = 2000

var vocabulary = strings.Fields("a the of to and in that page reader writer article small large quick slow stone river city letter " +
	"answer question morning evening kitchen garden window because although before after never always perhaps should could writes reads")

// prose returns a text of words. It is the same for the same number.
func prose(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	var b strings.Builder
	for b.Len() < bodySize {
		b.WriteString(vocabulary[r.IntN(len(vocabulary))])
		b.WriteByte(' ')
	}
	return b.String()[:bodySize-1] + "."
}
