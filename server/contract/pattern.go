package contract

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
)

// format is a check of text that has a name in the document, and its message.
type format struct {
	valid   func(string) bool
	message string
}

// Validate is for kin-openapi.
func (f format) Validate(text string) error {
	if !f.valid(text) {
		return errors.New(f.message)
	}
	return nil
}

// formats are the formats that the document may use; the OpenAPI
// Specification leaves it to the reader whether they are checked.
var formats = map[string]openapi3.StringFormatValidator{
	"email":         format{isEmail, "is not a valid e-mail address"},
	"date-time":     format{isDateTime, "is not a valid date and time (RFC 3339)"},
	"uuid":          format{uuidPattern.MatchString, "is not a valid UUID"},
	"uri":           format{isURI, "is not a valid URI"},
	"uri-reference": format{isURIReference, "is not a valid URI reference"},
	"password":      format{func(string) bool { return true }, ""}, // only tells a form to hide the text
}

var (
	// emailPattern is the rule of <input type=email> in the HTML standard,
	// which browsers apply, so that a form and the API agree. It is narrower
	// than RFC 5322 on purpose: no comments, no quotes, no address literals.
	emailPattern = regexp.MustCompile(`^[a-zA-Z0-9.!#$%&'*+/=?^_` + "`" + `{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$`)
	uuidPattern  = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
)

// isEmail applies the lengths of RFC 5321, section 4.5.3.1 as well: 64 octets
// before the @ and 254 in all, the longest that fits between < and > of a path.
func isEmail(s string) bool {
	return len(s) <= 254 && strings.IndexByte(s, '@') <= 64 && emailPattern.MatchString(s)
}

// isDateTime uses UnmarshalText because time.Parse lets through what RFC 3339
// does not, such as a comma before the fraction.
func isDateTime(s string) bool {
	var t time.Time
	return t.UnmarshalText([]byte(s)) == nil
}

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs()
}

func isURIReference(s string) bool {
	_, err := url.Parse(s)
	return err == nil
}

// isBlank reports whether text is empty or only white space.
func isBlank(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\uFEFF' }) == ""
}

// space is what \s matches in ECMA-262 (section 12.2 with 12.3), written for a
// character class of Go's regexp, whose own \s stops at ASCII.
const space = `\t\n\v\f\r\p{Zs}\x{2028}\x{2029}\x{FEFF}`

// compilePattern compiles a pattern of the document. JSON Schema patterns are
// ECMA-262 regular expressions: \s and \S mean Unicode white space, and
// characters are written \uXXXX, which Go's regexp does not know.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	var out strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c != '\\':
			if c == '[' || c == ']' {
				class = c == '['
			}
			out.WriteByte(c)
		case i+1 == len(pattern):
			return nil, fmt.Errorf("pattern %q ends in a backslash", pattern)
		default:
			i++
			switch next := pattern[i]; {
			case next == 'u' && i+4 < len(pattern):
				out.WriteString(`\x{` + pattern[i+1:i+5] + `}`)
				i += 4
			case next == 's' && class:
				out.WriteString(space)
			case next == 's':
				out.WriteString(`[` + space + `]`)
			case next == 'S' && class:
				return nil, fmt.Errorf(`pattern %q has \S in a class, which is not supported`, pattern)
			case next == 'S':
				out.WriteString(`[^` + space + `]`)
			default:
				out.WriteByte('\\')
				out.WriteByte(next)
			}
		}
	}
	re, err := regexp.Compile(out.String())
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return re, nil
}

// regexMatcher is compilePattern for kin-openapi.
func regexMatcher(pattern string) (openapi3.RegexMatcher, error) {
	re, err := compilePattern(pattern)
	if err != nil {
		return nil, err // not a nil *Regexp in an interface, which is not nil
	}
	return re, nil
}
