package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// The slug of a draft must not be told from one that nobody has by the time
// that a response takes either. Times are not compared here, but what makes
// them: the statements, and what these read.

// uncached returns a service without a cache, whose check for changes is a
// statement too.
func uncached(t *testing.T) *servertest.Service {
	t.Helper()
	return servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CacheBytes = 0 }))
}

// statements makes a call and returns the names of the statements that it took.
func (c call) statements(s *servertest.Service, method string) (res *http.Response, body string, names []string) {
	s.Statements.Reset()
	res, body = c.do(s, method)
	_, seen := s.Statements.Reset()
	for _, statement := range seen {
		name, _, _ := strings.Cut(strings.TrimPrefix(statement, "-- name: "), "\n")
		if !strings.HasPrefix(name, "Change") { // the feed of changes, which no request waits for
			names = append(names, name)
		}
	}
	return res, body, names
}

// draft creates a draft with a slug.
func (s *stage) draft(slug string) {
	s.must(http.MethodPost, call{path: "/articles", token: s.author.Token,
		body: fmt.Sprintf(`{"article":{"title":"Secret","description":"d","body":"b","slug":%q,"status":"draft"}}`, slug)})
}

// TestDraftSlugCostsAsMuchAsNone calls every operation on an article with the
// slug of a draft and with one that nobody has, and the operations that take a
// slug in their body.
func TestDraftSlugCostsAsMuchAsNone(t *testing.T) {
	t.Parallel()
	const secret, none = "secret-plan", "no-such-pla"
	doc, err := contract.Load()
	require.NoError(t, err)
	s := uncached(t)
	compare := func(t *testing.T, st *stage, method string, c call, draft, missing string) {
		t.Helper()
		stranger := st.s.Register("")
		for who, token := range map[string]string{"a stranger": stranger.Token, "an anonymous caller": "", "a moderator": st.as(auth.Moderator)} {
			at := func(slug string) call {
				c := c.as(token)
				return c.at(strings.ReplaceAll(c.path, "SLUG", slug)).sending(strings.ReplaceAll(c.body, "SLUG", slug))
			}
			at(missing).do(st.s, method) // the first call may store that a credential was used
			want, missed, cost := at(missing).statements(st.s, method)
			res, body, got := at(draft).statements(st.s, method)
			require.Equal(t, want.StatusCode, res.StatusCode, "%s as %s: %s", method, who, body)
			require.Equal(t, requestID.ReplaceAllString(missed, ""), requestID.ReplaceAllString(strings.ReplaceAll(body, draft, missing), ""), "as %s", who)
			require.Equal(t, cost, got, "%s %s as %s", method, c.path, who)
		}
	}
	compared := 0
	for _, op := range doc.Operations() {
		if len(op.Targets) == 0 || op.Targets[0].Kind != "article" {
			continue
		}
		t.Run(op.ID, func(t *testing.T) { // one after another: statements are counted
			st := newStage(s.For(t))
			draft := secret + "-" + strings.ToLower(st.author.Username)
			st.draft(draft)
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			c := valid[op.ID](st)
			slug, _, _ := strings.Cut(strings.TrimPrefix(c.path, "/articles/"), "/")
			compare(t, st, op.Method, c.at(strings.Replace(c.path, slug, "SLUG", 1)), draft, none+strings.TrimPrefix(draft, secret))
		})
		compared++
	}
	require.Greater(t, compared, 20)
	for name, c := range map[string]call{
		"Batch":       {path: "/batch/articles", body: `{"slugs":["SLUG"]}`},
		"Report":      {path: "/reports", body: `{"kind":"article","id":"SLUG","reason":"r"}`},
		"Translation": {path: "/articles", body: `{"article":{"title":"T","description":"d","body":"b","translationOf":"SLUG"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(s.For(t))
			st.draft(secret + strings.ToLower(name))
			compare(t, st, http.MethodPost, c, secret+strings.ToLower(name), none+strings.ToLower(name))
		})
	}
}

// TestDraftSlugIsReadAsMuchAsNone compares how much the rule of who finds an
// article reads, for the slug of a draft and for one that nobody has.
func TestDraftSlugIsReadAsMuchAsNone(t *testing.T) {
	t.Parallel()
	s := uncached(t)
	st := newStage(s)
	st.draft("secret-plan")
	st.fill(t, 30)
	tx, err := s.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(t.Context())
	var stranger int64
	require.NoError(t, tx.QueryRow(t.Context(), `SELECT id FROM users WHERE username = $1`, st.reader.Username).Scan(&stranger))
	read := func() (counts map[string]int64) {
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT jsonb_object_agg(c.relname || k.kind, k.n)
			FROM pg_class c, LATERAL (VALUES (' returned', pg_stat_get_xact_tuples_returned(c.oid)), (' fetched', pg_stat_get_xact_tuples_fetched(c.oid)),
				(' blocks', pg_stat_get_xact_blocks_fetched(c.oid))) AS k (kind, n)
			WHERE c.relname ~ '^(articles|article_slugs|draft_slugs|working_copies|hidden_items)'`).Scan(&counts))
		return counts
	}
	cost := func(slug string, viewer int64, level int) map[string]int64 {
		before := read()
		var found int
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM article_named($1, $2, $3)`, slug, viewer, level).Scan(&found))
		require.Zero(t, found)
		after := read()
		for name, n := range before {
			if after[name] -= n; after[name] == 0 {
				delete(after, name)
			}
		}
		return after
	}
	for _, viewer := range []int64{0, stranger} {
		for level := range 2 { // 1 is a moderator
			cost("no-such-pla", viewer, level) // the first one reads more of the indexes
			missing := cost("no-such-pla", viewer, level)
			require.NotEmpty(t, missing)
			require.Equal(t, missing, cost("secret-plan", viewer, level), "viewer %d, level %d", viewer, level)
		}
	}
}

// TestDraftSlugIsClaimedAsNone gives articles the slug of somebody else's
// draft, in each way, and one that nobody has. Nothing differs for who claims
// it.
func TestDraftSlugIsClaimedAsNone(t *testing.T) {
	t.Parallel()
	s := uncached(t)
	const soon = `"status":"scheduled","publishedAt":"2099-01-01T00:00:00Z"`
	created := func(members string) func(st *stage, name string) (string, call) {
		return func(_ *stage, name string) (string, call) {
			return http.MethodPost, call{path: "/articles", body: `{"article":{"description":"d","body":"b",` + strings.ReplaceAll(members, "NAME", name) + `}}`}
		}
	}
	// changed changes an article that has a status.
	changed := func(status, path, members string) func(st *stage, name string) (string, call) {
		return func(st *stage, name string) (string, call) {
			own := "own-" + name
			st.must(http.MethodPost, call{path: "/articles", token: st.reader.Token,
				body: fmt.Sprintf(`{"article":{"title":%q,"description":"d","body":"b","status":%q}}`, own, status)})
			return http.MethodPut, call{path: "/articles/" + own + path, body: `{"article":{` + strings.ReplaceAll(members, "NAME", name) + `}}`}
		}
	}
	for way, prepare := range map[string]func(st *stage, name string) (method string, c call){
		"Title":          created(`"title":"NAME"`),
		"Slug":           created(`"title":"T","slug":"NAME"`),
		"TitleOfDraft":   created(`"title":"NAME","status":"draft"`),
		"SlugOfDraft":    created(`"title":"T","slug":"NAME","status":"draft"`),
		"Scheduled":      created(`"title":"NAME",` + soon),
		"NewTitle":       changed("published", "", `"title":"NAME"`),
		"NewSlug":        changed("published", "", `"slug":"NAME"`),
		"OwnAndNewTitle": changed("draft", "", `"title":"NAME"`),
		"OwnAndNewSlug":  changed("draft", "", `"slug":"NAME"`),
		"Publish": func(st *stage, name string) (string, call) {
			st.must(http.MethodPost, call{path: "/articles", token: st.reader.Token, body: fmt.Sprintf(`{"article":{"title":%q,"description":"d","body":"b","status":"draft"}}`, name)})
			return http.MethodPost, call{path: "/articles/" + name + "/publish"}
		},
		"WorkingCopy": func(st *stage, name string) (string, call) {
			_, c := changed("published", "/working-copy", `"title":"NAME"`)(st, name)
			st.must(http.MethodPut, c.as(st.reader.Token))
			return http.MethodPost, call{path: strings.Replace(c.path, "working-copy", "publish", 1)}
		},
	} {
		t.Run(way, func(t *testing.T) { // one after another: statements are counted
			st := newStage(s.For(t))
			claim := func(name string) (status int, slug string, statements []string) {
				method, c := prepare(st, name)
				res, body, statements := c.as(st.reader.Token).statements(st.s, method)
				found := slugOf.FindStringSubmatch(body)
				require.NotNil(t, found, body)
				return res.StatusCode, found[1], statements
			}
			way := strings.ToLower(way)
			claim("first-" + way)
			want, slug, cost := claim("nobody-" + way)
			require.Equal(t, "nobody-"+way, slug)
			st.draft("secret-" + way)
			status, slug, got := claim("secret-" + way)
			require.Equal(t, want, status)
			require.Equal(t, "secret-"+way, slug)
			require.Equal(t, cost, got)
		})
	}
}
