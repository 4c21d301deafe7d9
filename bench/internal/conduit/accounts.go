package conduit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
)

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
				return fmt.Errorf("sign in as %s: %w", u.Email, err)
			}
			u.Name, u.Token = answer.User.Username, answer.User.Token
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

// accountName and accountPassword are of the accounts that the benchmark
// registers. They are always the same, so that the next run can use them again.
// The password satisfies backends that require 12 characters of four kinds
// without the name.
const (
	accountName     = "bylinebench"
	accountPassword = "Quiet-Harbour-4271!"
)

// register registers n accounts, or signs in where an earlier run has done so.
// It returns them with the number of new ones.
func register(ctx context.Context, site Site, n int) ([]User, int, error) {
	users := make([]User, n)
	var registered atomic.Int64
	err := each(ctx, site, n, func(c *client, i int) error {
		name := fmt.Sprint(accountName, i+1)
		u := User{Name: name, Email: name + "@example.com", Password: accountPassword}
		var answer userAnswer
		err := c.call("POST", "/users", "", object("user", map[string]string{"username": u.Name, "email": u.Email, "password": u.Password}), &answer)
		var refused statusError
		switch {
		case err == nil:
			registered.Add(1)
		case errors.As(err, &refused) && refused.status < http.StatusInternalServerError && refused.status != http.StatusTooManyRequests:
			if again := c.call("POST", "/users/login", "", loginBody(u), &answer); again != nil {
				return fmt.Errorf("register %s: %w; sign in with the password of earlier runs: %w", name, err, again)
			}
		default:
			return fmt.Errorf("register %s: %w", name, err)
		}
		u.Token = answer.User.Token
		users[i] = u
		return nil
	})
	return users, int(registered.Load()), err
}

// follow makes each user whose feed is empty follow n of the authors. It
// returns the number of follows. Neighbours follow different authors.
func follow(ctx context.Context, site Site, users []User, authors []string, n int) (int, error) {
	n = min(n, len(authors))
	var follows atomic.Int64
	err := each(ctx, site, len(users), func(c *client, i int) error {
		u := users[i]
		for j := range n {
			name := authors[(i*n+j)%len(authors)]
			if u.FeedCount > 0 || name == u.Name {
				continue
			}
			if err := c.call("POST", "/profiles/"+url.PathEscape(name)+"/follow", u.Token, "", nil); err != nil {
				return err
			}
			follows.Add(1)
		}
		return nil
	})
	return int(follows.Load()), err
}
