package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// guideNames returns the names of the files of docs/, without ".md".
func guideNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".md")
	}
	return files
}

// parsePage returns the document of a page, with its ids and links.
func parsePage(t *testing.T, s *servertest.Service, path string) (doc *html.Node, ids map[string]bool, links []string) {
	t.Helper()
	res, body := send(t, http.MethodGet, s.Root+path, "")
	require.Equal(t, http.StatusOK, res.StatusCode, path)
	doc, err := html.Parse(bytes.NewReader(body))
	require.NoError(t, err)
	ids = map[string]bool{}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" || a.Key == "name" && n.Data == "a":
				require.False(t, ids[a.Val] && a.Key == "id", "%s has two ids %q", path, a.Val)
				ids[a.Val] = true
			case a.Key == "href" && n.Data == "a":
				links = append(links, a.Val)
			case a.Key == "src" && strings.HasSuffix(a.Val, ".svg") && !strings.HasPrefix(a.Val, "/docs/assets/"):
				require.NotEmpty(t, attributeOf(n, "alt"), "%s shows %s without a text for who cannot see it", path, a.Val)
				links = append(links, a.Val)
			case a.Key == "src" || a.Key == "href":
				require.True(t, strings.HasPrefix(a.Val, "/docs/assets/"), "%s loads %s", path, a.Val)
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: the policy does not permit %s=%q", path, a.Key, a.Val)
			}
		}
	}
	return doc, ids, links
}

func attributeOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestGuides(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	names := guideNames(t)
	paths := []string{"/"}
	for _, name := range names {
		paths = append(paths, "/docs/"+name)
	}
	ids, links := map[string]map[string]bool{}, map[string][]string{}
	for _, path := range paths {
		_, ids[path], links[path] = parsePage(t, s, path)
	}

	t.Run("Navigation", func(t *testing.T) {
		for _, path := range paths {
			for _, name := range names {
				require.Contains(t, links[path], "/docs/"+name, "on %s", path)
			}
		}
	})
	t.Run("Links", func(t *testing.T) {
		for _, path := range paths {
			for _, link := range links[path] {
				u, err := url.Parse(link)
				require.NoError(t, err, "%s links to %s", path, link)
				if file, ok := strings.CutPrefix(link, "https://github.com/byline-api/byline/blob/main/"); ok {
					file, _, _ = strings.Cut(file, "#")
					require.FileExists(t, filepath.Join("..", file), "%s links to %s", path, link)
					continue
				}
				if u.IsAbs() {
					require.Equal(t, "https", u.Scheme, "%s links to %s", path, link)
					continue
				}
				target := path
				if u.Path != "" {
					target = u.Path
				}
				if ids[target] == nil {
					res, _ := send(t, http.MethodHead, s.Root+target, "")
					require.Equal(t, http.StatusOK, res.StatusCode, "%s links to %s", path, link)
				}
				if u.Fragment != "" {
					require.True(t, ids[target][u.Fragment], "%s links to %s, which has no such heading", path, link)
				}
			}
		}
	})
	t.Run("Errors", func(t *testing.T) {
		doc, err := spec.GetSpec()
		require.NoError(t, err)
		codes := doc.Components.Schemas["ProblemCode"].Value.Enum
		require.NotEmpty(t, codes)
		for _, code := range codes {
			require.True(t, ids["/docs/errors"][code.(string)], "the type of problem %s has no section in docs/errors.md", code)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		fence := regexp.MustCompile("(?ms)^```json\n(.*?)^```$")
		for _, name := range names {
			text, err := os.ReadFile("../docs/" + name + ".md")
			require.NoError(t, err)
			require.Zero(t, strings.Count(string(text), "\n```")%2, "%s closes its code blocks", name)
			for _, m := range fence.FindAllSubmatch(text, -1) {
				require.True(t, json.Valid(m[1]), "%s: %s", name, m[1])
			}
		}
	})
	t.Run("Operations", func(t *testing.T) {
		// The document must have every path that the guides call.
		call := regexp.MustCompile(`127\.0\.0\.1:8080(/api/(?:[a-z0-9/-]|\$[A-Z]+)+)`)
		doc, err := spec.GetSpec()
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile("../docs/" + name + ".md")
			require.NoError(t, err)
			for _, m := range call.FindAllStringSubmatch(string(text), -1) {
				path := regexp.MustCompile(`^/articles/(hello[a-z-]*)`).ReplaceAllString(strings.TrimPrefix(m[1], "/api"), "/articles/{slug}")
				path = regexp.MustCompile(`^(/articles/{slug}/revisions)/[0-9]+`).ReplaceAllString(path, "$1/{n}")
				path = regexp.MustCompile(`^/admin/users/[a-z]+`).ReplaceAllString(path, "/admin/users/{username}")
				path = regexp.MustCompile(`^/series/[a-z-]+`).ReplaceAllString(path, "/series/{slug}")
				path = regexp.MustCompile(`^/tags/[a-z]+`).ReplaceAllString(path, "/tags/{tag}")
				path = regexp.MustCompile(`^/profiles/[a-z]+`).ReplaceAllString(path, "/profiles/{username}")
				path = regexp.MustCompile(`^/moderation/reports/[0-9]+$`).ReplaceAllString(path, "/moderation/reports/{id}")
				path = regexp.MustCompile(`\$[A-Z]+`).ReplaceAllString(path, "{id}")
				require.NotNil(t, doc.Paths.Find(path), "%s calls %s", name, m[1])
			}
		}
	})
}

// TestGuideAddresses checks that commands in the guides call the service that
// shows them.
func TestGuideAddresses(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.BasePath = "/cms" }))
	get := func(path, host, scheme, coding string) (*http.Response, string) {
		req, err := http.NewRequest(http.MethodGet, s.Root+path, nil)
		require.NoError(t, err)
		req.Host = host
		req.Header.Set("X-Forwarded-Proto", scheme)
		req.Header.Set("Accept-Encoding", coding)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		body := new(bytes.Buffer)
		_, err = body.ReadFrom(res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
		return res, body.String()
	}
	tags := map[string]bool{}
	for _, tt := range []struct{ host, scheme, want string }{
		{"api.example.com", "", "http://api.example.com/cms"},
		{"api.example.com", "https", "https://api.example.com/cms"},
		{"[::1]:8443", "https", "https://[::1]:8443/cms"},
		{"x$(id)", "", "http://127.0.0.1:8080/cms"},
		{"api.example.com", "", "http://api.example.com/cms"},
	} {
		for path, text := range map[string]string{
			"/docs/quick-start": "curl -s %/readyz", "/docs/quick-start.md": "curl -s %/readyz",
			"/llms.txt": "(%/docs/errors.md)", "/": "curl -s %/api/users",
		} {
			for range 2 { // the second time, it is made already
				res, body := get(path, tt.host, tt.scheme, "identity")
				require.Contains(t, body, strings.Replace(text, "%", tt.want, 1), path)
				if tt.host != "x$(id)" {
					require.NotContains(t, body, "http://127.0.0.1:8080", path)
				}
				tags[path+res.Header.Get("ETag")] = true
			}
		}
	}
	require.Len(t, tags, 4*4, "each address has an entity tag of its own")
	// Whoever asks with ever new hosts gets nothing that is costly to make.
	for _, host := range []string{"a.example", "b.example"} {
		res, _ := get("/docs/errors", host, "", "zstd")
		require.Empty(t, res.Header.Get("Content-Encoding"))
		res, _ = get("/docs/errors", host, "", "zstd")
		require.Equal(t, "zstd", res.Header.Get("Content-Encoding"))
	}
}

// TestSearch checks that every guide, heading and operation can be found, with
// and without a script.
func TestSearch(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	page, _, links := parsePage(t, s, "/docs/search")
	var at string
	for n := range page.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "href" && strings.HasSuffix(a.Val, ".json") && n.Data == "link" {
				at = a.Val
			}
		}
	}
	_, body := send(t, http.MethodGet, s.Root+at, "")
	var index []struct{ Title, In, Path, Text string }
	require.NoError(t, json.Unmarshal(body, &index))
	found := map[string]string{}
	for _, entry := range index {
		require.NotEmpty(t, entry.Title)
		require.NotEmpty(t, entry.In)
		found[entry.Path] = entry.Text
	}
	require.Contains(t, found["/docs/caching"], "entity tag, ETag")
	require.Contains(t, found["/docs#tag/articles/GET/articles/{slug}"], "GetArticle")
	for _, name := range guideNames(t) {
		require.Contains(t, links, "/docs/"+name)
		doc, ids, _ := parsePage(t, s, "/docs/"+name)
		require.Contains(t, found, "/docs/"+name)
		for n := range doc.Descendants() {
			if n.Data != "h2" && n.Data != "h3" {
				continue
			}
			for _, a := range n.Attr {
				if a.Key == "id" && ids[a.Val] {
					require.Contains(t, found, "/docs/"+name+"#"+a.Val)
					require.True(t, n.Data == "h3" || slices.Contains(links, "/docs/"+name+"#"+a.Val), "%s#%s", name, a.Val)
				}
			}
		}
	}
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			link := "/docs#tag/" + op.Tags[0] + "/" + method + path
			require.Contains(t, found, link)
			require.Contains(t, unescaped(links), link)
		}
	}
}

// unescaped returns links without percent-encoding.
func unescaped(links []string) []string {
	plain := make([]string, len(links))
	for i, link := range links {
		plain[i], _ = url.PathUnescape(link)
	}
	return plain
}

// TestGuidesAsMarkdown checks that each guide is served as it was written, with
// links that work there.
func TestGuidesAsMarkdown(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	_, list := send(t, http.MethodGet, s.Root+"/llms.txt", "")
	require.NotContains(t, string(list), ":\n", "the first paragraph of a guide is its description, and must stand alone")
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range guideNames(t) {
		address := s.Root + "/docs/" + name + ".md"
		require.Contains(t, string(list), "("+address+")")
		_, text := send(t, http.MethodGet, address, "")
		written, err := os.ReadFile("../docs/" + name + ".md")
		require.NoError(t, err)
		title, _, _ := strings.Cut(string(written), "\n")
		require.True(t, strings.HasPrefix(string(text), title+"\n"), name)
		base, err := url.Parse(address)
		require.NoError(t, err)
		code := regexp.MustCompile("(?s)```.*?```|`[^`]*`")
		require.Equal(t, code.FindAllString(strings.ReplaceAll(string(written), "http://127.0.0.1:8080", s.Root), -1), code.FindAllString(string(text), -1), name)
		prose := code.ReplaceAllString(string(text), "")
		require.NotContains(t, prose, "<!--", "%s: comments are for the tests", name)
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			to, err := base.Parse(m[1])
			require.NoError(t, err)
			if to.Host == base.Host {
				res, _ := send(t, http.MethodHead, to.String(), "")
				require.Equal(t, http.StatusOK, res.StatusCode, "%s links to %s", name, m[1])
			}
		}
	}
}
