package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// strictPolicies are the limits of a service that is open to the internet.
var strictPolicies = map[string]string{"read": `"read";q=3000;w=60`, "write": `"write";q=300;w=60`, "auth": `"auth";q=20;w=60`}

// adminPages are what the admin port has. Each must be requested by a host that
// no DNS server can let point to it.
var (
	adminPages   = []string{"/", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=2", "/log-level", "/profile-rate", "/mails"}
	foreignHosts = []string{"evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example.", "evillocalhost", "127.0.0.1.nip.io:80",
		"[::1].evil.example", "2130706433", "0x7f.1", "127.1", "", "localhost@evil.example", "evil.example#localhost", "x.localhost.example", "local host"}
)

// resetToken matches what a mail with a token contains.
var resetToken = regexp.MustCompile(`<pre>|[A-Za-z0-9_-]{24,}`)

// defaults starts the service for production, and checks that it is strict. The
// services of the group quotas must be too: they are not plainly development.
func defaults(s *site) []attack {
	return []attack{{"defaults outside development", "in production", func(s *site) (r result) {
		return s.elsewhere("in production", []string{"--profile", "production", "--admin-addr", "127.0.0.1:0"}, func(s *site) (r result) {
			r.strict(s)
			r.hidesMails(s)
			r.refusesHosts(s.admin)
			r.cached(s)
			return r
		})
	}}}
}

// strict expects the limits of a service that is open to the internet.
func (r *result) strict(s *site) {
	a, err := s.register("strict")
	if !r.must(err) {
		return
	}
	for class, m := range map[string]message{
		"read":  {method: "GET", target: "/api/tags"},
		"write": {method: "POST", target: "/api/articles", token: a.token, body: article(s.name("strict"))},
		"auth":  {method: "POST", target: "/api/users/login", body: "{}"},
	} {
		r.expects(s, m, also(answered, field("RateLimit-Policy", strictPolicies[class])))
	}
}

// hidesMails asks for a mail with a token, and expects that the admin port does
// not show it, nor the public port anything of the admin port.
func (r *result) hidesMails(s *site) {
	a, err := s.register("forgetful")
	if !r.must(err) {
		return
	}
	r.expects(s, message{method: "POST", target: "/api/users/password-reset", body: `{"email":"` + a.email + `"}`}, status(202))
	for begun := time.Now(); time.Since(begun) < s.patient(1800*time.Millisecond); time.Sleep(250 * time.Millisecond) {
		page := exchange(s.admin, message{method: "GET", target: "/mails"}.raw(s.admin), s.limit).first()
		if page.status != 200 {
			r.complain("GET /mails: status %d", page.status)
			break
		}
		if found := resetToken.FindString(string(page.body)); found != "" {
			r.complain("GET /mails shows %q", found)
			break
		}
	}
	for _, page := range adminPages[1:] {
		r.expects(s, message{method: "GET", target: page}, status(404))
	}
}

// refusesHosts expects that the admin port responds only to hosts that cannot
// be those of another site.
func (r *result) refusesHosts(admin string) {
	get := func(page, host string, fields ...string) int {
		m := message{method: "GET", target: page, fields: fields}
		return exchange(admin, m.raw(host), 5*time.Second).first().status
	}
	for _, page := range adminPages {
		if got := get(page, admin); got != 200 {
			r.complain("GET %s of the admin port: status %d", page, got)
		}
		for _, host := range foreignHosts {
			if got := get(page, host); got < 400 || got > 499 {
				r.complain("GET %s with the host %q: status %d", page, host, got)
			}
		}
	}
	for _, page := range []string{"/mails", "/debug/pprof/cmdline"} {
		if got := get(page, admin, "Sec-Fetch-Site: cross-site"); got != 403 {
			r.complain("GET %s from another site: status %d", page, got)
		}
	}
	for _, page := range []string{"/log-level", "/profile-rate"} {
		for _, m := range []struct{ host, field string }{{"evil.example", "X: y"}, {admin, "Origin: http://evil.example"}, {admin, "Origin: null"}} {
			put := message{method: "PUT", target: page, fields: []string{m.field}, body: "off"}
			if got := exchange(admin, put.raw(m.host), 5*time.Second).first().status; got != 403 && got != 421 {
				r.complain("PUT %s with the host %s and %s: status %d", page, m.host, m.field, got)
			}
		}
	}
}

const sameReads = 200

// cached repeats a read with parameters that its operation does not declare.
// They must not make it another response.
func (r *result) cached(s *site) {
	a, err := s.register("cached")
	if !r.must(err) {
		return
	}
	slug, err := s.publish(a, article(s.name("cached")))
	if !r.must(err) {
		return
	}
	at := "/api/articles/" + slug + "?format=html"
	r.expects(s, message{method: "GET", target: at}, served)
	before := metric(s.admin, "cache_misses_total") + metric(s.admin, "db_pool_acquires_total")
	for i := range sameReads {
		target := []string{at + "&b=%d", "/api/articles/" + slug + "?b=%d&format=html", at + "&%d", at + "&limit=%d", at + "&format%%20=%d", "/api/articles/" + slug + "?%%66ormat=html&B=%d"}[i%6]
		r.expects(s, message{method: "GET", target: fmt.Sprintf(target, i)}, served)
	}
	// The service has connections of its own, which look for changes.
	if more := metric(s.admin, "cache_misses_total") + metric(s.admin, "db_pool_acquires_total") - before; more > sameReads/4 {
		r.complain("%d reads of the same response missed the cache or used the database %d times", sameReads, more)
	}
}

// metric returns the value of a metric of the service.
func metric(admin, name string) int {
	page := exchange(admin, message{method: "GET", target: "/metrics"}.raw(admin), 5*time.Second).first()
	for line := range strings.Lines(string(page.body)) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return int(value)
		}
	}
	return 0
}
