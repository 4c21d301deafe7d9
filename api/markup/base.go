package markup

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/util"
)

// maxBase is the maximum length of a base in bytes. Each relative address in a
// text becomes longer by it.
const maxBase = 255

var (
	basePattern = regexp.MustCompile(`^https?://([a-z0-9.-]*[a-z0-9]|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?$`)
	errBase     = errors.New("must be an http or https URL of a folder, such as https://example.com/articles/, without user, query and fragment")
)

// ParseBase returns the URL of the folder against which relative addresses in
// texts are resolved. The slash at its end may be missing.
func ParseBase(s string) (*url.URL, error) {
	if len(s) > maxBase || !basePattern.MatchString(s) {
		return nil, errBase
	}
	base, err := url.Parse(strings.TrimSuffix(s, "/") + "/")
	if err != nil || base.Hostname() == "" || base.Path != base.JoinPath("/").Path {
		return nil, errBase // such as a port that is too large, or a path with dots
	}
	return base, nil
}

// dots replaces the escaped dots of an address. Browsers read "%2e%2e" as "..".
var dots = strings.NewReplacer("%2e", ".", "%2E", ".")

// resolve returns the absolute address that a relative one means below a base,
// or "" if there is no base. It also returns "" for an empty address, for a
// fragment alone, for "//host", and for addresses that browsers resolve in
// another way than package net/url: browsers read a backslash as a slash, leave
// tabs out, and keep an empty segment behind "..".
func resolve(base *url.URL, address string) string {
	if base == nil || address == "" || address[0] == '#' || strings.HasPrefix(address, "//") ||
		strings.ContainsFunc(address, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return ""
	}
	u, err := url.Parse(dots.Replace(string(util.URLEscape([]byte(address), false))))
	if err != nil || u.Scheme != "" || strings.Contains(u.Path, ".//") {
		return ""
	}
	return base.ResolveReference(u).String()
}
