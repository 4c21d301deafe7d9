package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
)

// newUser returns a registration with a new name.
func newUser(s *stage) string {
	name := s.reader.Username + "x"
	return fmt.Sprintf(`{"user":{"username":%q,"email":"%s@example.com","password":"correct horse"}}`, name, name)
}

func article(s *stage, suffix string) string { return "/articles/" + s.slug + suffix }

// draft makes a draft and returns its path.
func draft(s *stage) string {
	var created struct{ Article struct{ Slug string } }
	s.post("/articles", `{"article":{"title":"A draft","description":"d","body":"b","status":"draft"}}`, s.author.Token, &created)
	return "/articles/" + created.Article.Slug
}

// series makes a series with the article of the stage, and returns its path.
func series(s *stage) string {
	if s.series == "" {
		var created struct{ Series struct{ Slug string } }
		s.post("/series", `{"series":{"title":"Of `+s.slug+`"}}`, s.as(auth.Editor), &created)
		s.series = created.Series.Slug
		s.must("PUT", call{path: article(s, ""), token: s.author.Token, body: fmt.Sprintf(`{"article":{"series":{"slug":%q}}}`, s.series)})
	}
	return "/series/" + s.series
}

// tag makes a tag that a public article has, and returns its path.
func tag(s *stage, suffix string) string {
	name := "of " + s.author.Username
	s.s.Publish(s.author, "Tagged", name)
	return "/tags/" + url.PathEscape(name) + suffix
}

// copied gives the article a working copy and returns a path of it.
func (s *stage) copied(suffix string) string {
	s.must(http.MethodPut, call{path: article(s, "/working-copy"), token: s.author.Token, body: `{"article":{"body":"Better words"}}`})
	return article(s, suffix)
}

func user(s *stage, suffix string) string { return "/admin/users/" + s.reader.Username + suffix }

// self returns the path of an operation on the user of a token.
func (s *stage) self(token, suffix string) string {
	res, err := s.s.As(token).GetCurrentUserWithResponse(context.Background(), nil)
	if err != nil {
		panic(err)
	}
	return "/admin/users/" + res.JSON200.User.Username + suffix
}

const (
	newArticle = `{"article":{"title":"A title","description":"Words","body":"More words","tagList":["a"],"coverImage":{"url":"https://example.com/a","alt":""}}}`
	newComment = `{"comment":{"body":"First!"}}`
)

func newAPIKey(scope string) string {
	return fmt.Sprintf(`{"apiKey":{"name":"A program","scopes":[%q]}}`, scope)
}

// pair returns the tokens of a session of the author's that can be renewed.
func (s *stage) pair() (created client.SessionCreatedResponse) {
	s.post("/sessions", fmt.Sprintf(`{"user":{"email":%q,"password":"correct horse battery"}}`, s.author.Email), "", &created)
	return created
}

// apiKey returns a key of the author's.
func (s *stage) apiKey(scope string) (created client.ApiKeyCreatedResponse) {
	s.post("/user/keys", newAPIKey(scope), s.author.Token, &created)
	return created
}

// mailToken returns a token that the author got by mail.
func (s *stage) mailToken(kind string) string {
	token := auth.NewLinkToken()
	_, err := s.s.DB.Exec(context.Background(), `INSERT INTO mail_tokens (hash, kind, user_id, email, expires_at)
		SELECT $1, $2, id, email, now() + interval '1 hour' FROM users WHERE username = $3`, token.Hash, kind, s.author.Username)
	if err != nil {
		panic(err)
	}
	return token.Text
}

// valid has a request of each operation that succeeds.
var valid = map[string]func(*stage) call{
	"CreateUser": func(s *stage) call { return call{path: "/users", body: newUser(s)} },
	"Login": func(s *stage) call {
		return call{path: "/users/login", body: fmt.Sprintf(`{"user":{"email":%q,"password":"correct horse battery"}}`, s.author.Email)}
	},
	"GetCurrentUser":    func(s *stage) call { return call{path: "/user", token: s.author.Token} },
	"UpdateCurrentUser": func(s *stage) call { return call{path: "/user", token: s.author.Token, body: `{"user":{"bio":"New"}}`} },
	"DeleteCurrentUser": func(s *stage) call {
		return call{path: "/user", token: s.reader.Token, body: `{"user":{"password":"correct horse battery"}}`}
	},
	"ExportCurrentUser": func(s *stage) call { return call{path: "/user/export", token: s.author.Token} },
	"GetSessions":       func(s *stage) call { return call{path: "/sessions", token: s.author.Token} },
	"CreateSession": func(s *stage) call {
		return call{path: "/sessions", body: fmt.Sprintf(`{"user":{"email":%q,"password":"correct horse battery"}}`, s.author.Email)}
	},
	"DeleteSessions": func(s *stage) call { return call{path: "/sessions", token: s.reader.Token} },
	"RefreshSession": func(s *stage) call {
		return call{path: "/sessions/refresh", body: fmt.Sprintf(`{"refreshToken":%q}`, s.pair().Tokens.RefreshToken)}
	},
	"DeleteCurrentSession": func(s *stage) call { return call{path: "/sessions/current", token: s.pair().Tokens.AccessToken} },
	"DeleteSession": func(s *stage) call {
		return call{path: fmt.Sprintf("/sessions/%d", s.pair().Session.Id), token: s.author.Token}
	},
	"GetApiKeys":   func(s *stage) call { return call{path: "/user/keys", token: s.author.Token} },
	"CreateApiKey": func(s *stage) call { return call{path: "/user/keys", token: s.author.Token, body: newAPIKey("read")} },
	"DeleteApiKey": func(s *stage) call {
		return call{path: fmt.Sprintf("/user/keys/%d", s.apiKey("read").ApiKey.Id), token: s.author.Token}
	},
	"RequestPasswordReset": func(s *stage) call {
		return call{path: "/users/password-reset", body: fmt.Sprintf(`{"email":%q}`, s.author.Email)}
	},
	"ConfirmPasswordReset": func(s *stage) call {
		return call{path: "/users/password-reset/confirm", body: fmt.Sprintf(`{"token":%q,"password":"another horse"}`, s.mailToken("reset_password"))}
	},
	"ConfirmEmailVerification": func(s *stage) call {
		return call{path: "/users/email-verification/confirm", body: fmt.Sprintf(`{"token":%q}`, s.mailToken("verify_email"))}
	},
	"GetEmailVerification":     func(s *stage) call { return call{path: "/user/email-verification", token: s.author.Token} },
	"RequestEmailVerification": func(s *stage) call { return call{path: "/user/email-verification", token: s.author.Token} },
	"GetProfileByUsername": func(s *stage) call {
		return call{path: "/profiles/" + s.author.Username}
	},
	"FollowUserByUsername": func(s *stage) call {
		return call{path: "/profiles/" + s.author.Username + "/follow", token: s.reader.Token}
	},
	"UnfollowUserByUsername": func(s *stage) call {
		return call{path: "/profiles/" + s.author.Username + "/follow", token: s.reader.Token}
	},
	"BlockUser": func(s *stage) call {
		return call{path: "/profiles/" + s.author.Username + "/block", token: s.reader.Token}
	},
	"UnblockUser": func(s *stage) call {
		return call{path: "/profiles/" + s.author.Username + "/block", token: s.reader.Token}
	},
	"GetCurrentUserBlocks": func(s *stage) call { return call{path: "/user/blocks", token: s.author.Token} },
	"GetArticlesFeed":      func(s *stage) call { return call{path: "/articles/feed", token: s.reader.Token} },
	"GetArticles":          func(s *stage) call { return call{path: "/articles"} },
	"CreateArticle":        func(s *stage) call { return call{path: "/articles", token: s.author.Token, body: newArticle} },
	"GetArticle":           func(s *stage) call { return call{path: article(s, "")} },
	"UpdateArticle": func(s *stage) call {
		return call{path: article(s, ""), token: s.author.Token, body: `{"article":{"body":"Better words","coverImage":{"url":"https://example.com/b","alt":""}}}`}
	},
	"DeleteArticle":    func(s *stage) call { return call{path: article(s, ""), token: s.author.Token} },
	"PublishArticle":   func(s *stage) call { return call{path: article(s, "/publish"), token: s.author.Token, body: `{}`} },
	"UnpublishArticle": func(s *stage) call { return call{path: article(s, "/unpublish"), token: s.author.Token} },
	"SubmitArticle":    func(s *stage) call { return call{path: s.copied("/submit"), token: s.author.Token} },
	"GetWorkingCopy":   func(s *stage) call { return call{path: s.copied("/working-copy"), token: s.author.Token} },
	"UpdateWorkingCopy": func(s *stage) call {
		return call{path: article(s, "/working-copy"), token: s.author.Token, body: `{"article":{"body":"Better words","coverImage":{"url":"https://example.com/b","alt":""}}}`}
	},
	"DeleteWorkingCopy":      func(s *stage) call { return call{path: s.copied("/working-copy"), token: s.author.Token} },
	"GetArticleRevisions":    func(s *stage) call { return call{path: s.copied("/revisions"), token: s.author.Token} },
	"GetArticleRevision":     func(s *stage) call { return call{path: article(s, "/revisions/1"), token: s.author.Token} },
	"GetArticleRevisionDiff": func(s *stage) call { return call{path: article(s, "/revisions/1/diff"), token: s.author.Token} },
	"RestoreArticleRevision": func(s *stage) call { return call{path: s.copied("/revisions/2/restore"), token: s.author.Token} },
	"GetCurrentUserArticles": func(s *stage) call { return call{path: "/user/articles", token: s.author.Token} },
	"GetEditorialArticles":   func(s *stage) call { return call{path: "/editorial/articles", token: s.as(auth.Editor)} },
	"CreatePreview": func(s *stage) call {
		return call{path: article(s, "/previews"), token: s.author.Token, body: `{"expiresIn":3600}`}
	},
	"DeletePreviews":     func(s *stage) call { return call{path: article(s, "/previews"), token: s.author.Token} },
	"GetPreview":         func(s *stage) call { return call{path: s.preview()} },
	"GetArticleComments": func(s *stage) call { return call{path: article(s, "/comments")} },
	"CreateArticleComment": func(s *stage) call {
		return call{path: article(s, "/comments"), token: s.reader.Token, body: newComment}
	},
	"UpdateArticleComment": func(s *stage) call {
		return call{path: article(s, "/comments/"+s.comment), token: s.author.Token, body: `{"comment":{"body":"Second thoughts"}}`}
	},
	"DeleteArticleComment": func(s *stage) call {
		return call{path: article(s, "/comments/"+s.comment), token: s.author.Token}
	},
	"CreateArticleFavorite": func(s *stage) call { return call{path: article(s, "/favorite"), token: s.reader.Token} },
	"DeleteArticleFavorite": func(s *stage) call { return call{path: article(s, "/favorite"), token: s.reader.Token} },
	"GetTags":               func(*stage) call { return call{path: "/tags"} },
	"GetTag":                func(s *stage) call { return call{path: tag(s, "")} },
	"UpdateTag": func(s *stage) call {
		return call{path: tag(s, ""), token: s.as(auth.Editor), body: fmt.Sprintf(`{"name":"about %s","description":"Words"}`, s.author.Username)}
	},
	"MergeTag": func(s *stage) call {
		return call{path: tag(s, "/merge"), token: s.as(auth.Editor), body: `{"into":"stage"}`}
	},
	"ListSeries": func(s *stage) call {
		series(s)
		return call{path: "/series"}
	},
	"CreateSeries": func(s *stage) call {
		return call{path: "/series", token: s.as(auth.Editor), body: `{"series":{"title":"A series"}}`}
	},
	"GetSeries": func(s *stage) call { return call{path: series(s)} },
	"UpdateSeries": func(s *stage) call {
		return call{path: series(s), token: s.as(auth.Editor), body: fmt.Sprintf(`{"series":{"description":"Better words","articles":[%q]}}`, s.slug)}
	},
	"DeleteSeries": func(s *stage) call { return call{path: series(s), token: s.as(auth.Editor)} },
	"HideArticle": func(s *stage) call {
		return call{path: article(s, "/hidden"), token: s.as(auth.Moderator), body: `{"reason":"Advertising"}`}
	},
	"RestoreArticle": func(s *stage) call { return call{path: article(s, "/hidden"), token: s.as(auth.Moderator)} },
	"HideComment": func(s *stage) call {
		return call{path: article(s, "/comments/"+s.comment+"/hidden"), token: s.as(auth.Moderator), body: `{"reason":"Advertising"}`}
	},
	"RestoreComment": func(s *stage) call {
		return call{path: article(s, "/comments/"+s.comment+"/hidden"), token: s.as(auth.Moderator)}
	},
	"ApproveComment": func(s *stage) call {
		s.wait()
		return call{path: article(s, "/comments/"+s.comment+"/approval"), token: s.as(auth.Moderator)}
	},
	"GetWaitingComments": func(s *stage) call { return call{path: "/moderation/waiting", token: s.as(auth.Moderator)} },
	"GetHidden":          func(s *stage) call { return call{path: "/moderation/hidden", token: s.as(auth.Moderator)} },
	"CreateReport":       reportArticle,
	"GetReports":         func(s *stage) call { return call{path: "/moderation/reports", token: s.as(auth.Moderator)} },
	"DecideReport": func(s *stage) call {
		return call{path: fmt.Sprintf("/moderation/reports/%d", s.reported()), token: s.as(auth.Moderator), body: `{"action":"hide","note":"Advertising"}`}
	},
	"GetUsers": func(s *stage) call { return call{path: "/admin/users", token: s.as(auth.Admin)} },
	"CreateAccount": func(s *stage) call {
		return call{path: "/admin/users", token: s.as(auth.Admin), body: fmt.Sprintf(`{"username":%[1]q,"email":"%[1]s@example.com","role":"editor"}`, s.reader.Username+"x")}
	},
	"GetInvitations": func(s *stage) call { return call{path: "/admin/invitations", token: s.as(auth.Admin)} },
	"CreateInvitation": func(s *stage) call {
		return call{path: "/admin/invitations", token: s.as(auth.Admin), body: fmt.Sprintf(`{"email":"%sx@example.com","role":"editor"}`, s.reader.Username)}
	},
	"DeleteInvitation": func(s *stage) call {
		token := s.as(auth.Admin)
		return call{path: fmt.Sprintf("/admin/invitations/%d", s.invitation()), token: token}
	},
	"SetUserRole": func(s *stage) call {
		return call{path: user(s, "/role"), token: s.as(auth.Admin), body: `{"role":"moderator","reason":"Helps"}`}
	},
	"SuspendUser": func(s *stage) call {
		return call{path: user(s, "/suspension"), token: s.as(auth.Admin), body: `{"reason":"Advertising"}`}
	},
	"ReinstateUser": func(s *stage) call { return call{path: user(s, "/suspension"), token: s.as(auth.Admin)} },
	"GetAuditLog":   func(s *stage) call { return call{path: "/admin/audit", token: s.as(auth.Admin)} },
	"BatchGetArticles": func(s *stage) call {
		return call{path: "/batch/articles", body: fmt.Sprintf(`{"slugs":[%q,"none"]}`, s.slug)}
	},
	"BatchGetProfiles": func(s *stage) call {
		return call{path: "/batch/profiles", body: fmt.Sprintf(`{"usernames":[%q,"nobody"]}`, s.author.Username)}
	},
}

// scenarios has, by operation and status, the requests that cannot be derived
// from the valid one.
var scenarios = map[string]func(*stage) []call{
	"Login 401": func(s *stage) []call {
		return []call{
			{path: "/users/login", body: fmt.Sprintf(`{"user":{"email":%q,"password":"wrong"}}`, s.author.Email)},
			{path: "/users/login", body: `{"user":{"email":"nobody@example.com","password":"wrong"}}`},
		}
	},
	"Login 403": func(s *stage) []call {
		s.suspend(s.author)
		return []call{valid["Login"](s)}
	},
	"CreateSession 401": func(s *stage) []call {
		return []call{{path: "/sessions", body: fmt.Sprintf(`{"user":{"email":%q,"password":"wrong"}}`, s.author.Email)}}
	},
	"CreateSession 403": func(s *stage) []call {
		s.suspend(s.author)
		return []call{valid["CreateSession"](s)}
	},
	"RefreshSession 401": func(s *stage) []call {
		pair, ended := s.pair(), s.pair()
		call{path: fmt.Sprintf("/sessions/%d", ended.Session.Id), token: s.author.Token}.do(s.s, "DELETE")
		body := `{"refreshToken":%q}`
		return []call{
			{path: "/sessions/refresh", body: fmt.Sprintf(body, pair.Tokens.AccessToken)},
			{path: "/sessions/refresh", body: fmt.Sprintf(body, ended.Tokens.RefreshToken)},
			{path: "/sessions/refresh", body: `{"refreshToken":"nonsense"}`},
		}
	},
	"DeleteSession 404": func(s *stage) []call {
		c := valid["DeleteSession"](s)
		return []call{c.as(s.reader.Token), c.at("/sessions/9007199254740991")}
	},
	"DeleteApiKey 404": func(s *stage) []call {
		c := valid["DeleteApiKey"](s)
		return []call{c.as(s.reader.Token), c.at("/user/keys/9007199254740991")}
	},
	"CreateUser 409": func(s *stage) []call {
		return []call{
			{path: "/users", body: fmt.Sprintf(`{"user":{"username":%q,"email":"new@example.com","password":"correct horse"}}`, strings.ToUpper(s.author.Username))},
			{path: "/users", body: fmt.Sprintf(`{"user":{"username":"somebody","email":%q,"password":"correct horse"}}`, strings.ToUpper(string(s.author.Email)))},
		}
	},
	"CreateAccount 409": func(s *stage) []call {
		c := valid["CreateAccount"](s)
		return bodies(c, fmt.Sprintf(`{"username":%q,"email":"new@example.com","role":"author"}`, s.author.Username),
			fmt.Sprintf(`{"username":"somebody","email":%q,"role":"author"}`, s.author.Email))
	},
	"CreateInvitation 409": func(s *stage) []call {
		return bodies(valid["CreateInvitation"](s), fmt.Sprintf(`{"email":%q,"role":"author"}`, strings.ToUpper(string(s.author.Email))))
	},
	"CreateReport 404": func(s *stage) []call {
		return bodies(valid["CreateReport"](s), `{"kind":"article","id":"none","reason":"r"}`, `{"kind":"profile","id":"nobody","reason":"r"}`,
			`{"kind":"comment","id":9007199254740991,"reason":"r"}`)
	},
	"CreateReport 422": func(s *stage) []call {
		c := valid["CreateReport"](s)
		return append(bodies(c, `{}`, `{"kind":"comment","id":"x","reason":"r"}`, `{"kind":"article","id":"a","reason":" "}`, `{"kind":"user","id":"a","reason":"r"}`,
			fmt.Sprintf(`{"kind":"profile","id":%q,"reason":"r"}`, s.reader.Username)), reusedKey(s, "CreateReport", "POST", call{
			path: c.path, token: c.token, body: strings.Replace(c.body, "Advertising", "First", 1),
		}))
	},
	"GetReports 422": elsewhere("GetReports", "/moderation/reports?status=closed", "/moderation/reports?kind=user", "/moderation/reports?limit=0", "/moderation/reports?cursor=nonsense"),
	"DecideReport 409": func(s *stage) []call {
		c := valid["DecideReport"](s)
		c.do(s.s, "PUT")
		return []call{c.as(s.as(auth.Moderator)), c.sending(`{"action":"dismiss"}`)}
	},
	"DecideReport 422": func(s *stage) []call {
		c := valid["DecideReport"](s)
		return append(bodies(c, `{}`, `{"action":"ban"}`, `{"action":"hide"}`, `{"action":"hide","note":" "}`), c.at("/moderation/reports/x"))
	},
	"CreateArticle 409": func(s *stage) []call {
		return bodies(valid["CreateArticle"](s), `{"article":{"title":"a","description":"b","body":"c","slug":"`+s.slug+`"}}`)
	},
	"UpdateArticle 409": func(s *stage) []call {
		taken := s.s.Publish(s.author, "Taken").Slug
		return bodies(valid["UpdateArticle"](s), `{"article":{"slug":"`+taken+`"}}`)
	},
	"UpdateCurrentUser 409": func(s *stage) []call {
		c := valid["UpdateCurrentUser"](s)
		return []call{
			c.sending(fmt.Sprintf(`{"user":{"username":%q}}`, s.reader.Username)),
			c.sending(fmt.Sprintf(`{"user":{"email":%q}}`, s.reader.Email)),
		}
	},

	"GetProfileByUsername 404": elsewhere("GetProfileByUsername", "/profiles/nobody", "/profiles/a%2Fb"),
	"GetArticle 404":           elsewhere("GetArticle", "/articles/none", "/articles/"+strings.Repeat("x", 4000)),
	"GetArticleComments 404": elsewhere("GetArticleComments", "/articles/none/comments",
		"/articles/none/comments?cursor=nonsense", "/articles/none/comments?limit=101&format=html"),
	"DeleteArticleComment 404": func(s *stage) []call {
		c := valid["DeleteArticleComment"](s)
		other := s.s.Publish(s.author, "Another one")
		return []call{
			c.at("/articles/none/comments/" + s.comment),
			c.at("/articles/none/comments/0"), // 404 comes before 422
			c.at(article(s, "/comments/9007199254740991")),
			c.at("/articles/" + other.Slug + "/comments/" + s.comment),
		}
	},

	"CreateArticleComment 403": func(s *stage) []call {
		c := valid["CreateArticleComment"](s)
		call{path: article(s, ""), token: s.author.Token, body: `{"article":{"commentsOpen":false}}`}.do(s.s, "PUT")
		return []call{c, c.sending(`{"comment":{"body":"x","parentId":` + s.comment + `}}`)}
	},
	"UpdateArticle 403": func(s *stage) []call {
		c := valid["UpdateArticle"](s).as(s.reader.Token)
		return []call{c, c.sending("{}"), c.with("If-Match", `"0.x"`)}
	},
	"UpdateArticle 412":    stale("UpdateArticle"),
	"DeleteArticle 412":    stale("DeleteArticle"),
	"PublishArticle 412":   stale("PublishArticle"),
	"UnpublishArticle 412": stale("UnpublishArticle"),
	"SubmitArticle 403": func(s *stage) []call {
		c := valid["SubmitArticle"](s)
		return []call{c.as(s.apiKey("read").Key), c.at(article(s, "/submit")).as(s.reader.Token)}
	},
	"SubmitArticle 412": stale("SubmitArticle"),
	"UpdateSeries 412":  staleSeries("UpdateSeries"),
	"DeleteSeries 412":  staleSeries("DeleteSeries"),
	"CreateSeries 409": func(s *stage) []call {
		series(s)
		return []call{{path: "/series", token: s.as(auth.Editor), body: fmt.Sprintf(`{"series":{"title":"t","slug":%q}}`, s.series)}}
	},
	"CreatePreview 422": func(s *stage) []call {
		return bodies(valid["CreatePreview"](s), `{"expiresIn":59}`, `{"expiresIn":2592001}`, `{"expiresIn":3600.5}`, `{"expiresIn":"1h"}`, `{"expiresIn":null}`)
	},
	"GetPreview 422": func(s *stage) []call { return []call{valid["GetPreview"](s).at(s.preview() + "?format=pdf")} },

	"UpdateWorkingCopy 412":      stale("UpdateWorkingCopy"),
	"DeleteWorkingCopy 412":      stale("DeleteWorkingCopy"),
	"RestoreArticleRevision 412": stale("RestoreArticleRevision"),
	"UpdateWorkingCopy 422": func(s *stage) []call {
		c := valid["UpdateWorkingCopy"](s)
		return append(bodies(c, `{}`, `{"article":{"title":null}}`, `{"article":{"body":""}}`, `{"article":{"author":"somebody"}}`,
			`{"article":{"status":"draft"}}`), c.at(draft(s)+"/working-copy"))
	},
	"GetArticleRevisions 422": elsewhereInArticle("GetArticleRevisions", "/revisions?limit=0", "/revisions?limit=101", "/revisions?cursor=nonsense"),
	"GetArticleRevision 422":  elsewhereInArticle("GetArticleRevision", "/revisions/0", "/revisions/x", "/revisions/2147483648"),
	"GetArticleRevision 404":  elsewhereInArticle("GetArticleRevision", "/revisions/77"),
	"GetArticleRevisionDiff 422": elsewhereInArticle("GetArticleRevisionDiff", "/revisions/0/diff", "/revisions/1/diff?against=0",
		"/revisions/1/diff?against=x"),
	"GetArticleRevisionDiff 404": elsewhereInArticle("GetArticleRevisionDiff", "/revisions/77/diff", "/revisions/1/diff?against=77"),
	"RestoreArticleRevision 422": elsewhereInArticle("RestoreArticleRevision", "/revisions/x/restore"),
	"RestoreArticleRevision 404": elsewhereInArticle("RestoreArticleRevision", "/revisions/77/restore"),

	"CreateSession 422": func(s *stage) []call {
		return []call{{path: "/sessions", body: `{}`}, {path: "/sessions", body: `{"user":{"email":"","password":"x"}}`}}
	},
	"RefreshSession 422": func(*stage) []call {
		return []call{{path: "/sessions/refresh", body: `{}`}, {path: "/sessions/refresh", body: `{"refreshToken":7}`}}
	},
	"DeleteSession 422": func(s *stage) []call {
		c := valid["DeleteSession"](s)
		return []call{c.at("/sessions/x"), c.at("/sessions/0"), c.at("/sessions/9007199254740992")}
	},
	"RequestPasswordReset 422": func(s *stage) []call {
		return bodies(valid["RequestPasswordReset"](s), `{}`, `{"email":""}`, `{"email":"no address"}`, `{"email":"a@example.com\r\nBcc: b@example.com"}`)
	},
	"ConfirmPasswordReset 422": func(s *stage) []call {
		c := valid["ConfirmPasswordReset"](s)
		return bodies(c, `{}`, `{"token":"nonsense","password":"another horse"}`, strings.Replace(c.body, "another horse", "short", 1),
			fmt.Sprintf(`{"token":%q,"password":"another horse"}`, s.mailToken("verify_email")))
	},
	"ConfirmEmailVerification 422": func(s *stage) []call {
		return bodies(valid["ConfirmEmailVerification"](s), `{}`, `{"token":"nonsense"}`, `{"token":7}`,
			fmt.Sprintf(`{"token":%q}`, s.mailToken("reset_password")))
	},
	"CreateApiKey 422": func(s *stage) []call {
		c := valid["CreateApiKey"](s)
		return []call{
			c.sending(`{}`), c.sending(`{"apiKey":{"name":" ","scopes":["read"]}}`), c.sending(`{"apiKey":{"name":"a","scopes":[]}}`),
			c.sending(newAPIKey("account")), c.sending(`{"apiKey":{"name":"a","scopes":["read"],"expiresAt":"2001-01-01T00:00:00Z"}}`),
			c.sending(`{"apiKey":{"name":"a","scopes":["read"],"expiresAt":"soon"}}`),
		}
	},
	"DeleteInvitation 422": func(s *stage) []call {
		return []call{valid["DeleteInvitation"](s).at("/admin/invitations/x")}
	},
	"DeleteApiKey 422": func(s *stage) []call { return []call{valid["DeleteApiKey"](s).at("/user/keys/x")} },
	"HideArticle 422": func(s *stage) []call {
		return bodies(valid["HideArticle"](s), `{}`, `{"reason":" "}`, `{"reason":null}`, `{"reason":"`+strings.Repeat("x", 501)+`"}`)
	},
	"HideComment 422": func(s *stage) []call {
		c := valid["HideComment"](s)
		return append(bodies(c, `{}`, `{"reason":7}`), c.at(article(s, "/comments/0/hidden")))
	},
	"RestoreComment 422": func(s *stage) []call {
		return []call{valid["RestoreComment"](s).at(article(s, "/comments/x/hidden"))}
	},
	"ApproveComment 422": func(s *stage) []call {
		return []call{valid["ApproveComment"](s).at(article(s, "/comments/x/approval"))}
	},
	"GetWaitingComments 422": elsewhere("GetWaitingComments", "/moderation/waiting?limit=0", "/moderation/waiting?limit=101", "/moderation/waiting?cursor=nonsense"),
	"GetHidden 422":          elsewhere("GetHidden", "/moderation/hidden?limit=0", "/moderation/hidden?limit=101", "/moderation/hidden?cursor=nonsense"),
	"GetUsers 422": elsewhere("GetUsers", "/admin/users?role=king", "/admin/users?suspended=maybe", "/admin/users?username=",
		"/admin/users?limit=0", "/admin/users?cursor=nonsense"),
	"SetUserRole 422": func(s *stage) []call {
		c := valid["SetUserRole"](s)
		return append(bodies(c, `{}`, `{"role":"king"}`, `{"role":null}`, `{"role":"author","reason":""}`), c.at(s.self(c.token, "/role")))
	},
	"SuspendUser 422": func(s *stage) []call {
		c := valid["SuspendUser"](s)
		return append(bodies(c, `{}`, `{"reason":""}`), c.at(s.self(c.token, "/suspension")))
	},
	"ReinstateUser 422": func(s *stage) []call {
		c := valid["ReinstateUser"](s)
		return []call{c.at(s.self(c.token, "/suspension"))}
	},
	"GetAuditLog 422":          elsewhere("GetAuditLog", "/admin/audit?action=king", "/admin/audit?actor=", "/admin/audit?limit=0", "/admin/audit?cursor=nonsense"),
	"GetCurrentUser 422":       longHeader("GetCurrentUser", "If-None-Match"),
	"GetProfileByUsername 422": longHeader("GetProfileByUsername", "If-None-Match"),
	"GetArticle 422": func(s *stage) []call {
		c := valid["GetArticle"](s)
		return append(longHeader("GetArticle", "If-None-Match")(s), c.at(c.path+"?format=pdf"))
	},
	"GetTags 422": func(s *stage) []call {
		c := valid["GetTags"](s)
		return append(longHeader("GetTags", "If-None-Match")(s), c.at("/tags?limit=0"), c.at("/tags?prefix="), c.at("/tags?cursor=nonsense"), c.at("/tags?counts=yes"))
	},
	"GetTag 422": longHeader("GetTag", "If-None-Match"),
	"GetTag 404": elsewhere("GetTag", "/tags/none", "/tags/a%2Fb", "/tags/"+strings.Repeat("x", 4000), "/tags/%E2%80%8B"),
	"UpdateTag 404": func(s *stage) []call {
		c := valid["UpdateTag"](s)
		return []call{c.at("/tags/none"), c.at("/tags/none").sending(`{"name":""}`)}
	},
	"UpdateTag 409": func(s *stage) []call {
		return bodies(valid["UpdateTag"](s), `{"name":"STAGE"}`)
	},
	"UpdateTag 422": func(s *stage) []call {
		return bodies(valid["UpdateTag"](s), `{"name":" "}`, `{"name":null}`, `{"name":"a\u200bb"}`, `{"name":"`+strings.Repeat("x", 51)+`"}`,
			`{"description":""}`, `{"description":7}`, `{"description":"`+strings.Repeat("x", 1025)+`"}`)
	},
	"MergeTag 404": func(s *stage) []call {
		c := valid["MergeTag"](s)
		return []call{c.at("/tags/none/merge"), c.at("/tags/none/merge").sending(`{"into":""}`)}
	},
	"MergeTag 422": func(s *stage) []call {
		return bodies(valid["MergeTag"](s), `{}`, `{"into":""}`, `{"into":"none"}`, `{"into":null}`, fmt.Sprintf(`{"into":"OF %s"}`, strings.ToUpper(s.author.Username)))
	},
	"DeleteArticle 422": longHeader("DeleteArticle", "If-Match"),
	"FollowUserByUsername 422": func(s *stage) []call {
		return []call{valid["FollowUserByUsername"](s).as(s.author.Token)}
	},
	"BlockUser 422": func(s *stage) []call {
		return []call{valid["BlockUser"](s).as(s.author.Token)}
	},
	"GetCurrentUserBlocks 422": elsewhere("GetCurrentUserBlocks", "/user/blocks?limit=0", "/user/blocks?limit=101", "/user/blocks?cursor=nonsense"),
	"GetArticlesFeed 422": elsewhere("GetArticlesFeed", "/articles/feed?limit=0", "/articles/feed?limit=101", "/articles/feed?limit=x",
		"/articles/feed?offset=-1", "/articles/feed?cursor=nonsense", "/articles/feed?limit=1&limit=2"),
	"GetArticles 422": elsewhere("GetArticles", "/articles?limit=0", "/articles?limit=101", "/articles?limit=", "/articles?offset=-1",
		"/articles?tag=", "/articles?author="+strings.Repeat("x", 65), "/articles?cursor=nonsense", "/articles?limit=1&limit=2"),
	"GetArticleComments 422": func(s *stage) []call {
		c := valid["GetArticleComments"](s)
		return []call{c.at(c.path + "?limit=0"), c.at(c.path + "?limit=1001"), c.at(c.path + "?limit=101&format=html"), c.at(c.path + "?sort=name"), c.at(c.path + "?cursor=nonsense"), c.at(c.path + "?parentId=-1")}
	},
	"UpdateArticleComment 422": func(s *stage) []call {
		c := valid["UpdateArticleComment"](s)
		return append(bodies(c, `{}`, `{"comment":{}}`, `{"comment":{"body":" "}}`), c.at(article(s, "/comments/0")))
	},
	"DeleteArticleComment 422": func(s *stage) []call {
		c := valid["DeleteArticleComment"](s)
		return []call{c.at(article(s, "/comments/0")), c.at(article(s, "/comments/x")), c.at(article(s, "/comments/99999999999999999999"))}
	},
	"CreateUser 422": func(s *stage) []call {
		c := valid["CreateUser"](s)
		return append(bodies(c, `{}`, `{"user":null}`, `[]`, `{"user":{}}`,
			`{"user":{"username":"a","email":"no address","password":"correct horse"}}`,
			`{"user":{"username":"a","email":"a@example.com","password":"short"}}`,
			`{"user":{"username":"a/b","email":"a@example.com","password":"correct horse"}}`), reusedKey(s, "CreateUser", "POST", c))
	},
	"Login 422": func(s *stage) []call {
		return bodies(valid["Login"](s), `{}`, `{"user":{"email":"","password":"x"}}`, `{"user":{"email":"a@example.com","password":""}}`)
	},
	"UpdateCurrentUser 422": func(s *stage) []call {
		return bodies(valid["UpdateCurrentUser"](s), `{}`, `{"user":{"email":null}}`, `{"user":{"username":" "}}`,
			`{"user":{"password":"short"}}`, `{"user":{"password":""}}`, `{"user":{"bio":1}}`)
	},
	"DeleteCurrentUser 422": func(s *stage) []call {
		return bodies(valid["DeleteCurrentUser"](s), `{}`, `{"user":{}}`, `{"user":{"password":""}}`, `{"user":{"password":"wrong"}}`)
	},
	"CreateArticle 422": func(s *stage) []call {
		c := valid["CreateArticle"](s)
		return append(bodies(c, `{}`, `{"article":{"title":"","description":" ","body":"\n"}}`,
			`{"article":{"title":"a","description":"b","body":"c","tagList":null}}`,
			`{"article":{"title":"a","description":"b","body":"c\u0000"}}`,
			`{"article":{"title":"a","description":"b","body":"c","metadata":{"":1}}}`), reusedKey(s, "CreateArticle", "POST", c),
			c.with("Idempotency-Key", strings.Repeat("k", 256)))
	},
	"UpdateArticle 422": func(s *stage) []call {
		return bodies(valid["UpdateArticle"](s), `{}`, `{"article":{"title":null}}`, `{"article":{"tagList":null}}`, `{"article":{"body":""}}`,
			`{"article":{"language":"xx"}}`)
	},
	"CreateArticleComment 422": func(s *stage) []call {
		c := valid["CreateArticleComment"](s)
		return append(bodies(c, `{}`, `{"comment":{}}`, `{"comment":{"body":" "}}`, `{"comment":{"body":"x","parentId":9007199254740991}}`),
			reusedKey(s, "CreateArticleComment", "POST", c))
	},
	"BatchGetArticles 422": func(s *stage) []call {
		return bodies(valid["BatchGetArticles"](s), `{}`, `{"slugs":[]}`, `{"slugs":[1]}`, `{"slugs":[`+strings.Repeat(`"a",`, 100)+`"a"]}`)
	},
	"BatchGetProfiles 422": func(s *stage) []call {
		return bodies(valid["BatchGetProfiles"](s), `{}`, `{"usernames":[]}`, `{"usernames":[""]}`)
	},
}
