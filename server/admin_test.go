package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func admin(t testing.TB, s *servertest.Service) (url string) {
	t.Helper()
	web := httptest.NewServer(s.Edge.Admin())
	t.Cleanup(web.Close)
	return web.URL
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Version = "v1.2.3" }))
	url := admin(t, s)
	scrape := func() string {
		res, body := send(t, "GET", url+"/metrics", "")
		require.Equal(t, http.StatusOK, res.StatusCode)
		return string(body)
	}
	for range 3 {
		send(t, "GET", s.URL+"/tags", "")
	}
	send(t, "GET", s.URL+"/user", "")
	// A response is counted after it is sent.
	require.Eventually(t, func() bool {
		text := scrape()
		return strings.Contains(text, `api_requests_total{endpoint="GetTags",method="GET",status="200"} 3`) &&
			strings.Contains(text, `api_requests_total{endpoint="GetCurrentUser",method="GET",status="401"} 1`)
	}, polling, tick)
	text := scrape()
	for _, want := range []string{
		`api_request_duration_seconds_bucket{endpoint="GetTags",le="+Inf"} 3`,
		`api_request_duration_seconds_count{endpoint="GetTags"} 3`,
		`api_requests_in_flight 0`,
		`db_pool_max_connections 4`,
		`db_pool_connections{state="idle"}`,
		`db_pool_acquires_total`,
		`version="v1.2.3"`,
		`go_goroutines`,
		`process_open_fds`,
	} {
		require.Contains(t, text, want)
	}

	// Text from clients is not used as a label.
	series := func() int { return len(regexp.MustCompile(`(?m)^api_requests_total\{.*$`).FindAllString(scrape(), -1)) }
	known := 0
	for i := range 20 {
		send(t, "GET", fmt.Sprintf("%s/nothing/%d", s.URL, i), "")
		send(t, fmt.Sprintf("METHOD%d", i), s.URL+"/tags", "")
		send(t, fmt.Sprintf("METHOD%d", i), fmt.Sprintf("%s/nothing/%d", s.URL, i), "")
		send(t, "GET", fmt.Sprintf("%s/articles/none-%d", s.URL, i), "")
		counted := fmt.Sprintf(`api_requests_total{endpoint="GetArticle",method="GET",status="404"} %d`, i+1)
		require.Eventually(t, func() bool { return strings.Contains(scrape(), counted) }, polling, tick)
		if i == 0 {
			known = series()
		}
	}
	require.Equal(t, known, series())
	text = scrape()
	for _, invented := range []string{"nothing", "METHOD", "none-"} {
		require.NotContains(t, text, invented)
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	url := admin(t, s)
	res, body := send(t, "GET", url+"/log-level", "")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "debug\n", string(body))

	for _, level := range []string{"nonsense", "", strings.Repeat("x", 100)} {
		res, _ := send(t, "PUT", url+"/log-level", level)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, level)
	}
	res, body = send(t, "PUT", url+"/log-level", "error")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "error\n", string(body))
	hidden, _ := send(t, "GET", s.URL+"/tags", "")
	res, body = send(t, "PUT", url+"/log-level", " INFO\n")
	require.Equal(t, http.StatusOK, res.StatusCode, string(body))
	answer, _ := send(t, "GET", s.URL+"/tags", "")
	require.Equal(t, "INFO", lineOf(t, s, answer.Header.Get("X-Request-Id"))["level"])
	require.Empty(t, linesOf(t, s, hidden.Header.Get("X-Request-Id")))
	res, _ = send(t, "POST", url+"/log-level", "debug")
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}

func TestAdminPages(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	url := admin(t, s)
	for path, want := range map[string]int{"/": 200, "/debug/pprof/": 200, "/debug/pprof/goroutine": 200, "/nothing": 404, "/api/tags": 404} {
		res, _ := send(t, "GET", url+path, "")
		require.Equal(t, want, res.StatusCode, path)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/log-level"} {
		res, _ := send(t, "GET", s.Root+path, "")
		require.Equal(t, http.StatusNotFound, res.StatusCode, "%s is not on the public port", path)
	}
}

// TestAdminSecrets checks that no page of another site can read the secrets of
// the admin port in an operator's browser, neither by DNS rebinding nor by a
// link.
func TestAdminSecrets(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.AdminHosts = []string{"Byline", "byline.internal"} }))
	pages := s.Edge.Admin()
	ask := func(method, path, host, site string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		r.Host = host
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w
	}
	for _, path := range []string{"/mails", "/jobs", "/debug/pprof/cmdline", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/symbol", "/metrics", "/log-level", "/profile-rate", "/"} {
		for _, host := range []string{
			"127.0.0.1:9090", "127.0.0.1", "10.1.2.3:9090", "[::1]:9090", "[::1]", "localhost:9090", "localhost", "LocalHost.:9090", "mails.localhost",
			"byline:9090", "BYLINE", "byline.internal.",
		} {
			require.Equal(t, http.StatusOK, ask("GET", path, host, "").Code, "%s at %s", path, host)
		}
		for _, host := range []string{
			"evil.example:9090", "evil.example", "", ":9090", "localhost.evil.example:9090", "evillocalhost", "127.0.0.1.evil.example:9090",
			"127.0.0.1@evil.example", "evil.example:1:9090", "1.evil", "byline.evil.example", "x.byline",
		} {
			for _, method := range []string{"GET", "HEAD"} {
				res := ask(method, path, host, "same-origin") // the browser takes it for the same site
				require.Equal(t, http.StatusMisdirectedRequest, res.Code, "%s at %s", path, host)
				require.Equal(t, "the host must be an IP address, localhost or a name in BYLINE_ADMIN_HOSTS\n", res.Body.String())
			}
		}
		if path != "/mails" && path != "/jobs" && path != "/debug/pprof/cmdline" {
			continue // without secrets: a link from another page, such as a dashboard, works
		}
		for site, want := range map[string]int{"none": http.StatusOK, "same-origin": http.StatusOK, "same-site": http.StatusOK, "cross-site": http.StatusForbidden} {
			require.Equal(t, want, ask("GET", path, "127.0.0.1:9090", site).Code, "%s: %s", path, site)
		}
	}
	for path, body := range map[string]string{"/log-level": "info", "/profile-rate": "off"} {
		for origin, want := range map[string]int{"": http.StatusOK, "http://evil.example": http.StatusForbidden, "null": http.StatusForbidden} {
			r := httptest.NewRequest(http.MethodPut, path, strings.NewReader(body))
			r.Host = "byline:9090" // curl may use a host name
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, r)
			require.Equal(t, want, w.Code, "%s from %q: %s", path, origin, w.Body)
		}
	}
	require.Equal(t, http.StatusOK, ask("GET", "/metrics", "byline:9090", "").Code, "Prometheus uses a host name")
	require.Equal(t, http.StatusOK, ask("GET", "/debug/pprof/", "byline:9090", "").Code)
}
