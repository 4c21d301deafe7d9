package contract

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/byline-api/byline/api/problem"
)

// param is a parameter in a path, a query or a header.
type param struct {
	name     string
	key      string // of http.Header
	required bool
	schema   *openapi3.Schema
}

func newParam(p *openapi3.Parameter) (*param, error) {
	if p.In == openapi3.ParameterInCookie {
		return nil, errors.New("is in a cookie, which is not checked")
	}
	if p.Schema == nil || p.Style != "" || p.Explode != nil || p.AllowEmptyValue || p.AllowReserved {
		return nil, errors.New("needs a schema and the default style")
	}
	s := p.Schema.Value
	if !s.Type.Is(openapi3.TypeString) && !s.Type.Is(openapi3.TypeInteger) && !s.Type.Is(openapi3.TypeBoolean) {
		return nil, errors.New("must be a string, an integer or a boolean")
	}
	_, err := checkSchema(p.Schema)
	return &param{p.Name, http.CanonicalHeaderKey(p.Name), p.Required, s}, err
}

// params checks everything but the body. It returns an error for malformed
// text, which cannot be checked against a schema.
func (c *checker) params(r *http.Request, pathParam func(string) string) *problem.Error {
	for _, p := range c.op.path {
		value := pathParam(p.name)
		if message := malformed(value); message != "" {
			return problem.New(problem.InvalidRequest, p.name, message)
		}
		c.param(p, value)
	}
	if e := c.query(r.URL.RawQuery); e != nil {
		return e
	}
	for _, p := range c.op.headers {
		switch values := r.Header[p.key]; len(values) {
		case 0:
			if p.required {
				c.add(p.name, problem.Blank)
			}
		case 1:
			c.param(p, values[0])
		default:
			c.add(p.name, givenOnce)
		}
	}
	return nil
}

// query checks a raw query. It does not use url.URL.Query, which allocates a
// map for every request and drops what it cannot parse: without a filter that
// was dropped, the response would be the unfiltered list.
func (c *checker) query(raw string) *problem.Error {
	params := c.op.query
	var seen uint64
	for more := raw != ""; more; {
		var pair string
		pair, raw, more = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, message := unescape(key)
		if message != "" {
			return problem.New(problem.InvalidRequest, "query", message)
		}
		i, field := find(params, key)
		value, message = unescape(value)
		if message != "" {
			return problem.New(problem.InvalidRequest, field, message)
		}
		if i < 0 {
			c.unknownParam(key)
			continue
		}
		if seen&(1<<i) != 0 {
			c.add(field, givenOnce)
			continue
		}
		seen |= 1 << i
		c.param(params[i], value)
	}
	for i, p := range params {
		if p.required && seen&(1<<i) == 0 {
			c.add(p.name, problem.Blank)
		}
	}
	return nil
}

// find returns the index and the name of a parameter. For a parameter that the
// document does not declare it returns "query", since its own name is text of
// the client.
func find(params []*param, name string) (int, string) {
	for i, p := range params {
		if p.name == name {
			return i, name
		}
	}
	return -1, "query"
}

func (c *checker) param(p *param, text string) {
	if text == "" && !p.schema.Type.Is(openapi3.TypeString) {
		c.add(p.name, problem.Blank)
		return
	}
	c.judge(p.schema, p.name, textValue(p.schema, text))
}

// unescape decodes a key or a value of a query. If it cannot, it returns a
// message that says what is wrong.
func unescape(raw string) (text, message string) {
	// url.ParseQuery rejects semicolons as well, since proxies differ in
	// whether a semicolon separates parameters.
	if strings.Contains(raw, ";") {
		return "", "must not contain an unescaped semicolon"
	}
	text, err := url.QueryUnescape(raw)
	if err != nil {
		return "", "has an invalid percent-encoding"
	}
	return text, malformed(text)
}

// malformed returns a message if text is not allowed in a parameter, or "".
// PostgreSQL stores neither invalid UTF-8 nor NUL.
func malformed(text string) (message string) {
	if !utf8.ValidString(text) {
		return "is not valid UTF-8"
	}
	if strings.IndexByte(text, 0) >= 0 {
		return hasNUL
	}
	return ""
}
