package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/byline-api/byline/api/problem"
)

const (
	mediaType = "application/json"
	bodyField = "body"
	// maxDepth is the deepest nesting of objects and arrays. It is ten times
	// what the document needs, and bounds the recursion over a client's text.
	maxDepth = 32
	// firstRead is how many bytes are allocated at most because of
	// Content-Length alone. The memory of a longer body grows as it arrives.
	firstRead = 64 << 10
)

var errTooDeep = errors.New("nested too deeply")

// checkMediaType reads only the headers, so that a body of the wrong type is
// never read.
func checkMediaType(r *http.Request) *problem.Error {
	for _, coding := range r.Header["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return problem.New(problem.UnsupportedMediaType, "Content-Encoding", "must be identity").
				WithDetail("Send the body without a Content-Encoding.")
		}
	}
	values := r.Header["Content-Type"]
	if len(values) == 0 {
		if r.ContentLength > 0 {
			return wrongMediaType()
		}
		return nil // an empty body has no type; body checks again for a chunked one
	}
	// The type is case-insensitive (RFC 9110, section 8.3.1). Parameters are
	// ignored, since JSON has none and is always UTF-8 (RFC 8259, section 11).
	base, _, _ := strings.Cut(values[0], ";")
	base = strings.TrimSpace(base)
	if len(values) > 1 || !strings.EqualFold(base, mediaType) {
		return wrongMediaType()
	}
	if base != mediaType {
		r.Header.Set("Content-Type", mediaType) // Echo's binder is case-sensitive
	}
	return nil
}

func wrongMediaType() *problem.Error {
	return problem.New(problem.UnsupportedMediaType, "Content-Type", "must be "+mediaType)
}

// body reads and checks a body. It returns an error if the body cannot be read,
// and adds everything else that is wrong to c.fields.
func (c *checker) body(r *http.Request) *problem.Error {
	data, e := readBody(r, c.op.MaxBody)
	if e != nil {
		return e
	}
	if len(data) > 0 && len(r.Header["Content-Type"]) == 0 {
		return wrongMediaType()
	}
	if len(data) == 0 && !c.op.bodyRequired {
		return nil
	}
	// The decoder reads a bytes.Buffer in place. By default it refuses
	// duplicate names, invalid UTF-8 and surrogates without their pair (RFC
	// 7493).
	c.dec = jsontext.NewDecoder(bytes.NewBuffer(data))
	tree, err := c.value(c.op.body)
	if err != nil {
		return syntaxError(err, data)
	}
	if _, err := c.dec.ReadToken(); err != io.EOF {
		return problem.New(problem.InvalidJSON, bodyField, "has bytes after the JSON value").WithCause(err)
	}
	c.judge(c.op.body, bodyField, tree)
	return nil
}

// readBody reads the body, of up to limit bytes, and puts it back for the
// handler.
func readBody(r *http.Request, limit int64) ([]byte, *problem.Error) {
	if r.Body == nil {
		return nil, nil
	}
	// Without this, net/http would wait for bytes that it then rejects.
	if r.ContentLength > limit {
		return nil, bodyTooLarge(limit, nil)
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(min(r.ContentLength, firstRead)) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, bodyTooLarge(tooLarge.Limit, err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // the server's ReadTimeout
		return nil, problem.New(problem.InvalidRequest, bodyField, "did not arrive in time").WithCause(err)
	}
	if err != nil {
		return nil, problem.New(problem.InvalidRequest, bodyField, "could not be read to its end").WithCause(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(buf.Bytes()))
	r.ContentLength = int64(buf.Len())
	return buf.Bytes(), nil
}

func bodyTooLarge(limit int64, cause error) *problem.Error {
	return problem.New(problem.BodyTooLarge, bodyField, fmt.Sprintf("is too large (maximum is %d bytes)", limit)).
		WithDetail(fmt.Sprintf("The body is larger than %d bytes.", limit)).WithCause(cause)
}

// syntaxError returns a problem for an error of the decoder. It does not use
// the decoder's message, which may change between versions and quote the body.
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

// dotted writes /user/email as user.email. It is the only part of the body that
// the response repeats, so its length is limited.
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

// value reads the next JSON value into the Go types that kin-openapi validates.
// s is the schema of the value, or nil below a member that is not declared.
func (c *checker) value(s *openapi3.Schema) (any, error) {
	token, err := c.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	if c.dec.StackDepth() > maxDepth {
		return nil, errTooDeep
	}
	switch token.Kind() {
	case '{':
		return c.object(s)
	case '[':
		return c.array(s)
	case '"':
		return c.text(token), nil
	case '0':
		if s != nil && s.Extensions["x-or-number"] == true {
			return token.String(), nil
		}
		return number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (c *checker) object(s *openapi3.Schema) (any, error) {
	members := map[string]any{}
	for c.dec.PeekKind() != '}' {
		token, err := c.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := c.text(token)
		var member *openapi3.Schema
		returned := false
		if s != nil {
			member = property(s, name)
			returned = c.returned(member)
			switch open := s.AdditionalProperties.Schema; {
			case returned, member == nil && listsMembers(s):
				c.unknownMember(name)
			case member == nil && open != nil:
				member = open.Value
			}
		}
		value, err := c.value(member)
		if err != nil {
			return nil, err
		}
		if !returned {
			members[name] = value
		}
	}
	_, err := c.dec.ReadToken()
	return members, err
}

// returned reports whether the next value is one that responses have in place
// of the one that the member takes (x-returned-as). It has no effect, so that a
// client can send back what it got.
func (c *checker) returned(member *openapi3.Schema) bool {
	return member != nil && c.dec.PeekKind() == '{' && member.Extensions["x-returned-as"] == openapi3.TypeObject
}

// array stores at most one item more than any array may have. That is enough to
// report that it is too long, and bounds the memory for a body with many items.
func (c *checker) array(s *openapi3.Schema) (any, error) {
	items := []any{}
	var itemSchema *openapi3.Schema
	if s != nil && s.Items != nil {
		itemSchema = s.Items.Value
	}
	for c.dec.PeekKind() != ']' {
		item, err := c.value(itemSchema)
		if err != nil {
			return nil, err
		}
		if len(items) <= c.op.longest {
			items = append(items, item)
		}
	}
	_, err := c.dec.ReadToken()
	return items, err
}

// text returns the text of a string or a name. It reports NUL, which PostgreSQL
// cannot store.
func (c *checker) text(token jsontext.Token) string {
	text := token.String()
	if strings.IndexByte(text, 0) >= 0 {
		c.add(fieldOf(c.op.body, bodyField, c.dec.StackPointer().Tokens()), hasNUL)
	}
	return text
}
