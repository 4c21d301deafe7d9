package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/ratelimit"
	"github.com/byline-api/byline/server/servertest"
)

// startNginx starts nginx with the body of its block http and returns the
// address that the block listens on, which replaces LISTEN in it.
func startNginx(t *testing.T, block string) string {
	t.Helper()
	program := servertest.Program(t, "nginx", "nginx-light")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	dir := t.TempDir()
	paths := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		paths += fmt.Sprintf("%s_temp_path %s/%s; ", kind, dir, kind)
	}
	conf := fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log stderr;\nevents {}\nhttp { access_log off; %s\n%s}",
		dir, paths, strings.ReplaceAll(block, "LISTEN", addr))
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", file)
	var out servertest.Log
	cmd.Stderr = &out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, time.Minute, 20*time.Millisecond, "%s", &out)
	return addr
}

// startNginxServer starts nginx with the body of a server block and returns its
// URL.
func startNginxServer(t *testing.T, block string) string {
	t.Helper()
	return "http://" + startNginx(t, `server { listen LISTEN; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
`+block+"\n}\n")
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// TestNginx serves the service below a path, through nginx, in each way that
// proxies do it. Every link has to work from outside.
func TestNginx(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, base string
		config     func(*server.Config)
		block      string // %s is the URL of the service
	}{
		{"Root", "", func(*server.Config) {}, `location / { proxy_pass %s; }`},
		{"Removed", "/cms", func(c *server.Config) { c.BasePath = "/cms" }, `location /cms/ { proxy_pass %s/; }`},
		{"PassedOn", "/sites/a", func(c *server.Config) { c.BasePath = "/sites/a" }, `location /sites/a/ { proxy_pass %s; }`},
		{"Forwarded", "/blog", func(c *server.Config) { c.TrustedProxies = loopback },
			`location /blog/ { proxy_pass %s/; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Prefix /blog; }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t, servertest.WithServer(tt.config))
			root := startNginxServer(t, fmt.Sprintf(tt.block, s.Root))
			outside := root + tt.base
			anna := s.Register("anna")
			auth := []string{"Authorization", "Token " + anna.Token}

			t.Run("Location", func(t *testing.T) {
				for _, call := range [][2]string{
					{"/api/articles", `{"article":{"title":"Größe","description":"d","body":"b"}}`},
					{"/api/articles", `{"article":{"title":"Another","description":"d","body":"b"}}`},
					{"/api/user/keys", `{"apiKey":{"name":"k","scopes":["read"]}}`},
				} {
					res, body := send(t, http.MethodPost, outside+call[0], call[1], auth...)
					require.Equal(t, http.StatusCreated, res.StatusCode, "%s", body)
					at := res.Header.Get("Location")
					require.True(t, strings.HasPrefix(at, tt.base+call[0]+"/"), at)
				}
				res, _ := send(t, http.MethodGet, outside+"/docs/", "")
				require.Equal(t, tt.base+"/docs", res.Header.Get("Location"))
			})
			t.Run("Link", func(t *testing.T) {
				for range 2 { // the second response is cached
					next := outside + "/api/articles?limit=1"
					for page := range 2 {
						res, body := send(t, http.MethodGet, next, "")
						require.Equal(t, http.StatusOK, res.StatusCode, "%s %s", next, body)
						if page == 1 {
							require.Empty(t, res.Header.Get("Link"))
							break
						}
						link, ok := strings.CutPrefix(res.Header.Get("Link"), "<")
						require.True(t, ok)
						link, _, _ = strings.Cut(link, ">")
						require.True(t, strings.HasPrefix(link, tt.base+"/api/articles?"), link)
						next = root + link
					}
				}
			})
			t.Run("Problem", func(t *testing.T) {
				res, body := send(t, http.MethodGet, outside+"/api/articles/none", "")
				require.Equal(t, http.StatusNotFound, res.StatusCode)
				var p struct{ Type string }
				require.NoError(t, json.Unmarshal(body, &p))
				require.Equal(t, tt.base+"/docs/errors#not_found", p.Type)
			})
			t.Run("Document", func(t *testing.T) {
				for _, path := range []string{"/openapi.json", "/openapi.yaml"} {
					_, body := send(t, http.MethodGet, outside+path, "")
					doc, err := openapi3.NewLoader().LoadFromData(body)
					require.NoError(t, err)
					require.Equal(t, tt.base+"/api", doc.Servers[0].URL)
				}
			})
			t.Run("Pages", func(t *testing.T) {
				seen := map[string]bool{}
				for _, path := range []string{"/", "/docs", "/docs/quick-start"} {
					res, body := send(t, http.MethodGet, outside+path, "")
					require.Equal(t, http.StatusOK, res.StatusCode)
					if path == "/" {
						require.Contains(t, string(body), "curl -s "+outside+"/api/users")
					}
					doc, err := html.Parse(strings.NewReader(string(body)))
					require.NoError(t, err)
					for n := range doc.Descendants() {
						for _, a := range n.Attr {
							if a.Key != "href" && a.Key != "src" {
								continue
							}
							at, err := res.Request.URL.Parse(a.Val)
							require.NoError(t, err)
							if at.Host != res.Request.URL.Host || seen[at.Path] {
								continue
							}
							seen[at.Path] = true
							res, _ := send(t, http.MethodHead, at.String(), "")
							require.Equal(t, http.StatusOK, res.StatusCode, "%s links to %s", path, a.Val)
						}
					}
				}
				require.Greater(t, len(seen), 25)
			})
			t.Run("Direct", func(t *testing.T) {
				for _, path := range []string{"/readyz", "/api/articles"} { // probes reach the service without the proxy
					res, _ := send(t, http.MethodGet, s.Root+path, "")
					require.Equal(t, http.StatusOK, res.StatusCode)
				}
			})
		})
	}
}

// TestNginxAddress checks whose quota a request counts for behind nginx.
func TestNginxAddress(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
		c.TrustedProxies = loopback
		c.Quotas = ratelimit.Quotas{"read": {Requests: 1, Window: time.Hour}}
	}))
	nginx := startNginxServer(t, fmt.Sprintf(`location / { proxy_pass %s; proxy_set_header X-Forwarded-For "$http_before, $http_client"; }`, s.Root))
	status := func(before, client string) int {
		res, _ := send(t, http.MethodGet, nginx+"/api/tags", "", "Before", before, "Client", client)
		return res.StatusCode
	}
	// An address that is not understood counts for the proxy, whose quota is
	// used up here.
	require.Equal(t, http.StatusOK, status("x", "unknown"))
	for _, client := range []string{"203.0.113.1", "203.0.113.2:5000", "[2001:db8:1::1]:443", "[2001:db8:2::1]", "2001:db8:3::1"} {
		require.Equal(t, http.StatusOK, status("x", client), client)
		require.Equal(t, http.StatusTooManyRequests, status("198.51.100.9", client), "what the client sent itself counts nothing")
	}
	require.Equal(t, http.StatusTooManyRequests, status("x", "203.0.113.2:6000"), "another port of the same client")
}

// TestNginxSample runs the sample of docs/deploying.md, in front of a replica
// that is down and one that is not.
func TestNginxSample(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/deploying.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	require.Len(t, blocks, 2)
	sample, below := blocks[0][1], blocks[1][1]
	root := regexp.MustCompile(`(?s)    location / \{.*?\n    \}\n`)
	require.Regexp(t, root, sample)
	for _, tt := range []struct{ name, base, sample string }{
		{"Root", "", sample},
		{"Below", "/cms", root.ReplaceAllLiteralString(sample, below)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t, servertest.WithServer(func(c *server.Config) {
				c.TrustedProxies, c.BasePath = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, tt.base
				c.Quotas = ratelimit.Quotas{"read": {Requests: 2, Window: time.Hour}}
			}))
			anna := s.Register("anna")
			files := servertest.NewPEMFiles(t)
			cert := files.Write(t, 1, time.Now().Add(time.Hour))
			conf := tt.sample
			for old, now := range map[string]string{
				" 443 ": " LISTEN ", "10.0.0.11:8080": "127.0.0.1:1", "10.0.0.12:8080": strings.TrimPrefix(s.Root, "http://"),
				"/etc/nginx/tls.crt": files.Cert, "/etc/nginx/tls.key": files.Key,
			} {
				require.Contains(t, conf, old)
				conf = strings.ReplaceAll(conf, old, now)
			}
			origin := "https://" + startNginx(t, conf)
			roots := x509.NewCertPool()
			roots.AddCert(cert)
			// The client has another address than nginx. Only Linux has all of
			// 127.0.0.0/8.
			var dialer net.Dialer
			if runtime.GOOS == "linux" {
				dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}
			}
			c := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots}}}
			t.Cleanup(c.CloseIdleConnections)
			call := func(method, path, body string, header ...string) (*http.Response, string) {
				req, err := http.NewRequest(method, origin+tt.base+path, strings.NewReader(body))
				require.NoError(t, err)
				req.Header.Set("Content-Type", "application/json")
				for i := 0; i < len(header); i += 2 {
					req.Header.Set(header[i], header[i+1])
				}
				res, err := c.Do(req)
				require.NoError(t, err)
				defer res.Body.Close()
				text, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				return res, string(text)
			}
			token := []string{"Authorization", "Token " + anna.Token}

			res, body := call(http.MethodGet, "/", "", "X-Forwarded-Proto", "http", "X-Forwarded-Host", "evil.example")
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Contains(t, body, "curl -s "+origin+tt.base+"/api/users", "Host and X-Forwarded-Proto")
			require.NotEmpty(t, res.Header.Get("Strict-Transport-Security"))
			res, body = call(http.MethodPost, "/api/articles", `{"article":{"title":"A title","description":"d","body":"b"}}`,
				append(token, "X-Forwarded-Prefix", "/evil")...)
			require.Equal(t, http.StatusCreated, res.StatusCode, body)
			require.Equal(t, tt.base+"/api/articles/a-title", res.Header.Get("Location"), "X-Forwarded-Prefix of a client")

			// The service, and not nginx, refuses long bodies.
			long := strings.Repeat("a", 1<<20)
			res, body = call(http.MethodPost, "/api/articles", `{"article":{"title":"t","description":"d","body":"`+long+`"}}`, token...)
			require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
			require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"), body)
			res, body = call(http.MethodPut, "/api/articles/a-title", `{"article":{"body":"`+long[:1<<20-100]+`"}}`, token...)
			require.NotEqual(t, http.StatusRequestEntityTooLarge, res.StatusCode, body)

			// A stream arrives whole.
			res, body = call(http.MethodGet, "/api/user/export", "", token...)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			require.Regexp(t, `\{"type":"end","records":3\}\n$`, body)

			if runtime.GOOS != "linux" {
				return
			}
			// Requests count for the address of the client, whatever it claims.
			for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} {
				res, body = call(http.MethodGet, "/api/tags", "", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
				require.Equal(t, want, res.StatusCode, body)
			}
		})
	}
}

// TestForwardedPrefix checks which values of the field are believed.
func TestForwardedPrefix(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.TrustedProxies, c.BasePath = loopback, "/cms" }))
	other := servertest.New(t)
	for given, want := range map[string]string{
		"/blog": "/blog", "/blog/": "/blog", "/a/b-c_d.e~f": "/a/b-c_d.e~f", "/": "",
		"": "/cms", "blog": "/cms", "//evil.example": "/cms", "/a//b": "/cms", "/../x": "/cms", "/a?b": "/cms", "/a\"b": "/cms", "/ü": "/cms",
		"https://evil.example": "/cms", "/" + strings.Repeat("a", 128): "/cms",
	} {
		res, _ := send(t, http.MethodGet, s.Root+"/docs/", "", "X-Forwarded-Prefix", given)
		require.Equal(t, want+"/docs", res.Header.Get("Location"), given)
	}
	res, _ := send(t, http.MethodGet, other.Root+"/docs/", "", "X-Forwarded-Prefix", "/blog")
	require.Equal(t, "/docs", res.Header.Get("Location"), "nobody is trusted")
	u, err := url.Parse(s.Root)
	require.NoError(t, err)
	for path, status := range map[string]int{"/cms": 200, "/cms/": 200, "/cms/api/tags": 200, "/cmsx/api/tags": 404, "/cms/cms/api/tags": 404} {
		res, body := send(t, http.MethodGet, "http://"+u.Host+path, "")
		require.Equal(t, status, res.StatusCode, "%s %s", path, body)
	}
}

// TestConditionsInLines checks that the lines of a field which is a list are
// one list (RFC 9110, section 5.3).
func TestConditionsInLines(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	slug := s.Publish(anna, "A title").Slug
	request := func(method, body, token string, lines http.Header) *http.Response {
		req, err := http.NewRequest(method, s.URL+"/articles/"+slug, strings.NewReader(body))
		require.NoError(t, err)
		req.Header = lines
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("Authorization", "Token "+token)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res
	}
	for _, token := range []string{"", "", anna.Token} { // the second anonymous response is cached
		tag := request("GET", "", token, http.Header{}).Header.Get("ETag")
		require.Equal(t, http.StatusNotModified, request("GET", "", token, http.Header{"If-None-Match": {`"other"`, tag}}).StatusCode)
		require.Equal(t, http.StatusNotModified, request("GET", "", token, http.Header{"If-None-Match": {tag, `"other"`}}).StatusCode)
		require.Equal(t, http.StatusOK, request("GET", "", token, http.Header{"If-None-Match": {`"other"`, `"third"`}}).StatusCode)
	}
	tag := request("GET", "", anna.Token, http.Header{}).Header.Get("ETag")
	const change = `{"article":{"description":"changed"}}`
	require.Equal(t, http.StatusPreconditionFailed, request("PUT", change, anna.Token, http.Header{"If-Match": {`"other"`, `"third"`}}).StatusCode)
	require.Equal(t, http.StatusOK, request("PUT", change, anna.Token, http.Header{"If-Match": {`"other"`, tag}}).StatusCode)
}
