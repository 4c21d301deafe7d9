package apisource_test

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/byline-api/byline/db/importer/apisource"
	"github.com/byline-api/byline/db/importer/filesource"
	"github.com/byline-api/byline/db/importer/source"
)

// backend is an old system with what a test gives it.
type backend struct {
	mu       sync.Mutex
	articles []map[string]any // the newest first
	comments map[string][]map[string]any
	before   func(w http.ResponseWriter, r *http.Request) bool // reports whether it has answered
	list     func(response map[string]any, r *http.Request)    // changes the response of a list
	asked    map[string]int                                    // requests by path and query
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[r.URL.String()]++
	if b.before != nil && b.before(w, r) {
		return
	}
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
	switch {
	case segments[0] == "user":
		answer(w, map[string]any{"user": map[string]any{"username": "jake", "email": "jake@example.com"}})
	case segments[0] == "profiles":
		answer(w, map[string]any{"profile": map[string]any{"username": segments[1], "bio": "bio of " + segments[1], "image": nil, "following": segments[1] == "anna"}})
	case len(segments) == 1:
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		var all []map[string]any
		for _, a := range b.articles {
			if by := r.URL.Query().Get("favorited"); by == "" || slices.Contains(a["likedBy"].([]string), by) {
				all = append(all, map[string]any{"slug": a["slug"]})
			}
		}
		response := map[string]any{"articles": all[min(offset, len(all)):min(offset+limit, len(all))], "articlesCount": len(all)}
		if b.list != nil {
			b.list(response, r)
		}
		answer(w, response)
	default:
		i := slices.IndexFunc(b.articles, func(a map[string]any) bool { return a["slug"] == segments[1] })
		switch {
		case i < 0:
			http.Error(w, "no", http.StatusNotFound)
		case len(segments) == 3:
			answer(w, map[string]any{"comments": b.comments[segments[1]]})
		default:
			answer(w, map[string]any{"article": b.articles[i]})
		}
	}
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func entry(i int) map[string]any {
	return map[string]any{"slug": fmt.Sprintf("a-%d", i), "title": fmt.Sprint("A ", i), "description": "d", "body": "b", "tagList": []string{"z", "a"}, "likedBy": []string{"anna"},
		"createdAt": "2024-02-29T12:00:00.000Z", "updatedAt": "2024-02-29T12:00:00.000Z", "author": map[string]any{"username": "jake", "bio": nil, "image": "i", "following": false}}
}

// start starts a backend with some articles, and a source that reads it.
func start(t testing.TB, articles int, options apisource.Options) (*backend, *apisource.Source) {
	t.Helper()
	b := &backend{comments: map[string][]map[string]any{}, asked: map[string]int{}}
	for i := articles; i > 0; i-- {
		b.articles = append(b.articles, entry(i))
	}
	web := httptest.NewServer(b)
	t.Cleanup(web.Close)
	return b, at(t, web.URL+"/api", options)
}

func at(t testing.TB, address string, options apisource.Options) *apisource.Source {
	t.Helper()
	if options.FirstPause == 0 {
		options.FirstPause = time.Microsecond
	}
	options.MaxPause = cmp.Or(options.MaxPause, time.Millisecond)
	options.Dir = t.TempDir()
	s, err := apisource.New(address, options)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		entries, err := os.ReadDir(options.Dir)
		require.NoError(t, err)
		require.Empty(t, entries, "the temporary file is deleted")
	})
	return s
}

func collect[R any](t testing.TB, rows iter.Seq2[R, error]) (all []R) {
	t.Helper()
	for row, err := range rows {
		require.NoError(t, err)
		all = append(all, row)
	}
	return all
}

func slugs(t testing.TB, s *apisource.Source) (all []string) {
	t.Helper()
	for _, a := range collect(t, s.Articles(t.Context(), source.Range{})) {
		all = append(all, a.Slug)
	}
	return all
}

func numbered(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf("a-%d", i))
	}
	return all
}

func TestSource(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "secret", "Bearer secret"} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			var progress []int
			b, s := start(t, 25, apisource.Options{Token: token, PageSize: 10, Concurrency: 3, Progress: func(read, known int) { progress = append(progress, read, known) }})
			b.comments["a-3"] = []map[string]any{
				{"id": 9, "body": "second", "author": map[string]any{"username": "anna"}, "createdAt": "2024-02-29T12:00:00Z", "parentId": 8},
				{"id": "8", "body": "first 日本語 👩‍🚀\x00", "author": "bob"},
				{"id": 8, "body": "again", "author": "bob"},
				{"id": 10, "body": "hidden", "author": "bob", "hidden": map[string]any{"reason": "rude"}},
				{"id": 11, "body": "", "author": map[string]any{"username": "", "bio": nil}, "deleted": true},
			}
			want := map[string]string{"secret": "Token secret"}
			b.before = func(_ http.ResponseWriter, r *http.Request) bool {
				if w, ok := want[token]; ok {
					require.Equal(t, w, r.Header.Get("Authorization"))
				} else {
					require.Equal(t, token, r.Header.Get("Authorization"))
				}
				return false
			}
			counts, err := s.Counts(t.Context())
			require.NoError(t, err)
			follows := int64(0)
			if token != "" {
				follows = 1
			}
			require.Equal(t, source.Counts{source.Users: 3, source.Articles: 25, source.Comments: 3, source.Favorites: 25, source.Follows: follows}, withZero(counts))
			require.Equal(t, numbered(1, 25), slugs(t, s), "the oldest first")
			users := collect(t, s.Users(t.Context(), source.Range{}))
			require.Equal(t, []string{"jake", "bob", "anna"}, []string{users[0].Key, users[1].Key, users[2].Key})
			require.Equal(t, "bio of anna", *users[2].Bio)
			if token == "" {
				require.Empty(t, users[0].Email)
				require.Nil(t, users[0].Bio)
			} else {
				require.Equal(t, "jake@example.com", users[0].Email)
				require.Equal(t, "jake/anna", collect(t, s.Follows(t.Context(), source.Range{}))[0].Key)
			}
			comments := collect(t, s.Comments(t.Context(), source.Range{}))
			require.Equal(t, []string{"8", "9", "11"}, []string{comments[0].Key, comments[1].Key, comments[2].Key})
			require.Equal(t, []string{"first 日本語 👩‍🚀\x00", "8", ""}, []string{comments[0].Body, comments[1].ParentKey, comments[2].AuthorKey})
			require.Len(t, collect(t, s.Favorites(t.Context(), source.Range{After: collect(t, s.Favorites(t.Context(), source.Range{}))[4].Position})), 20)
			require.Len(t, collect(t, s.Keys(t.Context(), source.Favorites)), 25)
			require.Equal(t, []int{25, 25}, progress[len(progress)-2:])
			require.NotContains(t, s.Describe(), "secret")
			require.False(t, s.HasIDs(), "the keys are names")
			for asked, times := range b.asked {
				require.True(t, times == 1 || strings.Contains(asked, "offset="), "%s was asked %d times", asked, times)
			}
		})
	}
}

func withZero(c source.Counts) source.Counts {
	for _, kind := range source.Kinds {
		c[kind] += 0
	}
	return c
}

// TestDialects reads responses in the forms of other backends.
func TestDialects(t *testing.T) {
	t.Parallel()
	b, s := start(t, 1, apisource.Options{})
	b.articles[0] = map[string]any{"slug": "ü/x y", "title": "T", "description": nil, "tagList": "one, two", "author": "jake", "createdAt": "2024-02-29 12:00:00+00", "updatedAt": 1709208000000, "likedBy": []string{}}
	b.list = func(response map[string]any, _ *http.Request) { delete(response, "articlesCount") }
	b.before = func(w http.ResponseWriter, r *http.Request) bool {
		switch strings.TrimPrefix(r.URL.EscapedPath(), "/api/articles/") {
		case "%C3%BC%2Fx%20y":
			answer(w, map[string]any{"article": b.articles[0]})
			return true
		case "%C3%BC%2Fx%20y/comments":
			answer(w, map[string]any{"comments": nil})
			return true
		}
		return false
	}
	articles := collect(t, s.Articles(t.Context(), source.Range{}))
	require.Len(t, articles, 1)
	a := articles[0]
	day := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	require.Equal(t, []any{"ü/x y", "jake", []string{"one", "two"}, day, day, "", ""}, []any{a.Slug, a.AuthorKey, a.Tags, a.CreatedAt, a.UpdatedAt, a.Body, a.Description})
}

// TestMoving changes the list between its pages. No article is lost, and none is
// there twice.
func TestMoving(t *testing.T) {
	t.Parallel()
	pages := func(b *backend, do func(page int)) {
		page := 0
		b.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/articles" && r.URL.Query().Get("favorited") == "" {
				page++
				do(page)
			}
			return false
		}
	}
	t.Run("New", func(t *testing.T) {
		t.Parallel()
		b, s := start(t, 40, apisource.Options{PageSize: 10})
		pages(b, func(page int) { // forever
			b.articles = append([]map[string]any{entry(40 + page)}, b.articles...)
		})
		got := slugs(t, s)
		require.Subset(t, got, numbered(1, 40))
		require.Len(t, got, len(slices.Compact(slices.Sorted(slices.Values(got)))))
	})
	t.Run("Deleted", func(t *testing.T) {
		t.Parallel()
		b, s := start(t, 40, apisource.Options{PageSize: 10})
		pages(b, func(page int) {
			if page == 3 || page == 4 {
				b.articles = b.articles[2:] // those behind move forward, over the border of pages
			}
		})
		require.Subset(t, slugs(t, s), numbered(1, 36))
	})
	t.Run("MovedToFront", func(t *testing.T) {
		t.Parallel()
		b, s := start(t, 40, apisource.Options{PageSize: 10})
		pages(b, func(page int) {
			if page == 2 { // as when the last one is edited and the list is sorted by edits
				b.articles = append(b.articles[39:], b.articles[:39]...)
			}
		})
		require.ElementsMatch(t, numbered(1, 40), slugs(t, s))
	})
	t.Run("DeletedBeforeRead", func(t *testing.T) {
		t.Parallel()
		b, s := start(t, 40, apisource.Options{PageSize: 10})
		b.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/articles/a-5" && len(b.articles) == 40 {
				b.articles = b.articles[:35]
			}
			return false
		}
		require.Subset(t, slugs(t, s), numbered(6, 40))
	})
	t.Run("Renamed", func(t *testing.T) {
		t.Parallel()
		b, s := start(t, 40, apisource.Options{PageSize: 10})
		b.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/articles/a-20" {
				b.articles[20]["slug"] = "renamed"
			}
			return false
		}
		require.Equal(t, append(append(numbered(1, 19), numbered(21, 40)...), "renamed"), slugs(t, s))
	})
	t.Run("Never", func(t *testing.T) {
		t.Parallel()
		b, s := start(t, 40, apisource.Options{PageSize: 10})
		pages(b, func(page int) { b.articles = slices.Insert(b.articles, 5, entry(100+page)) })
		_, err := s.Counts(t.Context())
		require.ErrorContains(t, err, "GET /articles: the list has changed while it was read, 10 times in succession")
	})
}

// TestFaults checks that faults which pass are waited for.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(w http.ResponseWriter, r *http.Request){
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"503": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(503)
		},
		"429": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) },
		"429Date": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT")
			w.WriteHeader(429)
		},
		"429Nonsense": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "soon")
			w.WriteHeader(429)
		},
		"Maintenance": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>back soon</html>")) },
		"Truncated": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"articles":`))
		},
		"Broken": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := map[string]int{}
			b, s := start(t, 12, apisource.Options{PageSize: 5})
			b.before = func(w http.ResponseWriter, r *http.Request) bool {
				if failed[r.URL.String()]++; failed[r.URL.String()] > 2 {
					return false
				}
				fault(w, r)
				return true
			}
			require.Equal(t, numbered(1, 12), slugs(t, s))
		})
	}
}

// TestFavoritesOfEverybody leaves favorites out if the API does not know whose it
// is asked for.
func TestFavoritesOfEverybody(t *testing.T) {
	t.Parallel()
	var notes []filesource.Note
	b, s := start(t, 3, apisource.Options{Note: func(n filesource.Note) { notes = append(notes, n) }})
	b.list = func(response map[string]any, _ *http.Request) {
		response["articles"], response["articlesCount"] = b.articles, len(b.articles)
	}
	require.Empty(t, collect(t, s.Favorites(t.Context(), source.Range{})))
	require.Equal(t, []filesource.Note{{Kind: source.Favorites, Text: "left out: the API shows the same articles whoever's favorites it is asked for"}}, notes)

	b, s = start(t, 3, apisource.Options{})
	b.before = func(w http.ResponseWriter, r *http.Request) bool {
		refused := strings.HasPrefix(r.URL.Query().Get("favorited"), "nobody-")
		if refused {
			w.WriteHeader(http.StatusNotFound)
		}
		return refused
	}
	b.comments["a-1"] = []map[string]any{{"id": 1, "body": "b", "author": "anna"}}
	require.Len(t, collect(t, s.Favorites(t.Context(), source.Range{})), 3)
}

// TestNotFoundOnce asks again for articles that are not found, and does not take a
// fault for their deletion.
func TestNotFoundOnce(t *testing.T) {
	t.Parallel()
	for path, times := range map[string]int{"/api/articles/a-2": 1, "/api/articles/a-2/comments": 1, "/api/articles/a-2/comments?": 2} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b, s := start(t, 3, apisource.Options{})
			b.comments["a-2"] = []map[string]any{{"id": 1, "body": "b", "author": "anna"}}
			failed := 0
			b.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != path || failed == times {
					return false
				}
				failed++
				w.WriteHeader(http.StatusNotFound)
				return true
			}
			if times == 2 {
				path = strings.TrimSuffix(path, "?")
				_, err := s.Counts(t.Context())
				require.ErrorContains(t, err, "GET /articles/a-2/comments: it answers 404")
				return
			}
			require.ElementsMatch(t, numbered(1, 3), slugs(t, s))
			require.Len(t, collect(t, s.Comments(t.Context(), source.Range{})), 1)
		})
	}
	t.Run("RenamedOnOnePage", func(t *testing.T) {
		t.Parallel()
		b, s := start(t, 3, apisource.Options{})
		b.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/articles/a-2" {
				b.articles[1]["slug"] = "renamed"
			}
			return false
		}
		require.ElementsMatch(t, []string{"a-1", "renamed", "a-3"}, slugs(t, s))
	})
	t.Run("Never", func(t *testing.T) {
		t.Parallel()
		var notes []filesource.Note
		b, s := start(t, 3, apisource.Options{Note: func(n filesource.Note) { notes = append(notes, n) }})
		b.before = func(w http.ResponseWriter, r *http.Request) bool {
			gone := r.URL.Path == "/api/articles/a-2"
			if gone {
				w.WriteHeader(http.StatusNotFound)
			}
			return gone
		}
		require.ElementsMatch(t, []string{"a-1", "a-3"}, slugs(t, s))
		require.Len(t, notes, 1)
		require.Equal(t, "a-2", notes[0].Key)
	})
}

// TestRetryAfterNow pauses also before a server that asks for no pause.
func TestRetryAfterNow(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"0", "Fri, 31 Dec 1999 23:59:59 GMT"} {
		var first, last time.Time
		b, s := start(t, 1, apisource.Options{FirstPause: 100 * time.Millisecond, MaxPause: time.Second})
		b.before = func(w http.ResponseWriter, _ *http.Request) bool {
			last = time.Now()
			if first.IsZero() {
				first = last
			}
			if last.Sub(first) > 50*time.Millisecond {
				return false
			}
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		require.Equal(t, numbered(1, 1), slugs(t, s))
		require.Less(t, b.asked["/api/articles?limit=100&offset=0"], 4)
	}
}

// TestRefused checks what ends an import, and that its error has no names of
// people, tokens and texts.
func TestRefused(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a redirect was followed to another host") }))
	t.Cleanup(elsewhere.Close)
	status := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(`{"errors": {"body": ["jake@example.com"]}}`))
		}
	}
	for name, c := range map[string]struct {
		path   string
		answer func(http.ResponseWriter, *http.Request)
		want   string
		times  int
	}{
		"500":       {"/api/articles", status(500), "GET /articles: it answers 500 Internal Server Error", 3},
		"429":       {"/api/articles/a-1", status(429), "GET /articles/a-1: it answers 429 Too Many Requests, also after pauses", 3},
		"401":       {"/api/user", status(401), "GET /user: it answers 401 Unauthorized; check the token", 1},
		"404":       {"/api/articles", status(404), "GET /articles: it answers 404 Not Found", 1},
		"Profile":   {"/api/profiles/anna", status(500), "GET /profiles/{username}: it answers 500", 3},
		"NoProfile": {"/api/profiles/anna", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{}) }, "GET /profiles/{username}: the response has no profile", 1},
		"NoArticle": {"/api/articles/a-1", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{}) }, "GET /articles/a-1: the response has no article with a slug", 1},
		"Page":      {"/api/articles", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "GET /articles: the response is no JSON of the RealWorld contract", 3},
		"Deep":      {"/api/articles", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat("[", 20_000))) }, "is no JSON", 3},
		"OtherHost": {"/api/articles", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, "GET /articles: it redirects to another host", 1},
		"OtherScheme": {"/api/articles", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, "GET /articles: it redirects to another host", 1},
		"Circle":        {"/api/articles", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "GET /articles: it redirects to another host, or in a circle", 6},
		"Huge":          {"/api/articles", func(w http.ResponseWriter, _ *http.Request) { endless(w) }, "GET /articles: the response is larger than 100000 bytes", 1},
		"HugeUnpacked":  {"/api/articles", packed, "GET /articles: the response is larger than 100000 bytes", 1},
		"HugeRefused":   {"/api/articles", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403); endless(w) }, "GET /articles: it answers 403", 1},
		"IgnoresOffset": {"", nil, "GET /articles: the pages at several offsets have the same articles", 0},
		"Infinite":      {"", nil, "GET /articles: the list has more than 1000 articles", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, s := start(t, 5, apisource.Options{Token: "secret", Attempts: 3, MaxResponse: 100_000, MaxArticles: 1000, PageSize: 50})
			b.comments["a-1"] = []map[string]any{{"id": 1, "author": map[string]any{"username": "anna"}}}
			times := 0
			b.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != c.path {
					return false
				}
				times++
				c.answer(w, r)
				return true
			}
			b.list = func(response map[string]any, r *http.Request) {
				switch name {
				case "IgnoresOffset":
					response["articles"], response["articlesCount"] = []any{map[string]any{"slug": "a-1"}}, 7
				case "Infinite":
					var all []map[string]any
					for i := range 50 {
						all = append(all, map[string]any{"slug": r.URL.Query().Get("offset") + "-" + strconv.Itoa(i)})
					}
					response["articles"] = all
				}
			}
			_, err := s.Counts(t.Context())
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.times, times)
			for _, private := range []string{"anna", "secret", "jake"} {
				require.NotContains(t, err.Error(), private)
			}
			for _, err := range s.Articles(t.Context(), source.Range{}) {
				require.Error(t, err, "each method fails")
			}
		})
	}
}

func endless(w http.ResponseWriter) {
	for {
		if _, err := w.Write([]byte(strings.Repeat(" ", 10_000))); err != nil {
			return
		}
	}
}

// packed answers with a small body that is large when it is unpacked.
func packed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	for range 100 {
		_, _ = z.Write([]byte(strings.Repeat(" ", 10_000)))
	}
	_ = z.Close()
}

// TestSlow has a backend that does not answer, once at the beginning of a
// response and once within it.
func TestSlow(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]bool{"NoAnswer": false, "Within": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if begin {
					_, _ = w.Write([]byte(`{"articles":`))
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			}))
			defer web.Close()
			s := at(t, web.URL, apisource.Options{Timeout: 50 * time.Millisecond, Attempts: 2})
			_, err := s.Counts(t.Context())
			require.ErrorContains(t, err, "GET /articles: ")
			require.NotErrorIs(t, err, context.Canceled)
		})
	}
}

// TestInterrupted ends a crawl while it waits for a response, and begins it again.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b, s := start(t, 30, apisource.Options{Concurrency: 8})
	b.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/articles/a-7" {
			cancel()
		}
		return false
	}
	_, err := s.Counts(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, numbered(1, 30), slugs(t, s))
}

// TestConcurrency checks that no more requests wait at a time than asked for, and
// that they do wait together.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now, most := 0, 0
	b := &backend{comments: map[string][]map[string]any{}, asked: map[string]int{}}
	for i := 40; i > 0; i-- {
		b.articles = append(b.articles, entry(i))
	}
	together := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		if most = max(most, now); now == 3 {
			select {
			case <-together:
			default:
				close(together)
			}
		}
		mu.Unlock()
		if strings.HasPrefix(r.URL.Path, "/articles/a-") {
			<-together // until as many requests as permitted are here
		}
		r.URL.Path = "/api" + r.URL.Path
		b.ServeHTTP(w, r)
		mu.Lock()
		now--
		mu.Unlock()
	}))
	defer web.Close()
	s := at(t, web.URL, apisource.Options{Concurrency: 3})
	require.Equal(t, numbered(1, 40), slugs(t, s))
	require.Equal(t, 3, most)
}

// TestRate permits one request in an hour, and has less time than that.
func TestRate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	b, s := start(t, 3, apisource.Options{Rate: 1.0 / 3600})
	_, err := s.Counts(ctx)
	require.ErrorContains(t, err, "deadline")
	require.Len(t, b.asked, 1)
}

// TestBroken leaves out what the backend fails to show, if the caller wants it.
func TestBroken(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	broken := map[string]string{}
	b, s := start(t, 5, apisource.Options{Attempts: 2, Broken: func(slug string, err error) {
		mu.Lock()
		defer mu.Unlock()
		broken[slug] = err.Error()
	}})
	b.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/articles/a-2" || r.URL.Path == "/api/articles/a-4/comments" {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	require.Equal(t, []string{"a-1", "a-3", "a-4", "a-5"}, slugs(t, s))
	require.Equal(t, map[string]string{"a-2": "GET /articles/a-2: it answers 500 Internal Server Error", "a-4": "GET /articles/a-4/comments: it answers 500 Internal Server Error"}, broken)
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "example.com", "ftp://example.com", "https://", "http://u:secret@example.com/api", "https://example.com/?a=b", "https://example.com/\x00secret"} {
		_, err := apisource.New(address, apisource.Options{})
		require.ErrorContains(t, err, "the address of the API must", address)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := apisource.New("https://example.com/api", apisource.Options{Token: "a\r\nX: y"})
	require.Error(t, err)
}

// TestUnreachable has nobody at the address, and no folder for the file.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(nil)
	web.Close()
	s := at(t, web.URL, apisource.Options{Attempts: 2})
	_, err := s.Counts(t.Context())
	require.ErrorContains(t, err, "connection refused")
	s, err = apisource.New(web.URL, apisource.Options{Dir: "/nonexistent/folder"})
	require.NoError(t, err)
	_, err = s.Counts(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, s.Close())
}

// TestNoLeaks checks that a source leaves no goroutine behind, also after an
// error.
func TestNoLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b := &backend{comments: map[string][]map[string]any{}, asked: map[string]int{}, articles: []map[string]any{entry(3), entry(2), entry(1)}}
	web := httptest.NewServer(b)
	for _, broken := range []bool{false, true} {
		s, err := apisource.New(web.URL+"/api", apisource.Options{Attempts: 1, Concurrency: 2, Dir: t.TempDir()})
		require.NoError(t, err)
		b.before = func(w http.ResponseWriter, r *http.Request) bool {
			if broken && r.URL.Path == "/api/articles/a-2" {
				w.WriteHeader(http.StatusTeapot)
				return true
			}
			return false
		}
		_, err = s.Counts(t.Context())
		require.Equal(t, broken, err != nil)
		require.NoError(t, s.Close())
	}
	web.Close()
	goleak.VerifyNone(t, before)
}

// FuzzResponses answers each request with the same text.
func FuzzResponses(f *testing.F) {
	f.Add(`{"articles":[{"slug":"a"}],"article":{"slug":"a","author":{"username":"u","bio":null},"tagList":"x"},"comments":[{"id":"1","author":"u"}],"profile":{"username":"u"}}`)
	f.Add(`{"articles":[],"articlesCount":-1,"nextCursor":"x"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := apisource.New("http://old.example.com/api", apisource.Options{Attempts: 1, MaxArticles: 100, Dir: t.TempDir(), Transport: same(text)})
		require.NoError(t, err)
		defer s.Close()
		counts, err := s.Counts(t.Context())
		if err != nil {
			return
		}
		for _, kind := range source.Kinds {
			require.Len(t, collect(t, s.Keys(t.Context(), kind)), int(counts[kind]))
		}
	})
}

// same is a transport that returns the same text for each request.
type same string

func (s same) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.WriteString(string(s))
	return w.Result(), nil
}
