package server_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

const (
	pictureCSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	pageCSP    = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	searchCSP  = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	referenceCSP = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; " +
		"img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	edgeCSP = "default-src 'none'; frame-ancestors 'none'"
)

func TestPages(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	type page struct{ path, mediaType, policy, cache string }
	const htmlType, again = "text/html; charset=utf-8", "public, no-cache"
	pages := []page{
		{"/", htmlType, pageCSP, "private, no-cache"},
		{"/docs", htmlType, referenceCSP, again},
		{"/docs/search", htmlType, searchCSP, again},
		{"/robots.txt", "text/plain; charset=utf-8", edgeCSP, again},
		{"/llms.txt", "text/plain; charset=utf-8", edgeCSP, again},
		{"/favicon.ico", "image/x-icon", edgeCSP, "public, max-age=86400"},
		{"/openapi.yaml", "application/yaml", edgeCSP, again},
		{"/openapi.json", "application/json", edgeCSP, again},
	}
	for _, name := range guideNames(t) {
		pages = append(pages, page{"/docs/" + name, htmlType, pageCSP, again})
		pages = append(pages, page{"/docs/" + name + ".md", "text/markdown; charset=utf-8", edgeCSP, again})
	}
	pictures, err := filepath.Glob("../docs/*.svg")
	require.NoError(t, err)
	require.NotEmpty(t, pictures)
	for _, file := range pictures {
		pages = append(pages, page{"/docs/" + filepath.Base(file), "image/svg+xml", pictureCSP, again})
	}
	for _, path := range assets(t, s) {
		kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml"}[filepath.Ext(path)]
		pages = append(pages, page{path, kind, edgeCSP, "public, max-age=31536000, immutable"})
	}
	for _, p := range pages {
		t.Run(p.path, func(t *testing.T) {
			t.Parallel()
			res, body := send(t, http.MethodGet, s.Root+p.path, "")
			require.Equal(t, http.StatusOK, res.StatusCode)
			h := res.Header
			require.Equal(t, p.mediaType, h.Get("Content-Type"))
			require.Equal(t, p.policy, h.Get("Content-Security-Policy"))
			require.Equal(t, p.cache, h.Get("Cache-Control"))
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
			require.Equal(t, "DENY", h.Get("X-Frame-Options"))
			require.Contains(t, h.Values("Vary"), "Accept-Encoding")
			require.NotEmpty(t, body)
			tag := h.Get("ETag")
			require.Regexp(t, `^"[^"]+"$`, tag)

			head, none := send(t, http.MethodHead, s.Root+p.path, "")
			require.Equal(t, http.StatusOK, head.StatusCode)
			require.Empty(t, none)
			require.Equal(t, tag, head.Header.Get("ETag"))
			require.EqualValues(t, len(body), head.ContentLength)

			for _, coding := range []string{"gzip", "zstd"} {
				res, packed := send(t, http.MethodGet, s.Root+p.path, "", "Accept-Encoding", coding)
				require.Equal(t, coding, res.Header.Get("Content-Encoding"))
				require.Equal(t, string(body), string(unpack(t, coding, packed)))
				require.NotEqual(t, tag, res.Header.Get("ETag"), "a strong tag belongs to one sequence of bytes")
				for _, known := range []string{tag, res.Header.Get("ETag"), "*", `"other", ` + tag} {
					res, none := send(t, http.MethodGet, s.Root+p.path, "", "If-None-Match", known)
					require.Equal(t, http.StatusNotModified, res.StatusCode, known)
					require.Empty(t, none)
					require.Equal(t, tag, res.Header.Get("ETag"))
					require.Equal(t, p.cache, res.Header.Get("Cache-Control"))
				}
			}
			res, _ = send(t, http.MethodGet, s.Root+p.path, "", "If-None-Match", `"other"`)
			require.Equal(t, http.StatusOK, res.StatusCode)
		})
	}
}

func unpack(t *testing.T, coding string, packed []byte) []byte {
	t.Helper()
	var r io.Reader
	if coding == "gzip" {
		gz, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		r = gz
	} else {
		// Browsers refuse larger windows (RFC 8878, section 3.1.1.1.2).
		z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderMaxWindow(8<<20))
		require.NoError(t, err)
		defer z.Close()
		r = z
	}
	body, err := io.ReadAll(r)
	require.NoError(t, err)
	return body
}

// assets returns the paths of the files that pages load.
func assets(t *testing.T, s *servertest.Service) []string {
	t.Helper()
	seen := map[string]bool{}
	var paths []string
	for _, path := range []string{"/docs", "/docs/quick-start", "/docs/search"} {
		_, page := send(t, http.MethodGet, s.Root+path, "")
		for _, p := range regexp.MustCompile(`/docs/assets/[^"]+`).FindAllString(string(page), -1) {
			if !seen[p] {
				paths = append(paths, p)
			}
			seen[p] = true
		}
	}
	require.Len(t, paths, 8, "stylesheet, icon, Scalar, what starts it, its document, the scripts of guides and of the search, its index")
	return paths
}

func TestPagesElsewhere(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	t.Run("NotFound", func(t *testing.T) {
		for _, path := range []string{"/nothing", "/docs/nothing", "/docs/assets/nothing.js", "/docs/assets/", "/docs/quick-start/", "/docs/nothing.md", "/openapi", "/favicon.png"} {
			res, body := send(t, http.MethodGet, s.Root+path, "")
			requireProblem(t, http.StatusNotFound, "route_not_found", res, body)
			require.Equal(t, edgeCSP, res.Header.Get("Content-Security-Policy"))
		}
	})
	t.Run("NotFoundForPeople", func(t *testing.T) {
		const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			res, body := send(t, method, s.Root+"/docs/nothing", "", "Accept", browser, "If-None-Match", "*")
			require.Equal(t, http.StatusNotFound, res.StatusCode)
			require.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
			require.Equal(t, pageCSP, res.Header.Get("Content-Security-Policy"))
			require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			require.Contains(t, res.Header.Values("Vary"), "Accept")
			require.Empty(t, res.Header.Get("ETag"))
			require.NotEmpty(t, res.Header.Get("X-Request-Id"))
			require.Equal(t, method != http.MethodHead, strings.Contains(string(body), `<a href="/docs/quick-start">`))
			require.Equal(t, method != http.MethodHead, strings.Contains(string(body), `<a href="/docs">API reference</a>`))
		}
		for _, accept := range []string{"", "*/*", "application/json", "text/html;q=0", "text/html;q=0.5, application/json", "text/html;q=x", "text/plain", ";"} {
			res, body := send(t, http.MethodGet, s.Root+"/docs/nothing", "", "Accept", accept)
			requireProblem(t, http.StatusNotFound, "route_not_found", res, body)
			require.Contains(t, res.Header.Values("Vary"), "Accept", accept)
		}
		for _, path := range []string{"/api/nothing", "/api/articles/nothing"} {
			res, _ := send(t, http.MethodGet, s.Root+path, "", "Accept", browser)
			require.Equal(t, http.StatusNotFound, res.StatusCode)
			require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"), path)
		}
	})
	t.Run("MethodNotAllowed", func(t *testing.T) {
		for _, path := range []string{"/", "/docs", "/docs/quick-start", "/openapi.json"} {
			res, body := send(t, http.MethodPost, s.Root+path, "{}")
			requireProblem(t, http.StatusMethodNotAllowed, "method_not_allowed", res, body)
			require.Contains(t, res.Header.Get("Allow"), "GET, HEAD")
		}
	})
	t.Run("Redirect", func(t *testing.T) {
		for _, path := range []string{"/docs/", "/docs/reference"} {
			res, _ := send(t, http.MethodGet, s.Root+path, "")
			require.Equal(t, http.StatusPermanentRedirect, res.StatusCode)
			require.Equal(t, "/docs", res.Header.Get("Location"))
		}
	})
}

func TestLandingPage(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	res, page := send(t, http.MethodGet, s.Root+"/", "")
	require.Contains(t, string(page), ">Ready<")
	require.Contains(t, string(page), "curl -s "+s.Root+"/api/users")
	tag := res.Header.Get("ETag")

	t.Run("Host", func(t *testing.T) {
		for host, want := range map[string]string{
			"api.example.com": "http://api.example.com/api/users", "[::1]:8080": "http://[::1]:8080/api/users",
			"x$(id)": "http://127.0.0.1:8080/api/users", `x"><script>`: "http://127.0.0.1:8080/api/users",
		} {
			var out bytes.Buffer
			req, err := http.NewRequest(http.MethodGet, "/", nil)
			require.NoError(t, err)
			req.Host, req.RemoteAddr = host, "127.0.0.1:1"
			w := &recorder{header: http.Header{}, Writer: &out}
			s.Handler.ServeHTTP(w, req)
			require.Contains(t, out.String(), "curl -s "+want)
		}
	})
	t.Run("NotReady", func(t *testing.T) {
		s.DB.Close()
		res, page := send(t, http.MethodGet, s.Root+"/", "", "If-None-Match", tag)
		require.Equal(t, http.StatusOK, res.StatusCode, "the page has changed with the health")
		require.Contains(t, string(page), ">Not ready<")
		require.Contains(t, string(page), `<dd class="bad">`)
	})
}

type recorder struct {
	header http.Header
	io.Writer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}

func TestDocument(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CORSOrigins = nil }))
	text, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	res, served := send(t, http.MethodGet, s.Root+"/openapi.yaml", "", "Origin", "https://editor.example")
	require.Equal(t, string(text), string(served))
	require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"), "pages of every origin may read it")
	require.Equal(t, "cross-origin", res.Header.Get("Cross-Origin-Resource-Policy"))

	_, served = send(t, http.MethodGet, s.Root+"/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData(served)
	require.NoError(t, err)
	generated, err := spec.GetSpec()
	require.NoError(t, err)
	want, err := generated.MarshalJSON()
	require.NoError(t, err)
	got, err := doc.MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got), "the served document is the one that the code is generated from")
	require.Equal(t, "/api", doc.Servers[0].URL)
	require.Less(t, bytes.Index(served, []byte(`"/users":`)), bytes.Index(served, []byte(`"/articles":`)), "in the order of the text")
}

// TestReferenceDocument checks that the reference sends no optional parameter
// before the reader says so, asks for a token in one way, in which it needs no
// scheme, and shows each operation in each SDK.
func TestReferenceDocument(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	_, page := send(t, http.MethodGet, s.Root+"/docs", "")
	_, served := send(t, http.MethodGet, s.Root+string(regexp.MustCompile(`/docs/assets/openapi\.[^"]+`).Find(page)), "")
	doc, err := openapi3.NewLoader().LoadFromData(served)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	want, err := spec.GetSpec()
	require.NoError(t, err)
	var examples int
	for name, parameter := range want.Components.Parameters {
		got := doc.Components.Parameters[name].Value
		if parameter.Value.Required || parameter.Value.Example == nil {
			require.Equal(t, parameter.Value.Example, got.Example, name)
			require.Nil(t, got.Examples, name)
			continue
		}
		examples++
		require.Nil(t, got.Example, name)
		shown := got.Examples["default"].Value
		require.Equal(t, parameter.Value.Example, shown.Value, "%s is still shown", name)
		require.Equal(t, true, shown.Extensions["x-disabled"], name)
	}
	require.NotZero(t, examples)
	require.Len(t, doc.Info.Extensions["x-scalar-sdk-installation"], 3)
	require.NotContains(t, doc.Components.SecuritySchemes, "Token")
	require.Equal(t, "bearer", doc.Components.SecuritySchemes["Bearer"].Value.Scheme)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			declared := want.Paths.Find(path).GetOperation(method)
			require.Equal(t, declared.Security == nil, op.Security == nil, op.OperationID)
			if op.Security != nil {
				left := slices.DeleteFunc(slices.Clone(*declared.Security), func(r openapi3.SecurityRequirement) bool { return r["Token"] != nil })
				require.Equal(t, left, *op.Security, op.OperationID)
			}
			require.Len(t, op.Extensions["x-codeSamples"], 3, op.OperationID)
			for _, parameter := range op.Parameters {
				require.True(t, parameter.Value.Required || parameter.Value.Example == nil, "%s %s proposes %s", method, path, parameter.Value.Name)
			}
		}
	}
}

// TestExamples checks that every operation has examples of its request and its
// responses. The tests of server/contract check them against their schemas.
func TestExamples(t *testing.T) {
	t.Parallel()
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			require.NotEmpty(t, op.Summary, "%s %s", method, path)
			require.NotEmpty(t, op.Description, "%s %s", method, path)
			if op.RequestBody != nil {
				requireExamples(t, op.OperationID+" request", op.RequestBody.Value.Content)
			}
			for status, res := range op.Responses.Map() {
				requireExamples(t, op.OperationID+" "+status, res.Value.Content)
			}
		}
	}
}

func requireExamples(t *testing.T, what string, content openapi3.Content) {
	t.Helper()
	for mediaType, m := range content {
		require.True(t, m.Example != nil || len(m.Examples) > 0, "%s %s has no example", what, mediaType)
	}
}
