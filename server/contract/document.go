// Package contract reads the OpenAPI document once, at start, and checks
// requests and responses against it.
//
//	document.go     Load, which returns every operation or every error
//	operation.go    what one operation declares, and Check for requests
//	deprecation.go  the headers of deprecated operations
//	secret.go       whether responses contain secrets
//	target.go       the objects that a path names, and who may use them
//	params.go       parsing of path parameters, query and headers
//	ignored.go      what a request has and its operation does not know
//	body.go         media type, and strict parsing of the JSON text
//	schema.go       the messages for values that kin-openapi rejects
//	pattern.go      formats, and the regular expressions of JSON Schema
//	response.go     CheckResponse, for tests
//
// kin-openapi validates every value. This package parses the requests itself,
// because kin-openapi accepts what the contract does not allow: duplicate
// names, NUL, bytes after the value, parameters that do not parse. This package
// also writes the messages. When kin-openapi gets a new kind of error, add a
// message for it to schema.go; without one, the client receives "is invalid".
package contract

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/byline-api/byline/gen/spec"
)

// Document is the OpenAPI document, ready to be served.
type Document struct {
	// BasePath is the path below which the operations are.
	BasePath   string
	operations []*Operation
	routes     map[string]*route
}

// route is one path with its methods.
type route struct {
	methods map[string]*Operation
	allow   string
}

// methods are in the order in which the OpenAPI Specification lists them.
var methods = []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}

// Load reads the document that is compiled into the binary. It fails if an
// operation lacks a required declaration or needs a check that this package
// does not make. The error lists everything that is wrong.
func Load() (*Document, error) {
	data, err := spec.GetSpecJSON()
	if err != nil {
		return nil, fmt.Errorf("contract: unpack the document: %w", err)
	}
	return load(data)
}

func load(data []byte) (*Document, error) {
	parsed, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("contract: parse the document: %w", err)
	}
	// kin-openapi translates \uXXXX only when its digits are upper case.
	err = parsed.Validate(context.Background(), openapi3.SetRegexCompiler(regexMatcher))
	if err != nil {
		return nil, fmt.Errorf("contract: invalid document: %w", err)
	}
	base, err := basePath(parsed.Servers)
	if err != nil {
		return nil, err
	}
	var (
		d    = &Document{BasePath: base, routes: map[string]*route{}}
		ids  = map[string]bool{}
		gaps []error
	)
	for _, path := range parsed.Paths.Keys() {
		r := &route{methods: map[string]*Operation{}}
		item := parsed.Paths.Value(path)
		for _, method := range methods {
			declared := item.GetOperation(method)
			if declared == nil {
				continue
			}
			op, err := newOperation(method, path, declared, item.Parameters)
			op.Route = base + echoPath(path)
			if ids[op.ID] {
				err = errors.Join(err, fmt.Errorf("operationId %q is not unique", op.ID))
			}
			ids[op.ID] = true
			if err != nil {
				gaps = append(gaps, fmt.Errorf("openapi.yaml: %s %s: %w", method, path, err))
			}
			r.methods[method] = op
			d.operations = append(d.operations, op)
			d.routes[op.Route] = r
		}
		r.allow = strings.Join(slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return r.methods[m] == nil }), ", ")
	}
	if err := errors.Join(gaps...); err != nil {
		return nil, err
	}
	return d, nil
}

// basePath returns the path below which the operations are. The document must
// have one server, since the routes would be ambiguous with several.
func basePath(servers openapi3.Servers) (string, error) {
	if len(servers) != 1 {
		return "", fmt.Errorf("contract: the document must name one server, not %d", len(servers))
	}
	u, err := url.Parse(servers[0].URL)
	if err != nil {
		return "", fmt.Errorf("contract: server: %w", err)
	}
	return strings.TrimSuffix(u.Path, "/"), nil
}

// echoPath turns /articles/{slug} into /articles/:slug.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// Operations returns every operation, by path and then by method.
func (d *Document) Operations() []*Operation { return slices.Clone(d.operations) }

// Operation returns the operation of a method and a route, or nil. The route is
// in the form of Echo ("/api/articles/:slug").
func (d *Document) Operation(method, route string) *Operation {
	if r := d.routes[route]; r != nil {
		return r.methods[method]
	}
	return nil
}

// Allow returns the value of the Allow header of a route (RFC 9110, section
// 10.2.1), which lists its methods. It returns "" for an unknown route.
func (d *Document) Allow(route string) string {
	if r := d.routes[route]; r != nil {
		return r.allow
	}
	return ""
}
