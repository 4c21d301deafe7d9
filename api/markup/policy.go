package markup

import (
	"net/url"
	"regexp"
	"slices"

	"github.com/microcosm-cc/bluemonday"
)

// schemes are the permitted schemes of links and images.
var schemes = []string{"http", "https", "mailto"}

// isAbsolute reports whether u is the same address on every page that shows it.
// An address of http or https needs a host: browsers resolve "http:x" and
// "http:/x" relative to a page of the same scheme, and send its cookies.
func isAbsolute(u *url.URL) bool {
	return slices.Contains(schemes, u.Scheme) && (u.Scheme == "mailto" || u.Hostname() != "")
}

// policy is the allow list for the HTML: the elements that Markdown can
// produce, without ids, classes and styles, which belong to the page around
// them.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "em", "strong", "del",
		"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowAttrs("href", "title").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile("^" + rel + "$")).OnElements("a")
	p.AllowAttrs("src", "alt", "title").OnElements("img")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	for _, scheme := range schemes {
		p.AllowURLSchemeWithCustomPolicy(scheme, isAbsolute)
	}
	return p
}()
