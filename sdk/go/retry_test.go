package byline_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

func TestRetry(t *testing.T) {
	ctx := t.Context()
	tags := responds(200, `{"tags":["a"]}`)

	t.Run("Reads", func(t *testing.T) {
		for name, fault := range map[string]http.HandlerFunc{
			"unavailable": responds(503, busy), "limited": responds(429, busy), "gateway": responds(502, ""),
			"no response": breaks, "half a response": breaksInside,
		} {
			t.Run(name, func(t *testing.T) {
				c, rec := fake(t, []http.HandlerFunc{fault, fault, tags})
				got, err := c.Tags.List(ctx)
				noError(t, err)
				equal(t, []string{"a"}, got)
				equal(t, 3, len(rec.requests))
			})
		}
	})
	t.Run("SafeBatches", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy), responds(200, `{"profiles":[],"missing":["a"]}`)})
		batch, err := c.Profiles.GetMany(ctx, byline.ProfileBatchRequest{Usernames: []string{"a"}})
		noError(t, err)
		equal(t, []string{"a"}, batch.Missing)
		equal(t, 2, len(rec.requests))
	})
	t.Run("KeepsKey", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{breaks, responds(201, `{"user":{"username":"a"}}`)})
		_, err := c.Users.Create(ctx, newUser("a"))
		noError(t, err)
		equal(t, 2, len(rec.requests))
		key := rec.requests[0].Header.Get("Idempotency-Key")
		equal(t, true, key != "")
		equal(t, key, rec.requests[1].Header.Get("Idempotency-Key"))
	})
	t.Run("CallersKey", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(201, `{"user":{"username":"a"}}`)})
		_, err := c.Users.Create(ctx, newUser("a"), byline.IdempotencyKey("mine"))
		noError(t, err)
		equal(t, "mine", rec.requests[0].Header.Get("Idempotency-Key"))
	})
	t.Run("NotUnlessSafe", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy)})
		_, err := c.Users.Login(ctx, login("a", password))
		requireError(t, err, 503, "overloaded")
		requireError(t, c.Articles.Delete(ctx, "slug"), 503, "overloaded")
		equal(t, 2, len(rec.requests))
	})
	t.Run("Statuses", func(t *testing.T) {
		calls := map[string]func(*byline.Client) error{
			"read":    func(c *byline.Client) error { _, err := c.Tags.List(ctx); return err },
			"keyed":   func(c *byline.Client) error { _, err := c.Users.Create(ctx, newUser("a")); return err },
			"unkeyed": func(c *byline.Client) error { return c.Articles.Delete(ctx, "slug") },
		}
		for status, attempts := range map[int]map[string]int{
			408: {"read": 3, "keyed": 3, "unkeyed": 1},
			409: {"read": 1, "keyed": 1, "unkeyed": 1},
			425: {"read": 3, "keyed": 3, "unkeyed": 3},
			429: {"read": 3, "keyed": 3, "unkeyed": 3},
			500: {"read": 1, "keyed": 1, "unkeyed": 1},
			502: {"read": 3, "keyed": 3, "unkeyed": 1},
			503: {"read": 3, "keyed": 3, "unkeyed": 1},
			504: {"read": 3, "keyed": 3, "unkeyed": 1},
		} {
			for name, call := range calls {
				t.Run(fmt.Sprint(status, name), func(t *testing.T) {
					c, rec := fake(t, []http.HandlerFunc{responds(status, busy)})
					requireError(t, call(c), status, "overloaded")
					equal(t, attempts[name], len(rec.requests))
				})
			}
		}
	})
	t.Run("NoConnection", func(t *testing.T) {
		rec := &recorder{}
		nowhere, err := byline.New("http://127.0.0.1:1", byline.WithHTTPClient(&http.Client{Transport: rec}),
			byline.WithRetry(byline.Retry{Attempts: 3, Base: time.Millisecond}))
		noError(t, err)
		equal(t, 3, as[*byline.ConnectionError](t, nowhere.Articles.Delete(ctx, "slug")).Attempts)
		equal(t, 3, len(rec.requests))
		c, rec := fake(t, []http.HandlerFunc{breaks})
		equal(t, 1, as[*byline.ConnectionError](t, c.Articles.Delete(ctx, "slug")).Attempts)
		equal(t, 1, len(rec.requests))
	})
	t.Run("GivesUp", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy)})
		_, err := c.Tags.List(ctx)
		e := requireError(t, err, 503, "overloaded")
		equal(t, "byline: tags.list: 503 overloaded: Later. (request r1)", e.Error())
		equal(t, 3, len(rec.requests))
	})
	t.Run("Attempts", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(503, busy)})
		_, err := c.Tags.List(ctx, byline.Attempts(1))
		requireError(t, err, 503, "overloaded")
		equal(t, 1, len(rec.requests))
	})
	t.Run("RetryAfter", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(429, busy, "Retry-After", "1"), tags})
		started := time.Now()
		_, err := c.Tags.List(ctx)
		noError(t, err)
		equal(t, true, time.Since(started) >= time.Second)
	})
	t.Run("RetryAfterTooLong", func(t *testing.T) {
		c, rec := fake(t, []http.HandlerFunc{responds(429, busy, "Retry-After", "3600")})
		_, err := c.Tags.List(ctx)
		equal(t, time.Hour, requireError(t, err, 429, "overloaded").RetryAfter)
		equal(t, 1, len(rec.requests))
	})
	t.Run("RetryAfterForms", func(t *testing.T) {
		for field, attempts := range map[string]int{
			"0": 3, "-1": 3, "soon": 3, "": 3, "99999999999": 1, strings.Repeat("9", 30): 1,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 3,
			time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):  1,
			"Fri, 31 Dec 9999 23:59:59 GMT":                          1,
		} {
			t.Run(field, func(t *testing.T) {
				c, rec := fake(t, []http.HandlerFunc{responds(429, busy, "Retry-After", field)})
				_, err := c.Tags.List(ctx)
				requireError(t, err, 429, "overloaded")
				equal(t, attempts, len(rec.requests))
			})
		}
	})
	t.Run("Cancelled", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(429, busy, "Retry-After", "2")})
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := c.Tags.List(ctx)
		isError(t, err, context.DeadlineExceeded)
		requireError(t, err, 429, "overloaded")
		long, cancel := context.WithTimeout(t.Context(), 1900*time.Millisecond)
		defer cancel()
		_, err = c.Tags.List(long)
		isError(t, err, context.DeadlineExceeded)
		noError(t, long.Err()) // it has not begun a wait that the context would end
	})
}
