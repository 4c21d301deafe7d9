package strangle_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle"
)

// TestEveryOperation sets each operation of the document alone to new, and
// checks that its requests go to new and those of all others to old.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	doc, err := document()
	require.NoError(t, err)
	w := start(t, func(c *strangle.Config) { c.StickAfterWrite = 0 }, nil, nil)
	parameter := regexp.MustCompile(`\{\w+\}`)
	paths := map[string]string{}
	for _, op := range doc.Operations() {
		paths[op.ID] = "/api" + parameter.ReplaceAllString(op.Path, "some%2Fthing")
	}
	require.Greater(t, len(paths), 60)
	for mode, want := range map[string]string{"old": "old", "new": "new", "0%": "old", "100%": "new", "shadow": "old"} {
		w.set("default", mode)
		for _, op := range doc.Operations() {
			want := want
			if !op.Safe && strings.HasSuffix(mode, "%") {
				want = "old" // a share is one of reads
			}
			require.Equal(t, want, w.send(op.Method, paths[op.ID], "").from(), "%s %s", op.ID, mode)
		}
	}
	for _, op := range doc.Operations() {
		w.set(op.ID, "new")
		a := w.send(op.Method, paths[op.ID], "")
		require.Equal(t, "new", a.from(), op.ID)
		requests := w.new.all()
		require.Equal(t, paths[op.ID], requests[len(requests)-1].uri)
		for _, other := range doc.Operations() {
			if other.Tag == op.Tag && other.ID != op.ID {
				require.Equal(t, "old", w.send(other.Method, paths[other.ID], "").from(), "%s while %s is new", other.ID, op.ID)
			}
		}
	}
}

// TestModesByName checks that the most precise name decides.
func TestModesByName(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) {
		modes("default", "old", "reads", "new", "tags", "old", "GetTag", "new", "users", "new")(c)
		c.StickAfterWrite = 0
	}, nil, nil)
	for request, want := range map[string]string{
		"GET /api/articles":           "new", // reads
		"HEAD /api/articles":          "new",
		"GET /api/tags":               "old", // its tag
		"GET /api/tags/go":            "new", // its own
		"POST /api/articles":          "old", // default
		"POST /api/users":             "new", // its tag
		"POST /api/batch/articles":    "new", // a POST that only reads
		"GET /api/nothing":            "old",
		"GET /":                       "old",
		"GET /api":                    "old",
		"GET /api/":                   "old",
		"GET /apix/articles":          "old",
		"PATCH /api/articles/a":       "old",
		"GET /api/articles/../tags/x": "old",
		"GET /api//articles":          "old",
	} {
		method, path, _ := strings.Cut(request, " ")
		require.Equal(t, want, w.send(method, path, "").from(), request)
	}
}

// TestLikeExpress checks that a path which Express accepts does not escape the
// mode of its operation, and that the new system gets it in the right form.
func TestLikeExpress(t *testing.T) {
	t.Parallel()
	w := start(t, modes("default", "new"), nil, nil)
	for path, want := range map[string]string{
		"/api/Articles":               "/api/articles",
		"/API/articles/":              "/api/articles",
		"/api/ARTICLES/My-Slug/":      "/api/articles/My-Slug",
		"/api/articles/a%2Fb?x=1;y=%": "/api/articles/a%2Fb?x=1;y=%",
		"/api/articles/Feed":          "/api/articles/feed",
		"/api/articles/%66eed":        "/api/articles/%66eed",
	} {
		a := w.send("GET", path, "")
		require.Equal(t, "new", a.from(), path)
		all := w.new.all()
		require.Equal(t, want, all[len(all)-1].uri)
	}
	require.Equal(t, "new", w.send("PUT", "/api/articles/feed", "").from(), "an article with this slug")
}

// TestPrefixes checks that the systems may have the API at different paths.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	for prefix, path := range map[string]string{"": "/tags", "/v1/conduit": "/v1/conduit/tags"} {
		w := start(t, nil, nil, nil)
		cfg := w.config()
		cfg.OldPrefix, cfg.NewPrefix = prefix, "/next/api"
		w.run(cfg, nil)
		require.Equal(t, "old", w.send("GET", path, "").from())
		require.Equal(t, path, w.old.all()[0].uri)
		w.set("GetTags", "new")
		require.Equal(t, "new", w.send("GET", path, "").from())
		require.Equal(t, "/next/api/tags", w.new.all()[0].uri)
	}
}

// TestPreflight checks that a browser asks the system that will answer whether
// it may send a request.
func TestPreflight(t *testing.T) {
	t.Parallel()
	w := start(t, modes("CreateArticle", "new", "GetArticles", "50%"), nil, nil)
	require.Equal(t, "new", w.send("OPTIONS", "/api/articles", "", "Access-Control-Request-Method", "POST").from())
	require.Equal(t, "old", w.send("OPTIONS", "/api/articles", "", "Access-Control-Request-Method", "GET").from())
	require.Equal(t, "old", w.send("OPTIONS", "/api/articles", "").from())
}

// TestSticky checks that a percentage sticks to a user, is about right, and
// that who is in stays in when it grows.
func TestSticky(t *testing.T) {
	t.Parallel()
	w := start(t, nil, nil, nil)
	const users = 120
	in := map[int]bool{}
	for _, percent := range []int{0, 1, 10, 50, 100} {
		w.set("reads", fmt.Sprintf("%d%%", percent))
		now := map[int]bool{}
		for user := range users {
			// The same account has another token after a sign-in.
			for _, claims := range []string{`{"user":{"id":%d,"email":"a@example.com"},"iat":1}`, `{"id":"%d","iat":2}`, `{"sub":"%d","iat":3}`} {
				from := w.send("GET", "/api/articles", "", "Authorization", token(fmt.Sprintf(claims, user))).from()
				if claims[2] == 'u' {
					now[user] = from == "new"
				}
				require.Equal(t, now[user], from == "new")
			}
			require.False(t, in[user] && !now[user], "user %d left at %d %%", user, percent)
		}
		count := 0
		for _, isIn := range now {
			if isIn {
				count++
			}
		}
		require.InDelta(t, users*percent/100, count, 20)
		in = now
	}
}

// TestStickyWithoutAccount checks the users whom no claims name.
func TestStickyWithoutAccount(t *testing.T) {
	t.Parallel()
	w := start(t, modes("reads", "50%"), nil, nil)
	seen := map[string]int{}
	for i := range 64 {
		for _, header := range [][]string{
			{"Authorization", fmt.Sprintf("Bearer opaque-%d", i)},
			{"Authorization", fmt.Sprintf("Token a.%d.b", i)},
			{"Authorization", fmt.Sprint(i)},
			{"User-Agent", fmt.Sprintf("browser %d", i)},
		} {
			first := w.send("GET", "/api/tags", "", header...).from()
			require.Equal(t, first, w.send("GET", "/api/tags", "", header...).from(), header)
			seen[header[0]+first]++
		}
	}
	require.Len(t, seen, 4, "both systems for both kinds")
}

// TestStickAfterWrite checks that a user reads from old for a while after a
// write to it, also if the user had no token then.
func TestStickAfterWrite(t *testing.T) {
	t.Parallel()
	w := start(t, modes("reads", "new"), nil, nil)
	jake := []string{"Authorization", token(`{"id":1}`), "User-Agent", "jake"}
	anna := []string{"Authorization", token(`{"id":2}`), "User-Agent", "anna"}
	require.Equal(t, "new", w.send("GET", "/api/articles", "", jake...).from())
	require.Equal(t, "old", w.send("POST", "/api/articles", "{}", jake...).from())
	require.Equal(t, "old", w.send("GET", "/api/articles", "", jake...).from())
	require.Equal(t, "new", w.send("GET", "/api/articles", "", anna...).from())
	require.Equal(t, `1`, w.metric(`strangle_fallbacks_total{operation="GetArticles",reason="after_write"}`))

	require.Equal(t, "old", w.send("POST", "/api/users", "{}", "User-Agent", "eve").from())
	require.Equal(t, "old", w.send("GET", "/api/user", "", "Authorization", token(`{"id":3}`), "User-Agent", "eve").from())

	w.set("reads", "new", "CreateArticle", "new")
	require.Equal(t, "new", w.send("POST", "/api/articles", "{}", jake...).from())
	require.Equal(t, "new", w.send("GET", "/api/articles", "", jake...).from(), "only new has the write")
	require.Equal(t, "old", w.send("PUT", "/api/articles/a", "{}", jake...).from())
	require.Equal(t, "old", w.send("GET", "/api/articles", "", jake...).from())
	w.set("reads", "new", "writes", "hold")
	require.Equal(t, "old", w.send("GET", "/api/articles", "", jake...).from())
	w.set("default", "new")
	require.Equal(t, "new", w.send("GET", "/api/articles", "", jake...).from(), "all writes have moved")

	none := start(t, func(c *strangle.Config) { modes("reads", "new")(c); c.StickAfterWrite = 0 }, nil, nil)
	require.Equal(t, "old", none.send("POST", "/api/articles", "{}", jake...).from())
	require.Equal(t, "new", none.send("GET", "/api/articles", "", jake...).from())
}

// TestConnect checks that nobody uses the port as a proxy to other sites.
func TestConnect(t *testing.T) {
	t.Parallel()
	w := start(t, nil, nil, nil)
	require.Equal(t, http.StatusMethodNotAllowed, w.send("CONNECT", "", "").StatusCode)
	require.Empty(t, w.old.all())
}
