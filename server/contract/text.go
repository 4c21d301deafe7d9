package contract

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/byline-api/byline/api/problem"
)

// Messages that do not depend on a schema.
const (
	hasNUL    = "must not contain NUL"
	givenOnce = "must be given once"
)

// checker gathers the wrong fields of one request.
type checker struct {
	fields  problem.Fields // nil until something is wrong
	dec     *jsontext.Decoder
	scratch []byte
}

func (c *checker) add(field, message string) {
	if c.fields == nil {
		c.fields = problem.Fields{}
	}
	c.fields.Add(field, message)
}

// text checks a text. White space that any rule refuses is blank and nothing
// else: "can't be blank" together with "is too short" would say it twice. Text
// that is too long is nothing else either: a pattern costs time per character,
// and the length is what bounds it.
func (c *checker) text(s *schema, field string, b []byte) {
	length := utf8.RuneCount(b)
	short, long := length < s.minLength, length > s.maxLength
	badPattern := !long && s.pattern != nil && !s.pattern.Match(b)
	badFormat := !long && s.format != nil && !s.format(b)
	if (short || badPattern || badFormat) && isBlank(b) {
		c.add(field, problem.Blank)
		return
	}
	if short {
		c.add(field, s.tooShort)
	}
	if long {
		c.add(field, s.tooLong)
	}
	if badPattern {
		c.add(field, s.badPattern)
	}
	if badFormat {
		c.add(field, s.badFormat)
	}
	if s.enum != nil && !slices.Contains(s.enum, string(b)) {
		c.add(field, s.notInEnum)
	}
}

// integer checks the digits of a number. 1.0 and 1e2 are refused although
// JSON Schema counts them as integers: the handlers' types cannot hold them.
func (c *checker) integer(s *schema, field, digits string) {
	n, err := strconv.ParseInt(digits, 10, 64)
	negative := strings.HasPrefix(digits, "-")
	switch outside := errors.Is(err, strconv.ErrRange); {
	case err != nil && !outside:
		c.add(field, wrongType[integer])
	case n < s.min || outside && negative:
		c.add(field, s.tooSmall)
	case n > s.max || outside:
		c.add(field, s.tooLarge)
	}
}
