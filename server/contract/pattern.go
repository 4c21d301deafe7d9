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

// format is a check for a format of the document, and the message if it fails.
type format struct {
	valid   func(string) bool
	message string
}

// Validate implements openapi3.StringFormatValidator.
func (f format) Validate(text string) error {
	if !f.valid(text) {
		return errors.New(f.message)
	}
	return nil
}

// formats are the formats that the document may use. The OpenAPI Specification
// does not require that formats are checked; this package checks all of them.
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

// isDateTime uses UnmarshalText because time.Parse accepts text that RFC 3339
// does not allow, such as a comma before the fraction.
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

// space lists what \s matches in ECMA-262 (sections 12.2 and 12.3), for use in
// a character class of Go's regexp, whose own \s matches only ASCII.
const space = `\t\n\v\f\r\p{Zs}\x{2028}\x{2029}\x{FEFF}`

// compilePattern compiles a pattern of the document. JSON Schema patterns are
// ECMA-262 regular expressions, which differ from Go's: \s and \S refer to
// Unicode white space, and \uXXXX stands for a character.
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
		return nil, err // not re: a nil *Regexp in an interface is not nil
	}
	return re, nil
}
