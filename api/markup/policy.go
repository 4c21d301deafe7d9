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

// ownFragmentPattern matches a link to an id of the same text.
const ownFragmentPattern = `#` + idPrefix + `[\pL\pM\pN_:%-]+`

// The values that attributes may have. An id begins with idPrefix, so that it
// is no id of the page around the text.
var (
	idValue       = regexp.MustCompile(`^` + idPrefix + `[\pL\pM\pN_:-]+$`)
	ownFragment   = regexp.MustCompile(`^` + ownFragmentPattern + `$`)
	hrefValue     = regexp.MustCompile(`^(` + ownFragmentPattern + `|\s*[a-zA-Z]+:.*)$`)
	srcValue      = regexp.MustCompile(`^\s*[a-zA-Z]+:`)
	alignValue    = regexp.MustCompile(`(?i)^(left|right|center|justify|top|middle|bottom)$`)
	sizeValue     = regexp.MustCompile(`^[0-9]{1,4}%?$`)
	spanValue     = regexp.MustCompile(`^[1-9][0-9]?$`)
	languageValue = regexp.MustCompile(`^language-[\pL\pN_+#.-]+$`)
	emptyValue    = regexp.MustCompile(`^$`)
)

// policy is the allow list for the HTML: the elements that a text can produce,
// without styles and without classes and ids that could be those of the page
// around them.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	for element := range tags {
		p.AllowElements(element)
	}
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(alignValue).OnElements("th", "td", "p", "div", "img", "h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("colspan", "rowspan").Matching(spanValue).OnElements("th", "td")
	p.AllowAttrs("id").Matching(idValue).OnElements("h1", "h2", "h3", "h4", "h5", "h6", "sup", "li")
	p.AllowAttrs("class").Matching(languageValue).OnElements("code")
	p.AllowAttrs("class").Matching(regexp.MustCompile("^footnotes$")).OnElements("div")
	p.AllowAttrs("open").Matching(emptyValue).OnElements("details")
	p.AllowAttrs("type").Matching(regexp.MustCompile("^checkbox$")).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(emptyValue).OnElements("input")
	p.AllowAttrs("href").Matching(hrefValue).OnElements("a")
	p.AllowAttrs("title").OnElements("a", "abbr", "img")
	p.AllowAttrs("rel").Matching(regexp.MustCompile("^" + rel + "$")).OnElements("a")
	p.AllowAttrs("src").Matching(srcValue).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(sizeValue).OnElements("img")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true) // only fragments match the pattern
	for _, scheme := range schemes {
		p.AllowURLSchemeWithCustomPolicy(scheme, isAbsolute)
	}
	return p
}()
