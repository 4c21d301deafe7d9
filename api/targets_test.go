package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// TestRefusal requests every kind of target as its owner, as another user, as a
// moderator and as an editor.
func TestRefusal(t *testing.T) {
	t.Parallel()
	var operations *api.API
	s := servertest.New(t, servertest.WithDeps(func(d *server.Deps) { operations = d.API }))
	owner, moderator := s.Register("owner"), withRole(s, "moderator", auth.Moderator)
	s.Register("other")
	s.Register("editor")
	shown, hidden := s.Publish(owner, "Shown").Slug, s.Publish(owner, "Hidden").Slug
	comment := func(body string) string {
		res := responseOf(owner.CreateArticleCommentWithResponse(t.Context(), shown, nil, client.NewCommentRequest{Comment: client.NewComment{Body: body}}))
		require.NotNil(t, res.JSON201, string(res.Body))
		return fmt.Sprint(res.JSON201.Comment.Id)
	}
	comments := map[string]string{"shown": comment("Shown"), "hidden": comment("Hidden")}
	hide(t, moderator, hidden, "r")
	res, body := s.Do("PUT", "/articles/"+shown+"/comments/"+comments["hidden"]+"/hidden", `{"reason":"r"}`, signed(moderator)...)
	require.Equal(t, 204, res.StatusCode, body)
	key := responseOf(owner.CreateApiKeyWithResponse(t.Context(), nil, client.NewApiKeyRequest{ApiKey: client.NewApiKey{Name: "k", Scopes: []client.Scope{"read"}}}))
	require.NotNil(t, key.JSON201, string(key.Body))
	as := func(username string, role auth.Role) context.Context {
		id := count(t, s, `SELECT id FROM users WHERE username = $1`, username)
		return request.With(t.Context(), &request.Info{Viewer: auth.Viewer{ID: int64(id), Scope: auth.ScopeAccount, Role: role}})
	}
	session := fmt.Sprint(count(t, s, `SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.username = 'owner'`))
	viewers := []context.Context{as("owner", auth.Author), as("other", auth.Author), as("moderator", auth.Moderator), as("editor", auth.Editor)}

	everybody := func(refusal string) [3]string { return [3]string{refusal, refusal, refusal} }
	others := func(refusal string) [3]string { return [3]string{"", refusal, refusal} }
	for name, test := range map[string]struct {
		targets string // kind=value, in order
		owner   string
		want    [3]string // of the owner, somebody else and a moderator; "" is no refusal
	}{
		"Article":            {"article=" + shown, "", everybody("")},
		"OwnArticle":         {"article=" + shown, "article", others("403 article")},
		"NoArticle":          {"article=none", "article", everybody("404 article")},
		"HiddenArticle":      {"article=" + hidden, "article", [3]string{"", "404 article", "403 article"}},
		"Comment":            {"article=" + shown + " comment=" + comments["shown"], "", everybody("")},
		"OwnComment":         {"article=" + shown + " comment=" + comments["shown"], "comment", others("403 comment")},
		"HiddenComment":      {"article=" + shown + " comment=" + comments["hidden"], "comment", [3]string{"", "404 comment", "403 comment"}},
		"NoComment":          {"article=" + shown + " comment=9007199254740991", "article", everybody("404 comment")},
		"CommentElsewhere":   {"article=" + hidden + " comment=" + comments["shown"], "", [3]string{"404 comment", "404 article", "404 comment"}},
		"CommentOfNoArticle": {"article=none comment=" + comments["shown"], "", everybody("404 article")},
		"Profile":            {"profile=OWNER", "", everybody("")},
		"NoProfile":          {"profile=nobody", "", everybody("404 profile")},
		"User":               {"user=owner", "user", others("403 user")},
		"NoUser":             {"user=nobody", "", everybody("404 user")},
		"Session":            {"session=" + session, "", others("404 session")},
		"NoSession":          {"session=9007199254740991", "", everybody("404 session")},
		"APIKey":             {"apiKey=" + fmt.Sprint(key.JSON201.ApiKey.Id), "", others("404 apiKey")},
		"NoAPIKey":           {"apiKey=9007199254740991", "", everybody("404 apiKey")},
	} {
		var targets []api.Target
		for text := range strings.FieldsSeq(test.targets) {
			kind, value, _ := strings.Cut(text, "=")
			targets = append(targets, api.Target{Kind: kind, Value: value, Private: kind == "session" || kind == "apiKey"})
		}
		for i, ctx := range viewers {
			refusal := ""
			err := operations.Refusal(ctx, targets, test.owner)
			if p := problem.From(err); p != nil {
				require.Len(t, p.Fields, 1)
				for field := range p.Fields {
					refusal = fmt.Sprintf("%d %s", p.Status(), field)
				}
			} else {
				require.NoError(t, err)
			}
			want := test.want[min(i, 2)] // an editor may what a moderator may
			if i == 3 && want == "403 article" {
				want = ""
			}
			require.Equal(t, want, refusal, "%s of viewer %d", name, i)
		}
	}
}
