package contract

import (
	"net/http"
	"net/url"
	"strings"
)

// Canonical returns the target of a request in a form that is the same for all
// requests with the same parameters: without what the operation does not
// declare, in the order of the document, and escaped in one way. It returns ""
// for a query that Check refuses, so that such a request gets no cached
// response. It adds the parameters that the operation reports, because it does
// not know them, to ignored. pathParam is that of Check.
func (op *Operation) Canonical(r *http.Request, pathParam func(string) string, ignored *Ignored) string {
	ok := true
	var values [maxQuery]*string
	raw := r.URL.RawQuery
	for more := raw != ""; more && ok; {
		var pair string
		pair, raw, more = strings.Cut(raw, "&")
		ok = op.take(&values, pair, ignored)
	}
	if !ok {
		return ""
	}
	var b strings.Builder
	b.WriteString(op.canonicalPath(pathParam))
	separator := byte('?')
	for i, p := range op.query {
		if values[i] != nil {
			b.WriteByte(separator)
			b.WriteString(p.name + "=" + url.QueryEscape(*values[i]))
			separator = '&'
		}
	}
	return b.String()
}

// take stores the value of a declared parameter, or the name of another one. It
// reports whether the pair is one that Check accepts.
func (op *Operation) take(values *[maxQuery]*string, pair string, ignored *Ignored) bool {
	if pair == "" {
		return true
	}
	key, value, _ := strings.Cut(pair, "=")
	key, wrongKey := unescape(key)
	value, wrongValue := unescape(value)
	if wrongKey != "" || wrongValue != "" {
		return false
	}
	i, _ := find(op.query, key)
	if i < 0 {
		if op.ReportsUnknownQuery {
			ignored.add("query", key)
		}
		return op.ReportsUnknownQuery
	}
	if values[i] != nil {
		return false
	}
	values[i] = &value
	return true
}

// canonicalPath returns the path with its parameters.
func (op *Operation) canonicalPath(pathParam func(string) string) string {
	parts := strings.Split(op.Route, "/")
	for i, part := range parts {
		if name, found := strings.CutPrefix(part, ":"); found {
			parts[i] = url.PathEscape(pathParam(name))
		}
	}
	return strings.Join(parts, "/")
}

// IsCanonical reports, without an allocation, whether the target of a request
// has a canonical form already. No two of these targets have the same
// parameters.
func (op *Operation) IsCanonical(r *http.Request) bool {
	u := r.URL
	// RawPath is set for a path that is escaped in another way than usual. A
	// target may also be a whole URL.
	if u.RawPath != "" || u.ForceQuery || !strings.HasPrefix(r.RequestURI, "/") || strings.HasSuffix(u.RawQuery, "&") {
		return false
	}
	last := -1
	for raw := u.RawQuery; raw != ""; {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, found := strings.Cut(pair, "=")
		i, _ := find(op.query, key)
		if i <= last || !found || strings.ContainsFunc(value, isEscaped) {
			return false
		}
		last = i
	}
	return true
}

// isEscaped reports whether a character of a query is, or should be, escaped.
func isEscaped(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
		return false
	}
	return true
}
