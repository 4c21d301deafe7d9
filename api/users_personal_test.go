package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// notExported says why a reference to users is in no export.
var notExported = map[string]string{
	"blocks.blocked_id":         "it would tell who has blocked the user",
	"hidden_favorites.user_id":  "a favorite again once the article, which nobody may see meanwhile, is restored",
	"hidden_items.hidden_by":    "an act of office, about somebody else's text",
	"invitations.invited_by":    "an act of office, about somebody else's address",
	"mail_tokens.user_id":       "hashes of secrets",
	"reported_items.author_id":  "they would tell that somebody has reported; what was done about it is in the audit log",
	"reported_items.decided_by": "an act of office, about somebody else's text",
	"mails.user_id":             "the owner was sent them; their texts are deleted soon after",
	"old_tokens.user_id":        "hashes of secrets; their sessions are exported",
	"previews.created_by":       "hashes of secrets",
	"sign_in_places.user_id":    "keyed hashes of addresses, which tell nobody anything",
}

// TestEveryReference checks that every column that refers to users is exported,
// or is in notExported, and that its rows are deleted with the account.
func TestEveryReference(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	rows, err := d.Query(t.Context(), `
		SELECT c.conrelid::regclass || '.' || a.attname, c.confdeltype::text FROM pg_constraint c
		JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
		WHERE c.contype = 'f' AND c.confrelid = 'users'::regclass`)
	require.NoError(t, err)
	var columns []string
	for rows.Next() {
		var column, onDelete string
		require.NoError(t, rows.Scan(&column, &onDelete))
		columns = append(columns, column)
		require.Contains(t, []string{"c", "n"}, onDelete, "%s must cascade or be set to null, or nobody can delete an account", column)
	}
	require.NoError(t, rows.Err())
	exported := api.ExportedColumns()
	for _, column := range columns {
		_, excused := notExported[column]
		require.True(t, slices.Contains(exported, column) != excused, "%s must be exported (users_export.go), or notExported must say why not", column)
	}
	for _, column := range exported {
		require.Contains(t, columns, column)
	}
}

// full is a user who has data of every kind, which all contain the marker.
func full(t *testing.T, s *servertest.Service, marker string) servertest.User {
	t.Helper()
	u, other := s.Register(marker), s.Register("")
	responseOf(u.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{
		Bio: nullableText(marker + " bio"), Image: nullableText("https://example.com/" + marker),
	}}))
	s.Publish(u, marker+" first", marker+"tag", "shared")
	s.Publish(u, marker+" second")
	responseOf(u.UpdateArticleWithResponse(t.Context(), marker+"-second", nil, client.UpdateArticleJSONRequestBody{Article: client.UpdateArticle{Title: ptrTo(marker + " renamed")}}))
	theirs := s.Publish(other, "By "+other.Username, "shared")
	commentOn(t, u, theirs.Slug, marker+" comment")
	commentOn(t, other, marker+"-first", "a reply")
	for _, slug := range []string{theirs.Slug, marker + "-first"} {
		require.Equal(t, 200, responseOf(u.CreateArticleFavoriteWithResponse(t.Context(), slug)).StatusCode())
		require.Equal(t, 200, responseOf(other.CreateArticleFavoriteWithResponse(t.Context(), slug)).StatusCode())
	}
	require.Equal(t, 200, responseOf(u.FollowUserByUsernameWithResponse(t.Context(), other.Username)).StatusCode())
	require.Equal(t, 200, responseOf(other.FollowUserByUsernameWithResponse(t.Context(), marker)).StatusCode())
	require.Equal(t, 201, responseOf(u.CreateApiKeyWithResponse(t.Context(), &client.CreateApiKeyParams{IdempotencyKey: ptrTo(marker + " key")},
		client.CreateApiKeyJSONRequestBody{ApiKey: client.NewApiKey{Name: marker + " program", Scopes: []client.Scope{client.Read}}})).StatusCode())
	return u
}

func records(t *testing.T, body string) (byType map[string][]map[string]any, end int) {
	t.Helper()
	byType = map[string][]map[string]any{}
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	for _, line := range lines {
		var r map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		kind := r["type"].(string)
		byType[kind] = append(byType[kind], r)
	}
	require.Len(t, byType["end"], 1)
	require.Contains(t, lines[len(lines)-1], `"end"`)
	return byType, int(byType["end"][0]["records"].(float64))
}

func TestExportCurrentUser(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := full(t, s, "waldo")

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do("GET", "/user/export", "", signed(u)...)
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, "application/x-ndjson", res.Header.Get("Content-Type"))
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		byType, end := records(t, body)
		counts := map[string]int{}
		for kind, list := range byType {
			counts[kind] = len(list)
		}
		require.Equal(t, map[string]int{"account": 1, "session": 1, "apiKey": 1, "article": 2, "revision": 1, "comment": 1, "favorite": 2, "following": 1, "follower": 1, "end": 1}, counts)
		require.Equal(t, 11, end)
		require.Equal(t, "waldo@example.com", byType["account"][0]["email"])
		require.Equal(t, "waldo bio", byType["account"][0]["bio"])
		article := byType["article"][0]
		require.Equal(t, "# waldo first\n\nText.", article["body"])
		require.Equal(t, []any{"waldotag", "shared"}, article["tagList"])
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, article["createdAt"])
		stored := responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), "waldo-first", nil)).JSON200.Article
		require.Equal(t, stamp(stored.CreatedAt), article["createdAt"])
		require.Equal(t, []any{"published", stamp(stored.CreatedAt), nil}, []any{article["status"], article["publishedAt"], article["unpublishAt"]})
		require.Equal(t, []any{"waldo-renamed", "waldo-second"}, byType["article"][1]["slugs"])
		for _, secret := range []string{"argon2", "hash", u.Token, "user1@example.com"} {
			require.NotContains(t, body, secret)
		}
	})
	t.Run("Moderated", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t)
		mia, root, u := withRole(s, "mia", auth.Moderator), withRole(s, "root", auth.Admin), s.Register("moderated")
		slug, other := s.Publish(u, "Hidden").Slug, s.Publish(mia, "Gone")
		comment := commentOn(t, u, other.Slug, "hidden too")
		hide(t, mia, slug, "about the article")
		responseOf(mia.HideCommentWithResponse(t.Context(), other.Slug, comment.Id, client.HideRequest{Reason: "about the comment"}))
		suspend(t, root, u.Username, "about the user")
		responseOf(root.ReinstateUserWithResponse(t.Context(), u.Username))
		hide(t, root, other.Slug, "about somebody else")
		change(t, s, `UPDATE users SET email_verified_at = '2026-01-02 03:04:05.678Z', suspended_reason = 'still there' WHERE username = $1`, u.Username)
		token := login(t, s, string(u.Email), servertest.Password).JSON200.User.Token
		res, body := s.Do("GET", "/user/export", "", "Authorization", "Token "+token)
		require.Equal(t, 200, res.StatusCode)
		byType, _ := records(t, body)
		require.Equal(t, "2026-01-02T03:04:05.678Z", byType["account"][0]["emailVerifiedAt"])
		require.Equal(t, "still there", byType["account"][0]["suspensionReason"])
		require.Equal(t, "about the article", byType["article"][0]["hidden"].(map[string]any)["reason"])
		require.Equal(t, "about the comment", byType["comment"][0]["hidden"].(map[string]any)["reason"])
		var entries []string
		for _, e := range byType["auditEntry"] {
			entries = append(entries, fmt.Sprint(e["action"], " ", e["subject"].(map[string]any)["kind"], " ", e["reason"]))
		}
		require.Equal(t, []string{
			"article.hidden article about the article", "comment.hidden comment about the comment",
			"user.suspended user about the user", "user.reinstated user <nil>",
		}, entries)
		for _, somebodyElse := range []string{"mia", "root", "about somebody else"} {
			require.NotContains(t, body, somebodyElse)
		}
	})
	t.Run("Head", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, uncached)
		u := s.Register("frugal")
		get, _ := s.Do("GET", "/user/export", "", signed(u)...)
		s.Statements.Reset()
		head, body := s.Do("HEAD", "/user/export", "", signed(u)...)
		n, statements := s.Statements.Reset()
		require.Zero(t, n, "the data is not read: %v", statements)
		require.Empty(t, body)
		require.Equal(t, 200, head.StatusCode)
		require.Equal(t, []string{`attachment; filename="byline-export.ndjson"`}, head.Header["Content-Disposition"])
		for _, r := range []*http.Response{get, head} {
			r.Header.Del("Date")
			r.Header.Del("X-Request-Id")
		}
		require.Equal(t, get.Header, head.Header)
		stranger, _ := s.Do("HEAD", "/user/export", "")
		require.Equal(t, 401, stranger.StatusCode)
	})
	t.Run("Pages", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, uncached)
		u := s.Register("prolific")
		for _, statement := range []string{
			`INSERT INTO users (username, email, password_hash) SELECT 'f' || i, 'f' || i || '@example.com', '' FROM generate_series(1, 2500) i`,
			`INSERT INTO follows SELECT id, 1 FROM users WHERE id > 1`,
			`INSERT INTO follows SELECT 1, id FROM users WHERE id > 1`,
			// Many rows have the same time, so that a page ends among them.
			`INSERT INTO articles (slug, author_id, title, description, body, created_at)
			 SELECT 'a' || i, 1, 't', 'd', 'b', '2026-01-01'::timestamptz + i / 10 * interval '1 second' FROM generate_series(1, 333) i`,
			`INSERT INTO favorites (article_id, user_id, article_created_at) SELECT id, 1, created_at FROM articles`,
			`INSERT INTO comments (article_id, author_id, body) SELECT 1, 1, 'no. ' || i FROM generate_series(1, 95000) i`,
		} {
			_, err := s.DB.Exec(t.Context(), statement)
			require.NoError(t, err, statement)
		}
		s.Statements.Reset()
		res, body := s.Do("GET", "/user/export", "", signed(u)...)
		require.Equal(t, 200, res.StatusCode)
		n, _ := s.Statements.Reset()
		require.Less(t, n, int64(600))
		byType, end := records(t, body)
		require.Equal(t, 1+1+333+333+95000+2500+2500, end)
		for kind, key := range map[string]string{"comment": "id", "article": "slug", "favorite": "article", "follower": "username", "following": "username"} {
			seen := map[any]bool{}
			for _, r := range byType[kind] {
				require.False(t, seen[r[key]], "%s twice", r[key])
				seen[r[key]] = true
			}
		}
		require.Len(t, byType["comment"], 95000)
	})
}

// TestExportHoldsNoConnection checks that the only connection of the pool
// serves another request while a client reads its export slowly.
func TestExportHoldsNoConnection(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithDB(func(c *db.Config) { c.MaxConns = 1 }))
	u := s.Register("slow")
	s.Publish(u, "Long")
	_, err := s.DB.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body) SELECT 1, 1, repeat('x', 16000) FROM generate_series(1, 3000) i`)
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/user/export", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Token "+u.Token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, `"account"`)
	tags, _ := s.Do("GET", "/tags", "")
	require.Equal(t, 200, tags.StatusCode)
	leave()
	require.Eventually(t, func() bool {
		return strings.Contains(s.Log.String(), `"operationId":"ExportCurrentUser","method":"GET","status":499`)
	}, time.Minute, 20*time.Millisecond)
}

// TestExportEndsWithSession ends the session of an export whose client reads
// slowly. The rest of the data must not be sent.
func TestExportEndsWithSession(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("robbed")
	s.Publish(u, "Long")
	change(t, s, `INSERT INTO comments (article_id, author_id, body) SELECT 1, 1, repeat('x', 16000) FROM generate_series(1, 3000) i`)
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/user/export", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Token "+u.Token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	r := bufio.NewReader(res.Body)
	_, err = r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, 204, responseOf(u.DeleteSessionsWithResponse(t.Context())).StatusCode())
	rest, err := io.ReadAll(r)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotContains(t, string(rest), `"end"`)
}

// TestExportBreaksOff makes a later table fail: the client must notice that the
// export is not complete.
func TestExportBreaksOff(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("unlucky")
	_, err := s.DB.Exec(t.Context(), `ALTER TABLE follows RENAME TO lost`)
	require.NoError(t, err)
	req, err := http.NewRequest("GET", s.URL+"/user/export", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Token "+u.Token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.True(t, errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
	require.Contains(t, string(body), `"account"`)
	require.NotContains(t, string(body), `"end"`)
	require.NotContains(t, string(body), "follows")
	require.Contains(t, s.Log.String(), `"code":"internal"`)
}

// moderate has a moderator and an admin write the marker into every reason
// about u. One of the articles is gone before its author is.
func moderate(t *testing.T, s *servertest.Service, u servertest.User, marker string) {
	t.Helper()
	mia, root := withRole(s, "mia", auth.Moderator), withRole(s, "root", auth.Admin)
	gone := s.Publish(u, marker+" gone").Slug
	comment := commentOn(t, u, s.Publish(mia, "By a moderator").Slug, marker+" says")
	hide(t, mia, gone, "about "+marker)
	require.Equal(t, 204, responseOf(u.DeleteArticleWithResponse(t.Context(), gone, nil)).StatusCode())
	require.Equal(t, 204, responseOf(mia.HideCommentWithResponse(t.Context(), "by-a-moderator", comment.Id, client.HideRequest{Reason: marker})).StatusCode())
	require.Equal(t, 200, responseOf(root.SetUserRoleWithResponse(t.Context(), u.Username, client.SetRoleRequest{Role: client.RoleModerator, Reason: ptrTo(marker)})).StatusCode())
	require.Equal(t, 3, count(t, s, `SELECT count(*) FROM audit_log WHERE reason LIKE '%' || $1 || '%'`, marker))
}

const erase = `{"user":{"password":"` + servertest.Password + `"}}`

func TestDeleteCurrentUser(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url))
	replica := servertest.New(t, servertest.WithDatabase(url), servertest.Following())
	const marker = "zaphod"
	u := full(t, s, marker)
	key := responseOf(u.CreateApiKeyWithResponse(t.Context(), nil, client.CreateApiKeyJSONRequestBody{
		ApiKey: client.NewApiKey{Name: "k", Scopes: []client.Scope{client.Write}},
	})).JSON201.Key
	moderate(t, s, u, marker)
	known := []string{"/articles/zaphod-first", "/profiles/zaphod", "/articles/by-user1/comments", "/articles?tag=zaphodtag", "/tags", "/articles"}
	for _, at := range []*servertest.Service{s, replica} {
		for _, path := range known {
			res, _ := at.Do("GET", path, "") // so that it is in the cache
			require.Equal(t, 200, res.StatusCode)
		}
		for _, token := range []string{u.Token, key} {
			res, _ := at.Do("GET", "/user", "", "Authorization", "Token "+token)
			require.Equal(t, 200, res.StatusCode)
		}
	}

	res, body := s.Do("DELETE", "/user", `{"user":{"password":"not it at all"}}`, signed(u)...)
	requireRefusal(t, 422, allWrong("is incorrect", "password"), res, body)
	require.Equal(t, 200, responseOf(u.GetCurrentUserWithResponse(t.Context(), nil)).StatusCode(), "a wrong password erases nothing")

	res, body = s.Do("DELETE", "/user", erase, signed(u)...)
	require.Equal(t, 204, res.StatusCode, body)
	require.Empty(t, body)

	for _, token := range []string{u.Token, key} {
		res, _ := s.Do("GET", "/user", "", "Authorization", "Token "+token)
		require.Equal(t, 401, res.StatusCode)
		require.Eventually(t, func() bool {
			res, _ := replica.Do("GET", "/user", "", "Authorization", "Token "+token)
			return res.StatusCode == 401
		}, 10*time.Second, 10*time.Millisecond)
	}
	for _, at := range []*servertest.Service{s, replica} {
		for _, path := range known {
			_, body := at.Do("GET", path, "")
			require.NotContains(t, strings.ToLower(strings.ReplaceAll(body, path, "")), marker, path)
		}
	}
	requireNowhere(t, s.DB, marker)
	requireCountersExact(t, s.DB)
	require.Equal(t, 401, responseOf(s.Anonymous.LoginWithResponse(t.Context(), client.LoginJSONRequestBody{
		User: client.LoginUser{Email: marker + "@example.com", Password: servertest.Password},
	})).StatusCode())
	requireQuietLog(t, s.Log.String()+replica.Log.String(), marker, u)
	s.Register(marker) // its names are free again
}

// requireNowhere looks for text in every column of every table.
func requireNowhere(t *testing.T, d *db.DB, text string) {
	t.Helper()
	rows, err := d.Query(t.Context(), `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(tables), 10)
	for _, table := range tables {
		if table == "changes" {
			continue // names what has changed, as tags, for a minute; see db/changes
		}
		var n int
		require.NoError(t, d.QueryRow(t.Context(), fmt.Sprintf(
			`SELECT count(*) FROM %s x WHERE x::text ILIKE '%%' || $1 || '%%' OR x::text LIKE '%%' || encode($1::bytea, 'hex') || '%%'`,
			pgx.Identifier{table}.Sanitize()), text).Scan(&n))
		require.Zero(t, n, "%s has %d rows with %q", table, n, text)
	}
}

func requireCountersExact(t *testing.T, d *db.DB) {
	t.Helper()
	var wrong int
	require.NoError(t, d.QueryRow(t.Context(), `SELECT
		(SELECT count(*) FROM users u WHERE u.articles_count <> (SELECT count(*) FROM articles a WHERE a.author_id = u.id)
			OR u.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.user_id = u.id))
		+ (SELECT count(*) FROM articles a WHERE a.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.article_id = a.id))
		+ (SELECT count(*) FROM (SELECT name, sum(value) AS n FROM counters WHERE kind = 'tag' GROUP BY name) k
			WHERE k.n <> (SELECT count(*) FROM article_tags t WHERE t.tag = k.name))
		+ (SELECT count(*) FROM (SELECT DISTINCT tag FROM article_tags) t WHERE NOT EXISTS (SELECT 1 FROM counters WHERE kind = 'tag' AND name = tag))
		+ (SELECT count(*) FROM (SELECT sum(value) AS n FROM counters WHERE kind = 'articles') k WHERE k.n <> (SELECT count(*) FROM articles))`).Scan(&wrong))
	require.Zero(t, wrong)
}

// requireQuietLog checks that a log contains no personal data: no texts, names,
// addresses or credentials.
func requireQuietLog(t *testing.T, log, marker string, u servertest.User) {
	t.Helper()
	require.Greater(t, strings.Count(log, "\n"), 20)
	for _, text := range []string{marker, u.Token, servertest.Password, "127.0.0.1", "Go-http-client", "a reply", "@example.com"} {
		require.NotContains(t, strings.ToLower(log), strings.ToLower(text))
	}
}

// TestDeleteCurrentUserRace deletes an account while it and others write to its
// articles: no row is left, and no request gets a 5xx.
func TestDeleteCurrentUserRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u, other := s.Register("ford"), s.Register("arthur")
	s.Publish(u, "Ford first", "shared")
	s.Publish(other, "Arthur first", "shared")
	var running sync.WaitGroup
	for i := range 4 {
		running.Go(func() {
			for n := range 15 {
				for _, c := range []struct {
					method, path, body string
					as                 servertest.User
				}{
					{"POST", "/articles", fmt.Sprintf(`{"article":{"title":"Ford %d %d","description":"d","body":"b","tagList":["shared","t%d"]}}`, i, n, n), u},
					{"POST", "/articles/arthur-first/comments", `{"comment":{"body":"ford was here"}}`, u},
					{"POST", "/articles/ford-first/favorite", "", other},
					{"POST", "/profiles/ford/follow", "", other},
					{"POST", "/articles/arthur-first/favorite", "", u},
					{"POST", "/articles", fmt.Sprintf(`{"article":{"title":"Arthur %d %d","description":"d","body":"b","tagList":["t%d"]}}`, i, n, n), other},
				} {
					res, body := s.Do(c.method, c.path, c.body, signed(c.as)...)
					if res.StatusCode >= 500 {
						t.Errorf("%s %s: %d %s", c.method, c.path, res.StatusCode, body)
					}
				}
			}
		})
	}
	running.Go(func() {
		res, body := s.Do("DELETE", "/user", erase, signed(u)...)
		if res.StatusCode != 204 {
			t.Errorf("%d %s", res.StatusCode, body)
		}
	})
	running.Wait()
	requireNowhere(t, s.DB, "ford")
	requireCountersExact(t, s.DB)
}

// TestDeleteCurrentUserBig deletes an account with ten thousand articles, which
// others have commented on and favorited.
func TestDeleteCurrentUserBig(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("big")
	change(t, s, `INSERT INTO users (username, email, password_hash) SELECT 'f' || i, 'f' || i || '@example.com', '' FROM generate_series(1, 3) i`)
	insertMany(t, s, 10000, `INSERT INTO articles (slug, author_id, title, description, body, tags)
		SELECT 'a' || i, 1, 't', 'd', 'b', ARRAY['x' || i % 500] FROM generate_series($1::int, $2::int) i`)
	change(t, s, `INSERT INTO article_slugs SELECT slug, id FROM articles`)
	change(t, s, `INSERT INTO comments (article_id, author_id, body) SELECT a.id, u.id, 'c' FROM articles a, users u WHERE u.id > 1`)
	change(t, s, `INSERT INTO favorites (article_id, user_id, article_created_at) SELECT a.id, u.id, a.created_at FROM articles a, users u WHERE u.id > 1`)
	change(t, s, `INSERT INTO follows SELECT id, 1 FROM users WHERE id > 1`)
	res, body := s.Do("DELETE", "/user", erase, signed(u)...)
	require.Equal(t, 204, res.StatusCode, body)
	var left int
	require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM articles) + (SELECT count(*) FROM comments) + (SELECT count(*) FROM favorites)
		+ (SELECT count(*) FROM article_slugs) + (SELECT count(*) FROM article_tags) + (SELECT count(*) FROM follows)
		+ (SELECT count(*) FROM counters WHERE kind = 'tag')`).Scan(&left))
	require.Zero(t, left)
	requireCountersExact(t, s.DB)
}

func nullableText(s string) nullable.Nullable[string] { return nullable.NewNullableWithValue(s) }
