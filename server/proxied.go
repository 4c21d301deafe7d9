package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// proxies are the networks of trusted proxies.
type proxies []netip.Prefix

func (p proxies) contain(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(a) })
}

// peer returns the address of the connection that a request came by. It is not
// valid if that is not a network connection.
func peer(r *http.Request) netip.Addr {
	p, _ := netip.ParseAddrPort(r.RemoteAddr)
	return p.Addr()
}

// ipExtractor returns a function that finds a client's address: the
// connection's or, behind trusted proxies, the last one in X-Forwarded-For that
// is not theirs. What stands before it, the client may have sent itself.
func ipExtractor(trusted proxies) echo.IPExtractor {
	direct := echo.ExtractIPDirect()
	if len(trusted) == 0 {
		return direct
	}
	return func(r *http.Request) string {
		if !trusted.contain(peer(r)) {
			return direct(r)
		}
		client := direct(r)
		for _, field := range slices.Backward(r.Header[echo.HeaderXForwardedFor]) {
			for field != "" {
				comma := strings.LastIndexByte(field, ',')
				a, ok := forwardedAddr(field[comma+1:])
				if !ok {
					return client
				}
				client, field = a.String(), field[:max(comma, 0)]
				if !trusted.contain(a) {
					return client
				}
			}
		}
		return client
	}
}

// forwardedAddr parses an item of X-Forwarded-For. Most proxies write the
// address alone; Azure adds the port, and puts IPv6 addresses into brackets.
func forwardedAddr(item string) (netip.Addr, bool) {
	item = strings.Trim(item, " \t")
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(item, "["), "]")); err == nil {
		return a, true
	}
	p, err := netip.ParseAddrPort(item)
	return p.Addr(), err == nil
}

// ValidBasePath reports whether a path can be the prefix of the service's URLs,
// such as /cms. It has only characters that need no escaping anywhere, and no
// empty segment: browsers read a link to //host as one to another host.
func ValidBasePath(path string) bool {
	if len(path) > 128 || !strings.HasPrefix(path, "/") {
		return false
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
		for _, c := range segment {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._~", c)) {
				return false
			}
		}
	}
	return true
}

// basePath returns the path below which the client of a request sees the
// service: the one that a trusted proxy has removed and names in
// X-Forwarded-Prefix, or the configured one. It is "" at the root.
func (s *Server) basePath(r *http.Request) string {
	if field := r.Header["X-Forwarded-Prefix"]; len(field) == 1 && field[0] != "" && proxies(s.cfg.TrustedProxies).contain(peer(r)) {
		if path := strings.TrimSuffix(field[0], "/"); path == "" || ValidBasePath(path) {
			return path
		}
	}
	return s.cfg.BasePath
}

// removeBasePath accepts the configured base path in requests, from proxies
// that pass it on.
func (s *Server) removeBasePath(next http.Handler) http.Handler {
	if s.cfg.BasePath == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := belowBase(r.URL.Path, s.cfg.BasePath)
		raw, rawOK := belowBase(r.URL.RawPath, s.cfg.BasePath)
		if ok && (rawOK || r.URL.RawPath == "") {
			r = r.WithContext(r.Context()) // a copy
			r.URL = new(*r.URL)
			r.URL.Path, r.URL.RawPath = path, raw
		}
		next.ServeHTTP(w, r)
	})
}

// belowBase returns the part of a path below base.
func belowBase(path, base string) (string, bool) {
	rest, ok := strings.CutPrefix(path, base)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return "/" + strings.TrimPrefix(rest, "/"), true
}

// linkBelow makes the links in the header of a response begin with the base
// path. All operations and pages link as if the service were at the root, so
// that a cached response fits every base path.
func linkBelow(base string, res *echo.Response) {
	if base != "" {
		res.Writer = &linkWriter{ResponseWriter: res.Writer, base: base}
	}
}

type linkWriter struct {
	http.ResponseWriter
	base string
	done bool
}

// WriteHeader implements http.ResponseWriter.
func (w *linkWriter) WriteHeader(status int) {
	if !w.done && status >= http.StatusOK {
		w.done = true
		h := w.Header()
		if l := h.Get(echo.HeaderLocation); strings.HasPrefix(l, "/") {
			h.Set(echo.HeaderLocation, w.base+l)
		}
		if links := h["Link"]; len(links) > 0 {
			below := make([]string, len(links))
			for i, l := range links {
				below[i] = l
				if rest, ok := strings.CutPrefix(l, "</"); ok {
					below[i] = "<" + w.base + "/" + rest
				}
			}
			h["Link"] = below
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *linkWriter) Write(p []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the writer below.
func (w *linkWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// listFields are the fields of requests whose lines are one list (RFC 9110,
// section 5.3), and which the generated code expects in one line.
var listFields = []string{"If-Match", "If-None-Match"}

// joinLists makes one line of the lines of a list.
func joinLists(h http.Header) {
	for _, name := range listFields {
		if lines := h[name]; len(lines) > 1 {
			h[name] = []string{strings.Join(lines, ", ")}
		}
	}
}
