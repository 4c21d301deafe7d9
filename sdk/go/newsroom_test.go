package byline_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

// newsroom is a team that publishes with the second service of sdk/scenario,
// where only editors publish, who registers needs an invitation, and the first
// comments of an account wait for approval.
type newsroom struct {
	// id is part of all names that a test makes.
	id string
	// visitor has no account, and admin is the first one.
	visitor, admin *byline.Client
}

// openNewsroom returns the newsroom of a test, which is skipped without a
// service.
func openNewsroom(t *testing.T) *newsroom {
	t.Helper()
	address := os.Getenv("BYLINE_NEWSROOM_URL")
	if address == "" {
		t.Skip("BYLINE_NEWSROOM_URL is not set: sdk/scenario starts a service for this test")
	}
	c, err := byline.New(address)
	noError(t, err)
	return &newsroom{strings.ToLower(rand.Text()[:8]), c, c.WithToken(os.Getenv("BYLINE_NEWSROOM_TOKEN"))}
}

// name returns a username that no other test uses.
func (n *newsroom) name(role string) string { return role + "-" + n.id }

// join invites a user with a role, and returns the client of the user, who has
// registered with the token from the mail.
func (n *newsroom) join(t *testing.T, role byline.Role) *byline.Client {
	t.Helper()
	user := newUser(n.name(string(role)))
	_, err := n.admin.Admin.CreateInvitation(t.Context(), byline.NewInvitationRequest{Email: user.Email, Role: role})
	noError(t, err)
	user.Invitation = mailedToken(t, user.Email)
	created, err := n.visitor.Users.Create(t.Context(), user)
	noError(t, err)
	return n.visitor.WithToken(created.Token)
}

// publish lets an author write an article, which an editor publishes.
func (n *newsroom) publish(t *testing.T, author, editor *byline.Client, article byline.NewArticle) *byline.Article {
	t.Helper()
	article.Status = byline.StatusDraft
	draft, err := author.Articles.Create(t.Context(), article)
	noError(t, err)
	published, err := editor.Articles.Publish(t.Context(), draft.Slug, byline.PublishRequest{})
	noError(t, err)
	return published
}

// mailedToken returns the token in the newest mail to an address. The service
// shows on a page what it would send.
func mailedToken(t *testing.T, address string) string {
	t.Helper()
	mail := regexp.MustCompile(`(?s)<p>To ` + regexp.QuoteMeta(address) + `,.*?<pre>.*?\b([a-z2-7]{26})\b`)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(os.Getenv("BYLINE_NEWSROOM_MAILS"))
		noError(t, err)
		page, err := io.ReadAll(res.Body)
		noError(t, err)
		noError(t, res.Body.Close())
		if found := mail.FindSubmatch(page); found != nil {
			return string(found[1])
		}
	}
	t.Fatalf("there is no mail to %s", address)
	return ""
}

// slugs returns the slugs of articles with the tag of the test.
func (n *newsroom) slugs(t *testing.T, articles func(func(byline.ArticleSummary, error) bool)) []string {
	t.Helper()
	var found []string
	for article, err := range articles {
		noError(t, err)
		if slices.Contains(article.TagList, n.id) {
			found = append(found, article.Slug)
		}
	}
	return found
}

// etag returns the entity tag of what a call reads.
func etag[T any](t *testing.T, get func(context.Context, string, ...byline.CallOption) (T, error), slug string) string {
	t.Helper()
	var read byline.Response
	_, err := get(t.Context(), slug, byline.Into(&read))
	noError(t, err)
	return read.ETag
}
