package strangle_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle"
	"github.com/byline-api/byline/server/strangle/compare"
)

// respond answers with JSON.
func respond(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

// results waits until the proxy has compared an operation's requests.
func (w *world) results(operation string, n int) map[string]int {
	w.t.Helper()
	var got map[string]int
	w.eventually(func() bool {
		got = w.differences().Comparisons[operation]
		sum := 0
		for _, count := range got {
			sum += count
		}
		return sum >= n
	})
	return got
}

// TestShadow checks that the old system answers, the new one is asked the same,
// and differences are recorded.
func TestShadow(t *testing.T) {
	t.Parallel()
	w := start(t, modes("reads", "shadow"),
		respond(`{"articles":[{"slug":"a","body":"jake@example.com","createdAt":"2024-01-02T03:04:05Z"}],"articlesCount":1}`),
		respond(`{"articles":[{"slug":"a","body":"jack@example.com","createdAt":"2024-01-02T03:04:05.000Z","more":1}],"articlesCount":2}`))
	jake := token(`{"id":1}`)
	a := w.send("GET", "/api/articles?limit=5", "", "Authorization", jake, "If-None-Match", `"x"`, "X-Custom", "1", "Connection", "X-Hop", "X-Hop", "1")
	require.Equal(t, "old", a.from())
	require.Contains(t, a.body, "jake@example.com")
	require.Equal(t, map[string]int{"different": 1}, w.results("GetArticles", 1))

	asked := w.new.all()
	require.Len(t, asked, 1)
	require.Equal(t, "GET", asked[0].method)
	require.Equal(t, "/api/articles?limit=5", asked[0].uri)
	require.Equal(t, jake, asked[0].header.Get("Authorization"))
	require.Equal(t, "1", asked[0].header.Get("X-Custom"))
	require.Equal(t, "127.0.0.1", asked[0].header.Get("X-Forwarded-For"))
	require.Empty(t, asked[0].header.Get("If-None-Match"), "the tag is one of the old system")
	require.Empty(t, asked[0].header.Get("X-Hop"))
	require.Len(t, w.old.all(), 2, "the old system is asked again about a difference")

	d := w.differences().Differences
	require.Len(t, d, 2)
	require.Equal(t, "$.articlesCount", d[0].Path)
	require.Equal(t, "1", d[0].Samples[0].Old.Value)
	require.Equal(t, "$.articles[*].body", d[1].Path)
	require.Equal(t, 16, d[1].Samples[0].Old.Length)
	require.Equal(t, "1", w.metric(`strangle_differences_total{kind="value",operation="GetArticles",path="$.articlesCount"}`))
	require.Equal(t, "1", w.metric(`strangle_comparisons_total{operation="GetArticles",result="different"}`))
	require.NotEmpty(t, w.metric(`strangle_response_seconds_count{operation="GetArticles",upstream="shadow"}`))
	for _, path := range []string{"/", "/differences", "/metrics"} {
		require.NotContains(t, request(t, w.admin, "GET", path, "").body, "example.com")
	}
	require.NotContains(t, w.log.String(), "example.com")
}

// TestShadowRules checks that the rules of the configuration are used, also
// those for one operation.
func TestShadowRules(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) {
		c.Modes = strangle.Modes{"reads": "shadow"}
		c.Compare.Ignore = []compare.Path{compare.MustPath("$..image")}
		c.Compare.IgnoreFor = map[string][]compare.Path{"GetTags": {compare.MustPath("$.extra")}}
	}, respond(`{"tags":["a","b"],"extra":1,"image":1}`), respond(`{"tags":["b","a"],"extra":2,"image":2}`))
	w.send("GET", "/api/tags", "")
	w.send("GET", "/api/tags/go", "")
	require.Equal(t, map[string]int{"equal": 1}, w.results("GetTags", 1))
	require.Equal(t, map[string]int{"different": 1}, w.results("GetTag", 1))
	require.Equal(t, "$.extra", w.differences().Differences[0].Path)
}

// TestNoise checks that what the old system changes by itself is no difference.
func TestNoise(t *testing.T) {
	t.Parallel()
	n := atomic.Int64{}
	noisy := func(w http.ResponseWriter, r *http.Request) {
		respond(fmt.Sprintf(`{"now":%d,"stable":1}`, n.Add(1)))(w, r)
	}
	w := start(t, modes("reads", "shadow"), noisy, respond(`{"now":0,"stable":1}`))
	w.send("GET", "/api/tags", "")
	require.Equal(t, map[string]int{"noise": 1}, w.results("GetTags", 1))
	require.Empty(t, w.differences().Differences)

	w = start(t, modes("reads", "shadow"), noisy, respond(`{"now":0,"stable":2}`))
	w.send("GET", "/api/tags", "")
	require.Equal(t, map[string]int{"different": 1}, w.results("GetTags", 1))
	require.Equal(t, "$.stable", w.differences().Differences[0].Path)
}

// TestShadowChangesNothing checks that the client gets the old system's
// response at once, whatever the new one does.
func TestShadowChangesNothing(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"Hangs": hang, "Dies": abort, "Fails": status(500), "Lies": respond(`{"from":"new"}`)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, func(c *strangle.Config) {
				c.Modes = strangle.Modes{"default": "shadow"}
				c.NewTimeout = time.Hour // a response that waited for new would wait as long
				c.Shadow.Queue, c.Shadow.Workers = 2, 1
			}, nil, handler)
			for range 20 {
				a := w.send("GET", "/api/tags", "")
				require.Equal(t, `{"from":"old"}`, a.body)
				require.Equal(t, "old", a.from())
			}
			require.Equal(t, "20", w.metric(`strangle_requests_total{operation="GetTags",status="2xx",upstream="old"}`))
			if name == "Hangs" {
				require.Equal(t, map[string]int{"dropped": 17}, w.results("GetTags", 17), "one is asked, two wait")
			}
			w.send("POST", "/api/articles", "{}")
			for _, r := range w.new.all() {
				require.Equal(t, "GET", r.method, "a write is never shadowed without a rule")
			}
		})
	}
}

// TestShadowBytes checks that the memory for bodies is bounded, and released.
func TestShadowBytes(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	large := strings.Repeat("x", 600)
	w := start(t, func(c *strangle.Config) {
		c.Modes = strangle.Modes{"reads": "shadow"}
		c.Shadow = strangle.ShadowLimits{Workers: 1, Queue: 100, Bytes: 1000, Body: 700}
	}, respond(`"`+large+`"`), func(w http.ResponseWriter, r *http.Request) {
		<-release
		respond(`"`+large+`"`)(w, r)
	})
	for range 5 {
		w.send("GET", "/api/tags", "")
	}
	require.Equal(t, map[string]int{"dropped": 4}, w.results("GetTags", 4))
	close(release)
	require.Equal(t, map[string]int{"dropped": 4, "equal": 1}, w.results("GetTags", 5))
	w.send("GET", "/api/tags", "")
	require.Equal(t, map[string]int{"dropped": 4, "equal": 2}, w.results("GetTags", 6))
}

// TestShadowNotCompared checks the responses that cannot be compared.
func TestShadowNotCompared(t *testing.T) {
	t.Parallel()
	w := start(t, modes("reads", "shadow"), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		respond(`"`+strings.Repeat("x", 300<<10)+`"`)(w, r)
	}, nil)
	w.send("GET", "/api/tags", "", "If-None-Match", "x")
	require.Equal(t, map[string]int{"incomparable": 1}, w.results("GetTags", 1))
	w.send("GET", "/api/articles", "")
	require.Equal(t, map[string]int{"too_large": 1}, w.results("GetArticles", 1))
	require.Empty(t, w.new.all())
	require.Equal(t, http.StatusOK, w.send("HEAD", "/api/tags/go", "").StatusCode)
	require.Equal(t, map[string]int{"equal": 1}, w.results("GetTag", 1), "of HEAD the head is compared")
}

// TestShadowCompressed checks that compressed bodies are compared by their
// content, also in an encoding that only the old system knows.
func TestShadowCompressed(t *testing.T) {
	t.Parallel()
	text := `{"tags":["a"]}`
	encode := func(encoding string) []byte {
		var b bytes.Buffer
		var z io.WriteCloser = gzip.NewWriter(&b)
		if encoding == "deflate" {
			z = zlib.NewWriter(&b)
		}
		_, err := io.WriteString(z, text)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	for _, encoding := range []string{"gzip", "deflate", "br"} {
		w := start(t, modes("reads", "shadow"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.Header.Get("Accept-Encoding") != encoding {
				_, _ = io.WriteString(w, text)
				return
			}
			w.Header().Set("Content-Encoding", encoding)
			if encoding == "br" {
				_, _ = io.WriteString(w, "unreadable")
				return
			}
			_, _ = w.Write(encode(encoding))
		}, respond(`{"tags": ["a"]}`))
		w.send("GET", "/api/tags", "", "Accept-Encoding", encoding)
		require.Equal(t, map[string]int{"equal": 1}, w.results("GetTags", 1), encoding)
	}
}

// TestShadowBody checks that a read with a body is asked of new with it.
func TestShadowBody(t *testing.T) {
	t.Parallel()
	w := start(t, modes("reads", "shadow"), respond(`{}`), respond(`{}`))
	for _, length := range []string{"known", "unknown"} {
		var body io.Reader = strings.NewReader(`{"slugs":["` + length + `"]}`)
		if length == "unknown" {
			body = io.MultiReader(body)
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.front.URL+"/api/batch/articles", body)
		require.NoError(t, err)
		res, err := w.front.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
	}
	require.Equal(t, map[string]int{"equal": 2}, w.results("BatchGetArticles", 2))
	bodies := []string{w.new.all()[0].body, w.new.all()[1].body}
	require.ElementsMatch(t, []string{`{"slugs":["known"]}`, `{"slugs":["unknown"]}`}, bodies)
}

// TestShadowWrites checks that a write with a rule is carried out by new once,
// with a key, and only if old has carried it out.
func TestShadowWrites(t *testing.T) {
	t.Parallel()
	refuse := atomic.Bool{}
	w := start(t, func(c *strangle.Config) {
		c.Modes = strangle.Modes{"CreateArticleComment": "shadow"}
		c.ShadowWrites = []strangle.ShadowWrite{{Operation: "CreateArticleComment", IdempotencyKey: true}}
	}, func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		respond(`{"comment":{"id":1}}`)(w, r)
	}, respond(`{"comment":{"id":2}}`))
	path, body := "/api/articles/a/comments", `{"comment":{"body":"hello"}}`
	require.Equal(t, "old", w.send("POST", path, body).from())
	require.Equal(t, map[string]int{"different": 1}, w.results("CreateArticleComment", 1))
	w.send("POST", path, body, "Idempotency-Key", "mine")
	require.Equal(t, map[string]int{"different": 2}, w.results("CreateArticleComment", 2))
	refuse.Store(true)
	w.send("POST", path, body)
	require.Equal(t, map[string]int{"different": 2, "incomparable": 1}, w.results("CreateArticleComment", 3))
	require.Len(t, w.old.all(), 3, "the old system is not asked again")
	asked := w.new.all()
	require.Len(t, asked, 2)
	require.Equal(t, body, asked[0].body)
	require.NotEmpty(t, asked[0].header.Get("Idempotency-Key"))
	require.Equal(t, "mine", asked[1].header.Get("Idempotency-Key"))
}

// TestShadowAfterWrite checks that what a user reads after a write is not
// compared, because the import has not copied the write yet.
func TestShadowAfterWrite(t *testing.T) {
	t.Parallel()
	w := start(t, modes("reads", "shadow"), respond(`{"articlesCount":1}`), respond(`{"articlesCount":0}`))
	jake := []string{"Authorization", token(`{"id":1}`), "User-Agent", "jake"}
	w.send("POST", "/api/articles", "{}", jake...)
	w.send("GET", "/api/articles", "", jake...)
	require.Equal(t, map[string]int{"incomparable": 1}, w.results("GetArticles", 1))
	require.Empty(t, w.new.all())
}

// TestDifferencesJSON checks that the JSON of an empty list is a list.
func TestDifferencesJSON(t *testing.T) {
	t.Parallel()
	w := start(t, nil, nil, nil)
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(request(t, w.admin, "GET", "/differences", "").body), &got))
	require.Equal(t, "[]", string(got["differences"]))
}
