package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// TestAuthorization calls every operation of the document as every kind of
// caller that must be refused, and requires the declared refusal. The callers
// come from the document too, so that a new operation needs no change here.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	for _, op := range doc.Operations() {
		t.Run(op.ID, func(t *testing.T) { // one after another, so that what is stored can be compared
			s := s.For(t)
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			refuse := func(label string, c call, status int, code string) {
				t.Helper()
				require.Contains(t, op.Statuses, status, "%s: the document must declare the status", label)
				before := fingerprint(t, s)
				res, body := c.do(s, op.Method)
				require.Equal(t, status, res.StatusCode, "%s: %s", label, body)
				require.Contains(t, body, `"code":"`+code+`"`, label)
				require.Equal(t, before, fingerprint(t, s), "%s: a refusal changes nothing", label)
			}
			if op.Security == contract.Required {
				c := valid[op.ID](newStage(s))
				refuse("without a token", c.as(""), 401, "token_missing")
				refuse("with a bad token", c.as("nonsense"), 401, "token_invalid")
				refuse("with a forged key", c.as("byl_"+strings.Repeat("a", 36)), 401, "token_invalid")
			}
			if op.Security == contract.Required && !op.Safe && (op.Scope == auth.ScopeAccount || op.Role > auth.Author) {
				// Only the database knows this, as after a sign-out on another
				// replica. The statement that writes has to notice.
				c := valid[op.ID](newStage(s))
				res, body := call{path: "/user", token: c.token}.do(s, http.MethodGet)
				require.Equal(t, http.StatusOK, res.StatusCode, body) // the session is cached now
				_, err := s.DB.Exec(t.Context(), `DELETE FROM sessions`)
				require.NoError(t, err)
				before := fingerprint(t, s, "sign_in_tries") // where verifying a password counts
				res, body = c.do(s, op.Method)
				if before != fingerprint(t, s, "sign_in_tries") || res.StatusCode >= 300 { // some requests find nothing to change
					require.Equal(t, http.StatusUnauthorized, res.StatusCode, "after its session has ended: %s", body)
				}
				require.Equal(t, before, fingerprint(t, s, "sign_in_tries"), "%s: write in credentials.InTx, or with an entry of package audit", op.ID)
			}
			for _, scope := range []auth.Scope{auth.ScopeRead, auth.ScopeWrite, auth.ScopeAdmin} {
				if op.Security != contract.Required || scope >= op.Scope {
					continue
				}
				st := newStage(s)
				c := valid[op.ID](st)
				key := st.keyOf(c.token, scope.String())
				refuse("with a key of scope "+scope.String(), c.as(key), 403, "scope_insufficient")
			}
			for role := auth.Reader; role < op.Role; role++ {
				st := newStage(s)
				c := valid[op.ID](st)
				st.setRole(t, c.token, role)
				refuse("as "+role.String(), c, 403, "role_insufficient")
			}
			for role := auth.Author; role <= auth.Admin; role++ {
				st := newStage(s)
				c := valid[op.ID](st)
				stranger := s.Register("")
				st.setRole(t, stranger.Token, role)
				c, label := c.as(stranger.Token), "as a stranger with the role "+role.String()
				switch {
				case op.Security != contract.Required || len(op.Targets) == 0 || op.Role > auth.Author: // no target has an owner
				case (op.Owner == "article" || op.Targets[0].Kind == "article" && op.Targets[0].Private) && role >= auth.Editor:
					res, body := c.do(s, op.Method)
					require.Less(t, res.StatusCode, 300, "%s: editors may use the articles of everybody: see visibility.MayEdit: %s", label, body)
				case c.unseen:
					refuse(label, c, 404, "not_found")
				case op.Owner != "":
					refuse(label, c, 403, "forbidden")
				case slices.ContainsFunc(op.Targets, func(t contract.Target) bool { return t.Private }):
					refuse(label, c, 404, "not_found")
				default:
					res, body := c.do(s, op.Method)
					require.Less(t, res.StatusCode, 300, "%s, whom x-owner: none in openapi.yaml permits this: %s", label, body)
				}
			}
		})
	}
}

// TestReadOnlyMembers checks that members which only the service sets have no
// effect in a body (OWASP API3: mass assignment).
func TestReadOnlyMembers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	st := newStage(s)
	const extra = `"id":1,"role":"admin","suspendedAt":null,"emailVerifiedAt":"2020-01-01T00:00:00.000Z","token":"x","userId":1,"authorId":1,` +
		`"author":{"username":"root"},"favoritesCount":99,"favorited":true,"following":true,"createdAt":"2001-01-01T00:00:00.000Z",` +
		`"updatedAt":"2001-01-01T00:00:00.000Z","version":7,"hidden":null,"current":true,"prefix":"byl_","usedAt":null,"__proto__":{"role":"admin"}`
	for id, wrapper := range map[string]string{
		"CreateUser": "user", "UpdateCurrentUser": "user", "CreateArticle": "article", "UpdateArticle": "article",
		"CreateArticleComment": "comment", "CreateApiKey": "apiKey",
	} {
		c := valid[id](st)
		c.body = strings.Replace(c.body, `{"`+wrapper+`":{`, `{"`+wrapper+`":{`+extra+`,`, 1)
		require.Contains(t, c.body, "__proto__")
		method := http.MethodPost
		if strings.HasPrefix(id, "Update") {
			method = http.MethodPut
		}
		res, body := c.do(s, method)
		require.Less(t, res.StatusCode, 300, "%s: unknown members are ignored: %s", id, body)
		for _, effect := range []string{"2001-01-01", `"favoritesCount":99`, `"favorited":true`, `"username":"root"`, `"id":1,"role"`} {
			require.NotContains(t, body, effect, id)
		}
	}
	var privileged int
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT count(*) FROM users WHERE role <> 'author'`).Scan(&privileged))
	require.Zero(t, privileged)
}

// fingerprint returns a hash of everything that is stored, except the times at
// which credentials were last used: a refused request may change those.
func fingerprint(t *testing.T, s *servertest.Service, without ...string) string {
	t.Helper()
	rows, err := s.DB.Query(t.Context(), `SELECT tablename FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> ALL ($1) ORDER BY 1`, append(without, "changes", "goose_db_version"))
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Contains(t, tables, "articles")
	var all strings.Builder
	for _, table := range tables {
		var sum *string
		err := s.DB.QueryRow(t.Context(), `SELECT md5(string_agg(r, '' ORDER BY r)) FROM (
			SELECT (to_jsonb(t) - 'used_at')::text AS r FROM `+pgx.Identifier{table}.Sanitize()+` t) rows`).Scan(&sum)
		require.NoError(t, err)
		if sum != nil {
			fmt.Fprintln(&all, table, *sum)
		}
	}
	return all.String()
}

// keyOf creates an API key for the user of a token.
func (s *stage) keyOf(token, scope string) string {
	var created client.ApiKeyCreatedResponse
	s.post("/user/keys", newAPIKey(scope), token, &created)
	return created.Key
}

// setRole sets the role of the user of a token.
func (s *stage) setRole(t *testing.T, token string, role auth.Role) {
	t.Helper()
	res, err := s.s.As(token).GetCurrentUserWithResponse(t.Context(), nil)
	require.NoError(t, err)
	s.s.SetRole(res.JSON200.User.Username, role)
}

// TestNothingIsFetched checks that the service calls no URL that a client names
// (OWASP API7: server side request forgery).
func TestNothingIsFetched(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	bait := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer bait.Close()
	s := servertest.New(t)
	u := s.Register("")
	res, body := s.Do("PUT", "/user", fmt.Sprintf(`{"user":{"image":"%[1]s/i.png","bio":"%[1]s/bio"}}`, bait.URL), "Authorization", "Token "+u.Token)
	require.Equal(t, 200, res.StatusCode, body)
	article := s.Publish(u, "![x]("+bait.URL+"/title)", bait.URL)
	for _, path := range []string{"/articles/" + article.Slug, "/profiles/" + u.Username, "/articles", "/tags"} {
		s.Do("GET", path, "", "Host", "evil.example", "X-Forwarded-Host", bait.URL, "Referer", bait.URL+"/referer", "Origin", bait.URL)
	}
	require.Zero(t, hits.Load())
}

// TestTokensOnlyInAuthorization checks that no operation accepts a token in its
// URL, in a cookie or in another field.
func TestTokensOnlyInAuthorization(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	for _, op := range doc.Operations() {
		if op.Security != contract.Required {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			c := valid[op.ID](newStage(s))
			separator := "?"
			if strings.Contains(c.path, "?") {
				separator = "&"
			}
			path := c.path + separator + "token=" + c.token + "&access_token=" + c.token + "&authorization=Token%20" + c.token
			res, body := c.as("").at(path).with("Cookie", "token="+c.token, "X-Api-Key", c.token, "Proxy-Authorization", "Token "+c.token).do(s, op.Method)
			require.Equal(t, 401, res.StatusCode, body)
			require.Contains(t, body, `"code":"token_missing"`)
		})
	}
}

// TestNoCookies checks that no response sets a cookie: no page of another site
// can then use one.
func TestNoCookies(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	for _, op := range doc.Operations() {
		res, body := valid[op.ID](newStage(s)).do(s, op.Method)
		require.Less(t, res.StatusCode, 300, "%s: %s", op.ID, body)
		require.Empty(t, res.Cookies(), op.ID)
	}
	for _, path := range []string{"/", "/docs", "/docs/security", "/openapi.yaml", "/livez", "/readyz", "/version", "/nothing", "/api/user"} {
		res, _ := send(t, http.MethodGet, s.Root+path, "")
		require.Empty(t, res.Cookies(), path)
	}
}
