package byline_test

import (
	"net/http"
	"testing"

	byline "github.com/byline-api/byline/sdk/go"
)

// Whatever a newer service adds, an older client returns what it knows.
func TestNewerService(t *testing.T) {
	ctx := t.Context()
	t.Run("Members", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(200, `{
			"article":{"slug":"a","poll":{"url":"/c"},"author":{"username":"gwen","badges":["new"]}},"related":[1]
		}`)})
		article, err := c.Articles.Get(ctx, "a", nil)
		noError(t, err)
		equal(t, "gwen", article.Author.Username)
	})
	t.Run("Values", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{
			responds(200, `{"users":[{"id":1,"username":"gwen","role":"owner"}],"nextCursor":null}`),
			responds(200, `{"entries":[{"id":1,"action":"series.hidden","subject":{"kind":"series","id":7}}],"nextCursor":null}`),
			responds(200, `{"apiKeys":[{"id":1,"name":"k","scopes":["read","publish"]}]}`),
		})
		users, err := c.Admin.ListUsers(ctx, nil)
		noError(t, err)
		equal(t, byline.Role("owner"), users.Items[0].Role)
		log, err := c.Admin.ListAuditLog(ctx, nil)
		noError(t, err)
		equal(t, byline.AuditAction("series.hidden"), log.Items[0].Action)
		equal(t, byline.AuditSubjectKind("series"), log.Items[0].Subject.Kind)
		keys, err := c.APIKeys.List(ctx)
		noError(t, err)
		equal(t, byline.Scope("publish"), keys[0].Scopes[1])
	})
	t.Run("Problems", func(t *testing.T) {
		c, _ := fake(t, []http.HandlerFunc{responds(451, `{
			"type":"/docs/errors#withheld","title":"Unavailable For Legal Reasons","status":451,"detail":"Withheld.","code":"withheld",
			"requestId":"r1","errors":{"article":["is withheld"]},"help":{"url":"/docs"},"attempts":[1]
		}`)})
		_, err := c.Articles.Get(ctx, "a", nil)
		e := requireError(t, err, 451, "withheld")
		equal(t, "Withheld.", e.Detail)
		equal(t, []string{"is withheld"}, e.Fields["article"])
	})
	t.Run("ExportRecords", func(t *testing.T) {
		reaction := `{"type":"reaction","emoji":"+1"}` + "\n"
		c, _ := fake(t, []http.HandlerFunc{exports(account+reaction+end, stops)})
		types, err := collect(ctx, c)
		noError(t, err)
		equal(t, []string{"account", "reaction"}, types)
	})
}
