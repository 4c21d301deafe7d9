package conduit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Sizes are the sizes of a data set.
type Sizes struct{ Users, Articles, Comments, Favorites, Follows, Tags int }

// fillers is the number of connections that write at once. More connections do
// not help a server that hashes or fsyncs sequentially.
const fillers = 8

// Prepare makes a server ready for the benchmark. It uses what the server holds
// and creates what is missing: accounts, unless enough of them are given as
// logins, articles with their comments and favorites, and follows of its own
// accounts. Titles contain mark. say is called with what it finds and creates.
func Prepare(ctx context.Context, site Site, n Sizes, logins []User, enough int, mark string, say func(string, ...any)) (*Catalogue, []User, error) {
	if n.Users < 2 || n.Articles < leastArticles || n.Tags < leastTags || n.Follows > n.Users*(n.Users-1) || n.Favorites > n.Users*n.Articles {
		return nil, nil, fmt.Errorf("a data set needs 2 users, %d articles, %d tags, and no more follows and favorites than pairs; not %+v", leastArticles, leastTags, n)
	}
	held, err := survey(ctx, site)
	var refused statusError
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		err = fmt.Errorf("%w; the path of --url must be that of the API, usually /api", err)
	}
	if err != nil {
		return nil, nil, err
	}
	say("the server holds %s by %s, with %s", count(len(held.Slugs), "article"), count(len(held.Authors), "author"), count(len(held.Tags), "tag"))
	users, err := accounts(ctx, site, n.Users, logins, enough, say)
	if err != nil {
		return nil, nil, err
	}
	missing := max(n.Articles-len(held.Slugs), 0)
	if len(held.Tags) < leastTags {
		missing = max(missing, n.Tags)
	}
	if missing > 0 {
		n.Comments, n.Favorites = n.Comments*missing/n.Articles, min(n.Favorites*missing/n.Articles, len(users)*missing)
		n.Articles = missing
		began := time.Now()
		if err := fill(ctx, site, n, users, mark); err != nil {
			return nil, nil, err
		}
		say("created %s, %s and %s in %s, so that there is enough to read", count(n.Articles, "article"), count(n.Comments, "comment"), count(n.Favorites, "favorite"), time.Since(began).Round(time.Millisecond))
	}
	c, err := Read(ctx, site)
	if err != nil {
		return nil, nil, err
	}
	if err := SignIn(ctx, site, users); err != nil {
		return nil, nil, err
	}
	follows, err := follow(ctx, site, users[len(logins):], c.Authors, n.Follows/n.Users)
	if follows > 0 {
		say("created %s, because feeds were empty", count(follows, "follow"))
	}
	return c, users, err
}

// accounts signs in the logins, and registers others up to n in total unless
// there are enough.
func accounts(ctx context.Context, site Site, n int, logins []User, enough int, say func(string, ...any)) ([]User, error) {
	if err := SignIn(ctx, site, logins); err != nil {
		return nil, err
	}
	if len(logins) > 0 {
		say("signed in %s of --login and --logins", count(len(logins), "account"))
	}
	if len(logins) >= enough {
		return logins, nil
	}
	own, registered, err := register(ctx, site, n-len(logins))
	if err != nil {
		return nil, err
	}
	if registered > 0 {
		say("registered %s with the names %s1, %s2 …", count(registered, "account"), accountName, accountName)
	}
	if again := len(own) - registered; again > 0 {
		say("signed in %s that earlier runs registered", count(again, "account"))
	}
	return append(slices.Clip(logins), own...), nil
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// fill writes articles with comments and favorites. Equal sizes give the same
// authors and favorites.
func fill(ctx context.Context, site Site, n Sizes, users []User, mark string) error {
	slugs := make([]string, n.Articles)
	err := each(ctx, site, n.Articles, func(c *client, i int) error {
		var answer articleAnswer
		err := c.call("POST", "/articles", users[i%len(users)].Token, object("article", map[string]any{
			"title": fmt.Sprintf("Benchmark %s article %d", mark, i), "description": "An article of the benchmark", "body": prose(i),
			"tagList": []string{tag(i, n.Tags), tag(i*7+1, n.Tags), tag(i*13+2, n.Tags)},
		}), &answer)
		slugs[i] = url.PathEscape(answer.Article.Slug)
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, site, n.Favorites, func(c *client, i int) error {
		at := (i + i/n.Articles) % n.Articles
		return c.call("POST", "/articles/"+slugs[at]+"/favorite", users[(i*31+i/n.Articles)%len(users)].Token, "", nil)
	})
	if err != nil {
		return err
	}
	return each(ctx, site, n.Comments, func(c *client, i int) error {
		return c.call("POST", "/articles/"+slugs[(i*17)%n.Articles]+"/comments", users[(i*5)%len(users)].Token,
			object("comment", map[string]string{"body": prose(i)[:120]}), nil)
	})
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
					cancel(fmt.Errorf("prepare the server: %w", err))
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
