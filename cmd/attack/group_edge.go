package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// headers tries to inject bytes into the header fields of responses, and sends
// values to code that trusts header fields.
func headers(s *site) (all []attack) {
	const group = "headers"
	names := []string{"X-Request-Id", "Traceparent", "Tracestate", "Idempotency-Key", "If-None-Match", "If-Match", "Origin", "Referer", "User-Agent", "Accept", "Accept-Encoding",
		"Accept-Language", "Authorization", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-Url", "X-Rewrite-Url", "Range", "Expect", "Upgrade", "Content-Type"}
	values := map[string]string{
		"CR": "a\r" + canary + ": 1", "LF space": "a\n " + canary + ": 1", "NUL": "a\x00b", "escape": "\x1b[31m", "delete": "a\x7f", "vertical tab": "\x0ba", "invalid UTF-8": "\xff\xc0\xaf",
		"UTF-8": "é\u2028", "wide CRLF": "\u560d\u560a" + canary + ": 1", "encoded CRLF": "a%0d%0a" + canary + ":%201", "quote": `"a", "b"; rel="next"`, "script": "<script>alert(1)</script>",
		"empty": "", "space": "   ", "template": "{{7*7}}${jndi:ldap://127.0.0.1:1}", "comma": ",,,,", "equals": "====;;;;", "star": "*", "long": strings.Repeat("z", 6000),
	}
	for _, name := range names {
		for _, kind := range sortedKeys(values) {
			m := message{method: "GET", target: "/api/articles/" + s.slug, fields: []string{name + ": " + values[kind]}}
			if name == "Idempotency-Key" {
				m = message{method: "POST", target: "/api/articles", token: s.rival.token, fields: m.fields, body: article("by " + kind)}
			}
			all = append(all, send(group, name+" "+kind, m.raw(s.addr), answered))
		}
	}
	line := func(name, text string, want expect) {
		all = append(all, send(group, name, []byte("GET /api/tags HTTP/1.1\r\n"+text+"\r\n\r\n"), want))
	}
	host := "Host: " + s.addr + "\r\nConnection: close\r\n"
	for kind, value := range map[string]string{
		"empty": "", "evil": "hostile-host.example", "port": s.addr + "0", "user": "a@" + s.addr, "path": s.addr + "/x", "space": "a b", "CR": "a\rb", "NUL": "a\x00", "quote": `"><script>`, "two": "a, b",
		"unicode": "ëvil.example", "percent": "%0d%0a" + canary + ": 1", "bracket": "[::1", "long": strings.Repeat("h", 5000),
	} {
		line("Host "+kind, "Host: "+value+"\r\nConnection: close", also(status(200, 400, 421), silentOn("hostile-host"), silentOn("<script>")))
	}
	line("no Host", "Connection: close", status(400))
	line("two Hosts", host+"Host: hostile-host.example", status(400))
	line("no colon", host+"X-Broken", status(400))
	line("no name", host+": value", status(400))
	line("space before the colon", host+"X-A : 1", status(400))
	line("folded", host+"X-A: 1\r\n folded: 2", status(200, 400))
	line("name with NUL", host+"X\x00A: 1", status(400))
	line("name with a control", host+"X\x01A: 1", status(400))
	line("name in UTF-8", host+"Xé: 1", status(400))
	line("name with a bracket", host+"X(A): 1", status(400))
	line("starts with a space", " X-A: 1\r\n"+host, status(400))
	line("hop by hop of Authorization", host+"Connection: Authorization, Host", status(200, 400))
	line("upgrade to h2c", "Host: "+s.addr+"\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", status(200, 400))
	line("upgrade to WebSocket", "Host: "+s.addr+"\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13", status(200, 400, 426))
	line("unknown expectation", host+"Expect: 200-ok", status(200, 400, 417))
	line("range", host+"Range: bytes=-1,0-,5-2", status(200, 400, 416))
	line("dates", host+"If-Modified-Since: Thu, 99 Foo 99999 99:99:99 GMT\r\nIf-Unmodified-Since: x", status(200, 304, 400))
	line("proxy names", host+"Proxy: http://127.0.0.1:1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Real-Ip: ::1\r\nX-Forwarded-Prefix: /evil\r\nX-Forwarded-Host: hostile-host.example", also(status(200), silentOn("hostile-host")))
	// Stored texts are returned in Location, Link and ETag.
	for i, title := range []string{"a\r\n" + canary + ": 1", "<>;rel=\"next\", </evil>", "//hostile-host.example/", "\\hostile-host.example", "javascript:alert(1)", "%0d%0a" + canary + ": 1", "../../../x", "?a=b#c", "\u2028\u560d\u560a"} {
		m := message{method: "POST", target: "/api/articles", token: s.rival.token, body: article(title)}
		all = append(all, send(group, fmt.Sprintf("stored title %d", i), m.raw(s.addr), also(status(201, 422), localTarget)))
		m = message{method: "GET", target: "/api/articles?limit=1&tag=attack&offset=0&x=" + plain(title)}
		all = append(all, send(group, fmt.Sprintf("linked query %d", i), m.raw(s.addr), also(status(200, 400), localTarget)))
	}
	return all
}

// localTarget expects that Location and Link do not lead to another site.
func localTarget(o outcome) string {
	h := o.first().header
	if l := h.Get("Location"); l != "" && (!strings.HasPrefix(l, "/api/") || strings.ContainsAny(l, "\\<>\"\r\n ")) {
		return fmt.Sprintf("Location: %q", l)
	}
	if l := h.Get("Link"); l != "" && (!strings.HasPrefix(l, "</api/") || strings.Count(l, "<") != 1) {
		return fmt.Sprintf("Link: %q", l)
	}
	return ""
}

// paths tries to reach files and pages that are not public.
func paths(s *site) (all []attack) {
	const group = "paths"
	add := func(target string, want expect) {
		all = append(all, send(group, short(target, 60), message{method: "GET", target: target}.raw(s.addr), want))
	}
	nothing := status(301, 307, 308, 400, 404, 405)
	for _, up := range []string{"/..", "/%2e%2e", "/.%2e", "/%252e%252e", "/..%2f..", "/%2e%2e%2f%2e%2e", "/..%5c..", "/....//..", "/.;/..", "/..;/..", "/%c0%ae%c0%ae", "/%u002e%u002e", "/..%00", "/.././.."} {
		for _, from := range []string{"", "/api", "/docs", "/api/articles"} {
			for _, to := range []string{"/etc/passwd", "/go.mod"} {
				add(from+strings.Repeat(up, 4)+to, nothing)
			}
		}
	}
	for _, hidden := range []string{
		"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/.git/config", "/.env", "/.byline", "/config.json", "/server-status", "/actuator/env", "/admin.php", "/wp-login.php", "/phpinfo.php",
		"/console", "/graphql", "/api", "/api/", "/api//", "/api/admin/../users", "/swagger.json", "/robots.txt~", "/backup.sql", "/postgres", "/proc/self/environ", "/cgi-bin/test", "/..", "/.", "/%", "/%2", "/%00",
		"/api/tags%00", "/api/tags%00.json", "/api/tags/", "/api/tags//", "//api/tags", "/api//tags", "/api/./tags", "/api/x/../tags", "/api/tags;a=b", "/api/tags.json", "/api/tags%20", "/api/tags%09", "/API/tags",
		"/api/Tags", "/api%2ftags", "/api%5ctags", "/api\\tags", "/api/tags%3fa=b", "/api/tags%23a", "/api/articles/%2e%2e/tags", "/api/articles/..%2ftags", "/api/users/login/..", "/api/%2fusers", "/api/user%2f", "/:slug",
		"/api/articles/:slug/x", "/*", "/api/*", "/docs/..", "/docs/%2e%2e/%2e%2e/go.mod", "/docs/errors.md%00", "/docs//etc/passwd", "/docs/..%5c..%5cgo.mod", "/docs/security/../../..", "/assets/../../go.mod",
		"/%ff", "/%c0%af", "/api/articles/%2F%2F", "/api/articles/", "/api/profiles/", "/api/profiles//follow", "/api/articles//comments", "/api/articles//favorite",
	} {
		add(hidden, nothing)
	}
	for _, form := range []string{"tags", "", "http:/", "?", "#", "*", "http://", "http://[::1", "https://hostile-host.example:99999/", "/api/tags HTTP/1.1\r\nX: y", "/api/tags\x00", "/a b", "/a\tb", "/\x7f", "/é"} {
		all = append(all, send(group, "target "+strconv.Quote(form), message{method: "GET", target: form}.raw(s.addr), answered))
	}
	for _, target := range []string{"http://hostile-host.example/api/tags", "HTTP://HOSTILE-HOST.EXAMPLE/api/tags", "http://hostile-host.example:1/api/nothing", "https://a:b@hostile-host.example/api/tags", "ftp://hostile-host.example/api/tags", "file:///etc/passwd"} {
		add(target, also(status(200, 400, 404, 421), silentOn("hostile-host"), silentOn("root:")))
	}
	return all
}

// methods uses methods that clients do not use.
func methods(s *site) (all []attack) {
	const group = "methods"
	at := "/api/articles/" + s.slug
	for _, method := range []string{"TRACE", "TRACK", "CONNECT", "PATCH", "PROPFIND", "MOVE", "DEBUG", "PURGE", "LINK", "FOO", "get", "Get", "PRI", "M-SEARCH", "A'B", "SELECT", strings.Repeat("X", 2000)} {
		all = append(all, send(group, short(method, 20)+" of an article", message{method: method, target: at, token: s.victim.token}.raw(s.addr), status(400, 404, 405, 501)))
	}
	for _, method := range []string{"", "G T", "GET\x00", "G\xc3\x89T", "GET:", "\"GET\"", "{}", "GET\t"} {
		all = append(all, send(group, "malformed "+strconv.Quote(method), message{method: method, target: at}.raw(s.addr), status(400, 405)))
	}
	// No header field, parameter or member may turn a harmless method into
	// another one.
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Http-Method-Override", "_method"} {
		for _, method := range []string{"GET", "POST"} {
			m := message{method: method, target: at, token: s.victim.token, fields: []string{name + ": DELETE"}}
			all = append(all, send(group, method+" "+name, m.raw(s.addr), status(200, 405)))
		}
		m := message{method: "GET", target: at + "?" + name + "=DELETE", token: s.victim.token}
		all = append(all, send(group, "parameter "+name, m.raw(s.addr), status(200, 400, 422)))
		m = message{method: "POST", target: at, token: s.victim.token, body: `{"` + name + `":"DELETE"}`}
		all = append(all, send(group, "member "+name, m.raw(s.addr), status(405)))
	}
	// A body where none is expected.
	for _, op := range s.ops {
		if op.body == nil {
			all = append(all, aim(group, "with a body", op, func(s *site) message {
				m := s.message(op)
				m.body = `{"user":{"username":"x"},"article":null}`
				return m
			}, op.declares), aim(group, "with 4 MB", op, func(s *site) message {
				m := s.message(op)
				m.body = strings.Repeat("a", 4<<20)
				// With Connection: close, net/http closes the connection before
				// the response has been read.
				m.fields = append(m.fields, "Connection: keep-alive")
				return m
			}, answered))
		}
		for _, method := range []string{"PATCH", "TRACE", "BREW"} {
			path := strings.NewReplacer("{slug}", s.slug, "{username}", s.rival.name, "{id}", "1").Replace(op.path)
			if slices.ContainsFunc(s.ops, func(o operation) bool { return o.path == op.path && o.method == method }) {
				continue
			}
			all = append(all, send(group, method+" "+op.path, message{method: method, target: path, token: s.rival.token}.raw(s.addr), status(404, 405)))
		}
	}
	for _, version := range []string{"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "http/1.1", "HTTP/1", "HTTP/1.10", "HTTP/-1.1", "HTTQ/1.1", "HTTP/1.1 x", "ICY/1.0", ""} {
		raw := "GET /api/tags " + version + "\r\nHost: " + s.addr + "\r\nConnection: close\r\n\r\n"
		all = append(all, send(group, "version "+strconv.Quote(version), []byte(raw), status(200, 400, 404, 505)))
	}
	return all
}

// origins are pages of other sites that try to use a visitor's permissions.
func origins(s *site) (all []attack) {
	const group = "origins"
	own := func(o outcome) string {
		if v := o.first().header.Get("Access-Control-Allow-Origin"); v != "" && v != "*" {
			return "the origin is allowed by name: " + v
		}
		return ""
	}
	for _, origin := range []string{"null", "http://hostile-host.example", "https://hostile-host.example", "file://", "http://localhost", "http://127.0.0.1:8080.hostile-host.example", "chrome-extension://a", "http://hostile-host.example\x00", "*", "", "http://a, http://b", strings.Repeat("o", 5000)} {
		for _, method := range []string{"GET", "DELETE", "TRACE", "CONNECT", "*", "x y"} {
			m := message{method: "OPTIONS", target: "/api/articles/" + s.slug, fields: []string{"Origin: " + origin, "Access-Control-Request-Method: " + method,
				"Access-Control-Request-Headers: authorization, x-evil, *", "Access-Control-Request-Private-Network: true"}}
			all = append(all, send(group, "preflight of "+method+" from "+strconv.Quote(short(origin, 30)), m.raw(s.addr),
				also(status(http.StatusOK, http.StatusNoContent, 400, 403, 404, 405), own, field("Access-Control-Allow-Private-Network", ""))))
		}
		m := message{method: "GET", target: "/api/user", token: s.victim.token, fields: []string{"Origin: " + origin, "Cookie: token=" + s.victim.token}}
		all = append(all, send(group, "read from "+strconv.Quote(short(origin, 30)), m.raw(s.addr), also(status(200, 400), own)))
	}
	// A form of another site can send neither JSON nor the token.
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		m := message{method: "POST", target: "/api/articles", fields: []string{"Origin: http://hostile-host.example", "Cookie: token=" + s.victim.token, "Content-Type: " + kind}, body: article("by a form")}
		all = append(all, send(group, "form of "+kind, m.raw(s.addr), status(401, 415)))
	}
	return all
}
