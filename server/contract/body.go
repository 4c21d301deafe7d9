package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/byline-api/byline/api/problem"
)

const (
	mediaType = "application/json"
	bodyField = "body"
	// maxDepth is the deepest nesting of objects and arrays, ten times what
	// the document needs; it bounds the recursion over text from a stranger.
	maxDepth = 32
	// firstRead is the most that is set aside on the word of Content-Length
	// alone, in bytes; a longer body gets its memory as it arrives.
	firstRead = 64 << 10
)

var errTooDeep = errors.New("nested too deeply")

// checkMediaType looks at the headers only, so that a wrong body is not read.
func checkMediaType(r *http.Request) *problem.Error {
	for _, coding := range r.Header["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return problem.New(problem.UnsupportedMediaType, "Content-Encoding", "must be identity")
		}
	}
	values := r.Header["Content-Type"]
	if len(values) == 0 {
		if r.ContentLength > 0 {
			return wrongMediaType()
		}
		return nil // an empty body has no type; the length of a chunked one shows later
	}
	// The type is case-insensitive (RFC 9110, section 8.3.1); parameters are
	// ignored, for JSON has none and is always UTF-8 (RFC 8259, section 11).
	base, _, _ := strings.Cut(values[0], ";")
	base = strings.TrimSpace(base)
	if len(values) > 1 || !strings.EqualFold(base, mediaType) {
		return wrongMediaType()
	}
	if base != mediaType {
		r.Header.Set("Content-Type", mediaType) // Echo's binder compares letter by letter
	}
	return nil
}

func wrongMediaType() *problem.Error {
	return problem.New(problem.UnsupportedMediaType, "Content-Type", "must be "+mediaType)
}

// body reads and checks a body. The error is for one that cannot be read.
func (c *checker) body(op *Operation, r *http.Request) *problem.Error {
	data, e := readBody(r)
	if e != nil {
		return e
	}
	if len(data) > 0 && len(r.Header["Content-Type"]) == 0 {
		return wrongMediaType()
	}
	if len(data) == 0 && !op.bodyRequired {
		return nil
	}
	// The decoder reads a bytes.Buffer in place. By default it refuses
	// duplicate names, invalid UTF-8 and surrogates without their pair (RFC 7493).
	c.dec = jsontext.NewDecoder(bytes.NewBuffer(data))
	if err := c.value(op.body, bodyField); err != nil {
		return syntaxError(err, data)
	}
	if _, err := c.dec.ReadToken(); err != io.EOF {
		return problem.New(problem.InvalidJSON, bodyField, "has bytes after the JSON value").WithCause(err)
	}
	return nil
}

// readBody reads the body and puts it back for the handler.
func readBody(r *http.Request) ([]byte, *problem.Error) {
	if r.Body == nil {
		return nil, nil
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(min(r.ContentLength, firstRead)) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, problem.New(problem.BodyTooLarge, bodyField, fmt.Sprintf("is too large (maximum is %d bytes)", tooLarge.Limit)).
			WithDetail(fmt.Sprintf("The body is larger than %d bytes.", tooLarge.Limit)).WithCause(err)
	}
	if err != nil {
		return nil, problem.New(problem.InvalidRequest, bodyField, "could not be read to its end").WithCause(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(buf.Bytes()))
	r.ContentLength = int64(buf.Len())
	return buf.Bytes(), nil
}

// syntaxError puts an error of the decoder into words. The decoder's own may
// change between versions, and quote the body.
func syntaxError(err error, data []byte) *problem.Error {
	message := "is not valid JSON"
	syntax := (*jsontext.SyntacticError)(nil)
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		message = "is empty"
	case errors.Is(err, errTooDeep):
		message = fmt.Sprintf("is nested too deeply (maximum is %d levels)", maxDepth)
	case !utf8.Valid(data):
		message = "is not valid UTF-8"
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		message = fmt.Sprintf(`has a duplicate member "%s"`, dotted(syntax.JSONPointer))
	}
	return problem.New(problem.InvalidJSON, bodyField, message).WithDetail("The body " + message + ".").WithCause(err)
}

// dotted writes /user/email as user.email. It is the one piece of the body
// that goes back to the client, so it is kept short.
func dotted(pointer jsontext.Pointer) string {
	const longest = 100
	var names []string
	for name := range pointer.Tokens() {
		names = append(names, name)
	}
	path := []rune(strings.Join(names, "."))
	if len(path) > longest {
		path = append(path[:longest], '…')
	}
	return string(path)
}

// value checks the next JSON value; s is nil where the document declares
// nothing, and then only the syntax and NUL count. The error is of syntax.
func (c *checker) value(s *schema, field string) error {
	switch c.dec.PeekKind() {
	case '{':
		return c.object(s, field)
	case '[':
		return c.array(s, field)
	}
	raw, err := c.dec.ReadValue()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case 'n':
		c.null(s, field)
	case '"':
		b, err := c.unquote(raw)
		switch {
		case err != nil:
			return err
		case bytes.IndexByte(b, 0) >= 0:
			c.add(field, hasNUL)
		case c.typed(s, text, field):
			c.text(s, field, b)
		}
	case '0':
		if c.typed(s, integer, field) {
			c.integer(s, field, string(raw))
		}
	default:
		c.typed(s, boolean, field)
	}
	return nil
}

func (c *checker) null(s *schema, field string) {
	switch {
	case s == nil || s.nullable:
	case c.dec.StackDepth() == 0:
		c.add(field, wrongType[s.kind])
	default:
		c.add(field, problem.Blank)
	}
}

// typed tells whether a value of kind k is to be checked against s, and
// reports it when s wants another kind.
func (c *checker) typed(s *schema, k kind, field string) bool {
	if s != nil && s.kind != k {
		c.add(field, wrongType[s.kind])
	}
	return s != nil && s.kind == k
}

// object checks an object. A member that the document does not declare is
// skipped, and NUL in it is reported for the object that holds it, so that
// the fields of an error are always the document's.
func (c *checker) object(s *schema, field string) error {
	if !c.typed(s, object, field) {
		s = nil
	}
	if err := c.enter(); err != nil {
		return err
	}
	var seen uint64
	for c.dec.PeekKind() != '}' {
		raw, err := c.dec.ReadValue()
		if err != nil {
			return err
		}
		name, err := c.unquote(raw)
		if err != nil {
			return err
		}
		if bytes.IndexByte(name, 0) >= 0 {
			c.add(field, hasNUL)
		}
		member, memberField := (*schema)(nil), field
		if s != nil {
			if p := s.properties[string(name)]; p != nil {
				member, memberField = p.schema, p.name
				seen |= p.bit
			}
		}
		if err := c.value(member, memberField); err != nil {
			return err
		}
	}
	if s != nil {
		for _, p := range s.required {
			if seen&p.bit == 0 {
				c.add(p.name, problem.Blank)
			}
		}
	}
	_, err := c.dec.ReadToken()
	return err
}

// array checks an array. Items beyond the maximum are not checked: one
// message says it, however many a megabyte holds.
func (c *checker) array(s *schema, field string) error {
	if !c.typed(s, array, field) {
		s = nil
	}
	if err := c.enter(); err != nil {
		return err
	}
	n := 0
	for ; c.dec.PeekKind() != ']'; n++ {
		item := (*schema)(nil)
		if s != nil && n < s.maxItems {
			item = s.items
		}
		if err := c.value(item, field); err != nil {
			return err
		}
	}
	if s != nil {
		switch {
		case n == 0 && s.minItems > 0:
			c.add(field, problem.Blank)
		case n < s.minItems:
			c.add(field, s.tooFew)
		case n > s.maxItems:
			c.add(field, s.tooMany)
		}
	}
	_, err := c.dec.ReadToken()
	return err
}

// enter reads the bracket that opens an object or an array.
func (c *checker) enter() error {
	if _, err := c.dec.ReadToken(); err != nil {
		return err
	}
	if c.dec.StackDepth() > maxDepth {
		return errTooDeep
	}
	return nil
}

// unquote returns the text of a JSON string, valid until the next call.
func (c *checker) unquote(raw jsontext.Value) ([]byte, error) {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var err error
	c.scratch, err = jsontext.AppendUnquote(c.scratch[:0], raw)
	return c.scratch, err
}
