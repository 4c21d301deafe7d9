package byline_test

import (
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

func TestClock(t *testing.T) {
	get := func(c *byline.Client) error {
		_, err := c.Account.Get(t.Context())
		return err
	}
	t.Run("WrongClock", func(t *testing.T) {
		c, s, rec := signIn(t, -time.Hour)
		noError(t, get(c))
		equal(t, 0, s.renewals)
		s.expired = true // only the service knows when a token has ended
		noError(t, get(c))
		noError(t, get(c))
		equal(t, []int{201, 200, 401, 200, 200, 200}, rec.seen())
	})
	t.Run("StoredTokenHasEnded", func(t *testing.T) {
		s := &sessions{lifetime: time.Hour, number: 3}
		old := stored(1, 3)
		old.Tokens.AccessTokenExpiresAt = time.Now().Add(-time.Hour)
		c, rec := serve(t, s.ServeHTTP, byline.WithSessionStore(&memory{stored: old}))
		noError(t, get(c))
		equal(t, []int{200, 200}, rec.seen())
		equal(t, 1, s.renewals)
	})
}
