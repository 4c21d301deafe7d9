package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/ratelimit"
	"github.com/byline-api/byline/server/servertest"
)

// codesOf has the problem codes that an operation may return with a status.
var codesOf = map[int][]string{
	400: {"invalid_json", "invalid_request"},
	401: {"token_missing", "token_invalid", "token_expired", "credentials_invalid"},
	403: {"forbidden", "account_suspended", "registration_closed", "comments_closed", "scope_insufficient", "role_insufficient"},
	404: {"not_found"},
	409: {"already_taken", "already_decided"},
	412: {"precondition_failed"},
	413: {"body_too_large"},
	415: {"unsupported_media_type"},
	422: {"validation_failed", "idempotency_key_reused"},
	429: {"rate_limited"},
	500: {"internal"},
	503: {"database_unavailable", "overloaded"},
}

// services has a service in each state that a status depends on.
type services struct {
	url                                      string
	healthy, limited, closed, cutOff, broken *servertest.Service
	still                                    sync.RWMutex
	// brokenCalls were made while the broken service still worked.
	brokenCalls map[string]call
	badInputs   map[string]map[string]func(call) call
}

// TestEveryStatus gets every status that the document declares. The harness
// checks each response against the document, so that together they show that
// the document declares exactly the statuses that occur.
func TestEveryStatus(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := newServices(t, doc)
	unused := map[string]bool{}
	for key := range scenarios {
		unused[key] = true
	}
	for _, op := range doc.Operations() {
		for _, status := range op.Statuses {
			key := fmt.Sprintf("%s %d", op.ID, status)
			delete(unused, key)
			t.Run(key, func(t *testing.T) {
				t.Parallel()
				// For a 304, nothing may change between two reads.
				if status == http.StatusNotModified {
					s.still.Lock()
					defer s.still.Unlock()
				} else {
					s.still.RLock()
					defer s.still.RUnlock()
				}
				s.reach(t, op, status, key)
			})
		}
	}
	require.Empty(t, unused, "scenarios for statuses that the document does not declare")
}

func newServices(t *testing.T, doc *contract.Document) *services {
	s := &services{url: dbtest.URL(t), brokenCalls: map[string]call{}, badInputs: badInputs(t)}
	s.healthy = servertest.New(t, servertest.WithDatabase(s.url))

	one := ratelimit.Quota{Requests: 1, Window: time.Hour}
	s.limited = servertest.New(t, servertest.WithDatabase(s.url), servertest.WithServer(func(c *server.Config) {
		c.Quotas = ratelimit.Quotas{"read": one, "write": one, "auth": one}
	}))

	s.closed = servertest.New(t, servertest.WithDatabase(s.url), servertest.WithRules(func(r *signin.Rules) {
		r.Registration = signin.ClosedRegistration
	}))

	p, through := newProxy(t, s.url)
	s.cutOff = servertest.New(t, servertest.WithDatabase(through))
	p.cut()

	s.broken = servertest.New(t)
	for _, op := range doc.Operations() {
		if prepare, ok := valid[op.ID]; ok {
			s.brokenCalls[op.ID] = prepare(newStage(s.broken))
		}
	}
	breakTables(t, s.broken)
	return s
}

// breakTables makes every query fail with undefined_table, which the service
// takes for a bug and not for an outage.
func breakTables(t testing.TB, s *servertest.Service) {
	t.Helper()
	_, err := s.DB.Exec(t.Context(), `DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
			EXECUTE format('ALTER TABLE %I RENAME TO %I', name, 'lost_' || name);
		END LOOP;
	END $$`)
	require.NoError(t, err)
}

// reach sends the requests whose response must have the status.
func (s *services) reach(t *testing.T, op *contract.Operation, status int, key string) {
	at := s.healthy.For(t)
	st := newStage(at)
	makeValid := valid[op.ID]
	require.NotNil(t, makeValid, "add a valid request of %s to server/scenarios_test.go", op.ID)
	var calls []call
	scenario, special := scenarios[key]
	switch {
	case special:
		calls = scenario(st)
	case status >= 200 && status < 300:
		calls = []call{makeValid(st)}
	case status == 304:
		c := makeValid(st)
		res, _ := c.do(at, op.Method)
		require.NotEmpty(t, res.Header.Get("ETag"))
		calls = []call{c.with("If-None-Match", res.Header.Get("ETag"))}
	case status == 400:
		c := makeValid(st)
		calls = []call{c.at(c.path + "?limit=%zz"), c.at(c.path + "?x=%ff"), c.at(c.path + "?a;b")}
		if op.MaxBody > 0 {
			calls = append(calls, c.sending(`{"`), c.sending(" "), c.sending(c.body+"x"), c.sending("{\"user\":\"\xff\"}"))
		}
	case status == 401 && op.Security == contract.Required:
		c := makeValid(st)
		calls = []call{c.as(""), c.as("nonsense"), c.with("Authorization", "Basic YTpi"), c.with("Authorization", "Token")}
	case status == 403 && op.Security == contract.None:
		at = s.closed.For(t)
		calls = []call{makeValid(st)}
	case status == 403 && op.Scope > auth.ScopeRead:
		c := makeValid(st)
		calls = []call{c.as(st.apiKey("read").Key)}
		if op.Owner != "" {
			calls = append(calls, c.as(st.reader.Token))
		}
	case status == 404 && len(op.Targets) > 0:
		c := makeValid(st)
		for _, target := range op.Targets {
			calls = append(calls, c.missing(t, op, target))
		}
	case status == 413:
		c := makeValid(st)
		calls = []call{c.sending(c.body + strings.Repeat(" ", int(op.MaxBody)))}
	case status == 415:
		c := makeValid(st)
		calls = []call{c.with("Content-Type", "text/plain"), c.with("Content-Type", ""), c.with("Content-Encoding", "gzip")}
	case status == 422 && len(s.badInputs[op.ID]) > 0:
		for _, spoil := range s.badInputs[op.ID] {
			calls = append(calls, spoil(makeValid(st)))
		}
	case status == 429:
		at = s.limited.For(t)
		c := makeValid(st)
		c.at(c.path+"?x=%ff").do(at, op.Method) // a refusal changes nothing, but uses up the quota
		calls = []call{c}
	case status == 500:
		at = s.broken.For(t)
		calls = []call{s.brokenCalls[op.ID]}
	case status == 503:
		at = s.cutOff.For(t)
		calls = []call{makeValid(st)}
	default:
		t.Fatalf("add a scenario for %s to server/scenarios_test.go", key)
	}
	require.NotEmpty(t, calls)
	for _, c := range calls {
		res, body := c.do(at, op.Method)
		require.Equal(t, status, res.StatusCode, "%s, api/%s*.go: %+v\n%s%s", op.ID, op.Tag, c, body, cause(at, res))
		if status >= 400 {
			var p client.Problem
			require.NoError(t, json.Unmarshal([]byte(body), &p))
			require.True(t, slices.Contains(codesOf[status], string(p.Code)), body)
			requireProblem(t, status, string(p.Code), res, []byte(body))
		}
		if status == 429 || status == 503 {
			seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
			require.NoError(t, err)
			require.Positive(t, seconds)
		}
		if status == 401 || strings.Contains(body, "scope_insufficient") {
			require.NotEmpty(t, res.Header.Get("WWW-Authenticate"))
		}
	}
}

// cause returns the log line with the cause of a 500.
func cause(s *servertest.Service, res *http.Response) string {
	if res.StatusCode != http.StatusInternalServerError {
		return ""
	}
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, res.Header.Get("X-Request-Id")) {
			return line
		}
	}
	return ""
}

// call is a request to an operation.
type call struct {
	path, body, token string
	header            []string
	unseen            bool // only the owner and editors see the target
}

func (c call) at(path string) call      { c.path = path; return c }
func (c call) sending(body string) call { c.body = body; return c }
func (c call) as(token string) call     { c.token = token; return c }
func (c call) with(header ...string) call {
	c.header = slices.Concat(c.header, header)
	return c
}

func (c call) do(s *servertest.Service, method string) (*http.Response, string) {
	header := c.header
	if c.token != "" {
		header = slices.Concat([]string{"Authorization", "Token " + c.token}, header)
	}
	return s.Do(method, c.path, c.body, header...)
}

// stage has an author with an article and a comment on it, and a reader.
type stage struct {
	s              *servertest.Service
	author, reader servertest.User
	slug           string
	comment        string
	series         string // "" until the function series was called
	fills          int    // how often fill was called
}

func newStage(s *servertest.Service) *stage {
	st := &stage{s: s, author: s.Register(""), reader: s.Register("")}
	st.slug = s.Publish(st.author, "By "+st.author.Username, "stage").Slug
	_, body := call{path: "/articles/" + st.slug + "/comments", token: st.author.Token, body: `{"comment":{"body":"Hm."}}`}.do(s, "POST")
	var created client.CommentResponse
	if err := json.Unmarshal([]byte(body), &created); err != nil {
		panic(err)
	}
	st.comment = strconv.FormatInt(created.Comment.Id, 10)
	return st
}

// as returns the token of a user with the role.
func (s *stage) as(role auth.Role) string {
	u := s.s.Register("")
	if role == auth.Admin {
		// The service keeps the last admin, so that a second one is needed.
		_, err := s.s.DB.Exec(context.Background(), `INSERT INTO users (username, email, password_hash, role)
			VALUES ('root', 'root@example.com', '', 'admin') ON CONFLICT DO NOTHING`)
		if err != nil {
			panic(err)
		}
	}
	s.s.SetRole(u.Username, role)
	return u.Token
}

// wait makes the comment one that waits for approval.
func (s *stage) wait() {
	if _, err := s.s.DB.Exec(context.Background(), `UPDATE comments SET hidden = true, waiting = true WHERE id = $1::text::bigint`, s.comment); err != nil {
		panic(err)
	}
}

// suspend suspends a user.
func (s *stage) suspend(u servertest.User) {
	_, err := s.s.DB.Exec(context.Background(), `UPDATE users SET suspended_at = now() WHERE username = $1`, u.Username)
	if err != nil {
		panic(err)
	}
}
